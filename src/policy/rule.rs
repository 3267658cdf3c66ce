//! Rules: pages that name a kind of effect, say why it matters, and show what they stop.
//!
//! The table of the contract decides how hard an effect is stopped; a built-in rule says which effect
//! it was and why anyone should care. A rule of the user raises the decision.

use std::sync::LazyLock;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Challenge, Decision};
use crate::lang::{Class, Effect, Scope, Verb};
use crate::target::Tier;
use crate::target::pattern::glob;

/// The pages, the more specific before the more general: the first that matches is meant.
const PAGES: &[&str] = &[
    include_str!("rules/bulk.toml"),
    include_str!("rules/delete-without-where.toml"),
    include_str!("rules/delete-rows.toml"),
    include_str!("rules/update-without-where.toml"),
    include_str!("rules/update-rows.toml"),
    include_str!("rules/overwrite.toml"),
    include_str!("rules/revoke.toml"),
    include_str!("rules/rename.toml"),
    include_str!("rules/admin.toml"),
    include_str!("rules/call.toml"),
    include_str!("rules/alter.toml"),
    include_str!("rules/truncate.toml"),
    include_str!("rules/drop-column.toml"),
    include_str!("rules/detach-partition.toml"),
    include_str!("rules/drop.toml"),
    include_str!("rules/opaque.toml"),
    include_str!("rules/unguard.toml"),
    include_str!("rules/shell.toml"),
    include_str!("rules/lock.toml"),
    include_str!("rules/rewrite.toml"),
    include_str!("rules/insert.toml"),
    include_str!("rules/grant.toml"),
    include_str!("rules/create.toml"),
];

/// The strictest thing a rule leads to, over all tiers and hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Most {
    /// A line on the terminal.
    Notice,
    /// A question.
    #[default]
    Hold,
}

/// One page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rule {
    /// Lower case with hyphens, unique, stable: scripts and histories name it.
    pub id: String,
    /// One line; that of the rule it overlays, if not given.
    #[serde(default)]
    pub title: String,
    /// What has gone wrong for others, and what to do instead; as the title.
    #[serde(default)]
    pub why: String,
    /// The built-in rule that it makes stricter. For rules of the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlays: Option<String>,
    /// Rows of the table it means; none means any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<Class>,
    /// Verbs it means; none means any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verbs: Vec<Verb>,
    /// Scopes it means; none means any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<Scope>,
    /// Whether it means many operations in a row instead of one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bulk: bool,
    /// Globs over objects as statements name them; none means any. For rules of the user.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<String>,
    /// Tiers it means; none means any. For rules of the user.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<Tier>,
    /// What it raises the decision of the table to. For rules of the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Raise>,
    /// The strictest thing it leads to.
    #[serde(default)]
    pub most: Most,
    /// Statements it is about.
    #[serde(default)]
    pub hold: Vec<String>,
    /// Statements close by that it is not about.
    #[serde(default)]
    pub pass: Vec<String>,
}

/// What a rule of the user asks for at least: no rule makes a decision milder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Raise {
    /// A line on the terminal.
    Notice,
    /// The question for `yes`.
    Yes,
    /// The question for the target's name.
    TypeTarget,
    /// Never runs.
    Deny,
}

impl Raise {
    /// Returns the decision it stands for.
    #[must_use]
    pub fn decision(self) -> Decision {
        let name = Challenge::TypeTarget { reason: false, wait: Duration::ZERO };
        match self {
            Self::Notice => Decision::Notice,
            Self::Yes => Decision::Hold(Challenge::Yes),
            Self::TypeTarget => Decision::Hold(name),
            Self::Deny => Decision::Deny,
        }
    }
}

