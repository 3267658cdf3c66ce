//! `nightlatch export`.

use std::path::PathBuf;

/// Write a session as a file that other programs read
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ExportArgs {
    /// The session's id, a unique prefix of it, or last
    #[arg(value_name = "SESSION")]
    pub session: String,
    /// What to write; if not given, what the file's name ends with
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// The file to write; - is standard output
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    pub output: PathBuf,
    /// Replace the file if it exists
    #[arg(long)]
    pub force: bool,
    /// In txt, show what pagers and editors showed, which is otherwise folded to a line
    #[arg(long)]
    pub full_screen: bool,
}

/// A format to export to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A plain asciicast v3, for asciinema and other players
    Cast,
    /// The scrollback as show prints it, byte for byte where it is no UTF-8
    Txt,
    /// One JSON object for each statement, as history --json
    Jsonl,
    /// One page for a browser: the session in colour, its statements, and a search
    Html,
}
