//! What the statements of an index are like, to tell rare letters from common ones.

use std::cell::RefCell;
use std::collections::HashMap;

use rusqlite::{Connection, Row};

/// Places in the index that are looked at.
const PLACES: i64 = 32;

/// Statements that are looked at in each.
const PER_PLACE: i64 = 16;

/// Some statements from all times, in lower case.
#[derive(Debug, Default)]
pub(super) struct Sample {
    texts: Vec<String>,
    shares: RefCell<HashMap<String, usize>>,
}

impl Sample {
    /// Takes a sample; an index that fails has an empty one, since any will do.
    pub(super) fn take(connection: &Connection) -> Self {
        Self { texts: texts(connection).unwrap_or_default(), shares: RefCell::default() }
    }

    /// Returns how many of them have a text that is in lower case.
    pub(super) fn share(&self, part: &str) -> usize {
        let mut shares = self.shares.borrow_mut();
        if let Some(share) = shares.get(part) {
            return *share;
        }
        let share = self.texts.iter().filter(|text| text.contains(part)).count();
        shares.insert(part.to_owned(), share);
        share
    }
}

fn texts(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let ends = "SELECT coalesce(min(id), 0), coalesce(max(id), 0) FROM statements";
    let (first, last): (i64, i64) =
        connection.query_row(ends, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let step = (last - first) / PLACES + 1;
    let mut select =
        connection.prepare("SELECT text FROM statements WHERE id >= ?1 ORDER BY id LIMIT ?2")?;
    let mut texts = Vec::new();
    for place in 0..PLACES {
        let text = |row: &Row<'_>| row.get::<_, String>(0);
        for text in select.query_map([first + place * step, PER_PLACE], text)? {
            texts.push(text?.to_lowercase());
        }
    }
    Ok(texts)
}
