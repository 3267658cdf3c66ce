//! psql's command line, read as psql 15 reads it: GNU `getopt_long` with permutation.
//!
//! What cannot be read here is what psql refuses too: it is passed on for psql to say so.
#![forbid(unsafe_code)]

use crate::target::libpq::conninfo;

/// What a command line asks psql to do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Invocation {
    /// `-c` and `-f`, in order. Empty: psql reads its standard input.
    pub actions: Vec<Action>,
    /// Database name, URI or connection string, as given.
    pub dbname: Option<String>,
    /// `-h`.
    pub host: Option<String>,
    /// `-p`, as given.
    pub port: Option<String>,
    /// `-U`, or the second word that is no option.
    pub username: Option<String>,
    /// `--cluster` of Debian's `pg_wrapper`, such as `15/main`.
    pub cluster: Option<String>,
    /// `-w` and `-W`.
    pub password: Password,
    /// `-v`, in order; a name without a value unsets.
    pub variables: Vec<(String, Option<String>)>,
    /// `-P` and the options that stand for one, such as `-A`: only `-P`'s arguments, in order.
    pub settings: Vec<String>,
    /// `-o`: a file, or `|program`.
    pub output: Option<String>,
    /// `-L`.
    pub log_file: Option<String>,
    /// `-X`.
    pub no_psqlrc: bool,
    /// `-n`.
    pub no_readline: bool,
    /// `-s`: the user's own wish for single-step.
    pub single_step: bool,
    /// `-1`.
    pub single_transaction: bool,
    /// `-q`.
    pub quiet: bool,
    /// `-a`.
    pub echo_all: bool,
    /// `-e`.
    pub echo_queries: bool,
    /// `-E`.
    pub echo_hidden: bool,
    /// `-b`.
    pub echo_errors: bool,
    /// Only prints something and ends: `--help`, `-?`, `--version`, `-V`, `-l`. No statement of
    /// the user's runs.
    pub informational: bool,
}

impl Invocation {
    /// Reads what a connection string says, the password included.
    #[must_use]
    pub fn given(&self) -> Vec<(String, String)> {
        let string = self.dbname.as_deref().filter(|dbname| conninfo::is_connection_string(dbname));
        string.and_then(|string| conninfo::parse_whole(string).ok()).unwrap_or_default()
    }
}

/// One `-c` or `-f`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// `-c`: SQL, or one meta command.
    Command(String),
    /// `-f`.
    File(Source),
}

/// What `-f` reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `-f -`.
    Stdin,
    /// A file, as given.
    Path(String),
}

/// Whether psql asks for a password before it connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Password {
    /// Only if the server wants one.
    #[default]
    WhenNeeded,
    /// `-W`.
    Always,
    /// `-w`.
    Never,
}

/// Why a command line cannot be read; psql itself will complain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotUnderstood {
    /// The option at fault, as given.
    pub option: String,
}

/// Whether an option has an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    Argument,
    /// Only with `=`.
    MayBe,
}

/// psql 15's options: long names (several where they mean the same), letter, argument. Options
/// without a letter have a stand-in that no letter is.
const OPTIONS: [(&[&str], char, Takes); 35] = [
    (&["echo-all"], 'a', Takes::Nothing),
    (&["no-align"], 'A', Takes::Nothing),
    (&["command"], 'c', Takes::Argument),
    (&["dbname"], 'd', Takes::Argument),
    (&["echo-queries"], 'e', Takes::Nothing),
    (&["echo-errors"], 'b', Takes::Nothing),
    (&["echo-hidden"], 'E', Takes::Nothing),
    (&["file"], 'f', Takes::Argument),
    (&["field-separator"], 'F', Takes::Argument),
    (&["field-separator-zero"], 'z', Takes::Nothing),
    (&["host"], 'h', Takes::Argument),
    (&["html"], 'H', Takes::Nothing),
    (&["list"], 'l', Takes::Nothing),
    (&["log-file"], 'L', Takes::Argument),
    (&["no-readline"], 'n', Takes::Nothing),
    (&["single-transaction"], '1', Takes::Nothing),
    (&["output"], 'o', Takes::Argument),
    (&["port"], 'p', Takes::Argument),
    (&["pset"], 'P', Takes::Argument),
    (&["quiet"], 'q', Takes::Nothing),
    (&["record-separator"], 'R', Takes::Argument),
    (&["record-separator-zero"], '0', Takes::Nothing),
    (&["single-step"], 's', Takes::Nothing),
    (&["single-line"], 'S', Takes::Nothing),
    (&["tuples-only"], 't', Takes::Nothing),
    (&["table-attr"], 'T', Takes::Argument),
    (&["username"], 'U', Takes::Argument),
    (&["set", "variable"], 'v', Takes::Argument),
    (&["version"], 'V', Takes::Nothing),
    (&["no-password"], 'w', Takes::Nothing),
    (&["password"], 'W', Takes::Nothing),
    (&["expanded"], 'x', Takes::Nothing),
    (&["no-psqlrc"], 'X', Takes::Nothing),
    (&["help"], '?', Takes::MayBe),
    (&["csv"], '\u{1}', Takes::Nothing),
];

