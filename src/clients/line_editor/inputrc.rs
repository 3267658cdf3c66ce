//! readline's inputrc: the bindings in it that can hand a line over.
//!
//! Conditions on the terminal, the mode or the version are not tested: what either branch binds
//! counts. Only a branch for another program is left out.

use super::{Found, named};
use crate::session::keys::{Binding, Does};

/// Functions that hand the line over.
const SUBMIT: [&str; 3] = ["accept-line", "operate-and-get-next", "vi-eof-maybe"];

/// The function that makes a comment of the line, or undoes that, and hands it over.
const COMMENT: &str = "insert-comment";

/// Functions that hand over what cannot be read beforehand.
const SUBMIT_BLIND: [&str; 2] = ["call-last-kbd-macro", "edit-and-execute-command"];

/// Keys that have names.
const NAMES: [(&str, u8); 12] = [
    ("del", 0x7f),
    ("rubout", 0x7f),
    ("esc", 0x1b),
    ("escape", 0x1b),
    ("lfd", b'\n'),
    ("newline", b'\n'),
    ("ret", b'\r'),
    ("return", b'\r'),
    ("space", b' '),
    ("spc", b' '),
    ("tab", b'\t'),
    ("backspace", 0x08),
];

/// Reads a file's text and adds what it binds.
pub(super) fn read(text: &[u8], program: &str, found: &mut Found) {
    // Whether the branch at hand is for another program, innermost last.
    let mut skipped: Vec<bool> = Vec::new();
    let mut is_elsewhere: Vec<bool> = Vec::new();
    for line in text.split(|&byte| byte == b'\n' || byte == b'\r') {
        let line = line.trim_ascii();
        if let Some(directive) = line.strip_prefix(b"$") {
            let directive = String::from_utf8_lossy(directive);
            let (word, rest) =
                directive.split_once(char::is_whitespace).unwrap_or((&directive, ""));
            match &*word.to_ascii_lowercase() {
                "if" => {
                    let other = is_other_program(rest.trim(), program);
                    is_elsewhere.push(other);
                    skipped.push(other);
                }
                "else" => {
                    if let Some(last) = skipped.last_mut() {
                        *last = false;
                    }
                }
                "endif" => {
                    skipped.pop();
                    is_elsewhere.pop();
                }
                "include" if !skipped.contains(&true) => {
                    found.includes.push(rest.trim().to_owned());
                }
                _ => {}
            }
            continue;
        }
        if skipped.contains(&true) || line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        if let Some(setting) = strip_word(line, b"set") {
            if let Some(comment) = strip_word(setting, b"comment-begin") {
                let comment =
                    comment.strip_prefix(b"\"").map_or(comment, |rest| quoted(rest, b'"').0);
                found.comments.push(String::from_utf8_lossy(comment).into_owned());
            }
            let setting = String::from_utf8_lossy(setting).to_ascii_lowercase();
            found.has_vi |= setting.starts_with("editing-mode") && setting.contains("vi");
            continue;
        }
        bind(line, found);
    }
}

/// Tells whether a condition is the name of a program that is not this one. What has an operator
/// in it tests something else.
fn is_other_program(condition: &str, program: &str) -> bool {
    !condition.contains(['=', '<', '>', '!']) && !condition.eq_ignore_ascii_case(program)
}

fn strip_word<'a>(line: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let (first, rest) = line.split_at_checked(word.len())?;
    let is_word = first.eq_ignore_ascii_case(word) && rest.first()?.is_ascii_whitespace();
    is_word.then(|| rest.trim_ascii())
}

/// Reads `"keys": function`, `"keys": "macro"` and `Name: function`.
fn bind(line: &[u8], found: &mut Found) {
    let Some((sequences, rest)) = keys(line) else { return };
    let rest = rest.trim_ascii_start();
    let Some(rest) = rest.strip_prefix(b":").or_else(|| rest.strip_prefix(b"=")) else { return };
    let rest = rest.trim_ascii_start();
    let does = match rest.first() {
        Some(&quote @ (b'"' | b'\'')) => Does::Types(unescaped(quoted(&rest[1..], quote).0)),
        _ => {
            let end = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
            let name = String::from_utf8_lossy(&rest[..end]).to_ascii_lowercase();
            found.has_vi |= matches!(&*name, "vi-editing-mode" | "vi-movement-mode");
            if SUBMIT.contains(&&*name) {
                Does::Submits
            } else if name == COMMENT {
                Does::Comments
            } else if SUBMIT_BLIND.contains(&&*name) {
                Does::SubmitsBlind
            } else {
                return;
            }
        }
    };
    let bindings = sequences.into_iter().map(|keys| Binding { keys, does: does.clone() });
    found.bindings.extend(bindings);
}

