//! How fast statements are read: each kind on its own, in time of the processor, so that a busy machine
//! does not count; and scripts of 10 MB, which take several threads, by the clock and in that time.

#![expect(clippy::print_stdout, reason = "a benchmark prints its numbers")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use nightlatch::lang::sql::{Ends, Flavour};
use nightlatch::lang::{Reading, postgres, sql};

/// How long each statement is read again and again.
const TIME: Duration = Duration::from_millis(300);

const SCRIPT_BYTES: usize = 10_000_000;

const STATEMENTS: &[(&str, &str)] = &[
    ("select", "SELECT id, name FROM families WHERE id = 7 ORDER BY name LIMIT 10"),
    ("delete", "DELETE FROM families WHERE id IN (1, 2, 3) AND state <> 'open'"),
    (
        "update",
        "UPDATE families SET name = 'x', seen = now() WHERE id BETWEEN 1 AND 9 OR name LIKE 'a%'",
    ),
    ("insert", "INSERT INTO families (id, name, note) VALUES (7, 'it''s', NULL)"),
    (
        "join",
        "SELECT f.id, count(*) FROM families f LEFT JOIN members m ON m.family = f.id AND m.age > 18 \
         WHERE f.created >= '2026-01-01' AND lower(f.name) IN (SELECT lower(name) FROM old) \
         GROUP BY f.id HAVING count(*) > 1 ORDER BY 2 DESC",
    ),
];

/// Scripts of 10 MB are made of these again and again, `{n}` counting.
const SCRIPTS: &[(&str, &[&str], &str)] = &[
    (
        "inserts",
        EVERYWHERE,
        "INSERT INTO families (id, name, note) VALUES ({n}, 'name {n}', \
         'a longer text, as notes are: it''s one of many, {n}');\n",
    ),
    ("wide inserts", EVERYWHERE, WIDE),
    ("deletes", EVERYWHERE, "DELETE FROM families WHERE id = {n} AND state <> 'open';\n"),
    ("updates", EVERYWHERE, "UPDATE families SET name = 'x' WHERE id = {n};\n"),
    ("fixes", &["postgres"], FIXES),
    ("a dump", &["postgres"], DUMP),
    ("a schema", &["postgres"], SCHEMA),
    ("migrations", &["postgres"], MIGRATIONS),
    ("fixes", &["mysql", "sqlite"], PLAIN_FIXES),
];

const EVERYWHERE: &[&str] = &["postgres", "mysql", "sqlite"];

/// `{rows}` stands for 500 of them.
const WIDE: &str = "INSERT INTO families (id, name, note) VALUES {rows}({n}, 'x', NULL);\n";

/// Repairs of data, as they are generated or written by hand for a list of keys.
const FIXES: &str = r#"BEGIN;
UPDATE orders SET status = 'shipped', shipped_at = now(), fixed_by = 'ops {n}' WHERE id = '6f1c2c9e-0b4e-4f5f-9f5b-{n}' AND status <> 'void';
UPDATE public."Accounts" AS a SET balance = a.balance - 12.50, seen = '2026-01-{n}'::date WHERE a.id IN ({n}, 17, 18, 19, 20);
DELETE FROM carts WHERE customer_id = {n} AND created_at < now() - interval '30 days';
DELETE FROM ONLY sessions s USING logins l WHERE s.login_id = l.id AND l.user_id = {n} RETURNING s.id;
DELETE FROM tokens WHERE owner_id IN (SELECT id FROM owners WHERE mail = 'someone-{n}@example.com');
INSERT INTO audit (id, what, who) VALUES ({n}, 'fix {n}', 'ops') ON CONFLICT (id) DO UPDATE SET what = EXCLUDED.what;
INSERT INTO members SELECT {n}, id, lower(name), now() FROM people WHERE family_id = {n} AND (left_at IS NULL OR left_at > now());
SELECT setval('audit_id_seq', {n}, true);
COMMIT;
"#;

/// The same in the words that MySQL and SQLite share.
const PLAIN_FIXES: &str = "BEGIN;
UPDATE orders SET status = 'shipped', shipped_at = now(), fixed_by = 'ops {n}' WHERE id = '6f1c2c9e-{n}' AND status <> 'void';
UPDATE accounts SET balance = balance - 12.50, seen = '2026-01-{n}' WHERE id IN ({n}, 17, 18, 19, 20);
DELETE FROM carts WHERE customer_id = {n} AND created_at < '2026-01-01 10:00:00';
DELETE FROM tokens WHERE owner_id IN (SELECT id FROM owners WHERE mail = 'someone-{n}@example.com');
INSERT INTO members SELECT {n}, id, lower(name), now() FROM people WHERE family_id = {n} AND (left_at IS NULL OR left_at > now());
COMMIT;
";

