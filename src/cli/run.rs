//! `nightlatch run`.

use std::ffi::OsString;

/// Arguments of `nightlatch run`.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// Which client the command is, where its name does not say so.
    #[arg(long = "as", value_name = "CLIENT")]
    pub client: Option<String>,
    /// Release holds for this one target, by its configured name or as host:port/database; only
    /// in runs without a person.
    #[arg(long, value_name = "TARGET", requires = "reason")]
    pub approve: Option<String>,
    /// Why; stored in the recording.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// The command to run.
    #[arg(last = true, required = true, value_name = "CMD")]
    pub command: Vec<OsString>,
}
