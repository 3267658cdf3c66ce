//! `nightlatch doctor`: what it finds, and that it says what to do.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::past::Past;

/// What it prints about everything but the clients and the disk, which differ between machines.
fn found(past: &Past, status: i32) -> String {
    let output = past.run(&["doctor"]);
    assert_eq!(output.status.code(), Some(status), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let lines = text.lines().filter(|line| {
        !line.contains(" client ") && !line.contains(" disk: ") && !line.contains("max_total")
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
    "#);
}

#[test]
fn each_problem_comes_with_what_to_do() {
    let past = past(0o755, "[[target]]\nnane = 1\n");
    insta::assert_snapshot!(found(&past, 1), @r#"
    problem configuration: 2 mistakes
            nightlatch config check
    problem folder of recordings: …/data can be looked into by others
            chmod go= …/data
    ok      recordings: …/data: 1 session, 335 B of 20.0 GB
    note    shell: it wraps nothing that we know of
            In ~/.bashrc: eval "$(nightlatch init bash)"
    "#);
}

#[test]
fn findings_are_json_too() {
    let printed = past(0o700, "").printed(&["doctor", "--json"]);
    let findings: Vec<serde_json::Value> =
        printed.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(findings[0]["what"], "configuration");
    assert_eq!(findings[0]["state"], "ok");
    assert!(findings.iter().any(|finding| finding["what"] == "client psql"), "{printed}");
}
