//! The escapes of libedit's history files: every byte that could confuse a reader as ASCII.
#![forbid(unsafe_code)]

/// The first line of such a file.
pub(super) const HEADER: &[u8] = b"_HiStOrY_V2_";

/// Escapes blanks, controls and backslashes; other bytes, UTF-8 among them, stay.
pub(super) fn encode(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 2);
    for &byte in text.as_bytes() {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b'\\' | 0x08 | 0x0b | 0x0c => {
                out.extend(format!("\\{byte:03o}").into_bytes());
            }
            0x00..0x20 => out.extend([b'\\', b'^', byte + 0x40]),
            0x7f => out.extend(b"\\^?"),
            _ => out.push(byte),
        }
    }
    out
}

/// Takes the escapes out: `\040`, `\^A`, `\M-a`, `\M^A`, `\\`, and those of C.
pub(super) fn decode(line: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let (decoded, length) = escape(after);
        match decoded {
            Some(decoded) => out.extend(decoded),
            None => out.push(b'\\'),
        }
        rest = &after[length..];
    }
    out
}

/// Reads what follows a backslash: the byte it stands for, if any, and how long it is.
fn escape(after: &[u8]) -> (Option<Option<u8>>, usize) {
    let control = |byte: u8| if byte == b'?' { 0x7f } else { byte & 0x1f };
    let byte = |byte: u8, length: usize| (Some(Some(byte)), length);
    match after {
        [first @ b'0'..=b'7', ..] => {
            let digits = after.iter().take(3).take_while(|digit| (b'0'..=b'7').contains(digit));
            let length = digits.clone().count();
            if length == 1 && *first == b'0' {
                return byte(0, 1);
            }
            let value = digits.fold(0_u32, |value, digit| value * 8 + u32::from(digit - b'0'));
            byte((value & 0xff) as u8, length)
        }
        [b'^', letter, ..] => byte(control(*letter), 2),
        [b'M', b'-', letter, ..] => byte(letter | 0x80, 3),
        [b'M', b'^', letter, ..] => byte(control(*letter) | 0x80, 3),
        [b'\\', ..] => byte(b'\\', 1),
        [b's', ..] => byte(b' ', 1),
        [b'n', ..] => byte(b'\n', 1),
        [b't', ..] => byte(b'\t', 1),
        [b'r', ..] => byte(b'\r', 1),
        [b'a', ..] => byte(0x07, 1),
        [b'b', ..] => byte(0x08, 1),
        [b'v', ..] => byte(0x0b, 1),
        [b'f', ..] => byte(0x0c, 1),
        [b'E', ..] => byte(0x1b, 1),
        // A hidden mark, which stands for nothing.
        [b'$', ..] => (Some(None), 1),
        _ => (None, 0),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escapes_are_those_the_library_writes() {
        let encoded = encode("select\t'größe \\x'\n\u{1};");
        assert_eq!(String::from_utf8(encoded).unwrap(), r"select\011'größe\040\134x'\012\^A;");
    }

    #[test]
    fn escapes_of_other_versions_are_read() {
        let line = br"a\\b\^A\M-C\M-6\303\266\s\n\q\";
        assert_eq!(decode(line), "a\\b\u{1}öö \n\\q\\".as_bytes());
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in any::<String>()) {
            let encoded = encode(&text);
            prop_assert!(!encoded.iter().any(u8::is_ascii_whitespace));
            prop_assert_eq!(decode(&encoded), text.as_bytes());
        }
    }
}
