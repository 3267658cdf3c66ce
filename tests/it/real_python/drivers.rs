//! Every driver that is tapped, against a real server, or one of our own that logs what arrives.

use super::stage::{QUESTION, Stage, enter, wait_for_question};
use crate::support::mariadb::MariaDb;
use crate::support::mongo::Mongo;
use crate::support::postgres::{PASSWORD, cluster};
use crate::support::pty::{Key, PERSON_PAUSE, Pty};
use crate::support::redis::Redis;
use crate::support::tool::{Tool, needs};

const NEEDED: &[Tool] = &[Tool::Psql, Tool::Postgres, Tool::PythonDrivers, Tool::TestClock];

/// Documents and keys of a fresh server.
const MANY: usize = 20;

/// Opens a shell that has run a module.
fn open(stage: &Stage, module: &str) -> Pty {
    stage.world.write("app.py", module);
    let mut pty = stage.open();
    enter(&mut pty, "import sys; sys.path.insert(0, '.'); from app import *");
    pty
}

/// Says no; the shell must be of use, and what `left` counts must stay.
fn refuse(pty: &mut Pty, left: impl Fn() -> u64, expected: u64) {
    wait_for_question(pty);
    assert_eq!(left(), expected, "while it is held\n{}", pty.dump());
    pty.press(Key::Enter);
    pty.wait_for("nightlatch: cancelled");
    pty.wait_for_prompt(">>> ");
    pty.wait_for_silence(PERSON_PAUSE);
    assert_eq!(left(), expected, "after it was refused\n{}", pty.dump());
    pty.line("6 * 7");
    pty.wait_for("42");
    pty.wait_for_prompt(">>> ");
}

// MongoDB.

fn mongo_module(mongo: &Mongo) -> String {
    format!(
        "import mongoengine
mongoengine.connect('app', host='mongodb://localhost:{}/app', uuidRepresentation='standard')
class Family(mongoengine.Document):
    id = mongoengine.IntField(primary_key=True)
    name = mongoengine.StringField()
    meta = {{'collection': 'family', 'auto_create_index': False}}
coll = Family._get_collection()
def purge():
    for family in Family.objects: family.delete()
def stubborn():
    for n in range(20):
        try: coll.delete_one({{'_id': n}})
        except Exception: pass
",
        mongo.port
    )
}

/// Runs a line against MongoDB and refuses it.
fn mongo_refuses(line: &str, expected: usize, deletes: usize) {
    if !needs(NEEDED) {
        return;
    }
    let mongo = Mongo::start(i32::try_from(MANY).expect("few"));
    let stage = Stage::with_drivers();
    let mut pty = open(&stage, &mongo_module(&mongo));
    for line in line.lines() {
        pty.line(line);
    }
    let left = || u64::try_from(mongo.left()).expect("few");
    refuse(&mut pty, left, u64::try_from(expected).expect("few"));
    assert_eq!(mongo.arrived("delete").len(), deletes, "{:?}", mongo.arrived("delete"));
    assert_eq!(mongo.arrived("drop").len() + mongo.arrived("dropDatabase").len(), 0);
    pty.line("Family.objects.count()");
    pty.wait_for(&expected.to_string());
}

#[test]
fn the_incident_is_held_with_nothing_deleted() {
    mongo_refuses("for family in Family.objects: family.delete()\n\n", MANY, 0);
}

#[test]
fn the_incident_in_a_function_is_held_at_the_fifth() {
    mongo_refuses("purge()", MANY - 4, 4);
}

#[test]
fn mongo_code_that_catches_exceptions_gets_no_further() {
    mongo_refuses("stubborn()", MANY - 4, 4);
}

#[test]
fn mongo_all_at_once_is_held_at_once() {
    for condition in
        ["{}", "{'_id': {'$exists': True}}", "{'name': re.compile('')}", "{'$or': [{}]}"]
    {
        let line = format!("import re; getattr(coll, 'delete' + '_many')({condition})");
        mongo_refuses(&line, MANY, 0);
    }
}

