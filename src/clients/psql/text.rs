//! A whole text as psql would run it: its statements and its meta commands, as effects.
#![forbid(unsafe_code)]

use std::ops::Range;

use super::meta::{self, Consequence, Item, Meta, Variables, copy};
use crate::lang::postgres::{self, Ahead};
use crate::lang::{Class, Effect, Reading, Scope, Verb};

/// Commands that neither connect nor choose between statements, beside those that describe (`\d…`).
const KEEPS_NAMES: &[&str] =
    &["copy", "echo", "pset", "qecho", "set", "timing", "unset", "warn", "x"];

/// Reads a script, or what was piped in, as far as the text alone tells.
#[must_use]
pub fn read(text: &str) -> Reading {
    // Without a backslash there is no meta command, and statements keep their exact places.
    if !text.contains('\\') {
        let reading = postgres::read(text);
        if matches!(reading, Reading::Understood(_)) || !meta::has_variable(text) {
            return reading;
        }
    }
    let memory = postgres::Memory::default();
    let mut all = Collected {
        script: postgres::Script::new(&memory),
        variables: Variables::given(&[]),
        effects: Vec::new(),
        reason: None,
        destructive_word: false,
    };
    let items = meta::scan(text);
    let statements: Vec<&str> = items.iter().filter_map(|item| statement(text, item)).collect();
    let mut ahead = Ahead::of_parts(&statements).into_iter();
    for item in &items {
        match item {
            Item::Statement { range, .. } | Item::Incomplete(range) => {
                let (sent, ahead) = (statement(text, item).unwrap_or_default(), ahead.next());
                all.statement(text, sent, range, ahead);
            }
            Item::Meta(meta) => all.meta(meta),
            Item::Data(_) => {}
        }
    }
    match all.reason {
        None => Reading::Understood(all.effects),
        Some(reason) => Reading::Unclear {
            reason,
            effects: all.effects,
            destructive_word: all.destructive_word,
        },
    }
}

/// Returns what psql sends for an item, but for its variables.
fn statement<'a>(text: &'a str, item: &'a Item) -> Option<&'a str> {
    match item {
        Item::Statement { text, .. } => Some(text),
        Item::Incomplete(range) => text.get(range.clone()),
        Item::Meta(_) | Item::Data(_) => None,
    }
}

struct Collected<'a> {
    script: postgres::Script<'a>,
    variables: Variables,
    effects: Vec<Effect>,
    reason: Option<String>,
    destructive_word: bool,
}

