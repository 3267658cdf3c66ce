//! The commands that look back, as a person and a script see them.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Command, FromArgMatches};
use jiff::tz::TimeZone;

use super::{history, reindex, sessions, show};
use crate::cli::{HistoryArgs, ReindexArgs, SessionsArgs, ShowArgs};
use crate::clock::Clock;
use crate::error::Error;
use crate::record::find;
use crate::store::store_test::record;
use crate::ui::table::View;
use crate::ui::theme::Theme;
use crate::world::World;

/// Ids and paths are new with every run; this is what they become.
const ID: &str = "<session id>";

struct Past {
    data: tempfile::TempDir,
}

/// What a command wrote, and how it went.
struct Ran {
    out: String,
    notes: String,
    status: Result<u8, Error>,
}

impl Past {
    fn new(starts: &[&str]) -> Self {
        let data = tempfile::tempdir().unwrap();
        for start in starts {
            record(data.path(), start);
        }
        Self { data }
    }

    fn path(&self) -> &Path {
        self.data.path()
    }

    fn log(&self) -> PathBuf {
        find::one(self.path(), "last").unwrap().path
    }

    fn run(&self, width: Option<usize>, words: &[&str]) -> Ran {
        let mut world = World::default();
        world.vars.insert("NIGHTLATCH_DATA_DIR".into(), self.path().into());
        let clock = Clock::starting_at("2026-11-20T07:00:00Z".parse().unwrap());
        let (mut out, mut notes) = (Vec::new(), Vec::new());
        let mut view =
            View { width, theme: Theme::plain(), zone: TimeZone::UTC, notes: &mut notes };
        let (world, clock, sink) = (&world, &clock, &mut out);
        let status = match words[0] {
            "history" => history::run(&args::<HistoryArgs>(words), world, clock, sink, &mut view),
            "sessions" => {
                sessions::run(&args::<SessionsArgs>(words), world, clock, sink, &mut view)
            }
            "reindex" => reindex::run(&args::<ReindexArgs>(words), world, clock, sink, &mut view),
            "show" => show::run(&args::<ShowArgs>(words), world, clock, sink, &mut view),
            other => panic!("no command {other}"),
        };
        Ran { out: self.steady(&out), notes: self.steady(&notes), status }
    }

    /// Replaces what is new with every run.
    fn steady(&self, bytes: &[u8]) -> String {
        let mut text = String::from_utf8(bytes.to_vec()).unwrap();
        text = text.replace(&*self.path().to_string_lossy(), "<data>");
        for recorded in find::all(self.path()).unwrap() {
            text = text.replace(&recorded.session, ID);
        }
        text
    }
}

fn args<T: Args + FromArgMatches>(words: &[&str]) -> T {
    let matches = T::augment_args(Command::new("test")).try_get_matches_from(words).unwrap();
    T::from_arg_matches(&matches).unwrap()
}

fn failure(ran: &Ran) -> String {
    let Err(error) = &ran.status else { panic!("it should fail") };
    format!("{}: {error} {}", error.kind.status(), error.hint.as_deref().unwrap_or("(no hint)"))
}

