//! Where libpq would connect: command line, connection string, service file, variables, defaults.

use super::Address;

/// What the command line gives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Given {
    /// `-d` or the first argument: a name, a URI or `key=value` pairs.
    pub dbname: Option<String>,
    /// `-h`.
    pub host: Option<String>,
    /// `-p`.
    pub port: Option<String>,
    /// `-U` or the second argument.
    pub user: Option<String>,
}

/// What libpq reads beside the command line, as values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Surroundings {
    /// The `PG…` variables that are set and not empty.
    pub vars: Vec<(String, String)>,
    /// Service files in the order libpq reads them: path and text.
    pub service_files: Vec<(String, String)>,
    /// Who runs the client.
    pub os_user: Option<String>,
}

/// One server psql would try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Where.
    pub address: Address,
    /// The number that is used instead of looking the host up.
    pub hostaddr: Option<String>,
}

/// What the parameters come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The servers in the order psql tries them; at least one.
    pub endpoints: Vec<Endpoint>,
}

impl Resolved {
    /// Returns where the value behind a piece of evidence came from.
    #[must_use]
    pub fn source_of(&self, _evidence_source: &str) -> Option<String> {
        None
    }
}

/// Resolves the parameters as libpq does.
///
/// # Errors
///
/// Returns a phrase where libpq would refuse them.
pub fn resolve(_given: &Given, _surroundings: &Surroundings) -> Result<Resolved, String> {
    Err("not there yet".to_owned())
}
