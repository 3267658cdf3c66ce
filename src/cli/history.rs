//! `nightlatch history`.

use super::FilterArgs;

/// Show recorded statements, the newest last
#[derive(Debug, Clone, Default, clap::Args)]
pub struct HistoryArgs {
    /// Words that must all be in the statement, anywhere and in any case
    #[arg(value_name = "QUERY")]
    pub query: Vec<String>,
    /// Search what the statements printed, too
    #[arg(long, short)]
    pub output: bool,
    /// Search as you type
    #[arg(long, short, conflicts_with_all = ["json", "limit"])]
    pub interactive: bool,
    /// Which statements.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Print one JSON object per line
    #[arg(long)]
    pub json: bool,
}
