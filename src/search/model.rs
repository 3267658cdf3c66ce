//! The state of the search and what each key does to it. No terminal, no index: values only.

use super::finder::Found;
use super::keys::Key;
use super::line::Line;
use crate::store::{Filter, Statement, Terms};
use crate::ui::visible;

/// Lines that Shift-Up and Shift-Down move the preview by.
const PREVIEW_STEP: usize = 3;

/// What is searched, beside the filters of the command line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Scope {
    /// Everything.
    #[default]
    All,
    /// One target, by its name.
    Target(String),
    /// One session, by its id.
    Session(String),
    /// What was held.
    Held,
    /// What failed.
    Failed,
}

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Draw again.
    None,
    /// Search for what [`Model::filter`] says now.
    Search,
    /// Print the selected statement and end; to be edited first, if told so.
    Print(Ending),
    /// Copy it.
    Copy,
    /// End without a statement.
    Cancel,
    /// Stop until the shell brings us back.
    Suspend,
    /// Draw everything anew.
    Redraw,
}

/// What becomes of the statement that is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It is meant as it is.
    Accepted,
    /// It is to be edited.
    Edited,
}

/// How far the search is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Progress {
    /// What is shown is of an earlier search.
    Stale,
    /// The first statements are there.
    Running,
    Done(Found),
    /// The index failed: why.
    Failed(String),
}

/// What a selected statement printed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Preview {
    /// Being read.
    #[default]
    Pending,
    /// Its lines.
    Lines(Vec<String>),
    /// Why there is none.
    Unreadable(String),
}

/// All that is shown.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) line: Line,
    pub(super) scope: Scope,
    pub(super) is_in_output: bool,
    pub(super) progress: Progress,
    /// Newest first.
    pub(super) found: Vec<Statement>,
    pub(super) selected: usize,
    /// The first one that is shown, at the bottom.
    pub(super) first: usize,
    pub(super) preview: Preview,
    /// Lines of the preview that are above what is shown.
    pub(super) preview_top: usize,
    /// Whether the person has moved the preview.
    pub(super) is_preview_moved: bool,
    /// Said in place of the keys until the next key.
    pub(super) message: Option<String>,
    /// Something is being read into the index.
    pub(super) is_indexing: bool,
    /// What the command line asks for.
    base: Filter,
    /// The session we were started in.
    here: Option<String>,
    /// A key that waits for the first statement of a new search.
    waiting: Option<Ending>,
}

impl Model {
    /// Starts with what was given on the command line. `here` is the session we are started in, if
    /// we are.
    pub(super) fn new(typed: &str, base: Filter, here: Option<String>) -> Self {
        Self {
            line: Line::new(typed),
            scope: Scope::All,
            is_in_output: base.is_in_output,
            progress: Progress::Stale,
            found: Vec::new(),
            selected: 0,
            first: 0,
            preview: Preview::default(),
            preview_top: 0,
            is_preview_moved: false,
            message: None,
            is_indexing: false,
            base,
            here,
            waiting: None,
        }
    }

    /// Returns what to search for.
    pub(super) fn filter(&self) -> Filter {
        let mut filter = self.base.clone();
        filter.terms = Terms::new(self.line.text());
        filter.is_in_output = self.is_in_output;
        match &self.scope {
            Scope::All => {}
            Scope::Target(name) => filter.target_name = Some(name.clone()),
            Scope::Session(id) => filter.session = Some(id.clone()),
            Scope::Held => filter.is_held = true,
            Scope::Failed => filter.is_failed = true,
        }
        filter
    }

    /// Returns the statement that a key would take.
    pub(super) fn selected(&self) -> Option<&Statement> {
        self.found.get(self.selected)
    }

    /// Takes a key. `page` is how many statements are shown at once.
    pub(super) fn key(&mut self, key: &Key, page: usize) -> Action {
        self.message = None;
        self.waiting = None;
        let page = page.max(1);
        match key {
            Key::Cancel => return Action::Cancel,
            Key::EndOfFile if self.line.text().is_empty() => return Action::Cancel,
            Key::EndOfFile => {
                self.line.key(&Key::Delete);
                return self.search();
            }
            Key::Enter => return self.print(Ending::Accepted),
            Key::Tab => return self.print(Ending::Edited),
            Key::Copy if self.progress != Progress::Stale => return Action::Copy,
            Key::Suspend => return Action::Suspend,
            Key::Redraw => return Action::Redraw,
            Key::Up => self.select(self.selected.saturating_add(1)),
            Key::Down => self.select(self.selected.saturating_sub(1)),
            Key::PageUp => self.select(self.selected.saturating_add(page)),
            Key::PageDown => self.select(self.selected.saturating_sub(page)),
            Key::PreviewUp => {
                self.is_preview_moved = true;
                self.preview_top = self.preview_top.saturating_sub(PREVIEW_STEP);
            }
            Key::PreviewDown => {
                self.is_preview_moved = true;
                self.preview_top = self.preview_top.saturating_add(PREVIEW_STEP);
            }
            Key::Scope => {
                self.scope = self.next_scope();
                return self.search();
            }
            Key::Outputs => {
                self.is_in_output = !self.is_in_output;
                return self.search();
            }
            _ => {
                let before = self.line.text().to_owned();
                if self.line.key(key) && self.line.text() != before {
                    return self.search();
                }
            }
        }
        Action::None
    }

