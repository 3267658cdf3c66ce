//! The Pythons of this machine, and one with the drivers of the requirements.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::tool::{make, variable};

/// What the drivers' environment is made of.
const REQUIREMENTS: &str = include_str!("../real_python/requirements.txt");

/// The newest interpreter whose packages the requirements are for.
const DRIVERS_FOR: (u32, u32) = (3, 11);

/// One interpreter.
#[derive(Debug, Clone)]
pub(crate) struct Interpreter {
    /// Major and minor version.
    pub(crate) version: (u32, u32),
    pub(crate) path: PathBuf,
}

/// Lists one interpreter of each version the guard knows, oldest first.
pub(crate) fn interpreters() -> &'static [Interpreter] {
    static FOUND: OnceLock<Vec<Interpreter>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let mut found: Vec<Interpreter> = Vec::new();
        for path in candidates() {
            let Some(interpreter) = ask(&path) else { continue };
            let is_new = !found.iter().any(|known| known.version == interpreter.version);
            if interpreter.version >= (3, 8) && is_new {
                found.push(interpreter);
            }
        }
        found.sort_by_key(|interpreter| interpreter.version);
        found
    })
}

/// Returns the interpreter most tests are run with.
pub(crate) fn usual() -> Option<&'static Interpreter> {
    let all = interpreters();
    all.iter().find(|found| found.version == DRIVERS_FOR).or_else(|| all.last())
}

/// Returns an interpreter that is too old for the guard, if there is one.
pub(crate) fn ancient() -> Option<PathBuf> {
    let own = home_versions().into_iter().find(|path| path.to_string_lossy().contains("/2.7"));
    own.or_else(|| super::tool::find("python2"))
}

fn candidates() -> Vec<PathBuf> {
    let named = (8..20).rev().map(|minor| format!("python3.{minor}"));
    let on_path = named.chain(["python3".to_owned()]).filter_map(|name| super::tool::find(&name));
    home_versions().into_iter().chain(on_path).collect()
}

/// Where pyenv keeps its versions.
fn home_versions() -> Vec<PathBuf> {
    let Some(home) = variable("HOME") else { return Vec::new() };
    let Ok(folders) = fs::read_dir(Path::new(&home).join(".pyenv/versions")) else {
        return Vec::new();
    };
    folders.filter_map(Result::ok).map(|folder| folder.path().join("bin/python")).collect()
}

fn ask(path: &Path) -> Option<Interpreter> {
    let program = "import sys; print(sys.version_info[0], sys.version_info[1], sys.executable)";
    let output = Command::new(path).args(["-Sc", program]).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut words = text.trim().splitn(3, ' ');
    let version = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some(Interpreter { version, path: PathBuf::from(words.next()?) })
}

/// Returns the folder of programs of an environment with all drivers. It is made once, below
/// `target`, and made anew when the requirements change; none where it cannot be made.
pub(crate) fn drivers() -> Option<&'static Path> {
    static MADE: OnceLock<Option<PathBuf>> = OnceLock::new();
    MADE.get_or_init(make_drivers).as_deref()
}

fn make_drivers() -> Option<PathBuf> {
    let python = usual()?;
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
    let folder = target.join(format!("python-{}.{}", python.version.0, python.version.1));
    let bin = folder.join("bin");
    let is_made = make(&folder, REQUIREMENTS, || {
        let mut venv = Command::new(&python.path);
        venv.args(["-m", "venv", "--clear"]).arg(&folder);
        let mut pip = Command::new(bin.join("pip"));
        let file = "tests/it/real_python/requirements.txt";
        pip.args(["install", "-q", "-r", file]).current_dir(env!("CARGO_MANIFEST_DIR"));
        Some(vec![venv, pip])
    });
    is_made.then_some(bin)
}

/// Fetches one package by itself, once, below `target`: for the programs that it brings along.
/// Returns its folder; none where it cannot be had.
pub(crate) fn package(name: &str, package: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target").join(name);
    let pip = drivers()?.join("pip");
    let is_made = make(&folder, package, || {
        let mut install = Command::new(pip);
        install.args(["install", "-q", "--no-deps", "--upgrade", "--target"]).arg(&folder);
        install.arg(package);
        Some(vec![install])
    });
    is_made.then_some(folder)
}
