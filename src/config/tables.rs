//! The tables that stand several times: `[[target]]`, and the redact patterns.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::keys;
use super::read::{Item, Layer, Reader};
use super::types::{OwnHours, RedactPattern};
use crate::target::{Pattern, TargetRule, Tier};

/// The tiers a target may be given; `unknown` is what no target says.
pub(super) const TIERS: [(&str, Tier); 3] = [
    ("production", Tier::Production),
    ("staging", Tier::Staging),
    ("development", Tier::Development),
];

impl Reader<'_> {
    /// Reads one `[[target]]`. A target with any mistake may have lost addresses.
    pub(super) fn target(&mut self, entry: &Item<'_>) {
        let mistakes_before = self.errors.len();
        self.try_target(entry);
        for mistake in &mut self.errors[mistakes_before..] {
            mistake.hides_targets = true;
        }
    }

    fn try_target(&mut self, entry: &Item<'_>) {
        let Some(table) = self.table("target", entry) else {
            return;
        };
        let (mut name, mut tier, mut patterns) = (None, None, None);
        let (mut impact, mut idle) = (None, None);
        let mut hours = OwnHours::default();
        for (key, item) in table {
            match key.get_ref().as_ref() {
                "name" => name = self.name(item),
                "tier" => tier = Some(self.tier(item)),
                "match" => patterns = Some(self.patterns(item)),
                "impact" => impact = self.flag("target.impact", item),
                "idle" => idle = self.duration("target.idle", item),
                "late" => hours.late = self.windows("target.late", item),
                "weekends" => hours.weekends = self.flag("target.weekends", item),
                "timezone" => hours.timezone = self.zone_name("target.timezone", item),
                _ => self.unknown_in("target", key, keys::TARGET),
            }
        }
        self.missing("target", entry.span(), table, &["name", "tier", "match"]);
        if self.layer == Layer::Project
            && let Some((key, item)) = table.iter().find(|(key, _)| {
                !["name", "tier", "match"].contains(&key.get_ref().as_ref())
                    && keys::TARGET.contains(&key.get_ref().as_ref())
            })
        {
            let title = format!("`target.{}` belongs in the user's own file", key.get_ref());
            self.mistake(item.span(), &title);
            (impact, idle) = (None, None);
            hours = OwnHours::default();
        }
        let (Some(name), Some(Some(tier)), Some(patterns)) = (name, tier, patterns) else {
            return;
        };
        if hours != OwnHours::default() {
            hours.target.clone_from(&name);
            self.config.own_hours.push(hours);
        }
        self.config.targets.push(TargetRule {
            name,
            tier,
            patterns,
            raises_only: self.layer == Layer::Project,
            impact,
            idle,
        });
    }

    fn name(&mut self, item: &Item<'_>) -> Option<String> {
        let name = self.text("target.name", "a string", item)?;
        if name.is_empty() || name.chars().any(char::is_control) {
            let mistake = self.mistake(item.span(), "`target.name` cannot be shown");
            mistake.label = Some("a name is one line and not empty".to_owned());
            return None;
        }
        if self.config.targets.iter().any(|target| target.name == name) {
            let mistake = self.mistake(item.span(), &format!("two targets are named `{name}`"));
            mistake.help = Some("one target may have several patterns in `match`".to_owned());
            // Both are kept: a doubled name hides nothing.
        }
        Some(name)
    }

    fn tier(&mut self, item: &Item<'_>) -> Option<Tier> {
        let word = self.text("target.tier", "production, staging or development", item)?;
        let words = TIERS.map(|(word, _)| word);
        let Some((_, tier)) = TIERS.iter().find(|(known, _)| *known == word) else {
            self.unknown(item.span(), &format!("unknown tier `{word}`"), &word, &words);
            return None;
        };
        if self.layer == Layer::Project && *tier == Tier::Development {
            let title = "`target.tier` may only be made stricter here";
            let mistake = self.mistake(item.span(), title);
            mistake.label = Some("a project's file names production and staging only".to_owned());
            mistake.help = Some("change it in the user's own file".to_owned());
            return None;
        }
        Some(*tier)
    }

    fn patterns(&mut self, item: &Item<'_>) -> Vec<Pattern> {
        let wanted = "a list of patterns";
        let entries: Vec<&Item<'_>> = match item.get_ref() {
            DeValue::Array(entries) => entries.iter().collect(),
            DeValue::String(_) => vec![item],
            _ => {
                self.wrong_type("target.match", wanted, item);
                return Vec::new();
            }
        };
        if entries.is_empty() {
            let mistake = self.mistake(item.span(), "`target.match` is empty");
            mistake.label = Some("this target can never be met".to_owned());
        }
        let mut patterns = Vec::new();
        for entry in entries {
            let Some(text) = self.text("target.match", wanted, entry) else {
                continue;
            };
            match Pattern::parse(&text) {
                Ok(pattern) => patterns.push(pattern),
                Err(why) => {
                    let title = format!("bad pattern `{text}`");
                    self.mistake(entry.span(), &title).label = Some(why);
                }
            }
        }
        if !patterns.is_empty() && patterns.iter().all(Pattern::excludes) {
            let mistake = self.mistake(item.span(), "`target.match` only takes addresses out");
            mistake.label = Some("this target can never be met".to_owned());
        }
        patterns
    }

    /// Reads `redact.patterns`. The expressions are checked and not compiled.
    pub(super) fn redact(&mut self, item: &Item<'_>) {
        let DeValue::Array(entries) = item.get_ref() else {
            self.wrong_type("redact.patterns", "a list of tables with kind and pattern", item);
            return;
        };
        if self.layer == Layer::User {
            self.config.redact.clear();
        }
        for entry in entries {
            let Some(table) = self.table("redact.patterns", entry) else {
                continue;
            };
            let (mut kind, mut pattern) = (None, None);
            for (key, item) in table {
                match key.get_ref().as_ref() {
                    "kind" => kind = self.text("redact.patterns.kind", "a word", item),
                    "pattern" => pattern = self.expression(item),
                    _ => self.unknown_in("redact.patterns", key, keys::REDACT),
                }
            }
            self.missing("redact.patterns", entry.span(), table, keys::REDACT);
            if let (Some(kind), Some(pattern)) = (kind, pattern) {
                self.config.redact.push(RedactPattern { kind, pattern });
            }
        }
    }

    fn expression(&mut self, item: &Item<'_>) -> Option<String> {
        let path = "redact.patterns.pattern";
        let text = self.text(path, "a regular expression", item)?;
        let Err(error) = regex_syntax::parse(&text) else {
            return Some(text);
        };
        let why = match &error {
            regex_syntax::Error::Parse(error) => error.kind().to_string(),
            regex_syntax::Error::Translate(error) => error.kind().to_string(),
            _ => "it cannot be read".to_owned(),
        };
        self.mistake(item.span(), "bad regular expression").label = Some(why);
        None
    }

    pub(super) fn table<'i, 't>(
        &mut self,
        path: &str,
        entry: &'t Item<'i>,
    ) -> Option<&'t DeTable<'i>> {
        let table = entry.get_ref().as_table();
        if table.is_none() {
            self.wrong_type(path, "a table", entry);
        }
        table
    }

    pub(super) fn unknown_in(&mut self, path: &str, key: &Spanned<DeString<'_>>, known: &[&str]) {
        let word: &str = key.get_ref();
        self.unknown(key.span(), &format!("unknown key `{path}.{word}`"), word, known);
    }

    pub(super) fn missing(
        &mut self,
        path: &str,
        span: Range<usize>,
        table: &DeTable<'_>,
        needed: &[&str],
    ) {
        let absent: Vec<String> = needed
            .iter()
            .filter(|needed| !table.keys().any(|key| key.get_ref() == **needed))
            .map(|name| format!("`{name}`"))
            .collect();
        if !absent.is_empty() {
            let title = format!("`{path}` needs {}", absent.join(" and "));
            // The header alone is enough to find it.
            let text = self.source.get(span.clone()).unwrap_or_default();
            let end = span.start + text.find('\n').unwrap_or(text.len());
            self.mistake(span.start..end, &title);
        }
    }
}
