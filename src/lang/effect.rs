//! What a statement would do: verb, object, scope, and whether it can be undone.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// The row of the policy table an effect belongs to, mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Changes nothing.
    Read,
    /// Changes only this connection: BEGIN, SET, PREPARE.
    Session,
    /// Adds without overwriting: INSERT, CREATE, GRANT.
    Add,
    /// Keeps others waiting: LOCK, VACUUM FULL, REINDEX.
    Heavy,
    /// Overwrites what is there: UPDATE, REVOKE, RENAME.
    Change,
    /// Removes rows or documents: DELETE.
    Remove,
    /// Leaves nightlatch's sight: `\!`, a nested shell.
    Escape,
    /// Cannot be read: DO with dynamic SQL, text no parser understands with a destructive word.
    Opaque,
    /// Removes what cannot be had back: DROP, TRUNCATE.
    Destroy,
}

/// What is done, in the word a user would search for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// SELECT, SHOW, EXPLAIN, COPY TO a file of the client's.
    Read,
    /// BEGIN, COMMIT, ROLLBACK, SET, PREPARE and the like.
    Session,
    /// INSERT or COPY FROM that overwrites nothing.
    Insert,
    /// CREATE of something new.
    Create,
    /// ALTER that neither removes nor rewrites, such as ADD COLUMN.
    Alter,
    /// GRANT.
    Grant,
    /// LOCK TABLE.
    Lock,
    /// VACUUM FULL, REINDEX, CLUSTER.
    Rewrite,
    /// UPDATE.
    Update,
    /// INSERT ... ON CONFLICT DO UPDATE, MERGE ... UPDATE, CREATE OR REPLACE.
    Replace,
    /// REVOKE.
    Revoke,
    /// RENAME.
    Rename,
    /// ALTER COLUMN TYPE and other changes of existing columns.
    AlterType,
    /// DELETE, MERGE ... DELETE.
    Delete,
    /// TRUNCATE.
    Truncate,
    /// DROP of an object, DROP OWNED.
    Drop,
    /// ALTER TABLE ... DROP COLUMN or DROP CONSTRAINT.
    DropColumn,
    /// DETACH PARTITION.
    Detach,
    /// Ends other sessions or destroys replication state, such as `pg_terminate_backend`.
    Admin,
    /// Runs code that cannot be read: DO with dynamic SQL, EXECUTE of an unknown plan.
    Execute,
    /// Runs a program: `\!`, COPY ... PROGRAM.
    Shell,
    /// Takes the guard away: `\set SINGLESTEP off`.
    Unguard,
}

/// How much of the object is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// A single row or document.
    One,
    /// What a condition selects.
    Filtered,
    /// Nobody can tell before it runs.
    Unknown,
    /// Everything there is.
    All,
}

/// One thing a statement would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Effect {
    /// The row of the policy table.
    pub class: Class,
    /// What is done.
    pub verb: Verb,
    /// To what, as the statement names it (schema kept, identifiers folded as the server does).
    pub object: Option<String>,
    /// How much of it.
    pub scope: Scope,
    /// Whether the statement's own transaction, or a plain opposite, can undo it.
    pub reversible: bool,
    /// Where in the text, in bytes.
    pub span: Range<usize>,
    /// What it does in one phrase, third person, no full stop: "deletes every row of families".
    pub phrase: String,
    /// Where the text names the rows, if a plain `SELECT count(*)` can count them beforehand.
    #[serde(skip)]
    pub rows: Option<Rows>,
    /// Whether the text shows a loop around it.
    #[serde(skip)]
    pub looped: bool,
    /// Whether it stays where the transaction it runs in is rolled back, or may.
    #[serde(skip)]
    pub outlasts: bool,
}

