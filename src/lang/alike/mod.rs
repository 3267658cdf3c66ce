//! Statements that differ from earlier ones of the same text in plain literals alone, where none of
//! these can matter: what such a one does is told from what the earlier ones do.
//!
//! Long scripts are made of them, and a parser takes ten times as long. A literal matters where it can
//! decide whether a condition leaves rows out, names something, or is run; so a DELETE or UPDATE counts
//! only with `column = literal` among conditions that all have to hold, and what is not listed here is
//! left to the parser.

mod outline;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::ops::Range;

use self::outline::{Outline, outline};
use super::token::{Statement, Token};
use super::{Effect, Rows};

/// Most kinds of statements that are remembered.
const MOST: usize = 2_000;

/// What a call means for the literals of its statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Care {
    /// It only computes.
    Free,
    /// It acts, on what a condition may choose.
    Acts,
    /// It runs a text.
    Runs,
}

/// What is particular to a language.
#[derive(Clone, Copy)]
pub(super) struct Dialect {
    /// What a call by a name, folded, means.
    pub(super) care: fn(&str) -> Care,
    /// Writes tokens as phrases have them.
    pub(super) show: fn(&str, &[Token]) -> String,
    /// Whether phrases show all from WHERE on, and not the condition only.
    pub(super) shows_where: bool,
}

/// What is known of statements by their outlines.
pub(super) struct Alike {
    dialect: Dialect,
    known: HashMap<String, Known>,
    /// Of the statement that was asked about last.
    last: Option<Outline>,
}

enum Known {
    /// Seen once: the next one shows whether it can be told so.
    Once(Vec<Model>),
    /// Two were read, and agreed.
    Sure(Vec<Model>),
    /// Phrases or places cannot be told from another one.
    Differs,
}

/// An effect; its places are those of the outline.
struct Model {
    effect: Effect,
    span: Range<usize>,
    source: Option<Range<usize>>,
    condition: Option<Range<usize>>,
    /// What stands around the shown condition, if that is in its phrase.
    around: Option<(String, String)>,
}

impl Alike {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self { dialect, known: HashMap::new(), last: None }
    }

    /// Tells what a statement does, if that is known from others.
    pub(super) fn tell(&mut self, text: &str, statement: &Statement) -> Option<Vec<Effect>> {
        self.last = outline(text, statement, &self.dialect);
        let outline = self.last.as_ref()?;
        match self.known.get(&outline.key)? {
            Known::Sure(models) => self.filled(text, statement, models),
            Known::Once(_) | Known::Differs => None,
        }
    }

    /// Learns what the statement does that was asked about last.
    pub(super) fn learn(&mut self, text: &str, statement: &Statement, effects: &[Effect]) {
        let Some(outline) = &self.last else { return };
        let known = match self.known.get(&outline.key) {
            None if self.known.len() >= MOST => return,
            None => match models(text, statement, outline, &self.dialect, effects) {
                Some(models) => Known::Once(models),
                None => Known::Differs,
            },
            Some(Known::Once(models)) => {
                let is_same = self.filled(text, statement, models).as_deref() == Some(effects);
                match models_of(self.known.remove(&outline.key)).filter(|_| is_same) {
                    Some(models) => Known::Sure(models),
                    None => Known::Differs,
                }
            }
            Some(Known::Sure(_) | Known::Differs) => return,
        };
        self.known.insert(outline.key.clone(), known);
    }

    fn filled(&self, text: &str, statement: &Statement, models: &[Model]) -> Option<Vec<Effect>> {
        let outline = self.last.as_ref()?;
        let place = |places: &Range<usize>| {
            let first = &statement.tokens[*outline.places.get(places.start)?];
            let last = &statement.tokens[*outline.places.get(places.end)?];
            Some(first.range.start..last.range.end)
        };
        let shown = || {
            let tokens = statement.tokens.get(outline.shown.clone()?)?;
            Some((self.dialect.show)(text, tokens))
        };
        let fill = |model: &Model| {
            let mut effect = Effect { span: place(&model.span)?, ..model.effect.clone() };
            if let Some(source) = &model.source {
                let condition = match &model.condition {
                    Some(condition) => Some(place(condition)?),
                    None => None,
                };
                effect.rows = Some(Rows { source: place(source)?, condition });
            }
            if let Some((before, after)) = &model.around {
                effect.phrase = format!("{before}{}{after}", shown()?);
            }
            Some(effect)
        };
        models.iter().map(fill).collect()
    }
}

fn models_of(known: Option<Known>) -> Option<Vec<Model>> {
    match known? {
        Known::Once(models) | Known::Sure(models) => Some(models),
        Known::Differs => None,
    }
}

/// Makes models of effects; none if a place or a phrase cannot be told from the outline.
fn models(
    text: &str,
    statement: &Statement,
    outline: &Outline,
    dialect: &Dialect,
    effects: &[Effect],
) -> Option<Vec<Model>> {
    let token = |place: usize| &statement.tokens[outline.places[place]].range;
    let places = |range: &Range<usize>| {
        let all = 0..outline.places.len();
        let start = all.clone().find(|place| token(*place).start == range.start)?;
        Some(start..all.clone().find(|place| token(*place).end == range.end)?)
    };
    let model = |effect: &Effect| {
        let rows = effect.rows.as_ref();
        let condition = rows.and_then(|rows| rows.condition.as_ref());
        let around = match &outline.shown {
            Some(tokens) => {
                let shown = (dialect.show)(text, &statement.tokens[tokens.clone()]);
                let (before, after) = effect.phrase.split_once(&shown)?;
                Some((before.to_owned(), after.to_owned()))
            }
            None => None,
        };
        Some(Model {
            span: places(&effect.span)?,
            source: rows
                .map(|rows| places(&rows.source))
                .map_or(Some(None), |found| found.map(Some))?,
            condition: condition.map(&places).map_or(Some(None), |found| found.map(Some))?,
            around,
            effect: Effect { rows: None, ..effect.clone() },
        })
    };
    effects.iter().map(model).collect()
}
