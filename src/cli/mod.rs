//! The command line, as clap reads it.

mod filter;
mod history;
mod reindex;
mod sessions;
mod show;
pub mod time;

pub use filter::FilterArgs;
pub use history::HistoryArgs;
pub use reindex::ReindexArgs;
pub use sessions::SessionsArgs;
pub use show::ShowArgs;
