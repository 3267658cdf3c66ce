//! The files of one session: the live segment, which is plain, and the finished ones before it,
//! which are packed with zstd once there is time.
//!
//! `session.cast` is what is being written. When it is long enough it becomes
//! `session.0001.cast`, and a new one begins; then `session.0001.cast` becomes
//! `session.0001.cast.zst`. A segment after the first begins with a header of its own as long as
//! it is plain, so that players read it; packed it has none, so that the packed segments one
//! after the other are the whole log.

use std::fs::{self, DirEntry, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use zstd::zstd_safe::CParameter;

use super::folder::LOG_NAME;
use super::header::{HeaderLine, Place};

/// A live segment is finished once it is this long: a packed one is then below a megabyte for
/// most results, and losing one to a bad block loses little.
pub(super) const SEGMENT_BYTES: u64 = if cfg!(test) { 64 << 10 } else { 8 << 20 };

/// A segment of a session that may take little is shorter, down to an eighth: what is plain, and the
/// last that is packed, are most of what cannot be thinned.
const LEAST_BYTES: u64 = SEGMENT_BYTES / 8;

/// What a session may take is so many of its segments, or more.
const SEGMENTS: u64 = 32;

/// A log that is shorter stays plain when its session ends: packing it frees no block of the
/// disk.
pub(super) const PLAIN_BYTES: u64 = 4 << 10;

/// Packs a client's tables to a tenth, better than levels 2 to 4 do, and twice as fast as level 3
/// (measured with `cargo bench --bench recorder` and the `zstd` program).
const LEVEL: i32 = 1;

/// How many places the packer remembers, as a power of two: a quarter of what the level has. The row
/// before is the best match for a row, and older ones only keep it from being found: results
/// take a tenth less (with random columns 0.19 of the plain log instead of 0.21), prose a tenth more.
const HASH_LOG: u32 = 12;

/// Large enough that reading is limited by the disk or by unpacking.
pub(super) const READ_BYTES: usize = 256 << 10;

/// The name of the reserve beside the log.
pub(super) const RESERVE_NAME: &str = "reserve";

/// The longest header of a packed file that tells how long it is unpacked.
const FRAME_HEADER_BYTES: usize = 18;

/// How a finished segment is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Plain,
    Packed,
}

/// One open segment, behind its header if that is not the log's.
pub(super) type Part = Box<dyn BufRead + Send>;

/// Returns how long a live segment of a session becomes that may take `max_bytes`.
pub(super) fn bytes_for(max_bytes: u64) -> u64 {
    (max_bytes / SEGMENTS).clamp(LEAST_BYTES, SEGMENT_BYTES)
}

/// Returns the file of a finished segment.
pub(crate) fn path(folder: &Path, n: u32, form: Form) -> PathBuf {
    folder.join(match form {
        Form::Plain => format!("session.{n:04}.cast"),
        Form::Packed => format!("session.{n:04}.cast.zst"),
    })
}

/// Returns the file that becomes the next live segment.
pub(super) fn next_path(folder: &Path) -> PathBuf {
    folder.join("session.cast.next")
}

/// Returns a file that a packed segment is written to before it counts; another one each time,
/// as two may pack the same segment.
pub(super) fn part_path(folder: &Path, n: u32) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let (pid, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    folder.join(format!("session.{n:04}.{pid}-{count}.part"))
}

/// Reads a file name: the number of a finished segment, and how it is stored.
fn parse(name: &str) -> Option<(u32, Form)> {
    let rest = name.strip_prefix("session.")?;
    let (digits, form) = match rest.strip_suffix(".cast.zst") {
        Some(digits) => (digits, Form::Packed),
        None => (rest.strip_suffix(".cast")?, Form::Plain),
    };
    let n = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
    (n > 0).then_some((n, form))
}

/// Lists the finished segments in a session's folder, each once, oldest first. One that is there
/// in both forms is as packed: the plain one would have gone in the next moment.
pub(crate) fn finished(folder: &Path) -> io::Result<Vec<(u32, Form)>> {
    let mut found: Vec<(u32, Form)> = Vec::new();
    for entry in fs::read_dir(folder)? {
        if let Some(segment) = entry?.file_name().to_str().and_then(parse) {
            found.push(segment);
        }
    }
    found.sort_unstable_by_key(|(n, form)| (*n, *form == Form::Plain));
    found.dedup_by_key(|(n, _)| *n);
    Ok(found)
}

