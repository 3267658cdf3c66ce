//! The start-up file we give psql: the person's own, and our marks around their prompts.

use std::path::{Path, PathBuf};

use super::mark::{Nonce, Width, wrapper};
use super::meta::{self, EDITOR, Item};
use crate::clients::{OWN_EDITOR, TELL_EDITED};

/// psql's prompts before any start-up file: PROMPT1 to PROMPT3.
pub const DEFAULT_PROMPTS: [&str; 3] = ["%/%R%x%# ", "%/%R%x%# ", ">> "];

/// The person's own start-up file, and what tells psql of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OwnRc {
    /// `PSQLRC` as it was set.
    pub variable: Option<String>,
    /// The file psql would read, if there is one.
    pub path: Option<PathBuf>,
}

impl OwnRc {
    /// Finds the file as psql does: `PSQLRC` or `~/.psqlrc`, for this minor version, for this
    /// major version, or for any. `version` is asked only if files for versions exist.
    pub fn find(
        variable: Option<&str>,
        home: Option<&Path>,
        version: impl FnOnce() -> Option<String>,
    ) -> Self {
        let plain = match (variable, home) {
            (Some(name), Some(home)) if name.starts_with("~/") => Some(home.join(&name[2..])),
            (Some(name), _) => Some(PathBuf::from(name)),
            (None, Some(home)) => Some(home.join(".psqlrc")),
            (None, None) => None,
        };
        let path = plain.and_then(|plain| {
            if has_versions(&plain)
                && let Some(version) = version()
            {
                let major = version.split(['.', ' ']).next().unwrap_or_default().to_owned();
                for suffix in [version, major] {
                    let mut name = plain.clone().into_os_string();
                    name.push("-");
                    name.push(suffix);
                    if Path::new(&name).is_file() {
                        return Some(PathBuf::from(name));
                    }
                }
            }
            plain.exists().then_some(plain)
        });
        Self { variable: variable.map(str::to_owned), path }
    }
}

/// Returns whether files such as `.psqlrc-15` stand beside the plain one.
fn has_versions(plain: &Path) -> bool {
    let (Some(folder), Some(name)) = (plain.parent(), plain.file_name()) else { return false };
    let mut prefix = name.to_owned();
    prefix.push("-");
    let Ok(entries) = folder.read_dir() else { return false };
    entries
        .flatten()
        .any(|entry| entry.file_name().as_encoded_bytes().starts_with(prefix.as_encoded_bytes()))
}

/// Begins the start-up file of an interactive session: the person's own.
///
/// An error in it would end ours and leave the prompts without marks, so `ON_ERROR_STOP` is off
/// while it is read; where the person's file turns it on it stays on.
#[must_use]
pub fn own(own: &OwnRc, stops_on_error: Option<&str>) -> String {
    let mut text = match &own.variable {
        Some(value) => format!("\\setenv PSQLRC {}\n", quoted(value)),
        None => "\\setenv PSQLRC\n".to_owned(),
    };
    if let Some(path) = &own.path {
        let include = format!("\\i {}\n", quoted(&path.to_string_lossy()));
        match stops_on_error {
            None => text.push_str(&include),
            Some(value) => {
                text.push_str("\\set ON_ERROR_STOP off\n");
                text.push_str(&include);
                let value = quoted(value);
                text.push_str(&format!(
                    "\\if :ON_ERROR_STOP\n\\else\n\\set ON_ERROR_STOP {value}\n\\endif\n"
                ));
            }
        }
    }
    text
}

/// Tells whether a start-up file may set the editor that psql starts first. Asking what it is now
/// takes a shell, which is not started for nothing.
#[must_use]
pub fn may_set_editor(text: &str) -> bool {
    text.contains(EDITOR) || text.contains("\\i")
}

/// Puts our teller in place of the editor that the person's file has set.
#[must_use]
pub fn editor(teller: &str) -> String {
    format!(
        "\\setenv {OWN_EDITOR} `case \"${EDITOR}\" in *{TELL_EDITED}) editor=${OWN_EDITOR} ;; \
         *) editor=${EDITOR} ;; esac; printf %s \"$editor\"`\n\\setenv {EDITOR} {}\n",
        quoted(teller)
    )
}

/// Writes the marks around the prompts that are set by then.
#[must_use]
pub fn marks(nonce: &Nonce, width: Width) -> String {
    let mut text = String::new();
    for number in 1..=3_u8 {
        let width = if number == 3 { Width::Plain } else { width };
        let (before, after) = wrapper(nonce, number, width);
        text.push_str(&format!("\\set PROMPT{number} '{before}' :PROMPT{number} '{after}'\n"));
    }
    text
}

