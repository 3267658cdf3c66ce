//! The command line of mongosh, as far as it decides what runs, where, and whether a prompt comes.

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Invocation {
    /// Whether it only prints something of its own.
    pub is_bare: bool,
    /// What it runs before the prompt, or in its place.
    pub scripts: Vec<Script>,
    /// Whether the prompt is to come after them.
    pub shell: bool,
    /// Whether it connects nowhere.
    pub nodb: bool,
    /// What stands for the place, a URI or the name of a database.
    pub specifier: Option<String>,
    /// `--host`.
    pub host: Option<String>,
    /// `--port`.
    pub port: Option<String>,
    /// `--username`.
    pub username: Option<String>,
}

/// Statements from the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Script {
    /// `--eval`.
    Text(String),
    /// A file's name.
    File(String),
}

/// Options that take the next word.
const WITH_VALUE: &[&str] = &[
    "apiVersion",
    "authenticationDatabase",
    "authenticationMechanism",
    "awsAccessKeyId",
    "awsIamSessionToken",
    "awsSecretAccessKey",
    "awsSessionToken",
    "browser",
    "cryptSharedLibPath",
    "csfleLibraryPath",
    "db",
    "eval",
    "file",
    "gssapiHostName",
    "gssapiServiceName",
    "host",
    "jsContext",
    "json",
    "keyVaultNamespace",
    "kmsURL",
    "locale",
    "oidcDumpTokens",
    "oidcFlows",
    "oidcRedirectUri",
    "oidcRedirectUrl",
    "password",
    "port",
    "sslCAFile",
    "sslCRLFile",
    "sslCertificateSelector",
    "sslDisabledProtocols",
    "sslPEMKeyFile",
    "sslPEMKeyPassword",
    "sspiHostnameCanonicalization",
    "sspiRealmOverride",
    "tlsCAFile",
    "tlsCRLFile",
    "tlsCertificateKeyFile",
    "tlsCertificateKeyFilePassword",
    "tlsCertificateSelector",
    "tlsDisabledProtocols",
    "username",
];

/// Options that take the next word only where it is `true` or `false`.
const SWITCHES: &[&str] = &[
    "apiDeprecationErrors",
    "apiStrict",
    "build-info",
    "buildInfo",
    "deepInspect",
    "exposeAsyncRewriter",
    "help",
    "ipv6",
    "nodb",
    "norc",
    "oidcIDTokenAsAccessToken",
    "oidcIdTokenAsAccessToken",
    "oidcNoNonce",
    "oidcTrustedEndpoint",
    "perfTests",
    "quiet",
    "retryWrites",
    "shell",
    "skipStartupWarnings",
    "smokeTests",
    "ssl",
    "sslAllowInvalidCertificates",
    "sslAllowInvalidHostnames",
    "sslFIPSMode",
    "tls",
    "tlsAllowInvalidCertificates",
    "tlsAllowInvalidHostnames",
    "tlsFIPSMode",
    "tlsUseSystemCA",
    "verbose",
    "version",
];

/// Reads a command line.
#[must_use]
pub fn parse(args: &[String]) -> Invocation {
    let mut found = Invocation::default();
    let mut positional = Vec::new();
    let mut words = args.iter().map(String::as_str).peekable();
    while let Some(word) = words.next() {
        if word == "--" {
            positional.extend(words.by_ref());
            break;
        }
        let Some(option) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
            positional.push(word);
            continue;
        };
        let option = option.strip_prefix('-').unwrap_or(option);
        let (name, given) = match option.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (option, None),
        };
        let (name, is_on) = match name.strip_prefix("no-") {
            Some(negated) if SWITCHES.contains(&negated) => (negated, false),
            Some(_) | None => (long(name), true),
        };
        if SWITCHES.contains(&name) {
            let value = given.or_else(|| words.next_if(|next| ["true", "false"].contains(next)));
            found.switch(name, is_on && value != Some("false"));
        } else if WITH_VALUE.contains(&name) {
            let is_value = |next: &&str| !next.starts_with('-') || *next == "-";
            let value = given.or_else(|| words.next_if(is_value));
            found.value(name, value.unwrap_or_default());
        }
        // Others are refused, or newer than this list: the guard must come with them.
    }
    let is_file = |word: &str| {
        let is_uri = word.starts_with("mongodb://") || word.starts_with("mongodb+srv://");
        !is_uri && (word.ends_with(".js") || word.ends_with(".mongodb"))
    };
    let mut positional = positional.into_iter().peekable();
    if !found.nodb {
        found.specifier = positional.next_if(|word| !is_file(word)).map(str::to_owned);
    }
    found.scripts.extend(positional.map(|word| Script::File(word.to_owned())));
    found
}

/// Returns the long name of an option.
fn long(name: &str) -> &str {
    match name {
        "h" => "help",
        "p" => "password",
        "u" => "username",
        "f" => "file",
        other => other,
    }
}

impl Invocation {
    fn switch(&mut self, name: &str, is_on: bool) {
        match name {
            "help" | "version" | "buildInfo" | "build-info" | "smokeTests" | "perfTests" => {
                self.is_bare |= is_on;
            }
            "shell" => self.shell = is_on,
            "nodb" => self.nodb = is_on,
            _ => {}
        }
    }

    fn value(&mut self, name: &str, value: &str) {
        let value = || Some(value.to_owned());
        match name {
            "eval" => self.scripts.extend(value().map(Script::Text)),
            "file" => self.scripts.extend(value().map(Script::File)),
            "host" => self.host = value(),
            "port" => self.port = value(),
            "username" => self.username = value(),
            _ => {}
        }
    }

    /// Returns whether a person will type at the prompt, or a script stands for one.
    #[must_use]
    pub fn has_prompt(&self) -> bool {
        self.shell || self.scripts.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Invocation {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        parse(&args)
    }

    #[test]
    fn a_prompt_comes_unless_scripts_run() {
        for (line, expected) in [
            ("", true),
            ("orders", true),
            ("--eval 1", false),
            ("--eval=1", false),
            ("--eval 1 --shell", true),
            ("--shell --eval 1", true),
            ("--eval 1 --shell false", false),
            ("--eval 1 --no-shell", false),
            ("-f x.js", false),
            ("--file x.js orders", false),
            ("x.js", false),
            ("orders x.js", false),
            ("orders other", false),
            ("x.mongodb", false),
            ("mongodb://h/x.js", true),
            ("--nodb", true),
            ("--nodb orders", false),
            ("-p --quiet", true),
            ("-u ann -p secret orders --quiet", true),
            ("--json relaxed --eval 1", false),
            ("--quiet true orders", true),
            ("-- x.js", false),
            ("-", true),
        ] {
            assert_eq!(read(line).has_prompt(), expected, "mongosh {line}");
        }
    }

    #[test]
    fn what_says_where_is_kept() {
        let found = read("-u ann --port=27018 -p pw --host db1 orders x.js");
        assert_eq!(found.username.as_deref(), Some("ann"));
        assert_eq!((found.host.as_deref(), found.port.as_deref()), (Some("db1"), Some("27018")));
        assert_eq!(found.specifier.as_deref(), Some("orders"));
    }

    #[test]
    fn what_mongosh_answers_by_itself_is_bare() {
        for (line, expected) in [
            ("--help", true),
            ("-h", true),
            ("--version", true),
            ("--build-info", true),
            // One that is not known here may be known there.
            ("--verbos", false),
            ("-abc orders", false),
            ("--version false", false),
            ("--host -h", true),
            ("--eval --version", true),
            ("orders", false),
        ] {
            assert_eq!(read(line).is_bare, expected, "mongosh {line}");
        }
    }
}
