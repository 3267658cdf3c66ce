//! The hidden command that shows one desktop notification: the bus is spoken to in a process of its
//! own, which a session neither waits for nor shares a thread with.

use std::io::Read;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use notify_rust::{Notification, Timeout, Urgency, get_server_information};

use crate::notify::{Alert, Desktop, Notifier, escaped, has_bus};
use crate::os::background;
use crate::world::World;

/// The hidden first argument.
pub const NOTIFY: &str = "__notify";

/// How long the bus may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A longer text is none of ours, in bytes.
const LARGEST: u64 = 16 << 10;

/// How long one that nobody must see stays.
const STAYS: Timeout = Timeout::Milliseconds(15_000);

/// Starts the hidden command for each.
#[derive(Debug)]
struct Helper;

impl Desktop for Helper {
    fn show(&mut self, alert: &Alert) {
        if let Ok(text) = serde_json::to_vec(alert) {
            background::tell(NOTIFY, text);
        }
    }
}

/// Makes a session's notifier; it shows nothing where there is no bus or nobody wants it.
#[must_use]
pub fn notifier(world: &World, is_wanted: bool) -> Notifier {
    let has_desktop = is_wanted && has_bus(world);
    Notifier::new(has_desktop.then(|| Box::new(Helper) as Box<dyn Desktop>))
}

/// Is the process in the background.
#[must_use]
pub fn show() -> u8 {
    background::become_background();
    let mut text = Vec::new();
    if std::io::stdin().take(LARGEST).read_to_end(&mut text).is_err() {
        return 2;
    }
    let Ok(alert) = serde_json::from_slice::<Alert>(&text) else { return 2 };
    u8::from(!on_bus(move || send(&alert)).unwrap_or(false))
}

/// Asks on the bus who shows notifications.
///
/// # Errors
/// Returns in words why nobody does.
pub(super) fn shower() -> Result<String, String> {
    let told = on_bus(get_server_information)
        .ok_or_else(|| format!("the bus does not answer within {} s", PATIENCE.as_secs()))?;
    told.map(|server| format!("{} {}", server.name, server.version))
        .map_err(|error| error.to_string())
}

/// Does something on the bus, on a thread of its own; none if that does not answer, and is left
/// where it is.
fn on_bus<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (sender, receiver) = channel();
    let work = move || sender.send(work()).ok();
    thread::Builder::new().name("bus".to_owned()).spawn(work).ok()?;
    receiver.recv_timeout(PATIENCE).ok()
}

/// Sends it; returns whether it was shown. It has no action, so that nothing can be answered on it.
fn send(alert: &Alert) -> bool {
    let urgency = if alert.is_urgent { Urgency::Critical } else { Urgency::Normal };
    Notification::new()
        .appname("nightlatch")
        .summary(&alert.summary)
        .body(&escaped(&alert.body))
        .icon("security-high")
        .urgency(urgency)
        .timeout(if alert.is_urgent { Timeout::Default } else { STAYS })
        .show()
        .is_ok()
}
