//! What is said of the hour: that it has become late, and that the glass was broken.

use std::io;

use super::Relay;
use super::keeper::News;
use crate::glass::NOTE;
use crate::policy::Lift;
use crate::ui::notice;
use crate::ui::theme::Style;

impl Relay {
    /// Says what has changed since the person was told last.
    pub(super) fn say_hours(&mut self) -> io::Result<()> {
        let news = self.keeper.news();
        if news.iter().any(|news| matches!(news, News::Lifted(_) | News::Over)) {
            self.entitle()?;
        }
        let label = self.keeper.decided().target.label();
        for news in news {
            let is_late = matches!(news, News::Late(_));
            let (note, text) = match news {
                News::Late(why) => {
                    let local = self.keeper.moment().local;
                    let tier = self.keeper.decided().target.tier;
                    let until = self.quiet_words();
                    ("", format!("LATE ({why}), {local}: {tier} asks for more now{until}"))
                }
                News::Lifted(Lift { until, reason }) => {
                    let least = "nothing asks for more than yes";
                    (NOTE, format!("BREAK-GLASS on {label} until {until}: {reason}; {least}"))
                }
                News::Over => {
                    (NOTE, format!("BREAK-GLASS on {label} is over: what is held asks as before"))
                }
                News::Unreadable => {
                    let list = "nightlatch break-glass --list";
                    ("", format!("a break-glass file is damaged and lifts nothing: {list}"))
                }
            };
            self.keeper.remark(&format!("{note}{text}"));
            let mut lines = notice::lines(&text, Style::Warning, self.cols(), self.theme);
            if is_late {
                lines.extend(self.figures());
            }
            lines.into_iter().try_for_each(|line| self.say_or_wait(line))?;
        }
        Ok(())
    }

    /// Returns what there is to know where a production session is opened late: when it is quiet
    /// again, and the figures.
    pub(super) fn night_lines(&mut self) -> Vec<String> {
        let now = self.keeper.clock().now();
        let quiet = self.keeper.config().quiet_from(now, self.keeper.decided());
        let text = match quiet {
            Some(quiet) => format!("late: the next quiet time begins at {quiet}"),
            None => "late: no quiet time is in sight".to_owned(),
        };
        let mut lines = notice::lines(&text, Style::Plain, self.cols(), self.theme);
        lines.extend(self.figures());
        lines
    }

    /// Returns what was asked for at the start, once, if it has come by now.
    fn figures(&mut self) -> Vec<String> {
        let label = self.keeper.decided().target.label();
        let night = self.night.take().filter(|night| night.label == label);
        let text = night.and_then(|night| night.lines.try_recv().ok()).unwrap_or_default();
        let whole = |text| notice::lines(text, Style::Plain, self.cols(), self.theme);
        text.lines().flat_map(whole).collect()
    }

    /// Says until when it stays late: `, until 06:00 CET, Monday`.
    pub(super) fn quiet_words(&self) -> String {
        let now = self.keeper.clock().now();
        let quiet = self.keeper.config().quiet_from(now, self.keeper.decided());
        quiet.map(|quiet| format!(", until {quiet}")).unwrap_or_default()
    }
}