/// Reads the keys at the start of a line: every sequence that may be meant, and the rest.
fn keys(line: &[u8]) -> Option<(Vec<Vec<u8>>, &[u8])> {
    if let Some(rest) = line.strip_prefix(b"\"") {
        let (text, rest) = quoted(rest, b'"');
        return Some((variants(unescaped(text)), rest));
    }
    let end = line.iter().position(|byte| *byte == b':' || byte.is_ascii_whitespace())?;
    let (name, rest) = line.split_at(end);
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    let last = name.rsplit('-').next().filter(|last| !last.is_empty()).unwrap_or("-");
    let named = NAMES.iter().find(|(known, _)| *known == last).map(|(_, key)| *key);
    let mut key = named.unwrap_or(*last.as_bytes().first()?);
    let prefix = &name[..name.len() - last.len().min(name.len())];
    if ["control-", "ctrl-", "c-"].iter().any(|word| prefix.contains(word)) {
        key = control(key);
    }
    let is_meta = ["meta-", "m-"].iter().any(|word| prefix.contains(word));
    let keys = if is_meta { vec![0x1b, key] } else { vec![key] };
    Some((variants(keys), rest))
}

/// A key with Meta comes as Esc and the key, or with its eighth bit set.
fn variants(keys: Vec<u8>) -> Vec<Vec<u8>> {
    match keys[..] {
        [] => Vec::new(),
        [0x1b, key] if key < 0x80 => vec![vec![key | 0x80], keys],
        [key] if key >= 0x80 => vec![vec![0x1b, key & 0x7f], keys],
        _ => vec![keys],
    }
}

/// Splits behind the closing quote; a quote behind a backslash is text.
fn quoted(text: &[u8], quote: u8) -> (&[u8], &[u8]) {
    let mut at = 0;
    while at < text.len() && text[at] != quote {
        at += 1 + usize::from(text[at] == b'\\');
    }
    let at = at.min(text.len());
    (&text[..at], text.get(at + 1..).unwrap_or_default())
}

const fn control(key: u8) -> u8 {
    if key == b'?' { 0x7f } else { key.to_ascii_uppercase() & 0x1f }
}

/// Undoes readline's escapes.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    let (mut is_control, mut is_meta) = (false, false);
    while let Some((&first, more)) = rest.split_first() {
        rest = more;
        let mut key = first;
        if first == b'\\' {
            if let Some(more) = rest.strip_prefix(b"C-") {
                (is_control, rest) = (true, more);
                continue;
            }
            if let Some(more) = rest.strip_prefix(b"M-") {
                (is_meta, rest) = (true, more);
                continue;
            }
            (key, rest) = escape(rest);
        }
        if std::mem::take(&mut is_meta) {
            out.push(0x1b);
        }
        out.push(if std::mem::take(&mut is_control) { control(key) } else { key });
    }
    out
}

