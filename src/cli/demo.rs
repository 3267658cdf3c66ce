//! `nightlatch demo`.

/// Try a hold on a throw-away database that counts as production
///
/// Opens psql through nightlatch, on a PostgreSQL server of its own in a temporary folder, without
/// a network port; or Python, on a file of SQLite. Everything is removed at the end. Without a
/// terminal it shows how a destructive statement is refused there.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct DemoArgs {
    /// What to try it with; psql where PostgreSQL is installed
    #[arg(value_enum)]
    pub client: Option<DemoClient>,
    /// Keep the folder with the database and the recording, and say where it is
    #[arg(long)]
    pub keep: bool,
}

/// What a demonstration is shown with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum DemoClient {
    /// A server of PostgreSQL.
    Psql,
    /// The loop that deleted every family.
    Python,
}
