//! The search as a person sees it, without a terminal.

use jiff::tz::TimeZone;

use super::draw::{Frame, Look, frame, lines};
use super::finder::Found;
use super::keys::Key;
use super::layout::Layout;
use super::model::{Action, Ending, Model, Preview, Progress, Scope};
use crate::store::{Filter, Place, Statement};
use crate::target::Tier;
use crate::ui::theme::Theme;
use crate::ui::visible;

const SMALL: (u16, u16) = (60, 14);

fn statement(id: i64, text: &str) -> Statement {
    Statement {
        id,
        session: "1m7vyssakamh".into(),
        n: id.unsigned_abs(),
        time: "2026-11-20T06:00:00Z".parse().unwrap(),
        moment: "2026-11-20T06:00:00Z".parse().unwrap(),
        client: "psql".into(),
        tier: Tier::Production,
        target: "orders-prod".into(),
        text: text.into(),
        source: "tap".into(),
        verdict: "allow".into(),
        rule: None,
        answer: None,
        reason: None,
        rows: None,
        duration_ms: None,
        error: None,
        place: Place::default(),
    }
}

fn held(id: i64, text: &str, answer: &str) -> Statement {
    Statement {
        verdict: "hold".into(),
        rule: Some("delete-without-where".into()),
        answer: Some(answer.into()),
        rows: Some(1),
        duration_ms: Some(12),
        ..statement(id, text)
    }
}

fn some() -> Vec<Statement> {
    let failed = Statement {
        error: Some("42P01".into()),
        target: "ann@db.example.com:5432/orders".into(),
        tier: Tier::Staging,
        ..statement(2, "select *\n  from 家族 where \x1b[2J")
    };
    vec![held(3, "delete from orders;", "cancelled"), failed, statement(1, "begin;")]
}

fn model(typed: &str) -> Model {
    let mut model = Model::new(typed, Filter::default(), None);
    assert_eq!(model.found(some()), Action::None);
    model.done(Progress::Done(Found::All));
    model
}

fn draw(model: &mut Model, (cols, rows): (u16, u16)) -> Frame {
    let now = "2026-11-20T08:30:00Z".parse().unwrap();
    let look = Look { theme: Theme::plain(), zone: TimeZone::UTC, now };
    frame(model, Layout::of(cols, rows), &look)
}

fn rows(model: &mut Model, size: (u16, u16)) -> String {
    let frame = draw(model, size);
    let rows: Vec<&str> = frame.rows.iter().map(|row| row.trim_end()).collect();
    format!("{}\n{:?}", rows.join("\n"), frame.cursor)
}

