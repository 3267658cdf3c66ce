//! Times as all forms of the timeline write them.

use jiff::Timestamp;

use crate::ui::table::View;

/// A time to the millisecond.
pub(super) fn precise(time: Timestamp, view: &View<'_>) -> String {
    time.to_zoned(view.zone.clone()).strftime("%Y-%m-%d %H:%M:%S.%3f").to_string()
}

/// A time with all that tells which one it is.
pub(super) fn local(time: Timestamp, view: &View<'_>) -> String {
    time.to_zoned(view.zone.clone()).strftime("%Y-%m-%d %H:%M:%S.%6f%:z (%A, %Z)").to_string()
}
