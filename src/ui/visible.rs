//! Hostile text made visible: nothing that comes out of here moves a cursor, changes the order of
//! letters, or hides.
//!
//! A statement, a name or an error text may hold escape sequences, C1 controls, bidi overrides and
//! characters nobody can see. Each is replaced by a stand-in: `^[`, `<U+202E>`. Letters of
//! right-to-left scripts are passed on; a terminal that reorders them does so by itself.

use std::borrow::Cow;

use unicode_width::UnicodeWidthChar;

/// Combining marks after one letter; more would climb over the lines above.
const MARKS_PER_LETTER: usize = 2;

/// Format characters, fillers, variation selectors, blanks that are no ASCII space, private use
/// and noncharacters: invisible, or not what they seem.
const UNSEEN: &[(u32, u32)] = &[
    (0x00A0, 0x00A0),
    (0x00AD, 0x00AD),
    (0x034F, 0x034F),
    (0x0600, 0x0605),
    (0x061C, 0x061C),
    (0x06DD, 0x06DD),
    (0x070F, 0x070F),
    (0x0890, 0x0891),
    (0x08E2, 0x08E2),
    (0x115F, 0x1160),
    (0x1680, 0x1680),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x2000, 0x200F),
    (0x2028, 0x202F),
    (0x205F, 0x206F),
    (0x2800, 0x2800),
    (0x3000, 0x3000),
    (0x3164, 0x3164),
    (0xE000, 0xF8FF),
    (0xFDD0, 0xFDEF),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFB),
    (0xFFFE, 0xFFFF),
    (0x110BD, 0x110BD),
    (0x110CD, 0x110CD),
    (0x13430, 0x1345F),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0x10FFFF),
];

/// What a glyph is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text as it is.
    Text,
    /// A stand-in for something that is not shown as it is.
    Escaped,
    /// A tab; its width depends on where it stands.
    Tab,
    /// LF or CR LF.
    Newline,
}

/// One thing to draw, safe to send to a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glyph<'a> {
    /// What it is.
    pub kind: Kind,
    /// What to send; empty for a tab and a newline.
    pub text: Cow<'a, str>,
    /// Columns.
    pub width: usize,
    /// Where the next glyph starts in the source, in bytes.
    pub end: usize,
}

/// Says whether a character can be sent to a terminal and takes up room there.
#[must_use]
pub fn is_plain(c: char) -> bool {
    c.width().is_some_and(|width| width > 0) && !is_unseen(c)
}

/// Says whether a character only changes the one before it, and may.
#[must_use]
pub fn is_mark(c: char) -> bool {
    c.width() == Some(0) && !c.is_control() && !is_unseen(c)
}

fn is_unseen(c: char) -> bool {
    let code = u32::from(c);
    code >= 0xA0 && UNSEEN.iter().any(|(first, last)| (*first..=*last).contains(&code))
}

/// Cuts text into glyphs. Lazy: a megabyte costs nothing until it is read.
pub fn glyphs(text: &str) -> impl Iterator<Item = Glyph<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = &text[at..];
        let first = rest.chars().next()?;
        let (kind, shown, width, used) = if first == '\n' || rest.starts_with("\r\n") {
            (Kind::Newline, Cow::Borrowed(""), 0, if first == '\n' { 1 } else { 2 })
        } else if first == '\t' {
            (Kind::Tab, Cow::Borrowed(""), 0, 1)
        } else if is_plain(first) {
            let marks = rest[first.len_utf8()..].chars().take(MARKS_PER_LETTER);
            let marks: usize = marks.take_while(|c| is_mark(*c)).map(char::len_utf8).sum();
            let used = first.len_utf8() + marks;
            (Kind::Text, Cow::Borrowed(&rest[..used]), first.width().unwrap_or(1), used)
        } else {
            let shown = stand_in(first);
            let width = shown.len();
            (Kind::Escaped, Cow::Owned(shown), width, first.len_utf8())
        };
        at += used;
        Some(Glyph { kind, text: shown, width, end: at })
    })
}

/// All ASCII, so its length is its width.
fn stand_in(c: char) -> String {
    match c {
        '\0'..='\x1f' => format!("^{}", char::from(c as u8 + 0x40)),
        '\x7f' => "^?".to_owned(),
        _ => format!("<U+{:04X}>", u32::from(c)),
    }
}

/// Makes text visible on one line: a newline becomes `^J`, a tab a space.
#[must_use]
pub fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for glyph in glyphs(text) {
        match glyph.kind {
            Kind::Text | Kind::Escaped => out.push_str(&glyph.text),
            Kind::Tab => out.push(' '),
            Kind::Newline => out.push_str("^J"),
        }
    }
    out
}

/// Makes text visible on one line of at most `width` columns; what is cut off shows as `…`.
#[must_use]
pub fn cut(text: &str, width: usize) -> String {
    let mut out = String::new();
    let mut column = 0;
    // Where to go back to so that `…` has room.
    let mut keep = 0;
    for glyph in glyphs(text) {
        let (shown, columns) = match glyph.kind {
            Kind::Text | Kind::Escaped => (&*glyph.text, glyph.width),
            Kind::Tab => (" ", 1),
            Kind::Newline => ("^J", 2),
        };
        if column + columns > width {
            out.truncate(keep);
            if width > 0 {
                out.push('…');
            }
            return out;
        }
        out.push_str(shown);
        column += columns;
        if column < width {
            keep = out.len();
        }
    }
    out
}

/// Returns the columns of text that is visible already.
#[must_use]
pub fn width(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_cannot_be_seen_is_named() {
        let hostile = "a\x1b[2J\u{9b}1m\u{202e}b\u{2066}\u{200b}\r\x07\x7f\u{feff}";
        insta::assert_snapshot!(
            one_line(hostile),
            @"a^[[2J<U+009B>1m<U+202E>b<U+2066><U+200B>^M^G^?<U+FEFF>"
        );
    }

    #[test]
    fn letters_of_all_scripts_pass() {
        for text in ["Größe", "家族", "семья", "e\u{301}", "😀", "สวัสดี", "עברית"]
        {
            assert_eq!(one_line(text), text);
        }
    }

    #[test]
    fn marks_do_not_pile_up_and_need_a_letter() {
        assert_eq!(one_line("a\u{301}\u{301}\u{301}"), "a\u{301}\u{301}<U+0301>");
        assert_eq!(one_line("\u{301}a"), "<U+0301>a");
    }

    #[test]
    fn crlf_is_one_newline_and_a_lone_cr_is_seen() {
        let kinds: Vec<Kind> = glyphs("\r\n\r\n\r").map(|glyph| glyph.kind).collect();
        assert_eq!(kinds, [Kind::Newline, Kind::Newline, Kind::Escaped]);
    }

    #[test]
    fn a_cut_fits_and_says_so() {
        assert_eq!(cut("families", 8), "families");
        assert_eq!(cut("families", 7), "famili…");
        assert_eq!(cut("家族家族", 6), "家族…");
        assert_eq!(cut("家族家族", 7), "家族家…");
        assert_eq!(cut("x", 0), "");
    }

    proptest! {
        #[test]
        fn nothing_raw_comes_out(text in any::<String>(), columns in 0_usize..40) {
            for out in [one_line(&text), cut(&text, columns)] {
                prop_assert!(!out.chars().any(|c| c.is_control() || is_unseen(c)), "{out:?}");
            }
            prop_assert!(width(&cut(&text, columns)) <= columns);
        }
    }
}
