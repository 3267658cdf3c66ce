//! Statements of which the words alone tell what they do: queries that only read, additions of rows,
//! and what defines, changes or drops objects in the forms that migrations and dumps are made of.
//!
//! The parser says the same and takes ten times as long. Whatever has a word in it that could mean
//! more, or is not of these forms to its last word, is left to it.

#[cfg(test)]
mod tests;

use std::ops::Range;

use squawk_syntax::quote::quote_ident;

use super::function;
use super::memory::{Uses, Way};
use super::reader::is_guard;
use super::routine::Source;
use super::rows::is_catalogue;
use super::schema::WIDE;
use super::tree::{in_one_line, shorten};
use crate::lang::token::{Kind, Statement, Token, is_word};
use crate::lang::words::Words;
use crate::lang::{Class, Effect, Scope, Verb};

/// Words with which a statement may do more than its first one says.
const MORE: &[&str] = &[
    "call", "copy", "delete", "detach", "drop", "execute", "explain", "insert", "into", "merge",
    "program", "reassign", "truncate", "update",
];

/// What precedes UPDATE or DELETE where it is a clause of a foreign key, or a lock.
const CLAUSE_BEFORE: &[&str] = &["for", "key", "on"];

/// Kinds of objects that are created with a name behind, and dropped.
const OBJECTS: &[&str] = &[
    "domain",
    "extension",
    "function",
    "index",
    MATERIALIZED,
    "role",
    SCHEMA,
    "sequence",
    "table",
    "trigger",
    "type",
    "user",
    "view",
];

/// Those of which a DROP is left to the parser.
const CREATED_ONLY: &[&str] = &["policy", "procedure"];

const SCHEMA: &str = "schema";

const MATERIALIZED: &str = "materialized view";

/// Kinds of objects that are altered.
const ALTERED: &[&str] = &[
    "aggregate",
    "domain",
    "function",
    "index",
    "procedure",
    "schema",
    "sequence",
    "table",
    "type",
    "view",
];

/// First words of actions of an ALTER TABLE that change nothing in the rows.
const SETTINGS: &[&str] = &["disable", "enable", "replica", "reset", "set"];

/// Settings that are more than that: they rewrite the table, or mean another thing.
const NOT_SETTINGS: &[&str] = &["access", "logged", "tablespace", "unlogged", "with", "without"];

/// Options of EXPLAIN, and the one that runs what is explained.
const OPTIONS: &[&str] =
    &["analyze", "buffers", "costs", "format", "settings", "summary", "timing", "verbose", "wal"];
const ANALYZE: &[&str] = &["analyze"];

/// Rights, and what they are granted on by a name.
const RIGHTS: &[&str] =
    &["all", "delete", "execute", "insert", "references", "select", "truncate", "update", "usage"];
const GRANTED_ON: &[&str] = &["function", "schema", "sequence", "table", "type"];

/// Reads such a statement; none if it is any other.
pub(super) fn read(text: &str, statement: &Statement) -> Option<Vec<Effect>> {
    let words = Words::new(text, &statement.tokens);
    if statement.is_doubtful {
        return None;
    }
    let plain = Plain(words);
    let does_no_more = |from: usize| plain.does_no_more(from..words.len());
    let one = match () {
        () if words.is(0, &["alter"]) => return plain.alter(),
        () if words.is(0, &["drop"]) => return plain.drop(),
        () if words.is(0, &["grant"]) => plain.grant()?,
        () if words.is(0, &["insert"]) && does_no_more(2) => plain.insert()?,
        () if words.is(0, &["create"]) && plain.is_trigger() => plain.create()?,
        () if words.is(0, &["explain"]) => plain.explain()?,
        () if words.is(0, &["call"]) && does_no_more(1) => plain.call()?,
        () if !does_no_more(0) => return None,
        () if words.is(0, &["select", "table", "values", "with"]) => {
            plain.effect(Class::Read, Verb::Read, None, "reads".to_owned())
        }
        () if words.is(0, &["create"]) => plain.create()?,
        () if words.is(0, &["reset", "set"]) => plain.setting()?,
        () if words.are(0, &["comment", "on"]) => {
            let phrase = "sets a comment or label".to_owned();
            plain.effect(Class::Add, Verb::Alter, None, phrase)
        }
        () => return None,
    };
    Some(vec![one])
}