/// The arguments that set marked prompts where no start-up file is read (`-X`).
#[must_use]
pub fn prompt_args(nonce: &Nonce, width: Width, given: &[(String, Option<String>)]) -> Vec<String> {
    let mut args = Vec::with_capacity(6);
    for (number, default) in (1..=3_u8).zip(DEFAULT_PROMPTS) {
        let name = format!("PROMPT{number}");
        let own = given.iter().rev().find(|(variable, _)| *variable == name);
        let own = own.map_or(default, |(_, value)| value.as_deref().unwrap_or(""));
        let width = if number == 3 { Width::Plain } else { width };
        let (before, after) = wrapper(nonce, number, width);
        args.push("-v".to_owned());
        args.push(format!("{name}={before}{own}{after}"));
    }
    args
}

/// Returns the line editor's file that a start-up file sets, if it sets one.
pub fn inputrc(text: &str) -> Option<String> {
    let items = meta::scan(text);
    let last = items.iter().rev().find_map(|item| match item {
        Item::Meta(meta) if meta.name == "setenv" && meta.args.first()? == "INPUTRC" => Some(meta),
        Item::Meta(_) | Item::Statement { .. } | Item::Data(_) | Item::Incomplete(_) => None,
    });
    last?.args.get(1).cloned()
}

/// Returns whether a start-up file does nothing that a run at full speed would miss: only settings
/// of psql's own, and statements that `is_harmless` knows.
pub fn is_harmless(text: &str, is_harmless: impl Fn(&str) -> bool) -> bool {
    meta::scan(text).iter().all(|item| match item {
        Item::Statement { text, .. } => is_harmless(text.trim()),
        Item::Meta(meta) => {
            // Where no person types no prompt is printed, and what it runs is not run.
            let set = meta.args.first().filter(|_| meta.name == "set");
            let is_prompt = set.is_some_and(|name| name.starts_with("PROMPT"));
            // A script is read otherwise then.
            let is_single_line = set.is_some_and(|name| name == "SINGLELINE" || name.contains(':'));
            (is_prompt || meta::consequences(meta).is_empty() && !is_single_line)
                && meta.sends.is_none()
                && meta.shell.is_empty()
        }
        Item::Data(_) => false,
        Item::Incomplete(range) => text[range.clone()].trim().is_empty(),
    })
}

/// Quotes for psql's meta commands: `'` is doubled, a backslash quoted.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nonce() -> Nonce {
        Nonce::new("n0nce").expect("plain")
    }

    #[test]
    fn the_persons_file_stands_before_the_marks() {
        let own =
            OwnRc { variable: Some("~/it's".into()), path: Some(PathBuf::from("/home/a/it's")) };
        let text = super::own(&own, None) + &marks(&nonce(), Width::Invisible);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], r"\setenv PSQLRC '~/it''s'");
        assert_eq!(lines[1], r"\i '/home/a/it''s'");
        assert!(lines[2].starts_with(r"\set PROMPT1 '%[%033]6973;n0nce;P;1"), "{}", lines[2]);
        assert!(!lines[4].contains("%["), "psql prints it raw: {}", lines[4]);
        assert_eq!(lines.len(), 5);
    }

    #[test]
    fn versions_choose_as_psql_does() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let find = || OwnRc::find(None, Some(home.path()), || Some("15.18 (Debian 1)".into()));
        let name = |rc: OwnRc| rc.path.map(|path| path.file_name().expect("named").to_owned());
        assert_eq!(find().path, None);
        for file in [".psqlrc", ".psqlrc-15", ".psqlrc-15.18 (Debian 1)"] {
            std::fs::write(home.path().join(file), "").expect("write");
            assert_eq!(name(find()).expect("found"), file);
        }
        assert_eq!(
            OwnRc::find(Some("~/.psqlrc-15"), Some(home.path()), || None).path,
            Some(home.path().join(".psqlrc-15"))
        );
    }

    #[test]
    fn settings_are_harmless_and_shells_are_not() {
        let only_reads = |text: &str| text.starts_with("select");
        assert!(is_harmless("\\set QUIET 1\n\\pset null '-'\n\\timing\nselect 1;\n", only_reads));
        assert!(is_harmless("\\set PROMPT1 '%`hostname`> '\n", only_reads), "none is printed");
        assert!(!is_harmless("\\! rm x\n", only_reads));
        assert!(!is_harmless("\\c prod\n", only_reads));
        assert!(!is_harmless("\\set x `date`\n", only_reads));
        assert!(!is_harmless("\\set SINGLELINE on\n", only_reads));
        assert!(!is_harmless("\\set x SINGLELINE\n\\set :x on\n", only_reads));
        assert!(!is_harmless("delete from x;\n", only_reads));
        assert!(!is_harmless("delete from x", only_reads));
    }
}