    /// Takes the next portion of a search, or the first if nothing of it was there yet. Returns what
    /// a key has waited for.
    pub(super) fn found(&mut self, mut statements: Vec<Statement>) -> Action {
        if self.progress == Progress::Stale {
            self.progress = Progress::Running;
            self.replace(std::mem::take(&mut statements));
        }
        self.found.append(&mut statements);
        self.waiting.take().map_or(Action::None, Action::Print)
    }

    /// The search is over.
    pub(super) fn done(&mut self, progress: Progress) {
        if self.progress == Progress::Stale {
            self.replace(Vec::new());
        }
        if self.waiting.take().is_some() {
            self.message = Some("Nothing to print.".to_owned());
        }
        self.progress = progress;
    }

    /// The index is up to date: whether there was anything new, or why it is not. Then what is
    /// shown is searched again; the selection stays where it is.
    pub(super) fn indexed(&mut self, has_new: Result<bool, String>) -> Action {
        self.is_indexing = false;
        match has_new {
            Ok(false) => Action::None,
            Ok(true) => {
                self.progress = Progress::Stale;
                Action::Search
            }
            Err(why) => {
                self.message = Some(format!("What is newest may be missing: {why}."));
                Action::None
            }
        }
    }

    /// Takes what the selected statement printed.
    pub(super) fn preview(&mut self, id: i64, preview: Preview) {
        if self.selected().is_some_and(|statement| statement.id == id) {
            self.preview = preview;
        }
    }

    /// Keeps the selected statement among the `page` that are shown.
    pub(super) fn scroll(&mut self, page: usize) {
        let page = page.max(1);
        let lowest = (self.selected + 1).saturating_sub(page);
        // Where more fit than there are, all are shown.
        let highest = self.found.len().saturating_sub(page);
        self.first = self.first.clamp(lowest, self.selected).min(highest.max(lowest));
    }

    fn search(&mut self) -> Action {
        self.progress = Progress::Stale;
        self.selected = 0;
        self.first = 0;
        Action::Search
    }

    fn select(&mut self, index: usize) {
        let index = index.min(self.found.len().saturating_sub(1));
        if index != self.selected {
            self.selected = index;
            self.forget_preview();
        }
    }

    fn forget_preview(&mut self) {
        self.preview = Preview::Pending;
        self.preview_top = 0;
        self.is_preview_moved = false;
    }

    fn replace(&mut self, statements: Vec<Statement>) {
        let id = |statement: &Statement| statement.id;
        let before = self.selected().map(id);
        self.found = statements;
        self.selected = if self.selected == 0 {
            0
        } else {
            // Only a search for the same keeps a selection.
            self.found.iter().position(|found| Some(found.id) == before).unwrap_or(0)
        };
        if self.selected().map(id) != before {
            self.forget_preview();
        }
    }

    fn print(&mut self, ending: Ending) -> Action {
        match self.progress {
            // What is shown may not be what was typed.
            Progress::Stale => {
                self.waiting = Some(ending);
                Action::None
            }
            _ if self.found.is_empty() => {
                self.message = Some("Nothing to print.".to_owned());
                Action::None
            }
            Progress::Running | Progress::Done(_) | Progress::Failed(_) => Action::Print(ending),
        }
    }

    /// All, this target, this session, held, failed. *This* is that of the selected statement, and
    /// the session is the one we are started in, if we are.
    fn next_scope(&self) -> Scope {
        let session = |session: &Option<String>| session.clone().map(Scope::Session);
        let selected = self.selected();
        let next_session = || {
            session(&self.here)
                .or_else(|| session(&selected.map(|statement| statement.session.clone())))
                .unwrap_or(Scope::Held)
        };
        match &self.scope {
            Scope::All => selected
                .map_or_else(next_session, |statement| Scope::Target(statement.target.clone())),
            Scope::Target(_) => next_session(),
            Scope::Session(_) => Scope::Held,
            Scope::Held => Scope::Failed,
            Scope::Failed => Scope::All,
        }
    }
}

impl Scope {
    /// Returns the words for it.
    pub(super) fn words(&self) -> String {
        match self {
            Self::All => "all".to_owned(),
            Self::Target(name) => format!("target {}", visible::one_line(name)),
            Self::Session(id) => format!("session {id}"),
            Self::Held => "held".to_owned(),
            Self::Failed => "failed".to_owned(),
        }
    }
}
