//! SQL that a block puts together as it runs: how much of its text is known beforehand.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use squawk_syntax::SyntaxKind;
use squawk_syntax::quote::quote_ident;

use super::expression::{chain, operand, unwrapped};
use super::function::{arguments, called};
use super::syntax::SyntaxNode;
use super::token;
use super::tree::{child, ident, string};
use crate::lang::token::{Kind, is_word};
use crate::lang::{Effect, Scope};

/// What stands for a name that is not known, and for a value.
const NAME: &str = "nl_some_name";
const VALUE: &str = "'nl_some_value'";

/// How many texts a variable may have had; of more none is known.
const MOST: usize = 8;

/// Longest text that is followed, and all that is read of one block beside what it has word by word:
/// one variable may be run a thousand times, or be twice another.
const LONGEST: usize = 10_000;
const ALL: usize = 200_000;

/// A text that is put together, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Made {
    pub(super) text: String,
    /// Whether this is all of it; names and values may be stood for.
    pub(super) is_whole: bool,
}

impl Made {
    fn whole(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_whole: true }
    }

    /// Returns the first word, in small letters; none where it may go on with what is not known.
    pub(super) fn first_word(&self) -> Option<String> {
        let statement = token::statements(&self.text).into_iter().next()?;
        let mut words = statement.tokens.iter().filter(|token| token.kind == Kind::Word);
        let word = words.next().filter(|word| self.is_whole || word.range.end < self.text.len())?;
        Some(self.text[word.range.clone()].to_ascii_lowercase())
    }

    /// Tells whether a name or a value is stood for.
    pub(super) fn is_filled(&self) -> bool {
        self.text.contains(NAME) || self.text.contains(VALUE)
    }

    /// Writes it as an expression that comes to the same; none where nothing is known.
    pub(super) fn expression(&self) -> Option<String> {
        match (self.is_whole, self.text.is_empty()) {
            (true, _) => Some(literal(&self.text)),
            (false, true) => None,
            (false, false) => Some(format!("{} || {NAME}", literal(&self.text))),
        }
    }

    fn join(mut self, next: &Self) -> Self {
        let fits = self.text.len() + next.text.len() <= LONGEST;
        if self.is_whole && fits {
            self.text.push_str(&next.text);
        }
        self.is_whole &= fits && next.is_whole;
        self
    }
}

/// The texts that the variables of a block may hold; one that is not here may hold any.
#[derive(Debug, Default)]
pub(super) struct Variables {
    texts: BTreeMap<String, Vec<Made>>,
    /// How much of them has been read, in bytes.
    read: Cell<usize>,
}

impl Variables {
    /// Collects what a block's text gives to its variables, in declarations and assignments.
    pub(super) fn of(root: &SyntaxNode, text: &str) -> Self {
        let is_written = |node: &SyntaxNode| {
            let outer = node.parent().map(|outer| outer.kind());
            node.kind() == SyntaxKind::PLPGSQL_VAR_NAME_REF
                && outer != Some(SyntaxKind::PLPGSQL_ASSIGN_TARGET)
        };
        let mut written = written(text);
        written.extend(root.descendants().filter(is_written).map(|node| ident(&node)));
        let mut variables = Self::default();
        // In a loop, what is given last may be used first.
        for node in root.descendants().chain(root.descendants()) {
            const TARGETS: &[SyntaxKind] =
                &[SyntaxKind::PLPGSQL_VAR_NAME, SyntaxKind::PLPGSQL_ASSIGN_TARGET];
            let is_declared = node.kind() == SyntaxKind::PLPGSQL_VAR_DECL;
            if !is_declared && node.kind() != SyntaxKind::PLPGSQL_ASSIGN_STMT {
                continue;
            }
            let name = child(&node, TARGETS).map(|target| ident(&target));
            let Some(name) = name.filter(|name| !written.contains(name)) else { continue };
            // What is not declared is given to the function.
            let initial = if is_declared { Vec::new() } else { vec![Made::default()] };
            let before = variables.texts.remove(&name).unwrap_or(initial);
            let holder = child(&node, &[SyntaxKind::PLPGSQL_VAR_INIT]).unwrap_or(node);
            let value = child(&holder, &[SyntaxKind::PLPGSQL_EXPR]);
            let texts = match value {
                Some(value) => variables.given(&name, before, &value),
                None => before,
            };
            variables.texts.insert(name, texts);
        }
        variables
    }