#[test]
fn history_is_a_table_for_a_person() {
    let past = Past::new(&["2026-11-20T06:00:00Z"]);
    insta::assert_snapshot!(past.run(Some(100), &["history"]).out, @r#"
    TIME                 SESSION       N  TARGET           VERDICT   ROWS  STATEMENT
    2026-11-20 06:00:00  <session id>  1  ann@db.example…  allow        1  select count(*) from families
    2026-11-20 06:00:00  <session id>  2  orders-prod      released     3  delete from orders
    "#);
    insta::assert_snapshot!(past.run(Some(80), &["history"]).out, @r#"
    TIME      SESSION       N  TARGET        VERDICT   STATEMENT
    06:00:00  <session id>  1  ann@db.exam…  allow     select count(*) from families
    06:00:00  <session id>  2  orders-prod   released  delete from orders
    "#);
}

#[test]
fn tables_fit_a_narrow_terminal() {
    let past = Past::new(&["2026-11-20T06:00:00Z"]);
    insta::assert_snapshot!(past.run(Some(40), &["history"]).out, @r#"
    TIME      SESSION       STATEMENT
    06:00:00  <session id>  select count(*)…
    06:00:00  <session id>  delete from ord…
    "#);
    insta::assert_snapshot!(past.run(Some(40), &["sessions"]).out, @r#"
    SESSION       COMMAND
    <session id>  psql postgres://ann:[reda…
    "#);
    for width in 20..150 {
        for command in ["history", "sessions"] {
            let out = past.run(Some(width), &[command]).out.replace(ID, "123456789012");
            let longest = out.lines().map(crate::ui::visible::width).max();
            assert!(longest <= Some(width.max(22)), "{width}:\n{out}");
        }
    }
}

#[test]
fn history_is_json_lines_for_a_script() {
    let past = Past::new(&["2026-11-20T06:00:00Z"]);
    insta::assert_snapshot!(past.run(None, &["history", "--json"]).out, @r#"
    {"session":"<session id>","n":1,"time":"2026-11-20T06:00:00Z","client":"psql","tier":"staging","target":"ann@db.example.com:5432/orders","text":"select count(*)\n  from families","source":"tap","verdict":"allow","rule":null,"answer":null,"reason":null,"rows":1,"duration_ms":12,"error":null}
    {"session":"<session id>","n":2,"time":"2026-11-20T06:00:00Z","client":"psql","tier":"production","target":"orders-prod","text":"delete from orders","source":"tap","verdict":"hold","rule":"delete-without-where","answer":"released","reason":null,"rows":3,"duration_ms":null,"error":null}
    "#);
}

#[test]
fn history_takes_words_times_and_sessions() {
    let past = Past::new(&["2026-11-18T06:00:00Z", "2026-11-20T06:00:00Z"]);
    let lines = |words: &[&str]| past.run(None, words).out.lines().count();
    assert_eq!(lines(&["history", "--json"]), 4);
    assert_eq!(lines(&["history", "--json", "delete from"]), 2);
    assert_eq!(lines(&["history", "--json", "delete", "--since", "2h"]), 1);
    assert_eq!(lines(&["history", "--json", "--until", "yesterday 23:00"]), 2);
    assert_eq!(lines(&["history", "--json", "--session", "last", "--tier", "production"]), 1);
    assert_eq!(lines(&["history", "--json", "--limit", "3"]), 3);
}

#[test]
fn sessions_are_shown_both_ways() {
    let past = Past::new(&["2026-11-20T06:00:00Z"]);
    insta::assert_snapshot!(past.run(Some(150), &["sessions"]).out, @r#"
    SESSION       STARTED              ENDED      TARGET       STATEMENTS  HELD  GAPS  COMMAND
    <session id>  2026-11-20 06:00:00  after 0 s  orders-prod           2     1     0  psql postgres://ann:[redacted:uri-password]@db.example.com/orders
    "#);
    insta::assert_snapshot!(past.run(Some(80), &["sessions"]).out, @r#"
    SESSION       STARTED              TARGET       GAPS  COMMAND
    <session id>  2026-11-20 06:00:00  orders-prod     0  psql postgres://ann:[reda…
    "#);
    let json = past.run(None, &["sessions", "--json"]).out;
    let mut session: serde_json::Value = serde_json::from_str(&json).unwrap();
    // These follow the time the test takes.
    for key in ["started", "ended", "bytes"] {
        assert!(!session[key].take().is_null(), "{key}");
    }
    insta::assert_snapshot!(session, @r#"{"argv":["psql","postgres://ann:[redacted:uri-password]@db.example.com/orders"],"bytes":null,"client":"psql","cwd":"/home/ann","ended":null,"ended_badly":false,"exit":0,"gaps":0,"held":1,"path":"<data>/sessions/2026/11/<session id>/session.cast","session":"<session id>","started":null,"statements":2,"target":"orders-prod","tier":"production","tty":null}"#);
}

#[test]
fn nothing_recorded_yet_says_how_to_begin() {
    let past = Past::new(&[]);
    for command in ["history", "sessions", "reindex"] {
        let ran = past.run(None, &[command]);
        assert_eq!((ran.status.unwrap(), ran.out.as_str()), (0, ""));
        insta::allow_duplicates! {
            insta::assert_snapshot!(ran.notes, @"Nothing is recorded yet. Start a client through nightlatch: nightlatch psql");
        }
    }
    assert_eq!(fs::read_dir(past.path()).unwrap().count(), 0, "nothing is made");
    insta::assert_snapshot!(failure(&past.run(None, &["show", "last"])), @"125: Nothing is recorded yet. Start a client through nightlatch, for example: nightlatch psql");
}

#[test]
fn no_match_is_no_output_and_no_error() {
    let past = Past::new(&["2026-11-20T06:00:00Z"]);
    let ran = past.run(None, &["history", "unicorns"]);
    assert_eq!((ran.status.unwrap(), ran.out.as_str()), (0, ""));
    insta::assert_snapshot!(ran.notes, @"No statement matches.");
}

#[test]
fn mistakes_have_a_next_step() {
    let past = Past::new(&["2026-11-20T06:00:00Z", "2026-11-20T06:00:00.5Z"]);
    let run = |words: &[&str]| past.steady(failure(&past.run(None, words)).as_bytes());
    insta::assert_snapshot!(run(&["show", "xyz"]), @r#"2: No session's id starts with "xyz". `nightlatch sessions` lists them; `last` is the newest."#);
    let last = find::one(past.path(), "last").unwrap().session;
    let ambiguous = run(&["history", "--session", &last[..3]]).replace(&last[..3], "<prefix>");
    insta::assert_snapshot!(ambiguous, @r#"2: 2 sessions' ids start with "<prefix>". Write more of it: <session id>, <session id>"#);
    insta::assert_snapshot!(run(&["history", "--since", "soonish"]), @r#"2: --since "soonish" is not a time. Write 2h, 30m, 3 days, 23:00, yesterday 23:00, 2026-11-20, or 2026-11-20T23:00:00Z."#);
    insta::assert_snapshot!(run(&["history", "--since", "1h", "--until", "2h"]), @"2: --until is before --since. Nothing can be in between: change the two.");
    insta::assert_snapshot!(run(&["show", "last", "--statement", "9"]), @"2: Session <session id> has no statement 9. `nightlatch history --session <session id>` lists what it has.");
}

#[test]
fn show_prints_the_scrollback() {
    let past = Past::new(&["2026-11-20T06:00:00Z"]);
    insta::assert_snapshot!(past.run(None, &["show", "last"]).out, @r#"
    orders=> select 1;
     1
    orders=> delete from orders;
    DELETE 3
    "#);
}

#[test]
fn show_prints_one_statement_with_its_output() {
    let past = Past::new(&["2026-11-20T06:00:00Z"]);
    insta::assert_snapshot!(past.run(None, &["show", "last", "--statement", "2"]).out, @r#"
    Statement 2, 2026-11-20 06:00:00+00:00, orders-prod (production), hold:
    delete from orders

    DELETE 3

    released, 3 rows
    "#);
}

#[test]
fn show_says_where_something_is_missing() {
    let past = Past::new(&["2026-11-20T06:00:00Z"]);
    let log = fs::read_to_string(past.log()).unwrap();
    let cut = log.find("DELETE 3").unwrap();
    fs::write(past.log(), log[..cut].replacen("\n[", "\nrubbish\n[", 1)).unwrap();
    let ran = past.run(None, &["show", "last"]);
    insta::assert_snapshot!(ran.out, @r#"
    [8 bytes of the log cannot be read]
    orders=> select 1;
     1
    orders=> delete from orders;
    "#);
    insta::assert_snapshot!(ran.notes, @"The log stops within an event: it is being written, or was lost.");
}

#[test]
fn a_damaged_index_says_what_to_do_and_reindex_does_it() {
    let past = Past::new(&["2026-11-20T06:00:00Z"]);
    fs::write(past.path().join("history.db"), "rubbish that is no database").unwrap();
    insta::assert_snapshot!(failure(&past.run(None, &["history"])), @"125: The index failed. Build it again from the logs: nightlatch reindex");
    insta::assert_snapshot!(past.run(None, &["reindex"]).out, @"Indexed 2 statements of 1 sessions.");
    assert_eq!(past.run(None, &["history", "--json"]).out.lines().count(), 2);
}

#[test]
fn outputs_are_searched_where_that_is_wanted() {
    let past = Past::new(&["2026-11-20T06:00:00Z"]);
    let lines = |words: &[&str]| past.run(None, words).out.lines().count();
    assert_eq!(lines(&["history", "--json", "DELETE 3"]), 0);
    assert_eq!(lines(&["history", "--json", "--output", "DELETE 3"]), 1);
    assert_eq!(lines(&["history", "--json", "-o", "\"unbalanced"]), 0);
    assert_eq!(lines(&["history", "--json", "(*)"]), 1);
}

#[test]
fn an_index_of_a_later_version_is_refused() {
    let past = Past::new(&["2026-11-20T06:00:00Z"]);
    past.run(None, &["history"]);
    let path = past.path().join("history.db");
    let mut bytes = fs::read(&path).unwrap();
    // The user version, at offset 60 of an SQLite file.
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    fs::write(&path, bytes).unwrap();
    let said = "125: <data>/history.db was written by a later nightlatch: its version is 99, the last known one 4. Update nightlatch. Or delete the file: the index is built again from the logs.";
    for command in ["history", "sessions", "reindex"] {
        let failed = failure(&past.run(None, &[command]));
        assert_eq!(past.steady(failed.as_bytes()), said, "{command}");
    }
}

#[test]
fn a_data_folder_that_cannot_be_written_answers_all_the_same() {
    let past = Past::new(&["2026-11-20T06:00:00Z"]);
    // For root every folder can be written; what is no file never can.
    fs::create_dir(past.path().join("history.lock")).unwrap();
    let ran = past.run(None, &["history", "--json", "famil"]);
    assert_eq!((ran.status.unwrap(), ran.out.lines().count()), (0, 1));
    insta::assert_snapshot!(ran.notes, @"nightlatch: Cannot write <data>/history.lock. (Is a directory (os error 21)) The index is built in memory this time.");
    assert_eq!(past.run(None, &["sessions", "--json"]).out.lines().count(), 1);
    // With an index that is there, nothing has to be built, and nothing is missing.
    fs::remove_dir(past.path().join("history.lock")).unwrap();
    past.run(None, &["history"]);
    fs::remove_file(past.path().join("history.lock")).unwrap();
    fs::create_dir(past.path().join("history.lock")).unwrap();
    let ran = past.run(None, &["history", "--json", "--output", "DELETE 3"]);
    assert_eq!((ran.out.lines().count(), ran.notes.as_str()), (1, ""));
    record(past.path(), "2026-11-20T06:30:00Z");
    let ran = past.run(None, &["history", "--json"]);
    assert_eq!(ran.out.lines().count(), 2);
    insta::assert_snapshot!(ran.notes, @"nightlatch: The index failed. (attempt to write a readonly database) What is newest may be missing.");
    insta::assert_snapshot!(past.steady(failure(&past.run(None, &["reindex"])).as_bytes()), @"125: Cannot write <data>/history.lock. Check who may write there, and whether the disk is full.");
}
