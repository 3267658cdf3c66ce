//! `nightlatch rules`.

/// List and explain the rules
#[derive(Debug, Clone, Default, clap::Args)]
pub struct RulesArgs {
    /// What to do; `list` if not given.
    #[command(subcommand)]
    pub command: Option<RulesCommand>,
}

/// What to do with the rules.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum RulesCommand {
    /// Print every rule, one on a line
    List {
        /// Print one JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Print why a rule is there, what it stops and what it lets pass
    Explain {
        /// The rule's name, such as delete-without-where
        id: String,
    },
}
