//! The verdict on a reading: the most severe cell of the table over all effects.

use super::table::{Column, Row, cell};
use super::{Challenge, Confidence, Decision, Facts, Finding, Lift, Moment, Rule, Verdict};
use crate::lang::{Class, Effect, Reading, Verb};
use crate::target::Tier;

/// Judges what a text would do.
#[must_use]
pub fn judge(reading: &Reading, facts: &Facts) -> Verdict {
    match &facts.lift {
        None => as_usual(reading, facts),
        Some(lift) => lifted(reading, facts, lift),
    }
}

/// Judges where the glass was broken: as by day and not idle, and what would ask for more asks for
/// `yes`. Somebody still answers for what destroys, and what is milder for it says why.
fn lifted(reading: &Reading, facts: &Facts, lift: &Lift) -> Verdict {
    let strict = as_usual(reading, facts);
    let moment = Moment { local: facts.moment.local.clone(), ..Moment::default() };
    let mut verdict =
        as_usual(reading, &Facts { moment, idle: false, returned: None, ..facts.clone() });
    for finding in &mut verdict.findings {
        finding.decision = finding.decision.lifted();
    }
    verdict.decision = verdict.decision.lifted();
    if verdict.decision < strict.decision {
        verdict.reasons.push(format!("break-glass until {}: {}", lift.until, lift.reason));
    }
    verdict
}

fn as_usual(reading: &Reading, facts: &Facts) -> Verdict {
    let confidence = match reading {
        Reading::Understood(_) => Confidence::Parsed,
        Reading::Unclear { .. } => Confidence::Text,
    };
    let mut reasons = Reasons::default();
    let mut bulk = facts.bulk.clone();
    let unread = unread(reading);
    let findings: Vec<Finding> = reading
        .effects()
        .iter()
        .cloned()
        .chain(unread)
        .map(|effect| {
            let looped = bulk.step(&effect, &facts.limits);
            weigh(effect, looped, facts, &mut reasons)
        })
        .collect();
    let decision = findings.iter().map(|finding| finding.decision).max().unwrap_or(Decision::Allow);
    let judged_as = if reasons.is_failing { Tier::Production } else { facts.tier };
    Verdict { decision, confidence, findings, reasons: reasons.finish(facts), judged_as }
}

/// Stands for the part of a text that no parser understood, if a destructive word is in it; a
/// text without one is a typo, and the server will say so.
fn unread(reading: &Reading) -> Option<Effect> {
    let Reading::Unclear { reason, effects, destructive_word: true } = reading else {
        return None;
    };
    // The reading may already have said so itself.
    if effects.iter().any(|effect| effect.class == Class::Opaque) {
        return None;
    }
    let phrase = format!("cannot be read ({reason}) and holds a destructive word");
    Some(Effect::new(Class::Opaque, Verb::Execute, 0..0, phrase))
}

/// Decides one effect.
fn weigh(effect: Effect, looped: Option<String>, facts: &Facts, reasons: &mut Reasons) -> Finding {
    let alone = Row::of(effect.class, effect.scope);
    // Where the effect alone is stopped as hard, its own rule says more.
    let is_bulk = looped.is_some() && alone == Row::Bounded;
    let row = if is_bulk { Row::Bulk } else { alone };
    let failing = facts.fail_closed && row.is_destructive();
    let tier = if failing { Tier::Production } else { facts.tier };
    let wait = facts.limits.late_wait;
    let by_day = cell(row, Column::of(tier, false), wait);
    let mut decision = cell(row, Column::of(tier, facts.moment.is_late()), wait);
    let is_raised = decision > by_day;

    if is_own(&effect, facts) {
        decision = decision.min(Decision::Notice);
    } else if decision > Decision::Allow {
        reasons.is_failing |= failing && facts.tier < Tier::Production;
        reasons.is_raised |= is_raised;
    }
    let is_unsure = facts.idle || facts.returned.is_some();
    if is_unsure && facts.tier == Tier::Production && row.is_write() {
        decision = decision.max(Decision::Hold(Challenge::Yes));
        reasons.is_unsure = true;
    }
    if decision > Decision::Allow {
        if is_own(&effect, facts) && decision == Decision::Notice {
            reasons.add(&format!("{}, made in this session", effect.phrase));
        } else {
            reasons.add(&effect.phrase);
        }
        if let Some(looped) = looped.filter(|_| is_bulk) {
            reasons.add(&looped);
        }
    }
    let mut rule = Rule::of(&effect, is_bulk);
    for own in facts.rules.iter() {
        let asked = own.raises(&effect, is_bulk, tier).filter(|asked| *asked > decision);
        if let Some(asked) = asked {
            decision = asked;
            rule = Some(own);
            reasons.add(&effect.phrase);
            reasons.add(&own.title);
        }
    }
    let rule = rule.map(|rule| rule.id.clone());
    Finding { effect, rule, decision }
}

/// Tells whether an effect stays within tables that the session has made itself.
fn is_own(effect: &Effect, facts: &Facts) -> bool {
    effect.only_table().is_some_and(|object| facts.own.contains(object))
}

/// Collects the phrases: what would happen first, then why it is stopped harder than usual.
#[derive(Default)]
struct Reasons {
    phrases: Vec<String>,
    is_failing: bool,
    is_raised: bool,
    is_unsure: bool,
}

impl Reasons {
    fn add(&mut self, phrase: &str) {
        if !self.phrases.iter().any(|known| known == phrase) {
            self.phrases.push(phrase.to_owned());
        }
    }

    fn finish(mut self, facts: &Facts) -> Vec<String> {
        if self.is_failing {
            self.add("the configuration has errors, so this target counts as production");
        }
        if self.is_raised {
            if let Some(late) = facts.moment.late {
                self.add(late);
            }
            if let Some(freeze) = &facts.moment.freeze {
                self.add(&format!("freeze {freeze}"));
            }
        }
        if self.is_unsure {
            if facts.idle {
                self.add("this session has been idle for long");
            }
            if let Some(elsewhere) = &facts.returned {
                self.add(&format!("the first write since you came back here: {elsewhere}"));
            }
        }
        self.phrases
    }
}