    /// Returns what a variable may hold from an assignment on.
    fn given(&self, name: &str, before: Vec<Made>, value: &SyntaxNode) -> Vec<Made> {
        let operands = single(value).map_or_else(Vec::new, |value| chain(&value, "||"));
        let is_own = |node: &SyntaxNode| node.kind() == SyntaxKind::NAME_REF && ident(node) == name;
        let mut texts: Vec<Made> = match operands.first().is_some_and(is_own) {
            true => {
                // How often more was added nobody knows, but to nothing it is how the text begins.
                let is_empty = |made: &Made| made.is_whole && made.text.trim().is_empty();
                let (empty, begun): (Vec<_>, Vec<_>) = before.into_iter().partition(is_empty);
                let next = self.joined(&operands[1..]).into_iter().filter(|_| !empty.is_empty());
                let cut = |made: Made| Made { is_whole: false, ..made };
                begun.into_iter().chain(next).map(cut).collect()
            }
            false => before.into_iter().chain(self.texts(value)).collect(),
        };
        texts.sort_unstable();
        texts.dedup();
        bounded(texts)
    }

    /// Returns what an EXECUTE may run.
    pub(super) fn run(&self, expr: &SyntaxNode) -> Vec<Made> {
        let texts = self.texts(expr);
        let bytes: usize = texts.iter().map(|made| made.text.len()).sum();
        let is_there = bytes <= expr.text_range().len();
        self.read.set(self.read.get() + if is_there { 0 } else { bytes });
        if self.read.get() > ALL && !is_there { vec![Made::default()] } else { texts }
    }

    /// Returns what an expression may come to; what is not known of it ends it.
    pub(super) fn texts(&self, expr: &SyntaxNode) -> Vec<Made> {
        let Some(expr) = single(expr) else { return vec![Made::default()] };
        let texts = match expr.kind() {
            SyntaxKind::LITERAL => self.literal(&expr),
            SyntaxKind::BIN_EXPR => match &chain(&expr, "||")[..] {
                [_] => vec![Made::default()],
                operands => self.joined(operands),
            },
            SyntaxKind::CAST_EXPR => {
                operand(&expr).map_or_else(Vec::new, |inner| self.texts(&inner))
            }
            SyntaxKind::NAME_REF => self.named(&ident(&expr)),
            SyntaxKind::CALL_EXPR => self.call(&expr),
            _ => vec![Made::default()],
        };
        if texts.is_empty() { vec![Made::default()] } else { bounded(texts) }
    }

    fn literal(&self, literal: &SyntaxNode) -> Vec<Made> {
        let text = literal.text().to_string();
        match text.strip_prefix('$').filter(|number| number.chars().all(|c| c.is_ascii_digit())) {
            Some(number) => self.named(&by_number(number)),
            None => vec![Made::whole(string(literal).unwrap_or(text))],
        }
    }

    fn named(&self, name: &str) -> Vec<Made> {
        self.texts.get(name).cloned().unwrap_or_default()
    }

    fn joined(&self, operands: &[SyntaxNode]) -> Vec<Made> {
        let whole = vec![Made::whole("")];
        operands.iter().fold(whole, |before, operand| {
            // Beyond what is not known nothing is asked.
            match before.iter().any(|made| made.is_whole) {
                true => each(&before, &self.texts(operand)),
                false => before,
            }
        })
    }

    fn call(&self, call: &SyntaxNode) -> Vec<Made> {
        let values: Vec<SyntaxNode> = arguments(call).into_iter().map(|(_, value)| value).collect();
        let name = called(call).unwrap_or_default();
        match (name.as_str(), values.first()) {
            ("concat", Some(_)) => self.joined(&values),
            ("quote_ident", Some(name)) => put(&self.texts(name), quote_ident, NAME),
            ("quote_literal" | "quote_nullable", Some(value)) => {
                put(&self.texts(value), literal, VALUE)
            }
            ("format", Some(first)) => {
                let formats = self.texts(first);
                formats.iter().flat_map(|format| self.formatted(format, &values)).collect()
            }
            // What it begins with stays, mostly.
            ("btrim" | "ltrim" | "regexp_replace" | "replace" | "rtrim" | "trim", Some(first)) => {
                let cut = |made: Made| Made { is_whole: false, ..made };
                self.texts(first).into_iter().map(cut).collect()
            }
            _ => Vec::new(),
        }
    }

