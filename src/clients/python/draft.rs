//! Python's prompts on a screen, where no guard tells what is typed.

use crate::clients::draft::{self, behind, unspaced};
use crate::screen::JOINT;

/// The prompts that a statement begins at, beside IPython's, and those it goes on at.
const BEGINS: &[&str] = &[">>>", "(Pdb)", "ipdb>"];
const GOES_ON: &[&str] = &["...:", "..."];

/// What IPython shows in front of a row that goes on with the one above.
const WRAPPED: &str = "⋮ ";

/// Finds the statement that is being typed at the screen's end; none where no prompt is there.
#[must_use]
pub fn typed(screen: &str) -> Option<String> {
    draft::typed(&mended(screen), begun, |line| behind(line.trim_start(), GOES_ON))
}

/// Takes off what line editors show where they wrap a line: Python's own since 3.13 a backslash at the
/// row's end, IPython's dots at the begin of the next.
fn mended(screen: &str) -> String {
    let mut parts = screen.split(JOINT);
    let mut mended = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        if mended.ends_with('\\') {
            mended.pop();
        }
        mended.push_str(part.trim_start_matches(' ').strip_prefix(WRAPPED).unwrap_or(part));
    }
    mended
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
            (
                ">>> c.execute(\"delet\\\u{1}e from families\")",
                Some("c.execute(\"delete from families\")"),
            ),
            (
                "In [1]: c.execute(\"delet\u{1}      ⋮ e from t\")",
                Some("c.execute(\"delete from t\")"),
            ),
            (">>> x = 'a \u{1}  b'", Some("x = 'a   b'")),
        ];
        check(typed, &screens);
    }
}
