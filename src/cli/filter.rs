//! The filters that `history` and `sessions` share.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use jiff::{Timestamp, Zoned};

use super::time;
use crate::error::{Error, Kind};
use crate::store::Filter;
use crate::target::Tier;

/// Which statements or sessions are wanted.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct FilterArgs {
    /// Only this client, such as psql
    #[arg(long, value_name = "NAME")]
    pub client: Option<String>,
    /// Only this tier
    #[arg(long, value_parser = tier_parser())]
    pub tier: Option<Tier>,
    /// Only targets whose name or address contains this
    #[arg(long, value_name = "TEXT")]
    pub target: Option<String>,
    /// Only this session: its id, a unique prefix of it, or last
    #[arg(long, value_name = "SESSION")]
    pub session: Option<String>,
    /// Not before this: 2h, "yesterday 23:00", or RFC 3339
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Before this
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Only what was held
    #[arg(long)]
    pub held: bool,
    /// Only what failed
    #[arg(long)]
    pub failed: bool,
    /// At most so many, the newest
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

impl FilterArgs {
    /// Returns the filter for the store; `session` is the whole id of the one asked for.
    ///
    /// # Errors
    ///
    /// If a time cannot be read, or the window ends before it begins: that nothing is in it would be
    /// taken for an answer.
    pub fn filter(&self, session: Option<String>, now: &Zoned) -> Result<Filter, Error> {
        let moment = |option: &str, text: &Option<String>| {
            let Some(text) = text else { return Ok(None) };
            time::moment(text, now).map(Some).ok_or_else(|| {
                Error::new(Kind::Usage, format!("{option} {text:?} is not a time."))
                    .hint(time::EXAMPLES)
            })
        };
        let (since, until) = (moment("--since", &self.since)?, moment("--until", &self.until)?);
        // Soon after midnight `--since 23:30` means the last one.
        let before = |since: Timestamp| match &self.since {
            Some(text) if since > now.timestamp() && !text.contains(['-', 'T', ' ']) => {
                time::moment(&format!("yesterday {text}"), now).unwrap_or(since)
            }
            _ => since,
        };
        let since = since.map(before);
        if since.is_some_and(|since| since > now.timestamp()) {
            return Err(Error::new(Kind::Usage, "--since is in the future.").hint(time::EXAMPLES));
        }
        if let (Some(since), Some(until)) = (since, until)
            && until < since
        {
            return Err(Error::new(Kind::Usage, "--until is before --since.")
                .hint("Nothing can be in between: change the two."));
        }
        Ok(Filter {
            client: self.client.clone(),
            tier: self.tier,
            target: self.target.clone(),
            session,
            since,
            until,
            is_held: self.held,
            is_failed: self.failed,
            limit: self.limit,
            ..Filter::default()
        })
    }
}

/// Reads a tier by its name.
pub(super) fn tier_parser() -> impl TypedValueParser<Value = Tier> {
    PossibleValuesParser::new(["production", "staging", "development", "unknown"]).map(|name| {
        match name.as_str() {
            "production" => Tier::Production,
            "staging" => Tier::Staging,
            "development" => Tier::Development,
            _ => Tier::Unknown,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soon_after_midnight_a_time_of_day_is_the_last_one() {
        let now: Zoned = "2026-11-21T00:11:00+01:00[Europe/Berlin]".parse().expect("a time");
        for (since, expected) in [
            ("23:30", Some("2026-11-20T22:30:00Z")),
            ("00:05", Some("2026-11-20T23:05:00Z")),
            ("2h", Some("2026-11-20T21:11:00Z")),
            ("2026-11-21 00:12", None),
        ] {
            let args = FilterArgs { since: Some(since.to_owned()), ..FilterArgs::default() };
            let found = args.filter(None, &now).map(|filter| filter.since).ok();
            let expected = expected.map(|time| Some(time.parse().expect("a time")));
            assert_eq!(found, expected, "{since}");
        }
    }
}
