//! Everyday work by each driver, with nobody to ask: nothing of it needs an answer.

use super::stage::Stage;
use crate::support::http::Http;
use crate::support::mariadb::MariaDb;
use crate::support::mongo::Mongo;
use crate::support::postgres::cluster;
use crate::support::redis::Redis;
use crate::support::tool::{Tool, needs};

const NEEDED: &[Tool] =
    &[Tool::Psql, Tool::Postgres, Tool::PythonDrivers, Tool::MariaDb, Tool::Redis, Tool::TestClock];

/// Inserts, reads, changes one row by its key, and inserts or updates, by `run` and `many`.
const SQL: &str = "
run('CREATE TABLE users (id int PRIMARY KEY, name varchar(20))')
many('INSERT INTO users VALUES ($1, $2)', [(n, \"o'neil\") for n in range(50)])
run('SELECT * FROM users ORDER BY id LIMIT 10 OFFSET 20')
run(\"UPDATE users SET name = 'ann' WHERE id = 7\")
run(\"INSERT INTO users VALUES (7, 'bob') $UPSERT\")
run('DELETE FROM users WHERE id = 8')
run('CREATE INDEX by_name ON users (name)')
";

const CONFLICT: &str = "ON CONFLICT (id) DO UPDATE SET name = excluded.name";
const DUPLICATE: &str = "ON DUPLICATE KEY UPDATE name = 'bob'";

/// A driver's beginning, how it marks parameters, and how it inserts or updates.
const DRIVERS: &[(&str, [&str; 2], &str)] = &[
    (
        "import psycopg2.pool; pool = psycopg2.pool.SimpleConnectionPool(1, 2, '$DSN'); c = pool.getconn()
c.autocommit = True; k = c.cursor(); run, many = k.execute, k.executemany",
        ["%s", "%s"],
        CONFLICT,
    ),
    (
        "import psycopg; c = psycopg.connect('$DSN', autocommit=True); k = c.cursor()
run, many = k.execute, k.executemany",
        ["%s", "%s"],
        CONFLICT,
    ),
    (
        "import psycopg; k = psycopg.ClientCursor(psycopg.connect('$DSN', autocommit=True))
run, many = k.execute, k.executemany",
        ["%s", "%s"],
        CONFLICT,
    ),
    (
        "import asyncio, asyncpg; do = asyncio.new_event_loop().run_until_complete
c = do(asyncpg.connect('$URI')); run = lambda text: do(c.execute(text))
many = lambda text, rows: do(c.executemany(text, rows))",
        ["$1", "$2"],
        CONFLICT,
    ),
    (
        "import sqlite3; c = sqlite3.connect('orders.db'); run, many = c.execute, c.executemany",
        ["?", "?"],
        CONFLICT,
    ),
    (
        "import pymysql; c = pymysql.connect(database='shop', $SHOP); k = c.cursor()
run, many = k.execute, k.executemany",
        ["%s", "%s"],
        DUPLICATE,
    ),
    (
        "import MySQLdb; c = MySQLdb.connect(db='shop', $SHOP); k = c.cursor()
run, many = k.execute, k.executemany",
        ["%s", "%s"],
        DUPLICATE,
    ),
    (
        "import mysql.connector; c = mysql.connector.connect(database='shop', $SHOP)
k = c.cursor(buffered=True); run, many = k.execute, k.executemany",
        ["%s", "%s"],
        DUPLICATE,
    ),
];

/// What the stores' own first pages show.
const STORES: &[&str] = &[
    "import pymongo; f = pymongo.MongoClient('localhost', $MONGO).app.things
f.insert_one({'_id': 1}); f.insert_many([{'_id': n} for n in range(2, 40)]); list(f.find().limit(3))
f.update_one({'_id': 1}, {'$set': {'a': 1}}, upsert=True)",
    "import redis; r = redis.Redis(port=$REDIS); r.set('foo', 'bar', ex=60); r.hset('u', mapping={'a': 1})
r.lpush('q', *range(9)); [r.rpop('q') for n in range(9)]; r.expire('u', 60); r.incr('n')
with r.pipeline() as p: p.set('a', 1).get('a').execute()
with r.lock('l', timeout=5): pass",
    "from elasticsearch import Elasticsearch; e = Elasticsearch('http://localhost:$HTTP')
e.index(index='test', id=1, document={'a': 1}); e.search(index='test', query={'match_all': {}})
e.update(index='test', id=1, doc={'a': 2}); e.indices.create(index='new')",
    "import boto3
def made(name): return boto3.client(name, endpoint_url='http://localhost:$HTTP', region_name='us-east-1',
                                    aws_access_key_id='a', aws_secret_access_key='b')
made('ecs').update_service(cluster='c', service='s', desiredCount=3)
for n in range(30): made('sqs').delete_message(QueueUrl='http://localhost:$HTTP/q', ReceiptHandle='x')",
    "import peewee; db = peewee.SqliteDatabase('orders.db')
class Person(peewee.Model):
    name = peewee.CharField(unique=True)
    class Meta: database = db
db.create_tables([Person]); Person.bulk_create([Person(name=str(n)) for n in range(40)])
one, made = Person.get_or_create(name='ann'); one.name = 'bob'; one.save(); list(Person.select().paginate(1, 10))",
    "import sqlalchemy as sa; from sqlalchemy.orm import *
class Base(DeclarativeBase): pass
class User(Base):
    __tablename__ = 'people'
    id = mapped_column(sa.Integer, primary_key=True); name = mapped_column(sa.String(9))
engine = sa.create_engine('postgresql+psycopg://$ADDRESS'); Base.metadata.create_all(engine)
with Session(engine) as s:
    s.add_all([User(name='x') for n in range(40)]); s.commit()
    s.get(User, 1).name = 'y'; s.merge(User(id=2, name='m')); s.commit(); s.execute(sa.select(User).limit(5))",
];

#[test]
fn nothing_of_everyday_work_is_asked_about() {
    if !needs(NEEDED) {
        return;
    }
    let (mongo, redis, http) = (Mongo::start(1), Redis::start(), Http::start("{}"));
    let sql = DRIVERS.iter().map(|(begin, [first, second], upsert)| {
        let work = SQL.replace("$1", first).replace("$2", second).replace("$UPSERT", upsert);
        format!("{begin}{work}")
    });
    let stores = STORES.iter().map(|&script| script.to_owned());
    for script in sql.chain(stores) {
        let stage = Stage::with_drivers();
        let maria = script.contains("$SHOP").then(MariaDb::start);
        let shop = maria.as_ref().map_or(0, |maria| maria.port);
        let (port, database) = (cluster().port, &stage.world.database);
        let script = script
            .replace(
                "$DSN",
                &format!("host=localhost port={port} dbname={} user=app", database.name),
            )
            .replace("$URI", &database.uri("app"))
            .replace("$ADDRESS", &format!("app@localhost:{port}/{}", database.name))
            .replace(
                "$SHOP",
                &format!("host='127.0.0.1', port={shop}, user='root', autocommit=True"),
            )
            .replace("$MONGO", &mongo.port.to_string())
            .replace("$REDIS", &redis.port.to_string())
            .replace("$HTTP", &http.port.to_string());
        let output = stage.run(&script);
        assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}
