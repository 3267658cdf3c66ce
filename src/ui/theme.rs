//! The colours. They only repeat what the words say, and there are none where none are wanted.

use crate::target::Tier;

/// What a piece of text is, as far as its look goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Style {
    /// Ordinary text.
    #[default]
    Plain,
    /// The word for a tier.
    Tier(Tier),
    /// What a person must not miss.
    Strong,
    /// A warning.
    Warning,
    /// What matters least.
    Faint,
    /// What was searched for.
    Match,
    /// What a key would take.
    Selected,
    /// What was searched for, in it.
    SelectedMatch,
    /// A stand-in for a character that is not sent to the terminal as it is.
    Escaped,
}

/// Turns styles into escape sequences, or into nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    is_coloured: bool,
}

impl Theme {
    /// Makes a theme; `is_coloured` is false under `NO_COLOR` and `TERM=dumb`.
    #[must_use]
    pub fn new(is_coloured: bool) -> Self {
        Self { is_coloured }
    }

    /// Returns whether anything is coloured.
    #[must_use]
    pub fn is_coloured(self) -> bool {
        self.is_coloured
    }

    /// Makes the theme that adds nothing.
    #[must_use]
    pub fn plain() -> Self {
        Self::new(false)
    }

    /// Appends `text` in `style`. The text must have been made visible already.
    pub fn paint(self, out: &mut String, style: Style, text: &str) {
        let sgr = self.sgr(style);
        if sgr.is_empty() || text.is_empty() {
            out.push_str(text);
            return;
        }
        out.push_str("\x1b[");
        out.push_str(sgr);
        out.push('m');
        out.push_str(text);
        out.push_str("\x1b[0m");
    }

    /// Only the 16 colours every theme of a terminal defines, each with its own background where
    /// it must be readable on any.
    fn sgr(self, style: Style) -> &'static str {
        if !self.is_coloured {
            return "";
        }
        match style {
            Style::Plain => "",
            Style::Tier(Tier::Production) => "1;97;41",
            Style::Tier(Tier::Staging | Tier::Unknown) => "1;30;43",
            Style::Tier(Tier::Development) => "1;30;42",
            Style::Strong => "1",
            Style::Warning => "1;31",
            Style::Faint => "2",
            Style::Match => "1;4",
            Style::SelectedMatch => "1;4;7",
            Style::Selected | Style::Escaped => "7",
        }
    }
}

/// Returns the word for a tier where it must not be missed.
#[must_use]
pub fn tier_word(tier: Tier) -> &'static str {
    match tier {
        Tier::Production => "PRODUCTION",
        Tier::Staging => "STAGING",
        Tier::Development => "DEVELOPMENT",
        Tier::Unknown => "UNKNOWN TIER",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn painted(theme: Theme, style: Style) -> String {
        let mut out = String::new();
        theme.paint(&mut out, style, "x");
        out
    }

    #[test]
    fn a_plain_theme_adds_nothing() {
        for style in [Style::Tier(Tier::Production), Style::Strong, Style::Escaped] {
            assert_eq!(painted(Theme::plain(), style), "x");
        }
    }

    #[test]
    fn every_colour_is_taken_back() {
        let out = painted(Theme::new(true), Style::Tier(Tier::Production));
        assert_eq!(out, "\x1b[1;97;41mx\x1b[0m");
    }
}
