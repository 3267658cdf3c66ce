//! What is said where a statement is refused and nobody could be asked.

use super::visible;
use crate::policy::Verdict;
use crate::target::Target;

/// Columns of the statement that are shown; the recording has all of it.
const STATEMENT_COLS: usize = 200;

/// Returns `host:port/database`, the form `--approve` takes.
#[must_use]
pub fn address(target: &Target) -> String {
    let address = &target.address;
    let host = address.host.as_deref().unwrap_or("");
    let database = address.database.as_deref().unwrap_or("");
    match address.port {
        Some(port) => format!("{host}:{port}/{database}"),
        None => format!("{host}/{database}"),
    }
}

/// Says what was refused, why, and how to approve it. Several lines, without the last line end.
#[must_use]
pub fn text(statement: &str, verdict: &Verdict, target: &Target, why: &str) -> String {
    let name = target.name.clone().unwrap_or_else(|| address(target));
    let mut text = format!(
        "nightlatch: refused on {} {}: {}",
        target.tier,
        visible::one_line(&name),
        visible::cut(statement.trim(), STATEMENT_COLS)
    );
    for reason in &verdict.reasons {
        text.push_str(&format!("\nnightlatch:   {}", visible::one_line(reason)));
    }
    text.push_str(&format!("\nnightlatch: it did not run ({why})"));
    text.push_str(&format!(
        "\nnightlatch: to let it run: NIGHTLATCH_APPROVE='{}' and the same command again",
        visible::one_line(&name).replace('\'', "'\\''")
    ));
    text
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
        };
        let target = Target {
            address: Address {
                user: Some("app".into()),
                host: Some("db".into()),
                port: Some(5432),
                database: Some("orders".into()),
            },
            tier: Tier::Production,
            name: None,
        };
        insta::assert_snapshot!(
            text("delete from families;\n", &verdict, &target, "no terminal to ask on"),
            @r"
        nightlatch: refused on production db:5432/orders: delete from families;
        nightlatch:   deletes every row of families
        nightlatch: it did not run (no terminal to ask on)
        nightlatch: to let it run: NIGHTLATCH_APPROVE='db:5432/orders' and the same command again
        "
        );
    }
}
