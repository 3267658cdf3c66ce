//! History files of lines: what they hold, and what they are with more.
//!
//! What stands in a file stays as it is, byte for byte; new entries are put beside it.
#![forbid(unsafe_code)]

use jiff::Timestamp;

use super::{Entry, Format, Several, join, vis};

/// What psql puts in place of a newline.
const MARK: char = '\u{1}';

/// Why a file is not one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is a database.
    #[error("it is a database, not lines")]
    Database,
    /// It has an escape sequence or the like where a text would stand.
    #[error("most of it is no text")]
    NoText,
}

/// How the lines of a file are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// As they are.
    Plain,
    /// As they are, each entry below a line with its time: `#1763676843`.
    Timed,
    /// With libedit's escapes, below its header.
    Escaped,
}

/// Reads a file, oldest first.
///
/// # Errors
///
/// If it is none of these; then it must not be written to.
pub fn read(bytes: &[u8], format: Format) -> Result<Vec<Entry>, Unreadable> {
    let style = style(bytes)?;
    let mut entries = Vec::new();
    let mut time = None;
    let mut begun: Option<String> = None;
    let skipped = usize::from(style == Style::Escaped);
    for line in bytes.split(|&byte| byte == b'\n').skip(skipped) {
        let decoded;
        let line = if style == Style::Escaped {
            decoded = vis::decode(line);
            &decoded
        } else {
            line
        };
        if style == Style::Timed
            && begun.is_none()
            && let Some(seconds) = stamp(line)
        {
            time = Timestamp::from_second(seconds).ok();
            continue;
        }
        let text = String::from_utf8_lossy(line).replace('\0', "");
        let text = match format {
            Format::Lines(Several::Marked) => text.replace(MARK, "\n"),
            Format::Lines(Several::Returned) => {
                let whole = begun.take().unwrap_or_default() + text.trim_end_matches('\r');
                if text.ends_with('\r') {
                    begun = Some(whole + "\n");
                    continue;
                }
                whole
            }
            Format::Lines(Several::Joined | Several::Apart)
            | Format::NewestFirst
            | Format::Cells => text.trim_end_matches('\r').to_owned(),
        };
        if !text.trim().is_empty() {
            entries.push(Entry { text, time: time.take() });
        }
    }
    entries.extend(begun.map(Entry::new));
    if format == Format::NewestFirst {
        entries.reverse();
    }
    Ok(entries)
}

/// Returns the file with more entries, oldest first. `now` is for files that have times.
///
/// # Errors
///
/// If it is none of these.
pub fn with(
    bytes: &[u8],
    format: Format,
    entries: &[&Entry],
    now: Timestamp,
) -> Result<Vec<u8>, Unreadable> {
    let mut style = style(bytes)?;
    let mut out = bytes.to_vec();
    if bytes.is_empty() && format == Format::Lines(Several::Joined) {
        style = Style::Escaped;
        out.extend_from_slice(vis::HEADER);
        out.push(b'\n');
    }
    let has_returns = bytes.windows(2).any(|pair| pair == b"\r\n");
    if format == Format::NewestFirst {
        let mut lines: Vec<String> =
            entries.iter().flat_map(|entry| split(&entry.text, format, has_returns)).collect();
        lines.reverse();
        let mut new: String = lines.into_iter().map(|line| line + "\n").collect();
        if bytes.is_empty() {
            new.truncate(new.trim_end_matches('\n').len());
        }
        out.splice(0..0, new.into_bytes());
        return Ok(out);
    }
    if out.last().is_some_and(|&last| last != b'\n') {
        out.push(b'\n');
    }
    for entry in entries {
        for text in split(&entry.text, format, has_returns) {
            match style {
                Style::Plain => out.extend(text.into_bytes()),
                Style::Escaped => out.extend(vis::encode(&text)),
                Style::Timed => {
                    let seconds = entry.time.unwrap_or(now).as_second();
                    out.extend(format!("#{seconds}\n{text}").into_bytes());
                }
            }
            out.push(b'\n');
        }
    }
    Ok(out)
}