/// The words of a statement.
struct Plain<'a>(Words<'a>);

impl Plain<'_> {
    /// Whether no word there makes it do more, and nothing is called that does.
    fn does_no_more(&self, mut place: Range<usize>) -> bool {
        let Self(words) = self;
        let mut folded = String::new();
        place.all(|at| {
            let (kind, piece) = (words.tokens[at].kind, words.piece(at));
            let name = match kind {
                Kind::Word if is_word(piece, MORE) => {
                    let is_clause = is_word(piece, &["delete", "update"]);
                    return at > 0 && is_clause && words.is(at - 1, CLAUSE_BEFORE);
                }
                Kind::Word => piece,
                // Other ways to write a name.
                Kind::Other | Kind::Name if piece.contains('"') => match quoted(piece) {
                    Some(name) => name,
                    None => return false,
                },
                Kind::Other => return piece != "\\",
                _ => return true,
            };
            folded.clear();
            folded.push_str(name);
            folded.make_ascii_lowercase();
            match words.is_open(at + 1) {
                true => function::deed(&folded).is_none(),
                false => !function::is_dangerous(&folded),
            }
        })
    }

    fn insert(&self) -> Option<Effect> {
        let (table, _) = self.0.is(1, &["into"]).then(|| self.name(2))??;
        if is_catalogue(&table) {
            return None;
        }
        let phrase = format!("inserts into {table}");
        Some(self.effect(Class::Add, Verb::Insert, Some(table), phrase))
    }

    /// EXPLAIN of a query, or of a change where it is not run.
    fn explain(&self) -> Option<Effect> {
        let Self(words) = self;
        let end = if words.is_open(1) { words.after_bracket(1) } else { 1 };
        let options = Words { text: words.text, tokens: &words.tokens[2.min(end)..end.max(2) - 1] };
        let is_known = |option: &Words<'_>| {
            let is_single = option.len() == 1 || option.len() == 2 && !option.is(0, ANALYZE);
            is_single && option.is(0, OPTIONS)
        };
        let options = if end > 1 { options.parts() } else { Vec::new() };
        let at = (end..words.len()).find(|at| !words.is(*at, OPTIONS))?;
        let runs = options.iter().any(|option| option.is(0, ANALYZE))
            || (end..at).any(|at| words.is(at, ANALYZE));
        let is_query = words.is(at, &["select", "table", "values", "with"]);
        let is_change = words.is(at, &["delete", "insert", "merge", "update"]);
        let is_read = is_query && self.does_no_more(at..words.len());
        (options.iter().all(is_known) && (is_read || !runs && (is_query || is_change)))
            .then_some(())?;
        let (class, verb, scope) = (Class::Read, Verb::Read, Scope::One);
        let place = if runs { at } else { 0 };
        let phrase = "reads".to_owned();
        Some(self.effect_at(place..words.len(), class, verb, scope, None, phrase))
    }

    fn call(&self) -> Option<Effect> {
        let (procedure, end) = self.name(1)?;
        let is_whole = self.0.is_open(end) && self.0.after_bracket(end) == self.0.len();
        let phrase = format!("calls procedure {procedure}");
        let (class, verb, all) = (Class::Change, Verb::Execute, 0..self.0.len());
        let effect = || self.effect_at(all, class, verb, Scope::Filtered, Some(procedure), phrase);
        is_whole.then(effect)
    }

    /// SET and RESET of what is the session's own.
    fn setting(&self) -> Option<Effect> {
        let Self(words) = self;
        let at = 1 + usize::from(words.is(0, &["set"]) && words.is(1, &["local", "session"]));
        let (_, end) = self.name(at).filter(|(setting, _)| !is_guard(setting))?;
        let is_set = words.is(end, &["to"]) || words.piece(end) == "=";
        let is_whole = match words.is(0, &["reset"]) {
            true => end == words.len(),
            false => is_set && end + 1 < words.len(),
        };
        let phrase = "changes this session only".to_owned();
        is_whole.then(|| self.effect(Class::Session, Verb::Session, None, phrase))
    }

    fn create(&self) -> Option<Effect> {
        let Self(words) = self;
        let replaces = words.are(1, &["or", "replace"]);
        let mut at = if replaces { 3 } else { 1 };
        at += usize::from(words.is(at, &["temp", "temporary", "unique"]));
        let kind = self.kind(at)?;
        // What holds other statements.
        let is_body = words.is(at, &["function", "procedure"])
            && words.find(&["begin", "select", "with"]).is_some();
        if !is_word(&kind, OBJECTS) && !is_word(&kind, CREATED_ONLY) || is_body {
            return None;
        }
        at += if kind == MATERIALIZED { 2 } else { 1 };
        if kind == "user" && words.is(at, &["mapping"]) {
            return None;
        }
        at += usize::from(words.is(at, &["concurrently"]));
        at += if words.are(at, &["if", "not", "exists"]) { 3 } else { 0 };
        let named =
            if words.is(at, &["on"]) && kind == "index" { None } else { Some(self.name(at)?.0) };
        // Others may be created in it.
        let is_more = kind == SCHEMA && at + 1 != words.len();
        if is_more {
            return None;
        }
        let (class, verb, does) = match replaces {
            true => (Class::Change, Verb::Replace, "creates or replaces"),
            false => (Class::Add, Verb::Create, "creates"),
        };
        let phrase = format!("{does} {kind} {}", named.as_deref().unwrap_or(""));
        Some(self.effect(class, verb, named, phrase.trim_end().to_owned()))
    }

    /// Whether it creates a trigger, all of whose other words are harmless.
    fn is_trigger(&self) -> bool {
        let Self(words) = self;
        let at = if words.are(1, &["or", "replace"]) { 3 } else { 1 };
        let table = words.find(&["on"]).unwrap_or(0);
        let is_event = |at: usize| {
            !words.is(at, MORE)
                || words.is(at, &["delete", "insert", "truncate", "update"])
                    && words.is(at - 1, &["after", "before", "of", "or"])
        };
        let runs = (table..words.len()).find(|at| words.is(*at, &["execute"])).unwrap_or(table);
        words.is(at, &["trigger"])
            && words.is(at + 2, &["after", "before", "instead"])
            && (at..table).all(is_event)
            && self.does_no_more(table..runs)
            && words.is(runs + 1, &["function", "procedure"])
            && self.does_no_more(runs + 1..words.len())
    }

    /// Returns what kind of object is named behind.
    fn kind(&self, at: usize) -> Option<String> {
        let kind = self.0.piece(at).to_ascii_lowercase();
        match kind.as_str() {
            "materialized" => self.0.is(at + 1, &["view"]).then(|| MATERIALIZED.to_owned()),
            _ => Some(kind),
        }
    }

    fn drop(&self) -> Option<Vec<Effect>> {
        let Self(words) = self;
        let kind = self.kind(1)?;
        let mut at = if kind == MATERIALIZED { 3 } else { 2 };
        at += usize::from(kind == "index" && words.is(at, &["concurrently"]));
        let is_mapping = kind == "user" && words.is(at, &["mapping"]);
        at += if words.are(at, &["if", "exists"]) { 2 } else { 0 };
        (is_word(&kind, OBJECTS) && !is_mapping).then_some(())?;
        let mut objects = Vec::new();
        let last = loop {
            let (mut object, mut end) = self.name(at)?;
            let place = match kind.as_str() {
                "function" if words.is_open(end) => {
                    end = words.after_bracket(end);
                    at..end
                }
                "trigger" => {
                    let (table, behind) = words.is(end, &["on"]).then(|| self.name(end + 1))??;
                    object = format!("{object} on {table}");
                    at..std::mem::replace(&mut end, behind)
                }
                _ => at..end,
            };
            objects.push((object, place));
            at = end + 1;
            if words.piece(end) != "," {
                break end;
            }
        };
        let cascades = words.is(last, &["cascade"]);
        let end = last + usize::from(cascades || words.is(last, &["restrict"]));
        let more = if cascades { " and what depends on it" } else { "" };
        let effect = |(object, place): (String, Range<usize>)| {
            let phrase = format!("drops {kind} {object}{more}");
            self.effect_at(place, Class::Destroy, Verb::Drop, Scope::All, Some(object), phrase)
        };
        (end == words.len()).then(|| objects.into_iter().map(effect).collect())
    }

    fn alter(&self) -> Option<Vec<Effect>> {
        let Self(words) = self;
        let kind = words.piece(1).to_ascii_lowercase();
        let mut at = 2;
        at += if words.are(at, &["if", "exists"]) { 2 } else { 0 };
        at += usize::from(kind == "table" && words.is(at, &["only"]));
        // The parser's BETWEEN shows in another way.
        let is_other = (at..words.len()).any(|at| words.is(at, &["between"]));
        let (object, end) = self.name(at).filter(|_| !is_other && words.is(1, ALTERED))?;
        let mut from = if words.is_open(end) { words.after_bracket(end) } else { end };
        let mut effects = Vec::new();
        for part in words.from(from).parts() {
            let place = from..from + part.len();
            from = place.end + 1;
            let (class, verb, scope, does) = self.action(&kind, &object, place.clone())?;
            effects.push(self.effect_at(place, class, verb, scope, Some(object.clone()), does));
        }
        Some(effects)
    }

    /// Reads one action of an ALTER.
    fn action(
        &self,
        kind: &str,
        object: &str,
        place: Range<usize>,
    ) -> Option<(Class, Verb, Scope, String)> {
        let Self(words) = self;
        let whole = format!("{kind} {object}");
        let shown = line(words.text, &words.tokens[place.clone()]);
        let first = place.start;
        let alters = |phrase| Some((Class::Change, Verb::Alter, Scope::One, phrase));
        let is_table = kind == "table";
        if words.are(first, &["owner", "to"]) && place.len() == 3 {
            return alters(format!("alters {whole}: {shown}"));
        }
        if words.are(first, &["owned", "by"]) && self.name(first + 2)?.1 == place.end {
            return (kind == "sequence").then(|| alters(format!("alters {whole}: {shown}")))?;
        }
        if words.is(first, &["rename"]) {
            let is_part = is_table && words.is(first + 1, &["column", "constraint"]);
            let to = if is_part { self.name_part(first + 2)?.1 } else { first + 1 };
            let is_whole = words.is(to, &["to"]) && self.name_part(to + 1)?.1 == place.end;
            let phrase = format!("renames in {whole}: {shown}");
            return is_whole.then_some((Class::Change, Verb::Rename, Scope::One, phrase));
        }
        if is_table && words.is(first, &["drop"]) {
            let part = if words.is(first + 1, &["constraint"]) { "constraint" } else { "column" };
            let mut at = first + 1 + usize::from(words.is(first + 1, &["column", "constraint"]));
            at += if words.are(at, &["if", "exists"]) { 2 } else { 0 };
            let (name, end) = self.name_part(at)?;
            let cascades = words.is(end, &["cascade"]);
            let more = if cascades { " and what depends on it" } else { "" };
            let phrase = format!("drops {part} {name} of {whole}{more}");
            let is_whole = end + usize::from(cascades) == place.end;
            return is_whole.then_some((Class::Destroy, Verb::DropColumn, Scope::All, phrase));
        }
        if !is_table || !self.does_no_more(first + 1..place.end) && !words.is(first, &["alter"]) {
            return None;
        }
        if words.is(first, &["add"]) && !words.is_open(first + 1) {
            let phrase = format!("adds to {whole}: {shown}");
            return Some((Class::Add, Verb::Alter, Scope::One, phrase));
        }
        if words.is(first, SETTINGS) && !words.is(first + 1, NOT_SETTINGS) {
            return alters(format!("alters {whole}: {shown}"));
        }
        let adds = words.are(first, &["attach", "partition"])
            || words.are(first, &["validate", "constraint"]);
        if adds {
            let phrase = format!("adds to {whole}: {shown}");
            return Some((Class::Add, Verb::Alter, Scope::One, phrase));
        }
        words.is(first, &["alter"]).then_some(())?;
        let column = first + 1 + usize::from(words.is(first + 1, &["column"]));
        let (name, end) = self.name_part(column)?;
        let is = |list: &[&str]| words.are(end, list) && end + list.len() == place.end;
        let drops = is(&["drop", "not", "null"]) || is(&["drop", "default"]);
        let ty = end + if words.are(end, &["set", "data"]) { 2 } else { 0 };
        if words.is(ty, &["type"]) && self.does_no_more(ty..place.end) {
            let is_wide = ty + 2 == place.end && words.is(ty + 1, WIDE);
            let (scope, does) = match is_wide {
                true => (Scope::One, "changes the type of"),
                false => (Scope::All, "rewrites every value of"),
            };
            let phrase = format!("{does} column {name} of {whole}: {shown}");
            return Some((Class::Change, Verb::AlterType, scope, phrase));
        }
        let is_alone = || words.tokens.iter().all(|token| token.kind != Kind::Comma);
        let is_plain = is(&["set", "not", "null"])
            || drops && is_alone()
            || words.are(end, &["set", "default"]) && self.does_no_more(end..place.end);
        is_plain.then(|| alters(format!("alters column {name} of {whole}: {shown}")))?
    }

    fn grant(&self) -> Option<Effect> {
        let Self(words) = self;
        let mut at = 1;
        loop {
            words.is(at, RIGHTS).then_some(())?;
            at += 1;
            if words.piece(at) != "," {
                break;
            }
            at += 1;
        }
        words.is(at, &["on"]).then_some(())?;
        at += 1;
        at += usize::from(words.is(at, GRANTED_ON));
        let (object, end) = self.name(at)?;
        words.is(end, &["to"]).then_some(())?;
        let (_, end) = self.name(end + 1)?;
        let phrase = format!("grants: {}", line(words.text, words.tokens));
        let effect = self.effect(Class::Add, Verb::Grant, Some(object), phrase);
        (end == words.len()).then_some(effect)
    }

    /// Reads a name as the parser does; returns the place behind it.
    fn name(&self, at: usize) -> Option<(String, usize)> {
        let (mut name, mut end) = self.name_part(at)?;
        while self.0.piece(end) == "." {
            let (part, behind) = self.name_part(end + 1)?;
            (name, end) = (format!("{name}.{part}"), behind);
        }
        // A temporary one is the session's own.
        (!name.starts_with("pg_temp.")).then_some((name, end))
    }

    fn name_part(&self, at: usize) -> Option<(String, usize)> {
        let piece = self.0.piece(at);
        let part = match self.0.tokens.get(at)?.kind {
            Kind::Word => piece.to_ascii_lowercase(),
            _ => quote_ident(quoted(piece)?),
        };
        Some((part, at + 1))
    }

    fn effect(&self, class: Class, verb: Verb, object: Option<String>, phrase: String) -> Effect {
        self.effect_at(0..self.0.len(), class, verb, Scope::One, object, phrase)
    }

    fn effect_at(
        &self,
        place: Range<usize>,
        class: Class,
        verb: Verb,
        scope: Scope,
        object: Option<String>,
        phrase: String,
    ) -> Effect {
        let tokens = Words { text: self.0.text, tokens: &self.0.tokens[place] };
        Effect::on(class, verb, object, scope, tokens.range(), phrase)
    }
}

