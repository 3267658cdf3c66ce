//! The table of secrets: how each kind looks, with an example and something alike that is none.

use std::ops::Range;

use super::{private_key, uri};

/// One way a secret is written.
pub(super) struct Pattern {
    /// What it is called in `[redacted:kind]`.
    pub(super) kind: &'static str,
    /// Words of which one is always there, as a regular expression: the cheap first look.
    pub(super) words: &'static str,
    /// The whole; each group that takes part is a secret. Letters of either case match.
    pub(super) regex: &'static str,
    /// How many bytes there are one, where the shape alone says too little: of a text, what a group
    /// found. It may reach further.
    pub(super) secret_len: fn(&[u8], Range<usize>) -> usize,
    /// Texts with secrets, and the same with `<secret>` in place of each.
    #[cfg(test)]
    pub(super) examples: &'static [(&'static str, &'static str)],
    /// Texts that must stay as they are.
    #[cfg(test)]
    pub(super) innocents: &'static [&'static str],
}

/// The shape is enough.
fn always(_: &[u8], found: Range<usize>) -> usize {
    found.len()
}

/// All of it, if it is a value.
fn value(text: &[u8], found: Range<usize>) -> usize {
    if is_value(&String::from_utf8_lossy(&text[found.clone()])) { found.len() } else { 0 }
}

/// All of it, if it is a value and no word that MySQL has there.
fn unquoted(text: &[u8], found: Range<usize>) -> usize {
    let words = ["expire", "history", "require", "reuse", "current", "never", "optional"];
    let is_word = |word: &&str| text[found.clone()].eq_ignore_ascii_case(word.as_bytes());
    if words.iter().any(is_word) { 0 } else { value(text, found) }
}

/// All of it, if it is a key.
fn key(text: &[u8], found: Range<usize>) -> usize {
    if is_key(&String::from_utf8_lossy(&text[found.clone()])) { found.len() } else { 0 }
}

/// Letters and digits mixed as in a key, and not as in a path or in a name made of words.
fn is_key(text: &str) -> bool {
    let is_mixed = text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().any(|byte| byte.is_ascii_alphabetic());
    let is_path = ["/", "./", "../", "~/"].iter().any(|begin| text.starts_with(begin))
        || text.split('/').any(|part| part.ends_with(".py") || part.ends_with(".sql"));
    // Words, a few digits at their ends: `reset_token_v2`, `users.access_key1`.
    let is_name = text.contains(['_', '.', '-', '/'])
        && text.split(['_', '.', '-', '/']).all(|word| {
            let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
            word.len() - letters.len() <= 4 && letters.bytes().all(|b| b.is_ascii_alphabetic())
        });
    is_mixed && !is_path && !is_name
}

/// Not a parameter, a variable of the client or a call, nor what a call asks with or for: nothing
/// that stands for a value.
pub(super) fn is_value(text: &str) -> bool {
    !text.starts_with(['$', ':', '?', '%', ')'])
        && !is_mask(text)
        && !text.trim_end().ends_with(['(', ':'])
        && !is_word(text)
        && !is_variable(text)
}

/// What stands in place of a password, or what finds one: `***`, `\S+`.
fn is_mask(text: &str) -> bool {
    let is_dotted = !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'*' | b'.'));
    is_dotted || matches!(text, "\\S+" | "\\S*" | "\\w+" | "\\w*")
}

fn is_word(text: &str) -> bool {
    ["null", "true", "false", "default", "password"]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word))
}

