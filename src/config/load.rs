//! Reads the files, one over the other.

use std::ffi::OsStr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::read::{Layer, Reader};
use super::{Config, ConfigError};
use crate::policy::Rule;
use crate::world::World;

/// The folder of the user's own rules, beside the user's file.
pub const RULES_FOLDER: &str = "rules";

/// The name of a project's file.
pub const PROJECT_FILE: &str = ".nightlatch.toml";

impl Default for Config {
    /// Returns the built-in configuration.
    fn default() -> Self {
        let mut config = Self::blank();
        let mut errors = Vec::new();
        let file = Path::new("defaults.toml");
        let source = include_str!("defaults.toml");
        let (layer, sink) = (Layer::User, &mut errors);
        Reader::new(file, source, layer, &mut config, sink).read();
        debug_assert!(errors.is_empty(), "{errors:?}");
        config
    }
}

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
        Self { config: Config::default(), errors: Vec::new(), files: Vec::new() }
    }

    /// Puts the text of a file over what is there.
    pub fn overlay(&mut self, file: &Path, source: &str, layer: Layer) {
        let mut errors = Vec::new();
        let (config, sink) = (&mut self.config, &mut errors);
        Reader::new(file, source, layer, config, sink).read();
        errors.sort_by_key(|error| error.span.as_ref().map(|span| span.start));
        self.errors.append(&mut errors);
        self.files.push(file.to_owned());
        self.note_mistakes();
    }

    /// Reads the pages of a folder, by name; most people have none.
    fn rules(&mut self, folder: &Path) {
        let Ok(entries) = fs::read_dir(folder) else {
            return;
        };
        let mut files: Vec<PathBuf> = entries
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
            .collect();
        files.sort();
        let mut rules = Vec::new();
        for file in files {
            match fs::read_to_string(&file) {
                Ok(source) => match page(&file, &source, &rules) {
                    Ok(rule) => rules.push(rule),
                    Err(error) => self.errors.push(*error),
                },
                Err(error) => self.errors.push(unreadable(&file, &error)),
            }
            self.files.push(file);
        }
        self.config.rules = rules.into();
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
                let help = match error.kind() {
                    io::ErrorKind::NotFound => "make it, or have NIGHTLATCH_CONFIG name another",
                    _ => "make it a file that you can read",
                };
                let help = Some(help.to_owned());
                self.errors.push(ConfigError { help, ..unreadable(file, &error) });
                self.note_mistakes();
            }
        }
    }
}

fn unreadable(file: &Path, error: &io::Error) -> ConfigError {
    ConfigError {
        file: file.to_owned(),
        source: None,
        span: None,
        title: format!("the configuration cannot be read: {error}"),
        label: None,
        help: None,
        hides_targets: true,
    }
}

/// Reads one page of the user's own.
fn page(file: &Path, source: &str, others: &[Rule]) -> Result<Rule, Box<ConfigError>> {
    let mistake = |span: Option<Range<usize>>, title: String, label: Option<String>| {
        let source = Some(source.to_owned());
        let (file, help, hides_targets) = (file.to_owned(), None, false);
        Box::new(ConfigError { file, source, span, title, label, help, hides_targets })
    };
    let rule: Rule = toml::from_str(source).map_err(|error| {
        let label = error.message().replace('\n', ", ");
        let span = error.span().unwrap_or(0..0);
        mistake(Some(span), "this is not a rule".to_owned(), Some(label))
    })?;
    let id = &rule.id;
    if Rule::by_id(id).is_some() || others.iter().any(|other| other.id == *id) {
        return Err(mistake(Some(0..0), format!("there is a rule `{id}` already"), None));
    }
    if rule.decision.is_none() {
        let help = Some("it is notice, yes, type-target or deny".to_owned());
        return Err(mistake(Some(0..0), format!("the rule `{id}` needs a `decision`"), help));
    }
    let id = id.clone();
    rule.complete().map_err(|why| mistake(Some(0..0), format!("the rule `{id}`: {why}"), None))
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
    // What else TZ may say is left to the library; without it every system has this file.
    loaded.config.zone_file = match world.vars.get(OsStr::new("TZ")).map(|zone| zone.to_str()) {
        None => Some(PathBuf::from("/etc/localtime")),
        Some(zone) => zone
            .map(|zone| PathBuf::from(zone.trim_start_matches(':')))
            .filter(|file| file.is_absolute()),
    };
    if let Some(file) = world.config_file() {
        // A file that was asked for by name must be there.
        let asked = world.var_os("NIGHTLATCH_CONFIG").is_some();
        let missing = if asked { Missing::Mistake } else { Missing::Fine };
        loaded.file(&file, Layer::User, missing);
        if let Some(folder) = file.parent() {
            loaded.rules(&folder.join(RULES_FOLDER));
        }
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
