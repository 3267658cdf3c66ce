//! `nightlatch check`.

use std::path::PathBuf;

use crate::target::Tier;

/// Judge the text on standard input, or files, without running it
///
/// The exit status is 0 for allow and notice, 1 for hold and deny. Findings in files are written as
/// file:line:column, for editors and continuous integration.
#[derive(Debug, Clone, clap::Args)]
pub struct CheckArgs {
    /// The client that would run it: psql, mysql, mariadb, sqlite3, python3, mongosh
    #[arg(long, value_name = "CLIENT")]
    pub client: String,
    /// How much depends on the target
    #[arg(long, value_name = "TIER", default_value = "production", value_parser = tier)]
    pub tier: Tier,
    /// When it would run: 23:00, "yesterday 23:00", RFC 3339; now, if not given
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// Read these files instead of standard input
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub file: Vec<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

fn tier(word: &str) -> Result<Tier, String> {
    [Tier::Production, Tier::Staging, Tier::Development, Tier::Unknown]
        .into_iter()
        .find(|tier| tier.to_string() == word)
        .ok_or_else(|| "tiers are production, staging, development and unknown".to_owned())
}
