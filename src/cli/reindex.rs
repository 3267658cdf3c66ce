//! `nightlatch reindex`.

/// Build the history index again from the session logs
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ReindexArgs {}
