//! What earlier statements mean for later ones: plans, and functions whose text is known.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::called::{Call, Given, Mention, calls, may_call, may_mention, mentions, trigger, word};
use super::routine::{Routine, Source, defined};
use super::script::{Ahead, Script};
use super::tree::child;
use super::{Read, argument, bounded, expression, parse, plain, token};
use crate::lang::token::{Kind, Statement};
use crate::lang::{Class, Effect, Reading, Scope, Verb};

/// Most names that are remembered; a program that makes more is not typing.
const MOST_NAMES: usize = 5_000;

/// Most definitions of one name that are remembered, the newest.
const MOST_OF_ONE_NAME: usize = 100;

/// How many functions deep a call is followed.
const MOST_CALLS: usize = 4;

/// Plans and functions that are known by name.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    /// The statement that each runs, and what it does by itself.
    plans: BTreeMap<String, (String, Reading)>,
    /// By name without schema; several where schemas or arguments tell them apart.
    routines: BTreeMap<String, Vec<Known>>,
    /// Texts that the server told, read when they are called.
    sources: BTreeMap<String, Vec<Known>>,
    /// What else runs them, by its name.
    ways: BTreeMap<String, Vec<Way>>,
    /// Whether one of them is an operator.
    has_operators: bool,
    /// What names one row, by table.
    keys: BTreeMap<String, Vec<Vec<String>>>,
}

/// A function or procedure, read when it is called: a script has hundreds of them and calls few.
#[derive(Debug, Clone)]
struct Known {
    text: Text,
    read: OnceLock<Option<Routine>>,
}

/// Where what is known of a function comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Text {
    /// The CREATE that makes it.
    Made(String),
    /// The server told it, or it is a rule's.
    Told(Source),
}

impl Known {
    fn new(text: Text) -> Self {
        Self { text, read: OnceLock::new() }
    }

    fn routine(&self) -> Option<&Routine> {
        let read = || {
            Routine::read(match &self.text {
                Text::Made(text) => defined(text)?,
                Text::Told(source) => source.clone(),
            })
        };
        self.read.get_or_init(read).as_ref()
    }
}

/// What the server told of its functions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// Their texts.
    pub sources: Vec<Source>,
    /// What runs them without calling them.
    pub ways: Vec<Way>,
    /// What names one row.
    pub keys: Vec<Key>,
}

/// Columns of which no two rows of a table have the same values.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Key {
    /// The table, which has this name alone.
    pub table: String,
    /// The columns.
    pub columns: Vec<String>,
}

/// Something that runs a function where a statement uses it: a view, an operator, a trigger.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Way {
    /// What it is called, without schema; an operator's signs.
    pub name: String,
    /// What use of it runs the function.
    pub uses: Vec<Uses>,
    /// Whether it is a rule, and the routine its actions.
    #[serde(default)]
    pub is_rule: bool,
    /// Whether it is a trigger or a rule: what these do belongs to the application's daily life, so
    /// that it is worth a word and not a question.
    pub fires: bool,
    /// The function, with its schema.
    pub routine: String,
}

/// How a statement uses something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Uses {
    /// By its name, wherever it stands.
    Name,
    /// By its name behind a dot, as a column.
    Part,
    /// As the table that rows are added to.
    Insert,
    /// As the table whose rows are changed.
    Update,
    /// As the table whose rows are removed.
    Delete,
    /// As the table that is truncated.
    Truncate,
    /// As what is refreshed.
    Refresh,
}

impl Uses {
    /// Returns whether an effect on a table of this name is such a use of it.
    fn is_by(self, effect: &Effect, name: &str) -> bool {
        let verb = effect.verb;
        let is_on = effect.object.as_deref().is_some_and(|object| last(object) == name);
        is_on
            && match self {
                Self::Name | Self::Part => false,
                Self::Insert => matches!(verb, Verb::Insert | Verb::Replace),
                Self::Update => matches!(verb, Verb::Update | Verb::Replace),
                Self::Delete => verb == Verb::Delete,
                Self::Truncate => verb == Verb::Truncate,
                Self::Refresh => verb == Verb::Rewrite,
            }
    }
}

impl Memory {
    /// Reads one or several statements; what the text itself prepares and defines counts for what
    /// follows in it.
    #[must_use]
    pub fn read(&self, text: &str) -> Reading {
        Script::new(self).take(text, Ahead::of(text))
    }

    /// Remembers what a text that was let through prepares and defines.
    pub fn learn(&mut self, text: &str) {
        for statement in token::statements(text) {
            if teaches(text, &statement) {
                self.learn_statement(text, &statement);
            }
        }
    }

