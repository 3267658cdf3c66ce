//! `nightlatch import`.

use std::path::PathBuf;

/// Read the clients' own history files, so that `history` finds what is in them
///
/// Doing it again reads only what is new. Secrets are replaced, as everywhere.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ImportArgs {
    /// Only this client, such as psql; all whose history is there if none is named
    #[arg(long, value_name = "NAME")]
    pub client: Option<String>,
    /// The history file, where it is not the usual one
    #[arg(long, value_name = "FILE", requires = "client")]
    pub file: Option<PathBuf>,
    /// Only say what would be read
    #[arg(long)]
    pub dry_run: bool,
    /// Print one JSON object per file
    #[arg(long)]
    pub json: bool,
}
