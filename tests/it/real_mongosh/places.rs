//! Where a session goes as the driver finds it: sets, names that stand for several servers,
//! transactions; and what lets no guard in.

use super::stage::{FAMILIES, NEEDED, Stage, place, say_no};
use crate::real_psql::steps::wait_for_question;
use crate::support::pty::{Key, PERSON_PAUSE, Pty};
use crate::support::screen::Screen;
use crate::support::tool::needs;
use crate::support::world::run;

/// Answers for names that no server knows: a cluster's, and its only member's.
const RESOLVER: &str = "const dns = require('dns'), lookup = dns.lookup;
const srv = async () => [{name: 'db1.fake.example.net', port: PORT, priority: 0, weight: 0}];
dns.promises.resolve = async (name, kind) => (kind === 'SRV' ? srv() : [['authSource=admin']]);
dns.promises.resolveSrv = srv;
dns.promises.resolveTxt = async () => [['authSource=admin']];
dns.resolveSrv = (name, done) => srv().then((found) => done(null, found));
dns.resolveTxt = (name, done) => done(null, [['authSource=admin']]);
dns.lookup = (name, ...rest) => lookup(name.endsWith('.fake.example.net') ? '127.0.0.1' : name, ...rest);
";

#[test]
fn a_set_and_a_transaction_are_said() {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::of_set("rs0");
    let mut pty = Pty::spawn(stage.wrapped(&[]));
    let prompt = "rs0 [direct: primary] app> ";
    pty.wait_for_prompt(prompt);
    pty.line("s = db.getMongo().startSession(); s.startTransaction(); c = s.getDatabase('app').family; 1");
    pty.wait_for_prompt(prompt);
    pty.line("c.deleteMany({})");
    wait_for_question(&mut pty);
    let port = stage.server.port;
    for told in [
        format!("it goes to the primary of replica set rs0, asked for as 127.0.0.1:{port}"),
        "it is in a transaction, which the server ends 60 s after it began".to_owned(),
        "impact: 20 of 20 documents match".to_owned(),
    ] {
        assert!(pty.screen().contains(&told), "{told}\n{}", pty.dump());
    }
    say_no(&mut pty, Key::Enter, prompt);
    pty.line("c.findOne({_id: 3}).name");
    pty.wait_for("family 3");
    pty.wait_for_prompt(prompt);
    assert_eq!(stage.server.left(), usize::try_from(FAMILIES).expect("few"));
    pty.line("exit");
    assert_eq!(pty.finish().code(), Some(0), "{}", pty.dump());
}

#[test]
fn a_name_counts_and_not_the_number_behind_it() {
    if !needs(NEEDED) {
        return;
    }
    for (uri, name) in [
        ("mongodb+srv://cluster0.fake.example.net/app?tls=false", "cluster0.fake.example.net"),
        ("mongodb://db1.fake.example.net:PORT/app", "db1.fake.example.net"),
    ] {
        let mut stage = Stage::of_set("atlas-abc123-shard-0");
        let port = stage.server.port.to_string();
        let config = format!(
            "[[target]]\nname = \"families-prod\"\ntier = \"production\"\n\
             match = [\"{name}\"]\n\n[look]\nbanner = false\n"
        );
        stage.world.write("nightlatch.toml", &config);
        let path = stage.world.write("resolver.js", &RESOLVER.replace("PORT", &port));
        stage.world.set("NODE_OPTIONS", &format!("--require {}", path.display()));
        let mut command = stage.wrapped_alone();
        command.args([&uri.replace("PORT", &port), "--quiet"]);
        let mut pty = Pty::spawn(command);
        let is_there = |screen: &Screen| screen.cursor_line().ends_with("primary] app>");
        pty.wait_until("the prompt", is_there);
        pty.line("db.family.drop()");
        wait_for_question(&mut pty);
        let told = format!("primary of replica set atlas-abc123-shard-0, asked for as {name}");
        assert!(pty.screen().contains("PRODUCTION  families-prod"), "{}", pty.dump());
        let recent = pty.recent().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(recent.contains(&told), "{}", pty.dump());
        pty.press(Key::Enter);
        pty.wait_for("nightlatch: cancelled");
        pty.wait_until("the prompt", is_there);
        assert_eq!(stage.server.arrived("drop"), []);
    }
}

