//! mongosh's prompts on a screen, where no guard tells what is typed: in the legacy shell, and in a
//! mongosh that took none in.

use crate::clients::draft::{self, behind, unspaced};

/// What a statement goes on at.
const GOES_ON: &[&str] = &["..."];

/// What a prompt that begins one ends with: `>`, `app>`, `rs0:PRIMARY>`, `Atlas rs0 [primary] app>`.
const BEGINS: &str = ">";

/// Longest prompt that is taken for one, in bytes.
const MOST_BYTES: usize = 120;

/// Finds the statement that is being typed at the screen's end; none where no prompt is there.
#[must_use]
pub(super) fn typed(screen: &str) -> Option<String> {
    draft::typed(screen, begun, |line| behind(line, GOES_ON))
}

/// Returns what stands behind a prompt: names of a set, a state and a database, and no code.
fn begun(line: &str) -> Option<&str> {
    let (prompt, text) = line.split_once(BEGINS)?;
    let is_named = |c: char| c.is_alphanumeric() || " :_-.[]!".contains(c);
    let is_prompt = prompt.len() <= MOST_BYTES && prompt.chars().all(is_named);
    is_prompt.then(|| unspaced(text))
}

#[cfg(test)]
mod tests {
    use super::typed;
    use crate::clients::draft::tests::check;

    #[test]
    fn the_last_statement_counts() {
        let screens = [
            ("", None),
            ("MongoDB shell version v4.4\n>", None),
            ("> db.family.drop()", Some("db.family.drop()")),
            ("rs0:PRIMARY> db.family.drop()", Some("db.family.drop()")),
            ("Atlas rs0 [primary] app> show dbs", Some("show dbs")),
            ("> x = 1\n1\n> db.a.remove({})\n", Some("db.a.remove({})")),
            ("> x = 1\n1", None),
            (
                "> db.a.find().forEach(\n... x => db.a.remove(x))",
                Some("db.a.find().forEach(\nx => db.a.remove(x))"),
            ),
            ("{ a: (1 > 0) }", None),
        ];
        check(typed, &screens);
    }
}
