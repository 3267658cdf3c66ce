//! How the drawing changes under what comes in, and what is sent for it.

use proptest::prelude::*;

use super::stage::{CLIENT, Stage};
use super::*;

#[test]
fn figures_take_the_place_of_the_placeholder() {
    let mut stage = Stage::open(Question { impact_pending: true, ..question() });
    stage.type_in("ord");
    assert!(stage.screen().contains("impact: counting…"));
    stage.impact(&[
        "≈ 3,812 rows, 100 % of public.families, as a new connection sees it; cascades to members",
        "the table is 12 MB",
    ]);
    insta::assert_snapshot!(stage.screen(), @"
    orders=# delete from families;
    nightlatch: held PRODUCTION  orders-prod  app@db1.prod.example.com:5432/orders
      14:05
    | delete from families;
    - deletes every row of families
    impact: ≈ 3,812 rows, 100 % of public.families, as a new connection sees it;
      cascades to members
    impact: the table is 12 MB
    type orders to run it, Enter to cancel: ord█
    ");
    assert_eq!(stage.type_in("ers\r"), released(), "what was typed still stands");
}

#[test]
fn no_figures_take_the_placeholder_away() {
    let without = {
        let mut stage = Stage::open(question());
        stage.type_in("ord");
        stage.screen()
    };
    let mut stage = Stage::open(Question { impact_pending: true, ..question() });
    stage.type_in("ord");
    stage.impact(&[]);
    assert_eq!(stage.screen(), without);
}

#[test]
fn figures_that_come_when_the_placeholder_has_scrolled_away() {
    let mut stage = Stage::open(Question { impact_pending: true, size: (24, 4), ..question() });
    stage.type_in("or");
    stage.impact(&["≈ 3,812 rows"]);
    insta::assert_snapshot!(stage.screen(), @"
      families
    impact: ≈ 3,812 rows
    type orders to run it,
    Enter to cancel: or█
    ");
    let all = stage.everything();
    assert_eq!(all[0], "orders=# delete from fam", "the client's line stands");
    assert_eq!(all.iter().filter(|row| row.contains("held")).count(), 1, "{all:#?}");
}

#[test]
fn a_reason_longer_than_the_line() {
    let mut stage = Stage::open(Question { size: (30, 24), ..late() });
    stage.type_in("duplicates of the import of monday, see 42");
    insta::assert_snapshot!(stage.screen(), @"
    orders=# delete from families;
    nightlatch: held PRODUCTION
      orders-prod
      app@db1.prod.example.com:54
      32/orders  23:41 LATE
      (late hours 22:00-06:00)
    | delete from families;
    - deletes every row of
      families
    reason, Enter to cancel:
    duplicates of the import of
    monday, see 42█
    ");
    stage.type_in("\x17\x17\x17\x17\x17\x17");
    insta::assert_snapshot!(stage.screen().lines().last().unwrap_or_default(), @"duplicates of █");
}

#[test]
fn resized() {
    let mut stage = Stage::open(Question { impact_pending: true, ..question() });
    stage.type_in("ord");
    stage.resize(50, 12);
    insta::assert_snapshot!(stage.screen(), @"
    nightlatch: held PRODUCTION  orders-prod  app@db1.
    nightlatch: held PRODUCTION  orders-prod
      app@db1.prod.example.com:5432/orders  14:05
    | delete from families;
    - deletes every row of families
    impact: counting…
    type orders to run it, Enter to cancel: ord█
    ");
    stage.resize(80, 24);
    insta::assert_snapshot!(stage.screen(), @"
    orders=# delete from families;
    nightlatch: held PRODUCTION  orders-prod  app@db1.nightlatch: held PRODUCTION  o
    nightlatch: held PRODUCTION  orders-prod  app@db1.prod.example.com:5432/orders
      14:05
    | delete from families;
    - deletes every row of families
    impact: counting…
    type orders to run it, Enter to cancel: ord█
    ");
    assert_eq!(stage.type_in("ers\r"), released());
}

#[test]
fn suspended_and_continued() {
    let mut stage = Stage::open(question());
    assert_eq!(stage.type_in("or\x1a"), Some(Event::Suspend));
    stage.terminal.feed("[1]+  Stopped  nightlatch psql\r\n$ fg\r\n");
    let draw = stage.dialogue.redraw(stage.now);
    stage.draw(&draw);
    insta::assert_snapshot!(stage.screen(), @"
    orders=# delete from families;
    nightlatch: held PRODUCTION  orders-prod  app@db1.prod.example.com:5432/orders
      14:05
    | delete from families;
    - deletes every row of families
    type orders to run it, Enter to cancel: or
    [1]+  Stopped  nightlatch psql
    $ fg
    nightlatch: held PRODUCTION  orders-prod  app@db1.prod.example.com:5432/orders
      14:05
    | delete from families;
    - deletes every row of families
    type orders to run it, Enter to cancel: █
    ");
}

#[test]
fn withdrawn() {
    let mut stage = Stage::open(question());
    stage.type_in("or");
    let draw = stage.dialogue.withdraw("interrupted\x1b[2J");
    stage.draw(&draw);
    insta::assert_snapshot!(stage.screen(), @"
    orders=# delete from families;
    nightlatch: held PRODUCTION  orders-prod  app@db1.prod.example.com:5432/orders
      14:05
    | delete from families;
    - deletes every row of families
    type orders to run it, Enter to cancel: or
    nightlatch: cancelled (interrupted^[[2J)
    █
    ");
}

#[test]
fn a_dumb_terminal_gets_no_escape_sequence() {
    let question = Question { can_move: false, impact_pending: true, ..question() };
    let (mut dialogue, mut all) = Dialogue::open(question, Duration::ZERO);
    all.extend(dialogue.feed(b"o", ms(400)).draw);
    all.extend(dialogue.set_impact(vec!["≈ 3,812 rows".to_owned()]));
    all.extend(dialogue.feed(b"r", ms(500)).draw);
    all.extend(dialogue.feed(b"\x7f", ms(600)).draw);
    all.extend(dialogue.feed(b"\x03", ms(700)).draw);
    let all = String::from_utf8(all).expect("the drawing is text");
    insta::assert_snapshot!(all.replace("\r\n", "\n"), @"
    nightlatch: held PRODUCTION  orders-prod  app@db1.prod.example.com:5432/orders
      14:05
    | delete from families;
    - deletes every row of families
    impact: counting…
    type orders to run it, Enter to cancel: o
    impact: ≈ 3,812 rows
    type orders to run it, Enter to cancel: or
    type orders to run it, Enter to cancel: o
    ");
}

#[test]
fn a_key_draws_only_itself() {
    let (mut dialogue, _) = Dialogue::open(question(), Duration::ZERO);
    assert_eq!(dialogue.feed(b"o", ms(400)).draw, b"o");
    assert_eq!(dialogue.feed("家".as_bytes(), ms(500)).draw, "家".as_bytes());
    assert_eq!(dialogue.tick(ms(501)).draw, b"");
}

#[test]
fn a_huge_statement_is_looked_at_only_where_it_shows() {
    // 64 MB would take minutes if every character were measured at every key.
    let statement = format!("delete from t where x in ('{}')", "y\n".repeat(32 << 20));
    let (mut dialogue, draw) = Dialogue::open(Question { statement, ..question() }, Duration::ZERO);
    assert!(draw.len() < 4000);
    assert!(String::from_utf8_lossy(&draw).contains("lines / 67,1"));
    for at in 0..100 {
        assert!(dialogue.feed(b"o\x7f", ms(1000 + at * 40)).draw.len() < 4000);
    }
}

/// Control characters the dialogue itself sends.
fn without_our_sequences(draw: &str) -> String {
    let ours = regex::Regex::new(r"\r\n|\r|\x1b\[(\d+A|J|0m|\?25h|\?2004[hl])")
        .expect("the pattern is right");
    ours.replace_all(draw, "").into_owned()
}

proptest! {
    #[test]
    fn nothing_of_a_statement_is_sent_raw(
        statement in any::<String>(), name in any::<String>(), reason in any::<String>(),
        word in any::<String>(), meta in any::<String>(), figure in any::<String>(),
        cols in 0_u16..120, rows in 0_u16..40,
    ) {
        let mut target = orders();
        target.name = Some(name.clone());
        target.address.database = Some(name.clone());
        let (mut dialogue, mut draw) = Dialogue::open(
            Question {
                statement, target, reasons: vec![reason], answer_word: word,
                beyond_reach: vec![meta], late: Some(name.clone()), local_time: name,
                size: (cols, rows), ..question()
            },
            Duration::ZERO,
        );
        draw.extend(dialogue.set_impact(vec![figure.clone()]));
        draw.extend(dialogue.resize(rows, cols));
        draw.extend(dialogue.withdraw(&figure));
        let draw = String::from_utf8(draw).expect("the drawing is text");
        let rest = without_our_sequences(&draw);
        prop_assert!(!rest.chars().any(char::is_control), "{rest:?}");
        let bidi = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        prop_assert!(!rest.chars().any(bidi), "{rest:?}");
    }

    /// Whatever is typed and comes in, the client's line stays, and the dialogue stands there as
    /// if it had just been drawn.
    #[test]
    fn the_screen_is_always_as_if_drawn_afresh(
        statement in "[a-z家\n]{0,200}", keys in "[a-z家 \u{7f}\u{15}]{0,40}",
        figures in prop::collection::vec("[a-z家 ]{1,60}", 0..3), at in 0_usize..40,
        cols in 20_u16..100, rows in 4_u16..30,
    ) {
        let question = Question {
            statement, impact_pending: true, size: (cols, rows),
            challenge: Challenge::TypeTarget { reason: true, wait: Duration::ZERO },
            ..question()
        };
        let mut stage = Stage::open(question);
        let at = keys.char_indices().nth(at).map_or(keys.len(), |(at, _)| at);
        stage.type_in(&keys[..at]);
        let figures: Vec<&str> = figures.iter().map(String::as_str).collect();
        stage.impact(&figures);
        stage.type_in(&keys[at..]);
        let all = stage.everything();
        prop_assert!(CLIENT.starts_with(all[0].trim_end()), "{all:#?}");
        let rows = stage.dialogue.rows();
        let expected: Vec<&str> = rows.iter().map(|row| row.trim_end()).collect();
        let height = stage.dialogue.room.height;
        let used = all.len() - height + stage.terminal.cursor().row + 1;
        let shown = expected.len().min(height);
        let visible = &all[used.saturating_sub(shown)..used];
        prop_assert_eq!(visible, &expected[expected.len() - shown..]);
    }

    /// Terminals wrap rows again when they shrink; whatever they do, what the client has written
    /// stays.
    #[test]
    fn no_size_touches_the_lines_of_the_client(
        sizes in prop::collection::vec((10_u16..120, 3_u16..40), 1..5),
        figures in prop::collection::vec("[a-z家 ]{1,60}", 0..3),
    ) {
        let mut stage = Stage::open(Question { impact_pending: true, ..question() });
        for (cols, rows) in sizes {
            stage.type_in("ord");
            stage.resize(cols, rows);
        }
        let figures: Vec<&str> = figures.iter().map(String::as_str).collect();
        stage.impact(&figures);
        let text = stage.terminal.screen().text();
        prop_assert_eq!(&text[0], CLIENT);
        let last = stage.screen();
        prop_assert!(last.ends_with('█'), "{last}");
    }
}
