//! How another program is started: with whose rights, apart from the terminal, or bound to our
//! own life.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use super::job::own_pid;
use super::process::end_with_parent;

/// Puts the program into a session of its own: it has no terminal to ask on, and no key of ours
/// reaches it.
pub fn apart(command: &mut Command) {
    // SAFETY: the closure makes one async-signal-safe system call.
    unsafe {
        command.pre_exec(|| {
            // It fails only for a leader of a process group, which a fresh child is not.
            nix::unistd::setsid()?;
            Ok(())
        });
    }
}

/// Makes the kernel end the program when the thread that starts it ends, where the kernel can.
pub fn bound_to_us(command: &mut Command) {
    let parent = own_pid();
    // SAFETY: the closure only makes async-signal-safe system calls.
    unsafe {
        command.pre_exec(move || end_with_parent(parent));
    }
}

/// Returns the running program itself, even if its file has been replaced by an upgrade.
///
/// # Errors
/// When the system does not tell.
pub fn own_program() -> std::io::Result<PathBuf> {
    if cfg!(target_os = "linux") {
        return Ok(PathBuf::from("/proc/self/exe"));
    }
    std::env::current_exe()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn apart_is_a_session_of_its_own() {
        let mut command = Command::new("/bin/sh");
        // The sixth field of the line is the session.
        command.args(["-c", "read -r pid _ _ _ _ session _ < /proc/$$/stat; test $pid = $session"]);
        assert!(!command.status().expect("sh starts").success());
        apart(&mut command);
        assert!(command.status().expect("sh starts").success());
    }
}
