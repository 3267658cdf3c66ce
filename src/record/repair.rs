//! Sessions that are over: a torn end made whole, what is plain packed, what is left over removed.

use std::fs::{self, File};
use std::io::{self, BufRead, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::encode::Encoder;
use super::event::Marker;
use super::folder::LOG_NAME;
use super::segment::{self, Form};

/// Read at once when a line's begin is looked for from the end.
const BLOCK_BYTES: u64 = 64 << 10;

/// A last line that is longer is not looked at: no exit and no gap is.
const LINE_BYTES: u64 = 4 << 10;

/// How a log ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With the client's exit.
    Exit,
    /// With a gap that says that it ended badly.
    Told,
    /// With anything else: it is still written, or its process was killed.
    Open,
}

/// Makes the log of a session whose process is gone end with a whole line, and with a gap that
/// says so, unless it had ended well. Doing it twice changes nothing more.
///
/// # Errors
///
/// What the system said; everything that was in the log is still there then.
pub(super) fn repair(folder: &Path) -> io::Result<()> {
    segment::clean(folder)?;
    let Some(path) = tail_path(folder)? else { return Ok(()) };
    let mut file = segment::private().read(true).write(true).open(&path)?;
    let len = file.metadata()?.len();
    let whole = whole_len(&mut file, len)?;
    if whole == 0 {
        // Not even the header is there: the machine went down before it was on the disk.
        return remove_empty(folder, &path);
    }
    if whole == len && end_of(&mut file, len)? != End::Open {
        return Ok(());
    }
    let gap = Marker::Gap {
        what: "tail".to_owned(),
        bytes: (len > whole).then(|| len - whole),
        why: "the session did not end by itself: nightlatch was killed, or the machine went down"
            .to_owned(),
    };
    let mut encoder = Encoder::default();
    encoder.event(0, 'm', &serde_json::to_string(&gap).unwrap_or_default());
    file.set_len(whole)?;
    file.seek(SeekFrom::Start(whole))?;
    file.write_all(encoder.bytes())?;
    file.sync_data()
}