#[test]
fn mongo_many_in_one_bulk_are_counted_beforehand() {
    let line = "import pymongo; coll.bulk_write([pymongo.DeleteOne({'_id': n}) for n in range(9)])";
    mongo_refuses(line, MANY, 0);
}

#[test]
fn mongo_drops_are_held() {
    mongo_refuses("getattr(coll, 'dr' + 'op')()", MANY, 0);
    mongo_refuses("getattr(coll.database.client, 'drop_' + 'database')('app')", MANY, 0);
    mongo_refuses("getattr(coll.database, 'comm' + 'and')('drop', 'family')", MANY, 0);
    mongo_refuses("coll.database.command('deleteIndexes', 'family', index='*')", MANY, 0);
    mongo_refuses("coll.database.command('applyOps', [{'op': 'd', 'ns': 'app.family'}])", MANY, 0);
}

#[test]
fn a_connection_to_production_is_said_and_one_document_is_let_through() {
    if !needs(NEEDED) {
        return;
    }
    let mongo = Mongo::start(i32::try_from(MANY).expect("few"));
    let stage = Stage::with_drivers();
    let mut pty = open(&stage, &mongo_module(&mongo));
    pty.line("Family.objects.first().delete()");
    pty.wait_for("deletes a document of app.family (production)");
    pty.wait_for_prompt(">>> ");
    assert_eq!(mongo.left(), MANY - 1);
    assert!(!pty.recent().contains(QUESTION));
    let history = stage.history();
    let deletes: Vec<_> = history.iter().filter(|row| row["tier"] == "production").collect();
    assert!(!deletes.is_empty(), "{history:?}");
    let target = deletes.last().expect("one")["target"].as_str().expect("a target").to_owned();
    assert!(target.contains("orders-prod"), "{target}");
}

#[test]
fn mongo_clients_that_are_awaited() {
    if !needs(NEEDED) {
        return;
    }
    for (import, client) in [
        ("import motor.motor_asyncio", "motor.motor_asyncio.AsyncIOMotorClient"),
        ("import pymongo", "pymongo.AsyncMongoClient"),
    ] {
        let mongo = Mongo::start(i32::try_from(MANY).expect("few"));
        Stage::with_drivers().refused(&format!(
            "{import}, asyncio
async def main():
    coll = {client}('mongodb://localhost:{}').app.family
    await asyncio.gather(*[coll.delete_one({{'_id': n}}) for n in range(20)])
asyncio.run(main())",
            mongo.port
        ));
        assert!(mongo.arrived("delete").len() <= 4, "{client}");
    }
}

// PostgreSQL.

/// Functions whose names tell nothing: what they do is in the server.
const FUNCTIONS: &str = "create function sweep() returns int language plpgsql as
    $$ begin delete from families; return 1; end $$;
create function greet(int) returns int language sql as $$ select $1 + 1 $$;";

/// Returns what libpq connects to a stage's database with.
fn dsn(stage: &Stage) -> String {
    let (port, name) = (cluster().port, &stage.world.database.name);
    format!("host=localhost port={port} dbname={name} user=app")
}

/// Runs a function against PostgreSQL and refuses it.
fn postgres_refuses(module: &str, line: &str, expected: u64) {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::with_drivers();
    stage.world.database.sql(FUNCTIONS);
    let port = cluster().port;
    let database = stage.world.database.name.clone();
    let dsn = dsn(&stage);
    let uri = stage.world.database.uri("app");
    let address = format!("app@localhost:{port}/{database}");
    let module = module.replace("$DSN", &dsn).replace("$URI", &uri).replace("$ADDRESS", &address);
    let mut pty = open(&stage, &module);
    pty.line(line);
    pty.wait_for(QUESTION);
    assert!(pty.screen().contains("orders-prod"), "{}", pty.dump());
    refuse(&mut pty, || stage.world.database.count("families"), expected);
}

const PSYCOPG2: &str = "import psycopg2
c = psycopg2.connect('$DSN'); c.autocommit = True; cur = c.cursor()
def purge():
    for n in range(1, 30): cur.execute('DELETE FROM families WHERE id = %s', (n,))
