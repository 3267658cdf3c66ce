//! How mongosh is started: with our guard as the first thing it evaluates, and otherwise as it is.

use std::ffi::OsString;
use std::path::Path;

use super::args::parse;
use super::{text, uri};
use crate::clients::hooked::Hooked;
use crate::clients::launcher::{Command, Greets, Hook};

/// The guard's file.
const NAME: &str = "nightlatch.js";

/// Reads a mongosh command line.
#[must_use]
pub fn launch(command: Command<'_>) -> Hooked {
    let words = command.words();
    let hook = Hook {
        name: "mongosh",
        files: &[(NAME, include_str!("assets/nightlatch.js"))],
        vars: |_, _| Vec::new(),
        args,
        greets: Greets::BeforePrompt("> "),
        reader: || Box::<text::Reader>::default(),
        side: |_| None,
        kept: text::kept,
        defeated: None,
        late: None,
    };
    let is_bare = parse(&words).is_bare;
    Hooked::new(words, is_bare, command.terminals, uri::decide, hook)
}

/// Reads a command line of the legacy shell, which takes no guard in.
#[must_use]
pub fn legacy(command: Command<'_>) -> Hooked {
    let words = command.words();
    let hook = Hook {
        reader: || Box::<text::Reader>::default(),
        side: |_| None,
        kept: text::kept,
        defeated: Some("the legacy mongo shell takes no guard in: drafted only".to_owned()),
        ..Hook::of_programs()
    };
    let is_bare = parse(&words).is_bare;
    Hooked::new(words, is_bare, command.terminals, uri::decide, hook)
}

/// Puts the guard before all that the person has mongosh evaluate, start-up files included. Where
/// they have it evaluate nothing, the prompt must come all the same.
fn args(folder: &Path, own: &[OsString]) -> Vec<OsString> {
    let words: Vec<String> = own.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let invocation = parse(&words);
    let is_added = invocation.has_prompt() && !invocation.shell;
    let count = if is_added { 3 } else { 2 };
    let file = serde_json::Value::from(folder.join(NAME).to_string_lossy().into_owned());
    let load = format!("require({file}).start(globalThis, {count})");
    let mut all = vec![OsString::from("--eval"), OsString::from(load)];
    if is_added {
        all.push("--shell".into());
    }
    all.extend_from_slice(own);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guard_comes_first() {
        for (own, expected) in [
            ("", r#"--eval require("/a \"b/nightlatch.js").start(globalThis, 3) --shell"#),
            ("--shell", r#"--eval require("/a \"b/nightlatch.js").start(globalThis, 2) --shell"#),
            ("x.js", r#"--eval require("/a \"b/nightlatch.js").start(globalThis, 2) x.js"#),
        ] {
            let own: Vec<OsString> = own.split_whitespace().map(OsString::from).collect();
            let all = args(Path::new("/a \"b"), &own);
            let all: Vec<_> = all.iter().map(|word| word.to_string_lossy()).collect();
            assert_eq!(all.join(" "), expected);
        }
    }
}
