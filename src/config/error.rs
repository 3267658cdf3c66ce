//! A mistake in a configuration file, with the place it stands.

use std::ops::Range;
use std::path::PathBuf;

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file.
    pub file: PathBuf,
    /// Its text, if it could be read.
    pub source: Option<String>,
    /// Where in the text, in bytes.
    pub span: Option<Range<usize>>,
    /// What is wrong: a lowercase fragment.
    pub title: String,
    /// What stands at the caret.
    pub label: Option<String>,
    /// What to do about it.
    pub help: Option<String>,
    /// Whether it may have hidden a `[[target]]`.
    pub hides_targets: bool,
}