def at_once(): cur.execute('DELETE FROM families')
def many(): cur.executemany('DELETE FROM families WHERE id = %s', [(n,) for n in range(30)])
def called():
    for n in range(30): cur.execute('SELECT greet(%s), count(*) FROM families', (n,))
    cur.execute('SELECT sweep()')
def spelt(): cur.execute('SELECT \"sweep\"\\t()')
def merged():
    cur.execute('%s', (AsIs('DELETE FROM families'),))
def merged_many():
    cur.executemany('%s', [(1,), (AsIs('DELETE FROM families'),)])
def merged_each():
    cur.executemany('%(x)s', ({'x': AsIs('DELETE FROM families WHERE id = %d' % n)} for n in range(1, 30)))
def adapted():
    register_adapter(int, lambda n: AsIs('DELETE FROM families'))
    cur.executemany('SELECT %s', [(n,) for n in 'ab']); cur.execute('%s', (1,))
from psycopg2.extensions import AsIs, register_adapter
";

#[test]
fn psycopg2_loops_and_whole_tables() {
    postgres_refuses(PSYCOPG2, "purge()", 996);
    postgres_refuses(PSYCOPG2, "at_once()", 1000);
    postgres_refuses(PSYCOPG2, "many()", 1000);
    postgres_refuses(PSYCOPG2, "called()", 1000);
    postgres_refuses(PSYCOPG2, "spelt()", 1000);
    postgres_refuses(PSYCOPG2, "merged()", 1000);
    postgres_refuses(PSYCOPG2, "merged_many()", 1000);
    postgres_refuses(PSYCOPG2, "merged_each()", 996);
    postgres_refuses(PSYCOPG2, "adapted()", 1000);
    let subclass = PSYCOPG2.replace(
        "c.cursor()",
        "c.cursor(cursor_factory=__import__('psycopg2.extras').extras.RealDictCursor)",
    );
    postgres_refuses(&subclass, "purge()", 996);
}

#[test]
fn functions_that_nobody_can_look_up_are_said() {
    if !needs(NEEDED) {
        return;
    }
    let mut stage = Stage::with_drivers();
    stage.world.database.sql(FUNCTIONS);
    stage.world.set("PATH", "/nowhere");
    let (port, database) = (cluster().port, &stage.world.database.name);
    let output = stage.run(&format!(
        "import psycopg2
cur = psycopg2.connect('host=localhost port={port} dbname={database} user=app').cursor()
for n in range(3): cur.execute('SELECT greet(1)')"
    ));
    let said = String::from_utf8_lossy(&output.stderr);
    let line = "could not ask app@localhost:";
    assert_eq!(said.matches(line).count(), 1, "{said}");
}

