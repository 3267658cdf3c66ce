//! A connection of our own to where a psql session is.

use std::ffi::OsString;
use std::path::PathBuf;

use super::args::Invocation;
use crate::clients::{Inquiry, PromptFacts, ReadAnswer};
use crate::tap::{Login, Place};
use crate::target::Address;
use crate::target::libpq::conninfo;

/// What the side connection may not exceed: it reads only, is over in two seconds, and never
/// queues behind a lock.
const OPTIONS: &str =
    "-c default_transaction_read_only=on -c statement_timeout=2s -c lock_timeout=100ms";

/// The same once more as statements, where a connection string brings options of its own. Compiling
/// takes seconds and is meant for queries that take longer.
const PREAMBLE: &str = "SET default_transaction_read_only = on;\nSET statement_timeout = '2s';\n\
                        SET lock_timeout = '100ms';\nSET jit = off;\n";

/// Variables that say where libpq goes and how it logs in, what it is told aside.
const TELLING: &[&str] = &[
    "PGHOST",
    "PGHOSTADDR",
    "PGPORT",
    "PGDATABASE",
    "PGUSER",
    "PGPASSWORD",
    "PGPASSFILE",
    "PGSERVICE",
    "PGSERVICEFILE",
    "PGSSLMODE",
    "PGREQUIRESSL",
    "PGSSLROOTCERT",
    "PGSSLCERT",
    "PGSSLKEY",
    "PGGSSENCMODE",
    "PGTARGETSESSIONATTRS",
];

/// Knows how this session connects.
#[derive(Clone)]
pub struct Inquirer {
    program: PathBuf,
    cluster: Option<String>,
    /// What options said of where to connect; what a connection string says comes before it.
    options: Vec<(String, String)>,
    /// What a connection string said, the password included.
    given: Vec<(String, String)>,
    own_options: Option<String>,
    /// Variables of ours that are not for it.
    forgotten: &'static [&'static str],
}

impl std::fmt::Debug for Inquirer {
    /// Leaves out what may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inquirer").field("program", &self.program).finish_non_exhaustive()
    }
}

impl Inquirer {
    /// Makes an inquirer for a session that was started like this.
    #[must_use]
    pub fn new(program: PathBuf, invocation: &Invocation, own_options: Option<&str>) -> Self {
        let name = invocation.dbname.as_deref();
        let name = name.filter(|dbname| !conninfo::is_connection_string(dbname));
        let options = [
            ("host", invocation.host.as_deref()),
            ("port", invocation.port.as_deref()),
            ("user", invocation.username.as_deref()),
            ("dbname", name),
        ];
        let options = options.into_iter().filter_map(|(key, value)| {
            let value = value.filter(|value| !value.is_empty())?;
            Some((key.to_owned(), value.to_owned()))
        });
        Self {
            program,
            cluster: invocation.cluster.clone(),
            options: options.collect(),
            given: invocation.given(),
            own_options: own_options.map(str::to_owned),
            forgotten: &[],
        }
    }

    /// Makes an inquirer for where a driver has connected, with what it logs in with: our own variables
    /// may say something else than its process' do.
    #[must_use]
    pub fn of_driver(place: &Place, login: &Login) -> Self {
        let port = place.port.map(|port| port.to_string());
        let options = [
            ("host", place.host.clone()),
            ("port", port),
            ("user", place.user.clone()),
            ("dbname", place.database.clone()),
        ];
        let options = options.into_iter().filter_map(|(name, value)| Some((name, value?)));
        Self {
            program: "psql".into(),
            cluster: None,
            options: options.map(|(name, value)| (name.to_owned(), value)).collect(),
            given: login.0.clone().into_iter().collect(),
            own_options: None,
            forgotten: TELLING,
        }
    }

