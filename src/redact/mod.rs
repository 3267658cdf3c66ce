//! Secrets out of text before anything is stored: a table of patterns, each with its example.
//!
//! A secret is found by what stands around it. A value alone, as in
//! `INSERT INTO users VALUES ('ann', 'hunter2')`, cannot be told from any other.
#![forbid(unsafe_code)]

mod columns;
mod echo;
mod known;
mod own;
mod pattern;
mod private_key;
mod quote;
mod stream;
mod uri;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::OnceLock;

use regex::bytes::{Regex, RegexBuilder};
use regex::{RegexSet, RegexSetBuilder};

pub use own::set_own;
use pattern::{PATTERNS, Pattern};
pub use stream::Stream;

/// What is found in one pass can show more in the next; nothing real needs three.
const PASSES: usize = 8;

/// A text this short is looked through for hints first.
const SHORT_BYTES: usize = 4096;

/// What every secret in the table has near it, but for the password of a URI; lower case. A test
/// walks the table.
const HINTS: &[&str] = &[
    "pas",
    "pwd",
    "identified",
    "\\set",
    "private key",
    "rediscli",
    "_pass",
    "pw",
    "auth",
    "requirepass",
    "setuser",
    "redis-cli",
    "mysql",
    "mariadb",
    "mongo",
    "hmac",
    "sshpass",
    "curl",
    "attach",
    "pragma",
    "akia",
    "asia",
    "secret",
    "eyj",
    "bearer",
    "basic",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "npm_",
    "xox",
    "_live_",
    "aiza",
    "_test_",
    "whsec_",
    "ya29",
    "sg.",
    "xapp-",
    "dop_v1_",
    "shpat_",
    "pypi-",
    "hooks",
    "crypt",
    "sk-",
    "hvs.",
    "key",
    "token",
];

/// Options whose next word is a secret.
const SECRET_OPTIONS: &[&str] = &["password", "passwd", "token", "secret", "api-key", "access-key"];

/// A text without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redacted<'a> {
    /// The text with `[redacted:kind]` where a secret was.
    pub text: Cow<'a, str>,
    /// The kinds that were found, each once.
    pub kinds: Vec<&'static str>,
    /// What was found, and its kind.
    pub secrets: Vec<Secret>,
}

/// A secret that was found, behind its kind.
pub type Secret = (&'static str, String);

/// Where a secret stands, behind its kind.
type Place = (&'static str, Range<usize>);

impl Redacted<'_> {
    fn found(&mut self, kind: &'static str) {
        if !self.kinds.contains(&kind) {
            self.kinds.push(kind);
        }
    }
}

/// Redacts a text. Doing it twice changes nothing more.
#[must_use]
pub fn redact(text: &str) -> Redacted<'_> {
    let mut redacted =
        Redacted { text: Cow::Borrowed(text), kinds: Vec::new(), secrets: Vec::new() };
    let passes = if may_hold(text) { PASSES } else { 0 };
    for _ in 0..passes {
        let mut has_changed = false;
        for row in screen().matches(&redacted.text) {
            let places = secrets(row, redacted.text.as_bytes(), 0);
            has_changed |= replace(&mut redacted, &places);
        }
        let places = columns::secrets(&redacted.text).into_iter().map(|place| ("password", place));
        has_changed |= replace(&mut redacted, &places.collect::<Vec<_>>());
        if !has_changed {
            break;
        }
    }
    for own in own::own() {
        let clean = own.replace(redacted.text.as_bytes());
        // It takes whole characters out.
        if let Some(clean) = clean.and_then(|clean| String::from_utf8(clean).ok()) {
            redacted.text = Cow::Owned(clean);
            redacted.found(own.kind);
        }
    }
    redacted
}

/// Tells whether a short text may hold a secret at all, without any pattern being compiled: most
/// statements and command lines hold nothing like one, and a session shall start at once.
fn may_hold(text: &str) -> bool {
    if text.len() > SHORT_BYTES {
        return true;
    }
    let lower = text.to_ascii_lowercase();
    HINTS.iter().any(|hint| lower.contains(hint)) || has_user_info(&lower)
}

/// Tells whether a URI in the text has a colon before its `@`: `postgres://ann:…@db`.
fn has_user_info(text: &str) -> bool {
    text.match_indices("://").any(|(at, _)| {
        let rest = &text[at + 3..];
        rest.find('@').is_some_and(|end| rest[..end].contains(':'))
    })
}