/// Returns what a session takes on the disk, in bytes, and when anything of it was last written.
pub(crate) fn usage(folder: &Path) -> io::Result<(u64, Option<std::time::SystemTime>)> {
    let facts = |entry: io::Result<DirEntry>| entry.and_then(|entry| entry.metadata());
    let (mut bytes, mut last) = (0, None);
    for entry in fs::read_dir(folder)? {
        let facts = match facts(entry) {
            Ok(facts) => facts,
            // It has just been packed, say.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        bytes += facts.len();
        last = last.max(facts.modified().ok());
    }
    Ok((bytes, last))
}

/// Opens a finished segment in whatever form it has just now.
pub(super) fn open(folder: &Path, n: u32) -> io::Result<Part> {
    let (file, form) = file(folder, n)?;
    part(file, n, form)
}

/// Returns how many bytes of the log a finished segment is.
pub(super) fn len(folder: &Path, n: u32) -> io::Result<u64> {
    let (file, form) = file(folder, n)?;
    file_len(file, n, form)
}

fn file(folder: &Path, n: u32) -> io::Result<(File, Form)> {
    // It may be packed between the first look and the second.
    for form in [Form::Packed, Form::Plain, Form::Packed] {
        match open_file(&path(folder, n, form)) {
            Ok(file) => return Ok((file, form)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

/// Reads a file of a segment from the start.
pub(super) fn part(file: File, n: u32, form: Form) -> io::Result<Part> {
    match form {
        Form::Packed => {
            let unpacked = zstd::stream::read::Decoder::with_buffer(buffered(file))?;
            Ok(Box::new(BufReader::with_capacity(READ_BYTES, unpacked)))
        }
        Form::Plain => {
            let mut plain = buffered(file);
            if n > 1 {
                skip_line(&mut plain)?;
            }
            Ok(Box::new(plain))
        }
    }
}

/// Returns how many bytes of the log are in a file of it.
pub(super) fn file_len(file: File, n: u32, form: Form) -> io::Result<u64> {
    match form {
        Form::Packed => {
            let mut head = Vec::new();
            (&file).take(FRAME_HEADER_BYTES as u64).read_to_end(&mut head)?;
            if let Ok(Some(len)) = zstd::zstd_safe::get_frame_content_size(&head) {
                return Ok(len);
            }
            (&file).seek(SeekFrom::Start(0))?;
            io::copy(&mut part(file, n, form)?, &mut io::sink())
        }
        Form::Plain => {
            let all = file.metadata()?.len();
            let head = if n > 1 { skip_line(&mut buffered(file))? } else { 0 };
            Ok(all - head.min(all))
        }
    }
}

/// Reads the place of the live segment from its header; none if that is not whole.
pub(super) fn place(live: &File) -> io::Result<Option<Place>> {
    let mut line = Vec::new();
    BufReader::new(live).read_until(b'\n', &mut line)?;
    let header = serde_json::from_slice::<HeaderLine>(&line).ok();
    let (mut live, ours) = (live, header.and_then(|header| header.nightlatch));
    live.seek(SeekFrom::Start(0))?;
    let first = Place { n: 1, offset: 0, time_us: 0 };
    Ok(ours.map(|ours| ours.segment.unwrap_or(first)))
}

/// Packs one plain segment and removes it. Whatever happens, one whole form of it is there.
///
/// Returns whether it was packed: not if `is_stopped` said so meanwhile.
pub(crate) fn pack(folder: &Path, n: u32, is_stopped: &AtomicBool) -> io::Result<bool> {
    let (plain, packed) = (path(folder, n, Form::Plain), path(folder, n, Form::Packed));
    if packed.exists() {
        // A kill came between the two last steps.
        return remove(&plain).map(|()| true);
    }
    let len = file_len(open_file(&plain)?, n, Form::Plain)?;
    let from = part(open_file(&plain)?, n, Form::Plain)?;
    let part = part_path(folder, n);
    let done = write_packed(from, len, &part, is_stopped);
    if !matches!(done, Ok(true)) {
        drop(fs::remove_file(&part));
        return done;
    }
    fs::rename(&part, &packed)?;
    // The plain one goes only once the name of the other is on the disk too.
    File::open(folder)?.sync_all()?;
    remove(&plain)?;
    Ok(true)
}

/// Removes a file that may be gone already.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Writes `len` bytes packed into a new file, and waits for the disk.
pub(super) fn write_packed(
    mut from: impl Read,
    len: u64,
    to: &Path,
    is_stopped: &AtomicBool,
) -> io::Result<bool> {
    let file = private().write(true).create(true).truncate(true).open(to)?;
    let mut packer = zstd::stream::write::Encoder::new(file, LEVEL)?;
    // So that its length is known without unpacking it, and damage is noticed.
    packer.set_pledged_src_size(Some(len))?;
    packer.include_checksum(true)?;
    packer.set_parameter(CParameter::HashLog(HASH_LOG))?;
    let mut block = vec![0; READ_BYTES];
    loop {
        let count = from.read(&mut block)?;
        if count == 0 {
            break;
        }
        if is_stopped.load(Ordering::Relaxed) {
            return Ok(false);
        }
        packer.write_all(&block[..count])?;
    }
    packer.finish()?.sync_data()?;
    Ok(true)
}

/// Makes the live segment a finished one, so that it can be packed; returns its number.
///
/// For sessions that are over: nobody writes.
pub(super) fn finish_live(folder: &Path) -> io::Result<Option<u32>> {
    let live = folder.join(LOG_NAME);
    let Some(place) = open_file(&live).and_then(|file| place(&file))? else {
        return Ok(None);
    };
    fs::rename(&live, path(folder, place.n, Form::Plain))?;
    Ok(Some(place.n))
}

/// Removes what a kill left half done; for sessions that are over.
pub(super) fn clean(folder: &Path) -> io::Result<()> {
    leftovers(folder)?.iter().try_for_each(|path| remove(path))
}

/// Returns the files that a kill left behind: none of them is part of the log.
pub(super) fn leftovers(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.ends_with(".part")
            || name == "session.cast.next"
            || name == RESERVE_NAME
            || name.starts_with("start-up-")
        {
            found.push(entry.path());
        }
    }
    // Of what is there in both forms, the plain one.
    let packed = finished(folder)?.into_iter().filter(|(_, form)| *form == Form::Packed);
    let plain = packed.map(|(n, _)| path(folder, n, Form::Plain));
    found.extend(plain.filter(|plain| plain.exists()));
    Ok(found)
}

/// Opens a file to be read; anything else that has its name (a pipe, a device) is refused, since
/// opening it could take for ever.
pub(super) fn open_file(path: &Path) -> io::Result<File> {
    if fs::metadata(path)?.is_file() {
        File::open(path)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"))
    }
}

/// How private files are opened.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

fn buffered(file: File) -> BufReader<File> {
    BufReader::with_capacity(READ_BYTES, file)
}

/// Passes over one line; returns how long it is.
fn skip_line(from: &mut impl BufRead) -> io::Result<u64> {
    from.skip_until(b'\n').map(|count| count as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for (n, form) in [(1, Form::Plain), (1, Form::Packed), (123_456, Form::Packed)] {
            let path = path(Path::new("/d"), n, form);
            assert_eq!(path.file_name().unwrap().to_str().and_then(parse), Some((n, form)));
        }
        for name in [
            "session.cast",
            "session.cast.next",
            "session.0001.part",
            "session.0.cast",
            "session..cast",
            "session.+1.cast",
            "session.99999999999.cast",
            "reserve",
        ] {
            assert_eq!(parse(name), None, "{name}");
        }
    }

    #[test]
    fn a_packed_segment_is_as_long_as_it_was_and_has_no_header_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let text = "[0.1, \"o\", \"a line of output\"]\n".repeat(1000);
        for n in [1, 2] {
            fs::write(path(folder.path(), n, Form::Plain), format!("head {n}\n{text}")).unwrap();
        }
        let before = [len(folder.path(), 1).unwrap(), len(folder.path(), 2).unwrap()];
        assert_eq!(before, [7 + text.len() as u64, text.len() as u64]);
        let go_on = AtomicBool::new(false);
        for n in [1, 2] {
            assert!(pack(folder.path(), n, &go_on).unwrap());
            assert_eq!(len(folder.path(), n).unwrap(), before[n as usize - 1]);
        }
        let finished = finished(folder.path()).unwrap();
        assert_eq!(finished, [(1, Form::Packed), (2, Form::Packed)]);
        let mut all = String::new();
        for (n, _) in finished {
            open(folder.path(), n).unwrap().read_to_string(&mut all).unwrap();
        }
        assert_eq!(all, format!("head 1\n{text}{text}"));
    }

    #[test]
    fn packing_that_is_stopped_leaves_the_plain_one() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(path(folder.path(), 1, Form::Plain), "head\nbody\n").unwrap();
        assert!(!pack(folder.path(), 1, &AtomicBool::new(true)).unwrap());
        assert_eq!(finished(folder.path()).unwrap(), [(1, Form::Plain)]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
