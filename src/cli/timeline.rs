//! `nightlatch timeline`.

use super::filter::tier_parser;
use crate::target::Tier;

/// Tell what happened to a target, and the last safe moment before it was damaged
///
/// Puts the sessions of all terminals in one order: connections, statements, holds, answers, rows,
/// errors and gaps. Names the first statement that destroyed something, and the moment before it
/// as recovery tools take it.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct TimelineArgs {
    /// Not before this: 2h, "yesterday 23:00", or RFC 3339 [default: 24h before the end, or all of the session]
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Before this
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Only this tier
    #[arg(long, value_parser = tier_parser())]
    pub tier: Option<Tier>,
    /// Only targets whose name or address contains this
    #[arg(long, value_name = "TEXT")]
    pub target: Option<String>,
    /// Only this client, such as psql
    #[arg(long, value_name = "NAME")]
    pub client: Option<String>,
    /// Only this session: its id, a unique prefix of it, or last
    #[arg(long, value_name = "SESSION")]
    pub session: Option<String>,
    /// The last safe moment before this statement instead of the first destructive one
    #[arg(long, value_name = "SESSION:N")]
    pub before: Option<String>,
    /// Print one JSON object per line; the last one has the last safe moment
    #[arg(long, group = "form")]
    pub json: bool,
    /// Print Markdown, for a report
    #[arg(long, group = "form")]
    pub markdown: bool,
    /// Print one HTML file, which needs nothing else
    #[arg(long, group = "form")]
    pub html: bool,
}
