//! Versions of mongosh, from npm.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::tool::make;

/// What is installed.
const PACKAGE: &str = include_str!("../real_mongosh/package.json");

/// The versions, by what the package calls them; the newest comes last.
const NAMES: &[&str] = &["mongosh-1.10", "mongosh-2.0", "mongosh-2"];

/// Lists the program of each version, oldest first. They are installed once, below `target`, and
/// anew when the package changes; none where they cannot be.
pub(crate) fn shells() -> Option<&'static [PathBuf]> {
    static MADE: OnceLock<Option<Vec<PathBuf>>> = OnceLock::new();
    MADE.get_or_init(install).as_deref()
}

/// Returns the newest.
pub(crate) fn usual() -> Option<&'static Path> {
    Some(shells()?.last()?)
}

/// Returns where the packages are.
pub(crate) fn folder() -> PathBuf {
    home().join("node_modules")
}

fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/mongosh")
}

fn install() -> Option<Vec<PathBuf>> {
    let folder = home();
    let is_made = make(&folder, PACKAGE, || {
        fs::create_dir_all(&folder).ok()?;
        fs::write(folder.join("package.json"), PACKAGE).ok()?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund"]);
        npm.args(["--no-package-lock", "--loglevel=error"]).current_dir(&folder);
        Some(vec![npm])
    });
    let program = |name: &&str| self::folder().join(name).join("bin/mongosh.js");
    is_made.then(|| NAMES.iter().map(program).collect())
}
