//! `nightlatch doctor`.

/// Look whether everything is as it should be, and say what to do where it is not
#[derive(Debug, Clone, Default, clap::Args)]
pub struct DoctorArgs {
    /// Print one JSON object per finding
    #[arg(long)]
    pub json: bool,
}