#[test]
fn functions_are_looked_up_where_the_connection_goes() {
    if !needs(NEEDED) {
        return;
    }
    let mut stage = Stage::with_drivers();
    stage.world.database.sql(FUNCTIONS);
    let (port, name) = (cluster().port, stage.world.database.name.clone());
    let socket = cluster().socket.display().to_string();
    let config = format!(
        "[[target]]\nname = \"orders-prod\"\ntier = \"production\"\nmatch = [\"*:{port}\", \"{socket}\"]"
    );
    let path = stage.world.write("any.toml", &config);
    stage.world.set("NIGHTLATCH_CONFIG", path.to_str().expect("UTF-8"));
    // What our own variables say is of no concern once the program has changed them.
    stage.world.set("PGHOSTADDR", "127.0.0.9");
    let passwords = PASSWORD.replace('\\', "\\\\").replace(':', "\\:");
    let begin = format!(
        "import os
del os.environ['PGHOSTADDR']
def save(name, text):
    open(name, 'w').write(text); os.chmod(name, 0o600); return os.path.abspath(name)
os.environ['PGPASSFILE'] = save('passwords', {:?})
def variables(**given): os.environ.update(('PG' + name, str(value)) for name, value in given.items())
whole = dict(host='localhost', port={port}, dbname='{name}', user='locked')
text = ' '.join('%s=%s' % item for item in whole.items())
",
        format!("*:*:*:*:{passwords}\n")
    );
    let libpq = [
        "connect('host=devbox hostaddr=127.0.0.1 ' + text.partition(' ')[2])",
        "connect('host=nowhere,devbox hostaddr=127.0.0.9,127.0.0.1 connect_timeout=9 ' + text.partition(' ')[2])",
        "connect(text.replace('localhost', '$SOCKET'))",
        "(variables(HOST='localhost', PORT=$PORT, DATABASE='$NAME', USER='locked'), connect(''))[1]",
        "(variables(SERVICEFILE=save('services', '[orders]\\n' + text.replace(' ', '\\n'))), connect('service=orders'))[1]",
    ];
    let run = |imports: &str, way: &str| {
        let way = way.replace("$SOCKET", &socket).replace("$PORT", &port.to_string());
        let way = way.replace("$NAME", &name);
        let said = stage.refused(&format!("{begin}{imports}\n{way}"));
        assert!(said.contains("sweep() deletes every row of families"), "{imports} {way}: {said}");
    };
    for module in ["psycopg2", "psycopg"] {
        for way in libpq {
            let imports = format!("from {module} import connect");
            run(&imports, &format!("{way}.cursor().execute('SELECT sweep()')"));
        }
    }
    for way in [
        "connect('postgres://locked@localhost:$PORT/$NAME')",
        "connect(host='$SOCKET', port=$PORT, database='$NAME', user='locked')",
        "(variables(HOST='localhost', PORT=$PORT, DATABASE='$NAME', USER='locked'), connect())[1]",
    ] {
        let work = format!(
            "async def main(): await (await {way}).execute('SELECT sweep()')\nasyncio.run(main())"
        );
        run("import asyncio; from asyncpg import connect", &work);
    }
}

const PSYCOPG: &str = "import psycopg, asyncio
c = psycopg.connect('$DSN', autocommit=True)
def purge():
    for n in range(1, 30): c.execute('DELETE FROM families WHERE id = %s', (n,))
def many(): c.cursor().executemany('DELETE FROM families WHERE id = %s', [(n,) for n in range(30)])
def copy():
    with c.cursor().copy('COPY (DELETE FROM families RETURNING *) TO STDOUT') as rows: list(rows)
def stream(): list(c.cursor().stream('DELETE FROM families RETURNING *'))
def called(): c.execute('SELECT greet(1)'); c.execute('SELECT sweep()')
def merging(many):
    from psycopg.adapt import Dumper
    class Own(Dumper):
        def dump(self, n): return b'DELETE FROM families'
        quote = dump
    k = psycopg.ClientCursor(c); k.execute('DELETE FROM families WHERE id = %s', (-1,))
    k.executemany('SELECT %s', [(1,), (2,)]); c.adapters.register_dumper(int, Own)
    k = psycopg.ClientCursor(c)
    k.executemany('%s', [(1,)]) if many else k.execute('%s', (1,))
def merging_each():
    k = psycopg.ClientCursor(c)
    for n in range(1, 30): k.execute('DELETE FROM families WHERE id = %s', (n,))
def in_async():
    async def run():
        async with await psycopg.AsyncConnection.connect('$DSN', autocommit=True) as a:
            for n in range(1, 30): await a.execute('DELETE FROM families WHERE id = %s', (n,))
    asyncio.run(run())
";

#[test]
fn psycopg_3_in_all_its_ways() {
    postgres_refuses(PSYCOPG, "purge()", 996);
    postgres_refuses(PSYCOPG, "many()", 1000);
    postgres_refuses(PSYCOPG, "copy()", 1000);
    postgres_refuses(PSYCOPG, "stream()", 1000);
    postgres_refuses(PSYCOPG, "called()", 1000);
    postgres_refuses(PSYCOPG, "merging(False)", 1000);
    postgres_refuses(PSYCOPG, "merging(True)", 1000);
    postgres_refuses(PSYCOPG, "merging_each()", 996);
    postgres_refuses(PSYCOPG, "in_async()", 996);
}

