//! How Python is started: with our guard on its path, and otherwise as it is.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::{args, live};
use crate::clients::hooked::Hooked;
use crate::clients::launcher::{Command, Greets, Hook, Late, ONLY_SHOWN};
use crate::clients::psql::side::PsqlSide;
use crate::clients::url;
use crate::world::World;

/// What is put on Python's path.
const FILES: &[(&str, &str)] = &[
    ("sitecustomize.py", include_str!("assets/sitecustomize.py")),
    (LATE_FILE, include_str!("assets/_nightlatch_late.py")),
    ("_nightlatch.py", include_str!("assets/_nightlatch.py")),
    ("_nightlatch_frames.py", include_str!("assets/_nightlatch_frames.py")),
    ("_nightlatch_guise.py", include_str!("assets/_nightlatch_guise.py")),
    ("_nightlatch_prompt.py", include_str!("assets/_nightlatch_prompt.py")),
    ("_nightlatch_programs.py", include_str!("assets/_nightlatch_programs.py")),
    ("_nightlatch_system.py", include_str!("assets/_nightlatch_system.py")),
    ("_nightlatch_drivers.py", include_str!("assets/_nightlatch_drivers.py")),
    ("_nightlatch_sql.py", include_str!("assets/_nightlatch_sql.py")),
    ("_nightlatch_mysql.py", include_str!("assets/_nightlatch_mysql.py")),
    ("_nightlatch_stores.py", include_str!("assets/_nightlatch_stores.py")),
    ("_nightlatch_web.py", include_str!("assets/_nightlatch_web.py")),
];

/// What loads the guard into an interpreter that runs.
const LATE_FILE: &str = "_nightlatch_late.py";

/// The oldest minor version of Python 3 that runs a file of ours when it is asked to.
const LATE_SINCE: u32 = 14;

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
        .map(|letter| format!("with -{letter} Python loads no guard: {ONLY_SHOWN}"));
    let hook = Hook {
        name: "python",
        files: FILES,
        vars,
        args: |_, own| own.to_vec(),
        greets: Greets::BeforeOutput,
        reader: || Box::<live::Live>::default(),
        side: PsqlSide::of_driver,
        kept: |text| text,
        defeated,
        late: invocation.defeats.and_then(|_| late(command.program)),
        untold: None,
    };
    Hooked::new(words, invocation.is_informational, command.terminals, url::decide, hook)
}

/// Returns how the guard is loaded into an interpreter that runs; none where its file's name does
/// not tell that it is new enough.
fn late(program: &Path) -> Option<Late> {
    let program = std::fs::canonicalize(program).ok()?;
    let minor = program.file_name()?.to_str()?.strip_prefix("python3.")?.parse::<u32>().ok()?;
    let args = |pid: i32, folder: &Path| {
        let code = "import sys; sys.remote_exec(int(sys.argv[1]), sys.argv[2])";
        let words: [OsString; 5] = [
            "-I".into(),
            "-c".into(),
            code.into(),
            pid.to_string().into(),
            folder.join(LATE_FILE).into(),
        ];
        words.to_vec()
    };
    (minor >= LATE_SINCE).then_some(Late { program, args })
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
