//! `nightlatch psql` and `nightlatch run`.

use std::ffi::OsString;

/// Arguments that are the client's own.
#[derive(Debug, clap::Args)]
pub struct ClientArgs {
    /// The client's own arguments, passed as they are.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub args: Vec<OsString>,
}

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
