//! What `check` says: in words, and as the object of the contract.

use serde::Serialize;

use super::Checked;
use super::lines::Lines;
use crate::error::Error;
use crate::lang::{Scope, Verb};
use crate::policy::{Challenge, Confidence, Decision, Finding};
use crate::target::Tier;
use crate::ui::visible::one_line;

/// The object of the contract.
#[derive(Serialize)]
struct Answer<'a> {
    verdict: &'static str,
    challenge: Option<&'static str>,
    confidence: Confidence,
    effects: Vec<Shown<'a>>,
    reasons: Vec<&'a str>,
    tier: Tier,
    asks_reason: bool,
    wait_s: u64,
    config_errors: &'a [String],
}

/// One effect of it.
#[derive(Serialize)]
struct Shown<'a> {
    verb: Verb,
    object: Option<&'a str>,
    scope: Scope,
    reversible: bool,
    span: [usize; 2],
    rule: Option<&'a str>,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    line: usize,
    column: usize,
    does: &'a str,
}

/// Returns the most severe decision of all.
pub(super) fn decision(all: &[Checked]) -> Decision {
    all.iter().map(|checked| checked.verdict.decision).max().unwrap_or(Decision::Allow)
}

/// Says what would be asked for.
pub(super) fn headline(decision: Decision) -> String {
    match decision {
        Decision::Allow => "allow".to_owned(),
        Decision::Notice => "notice".to_owned(),
        Decision::Deny => "deny".to_owned(),
        Decision::Hold(Challenge::Yes) => "hold: asks for yes".to_owned(),
        Decision::Hold(Challenge::TypeTarget { reason, wait }) => {
            let mut text = "hold: asks for the target's name".to_owned();
            if reason {
                text.push_str(", after a reason");
            }
            if !wait.is_zero() {
                text.push_str(&format!(" and {} s", wait.as_secs()));
            }
            text
        }
    }
}

/// The verdict on one text, in words.
pub(super) fn plain(checked: &Checked, mistakes: &[String]) -> String {
    let verdict = &checked.verdict;
    let mut text = format!("{}\n", headline(verdict.decision));
    for reason in &verdict.reasons {
        // A reason quotes the text, which may hold anything.
        text.push_str(&format!("  {}\n", one_line(reason)));
    }
    if let Some(rule) = verdict.rule().filter(|_| verdict.decision > Decision::Allow) {
        text.push_str(&format!("  why: nightlatch rules explain {rule}\n"));
    }
    text + &told(mistakes)
}

/// The verdicts on files: a line for each finding, as compilers write them, and a last one.
pub(super) fn files(all: &[Checked], mistakes: &[String]) -> String {
    let mut text = String::new();
    let (mut held, mut noticed) = (0_usize, 0_usize);
    for checked in all {
        let lines = Lines::new(&checked.text);
        let file = checked.file.as_deref().unwrap_or_default();
        for finding in &checked.verdict.findings {
            match finding.decision {
                Decision::Allow => continue,
                Decision::Notice => noticed += 1,
                Decision::Hold(_) | Decision::Deny => held += 1,
            }
            let (line, column) = lines.place(finding.effect.span.start);
            let word = finding.decision.word();
            let phrase = one_line(&finding.effect.phrase);
            let rule = finding.rule.as_ref().map(|rule| format!(" [{rule}]")).unwrap_or_default();
            let file = one_line(file);
            text.push_str(&format!("{file}:{line}:{column}: {word}: {phrase}{rule}\n"));
        }
    }
    let counted = match all.len() {
        1 => "1 file".to_owned(),
        count => format!("{count} files"),
    };
    text.push_str(&format!("{counted}, {held} to hold, {noticed} to notice\n"));
    text.push_str(&headline(decision(all)));
    text.push('\n');
    text + &told(mistakes)
}

fn told(mistakes: &[String]) -> String {
    let line =
        |mistake: &String| format!("  the configuration has a mistake: {}\n", one_line(mistake));
    mistakes.iter().map(line).collect()
}

/// The verdict on all texts, as JSON.
///
/// # Errors
///
/// Returns our own if it cannot be written as JSON.
pub(super) fn json(all: &[Checked], tier: Tier, config_errors: &[String]) -> Result<String, Error> {
    let decision = decision(all);
    let (challenge, asks_reason, wait_s) = match decision {
        Decision::Hold(Challenge::Yes) => (Some("yes"), false, 0),
        Decision::Hold(Challenge::TypeTarget { reason, wait }) => {
            (Some("type-target"), reason, wait.as_secs())
        }
        Decision::Allow | Decision::Notice | Decision::Deny => (None, false, 0),
    };
    let is_text = all.iter().any(|checked| checked.verdict.confidence == Confidence::Text);
    let mut reasons: Vec<&str> = Vec::new();
    for reason in all.iter().flat_map(|checked| &checked.verdict.reasons) {
        if !reasons.contains(&reason.as_str()) {
            reasons.push(reason);
        }
    }
    let answer = Answer {
        verdict: decision.word(),
        challenge,
        confidence: if is_text { Confidence::Text } else { Confidence::Parsed },
        effects: all.iter().flat_map(shown).collect(),
        reasons,
        tier,
        asks_reason,
        wait_s,
        config_errors,
    };
    let mut text = serde_json::to_string(&answer)
        .map_err(|error| Error::ours("The verdict cannot be written as JSON.").because(error))?;
    text.push('\n');
    Ok(text)
}

fn shown(checked: &Checked) -> Vec<Shown<'_>> {
    let lines = Lines::new(&checked.text);
    let findings = checked.verdict.findings.iter();
    findings
        .map(|Finding { effect, rule, decision }| {
            let (line, column) = lines.place(effect.span.start);
            Shown {
                verb: effect.verb,
                object: effect.object.as_deref(),
                scope: effect.scope,
                reversible: effect.reversible,
                span: [effect.span.start, effect.span.end],
                rule: rule.as_deref(),
                verdict: decision.word(),
                file: checked.file.as_deref(),
                line,
                column,
                does: &effect.phrase,
            }
        })
        .collect()
}
