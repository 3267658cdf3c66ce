//! Python text to effects: what a statement would do to a database, as far as its source shows it.
//!
//! The parser's tree is walked with what encloses each call: a loop, a comprehension, a `map`. What
//! a call means is told by its name, its receiver and its arguments; where the running process told
//! what a name stands for, that decides. This is the early warning, and a milder word than the taps
//! on the drivers have: what it does not see (a function defined before, `getattr`) is asked about
//! when it is sent.
//!
//! Bodies of functions and classes that are only defined here run nothing.

mod call;
mod chain;
#[cfg(test)]
mod tests;
mod walk;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ruff_python_ast::ModModule;
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};

use super::Reading;

/// What the object of an effect on files is called.
pub const FILES: &str = "files";

pub use call::UNFINISHED;

/// How many brackets and blocks may be open at once: a tree that is deeper is not walked.
const MOST_OPEN: usize = 300;

/// Texts that are longer are not read: nobody types them, and the taps still ask.
const MOST_BYTES: usize = 4 << 20;

/// Words without which nothing is lost: most statements are read no further.
const WORDS: &[&str] = &[
    "delet",
    "destroy",
    "drop",
    "remove",
    "truncate",
    "update",
    "execute",
    "flush",
    "purge",
    "terminate",
    "replace",
    "alter",
    "unlink",
    "rmtree",
    "rmdir",
    "sql",
    "raw",
    "command",
];

/// Reads a statement, or a whole text.
#[must_use]
pub fn read(text: &str) -> Reading {
    read_with(text, &BTreeMap::new())
}

/// Reads with what the names stand for in the running process: `module numpy`, `class` or `of`
/// and the names of the class and of what it is made from.
#[must_use]
pub fn read_with(text: &str, types: &BTreeMap<String, String>) -> Reading {
    let low = text.to_lowercase();
    if !WORDS.iter().any(|word| low.contains(word)) {
        return Reading::Understood(Vec::new());
    }
    if text.len() > MOST_BYTES || deepest(text) > MOST_OPEN {
        return unclear("too long or too deeply nested to be read");
    }
    // The parser is not ours: whatever it stumbles over must not cost the session.
    let read = AssertUnwindSafe(|| match parsed(text) {
        Some(module) => walk::effects(&module.body, types),
        None => Vec::new(),
    });
    catch_unwind(read).map_or_else(|_| unclear("the parser gave up"), Reading::Understood)
}

/// Parses a text. What does not parse does not run: Python says so itself. What did parse is still
/// read.
fn parsed(text: &str) -> Option<ModModule> {
    let parsed = parse_unchecked(text, ParseOptions::from(Mode::Ipython));
    parsed.try_into_module().map(|module| module.into_syntax())
}

/// Says where a text is no Python, in bytes, and why.
#[must_use]
pub fn mistake(text: &str) -> Option<(usize, String)> {
    if text.len() > MOST_BYTES || deepest(text) > MOST_OPEN {
        return None;
    }
    let parse = AssertUnwindSafe(|| {
        let parsed = parse_unchecked(text, ParseOptions::from(Mode::Ipython));
        let first = parsed.errors().first()?;
        Some((first.location.start().to_usize(), first.error.to_string()))
    });
    catch_unwind(parse).unwrap_or_default()
}

fn unclear(reason: &str) -> Reading {
    Reading::Unclear { reason: reason.to_owned(), effects: Vec::new(), destructive_word: true }
}

/// Bounds how deep the tree can get: open brackets, indented blocks, chained operators.
fn deepest(text: &str) -> usize {
    let mut open: usize = 0;
    let mut most = 0;
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        most = most.max(open);
    }
    let indent = text.lines().map(|line| line.len() - line.trim_start().len()).max();
    let chained = text.lines().map(links).max();
    most + indent.unwrap_or(0) + chained.unwrap_or(0)
}

/// Counts what may nest without a bracket: attributes, calls, operators, `not`, `lambda`, `else`.
fn links(line: &str) -> usize {
    let marks = line.bytes().filter(|byte| b".+-*/%&|^~".contains(byte)).count();
    let words = line
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| ["not", "lambda", "else", "await"].contains(word))
        .count();
    // Strings and numbers are full of dots; only what nobody writes by hand counts.
    (marks + words).saturating_sub(MOST_OPEN / 2) / 2
}