/// A dump by pg_dump: a little schema, and data.
const DUMP: &str = r#"CREATE TABLE public.table_{n} (
    id bigint NOT NULL,
    name text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE public.table_{n} OWNER TO app;
COPY public.table_{n} (id, name, created_at) FROM stdin;
{lines}\.


ALTER TABLE ONLY public.table_{n}
    ADD CONSTRAINT table_{n}_pkey PRIMARY KEY (id);
CREATE INDEX table_{n}_name_idx ON public.table_{n} USING btree (name);
"#;

/// What pg_dump -s gives of a table.
const SCHEMA: &str = r#"--
-- Name: table_{n}; Type: TABLE; Schema: public; Owner: app
--

CREATE TABLE public.table_{n} (
    id bigint NOT NULL,
    family_id bigint NOT NULL,
    name character varying(255) DEFAULT ''::character varying NOT NULL,
    state text DEFAULT 'open'::text,
    amount numeric(12,2),
    payload jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp(6) without time zone NOT NULL,
    updated_at timestamp(6) without time zone NOT NULL,
    CONSTRAINT table_{n}_amount_check CHECK ((amount >= (0)::numeric))
);


ALTER TABLE public.table_{n} OWNER TO app;

--
-- Name: TABLE table_{n}; Type: COMMENT; Schema: public; Owner: app
--

COMMENT ON TABLE public.table_{n} IS 'what table {n} is for';


CREATE SEQUENCE public.table_{n}_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER SEQUENCE public.table_{n}_id_seq OWNED BY public.table_{n}.id;

ALTER TABLE ONLY public.table_{n} ALTER COLUMN id SET DEFAULT nextval('public.table_{n}_id_seq'::regclass);

ALTER TABLE ONLY public.table_{n}
    ADD CONSTRAINT table_{n}_pkey PRIMARY KEY (id);

CREATE INDEX table_{n}_family_id_idx ON public.table_{n} USING btree (family_id) WHERE (state = 'open'::text);

ALTER TABLE ONLY public.table_{n}
    ADD CONSTRAINT table_{n}_family_fk FOREIGN KEY (family_id) REFERENCES public.families(id) ON DELETE CASCADE;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.table_{n} TO app_writer;
"#;

/// A year of migrations in one file.
const MIGRATIONS: &str = r#"BEGIN;
ALTER TABLE orders ADD COLUMN note_{n} text NOT NULL DEFAULT '';
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_note_{n} ON orders (lower(note_{n}), created_at DESC) WHERE deleted_at IS NULL;
UPDATE orders SET note_{n} = coalesce(comment, '') WHERE id BETWEEN {n}000 AND {n}999;
ALTER TABLE orders DROP COLUMN comment_{n};
CREATE OR REPLACE FUNCTION touch_{n}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    IF NEW.state = 'void' THEN
        DELETE FROM reservations WHERE order_id = NEW.id;
    END IF;
    RETURN NEW;
END;
$$;
CREATE TRIGGER touch_{n} BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch_{n}();
INSERT INTO settings (key, value) VALUES ('release', '{n}') ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value;
DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_type WHERE typname = 'mood_{n}') THEN
        CREATE TYPE mood_{n} AS ENUM ('sad', 'ok', 'happy');
    END IF;
END
$$;
WITH stale AS (SELECT id FROM carts WHERE seen_at < '2026-01-01' ORDER BY id LIMIT {n})
DELETE FROM carts c USING stale WHERE c.id = stale.id;
DROP TABLE IF EXISTS legacy_{n};
INSERT INTO schema_migrations (version) VALUES ('2026010112{n}');
COMMIT;
"#;