    /// Makes a question of a script, which only reads; none where nobody knows where to ask.
    #[must_use]
    pub fn ask(
        &self,
        script: &str,
        reader: Box<dyn ReadAnswer>,
        facts: Option<&PromptFacts>,
    ) -> Option<Inquiry> {
        let (conninfo, password) = self.conninfo(facts)?;
        let mut args: Vec<OsString> = Vec::new();
        if let Some(cluster) = &self.cluster {
            args.extend(["--cluster".into(), cluster.into()]);
        }
        args.extend(["-w", "-X", "-q", "-A", "-t", "-d"].map(OsString::from));
        args.push(conninfo.into());
        let options = match &self.own_options {
            Some(own) => format!("{own} {OPTIONS}"),
            None => OPTIONS.to_owned(),
        };
        let mut vars: Vec<(OsString, Option<OsString>)> =
            self.forgotten.iter().map(|&name| (name.into(), None)).collect();
        vars.extend([
            ("PGOPTIONS".into(), Some(options.into())),
            ("PGAPPNAME".into(), Some("nightlatch".into())),
            ("PGCONNECT_TIMEOUT".into(), Some("2".into())),
            ("PSQLRC".into(), None),
        ]);
        if let Some(password) = password {
            // Not on the command line, where everybody could read it.
            vars.push(("PGPASSWORD".into(), Some(password.into())));
        }
        Some(Inquiry {
            program: self.program.clone(),
            args,
            vars,
            script: format!("{PREAMBLE}\\set ON_ERROR_STOP off\n{script}"),
            has_figures: false,
            reader,
        })
    }

    /// Where the session is now, or without facts where it was started to go, with what else the
    /// person's connection string said; and the password in it.
    fn conninfo(&self, facts: Option<&PromptFacts>) -> Option<(String, Option<String>)> {
        let mut password = None;
        let mut pairs = Vec::new();
        if facts.is_none() {
            pairs.clone_from(&self.options);
        }
        for (name, value) in &self.given {
            match name.as_str() {
                "application_name" => {}
                "host" | "hostaddr" | "port" | "dbname" | "user" if facts.is_some() => {}
                "password" => password = Some(value.clone()),
                _ => pairs.push((name.clone(), value.clone())),
            }
        }
        if let Some(facts) = facts {
            locate(facts.address.as_ref()?, &mut pairs)?;
        }
        let words: Vec<String> = pairs
            .into_iter()
            .map(|(name, value)| {
                format!("{name}='{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
            })
            .collect();
        Some((words.join(" "), password))
    }
}

/// Adds where the session is now; none where a prompt did not tell all of it.
fn locate(address: &Address, pairs: &mut Vec<(String, String)>) -> Option<()> {
    match address.host.as_deref()? {
        "[local]" => {}
        host => {
            let folder = host.strip_prefix("[local:").and_then(|rest| rest.strip_suffix(']'));
            pairs.push(("host".to_owned(), folder.unwrap_or(host).to_owned()));
        }
    }
    pairs.push(("port".to_owned(), address.port?.to_string()));
    pairs.push(("dbname".to_owned(), address.database.clone()?));
    pairs.push(("user".to_owned(), address.user.clone()?));
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::psql::args;
    use crate::clients::{Guarded, Transaction};

    #[test]
    fn the_side_connection_goes_where_the_session_is() {
        let uri = "postgres://app:it's@old:1/x?sslmode=require";
        let invocation = args::parse(&[uri]).expect("understood");
        let inquirer = Inquirer::new("psql".into(), &invocation, None);
        let facts = PromptFacts {
            is_fresh: true,
            takes_data: false,
            address: Some(Address {
                user: Some("o'neil".into()),
                host: Some("new".into()),
                port: Some(5433),
                database: Some("orders".into()),
            }),
            backend_pid: Some(1),
            transaction: Transaction::Idle,
            guarded: Guarded::Ours,
            rows: None,
            error: None,
            version: None,
            server_version: None,
        };
        let (conninfo, password) = inquirer.conninfo(Some(&facts)).expect("known");
        assert_eq!(
            conninfo,
            r"sslmode='require' host='new' port='5433' dbname='orders' user='o\'neil'"
        );
        assert_eq!(password.as_deref(), Some("it's"));
    }

    #[test]
    fn before_any_prompt_it_goes_where_the_session_was_told_to() {
        for (words, wanted) in [
            (
                &["-h", "db1", "-U", "o'neil", "orders"][..],
                r"host='db1' user='o\'neil' dbname='orders'",
            ),
            (
                &["-h", "db1", "postgres://app:secret@db2:1/x?sslmode=require"],
                "host='db1' user='app' host='db2' port='1' dbname='x' sslmode='require'",
            ),
            (&[], ""),
        ] {
            let invocation = args::parse(words).expect("understood");
            let inquirer = Inquirer::new("psql".into(), &invocation, None);
            let (conninfo, _) = inquirer.conninfo(None).expect("known");
            assert_eq!(conninfo, wanted);
        }
    }
}
