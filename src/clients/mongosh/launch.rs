//! How mongosh is started: with our guard as the first thing it evaluates, and otherwise as it is.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::args::parse;
use super::{script, text, uri};
use crate::clients::behind;
use crate::clients::hooked::Hooked;
use crate::clients::launcher::{Command, Greets, Hook};
use crate::target::{Decided, Known};
use crate::world::World;

/// The guard's file.
const NAME: &str = "nightlatch.js";

/// Reads a mongosh command line.
#[must_use]
pub fn launch(command: Command<'_>) -> Hooked {
    if let Some(words) = behind::words(&command, is_mongosh) {
        let hook = Hook {
            reader: || Box::<text::Reader>::default(),
            kept: text::kept,
            ..Hook::beyond_reach(&format!("mongosh is started by {}", words[0]))
        };
        return Hooked::new(words, false, command.terminals, decide_behind, hook);
    }
    let words = command.words();
    let invocation = parse(&words);
    let hook = Hook {
        name: "mongosh",
        files: &[(NAME, include_str!("assets/nightlatch.js"))],
        vars: if is_script_of_node(command.program) { preloaded } else { |_, _| Vec::new() },
        args,
        greets: Greets::BeforePrompt("> "),
        reader: || Box::<text::Reader>::default(),
        side: |_| None,
        kept: text::kept,
        defeated: None,
        late: None,
        untold: None,
    };
    Hooked::new(words, invocation.is_bare, command.terminals, uri::decide, hook)
}

/// Tells mongosh's names: `mongosh`, `mongosh-2.3`.
fn is_mongosh(name: &str) -> bool {
    name.starts_with("mongosh")
}

fn decide_behind(
    words: &[String],
    world: &World,
    targets: &Known<'_>,
) -> Result<Vec<Decided>, String> {
    behind::decide((uri::decide, is_mongosh), words, world, targets)
}

/// Reads a command line of the legacy shell, which takes no guard in: what it is to run is judged
/// before it starts.
#[must_use]
pub fn legacy(command: Command<'_>) -> Hooked {
    let words = command.words();
    let invocation = parse(&words);
    let hook = Hook {
        reader: || Box::<text::Reader>::default(),
        side: |_| None,
        kept: text::kept,
        defeated: Some("the legacy mongo shell takes no guard in: drafted only".to_owned()),
        untold: script::read(&invocation, &command.world.cwd),
        ..Hook::of_programs()
    };
    Hooked::new(words, invocation.is_bare, command.terminals, uri::decide, hook)
}

/// Tells whether Node runs a program from its text, as npm installs it.
fn is_script_of_node(program: &Path) -> bool {
    let mut start = [0; 64];
    let count = File::open(program).and_then(|mut file| file.read(&mut start)).unwrap_or(0);
    let line = start[..count].split(|&byte| byte == b'\n').next().unwrap_or_default();
    line.starts_with(b"#!") && line.ends_with(b"node")
}

/// Has Node load the guard by itself, before mongosh: that is faster. The guard takes it out again
/// of what mongosh's own children see.
fn preloaded(folder: &Path, world: &World) -> Vec<(OsString, OsString)> {
    let Some(file) = folder.join(NAME).to_str().map(serde_json::Value::from) else {
        return Vec::new();
    };
    let mut options = world.var_os("NODE_OPTIONS").unwrap_or_default().to_owned();
    options.push(format!(" --require {file}"));
    vec![("NODE_OPTIONS".into(), options)]
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
