//! `nightlatch show`.

/// Show the scrollback of a session as plain text
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ShowArgs {
    /// The session's id, a unique prefix of it, or last
    #[arg(value_name = "SESSION")]
    pub session: String,
    /// Only this statement and its output, a pager's screens included
    #[arg(long, value_name = "N")]
    pub statement: Option<u64>,
    /// Show what pagers and editors showed, which is otherwise folded to a line
    #[arg(long)]
    pub full_screen: bool,
}
