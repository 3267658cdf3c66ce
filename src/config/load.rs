//! Reads the files, one over the other.

use std::path::{Path, PathBuf};
use std::{fs, io};

use super::read::{Layer, Reader};
use super::{Config, ConfigError};
use crate::world::World;

/// The name of a project's file.
pub const PROJECT_FILE: &str = ".nightlatch.toml";

/// The configuration, what was wrong with it, and the files it came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The good parts, over the built-in defaults.
    pub config: Config,
    /// Every mistake, in the order of the files.
    pub errors: Vec<ConfigError>,
    /// The files that were read.
    pub files: Vec<PathBuf>,
}

impl Loaded {
    fn new() -> Self {
        Self {
            config: Config::default(),
            errors: Vec::new(),
            files: Vec::new(),
        }
    }

    /// Puts the text of a file over what is there.
    pub fn overlay(&mut self, file: &Path, source: &str, layer: Layer) {
        let mut errors = Vec::new();
        let (config, sink) = (&mut self.config, &mut errors);
        Reader {
            file,
            source,
            layer,
            config,
            errors: sink,
        }
        .read();
        errors.sort_by_key(|error| error.span.as_ref().map(|span| span.start));
        self.errors.append(&mut errors);
        self.files.push(file.to_owned());
        self.note_mistakes();
    }

    fn note_mistakes(&mut self) {
        self.config.broken = !self.errors.is_empty();
        self.config.targets_doubtful = self.errors.iter().any(|error| error.hides_targets);
    }

    fn file(&mut self, file: &Path, layer: Layer, missing: Missing) {
        match fs::read_to_string(file) {
            Ok(source) => self.overlay(file, &source, layer),
            Err(error) if error.kind() == io::ErrorKind::NotFound && missing == Missing::Fine => {}
            Err(error) => {
                self.errors.push(ConfigError {
                    file: file.to_owned(),
                    source: None,
                    span: None,
                    title: format!("the configuration cannot be read: {error}"),
                    label: None,
                    help: None,
                    hides_targets: true,
                });
                self.note_mistakes();
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    Fine,
    Mistake,
}

/// Loads the configuration of a world: the built-in one, the user's file over it, and the first
/// `.nightlatch.toml` from the working directory upwards over that.
#[must_use]
pub fn load(world: &World) -> Loaded {
    let mut loaded = Loaded::new();
    if let Some(file) = world.config_file() {
        // A file that was asked for by name must be there.
        let asked = world.var_os("NIGHTLATCH_CONFIG").is_some();
        loaded.file(
            &file,
            Layer::User,
            if asked {
                Missing::Mistake
            } else {
                Missing::Fine
            },
        );
    }
    if let Some(file) = project_file(world) {
        loaded.file(&file, Layer::Project, Missing::Fine);
    }
    loaded
}

/// Loads one text as the user's file: for tests and `config check FILE`.
#[must_use]
pub fn load_text(file: &Path, source: &str) -> Loaded {
    let mut loaded = Loaded::new();
    loaded.overlay(file, source, Layer::User);
    loaded
}

/// Returns the project's file of a world, if there is one.
#[must_use]
pub fn project_file(world: &World) -> Option<PathBuf> {
    world
        .cwd
        .ancestors()
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(PROJECT_FILE))
        .find(|file| file.symlink_metadata().is_ok())
}
