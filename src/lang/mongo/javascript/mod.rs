//! JavaScript as it is typed into mongosh, to effects: what it would do, as far as its text shows it.
//!
//! The parser's tree is walked once, with what each name stands for: a database, a collection, a list
//! of writes, a function with what it does. A method that writes is read as the command that mongosh
//! makes of it. What is in a loop, or in a function that something calls for each of many, is marked
//! as that. This is the early warning: what it does not see is asked about when it is sent.

mod branch;
mod call;
mod depth;
mod line;
mod method;
mod statement;
#[cfg(test)]
mod tests;
mod value;
mod walk;
mod write;

use std::collections::HashMap;

use oxc_allocator::Allocator;
use oxc_ast::ast::Program;
use oxc_parser::{ParseOptions, Parser};
use oxc_span::SourceType;

use crate::lang::token::bounded;
use crate::lang::{Effect, Reading};
use value::{Place, Value};

/// Texts that are longer are not read: nobody types them, and what they do is still asked about.
const MOST_BYTES: usize = 4 << 20;

/// How many brackets may be open at once.
const MOST_OPEN: usize = 500;

/// Names that are remembered; nobody types more.
const MOST_NAMES: usize = 10_000;

/// What a session's names stand for.
#[derive(Debug, Clone, Default)]
pub struct Names {
    known: HashMap<String, Value>,
    /// Lists of writes that wait to be run.
    bulks: Vec<Bulk>,
    /// Counts the texts that were read.
    text: u64,
}

/// Writes that wait to be run together.
#[derive(Debug, Clone, Default)]
struct Bulk {
    /// What it writes to.
    place: Place,
    effects: Vec<Effect>,
    /// How many functions were around where it was made.
    depth: usize,
}

impl Names {
    /// Says which database `db` is.
    pub fn set_database(&mut self, name: &str) {
        self.known.insert("db".to_owned(), Value::Database(name.to_owned()));
    }

    /// Reads a statement, or a whole text, with what was let through before it.
    #[must_use]
    pub fn read(&self, text: &str) -> Reading {
        self.clone().read_and_learn(text)
    }

    /// Remembers what a text that was let through defines.
    pub fn learn(&mut self, text: &str) {
        let _reading = self.read_and_learn(text);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    fn read_and_learn(&mut self, text: &str) -> Reading {
        self.text += 1;
        let lines = line::Lines::of(text);
        if text.len() > MOST_BYTES {
            return unclear("too long to be read", Vec::new(), text);
        }
        let names = &mut *self;
        let found = bounded(depth::depth(text), MOST_OPEN, move || parsed(text, &lines, names));
        if self.known.len() > MOST_NAMES {
            self.clear();
        }
        match found {
            Some((effects, true)) => Reading::Understood(effects),
            Some((effects, false)) => unclear("it is no JavaScript", effects, text),
            None => unclear("too deeply nested to be read", Vec::new(), text),
        }
    }
}

/// Reads a text of which nothing is known beforehand.
#[must_use]
pub fn javascript(text: &str) -> Reading {
    Names::default().read_and_learn(text)
}

fn unclear(reason: &str, effects: Vec<Effect>, text: &str) -> Reading {
    let destructive_word = line::has_destructive_word(text);
    Reading::Unclear { reason: reason.to_owned(), effects, destructive_word }
}

/// Returns the effects, and whether all of it was understood.
fn parsed(text: &str, lines: &line::Lines<'_>, names: &mut Names) -> (Vec<Effect>, bool) {
    let allocator = Allocator::default();
    // As the shell takes it; then with `await` outside of functions; then without the lines that
    // are no JavaScript.
    let script = SourceType::script();
    let module = SourceType::mjs();
    let blanked = lines.blanked(text);
    let tries = [(text, script), (text, module), (&*blanked, script), (&*blanked, module)];
    let mut best = None;
    for (text, kind) in tries {
        let (program, is_whole) = parse(&allocator, text, kind);
        if is_whole {
            return (walk::effects(text, &program, lines, names), true);
        }
        best.get_or_insert((text, program));
    }
    match best {
        Some((text, program)) => (walk::effects(text, &program, lines, names), false),
        None => (Vec::new(), false),
    }
}

fn parse<'a>(allocator: &'a Allocator, text: &'a str, kind: SourceType) -> (Program<'a>, bool) {
    let options = ParseOptions {
        allow_return_outside_function: true,
        preserve_parens: false,
        enable_ident_hashes: false,
        ..ParseOptions::default()
    };
    let parsed = Parser::new(allocator, text, kind).with_options(options).parse();
    let is_whole = !parsed.panicked && parsed.diagnostics.is_empty();
    (parsed.program, is_whole)
}
