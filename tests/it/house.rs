//! The house laws: what every file of the project keeps to. Each failure names the file and the
//! place, and each exception stands here with its reason.

use std::fs;
use std::path::{Path, PathBuf};

/// Lines a source file may have; beyond that it has more than one job.
const MOST_LINES: usize = 600;

/// What only `src/os` may use.
const SYSTEM: &[&str] =
    &["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern", "nix::", "libc::"];

/// Where a client may be named in code outside `src/clients`, and why. A path that ends with a slash
/// stands for the folder.
const NAMING: &[(&str, &str)] = &[
    ("src/target/libpq/", "its library and its service files are named after the server"),
    ("src/cli/", "a subcommand is named after its client"),
    ("src/cmd/", "a subcommand is dispatched by its name"),
    ("src/main.rs", "a subcommand is dispatched by its name"),
];

/// One file of the project, its path relative to the project's folder.
struct Source {
    path: String,
    text: String,
}

impl Source {
    /// Gives the lines that are code of the program: no comments, and nothing after the tests begin.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .take_while(|(_, line)| *line != "#[cfg(test)]")
            .map(|(index, line)| (index + 1, line.split("//").next().unwrap_or_default()))
    }

    /// Tells whether the file holds tests only.
    fn is_test(&self) -> bool {
        self.path.ends_with("_test.rs")
            || self.path.ends_with("/tests.rs")
            || self.path.contains("/tests/")
    }
}

/// Reads every Rust file below a folder of the project.
fn sources(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join(folder)];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the project") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    let read = |path: PathBuf| Source {
        text: fs::read_to_string(&path).expect("UTF-8"),
        path: path.strip_prefix(root).expect("below").to_str().expect("UTF-8").to_owned(),
    };
    files.into_iter().map(read).collect()
}

/// Fails with every breach at once.
#[track_caller]
fn none(what: &str, breaches: &[String]) {
    assert!(breaches.is_empty(), "{what}:\n  {}", breaches.join("\n  "));
}

#[test]
fn every_file_says_what_it_is() {
    let breaches: Vec<_> = ["src", "tests/it", "benches"]
        .into_iter()
        .flat_map(sources)
        .filter(|source| !source.text.starts_with("//!"))
        .map(|source| source.path)
        .collect();
    none("files that do not open with a module comment", &breaches);
}

#[test]
fn every_source_file_has_one_job() {
    let breaches: Vec<_> = sources("src")
        .into_iter()
        .map(|source| (source.text.lines().count(), source.path))
        .filter(|(lines, _)| *lines > MOST_LINES)
        .map(|(lines, path)| format!("{path}: {lines} lines"))
        .collect();
    none(&format!("files of more than {MOST_LINES} lines"), &breaches);
}

#[test]
fn the_system_is_called_in_one_room() {
    let mut breaches = Vec::new();
    for source in sources("src").iter().filter(|source| !source.path.starts_with("src/os/")) {
        for (number, line) in source.code() {
            if SYSTEM.iter().any(|word| stands_in(line, word)) {
                breaches.push(format!("{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    none("system calls outside src/os", &breaches);
}

/// Tells whether the line has the word, and not as the end of a longer one, as in `unix::`.
fn stands_in(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        !line[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_')
    })
}

#[test]
fn every_unsafe_block_has_its_proof() {
    let mut breaches = Vec::new();
    for source in sources("src/os") {
        let lines: Vec<_> = source.text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            let is_block = line.split("//").next().is_some_and(|code| code.contains("unsafe {"));
            let before = &lines[index.saturating_sub(8)..index];
            if is_block && !before.iter().any(|line| line.contains("SAFETY:")) {
                breaches.push(format!("{}:{}", source.path, index + 1));
            }
        }
    }
    none("unsafe blocks without SAFETY", &breaches);
}

#[test]
fn clients_are_named_in_their_folder_only() {
    let mut breaches = Vec::new();
    for source in sources("src") {
        let is_excepted = NAMING.iter().any(|(path, _)| {
            source.path == *path || (path.ends_with('/') && source.path.starts_with(path))
        });
        if source.path.starts_with("src/clients/") || source.is_test() || is_excepted {
            continue;
        }
        for (number, line) in source.code() {
            if line.to_lowercase().contains("psql") {
                breaches.push(format!("{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    none("clients named outside src/clients", &breaches);
}

/// A test file nobody lists is a test that never runs.
#[test]
fn every_test_file_is_listed() {
    let mut breaches = Vec::new();
    for source in sources("tests/it") {
        let path = Path::new(&source.path);
        let folder = path.parent().expect("a folder");
        let name = path.file_stem().and_then(|name| name.to_str()).expect("UTF-8");
        // A module is listed in its folder's own file; the root's is main.rs.
        let (listing, module) = match name {
            "main" => continue,
            "mod" => {
                let module = folder.file_name().and_then(|name| name.to_str()).expect("UTF-8");
                (listing_of(folder.parent().expect("a folder")), module)
            }
            _ => (listing_of(folder), name),
        };
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let listed = fs::read_to_string(root.join(&listing)).unwrap_or_default();
        let declares =
            |line: &str| line.trim_start_matches("pub(crate) ") == format!("mod {module};");
        if !listed.lines().any(declares) {
            breaches.push(format!("{} is not in {}", source.path, listing.display()));
        }
    }
    none("test files that are not listed", &breaches);
}

/// Returns the file that lists the modules of a folder of tests.
fn listing_of(folder: &Path) -> PathBuf {
    let name = if folder.ends_with("tests/it") { "main.rs" } else { "mod.rs" };
    folder.join(name)
}

/// Sleeping tests are slow when they pass and wrong when they fail; ignored ones do not exist.
#[test]
fn tests_neither_sleep_nor_hide() {
    // Spelled in two parts, so that this file does not break its own law.
    let banned =
        [concat!("thread::", "sleep"), concat!("time.", "sleep("), concat!("#[", "ignore")];
    let mut breaches = Vec::new();
    for source in ["src", "tests/it"].into_iter().flat_map(sources) {
        for (index, line) in source.text.lines().enumerate() {
            if banned.iter().any(|word| line.contains(word)) {
                breaches.push(format!("{}:{}: {}", source.path, index + 1, line.trim()));
            }
        }
    }
    none("sleeps and ignored tests", &breaches);
}

/// Each exception has its reason.
#[test]
fn exceptions_have_reasons() {
    let breaches: Vec<_> = NAMING
        .iter()
        .filter(|(_, why)| why.is_empty())
        .map(|(path, _)| (*path).to_owned())
        .collect();
    none("exceptions without a reason", &breaches);
}
