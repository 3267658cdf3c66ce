//! The name and the arguments of one meta command, cut as psql cuts them.
#![forbid(unsafe_code)]

use super::{Meta, Unit};

/// Commands whose argument is the rest of the line, backslashes and quotes included.
const WHOLE_LINE: [&str; 10] = ["!", "copy", "h", "help", "ef", "ev", "sf", "sf+", "sv", "sv+"];

/// Commands that take the rest of the line if it starts with `|`.
const PIPES: [&str; 6] = ["g", "gx", "o", "out", "w", "write"];

/// Reads the meta command at the start of `text` and returns it with its length: up to the end of
/// the line, the next unquoted backslash, or behind `\\`.
pub(super) fn read(text: &str, unit: Unit) -> (Meta, usize) {
    let line = match unit {
        Unit::Line => &text[..memchr::memchr(b'\n', text.as_bytes()).unwrap_or(text.len())],
        Unit::Text => text,
    };
    let name_end = line[1..]
        .find(|c: char| c.is_ascii_whitespace() || c == '\\')
        .map_or(line.len(), |length| length + 1);
    // `\\` alone is an empty command: it only separates.
    if name_end == 1 {
        let length = if line[1..].starts_with('\\') { 2 } else { 1 };
        return (Meta::default(), length);
    }
    let mut meta = Meta { name: line[1..name_end].to_owned(), ..Meta::default() };
    // The one name whose case does not matter.
    if meta.name.eq_ignore_ascii_case("copy") {
        meta.name.make_ascii_lowercase();
    }
    if WHOLE_LINE.contains(&&*meta.name) {
        let rest = line[name_end..].trim();
        meta.args.extend((!rest.is_empty()).then(|| rest.to_owned()));
        return (meta, line.len());
    }
    let mut at = name_end;
    loop {
        at += line[at..].len() - line[at..].trim_ascii_start().len();
        let rest = &line[at..];
        if rest.is_empty() {
            return (meta, line.len());
        }
        if rest.starts_with("\\\\") {
            return (meta, at + 2);
        }
        if rest.starts_with('\\') {
            return (meta, at);
        }
        if rest.starts_with('|') && PIPES.contains(&&*meta.name) {
            meta.args.push(rest.trim_end().to_owned());
            return (meta, line.len());
        }
        let (argument, length) = argument(rest, &mut meta);
        meta.args.push(argument);
        at += length;
    }
}

/// Reads one argument and returns it with its length.
fn argument(rest: &str, meta: &mut Meta) -> (String, usize) {
    let mut value = String::new();
    let mut chars = rest.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' => {
                while let Some((_, inner)) = chars.next() {
                    match inner {
                        '\'' if chars.as_str().starts_with('\'') => {
                            chars.next();
                            value.push('\'');
                        }
                        '\'' => break,
                        '\\' => value.extend(unescape(&mut chars)),
                        _ => value.push(inner),
                    }
                }
            }
            '"' => {
                // These stay: an argument with them is no other file and no other variable.
                value.push(c);
                for (_, inner) in chars.by_ref() {
                    value.push(inner);
                    if inner == '"' {
                        break;
                    }
                }
            }
            '`' => {
                let command: String =
                    chars.by_ref().map(|(_, c)| c).take_while(|c| *c != '`').collect();
                meta.shell.push(command);
                meta.is_dynamic = true;
            }
            '\\' => return (value, at),
            _ if c.is_ascii_whitespace() => return (value, at),
            ':' => {
                let next = chars.as_str().chars().next();
                meta.is_dynamic |= next.is_some_and(|next| {
                    next.is_alphanumeric() || matches!(next, '_' | '\'' | '"' | '{')
                });
                value.push(c);
            }
            _ => value.push(c),
        }
    }
    (value, rest.len())
}

/// Reads what follows a backslash in a quoted argument: as in C.
fn unescape(chars: &mut std::str::CharIndices<'_>) -> Option<char> {
    let (_, c) = chars.next()?;
    let (radix, most, mut digits) = match c {
        'n' => return Some('\n'),
        't' => return Some('\t'),
        'b' => return Some('\u{8}'),
        'r' => return Some('\r'),
        'f' => return Some('\u{c}'),
        '0'..='7' => (8, 3, c.to_string()),
        'x' => (16, 2, String::new()),
        _ => return Some(c),
    };
    while digits.len() < most {
        match chars.as_str().chars().next().filter(|next| next.is_digit(radix)) {
            Some(digit) => digits.push(digit),
            None => break,
        }
        chars.next();
    }
    // One byte, as in C: what does not fit is cut.
    let code = u32::from_str_radix(&digits, radix).ok()?;
    u8::try_from(code & 0xff).ok().map(char::from)
}
