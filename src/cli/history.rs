//! `nightlatch history`.

use super::FilterArgs;

/// Show recorded statements, the newest last
#[derive(Debug, Clone, Default, clap::Args)]
pub struct HistoryArgs {
    /// Words that must all begin a word of the statement
    #[arg(value_name = "QUERY")]
    pub query: Vec<String>,
    /// Which statements.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Print one JSON object per line
    #[arg(long)]
    pub json: bool,
}
