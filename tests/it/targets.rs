//! Command lines, variables and service files to addresses and tiers: a table.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use nightlatch::clients::known;
use nightlatch::clients::psql::surroundings::given;
use nightlatch::config::load_text;
use nightlatch::here::{self, Here};
use nightlatch::target::libpq::Surroundings;
use nightlatch::target::tunnel::{self, Tunnel};
use nightlatch::target::{
    Address, Decided, Evidence, Known, Pattern, Remembered, Seen, TargetRule, Tier, for_address,
    for_invocation,
};
use nightlatch::world::World;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    why: String,
    argv: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    services: Option<String>,
    machine: Option<String>,
    #[serde(default)]
    to: Vec<String>,
    tier: Option<Tier>,
    name: Option<String>,
    error: Option<String>,
}

fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(file);
    fs::read_to_string(path).expect("the file is there")
}

#[test]
fn every_row_of_the_table() {
    let table: Table = toml::from_str(&read("targets/psql.toml")).expect("the table is TOML");
    let config = load_text(Path::new("contract.toml"), &read("config/valid/contract.toml")).config;
    for case in table.case {
        let surroundings = Surroundings {
            vars: case.env.into_iter().collect(),
            service_files: case
                .services
                .map(|text| ("services".to_owned(), text))
                .into_iter()
                .collect(),
            pass_file: None,
            os_user: Some("me".to_owned()),
        };
        let known =
            Known { rules: &config.targets, machine: case.machine.as_deref(), ..Known::default() };
        let decided =
            given(&case.argv).and_then(|given| for_invocation(&given, &surroundings, &known));
        match (decided, case.error) {
            (Err(error), expected) => assert_eq!(Some(error), expected, "{}", case.why),
            (Ok(all), expected) => {
                assert_eq!(expected, None, "{}", case.why);
                let to: Vec<_> = all.iter().map(|one| one.target.address.to_string()).collect();
                assert_eq!(to, case.to, "{}", case.why);
                assert_eq!(Some(all[0].target.tier), case.tier, "{}: {:?}", case.why, all[0]);
                assert_eq!(all[0].target.name, case.name, "{}", case.why);
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rows {
    config: String,
    case: Vec<Row>,
}

/// One line of `evidence.toml` or `adversary.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    line: String,
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// Files of the home folder.
    #[serde(default)]
    files: BTreeMap<String, String>,
    /// The working directory, below the home folder.
    #[serde(default)]
    folder: String,
    machine: Option<String>,
    /// Other processes, which listen on all that they say.
    #[serde(default)]
    runs: Vec<String>,
    to: Option<String>,
    tier: Tier,
    says: Option<String>,
    conflict: Option<String>,
}

impl Row {
    fn decide(&self, rules: &[TargetRule]) -> Decided {
        let home = tempfile::tempdir().expect("a folder");
        let mut world = World { cwd: home.path().join(&self.folder), ..World::default() };
        world.home = Some(home.path().to_owned());
        fs::create_dir_all(&world.cwd).expect("made");
        for (name, text) in &self.files {
            let path = home.path().join(name);
            fs::create_dir_all(path.parent().expect("below home")).expect("made");
            fs::write(path, text).expect("written");
        }
        let own = [("PGUSER", "me"), ("PGSYSCONFDIR", "/nonexistent")];
        let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let vars = own.into_iter().chain(self.env.clone());
        let whole = |text: &str| text.replace("{home}", &home.path().display().to_string());
        world.vars = vars.map(|(name, value)| (name.into(), whole(&value).into())).collect();
        let words: Vec<String> = self.line.split(' ').map(str::to_owned).collect();
        let (name, args) = words.split_first().expect("a client");
        let machine = self.machine.clone().filter(|_| world.var("CI").is_none());
        let here = Here::with(
            machine,
            Box::new({
                let runs: Vec<String> = self.runs.iter().map(|line| whole(line)).collect();
                let home = home.path().to_owned();
                move || runs.iter().flat_map(|line| listener(line, &home)).collect()
            }),
        );
        let here = here.in_cluster(&world);
        let decide = known::decider(name).expect(name);
        let mut all = decide(args, &world, &here.known(rules)).expect(&self.line);
        all.swap_remove(0)
    }
}

fn listener(line: &str, home: &Path) -> Vec<Tunnel> {
    let args: Vec<String> = line.split(' ').map(str::to_owned).collect();
    let process: String = args[0].chars().take(15).collect();
    let files = |path: &str| here::read(&home.join(path.strip_prefix("~/").unwrap_or(path)));
    // What no command line tells of, the system does.
    let told = tunnel::read(&process, &args, None, &files);
    if told.is_empty() { tunnel::read(&process, &args, Some(&[6432]), &files) } else { told }
}

#[test]
fn every_row_of_evidence() {
    // The tables do not shrink.
    for (table, least) in [("evidence", 150), ("adversary", 100)] {
        every_row_of(&format!("targets/{table}.toml"), least);
    }
}

fn every_row_of(table: &str, least: usize) {
    let rows: Rows = toml::from_str(&read(table)).expect("the table is TOML");
    let loaded = load_text(Path::new(table), &rows.config);
    assert!(loaded.errors.is_empty(), "{:?}", loaded.errors);
    assert!(rows.case.len() >= least, "rows have gone: {} are left", rows.case.len());
    let mut wrong = Vec::new();
    for row in rows.case {
        let decided = row.decide(&loaded.config.targets);
        let first = decided.evidence.first().map(tell);
        let conflicts: Vec<String> = decided.conflicts().map(tell).collect();
        let says = match (&first, &row.says) {
            (None, None) => true,
            (Some(first), Some(says)) => first.contains(says),
            (None, Some(_)) | (Some(_), None) => false,
        };
        let is_shown = |conflict: &String| conflicts.iter().any(|told| told.contains(conflict));
        let is_there = |to: &String| *to == decided.target.address.to_string();
        if decided.target.tier != row.tier
            || !says
            || !row.conflict.as_ref().is_none_or(is_shown)
            || !row.to.as_ref().is_none_or(is_there)
        {
            wrong.push(format!("{}: {decided:#?}", row.line));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn evidence_says_where_it_comes_from() {
    let config = load_text(Path::new("contract.toml"), &read("config/valid/contract.toml")).config;
    let known = Known { rules: &config.targets, ..Known::default() };
    let surroundings = Surroundings {
        vars: vec![("PGHOST".to_owned(), "db1.prod.example.com".to_owned())],
        ..Surroundings::default()
    };
    let given = given(&["shop_live".to_owned()]);
    let all =
        for_invocation(&given.expect("it reads"), &surroundings, &known).expect("it resolves");
    let told: Vec<String> = all[0].evidence.iter().map(tell).collect();
    assert_eq!(
        told,
        [
            "production, config: `*.prod.example.com` is orders-prod",
            "production, host name, from PGHOST: `prod` in db1.prod.example.com",
            "production, database name, from command line: `live` in shop_live",
        ]
    );
}

fn tell(item: &Evidence) -> String {
    format!("{}, {}: {}", item.tier, item.source, item.text)
}

#[test]
fn what_a_live_prompt_reports() {
    let config = load_text(Path::new("contract.toml"), &read("config/valid/contract.toml")).config;
    let known = Known { rules: &config.targets, ..Known::default() };
    for (host, port, database, tier) in [
        ("[local]", 5432, "orders", Tier::Development),
        ("[local:/tmp]", 5432, "orders", Tier::Development),
        ("[local]", 54329, "orders", Tier::Production),
        ("[local:/tmp]", 54329, "orders", Tier::Production),
        ("db1.prod.example.com", 5432, "x", Tier::Production),
        ("10.1.0.9", 5432, "orders", Tier::Production),
        ("10.1.0.9", 5432, "x", Tier::Unknown),
    ] {
        let address = Address {
            user: Some("me".to_owned()),
            host: Some(host.to_owned()),
            port: Some(port),
            database: Some(database.to_owned()),
        };
        let decided = for_address(&address, &known);
        assert_eq!(decided.target.tier, tier, "{address}");
        assert_eq!(decided.target.address, address);
    }
}

#[test]
fn what_was_seen_of_a_connection_counts() {
    let text = "[[target]]\nname = \"p\"\ntier = \"production\"\nmatch = [\"db.example.com\"]\n";
    let config = load_text(Path::new("c.toml"), text).config;
    let address = Address { host: Some("10.9.9.9".to_owned()), ..Address::default() };
    let aliases = vec![("db.example.com".to_owned(), "the peer is db.example.com".to_owned())];
    let server = |tier| Remembered { tier, name: Some("o".to_owned()), text: "db1".to_owned() };
    for (seen, tier, name, says) in [
        (Seen::default(), Tier::Unknown, None, None),
        (
            Seen { aliases, ..Seen::default() },
            Tier::Production,
            Some("p"),
            Some("production, config: `db.example.com` is p, the peer is db.example.com"),
        ),
        (
            Seen { server: Some(server(Tier::Production)), ..Seen::default() },
            Tier::Production,
            Some("o"),
            Some("production, server identity: the same server as db1"),
        ),
        // Nothing that was harmless once makes anything harmless.
        (
            Seen { server: Some(server(Tier::Development)), ..Seen::default() },
            Tier::Unknown,
            None,
            Some("development, server identity: the same server as db1"),
        ),
    ] {
        let known = Known { rules: &config.targets, seen: Some(&seen), ..Known::default() };
        let decided = for_address(&address, &known);
        assert_eq!(decided.target.tier, tier, "{seen:?}");
        assert_eq!(decided.target.name.as_deref(), name, "{seen:?}");
        assert_eq!(decided.evidence.first().map(tell).as_deref(), says);
    }
}

#[test]
fn an_excluding_pattern_takes_out_again() {
    let text = "[[target]]\nname = \"p\"\ntier = \"production\"\n\
                match = [\"*.example.com\", \"!ci.example.com\"]\n";
    let config = load_text(Path::new("c.toml"), text).config;
    let known = Known { rules: &config.targets, ..Known::default() };
    for (host, tier) in [("db.example.com", Tier::Production), ("ci.example.com", Tier::Unknown)] {
        let address = Address { host: Some(host.to_owned()), ..Address::default() };
        assert_eq!(for_address(&address, &known).target.tier, tier, "{host}");
    }
}

proptest::proptest! {
    #[test]
    fn no_connection_string_panics(dbname in "(postgres://|host=)?[a-z0-9@:/?&=%,'\\\\\\[\\] é]{0,30}") {
        let given = nightlatch::target::libpq::Given { dbname: Some(dbname), ..Default::default() };
        let known = Known::default();
        if let Ok(all) = for_invocation(&given, &Surroundings::default(), &known) {
            assert!(!all.is_empty());
        }
    }

    #[test]
    fn no_pattern_panics_and_a_host_matches_itself(host in "[a-z0-9-][a-z0-9.-]{0,19}", pattern in ".{0,20}") {
        let address = Address { host: Some(host.clone()), ..Address::default() };
        if let Ok(pattern) = Pattern::parse(&pattern) {
            assert!(pattern.fits(&address) || !pattern.fits(&address));
        }
        assert!(Pattern::parse(&host).expect("a host is a pattern").fits(&address), "{host}");
        assert!(Pattern::parse("*").expect("a star is a pattern").fits(&address));
    }
}
