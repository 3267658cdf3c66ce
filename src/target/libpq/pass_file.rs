//! `.pgpass`: people note above an entry what it is for. Its passwords are never looked at.

use super::Address;

/// Returns the comment that stands right above the entry of an address; an entry for every host
/// tells nothing of one.
pub(in crate::target) fn comment<'a>(address: &Address, text: &'a str) -> Option<&'a str> {
    let host = address.host.as_deref()?;
    let port = address.port?.to_string();
    let wanted =
        [Some(host), Some(port.as_str()), address.database.as_deref(), address.user.as_deref()];
    let mut above = None;
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix('#') {
            above = Some(comment.trim());
            continue;
        }
        let found = fields(line);
        let fits = |(at, wanted): (usize, &Option<&str>)| {
            let field = found.get(at).map(String::as_str);
            field == *wanted || (at > 0 && field == Some("*"))
        };
        if wanted.iter().enumerate().all(fits) {
            return above;
        }
        above = None;
    }
    None
}

/// Returns the first four fields of an entry; a backslash takes its meaning from a colon.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ':' if fields.len() == 4 => break,
            ':' => fields.push(String::new()),
            c => {
                let c = if c == '\\' { chars.next() } else { Some(c) };
                if let Some(last) = fields.last_mut() {
                    last.extend(c);
                }
            }
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_comment_right_above_counts() {
        let text = "# anything\n*:*:*:*:x\n# the live one\ndb:5432:*:me:secret\n\
                    db:5433:orders:me:secret\n# a\\b\n\\:\\:1:*:*:*:secret\n";
        let told = |host: &str, port: u16| {
            let part = |text: &str| Some(text.to_owned());
            let (host, port) = (part(host), Some(port));
            let address = Address { user: part("me"), host, port, database: part("orders") };
            comment(&address, text)
        };
        assert_eq!(told("db", 5432), Some("the live one"));
        assert_eq!(told("db", 5433), None);
        assert_eq!(told("other", 5432), None);
        assert_eq!(told("::1", 1), Some("a\\b"));
    }
}
