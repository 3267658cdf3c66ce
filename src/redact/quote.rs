//! Which end of a string a quote is.

use std::ops::Range;

/// Tells whether what may be a secret only follows a string that has the telling word in it, as in
/// `select 'Password: ', name from users`: the quote before it ends that string.
///
/// `begin` is where the telling word begins. Where it is not certain it is no such string.
pub(super) fn is_behind_literal(text: &[u8], begin: usize, secret: &Range<usize>) -> bool {
    let Some(at) = secret.start.checked_sub(1) else { return false };
    let quote = text[at];
    if at < begin || !matches!(quote, b'\'' | b'"' | b'$') || !goes_on(&text[secret.clone()]) {
        return false;
    }
    let Some(before) = memchr::memrchr(quote, &text[..at]) else { return false };
    if quote == b'$' {
        // Both dollars end the string, or begin it.
        return memchr::memmem::find_iter(&text[..at], b"$$").count() % 2 == 1;
    }
    before < begin
        && is_opening(&text[..before])
        && memchr::memchr_iter(quote, &text[..at]).count() % 2 == 1
}

/// Tells whether what follows a quote is how a statement goes on behind a string.
fn goes_on(rest: &[u8]) -> bool {
    rest.first().is_some_and(|byte| byte.is_ascii_whitespace() || b",);|:]}+".contains(byte))
}

/// Tells whether a quote that stands behind this begins a string.
fn is_opening(before: &[u8]) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'\'' | b'"');
    // One letter may say what kind of string it is.
    let before = match before {
        [rest @ .., last] if last.is_ascii_alphabetic() => rest,
        whole => whole,
    };
    !before.last().is_some_and(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_surely_ends_a_string_does() {
        for (text, is_behind) in [
            ("select 'Password: ', name, 'x'", true),
            ("select e'Password: ', name, 'x'", true),
            ("select $$Password: $$ || name, $$x$$", true),
            ("select 'a' as b, Password = ' x'", false),
            ("it isn't Password: ' x'", false),
            ("select '' as b, Password = ' x'", false),
            ("{\"Password\": \", x\"}", false),
            ("'Password: 'hunter2'", false),
        ] {
            let begin = text.find("Password").expect("the word");
            let rest = begin + "Password\"".len();
            let quotes = ["'", "\"", "$$"];
            let (at, quote) = quotes
                .iter()
                .filter_map(|quote| Some((text[rest..].find(quote)?, quote)))
                .min()
                .expect("a quote");
            let secret = rest + at + quote.len()..text.len();
            assert_eq!(is_behind_literal(text.as_bytes(), begin, &secret), is_behind, "{text}");
        }
    }
}
