//! What is damaged or gone of a log: how a reader of its lines is told, and what is still known of
//! the session.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::folder::{LOG_NAME, session_started};
use super::header::{Header, HeaderLine, Start};
use super::segment::{self, Form};

/// What a line begins with that stands for bytes which cannot be read: no event begins so.
const LOST: &str = "! lost ";

/// No header is longer; what is may be anything.
const HEADER_BYTES: u64 = 1 << 20;

/// Returns the line that stands for so many bytes of a log.
pub(super) fn line(bytes: u64) -> Vec<u8> {
    format!("{LOST}{bytes}\n").into_bytes()
}

/// Reads such a line: for how many bytes it stands.
pub(super) fn lost(line: &[u8]) -> Option<u64> {
    std::str::from_utf8(line).ok()?.strip_prefix(LOST)?.trim_end().parse().ok()
}

/// Returns what is known of the session whose live segment has this path, where its log does not
/// begin with a header: by the headers of later segments, or by the name of its folder. None if
/// that is no session's.
pub(super) fn start(path: &Path) -> Option<Start> {
    let folder = path.parent().filter(|_| path.file_name().is_some_and(|name| name == LOG_NAME))?;
    let session = folder.file_name()?.to_str()?;
    let started = session_started(session)?;
    let plain =
        segment::finished(folder).ok()?.into_iter().filter(|(_, form)| *form == Form::Plain);
    let plain = plain.map(|(n, form)| segment::path(folder, n, form));
    let later = plain.chain([path.to_owned()]).find_map(|path| header(&path)?.into_start());
    Some(later.unwrap_or_else(|| Start {
        session: session.to_owned(),
        started,
        header: Header { client: "unknown".to_owned(), cols: 80, rows: 24, ..Header::default() },
    }))
}

fn header(path: &Path) -> Option<HeaderLine> {
    let mut line = Vec::new();
    BufReader::new(File::open(path).ok()?).take(HEADER_BYTES).read_until(b'\n', &mut line).ok()?;
    serde_json::from_slice(&line).ok()
}
