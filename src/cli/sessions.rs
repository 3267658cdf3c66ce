//! `nightlatch sessions`.

use super::FilterArgs;

/// Show recorded sessions, the newest last
#[derive(Debug, Clone, Default, clap::Args)]
pub struct SessionsArgs {
    /// Which sessions.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Print one JSON object per line
    #[arg(long)]
    pub json: bool,
}
