//! Which statements can be put back.

use super::super::past::{Deed, screen};
use crate::record::Source;

/// What stands in a text where a secret was.
pub(super) const REDACTED: &str = "[redacted:";

/// Why what held a secret cannot be put back.
pub(super) const SECRET: &str = "it held a secret, which is not recorded";

/// Says whether a statement was typed at the prompt, as far as the screen tells.
pub(super) fn was_typed(deed: &Deed) -> bool {
    match deed.source {
        // What was read before the start came from arguments or a file.
        Source::Preflight | Source::Import => false,
        Source::Draft => true,
        // Where part of the screen is missing nobody can tell, and nothing typed may be lost.
        Source::Tap => deed
            .screens
            .as_ref()
            .is_some_and(|screens| !screens.is_whole || screen::shows(&screens.typed, &deed.text)),
    }
}

/// Says why a statement cannot be put back as it was typed; none if it can.
pub(super) fn why_left_out(deed: &Deed) -> Option<String> {
    if !deed.redacted.is_empty() {
        let kinds = deed.redacted.join(", ");
        return Some(format!("{SECRET} ({kinds})"));
    }
    let is_clean = !deed.text.contains(REDACTED);
    (!is_clean).then(|| SECRET.to_owned())
}