/// Returns the name, without schema, of the function or procedure that a statement creates.
pub(super) fn defines(text: &str, statement: &Statement) -> Option<String> {
    let words = Words::new(text, &statement.tokens);
    let kind = (1..4).find(|at| words.is(*at, &["function", "procedure"]))?;
    let (mut last, mut end) = Plain(words).name_part(kind + 1)?;
    while words.piece(end) == "." {
        (last, end) = Plain(words).name_part(end + 1)?;
    }
    Some(last)
}

/// Returns what runs a rule that a statement creates, and its text.
pub(super) fn rule(text: &str, statement: &Statement) -> Option<(Way, Source)> {
    let words = Words::new(text, &statement.tokens);
    let at = if words.are(1, &["or", "replace"]) { 3 } else { 1 };
    (words.is(0, &["create"]) && words.is(at, &["rule"])).then_some(())?;
    let (name, end) = Plain(words).name_part(at + 1)?;
    words.are(end, &["as", "on"]).then_some(())?;
    let uses = match words.piece(end + 2).to_ascii_lowercase().as_str() {
        "delete" => Uses::Delete,
        "insert" => Uses::Insert,
        "update" => Uses::Update,
        _ => return None,
    };
    let (mut table, mut behind) = Plain(words).name_part(end + 4)?;
    while words.piece(behind) == "." {
        (table, behind) = Plain(words).name_part(behind + 1)?;
    }
    // No function is called so.
    let name = format!("{name} on {table}");
    let way =
        Way { name: table, uses: vec![uses], is_rule: true, fires: true, routine: name.clone() };
    let (language, text) = ("rule".to_owned(), text[statement.range.clone()].to_owned());
    Some((way, Source { name, language, text, ..Source::default() }))
}