/// Templates as Python 3.14 writes them (`t"delete from {tab:i}"`), of what psycopg has for older ones.
const TEMPLATES: &str = "import psycopg, sys
from psycopg import _compat
from psycopg.sql import SQL, Identifier
c = psycopg.connect('$DSN', autocommit=True)
def put(value, how=''): return _compat.Interpolation(value, 'x', None, how)
T = _compat.Template
if sys.version_info < (3, 14):
    class T(T):
        def __new__(kind, *parts): return object.__new__(kind)
        def __init__(self, *parts):
            self.parts, self.interpolations = parts, [part for part in parts if not isinstance(part, str)]
        def __iter__(self): return iter(self.parts)
def run(*parts): return c.execute(T(*parts))
def copy(*parts):
    with c.cursor().copy(T(*parts)) as rows: list(rows)
assert run('SELECT ', put(Identifier('families'), 'i'), '.id FROM families WHERE id = ', put(7)).fetchone() == (7,)
for refused in put('id', 'q'), put(SQL('id')), put('id', 'other'):
    try: run('SELECT ', refused)
    except psycopg.ProgrammingError as error: assert 'format' in str(error) or 'sql values' in str(error)
    else: raise SystemExit('psycopg took it')
";

#[test]
fn templates_of_psycopg_are_judged_with_what_is_put_into_them() {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::with_drivers();
    let module = TEMPLATES.replace("$DSN", &dsn(&stage));
    let all = "deletes every row of families";
    for (work, said) in [
        ("run(put(T('delete from families'), 'q'))", all),
        ("run(put(SQL('delete from families where true'), 'q'))", all),
        ("run('delete from ', put('families', 'i'))", all),
        ("run('truncate ', put(Identifier('families'), 'i'))", "truncates families"),
        ("run('delete from families where ', put('a', 'l'), ' = ', put('a', 'l'))", all),
        ("copy('copy (', put(T('delete from families returning id'), 'q'), ') to stdout')", all),
        (
            "for n in range(1, 30): run(put(T('delete from families where id = ', put(-n)), 'q'))",
            "number 5 of",
        ),
        // A version that puts them together in another way.
        ("sys.modules['psycopg._tstrings'] = None; run('select ', put(1))", "cannot be read"),
    ] {
        let told = stage.refused(&format!("{module}{work}"));
        assert!(told.contains(said), "{work}: {told}");
        assert_eq!(stage.world.database.count("families"), 1000, "{work}");
    }
}

const ASYNCPG: &str = "import asyncpg, asyncio
def run(work):
    async def main():
        c = await asyncpg.connect('$URI')
        try: await work(c)
        finally: await c.close()
    asyncio.run(main())
async def purge(c):
    for n in range(1, 30): await c.execute('DELETE FROM families WHERE id = $1', n)
async def plain(c): await c.execute('DELETE FROM families')
async def cursor(c):
    async with c.transaction():
        async for row in c.cursor('DELETE FROM families RETURNING id'): pass
async def called(c): await c.fetch('SELECT greet(1)'); await c.fetch('SELECT sweep()')
async def copy(c): await c.copy_from_query('DELETE FROM families RETURNING id', output='/dev/null')
async def pooled(c):
    async with asyncpg.create_pool('$URI', min_size=1, max_size=1) as pool:
        await asyncio.gather(*[pool.execute('DELETE FROM families WHERE id = $1', n) for n in range(1, 31)])
async def many(c): await c.executemany('DELETE FROM families WHERE id = $1', [(n,) for n in range(30)])
";

#[test]
fn asyncpg_in_all_its_ways() {
    postgres_refuses(ASYNCPG, "run(purge)", 996);
    postgres_refuses(ASYNCPG, "run(plain)", 1000);
    postgres_refuses(ASYNCPG, "run(many)", 1000);
    postgres_refuses(ASYNCPG, "run(cursor)", 1000);
    postgres_refuses(ASYNCPG, "run(copy)", 1000);
    postgres_refuses(ASYNCPG, "run(called)", 1000);
    postgres_refuses(ASYNCPG, "run(pooled)", 996);
}

const SQLALCHEMY: &str = "import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Session
class Base(DeclarativeBase): pass
class Family(Base):
    __tablename__ = 'families'
    id = sa.Column(sa.Integer, primary_key=True)
