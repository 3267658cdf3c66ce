//! The last safe moment before a statement, as recovery tools take it.
//!
//! Never later than the truth: what is not known makes it earlier. Where the server has told its
//! time, the moment is by its clock; else by ours, and that is said.

use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use super::super::past::{Deed, Past, What};
use crate::record::ServerMoment;
use crate::target::Address;

/// A clock that is further off is worth a word.
pub(super) const NOTABLE: SignedDuration = SignedDuration::from_secs(1);

/// The moment before a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Safe {
    /// The moment, to the microsecond, by the server's clock if that is known.
    pub(super) moment: Timestamp,
    /// What the moment is.
    pub(super) what: Instant,
    /// By how much the server's clock is ahead of ours; none where it has not told.
    pub(super) ahead: Option<SignedDuration>,
    /// Where the server's log of changes ended, and when that was, by the same clock.
    pub(super) position: Option<(String, Timestamp)>,
    /// What kind of server it was.
    pub(super) family: Family,
}

/// What a moment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instant {
    /// Just before it was let through.
    Statement,
    /// Just before the person's answer let it through.
    Release,
    /// Just before its transaction was to be committed.
    Commit,
}

/// What kind of server it is, as far as it matters to what brings its data back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Postgres,
    Mysql,
    Mongo,
    Redis,
    Sqlite,
    Unknown,
}

/// What takes the moment, each in its own form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tool {
    Postgres,
    Rds,
    Mysqlbinlog,
    Mongorestore,
    RedisCheckAof,
    Sqlite,
}

impl Family {
    /// Tells it by the kind of server that a statement went to, or else by the client.
    fn of(deed: &Deed, client: &str) -> Self {
        match deed.engine.as_deref().unwrap_or(client) {
            "postgres" | "psql" => Self::Postgres,
            "mysql" | "mariadb" => Self::Mysql,
            "mongodb" | "mongosh" | "mongo" => Self::Mongo,
            "redis" | "redis-cli" => Self::Redis,
            "sqlite" | "sqlite3" => Self::Sqlite,
            _ => Self::Unknown,
        }
    }

    fn tools(self) -> &'static [Tool] {
        match self {
            Self::Postgres => &[Tool::Postgres, Tool::Rds],
            Self::Mysql => &[Tool::Mysqlbinlog, Tool::Rds],
            Self::Mongo => &[Tool::Mongorestore],
            Self::Redis => &[Tool::RedisCheckAof],
            Self::Sqlite => &[Tool::Sqlite],
            Self::Unknown => &[Tool::Postgres, Tool::Mysqlbinlog, Tool::Rds, Tool::Mongorestore],
        }
    }
}

/// What servers said of their clocks.
pub(super) struct Clocks {
    said: Vec<(Address, Timestamp, SignedDuration)>,
}

impl Clocks {
    /// Gathers it from all sessions.
    pub(super) fn of(pasts: &[Past]) -> Self {
        let deeds = pasts.iter().flat_map(Past::deeds);
        let said = deeds.filter_map(|(_, deed)| {
            let server = server(deed)?;
            Some((deed.target.address.clone(), server.heard, server.ahead()))
        });
        Self { said: said.collect() }
    }

    /// Returns by how much a server is ahead of us at least, as it said nearest to a time.
    fn ahead(&self, address: &Address, at: Timestamp) -> Option<SignedDuration> {
        self.said
            .iter()
            .filter(|(said, ..)| said.host == address.host && said.port == address.port)
            .min_by_key(|(_, heard, _)| heard.duration_since(at).abs())
            .map(|(.., ahead)| *ahead)
    }
}

/// Returns the moment before a statement.
pub(super) fn before(past: &Past, at: Timestamp, deed: &Deed, clocks: &Clocks) -> Safe {
    let release = deed.answer.as_ref().and_then(|given| given.release.as_ref());
    let (ours, what) = match (deed.took_effect, release) {
        // A statement that was not recorded may have committed it before.
        (Some(commit), _) if !has_gap(past, at, commit) => (commit, Instant::Commit),
        (_, Some(release)) => (release.sent, Instant::Release),
        (_, None) => (at, Instant::Statement),
    };
    let own = server(deed);
    let ahead = own.map(ServerMoment::ahead).or_else(|| clocks.ahead(&deed.target.address, at));
    let moment = ours.saturating_add(ahead.unwrap_or_default()).unwrap_or(ours);
    let position = own.and_then(|server| Some((server.position.clone()?, server.time)));
    let family = Family::of(deed, &past.header.client);
    Safe { moment: floor(moment), what, ahead, position, family }
}

fn server(deed: &Deed) -> Option<&ServerMoment> {
    deed.answer.as_ref()?.release.as_ref()?.server.as_ref()
}

