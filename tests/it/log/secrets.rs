//! Passwords that are typed, passed and printed: none of them is anywhere in the data folder.

use std::fs;
use std::fs::Permissions;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
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
    world.add_config("[redact]\npatterns = [{ kind = \"badge\", pattern = 'B4DGE-\\d{6}' }]\n");
    let uri = world.database.uri("app");
    let with_password = uri.replace("app@", "app:s3cret-argv@");
    world.set("PGPASSWORD", "s3cret-variable");
    // Shows what it is given on a screen of its own, with quotes in another colour than words.
    let editor = world.home().join("editor");
    let paint = r#"printf '\033[?1049h'; sed "s/'/$(printf '\033[31m')'$(printf '\033[m')/g" "$1"; printf '\033[?1049l'"#;
    fs::write(&editor, format!("#!/bin/sh\n{paint}\n")).expect("a file");
    fs::set_permissions(&editor, Permissions::from_mode(0o700)).expect("its mode");
    world.set("PSQL_EDITOR", editor.to_str().expect("UTF-8"));
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
        ("alter role app\npassword\n's3cret-own-line';", "ALTER ROLE"),
        ("alter role app password 's3cret-begun\ns3cret-ended';", "ALTER ROLE"),
        ("alter role app password $$\ns3cret-dollars\n$$;", "ALTER ROLE"),
        ("alter role app pasword 's3cret-mistyped';", "unrecognized role option"),
        ("alter role app password 's3cret-edited';", "ALTER ROLE"),
        ("\\e", ""),
        ("select pgp_sym_encrypt('data', 's3cret-key');", "does not exist"),
        ("insert into users (id, password) values (1, 's3cret-column');", "does not exist"),
        ("select 'Password: ' || name, 40 + 2 as kept from pg_settings limit 1;", "(1 row)"),
        ("\\setenv PGPASSWORD s3cret-setenv", ""),
        ("select 'B4DGE-' || 654321 as badge, 'B4DGE-123456' as typed;", "(1 row)"),
        ("\\set api_token s3cret-variable", ""),
        ("select 'postgres://ann:s3cret-literal@db.example.com/orders' as uri;", "(1 row)"),
        ("select reverse('6543210FEDCBAfedcba9876543210terc3s_phg') as token;", "(1 row)"),
        ("select dblink_connect('host=db password=s3cret-dblink');", "does not exist"),
        ("alter user app set password 's3cret-near';", "near \"'s3cret-near'\""),
        (
            "select * from dblink('host=a password=s3cret-head dbname=x', 'select 1') as t(a int) wheree 1=1;",
            "...",
        ),
        ("select 42 as editedalter role app password 's3cret-tail, longer than it is';", "..."),
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
    let text = stored(&world);
    let found = places(&text, &["s3cret", "B4DGE-1", "B4DGE-6"]);
    assert!(found.is_empty(), "{found:#?}");
    assert!(text.contains("40 + 2 as kept"), "what only stands behind the word is no secret");
    for kind in ["sql-password", "token", "badge"] {
        assert!(text.contains(&format!("[redacted:{kind}]")), "{kind}");
    }
}

#[test]
fn no_part_of_a_password_in_a_uri_is_recorded_whatever_libpq_takes_it_for() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return;
    }
    let world = World::new(Tier::Development);
    for (uri, said) in [
        ("postgresql://u:p@s3cret@127.0.0.1:1/x", "translate host name \"s3cret@127.0.0.1\""),
        ("postgresql://u:s3cret/x@127.0.0.1:1/x", "invalid integer value \"s3cret\""),
        ("POSTGRES://u:s3cret@127.0.0.1:1/x", ""),
        ("postgresql://u:it's s3cret@127.0.0.1:1/x", "refused"),
    ] {
        let mut pty = Pty::spawn(world.wrapped([uri]));
        pty.wait_for(said);
        pty.finish();
    }
    run(world.nightlatch(["history"]), "");
    let text = stored(&world);
    let found = places(&text, &["s3cret"]);
    assert!(found.is_empty(), "{found:#?}");
    assert!(text.contains("u@127.0.0.1:1/x"), "the place is told all the same");
}

#[test]
fn what_python_is_told_unseen_and_in_words_and_titles_is_not_recorded() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::Python, Tool::TestClock]) {
        return;
    }
    let world = World::new(Tier::Development);
    let mut pty =
        Pty::spawn(world.nightlatch(["python3", "-i", "-c", "", "--token", "s3cret-word"]));
    pty.wait_for_prompt(">>> ");
    // It reads lines, and shows none of it.
    pty.line("import getpass; p = getpass.getpass('Unseen: ')");
    pty.wait_for_prompt("Unseen: ");
    pty.line("s3cret-typed");
    pty.wait_for_prompt(">>> ");
    pty.line("print('\\x1b]2;ghp_' + 'S3CRET7890abcdefABCDEF0123456789abcd' + '\\x07')");
    pty.wait_for_silence(Duration::from_millis(200));
    pty.line("exit()");
    pty.finish();
    world.assert_nothing_left();
    for format in ["cast", "txt", "jsonl", "html"] {
        let to = format!("out.{format}");
        let exported = run(world.nightlatch(["export", "last", "--format", format, "-o", &to]), "");
        assert!(exported.status.success(), "{format}");
    }
    let mut text = stored(&world);
    for entry in fs::read_dir(world.home()).expect("a folder").flatten() {
        text += &String::from_utf8_lossy(&fs::read(entry.path()).unwrap_or_default());
    }
    let found = places(&text, &["s3cret", "ghp_S3CRET"]);
    assert!(found.is_empty(), "{found:#?}");
    assert!(text.contains("[redacted:argument]") && text.contains("]2;[redacted:token]"));
}

/// Everything that is in the data folder.
fn stored(world: &World) -> String {
    let mut all = Vec::new();
    everything(&world.data(), &mut all);
    String::from_utf8_lossy(&all).into_owned()
}

/// Returns what stands around each of some words.
fn places(text: &str, words: &[&str]) -> Vec<String> {
    words
        .iter()
        .flat_map(|word| text.match_indices(word))
        .map(|(at, _)| {
            let from = text.floor_char_boundary(at.saturating_sub(60));
            let to = text.floor_char_boundary((at + 30).min(text.len()));
            text[from..to].to_owned()
        })
        .collect()
}
