//! Whether the process that records a session is still there.

use std::fs;
use std::path::Path;

/// Returns when a process started, in the system's own unit; none if there is none such, it has ended
/// and nobody has asked how (as in containers whose first process never does), or there is no `/proc`
/// to ask.
#[must_use]
pub fn started(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in parentheses and may hold anything, even a parenthesis; behind it stand the state,
    // and 18 words later the start (proc_pid_stat(5), fields 3 and 22).
    let mut words = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = words.next()?;
    words.nth(18).filter(|_| !matches!(state, "Z" | "X"))?.parse().ok()
}

/// Says whether a process is still the one it was. Without `/proc` nobody knows, so it is.
#[must_use]
pub fn is_alive(pid: u32, its_start: Option<u64>) -> bool {
    if !Path::new("/proc/self/stat").exists() {
        return true;
    }
    started(pid).is_some_and(|now| its_start.is_none_or(|then| then == now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_a_later_one_with_its_id_is_not() {
        let pid = std::process::id();
        assert!(is_alive(pid, started(pid)));
        assert!(is_alive(pid, None));
        if Path::new("/proc/self/stat").exists() {
            assert!(!is_alive(pid, started(pid).map(|start| start + 1)));
            assert!(!is_alive(u32::MAX, None));
        }
    }

    #[test]
    fn one_that_has_ended_and_was_not_waited_for_is_not_alive() {
        if !Path::new("/proc/self/stat").exists() {
            return;
        }
        let mut child =
            std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        assert!(is_alive(child.id(), None));
        child.kill().unwrap();
        let clock = crate::clock::Clock::system();
        while is_alive(child.id(), None) {
            assert!(clock.elapsed() < std::time::Duration::from_secs(60), "it counts for ever");
            std::thread::yield_now();
        }
        child.wait().unwrap();
    }
}