/// Redacts a text that is owned, without a copy where there is nothing to redact.
#[must_use]
pub fn redact_owned(text: String) -> Redacted<'static> {
    let Redacted { text: clean, kinds, secrets } = redact(&text);
    let clean = match clean {
        Cow::Borrowed(_) => text,
        Cow::Owned(clean) => clean,
    };
    Redacted { text: Cow::Owned(clean), kinds, secrets }
}

/// Redacts a command line, where a secret may also be the word after an option; returns the words
/// and what was found.
///
/// An option such as `--password` that takes no word for some client costs a word of the record.
#[must_use]
pub fn redact_argv<S: AsRef<str>>(argv: &[S]) -> (Vec<String>, Vec<Secret>) {
    let program = argv.first().map_or("", AsRef::as_ref);
    let (mut before, mut secrets) = ("", Vec::new());
    let words = argv.iter().map(|word| {
        let word = word.as_ref();
        let option = std::mem::replace(&mut before, word);
        if is_secret_option(option) && !word.starts_with('-') {
            secrets.push(("argument", word.to_owned()));
            return mark("argument");
        }
        // A URI is a word of its own, whatever is in it; and some programs have options of their own.
        let quote = if !word.contains("://") {
            ""
        } else if word.contains('\'') {
            "\""
        } else {
            "'"
        };
        let line = format!("{program} {option} {quote}");
        secrets.append(&mut redact(&format!("{line}{word}")).secrets);
        redact_last(&line, word).unwrap_or_else(|| word.to_owned())
    });
    (words.collect(), secrets)
}

/// Redacts the end of a text, with what stands before it in view: a line of a statement, the word
/// of an option. None if nothing of it is secret.
#[must_use]
pub fn redact_last(before: &str, last: &str) -> Option<String> {
    let whole = format!("{before}{last}");
    let both = redact(&whole);
    let clean = both.text.strip_prefix(before);
    if let Some(clean) = clean.filter(|clean| *clean != last) {
        return Some(clean.to_owned());
    }
    let ends = last.bytes().rev().zip(both.text.bytes().rev());
    let same = ends.take_while(|(one, other)| one == other).count();
    if clean.is_none() && same < last.len() {
        // A secret goes on from before.
        let kind = both.kinds.last().copied().unwrap_or("password");
        return Some(mark(kind) + &last[last.ceil_char_boundary(last.len() - same)..]);
    }
    let alone = redact(last);
    (!alone.kinds.is_empty()).then(|| alone.text.into_owned())
}

/// Compiles the patterns now instead of at the first text.
pub fn warm_up() {
    screen();
    for row in 0..PATTERNS.len() {
        regex(row);
    }
}

fn is_secret_option(word: &str) -> bool {
    word.strip_prefix("--")
        .is_some_and(|name| SECRET_OPTIONS.iter().any(|option| name.eq_ignore_ascii_case(option)))
}

fn mark(kind: &str) -> String {
    format!("[redacted:{kind}]")
}

/// Finds what one row of the table calls secret, behind `from`.
fn secrets(row: usize, text: &[u8], from: usize) -> Vec<Place> {
    let Pattern { kind, secret_len, .. } = &PATTERNS[row];
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(captures) = regex(row).captures_at(text, at) {
        let whole = captures.get_match();
        at = whole.end();
        for group in captures.iter().skip(1).flatten() {
            let len = secret_len(text, group.range());
            let secret = group.start()..group.start() + len;
            if len != group.len() {
                // Another may stand in what was found, or what it is reaches further.
                at = secret.end;
            }
            let is_one = len > 0 && group.start() >= from && !is_mark(&text[secret.clone()]);
            if is_one && !quote::is_behind_literal(text, whole.start(), &secret) {
                found.push((*kind, secret));
            }
        }
    }
    found
}

/// Replaces what stands at some places; tells whether there are any.
fn replace(redacted: &mut Redacted<'_>, places: &[Place]) -> bool {
    let text = redacted.text.as_bytes();
    // They begin and end beside plain letters, so no character is torn.
    let whole = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let clean = (!places.is_empty()).then(|| whole(&with_marks(text, places)));
    for (kind, place) in places {
        redacted.secrets.push((kind, whole(&redacted.text.as_bytes()[place.clone()])));
        redacted.found(kind);
    }
    clean.map(|clean| redacted.text = Cow::Owned(clean)).is_some()
}

