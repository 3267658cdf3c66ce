//! Python's prompts on a screen, where no guard tells what is typed.

use crate::clients::draft::{self, behind, unspaced};

/// The prompts that a statement begins at, beside IPython's, and those it goes on at.
const BEGINS: &[&str] = &[">>>", "(Pdb)", "ipdb>"];
const GOES_ON: &[&str] = &["...:", "..."];

/// Finds the statement that is being typed at the screen's end; none where no prompt is there.
#[must_use]
pub fn typed(screen: &str) -> Option<String> {
    draft::typed(screen, begun, |line| behind(line.trim_start(), GOES_ON))
}

fn begun(line: &str) -> Option<&str> {
    let numbered = line.strip_prefix("In [").and_then(|rest| {
        let (number, text) = rest.split_once("]:")?;
        number.bytes().all(|byte| byte.is_ascii_digit()).then_some(text)
    });
    numbered.map(unspaced).or_else(|| behind(line, BEGINS))
}

#[cfg(test)]
mod tests {
    use super::typed;
    use crate::clients::draft::tests::check;

    #[test]
    fn the_last_statement_counts() {
        let screens = [
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
        ];
        check(typed, &screens);
    }
}
