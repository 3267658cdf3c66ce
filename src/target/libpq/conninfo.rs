//! Connection strings: `postgres://…` and `key=value` pairs.

use crate::redact;

/// Tells whether a database name is a connection string instead, as libpq decides it.
#[must_use]
pub fn is_connection_string(text: &str) -> bool {
    without_scheme(text).is_some() || text.contains('=')
}

fn without_scheme(text: &str) -> Option<&str> {
    text.strip_prefix("postgresql://").or_else(|| text.strip_prefix("postgres://"))
}

/// Reads a connection string into pairs, in its order; passwords are left out, and so is what
/// libpq takes for a part of the place although it is meant as one.
///
/// # Errors
///
/// Returns a phrase where libpq would refuse it, for another reason.
pub fn parse(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs = parse_whole(text)?;
    let clean = redact::redact(text).text;
    if without_scheme(text).is_some() && clean != text {
        let value = |name: &str| pairs.iter().find(|(it, _)| it == name).map(|(_, value)| value);
        // There is no such host, and no such port: libpq connects to nothing.
        let is_nowhere = value("host").is_some_and(|host| host.contains('@'))
            || value("port")
                .is_some_and(|port| port.contains(|c: char| c != ',' && !c.is_ascii_digit()));
        if is_nowhere {
            pairs = parse_whole(&clean)?;
        }
        // Where the host is one, only the database can have more of it.
        for (name, value) in &mut pairs {
            if name == "dbname"
                && let Some((_, behind)) = value.rsplit_once('@')
                && clean.contains(&format!("]@{behind}"))
            {
                *value = format!("[redacted:uri-password]@{behind}");
            }
        }
    }
    pairs.retain(|(name, _)| !matches!(name.as_str(), "password" | "sslpassword"));
    Ok(pairs)
}

/// Reads a connection string into pairs, passwords included: for connecting, never for showing.
///
/// # Errors
///
/// Returns a phrase where libpq would refuse it.
pub fn parse_whole(text: &str) -> Result<Vec<(String, String)>, String> {
    match without_scheme(text) {
        Some(rest) => uri(rest),
        None => keywords(text),
    }
}

/// Reads `host=a port='5433'`.
fn keywords(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == '=' || c.is_ascii_whitespace());
        let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
        let Some(after) = after.trim_start().strip_prefix('=') else {
            return Err(format!("missing `=` after `{name}` in the connection string"));
        };
        let (value, after) = keyword_value(after.trim_start())?;
        pairs.push((name.to_owned(), value));
        rest = after.trim_start();
    }
    Ok(pairs)
}

/// Reads one value, quoted or not, and returns what follows it.
fn keyword_value(text: &str) -> Result<(String, &str), String> {
    let (is_quoted, text) = match text.strip_prefix('\'') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            '\'' if is_quoted => return Ok((value, &text[at + 1..])),
            c if c.is_ascii_whitespace() && !is_quoted => return Ok((value, &text[at..])),
            c => value.push(c),
        }
    }
    if is_quoted {
        return Err("a quote in the connection string is never closed".to_owned());
    }
    Ok((value, ""))
}

/// Reads what follows the scheme: `[user[:password]@][host[:port],…][/dbname][?key=value&…]`.
fn uri(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs = Vec::new();
    let mut push = |name: &str, value: &str| -> Result<(), String> {
        let value = decode(value)?;
        if !value.is_empty() {
            pairs.push((name.to_owned(), value));
        }
        Ok(())
    };
    let mut rest = text;
    if let Some(at) = text.find(['@', '/'])
        && text[at..].starts_with('@')
    {
        let user = &text[..at];
        let (user, password) = user.split_once(':').unwrap_or((user, ""));
        push("user", user)?;
        push("password", password)?;
        rest = &text[at + 1..];
    }

    let (mut hosts, mut ports) = (Vec::new(), Vec::new());
    loop {
        let (host, after) = host(rest)?;
        let (port, after) = match after.strip_prefix(':') {
            Some(after) => after.split_at(after.find(['/', '?', ',']).unwrap_or(after.len())),
            None => ("", after),
        };
        hosts.push(host);
        ports.push(port);
        match after.strip_prefix(',') {
            Some(after) => rest = after,
            None => {
                rest = after;
                break;
            }
        }
    }
    push("host", &hosts.join(","))?;
    if ports.iter().any(|port| !port.is_empty()) {
        push("port", &ports.join(","))?;
    }

    let (path, query) = match rest.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (rest, None),
    };
    push("dbname", path.strip_prefix('/').unwrap_or(path))?;
    for pair in query.into_iter().flat_map(|query| query.split('&')) {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(format!("missing `=` after `{pair}` in the URI"));
        };
        push(&decode(name)?, value)?;
    }
    Ok(pairs)
}

