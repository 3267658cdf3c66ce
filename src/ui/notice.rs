//! Lines that begin with `nightlatch:`, one each, beside the client's own output.

use super::theme::{Style, Theme, tier_word};
use super::{visible, wrap};
use crate::target::{Target, Tier};

/// In front of everything nightlatch says.
const NAME: &str = "nightlatch: ";

/// In front of the further lines of a notice that is not cut.
const HANG: &str = "  ";

/// Columns that a notice has for what it says, at least.
const LEAST: usize = 16;

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

/// Makes a notice that is whole on any terminal: as many lines as it takes.
#[must_use]
pub fn lines(text: &str, style: Style, cols: u16, theme: Theme) -> Vec<String> {
    wrap::line(&[(Style::Plain, NAME), (style, text)], HANG, room(cols, 0), theme)
}

/// Says where a session is: `nightlatch: PRODUCTION  orders-prod  app@db1/orders  server 15.18  23:41 …`.
///
/// `server` is its version; `late` says why it is late.
#[must_use]
pub fn banner(
    target: &Target,
    server: Option<&str>,
    local_time: &str,
    late: Option<&str>,
    cols: u16,
    theme: Theme,
) -> Vec<String> {
    let mut rest = String::new();
    if let Some(name) = &target.name {
        rest.push_str(&format!("  {name}"));
    }
    rest.push_str(&format!("  {}", target.address));
    if let Some(server) = server {
        rest.push_str(&format!("  server {server}"));
    }
    rest.push_str(&format!("  {local_time}"));
    if let Some(late) = late {
        rest.push_str(&format!(" LATE ({late})"));
    }
    let tier = (Style::Tier(target.tier), tier_word(target.tier));
    wrap::line(&[(Style::Plain, NAME), tier, (Style::Plain, &rest)], HANG, room(cols, 0), theme)
}

/// Says what a statement that was let through does: `updates rows of families (production)`.
#[must_use]
pub fn verdict(reasons: &[String], tier: Tier, cols: u16, theme: Theme) -> String {
    let what = match reasons {
        [] => "runs".to_owned(),
        reasons => reasons.join("; "),
    };
    // The tier stays even where the reasons are cut, unless nothing would be left of them.
    let tier = format!(" ({tier})");
    let has_room = room(cols, NAME.len() + tier.len()) >= LEAST;
    let tier = if has_room { tier } else { String::new() };
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
        let reasons = ["updates rows of families where id = 7".to_owned(), "locks".to_owned()];
        let all = [
            verdict(&reasons, Tier::Production, 80, plain),
            verdict(&reasons, Tier::Production, 50, plain),
            verdict(&reasons, Tier::Production, 36, plain),
            verdict(&[], Tier::Unknown, 80, plain),
            denied(&reasons, 80, plain),
            recording_stopped("no space left on device", 100, plain),
            recording_resumed(80, plain),
            unguarded("\\set SINGLESTEP off", 80, plain),
        ];
        insta::assert_snapshot!(all.join("\n"), @r"
        nightlatch: updates rows of families where id = 7; locks (production)
        nightlatch: updates rows of familie… (production)
        nightlatch: updates rows of famili…
        nightlatch: runs (unknown)
        nightlatch: denied: updates rows of families where id = 7; locks
        nightlatch: recording stopped: no space left on device; what you do is not recorded
        nightlatch: recording again; the gap is marked
        nightlatch: UNGUARDED: \set SINGLESTEP off
        ");
    }

    #[test]
    fn a_banner_is_whole_on_every_terminal() {
        let late = "late hours 22:00-06:00";
        let of = |cols| {
            let because = "because `*.prod.example.com` is orders-prod";
            let plain = Theme::plain();
            let mut all = banner(&target(), Some("15.18"), "23:41 CET", Some(late), cols, plain);
            all.extend(lines(because, Style::Plain, cols, plain));
            format!("-- {cols}\n{}", all.join("\n"))
        };
        insta::assert_snapshot!([0, 80, 60, 40].map(of).join("\n"), @r"
        -- 0
        nightlatch: PRODUCTION  orders-prod  app@db1.prod.example.com:5432/orders  server 15.18  23:41 CET LATE (late hours 22:00-06:00)
        nightlatch: because `*.prod.example.com` is orders-prod
        -- 80
        nightlatch: PRODUCTION  orders-prod  app@db1.prod.example.com:5432/orders
          server 15.18  23:41 CET LATE (late hours 22:00-06:00)
        nightlatch: because `*.prod.example.com` is orders-prod
        -- 60
        nightlatch: PRODUCTION  orders-prod
          app@db1.prod.example.com:5432/orders  server 15.18
          23:41 CET LATE (late hours 22:00-06:00)
        nightlatch: because `*.prod.example.com` is orders-prod
        -- 40
        nightlatch: PRODUCTION  orders-prod
          app@db1.prod.example.com:5432/orders
          server 15.18  23:41 CET LATE (late
          hours 22:00-06:00)
        nightlatch: because
          `*.prod.example.com` is orders-prod
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
            let cut = [
                line(&text, Style::Plain, cols, plain),
                verdict(std::slice::from_ref(&text), Tier::Production, cols, plain),
            ];
            let whole = banner(&target, Some(&text), &text, Some(&text), cols, plain);
            for out in cut.into_iter().chain(whole) {
                prop_assert!(visible::width(&out) < usize::from(cols), "{out:?}");
                prop_assert!(!out.chars().any(char::is_control), "{out:?}");
            }
        }
    }
}