/// Reads what stands behind a backslash.
fn escape(rest: &[u8]) -> (u8, &[u8]) {
    let Some((&first, more)) = rest.split_first() else { return (b'\\', rest) };
    let digits = |text: &[u8], radix: u32, most: usize| {
        let count = text.iter().take(most).take_while(|b| char::from(**b).is_digit(radix)).count();
        let text = std::str::from_utf8(&text[..count]).unwrap_or_default();
        (u32::from_str_radix(text, radix).ok().and_then(|n| u8::try_from(n & 0xff).ok()), count)
    };
    let key = match first {
        b'd' => 0x7f,
        b'x' => match digits(more, 16, 2) {
            (Some(key), count) => return (key, &more[count..]),
            (None, _) => b'x',
        },
        b'0'..=b'7' => match digits(rest, 8, 3) {
            (Some(key), count) => return (key, &rest[count..]),
            (None, _) => first,
        },
        other => named(other).unwrap_or(other),
    };
    (key, more)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Found {
        let mut found = Found::default();
        read(text.as_bytes(), "psql", &mut found);
        found
    }

    fn submits(text: &str) -> Vec<Vec<u8>> {
        let bindings = found(text).bindings.into_iter();
        bindings.filter(|one| one.does == Does::Submits).map(|one| one.keys).collect()
    }

    #[test]
    fn keys_are_written_in_many_ways() {
        for (text, keys) in [
            (r#""\C-t": accept-line"#, &[&b"\x14"[..]][..]),
            (r#""\C-x\C-s": accept-line"#, &[b"\x18\x13"]),
            (r#""\C-xs":accept-line # done"#, &[b"\x18s"]),
            (r#""\eOM": Accept-Line"#, &[b"\x1bOM"]),
            (r#""\M-s" : accept-line"#, &[b"\xf3", b"\x1bs"]),
            (r#""\C-\M-x": operate-and-get-next"#, &[b"\x98", b"\x1b\x18"]),
            (r#""\033[24~": accept-line"#, &[b"\x1b[24~"]),
            (r#""\x14": accept-line"#, &[b"\x14"]),
            (r#""\"": accept-line"#, &[b"\""]),
            (r#""\C-?": accept-line"#, &[b"\x7f"]),
            ("Control-t: accept-line", &[b"\x14"]),
            ("C-t: accept-line", &[b"\x14"]),
            ("Meta-Rubout: accept-line", &[b"\xff", b"\x1b\x7f"]),
            ("M-C-t: accept-line", &[b"\x94", b"\x1b\x14"]),
            ("Return: accept-line", &[b"\r"]),
            ("TAB: accept-line", &[b"\t"]),
            ("  \"\\C-t\":  accept-line  ", &[b"\x14"]),
        ] {
            assert_eq!(submits(text), keys, "{text}");
        }
        let text = "\"\\C-t\": insert-comment\nset comment-begin \"-- \"\nset comment-begin #\n";
        let found = found(text);
        assert_eq!(found.bindings[0].does, Does::Comments);
        assert_eq!(found.comments, ["-- ", "#"]);
    }

    #[test]
    fn what_submits_nothing_is_left_out() {
        for text in [
            "# \"\\C-t\": accept-line",
            r#""\C-t": beginning-of-line"#,
            r#""\C-t" accept-line"#,
            "set completion-ignore-case on",
            "\"\\C-t",
            "",
            ":",
            "-",
            "\"",
        ] {
            assert_eq!(found(text), Found::default(), "{text}");
        }
    }

    #[test]
    fn macros_keep_their_keys() {
        let bindings = found(r#""\C-xq": "\\q\C-m""#).bindings;
        assert_eq!(bindings[0].keys, b"\x18q");
        assert_eq!(bindings[0].does, Does::Types(b"\\q\r".to_vec()));
        let bindings = found(r#"F: 'it"s\n'"#).bindings;
        assert_eq!(bindings[0].does, Does::Types(b"it\"s\n".to_vec()));
    }

    #[test]
    fn conditions_on_other_programs_count() {
        let text = "$if Bash\n\"\\C-a\": accept-line\n$if mode=vi\n\"\\C-b\": accept-line\n$endif\n\
                    $else\n\"\\C-c\": accept-line\n$endif\n\
                    $if psql\n\"\\C-d\": accept-line\n$else\n\"\\C-e\": accept-line\n$endif\n\
                    $if term=xterm\n\"\\C-f\": accept-line\n$include ~/x\n$endif\n\
                    $if python\n$include y\n$endif\n";
        assert_eq!(submits(text), [[3], [4], [5], [6]]);
        assert_eq!(found(text).includes, ["~/x"]);
    }

    #[test]
    fn vi_mode_is_seen() {
        assert!(found("set editing-mode vi").has_vi);
        assert!(found("set editing-mode\tVI").has_vi);
        assert!(found(r#""\C-xv": vi-editing-mode"#).has_vi);
        assert!(!found("set editing-mode emacs").has_vi);
    }

    #[test]
    fn no_text_panics() {
        for text in
            ["\"\\", "\"\\C-", "\"\\M-\\C-\": \"\\", "C-: accept-line", "$if", "$", "\"\\x\": a"]
        {
            drop(found(text));
        }
    }
}
