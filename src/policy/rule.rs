//! Rules: pages that name a kind of effect, say why it matters, and show what they stop.
//!
//! The table of the contract decides how hard an effect is stopped; the rule says which effect it
//! was and why anyone should care. Rules of the user may also raise the decision.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::lang::{Class, Effect, Scope, Verb};

/// The pages, the more specific before the more general: the first that matches is meant.
const PAGES: &[&str] = &[include_str!("rules/delete-without-where.toml")];

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
    /// One line.
    pub title: String,
    /// What has gone wrong for others, and what to do instead.
    pub why: String,
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
    /// The strictest thing it leads to.
    #[serde(default)]
    pub most: Most,
    /// Statements it is about.
    pub hold: Vec<String>,
    /// Statements close by that it is not about.
    pub pass: Vec<String>,
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
        Self::all()
            .iter()
            .find(|rule| rule.bulk == is_bulk && rule.matches(effect))
    }

    fn matches(&self, effect: &Effect) -> bool {
        fn has<T: PartialEq>(list: &[T], item: &T) -> bool {
            list.is_empty() || list.contains(item)
        }
        has(&self.classes, &effect.class)
            && has(&self.verbs, &effect.verb)
            && has(&self.scopes, &effect.scope)
    }
}