engine = sa.create_engine('postgresql+$DRIVER://$ADDRESS')
session = Session(engine)
def purge():
    for family in session.scalars(sa.select(Family).limit(30)): session.delete(family)
    session.commit()
def core():
    with engine.begin() as c: c.execute(sa.delete(Family))
";

#[test]
fn sqlalchemy_loses_nothing_of_a_refused_commit() {
    for driver in ["psycopg2", "psycopg"] {
        let module = SQLALCHEMY.replace("$DRIVER", driver);
        postgres_refuses(&module, "purge()", 1000);
        postgres_refuses(&module, "core()", 1000);
    }
}

const PG8000: &str = "import sqlalchemy as sa
engine = sa.create_engine('postgresql+pg8000://$ADDRESS')
def purge():
    with engine.connect() as c:
        for n in range(1, 30):
            c.execute(sa.text('DELETE FROM families WHERE id = :n'), {'n': n}); c.commit()
def at_once():
    with engine.connect() as c: c.exec_driver_sql('DELETE FROM families'); c.commit()
def called():
    with engine.connect() as c: c.exec_driver_sql('SELECT sweep()'); c.commit()
";

#[test]
fn sqlalchemy_on_a_driver_without_a_tap() {
    postgres_refuses(PG8000, "purge()", 996);
    postgres_refuses(PG8000, "at_once()", 1000);
    postgres_refuses(PG8000, "called()", 1000);
}

const PEEWEE: &str = "import peewee
user, rest = '$ADDRESS'.split('@'); host, rest = rest.split(':'); port, name = rest.split('/')
class Family(peewee.Model):
    class Meta:
        table_name = 'families'
        database = peewee.PostgresqlDatabase(name, host=host, port=int(port), user=user)
def purge():
    for family in Family.select().order_by(Family.id).limit(30): family.delete_instance()
def at_once(): Family.delete().execute()
";

#[test]
fn peewee_loops_and_queries() {
    postgres_refuses(PEEWEE, "purge()", 996);
    postgres_refuses(PEEWEE, "at_once()", 1000);
}

const DJANGO: &str = "import django
from django.conf import settings
user, rest = '$ADDRESS'.split('@'); host, rest = rest.split(':'); port, name = rest.split('/')
settings.configure(DATABASES={'default': {'ENGINE': 'django.db.backends.postgresql',
    'HOST': host, 'PORT': port, 'NAME': name, 'USER': user}})
django.setup()
from django.db import models
class Family(models.Model):
    name = models.TextField()
    class Meta:
        app_label = 'app'; db_table = 'families'; managed = False
def purge():
    for family in Family.objects.order_by('id')[:30]: family.delete()
def at_once(): Family.objects.all().delete()
";

#[test]
fn django_loops_and_query_sets() {
    postgres_refuses(DJANGO, "purge()", 996);
    postgres_refuses(DJANGO, "at_once()", 1000);
}

// MariaDB.

/// Functions and procedures whose names tell nothing: what they do is in the server.
const ROUTINES: &str = "use shop;
    delimiter //
    create function sweep() returns int begin delete from families; return 1; end//
    create function zap(n int) returns int begin delete from families where id = n; return n; end//
    create function greet(n int) returns int return n + 1//
    create procedure tidy() begin declare n int default 1; if n = 1 then call tidier(); end if; end//
    create procedure tidier() truncate families//";

/// Calls of them, of which each is refused.
const CALLS: &[&str] = &[
    "SELECT greet(1), sweep()",
    "CALL tidy()",
    "SELECT zap(id) FROM families",
    "SELECT `sweep`\t()",
    "INSERT INTO families SELECT 30 + sweep()",
];

const PYMYSQL: &str = "import pymysql
c = pymysql.connect(host='localhost', port=$PORT, user='root', database='shop', autocommit=True)
cur = c.cursor()
def purge():
    for n in range(1, 21): cur.execute('DELETE FROM `families` WHERE `id` = %s', (n,))
def at_once(): cur.execute('DELETE FROM `families`')
def drop(): cur.execute('DROP TABLE families')
def made():
    cur.execute('CREATE PROCEDURE fresh() DELETE FROM families')
    cur.callproc('fresh')
