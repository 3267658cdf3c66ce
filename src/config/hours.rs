//! What the configuration says of time: `[hours]` and `[[freeze]]`.

use toml::de::DeValue;

use super::read::{Item, Layer, Reader};
use super::tables::TIERS;
use super::{keys, parse, zone};
use crate::policy::window::{DAY, Edge, When};
use crate::policy::{Freeze, Window};
use crate::target::Tier;

impl Reader<'_> {
    /// Reads `hours.late`.
    pub(super) fn late(&mut self, item: &Item<'_>) {
        let Some(windows) = self.windows("hours.late", item) else { return };
        let before = &self.config.calendar.late;
        let is_stricter = self.layer == Layer::User || covers(&windows, before);
        let shown = before.iter().map(|window| parse::show_window(*window)).collect::<Vec<_>>();
        if self.may(is_stricter, "hours.late", &shown.join(" and "), item) {
            self.config.calendar.late = windows;
        }
    }

    /// Reads one window, a list of them, or `off`.
    pub(super) fn windows(&mut self, path: &str, item: &Item<'_>) -> Option<Vec<Window>> {
        let mistakes_before = self.errors.len();
        let mut windows = Vec::new();
        for entry in self.one_or_more(path, "hours such as \"22:00-06:00\" or \"off\"", item) {
            let Some(text) = self.text(path, "hours such as \"22:00-06:00\"", entry) else {
                continue;
            };
            match parse::window(&text) {
                _ if text == "off" => {}
                Ok(window) => windows.push(window),
                Err(why) => {
                    let mistake = self.mistake(entry.span(), &format!("`{path}` cannot be read"));
                    mistake.label = Some(why);
                }
            }
        }
        (self.errors.len() == mistakes_before).then_some(windows)
    }

    /// Reads `hours.tiers`.
    pub(super) fn hours_tiers(&mut self, item: &Item<'_>) {
        let Some(tiers) = self.tiers("hours.tiers", item) else { return };
        let before = &self.config.calendar.tiers;
        let is_stricter = before.iter().all(|tier| tiers.contains(tier));
        let shown = before.iter().map(Tier::to_string).collect::<Vec<_>>().join(" and ");
        if self.may(is_stricter, "hours.tiers", &shown, item) {
            self.config.calendar.tiers = tiers;
        }
    }

    fn tiers(&mut self, path: &str, item: &Item<'_>) -> Option<Vec<Tier>> {
        let mistakes_before = self.errors.len();
        let known: Vec<(&str, Tier)> =
            TIERS.into_iter().chain([("unknown", Tier::Unknown)]).collect();
        let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
        let mut tiers = Vec::new();
        for entry in self.one_or_more(path, "a list of tiers", item) {
            let Some(word) = self.text(path, "a list of tiers", entry) else { continue };
            match known.iter().find(|(known, _)| *known == word) {
                Some((_, tier)) => tiers.push(*tier),
                None => {
                    self.unknown(entry.span(), &format!("unknown tier `{word}`"), &word, &words);
                }
            }
        }
        (self.errors.len() == mistakes_before).then_some(tiers)
    }

    /// Returns the entries of a list, or a single string as one.
    fn one_or_more<'i, 't>(
        &mut self,
        path: &str,
        wanted: &str,
        item: &'t Item<'i>,
    ) -> Vec<&'t Item<'i>> {
        match item.get_ref() {
            DeValue::String(_) => vec![item],
            DeValue::Array(entries) => entries.iter().collect(),
            _ => {
                self.wrong_type(path, wanted, item);
                Vec::new()
            }
        }
    }

    /// Reads `hours.timezone`.
    pub(super) fn timezone(&mut self, item: &Item<'_>) {
        let Some(value) = self.zone_name("hours.timezone", item) else { return };
        let shown = self.config.timezone.clone().unwrap_or_else(|| "system".to_owned());
        if self.may(value == self.config.timezone, "hours.timezone", &shown, item) {
            self.config.timezone = value;
        }
    }

    /// Reads the name of a time zone; inside, none is the machine's.
    pub(super) fn zone_name(&mut self, path: &str, item: &Item<'_>) -> Option<Option<String>> {
        let name = self.text(path, "the name of a time zone", item)?;
        if name == "system" {
            return Some(None);
        }
        if zone::zone(&name).is_none() {
            let mistake = self.mistake(item.span(), &format!("unknown time zone `{name}`"));
            mistake.help =
                Some("names look like `Europe/Berlin`; `system` is the machine's".to_owned());
            return None;
        }
        Some(Some(name))
    }

    /// Reads one `[[freeze]]`.
    pub(super) fn freeze(&mut self, entry: &Item<'_>) {
        let Some(table) = self.table("freeze", entry) else {
            return;
        };
        let (mut name, mut from, mut to, mut every) = (None, None, None, None);
        let (mut reason, mut targets, mut tiers) = (None, Vec::new(), Vec::new());
        let mistakes_before = self.errors.len();
        for (key, item) in table {
            match key.get_ref().as_ref() {
                "name" => name = self.text("freeze.name", "a string", item),
                "from" => from = self.edge("freeze.from", item),
                "to" => to = self.edge("freeze.to", item),
                "every" => every = self.windows("freeze.every", item),
                "reason" => reason = self.text("freeze.reason", "a string", item),
                "targets" => targets = self.frozen_targets(item),
                "tiers" => tiers = self.tiers("freeze.tiers", item).unwrap_or_default(),
                _ => self.unknown_in("freeze", key, keys::FREEZE),
            }
        }
        let has = |name: &str| table.keys().any(|key| key.get_ref() == name);
        let needed: &[&str] =
            if has("every") { &["name", "every"] } else { &["name", "from", "to"] };
        self.missing("freeze", entry.span(), table, needed);
        if has("every") && (has("from") || has("to")) {
            let title = "a freeze is `every` week, or `from` a day `to` another";
            self.mistake(entry.span().start..entry.span().start, title);
        }
        if self.errors.len() > mistakes_before {
            return;
        }
        let when = match (every, from, to) {
            (Some(windows), _, _) => When::Every(windows),
            (None, Some(from), Some(to)) => When::Once { from, to },
            (None, _, _) => return,
        };
        let Some(name) = name else { return };
        if let When::Once { from, to } = when
            && is_backwards(from, to)
        {
            let span = table.iter().find(|(key, _)| key.get_ref() == "to");
            let span = span.map_or(entry.span(), |(_, item)| item.span());
            let mistake = self.mistake(span, &format!("the freeze `{name}` ends before it begins"));
            mistake.label = Some(format!("it begins {}", parse::show_edge(from)));
            return;
        }
        self.config.calendar.freezes.push(Freeze { name, when, reason, targets, tiers });
    }

    fn frozen_targets(&mut self, item: &Item<'_>) -> Vec<String> {
        let mut names = Vec::new();
        for entry in self.one_or_more("freeze.targets", "a list of targets", item) {
            if let Some(name) = self.text("freeze.targets", "a list of targets", entry) {
                self.frozen.push((name.clone(), entry.span()));
                names.push(name);
            }
        }
        names
    }

    /// A freeze for a target that is not there would never be on, and nobody would know.
    pub(super) fn check_freezes(&mut self) {
        for (name, span) in std::mem::take(&mut self.frozen) {
            let known: Vec<String> =
                self.config.targets.iter().map(|target| target.name.clone()).collect();
            if !known.contains(&name) {
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                self.unknown(span, &format!("no target is named `{name}`"), &name, &known);
            }
        }
    }

    fn edge(&mut self, path: &str, item: &Item<'_>) -> Option<Edge> {
        let wanted = "a date such as 2026-12-24";
        let text = match item.get_ref() {
            DeValue::Datetime(date) => date.to_string(),
            DeValue::String(text) => text.to_string(),
            _ => {
                self.wrong_type(path, wanted, item);
                return None;
            }
        };
        let edge = parse::edge(&text);
        if edge.is_none() {
            let mistake = self.mistake(item.span(), &format!("`{path}` must be {wanted}"));
            mistake.help = Some("a time may follow: 2026-12-24T18:00".to_owned());
        }
        edge
    }
}

/// Tells whether an end is before its beginning; two kinds of edges are compared by their date.
fn is_backwards(from: Edge, to: Edge) -> bool {
    match (from, to) {
        (Edge::Instant(from), Edge::Instant(to)) => to <= from,
        (Edge::Local(from), Edge::Local(to)) => to <= from,
        (from, to) => parse::show_edge(to)[..10] < parse::show_edge(from)[..10],
    }
}

/// Tells whether every late minute of the old windows is late in the new ones too.
fn covers(new: &[Window], old: &[Window]) -> bool {
    let is_late = |windows: &[Window], minute| windows.iter().any(|w| w.contains(minute));
    (0..u32::from(DAY) * 7).all(|minute| !is_late(old, minute) || is_late(new, minute))
}
