//! The commands that ask policy without running anything: check, target, rules, config.

use std::path::Path;

use jiff::Timestamp;
use nightlatch::cli::{CheckArgs, ConfigArgs, ConfigCommand, RulesArgs, RulesCommand, TargetArgs};
use nightlatch::clock::Clock;
use nightlatch::cmd;
use nightlatch::error::Kind;
use nightlatch::target::Tier;
use nightlatch::world::World;

const NIGHT: &str = "2026-11-20T23:30:00Z";

fn clock() -> Clock {
    let noon: Timestamp = "2026-11-20T12:00:00Z".parse().expect("a time");
    Clock::starting_at(noon)
}

/// A home whose configuration is in UTC.
struct Home {
    folder: tempfile::TempDir,
    world: World,
}

fn home(config: &str) -> Home {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config.toml");
    std::fs::write(&file, config).expect("a file");
    let mut world = World {
        home: Some(folder.path().to_owned()),
        cwd: folder.path().to_owned(),
        ..World::default()
    };
    world.vars.insert("NIGHTLATCH_CONFIG".into(), file.into());
    Home { folder, world }
}

fn args(tier: Tier, at: Option<&str>, json: bool) -> CheckArgs {
    CheckArgs { client: "psql".to_owned(), tier, at: at.map(str::to_owned), file: Vec::new(), json }
}

fn check(text: &str, args: &CheckArgs) -> (String, u8) {
    let home = home("[hours]\ntimezone = \"UTC\"\n");
    let mut out = Vec::new();
    let status = cmd::check::tell(text, args, &home.world, &clock(), &mut out).expect("a verdict");
    (String::from_utf8(out).expect("it is text"), status)
}

