//! What psql's input does that single-step does not tell: the files it includes, the programs it
//! starts, the statements it repeats, the places it connects to.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::echo;
use super::meta::{self, Consequence, EDITOR, Item, Meta, Variables, Ways, has_variable};
use crate::clients::Unseen;
use crate::lang::{Class, Effect, Verb};
use crate::target::Address;
use crate::target::libpq::{DEFAULT_PORT, conninfo};

/// Most bytes of an included file that are read for its meta commands. Its statements are asked
/// about anyway.
const INCLUDE_BYTES: u64 = 16 << 20;

/// How deep included files include others before we stop to look.
const INCLUDE_DEPTH: usize = 8;

/// Where the input stands.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// psql's working directory.
    pub cwd: &'a Path,
    /// The folder of the file that is read, for `\ir`.
    pub folder: &'a Path,
    /// The person's home folder, for `~`.
    pub home: Option<&'a Path>,
    /// Where psql is connected.
    pub address: &'a Address,
}

/// What still tells us of what psql runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    /// Whether psql asks about statements.
    pub asks: bool,
    /// Whether what an editor leaves is told.
    pub has_editor: bool,
    /// Whether what libpq takes from its variables is what it was at the start.
    pub has_place: bool,
}

impl Default for Guard {
    /// As at a start without a person: psql asks, and no editor of ours is set.
    fn default() -> Self {
        Self { asks: true, has_editor: false, has_place: true }
    }
}

/// Reads a text as psql does from where it stands. `guard` is what there is where it begins, and is
/// changed where the text ends that; so are the variables that included files set.
#[must_use]
pub fn unseen(input: &mut Ways, text: &str, place: Place<'_>, guard: &mut Guard) -> Unseen {
    let ways = input.scan(text);
    let mut variables = input.variables();
    let mut unseen = Unseen::default();
    let before = *guard;
    for (number, items) in ways.into_iter().enumerate() {
        let mut found = Unseen::default();
        let mut reader = Reader {
            place,
            cwd: Some(place.cwd.to_owned()),
            written: Vec::new(),
            guard: before,
            variables: &mut variables,
            unseen: &mut found,
        };
        reader.items(items, text, place.folder, 0);
        guard.asks &= reader.guard.asks;
        guard.has_editor &= reader.guard.has_editor;
        guard.has_place &= reader.guard.has_place;
        if number == 0 {
            unseen.echoes = std::mem::take(&mut found.echoes);
        }
        unseen.add(found);
    }
    input.set_variables(&variables);
    unseen
}

/// Reads a line and the files it includes.
struct Reader<'a> {
    place: Place<'a>,
    /// psql's working directory here; none where that cannot be read.
    cwd: Option<PathBuf>,
    /// Files that are written before here; none for one whose name cannot be read.
    written: Vec<Option<PathBuf>>,
    variables: &'a mut Variables,
    /// What tells of it at this place of the line.
    guard: Guard,
    unseen: &'a mut Unseen,
}