/// What people write by hand; no two statements that come of it are alike. `{t}` is a table, `{c}` a
/// column, `{w}` a condition, `{n}` counts.
const MIXED: &[&str] = &[
    "SELECT {c}, count(*) FROM {t} JOIN {t} ON {c} = {c} WHERE {w} GROUP BY {c} ORDER BY 2 DESC LIMIT {n};\n",
    "SELECT DISTINCT {c}, lower({c}) FROM {t} WHERE {w} AND {c} IN (SELECT {c} FROM {t} WHERE {w});\n",
    "UPDATE {t} SET {c} = {c} || '-{n}', {c} = now() WHERE {w};\n",
    "UPDATE {t} SET {c} = CASE WHEN {w} THEN {n} ELSE 0 END WHERE {w};\n",
    "DELETE FROM {t} WHERE {w};\n",
    "DELETE FROM {t} WHERE {c} IN (SELECT {c} FROM {t} WHERE {w}) AND {w};\n",
    "INSERT INTO {t} ({c}, {c}) SELECT {c}, {c} FROM {t} WHERE {w} ON CONFLICT DO NOTHING;\n",
    "INSERT INTO {t} ({c}, {c}) VALUES ({n}, 'x') ON CONFLICT ({c}) DO UPDATE SET {c} = EXCLUDED.{c};\n",
    "CREATE TABLE {t} ({c} bigint PRIMARY KEY, {c} text NOT NULL DEFAULT '', {c} timestamptz, CHECK ({w}));\n",
    "CREATE INDEX ON {t} ({c}, {c} DESC) WHERE {w};\n",
    "ALTER TABLE {t} ALTER COLUMN {c} TYPE text USING {c}::text, ADD COLUMN {c} int NOT NULL DEFAULT {n};\n",
    "CREATE VIEW {t} AS SELECT {c}, {c} FROM {t} LEFT JOIN {t} USING ({c}) WHERE {w};\n",
    "WITH old AS (SELECT {c} FROM {t} WHERE {w} LIMIT {n}) DELETE FROM {t} USING old WHERE {c} = old.{c};\n",
    "CREATE OR REPLACE FUNCTION {t}_{n}(a int) RETURNS void LANGUAGE plpgsql AS $$\nBEGIN\n    \
     IF EXISTS (SELECT 1 FROM {t} WHERE {w}) THEN\n        UPDATE {t} SET {c} = a WHERE {w};\n    END IF;\nEND\n$$;\n",
    "DO $$\nBEGIN\n    IF NOT EXISTS (SELECT 1 FROM {t} WHERE {w}) THEN\n        \
     INSERT INTO {t} ({c}) VALUES ({n});\n    END IF;\nEND\n$$;\n",
    "EXPLAIN ANALYZE SELECT * FROM {t} WHERE {w};\n",
    "GRANT SELECT, UPDATE ON {t} TO {c};\n",
    "SET LOCAL statement_timeout = '{n}s';\n",
];

/// The same of MySQL and SQLite, in the words they share.
const PLAIN_MIXED: &[&str] = &[
    "SELECT {c}, count(*) FROM {t} JOIN {t} ON {c} = {c} WHERE {w} GROUP BY {c} ORDER BY 2 DESC LIMIT {n};\n",
    "SELECT DISTINCT {c}, lower({c}) FROM {t} WHERE {w} AND {c} IN (SELECT {c} FROM {t} WHERE {w});\n",
    "UPDATE {t} SET {c} = concat({c}, '-{n}'), {c} = CURRENT_TIMESTAMP WHERE {w};\n",
    "UPDATE {t} SET {c} = CASE WHEN {w} THEN {n} ELSE 0 END WHERE {w};\n",
    "DELETE FROM {t} WHERE {w};\n",
    "DELETE FROM {t} WHERE {c} IN (SELECT {c} FROM {t} WHERE {w}) AND {w};\n",
    "INSERT INTO {t} ({c}, {c}) SELECT {c}, {c} FROM {t} WHERE {w};\n",
    "REPLACE INTO {t} ({c}, {c}) VALUES ({n}, lower('x'));\n",
    "CREATE TABLE {t} ({c} bigint PRIMARY KEY, {c} text NOT NULL DEFAULT '', {c} timestamp, CHECK ({w}));\n",
    "CREATE INDEX {t}_{n} ON {t} ({c}, {c} DESC);\n",
    "ALTER TABLE {t} ADD COLUMN {c} int NOT NULL DEFAULT {n};\n",
    "CREATE VIEW {t} AS SELECT {c}, {c} FROM {t} LEFT JOIN {t} USING ({c}) WHERE {w};\n",
    "WITH old AS (SELECT {c} FROM {t} WHERE {w} LIMIT {n}) DELETE FROM {t} WHERE {c} IN (SELECT {c} FROM old);\n",
    "CREATE TRIGGER {t}_{n} AFTER DELETE ON {t} FOR EACH ROW BEGIN UPDATE {t} SET {c} = 0 WHERE {w}; END;\n",
    "EXPLAIN SELECT * FROM {t} WHERE {w};\n",
];

/// Parts of conditions; the last one is PostgreSQL's.
const PARTS: &[&str] = &[
    "{c} = {n}",
    "{c} IS NULL",
    "{c} IN ('a', 'b', '{n}')",
    "{c} BETWEEN 1 AND {n}",
    "lower({c}) LIKE 'x{n}%'",
    "({c} > {n} OR {c} <> {c})",
    "coalesce({c}, 0) >= {n}",
    "{c} < now() - interval '{n} days'",
];

