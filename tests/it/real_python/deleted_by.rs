//! The ways in which a program deletes, each run with nobody watching: counted all the same.

use super::stage::{ROWS, Stage};
use crate::support::tool::{Tool, needs};

const NEEDED: &[Tool] = &[Tool::Psql, Tool::Postgres, Tool::Interpreter, Tool::TestClock];

/// What each begins with: the production file as `p`, and a scratch file that is not production.
const BEGIN: &str = "import os, sqlite3, subprocess, sys
p = os.path.abspath('orders.db')
def opened(): return sqlite3.connect(p, isolation_level=None, timeout=30)
";

/// Deletes the row `n`, in a process of its own.
const ONE: &str = "import sqlite3, sys
c = sqlite3.connect('orders.db', isolation_level=None, timeout=30)
c.execute('delete from families where id = %d' % int(sys.argv[1]))
";

/// Runs each script and looks that it has deleted no more rows than it may.
fn all_refused(scripts: &[(&str, usize)]) {
    if !needs(NEEDED) {
        return;
    }
    for (script, gone) in scripts {
        let stage = Stage::new();
        stage.world.write("one.py", ONE);
        stage.refused(&format!("{BEGIN}{script}"));
        // Workers are ended while what was let through may be still on its way.
        let most = ROWS - gone;
        assert!((most..=ROWS).contains(&stage.left()), "{} left: {script}", stage.left());
    }
}