/// Cuts an entry into what stands on lines of its own.
fn split(text: &str, format: Format, has_returns: bool) -> Vec<String> {
    let text = text.trim_end().replace("\r\n", "\n");
    if !text.contains('\n') {
        return vec![text];
    }
    let joined = match format {
        Format::Lines(Several::Marked) => Some(text.replace('\n', &MARK.to_string())),
        Format::Lines(Several::Returned) => has_returns.then(|| text.replace('\n', "\r\n")),
        Format::Lines(Several::Joined) => join::blanks(&text),
        Format::NewestFirst => join::careful(&text),
        Format::Lines(Several::Apart) | Format::Cells => None,
    };
    joined.map_or_else(
        || text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect(),
        |joined| vec![joined],
    )
}

/// Tells how a file is written.
fn style(bytes: &[u8]) -> Result<Style, Unreadable> {
    if bytes.starts_with(b"SQLite format 3\0") {
        return Err(Unreadable::Database);
    }
    // A machine that goes down leaves zeros where the disk had not got so far.
    let all = bytes.iter().filter(|&&byte| byte != 0).count();
    let odd = bytes
        .iter()
        .filter(|&&byte| byte < 0x20 && !matches!(byte, 0 | b'\n' | b'\r' | b'\t' | 1))
        .count();
    if odd * 10 > all {
        return Err(Unreadable::NoText);
    }
    let mut lines = bytes.split(|&byte| byte == b'\n');
    let (first, second) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    Ok(if first == vis::HEADER {
        Style::Escaped
    } else if stamp(first).is_some() && stamp(second).is_none() && !second.is_empty() {
        Style::Timed
    } else {
        Style::Plain
    })
}