impl Reader<'_> {
    fn items(&mut self, items: Vec<Item>, text: &str, folder: &Path, depth: usize) {
        self.unseen.echoes.extend(echo::read(&items));
        for item in items {
            match item {
                Item::Statement { text, .. } if !self.guard.asks => self.statement(text),
                Item::Incomplete(range) if !self.guard.asks && self.variables.end_lines() => {
                    self.statement(text[range].to_owned());
                }
                Item::Meta(meta) => self.meta(&meta, folder, depth),
                Item::Statement { text, .. } if may_define(&text) => self.unseen.made.push(text),
                Item::Statement { .. } | Item::Data(_) | Item::Incomplete(_) => {}
            }
        }
    }

    fn meta(&mut self, meta: &Meta, folder: &Path, depth: usize) {
        if !self.guard.has_editor && matches!(&*meta.name, "e" | "edit" | "ef" | "ev") {
            self.opaque(meta, "runs what an editor leaves, which cannot be read beforehand");
        }
        if !self.guard.asks {
            if meta.name == "gexec" {
                self.opaque(meta, "runs what a query returns");
            }
            if let Some(text) = &meta.sends {
                self.statement(text.clone());
            }
        }
        self.follow(meta);
        for consequence in meta::consequences(meta) {
            match consequence {
                Consequence::Effect(effect) => {
                    // What stands behind it on the same line runs unasked.
                    self.guard.asks &= effect.verb != Verb::Unguard;
                    self.unseen.remarks.push(effect.phrase.clone());
                    self.unseen.effects.push(effect);
                }
                Consequence::Repeats(text) => self.statement(text),
                Consequence::Reads { path: Some(path), relative } => {
                    let base = if relative { Some(folder.to_owned()) } else { self.cwd.clone() };
                    match base.map(|base| self.path(&path, &base)) {
                        Some(path) => self.include(meta, &path, depth),
                        None => self.unread_file(meta),
                    }
                }
                Consequence::Reads { path: None, .. } => self.unread_file(meta),
                Consequence::Connects => {
                    let to = connects_to(meta, self.place.address, self.guard.has_place);
                    self.unseen.connects.push(to);
                }
            }
        }
    }

    /// Follows where psql is, what it writes, and which editor it starts.
    fn follow(&mut self, meta: &Meta) {
        let place = |path: &str| self.cwd.as_deref().map(|cwd| self.path(path, cwd));
        let first = meta.args.first().map(String::as_str);
        match &*meta.name {
            "cd" if meta.is_dynamic => self.cwd = None,
            "cd" => {
                let home = self.place.home.map(Path::to_owned);
                self.cwd = first.map_or(home, place);
            }
            "o" | "out" | "w" | "write" | "g" | "gx" | "s" => {
                let name = meta.args.last().filter(|name| !name.ends_with(')'));
                if let Some(name) = name {
                    self.written.push(if meta.is_dynamic { None } else { place(name) });
                }
            }
            "copy" | "!" | "lo_export" => self.written.push(None),
            // A name from a variable can be any name.
            "setenv" => {
                let is_other = first.is_some_and(|name| name != EDITOR && !name.contains(':'));
                self.guard.has_editor &= is_other || first.is_none();
                let is_place = |name: &str| name.starts_with("PG") || name.contains(':');
                self.guard.has_place &= !first.is_some_and(is_place);
            }
            _ => {}
        }
        if !meta.shell.is_empty() {
            self.written.push(None);
        }
    }

    /// Tells whether a file may hold something else by the time it is read: it was written to
    /// before, or is not there and may have been.
    fn is_changed(&self, path: &Path) -> bool {
        let is_there = path.exists();
        self.written.iter().any(|written| match written {
            Some(written) => written == path,
            None => !is_there,
        })
    }

    /// A statement that runs unasked. With a variable in it the text says little.
    fn statement(&mut self, text: String) {
        if has_variable(&text) {
            let phrase = "runs a statement unasked that has a variable in it".to_owned();
            let span = 0..text.len();
            self.unseen.effects.push(Effect::new(Class::Opaque, Verb::Execute, span, phrase));
        }
        self.unseen.statements.push(text);
    }

    /// A file that cannot be read beforehand. Its statements are asked about, unless it repeats
    /// them or takes the guard away.
    fn unread_file(&mut self, meta: &Meta) {
        self.opaque(meta, "reads a file that cannot be read beforehand");
        self.guard = Guard { asks: false, has_editor: false, has_place: false };
    }

    fn opaque(&mut self, meta: &Meta, what: &str) {
        let phrase = what.to_owned();
        self.unseen.effects.push(Effect::new(
            Class::Opaque,
            Verb::Execute,
            meta.range.clone(),
            phrase,
        ));
    }

    fn path(&self, path: &str, base: &Path) -> PathBuf {
        match (path.strip_prefix("~/"), self.place.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => base.join(path),
        }
    }

    fn include(&mut self, meta: &Meta, path: &Path, depth: usize) {
        if self.is_changed(path) {
            return self.unread_file(meta);
        }
        // A file that is not there is psql's to complain of.
        if !path.exists() {
            return;
        }
        let text = if depth < INCLUDE_DEPTH { read(path) } else { None };
        let Some(text) = text else { return self.unread_file(meta) };
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let mut input = Ways::following(std::mem::take(self.variables));
        let ways = input.scan(&text);
        *self.variables = input.variables();
        for items in ways {
            self.items(items, &text, &folder, depth + 1);
        }
    }
}

