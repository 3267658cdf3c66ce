//! What a key costs in the interactive search: `cargo bench --bench history [STATEMENTS [FOLDER]]`.
//!
//! Makes logs of a million statements as people and scripts write them, indexes them, and types
//! queries into the search, key by key, faster than a person does. What is measured is the time from a
//! key to a screen full of statements, or to the end of the search where there are fewer; and the
//! processor's time in it, which does not depend on what else the machine does (Linux). Numbers, no
//! verdict. A folder is left as it is, for the next run to use.

#![expect(clippy::print_stdout, reason = "a benchmark prints its numbers")]

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nightlatch::clock::Clock;
use nightlatch::search::finder;
use nightlatch::store::{Filter, Memory, Store, Terms};

const STATEMENTS: u64 = 1_000_000;

const PER_SESSION: u64 = 500;

/// What a large screen shows.
const SCREEN: usize = 50;

/// Between two keys: without one the system takes us for something that can wait.
const PAUSE: Duration = Duration::from_millis(10);

/// As a person types them: common and rare, long and short, with signs, with none to be found.
const QUERIES: &[&str] = &[
    "select",
    "delete from families",
    "users where id = 77",
    "update orders set status",
    "customer-1f",
    "drop table",
    "insert invoices",
    "fam del",
    "join payments",
    "interval '30 days'",
    "users.id = 3;",
    "\"unbalanced",
    "where email like '%beef",
    "\\d ord",
    "select delete update",
    "zq",
    "nothing has this",
    "explain analyze",
    "count(*) from sessions where status = 'failed'",
    "id = 1234567;",
    "begin",
    "truncate audit",
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut wanted = std::env::args().skip(1).filter(|word| !word.starts_with('-'));
    let statements = wanted.next().map_or(Ok(STATEMENTS), |count| count.parse())?;
    let folder = tempfile::tempdir()?;
    let data = wanted.next().map_or_else(|| folder.path().to_owned(), PathBuf::from);
    let clock = Clock::system();
    if !data.join("sessions").exists() {
        let logs = write_logs(&data, statements)?;
        println!("{statements} statements, logs {} MB", logs >> 20);
    }

    let begun = clock.elapsed();
    let mut store = Store::open(&data)?;
    let indexed = store.update()?;
    let took = (clock.elapsed() - begun).as_secs_f64();
    let size = fs::metadata(data.join("history.db"))?.len() >> 20;
    println!("indexed {} in {took:.1} s, index {size} MB", indexed.statements);
    drop(store);

    let begun = clock.elapsed();
    let mut store = Store::open(&data)?;
    store.update()?;
    println!("opened and found up to date in {:.1?}", clock.elapsed() - begun);
    let begun = clock.elapsed();
    let memory = store.memory()?;
    println!("read into memory in {:.1?}", clock.elapsed() - begun);
    let filters = [
        ("statements", Filter::default()),
        ("held ones", Filter { is_held: true, ..Filter::default() }),
        ("one target", Filter { target_name: Some("orders-prod".into()), ..Filter::default() }),
        ("statements and outputs", Filter { is_in_output: true, ..Filter::default() }),
    ];
    let all = filters.iter().flat_map(|filter| [(filter, None), (filter, Some(&memory))]);
    for ((name, filter), memory) in all {
        let mut keys = type_queries((&store, memory), &clock, filter)?;
        let how = if memory.is_some() { "in memory" } else { "by the index" };
        println!("{name}, {how}: {} keys", keys.len());
        for (what, of) in [("on the wall", 0), ("on a processor", 1)] {
            keys.sort_unstable_by_key(|(took, _)| took[of]);
            let at = |share: usize| keys[(keys.len() - 1) * share / 100].0[of];
            println!("    {what}: p50 {:.1?}, p95 {:.1?}, p99 {:.1?}", at(50), at(95), at(99));
        }
        for ([_, took], typed) in keys.iter().rev().take(5) {
            println!("    {took:>8.1?} {typed:?}");
        }
    }
    Ok(())
}

/// What a key took, on the wall and on a processor, and what was typed by then.
type Key = ([Duration; 2], String);

/// Types every query, and returns what each key took.
fn type_queries(
    store: (&Store, Option<&Memory>),
    clock: &Clock,
    filter: &Filter,
) -> Result<Vec<Key>, Box<dyn Error>> {
    let mut keys = Vec::new();
    for query in QUERIES {
        for (end, letter) in query.char_indices() {
            let typed = &query[..end + letter.len_utf8()];
            let filter = Filter { terms: Terms::new(typed), ..filter.clone() };
            std::thread::sleep(PAUSE);
            let (worked, begun) = (work()?, clock.elapsed());
            let mut count = 0;
            let mut full = None;
            let is_wanted = || clock.elapsed() - begun < Duration::from_secs(10);
            let seen = std::cell::Cell::new(false);
            finder::find(store, &filter, clock, &|| !seen.get() && is_wanted(), &mut |found| {
                count += found.len();
                if count >= SCREEN && full.is_none() {
                    full = Some([clock.elapsed() - begun, work().unwrap_or_default() - worked]);
                    seen.set(true);
                }
            })?;
            let end = [clock.elapsed() - begun, work()? - worked];
            keys.push((full.unwrap_or(end), typed.to_owned()));
        }
    }
    Ok(keys)
}