/// Reads `#1763676843`.
fn stamp(line: &[u8]) -> Option<i64> {
    let digits = std::str::from_utf8(line.strip_prefix(b"#")?).ok()?;
    let is_number = (9..=11).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PSQL: Format = Format::Lines(Several::Marked);
    const PYTHON: Format = Format::Lines(Several::Returned);

    fn texts(bytes: &[u8], format: Format) -> Vec<String> {
        read(bytes, format).unwrap().into_iter().map(|entry| entry.text).collect()
    }

    fn more(bytes: &str, format: Format, new: &[&str]) -> String {
        let entries: Vec<Entry> = new.iter().map(|text| Entry::new(*text)).collect();
        let entries: Vec<&Entry> = entries.iter().collect();
        let now = "2026-11-20T22:14:03Z".parse().unwrap();
        let with = with(bytes.as_bytes(), format, &entries, now).unwrap();
        String::from_utf8(with).unwrap()
    }

    #[test]
    fn readline_files_of_psql_keep_several_lines_in_one() {
        let file = "select 1;\nselect 1,\u{1}  'größe';\n\n";
        assert_eq!(texts(file.as_bytes(), PSQL), ["select 1;", "select 1,\n  'größe';"]);
        assert_eq!(more("select 0;", PSQL, &["a\nb;"]), "select 0;\na\u{1}b;\n");
    }

    #[test]
    fn libedit_files_keep_header_and_escapes() {
        let file = "_HiStOrY_V2_\nselect\\0401,\\^A\\040'gr\u{f6}\u{df}e\\134';\n";
        assert_eq!(texts(file.as_bytes(), PSQL), ["select 1,\n 'größe\\';"]);
        assert_eq!(more(file, PSQL, &["a\n b;"]), format!("{file}a\\^A\\040b;\n"));
        let joined = Format::Lines(Several::Joined);
        assert_eq!(more(file, joined, &["a,\n b;"]), format!("{file}a,\\040b;\n"));
        assert_eq!(more(file, joined, &["a--\nb;"]), format!("{file}a--\nb;\n"));
    }

    #[test]
    fn python_keeps_several_lines_the_way_the_file_does() {
        let file = "x = 1\nfor i in y:\r\n    z(i)\r\n    \nexit()\n";
        assert_eq!(
            texts(file.as_bytes(), PYTHON),
            ["x = 1", "for i in y:\n    z(i)\n    ", "exit()"]
        );
        assert_eq!(more(file, PYTHON, &["if a:\n    b"]), format!("{file}if a:\r\n    b\n"));
        assert_eq!(more("x = 1\n", PYTHON, &["if a:\n    b"]), "x = 1\nif a:\n    b\n");
    }

    #[test]
    fn the_newest_first_is_written_first() {
        let file = "exit\nfunction f() { return 1; }\nx = 1";
        let format = Format::NewestFirst;
        assert_eq!(texts(file.as_bytes(), format), ["x = 1", "function f() { return 1; }", "exit"]);
        let new = ["a = 1", "f({\n  b: 2\n})", "c = 1\nd = 2"];
        assert_eq!(more(file, format, &new), format!("d = 2\nc = 1\nf({{ b: 2 }})\na = 1\n{file}"));
        assert_eq!(more("", format, &["a", "b"]), "b\na");
    }

    #[test]
    fn times_are_read_and_written_where_the_file_has_them() {
        let file = "#1763676843\nselect 1;\n#1763676850\nselect 2;\n";
        let entries = read(file.as_bytes(), PSQL).unwrap();
        assert_eq!(entries[1].time.unwrap().as_second(), 1_763_676_850);
        assert_eq!(more(file, PSQL, &["a"]), format!("{file}#1795212843\na\n"));
        // A comment that looks like a time is a comment.
        assert_eq!(texts(b"select 1;\n#1763676843\n", PSQL).len(), 2);
    }

    #[test]
    fn zeros_that_a_crash_left_take_nothing_along() {
        let file = [b"select 1;\n".as_slice(), &[0; 4096], b"\nsel\0ect 2;\nselect 3;\n"].concat();
        assert_eq!(texts(&file, PSQL), ["select 1;", "select 2;", "select 3;"]);
        let entry = Entry::new("select 4;".to_owned());
        let more = with(&file, PSQL, &[&entry], Timestamp::UNIX_EPOCH).unwrap();
        assert!(more.starts_with(&file) && more.ends_with(b"\nselect 4;\n"));
    }

    #[test]
    fn what_is_no_history_is_refused() {
        for (bytes, why) in [
            (b"SQLite format 3\0abc".as_slice(), Unreadable::Database),
            (b"\0\x02\x03\x04abc", Unreadable::NoText),
            (b"\x1b\x02\x03\x04abc", Unreadable::NoText),
        ] {
            assert_eq!(read(bytes, PSQL), Err(why));
            let now = Timestamp::UNIX_EPOCH;
            assert_eq!(with(bytes, PSQL, &[], now), Err(why));
        }
    }

    proptest! {
        #[test]
        fn what_stands_there_stays_and_what_is_new_comes_back(
            old in prop::collection::vec("[a-z;'# é]{0,12}", 0..6),
            new in prop::collection::vec("[a-z]([a-zé;\n ]{0,20}[a-z])?", 0..6),
            has_end in any::<bool>(),
        ) {
            let mut file = old.join("\n");
            if has_end && !file.is_empty() {
                file.push('\n');
            }
            let new: Vec<&str> = new.iter().map(String::as_str).collect();
            let with = more(&file, PSQL, &new);
            prop_assert!(with.starts_with(&file));
            let before = texts(file.as_bytes(), PSQL);
            let after = texts(with.as_bytes(), PSQL);
            prop_assert_eq!(&after[..before.len()], &before[..]);
            prop_assert_eq!(&after[before.len()..], &new[..]);
        }
    }
}
