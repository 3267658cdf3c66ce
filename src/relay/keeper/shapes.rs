//! What `yes all` has released: statements that do the same to the same table, whatever their values.

use crate::lang::{self, Class, Effect, Scope, Verb};
use crate::policy::{Challenge, Decision, Verdict};
use crate::target::Target;

use super::Judged;

/// What one effect does to what.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shape {
    verb: Verb,
    object: Option<String>,
    scope: Scope,
}

/// A statement without its values, what it does, and where.
#[derive(Debug, Clone, PartialEq)]
struct Released {
    text: String,
    shapes: Vec<Shape>,
    target: Target,
}

/// The shapes that were released, for as long as their names mean the same.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    released: Vec<Released>,
}

impl Shapes {
    /// Tells whether a statement was released together with another.
    pub(super) fn cover(
        &self,
        text: impl FnOnce() -> String,
        verdict: &Verdict,
        target: &Target,
    ) -> bool {
        offers(verdict)
            && !self.released.is_empty()
            && self.released.contains(&released(&text(), verdict, target))
    }

    /// Takes note of what was let through, whether with all of its shape, and whether names may mean
    /// other tables after it. Returns whether they may mean anything else from here on.
    pub(super) fn let_through(&mut self, judged: &Judged, whole_shape: bool, moved: bool) -> bool {
        let Judged { text, verdict, target, .. } = judged;
        let makes = |effect: &Effect| {
            use Verb::{Alter, Create, Drop, Execute, Rename};
            matches!(effect.verb, Create | Alter | Rename | Drop | Execute)
        };
        let has_moved = moved || verdict.findings.iter().any(|finding| makes(&finding.effect));
        if has_moved {
            self.clear();
        }
        if whole_shape {
            self.released.push(released(text, verdict, target));
        }
        has_moved
    }

    /// Tells whether nothing was released.
    pub(super) fn is_empty(&self) -> bool {
        self.released.is_empty()
    }

    /// Another connection, or another place: the names mean something else.
    pub(super) fn clear(&mut self) {
        self.released.clear();
    }
}

impl Judged {
    /// Tells whether it may be released together with what differs in values only.
    #[must_use]
    pub fn has_shape(&self) -> bool {
        offers(&self.verdict)
    }
}

/// Values may be what an opaque statement runs, and what is dropped or renamed leaves its name to
/// another: those are asked about each time.
fn offers(verdict: &Verdict) -> bool {
    let is_plain = |effect: &Effect| match effect.class {
        Class::Read | Class::Session | Class::Add | Class::Heavy | Class::Remove => true,
        Class::Change => effect.verb != Verb::Rename,
        Class::Destroy => effect.verb == Verb::Truncate,
        Class::Opaque | Class::Escape => false,
    };
    matches!(verdict.decision, Decision::Hold(Challenge::Yes))
        && verdict.findings.iter().all(|finding| is_plain(&finding.effect))
}

fn released(text: &str, verdict: &Verdict, target: &Target) -> Released {
    let effects = verdict.findings.iter().map(|finding| &finding.effect);
    let shapes = effects.map(|effect| Shape {
        verb: effect.verb,
        object: effect.object.clone(),
        scope: effect.scope,
    });
    Released { text: lang::pattern(text), shapes: shapes.collect(), target: target.clone() }
}

#[cfg(test)]
mod tests {
    use std::iter;

    use super::*;
    use crate::lang::postgres;
    use crate::policy::{Facts, Moment, judge};
    use crate::session::names::Moves;
    use crate::target::Tier;

    fn verdict(text: &str) -> Verdict {
        judge(&postgres::read(text), &Facts::new(Tier::Staging, Moment::default()))
    }

    fn judged(text: &str) -> Judged {
        let (text, verdict) = (text.to_owned(), verdict(text));
        Judged { n: 1, text, verdict, is_recorded: true, target: Target::default() }
    }

    /// What is released after all of one shape was let through, and others after it.
    fn shapes(released: &str, others: &[&str]) -> Shapes {
        let mut shapes = Shapes::default();
        let mut moves = Moves::default();
        for (text, whole) in iter::once((released, true)).chain(others.iter().map(|o| (*o, false)))
        {
            let moved = moves.take(text, postgres::read(text).effects(), true);
            shapes.let_through(&judged(text), whole, moved);
        }
        shapes
    }

    fn covers(shapes: &Shapes, text: &str) -> bool {
        shapes.cover(|| text.to_owned(), &verdict(text), &Target::default())
    }

    #[test]
    fn values_may_differ_and_nothing_else() {
        let released = "delete from a.f where true or x = 1";
        for (text, is_covered) in [
            ("delete from a.f where true or x = 2", true),
            ("delete from b.f where true or x = 1", false),
            ("update a.f set x = 1", false),
        ] {
            let shapes = shapes(released, &[]);
            assert_eq!(covers(&shapes, text), is_covered, "{text}");
        }
    }

    #[test]
    fn it_ends_where_names_may_mean_another() {
        let released = "delete from f";
        for (between, is_covered) in [
            ("select 1", true),
            ("commit", true),
            ("delete from g", true),
            ("set search_path = b", false),
            ("select set_config('search_path', 'b', false)", false),
            ("set schema 'b'", false),
            ("select tidy()", false),
            ("discard all", false),
            ("alter table f rename to g", false),
            ("alter table f set schema c", false),
            ("create temp table f ()", false),
            ("drop table g", false),
        ] {
            let shapes = shapes(released, &[between]);
            assert_eq!(covers(&shapes, released), is_covered, "{between}");
        }
    }

    #[test]
    fn what_is_opaque_or_takes_the_name_along_is_asked_each_time() {
        let facts = Facts::new(Tier::Production, Moment::default());
        for (text, expected) in [
            ("do $$ begin execute 'select 1'; end $$", false),
            ("do $$ begin execute format('%s', x); end $$", false),
        ] {
            let verdict = judge(&postgres::read(text), &facts);
            assert_eq!(offers(&verdict), expected, "{text}: {verdict:?}");
        }
        for (text, expected) in [
            ("drop table f", false),
            ("truncate f", true),
            ("delete from f", true),
            ("alter table f drop column a", false),
        ] {
            assert_eq!(offers(&verdict(text)), expected, "{text}");
        }
    }
}