/// Returns how long this thread has been on a processor; nothing where the system does not tell.
fn work() -> Result<Duration, Box<dyn Error>> {
    // The kernel brings it up to date where it schedules.
    std::thread::yield_now();
    let told = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = told.split(' ').next().filter(|text| !text.is_empty());
    Ok(Duration::from_nanos(nanoseconds.map_or(Ok(0), str::parse)?))
}

/// Writes logs in the documented format; returns their length.
fn write_logs(data: &Path, statements: u64) -> Result<u64, Box<dyn Error>> {
    let mut numbers = Numbers(88_172_645_463_325_252);
    let mut bytes = 0;
    for session in 0..statements / PER_SESSION {
        let started = 1_700_000_000 + session * 30_000;
        let started = jiff::Timestamp::from_second(started.cast_signed())?;
        let folder = data.join(format!("sessions/2026/{:02}/{session:012}", session % 12 + 1));
        fs::create_dir_all(&folder)?;
        let log = session_log(&mut numbers, session, started)?;
        bytes += log.len() as u64;
        fs::write(folder.join("session.cast"), log)?;
    }
    Ok(bytes)
}

fn session_log(
    numbers: &mut Numbers,
    session: u64,
    started: jiff::Timestamp,
) -> Result<String, Box<dyn Error>> {
    let mut log = format!(
        "{{\"version\":3,\"term\":{{\"cols\":80,\"rows\":24}},\"nightlatch\":{{\"session\":\
         \"{session:012}\",\"started\":\"{started}\",\"client\":\"psql\",\"argv\":[\"psql\"],\
         \"cwd\":\"/\",\"pid\":1,\"pid_started\":1}}}}\n"
    );
    let tier = ["production", "staging", "development"][numbers.below(3) as usize];
    let target = serde_json::json!({
        "address": {"user": "ann", "host": "db", "port": 5432, "database": "orders"},
        "tier": tier, "name": format!("orders-{}", &tier[..4]),
    });
    let mut time = started;
    for n in 1..=PER_SESSION {
        let pause = numbers.below(60_000);
        time = time.checked_add(jiff::SignedDuration::from_millis(pause.cast_signed()))?;
        let text = statement(numbers);
        let is_held = text.starts_with("delete") && numbers.below(3) == 0;
        let verdict = if is_held { "hold" } else { "allow" };
        let marker = serde_json::json!({
            "kind": "statement", "n": n, "time": time, "text": text, "source": "tap",
            "target": target, "verdict": verdict, "rule": null, "reasons": [], "redacted": [],
        });
        let rows = numbers.below(8);
        let outcome = serde_json::json!({
            "kind": "outcome", "n": n, "rows": rows, "duration_ms": 3, "error": null,
        });
        let mut output = String::from(" id | name\r\n----+------\r\n");
        for _ in 0..rows {
            write!(
                output,
                " {} | customer-{:x}\r\n",
                numbers.below(1 << 20),
                numbers.below(1 << 20)
            )?;
        }
        for (code, data) in [("m", marker.to_string()), ("o", output), ("m", outcome.to_string())] {
            writeln!(log, "[0.001, \"{code}\", {}]", serde_json::to_string(&data)?)?;
        }
    }
    log.push_str("[0.1, \"x\", \"0\"]\n");
    Ok(log)
}

fn statement(numbers: &mut Numbers) -> String {
    const TABLES: [&str; 12] = [
        "users",
        "orders",
        "families",
        "members",
        "invoices",
        "payments",
        "sessions",
        "events",
        "audit_log",
        "products",
        "shipments",
        "customers",
    ];
    const COLUMNS: [&str; 10] = [
        "id",
        "name",
        "email",
        "created_at",
        "status",
        "total",
        "amount",
        "user_id",
        "order_id",
        "updated_at",
    ];
    let mut table = || TABLES[numbers.below(12) as usize];
    let (table, other) = (table(), table());
    let mut column = || COLUMNS[numbers.below(10) as usize];
    let (column, second) = (column(), column());
    let digits = 1 + numbers.below(7) as u32;
    let n = numbers.below(10_u64.pow(digits));
    let word = ["open", "closed", "pending", "failed"][numbers.below(4) as usize];
    match numbers.below(100) {
        0..35 => format!("select * from {table} where id = {n};"),
        35..50 => format!("select count(*) from {table} where {column} = '{word}';"),
        50..60 => {
            format!("update {table} set {column} = {n} where id = {};", numbers.below(99_999))
        }
        60..68 => {
            format!("insert into {table} ({column}, {second}) values ({n}, 'customer-{n:x}');")
        }
        68..75 => format!("delete from {table} where {column} < {n};"),
        75..80 => format!("\\d {table}"),
        80..90 => format!(
            "select a.{column}, b.{second}\n  from {table} a join {other} b on a.id = b.{second}\n \
             where a.{column} > now() - interval '{n} days'\n order by 1 desc limit {};",
            numbers.below(100)
        ),
        90..95 => ["begin;", "commit;", "rollback;", "select 1;", "\\x", "\\dt", "\\timing"]
            [numbers.below(7) as usize]
            .to_owned(),
        _ => format!(
            "explain analyze select {column} from {table} where email like '%{n:x}%@example.com';"
        ),
    }
}

/// Numbers without an order (xorshift), the same ones every time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}
