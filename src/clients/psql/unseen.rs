//! What psql's input does that single-step does not tell: the files it includes, the programs it
//! starts, the statements it repeats, the places it connects to.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::echo;
use super::meta::{self, Consequence, Item, Meta, State};
use crate::clients::Unseen;
use crate::lang::{Class, Effect, Verb};
use crate::target::Address;
use crate::target::libpq::conninfo;

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

/// Reads pieces of input. `is_guarded` tells whether psql asks about statements where they begin,
/// and is changed where they end that.
#[must_use]
pub fn unseen(items: Vec<Item>, place: Place<'_>, is_guarded: &mut bool) -> Unseen {
    let mut unseen = Unseen::default();
    let mut reader = Reader { place, is_guarded: *is_guarded, unseen: &mut unseen };
    reader.items(items, place.folder, 0);
    *is_guarded = reader.is_guarded;
    unseen
}

/// Reads a line and the files it includes.
struct Reader<'a> {
    place: Place<'a>,
    /// Whether psql still asks at this place of the line.
    is_guarded: bool,
    unseen: &'a mut Unseen,
}

impl Reader<'_> {
    fn items(&mut self, items: Vec<Item>, folder: &Path, depth: usize) {
        self.unseen.echoes.extend(echo::read(&items));
        for item in items {
            match item {
                Item::Statement { text, .. } if !self.is_guarded => self.statement(text),
                Item::Meta(meta) => self.meta(&meta, folder, depth),
                Item::Statement { .. } | Item::Data(_) | Item::Incomplete(_) => {}
            }
        }
    }

    fn meta(&mut self, meta: &Meta, folder: &Path, depth: usize) {
        if !self.is_guarded {
            match &*meta.name {
                "gexec" => self.opaque(meta, "runs what a query returns"),
                "e" | "edit" | "ef" | "ev" => self.opaque(meta, "runs what an editor leaves"),
                _ => {}
            }
            if let Some(text) = &meta.sends {
                self.statement(text.clone());
            }
        }
        for consequence in meta::consequences(meta) {
            match consequence {
                Consequence::Effect(effect) => {
                    // What stands behind it on the same line runs unasked.
                    self.is_guarded &= effect.verb != Verb::Unguard;
                    self.unseen.remarks.push(effect.phrase.clone());
                    self.unseen.effects.push(effect);
                }
                Consequence::Repeats(text) => self.statement(text),
                Consequence::Reads { path: Some(path), relative } => {
                    let base = if relative { folder } else { self.place.cwd };
                    self.include(meta, &self.path(&path, base), depth);
                }
                Consequence::Reads { path: None, .. } => self.unread_file(meta),
                Consequence::Connects => {
                    self.unseen.connects.push(connects_to(meta, self.place.address));
                }
            }
        }
    }

    /// A statement that runs unasked. With a variable in it the text says little.
    fn statement(&mut self, text: String) {
        let mut state = State::default();
        state.scan(&text);
        if state.seen().variable {
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
        self.is_guarded = false;
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
        // A file that is not there is psql's to complain of.
        if !path.exists() {
            return;
        }
        let text = if depth < INCLUDE_DEPTH { read(path) } else { None };
        let Some(text) = text else { return self.unread_file(meta) };
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        self.items(meta::scan(&text), &folder, depth + 1);
    }
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
/// connection string. None where a variable hides it.
fn connects_to(meta: &Meta, now: &Address) -> Option<Address> {
    if meta.is_dynamic {
        return None;
    }
    let mut args: Vec<&str> = meta.args.iter().map(String::as_str).collect();
    args.retain(|arg| !arg.starts_with("-reuse-previous"));
    let mut to = now.clone();
    let first = args.first().copied().unwrap_or("-");
    if conninfo::is_connection_string(first) {
        for (name, value) in conninfo::parse(first).ok()? {
            match name.as_str() {
                "host" | "hostaddr" => to.host = Some(value),
                "port" => to.port = value.parse().ok(),
                "dbname" => to.database = Some(value),
                "user" => to.user = Some(value),
                "service" => return None,
                _ => {}
            }
        }
        return Some(to);
    }
    let given =
        |place: usize| args.get(place).filter(|arg| **arg != "-").map(|arg| (*arg).to_owned());
    if let Some(database) = given(0) {
        to.database = Some(database);
    }
    if let Some(user) = given(1) {
        to.user = Some(user);
    }
    if let Some(host) = given(2) {
        to.host = Some(host);
    }
    if let Some(port) = given(3) {
        to.port = port.parse().ok();
    }
    Some(to)
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
        let mut is_guarded = is_guarded;
        super::unseen(meta::scan(&format!("{line}\n")), place, &mut is_guarded)
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
            (r"\e", false),
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
        assert_eq!(to(r"\c postgres://me@prod.example.com/x"), "me@prod.example.com:5432/x");
        assert_eq!(to(r"\connect :target"), "unknown");
        assert_eq!(to(r"\c service=prod"), "unknown");
    }
}