#[test]
fn the_newest_is_at_the_bottom_with_what_it_printed_above() {
    let mut model = model("");
    model.preview(3, Preview::Lines(lines("DELETE 1\n\tdone\n")));
    insta::assert_snapshot!(rows(&mut model, SMALL), @r#"
    2026-11-20 06:00:00  orders-prod  production  1m7vyssakamh …
    cancelled, delete-without-where, 1 row, 12 ms
    delete from orders;

    DELETE 1
    ────────────────────────────────────────────────────────────



        2h orders-prod    begin;
        2h ann@db.exam… E select * from 家族 where ^[[2J
    >   2h orders-prod  x delete from orders;
    3 in all  Enter prints  Tab edits  ^Y copies  ^R scope
    >
    (2, 13)
    "#);
}

#[test]
fn a_wide_screen_has_the_preview_beside_the_list() {
    let mut model = model("");
    assert_eq!(model.key(&Key::Up, 5), Action::None);
    model.preview(3, Preview::Lines(vec!["of another statement".into()]));
    model.preview(2, Preview::Lines(Vec::new()));
    insta::assert_snapshot!(rows(&mut model, (120, 8)), @r#"
                                                                       │ 2026-11-20 06:00:00  ann@db.example.com:5432/orders
                                                                       │ error 42P01
                                                                       │ select *
        2h orders-prod     begin;                                      │   from 家族 where ^[[2J
    >   2h ann@db.examp… E select * from 家族 where ^[[2J              │
        2h orders-prod   x delete from orders;                         │ (nothing was printed)
    3 in all  Enter prints  Tab edits  ^Y copies  ^R scope  ^O outputs  Esc ends
    >
    (2, 7)
    "#);
}

#[test]
fn what_was_imported_has_no_time_unless_it_is_known() {
    let mut model = model("");
    model.progress = Progress::Stale;
    let time = jiff::Timestamp::from_millisecond(7).unwrap();
    model.found(vec![Statement { time, ..statement(7, "select 1;") }]);
    let shown = rows(&mut model, SMALL);
    assert!(shown.starts_with("imported  orders-prod"), "{shown}");
    assert!(shown.contains(">    ? orders-prod    select 1;"), "{shown}");
}

#[test]
fn a_narrow_screen_has_the_statements() {
    insta::assert_snapshot!(rows(&mut model("from"), (20, 5)), @r#"
      begin;
      select * from 家…
    > delete from order…
    3 in all
    > from
    (6, 4)
    "#);
}

#[test]
fn no_row_is_wider_than_the_screen_and_none_is_missing() {
    for cols in 1..140 {
        for height in [1, 2, 3, 5, 12, 40] {
            let mut model = model("家 de");
            model.preview(3, Preview::Lines(vec!["x".repeat(300), "家".repeat(300)]));
            let frame = draw(&mut model, (cols, height));
            assert_eq!(frame.rows.len(), usize::from(height));
            for row in &frame.rows {
                assert!(visible::width(row) <= usize::from(cols), "{cols}x{height} {row:?}");
                assert!(!row.contains('\x1b'), "{row:?}");
            }
            assert!(frame.cursor.0 < usize::from(cols), "{cols}x{height}");
        }
    }
}

#[test]
fn what_matches_is_in_view_and_stands_out() {
    let mut model = model("id = 3");
    model.progress = Progress::Stale;
    let text = format!("select {} from orders where id = 3;", "a, ".repeat(60));
    model.found(vec![statement(9, &text)]);
    model.done(Progress::Done(Found::All));
    let row = rows(&mut model, (40, 4)).lines().nth(1).unwrap().to_owned();
    assert!(row.contains('…') && row.ends_with("id = 3;"), "{row}");
    let look = Look {
        theme: Theme::new(true),
        zone: TimeZone::UTC,
        now: "2026-11-20T08:30:00Z".parse().unwrap(),
    };
    let coloured = frame(&mut model, Layout::of(40, 4), &look);
    assert!(coloured.rows[1].contains("\x1b[1;4;7mid\x1b[0m"), "{:?}", coloured.rows[1]);
}

#[test]
fn a_key_that_comes_before_its_search_waits_for_it() {
    let mut model = model("");
    assert_eq!(model.key(&Key::Char('b'), 5), Action::Search);
    assert_eq!(model.filter().terms, crate::store::Terms::new("b"));
    assert_eq!(model.key(&Key::Copy, 5), Action::None, "what is shown is not what was typed");
    assert_eq!(model.key(&Key::Enter, 5), Action::None);
    assert_eq!(model.found(vec![statement(1, "begin;")]), Action::Print(Ending::Accepted));
    // Another key takes it back.
    model.key(&Key::Char('x'), 5);
    model.key(&Key::Tab, 5);
    model.key(&Key::Left, 5);
    assert_eq!(model.found(vec![statement(1, "begin;")]), Action::None);
    // And nothing is nothing.
    model.key(&Key::Char('y'), 5);
    model.key(&Key::Enter, 5);
    model.done(Progress::Done(Found::All));
    assert!(rows(&mut model, SMALL).contains("Nothing to print."));
    assert_eq!(model.key(&Key::Enter, 5), Action::None);
}

#[test]
fn the_selection_moves_within_what_is_there() {
    let mut model = model("");
    let mut at = |key: Key| {
        model.key(&key, 2);
        model.selected
    };
    assert_eq!(at(Key::Down), 0);
    assert_eq!(at(Key::Up), 1);
    assert_eq!(at(Key::PageUp), 2);
    assert_eq!(at(Key::Up), 2);
    assert_eq!(at(Key::PageDown), 0);
    assert_eq!(at(Key::PageUp), 2);
    assert_eq!(at(Key::Char('x')), 0, "a new search begins with its newest");
}

#[test]
fn what_is_new_in_the_index_does_not_move_the_selection() {
    let mut model = model("");
    model.key(&Key::Up, 5);
    assert_eq!(model.indexed(Ok(true)), Action::Search);
    let mut found = some();
    found.insert(0, statement(4, "commit;"));
    model.found(found);
    assert_eq!(model.selected().unwrap().id, 2);
    assert_eq!(model.indexed(Err("the disk is full".into())), Action::None);
    assert!(rows(&mut model, SMALL).contains("may be missing"));
}

#[test]
fn the_scope_goes_around() {
    let mut model = model("");
    let mut scopes = Vec::new();
    for _ in 0..5 {
        assert_eq!(model.key(&Key::Scope, 5), Action::Search);
        scopes.push(model.scope.words());
        model.found(some());
    }
    assert_eq!(scopes, ["target orders-prod", "session 1m7vyssakamh", "held", "failed", "all"]);
    let mut inside = Model::new("", Filter::default(), Some("here".into()));
    inside.key(&Key::Scope, 5);
    assert_eq!(inside.scope, Scope::Session("here".into()), "nothing is selected");
    assert_eq!(inside.filter().session.as_deref(), Some("here"));
}

#[test]
fn what_was_searched_for_in_the_output_is_in_view() {
    let mut model = model("customer-77");
    model.key(&Key::Outputs, 5);
    assert!(model.filter().is_in_output);
    model.found(some());
    model.done(Progress::Done(Found::All));
    let output: String = (0..100).map(|n| format!("{n} | customer-{n}\n")).collect();
    model.preview(3, Preview::Lines(lines(&output)));
    let shown = rows(&mut model, SMALL);
    assert!(shown.contains("77 | customer-77"), "{shown}");
    model.key(&Key::PreviewUp, 5);
    let shown = rows(&mut model, SMALL);
    assert!(!shown.contains("76 | customer-76\n77") && shown.contains("72 | "), "{shown}");
}
