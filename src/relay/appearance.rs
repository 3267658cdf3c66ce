//! Where the session is, as the person sees it: a line, and the look of the terminal itself for as
//! long as that is production.

use std::io;

use super::{Phase, Relay};
use crate::config::types::{Look, Tint};
use crate::looks::Wardrobe;
use crate::notify::Occasion;
use crate::os::channel::Order;
use crate::os::guise::Guise;
use crate::session::attire::{Attire, Changed};
use crate::target::Tier;
use crate::ui::theme::Style;
use crate::ui::{notice, visible};
use crate::world::World;

/// The colour of a tab.
const TAB: &str = "#c01010";

/// Backgrounds that words stay readable on.
const ON_DARK: &str = "#2b0b0b";
const ON_LIGHT: &str = "#ffe8e8";

/// What the terminal can show, and what it shows just now.
#[derive(Debug, Default)]
pub struct Appearance {
    has_title: bool,
    /// Colours that it can have, each with its value.
    colours: Vec<(Guise, String)>,
    /// What is to be seen while the session is on production; none elsewhere.
    title: Option<String>,
    /// Whether the server there is known to be a replica.
    pub(super) is_replica: bool,
    /// The title that the terminal was told last.
    told: Option<String>,
    worn: Vec<Guise>,
    /// What the client makes of it.
    attire: Attire,
    /// Whether the client has changed something that is to be ours.
    is_changed: bool,
    /// The tier that the person was last shown.
    shown: Option<Tier>,
    /// Where the next session learns of it if this one is killed.
    wardrobe: Wardrobe,
}

impl Appearance {
    /// Finds out what the configuration wants and the terminal can.
    #[must_use]
    pub fn new(look: Look, world: &World, wardrobe: Wardrobe) -> Self {
        let term = world.var("TERM").unwrap_or("dumb");
        // These two show what they do not understand, or keep it for ever.
        let is_plain = term == "dumb" || term == "linux";
        let is_old_screen = term.starts_with("screen") && world.var("TMUX").is_none();
        let tint = match look.tint {
            Tint::Off => None,
            Tint::Auto => world.var("COLORFGBG").and_then(background).map(str::to_owned),
            colour @ Tint::Colour(_) => Some(colour.to_string()),
        };
        let tint = tint.filter(|_| !is_plain && !is_old_screen);
        let is_iterm = ["TERM_PROGRAM", "LC_TERMINAL"]
            .iter()
            .any(|name| world.var(name).is_some_and(|value| value.starts_with("iTerm")));
        let tab = match (is_iterm, world.var("WT_SESSION")) {
            // What is in between does not pass these on.
            _ if !look.tab || is_plain || world.var("TMUX").is_some() => None,
            (true, _) => Some(Guise::TabOfIterm),
            (false, Some(_)) => Some(Guise::TabOfWindows),
            (false, None) => None,
        };
        let tab = tab.map(|tab| (tab, TAB.to_owned()));
        Self {
            has_title: look.title && !is_plain,
            colours: tint.map(|tint| (Guise::Background, tint)).into_iter().chain(tab).collect(),
            wardrobe,
            ..Self::default()
        }
    }

    /// Returns whether the session is on production, so that the terminal shows it.
    pub(super) fn is_on_production(&self) -> bool {
        self.title.is_some()
    }

    /// Something of the look is no longer ours to give back.
    pub(super) fn forget(&mut self, guise: Guise) {
        self.worn.retain(|worn| *worn != guise);
    }

    /// Takes note of what the client has changed; returns whether it can be changed back now.
    fn follow(&mut self, shown: &[u8]) -> bool {
        let Self { worn, told, attire, is_changed, .. } = self;
        attire.feed(shown, |changed| {
            *is_changed = true;
            match changed {
                Changed::Title => *told = None,
                Changed::Background => worn.retain(|guise| *guise != Guise::Background),
                // The stack of titles is the terminal's, and stays.
                Changed::All => {
                    *told = None;
                    worn.retain(|guise| *guise == Guise::Title);
                }
            }
        });
        *is_changed && attire.is_between(shown) && std::mem::take(is_changed)
    }

    /// Returns the bytes that make the terminal look as it should, and have it report its focus or
    /// not.
    fn put_on(&mut self, reports_focus: bool) -> String {
        let title = self.title.clone().filter(|_| self.has_title);
        let colours = self.colours.iter().filter(|_| self.title.is_some()).cloned();
        let focus = reports_focus.then(|| (Guise::Focus, String::new()));
        let titles = title.iter().map(|title| (Guise::Title, title.clone()));
        let wanted: Vec<(Guise, String)> = titles.chain(colours).chain(focus).collect();
        let mut bytes = String::new();
        self.worn.retain(|guise| {
            let stays = wanted.iter().any(|(wanted, _)| wanted == guise);
            if !stays {
                bytes.push_str(guise.take_off());
            }
            stays
        });
        for (guise, value) in &wanted {
            if !self.worn.contains(guise) {
                bytes.push_str(&guise.put_on(value));
                self.worn.push(*guise);
            } else if *guise == Guise::Title && title != self.told {
                bytes.push_str(&Guise::retitle(value));
            }
        }
        self.told = title;
        bytes
    }

    /// Returns the bytes that give the terminal back as it was.
    fn take_off(&mut self) -> String {
        std::mem::take(&mut self.worn).into_iter().map(Guise::take_off).collect()
    }
}