/// As variables of the environment are written: `DB_PASSWORD`.
fn is_variable(text: &str) -> bool {
    text.contains("PASS") && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

/// Builds a row; the last three columns exist in tests only.
macro_rules! patterns {
    ($($kind:literal, $secret_len:path, $words:literal,
        $regex:expr, $($example:literal => $clean:literal,)+ not $($innocent:literal),+;)*) => {
        &[$(Pattern {
            kind: $kind,
            words: $words,
            regex: $regex,
            secret_len: $secret_len,
            #[cfg(test)]
            examples: &[$(($example, $clean)),+],
            #[cfg(test)]
            innocents: &[$($innocent),+],
        }),*]
    };
}

/// White space and comments, as SQL has them between words.
macro_rules! gap {
    () => {
        r"(?:\s|/\*(?s:.*?)\*/|--[^\n]*\n)*"
    };
}

/// A string as SQL has it, and one whose end is missing: `'it''s'`, `E'\''`, `$$it$$`.
macro_rules! string {
    () => {
        concat!(
            // What steers a terminal ends it.
            r"(?:(?:\be|\bn|\bu&)?'((?:[^'\\\x07\x1b]|''|\\(?s:.))*\\?)(?:['\x07\x1b]|\z)",
            r#"|"((?:[^"\\\x07\x1b]|""|\\(?s:.))+\\?)(?:["\x07\x1b]|\z)"#,
            r"|\$[a-z_0-9]*\$((?s:.*?))(?:\$[a-z_0-9]*\$|\z))",
        )
    };
}

/// All of them. Where two could match, the more telling kind comes first.
pub(super) const PATTERNS: &[Pattern] = patterns! {
    "private-key", private_key::secret_len, "private key",
        r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----()",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEow==\n-----END RSA PRIVATE KEY-----"
            => "-----BEGIN RSA PRIVATE KEY-----<secret>\n-----END RSA PRIVATE KEY-----",
        "f('-----BEGIN PRIVATE KEY-----\\nMIIEow==\\n-----END PRIVATE KEY-----')"
            => "f('-----BEGIN PRIVATE KEY-----<secret>\\n-----END PRIVATE KEY-----')",
        "'-----BEGIN PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIEow==\n'; select 1"
            => "'-----BEGIN PRIVATE KEY-----<secret>\n'; select 1",
        not "-----BEGIN PUBLIC KEY-----\nMIIBIj==\n-----END PUBLIC KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----\nrow 0 of some other output\n",
            "select '-----BEGIN RSA PRIVATE KEY-----' as begin, id from families where id = 1";
    "uri-password", uri::secret_len, "://",
        r#"\b[a-z][a-z0-9+.\-]*://[^\s:@/'"<>\[]*:()"#,
        "\\c postgres://ann:hunter@2@db.example.com:5432/orders"
            => "\\c postgres://ann:<secret>@db.example.com:5432/orders",
        "\\c postgres://ann:hunter/2@127.0.0.1/orders 'postgres://ann:hunter 2@db'"
            => "\\c postgres://ann:<secret>@127.0.0.1/orders 'postgres://ann:<secret>@db'",
        "REDIS://:hunter2@h,redis://ann:hunter2@h?x=a@b" => "REDIS://:<secret>@h,redis://ann:<secret>@h?x=a@b",
        not "select 'http://db.example.com:8080/a@b', 'postgres://ann@db/orders'",
            "http://localhost:3000/?mail=ann@example.com and http://[::1]:5432/a@b.example.com",
            "see http://example.com:notes, ann@example.com: /home/ann:x/a@b";
    "sql-password", always, r"\bpas",
        // Without white space, or mistyped, only where a role is meant: `'the password'` ends a string.
        concat!(r"\b(?:(?:role|user|group)\b[^;']*\bpas[a-z]*", gap!(), r"(?:to\b|=)?", gap!(), r#"|password"?"#, gap!(), r"\s", gap!(), ")", string!()),
        "ALTER ROLE ann ENCRYPTED PASSWORD 'hun''ter2' VALID UNTIL '2027-01-01'"
            => "ALTER ROLE ann ENCRYPTED PASSWORD '<secret>' VALID UNTIL '2027-01-01'",
        "alter role ann pasword 'hunter2'" => "alter role ann pasword '<secret>'",
        "alter user ann password to 'hunter2'" => "alter user ann password to '<secret>'",
        "options (user 'a', \"password\" 'hunter2')" => "options (user 'a', \"password\" '<secret>')",
        not "SET password_encryption = 'scram-sha-256'; ALTER ROLE ann PASSWORD NULL",
            "alter role pascal set search_path to 'orders'";
    "sql-password", unquoted, r"\bpas|identified",
        concat!(r"\b(?:alter|create)\s+(?:role|user)\s[^;']*?\b(?:pas[a-z]*|identified\s+by)\b", gap!(),
            r#"(?:\bto\b|=)?"#, gap!(), r#"([^\s'",;()\x00-\x1f\x7f]+)\s*(?:;|\z|\b(?:valid|login|superuser|createdb|in|with)\b)"#),
        "alter role ann with password hunter2;" => "alter role ann with password <secret>;",
        "create user ann identified by hunter2" => "create user ann identified by <secret>",
        not "alter user ann password expire; alter role ann password null; create role password",
            "alter role ann in database orders set password_encryption to 'md5'",
            "alter user ann password history default password require current;";
    "password", value, r"\bset",
        concat!(r#"(?:\bset\b[^;']*(?:password|passwd|pwd|passphrase|secret|token)"?"#, gap!(), r"\bto", gap!(),
            r"|\bset_config\s*\(\s*'[^']*(?:password|passwd|pwd|passphrase|secret|token)'\s*,\s*)'((?:[^']|'')*)(?:'|\z)"),
        "alter database app set \"app.jwt_secret\" to 'hunter2'"
            => "alter database app set \"app.jwt_secret\" to '<secret>'",
        "select set_config('app.password', 'hunter2', false)"
            => "select set_config('app.password', '<secret>', false)",
        not "set password_encryption to 'md5'; set search_path to 'orders'",
            "select set_config('app.user', 'ann', false), 'the password to orders'";
    "sql-password", always, "identified",
        concat!(r"\bidentified", gap!(), r"(?:with", gap!(), r"\S+", gap!(), ")?(?:by|as)", gap!(),
            r"(?:password", gap!(), ")?", string!(), r"(?:\s*replace\s*", string!(), ")?"),
        "ALTER USER ann IDENTIFIED BY 'hunter2' REPLACE 'hunter1'"
            => "ALTER USER ann IDENTIFIED BY '<secret>' REPLACE '<secret>'",
        "CREATE USER ann IDENTIFIED WITH caching_sha2_password BY 'hunter2'"
            => "CREATE USER ann IDENTIFIED WITH caching_sha2_password BY '<secret>'",
        not "select count(*) from birds where identified by_whom";
    "sql-password", always, "password",
        concat!(r"\bset", gap!(), "password", gap!(), r"(?:for\b[^;=]*)?=", gap!(), r"(?:password\s*\()?", gap!(), string!()),
        "SET PASSWORD FOR 'ann'@'%' = 'hunter2'" => "SET PASSWORD FOR 'ann'@'%' = '<secret>'",
        "SET PASSWORD = PASSWORD('hunter2')" => "SET PASSWORD = PASSWORD('<secret>')",
        not "SET PASSWORD FOR ann TO RANDOM";
    "password", value, r"passw|pwd|passphrase|_pass\b|\bpw\b",
        concat!(r#"(?:[a-z_]*(?:password|passwd|pwd|passphrase|_pass)|\bpw)["']?\]?\s*"#,
            r"(?::\s*[a-z_.\[\]]+\s*=|=>|:=|=|:)\s*(?:[a-z_0-9.]+\s*\(\s*)?", string!()),
        "os.environ['PGPASSWORD'] = 'hunter2'; pw: str = \"hunter2\""
            => "os.environ['PGPASSWORD'] = '<secret>'; pw: str = \"<secret>\"",
        "update users set password = crypt('hunter2', gen_salt('bf')) where id = 1"
            => "update users set password = crypt('<secret>', gen_salt('bf')) where id = 1",
        not "select password_hash = 'abc', pwd = $1 from users where password is null",
            "select 'Password: ', id, name from families where id < 3 order by id;",
            "select 'Password: ' || name, 'x' from families where id = 1;",
            "select * from families where name = 'password:' and id = 1 or true;",
            "select name as \"password: \" from families limit 1;",
            "select $$password: $$ || name, $$x$$ from families;",
            "select count(*), 'passwd=' as p, 'pw' from families;",
            "password = os.getenv('DB_PASSWORD') or getpass('Password: ')";
    "password", value, r"passw|pwd|passphrase|_pass\b|\bpw\b",
        r#"(?:[a-z_]*(?:password|passwd|pwd|passphrase|_pass)|\bpw)=([^\s'"&;,()\x00-\x1f\x7f]+)"#,
        "host=db user=ann password=hunter2 dbname=orders"
            => "host=db user=ann password=<secret> dbname=orders",
        not "update users set password=null, pwd=$1, passwd=:new",
            "select regexp_replace(line, 'password=\\S+', 'password=***') from log";
    "password", value, "password",
        r"[a-z_]*password\s*=\s*''([^'\s;,)][^']*)''",
        "select dblink_connect('host=a password=''it is'' user=b')"
            => "select dblink_connect('host=a password=''<secret>'' user=b')",
        not "update users set password = '' where name = ''";
    "password", value, "password",
        r#"\b(?:host|hostaddr|port|user|dbname)\s*=\s*[^\s'";]+\s+(?:[a-z_]+\s*=\s*[^\s'";]+\s+)*password\s*=\s*([^\s'";&\x00-\x1f\x7f]+)"#,
        "\\c \"host = db user = ann password = hunter2\""
            => "\\c \"host = db user = ann password = <secret>\"",
        not "select 1 from a join b on a.user = b.user and a.password = b.password";
    "password", value, r"\\set",
        r"\\set\s+(?:[a-z_]*(?:password|passwd|pwd|passphrase|secret|token)[a-z_]*|pw)\s+'?([^\s']+)",
        "\\set new_password hunter2" => "\\set new_password <secret>",
        not "\\set VERBOSITY verbose";
    "password", always, "password|_pwd|rediscli_auth",
        r#"\b(?:pgpassword|mysql_pwd|rediscli_auth)(?:[ \t]+|=)["']?([^\s'"]+)"#,
        "\\setenv PGPASSWORD hunter2" => "\\setenv PGPASSWORD <secret>",
        not "\\setenv PGPASSFILE /home/ann/.pgpass";
    "password", value, "auth|changeuserpassword|setdefault|putenv",
        // The user, or the variable, comes first for these.
        concat!(r#"(?:(?:\bauth\s*=?|\bchangeUserPassword)\s*\(\s*(?:'[^']*'|"[^"]*")|"#,
            r#"\b(?:setdefault|putenv)\s*\(\s*["'][a-z_]*(?:password|passwd|pwd)["'])\s*,\s*"#, string!()),
        "db.getSiblingDB('admin').auth('ann', 'hunter2')"
            => "db.getSiblingDB('admin').auth('ann', '<secret>')",
        "requests.get(url, auth=('ann', \"hunter2\"))" => "requests.get(url, auth=('ann', \"<secret>\"))",
        "os.environ.setdefault('PGPASSWORD', 'hunter2')"
            => "os.environ.setdefault('PGPASSWORD', '<secret>')",
        not "db.auth(passwordPrompt())", "select oauth('ann', 'x') from b where auth = 'basic'";
    "password", always, "auth|requirepass|setuser",
        r"(?:\A\s*(?:hello\s+\d\s+)?auth\s+(?:[^\s'(=]+\s+)?|\bconfig\s+set\s+(?:requirepass|masterauth)\s+|\bacl\s+setuser\s.*?\s[><])([^\s'(=]+)",
        "AUTH hunter2" => "AUTH <secret>",
        "AUTH ann hunter2" => "AUTH ann <secret>",
        "CONFIG SET requirepass hunter2" => "CONFIG SET requirepass <secret>",
        "ACL SETUSER ann on >hunter2 ~* +@all" => "ACL SETUSER ann on ><secret> ~* +@all",
        not "CONFIG GET requirepass", "use auth", "select auth, auth_kind from users";
    "password", always, "redis-cli|mysql|mariadb|mongo|sshpass|curl",
        concat!(r"\b(?:redis-cli\b[^|;&\n]*\s(?:-a|--pass)\s+|(?:mysql|mariadb)[a-z]*\b[^|;&\n]*\s-p|sshpass\s+-p\s*",
            r"|mongo[a-z]*\b[^|;&\n]*\s(?:-p|--password)\s+",
            r#"|curl\b[^|;&\n]*\s(?:-u|--user)[\s=]+["']?[^\s:"']+:)([^\s"'=\-][^\s"']*)"#),
        "\\! mysql -u root -phunter2 orders" => "\\! mysql -u root -p<secret> orders",
        "\\! mongosh -u ann -p hunter2 orders" => "\\! mongosh -u ann -p <secret> orders",
        "\\! mongodump --password hunter2" => "\\! mongodump --password <secret>",
        "curl -s -u ann:hunter2 https://example.com" => "curl -s -u ann:<secret> https://example.com",
        not "\\! mysql -u root -p orders", "\\! mongosh --port 27017 -u ann orders", "curl -u ann https://example.com:8080/";
    "password", value, "--(?:password|passwd|token|secret|api-key|access-key)",
        concat!(r#"(?:\\!|\A\s*!|\b(?:system|popen|run|call|check_output)\s*\()[^\n]*[\s"']"#,
            r#"--(?:password|passwd|token|secret|api-key|access-key)["']?[\s,]\s*["']?([^\s"'\-,][^\s"']*)"#),
        "\\! vault login --password hunter2" => "\\! vault login --password <secret>",
        "subprocess.run(['vault', '--token', 'hunter2'])" => "subprocess.run(['vault', '--token', '<secret>'])",
        not "\\! mysql --password -u root", "select 1 --password resets of ann";
    "password", always, "attach|pragma",
        concat!(r"\b(?:attach\b[^;]*\skey|pragma\s+(?:hex)?(?:re)?key\s*=)\s*", string!()),
        "ATTACH DATABASE 'x.db' AS x KEY 'hunter2'" => "ATTACH DATABASE 'x.db' AS x KEY '<secret>'",
        not "pragma foreign_keys = 'on'";
    "aws-key", always, "akia|asia",
        r#"\b((?-i:AKIA|ASIA)(?-i:[0-9A-Z]{16}))['"]\s*,\s*['"]([a-z0-9/+=]{40})\b"#,
        "import('b', 'k', 'AKIAIOSFODNN7EXAMPLE', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY')"
            => "import('b', 'k', '<secret>', '<secret>')",
        not "values ('AKIA', '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b')";
    "aws-key", always, "akia|asia",
        r"\b((?-i:AKIA|ASIA)(?-i:[0-9A-Z]{16}))\b",
        "credentials 'aws_access_key_id=AKIAIOSFODNN7EXAMPLE'"
            => "credentials 'aws_access_key_id=<secret>'",
        not "select 'ASIAN', 'AKIA'";
    "aws-key", always, "secret",
        r#"aws_?secret_?(?:access_?)?key["']?\s*[=:]\s*["']?([a-z0-9/+=]{40})"#,
        "aws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
            => "aws_secret_access_key=<secret>",
        not "aws_secret_access_key=short";
    "jwt", always, "eyj",
        r"\b((?-i:eyJ)[a-z0-9_\-]{8,}\.[a-z0-9_\-]{8,}\.[a-z0-9_\-]{8,})",
        "select 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w'"
            => "select '<secret>'",
        not "select 'eyJhbGciOiJIUzI1NiJ9'";
    "bearer", always, "bearer",
        r"\bbearer\s+([a-z0-9._~+/=\-]{16,})",
        "Authorization: Bearer 0123456789abcdef0123" => "Authorization: Bearer <secret>",
        not "the bearer of bad news";
    "basic-auth", always, "authorization",
        r#"\bauthorization["']?\s*[:=]\s*["']?(?:basic|token|apikey)\s+([a-z0-9+/=_.\-]{8,})"#,
        "Authorization: Basic YW5uOmh1bnRlcjI=" => "Authorization: Basic <secret>",
        not "a basic understanding";
    "token", always, "gh[pousr]_|github_pat_|glpat-|npm_|xox[abposr]-|xapp-|[srp]k_(live|test)_|whsec_|aiza|ya29|sk-|sg\\.|hvs\\.|dop_v1_|shpat_|pypi-",
        concat!(r"\b((?-i:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{22,}|glpat-[A-Za-z0-9_\-]{20,}",
            r"|npm_[A-Za-z0-9]{36}|xox[abposr]-[A-Za-z0-9\-]{10,}|xapp-[A-Za-z0-9\-]{20,}",
            r"|[srp]k_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/=]{24,}",
            r"|AIza[A-Za-z0-9_\-]{35}|ya29\.[A-Za-z0-9_\-]{20,}|sk-[A-Za-z0-9_\-]*[0-9][A-Za-z0-9_\-]{19,}",
            r"|SG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{16,}|hvs\.[A-Za-z0-9_\-]{20,}",
            r"|dop_v1_[a-f0-9]{64}|shpat_[a-f0-9]{32}|pypi-[A-Za-z0-9_\-]{50,}))"),
        "insert into keys values ('ghp_0123456789abcdefABCDEF0123456789abcd')"
            => "insert into keys values ('<secret>')",
        "stripe sk_live_0123456789abcdefXYZ, slack xoxb-123456789012-abc"
            => "stripe <secret>, slack <secret>",
        "SG.abcdefghijklmnop123456.abcdefghijklmnop1234567890" => "<secret>",
        not "select ghp_total, task-list from t",
            "select 'sk-learn-is-a-library-for-python', npm_config, sg.id from t",
            "pip install pypi-simple; select xoxo";
    "webhook", always, "hooks",
        r"\bhooks\.slack\.com/services/(T[A-Z0-9]+/B[A-Z0-9]+/[A-Za-z0-9]{16,})",
        "https://hooks.slack.com/services/T000AAAA/B000BBBB/abcdefghijklmnop12345678"
            => "https://hooks.slack.com/services/<secret>",
        not "https://hooks.slack.com/services/how-to-use-them";
    "api-key", key, "api[_-]?key|secret|token|(?:access|account)[_-]?key",
        concat!(r#"[a-z0-9_\-]*(?:api[_-]?key|secret(?:[_-]?key)?|token|(?:access|account)[_-]?key)["']?\]?\s*"#,
            r#"(?:=>|:=|=|:|'\s*,)\s*["']?([a-z0-9_\-./+=~]{16,})"#),
        "update apps set api_key = '9f86d081884c7d659a2feaa0' where id = 1"
            => "update apps set api_key = '<secret>' where id = 1",
        "curl -H 'X-Api-Key: 9f86d081-884c-7d65-9a2f-eaa0c55ad015'"
            => "curl -H 'X-Api-Key: <secret>'",
        "values ('api_key ', 1), ('api_key', '9f86d081884c7d659a2feaa0')"
            => "values ('api_key ', 1), ('api_key', '<secret>')",
        "{\"access_token\": \"AbCd1234+efGH/5678ijkl==\"}" => "{\"access_token\": \"<secret>\"}",
        not "select token = refreshed_by_the_client from logins",
            "update logins set token = users.reset_token_v2 where id = 1",
            "secret = '/run/secrets/db1/password_file'; token: /usr/lib/python3.11/token.py",
            "select secret: ../app1/settings_local.py",
            "where access_key = auth.current_access_key_2025 and id = 7";
    "password", always, "crypt|hmac",
        // The data comes first for these.
        concat!(r"\b(?:pgp_sym_(?:en|de)crypt(?:_bytea)?|(?:aes_)?(?:en|de)crypt(?:_iv)?|hmac)\s*",
            r"\((?:[^;',]|'(?:[^']|'')*')+,\s*", string!()),
        "select encode(hmac(body, 'hunter2', 'sha256'), 'hex') from t"
            => "select encode(hmac(body, '<secret>', 'sha256'), 'hex') from t",
        "select encrypt('data'::bytea, 'hunter2', 'aes')"
            => "select encrypt('data'::bytea, '<secret>', 'aes')",
        "select pgp_sym_encrypt('card 4111', 'hunter2')"
            => "select pgp_sym_encrypt('card 4111', '<secret>')",
        "select pgp_sym_decrypt(card, 'hunter2') from cards"
            => "select pgp_sym_decrypt(card, '<secret>') from cards",
        not "select pgp_sym_decrypt(card, $1) from cards where note = 'a'",
            "select pgp_sym_decrypt(card, current_setting('app.key')) from cards";
    "password", always, "crypt",
        concat!(r"\bcrypt\s*\(\s*", string!()),
        "select crypt('hunter2', hash) = hash from users"
            => "select crypt('<secret>', hash) = hash from users",
        not "select crypt(password, hash) = hash from users where name = 'ann'",
            "select decrypt('abc', key, salt)";
    "password", always, "_secret",
        concat!(r"\bcreate_secret\s*\(\s*", string!()),
        "select vault.create_secret('hunter2', 'stripe')"
            => "select vault.create_secret('<secret>', 'stripe')",
        not "select create_secret(name) from secrets where name = 'a'";
};