def stubborn():
    for n in range(1, 21):
        try: cur.execute('DELETE FROM `families` WHERE `id` = %s', (n,))
        except Exception: pass
";

#[test]
fn the_other_drivers_of_mysql() {
    if !needs(NEEDED) || !needs(&[Tool::MariaDb]) {
        return;
    }
    let maria = MariaDb::start();
    maria.sql(ROUTINES);
    let awaited = "import asyncio
async def main():
    c = await $CONNECT
    cur = await c.cursor()
    $WORK
asyncio.run(main())";
    let plain = "c = $CONNECT; cur = $CURSOR
$WORK";
    let at = format!("host='127.0.0.1', port={}, user='root', autocommit=True", maria.port);
    for (imports, program, connect, cursor) in [
        ("import pymysql", plain, "pymysql.connect(database='shop', $AT)", "c.cursor()"),
        ("import MySQLdb", plain, "MySQLdb.connect(db='shop', $AT)", "c.cursor()"),
        (
            "import mysql.connector",
            plain,
            "mysql.connector.connect(database='shop', use_pure=True, $AT)",
            "c.cursor(prepared=True)",
        ),
        (
            "import mysql.connector",
            plain,
            "mysql.connector.connect(database='shop', $AT)",
            "c.cursor()",
        ),
        ("import aiomysql", awaited, "aiomysql.connect(db='shop', $AT)", ""),
        (
            "from mysql.connector.aio import connect",
            awaited,
            "connect(database='shop', ssl_disabled=True, $AT)",
            "",
        ),
    ] {
        let stage = Stage::with_drivers();
        let program = program.replace("$CONNECT", connect).replace("$CURSOR", cursor);
        let program = format!("{imports}\n{}", program.replace("$AT", &at));
        let awaits = if program.contains("await") { "await " } else { "" };
        let refused =
            |work: &str| stage.refused(&program.replace("$WORK", &work.replace("$AWAIT ", awaits)));
        refused(
            "for n in range(20): $AWAIT cur.execute('DELETE FROM families WHERE id = %s', (n + 1,))",
        );
        assert_eq!(maria.left(), 16, "{imports}");
        for call in CALLS {
            let work = format!(
                "$AWAIT cur.execute('SELECT greet(1)'); $AWAIT cur.fetchall(); $AWAIT cur.execute({call:?})"
            );
            let said = refused(&work);
            assert_eq!(maria.left(), 16, "{imports} {call}\n{said}");
            assert!(said.contains("of families") || said.contains("truncates families"), "{said}");
        }
        maria.sql("use shop; replace into families select seq from seq_1_to_20");
    }
}

#[test]
fn another_database_of_the_same_server() {
    if !needs(NEEDED) || !needs(&[Tool::MariaDb]) {
        return;
    }
    let maria = MariaDb::start();
    maria.sql("create database scratch");
    let at = format!("host='127.0.0.1', port={}, user='root', autocommit=True", maria.port);
    for (imports, connect) in [
        ("import pymysql", "pymysql.connect(database='scratch', $AT)"),
        ("import MySQLdb", "MySQLdb.connect(db='scratch', $AT)"),
        ("import mysql.connector", "mysql.connector.connect(database='scratch', $AT)"),
    ] {
        let mut stage = Stage::with_drivers();
        let config = format!(
            "[[target]]\nname = \"shop\"\ntier = \"production\"\nmatch = [\"mysql://*@127.0.0.1:{}/shop\"]",
            maria.port
        );
        let path = stage.world.write("shop.toml", &config);
        stage.world.set("NIGHTLATCH_CONFIG", path.to_str().expect("UTF-8"));
        let begin = format!("{imports}\nc = {}; cur = c.cursor()", connect.replace("$AT", &at));
        for way in [
            "cur.execute('use shop'); cur.execute('delete from families')",
            "cur.execute('delete from shop.families')",
            "getattr(c, 'select_db', getattr(c, 'cmd_init_db', None))('shop'); cur.execute('delete from families')",
        ] {
            stage.refused(&format!("{begin}\n{way}"));
            assert_eq!(maria.left(), 20, "{imports} {way}");
        }
        let free = stage.run(&format!(
            "{begin}
cur.execute('create table mine (id int)')
cur.executemany('insert into mine values (%s)', [(n,) for n in range(99)])
cur.execute('drop table mine')"
        ));
        assert!(free.status.success(), "{free:?}");
    }
}

