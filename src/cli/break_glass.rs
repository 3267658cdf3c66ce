//! `nightlatch break-glass`.

/// Lift friction on a target for a time, with a reason
///
/// Until it ends by itself nothing on the target asks for more than yes, whatever the hour: no reason, no wait, no
/// name to type, no freeze, and what a rule denies can be released. A statement that destroys is still asked about.
/// Every session there says so, and so do the recordings and the timeline. It asks on the terminal.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct BreakGlassArgs {
    /// The target: its name in the configuration, or host:port/database
    #[arg(value_name = "TARGET", required_unless_present = "list")]
    pub target: Option<String>,
    /// Why; asked for if not given
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// For how long, 24h at most
    #[arg(long = "for", value_name = "TIME", default_value = "30m")]
    pub time: String,
    /// End it now
    #[arg(long, conflicts_with_all = ["reason", "time"])]
    pub end: bool,
    /// Say what is lifted now
    #[arg(long, conflicts_with_all = ["target", "reason", "time", "end"])]
    pub list: bool,
}
