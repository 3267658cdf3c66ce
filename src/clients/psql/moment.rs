//! What a server says of itself on the side connection: its clock, and where its WAL ends.
//!
//! Both are what a recovery to the moment before a statement needs. Absent rather than wrong: a
//! standby writes no WAL, and some services do not let anybody ask.
#![forbid(unsafe_code)]

use crate::clients::ServerSaid;

/// The clock, to the microsecond, as RFC 3339.
const CLOCK: &str = "SELECT pg_catalog.to_char(pg_catalog.clock_timestamp() AT TIME ZONE 'UTC', \
                     'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')";

/// Where the next record will be inserted: what is inserted already may not be written yet.
const POSITION: &str = "SELECT CASE WHEN NOT pg_catalog.pg_is_in_recovery() \
                        THEN pg_catalog.pg_current_wal_insert_lsn() END";

/// Asks; two questions, so that a server which refuses one still answers the other.
pub(super) fn script(token: &str) -> String {
    format!(
        "\\echo {token} position\n{POSITION}\n;\n\\echo {token} clock\n{CLOCK}\n;\n\
         \\echo {token} asked\n"
    )
}

/// Reads the last whole answer.
pub(super) fn read(stdout: &str, token: &str) -> Option<ServerSaid> {
    let end = stdout.rfind(&format!("{token} asked\n"))?;
    let (before, clock) = stdout[..end].rsplit_once(&format!("{token} clock\n"))?;
    let (_, position) = before.rsplit_once(&format!("{token} position\n"))?;
    let position = position.trim();
    Some(ServerSaid {
        time: clock.trim().parse().ok()?,
        position: is_position(position).then(|| position.to_owned()),
    })
}

/// Tells whether a text is a WAL position: two hexadecimal numbers of 32 bits.
fn is_position(text: &str) -> bool {
    let is_half =
        |half: &str| (1..=8).contains(&half.len()) && half.bytes().all(|b| b.is_ascii_hexdigit());
    text.split_once('/').is_some_and(|(high, low)| is_half(high) && is_half(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "k3v9x2m7";

    fn said(position: &str, clock: &str) -> String {
        format!("{TOKEN} position\n{position}\n{TOKEN} clock\n{clock}\n{TOKEN} asked\n")
    }

    #[test]
    fn the_last_whole_answer_counts() {
        let (first, second) = ("2026-11-20T22:14:03.123456Z", "2026-11-20T22:14:05.000001Z");
        let both = said("0/3000148", first) + "3812 rows\n" + &said("0/3000290", second);
        let read =
            |stdout: &str| read(stdout, TOKEN).map(|said| (said.time.to_string(), said.position));
        assert_eq!(read(&both), Some((second.to_owned(), Some("0/3000290".to_owned()))));
        let cut = &both[..both.len() - 3];
        assert_eq!(read(cut), Some((first.to_owned(), Some("0/3000148".to_owned()))));
        // A standby tells no position, and a server may refuse to.
        assert_eq!(read(&said("", first)), Some((first.to_owned(), None)));
        assert_eq!(read(&said("0/30001480000", first)), Some((first.to_owned(), None)));
        for nothing in ["", &said("0/1", ""), &said("0/1", "soon"), "2026-11-20T22:14:03Z"] {
            assert_eq!(read(nothing), None, "{nothing:?}");
        }
    }
}
