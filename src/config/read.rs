//! One file into the configuration: every value on its own, every mistake kept.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{self, KEYS, Key, Slot, Stricter};
use super::types::Tint;
use super::{Config, ConfigError, parse};

/// Whose file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// The built-in defaults or the user's own file: may say anything.
    User,
    /// The project's: may only make policy stricter.
    Project,
}

/// The least size that can be asked for, in bytes: less would remove what is being looked for.
const LEAST_SIZE: u64 = 10_000_000;

/// A value with its place.
pub(super) type Item<'a> = Spanned<DeValue<'a>>;

/// Reads one file over a configuration.
pub(super) struct Reader<'a> {
    pub(super) file: &'a Path,
    pub(super) source: &'a str,
    pub(super) layer: Layer,
    pub(super) config: &'a mut Config,
    pub(super) errors: &'a mut Vec<ConfigError>,
    /// Targets that freezes name, each with its place.
    pub(super) frozen: Vec<(String, Range<usize>)>,
}

impl<'a> Reader<'a> {
    /// Makes the reader of one file; mistakes go to `errors`.
    pub(super) fn new(
        file: &'a Path,
        source: &'a str,
        layer: Layer,
        config: &'a mut Config,
        errors: &'a mut Vec<ConfigError>,
    ) -> Self {
        Self { file, source, layer, config, errors, frozen: Vec::new() }
    }
}

