//! What comes out of a stream is the same however it is cut, and has no secret in it.

use proptest::prelude::*;

use super::*;

fn redacted(pieces: &[&[u8]]) -> String {
    let mut out = Vec::new();
    let mut stream = Stream::default();
    for piece in pieces {
        stream.feed(piece, &mut |bytes| out.extend_from_slice(bytes));
    }
    stream.end(&mut |bytes| out.extend_from_slice(bytes));
    String::from_utf8_lossy(&out).into_owned()
}

const SECRETS: &[(&str, &str)] = &[
    ("ann | ghp_0123456789abcdefABCDEF0123456789abcd | x", "ann | [redacted:token] | x"),
    (
        " postgres://ann:hunter@2@db.example.com:5432/orders\r\n",
        " postgres://ann:[redacted:uri-password]@db.example.com:5432/orders\r\n",
    ),
    ("(AKIAIOSFODNN7EXAMPLE)", "([redacted:aws-key])"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w", "[redacted:jwt]"),
    (
        "Authorization: Bearer 0123456789abcdef0123\r\n",
        "Authorization: Bearer [redacted:bearer]\r\n",
    ),
    (
        "a\r\n-----BEGIN RSA PRIVATE KEY-----\r\nMIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn/ygWyF8PbnGy0AHB7MkLZs3\r\nMIIEow==\r\n-----END RSA PRIVATE KEY-----\r\nb",
        "a\r\n-----BEGIN RSA PRIVATE KEY-----\r\n[redacted:private-key]\r\n-----END RSA PRIVATE KEY-----\r\nb",
    ),
    (
        // As psql shows it in a table, and JSON in a line.
        " -----BEGIN PRIVATE KEY-----   +| a\r\n MIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn/ygWyF8PbnGy0AHB7MkLZs3+| b\r\n MIIEow==  +|\r\n -----END PRIVATE KEY-----  | c\r\n(1 row)\r\n",
        " -----BEGIN PRIVATE KEY-----   +| a\r\n [redacted:private-key]| b\r\n -----END PRIVATE KEY-----  | c\r\n(1 row)\r\n",
    ),
    (
        "{\"k\": \"-----BEGIN PRIVATE KEY-----\\nMIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn/ygWyF8PbnGy0AHB7MkLZs3\\nMIIEow==\\n-----END PRIVATE KEY-----\\n\"}\r\n",
        "{\"k\": \"-----BEGIN PRIVATE KEY-----\\n[redacted:private-key]\\n-----END PRIVATE KEY-----\\n\"}\r\n",
    ),
    (
        "postgres://ann:a@b/c@127.0.0.1:5432/x (AKIAIOSFODNN7EXAMPLE)",
        "postgres://ann:[redacted:uri-password]@127.0.0.1:5432/x ([redacted:aws-key])",
    ),
    (
        "https://bob:ghp_0123456789abcdefABCDEF0123456789abcd@github.com/x",
        "https://bob:[redacted:uri-password]@github.com/x",
    ),
    (
        "LINE 1: alter role app password 'it''s' x;\r\n                     ^\r\n",
        "LINE 1: alter role app password '[redacted:sql-password]' x;\r\n                     ^\r\n",
    ),
    (
        "LINE 1: ...x alter role app password 'hunter2 and mo...\r\n                ^\r\napp=> ",
        "LINE 1: ...x alter role app password '[redacted:sql-password]\r\n                ^\r\napp=> ",
    ),
    (
        "alter role app\r\npassword\r\n'hunter2';\r\nalter role app password $$\r\nhunter2\r\n$$;\r\n",
        "alter role app\r\npassword\r\n'[redacted:sql-password]';\r\nalter role app password $$[redacted:sql-password]$$;\r\n",
    ),
    (
        "alter role app password 'hun\r\nter2';\r\nselect 1;\r\n",
        "alter role app password '[redacted:sql-password]';\r\nselect 1;\r\n",
    ),
    (
        "ERROR: cannot connect: host=db user=app password=hunter2 dbname=x\n",
        "ERROR: cannot connect: host=db user=app password=[redacted:password] dbname=x\n",
    ),
    (
        "\x1b]0;psql host=db password=hunter2\x07app=> \x1b[31mpassword=hunter2\x1b[m\r\n",
        "\x1b]0;psql host=db password=[redacted:password]\x07app=> \x1b[31mpassword=[redacted:password]\x1b[m\r\n",
    ),
    (
        "CREATE USER ann IDENTIFIED BY 'hunter2';",
        "CREATE USER ann IDENTIFIED BY '[redacted:sql-password]';",
    ),
    (
        "stripe sk_live_0123456789abcdefXYZ, slack xoxb-123456789012-abc",
        "stripe [redacted:token], slack [redacted:token]",
    ),
];

/// What people would miss.
const INNOCENT: &[&str] = &[
    " id | password\r\n----+----------\r\n  1 | $2a$08$abc\r\n",
    "I forgot the password\r\nagain, and 'that' is it\r\n",
    "/usr/lib/python3/dist-packages/secretstorage/__init__.py",
    "550e8400-e29b-41d4-a716-446655440000 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
    "https://db.example.com:8080/a@b postgres://ann@db/orders?x=1",
    "task-list risk-averse-people-and-their-habits ghp_total AKIAS npm_config",
    "the bearer of bad news; Bearer of it",
    "-----BEGIN PUBLIC KEY-----\r\nMIIBIjANBgkq\r\n-----END PUBLIC KEY-----",
    "-----BEGIN RSA PRIVATE KEY-----\r\nrow 0 of some useful output\r\nhello\r\n>>> ",
    "-----BEGIN RSA PRIVATE KEY-----\r\n\r\norders=> select 'MIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn/ygWyF8PbnGy0AHB7MkLZs3'",
    "-----BEGIN something else that is far longer than any head of a private key is-----\r\n",
    "-----BEGIN CERTIFICATE-----\r\nMIIBIjANBgkq\r\n-----END CERTIFICATE-----",
    "eyJhbGciOiJIUzI1NiJ9 eyJ.x.y e ey",
    " id | name \r\n----+------\r\n  1 | a    \r\n(1 row)\r\n",
    " ann | hunter2 | password \r\n",
    "Enter new password for user \"app\": \r\npassword: password= password=null",
    "update users set password = $1, passphrase = null where password is null",
    "Identified by their birds",
];

#[test]
fn secrets_that_tell_what_they_are_go_wherever_they_are_cut() {
    for (text, expected) in SECRETS {
        let text = text.as_bytes();
        assert_eq!(redacted(&[text]), *expected);
        for at in 0..=text.len() {
            let (one, two) = text.split_at(at);
            assert_eq!(redacted(&[one, two]), *expected, "{at}");
        }
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(redacted(&bytes), *expected);
    }
}

#[test]
fn what_is_no_secret_is_not_touched() {
    for text in INNOCENT {
        assert_eq!(redacted(&[text.as_bytes()]), *text);
        let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        assert_eq!(redacted(&bytes), *text);
    }
    let binary: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    assert_eq!(redacted(&[&binary]), String::from_utf8_lossy(&binary));
}

#[test]
fn a_word_without_an_end_is_given_sooner_or_later() {
    let long = format!("https://{}", "x".repeat(100_000));
    assert_eq!(redacted(&[long.as_bytes()]), long);
    let key =
        format!("-----BEGIN PRIVATE KEY-----\n{}", format!("{}\n", "x".repeat(63)).repeat(1600));
    let out = redacted(&[key.as_bytes()]);
    assert!(out.len() > 80_000 && out.len() < 90_000, "{}", out.len());
    let mut stream = Stream::default();
    let mut seen = 0;
    stream.feed(b"orders=> ", &mut |bytes| seen += bytes.len());
    assert_eq!(seen, 9, "a prompt is in the log at once");
}

#[test]
fn every_kind_that_begins_has_its_pattern() {
    for (kind, _, begins) in BEGINS {
        assert!(PATTERNS.iter().any(|pattern| pattern.kind == *kind), "{kind}");
        for begin in *begins {
            assert!(begin.len() <= LONGEST_BEGIN && begin.len() > 2, "{begin}");
        }
    }
    assert_eq!(kind_of(PatternID::ZERO), 0);
    let last = all_begins().count() - 1;
    assert_eq!(kind_of(PatternID::must(last)), BEGINS.len() - 1);
}

fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::sample::select(vec![
            "-----BEGIN ",
            "RSA ",
            "PRIVATE KEY-----",
            "\r\n",
            "-----END ",
            "://",
            "postgres",
            "u:",
            "@",
            " ",
            "AKIA",
            "IOSFODNN7EXAMPLE",
            "eyJ",
            "hbGciOiJI",
            ".",
            "Bearer ",
            "ghp_",
            "0123456789abcdefABCDEF0123456789abcd",
            "sk-",
            "[redacted:token]",
            "a",
            "\x1b[0m",
            ":",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..4),
    ]
}

proptest! {
    #[test]
    fn it_does_not_matter_how_it_is_cut(
        pieces in prop::collection::vec(piece(), 0..24),
        cuts in prop::collection::vec(0_usize..200, 0..8),
    ) {
        let text = pieces.concat();
        let whole = redacted(&[&text]);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
        cuts.sort_unstable();
        let mut cut = Vec::new();
        let mut from = 0;
        for at in cuts {
            cut.push(&text[from..at]);
            from = at;
        }
        cut.push(&text[from..]);
        prop_assert_eq!(&redacted(&cut), &whole);
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        prop_assert_eq!(&redacted(&bytes), &whole);
    }

    #[test]
    fn twice_is_as_good_as_once(pieces in prop::collection::vec(piece(), 0..24)) {
        let text = pieces.concat();
        let once = redacted(&[&text]);
        if !once.contains('\u{fffd}') {
            prop_assert_eq!(&redacted(&[once.as_bytes()]), &once);
        }
    }
}
