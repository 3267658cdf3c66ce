//! Whether the process that records a session is still there.

use std::fs;
use std::path::Path;

/// Returns when a process started, in the system's own unit; none if there is none such, or no
/// `/proc` to ask.
#[must_use]
pub fn started(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in parentheses and may hold anything, even a parenthesis; the start is the
    // 20th word after it (proc_pid_stat(5), field 22).
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(19)?.parse().ok()
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
}
