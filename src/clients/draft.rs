//! What is being typed where no hook tells it, as the screen shows it.

use crate::screen::JOINT;

/// Finds the statement that is being typed at the screen's end; none where no prompt is there.
/// `begins` and `goes_on` return what stands behind a prompt that a statement begins or goes on at.
#[must_use]
pub(super) fn typed(
    screen: &str,
    begins: fn(&str) -> Option<&str>,
    goes_on: fn(&str) -> Option<&str>,
) -> Option<String> {
    let mut typed: Option<String> = None;
    let screen = screen.replace(JOINT, "");
    for line in screen.lines().filter(|line| !line.trim().is_empty()) {
        typed = match (begins(line), typed) {
            (Some(text), _) => Some(text.to_owned()),
            // Anything else is what the last statement printed.
            (None, Some(typed)) => goes_on(line).map(|text| format!("{typed}\n{text}")),
            (None, None) => None,
        };
    }
    typed.filter(|text| !text.trim().is_empty())
}

/// Returns what stands behind one of the prompts.
#[must_use]
pub(super) fn behind<'a>(line: &'a str, prompts: &[&str]) -> Option<&'a str> {
    prompts.iter().find_map(|prompt| line.strip_prefix(prompt)).map(unspaced)
}

/// Takes off the prompt's own space. The screen does not tell one at the end of a line, so that it is
/// not before what was pasted there.
#[must_use]
pub(super) fn unspaced(text: &str) -> &str {
    text.strip_prefix(' ').unwrap_or(text)
}

#[cfg(test)]
pub(super) mod tests {
    /// Checks what is found on each screen.
    #[track_caller]
    pub(in crate::clients) fn check(
        typed: fn(&str) -> Option<String>,
        screens: &[(&str, Option<&str>)],
    ) {
        for (screen, expected) in screens {
            assert_eq!(typed(screen).as_deref(), *expected, "{screen}");
        }
    }
}
