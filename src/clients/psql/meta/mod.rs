//! psql's input text: its statements, its meta commands, and what single-step does not see.
//!
//! What `\i` reads, `\gexec` makes and `\e` leaves behind is asked about statement by statement.
//! The commands in [`consequences`] are not: they are known from the text alone.
#![forbid(unsafe_code)]

mod arguments;
pub mod copy;
mod scan;
mod variables;
mod ways;

use std::ops::Range;

use super::encoding;
use crate::lang::{Class, Effect, Scope, Verb};

use scan::{State, Strings, Unit};

pub use scan::{Item, Seen};
pub use variables::Variables;
pub(super) use variables::is_true;
pub use ways::{OpenEnd, Ways, escaped};

/// The variable that keeps psql asking.
const GUARD: &str = "SINGLESTEP";

/// The variable of the world whose program psql runs first for `\e`: ours, which tells what the
/// person's own leaves.
pub const EDITOR: &str = "PSQL_EDITOR";

/// The name of what is no command and may be any; why, is its argument.
const UNKNOWN: &str = ":";

/// One meta command.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Meta {
    /// Without the backslash; empty for `\\`, which only separates.
    pub name: String,
    /// Without single quotes, with double quotes; variables are not filled in.
    pub args: Vec<String>,
    /// Where, in bytes.
    pub range: Range<usize>,
    /// The statement it sends or repeats: the query buffer, or the statement before.
    pub sends: Option<String>,
    /// What stands in backticks: psql runs it in a shell while it reads the arguments.
    pub shell: Vec<String>,
    /// Whether an argument holds a `:variable` or backticks, so that `args` is not what psql sees.
    pub is_dynamic: bool,
    /// Whether `\if` decides what `sends` is.
    pub is_doubtful: bool,
}

impl Meta {
    /// Makes what may be any command.
    fn unknown(range: Range<usize>, why: &str) -> Self {
        Self { name: UNKNOWN.to_owned(), args: vec![why.to_owned()], range, ..Self::default() }
    }
}

/// What a meta command does that no question from psql tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consequence {
    /// Something policy has an opinion on.
    Effect(Effect),
    /// `\watch`: runs this statement again and again without asking, even the first time.
    Repeats(String),
    /// `\i` and `\ir`: reads this file, whose statements are asked about and whose meta commands
    /// are not.
    Reads {
        /// As given; none where it holds a variable or backticks.
        path: Option<String>,
        /// Whether it is relative to the file being read, as with `\ir`.
        relative: bool,
    },
    /// `\c`: another connection, perhaps another tier.
    Connects,
}

/// Splits a whole text, such as a script or one draft, from a fresh start.
#[must_use]
pub fn scan(text: &str) -> Vec<Item> {
    State::default().scan(text)
}

/// Tells whether psql changes a statement before it sends it: it has a variable in it.
#[must_use]
pub fn has_variable(statement: &str) -> bool {
    let mut state = State::default();
    state.scan(statement);
    state.seen().variable
}

/// Fills in what a statement's variables hold, as far as that is known; none if it begins with one
/// that is not.
#[must_use]
pub fn filled(statement: &str, variables: &Variables) -> Option<String> {
    match statement.contains(':') {
        true => State::default().filled(statement, variables),
        false => Some(statement.to_owned()),
    }
}

/// Tells whether psql sends exactly what a script says: no meta command, no variable, no data.
///
/// COPY FROM STDIN is never plain: where the COPY fails, psql reads its data as statements. Nor is
/// a script that changes how backslashes in strings are read.
#[must_use]
pub fn is_plain_sql(script: &str) -> bool {
    let mut state = State::default();
    state.scan(script);
    state.seen() == Seen::default()
        && state.is_closed()
        && !script.contains('\0')
        && !script.starts_with("PGDMP")
        && !script.to_ascii_lowercase().contains("standard_conforming_strings")
        && (script.is_ascii() || !encoding::may_be_set_in(script))
        && escaped(script).is_none()
}

