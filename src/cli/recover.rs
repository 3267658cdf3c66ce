//! `nightlatch recover`.

use std::path::PathBuf;

/// Show what sessions that ended badly typed and saw, and put it back into the client's history
///
/// A session ended badly if nightlatch or its client was killed, the terminal was closed, or the
/// machine went down: most clients then lose their history. Without a session this lists them.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct RecoverArgs {
    /// The session: its id, a unique prefix of it, or last for the last that ended badly
    #[arg(value_name = "SESSION")]
    pub session: Option<String>,
    /// Add what is missing to the client's own history file, after a copy of it is made; of all
    /// sessions that ended badly if none is named
    #[arg(long)]
    pub write_history: bool,
    /// The history file, where it is not the usual one
    #[arg(long, value_name = "FILE", requires = "write_history")]
    pub file: Option<PathBuf>,
    /// Only say what would be written
    #[arg(long, requires = "write_history")]
    pub dry_run: bool,
    /// Only this client, such as psql
    #[arg(long, value_name = "NAME")]
    pub client: Option<String>,
    /// Only sessions since this: 2h, "yesterday 23:00", or RFC 3339
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only say in one line which sessions ended badly since the last time, for a shell's prompt
    #[arg(long, conflicts_with_all = ["session", "write_history", "client", "since", "json"])]
    pub notice: bool,
    /// Print one JSON object per line
    #[arg(long)]
    pub json: bool,
}
