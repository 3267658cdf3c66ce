//! What is said where a statement is refused and nobody could be asked.

use super::visible;
use crate::policy::Verdict;
use crate::target::Target;

/// Columns and lines of the statement that are shown; the recording has all of it.
const STATEMENT_COLS: usize = 200;
const STATEMENT_LINES: usize = 8;

/// Says what was refused, why, and how to approve it; `approved` is the target that was approved,
/// if one was. Several lines, without the last line end.
#[must_use]
pub fn text(
    statement: &str,
    verdict: &Verdict,
    target: &Target,
    why: &str,
    approved: Option<&str>,
) -> String {
    let address = target.address.place();
    let name = target.name.as_ref().unwrap_or(&address);
    let lines: Vec<&str> = statement.trim().lines().collect();
    let mut text =
        format!("nightlatch: refused on {} {}:", verdict.judged_as, visible::one_line(name));
    if let [line] = lines[..] {
        text.push_str(&format!(" {}", visible::cut(line, STATEMENT_COLS)));
    } else {
        for line in lines.iter().take(STATEMENT_LINES) {
            text.push_str(&format!("\nnightlatch: | {}", visible::cut(line, STATEMENT_COLS)));
        }
        match lines.len().saturating_sub(STATEMENT_LINES) {
            0 => {}
            1 => text.push_str("\nnightlatch: | … 1 more line"),
            more => text.push_str(&format!("\nnightlatch: | … {more} more lines")),
        }
    }
    for reason in &verdict.reasons {
        text.push_str(&format!("\nnightlatch:   {}", visible::one_line(reason)));
    }
    text.push_str(&format!("\nnightlatch: it did not run ({why})"));
    if let Some(approved) = approved {
        let names = match &target.name {
            Some(name) => format!("{} or {}", quoted(name), quoted(&address)),
            None => quoted(&address),
        };
        text.push_str(&format!(
            "\nnightlatch: the approval names {}, and this target is {names}",
            quoted(approved)
        ));
    }
    text.push_str(&format!(
        "\nnightlatch: to let it run: NIGHTLATCH_APPROVE={} and the same command again",
        quoted(name)
    ));
    text
}

/// Quotes for a shell.
fn quoted(name: &str) -> String {
    format!("'{}'", visible::one_line(name).replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Confidence, Decision};
    use crate::target::{Address, Tier};

    #[test]
    fn a_refusal_says_what_why_and_how() {
        let verdict = Verdict {
            decision: Decision::Deny,
            confidence: Confidence::Parsed,
            findings: vec![],
            reasons: vec!["deletes every row of families".into()],
            judged_as: Tier::Production,
        };
        let target = Target {
            address: Address {
                user: Some("app".into()),
                host: Some("db".into()),
                port: Some(5432),
                database: Some("orders".into()),
            },
            tier: Tier::Development,
            name: None,
        };
        let said = |target: &Target, approved| {
            text("delete from families;\n", &verdict, target, "no terminal to ask on", approved)
        };
        insta::assert_snapshot!(
            said(&target, None),
            @r"
        nightlatch: refused on production db:5432/orders: delete from families;
        nightlatch:   deletes every row of families
        nightlatch: it did not run (no terminal to ask on)
        nightlatch: to let it run: NIGHTLATCH_APPROVE='db:5432/orders' and the same command again
        "
        );
        let long = format!("delete\r\n  from families;\n{}", "-- on\n".repeat(9));
        let said_of = text(&long, &verdict, &target, "no terminal to ask on", None);
        insta::assert_snapshot!(said_of.lines().take(10).collect::<Vec<_>>().join("\n"), @r"
        nightlatch: refused on production db:5432/orders:
        nightlatch: | delete
        nightlatch: |   from families;
        nightlatch: | -- on
        nightlatch: | -- on
        nightlatch: | -- on
        nightlatch: | -- on
        nightlatch: | -- on
        nightlatch: | -- on
        nightlatch: | … 3 more lines
        ");
        let target = Target { name: Some("it's".into()), ..target };
        insta::assert_snapshot!(
            said(&target, Some("orders")),
            @r"
        nightlatch: refused on production it's: delete from families;
        nightlatch:   deletes every row of families
        nightlatch: it did not run (no terminal to ask on)
        nightlatch: the approval names 'orders', and this target is 'it'\''s' or 'db:5432/orders'
        nightlatch: to let it run: NIGHTLATCH_APPROVE='it'\''s' and the same command again
        "
        );
    }
}