/// Reads psql's arguments, without the program's name.
///
/// # Errors
///
/// Returns the option that psql 15 does not know, or that lacks its argument.
pub fn parse<S: AsRef<str>>(args: &[S]) -> Result<Invocation, NotUnderstood> {
    let mut args: Vec<&str> = args.iter().map(AsRef::as_ref).collect();
    let mut found = Invocation::default();
    take_cluster(&mut args, &mut found)?;

    let mut words = Vec::new();
    let mut rest = args.into_iter();
    while let Some(arg) = rest.next() {
        if arg == "--" {
            words.extend(rest.by_ref());
        } else if let Some(long) = arg.strip_prefix("--") {
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (long, None),
            };
            let (letter, takes) = long_option(name).ok_or_else(|| not_understood(arg))?;
            let value = match takes {
                Takes::Nothing if value.is_some() => return Err(not_understood(arg)),
                Takes::Nothing | Takes::MayBe => value,
                Takes::Argument => {
                    Some(value.or_else(|| rest.next()).ok_or_else(|| not_understood(arg))?)
                }
            };
            found.apply(letter, value.unwrap_or_default());
        } else if arg.len() > 1 && arg.starts_with('-') {
            let mut letters = arg[1..].chars();
            while let Some(letter) = letters.next() {
                let takes = short_option(letter).ok_or_else(|| not_understood(arg))?;
                let mut value = "";
                if takes == Takes::Argument {
                    value = match letters.as_str() {
                        "" => rest.next().ok_or_else(|| not_understood(arg))?,
                        joined => joined,
                    };
                    letters = "".chars();
                }
                found.apply(letter, value);
            }
        } else {
            words.push(arg);
        }
        if found.informational {
            // psql ends there, whatever follows; `-l` is the exception, and runs nothing either.
            break;
        }
    }
    for word in words {
        if found.dbname.is_none() {
            found.dbname = Some(word.to_owned());
        } else if found.username.is_none() {
            found.username = Some(word.to_owned());
        }
    }
    Ok(found)
}

/// Takes `pg_wrapper`'s own option out, wherever it stands before `--`, as it does before psql
/// sees anything.
fn take_cluster(args: &mut Vec<&str>, found: &mut Invocation) -> Result<(), NotUnderstood> {
    for at in 0..args.len() {
        if args[at] == "--" {
            break;
        }
        if args[at] == "--cluster" {
            let cluster = args.get(at + 1).ok_or_else(|| not_understood("--cluster"))?;
            found.cluster = Some((*cluster).to_owned());
            args.drain(at..at + 2);
            break;
        }
        if let Some(cluster) = args[at].strip_prefix("--cluster=") {
            found.cluster = Some(cluster.to_owned());
            args.remove(at);
            break;
        }
    }
    Ok(())
}

impl Invocation {
    /// Takes one option in.
    fn apply(&mut self, letter: char, value: &str) {
        let text = || Some(value.to_owned());
        match letter {
            'c' => self.actions.push(Action::Command(value.to_owned())),
            'f' if value == "-" => self.actions.push(Action::File(Source::Stdin)),
            'f' => self.actions.push(Action::File(Source::Path(value.to_owned()))),
            'd' => self.dbname = text(),
            'h' => self.host = text(),
            'p' => self.port = text(),
            'U' => self.username = text(),
            'v' => self.variables.push(match value.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (value.to_owned(), None),
            }),
            'P' => self.settings.push(value.to_owned()),
            'o' => self.output = text(),
            'L' => self.log_file = text(),
            'X' => self.no_psqlrc = true,
            'n' => self.no_readline = true,
            's' => self.single_step = true,
            'S' => self.variables.push(("SINGLELINE".to_owned(), Some("on".to_owned()))),
            '1' => self.single_transaction = true,
            'q' => self.quiet = true,
            'a' => self.echo_all = true,
            'e' => self.echo_queries = true,
            'E' => self.echo_hidden = true,
            'b' => self.echo_errors = true,
            'w' => self.password = Password::Never,
            'W' => self.password = Password::Always,
            '?' | 'V' | 'l' => self.informational = true,
            // How results look.
            _ => {}
        }
    }
}

