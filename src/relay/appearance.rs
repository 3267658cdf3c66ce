//! Where the session is, as the person sees it: a line, and the terminal's title for as long as
//! that is production.

use std::io;

use super::{Phase, Relay};
use crate::target::Tier;
use crate::ui::theme::Style;
use crate::ui::{notice, visible};

impl Relay {
    /// Says where the session is, where that is production or something else than before.
    pub(super) fn say_where(&mut self) -> io::Result<()> {
        self.where_lines()?.into_iter().try_for_each(|line| self.say_or_wait(line))
    }

    /// Says it below the line that the person is typing, once that has ended; the look changes at
    /// once.
    pub(super) fn say_where_beside(&mut self) -> io::Result<()> {
        self.where_lines()?.into_iter().try_for_each(|line| self.say_beside(line))
    }

    /// Says a line at once, or below the one that the person is typing.
    pub(super) fn say_beside(&mut self, line: String) -> io::Result<()> {
        if matches!(self.phase, Phase::Prompt | Phase::Submitting(_)) {
            self.notices.push(line);
            return Ok(());
        }
        self.say(&line)
    }

    /// Changes the look, and returns what is to be said.
    fn where_lines(&mut self) -> io::Result<Vec<String>> {
        let decided = self.keeper.decided();
        let (tier, label) = (decided.target.tier, visible::one_line(&decided.target.label()));
        let is_production = tier == Tier::Production;
        let look = self.keeper.config().look;
        if look.title && self.can_move {
            let title = is_production.then(|| format!("PRODUCTION {label}"));
            self.set_title(title.as_deref())?;
        }
        let before = self.shown_tier.replace(tier);
        if !look.banner {
            return Ok(Vec::new());
        }
        if !is_production {
            let text = format!("{tier} from here on: {label}");
            let is_other = before.is_some_and(|before| before != tier);
            let line = is_other.then(|| notice::line(&text, Style::Plain, self.cols(), self.theme));
            return Ok(line.into_iter().collect());
        }
        let decided = self.keeper.decided();
        let evidence = decided
            .evidence
            .iter()
            .find(|item| item.tier == decided.target.tier)
            .map(|item| item.text.clone())
            .unwrap_or_default();
        let moment = self.keeper.config().moment(self.keeper.clock().now());
        let late = moment.freeze.as_deref().or(moment.late);
        let banner = |evidence: &str, cols| {
            notice::banner(&decided.target, evidence, &moment.local, late, cols, self.theme)
        };
        let cols = self.cols();
        let whole = banner(&evidence, 0);
        // Where it does not fit, why is what a person must not miss.
        if whole == banner(&evidence, cols) || evidence.is_empty() {
            return Ok(vec![whole]);
        }
        let because = format!("because of {}", visible::one_line(&evidence));
        Ok(vec![banner("", cols), notice::line(&because, Style::Plain, cols, self.theme)])
    }

    /// Sets the terminal's title, or gives back the one that was there.
    pub(super) fn set_title(&mut self, title: Option<&str>) -> io::Result<()> {
        let bytes = match (title, self.has_title) {
            (Some(title), false) => format!("\x1b[22;2t\x1b]2;{title}\x07"),
            (Some(title), true) => format!("\x1b]2;{title}\x07"),
            (None, true) => "\x1b[23;2t".to_owned(),
            (None, false) => return Ok(()),
        };
        self.has_title = title.is_some();
        self.show_unrecorded(bytes.as_bytes())
    }
}
