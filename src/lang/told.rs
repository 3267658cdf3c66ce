//! An effect in one line, as the tables of tests/verdicts have it.

use super::Effect;

/// Names class, verb, scope, `loop` where the text shows one around it, and the object.
pub(in crate::lang) fn told(effect: &Effect) -> String {
    let value = serde_json::to_value(effect).expect("plain");
    let word = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let mut words = vec![word("class"), word("verb"), word("scope")];
    if effect.looped {
        words.push("loop".to_owned());
    }
    words.extend(effect.object.clone());
    words.join(" ")
}