    /// Remembers what the server told, in place of what it told before.
    pub fn learn_server(&mut self, told: Told) {
        self.sources.clear();
        self.ways.clear();
        self.keys.clear();
        for source in told.sources {
            let known = Known::new(Text::Told(source.clone()));
            self.sources.entry(source.name).or_default().push(known);
        }
        let is_word = |c: char| c.is_alphanumeric() || "_$\"".contains(c);
        self.has_operators = told.ways.iter().any(|way| !way.name.chars().all(is_word));
        for way in told.ways {
            self.ways.entry(way.name.clone()).or_default().push(way);
        }
        for key in told.keys {
            self.keys.entry(key.table).or_default().push(key.columns);
        }
    }

    /// Returns the texts of a name that the server told.
    pub fn sources(&self, name: &str) -> impl Iterator<Item = &Source> {
        self.sources.get(name).into_iter().flatten().filter_map(|known| match &known.text {
            Text::Told(source) => Some(source),
            Text::Made(_) => None,
        })
    }

    /// Tells whether the server told no text.
    #[must_use]
    pub fn is_untold(&self) -> bool {
        self.sources.is_empty()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    fn keep(&mut self, name: String, text: &str) {
        if self.routines.len() >= MOST_NAMES {
            return;
        }
        let known = self.routines.entry(name).or_default();
        if known.len() >= MOST_OF_ONE_NAME {
            known.remove(0);
        }
        let text = Text::Made(text.to_owned());
        if known.iter().all(|known| known.text != text) {
            known.push(Known::new(text));
        }
    }

    pub(super) fn learn_statement(&mut self, text: &str, statement: &Statement) {
        let slice = &text[statement.range.clone()];
        if word(text, statement, 0, &["prepare"]) {
            if let Some((plan, inner, reading)) = super::prepared(slice)
                && self.plans.len() < MOST_NAMES
            {
                // Where one of its name is there, the PREPARE fails, and that one stays.
                let known = self.plans.remove(&plan).filter(|(known, _)| *known != inner);
                let both = match known {
                    Some((known, before)) => {
                        let effects = [before.effects(), reading.effects()].concat();
                        (format!("{known};\n{inner}"), reading.with(effects))
                    }
                    None => (inner, reading),
                };
                self.plans.insert(plan, both);
            }
            return;
        }
        if word(text, statement, 0, &["alter"]) {
            self.rename(text, statement);
            return;
        }
        if word(text, statement, 0, &["deallocate"]) {
            let last = statement.tokens.iter().rev().find(|token| token.kind != Kind::Semicolon);
            let name = last.map(|token| text[token.range.clone()].to_ascii_lowercase());
            self.plans
                .retain(|plan, _| name.as_ref().is_some_and(|name| name != "all" && name != plan));
            return;
        }
        if let Some((way, source)) = plain::rule(text, statement) {
            if self.sources.len() < MOST_NAMES {
                let known = Known::new(Text::Told(source.clone()));
                self.sources.insert(source.name, vec![known]);
                self.ways.entry(way.name.clone()).or_default().push(way);
            }
            return;
        }
        let name = plain::defines(text, statement);
        if let Some(name) = name.or_else(|| defined(slice).map(|source| source.name)) {
            self.keep(name, slice);
        }
    }

    /// Gives what a routine does to the name that an ALTER FUNCTION … RENAME TO gives it; where that fails,
    /// the old one has it still.
    fn rename(&mut self, text: &str, statement: &Statement) {
        let piece = |at: usize| {
            let token = statement.tokens.get(at).map(|token| &text[token.range.clone()]);
            token.unwrap_or_default().to_ascii_lowercase()
        };
        let renames = |at: &usize| piece(*at) == "rename" && piece(at + 1) == "to";
        let Some(at) = (3..statement.tokens.len()).find(renames) else { return };
        let is_end = |at: &usize| piece(*at) == "(" || piece(*at) == "rename";
        let before = (3..=at).find(is_end).unwrap_or(at) - 1;
        let (before, after) = (piece(before), piece(at + 2));
        if let Some(made) = self.routines.get(&before).cloned() {
            self.routines.entry(after.clone()).or_default().extend(made);
        }
        if let Some(told) = self.sources.get(&before).cloned() {
            self.sources.entry(after).or_default().extend(told);
        }
    }

    /// Puts into a reading what the plans and functions of a statement do.
    pub(super) fn apply(&self, text: &str, statement: &Statement, found: &mut Read) {
        let slice = &text[statement.range.clone()];
        let place = |effect: &Effect| Effect {
            span: statement.range.clone(),
            rows: None,
            ..effect.clone()
        };
        let runs = |effect: &Effect| {
            effect.class == Class::Opaque && effect.verb == Verb::Execute && effect.object.is_some()
        };
        if !self.plans.is_empty()
            && found.effects.iter().any(runs)
            && let Some((inner, plan)) =
                super::executes(slice).and_then(|name| self.plans.get(&name))
        {
            found.effects.retain(|effect| !runs(effect));
            // With its values, it is another condition: `$1 IS NULL OR id = $1`.
            let effects = argument::with_values(inner, slice);
            let effects = effects.as_deref().unwrap_or_else(|| plan.effects());
            found.effects.extend(effects.iter().map(place));
            if let Reading::Unclear { reason, destructive_word, .. } = plan {
                found.reason.get_or_insert_with(|| reason.clone());
                found.destructive_word |= destructive_word;
            }
            for planned in token::statements(inner) {
                let effects = self.reached(inner, &planned, plan.effects());
                found.effects.extend(effects.iter().map(place));
            }
        }
        let reached = self.reached(text, statement, &found.effects);
        found.effects.extend(reached.iter().map(place));
    }

    /// Finds the effects on one row: those whose condition gives a value to each column of a key.
    pub(super) fn narrow(&self, text: &str, effects: &mut [Effect]) {
        for effect in effects.iter_mut().filter(|effect| effect.scope == Scope::Filtered) {
            let object = effect.object.as_deref().map(last);
            let Some(keys) = object.and_then(|table| self.keys.get(table)) else { continue };
            let condition = effect.rows.as_ref().and_then(|rows| text.get(rows.condition.clone()?));
            let Some(columns) = condition.and_then(pinned) else { continue };
            if keys.iter().any(|key| key.iter().all(|column| columns.contains(column))) {
                effect.scope = Scope::One;
                effect.phrase = effect.phrase.replacen("rows of", "one row of", 1);
            }
        }
    }

    /// Returns what the functions do that a statement runs, beside its own effects.
    fn reached(&self, text: &str, statement: &Statement, own: &[Effect]) -> Vec<Effect> {
        let knows = |name: &str| {
            self.routines.contains_key(name)
                || self.sources.contains_key(name)
                || self.ways.contains_key(name)
        };
        if self.routines.is_empty() && self.sources.is_empty() || teaches(text, statement) {
            return Vec::new();
        }
        // Reading it again to find the calls costs as much as the first time.
        let is_word =
            |name: &String| name.chars().all(|c| c.is_alphanumeric() || "_$\"".contains(c));
        let may_use = match self.ways.keys().all(is_word) {
            _ if self.ways.is_empty() => may_call(text, statement, |name, _| knows(name)),
            true => may_mention(text, statement, knows),
            false => true,
        };
        let mentions = if may_use { mentions(text, statement) } else { return Vec::new() };
        // Most do nothing that counts, and then nobody has to look for the calls.
        let acts =
            mentions.iter().any(|mention| !self.follow(&mention.name, &Given::new()).is_empty());
        let mut reached: Vec<Effect> = Vec::new();
        if acts && let Some((trigger, function)) = trigger(text, statement) {
            for effect in self.follow(&function, &Given::new()) {
                if effect.scope == Scope::All {
                    let phrase = format!(
                        "trigger {trigger}, whenever it fires, {function}() {}",
                        effect.phrase
                    );
                    add(&mut reached, effect, phrase);
                }
            }
        }
        let ways = |mention: &Mention| self.ways.get(&mention.name).into_iter().flatten();
        let is_by_name = |uses: &Uses| matches!(uses, Uses::Name | Uses::Part);
        let by_name = || mentions.iter().flat_map(ways).any(|way| way.uses.iter().any(is_by_name));
        let calls = match acts || by_name() {
            true => calls(text, statement),
            false => Some(Vec::new()),
        };
        let Some(calls) = calls else { return reached };
        for Call { name, given, is_repeated } in calls {
            for mut effect in self.follow(&name, &given) {
                let is_some = matches!(effect.scope, Scope::One | Scope::Filtered);
                let each = if is_repeated && is_some { ", for each row" } else { "" };
                if !each.is_empty() {
                    effect.scope = Scope::Unknown;
                }
                let phrase = format!("{name}() {}{each}", effect.phrase);
                add(&mut reached, effect, phrase);
            }
        }
        for mention in &mentions {
            for way in ways(mention) {
                let is_named = way.uses.iter().any(|uses| match uses {
                    Uses::Name => true,
                    Uses::Part => mention.is_part,
                    by => own.iter().any(|effect| by.is_by(effect, &mention.name)),
                });
                if is_named {
                    self.through(way, &mention.name).for_each(|(effect, phrase)| {
                        add(&mut reached, effect, phrase);
                    });
                }
            }
        }
        self.fire(&mut reached);
        reached
    }

    /// Adds what triggers and rules do where effects come upon their tables, and what those fire.
    fn fire(&self, effects: &mut Vec<Effect>) {
        let mut done = 0;
        for _ in 1..MOST_CALLS {
            for index in std::mem::replace(&mut done, effects.len())..effects.len() {
                let effect = effects[index].clone();
                let Some(table) = effect.object.as_deref().map(last) else { continue };
                for way in self.ways.get(table).into_iter().flatten() {
                    if way.uses.iter().any(|uses| uses.is_by(&effect, table)) {
                        self.through(way, table).for_each(|(effect, phrase)| {
                            add(effects, effect, phrase);
                        });
                    }
                }
            }
        }
    }

    /// Returns what is done where a name is used that runs something.
    fn through(&self, way: &Way, name: &str) -> impl Iterator<Item = (Effect, String)> {
        // What a trigger puts together on the way is the application's daily life.
        let is_meant = |effect: &Effect| !(way.fires && effect.class == Class::Opaque);
        let effects = self.follow(&way.routine, &Given::new()).into_iter().filter(is_meant);
        effects.map(move |mut effect| {
            let routine = last(&way.routine);
            let phrase = match way.is_rule {
                true => format!("rule {} {}", routine.trim_matches('"'), effect.phrase),
                false => format!("{name} runs {routine}(), which {}", effect.phrase),
            };
            if way.fires {
                (effect.class, effect.scope) = (Class::Change, Scope::Filtered);
            }
            (effect, phrase)
        })
    }

    /// Returns what a function does, and the functions it calls.
    fn follow(&self, called: &str, given: &Given) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.follow_to(called, given, MOST_CALLS, &mut effects);
        effects
    }