/// Tells whether a statement may define what another calls.
fn may_define(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["function", "procedure", "prepare"].iter().any(|word| text.contains(word))
}

fn read(path: &Path) -> Option<String> {
    if !path.metadata().is_ok_and(|facts| facts.is_file()) {
        return None;
    }
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(INCLUDE_BYTES + 1).read_to_end(&mut bytes).ok()?;
    if bytes.len() as u64 > INCLUDE_BYTES {
        return None;
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Reads where `\c` goes: `\c [database [user [host [port]]]]`, where `-` keeps what is, or a
/// connection string, where what is left out comes from variables and services. None where those,
/// or a variable of psql's, hide it.
fn connects_to(meta: &Meta, now: &Address, has_place: bool) -> Option<Address> {
    if meta.is_dynamic {
        return None;
    }
    // What is quoted as a name is stripped of its quotes.
    let bare = |arg: &'_ String| {
        arg.strip_prefix('"')
            .and_then(|arg| arg.strip_suffix('"'))
            .map(|arg| arg.replace("\"\"", "\""))
            .unwrap_or_else(|| arg.clone())
    };
    let args: Vec<String> = meta.args.iter().map(bare).collect();
    let mut args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut reuses = None;
    args.retain(|arg| {
        let value = arg.strip_prefix("-reuse-previous=");
        reuses = value.map(meta::is_true).or(reuses);
        value.is_none()
    });
    let first = args.first().copied().unwrap_or("-");
    let is_string = conninfo::is_connection_string(first);
    let given: Vec<(String, String)> = if is_string {
        conninfo::parse(first).ok()?
    } else {
        let names = ["dbname", "user", "host", "port"];
        let parts = names.iter().zip(args).filter(|(_, value)| *value != "-");
        parts.map(|(name, value)| ((*name).to_owned(), value.to_owned())).collect()
    };
    let reuses = reuses.unwrap_or(!is_string);
    let mut to = if reuses { now.clone() } else { Address::default() };
    for (name, value) in given.into_iter().filter(|(_, value)| !value.is_empty()) {
        match name.as_str() {
            "host" | "hostaddr" => to.host = Some(value),
            "port" => to.port = value.parse().ok(),
            "dbname" => to.database = Some(value),
            "user" => to.user = Some(value),
            "service" => return None,
            _ => {}
        }
    }
    let is_usual_port = to.port.is_some() || now.port.is_none_or(|port| port == DEFAULT_PORT);
    let is_whole = to.host.is_some() && to.database.is_some() && is_usual_port && has_place;
    (reuses || is_whole).then_some(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unseen(line: &str, is_guarded: bool, cwd: &Path) -> Unseen {
        let address = Address {
            user: Some("app".into()),
            host: Some("db".into()),
            port: Some(5432),
            database: Some("shop".into()),
        };
        let place = Place { cwd, folder: cwd, home: None, address: &address };
        let mut guard = Guard { asks: is_guarded, has_editor: true, has_place: true };
        super::unseen(&mut Ways::default(), &format!("{line}\n"), place, &mut guard)
    }

    #[test]
    fn watch_runs_its_statement_unasked() {
        let found = unseen(r"delete from families \watch", true, Path::new("/"));
        assert_eq!(found.statements.len(), 1, "{found:?}");
        assert!(found.statements[0].starts_with("delete from families"));
    }

    #[test]
    fn without_the_guard_every_statement_counts() {
        let found = unseen("select 1; delete from families;", false, Path::new("/"));
        assert_eq!(found.statements.len(), 2, "{found:?}");
        assert_eq!(
            unseen("select 1; delete from families;", true, Path::new("/")),
            Unseen::default()
        );
    }

    #[test]
    fn a_shell_is_an_escape_wherever_it_stands() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("inner.sql"), "select 1;\n\\! rm -rf /\n")
            .expect("write");
        std::fs::write(folder.path().join("outer.sql"), "\\ir inner.sql\n").expect("write");
        for line in [r"\! ls", r"\i outer.sql", r"select 1 \g |cat"] {
            let found = unseen(line, true, folder.path());
            assert_eq!(found.effects.len(), 1, "{line}: {found:?}");
            assert_eq!(found.effects[0].class, Class::Escape, "{line}");
        }
    }

    #[test]
    fn taking_the_guard_away_is_seen() {
        let found = unseen(r"\set SINGLESTEP off", true, Path::new("/"));
        assert_eq!(found.effects.first().map(|effect| effect.verb), Some(Verb::Unguard));
    }

    #[test]
    fn what_follows_the_guards_end_on_the_same_line_runs_unasked() {
        let line = "select 1;\n\\set SINGLESTEP off\ndelete from families;";
        let found = unseen(line, true, Path::new("/"));
        assert_eq!(found.statements.len(), 1, "{found:?}");
        assert!(found.statements[0].contains("delete"));
        assert_eq!(
            unseen("\\set SINGLESTEP on\nselect 1;", true, Path::new("/")),
            Unseen::default()
        );
    }

    #[test]
    fn what_cannot_be_read_is_opaque() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let fifo = folder.path().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo runs");
        assert!(made.success());
        for (line, is_guarded) in [
            (r":x \watch 1", true),
            (r"delete from :t \watch 1", true),
            (r"\i :f", true),
            (r"\i fifo", true),
            (r"select 'delete from t' \gexec", false),
            ("\\setenv PSQL_EDITOR vi\n\\e", true),
            (":q from t;", false),
        ] {
            let found = unseen(line, is_guarded, folder.path());
            let is_opaque = found.effects.iter().any(|effect| effect.class == Class::Opaque);
            assert!(is_opaque, "{line}: {found:?}");
        }
        assert_eq!(unseen(r"\i missing.sql", true, folder.path()), Unseen::default());
        assert_eq!(unseen("select :'x';", true, folder.path()), Unseen::default());
    }

    #[test]
    fn connecting_elsewhere_is_told() {
        let to = |line: &str| match &unseen(line, true, Path::new("/")).connects[..] {
            [Some(address)] => address.to_string(),
            [None] => "unknown".to_owned(),
            other => panic!("{line}: {other:?}"),
        };
        assert_eq!(to(r"\c orders"), "app@db:5432/orders");
        assert_eq!(to(r"\c - - prod 5433 \\ delete from x;"), "app@prod:5433/shop");
        assert_eq!(to(r"\c postgres://me@prod.example.com/x"), "me@prod.example.com/x");
        assert_eq!(to(r"\connect :target"), "unknown");
        assert_eq!(to(r"\c service=prod"), "unknown");
        assert_eq!(to(r#"\c "host=prod user=app""#), "unknown", "perhaps a database named app");
        assert_eq!(to(r"\c -reuse-previous=on host=prod"), "app@prod:5432/shop");
        let quoted = r#"\c -reuse-previous=on "dbname=x host=prod""#;
        assert_eq!(to(quoted), "app@prod:5432/x");
        assert_eq!(to(r"\c -reuse-previous=off orders"), "unknown");
        assert_eq!(to(r#"\c "host=prod dbname=""#), "unknown");
        assert_eq!(to(r"\setenv PGPORT 5433 \\ \c postgres://prod/x"), "unknown");
    }
}