impl Effect {
    /// Returns the table that it changes, empties or drops, if it does that to a table and to nothing
    /// else: other kinds of objects may have the same name.
    #[must_use]
    pub fn only_table(&self) -> Option<&String> {
        // With CASCADE things go along that others have made; the phrase is what tells.
        let goes_along = ["depends on it", "refers to it"];
        let is_table = match self.verb {
            Verb::Update | Verb::Delete | Verb::Truncate => true,
            Verb::DropColumn | Verb::AlterType | Verb::Detach => true,
            Verb::Drop => self.phrase.starts_with("drops table "),
            _ => false,
        };
        let is_only = is_table && !goes_along.iter().any(|words| self.phrase.contains(words));
        self.object.as_ref().filter(|_| is_only)
    }

    /// Says whether it removes or overwrites what was there: rows or objects, or all rows of
    /// something. A change of some rows is everyday work.
    #[must_use]
    pub fn destroys(&self) -> bool {
        match self.class {
            Class::Remove | Class::Destroy | Class::Opaque => true,
            Class::Change => matches!(self.scope, Scope::All | Scope::Unknown),
            Class::Read | Class::Session | Class::Add | Class::Heavy | Class::Escape => false,
        }
    }

    /// Makes an effect of unknown scope on no named object, which cannot be undone.
    #[must_use]
    pub fn new(class: Class, verb: Verb, span: Range<usize>, phrase: String) -> Self {
        Self {
            class,
            verb,
            object: None,
            scope: Scope::Unknown,
            reversible: false,
            span,
            phrase,
            rows: None,
            looped: false,
            outlasts: outlasts(verb),
        }
    }

    /// Makes an effect on an object; whether it can be undone follows from what it is.
    #[must_use]
    pub fn on(
        class: Class,
        verb: Verb,
        object: Option<String>,
        scope: Scope,
        span: Range<usize>,
        phrase: String,
    ) -> Self {
        let reversible = is_reversible(class, verb);
        Self { object, scope, reversible, ..Self::new(class, verb, span, phrase) }
    }
}

/// Rows and objects are the transaction's; processes, files and other sessions are not, and what
/// cannot be read may be anything.
fn outlasts(verb: Verb) -> bool {
    matches!(verb, Verb::Admin | Verb::Execute | Verb::Shell | Verb::Unguard)
}

/// Stands for a statement that no parser understood and that has a destructive word in it.
pub(super) fn unread(reason: &str, span: Range<usize>) -> Effect {
    let phrase = format!("cannot be read ({reason}) and holds a destructive word");
    Effect::new(Class::Opaque, Verb::Execute, span, phrase)
}

/// A plain opposite brings back what was there, or nothing was lost.
fn is_reversible(class: Class, verb: Verb) -> bool {
    match class {
        Class::Read | Class::Session | Class::Add | Class::Heavy => true,
        Class::Change => matches!(verb, Verb::Rename | Verb::Revoke | Verb::Alter),
        Class::Destroy => verb == Verb::Detach,
        Class::Remove | Class::Escape | Class::Opaque => false,
    }
}

/// The parts of a plain DELETE or UPDATE that say which rows: enough to write
/// `SELECT count(*) FROM <source> WHERE <condition>`.
///
/// Absent wherever that SELECT could mean something else: with USING or FROM, in a WITH, in a
/// prepared statement, in a DO block, with a cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    /// The table as written, with ONLY, `*` and alias.
    pub source: Range<usize>,
    /// The expression after WHERE; none means every row.
    pub condition: Option<Range<usize>>,
}

/// What the parsers made of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// Every statement was understood; the effects are in order of the text.
    Understood(Vec<Effect>),
    /// Some part was not understood.
    Unclear {
        /// Why, for the user.
        reason: String,
        /// What was understood all the same.
        effects: Vec<Effect>,
        /// Whether a destructive keyword stands outside strings and comments.
        destructive_word: bool,
    },
}

impl Reading {
    /// The same with other effects.
    pub(super) fn with(self, other: Vec<Effect>) -> Self {
        match self {
            Self::Understood(_) => Self::Understood(other),
            Self::Unclear { reason, destructive_word, .. } => {
                Self::Unclear { reason, effects: other, destructive_word }
            }
        }
    }

    /// Returns the effects that were understood.
    #[must_use]
    pub fn effects(&self) -> &[Effect] {
        match self {
            Self::Understood(effects) | Self::Unclear { effects, .. } => effects,
        }
    }
}