#[test]
fn pymysql_loops_and_whole_tables() {
    if !needs(NEEDED) || !needs(&[Tool::MariaDb]) {
        return;
    }
    let maria = MariaDb::start();
    let mut left = 20;
    for (line, gone) in
        [("at_once()", 0), ("drop()", 0), ("made()", 0), ("purge()", 4), ("stubborn()", 4)]
    {
        let stage = Stage::with_drivers();
        let module = PYMYSQL.replace("$PORT", &maria.port.to_string());
        let module = module.replace("range(1, 21)", &format!("range({}, 21)", 21 - left));
        left -= gone;
        let mut pty = open(&stage, &module);
        pty.line(line);
        refuse(&mut pty, || maria.left(), left);
    }
}

// Redis.

#[test]
fn redis_loops_pipelines_and_flushes() {
    if !needs(NEEDED) || !needs(&[Tool::Redis]) {
        return;
    }
    for (line, left) in [
        ("locks(); purge()", 16),
        ("getattr(r, 'flush' + 'all')()", 20),
        ("r.delete(*KEYS)", 20),
        ("pipe()", 20),
        ("in_async()", 16),
        ("past = [r.expireat(k, 1) for k in KEYS]", 16),
        ("away = [r.move(k, 5) for k in KEYS]", 16),
        ("r.hset('h', mapping={k: 1 for k in KEYS}); r.hdel('h', *KEYS)", 21),
        ("r.rpush('l', *KEYS); r.ltrim('l', 1, 0)", 21),
        ("scripted('for i = 0, 19 do redis.call(\"del\", \"k\" .. i) end', 0)", 20),
        (
            "scripted('for _, k in ipairs(KEYS) do redis.call(\"del\", ARGV[1]) end', 1, 'k0', 'k1')",
            20,
        ),
        ("scripted('redis.call(ARGV[1], unpack(redis.call(\"KEYS\", \"*\")))', 0, 'del')", 20),
        ("scripted('return redis.call(\"del\", unpack(KEYS))', 20, *KEYS)", 20),
        ("r.execute_command('RE' + 'PLICAOF', 'localhost', '1')", 20),
        ("r.rpush('l', *KEYS); r.lpop('l'); r.lpop('l', 100)", 21),
        ("r.sadd('s', *KEYS); r.spop('s'); r.spop('s', 100)", 21),
        ("r.zadd('z', {k: 1 for k in KEYS}); r.zpopmin('z', 2); r.zpopmax('z', 9)", 21),
        ("r.rpush('l', *KEYS); r.lmpop(1, 'l', direction='LEFT', count=9)", 21),
        ("alarmed()", 20),
    ] {
        let redis = Redis::start();
        let stage = Stage::with_drivers();
        let module = format!(
            "import redis, redis.asyncio, asyncio
r = redis.Redis(host='localhost', port={0})
KEYS = ['k%d' % n for n in range(20)]
for k in KEYS: r.set(k, 1)
def purge():
    for k in KEYS: r.delete(k)
def locks():
    for n in range(9):
        with r.lock('lock %d' % n): pass
def pipe():
    p = r.pipeline()
    for k in KEYS: p.delete(k)
    p.execute()
def scripted(*args): getattr(r, 'ev' + 'al')(*args)
def alarmed():
    # The handler runs while a command of no harm is on its way.
    import signal; other = redis.Redis(host='localhost', port={0})
    def flush(*_):
        try: other.execute_command('FLUSH' + 'ALL')
        finally: signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, flush)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    while True: r.delete('none')
def in_async():
    async def run():
        a = redis.asyncio.Redis(host='localhost', port={0})
        for k in KEYS: await a.delete(k)
    asyncio.run(run())
",
            redis.port
        );
        let mut pty = open(&stage, &module);
        pty.line(line);
        refuse(&mut pty, || redis.keys(), left);
    }
}
