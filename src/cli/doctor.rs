//! `nightlatch doctor`.

/// Look whether everything is as it should be, and say what to do where it is not
#[derive(Debug, Clone, Default, clap::Args)]
pub struct DoctorArgs {
    /// Print one JSON object per finding
    #[arg(long)]
    pub json: bool,
    /// Give this terminal back as it was before a session that was killed: settings, title, colours
    #[arg(long, conflicts_with = "json")]
    pub repair_terminal: bool,
}