/// Puts marks at some places, which are in order.
fn with_marks(text: &[u8], places: &[Place]) -> Vec<u8> {
    let mut clean = Vec::with_capacity(text.len());
    let mut copied = 0;
    for (kind, place) in places {
        clean.extend_from_slice(&text[copied..place.start]);
        clean.extend_from_slice(mark(kind).as_bytes());
        copied = place.end;
    }
    clean.extend_from_slice(&text[copied..]);
    clean
}

/// Says whether a text begins with what an earlier redaction left.
fn is_mark(text: &[u8]) -> bool {
    let kind = |byte: &&u8| byte.is_ascii_lowercase() || **byte == b'-';
    text.strip_prefix(b"[redacted:")
        .is_some_and(|rest| rest.get(rest.iter().take_while(kind).count()) == Some(&b']'))
}

/// Returns the first look: which rows of the table could match at all.
fn screen() -> &'static RegexSet {
    static SCREEN: OnceLock<RegexSet> = OnceLock::new();
    SCREEN.get_or_init(|| {
        RegexSetBuilder::new(PATTERNS.iter().map(|pattern| pattern.words))
            .case_insensitive(true)
            .unicode(false)
            .build()
            .expect("a test compiles every row of the table")
    })
}

/// Returns the compiled pattern of a row.
fn regex(row: usize) -> &'static Regex {
    static REGEXES: [OnceLock<Regex>; PATTERNS.len()] = [const { OnceLock::new() }; PATTERNS.len()];
    REGEXES[row].get_or_init(|| {
        RegexBuilder::new(PATTERNS[row].regex)
            .case_insensitive(true)
            .unicode(false)
            .build()
            .expect("a test compiles every row of the table")
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_secret_of_the_table_has_a_hint() {
        for (example, _) in PATTERNS.iter().flat_map(|pattern| pattern.examples) {
            assert!(may_hold(example), "{example}");
        }
        for text in ["select 1", "psql postgres://app@localhost:54329/orders", "delete from a"] {
            assert!(!may_hold(text), "{text}");
        }
    }

    #[test]
    fn every_example_is_redacted_and_every_innocent_left_alone() {
        for Pattern { kind, examples, innocents, .. } in PATTERNS {
            for (example, clean) in *examples {
                let redacted = redact(example);
                assert_eq!(redacted.text, clean.replace("<secret>", &mark(kind)), "{example}");
                assert_eq!(redacted.kinds, [*kind], "{example}");
            }
            for innocent in *innocents {
                assert_untouched(innocent);
            }
        }
    }

    fn assert_untouched(text: &str) {
        let redacted = redact(text);
        assert!(matches!(redacted.text, Cow::Borrowed(_)), "{}", redacted.text);
        assert_eq!(redacted.kinds, [""; 0], "{text}");
    }

    /// What people type all day: one of these redacted and nobody trusts the record any more.
    #[test]
    fn everyday_text_is_left_alone() {
        for text in [
            "select * from users where id = '550e8400-e29b-41d4-a716-446655440000'",
            "update deploys set commit = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b' where id = 3",
            "\\i /home/ann/venv/lib/python3.11/site-packages/secretstorage/token_password.sql",
            "copy t from '/srv/secrets/passwords.csv' with (format csv, header)",
            "select md5('a'), sha256('b'::bytea), '\\xdeadbeef'::bytea, 'SGVsbG8gd29ybGQ='",
            "select password_hash, password_changed_at, secret_question_id from users limit 5",
            "create table tokens (id serial primary key, token text not null, secret bytea)",
            "alter table users add column api_key text, add column access_token_expires_at timestamptz",
            "comment on column users.password is 'a bcrypt hash, never the password itself'",
            "select count(*) from sessions where token is null or secret_key_id = 42",
            "grant select on passwords, basic_auth_users to auditor",
            "select * from pg_stat_activity where application_name = 'psql' and query ~ 'password'",
            "insert into log values ('reset the password of ann', 'token expired', 'basic checks')",
            "select regexp_replace(url, '://[^/]+@', '://***@') from links",
            "postgres://app@db.example.com:5432/orders?sslmode=require&application_name=x",
            "\\setenv PAGER 'less -S'",
            "select jwt_claims->>'sub', bearer_id, key, value from api_keys where key = 'colour'",
            "explain (analyze, buffers) select * from secret_santa join tokens using (id)",
            "set role admin; set search_path = basic, public; show password_encryption",
        ] {
            assert_untouched(text);
        }
    }

    #[test]
    fn secrets_are_found_in_more_shapes() {
        for (text, expected) in [
            (
                "create role a password $$hunter2$$",
                "create role a password $$[redacted:sql-password]$$",
            ),
            (
                "create role a password E'a\\'b' login",
                "create role a password E'[redacted:sql-password]' login",
            ),
            (
                "alter role a password /* new */ 'x y'",
                "alter role a password /* new */ '[redacted:sql-password]'",
            ),
            ("alter role a password 'x", "alter role a password '[redacted:sql-password]"),
            ("alter role a password 'x\\", "alter role a password '[redacted:sql-password]"),
            (
                "{\"password\": \"hunter2\", \"n\": 1}",
                "{\"password\": \"[redacted:password]\", \"n\": 1}",
            ),
            (
                "postgres://h/db?user=a&password=b&x=1",
                "postgres://h/db?user=a&password=[redacted:password]&x=1",
            ),
            ("password='it''s' host=h", "password='[redacted:password]' host=h"),
            (
                "a mongodb+srv://u:p%40@h b redis://:x@h",
                "a mongodb+srv://u:[redacted:uri-password]@h b redis://:[redacted:uri-password]@h",
            ),
        ] {
            let redacted = redact(text).text;
            assert_eq!(redacted, expected);
        }
    }

    #[test]
    fn what_stands_before_tells_what_is_secret() {
        for (before, last, clean) in [
            ("alter role app\npassword\n", "'hunter2';", Some("'[redacted:sql-password]';")),
            (
                "alter role app password 'hun\n",
                "ter2' valid until 'é';",
                Some("[redacted:sql-password]' valid until 'é';"),
            ),
            ("alter role app password $$\n", "hunter2", Some("[redacted:sql-password]")),
            ("alter role app password 'hunter2',\n", "x 'y'", None),
            ("alter role app password 'a';\n", "pw = 'b'", Some("[redacted:password]'")),
            ("select\n", "1", None),
            ("", "pw = 'b'", Some("pw = '[redacted:password]'")),
        ] {
            assert_eq!(redact_last(before, last).as_deref(), clean, "{before}{last}");
        }
    }

    #[test]
    fn argv_loses_secrets_in_and_after_options() {
        let argv = [
            "mongosh",
            "--password",
            "hunter2",
            "--password=x",
            "--token",
            "-q",
            "mongodb://a:b@h",
        ];
        insta::assert_snapshot!(
            redact_argv(&argv).0.join(" "),
            @"mongosh --password [redacted:argument] --password=[redacted:password] --token -q mongodb://a:[redacted:uri-password]@h"
        );
        for argv in [["redis-cli", "-a", "hunter2"], ["/usr/bin/mongosh", "-p", "hunter2"]] {
            assert_eq!(redact_argv(&argv).0[2], "[redacted:password]");
        }
        assert_eq!(redact_argv(&["mysql", "-u", "-phunter2"]).0[2], "-p[redacted:password]");
        assert_eq!(redact_argv(&["psql", "-p", "5432"]).0[2], "5432");
        let argv = ["psql", "postgresql://u:p@ a/b@127.0.0.1:1/x", "--password=hunter2"];
        let (words, secrets) = redact_argv(&argv);
        assert_eq!(words[1], "postgresql://u:[redacted:uri-password]@127.0.0.1:1/x");
        for secret in ["p@ a/b", "hunter2"] {
            assert!(secrets.iter().any(|(_, found)| found == secret), "{secret}");
        }
    }

    #[test]
    fn ten_megabytes_without_a_secret_are_not_copied() {
        let text = "select id, name from families where name = 'password';\n".repeat(180_000);
        assert!(matches!(redact(&text).text, Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn twice_is_as_good_as_once(
            pieces in prop::collection::vec(
                prop_oneof![
                    prop::sample::select(vec![
                        "password", "PASSWORD ", "=", "'", "''", "\"", "$$", "://", "u:", "@", "a1", " ",
                        "[redacted:password]", "identified by ", "token", ":", "E'", "\\", "bearer ", "(",
                        "eyJabcdefgh.", "0123456789abcdef", "api_key", "--", "/*", "*/", "\n", "set ", "for ",
                    ]).prop_map(str::to_owned),
                    "\\PC{0,3}",
                ],
                0..24,
            )
        ) {
            let text = pieces.concat();
            let once = redact(&text).text.into_owned();
            let twice = redact(&once);
            prop_assert_eq!(&twice.text, &once, "from {:?}", text);
            prop_assert!(twice.kinds.is_empty());
        }
    }
}