    /// `format('truncate %I', t)`
    fn formatted(&self, format: &Made, values: &[SyntaxNode]) -> Vec<Made> {
        let mut made = vec![Made::whole("")];
        let mut add = |pieces: &[Made]| made = each(&made, pieces);
        let (mut rest, mut next) = (format.text.as_str(), 1);
        while let Some((before, behind)) = rest.split_once('%') {
            add(&[Made::whole(before)]);
            let digits = behind.find(|c: char| !c.is_ascii_digit()).unwrap_or(0);
            let (place, kind) = match behind[digits..].strip_prefix('$') {
                Some(kind) => (behind[..digits].parse().unwrap_or(0), kind),
                None => (next, behind),
            };
            let value = || values.get(place).map_or_else(Vec::new, |value| self.texts(value));
            match kind.chars().next() {
                Some('%') => add(&[Made::whole("%")]),
                Some('I') => add(&put(&value(), quote_ident, NAME)),
                Some('L') => add(&put(&value(), literal, VALUE)),
                Some('s') => add(&value()),
                _ => add(&[Made::default()]),
            }
            next = if kind.starts_with('%') { next } else { place + 1 };
            rest = kind.get(1..).unwrap_or_default();
        }
        add(&[Made { text: rest.to_owned(), is_whole: format.is_whole }]);
        made
    }
}

/// Puts each of some texts behind each of others.
fn each(before: &[Made], next: &[Made]) -> Vec<Made> {
    let joined = |made: &Made| next.iter().map(|next| made.clone().join(next)).collect::<Vec<_>>();
    bounded(before.iter().flat_map(joined).collect())
}

/// Too many texts are as good as none.
fn bounded(texts: Vec<Made>) -> Vec<Made> {
    if texts.len() > MOST { vec![Made::default()] } else { texts }
}

/// Quotes what is known of texts, and stands for what is not.
fn put(texts: &[Made], quote: fn(&str) -> String, unknown: &str) -> Vec<Made> {
    let one = |made: &Made| match made.is_whole {
        true => Made::whole(quote(&made.text)),
        false => Made::whole(unknown),
    };
    if texts.is_empty() { vec![Made::whole(unknown)] } else { texts.iter().map(one).collect() }
}

/// Names what stands for a parameter without a name.
pub(super) fn by_number(number: impl Display) -> String {
    format!("nl_{number}")
}

/// Writes a text as a string of SQL.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Tells an effect of such a text as somebody who does not know what is put in.
pub(super) fn tell(effect: &mut Effect) {
    effect.phrase = effect.phrase.replace(NAME, "?").replace(VALUE, "?");
    let is_unknown = effect.object.take_if(|object| object.contains(NAME)).is_some();
    if is_unknown && effect.scope == Scope::All {
        effect.scope = Scope::Unknown;
    }
}

/// Returns the one expression that an expression of PL/pgSQL is, without brackets.
fn single(expr: &SyntaxNode) -> Option<SyntaxNode> {
    if expr.kind() != SyntaxKind::PLPGSQL_EXPR {
        return Some(unwrapped(expr));
    }
    let mut parts = expr.children();
    let (list, None) = (parts.next()?, parts.next()) else { return None };
    let mut targets = list.children();
    let (target, None) = (targets.next()?, targets.next()) else { return None };
    operand(&target).map(|value| unwrapped(&value))
}

/// Returns the names behind each INTO of a text, and all behind a CALL, which may write to what it is given.
fn written(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for statement in token::statements(text) {
        // Whether a name is due; none outside of an INTO.
        let (mut is_due, mut is_call) = (None, false);
        for token in &statement.tokens {
            let piece = &text[token.range.clone()];
            let is = |word: &str| token.kind == Kind::Word && is_word(piece, &[word]);
            is_call |= is("call");
            let is_name = token.kind == Kind::Word && (is_call || is_due == Some(true));
            is_due = match (token.kind, is_due) {
                _ if is("into") || is_due == Some(true) && is("strict") => Some(true),
                (Kind::Word, Some(true)) => Some(false),
                (Kind::Comma, Some(false)) => Some(true),
                _ => None,
            };
            if is_name {
                names.insert(piece.to_ascii_lowercase());
            }
        }
    }
    names
}
