//! What a client's folder knows of asking the server itself, beside the client.

use std::ffi::OsString;
use std::path::PathBuf;

use jiff::Timestamp;

use super::tap::PromptFacts;
use crate::lang::Effect;
use crate::lang::postgres::Told;
use crate::session::drift::Drift;

/// A question to the server on a connection of its own.
#[derive(Debug)]
pub struct Inquiry {
    /// The program that asks.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Variables to set (some) or take away (none).
    pub vars: Vec<(OsString, Option<OsString>)>,
    /// What it reads from its standard input.
    pub script: String,
    /// Whether it asks for figures that a person waits for.
    pub has_figures: bool,
    /// Makes lines for a person out of the answer.
    pub reader: Box<dyn ReadAnswer>,
}

/// Understands what an inquiry's program printed.
pub trait ReadAnswer: std::fmt::Debug {
    /// Makes lines for a person out of it; none where it tells nothing certain.
    fn read(&self, answer: &str) -> Vec<String>;

    /// Finds what the server said of itself.
    fn server(&self, answer: &str) -> Option<ServerSaid>;
}

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSaid {
    /// Its clock.
    pub time: Timestamp,
    /// Where its log of changes ends, in its own words; none where it does not tell.
    pub position: Option<String>,
}

/// Who a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerIdentity {
    /// What stays the same through every door: "PostgreSQL 7412345678901234567/16384".
    pub id: String,
    /// Its version.
    pub version: String,
    /// Whether it follows another server, and takes no writes.
    pub is_replica: bool,
}

/// Asks the server on connections of its own. Without `facts` no prompt has told yet where the
/// client is: a run without a person asks where it was started to connect.
pub trait Side: std::fmt::Debug {
    /// Asks what a held statement would touch; none where the answer could be wrong.
    fn inquire(
        &self,
        text: &str,
        effects: &[Effect],
        facts: Option<&PromptFacts>,
        drift: Drift,
    ) -> Option<Inquiry>;

    /// Asks the server who it is; none where nobody knows where to ask.
    fn identify(&mut self, facts: Option<&PromptFacts>) -> Option<Inquiry>;

    /// Reads the answer to [`Side::identify`].
    fn identified(&self, answer: &str) -> Option<ServerIdentity>;

    /// Asks for the texts of the functions that a statement may run; none where nothing has to be
    /// asked: they are the server's own, or the texts are known already.
    fn look_up(&mut self, texts: &[String], facts: Option<&PromptFacts>) -> Option<Inquiry>;

    /// Reads the answer to [`Side::look_up`].
    fn looked_up(&self, answer: &str) -> Told;
}