fn has_gap(past: &Past, from: Timestamp, to: Timestamp) -> bool {
    past.things
        .iter()
        .any(|thing| matches!(thing.what, What::Gap(_)) && (from..=to).contains(&thing.at.wall))
}

/// Drops what is finer than a microsecond.
fn floor(time: Timestamp) -> Timestamp {
    let micros = time.as_nanosecond().div_euclid(1000);
    Timestamp::from_nanosecond(micros * 1000).unwrap_or(time)
}

impl Safe {
    /// Says whether a tool is one for this kind of server.
    pub(super) fn is_for(&self, tool: Tool) -> bool {
        self.family.tools().contains(&tool)
    }

    /// `recovery_target_time`: to the microsecond, with an offset.
    pub(super) fn recovery_target_time(&self) -> String {
        let time = Offset::UTC.to_datetime(self.moment);
        format!("{}+00", time.strftime("%Y-%m-%d %H:%M:%S.%6f"))
    }

    /// `recovery_target_lsn`, if it is known.
    pub(super) fn recovery_target_lsn(&self) -> Option<&str> {
        self.position.as_ref().map(|(position, _)| position.as_str())
    }

    /// `aws rds … --restore-time`: whole seconds.
    pub(super) fn restore_time(&self) -> String {
        Offset::UTC.to_datetime(self.moment).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// `mongorestore --oplogLimit`: the first entry of that second, which is not applied.
    pub(super) fn oplog_limit(&self) -> String {
        format!("{}:1", self.moment.as_nanosecond().div_euclid(1_000_000_000))
    }

    /// `mysqlbinlog --stop-datetime`: the first second that is not read any more.
    pub(super) fn stop_datetime(&self) -> String {
        Offset::UTC.to_datetime(self.moment).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// `redis-check-aof --truncate-to-timestamp`: the last whole second before it.
    pub(super) fn truncate_to_timestamp(&self) -> i128 {
        self.moment.as_nanosecond().div_euclid(1_000_000_000) - 1
    }

    /// What to paste where: what it is for, and the lines. `removes_files` tells that a time is not
    /// enough, so that the position comes first.
    pub(super) fn values(&self, removes_files: bool) -> Vec<(String, String)> {
        let values = self.family.tools().iter().map(|tool| self.value(*tool, removes_files));
        let mut values: Vec<_> = values.collect();
        if self.family == Family::Postgres
            && let Some((position, asked)) = &self.position
        {
            let text =
                format!("recovery_target_lsn = '{position}'\nrecovery_target_inclusive = off");
            let before = match self.moment.duration_since(*asked).as_secs() {
                ..1 => "less than 1 s".to_owned(),
                seconds => format!("{seconds} s"),
            };
            let heading = if removes_files {
                format!("PostgreSQL, by WAL position, as it was {before} before")
            } else {
                format!(
                    "Or by WAL position, as it was {before} before: what others wrote since is lost"
                )
            };
            values.insert(usize::from(!removes_files), (heading, text));
        }
        values
    }

    fn value(&self, tool: Tool, removes_files: bool) -> (String, String) {
        let (what, text) = match tool {
            Tool::Postgres => {
                let time = self.recovery_target_time();
                let text =
                    format!("recovery_target_time = '{time}'\nrecovery_target_inclusive = off");
                let what = if removes_files {
                    "PostgreSQL (not enough: the files are removed before the commit, which is what a \
                     time finds)"
                } else {
                    "PostgreSQL"
                };
                (what, text)
            }
            Tool::Rds => (
                "Amazon RDS",
                format!(
                    "aws rds restore-db-instance-to-point-in-time \\\n  --restore-time {} \\\n  \
                     --source-db-instance-identifier SOURCE \\\n  \
                     --target-db-instance-identifier NEW",
                    self.restore_time()
                ),
            ),
            Tool::Mysqlbinlog => (
                "MySQL and MariaDB, on a restored backup",
                format!("TZ=UTC mysqlbinlog --stop-datetime='{}' BINLOG...", self.stop_datetime()),
            ),
            Tool::Mongorestore => (
                "mongorestore",
                format!("mongorestore --oplogReplay --oplogLimit {}", self.oplog_limit()),
            ),
            Tool::RedisCheckAof => (
                "Redis with aof-timestamp-enabled, on a copy of its append-only files",
                format!(
                    "redis-check-aof --truncate-to-timestamp {} appendonly.aof.manifest",
                    self.truncate_to_timestamp()
                ),
            ),
            Tool::Sqlite => (
                "SQLite keeps no log of changes. Write nothing more; look for the rows in a backup \
                 from before that moment, or in a copy of the file",
                "sqlite3 COPY .recover".to_owned(),
            ),
        };
        (what.to_owned(), text)
    }

    /// What the moment is, for a person.
    pub(super) fn why(&self) -> String {
        let what = match self.what {
            Instant::Statement => "just before it was let through",
            Instant::Release => "just before it was released",
            Instant::Commit => "just before its transaction was committed",
        };
        let clock = match self.ahead {
            None => "by this machine's clock; the server's is not known, so check that they agree"
                .to_owned(),
            Some(ahead) if ahead.abs() >= NOTABLE => {
                let (which, by) =
                    (if ahead.is_negative() { "behind" } else { "ahead of" }, ahead.abs());
                format!(
                    "by the server's clock, which is {:.1} s {which} this machine's",
                    by.as_secs_f64()
                )
            }
            Some(_) => "by the server's clock".to_owned(),
        };
        format!("{what}, {clock}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn safe(moment: &str) -> Safe {
        let moment = floor(moment.parse().unwrap());
        let family = Family::Postgres;
        Safe { moment, what: Instant::Release, ahead: None, position: None, family }
    }

    #[test]
    fn values_are_what_the_tools_take_and_never_later() {
        let safe = safe("2026-11-20T22:14:03.123456999Z");
        assert_eq!(safe.recovery_target_time(), "2026-11-20 22:14:03.123456+00");
        assert_eq!(safe.restore_time(), "2026-11-20T22:14:03Z");
        assert_eq!(safe.oplog_limit(), "1795212843:1");
        assert_eq!(safe.stop_datetime(), "2026-11-20 22:14:03");
        // It keeps what is of the second it is given.
        assert_eq!(safe.truncate_to_timestamp(), 1_795_212_842);
        let early = self::safe("1969-12-31T23:59:59.5Z");
        assert_eq!(early.oplog_limit(), "-1:1");
    }

    #[test]
    fn each_kind_of_server_gets_its_own_values() {
        let mut safe = safe("2026-11-20T22:14:03.5Z");
        let position = "2026-11-20T22:14:01Z".parse().unwrap();
        safe.position = Some(("0/3000148".to_owned(), position));
        let shown = |family: Family, removes_files: bool| {
            let values = Safe { family, ..safe.clone() }.values(removes_files);
            let values = values.iter().map(|(what, text)| format!("{what}:\n{text}\n"));
            values.collect::<String>()
        };
        insta::assert_snapshot!(shown(Family::Postgres, false), @r#"
        PostgreSQL:
        recovery_target_time = '2026-11-20 22:14:03.500000+00'
        recovery_target_inclusive = off
        Or by WAL position, as it was 2 s before: what others wrote since is lost:
        recovery_target_lsn = '0/3000148'
        recovery_target_inclusive = off
        Amazon RDS:
        aws rds restore-db-instance-to-point-in-time \
          --restore-time 2026-11-20T22:14:03Z \
          --source-db-instance-identifier SOURCE \
          --target-db-instance-identifier NEW
        "#);
        assert!(shown(Family::Postgres, true).starts_with("PostgreSQL, by WAL position"));
        let others = [Family::Mysql, Family::Mongo, Family::Redis, Family::Sqlite];
        insta::assert_snapshot!(others.map(|family| shown(family, false)).concat(), @r"
        MySQL and MariaDB, on a restored backup:
        TZ=UTC mysqlbinlog --stop-datetime='2026-11-20 22:14:03' BINLOG...
        Amazon RDS:
        aws rds restore-db-instance-to-point-in-time \
          --restore-time 2026-11-20T22:14:03Z \
          --source-db-instance-identifier SOURCE \
          --target-db-instance-identifier NEW
        mongorestore:
        mongorestore --oplogReplay --oplogLimit 1795212843:1
        Redis with aof-timestamp-enabled, on a copy of its append-only files:
        redis-check-aof --truncate-to-timestamp 1795212842 appendonly.aof.manifest
        SQLite keeps no log of changes. Write nothing more; look for the rows in a backup from before that moment, or in a copy of the file:
        sqlite3 COPY .recover
        ");
        let unknown = shown(Family::Unknown, false);
        assert!(unknown.contains("--oplogLimit") && unknown.contains("recovery_target_time"));
    }

    #[test]
    fn a_clock_that_is_off_is_told() {
        let mut safe = safe("2026-11-20T22:14:03Z");
        assert!(safe.why().contains("by this machine's clock"), "{}", safe.why());
        safe.ahead = Some(SignedDuration::from_millis(-900));
        assert!(safe.why().ends_with("by the server's clock"), "{}", safe.why());
        safe.ahead = Some(SignedDuration::from_millis(-3250));
        assert!(safe.why().ends_with("3.2 s behind this machine's"), "{}", safe.why());
    }
}