impl Rule {
    /// Returns every built-in rule, the more specific first.
    ///
    /// # Panics
    ///
    /// Never in a build that passed its tests: the pages are part of the program.
    #[must_use]
    pub fn all() -> &'static [Self] {
        static ALL: LazyLock<Vec<Rule>> = LazyLock::new(|| {
            PAGES
                .iter()
                .map(|page| toml::from_str(page).expect("a test reads every built-in page"))
                .collect()
        });
        &ALL
    }

    /// Returns the built-in rule with an id.
    #[must_use]
    pub fn by_id(id: &str) -> Option<&'static Self> {
        Self::all().iter().find(|rule| rule.id == id)
    }

    /// Returns the first built-in rule that means an effect.
    #[must_use]
    pub fn of(effect: &Effect, is_bulk: bool) -> Option<&'static Self> {
        // Most of a script is reads: they need no page to be parsed.
        if matches!(effect.class, Class::Read | Class::Session) {
            return None;
        }
        Self::all().iter().find(|rule| rule.bulk == is_bulk && rule.matches(effect))
    }

    /// Takes what the page leaves out from the built-in rule that it overlays.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with the page: a fragment.
    pub fn complete(mut self) -> Result<Self, String> {
        if let Some(base) = &self.overlays {
            let base = Self::by_id(base).ok_or_else(|| format!("there is no rule `{base}`"))?;
            let says_what =
                !(self.classes.is_empty() && self.verbs.is_empty() && self.scopes.is_empty());
            if says_what || self.bulk {
                return Err(
                    "what it means is the other rule's: leave out classes, verbs and scopes"
                        .to_owned(),
                );
            }
            for (own, other) in [(&mut self.title, &base.title), (&mut self.why, &base.why)] {
                if own.is_empty() {
                    own.clone_from(other);
                }
            }
            // Of some objects only, the other rule's examples would not be true.
            if self.hold.is_empty() && self.objects.is_empty() {
                self.hold.clone_from(&base.hold);
            }
            if self.pass.is_empty() {
                self.pass.clone_from(&base.pass);
            }
            self.bulk = base.bulk;
        }
        match (self.title.is_empty(), self.why.is_empty()) {
            (true, _) => Err("it needs a `title`".to_owned()),
            (_, true) => Err("it needs a `why`".to_owned()),
            (false, false) => Ok(self),
        }
    }

    /// Returns what this rule asks for at least on a tier, if it means the effect there.
    #[must_use]
    pub fn raises(&self, effect: &Effect, is_bulk: bool, tier: Tier) -> Option<Decision> {
        let is_base =
            |base: &String| Self::of(effect, is_bulk).is_some_and(|rule| rule.id == *base);
        let is_meant = (!self.bulk || is_bulk)
            && self.overlays.as_ref().is_none_or(is_base)
            && (self.tiers.is_empty() || self.tiers.contains(&tier))
            && self.matches(effect);
        self.decision.filter(|_| is_meant).map(Raise::decision)
    }

    fn matches(&self, effect: &Effect) -> bool {
        fn has<T: PartialEq>(list: &[T], item: &T) -> bool {
            list.is_empty() || list.contains(item)
        }
        has(&self.classes, &effect.class)
            && has(&self.verbs, &effect.verb)
            && has(&self.scopes, &effect.scope)
            && (self.objects.is_empty() || self.objects.iter().any(|glob| names(glob, effect)))
    }
}

/// Tells whether a glob means the object of an effect; one without a schema means any schema, and
/// an effect that names no object may be of any.
fn names(pattern: &str, effect: &Effect) -> bool {
    let Some(object) = effect.object.as_deref() else {
        return true;
    };
    let last = object.rsplit('.').next().unwrap_or(object);
    glob(pattern, object) || (!pattern.contains('.') && glob(pattern, last))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_page_is_read_under_its_own_name() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/policy/rules");
        let files: BTreeSet<String> = std::fs::read_dir(folder)
            .expect("the folder is there")
            .map(|entry| entry.expect("it can be listed").file_name())
            .map(|name| name.to_string_lossy().trim_end_matches(".toml").to_owned())
            .collect();
        let ids: BTreeSet<String> = Rule::all().iter().map(|rule| rule.id.clone()).collect();
        assert_eq!(ids, files);
        assert_eq!(Rule::all().len(), files.len(), "two rules share an id");
    }

    #[test]
    fn every_page_is_whole() {
        for rule in Rule::all() {
            assert!(rule.hold.len() >= 2 && rule.pass.len() >= 2, "{} lacks examples", rule.id);
            assert!(rule.why.ends_with('.') && !rule.title.ends_with('.'), "{}", rule.id);
            assert!(rule.why.lines().all(|line| line.len() <= 100), "{}", rule.id);
            let own_only = rule.decision.is_some() || !rule.tiers.is_empty();
            assert!(!own_only, "{}: the table decides", rule.id);
            let says_what = rule.bulk || !rule.classes.is_empty() || !rule.verbs.is_empty();
            assert!(says_what, "{} means everything", rule.id);
        }
    }

    #[test]
    fn everything_but_reads_has_a_rule() {
        for class in [
            Class::Add,
            Class::Heavy,
            Class::Change,
            Class::Remove,
            Class::Escape,
            Class::Opaque,
            Class::Destroy,
        ] {
            let effect = Effect {
                class,
                verb: Verb::Read,
                object: None,
                scope: Scope::Unknown,
                reversible: false,
                span: 0..0,
                phrase: String::new(),
                rows: None,
                looped: false,
                outlasts: false,
            };
            assert!(Rule::of(&effect, false).is_some(), "{class:?}");
            assert!(Rule::of(&effect, true).is_some(), "{class:?} in bulk");
        }
    }
}