/// Says what a meta command does that single-step does not see.
#[must_use]
pub fn consequences(meta: &Meta) -> Vec<Consequence> {
    let mut found: Vec<Consequence> =
        meta.shell.iter().map(|command| shell(meta, command)).collect();
    let first = meta.args.first().map_or("", String::as_str);
    match &*meta.name {
        "!" => found.push(shell(meta, first)),
        "o" | "out" | "w" | "write" | "g" | "gx" => {
            if let Some(pipe) = meta.args.iter().find_map(|arg| arg.strip_prefix('|')) {
                found.push(shell(meta, pipe.trim()));
            } else if let Some(name) = meta.args.iter().find(|arg| arg.starts_with(':')) {
                // psql looks for the `|` after it has filled the variable in.
                found.push(shell(meta, name));
            }
        }
        // psql runs what stands in backticks each time it prints the prompt.
        "set" if first.starts_with("PROMPT") => {
            let value = meta.args[1..].concat();
            if let Some((_, command)) = value.split_once("%`") {
                let command = command.split('`').next().unwrap_or_default();
                found.push(shell(meta, command));
            }
        }
        "copy" if copy::runs_program(first) => found.push(shell(meta, first)),
        "watch" => {
            found.extend(meta.sends.clone().map(Consequence::Repeats));
            if meta.is_doubtful {
                found.push(opaque(meta, "repeats a statement that depends on \\if"));
            }
        }
        UNKNOWN => found.push(opaque(meta, first)),
        "i" | "include" | "ir" | "include_relative" if !first.is_empty() => {
            let path = (!meta.is_dynamic).then(|| first.to_owned());
            let relative = meta.name.starts_with("ir") || meta.name == "include_relative";
            found.push(Consequence::Reads { path, relative });
        }
        "c" | "connect" => found.push(Consequence::Connects),
        "lo_unlink" => {
            let phrase = format!("removes large object {first}");
            found.push(effect(meta, Class::Destroy, Verb::Drop, Some(first), phrase));
        }
        "lo_import" => {
            let phrase = "stores a file as a large object".to_owned();
            found.push(effect(meta, Class::Add, Verb::Insert, None, phrase));
        }
        "password" => {
            let user = Some(first).filter(|user| !user.is_empty());
            let phrase = format!("changes the password of {}", user.unwrap_or("this user"));
            found.push(effect(meta, Class::Change, Verb::Alter, user, phrase));
        }
        _ => {}
    }
    if sets_guard(meta) {
        let phrase = "takes nightlatch's guard away".to_owned();
        found.push(effect(meta, Class::Escape, Verb::Unguard, None, phrase));
    }
    found
}

/// Tells whether a meta command may take SINGLESTEP away. A person who switches it on wants to be
/// asked as well, and psql goes on asking.
fn sets_guard(meta: &Meta) -> bool {
    let first = meta.args.first().map_or("", String::as_str);
    match &*meta.name {
        // A name from a variable can be any name.
        "set" if first == GUARD && !meta.is_dynamic && meta.args.len() == 2 => {
            !is_true(&meta.args[1])
        }
        "set" | "unset" | "getenv" => first == GUARD || (meta.is_dynamic && first.contains(':')),
        // Its last argument is the name.
        // (`\gset` refuses variables that psql itself uses.)
        "prompt" => meta.args.last().is_some_and(|name| name == GUARD),
        _ => false,
    }
}

/// Makes the effect of running a program.
fn shell(meta: &Meta, command: &str) -> Consequence {
    let phrase = match command {
        "" => "opens a shell".to_owned(),
        command => format!("runs a program: {command}"),
    };
    effect(meta, Class::Escape, Verb::Shell, None, phrase)
}

/// Makes the effect of something that cannot be read.
fn opaque(meta: &Meta, phrase: &str) -> Consequence {
    effect(meta, Class::Opaque, Verb::Execute, None, phrase.to_owned())
}

