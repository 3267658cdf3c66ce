//! `nightlatch config`.

use std::path::PathBuf;

/// Show and check the configuration
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ConfigArgs {
    /// What to do; `show` if not given.
    #[command(subcommand)]
    pub command: Option<ConfigCommand>,
}

/// What to do with the configuration.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum ConfigCommand {
    /// Print the files that are read, in order
    Path,
    /// Print the configuration that counts, as a file would say it
    Show,
    /// Tell every mistake; the exit status is 1 if there is one
    Check {
        /// Check this file instead of those that are read
        file: Option<PathBuf>,
    },
}
