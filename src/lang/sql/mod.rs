//! MySQL's, MariaDB's and SQLite's text to effects.
//!
//! A lexer of our own splits a text and tells what kind of statement each is; what is done to rows,
//! and under which condition, is read off the parser's tree. Statements about objects, rights and
//! the server are read off their tokens: the parser knows few of them, and their words are fixed.

mod alter;
mod called;
mod command;
mod lex;
mod lower;
mod mysql;
mod object;
mod overwrite;
mod plain;
mod query;
mod routine;
mod script;
mod sqlite;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::BTreeSet;
use std::ops::Range;

use self::script::Script;
use super::Reading;
use super::postgres::Memory;
use super::token::Statement;
use super::turn::in_turns;
use super::words::Words;

/// Whose language it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// MySQL and MariaDB.
    Mysql,
    /// SQLite.
    Sqlite,
}

/// What decides where a statement ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// The command-line client: every `;`, or what DELIMITER says.
    Client,
    /// The server: not within the body of what is created.
    Server,
}

/// Reads one or several statements.
#[must_use]
pub fn read(text: &str, flavour: Flavour, ends: Ends) -> Reading {
    read_with(text, flavour, ends, &Memory::default())
}

/// The same where the server has told the texts of its functions, by name in small letters.
#[must_use]
pub fn read_with(text: &str, flavour: Flavour, ends: Ends, memory: &Memory) -> Reading {
    let new = || Script::of_text(flavour, text.len());
    let statements = lex::statements(text, flavour, ends);
    let ahead = |statement: &Statement, alone: &mut Script| alone.ahead(text, statement);
    let ahead = in_turns(&statements, text.len(), new, ahead);
    let mut script = new();
    for (statement, ahead) in statements.iter().zip(ahead) {
        let before = script.count();
        script.statement(text, statement, ahead);
        routine::follow(&mut script, before, &Words::new(text, &statement.tokens), memory);
    }
    script.finish()
}

/// Returns the databases that the tables are in which a text changes, where it names them.
#[must_use]
pub fn databases(text: &str, flavour: Flavour) -> BTreeSet<String> {
    let reading = read(text, flavour, Ends::Server);
    let named = reading.effects().iter().filter_map(|effect| effect.object.as_deref());
    named
        .filter_map(|name| name.rsplit_once('.'))
        .map(|(database, _)| database.to_owned())
        .collect()
}

/// Splits a text into its statements, each with what ends it.
#[must_use]
pub fn split(text: &str, flavour: Flavour, ends: Ends) -> Vec<Range<usize>> {
    lex::statements(text, flavour, ends).into_iter().map(|statement| statement.range).collect()
}