/// Chooses a background for what a terminal says of its own: `15;0`, the last is the number of a
/// colour.
fn background(colours: &str) -> Option<&'static str> {
    let number: u8 = colours.rsplit(';').next()?.parse().ok()?;
    Some(if matches!(number, 0..=6 | 8) { ON_DARK } else { ON_LIGHT })
}

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

    /// Names a production target in the terminal's title for as long as the session is there.
    pub(super) fn entitle(&mut self) -> io::Result<()> {
        let lifted = if self.keeper.lift().is_some() { "BREAK-GLASS " } else { "" };
        let target = &self.keeper.decided().target;
        let label = visible::one_line(&target.label());
        let is_production = target.tier == Tier::Production;
        let replica = if self.appearance.is_replica { " (replica)" } else { "" };
        self.appearance.title =
            is_production.then(|| format!("{lifted}PRODUCTION {label}{replica}"));
        self.put_on()
    }

    /// Changes the look, and returns what is to be said.
    fn where_lines(&mut self) -> io::Result<Vec<String>> {
        let decided = self.keeper.decided();
        let (tier, label) = (decided.target.tier, visible::one_line(&decided.target.label()));
        let is_production = tier == Tier::Production;
        let look = self.keeper.config().look;
        let before = self.appearance.shown.replace(tier);
        self.entitle()?;
        self.keeper.told_where(is_production && look.banner);
        let moment = self.keeper.moment();
        if is_production && moment.is_late() {
            self.alert(Occasion::OpenedLate, &moment.local);
        }
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
        let server = self.keeper.facts().and_then(|facts| facts.server_version.as_deref());
        let (cols, theme) = (self.cols(), self.theme);
        let target = &decided.target;
        let mut lines = notice::banner(target, server, &moment.local, moment.why(), cols, theme);
        let why = decided.evidence.iter().find(|item| item.tier == target.tier);
        lines.extend(
            why.map(|item| notice::lines(&item.because(), Style::Plain, cols, theme))
                .into_iter()
                .flatten(),
        );
        if moment.is_late() {
            lines.extend(self.night_lines());
        }
        Ok(lines)
    }

    /// Puts on again what the client has changed: many set the title at each prompt.
    pub(super) fn keep_on(&mut self, shown: &[u8]) -> io::Result<()> {
        let is_bare = self.appearance.worn.is_empty() && !self.appearance.is_changed;
        if is_bare || !self.appearance.follow(shown) { Ok(()) } else { self.put_on() }
    }

    /// Makes the terminal look as it should.
    pub(super) fn put_on(&mut self) -> io::Result<()> {
        if self.is_background {
            return Ok(());
        }
        let wants_focus = self.wants_focus();
        let bytes = self.appearance.put_on(wants_focus);
        self.change_look(&bytes)
    }

    /// Takes off what a session has left on that was killed on this terminal.
    pub(super) fn take_off_left(&mut self) -> io::Result<()> {
        self.appearance.worn = self.appearance.wardrobe.left();
        self.take_off()
    }

    /// Gives the terminal back as it was.
    pub(super) fn take_off(&mut self) -> io::Result<()> {
        let bytes = self.appearance.take_off();
        self.change_look(&bytes)
    }

    /// The monitor is told as well: it gives the terminal back if we are killed.
    fn change_look(&mut self, bytes: &str) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let worn = &self.appearance.worn;
        drop(self.channel.order(Order::Wear(Guise::pack(worn))));
        self.appearance.wardrobe.wear(worn);
        self.focus_asked(worn.contains(&Guise::Focus));
        self.show_unrecorded(bytes.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn a_terminal_wears_what_it_can() {
        for (vars, worn) in [
            (&[][..], ""),
            (&[("TERM", "dumb"), ("COLORFGBG", "15;0")], ""),
            (&[("TERM", "linux"), ("COLORFGBG", "15;0")], ""),
            (&[("TERM", "xterm")], "\x1b[22;2t\x1b]2;P\x07"),
            (
                &[("TERM", "xterm"), ("COLORFGBG", "15;0")],
                "\x1b[22;2t\x1b]2;P\x07\x1b]11;#2b0b0b\x07",
            ),
            (
                &[("TERM", "xterm"), ("COLORFGBG", "0;default;15")],
                "\x1b[22;2t\x1b]2;P\x07\x1b]11;#ffe8e8\x07",
            ),
            (&[("TERM", "xterm"), ("COLORFGBG", "default")], "\x1b[22;2t\x1b]2;P\x07"),
            (&[("TERM", "screen"), ("COLORFGBG", "15;0")], "\x1b[22;2t\x1b]2;P\x07"),
            (
                &[("TERM", "xterm"), ("WT_SESSION", "1")],
                "\x1b[22;2t\x1b]2;P\x07\x1b]4;264;rgb:c0/10/10\x07",
            ),
        ] {
            let mut world = World::default();
            world.vars.extend(vars.iter().map(|(name, value)| (name.into(), value.into())));
            let mut appearance =
                Appearance::new(Config::default().look, &world, Wardrobe::default());
            assert_eq!(appearance.put_on(false), "", "not on production");
            appearance.title = Some("P".to_owned());
            assert_eq!(appearance.put_on(false), worn, "{vars:?}");
            assert_eq!(appearance.put_on(true), "\x1b[?1004h");
            assert_eq!(appearance.put_on(true), "", "said once");
            appearance.title = Some("Q".to_owned());
            let retitled = if worn.is_empty() { "" } else { "\x1b]2;Q\x07" };
            assert_eq!(appearance.put_on(false), format!("\x1b[?1004l{retitled}"));
            let off = appearance.take_off();
            assert_eq!(off.is_empty(), worn.is_empty());
            assert_eq!(appearance.take_off(), "");
        }
    }
}
