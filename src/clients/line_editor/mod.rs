//! Line editors that clients are built with: which keys the person has bound to hand a line over.
//!
//! readline reads an inputrc, libedit an editrc. Which of them a client has is not asked: what
//! either file says counts.

mod editrc;
mod inputrc;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::session::keys::{Binding, Keys};
use crate::world::World;

/// Most bytes of one file that are read.
const FILE_BYTES: u64 = 1 << 20;

/// How deep files include others.
const DEPTH: usize = 8;

/// Where readline looks when the person has no file.
const SYSTEM_INPUTRC: &str = "/etc/inputrc";

/// Returns the key that a letter behind a backslash names in both kinds of files.
fn named(letter: u8) -> Option<u8> {
    Some(match letter {
        b'a' => 0x07,
        b'b' => 0x08,
        b'e' => 0x1b,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        _ => return None,
    })
}

/// What the files say.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    bindings: Vec<Binding>,
    has_vi: bool,
    has_vi_editor: bool,
    /// What starts the comments that a key makes.
    comments: Vec<String>,
    /// Files it includes.
    includes: Vec<String>,
}

/// Where a line editor finds its files.
#[derive(Debug, Clone, Default)]
pub struct Files {
    /// What may be the inputrc.
    inputrc: Vec<PathBuf>,
    /// What may be the editrc.
    editrc: Vec<PathBuf>,
    home: Option<PathBuf>,
}

impl Files {
    /// Finds the files that count in this world.
    #[must_use]
    pub fn find(world: &World) -> Self {
        let home = world.home.clone();
        let at_home = |name: &str| home.as_ref().map(|home| home.join(name));
        let given = |name: &str| world.var_os(name).map(|path| world.cwd.join(path));
        let inputrc = match given("INPUTRC") {
            Some(path) => vec![path],
            None => at_home(".inputrc").into_iter().chain([SYSTEM_INPUTRC.into()]).collect(),
        };
        let editrc = given("EDITRC").or_else(|| at_home(".editrc")).into_iter().collect();
        Self { inputrc, editrc, home }
    }

    /// Adds an inputrc that the client is told of by itself.
    pub fn add_inputrc(&mut self, path: &str) {
        self.inputrc.push(self.resolve(path));
    }

    fn resolve(&self, path: &str) -> PathBuf {
        match (path.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(path),
        }
    }

    /// Reads them. `program` is the name that conditions in them are about. Returns the keys, and
    /// what the comments may begin with that a key makes of a line.
    #[must_use]
    pub fn keys(&self, program: &str) -> (Keys, Vec<String>) {
        let mut found = Found::default();
        let mut next: Vec<PathBuf> = self.inputrc.clone();
        for _ in 0..DEPTH {
            for path in std::mem::take(&mut next) {
                if let Some(text) = read(&path) {
                    inputrc::read(&text, program, &mut found);
                }
            }
            next = found.includes.drain(..).map(|path| self.resolve(&path)).collect();
        }
        for path in &self.editrc {
            if let Some(text) = read(path) {
                editrc::read(&text, &mut found);
            }
        }
        let keys = Keys::new(&found.bindings, found.has_vi, found.has_vi_editor);
        (keys, found.comments)
    }
}

/// Reads a file; one that is not there or no plain file says nothing.
fn read(path: &Path) -> Option<Vec<u8>> {
    if !path.metadata().is_ok_and(|facts| facts.is_file()) {
        return None;
    }
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(FILE_BYTES).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::keys::Submit;

    #[test]
    fn the_persons_files_are_found_and_followed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).expect("write");
        };
        write(".inputrc", "$include ~/more\n\"\\C-t\": accept-line\n");
        write("more", "\"\\C-xs\": accept-line\n$include ~/.inputrc\n");
        write(".editrc", "bind ^G ed-newline\n");
        write("other", "\"\\C-y\": accept-line\n");
        let mut world = World {
            home: Some(folder.path().to_owned()),
            cwd: folder.path().to_owned(),
            ..World::default()
        };
        let submits = |world: &World, keys: &[u8]| {
            let (mut watcher, _) = Files::find(world).keys("psql");
            keys.iter().filter_map(|&key| watcher.press(key)).collect::<Vec<_>>().pop()
        };
        for keys in [&b"\x14"[..], b"\x18s", b"\x07"] {
            assert_eq!(submits(&world, keys), Some(Submit::Line), "{keys:?}");
        }
        assert_eq!(submits(&world, b"\x19"), None);
        world.vars.insert("INPUTRC".into(), "other".into());
        assert_eq!(submits(&world, b"\x19"), Some(Submit::Line));
        assert_eq!(submits(&world, b"\x14"), None);
    }
}
