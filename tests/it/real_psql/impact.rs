//! What a hold says is at stake, from a real server's catalogs.

use super::keys::wait_for_any_prompt;
use super::steps::{production, refuse_for_good, wait_for_question};
use crate::support::pty::{Key, PERSON_PAUSE, Pty};

/// Tables that refer to each other, triggers, rules, views, partitions.
const SCHEMA: &str = r#"
    create table "Big Town" (id int primary key, name text);
    insert into "Big Town" select n, 'town ' || n from generate_series(1, 50) n;
    create table street (id int primary key, town int references "Big Town" on delete cascade);
    insert into street select n, (n - 1) / 4 + 1 from generate_series(1, 40) n;
    create table house (id int primary key, street int references street on delete cascade);
    create table visit (id int, town int references "Big Town" on delete set null);
    insert into visit select n, 7 from generate_series(1, 3) n;
    create function note() returns trigger language plpgsql as $$ begin return null; end $$;
    create trigger noted after delete on "Big Town" for each statement execute function note();
    create trigger unused after insert on "Big Town" for each statement execute function note();
    create view towns as select * from "Big Town";
    create view named as select name from towns;
    create table log (at int, what text) partition by range (at);
    create table log_1 partition of log for values from (0) to (10);
    create table log_2 partition of log for values from (10) to (20);
    insert into log select n, 'x' from generate_series(0, 19) n;
    create table crowd (id int, a int, b int);
    insert into crowd select n from generate_series(1, 10) n;
    create table queue (primary key (id)) inherits (crowd);
    insert into queue select n from generate_series(11, 35) n;
    create trigger on_a after update of a on crowd for each statement execute function note();
    create trigger on_b after update of b on crowd for each statement execute function note();
    create table ruled (id int);
    insert into ruled values (1), (2);
    create rule keep as on delete to ruled do instead nothing;
    analyze;
"#;

#[test]
fn a_hold_without_a_prompt_says_it_too() {
    let Some(world) = production() else { return };
    let uri = world.database.uri("app");
    let delete = "delete from families";
    world.write("gone.sql", "delete from families;\n");
    for args in [&["-c", delete][..], &["-c", "select 1", "-c", delete], &["-f", "gone.sql"]] {
        let mut pty = Pty::spawn(world.wrapped([&[uri.as_str()], args].concat()));
        wait_for_question(&mut pty);
        pty.wait_for("1,000 rows, 100 % of public.families");
        refuse_for_good(&world, &mut pty);
    }
}

#[test]
fn a_hold_says_what_goes_along() {
    let Some(world) = production() else { return };
    world.database.sql(SCHEMA);
    world.database.sql("grant all on all tables in schema public to public");
    let mut pty = world.open();
    for (statement, expected, unexpected) in [
        (
            "delete from \"Big Town\";",
            &[
                "50 rows, 100 % of public.\"Big Town\"",
                "cascades to public.street (40 rows), public.house",
                "takes the reference from 3 rows of public.visit",
                "fires triggers noted",
                "this server archives no WAL",
            ][..],
            "unused",
        ),
        (
            "delete from \"Big Town\" t where length(t.name) >= 0;",
            &["50 rows, ≈ 100 % of", "public.street (40 rows)"],
            "unused",
        ),
        ("truncate log;", &["20 rows", "of public.log in 2 partitions"], "cascades"),
        (
            "drop table \"Big Town\" cascade;",
            &["50 rows", "views that go along: public.named, public.towns"],
            "fires",
        ),
        ("truncate only crowd;", &["10 rows"], "35 rows"),
        ("update crowd set b = 0;", &["35 rows", "fires triggers on_b"], "on_a"),
        ("delete from ruled;", &["runs by rules, so rows may differ: keep"], "2 rows"),
    ] {
        pty.line(statement);
        wait_for_question(&mut pty);
        for part in expected {
            // Long lines are wrapped where the terminal ends.
            let last = part.rsplit(' ').next().unwrap_or(part);
            pty.wait_for(last);
        }
        let shown = pty.recent().split_whitespace().collect::<Vec<_>>().join(" ");
        for part in expected {
            assert!(shown.contains(part), "no {part:?} for {statement}\n{}", pty.dump());
        }
        assert!(!shown.contains(unexpected), "{unexpected:?} for {statement}\n{}", pty.dump());
        pty.press(Key::Enter);
        pty.wait_for("nightlatch: cancelled");
        wait_for_any_prompt(&mut pty, &world);
        pty.wait_for_silence(PERSON_PAUSE);
    }
    assert_eq!(world.database.count("\"Big Town\""), 50);
    pty.line("\\q");
    assert_eq!(pty.finish().code(), Some(0), "{}", pty.dump());
}