#[test]
fn a_shell_that_does_not_load_the_guard_is_said_to_be_unguarded() {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::new();
    // As one that takes no code from its command line: without our own words.
    let shell = format!("#!/bin/sh\nshift 3\nexec '{}' \"$@\"\n", stage.shell.display());
    let shell = stage.world.write_program("mongosh", &shell);
    let mut command = stage.world.nightlatch(["run", "--as", "mongosh", "--"]);
    command.arg(shell).arg(format!("mongodb://127.0.0.1:{}/app", stage.server.port)).arg("--quiet");
    let mut pty = Pty::spawn(command);
    pty.wait_for("UNGUARDED: the client has not reported in: only the screen is read");
    pty.wait_for("app>");
    pty.line("exit");
    assert_eq!(pty.finish().code(), Some(0), "{}", pty.dump());
}

/// Reads lines behind a prompt and keeps them, as the legacy shell's terminal shows it.
const LEGACY: &str =
    "#!/bin/sh\nwhile printf '> ' && read -r line; do echo \"$line\" >> kept; done\n";

#[test]
fn the_legacy_shell_is_read_off_the_screen() {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::new();
    let shell = stage.world.write_program("mongo", LEGACY);
    let mut command = stage.world.nightlatch(["run", "--as", "mongo", "--"]);
    command.arg(shell).arg(format!("mongodb://127.0.0.1:{}/app", stage.server.port));
    let mut pty = Pty::spawn(command);
    pty.wait_for("UNGUARDED: the legacy mongo shell takes no guard in");
    for statement in ["db.family.count()", "db.family.drop()"] {
        pty.wait_for_prompt("> ");
        pty.line(statement);
        // Its echo, so that the next prompt is another.
        pty.wait_for(statement);
    }
    wait_for_question(&mut pty);
    pty.press(Key::Enter);
    pty.wait_for("nightlatch: cancelled");
    pty.wait_for_silence(PERSON_PAUSE);
    pty.press(Key::Ctrl('d'));
    pty.wait_for_exit();
    let kept = std::fs::read_to_string(stage.world.home().join("kept")).expect("kept");
    assert_eq!(kept, "db.family.count()\n", "{}", pty.dump());
}

#[test]
fn what_the_legacy_shell_is_to_run_is_read_before_it_starts() {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::new();
    stage.world.write("wipe.js", "for (var n = 0; n < 9; n++) db.family.remove({_id: n});\n");
    let shell = stage.world.write_program("mongo", "#!/bin/sh\necho \"$*\" > ran\n");
    let ran = stage.world.home().join("ran");
    for (args, is_held) in [
        (&["--eval", "db.family.count()"][..], false),
        (&["--eval", "db.family.drop()"], true),
        (&["wipe.js"], true),
        (&["/dev/stdin"], true),
        // One that is not known here.
        (&["--enableJavaScriptProtection", "wipe.js"], true),
    ] {
        let mut command = stage.world.nightlatch(["run", "--as", "mongo", "--"]);
        command.arg(&shell).arg(place(&stage.server)).args(args);
        let output = run(command, "");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        let expected = if is_held { Some(125) } else { Some(0) };
        assert_eq!(output.status.code(), expected, "{args:?}: {told}");
        assert_eq!(std::fs::remove_file(&ran).is_err(), is_held, "{args:?}: {told}");
    }
    let mut command = stage.world.nightlatch(["run", "--as", "mongo", "--"]);
    command.arg(&shell).args([&place(&stage.server), "wipe.js"]);
    let mut pty = Pty::spawn(command);
    wait_for_question(&mut pty);
    pty.answer("app");
    pty.wait_for_exit();
    assert!(ran.exists(), "{}", pty.dump());
}