impl Reader<'_> {
    /// Reads the whole text.
    pub(super) fn read(&mut self) {
        let (document, broken) = DeTable::parse_recoverable(self.source);
        for error in broken {
            let span = error.span().unwrap_or(0..0);
            let mistake = self.mistake(span, "this is not TOML");
            mistake.label = Some(error.message().replace('\n', ", "));
            mistake.hides_targets = true;
        }
        let syntax = self.errors.len();
        for (name, item) in document.get_ref() {
            self.section(name.get_ref(), name.span(), item);
        }
        self.check_freezes();
        // What the parser made up to go on is not the user's second mistake.
        let (torn, made_up) = self.errors.split_at(syntax);
        let touches = |error: &ConfigError| torn.iter().any(|torn| meet(torn, error));
        let kept: Vec<ConfigError> = made_up.iter().filter(|e| !touches(e)).cloned().collect();
        self.errors.truncate(syntax);
        self.errors.extend(kept);
    }

    fn section(&mut self, name: &str, span: Range<usize>, item: &Item<'_>) {
        let known = keys::sections();
        if !known.contains(&name) {
            let title = format!("unknown table `{name}`");
            let mistake = self.unknown(span, &title, name, &known);
            // It may be a `[[target]]` in the wrong words.
            mistake.hides_targets = true;
            return;
        }
        match (name, item.get_ref()) {
            ("target", DeValue::Array(entries)) => {
                for entry in entries {
                    self.target(entry);
                }
            }
            ("freeze", DeValue::Array(entries)) => {
                for entry in entries {
                    self.freeze(entry);
                }
            }
            ("target" | "freeze", _) => {
                let mistake = self.mistake(span, &format!("`{name}` is a list of tables"));
                mistake.label = Some(format!("write `[[{name}]]`"));
                mistake.hides_targets = name == "target";
            }
            (_, DeValue::Table(table)) => self.plain_section(name, table),
            (_, _) => {
                let mistake = self.mistake(span, &format!("`{name}` is a table"));
                mistake.label = Some(format!("write `[{name}]`"));
            }
        }
    }

    fn plain_section(&mut self, section: &str, table: &DeTable<'_>) {
        let known = keys::keys_of(section);
        for (name, item) in table {
            let key: &str = name.get_ref();
            match (section, key) {
                ("hours", "late") => self.late(item),
                ("hours", "tiers") => self.hours_tiers(item),
                ("hours", "timezone") => self.timezone(item),
                ("look", "tint") => self.tint(item),
                ("redact", "patterns") => self.redact(item),
                (_, _) => match KEYS.iter().find(|k| k.section == section && k.name == key) {
                    Some(key) => self.plain(key, item),
                    None => {
                        let title = format!("unknown key `{section}.{key}`");
                        self.unknown(name.span(), &title, key, &known);
                    }
                },
            }
        }
    }

    /// Reads a duration, a number or a flag.
    fn plain(&mut self, key: &Key, item: &Item<'_>) {
        let path = format!("{}.{}", key.section, key.name);
        // The loosest value of the layer below is what a project's file may not pass.
        let mut next = self.config.clone();
        match (key.slot)(&mut next) {
            Slot::Duration(slot) => {
                let Some(value) = self.duration(&path, item) else {
                    return;
                };
                let (least, greatest) = key.limits;
                if value < least || value > greatest {
                    let (least, greatest) =
                        (parse::show_duration(least), parse::show_duration(greatest));
                    let mistake = self.mistake(item.span(), &format!("`{path}` is out of range"));
                    mistake.label = Some(format!("this is not from {least} to {greatest}"));
                    return;
                }
                let is_stricter = ordered(key.stricter, slot, &value);
                if !self.may(is_stricter, &path, &parse::show_duration(*slot), item) {
                    return;
                }
                *slot = value;
            }
            Slot::Count(slot) => {
                let Some(value) = self.number(&path, 1, item) else { return };
                let is_stricter = ordered(key.stricter, slot, &value);
                if !self.may(is_stricter, &path, &slot.to_string(), item) {
                    return;
                }
                *slot = value;
            }
            Slot::Days(slot) => {
                let Some(value) = self.number(&path, 0, item) else { return };
                if !self.may(value == *slot, &path, &slot.to_string(), item) {
                    return;
                }
                *slot = value;
            }
            Slot::Size(slot) => {
                let Some(value) = self.size(&path, item) else { return };
                if !self.may(value == *slot, &path, &parse::show_size(*slot), item) {
                    return;
                }
                *slot = value;
            }
            Slot::Flag(slot) => {
                let Some(value) = self.flag(&path, item) else {
                    return;
                };
                let is_stricter = key.stricter == Stricter::On && (value || !*slot);
                if !self.may(is_stricter, &path, &slot.to_string(), item) {
                    return;
                }
                *slot = value;
            }
        }
        *self.config = next;
    }

    /// Reads a whole number from `least` up.
    fn number(&mut self, path: &str, least: u32, item: &Item<'_>) -> Option<u32> {
        let DeValue::Integer(number) = item.get_ref() else {
            self.wrong_type(path, "a whole number", item);
            return None;
        };
        let value = u32::from_str_radix(&number.as_str().replace('_', ""), number.radix())
            .ok()
            .filter(|number| *number >= least);
        if value.is_none() {
            let mistake = self.mistake(item.span(), &format!("`{path}` is out of range"));
            mistake.label = Some(format!("this is no number from {least} up"));
        }
        value
    }

    /// Reads a size that leaves room for anything at all.
    fn size(&mut self, path: &str, item: &Item<'_>) -> Option<u64> {
        let wanted = "a size such as \"10GB\"";
        let text = self.text(path, wanted, item)?;
        let Some(size) = parse::size(&text) else {
            let mistake = self.mistake(item.span(), &format!("`{path}` must be {wanted}"));
            mistake.label = Some("units are kB, MB, GB, TB, KiB, MiB, GiB and TiB".to_owned());
            return None;
        };
        if size < LEAST_SIZE {
            let mistake = self.mistake(item.span(), &format!("`{path}` is out of range"));
            mistake.label = Some(format!("this is less than {}", parse::show_size(LEAST_SIZE)));
            return None;
        }
        Some(size)
    }

    fn tint(&mut self, item: &Item<'_>) {
        let wanted = "\"auto\", \"off\" or a colour such as \"#2b0b0b\"";
        let Some(text) = self.text("look.tint", wanted, item) else { return };
        let Some(tint) = Tint::parse(&text) else {
            self.mistake(item.span(), &format!("`look.tint` must be {wanted}"));
            return;
        };
        let before = self.config.look.tint;
        let is_stricter = tint == before || before == Tint::Off;
        if self.may(is_stricter, "look.tint", &before.to_string(), item) {
            self.config.look.tint = tint;
        }
    }

    /// Tells whether this layer may write a value, and says so if it may not.
    pub(super) fn may(
        &mut self,
        is_stricter: bool,
        path: &str,
        before: &str,
        item: &Item<'_>,
    ) -> bool {
        if self.layer == Layer::User || is_stricter {
            return true;
        }
        let mistake =
            self.mistake(item.span(), &format!("`{path}` may only be made stricter here"));
        mistake.label = Some(format!("it is {before} without this file"));
        mistake.help = Some("change it in the user's own file".to_owned());
        false
    }

    pub(super) fn text(&mut self, path: &str, wanted: &str, item: &Item<'_>) -> Option<String> {
        let text = item.get_ref().as_str();
        if text.is_none() {
            self.wrong_type(path, wanted, item);
        }
        text.map(str::to_owned)
    }

    pub(super) fn flag(&mut self, path: &str, item: &Item<'_>) -> Option<bool> {
        let flag = item.get_ref().as_bool();
        if flag.is_none() {
            self.wrong_type(path, "true or false", item);
        }
        flag
    }

    pub(super) fn duration(&mut self, path: &str, item: &Item<'_>) -> Option<std::time::Duration> {
        let wanted = "a duration such as \"15m\"";
        let text = self.text(path, wanted, item)?;
        let duration = parse::duration(&text);
        if duration.is_none() {
            let mistake = self.mistake(item.span(), &format!("`{path}` must be {wanted}"));
            mistake.label = Some("units are ms, s, m and h".to_owned());
        }
        duration
    }

    pub(super) fn wrong_type(&mut self, path: &str, wanted: &str, item: &Item<'_>) {
        let label = match item.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a number with a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        let mistake = self.mistake(item.span(), &format!("`{path}` must be {wanted}"));
        mistake.label = Some(format!("this is {label}"));
    }

    pub(super) fn unknown(
        &mut self,
        span: Range<usize>,
        title: &str,
        word: &str,
        known: &[&str],
    ) -> &mut ConfigError {
        let mistake = self.mistake(span, title);
        match keys::closest(word, known) {
            Some(close) => mistake.label = Some(format!("did you mean `{close}`?")),
            None => mistake.help = Some(format!("known are {}", known.join(", "))),
        }
        mistake
    }

    pub(super) fn mistake(&mut self, span: Range<usize>, title: &str) -> &mut ConfigError {
        // A caret beyond the text has nothing to stand under.
        let end = self.source.len();
        self.errors.push(ConfigError {
            file: self.file.to_owned(),
            source: Some(self.source.to_owned()),
            span: Some(span.start.min(end)..span.end.min(end)),
            title: title.to_owned(),
            label: None,
            help: None,
            hides_targets: false,
        });
        let last = self.errors.len() - 1;
        &mut self.errors[last]
    }
}

/// Tells whether two mistakes stand at the same place.
fn meet(a: &ConfigError, b: &ConfigError) -> bool {
    a.span.as_ref().zip(b.span.as_ref()).is_some_and(|(a, b)| a.start <= b.end && b.start <= a.end)
}

/// Tells whether going from one value to another is in the allowed direction.
fn ordered<T: PartialOrd>(stricter: Stricter, from: &T, to: &T) -> bool {
    match stricter {
        Stricter::Less => to <= from,
        Stricter::More => to >= from,
        Stricter::On | Stricter::Never => to == from,
    }
}