/// Takes one host off, out of its brackets if it is IPv6.
fn host(text: &str) -> Result<(&str, &str), String> {
    let Some(inner) = text.strip_prefix('[') else {
        return Ok(text.split_at(text.find([':', '/', '?', ',']).unwrap_or(text.len())));
    };
    let Some((host, after)) = inner.split_once(']') else {
        return Err("`[` without `]` in the URI".to_owned());
    };
    if !after.is_empty() && !after.starts_with([':', '/', '?', ',']) {
        return Err("something follows `]` in the URI".to_owned());
    }
    Ok((host, after))
}

/// Decodes `%2F` and the like.
///
/// # Errors
///
/// Returns a phrase where a `%` begins no byte.
pub fn decode(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let is_hex = |digits: &&str| digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let value = digits.filter(is_hex).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match value {
            Some(0) | None => return Err("bad `%` in the URI".to_owned()),
            Some(value) => bytes.push(value),
        }
        rest = &after[2..];
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str) -> String {
        match parse(text) {
            Ok(pairs) => pairs
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect::<Vec<_>>()
                .join(" | "),
            Err(why) => format!("error: {why}"),
        }
    }

    #[test]
    fn what_is_a_connection_string() {
        for text in ["postgres://", "postgresql://host/db", "dbname=orders", "a = b"] {
            assert!(is_connection_string(text), "{text}");
        }
        for text in ["orders", "", "mysql://host", "Postgres://host"] {
            assert!(!is_connection_string(text), "{text}");
        }
    }

    #[test]
    fn uris() {
        for (text, pairs) in [
            ("postgres://", ""),
            ("postgres://host", "host=host"),
            (
                "postgresql://me:se%3Acret@host:5433/orders",
                "user=me | host=host | port=5433 | dbname=orders",
            ),
            ("postgres://a:1,b,c:3/db", "host=a,b,c | port=1,,3 | dbname=db"),
            ("postgres://[::1]:5433/db", "host=::1 | port=5433 | dbname=db"),
            ("postgres://[::1],b/db", "host=::1,b | dbname=db"),
            ("postgres://%2Frun%2Fpostgresql/db", "host=/run/postgresql | dbname=db"),
            ("postgres:///db?host=/tmp&port=5433", "dbname=db | host=/tmp | port=5433"),
            ("postgres://host?dbname=x&password=y&user=%C3%A9", "host=host | dbname=x | user=é"),
            ("postgres://me@/db", "user=me | dbname=db"),
            ("postgres://host/a%20b", "host=host | dbname=a b"),
            ("postgres://host/a@b", "host=host | dbname=a@b"),
            ("postgres://[::1", "error: `[` without `]` in the URI"),
            ("postgres://[::1]x", "error: something follows `]` in the URI"),
            ("postgres://host/%zz", "error: bad `%` in the URI"),
            ("postgres://host/%2", "error: bad `%` in the URI"),
            ("postgres://host/%+1x", "error: bad `%` in the URI"),
            ("postgres://host/%€", "error: bad `%` in the URI"),
            ("postgres://u:p@ss@db:1/x", "user=u | host=db | port=1 | dbname=x"),
            ("postgres://u:pa/ss@db:1/x", "user=u | host=db | port=1 | dbname=x"),
            ("postgres://u:p@db/x@b", "user=u | host=db | dbname=x@b"),
            (
                "postgres://u:p@db/ss@h.example.com:1/x",
                "user=u | host=db | dbname=[redacted:uri-password]@h.example.com:1/x",
            ),
            ("postgres://db:5433/a@b", "host=db | port=5433 | dbname=a@b"),
            ("postgres://host?x", "error: missing `=` after `x` in the URI"),
        ] {
            assert_eq!(show(text), pairs, "{text}");
        }
    }

    #[test]
    fn keyword_values() {
        for (text, pairs) in [
            ("host=a port=1", "host=a | port=1"),
            (" host = 'a b'  dbname=c ", "host=a b | dbname=c"),
            (r"host='it\'s' user=a\ b", "host=it's | user=a b"),
            ("host='' dbname=x", "host= | dbname=x"),
            ("host= dbname=x", "host=dbname=x"),
            ("password='x y' host=a", "host=a"),
            ("host", "error: missing `=` after `host` in the connection string"),
            ("a b=c", "error: missing `=` after `a` in the connection string"),
            ("host='a", "error: a quote in the connection string is never closed"),
        ] {
            assert_eq!(show(text), pairs, "{text}");
        }
    }
}
