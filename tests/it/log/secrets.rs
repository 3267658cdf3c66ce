//! Passwords that are typed, passed and printed: none of them is anywhere in the data folder.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use crate::support::pty::{Key, Pty};
use crate::support::tool::{Tool, needs};
use crate::support::world::{Tier, World, run};

/// Reads every file below a folder, packed ones unpacked.
fn everything(folder: &Path, all: &mut Vec<u8>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            everything(&path, all);
        } else if path.extension().is_some_and(|extension| extension == "zst") {
            let file = fs::File::open(&path).expect("a file");
            let mut unpacked = zstd::stream::read::Decoder::new(file).expect("packed");
            unpacked.read_to_end(all).expect("whole");
        } else {
            all.extend(fs::read(&path).expect("a file"));
        }
    }
}

#[test]
fn no_secret_is_recorded_whatever_way_it_comes() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return;
    }
    let mut world = World::new(Tier::Development);
    let uri = world.database.uri("app");
    let with_password = uri.replace("app@", "app:s3cret-argv@");
    world.set("PGPASSWORD", "s3cret-variable");
    let mut pty = Pty::spawn(world.wrapped([with_password.as_str(), "-v", "password=s3cret-set"]));
    let prompt = world.database.prompt();
    pty.wait_for_prompt(&prompt);
    pty.line("\\password");
    pty.wait_for("Enter new password");
    pty.line("s3cret-typed");
    pty.wait_for("Enter it again");
    pty.line("s3cret-typed");
    pty.wait_for_prompt(&prompt);
    for (line, answer) in [
        ("alter role app password 's3cret-statement';", "ALTER ROLE"),
        ("alter role app\npassword 's3cret-second-line';", "ALTER ROLE"),
        ("\\setenv PGPASSWORD s3cret-setenv", ""),
        ("\\set api_token s3cret-variable", ""),
        ("select 'postgres://ann:s3cret-literal@db.example.com/orders' as uri;", "(1 row)"),
        ("select reverse('6543210FEDCBAfedcba9876543210terc3s_phg') as token;", "(1 row)"),
        ("select dblink_connect('host=db password=s3cret-dblink');", "does not exist"),
        (
            "create user mapping for app server x options (user 'a', password 's3cret-option');",
            "does not exist",
        ),
    ] {
        pty.line(&line.replace('\n', "\r"));
        pty.wait_for(answer);
        pty.wait_for_prompt(&prompt);
    }
    // A line that was never submitted, one that was taken back, one from psql's own history.
    pty.type_text("alter role app password 's3cret-abandoned'");
    pty.press(Key::Ctrl('c'));
    pty.wait_for_prompt(&prompt);
    // What is typed while the client takes the interrupt is lost, bare as well.
    pty.wait_for_silence(Duration::from_millis(200));
    pty.line("\\q");
    assert_eq!(pty.finish().code(), Some(0));
    let script = "alter role app password 's3cret-script';\n\\set x 1\nselect :x;\n";
    run(world.wrapped([uri.as_str(), "-q"]), script);
    run(world.wrapped([uri.as_str(), "-c", "alter role app password 's3cret-command'"]), "");
    run(world.nightlatch(["history"]), "");
    world.assert_nothing_left();
    let mut all = Vec::new();
    everything(&world.data(), &mut all);
    let text = String::from_utf8_lossy(&all);
    let found: Vec<String> = text
        .match_indices("s3cret")
        .map(|(at, _)| {
            let from = text.floor_char_boundary(at.saturating_sub(60));
            let to = text.floor_char_boundary((at + 30).min(text.len()));
            text[from..to].to_owned()
        })
        .collect();
    assert!(found.is_empty(), "{found:#?}");
    assert!(text.contains("[redacted:sql-password]") && text.contains("[redacted:token]"));
}