impl Collected<'_> {
    /// Adds a statement that stands at a place, or that a command at that place sends; it may have
    /// been read ahead.
    fn statement(
        &mut self,
        text: &str,
        statement: &str,
        range: &Range<usize>,
        ahead: Option<Ahead>,
    ) {
        let Some(filled) = meta::filled(statement, &self.variables) else {
            let phrase = "runs what a variable holds, which was not read".to_owned();
            let effect = Effect::new(Class::Opaque, Verb::Execute, range.clone(), phrase);
            return self.effects.push(effect);
        };
        let ahead = ahead.filter(|_| filled == statement);
        let reading = self.script.take(&filled, ahead.unwrap_or_else(|| Ahead::of(&filled)));
        // Not there where a command sends it, or where it began in an earlier piece. What stands
        // before it there may be spaces only.
        let piece = text.get(range.clone()).unwrap_or_default();
        let spaces = filled.len() - filled.trim_start().len();
        let start = piece.find(filled.trim()).map(|at| range.start + at);
        let whole = range.start + piece.len() - piece.trim_start().len()..range.end;
        for effect in reading.effects() {
            let mut effect = effect.clone();
            // Its parts are places in the statement, which may be put together from several.
            effect.rows = None;
            effect.span = match start {
                Some(start) => {
                    let place = |at: usize| (at + start).saturating_sub(spaces);
                    place(effect.span.start)..place(effect.span.end)
                }
                None => whole.clone(),
            };
            self.effects.push(effect);
        }
        if let Reading::Unclear { reason, destructive_word, .. } = reading {
            self.reason.get_or_insert(reason);
            self.destructive_word |= destructive_word;
        }
    }

    fn meta(&mut self, meta: &Meta) {
        self.variables.follow(meta);
        // It may connect anew, or choose between statements.
        if !KEEPS_NAMES.contains(&meta.name.as_str()) && !meta.name.starts_with('d') {
            self.script.forget_temporary();
        }
        // `\gdesc` only asks what the columns would be.
        if let Some(sent) = meta.sends.as_deref().filter(|_| meta.name != "gdesc") {
            self.statement("", sent, &meta.range, None);
        }
        for consequence in meta::consequences(meta) {
            match consequence {
                Consequence::Effect(effect) => self.effects.push(effect),
                // What it repeats it also sends.
                Consequence::Repeats(_) => {}
                Consequence::Reads { path, .. } => {
                    let path = path.as_deref().unwrap_or("that a variable names");
                    self.opaque(meta, format!("runs the file {path}, which was not read"));
                }
                Consequence::Connects => {
                    let phrase = "connects anew, perhaps elsewhere".to_owned();
                    self.push(meta, Class::Session, Verb::Session, Scope::One, phrase);
                }
            }
        }
        match &*meta.name {
            "gexec" => self.opaque(meta, "runs what the query returns".to_owned()),
            "copy" => {
                let args = meta.args.first().map_or("", String::as_str);
                match copy::sent(args) {
                    Some(sent) => self.statement("", &sent, &meta.range, None),
                    None => self.opaque(meta, "copies what could not be read".to_owned()),
                }
            }
            _ => {}
        }
    }

    fn opaque(&mut self, meta: &Meta, phrase: String) {
        self.push(meta, Class::Opaque, Verb::Execute, Scope::Unknown, phrase);
    }

    fn push(&mut self, meta: &Meta, class: Class, verb: Verb, scope: Scope, phrase: String) {
        let mut effect = Effect::new(class, verb, meta.range.clone(), phrase);
        effect.scope = scope;
        self.effects.push(effect);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each effect as class, verb and the text it stands for.
    fn told(text: &str) -> String {
        let reading = read(text);
        let effects: Vec<String> = reading
            .effects()
            .iter()
            .map(|effect| {
                format!("{:?} {:?} {:?}", effect.class, effect.verb, &text[effect.span.clone()])
            })
            .collect();
        let unclear = if matches!(reading, Reading::Unclear { .. }) { " unclear" } else { "" };
        format!("{}{unclear}", effects.join("; "))
    }

    #[test]
    fn statements_and_meta_commands() {
        for (text, expected) in [
            ("DROP TABLE a;", r#"Destroy Drop "a""#),
            ("SELECT 1;\n\\echo a\nTRUNCATE b;", r#"Read Read "SELECT 1"; Destroy Truncate "b""#),
            ("\\set t a\n\nTRUNCATE :t;", r#"Destroy Truncate "TRUNCATE :t;""#),
            (
                "CREATE TEMP TABLE a (b int);\n\\timing\nDELETE FROM a;",
                r#"Add Create "CREATE TEMP TABLE a (b int)"; Session Delete "DELETE FROM a""#,
            ),
            (
                "CREATE TEMP TABLE a (b int);\n\\c other\nDELETE FROM a;",
                r#"Add Create "CREATE TEMP TABLE a (b int)"; Session Session "\\c other"; Remove Delete "DELETE FROM a""#,
            ),
            (
                "\\set x 1\nDELETE FROM a;\nTRUNCATE b",
                r#"Remove Delete "DELETE FROM a"; Destroy Truncate "b""#,
            ),
            ("\\! ls", r#"Escape Shell "\\! ls""#),
            ("\\set SINGLESTEP off", r#"Escape Unguard "\\set SINGLESTEP off""#),
            ("\\d orders", ""),
            ("\\i a.sql", r#"Opaque Execute "\\i a.sql""#),
            ("\\c other", r#"Session Session "\\c other""#),
            ("\\copy a from 'x.csv'", r#"Add Insert "\\copy a from 'x.csv'""#),
            (
                "\\copy (select 1 from a) to 'x.csv'",
                r#"Read Read "\\copy (select 1 from a) to 'x.csv'""#,
            ),
            (
                "\\copy (delete from a returning *) to x",
                r#"Remove Delete "\\copy (delete from a returning *) to x""#,
            ),
        ] {
            assert_eq!(told(text), expected, "{text}");
        }
    }

    #[test]
    fn what_a_command_sends_counts() {
        assert!(told("DROP TABLE a \\g").contains("Destroy Drop"));
        assert!(told("DELETE FROM a \\watch 1").contains("Remove Delete"));
        assert!(!told("DELETE FROM a \\gdesc").contains("Remove Delete"));
        assert!(told("SELECT 'x' \\gexec").contains("Opaque Execute"));
    }

    #[test]
    fn nothing_panics_on_a_torn_text() {
        let text = "SELECT 'é\\' \\g |x\n\\copy a from stdin\n1\n\\.\nDROP TABLE \"é\"; \\\\ \\! y";
        for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
            let reading = read(&text[..end]);
            for effect in reading.effects() {
                assert!(text[..end].get(effect.span.clone()).is_some(), "{end}: {effect:?}");
            }
        }
    }
}
