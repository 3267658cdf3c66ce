//! What a person sees is as without nightlatch, key by key.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::stage::{NEEDED, PROMPT, Stage};
use crate::support::mongosh::shells;
use crate::support::pty::{Key, Pty};
use crate::support::tool::needs;

/// What is typed at the prompt, one key group at a time, and what must be on the screen then.
const SCENARIOS: &[&[&str]] = &[
    &["6 * 7\r"],
    &["x = {a: 1, b: [1, 2, {c: 3}]}\r"],
    &["function f(n) {\r", "return n + 1\r", "}\r", "f(41)\r"],
    &["1 +\r", "2\r"],
    &["`one\r", "two`\r"],
    &["({a:\r", "\x03", "1\r"],
    &["throw new Error('wrong')\r"],
    &["nothing.here\r"],
    &["}\r"],
    &["use other\r", "db\r", "use app\r"],
    &["show collections\r", "show dbs\r"],
    &["db.family.find()\r", "it\r"],
    &["db.family.findOne({_id: 3})\r"],
    &["db.family.find().limit(2).toArray()\r"],
    &["print('a'); print('b'); 'c'\r"],
    &["half a li", "\x15", "1\r"],
    &["12345\x1b[D\x1b[D\x7f\r"],
    &["'first'\r", "'second'\r", "\x1b[A\x1b[A\r"],
    &["'found'\r", "\x12fou\r", "\r"],
    &["x1 = 1\x01y1 = \x05 + 1\r"],
    &["'word word'\x17\x17'one'\r"],
    &["'kill'\x01\x0b'yank'\x19\r"],
    &["db.fam\t", ".countD\t", "\r"],
    &["db.family.deleteO\t", "\x15"],
    &["\x03", "1\r"],
    &["sleep(100)\r", "2\r"],
    &[".editor\rvar e = 6;\re * 7", "\x04"],
    &[".editor\rlost", "\x03"],
    &["\x1b[200~1 + 1\n2 + 2\n\x1b[201~", "\r"],
    &["\x1b[200~function g() {\n  return 1\n}\n\x1b[201~", "g()\r"],
    &["1\r2\r3\r"],
    &[
        "'a very long line that has to be wrapped because no terminal is as wide as this, é \u{1F600} ü'\x01\x05\r",
    ],
    &["passwordPrompt()\r", "hunter2\r"],
    &["prompt = 'mine> '\r", "1\r"],
    &["prompt = () => db.getName() + '$ '\r", "1\r", "delete globalThis.prompt\r"],
    &["config.set('inspectDepth', 2)\r", "config.get('inspectDepth')\r"],
    &["history().length > 0\r", "typeof Object.keys(globalThis)\r"],
    &["Object.keys(globalThis).join().length\r", "process.argv.length\r"],
    &["new Error().stack.split('\\n').length\r"],
    &["process.env.NODE_OPTIONS\r", "require('./missing')\r"],
    &["db.version()\r", "cls\r", "1\r"],
    &["\x0c1\r"],
];

/// What the cursor's line looks like when mongosh waits for more.
const PROMPTS: &[&str] = &["app>", "other>", "mine>", "app$", "...", "|"];

/// Takes out what no two runs have in common.
fn plain(screen: &[String]) -> Vec<String> {
    let pattern = regex::Regex::new(r"\d+ ?ms|:\d{5}/").expect("fits");
    screen.iter().map(|line| pattern.replace_all(line, "").into_owned()).collect()
}

/// Returns what is to be seen, where nothing more is to come of what was typed.
fn settled(pty: &mut Pty, typed: &str, column: usize) -> Option<Vec<String>> {
    let screen = pty.wait_for_silence(Duration::from_millis(200));
    let is_there = match typed.chars().last() {
        Some('\r') => {
            let line = |row: usize| screen.lines[row].trim();
            // The cursor stands below what asks for a password.
            let is_asked = screen.cursor.1 > 0 && line(screen.cursor.1 - 1) == "Enter password";
            PROMPTS.contains(&line(screen.cursor.1)) || is_asked
        }
        Some('\t') => screen.cursor.0 != column + typed.len() - 1,
        _ => true,
    };
    let mut lines = plain(&screen.lines);
    lines.push(format!("cursor {:?}", screen.cursor));
    is_there.then_some(lines)
}

/// Types the same into both, and waits each time until both show the same.
fn compare(shell: &Path) {
    let (one, other) = (Stage::with(shell), Stage::with(shell));
    let mut bare = Pty::spawn(one.bare(&[]));
    let mut wrapped = Pty::spawn(other.wrapped(&[]));
    bare.wait_for_prompt(PROMPT);
    wrapped.wait_for_prompt(PROMPT);
    for typed in SCENARIOS.iter().copied().flatten() {
        let column = bare.screen().cursor.0;
        bare.type_text(typed);
        wrapped.type_text(typed);
        let end = bare.deadline();
        while {
            let (left, right) =
                (settled(&mut wrapped, typed, column), settled(&mut bare, typed, column));
            left.is_none() || left != right
        } {
            let dumps = (bare.dump(), wrapped.dump());
            assert!(!bare.is_hopeless(end), "{typed:?}\n{}\n{}", dumps.0, dumps.1);
        }
    }
    bare.type_text("exit\r");
    wrapped.type_text("exit\r");
    assert_eq!(wrapped.finish().code(), bare.finish().code());
}

/// Tells at the end what was loaded, and the options that children would get.
const SPY: &str = "process.on('exit', () => require('fs').writeFileSync('loaded', \
    [process.env.NODE_OPTIONS, ...Object.keys(require.cache)].join('\\n')));\n";

/// What a shell has loaded that was opened and left without a statement.
fn loaded(shell: &Path, command: impl Fn(&Stage) -> Command) -> BTreeSet<String> {
    let mut stage = Stage::with(shell);
    let own = stage.world.write("spy.js", SPY).display().to_string();
    stage.world.set("NODE_OPTIONS", &format!("--require {own}"));
    let mut pty = Pty::spawn(command(&stage));
    pty.wait_for_prompt(PROMPT);
    pty.press(Key::Ctrl('d'));
    assert_eq!(pty.finish().code(), Some(0), "{}", pty.dump());
    let loaded = std::fs::read_to_string(stage.world.home().join("loaded")).expect("told");
    loaded.replace(&own, "").lines().map(str::to_owned).collect()
}

#[test]
fn a_prompt_comes_with_nothing_loaded_but_the_guard() {
    if !needs(NEEDED) {
        return;
    }
    for shell in shells().expect("installed") {
        let bare = loaded(shell, |stage| stage.bare(&[]));
        let wrapped = loaded(shell, |stage| stage.wrapped(&[]));
        // An old shell reads its version from package.json.
        let more = wrapped.difference(&bare).filter(|name| !name.ends_with("/package.json"));
        let more: Vec<_> = more.filter_map(|name| name.rsplit('/').next()).collect();
        assert_eq!(more, ["nightlatch.js"], "{}", shell.display());
    }
}

#[test]
fn every_screen_is_the_same() {
    if !needs(NEEDED) {
        return;
    }
    std::thread::scope(|scope| {
        for shell in shells().expect("installed") {
            scope.spawn(|| compare(shell));
        }
    });
}
