//! `nightlatch demo`.

/// Try a hold on a throw-away database that counts as production
///
/// Starts a PostgreSQL server of its own in a temporary folder, without a network port, and opens
/// psql on it through nightlatch. Everything is removed at the end. Without a terminal it shows
/// how a destructive statement is refused there.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct DemoArgs {
    /// Keep the folder with the database and the recording, and say where it is
    #[arg(long)]
    pub keep: bool,
}
