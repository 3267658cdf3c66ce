//! libedit's editrc: the bindings in it that can hand a line over.
//!
//! Conditions on the program's name are not tested: what any of them binds counts.

use super::{Found, named};
use crate::session::keys::{Binding, Does};

/// Commands that hand the line over.
const SUBMIT: [&str; 2] = ["ed-newline", "ed-end-of-file"];

/// The one that makes a comment of the line first.
const COMMENT: &str = "vi-comment-out";

/// Commands that hand over what cannot be read beforehand.
const SUBMIT_BLIND: [&str; 2] = ["vi-histedit", "vi-alias"];

/// Reads a file's text and adds what it binds.
pub(super) fn read(text: &[u8], found: &mut Found) {
    for line in text.split(|&byte| byte == b'\n') {
        let line = String::from_utf8_lossy(line);
        let words = words(&line);
        let Some((command, words)) = words.split_first() else { continue };
        let command = command.rsplit(':').next().unwrap_or(command);
        if command != "bind" {
            continue;
        }
        let (options, operands): (Vec<&String>, Vec<&String>) =
            words.iter().partition(|word| word.starts_with('-') && word.len() > 1);
        let has = |letter: char| options.iter().any(|option| option.contains(letter));
        found.has_vi |= has('v');
        found.has_vi_editor |= has('v');
        let [keys, rest @ ..] = &operands[..] else { continue };
        let Some(bound) = rest.first() else { continue };
        let does = if has('s') {
            Does::Types(unescaped(bound))
        } else if SUBMIT.contains(&bound.as_str()) {
            Does::Submits
        } else if *bound == COMMENT {
            Does::Comments
        } else if SUBMIT_BLIND.contains(&bound.as_str()) {
            Does::SubmitsBlind
        } else {
            continue;
        };
        found.bindings.push(Binding { keys: unescaped(keys), does });
    }
}

/// Splits into words as a shell does: quotes keep blanks, and are taken off.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        match (quote, char) {
            (None, '#') if word.is_none() => break,
            (None, '"' | '\'') => {
                quote = Some(char);
                word.get_or_insert_default();
            }
            (Some(open), _) if open == char => quote = None,
            (None, _) if char.is_whitespace() => words.extend(word.take()),
            // Escapes are for the key's reader.
            (_, '\\') => {
                let word = word.get_or_insert_default();
                word.push('\\');
                word.extend(chars.next());
            }
            _ => word.get_or_insert_default().push(char),
        }
    }
    words.extend(word);
    words
}

/// Undoes libedit's escapes: `^X`, `M-x` at the start, and what stands behind a backslash.
fn unescaped(text: &str) -> Vec<u8> {
    let (is_meta, text) = match text.strip_prefix("M-") {
        Some(rest) if !rest.is_empty() => (true, rest),
        _ => (false, text),
    };
    let mut out: Vec<u8> = if is_meta { vec![0x1b] } else { Vec::new() };
    let mut rest = text.as_bytes();
    while let Some((&first, more)) = rest.split_first() {
        rest = more;
        let key = match (first, more.first()) {
            (b'^', Some(&next)) => {
                rest = &more[1..];
                if next == b'?' { 0x7f } else { next.to_ascii_uppercase() & 0x1f }
            }
            (b'\\', Some(&next)) => {
                rest = &more[1..];
                match next {
                    b'0'..=b'7' => {
                        let count =
                            more.iter().take(3).take_while(|b| (b'0'..=b'7').contains(b)).count();
                        rest = &more[count..];
                        let digits = more[..count].iter();
                        digits
                            .fold(0_u8, |sum, digit| sum.wrapping_mul(8).wrapping_add(digit - b'0'))
                    }
                    other => named(other).unwrap_or(other),
                }
            }
            _ => first,
        };
        out.push(key);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Found {
        let mut found = Found::default();
        read(text.as_bytes(), &mut found);
        found
    }

    #[test]
    fn bindings_are_read() {
        for (text, keys, does) in [
            ("bind ^T ed-newline", &b"\x14"[..], Does::Submits),
            ("psql:bind \"^X^S\" ed-newline", b"\x18\x13", Does::Submits),
            ("bind \\eOM ed-newline # keypad", b"\x1bOM", Does::Submits),
            ("bind -a M-x vi-histedit", b"\x1bx", Does::SubmitsBlind),
            ("bind '\\033[24~' ed-newline", b"\x1b[24~", Does::Submits),
            ("bind -s ^Xq '\\\\q^M'", b"\x18q", Does::Types(b"\\q\r".to_vec())),
        ] {
            let bindings = found(text).bindings;
            assert_eq!(bindings, [Binding { keys: keys.to_vec(), does }], "{text}");
        }
    }

    #[test]
    fn vi_mode_and_nothing_else() {
        assert!(found("bind -v").has_vi && found("bind -v").has_vi_editor);
        for text in
            ["", "# bind ^T ed-newline", "bind", "bind ^T", "edit on", "bind \"^T", "bind ^"]
        {
            assert_eq!(found(text), Found::default(), "{text}");
        }
    }
}
