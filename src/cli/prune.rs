//! `nightlatch prune`.

/// Remove the oldest recordings, as `[record] max_total` and `keep_days` say
#[derive(Debug, Clone, Default, clap::Args)]
pub struct PruneArgs {
    /// Say what would go, and remove nothing
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Print one JSON object per session that goes
    #[arg(long)]
    pub json: bool,
}
