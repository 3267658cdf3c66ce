//! The ambient world, read once at start: variables, home and working directory.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// What the process was started with.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// All environment variables.
    pub vars: BTreeMap<OsString, OsString>,
    /// The user's home folder, if there is one.
    pub home: Option<PathBuf>,
    /// The working directory at start.
    pub cwd: PathBuf,
}

impl World {
    /// Reads the real world.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
    pub fn real() -> Self {
        Self {
            vars: std::env::vars_os().collect(),
            home: dirs::home_dir(),
            cwd: std::env::current_dir().unwrap_or_default(),
        }
    }

    /// Returns a variable, if it is set and not empty.
    #[must_use]
    pub fn var_os(&self, name: &str) -> Option<&OsStr> {
        self.vars.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// Returns a variable, if it is set, not empty and UTF-8.
    #[must_use]
    pub fn var(&self, name: &str) -> Option<&str> {
        self.var_os(name).and_then(OsStr::to_str)
    }

    /// Returns the folder for sessions and the store: `NIGHTLATCH_DATA_DIR`, else
    /// `$XDG_DATA_HOME/nightlatch`, else `~/.local/share/nightlatch`.
    #[must_use]
    pub fn data_dir(&self) -> Option<PathBuf> {
        self.var_os("NIGHTLATCH_DATA_DIR").map(PathBuf::from).or_else(|| {
            self.xdg("XDG_DATA_HOME", ".local/share").map(|folder| folder.join("nightlatch"))
        })
    }

    /// Returns the user's configuration file, which need not exist: `NIGHTLATCH_CONFIG`, else
    /// `$XDG_CONFIG_HOME/nightlatch/config.toml`, else `~/.config/nightlatch/config.toml`.
    #[must_use]
    pub fn config_file(&self) -> Option<PathBuf> {
        self.var_os("NIGHTLATCH_CONFIG").map(PathBuf::from).or_else(|| {
            self.xdg("XDG_CONFIG_HOME", ".config").map(|dir| dir.join("nightlatch/config.toml"))
        })
    }

    /// An XDG folder counts only if it is absolute, as its specification says.
    fn xdg(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        self.var_os(variable)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .or_else(|| self.home.as_ref().map(|home| home.join(below_home)))
    }
}
