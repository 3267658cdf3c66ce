//! Desktop notifications: what is worth one, and how often. They tell, and never ask: nothing can
//! be answered on one.

use std::collections::VecDeque;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::redact;
use crate::world::World;

/// Notifications of one kind are at least so far apart.
const APART: Duration = Duration::from_secs(60);

/// No more than this many come within [`WINDOW`].
const MOST: usize = 6;

/// See [`MOST`].
const WINDOW: Duration = Duration::from_secs(600);

/// Letters of a text that are shown.
const LONGEST: usize = 200;

/// What a notification is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// A production session was opened late.
    OpenedLate,
    /// A question stands on a terminal that nobody looks at.
    HoldWaiting,
    /// A loop was stopped.
    LoopStopped,
    /// A production session is open and nobody uses it.
    Idle,
    /// Something is not recorded.
    Gap,
}

/// One notification, as it is handed to the desktop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// What happened, and where.
    pub summary: String,
    /// More of it.
    pub body: String,
    /// Whether it stays until somebody has seen it.
    pub is_urgent: bool,
}

/// What shows notifications.
pub trait Desktop: fmt::Debug {
    /// Shows one; it does not wait, and nobody is told whether it worked.
    fn show(&mut self, alert: &Alert);
}

/// Tells the desktop what happens, as often as is good for a person.
#[derive(Debug)]
pub struct Notifier {
    desktop: Option<Box<dyn Desktop>>,
    /// When each was shown, newest last.
    shown: VecDeque<(Duration, Occasion)>,
}

impl Notifier {
    /// Makes a notifier; none shows nothing.
    #[must_use]
    pub fn new(desktop: Option<Box<dyn Desktop>>) -> Self {
        Self { desktop, shown: VecDeque::new() }
    }

    /// Returns whether anything can be shown.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.desktop.is_some()
    }

    /// Tells of something that happened at `label`; `now` is on any clock that only goes forward.
    pub fn tell(&mut self, occasion: Occasion, label: &str, text: &str, now: Duration) {
        let Some(desktop) = &mut self.desktop else { return };
        while self.shown.front().is_some_and(|(at, _)| now.saturating_sub(*at) >= WINDOW) {
            self.shown.pop_front();
        }
        let is_soon = |(at, shown): &(Duration, Occasion)| {
            *shown == occasion && now.saturating_sub(*at) < APART
        };
        if self.shown.len() >= MOST || self.shown.iter().any(is_soon) {
            return;
        }
        self.shown.push_back((now, occasion));
        let (what, is_urgent) = match occasion {
            Occasion::OpenedLate => ("opened late", false),
            Occasion::HoldWaiting => ("a question is waiting", true),
            Occasion::LoopStopped => ("a loop was stopped", true),
            Occasion::Idle => ("still open, and nobody uses it", false),
            Occasion::Gap => ("not recorded", true),
        };
        let summary = clean(&format!("{label}: {what}"));
        desktop.show(&Alert { summary, body: clean(text), is_urgent });
    }
}

/// Takes out secrets and what no notification needs, and shortens it.
fn clean(text: &str) -> String {
    let text = redact::redact(text).text;
    let mut clean: String =
        text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    if let Some((end, _)) = clean.char_indices().nth(LONGEST) {
        clean.truncate(end);
        clean.push('…');
    }
    clean
}

/// Escapes a text for desktops that read markup in it.
#[must_use]
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Tells whether there is a session bus to show anything on.
#[must_use]
pub fn has_bus(world: &World) -> bool {
    world.var_os("DBUS_SESSION_BUS_ADDRESS").is_some()
        || world.var_os("XDG_RUNTIME_DIR").is_some_and(|dir| Path::new(dir).join("bus").exists())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A desktop that keeps what it is shown.
    #[derive(Debug, Default, Clone)]
    struct Kept(Arc<Mutex<Vec<Alert>>>);

    impl Desktop for Kept {
        fn show(&mut self, alert: &Alert) {
            self.0.lock().expect("no panic").push(alert.clone());
        }
    }

    fn shown(told: &[(Occasion, u64)]) -> Vec<String> {
        let kept = Kept::default();
        let mut notifier = Notifier::new(Some(Box::new(kept.clone())));
        for (occasion, second) in told {
            notifier.tell(*occasion, "orders-prod", "text", Duration::from_secs(*second));
        }
        let alerts = kept.0.lock().expect("no panic");
        alerts.iter().map(|alert| alert.summary.clone()).collect()
    }

    #[test]
    fn one_of_a_kind_in_a_minute_and_a_few_in_ten() {
        use Occasion::{Gap, HoldWaiting, Idle};
        let told = [(HoldWaiting, 0), (HoldWaiting, 59), (Gap, 59), (HoldWaiting, 60)];
        assert_eq!(
            shown(&told),
            [
                "orders-prod: a question is waiting",
                "orders-prod: not recorded",
                "orders-prod: a question is waiting"
            ]
        );
        let storm: Vec<(Occasion, u64)> = (0..20).map(|n| (Idle, n * 60)).collect();
        assert_eq!(shown(&storm).len(), 12, "six in the first ten minutes, six in the next");
    }

    #[test]
    fn secrets_and_controls_stay_here() {
        let kept = Kept::default();
        let mut notifier = Notifier::new(Some(Box::new(kept.clone())));
        let text = format!("ALTER USER app PASSWORD 'hunter2'\x1b[2J\n{}", "x".repeat(400));
        notifier.tell(Occasion::Gap, "a<b>", &text, Duration::ZERO);
        let alert = kept.0.lock().expect("no panic")[0].clone();
        assert!(!alert.body.contains("hunter2") && !alert.body.contains(char::is_control));
        assert_eq!(alert.body.chars().count(), LONGEST + 1);
        assert_eq!(escaped(&alert.summary), "a&lt;b&gt;: not recorded");
    }
}