#[test]
fn a_file_that_is_reached_by_another() {
    all_refused(&[
        (
            "c = sqlite3.connect(':memory:', isolation_level=None)
c.execute('attach ? as o', (p,))
for n in range(20): c.execute('delete from o.families where id = ?', (n,))",
            4,
        ),
        (
            "c = sqlite3.connect(':memory:', isolation_level=None)
c.execute('attach ? as o', (p,))
c.execute('create table own (id)')
for n in range(20): c.execute('delete from own')
c.execute('delete from families')",
            0,
        ),
        (
            "c = sqlite3.connect(':memory:')
c.executescript(\"attach '%s' as o; delete from families;\" % p)",
            0,
        ),
        (
            "new = sqlite3.connect('copy.db')
opened().backup(new)
sqlite3.connect(':memory:').backup(opened())",
            0,
        ),
    ]);
}

#[test]
fn other_processes() {
    let pool = "import multiprocessing
def delete(n): opened().execute('delete from families where id = ?', (n,))
if __name__ == '__main__':
    with multiprocessing.get_context('KIND').Pool(4) as pool: pool.map(delete, range(20))";
    let pools: Vec<String> =
        ["fork", "spawn", "forkserver"].iter().map(|kind| pool.replace("KIND", kind)).collect();
    let mut scripts = vec![
        ("for n in range(20): subprocess.run([sys.executable, 'one.py', str(n)])", 4),
        ("for n in range(20): os.system('%s one.py %d' % (sys.executable, n))", 4),
    ];
    let executor = "import concurrent.futures, multiprocessing
def delete(n): opened().execute('delete from families where id = ?', (n,))
fork = multiprocessing.get_context('fork')
with concurrent.futures.ProcessPoolExecutor(3, fork) as pool: list(pool.map(delete, range(20)))";
    scripts.push((executor, 4));
    scripts.extend(pools.iter().map(|pool| (pool.as_str(), 4)));
    all_refused(&scripts);
}

#[test]
fn many_databases_in_one_loop() {
    all_refused(&[
        // Five of a table at one server, which a folder of files is, and twenty of anything.
        (
            "import shutil
for n in range(4): shutil.copy(p, 'copy%d.db' % n)
for n in range(4): sqlite3.connect('copy%d.db' % n).execute('delete from families where id = 1')
opened().execute('delete from families where id = 1')",
            0,
        ),
        (
            "for n in range(19):
    c = sqlite3.connect('own%d.db' % n, isolation_level=None)
    c.execute('create table t%d (id)' % n)
    c.execute('delete from t%d where id = 1' % n)
opened().execute('delete from families where id = 1')",
            0,
        ),
    ]);
}

#[test]
fn other_ways_to_run_code() {
    all_refused(&[
        ("class Text(str):
    def __str__(self): return 'select 1'
    __eq__ = lambda self, other: other == 'select 1'
    __hash__ = lambda self: hash('select 1')
opened().execute('select 1'); opened().execute(Text('delete from families'))", 0),
        ("for n in range(20):
    exec(compile('opened().execute(\"delete from families where id = ?\", (n,))', '<stdin>', 'exec'))", 4),
        ("import code; console = code.InteractiveConsole(globals())
for n in range(20): console.push('x = opened().execute(\"delete from families where id = %d\")' % n)", 4),
        // The handler runs while the answer to another question is waited for.
        ("import signal
def delete(*_): opened().execute('delete from families')
signal.signal(signal.SIGALRM, delete); signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
c = sqlite3.connect(':memory:', isolation_level=None); c.execute('create table t (a)')
while True: c.execute('update t set a = 1 where a = 2')", 0),
        ("exec(\"for n in range(20): opened().execute('delete from families where id=%d' % n)\")", 4),
        ("opened().executemany('delete from families where id=?', ((n,) for n in range(20)))", 4),
        ("c = sqlite3.connect(':memory:'); c.execute('create table t (a)')
def rows():
    for n in range(20): opened().execute('delete from families where id = ?', (n,)); yield (n,)
c.executemany('update t set a = ?', rows())", 4),
        ("c = sqlite3.connect(':memory:'); c.execute('create table t (a)')
c.executemany('insert into t values (?)', [(n,) for n in range(20)])
c.create_function('gone', 1, lambda n: opened().execute('delete from families where id = ?', (n,)) and 1)
c.execute('update t set a = gone(a)')", 4),
        ("import runpy\nfor n in range(20): sys.argv = ['one.py', str(n)]; runpy.run_path('one.py')", 4),
        ("import asyncio, concurrent.futures
def delete(n): opened().execute('delete from families where id = ?', (n,))
async def main():
    await asyncio.gather(*[asyncio.to_thread(delete, n) for n in range(20)])
if sys.version_info < (3, 9): concurrent.futures.ThreadPoolExecutor().map(delete, range(20))
else: asyncio.run(main())", 4),
        ("class Stubborn(sqlite3.Connection): pass
c = sqlite3.connect(p, factory=Stubborn, isolation_level=None)
c.execute('begin')
for n in range(20):
    try: c.cursor().execute('savepoint s'); c.cursor().execute('delete from families where id=?', (n,))
    except BaseException: pass
c.execute('commit')", 0),
    ]);
}

#[test]
fn programs_that_are_told_what_to_remove() {
    all_refused(&[
        ("opened(); os.system('sqlite3 orders.db \"delete from families\"')", 0),
        ("subprocess.run(['sqlite3', p, 'delete from families'], cwd='/')", 0),
        (
            "os.chdir('/'); os.posix_spawn('/usr/bin/sqlite3', ['sqlite3', p, 'delete from families'], {})",
            0,
        ),
        ("subprocess.run('sqlite3 %s \"drop table families\"' % p, shell=True)", 0),
        ("subprocess.run(['rm', '-rf', os.getcwd()])", 0),
        ("os.remove(p)", 0),
        ("subprocess.Popen('true && find . -delete', shell=True).wait()", 0),
        ("subprocess.run(['timeout', '10', 'sqlite3', p, 'delete from families'])", 0),
        ("subprocess.run(['sh', '-c', 'nice sqlite3 %s \"delete from families\"' % p])", 0),
    ]);
}

#[test]
fn files_count_where_they_lie() {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::new();
    let script = "import os, shutil, tempfile
for n in range(9): open('f%d' % n, 'w').close()
with tempfile.TemporaryDirectory() as folder:
    for n in range(9): open(os.path.join(folder, str(n)), 'w').close()
    for n in range(9): os.remove(os.path.join(folder, str(n)))
";
    let said = stage.refused(&format!("{script}for n in range(9): os.remove('f%d' % n)"));
    assert!(said.contains("number 5 of delete on files in one go"), "{said}");
    let left = |n: usize| stage.world.home().join(format!("f{n}")).exists();
    assert!(!left(3) && left(4));
    let said = stage.refused(&format!("{script}shutil.rmtree('.')"));
    assert!(said.contains("drops /"), "{said}");
    assert_eq!(stage.left(), ROWS);
}

#[test]
fn a_file_that_is_a_target_counts_below_the_temporary_folder_too() {
    if !needs(NEEDED) {
        return;
    }
    let mut stage = Stage::new();
    let home = stage.world.home();
    stage.world.set("TMPDIR", home.to_str().expect("UTF-8"));
    let config = home.join("nightlatch.toml");
    let text = std::fs::read_to_string(&config).expect("the configuration");
    let begin = "import os, pathlib, shutil
for n in range(9): open('f%d' % n, 'w').close(); open('f%d.db' % n, 'w').close()
";
    for (pattern, script, status) in [
        ("*.db", "for n in range(9): os.remove('f%d' % n)", 0),
        ("*.db", "for n in range(9): pathlib.Path('f%d.db' % n).unlink()", 125),
        ("orders.db", "shutil.rmtree(os.path.abspath('.'))", 125),
    ] {
        let folder = format!("\"{}\"", home.display());
        let files = format!("\"{}/{pattern}\"", home.display());
        std::fs::write(&config, text.replace(&folder, &files)).expect("written");
        let output = stage.run(&format!("{begin}{script}"));
        assert_eq!(output.status.code(), Some(status), "{script}: {output:?}");
    }
    assert_eq!(stage.left(), ROWS);
}
