//! Lines that begin with `nightlatch:`, one each, beside the client's own output.

use super::theme::{Style, Theme, tier_word};
use super::visible;
use crate::target::{Target, Tier};

/// In front of everything nightlatch says.
const NAME: &str = "nightlatch: ";

/// Columns where nobody knows them: a log file, a pty without a size.
const ENDLESS: usize = 1000;

/// Makes a notice: visible, cut to the width, without a line end.
///
/// `cols` of 0 means that there is no width to keep to.
#[must_use]
pub fn line(text: &str, style: Style, cols: u16, theme: Theme) -> String {
    let mut out = NAME.to_owned();
    theme.paint(&mut out, style, &visible::cut(text, room(cols, NAME.len())));
    out
}

/// Says where a session is: `nightlatch: PRODUCTION  orders-prod  app@db1/orders  23:41 …`.
///
/// `evidence` says in one line why the tier is what it is; `late` why it is late.
#[must_use]
pub fn banner(
    target: &Target,
    evidence: &str,
    local_time: &str,
    late: Option<&str>,
    cols: u16,
    theme: Theme,
) -> String {
    let tier = tier_word(target.tier);
    let mut rest = String::new();
    if let Some(name) = &target.name {
        rest.push_str(&format!("  {name}"));
    }
    rest.push_str(&format!("  {}  {local_time}", target.address));
    if let Some(late) = late {
        rest.push_str(&format!(" LATE ({late})"));
    }
    // What matters least stands last, where the line may be cut.
    if !evidence.is_empty() {
        rest.push_str(&format!("  because of {evidence}"));
    }
    let mut out = NAME.to_owned();
    theme.paint(&mut out, Style::Tier(target.tier), tier);
    out.push_str(&visible::cut(&rest, room(cols, NAME.len() + tier.len())));
    out
}

/// Says what a statement that was let through does: `updates rows of families (production)`.
#[must_use]
pub fn verdict(reasons: &[String], tier: Tier, cols: u16, theme: Theme) -> String {
    let what = match reasons {
        [] => "runs".to_owned(),
        reasons => reasons.join("; "),
    };
    // The tier stays even where the reasons are cut.
    let tier = format!(" ({tier})");
    let mut out = NAME.to_owned();
    out.push_str(&visible::cut(&what, room(cols, NAME.len() + tier.len())));
    theme.paint(&mut out, Style::Strong, &tier);
    out
}

/// Says that a statement is refused by a rule that no answer lifts.
#[must_use]
pub fn denied(reasons: &[String], cols: u16, theme: Theme) -> String {
    line(&format!("denied: {}", reasons.join("; ")), Style::Warning, cols, theme)
}

/// Says that what happens from here on is not recorded.
#[must_use]
pub fn recording_stopped(why: &str, cols: u16, theme: Theme) -> String {
    let text = format!("recording stopped: {why}; what you do is not recorded");
    line(&text, Style::Warning, cols, theme)
}

/// Says that recording works again.
#[must_use]
pub fn recording_resumed(cols: u16, theme: Theme) -> String {
    line("recording again; the gap is marked", Style::Plain, cols, theme)
}

/// Says that statements of this session are not held, and why.
#[must_use]
pub fn unguarded(why: &str, cols: u16, theme: Theme) -> String {
    line(&format!("UNGUARDED: {why}"), Style::Warning, cols, theme)
}

/// Frames a line for a terminal in raw mode: `is_fresh_line` says that the cursor stands at the
/// start of an empty line already.
#[must_use]
pub fn framed(line: &str, is_fresh_line: bool) -> Vec<u8> {
    let start = if is_fresh_line { "" } else { "\r\n" };
    format!("{start}{line}\r\n").into_bytes()
}

/// One column stays free, where terminals differ on when to wrap.
fn room(cols: u16, taken: usize) -> usize {
    let cols = if cols == 0 { ENDLESS } else { usize::from(cols) };
    cols.saturating_sub(1 + taken)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::target::Address;

    fn target() -> Target {
        Target {
            address: Address {
                user: Some("app".to_owned()),
                host: Some("db1.prod.example.com".to_owned()),
                port: Some(5432),
                database: Some("orders".to_owned()),
            },
            tier: Tier::Production,
            name: Some("orders-prod".to_owned()),
        }
    }

    #[test]
    fn every_notice() {
        let plain = Theme::plain();
        let evidence = "the pattern *.prod.example.com in config.toml";
        let reasons = ["updates rows of families where id = 7".to_owned(), "locks".to_owned()];
        let all = [
            banner(&target(), evidence, "23:41", Some("late hours 22:00-06:00"), 0, plain),
            banner(&target(), evidence, "14:05", None, 100, plain),
            banner(&target(), evidence, "14:05", None, 40, plain),
            verdict(&reasons, Tier::Production, 80, plain),
            verdict(&reasons, Tier::Production, 50, plain),
            verdict(&[], Tier::Unknown, 80, plain),
            denied(&reasons, 80, plain),
            recording_stopped("no space left on device", 100, plain),
            recording_resumed(80, plain),
            unguarded("\\set SINGLESTEP off", 80, plain),
        ];
        insta::assert_snapshot!(all.join("\n"), @r"
        nightlatch: PRODUCTION  orders-prod  app@db1.prod.example.com:5432/orders  23:41 LATE (late hours 22:00-06:00)  because of the pattern *.prod.example.com in config.toml
        nightlatch: PRODUCTION  orders-prod  app@db1.prod.example.com:5432/orders  14:05  because of the p…
        nightlatch: PRODUCTION  orders-prod  a…
        nightlatch: updates rows of families where id = 7; locks (production)
        nightlatch: updates rows of familie… (production)
        nightlatch: runs (unknown)
        nightlatch: denied: updates rows of families where id = 7; locks
        nightlatch: recording stopped: no space left on device; what you do is not recorded
        nightlatch: recording again; the gap is marked
        nightlatch: UNGUARDED: \set SINGLESTEP off
        ");
    }

    #[test]
    fn a_line_of_its_own() {
        assert_eq!(framed("nightlatch: x", true), b"nightlatch: x\r\n");
        assert_eq!(framed("nightlatch: x", false), b"\r\nnightlatch: x\r\n");
    }

    proptest! {
        #[test]
        fn a_notice_fits_and_holds_nothing_raw(text in any::<String>(), cols in 40_u16..120) {
            let mut target = target();
            target.name = Some(text.clone());
            let plain = Theme::plain();
            for out in [
                line(&text, Style::Plain, cols, plain),
                banner(&target, &text, &text, Some(&text), cols, plain),
                verdict(std::slice::from_ref(&text), Tier::Production, cols, plain),
            ] {
                prop_assert!(visible::width(&out) < usize::from(cols), "{out:?}");
                prop_assert!(!out.chars().any(char::is_control), "{out:?}");
            }
        }
    }
}