/// Reads an ALTER that the parser does not know, and servers do.
pub(super) fn altered(text: &str, statement: &Statement) -> Option<Vec<Effect>> {
    let words = Words::new(text, &statement.tokens);
    let plain = Plain(words);
    let may_do_more = statement.is_doubtful || !plain.does_no_more(1..words.len());
    (words.is(0, &["alter"]) && !may_do_more).then_some(())?;
    if words.is(1, &["table"]) {
        return read(text, statement);
    }
    let after = |at: usize| Some(plain.name(at)?.1);
    let is_known = match () {
        () if words.are(1, &["user", "mapping", "for"]) => words.is(5, &["server"]),
        () if words.are(1, &["statistics", "if", "exists"]) => words.is(after(4)?, &["set"]),
        () if words.are(1, &["materialized", "view"]) => words.is(after(3)?, &["add"]),
        () => words.is(1, &["database"]) && words.are(after(2)?, &["set", "time", "zone"]),
    };
    let what: Vec<&str> = (1..4).map(|at| words.piece(at)).collect();
    let phrase = format!("alters {}", what.join(" ").to_lowercase());
    is_known.then(|| vec![plain.effect(Class::Change, Verb::Alter, None, phrase)])
}

/// Returns what stands in the quotes of a plain quoted name.
pub(super) fn quoted(piece: &str) -> Option<&str> {
    let inner = piece.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.is_empty() && !inner.contains('"')).then_some(inner)
}

/// Returns tokens in one line.
pub(super) fn line(text: &str, tokens: &[Token]) -> String {
    let mut last = tokens.first().map_or(0, |first| first.range.start);
    shorten(&in_one_line(tokens.iter().map(|token| {
        let is_apart = token.range.start > std::mem::replace(&mut last, token.range.end);
        (is_apart, &text[token.range.clone()])
    })))
}
