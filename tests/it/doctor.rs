//! `nightlatch doctor`: what it finds, and that it says what to do.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::bus::Bus;
use crate::support::past::Past;
use crate::support::tool::{Tool, find, needs};

/// What it prints about everything but the clients and the disk, which differ between machines.
fn found(past: &Past, status: i32) -> String {
    let output = past.run(&["doctor"]);
    assert_eq!(output.status.code(), Some(status), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let lines = text.lines().filter(|line| {
        let of_the_machine =
            [" client ", " disk: ", "max_total", " program: ", "The shell's code calls it"];
        !of_the_machine.iter().any(|part| line.contains(part))
    });
    let folder = past.data().parent().expect("a folder").display().to_string();
    lines.collect::<Vec<_>>().join("\n").replace(&folder, "…")
}

/// A past with a configuration, in a folder with these rights.
fn past(mode: u32, config: &str) -> Past {
    let past = Past::new(80, 24).output(0.1, "orders=> ").exit(0);
    fs::set_permissions(past.data(), fs::Permissions::from_mode(mode)).expect("ours");
    fs::write(past.file("none.toml"), config).expect("written");
    past
}

#[test]
fn all_is_well() {
    let past =
        past(0o700, "[[target]]\nname = \"orders\"\ntier = \"production\"\nmatch = [\"db\"]\n");
    insta::assert_snapshot!(found(&past, 0), @r#"
    ok      configuration: …/none.toml, 1 target
    ok      recordings: …/data: 1 session, 335 B of 20.0 GB
    note    shell: it wraps nothing that we know of
            In ~/.bashrc: eval "$(nightlatch init bash)"
    note    notifications: off: there is no session bus
            That is as it should be over ssh, and without a desktop.
    "#);
}

#[test]
fn each_problem_comes_with_what_to_do() {
    let past = past(0o755, "[[target]]\nnane = 1\n");
    insta::assert_snapshot!(found(&past, 1), @r#"
    problem configuration: …/none.toml: `target` needs `name` and `tier` and `match`, and 1 more
            nightlatch config check
    problem folder of recordings: …/data can be looked into by others
            chmod go= …/data
    ok      recordings: …/data: 1 session, 335 B of 20.0 GB
    note    shell: it wraps nothing that we know of
            In ~/.bashrc: eval "$(nightlatch init bash)"
    note    notifications: off: there is no session bus
            That is as it should be over ssh, and without a desktop.
    "#);
}

#[test]
fn a_configuration_that_is_not_there_is_named() {
    let past = past(0o700, "");
    let gone = past.file("gone.toml");
    let output =
        past.run_with(&["doctor"], &[("NIGHTLATCH_CONFIG", gone.to_str().expect("UTF-8"))]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let told =
        format!("problem configuration: {}: the configuration cannot be read", gone.display());
    assert!(text.contains(&told), "{text}");
    assert!(text.contains("make it, or have NIGHTLATCH_CONFIG name another"), "{text}");
}

/// Each client that is installed is tried, and one that keeps our hook out is found.
#[test]
fn taps_are_tried() {
    if !needs(&[Tool::Psql]) {
        return;
    }
    let past = past(0o700, "");
    let tried = |path: &str| {
        let output = past.run_with(&["doctor"], &[("PATH", path)]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let folder = find("psql").and_then(|psql| psql.parent().map(Path::to_owned)).expect("psql");
    let text = tried(&format!("{}:/usr/bin:/bin", folder.display()));
    let line = |text: &str, client: &str| {
        let start = format!(" client {client}: ");
        text.lines().find(|line| line.contains(&start)).map(str::to_owned).unwrap_or_default()
    };
    for client in ["psql", "python3"] {
        let line = line(&text, client);
        let is_there = !line.ends_with("not installed");
        assert!(!is_there || line.ends_with("its tap works"), "{line}\n{text}");
    }
    // A client that runs what it is given without a question.
    let folder = past.file("bin");
    fs::create_dir_all(&folder).expect("made");
    let deaf = folder.join("psql");
    fs::write(&deaf, "#!/bin/sh\necho 'psql (PostgreSQL) 15.18'\n").expect("written");
    fs::set_permissions(&deaf, fs::Permissions::from_mode(0o755)).expect("mode");
    let text = tried(&format!("{}:/usr/bin:/bin", folder.display()));
    let line = line(&text, "psql");
    assert!(line.starts_with("problem "), "{text}");
    assert!(line.ends_with("its tap fails: it has ended without asking"), "{text}");
}

#[test]
fn a_bus_that_nobody_shows_anything_on_is_a_problem() {
    if !needs(&[Tool::DbusDaemon, Tool::DbusMonitor]) {
        return;
    }
    let past = past(0o700, "");
    let folder = tempfile::tempdir().expect("a folder");
    let bus = Bus::start(folder.path());
    let run = |address: &str| {
        let output = past.run_with(&["doctor"], &[("DBUS_SESSION_BUS_ADDRESS", address)]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = text.lines().find(|line| line.contains(" notifications: ")).map(str::to_owned);
        line.expect("a line")
    };
    let nobody = run(&bus.address);
    assert!(nobody.starts_with("problem notifications: nobody shows them: "), "{nobody}");
    let gone = run("unix:path=/nonexistent/bus");
    assert!(gone.starts_with("problem notifications: nobody shows them: "), "{gone}");
}

#[test]
fn findings_are_json_too() {
    let printed = past(0o700, "").printed(&["doctor", "--json"]);
    let findings: Vec<serde_json::Value> =
        printed.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(findings[0]["what"], "configuration");
    assert_eq!(findings[0]["state"], "ok");
    for finding in &findings {
        let keys: Vec<&String> = finding.as_object().expect("an object").keys().collect();
        let is_known = |key: &&String| ["what", "state", "found", "hint"].contains(&key.as_str());
        assert!(keys.len() >= 3 && keys.iter().all(is_known), "{finding}");
        // What is not as it should be comes with what to do.
        assert!(finding["state"] != "problem" || finding["hint"].is_string(), "{finding}");
    }
    assert!(findings.iter().any(|finding| finding["what"] == "client psql"), "{printed}");
}

/// The shell's code calls us by our name: another program of that name that comes first is what runs.
#[test]
fn another_nightlatch_that_comes_first_is_a_problem() {
    let past = past(0o700, "");
    let folder = past.file("bin");
    fs::create_dir_all(&folder).expect("made");
    let own = Path::new(env!("CARGO_BIN_EXE_nightlatch")).parent().expect("a folder");
    let line = |path: String| {
        let output = past.run_with(&["doctor"], &[("PATH", &path)]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().find(|line| line.contains(" program: ")).map(str::to_owned).expect("a line")
    };
    let path = format!("{}:{}", folder.display(), own.display());
    assert!(line(path.clone()).starts_with("ok "), "the only one");
    assert!(line("/nonexistent".to_owned()).ends_with("it is not in PATH"));
    let other = folder.join("nightlatch");
    fs::write(&other, "#!/bin/sh\n").expect("written");
    fs::set_permissions(&other, fs::Permissions::from_mode(0o755)).expect("mode");
    let found = line(path);
    assert!(
        found.starts_with("problem ") && found.contains("PATH has another one first"),
        "{found}"
    );
}
