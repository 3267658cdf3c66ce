//! Passwords in URIs, as people write them: `@` and `/` in a password are to be written `%40` and
//! `%2F`, and often are not.
//!
//! libpq and redis-cli end a password at the first `@`, and libpq takes one with `/` in it for host and port;
//! others look for the last `@` of the authority. What was meant reaches up to the last `@` that a
//! host follows.

use std::ops::Range;

/// What is longer is no URI that anybody connects with.
const LONGEST: usize = 2048;

/// How a host looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Host {
    /// Not at all.
    None,
    /// One word: `db`, `scope`.
    Word,
    /// What is hardly anything else: `db.example.com`, `127.0.0.1`, `[::1]`, `db:5432`.
    Sure,
}

/// Returns how many bytes of a text are a password, from behind `scheme://user:` on.
pub(super) fn secret_len(text: &[u8], found: Range<usize>) -> usize {
    let (before, rest) = text.split_at(found.start);
    let scheme = memchr::memmem::rfind(before, b"://").unwrap_or(0);
    let is_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || b"+.-".contains(byte);
    let begin = before[..scheme].iter().rposition(|byte| !is_scheme(byte));
    // In a string of its own it may hold anything else.
    let is_end = |byte: &u8| match begin.map(|at| before[at]) {
        Some(quote @ (b'\'' | b'"')) => *byte == quote || byte.is_ascii_control(),
        _ => *byte <= b' ' || b"'\"<>\x7f".contains(byte),
    };
    let rest = &rest[..rest.len().min(LONGEST)];
    password_len(&rest[..rest.iter().position(is_end).unwrap_or(rest.len())])
}

/// Returns how many bytes are the password in what stands behind `scheme://user:`, up to the end of
/// the URI; 0 where that is a port.
pub(super) fn password_len(rest: &[u8]) -> usize {
    let authority = &rest[..memchr::memchr(b'/', rest).unwrap_or(rest.len())];
    let first = memchr::memchr(b'@', authority);
    if is_port(authority) {
        return 0;
    }
    let query = first.or_else(|| memchr::memchr(b'@', rest)).map(|at| query(rest, at));
    let end = query.unwrap_or(rest.len());
    // It ends here at least.
    let least = first.and_then(|_| memchr::memrchr(b'@', &authority[..end.min(authority.len())]));
    let host = least.map_or(Host::None, |at| host(&rest[at + 1..]));
    // Behind a path it goes on only for what is surer than that.
    let needed = if least.is_none() && !has_pairs(rest) { Host::Word } else { Host::Sure };
    let within = if host == Host::Sure { 0..0 } else { authority.len().min(end)..end };
    let further = memchr::memrchr_iter(b'@', &rest[within.clone()])
        .map(|at| within.start + at)
        .find(|at| self::host(&rest[at + 1..]) >= needed);
    further.or(least).unwrap_or(0)
}

/// Tells whether what stands behind a colon is a host's port, or stands for one.
fn is_port(authority: &[u8]) -> bool {
    let digits = authority.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let has_at = || memchr::memchr(b'@', authority).is_some();
    match authority.get(digits) {
        None => true,
        Some(b'?') => digits > 0 && is_pair(&authority[digits + 1..]),
        Some(b',' | b'#') => !has_at(),
        Some(byte) => digits == 0 && b"${%<\\*".contains(byte) && !has_at(),
    }
}

/// Returns where the pairs of a query begin behind a place: `?name=`.
fn query(text: &[u8], from: usize) -> usize {
    let begins = memchr::memchr_iter(b'?', &text[from..]).map(|at| from + at);
    begins.into_iter().find(|at| is_pair(&text[at + 1..])).unwrap_or(text.len())
}

/// Tells whether pairs of a query are anywhere.
fn has_pairs(text: &[u8]) -> bool {
    query(text, 0) < text.len()
}

fn is_pair(text: &[u8]) -> bool {
    let name = text.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_');
    let name = name.count();
    name > 0 && text.get(name) == Some(&b'=')
}

/// Says how much what stands there looks like a host, and its port.
fn host(text: &[u8]) -> Host {
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let is_bracketed = text.starts_with(b"[");
    let len = match memchr::memchr(b']', text) {
        Some(end) if is_bracketed => end + 1,
        _ => text.iter().take_while(is_name).count(),
    };
    let (name, behind) = text.split_at(len);
    let has_port = matches!(behind, [b':', digit, ..] if digit.is_ascii_digit());
    let is_end = behind.first().is_none_or(|byte| b"/?#,:;.)]}'\"\\".contains(byte));
    let last = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    let is_top =
        last.len() < name.len() && last.len() > 1 && last.iter().all(u8::is_ascii_alphabetic);
    let is_number = name.split(|byte| *byte == b'.').count() == 4
        && name.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    match (name, is_end) {
        ([], _) | (_, false) => Host::None,
        (b"localhost", _) => Host::Sure,
        _ if has_port || is_bracketed || is_top || is_number => Host::Sure,
        _ => Host::Word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_reaches_to_the_last_at_before_a_host() {
        for (rest, password) in [
            ("hunter2@db/orders", "hunter2"),
            ("p@ss@127.0.0.1:1/x", "p@ss"),
            ("pa/ss@127.0.0.1:1/x", "pa/ss"),
            ("a@b/c@127.0.0.1:1/x", "a@b/c"),
            ("a@b/c@db.example.com", "a@b/c"),
            (":/@[::1]/x", ":/"),
            ("/a@db.example.com", ""),
            ("1/2@3@db", ""),
            ("pa/ss@db", "pa/ss"),
            ("pa?ss#1@db/orders", "pa?ss#1"),
            ("pa/s?s=1@db:5432/orders?sslmode=require", "pa/s?s=1"),
            ("@db", ""),
            ("p@db?options=a@b.example.com", "p"),
            ("p@h/db?user=a@b.example.com", "p"),
            ("tok@github.com/org/repo@v1.2/x", "tok"),
            ("tok@github.com/org/repo@127.0.0.1:80/", "tok"),
            ("tok@npm/@scope/package@1.2.3", "tok"),
            ("p@,db:1/x", "p"),
            ("p@\u{e9}.example/x", "p"),
            ("5432/orders@eu", ""),
            ("8080/a@b.example.com:80/", ""),
            ("27017,b:27017/x@db.example.com", ""),
            ("3000?mail=a@b.example.com", ""),
            ("port/x?mail=ann@example", ""),
            ("$PORT/a@db.example.com", ""),
            ("port/path", ""),
            ("", ""),
        ] {
            let len = password_len(rest.as_bytes());
            assert_eq!(&rest[..len], password, "{rest}");
        }
    }
}
