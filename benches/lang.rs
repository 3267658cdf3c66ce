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
        let insert = |n: usize| {
            format!(
                "INSERT INTO families (id, name, note) VALUES ({n}, 'name {n}', 'a longer text, as notes are: it''s one of many, {n}');\n"
            )
        };
        let delete =
            |n: usize| format!("DELETE FROM families WHERE id = {n} AND state <> 'open';\n");
        let wide = |n: usize| {
            format!(
                "INSERT INTO families (id, name, note) VALUES {}({n}, 'x', NULL);\n",
                "(1, 'name', 'a longer text, as notes are: it''s one of many'), ".repeat(500)
            )
        };
        let update = |n: usize| format!("UPDATE families SET name = 'x' WHERE id = {n};\n");
        let scripts: [(&str, &dyn Fn(usize) -> String); 4] = [
            ("inserts", &insert),
            ("wide inserts", &wide),
            ("deletes", &delete),
            ("updates", &update),
        ];
        for (kind, line) in scripts {
            let mut text = String::with_capacity(SCRIPT_BYTES + 100_000);
            let mut n = 0;
            while text.len() < SCRIPT_BYTES {
                text.push_str(&line(n));
                n += 1;
            }
            let begin = now();
            black_box(read(black_box(&text)));
            let took = (now() - begin).as_secs_f64();
            println!("{name:9} 10 MB of {kind:13} {:8.1} MB/s", text.len() as f64 / 1e6 / took);
        }
    }
}

/// Returns how long this thread has run.
fn now() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells");
    let nanos = stat.split(' ').next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.expect("it is a number"))
}