    fn follow_to(&self, called: &str, given: &Given, depth: usize, effects: &mut Vec<Effect>) {
        // A database's name may stand before the schema's.
        let mut parts = called.rsplit('.');
        let (name, schema) = (parts.next().unwrap_or_default(), parts.next());
        // What the session has made since is newer than what the server told, if it was made: of another
        // schema, with other parameters, or where the CREATE failed, the server's is called.
        let known = [&self.routines, &self.sources].into_iter().filter_map(|known| known.get(name));
        let routines = known.flatten().filter_map(Known::routine);
        for routine in routines.filter(|routine| routine.is_in(schema)) {
            effects.extend(routine.does(given));
            for Call { name, given, .. } in routine.calls.iter().filter(|_| depth > 1) {
                self.follow_to(name, given, depth - 1, effects);
            }
        }
    }
}

/// Adds an effect, unless one is there that says the same.
fn add(effects: &mut Vec<Effect>, effect: Effect, phrase: String) {
    if effects.iter().all(|known| known.phrase != phrase) {
        effects.push(Effect { phrase, ..effect });
    }
}

/// Returns the columns that a condition gives a value to.
fn pinned(condition: &str) -> Option<Vec<String>> {
    let text = format!("delete from t where {condition}");
    let statements = token::statements(&text);
    bounded(&text, statements.first()?, || {
        let condition = expression::condition(&child(&parse(&text).0, &[SyntaxKind::DELETE])?)?;
        let parts = expression::chain(&condition, "and");
        let pinned = parts.iter().filter_map(|part| {
            let (left, op, right) = expression::parts(&expression::unwrapped(part))?;
            let is_value = |side: &SyntaxNode| side.kind() == SyntaxKind::LITERAL;
            let column = match (is_value(&left), is_value(&right)) {
                (false, true) => left,
                (true, false) => right,
                _ => return None,
            };
            expression::column(&column).filter(|_| op == "=").map(|(_, column)| column)
        });
        Some(pinned.collect())
    })?
}

/// Returns the last part of a name.
fn last(name: &str) -> &str {
    let start = match name.strip_suffix('"') {
        Some(rest) => rest.rfind('"').unwrap_or(0),
        None => name.rfind('.').map_or(0, |dot| dot + 1),
    };
    &name[start..]
}

/// Returns whether a statement prepares or defines something.
pub(super) fn teaches(text: &str, statement: &Statement) -> bool {
    word(text, statement, 0, &["deallocate", "prepare"])
        || word(text, statement, 0, &["alter"])
            && word(text, statement, 1, &["function", "procedure", "routine"])
        || word(text, statement, 0, &["create"])
            && (1..4).any(|at| word(text, statement, at, &["function", "procedure", "rule"]))
}
