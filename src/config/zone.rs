//! Time zones by name, without walking the whole database: that costs more than a session may.

use std::fs;
use std::path::Path;

use jiff::tz::TimeZone;

/// Where the machine keeps its zones, in the order other programs look.
const FOLDERS: [&str; 2] = ["/usr/share/zoneinfo", "/usr/lib/zoneinfo"];

/// Returns the zone with a name such as `Europe/Berlin`.
#[must_use]
pub(super) fn zone(name: &str) -> Option<TimeZone> {
    let is_plain = !name.is_empty()
        && name.split('/').all(|part| {
            !part.is_empty()
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+-".contains(&b))
        });
    if !is_plain {
        return None;
    }
    FOLDERS
        .iter()
        .filter_map(|folder| fs::read(Path::new(folder).join(name)).ok())
        .find_map(|bytes| TimeZone::tzif(name, &bytes).ok())
        .or_else(|| TimeZone::get(name).ok())
}

/// Returns the zone that stands in a file.
#[must_use]
pub(super) fn file(path: &Path) -> Option<TimeZone> {
    TimeZone::tzif("", &fs::read(path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert!(zone("Europe/Berlin").is_some());
        assert!(zone("UTC").is_some());
        for name in ["", "Europe/Atlantis", "../zoneinfo/UTC", "/etc/localtime", "Europe/", "CET "]
        {
            assert!(zone(name).is_none(), "{name}");
        }
    }
}
