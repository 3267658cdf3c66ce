//! How Python is started: with our guard on its path, and otherwise as it is.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::{args, live};
use crate::clients::hooked::Hooked;
use crate::clients::launcher::{Command, Greets, Hook};
use crate::clients::url;
use crate::world::World;

/// What is put on Python's path.
const FILES: &[(&str, &str)] = &[
    ("sitecustomize.py", include_str!("assets/sitecustomize.py")),
    ("_nightlatch.py", include_str!("assets/_nightlatch.py")),
    ("_nightlatch_drivers.py", include_str!("assets/_nightlatch_drivers.py")),
];

/// Reads a Python command line.
#[must_use]
pub fn launch(command: Command<'_>) -> Hooked {
    let name = command.program.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let words = command.words();
    let invocation = if name.starts_with("python") {
        args::parse(&words)
    } else {
        // A shell or a script with options of its own.
        let asks = |word: &&str| ["--version", "--help", "-h", "-V"].contains(word);
        let is_informational = words.first().map(String::as_str).as_ref().is_some_and(asks);
        args::Invocation { is_informational, defeats: None }
    };
    let defeated = invocation
        .defeats
        .map(|letter| format!("with -{letter} Python loads no guard: nothing is held"));
    let hook = Hook {
        name: "python",
        files: FILES,
        vars,
        args: |_, own| own.to_vec(),
        greets: Greets::BeforeOutput,
        reader: || Box::new(live::Live),
        kept: |text| text,
        defeated,
    };
    Hooked::new(words, invocation.is_informational, command.terminals, url::decide, hook)
}

/// Puts the guard's folder in front of the person's own path. An empty entry would mean the
/// working directory, so there is none.
fn vars(folder: &Path, world: &World) -> Vec<(OsString, OsString)> {
    let mut path = folder.as_os_str().to_owned();
    if let Some(own) = world.var_os("PYTHONPATH") {
        path.push(":");
        path.push(own);
    }
    vec![("PYTHONPATH".into(), path)]
}