const NAMES: &[&str] = &[
    "account",
    "audit",
    "cart",
    "city",
    "created",
    "customer",
    "event",
    "family",
    "invoice",
    "item",
    "label",
    "login",
    "member",
    "note",
    "orders",
    "owner",
    "payment",
    "price",
    "region",
    "report",
    "role_name",
    "session",
    "state",
    "ticket",
    "token",
    "updated",
    "version",
    "visit",
];

type Read = fn(&str) -> Reading;

fn main() {
    let readers: [(&str, Read); 3] = [
        ("postgres", postgres::read),
        ("mysql", |text| sql::read(text, Flavour::Mysql, Ends::Client)),
        ("sqlite", |text| sql::read(text, Flavour::Sqlite, Ends::Client)),
    ];
    for (name, read) in readers {
        for (kind, text) in STATEMENTS {
            let (begin, mut count) = (now(), 0_u32);
            while now() < begin + TIME {
                (0..100).for_each(|_| drop(black_box(read(black_box(text)))));
                count += 100;
            }
            let took = (now() - begin).as_secs_f64();
            println!("{name:9} {kind:8} {:8.1} us", took * 1e6 / f64::from(count));
        }
        let scripts = SCRIPTS.iter().filter(|(_, readers, _)| readers.contains(&name));
        let scripts = scripts.map(|(kind, _, lines)| (*kind, script(lines)));
        let mixed = match name {
            "postgres" => mixed(MIXED, PARTS),
            _ => mixed(PLAIN_MIXED, &PARTS[..PARTS.len() - 1]),
        };
        for (kind, text) in scripts.chain([("mixed", mixed)]) {
            let (begin, busy) = (clock(), all_busy());
            black_box(read(black_box(&text)));
            let (took, busy) = (clock() - begin, all_busy() - busy);
            let speed = |time: Duration| text.len() as f64 / 1e6 / time.as_secs_f64();
            let (took, busy) = (speed(took), speed(busy));
            println!("{name:9} 10 MB of {kind:13} {took:8.1} MB/s, {busy:8.1} for each processor");
        }
    }
}

/// Returns 10 MB of statements that differ from each other in more than their literals.
fn mixed(statements: &[&str], parts: &[&str]) -> String {
    let mut seed = 1_usize;
    let mut roll = |most: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % most
    };
    let mut text = String::with_capacity(SCRIPT_BYTES + 1_000);
    while text.len() < SCRIPT_BYTES {
        let mut rest = statements[roll(statements.len())].to_owned();
        while let Some(at) = rest.find("{w}") {
            let some: Vec<&str> = (0..=roll(3)).map(|_| parts[roll(parts.len())]).collect();
            rest.replace_range(at..at + 3, &some.join([" AND ", " OR "][roll(2)]));
        }
        while let Some(at) = rest.find(['{']) {
            let word = match &rest[at..at + 3] {
                "{n}" => roll(1_000_000).to_string(),
                _ => format!("{}_{}", NAMES[roll(NAMES.len())], NAMES[roll(NAMES.len())]),
            };
            text.push_str(&rest[..at]);
            text.push_str(&word);
            rest.drain(..at + 3);
        }
        text.push_str(&rest);
    }
    text
}

/// Returns 10 MB of these lines.
fn script(lines: &str) -> String {
    let row = "(1, 'name', 'a longer text, as notes are: it''s one of many'), ";
    let line = "8231\tsome name\t2026-01-01 10:00:00.123456+00\n";
    let lines = lines.replace("{rows}", &row.repeat(500)).replace("{lines}", &line.repeat(500));
    let mut text = String::with_capacity(SCRIPT_BYTES + 100_000);
    for n in 0.. {
        if text.len() >= SCRIPT_BYTES {
            break;
        }
        text.push_str(&lines.replace("{n}", &n.to_string()));
    }
    text
}

/// Returns the time.
fn clock() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures")]
    Instant::now()
}

/// Returns how long all threads have run, those that have ended included.
fn all_busy() -> Duration {
    const TICK: Duration = Duration::from_millis(10);
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux tells");
    let behind = stat.rsplit(") ").next().expect("it has a name");
    let ticks =
        behind.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u32>().expect("number"));
    TICK * ticks.sum::<u32>()
}

/// Returns how long this thread has run.
fn now() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells");
    let nanos = stat.split(' ').next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.expect("it is a number"))
}
