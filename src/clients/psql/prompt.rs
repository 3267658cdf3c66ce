//! A person at psql's prompt: what a submitted line does that single-step does not tell.

use std::path::PathBuf;

use super::meta::{Variables, Ways};
use super::unseen::{Guard, Place, unseen};
use crate::clients::{Interactive, Submitted, Unseen};
use crate::session::keys::Keys;

/// What psql has readline insert, unless an inputrc says otherwise.
const COMMENT: &str = "-- ";

/// psql's prompt.
#[derive(Debug)]
pub struct PsqlPrompt {
    input: Ways,
    /// The same before the line that was read last.
    before: Ways,
    /// What tells of statements so far.
    guard: Guard,
    home: Option<PathBuf>,
    keys: Keys,
    /// What a key may insert that makes a comment of a line.
    comments: Vec<String>,
}

impl PsqlPrompt {
    /// Makes the reader of a session's lines.
    #[must_use]
    pub fn new(
        home: Option<PathBuf>,
        (keys, comments): (Keys, Vec<String>),
        variables: Variables,
    ) -> Self {
        let input = Ways::at_prompt(variables);
        let comments = std::iter::once(COMMENT.to_owned()).chain(comments).collect();
        let guard = Guard { has_editor: true, ..Guard::default() };
        Self { before: input.clone(), input, guard, home, keys, comments }
    }

    /// Returns what psql may be given instead of the line on the screen.
    fn others(&self, submitted: &Submitted<'_>) -> Vec<String> {
        let mut others = Vec::new();
        if submitted.is_commented {
            others = self.commented(submitted.line);
        }
        // A line editor may draw it so that it reads otherwise.
        let is_other = |typed: &String| typed.trim_end() != submitted.line.trim_end();
        others.extend(submitted.typed.clone().filter(is_other));
        // So a terminal shows line ends that were typed as text.
        let line = submitted.line.replace("^M", "\r").replace("^J", "\n");
        if line != submitted.line {
            others.push(line);
        }
        others
    }

    /// Makes all that a key may make of a line that inserts a comment. With an argument it takes
    /// away one that is there, and where it has one only the line editor knows.
    fn commented(&self, line: &str) -> Vec<String> {
        let uncommented =
            self.comments.iter().filter_map(|start| line.strip_prefix(start.as_str()));
        let commented = self.comments.iter().map(|start| format!("{start}{line}"));
        uncommented.map(str::to_owned).chain(commented).collect()
    }
}

/// Tells whether a line is a command for psql itself that is worth finding again.
fn is_command(line: &str) -> bool {
    let word = line.split_whitespace().next().unwrap_or_default();
    word.starts_with('\\') && !matches!(word, "\\q" | "\\quit")
}

impl Interactive for PsqlPrompt {
    fn keys(&self) -> Keys {
        self.keys.clone()
    }

    fn unseen(&mut self, submitted: &Submitted<'_>) -> Unseen {
        self.before.clone_from(&self.input);
        if submitted.is_fresh && !self.input.is_fresh() {
            self.input.begin();
        }
        let place = Place {
            cwd: &submitted.cwd,
            folder: &submitted.cwd,
            home: self.home.as_deref(),
            address: submitted.address,
        };
        let mut guard = Guard { asks: submitted.is_guarded, ..self.guard };
        let others = self.others(submitted);
        let before = (!others.is_empty()).then(|| self.input.clone());
        let mut read =
            |input: &mut Ways, line: &str| unseen(input, &format!("{line}\n"), place, &mut guard);
        let mut found = read(&mut self.input, submitted.line);
        if let Some(before) = before {
            for line in others {
                let mut input = before.clone();
                found.add(read(&mut input, &line));
                self.input.add(input);
            }
        }
        self.guard = guard;
        found.is_command = submitted.is_fresh && is_command(submitted.line);
        found
    }

    fn edited(&mut self, left: &Submitted<'_>, is_changed: bool) -> Unseen {
        if !is_changed && self.input.is_fresh() {
            return Unseen::default();
        }
        self.input.interrupt();
        self.unseen(left)
    }

    fn withdrawn(&mut self) {
        self.input.clone_from(&self.before);
        self.input.interrupt();
    }

    fn interrupted(&mut self) {
        self.input.interrupt();
    }
}
