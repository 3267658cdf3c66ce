//! How a failure is printed: what happened, why, and what to try.

use std::error::Error as _;

use super::theme::{Style, Theme};
use super::visible::one_line;
use crate::error::Error;

/// Causes below the message; a chain that is longer goes in a circle or helps nobody.
const DEEPEST: usize = 16;

/// Writes an error for the terminal: message, causes, next step, each on its own line.
///
/// Line breaks of the message and the hint are kept, everything else that could move a cursor is
/// made visible: texts of errors quote files and servers.
#[must_use]
pub fn render(error: &Error, theme: Theme) -> String {
    let mut out = String::new();
    theme.paint(&mut out, Style::Warning, "nightlatch:");
    out.push(' ');
    push_lines(&mut out, &error.message, "  ");
    let mut cause = error.source();
    let mut said = error.message.clone();
    for _ in 0..DEEPEST {
        let Some(next) = cause else { break };
        let text = next.to_string();
        // Many errors repeat their cause in their own text.
        if !said.contains(&text) {
            out.push_str("  because: ");
            push_lines(&mut out, &text, "    ");
        }
        said = text;
        cause = next.source();
    }
    if let Some(hint) = &error.hint {
        out.push_str("  ");
        theme.paint(&mut out, Style::Strong, "try:");
        out.push(' ');
        push_lines(&mut out, hint, "    ");
    }
    out
}

fn push_lines(out: &mut String, text: &str, hang: &str) {
    for (at, line) in text.lines().enumerate() {
        if at > 0 {
            out.push_str(hang);
        }
        out.push_str(&one_line(line));
        out.push('\n');
    }
    if text.is_empty() {
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_causes_and_hint() {
        let cause = std::io::Error::other("no such file\x1b[2J");
        let error = Error::ours("The configuration /etc/n.toml cannot be read.")
            .because(cause)
            .hint("Check the path with `nightlatch config path`.");
        insta::assert_snapshot!(render(&error, Theme::plain()), @r"
        nightlatch: The configuration /etc/n.toml cannot be read.
          because: no such file^[[2J
          try: Check the path with `nightlatch config path`.
        ");
    }

    #[test]
    fn a_message_of_several_lines_keeps_them() {
        let error = Error::ours("Two mistakes.\nline 1: a\nline 2: b");
        insta::assert_snapshot!(render(&error, Theme::plain()), @"
        nightlatch: Two mistakes.
          line 1: a
          line 2: b
        ");
    }

    #[test]
    fn a_cause_that_was_said_is_not_said_again() {
        let error = Error::ours("Cannot start: gone.").because(std::io::Error::other("gone"));
        assert_eq!(render(&error, Theme::plain()), "nightlatch: Cannot start: gone.\n");
    }
}
