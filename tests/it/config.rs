//! Configuration files: the valid load, the invalid tell every mistake, the example is complete.

use std::fs;
use std::path::{Path, PathBuf};

use nightlatch::config::error::Style;
use nightlatch::config::{Config, Layer, keys, load, load_text, show};
use nightlatch::target::{Address, Known, Tier, for_address};
use nightlatch::world::World;

fn files(folder: &str) -> Vec<(String, PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config").join(folder);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be listed").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .map(|path| {
            let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).expect("it can be read");
            (name.clone(), PathBuf::from(format!("{name}.toml")), text)
        })
        .collect();
    files.sort();
    assert!(files.len() > 2, "{} is nearly empty", folder.display());
    files
}

fn load_as_named(name: &str, file: &Path, text: &str) -> nightlatch::config::Loaded {
    if name.starts_with("project-") {
        let mut loaded = load_text(Path::new("empty.toml"), "");
        loaded.overlay(file, text, Layer::Project);
        return loaded;
    }
    load_text(file, text)
}

#[test]
fn valid_files_load_and_come_back() {
    for (name, file, text) in files("valid") {
        let loaded = load_as_named(&name, &file, &text);
        let messages: Vec<_> = loaded.errors.iter().map(|e| e.render(Style::Plain)).collect();
        assert!(messages.is_empty(), "{name}:\n{}", messages.join("\n"));
        assert!(!loaded.config.broken && !loaded.config.targets_doubtful);
        let shown = show::show(&loaded.config);
        let mut again = load_text(Path::new("shown.toml"), &shown);
        assert!(again.errors.is_empty(), "{name}:\n{shown}\n{:?}", again.errors);
        for target in &mut again.config.targets {
            // Only a project's file makes these.
            target.raises_only = name.starts_with("project-");
        }
        assert_eq!(again.config, loaded.config, "{name}:\n{shown}");
    }
}

#[test]
fn invalid_files_tell_every_mistake() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../config/invalid");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for (name, file, text) in files("invalid") {
        let loaded = load_as_named(&name, &file, &text);
        assert!(loaded.config.broken, "{name} has no mistake");
        let messages: Vec<_> = loaded.errors.iter().map(|e| e.render(Style::Plain)).collect();
        settings.bind(|| insta::assert_snapshot!(name.as_str(), messages.join("\n\n")));
    }
}

#[test]
fn the_good_parts_of_a_broken_file_count() {
    let text = "[hold]\ntimeout = \"5m\"\nbulk_count = \"many\"\n[hours]\nlate = \"off\"\n";
    let loaded = load_text(Path::new("config.toml"), text);
    assert_eq!(loaded.errors.len(), 1);
    assert_eq!(
        loaded.errors[0].line(),
        "config.toml:3:14: `hold.bulk_count` must be a whole number"
    );
    assert_eq!(loaded.config.hold.timeout.as_secs(), 300);
    assert_eq!(loaded.config.hold.limits.bulk_count, 5);
    assert!(loaded.config.calendar.late.is_empty());
}

#[test]
fn a_broken_file_fails_closed_where_it_may_have_spoken() {
    let at = |host: &str, config: &Config| {
        let address = Address { host: Some(host.to_owned()), ..Address::default() };
        let known = Known { rules: &config.targets, ..Known::default() };
        config.fails_closed(&for_address(&address, &known))
    };
    let good = "[[target]]\nname = \"a\"\ntier = \"development\"\nmatch = [\"db.dev\"]\n";
    let fine = load_text(Path::new("c.toml"), good).config;
    assert!(!at("db.example.com", &fine) && !at("localhost", &fine));

    let elsewhere = load_text(Path::new("c.toml"), &format!("{good}[hold]\ntimeout = 1\n")).config;
    assert!(at("db.example.com", &elsewhere), "unknown");
    assert!(!at("localhost", &elsewhere), "no target was lost");
    assert!(!at("db.dev", &elsewhere), "a target spoke");

    let lost = load_text(Path::new("c.toml"), &format!("{good}[[target]]\nname = \"b\"\n")).config;
    assert!(at("localhost", &lost) && at("db.example.com", &lost) && !at("db.dev", &lost));
}