/// Packs what is plain of a session that is over, unless it is too short to be worth it.
///
/// # Errors
///
/// What the system said; what is not packed is still there as it was.
pub(super) fn pack(folder: &Path) -> io::Result<()> {
    let has_finished = !segment::finished(folder)?.is_empty();
    match fs::metadata(folder.join(LOG_NAME)) {
        Ok(live) if has_finished || live.len() > segment::PLAIN_BYTES => {
            segment::finish_live(folder)?;
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    for (n, form) in segment::finished(folder)? {
        if form == Form::Plain {
            segment::pack(folder, n, &AtomicBool::new(false))?;
        }
    }
    Ok(())
}

/// Returns how many bytes of a session are plain though it is over.
pub(super) fn plain_bytes(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    let plain = segment::finished(folder)?.into_iter().filter(|(_, form)| *form == Form::Plain);
    for (n, form) in plain {
        bytes += fs::metadata(segment::path(folder, n, form))?.len();
    }
    Ok(match fs::metadata(folder.join(LOG_NAME)) {
        Ok(live) if bytes > 0 || live.len() > segment::PLAIN_BYTES => bytes + live.len(),
        Ok(_) | Err(_) => bytes,
    })
}

/// Tells how the log in a folder ends, packed or not.
pub(crate) fn end(folder: &Path) -> io::Result<End> {
    if let Some(path) = tail_path(folder)? {
        let mut file = segment::open_file(&path)?;
        let len = file.metadata()?.len();
        return end_of(&mut file, len);
    }
    let Some((n, _)) = segment::finished(folder)?.pop() else {
        return Err(io::ErrorKind::NotFound.into());
    };
    let mut packed = segment::open(folder, n)?;
    let (mut line, mut last) = (Vec::new(), Vec::new());
    while packed.read_until(b'\n', &mut line)? > 0 {
        std::mem::swap(&mut line, &mut last);
        line.clear();
    }
    Ok(kind(&last))
}

/// Returns the plain file that a log ends in; none if it is all packed.
fn tail_path(folder: &Path) -> io::Result<Option<PathBuf>> {
    let live = folder.join(LOG_NAME);
    if live.exists() {
        return Ok(Some(live));
    }
    // A kill came while a segment was ended.
    let last = segment::finished(folder)?.pop();
    Ok(last
        .filter(|(_, form)| *form == Form::Plain)
        .map(|(n, form)| segment::path(folder, n, form)))
}

/// Returns how many bytes of a file are whole lines.
fn whole_len(file: &mut File, len: u64) -> io::Result<u64> {
    let mut end = len;
    let mut block = Vec::new();
    while end > 0 {
        let from = end.saturating_sub(BLOCK_BYTES);
        block.resize(usize::try_from(end - from).unwrap_or(0), 0);
        file.seek(SeekFrom::Start(from))?;
        file.read_exact(&mut block)?;
        if let Some(at) = memchr::memrchr(b'\n', &block) {
            return Ok(from + at as u64 + 1);
        }
        end = from;
    }
    Ok(0)
}

/// Tells how a file ends, by its last line.
fn end_of(file: &mut File, len: u64) -> io::Result<End> {
    let from = len.saturating_sub(LINE_BYTES);
    file.seek(SeekFrom::Start(from))?;
    let mut block = Vec::new();
    file.read_to_end(&mut block)?;
    let Some(lines) = block.strip_suffix(b"\n") else { return Ok(End::Open) };
    Ok(kind(lines.rsplit(|byte| *byte == b'\n').next().unwrap_or_default()))
}

/// Tells how a log ends that ends with this line.
fn kind(line: &[u8]) -> End {
    let after = |code: &[u8]| memchr::memmem::find(line, code).is_some_and(|at| at < 32);
    if !line.starts_with(b"[") {
        End::Open
    } else if after(b", \"x\", ") {
        End::Exit
    } else if after(b", \"m\", ") && memchr::memmem::find(line, br#"\"what\":\"tail\""#).is_some() {
        End::Told
    } else {
        End::Open
    }
}

/// Removes a file that has nothing in it, and its session if that is all.
fn remove_empty(folder: &Path, path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    if segment::finished(folder)?.is_empty() { fs::remove_dir(folder) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::record::read::{Event, Reader};
    use crate::record::{Durability, Recorder};
    use crate::record::{Header, Source};
    use crate::target::Target;
    use std::time::Duration;

    fn statement(n: u64) -> Marker {
        Marker::Statement {
            n,
            time: "2026-11-20T06:00:00Z".parse().unwrap(),
            text: format!("select {n}"),
            source: Source::Tap,
            target: Target::default(),
            verdict: "allow".to_owned(),
            rule: None,
            reasons: Vec::new(),
            redacted: Vec::new(),
            destroys: false,
            engine: None,
        }
    }

    fn events(path: &Path) -> Vec<Event> {
        let (_, mut reader) = Reader::open(path).unwrap();
        let mut events = Vec::new();
        while let Some(event) = reader.next().unwrap() {
            events.push(event);
        }
        events
    }

    /// Records a short session; returns its log.
    fn log(data: &Path) -> PathBuf {
        let header = Header { client: "psql".into(), ..Header::default() };
        let mut recorder = Recorder::start(data, &header, Clock::system()).unwrap();
        for n in 1..4 {
            recorder.output(format!("orders=> select {n};\r\n").as_bytes());
            recorder.intent(statement(n), Durability::Written, Duration::from_secs(20)).unwrap();
        }
        recorder.finish(0);
        recorder.path().to_owned()
    }

    #[test]
    fn a_log_cut_at_any_byte_is_repaired_once_and_keeps_every_whole_line() {
        let data = tempfile::tempdir().unwrap();
        let path = log(data.path());
        let folder = path.parent().unwrap();
        let whole = fs::read(&path).unwrap();
        let header = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let all = events(&path);
        assert_eq!(end(folder).unwrap(), End::Exit);
        for cut in header..=whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let lines = whole[header..cut].iter().filter(|byte| **byte == b'\n').count();
            let torn = cut - whole[..cut].iter().rposition(|byte| *byte == b'\n').unwrap() - 1;
            repair(folder).unwrap();
            let mut after = events(&path);
            if cut < whole.len() {
                let Some(Event::Marker(gap)) = after.pop() else { panic!("{cut}: no gap") };
                let Marker::Gap { what, bytes, .. } = *gap else { panic!("{cut}: {gap:?}") };
                assert_eq!((what.as_str(), bytes), ("tail", (torn > 0).then_some(torn as u64)));
                assert_eq!(end(folder).unwrap(), End::Told);
            }
            assert_eq!(after[..], all[..lines], "{cut}");
            let once = fs::read(&path).unwrap();
            repair(folder).unwrap();
            assert_eq!(fs::read(&path).unwrap(), once, "{cut}");
        }
    }

    #[test]
    fn a_log_without_a_header_is_no_session() {
        let data = tempfile::tempdir().unwrap();
        let path = log(data.path());
        fs::write(&path, "").unwrap();
        repair(path.parent().unwrap()).unwrap();
        assert!(!path.parent().unwrap().exists());
    }

    #[test]
    fn a_packed_log_tells_how_it_ends() {
        let data = tempfile::tempdir().unwrap();
        let path = log(data.path());
        let folder = path.parent().unwrap();
        let before = events(&path);
        segment::finish_live(folder).unwrap();
        pack(folder).unwrap();
        assert!(!path.exists());
        assert_eq!(end(folder).unwrap(), End::Exit);
        assert_eq!(events(&path), before);
    }

    #[test]
    fn what_a_kill_left_half_done_is_removed() {
        let data = tempfile::tempdir().unwrap();
        let path = log(data.path());
        let folder = path.parent().unwrap();
        for name in ["reserve", "session.cast.next", "session.0001.7-0.part", "start-up-abc"] {
            fs::write(folder.join(name), "x").unwrap();
        }
        repair(folder).unwrap();
        assert_eq!(fs::read_dir(folder).unwrap().count(), 1);
    }
}
