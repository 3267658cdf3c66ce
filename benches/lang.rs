//! How fast statements are read: each kind on its own, and scripts of 10 MB. Times are those of the
//! processor, so that a busy machine does not count.

#![expect(clippy::print_stdout, reason = "a benchmark prints its numbers")]

use std::hint::black_box;
use std::time::Duration;

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
        for (kind, _, lines) in SCRIPTS.iter().filter(|(_, readers, _)| readers.contains(&name)) {
            let text = script(lines);
            let begin = now();
            black_box(read(black_box(&text)));
            let took = (now() - begin).as_secs_f64();
            println!("{name:9} 10 MB of {kind:13} {:8.1} MB/s", text.len() as f64 / 1e6 / took);
        }
    }
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

/// Returns how long this thread has run.
fn now() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells");
    let nanos = stat.split(' ').next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.expect("it is a number"))
}
