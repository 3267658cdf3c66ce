//! Which sessions ended badly since a shell last said so: a file with a line for each.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use super::folder::LOG_NAME;
use super::live;
use super::read::Reader;
use super::segment::{open_file, private};

/// The file in the data folder.
const NAME: &str = "ended-badly";

/// Most bytes of the file: whoever never looks does not gather lines for years.
const MOST_BYTES: u64 = 64 << 10;

/// A session that ended badly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Badly {
    /// Its id.
    pub session: String,
    /// What ran in it, such as `psql`.
    pub client: String,
}

/// Takes down that the session of a folder ended badly.
///
/// # Errors
///
/// What the system said. Nothing but the remark in a shell is lost.
pub fn note(data_dir: &Path, folder: &Path) -> io::Result<()> {
    let (start, _) = Reader::open(&folder.join(LOG_NAME)).map_err(io::Error::other)?;
    let mut file = private().read(true).append(true).create(true).open(data_dir.join(NAME))?;
    if file.metadata()?.len() > MOST_BYTES {
        return Ok(());
    }
    // In one write, so that two processes do not mix.
    file.write_all(format!("{} {}\n", start.session, start.header.client).as_bytes())
}

/// Tells whether there is something to say. Costs next to nothing.
#[must_use]
pub fn is_any(data_dir: &Path) -> bool {
    data_dir.join(NAME).exists() || live::is_any_dead(data_dir)
}

/// Returns the sessions that ended badly since this was last asked, oldest first.
///
/// # Errors
///
/// What the system said.
pub fn take(data_dir: &Path) -> io::Result<Vec<Badly>> {
    let path = data_dir.join(NAME);
    let text = match open_file(&path).and_then(io::read_to_string) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    fs::remove_file(&path)?;
    let read = |line: &str| {
        let (session, client) = line.split_once(' ')?;
        Some(Badly { session: session.to_owned(), client: client.to_owned() })
    };
    Ok(text.lines().filter_map(read).collect())
}
