//! What a name or an expression stands for, as far as the text shows it.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use crate::lang::Effect;
use crate::lang::mongo::filter::UNKNOWN;

/// Most things that one of several may be.
const MOST_ALTERNATIVES: usize = 16;

/// What an expression comes to.
#[derive(Debug, Clone, Default)]
pub(super) enum Value {
    /// Nobody knows before it runs.
    #[default]
    Unknown,
    /// Something whose methods lose nothing, though their names are alike: a `Map`, a cursor.
    Harmless,
    /// Text, a number, null, or a value of extended JSON.
    Literal(Json),
    /// An object written down: its members in their order.
    Record(Arc<Vec<(String, Value)>>),
    /// An array.
    List(List),
    /// A database by its name, which is empty where it is not known.
    Database(String),
    /// A client or a session of one.
    Connection,
    /// A collection, or a method of one that is not called yet.
    Collection(Place),
    /// A list of writes that run together, by its place among those of the session.
    Bulk(usize),
    /// What a filter selected in it.
    Selected(usize, Json),
    /// What a filter selected in something that may be a list of writes, as it is written.
    Found(Json, String),
    /// A function.
    Function(Arc<Summary>),
    /// One of several: which shows when it runs.
    OneOf(Arc<Vec<Value>>),
    /// `rs` or `sh`.
    Cluster(&'static str),
}

/// An array, as it was written or put together.
#[derive(Debug, Clone, Default)]
pub(super) struct List {
    pub(super) items: Arc<Vec<Value>>,
    /// Whether a loop or a `map` made it: there are any number of each.
    pub(super) is_repeated: bool,
}

/// Where a collection is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// The database; empty where it is not known.
    pub(super) database: String,
    /// The collection, or the expression that says which.
    pub(super) name: String,
}

/// What a function does when it is called.
#[derive(Debug, Default)]
pub(super) struct Summary {
    pub(super) effects: Vec<Effect>,
    pub(super) returns: Value,
    /// Whether it calls what it is given.
    pub(super) calls: Calls,
    /// Methods that it calls on `this`.
    pub(super) own: Vec<String>,
    /// The method that was taken off its collection, where it is one.
    pub(super) method: Option<Place>,
    /// Which text it stands in: places in another mean nothing here.
    pub(super) text: u64,
}

/// Whether a function calls what it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Calls {
    #[default]
    Never,
    Once,
    Often,
}

impl Value {
    /// One of several; nothing is none of them.
    pub(super) fn one_of(all: impl IntoIterator<Item = Self>) -> Self {
        let mut known = Vec::new();
        for value in all {
            match value {
                Self::Literal(json) if json == undefined() => {}
                Self::OneOf(more) => known.extend(more.iter().cloned()),
                value => known.push(value),
            }
        }
        known.truncate(MOST_ALTERNATIVES);
        match known.len() {
            0 => Self::Unknown,
            1 => known.remove(0),
            _ if known.iter().all(Self::is_unknown) => Self::Unknown,
            _ => Self::OneOf(Arc::new(known)),
        }
    }

    /// One of the things in a list or an object that can do something.
    pub(super) fn any_within(&self) -> Self {
        let mut found = Vec::new();
        self.doers(&mut found, 3);
        Self::one_of(found)
    }

    /// Collects what can do something: functions, and what has methods that do.
    fn doers(&self, found: &mut Vec<Self>, depth: usize) {
        let within: Vec<&Self> = match self {
            Self::Function(_) | Self::Collection(_) | Self::Database(_) => {
                return found.push(self.clone());
            }
            Self::List(list) => list.items.iter().collect(),
            Self::Record(members) => members.iter().map(|(_, value)| value).collect(),
            _ => return,
        };
        for value in within {
            if depth > 0 && found.len() < MOST_ALTERNATIVES {
                value.doers(found, depth - 1);
            }
        }
    }

    /// Collects the functions in a list or an object.
    pub(super) fn functions(&self) -> Vec<Arc<Summary>> {
        let mut found = Vec::new();
        self.doers(&mut found, 3);
        let function =
            |value| if let Self::Function(summary) = value { Some(summary) } else { None };
        found.into_iter().filter_map(function).collect()
    }

    pub(super) fn text(text: &str) -> Self {
        Self::Literal(Json::String(text.to_owned()))
    }

    pub(super) fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }

    /// Returns a text that is known.
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Literal(Json::String(text)) => Some(text),
            _ => None,
        }
    }

    /// Returns a member of an object that is written down.
    pub(super) fn member(&self, name: &str) -> Option<&Self> {
        let Self::Record(members) = self else { return None };
        members.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// Makes extended JSON of it; what is not known is marked as that.
    pub(super) fn json(&self) -> Json {
        match self {
            Self::Literal(json) => json.clone(),
            Self::Record(members) => Json::Object(
                members.iter().map(|(key, value)| (key.clone(), value.json())).collect(),
            ),
            Self::List(list) => Json::Array(list.items.iter().map(Self::json).collect()),
            Self::Unknown
            | Self::Harmless
            | Self::Database(_)
            | Self::Connection
            | Self::Collection(_)
            | Self::Bulk(_)
            | Self::Selected(..)
            | Self::Found(..)
            | Self::OneOf(_)
            | Self::Function(_)
            | Self::Cluster(_) => unknown(),
        }
    }
}

/// What a name stands for that was given nothing.
pub(super) fn undefined() -> Json {
    json!({"$undefined": true})
}

/// Makes the extended JSON of what is not known.
pub(super) fn unknown() -> Json {
    Json::Object(Map::from_iter([(UNKNOWN.to_owned(), Json::Null)]))
}
