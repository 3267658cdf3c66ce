//! `nightlatch target`.

/// Tell what a command line would connect to, without connecting
#[derive(Debug, Clone, clap::Args)]
pub struct TargetArgs {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// The client and its arguments
    #[arg(
        value_name = "CLIENT ARGS",
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub command: Vec<String>,
}
