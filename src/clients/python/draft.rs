//! What is typed at a prompt of Python, off the screen: where no guard tells.

/// The prompts that a statement begins at, beside IPython's, and those it goes on at.
const BEGINS: &[&str] = &[">>>", "(Pdb)", "ipdb>"];
const GOES_ON: &[&str] = &["...:", "..."];

/// Finds the statement that is being typed at the screen's end; none where no prompt is there.
#[must_use]
pub fn typed(screen: &str) -> Option<String> {
    let mut typed: Option<String> = None;
    for line in screen.lines().filter(|line| !line.trim().is_empty()) {
        typed = match (begun(line), typed) {
            (Some(text), _) => Some(text.to_owned()),
            (None, Some(typed)) => {
                // Anything else is what the last statement printed.
                behind(line.trim_start(), GOES_ON).map(|text| format!("{typed}\n{text}"))
            }
            (None, None) => None,
        };
    }
    typed.filter(|text| !text.trim().is_empty())
}

fn begun(line: &str) -> Option<&str> {
    let numbered = line.strip_prefix("In [").and_then(|rest| {
        let (number, text) = rest.split_once("]:")?;
        number.bytes().all(|byte| byte.is_ascii_digit()).then_some(text)
    });
    numbered.map(unspaced).or_else(|| behind(line, BEGINS))
}

/// Returns what stands behind one of the prompts.
fn behind<'a>(line: &'a str, prompts: &[&str]) -> Option<&'a str> {
    prompts.iter().find_map(|prompt| line.strip_prefix(prompt)).map(unspaced)
}

/// Takes off the prompt's own space. The screen does not tell one at the end of a line, so that it is
/// not before what was pasted there.
fn unspaced(text: &str) -> &str {
    text.strip_prefix(' ').unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_statement_counts() {
        for (screen, expected) in [
            ("", None),
            ("Python 3.11.7\n>>>", None),
            (">>> x = 1", Some("x = 1")),
            ("Python 3\n>>> x\n3\n>>> f.delete()\n", Some("f.delete()")),
            (">>> x\n3", None),
            ("[sudo] password for me:", None),
            (">>> for f in fs:\n...     f.delete()\n...", Some("for f in fs:\n    f.delete()\n")),
            (
                "In [12]: for f in fs:\n    ...:     f.delete()",
                Some("for f in fs:\n    f.delete()"),
            ),
            ("In [x]: no", None),
            ("(Pdb) !q.delete()", Some("!q.delete()")),
            (">>>pasted", Some("pasted")),
            ("pasted", None),
        ] {
            assert_eq!(typed(screen).as_deref(), expected, "{screen}");
        }
    }
}