#[test]
fn check_prints_the_object_of_the_contract() {
    let (json, status) = check("DELETE FROM families", &args(Tier::Production, None, true));
    assert_eq!(status, 1);
    insta::assert_snapshot!(json, @r#"
    {"verdict":"hold","challenge":"type-target","confidence":"parsed","effects":[{"verb":"delete","object":"families","scope":"all","reversible":false,"span":[0,20],"rule":"delete-without-where","verdict":"hold","line":1,"column":1,"does":"deletes every row of families"}],"reasons":["deletes every row of families"],"tier":"production","asks_reason":false,"wait_s":0,"config_errors":[]}
    "#);
}

#[test]
fn check_says_it_in_words() {
    let night = args(Tier::Production, Some(NIGHT), false);
    let (text, status) = check("DROP TABLE orders", &night);
    assert_eq!(status, 1);
    insta::assert_snapshot!(text, @r"
    hold: asks for the target's name, after a reason and 10 s
      drops table orders
      late hours
      why: nightlatch rules explain drop
    ");
    let (text, status) = check("SELCT 1", &night);
    assert_eq!((text.as_str(), status), ("allow\n", 0));
    let day = args(Tier::Production, None, false);
    let (text, status) = check("UPDATE orders SET paid = true WHERE id = 7", &day);
    assert_eq!(status, 0);
    insta::assert_snapshot!(text, @r"
    notice
      updates rows of orders where id = 7
      why: nightlatch rules explain update-rows
    ");
}

#[test]
fn a_broken_configuration_is_told_beside_the_verdict() {
    let home = home("[hours]\ntimezone = \"UTC\"\n[hold]\ntimeout = 5\n");
    let mut out = Vec::new();
    let args = args(Tier::Production, None, false);
    cmd::check::tell("SELECT 1", &args, &home.world, &clock(), &mut out).expect("a verdict");
    let text = String::from_utf8(out).expect("it is text");
    let told: Vec<&str> = text.lines().collect();
    assert_eq!(told[0], "allow");
    assert!(told[1].starts_with("  the configuration has a mistake: "), "{text}");
    assert!(told[1].contains("config.toml:4:11: `hold.timeout` must be"), "{text}");
}

#[test]
fn check_takes_the_tier_and_the_time() {
    let drop = "DROP TABLE orders";
    assert_eq!(check(drop, &args(Tier::Development, Some(NIGHT), false)).0, "allow\n");
    assert!(check(drop, &args(Tier::Unknown, None, false)).0.starts_with("hold: asks for yes\n"));
    let add = "INSERT INTO orders VALUES (1)";
    assert_eq!(check(add, &args(Tier::Production, Some("11:59"), false)).0, "allow\n");
    assert!(check(add, &args(Tier::Production, Some("22:00"), false)).0.starts_with("notice\n"));
    assert!(
        check(add, &args(Tier::Production, Some("2026-11-22"), false)).0.starts_with("notice\n")
    );
}

#[test]
fn check_refuses_what_makes_no_sense() {
    let mut unknown = args(Tier::Production, None, false);
    unknown.client = "telnet".to_owned();
    let clockless = args(Tier::Production, Some("half past"), false);
    for args in [unknown, clockless] {
        let home = home("");
        let mut out = Vec::new();
        let error = cmd::check::tell("", &args, &home.world, &clock(), &mut out);
        assert_eq!(error.expect_err("it makes no sense").kind, Kind::Usage);
        assert!(out.is_empty());
    }
}

#[test]
fn check_refuses_what_is_not_the_clients_language() {
    let home = home("");
    let client = "python3".to_owned();
    let args = CheckArgs { client, ..args(Tier::Production, None, false) };
    let tell = |text| cmd::check::tell(text, &args, &home.world, &clock(), &mut Vec::new());
    let error = tell("import os\nfor x in y\n    x.delete()\n").expect_err("no Python");
    assert_eq!(error.kind, Kind::Usage);
    assert!(error.to_string().starts_with("standard input:2:11: this is not what python3 reads"));
    assert_eq!(tell("%timeit x\nawait y").expect("a shell reads it"), 0);
}

#[test]
fn check_reads_files_and_says_where() {
    let home = home("[hours]\ntimezone = \"UTC\"\n");
    let write = |name: &str, bytes: &[u8]| {
        let file = home.folder.path().join(name);
        std::fs::write(&file, bytes).expect("a file");
        file
    };
    let first = write("1.sql", "-- ü\nCREATE TABLE a (b int);\n  é; TRUNCATE orders;\n".as_bytes());
    let second = write("2.sql", b"UPDATE a SET b = 1 WHERE c = 2;\nDROP frobnicator x;\n");
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let third = write("3.sql", &wide("\u{feff}SELECT 1;\r\nDROP TABLE orders;\r\n"));
    let told = |file: Vec<std::path::PathBuf>, json: bool| {
        let args = CheckArgs { file, ..args(Tier::Production, None, json) };
        let mut out = Vec::new();
        let status = cmd::check::run(&args, &home.world, &clock(), &mut out).expect("a verdict");
        let text = String::from_utf8(out).expect("it is text");
        (text.replace(&format!("{}/", home.folder.path().display()), ""), status)
    };
    let (text, status) = told(vec![first.clone(), second, third], false);
    assert_eq!(status, 1);
    insta::assert_snapshot!(text, @r"
    1.sql:3:15: hold: truncates orders [truncate]
    2.sql:1:1: notice: updates rows of a where c = 2 [update-rows]
    2.sql:2:1: hold: cannot be read (not understood: DROP frobnicator x;) and holds a destructive word [opaque]
    3.sql:2:12: hold: drops table orders [drop]
    3 files, 3 to hold, 1 to notice
    hold: asks for the target's name
    ");
    let (json, _) = told(vec![first], true);
    insta::assert_snapshot!(json, @r#"
    {"verdict":"hold","challenge":"type-target","confidence":"text","effects":[{"verb":"create","object":"a","scope":"one","reversible":true,"span":[6,28],"rule":"create","verdict":"allow","file":"1.sql","line":2,"column":1,"does":"creates table a"},{"verb":"truncate","object":"orders","scope":"all","reversible":false,"span":[45,51],"rule":"truncate","verdict":"hold","file":"1.sql","line":3,"column":15,"does":"truncates orders"}],"reasons":["truncates orders"],"tier":"production","asks_reason":false,"wait_s":0,"config_errors":[]}
    "#);
    let empty = write("4.sql", b"");
    assert_eq!(told(vec![empty], false), ("1 file, 0 to hold, 0 to notice\nallow\n".into(), 0));
    let absent =
        CheckArgs { file: vec!["/nowhere.sql".into()], ..args(Tier::Production, None, false) };
    let error = cmd::check::run(&absent, &home.world, &clock(), &mut Vec::new());
    assert!(error.expect_err("it is not there").to_string().contains("/nowhere.sql"));
}

#[test]
fn check_reads_other_languages() {
    let told = |client: &str, text: &str| {
        let args = CheckArgs { client: client.to_owned(), ..args(Tier::Production, None, false) };
        check(text, &args).0
    };
    for client in ["mysql", "mariadb"] {
        assert!(told(client, "/*!50000 DROP TABLE a */").starts_with("hold: "), "{client}");
        assert_eq!(told(client, "SELECT `drop` FROM a # DROP TABLE a"), "allow\n", "{client}");
    }
    assert!(told("sqlite3", "DELETE FROM [a]").starts_with("hold: "));
    assert_eq!(told("sqlite3", "PRAGMA table_info(a)"), "allow\n");
}

fn target(config: &str, json: bool, command: &[&str]) -> String {
    let mut home = home(config);
    for (name, value) in [("PGUSER", "me"), ("PGSYSCONFDIR", "/nonexistent")] {
        home.world.vars.insert(name.into(), value.into());
    }
    let command = command.iter().map(|word| (*word).to_owned()).collect();
    let mut out = Vec::new();
    let args = TargetArgs { json, command };
    let status = cmd::target::run(&args, &home.world, &clock(), &mut out);
    assert_eq!(status.expect("an answer"), 0);
    String::from_utf8(out)
        .expect("it is text")
        .replace(&home.folder.path().display().to_string(), "HOME")
}

const ORDERS: &str = "[[target]]\nname = \"orders-prod\"\ntier = \"production\"\n\
                      match = [\"*.prod.example.com\"]\n";

#[test]
fn target_prints_every_piece_of_evidence() {
    let text = target(ORDERS, false, &["psql", "-h", "db1.prod.example.com", "orders"]);
    insta::assert_snapshot!(text, @r"
    target    me@db1.prod.example.com:5432/orders
    name      orders-prod
    tier      production
    evidence  production   `*.prod.example.com` is orders-prod (config)
              production   `prod` in db1.prod.example.com (host name, from -h)
    ");
    let text = target(ORDERS, false, &["psql", "-h", "db.example.com"]);
    insta::assert_snapshot!(text, @r"
    target    me@db.example.com:5432/me
    tier      unknown
    evidence  none
    ");
    let text = target("[hold]\ntimeout = 5\n", false, &["psql"]);
    insta::assert_snapshot!(text, @r#"
    target    me@[local]:5432/me
    tier      development
    evidence  development  a unix socket of this machine (address)
    note      the configuration has a mistake: HOME/config.toml:2:11: `hold.timeout` must be a duration such as "15m"
    "#);
}

#[test]
fn target_prints_json() {
    let text =
        target(ORDERS, true, &["psql", "-h", "a.example.com,db1.prod.example.com", "orders"]);
    insta::assert_snapshot!(text, @r#"
    {"tier":"production","target":"me@db1.prod.example.com:5432/orders","name":"orders-prod","user":"me","host":"db1.prod.example.com","port":5432,"database":"orders","evidence":[{"tier":"production","strength":"configured","source":"config","text":"`*.prod.example.com` is orders-prod"},{"tier":"production","strength":"name","source":"host name, from -h","text":"`prod` in db1.prod.example.com"}],"conflicts":[],"others":[{"tier":"unknown","target":"me@a.example.com:5432/orders","name":null,"user":"me","host":"a.example.com","port":5432,"database":"orders","evidence":[],"conflicts":[]}],"config_errors":[]}
    "#);
}

fn rules(command: Option<RulesCommand>) -> String {
    let mut out = Vec::new();
    let args = RulesArgs { command };
    cmd::rules::run(&args, &World::default(), &clock(), &mut out).expect("rules");
    String::from_utf8(out).expect("it is text")
}

#[test]
fn rules_are_listed_and_explained() {
    insta::assert_snapshot!(rules(None), @r"
    bulk                  many changes or removals in a row
    delete-without-where  DELETE that takes every row
    delete-rows           DELETE of selected rows
    update-without-where  UPDATE that changes every row
    update-rows           UPDATE of selected rows
    overwrite             overwrites what is there
    revoke                takes rights away
    rename                renames something others name
    admin                 acts on the server itself
    call                  calls code that changes data
    alter                 changes what exists
    truncate              empties a table at once
    drop-column           drops a part of a table
    detach-partition      takes a partition out of its table
    drop                  drops an object with all it holds
    opaque                runs what cannot be read
    unguard               takes the guard away
    shell                 runs a program outside of sight
    lock                  keeps others waiting
    rewrite               rewrites a table under a lock
    insert                adds rows
    grant                 gives rights
    create                adds a new object
    ");
    let id = "delete-without-where".to_owned();
    insta::assert_snapshot!(rules(Some(RulesCommand::Explain { id })), @r"
    delete-without-where: DELETE that takes every row

    The WHERE was forgotten, or is true for every row. This is how most tables are emptied by
    mistake: the line was sent before it was finished. Count first with the same WHERE, or delete
    inside a transaction and look at the number of rows before COMMIT.

    Held on production, at the latest in late hours:
      DELETE FROM families
      DELETE FROM families WHERE 1 = 1
      DELETE FROM families WHERE id IS NOT NULL OR true
      WITH gone AS (DELETE FROM families RETURNING *) SELECT count(*) FROM gone
      EXPLAIN ANALYZE DELETE FROM families

    Not this rule's:
      DELETE FROM families WHERE id = 7
      SELECT 'DELETE FROM families'
      EXPLAIN DELETE FROM families
      -- DELETE FROM families
      SELECT 1
    ");
    let lines = rules(Some(RulesCommand::List { json: true }));
    for line in lines.lines() {
        let value: serde_json::Value = serde_json::from_str(line).expect("each line is JSON");
        assert!(value["id"].is_string() && value["hold"].is_array());
    }
}

#[test]
fn a_rule_that_is_not_there_is_a_usage_error() {
    let id = "delete-without-were".to_owned();
    let args = RulesArgs { command: Some(RulesCommand::Explain { id }) };
    let error = cmd::rules::run(&args, &World::default(), &clock(), &mut Vec::new());
    let error = error.expect_err("there is no such rule");
    assert_eq!(error.kind, Kind::Usage);
    assert_eq!(error.hint.as_deref(), Some("nightlatch rules explain delete-without-where"));
}

fn config(text: &str, command: ConfigCommand) -> (String, u8) {
    let home = home(text);
    let mut out = Vec::new();
    let args = ConfigArgs { command: Some(command) };
    let status = cmd::config::run(&args, &home.world, &clock(), &mut out).expect("an answer");
    let text = String::from_utf8(out).expect("it is text");
    (text.replace(&home.folder.path().display().to_string(), "HOME"), status)
}

#[test]
fn config_is_found_shown_and_checked() {
    let (text, status) = config("", ConfigCommand::Path);
    assert_eq!((text.as_str(), status), ("HOME/config.toml\n", 0));
    let (text, status) = config("", ConfigCommand::Check { file: None });
    assert_eq!((text.as_str(), status), ("No mistakes in HOME/config.toml.\n", 0));
    let broken = "[hold]\ntimeout = 5\n";
    let (text, status) = config(broken, ConfigCommand::Check { file: None });
    assert_eq!(status, 1);
    insta::assert_snapshot!(text, @r#"
    error: `hold.timeout` must be a duration such as "15m"
     --> HOME/config.toml:2:11
      |
    2 | timeout = 5
      |           ^ this is an integer
    "#);
    let (text, status) = config(broken, ConfigCommand::Show);
    assert_eq!(status, 0);
    insta::assert_snapshot!(text, @r#"
    # from HOME/config.toml
    # mistake: HOME/config.toml:2:11: `hold.timeout` must be a duration such as "15m"

    [hours]
    late = "22:00-06:00"
    tiers = ["production"]
    timezone = "system"
    weekends = true

    [hold]
    timeout = "15m"
    timeout_no_terminal = "1m"
    paste_quiet = "300ms"
    late_wait = "10s"
    bulk_count = 5
    bulk_window = "10s"
    bulk_window_count = 20

    [idle]
    production = "15m"
    wrong_tab = true
    disconnect = "0s"

    [record]
    journal_wait = "1s"
    max_total = "20GB"
    max_session = "1GB"
    keep_days = 0

    [look]
    tint = "auto"
    banner = true
    title = true
    colour = true
    tab = true

    [impact]
    enabled = true
    timeout = "2s"

    [notify]
    desktop = true

    [redact]
    patterns = []
    "#);
    let valid = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/valid/contract.toml");
    assert_eq!(config(broken, ConfigCommand::Check { file: Some(valid) }).1, 0);
}
