//! The hidden command that a client starts in place of an editor: it runs the person's own, and tells
//! what that leaves before the client reads it.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitStatus};

use super::hook::SOCKET;
use crate::clients::{OWN_EDITOR, TELL_EDITED};
use crate::os::signal::{Caught, shrug_off};
use crate::world::World;

/// What psql starts where no variable names an editor: as Debian builds it, and as everybody else.
const DEFAULTS: [&str; 2] = ["sensible-editor", "vi"];

/// Status of an edit that does not count.
const FAILED: u8 = 1;

/// Returns the command line that a client's shell is to run in place of an editor.
#[must_use]
pub(super) fn teller() -> String {
    // Without a name of our own nothing can be started, and an edit fails.
    let own = std::env::current_exe().unwrap_or_default();
    format!("'{}' {TELL_EDITED}", own.to_string_lossy().replace('\'', "'\\''"))
}

/// Runs the editor with the arguments that were meant for it, the file last; returns its status, or
/// another than 0 where what it left is not to run.
pub(super) fn run(args: &[OsString], world: &World) -> u8 {
    let Some(path) = args.last().map(Path::new) else { return FAILED };
    let before = path.metadata().ok();
    let status = match edit(args, world) {
        Ok(status) if status.success() => path.metadata(),
        Ok(status) => return code(status),
        Err(error) => Err(error),
    };
    let told = status.and_then(|after| {
        let text = String::from_utf8_lossy(&fs::read(path)?).into_owned();
        tell(&text, is_changed(before.as_ref(), &after), world)
    });
    match told {
        Ok(true) => 0,
        Ok(false) => FAILED,
        Err(error) => {
            let text = format!("nightlatch: what the editor left is not taken: {error}");
            // Where standard error is closed there is nobody to tell.
            drop(writeln!(io::stderr(), "{text}"));
            FAILED
        }
    }
}

/// Runs the editor that the client would have run, as it would have.
fn edit(args: &[OsString], world: &World) -> io::Result<ExitStatus> {
    // As `system` does: what the person presses is for the editor.
    shrug_off(&[Caught::Interrupt.number(), Caught::Quit.number()])?;
    let editor = [OWN_EDITOR, "EDITOR", "VISUAL"].iter().find_map(|name| world.var(name));
    let editor = editor.unwrap_or_else(|| default(world));
    let mut command = Command::new("/bin/sh");
    command.arg0("sh").arg("-c").arg(format!("exec {editor} \"$@\"")).arg("sh").args(args);
    command.env_remove(OWN_EDITOR).env_remove("PSQL_EDITOR");
    if let Some(own) = world.var_os(OWN_EDITOR) {
        command.env("PSQL_EDITOR", own);
    }
    command.status()
}

/// Finds the editor of those who have named none.
fn default(world: &World) -> &'static str {
    let path = world.var_os("PATH").unwrap_or_default();
    let is_there =
        |name: &&&str| std::env::split_paths(path).any(|folder| folder.join(name).is_file());
    DEFAULTS.iter().find(is_there).unwrap_or(&"vi")
}

/// Tells whether the client takes the file for changed: it looks at size and second.
fn is_changed(before: Option<&Metadata>, after: &Metadata) -> bool {
    before.is_none_or(|before| (before.size(), before.mtime()) != (after.size(), after.mtime()))
}

/// Tells what was left, and returns whether it may run. A session that is over has taken its socket
/// with it: then nobody guards this client.
fn tell(text: &str, changed: bool, world: &World) -> io::Result<bool> {
    let Some(socket) = world.var_os(SOCKET) else { return Ok(true) };
    let mut stream = match UnixStream::connect(socket) {
        Ok(stream) => stream,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    let message = serde_json::json!({ "t": "edited", "text": text, "changed": changed });
    writeln!(stream, "{message}")?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    Ok(answer == "go\n")
}

/// Returns a failed status as a shell's exit status.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(FAILED)
}
