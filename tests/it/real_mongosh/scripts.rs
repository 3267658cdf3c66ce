//! Runs without a prompt: output, exit status and standard input are as bare, and what is refused
//! ends the run.

use super::stage::{FAMILIES, NEEDED, Stage};
use crate::support::mongosh::shells;
use crate::support::tool::needs;
use crate::support::world::run;

/// Arguments behind the place, and what is piped in.
const RUNS: &[(&[&str], &str)] = &[
    (&["--eval", "db.family.countDocuments()"], ""),
    (&["--eval", "1", "--eval", "db.getName()"], ""),
    (&["--eval=print(process.argv.slice(2).join(' '))", "--norc"], ""),
    (&["--json", "--eval", "({a: NumberLong(7), b: db.getName()})"], ""),
    (&["--json=relaxed", "--eval", "db.family.findOne()"], ""),
    (&["--json", "--eval", "throw new Error('wrong')"], ""),
    (&["--json"], ""),
    (&["--eval", "throw new Error('wrong')"], ""),
    (&["--eval", "process.exit(7)"], ""),
    (&["--eval", "exit(3)"], ""),
    (&["--eval", "globalThis.own = Object.keys(globalThis).length; own"], ""),
    (&["one.js"], ""),
    (&["--file", "one.js", "two.js"], ""),
    (&["-f", "one.js", "--eval", "2"], ""),
    (&["--verbose", "one.js"], ""),
    (&["missing.js"], ""),
    (&["--nodb", "--eval", "6 * 7"], ""),
    (&["--eval", "print(require('fs').readFileSync(0, 'utf8').length)"], "some data"),
    (&[], "db.getName()\n6 * 7\n"),
    (
        &[],
        "use other\ndb.getName()\nshow collections\nit\nfunction f(n) {\n  return n + 1\n}\nf(1)\n",
    ),
    (&[], "nothing.here\n1 +\n2\nprint('é' + \"\\u{1F600}\")\n"),
    (&[], "quit(5)\n"),
    (&["--nodb"], "db\n1\n"),
    (&["--nosuchoption"], ""),
    (&["--version"], ""),
    (&["--help"], ""),
    (&["--norc"], "typeof rc\n"),
    (&[], "typeof rc\n"),
];

/// Takes out what no two runs have in common.
fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    // Ids, our own lines, and where in mongosh's own code an error came from.
    let pattern = r#"[0-9a-f]{24}|nightlatch: [^\n]*\n|"stack": "(?:[^"\\]|\\.)*""#;
    regex::Regex::new(pattern).expect("fits").replace_all(&text, "").into_owned()
}

#[test]
fn output_and_status_are_as_bare() {
    if !needs(NEEDED) {
        return;
    }
    for shell in shells().expect("installed") {
        let stage = Stage::with(shell);
        stage
            .world
            .write("one.js", "print('one', __filename.split('/').pop(), typeof db.family);\n");
        stage.world.write("two.js", "print('two', own); var own = 2;\n");
        stage.world.write(".mongoshrc.js", "var rc = 'mine';\n");
        for (args, input) in RUNS {
            let bare = run(stage.bare(args), input);
            let wrapped = run(stage.wrapped(args), input);
            let version = shell.display();
            assert_eq!(plain(&wrapped.stdout), plain(&bare.stdout), "{args:?} {input:?} {version}");
            assert_eq!(plain(&wrapped.stderr), plain(&bare.stderr), "{args:?} {input:?} {version}");
            assert_eq!(wrapped.status.code(), bare.status.code(), "{args:?} {input:?} {version}");
        }
    }
}

#[test]
fn a_refusal_ends_the_run() {
    if !needs(NEEDED) {
        return;
    }
    for shell in shells().expect("installed") {
        let stage = Stage::with(shell);
        stage.world.write("wipe.js", "try { db.family.drop() } catch (e) { }\nprint('after');\n");
        let statement = "db.family.deleteMany({}); print('after')";
        let runs: [(&[&str], &str); 4] = [
            (&["--eval", statement], ""),
            (&["wipe.js"], ""),
            (&["--eval", "1", "--file", "wipe.js"], ""),
            (&[], "print('before')\ndb.family.deleteMany({})\nprint('after')\n"),
        ];
        for (args, input) in runs {
            let output = run(stage.wrapped(args), input);
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(125), "{args:?}: {told}");
            assert!(told.contains("nightlatch: refused on production families-prod"), "{told}");
            assert!(!String::from_utf8_lossy(&output.stdout).contains("after"), "{output:?}");
            assert_eq!(stage.server.left(), usize::try_from(FAMILIES).expect("few"), "{args:?}");
        }
        stage.world.assert_nothing_left();
    }
}

#[test]
fn the_start_up_file_is_guarded_too() {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::new();
    stage.world.write(".mongoshrc.js", "db.family.deleteMany({});\n");
    let output = run(stage.wrapped(&[]), "print('after')\n");
    assert_eq!(output.status.code(), Some(125), "{output:?}");
    assert_eq!(stage.server.arrived("delete"), []);
}
