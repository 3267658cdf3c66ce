//! What a command line has the shell run, read before it starts, for a shell that takes no guard in.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use super::args::{Invocation, Script};
use crate::lang::{Reading, mongo};

/// Most bytes of a file that are read: what is longer is not understood anyway.
const MOST_BYTES: u64 = 16 << 20;

/// Reads all of it, with files below a folder; none where nothing is to run.
#[must_use]
pub(super) fn read(invocation: &Invocation, folder: &Path) -> Option<(String, Reading)> {
    let mut unread = None;
    let mut texts = Vec::new();
    for script in &invocation.scripts {
        match script {
            Script::Text(text) => texts.push(text.clone()),
            Script::File(name) => match contents(&folder.join(name)) {
                Some(text) => texts.push(text),
                None => unread = Some(name),
            },
        }
    }
    let text = texts.join(";\n");
    match unread {
        Some(name) => {
            let effects = mongo::javascript(&text).effects().to_vec();
            let reason = format!("{name} cannot be read beforehand");
            let reading = Reading::Unclear { reason, effects, destructive_word: true };
            Some((format!("load({name:?});\n{text}"), reading))
        }
        None if texts.is_empty() => None,
        None => {
            let reading = mongo::javascript(&text);
            Some((text, reading))
        }
    }
}

/// Returns a file's text, nothing of one that is not there; none where reading it would take from a
/// pipe what the shell is to read, or would not end.
fn contents(path: &Path) -> Option<String> {
    let Ok(facts) = fs::metadata(path) else { return Some(String::new()) };
    if !facts.is_file() || facts.len() > MOST_BYTES {
        return None;
    }
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(MOST_BYTES).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::super::args::parse;
    use super::*;

    #[test]
    fn everything_that_would_run_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("wipe.js"), "db.b.drop()").expect("written");
        for (line, expected) in [
            ("orders", None),
            ("missing.js", Some("")),
            ("--eval db.a.drop()", Some("db.a.drop()")),
            ("orders wipe.js --eval var/**/x=1", Some("var/**/x=1;\ndb.b.drop()")),
            ("/dev/stdin.js /dev/stdin wipe.js", Some("load(\"/dev/stdin\");\n;\ndb.b.drop()")),
        ] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let found = read(&parse(&words), folder.path());
            assert_eq!(found.as_ref().map(|(text, _)| text.as_str()), expected, "{line}");
            let is_unclear = matches!(found, Some((_, Reading::Unclear { .. })));
            assert_eq!(is_unclear, line.contains("stdin"), "{line}");
            let drops = found.map_or(0, |(_, reading)| reading.effects().len());
            assert_eq!(
                drops,
                usize::from(line.contains("wipe") || line.contains("drop")),
                "{line}"
            );
        }
    }
}
