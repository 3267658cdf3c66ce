//! `nightlatch show`.

/// Show the scrollback of a session as plain text
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ShowArgs {
    /// The session's id, a unique prefix of it, or last
    #[arg(value_name = "SESSION")]
    pub session: String,
    /// Only this statement and its output
    #[arg(long, value_name = "N")]
    pub statement: Option<u64>,
}