#[test]
fn a_project_raises_and_never_lowers_a_tier() {
    let user =
        "[[target]]\nname = \"p\"\ntier = \"production\"\nmatch = [\"db.prod.example.com\"]\n";
    let project = "[[target]]\nname = \"s\"\ntier = \"staging\"\nmatch = [\"*\"]\n";
    let mut loaded = load_text(Path::new("user.toml"), user);
    loaded.overlay(Path::new(".nightlatch.toml"), project, Layer::Project);
    assert!(loaded.errors.is_empty());
    let known = Known { rules: &loaded.config.targets, ..Known::default() };
    let tier = |host: &str| {
        let address = Address { host: Some(host.to_owned()), ..Address::default() };
        for_address(&address, &known).target
    };
    assert_eq!(tier("db.prod.example.com").tier, Tier::Production);
    assert_eq!(tier("db.prod.example.com").name.as_deref(), Some("p"));
    assert_eq!(tier("prod.other.com").tier, Tier::Production, "by its name");
    assert_eq!(tier("localhost").tier, Tier::Staging);
    assert_eq!(tier("localhost").name.as_deref(), Some("s"));
}

#[test]
fn files_are_found_and_laid_over_each_other() {
    let home = tempfile::tempdir().expect("a folder");
    let deep = home.path().join("work/deep");
    fs::create_dir_all(&deep).expect("folders");
    let user = home.path().join(".config/nightlatch/config.toml");
    fs::create_dir_all(user.parent().expect("it has one")).expect("folders");
    fs::write(&user, "[hold]\nbulk_count = 4\ntimeout = \"10m\"\n").expect("a file");
    let project = home.path().join("work/.nightlatch.toml");
    fs::write(&project, "[hold]\nbulk_count = 3\n").expect("a file");
    let mut world = World { home: Some(home.path().into()), cwd: deep, ..World::default() };
    let loaded = load(&world);
    assert_eq!(loaded.files, [user, project]);
    assert_eq!(loaded.config.hold.limits.bulk_count, 3);
    assert_eq!(loaded.config.hold.timeout.as_secs(), 600);

    world.vars.insert("NIGHTLATCH_CONFIG".into(), "/nonexistent/config.toml".into());
    let loaded = load(&world);
    assert_eq!(loaded.errors.len(), 1, "a file asked for by name must be there");
    assert!(loaded.config.targets_doubtful);
}

#[test]
fn the_example_has_every_key_at_its_default() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/config.toml");
    let text = fs::read_to_string(&path).expect("the example is there");
    let loaded = load_text(&path, &text);
    assert!(loaded.errors.is_empty(), "{:?}", loaded.errors);
    assert_eq!(loaded.config, Config::default());
    let document: toml::Table = text.parse().expect("it is TOML");
    let plain = keys::KEYS.iter().map(|key| (key.section, key.name));
    for (section, key) in plain.chain(keys::SPECIAL.iter().copied()) {
        assert!(document[section].get(key).is_some(), "{section}.{key} is missing");
    }

    // Tables without a default stand indented in comments; they must load too.
    let commented: String = text
        .lines()
        .filter_map(|line| line.strip_prefix("#     "))
        .map(|line| format!("{line}\n"))
        .collect();
    let loaded = load_text(&path, &commented);
    assert!(loaded.errors.is_empty(), "{:?}", loaded.errors);
    let document: toml::Table = commented.parse().expect("it is TOML");
    for (list, keys) in [("target", keys::TARGET), ("freeze", keys::FREEZE)] {
        for key in keys {
            let tables = document[list].as_array().expect("a list");
            let has = tables.iter().any(|table| table.get(key).is_some());
            assert!(has, "{list}.{key} is missing");
        }
    }
}

/// Pieces that are likely to meet in a broken file.
const PIECES: &[&str] = &[
    "[[target]]",
    "[target]",
    "[hours]",
    "[hold]",
    "[[freeze]]",
    "[redact]",
    "\n",
    " = ",
    "name",
    "tier",
    "match",
    "late",
    "timeout",
    "patterns",
    "from",
    "to",
    "\"",
    "'",
    "[",
    "]",
    "{",
    "}",
    ",",
    "22:00-06:00",
    "production",
    "2026-12-24",
    "5",
    "true",
    "é",
    "\u{1f512}",
    "\t",
    "#",
    "\r\n",
    "\"\"\"",
    "\\u00e9",
    ".",
];

proptest::proptest! {
    #[test]
    fn no_text_makes_loading_or_telling_panic(
        picks in proptest::collection::vec(0..PIECES.len(), 0..40),
        noise in ".{0,20}",
    ) {
        let text: String = picks.iter().map(|pick| PIECES[*pick]).collect();
        for text in [text.clone(), format!("{text}{noise}"), noise] {
            let mut loaded = load_text(Path::new("config.toml"), &text);
            loaded.overlay(Path::new(".nightlatch.toml"), &text, Layer::Project);
            for error in &loaded.errors {
                assert!(!error.render(Style::Plain).is_empty());
                assert!(!error.line().is_empty());
            }
            let shown = show::show(&loaded.config);
            let again = load_text(Path::new("shown.toml"), &shown);
            assert!(again.errors.iter().all(|e| e.title.contains("two targets")), "{shown}");
        }
    }
}