/// Finds a long option by its name or an unambiguous start of it.
fn long_option(name: &str) -> Option<(char, Takes)> {
    let all = || {
        OPTIONS.iter().flat_map(|(names, letter, takes)| {
            names.iter().map(move |long| (*long, (*letter, *takes)))
        })
    };
    if let Some((_, option)) = all().find(|(long, _)| *long == name) {
        return Some(option);
    }
    let mut starts = all().filter(|(long, _)| long.starts_with(name)).map(|(_, option)| option);
    let first = starts.next()?;
    // Names of one option do not contradict each other.
    starts.all(|option| option == first).then_some(first)
}

/// Finds an option by its letter.
fn short_option(letter: char) -> Option<Takes> {
    let is_letter = letter.is_ascii_graphic();
    let option = OPTIONS.iter().find(|option| is_letter && option.1 == letter)?;
    Some(if option.2 == Takes::Argument { Takes::Argument } else { Takes::Nothing })
}

fn not_understood(option: &str) -> NotUnderstood {
    NotUnderstood { option: option.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Invocation, NotUnderstood> {
        parse(&line.split(' ').collect::<Vec<_>>())
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn words_are_database_and_user_wherever_they_stand() {
        for line in [
            "shop anna -X -h db",
            "-X shop -h db anna",
            "-Xhdb -- shop anna",
            "shop --no-psqlrc --host=db anna ignored",
            "-U anna --dbn shop --no-ps --hos db",
            "--user anna -X -hdb -dshop",
        ] {
            let found = read(line).expect(line);
            assert_eq!((found.dbname, found.username), (some("shop"), some("anna")), "{line}");
            assert!(found.no_psqlrc && found.host == some("db"), "{line}");
        }
    }

    #[test]
    fn a_word_after_d_is_the_user() {
        let found = read("-d shop anna -p 5433").expect("understood");
        assert_eq!((found.dbname, found.username), (some("shop"), some("anna")));
        assert_eq!(found.port, some("5433"));
    }

    #[test]
    fn actions_keep_their_order() {
        let found = parse(&["-1Xqc", "select 1", "-f", "-", "--file=a b", "-cselect 2"]);
        let found = found.expect("understood");
        let expected = [
            Action::Command("select 1".into()),
            Action::File(Source::Stdin),
            Action::File(Source::Path("a b".into())),
            Action::Command("select 2".into()),
        ];
        assert_eq!(found.actions, expected);
        assert!(found.single_transaction && found.no_psqlrc && found.quiet);
    }

    #[test]
    fn options_after_two_dashes_are_words() {
        let found = read("-- -c x").expect("understood");
        assert_eq!((found.dbname, found.username), (some("-c"), some("x")));
        assert_eq!(read("-").expect("understood").dbname, some("-"));
    }

    #[test]
    fn switches_are_seen() {
        let found = read("-sSneEab -W -v A=b=c --set=B= --variable C --va D=1 -oout -L log -P x=1");
        let found = found.expect("understood");
        assert!(found.single_step && found.no_readline);
        assert!(found.echo_queries && found.echo_hidden && found.echo_all && found.echo_errors);
        assert_eq!(found.password, Password::Always);
        let single = ("SINGLELINE", some("on"));
        let variables =
            [single, ("A", some("b=c")), ("B", some("")), ("C", None), ("D", some("1"))];
        assert_eq!(found.variables, variables.map(|(name, value)| (name.to_owned(), value)));
        assert_eq!((found.output, found.log_file), (some("out"), some("log")));
        assert_eq!(found.settings, ["x=1"]);
    }

    #[test]
    fn only_printing_is_informational() {
        for line in
            ["--help", "-?", "--help=commands", "--versio", "-V", "-l", "shop --list", "-Xl"]
        {
            assert!(read(line).expect(line).informational, "{line}");
        }
        assert!(!read("-c --help").expect("understood").informational);
        assert!(!read("-d -l").expect("understood").informational);
    }

    #[test]
    fn what_psql_refuses_is_not_understood() {
        for line in ["-Z", "--nope", "--no", "--s", "-c", "--file", "--quiet=1", "-Xh", "-\u{1}"] {
            assert!(read(line).is_err(), "{line}");
        }
    }

    #[test]
    fn the_cluster_option_is_taken_out() {
        assert_eq!(read("--cluster 15/main shop").expect("read").cluster, some("15/main"));
        assert_eq!(read("--cluster=15/main shop").expect("read").dbname, some("shop"));
        let found = read("shop --cluster 15/main -X").expect("read");
        assert_eq!((found.cluster, found.no_psqlrc), (some("15/main"), true));
        assert!(read("-- --cluster").expect("read").cluster.is_none());
        assert!(read("--cluster").is_err());
    }
}