/// Makes an effect of a meta command: none can be undone.
fn effect(
    meta: &Meta,
    class: Class,
    verb: Verb,
    object: Option<&str>,
    phrase: String,
) -> Consequence {
    let scope = match class {
        Class::Destroy | Class::Change | Class::Add => Scope::One,
        Class::Read
        | Class::Session
        | Class::Heavy
        | Class::Remove
        | Class::Escape
        | Class::Opaque => Scope::Unknown,
    };
    Consequence::Effect(Effect {
        class,
        verb,
        object: object.map(ToOwned::to_owned),
        scope,
        reversible: false,
        span: meta.range.clone(),
        phrase,
        rows: None,
        looped: false,
        outlasts: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str) -> String {
        let lines = scan(text).into_iter().map(|item| match item {
            Item::Statement { text, .. } => format!("{text:?}"),
            Item::Meta(meta) => format!("\\{} {:?} sends {:?}", meta.name, meta.args, meta.sends),
            Item::Data(range) => format!("data {:?}", &text[range]),
            Item::Incomplete(range) => format!("open {:?}", &text[range]),
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    fn what(text: &str) -> Vec<String> {
        scan(text)
            .iter()
            .filter_map(|item| match item {
                Item::Meta(meta) => Some(consequences(meta)),
                Item::Statement { .. } | Item::Data(_) | Item::Incomplete(_) => None,
            })
            .flatten()
            .map(|consequence| match consequence {
                Consequence::Effect(effect) => {
                    format!("{:?} {:?}: {}", effect.class, effect.verb, effect.phrase)
                }
                other => format!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn meta_commands_stand_outside_quotes_and_comments() {
        for text in [
            r"select '\! x', E'\' \! x', e'a''\\\! ', 1;",
            r#"select "\! x" from $$ \! x $$, $a$ $$ \! $b$ $a$;"#,
            r"select E'a''b\\\' \! x; ';",
            "-- \\! x; it's\nselect 1;",
            "/* \\! /* ' */ \\! */ select 1;",
            "select E'\\\\', 1 as \"a\"\"\\! b\";",
        ] {
            let items = scan(text);
            assert!(matches!(&items[..], [Item::Statement { .. }]), "{text}: {items:?}");
        }
        for text in [r"select '\' \! x", r"select 1 -- a\n \! x", "select a$b$ \\! x\n$b$"] {
            let is_meta = scan(text).iter().any(|item| matches!(item, Item::Meta(_)));
            assert_eq!(is_meta, !text.contains("--"), "{text}");
        }
    }

    #[test]
    fn statements_end_at_top_level_semicolons() {
        insta::assert_snapshot!(show(
            "select (1; 2); create function f() begin atomic select 1; select case 1 when 1 then 2 \
             end; end; begin; select 1\\; select 2;\nselect 3"
        ), @r#"
        "select (1; 2);"
        " create function f() begin atomic select 1; select case 1 when 1 then 2 end; end;"
        " begin;"
        " select 1; select 2;"
        open "\nselect 3"
        "#);
    }

    #[test]
    fn arguments_are_cut_as_psql_cuts_them() {
        insta::assert_snapshot!(show(
            "\\set a 'it''s' 'x\\ty'\"Q q\" b \\\\ select 1; \\echo :a\\x\\! echo 'a \\ b' \\\\ c\n\
             select 2 \\g | sort \\x\nselect 3 \\gx (format=csv) out.txt\n\\watch 2\n\\!ls -l\n\\g\n"
        ), @r#"
        \set ["a", "it's", "x\ty\"Q q\"", "b"] sends None
        " select 1;"
        \echo [":a"] sends None
        \x [] sends None
        \! ["echo 'a \\ b' \\\\ c"] sends None
        \g ["| sort \\x"] sends Some(" \nselect 2 ")
        \gx ["(format=csv)", "out.txt"] sends Some("\nselect 3 ")
        \watch ["2"] sends Some("\nselect 3 ")
        \!ls ["-l"] sends None
        \g [] sends Some("\nselect 3 ")
        "#);
    }

    #[test]
    fn a_text_of_several_lines_is_one_line_at_a_prompt() {
        let show = |text: &str| {
            let items = Ways::at_prompt(Variables::default()).scan(text);
            format!("{:?}", items[0])
        };
        assert!(show("\\x\nselect 1 \\watch 1\n").contains(r#"args: ["select", "1"]"#));
        assert!(show("\\! ls\ndelete from t;").contains(r"ls\ndelete from t;"));
        assert!(show("copy t from stdin;\ndelete from t \\watch 1").contains("watch"));
    }

    #[test]
    fn a_command_among_data_is_told() {
        for (data, is_told) in [
            ("delete from t \\watch 1", true),
            ("\\! rm x", true),
            ("a\t\\N\tb\\tc", false),
            ("C:\\\\watch", false),
            ("C:\\install", false),
        ] {
            let found = what(&format!("copy t from stdin;\n{data}\n\\.\n"));
            assert_eq!(found.len(), usize::from(is_told), "{data}: {found:?}");
        }
    }

    #[test]
    fn copy_data_is_no_statement() {
        insta::assert_snapshot!(show(
            "copy public.a (b) from stdin with csv;\n1;\\! x\n'\n\\.\nselect 1;\n\
             copy (select 1 from stdin) to stdout;\nselect 2;\n"
        ), @r#"
        "copy public.a (b) from stdin with csv;"
        data "1;\\! x\n'\n\\.\n"
        \: ["has a command among its data, which runs if the COPY fails"] sends None
        "select 1;"
        "\ncopy (select 1 from stdin) to stdout;"
        "\nselect 2;"
        "#);
    }

    #[test]
    fn a_statement_goes_on_over_lines() {
        let mut state = State::default();
        assert_eq!(state.scan("delete from a\n"), [Item::Incomplete(0..14)]);
        assert!(!state.is_fresh());
        assert_eq!(state.scan("where b = '\n"), [Item::Incomplete(0..12)]);
        let items = state.scan("\\! x'; select 1;\n");
        let text = "delete from a\nwhere b = '\n\\! x';".to_owned();
        assert_eq!(items[0], Item::Statement { text, range: 0..6 });
        assert!(state.is_fresh());
        state.scan("select '");
        state.interrupt();
        assert!(state.is_fresh());
    }

    #[test]
    fn what_single_step_does_not_see_is_told() {
        let cases = [
            (r"\COPY a to program 'x'", "Escape Shell: runs a program: a to program 'x'"),
            (r"\!", "Escape Shell: opens a shell"),
            (r"\! psql other", "Escape Shell: runs a program: psql other"),
            (r"\o | cat > x", "Escape Shell: runs a program: cat > x"),
            (r"select 1 \g |sh", "Escape Shell: runs a program: sh"),
            (r"\copy a FROM pRogram 'x'", "Escape Shell: runs a program: a FROM pRogram 'x'"),
            (r"\echo `rm x`", "Escape Shell: runs a program: rm x"),
            (r"\lo_unlink 12", "Destroy Drop: removes large object 12"),
            (r"\password anna", "Change Alter: changes the password of anna"),
            (r"\set SINGLESTEP off", "Escape Unguard: takes nightlatch's guard away"),
            (r"\set SINGLESTEP :on", "Escape Unguard: takes nightlatch's guard away"),
            (r"\set 'SINGLESTEP'", "Escape Unguard: takes nightlatch's guard away"),
            (r"\unset SINGLESTEP", "Escape Unguard: takes nightlatch's guard away"),
            (r"\set :x off", "Escape Unguard: takes nightlatch's guard away"),
            (r"\prompt 'Go? ' SINGLESTEP", "Escape Unguard: takes nightlatch's guard away"),
            (r"delete from a \watch 1", r#"Repeats("delete from a ")"#),
            (r"\i 'a b.sql'", r#"Reads { path: Some("a b.sql"), relative: false }"#),
            (r"\ir x.sql", r#"Reads { path: Some("x.sql"), relative: true }"#),
            (r"\i :x", r"Reads { path: None, relative: false }"),
            (r"\o :x", "Escape Shell: runs a program: :x"),
            (r"\c other", "Connects"),
        ];
        for (text, expected) in cases {
            assert_eq!(what(text), [expected], "{text}");
        }
        assert_eq!(what("delete from a;\n\\watch"), [r#"Repeats("delete from a;")"#]);
    }

    #[test]
    fn harmless_meta_commands_have_no_consequence() {
        for text in [
            r"\d a",
            r"\e",
            r"\x",
            r"\o out.txt",
            r"select 1 \g out",
            r"\copy a from 'program'",
            r"\set singlestep off",
            r"\echo 'a`b`'",
            r"\set a :b",
            r#"select 0 "SINGLESTEP" \gset"#,
            r#"\set "SINGLESTEP" off"#,
            r"\watch",
            r"select 1 \gexec",
            r"\\",
            r"\timing",
            r"\echo \\ select '`x`';",
        ] {
            assert_eq!(what(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn plain_sql_has_nothing_psql_changes() {
        for text in [
            "select 1; select ':a', '\\! x', a::int, b[1: 2] from c; -- :x\n",
            "",
            "select (1) from 'a' -- end",
            "do $$ begin x := 1; end $$;",
            "\u{feff}select 'ä:b';",
        ] {
            assert!(is_plain_sql(text), "{text}");
        }
        for text in [
            "select :a;",
            "select :'a';",
            "select :{?a};",
            "\\x\nselect 1;",
            "select 1 \\; select 2;",
            "copy a from stdin;\n1\n\\.\n",
            "set standard_conforming_strings to off;",
            "select 'open",
            "select (1",
            "select /* 1",
            "select 1;\0",
        ] {
            assert!(!is_plain_sql(text), "{text}");
        }
    }

    #[test]
    fn every_cut_and_odd_byte_is_survived_in_linear_time() {
        let text = "é\\set 'ü\\x4' `é` \"\n$é$ E'\\é' \\é \\g |é\n/* é */ :é \\";
        for (cut, _) in text.char_indices() {
            let mut state = State::default();
            state.scan(&text[..cut]);
            state.scan(&text[cut..]);
        }
        let long = "$".repeat(1_000_000) + &"select 1 \\g\n".repeat(10_000);
        assert!(!scan(&long).is_empty());
    }
}
