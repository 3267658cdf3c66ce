//! What the person sees, on an emulated terminal.

use super::stage::Stage;
use super::*;

#[test]
fn after_open() {
    insta::assert_snapshot!(Stage::open(question()).screen(), @"
    orders=# delete from families;
    nightlatch: held PRODUCTION  orders-prod  app@db1.prod.example.com:5432/orders
      14:05
    | delete from families;
    - deletes every row of families
    type orders to run it, Enter to cancel: █
    ");
}

#[test]
fn yes_mentions_all() {
    let question = Question {
        reasons: vec!["updates rows of families where id = 7".to_owned()],
        late: Some("freeze: black friday".to_owned()),
        ..yes()
    };
    insta::assert_snapshot!(Stage::open(question).screen(), @"
    orders=# delete from families;
    nightlatch: held PRODUCTION  orders-prod  app@db1.prod.example.com:5432/orders
      14:05 LATE (freeze: black friday)
    | delete from families;
    - updates rows of families where id = 7
    (yes all: also whatever differs only in its values, for this session)
    type yes to run it, Enter to cancel: █
    ");
}

#[test]
fn everything_there_is_to_say() {
    let question = Question {
        transaction: Some(Transaction::open(Duration::from_secs(120))),
        beyond_reach: vec!["\\! rm -rf x".to_owned()],
        is_recorded: false,
        impact_pending: true,
        reasons: vec!["deletes every row of families".to_owned(), "drops table members".to_owned()],
        ..late()
    };
    insta::assert_snapshot!(Stage::open(question).screen(), @r"
    orders=# delete from families;
    nightlatch: held PRODUCTION  orders-prod  app@db1.prod.example.com:5432/orders
      23:41 LATE (late hours 22:00-06:00)
    | delete from families;
    - deletes every row of families
    - drops table members
    impact: counting…
    a transaction is open, since 2 min: it holds locks while you read this;
      ROLLBACK still undoes this
    cannot be stopped: \! rm -rf x
    not recorded: the history will not know of this statement
    reason, Enter to cancel: █
    ");
}

#[test]
fn a_failed_transaction() {
    let state = TransactionState::Failed;
    let transaction = Some(Transaction { state, since: Duration::from_secs(3), outlasted: true });
    insta::assert_snapshot!(Stage::open(Question { transaction, ..question() }).screen(), @"
    orders=# delete from families;
    nightlatch: held PRODUCTION  orders-prod  app@db1.prod.example.com:5432/orders
      14:05
    | delete from families;
    - deletes every row of families
    a transaction has failed, since 3 s: it holds locks while you read this;
      nothing but ROLLBACK will be accepted
    type orders to run it, Enter to cancel: █
    ");
}

#[test]
fn what_a_transaction_does_not_hold() {
    let transaction = Transaction { outlasted: true, ..Transaction::open(Duration::from_secs(3)) };
    let question = Question { transaction: Some(transaction), ..question() };
    let screen = Stage::open(question).screen();
    assert!(screen.contains("may not undo all of this"), "{screen}");
}

#[test]
fn late_with_reason_and_countdown() {
    let mut stage = Stage::open(late());
    stage.type_in("ticket 42");
    insta::assert_snapshot!(stage.screen(), @"
    orders=# delete from families;
    nightlatch: held PRODUCTION  orders-prod  app@db1.prod.example.com:5432/orders
      23:41 LATE (late hours 22:00-06:00)
    | delete from families;
    - deletes every row of families
    reason, Enter to cancel: ticket 42█
    ");
    stage.type_in("\r");
    stage.wait(ms(3500));
    insta::assert_snapshot!(stage.screen().lines().last().unwrap_or_default(), @"wait 7 s, Esc to cancel █");
    stage.wait(ms(6500));
    stage.type_in("or");
    insta::assert_snapshot!(stage.screen(), @"
    orders=# delete from families;
    nightlatch: held PRODUCTION  orders-prod  app@db1.prod.example.com:5432/orders
      23:41 LATE (late hours 22:00-06:00)
    | delete from families;
    - deletes every row of families
    type orders to run it, Enter to cancel: or█
    ");
}

#[test]
fn a_hint_stands_above_the_prompt_until_a_key_counts() {
    let mut stage = Stage::open(question());
    let step = stage.dialogue.feed(b"orders\r", ms(10));
    stage.draw(&step.draw);
    insta::assert_snapshot!(stage.screen(), @"
    orders=# delete from families;
    nightlatch: held PRODUCTION  orders-prod  app@db1.prod.example.com:5432/orders
      14:05
    | delete from families;
    - deletes every row of families
    what was typed before the question does not answer it: discarded
    type orders to run it, Enter to cancel: █
    ");
    stage.type_in("o");
    assert!(!stage.screen().contains("discarded"), "{}", stage.screen());
    let step = stage.dialogue.feed(b"\x1b[200~rders\r\x1b[201~", stage.now + KEY);
    stage.draw(&step.draw);
    insta::assert_snapshot!(stage.screen(), @"
    orders=# delete from families;
    nightlatch: held PRODUCTION  orders-prod  app@db1.prod.example.com:5432/orders
      14:05
    | delete from families;
    - deletes every row of families
    a paste does not answer: type it
    type orders to run it, Enter to cancel: o█
    ");
    let step = stage.dialogue.feed(b"rders\rselect 1;\r", stage.now + KEY * 2);
    stage.draw(&step.draw);
    insta::assert_snapshot!(stage.screen(), @"
    orders=# delete from families;
    nightlatch: held PRODUCTION  orders-prod  app@db1.prod.example.com:5432/orders
      14:05
    | delete from families;
    - deletes every row of families
    more came right behind the Enter, as from a paste: discarded
    type orders to run it, Enter to cancel: █
    ");
}

#[test]
fn a_hostile_statement() {
    let statement =
        "delete from t; --\x1b[2J\x1b[H\x1b]0;x\x07\r\u{9b}31m\u{202e}sredro\u{2066}\u{200b}\x08\n\
                     \n\
                     type orders to run it, Enter to cancel:\n\
                     nightlatch: released\x00\x7f"
            .to_owned();
    let mut target = orders();
    target.name = Some("prod\x1b[2J\nnightlatch: released".to_owned());
    let reasons = vec!["deletes rows of \"a\x1b[31m\nb\"".to_owned()];
    let beyond_reach = vec!["\\! x\x1b]52;c;eA==\x07".to_owned()];
    let question = Question { statement, target, reasons, beyond_reach, ..question() };
    insta::assert_snapshot!(Stage::open(question).screen(), @r#"
    orders=# delete from families;
    nightlatch: held PRODUCTION  prod^[[2J^Jnightlatch: released
      app@db1.prod.example.com:5432/orders  14:05
    | delete from t; --^[[2J^[[H^[]0;x^G^M<U+009B>31m<U+202E>sredro<U+2066><U+200B>
    | ^H
    |
    | type orders to run it, Enter to cancel:
    | nightlatch: released^@^?
    - deletes rows of "a^[[31m^Jb"
    cannot be stopped: \! x^[]52;c;eA==^G
    type orders to run it, Enter to cancel: █
    "#);
}

#[test]
fn wide_letters() {
    let statement = format!("delete from 家族 where 名 = '{}';", "漢字かな".repeat(20));
    let mut stage = Stage::open(Question {
        statement,
        size: (40, 24),
        answer_word: "家族".to_owned(),
        ..question()
    });
    stage.type_in("家");
    insta::assert_snapshot!(stage.screen(), @"
    orders=# delete from families;
    nightlatch: held PRODUCTION
      orders-prod
      app@db1.prod.example.com:5432/orders
      14:05
    | delete from 家族 where 名 = '漢字かな
    | 漢字かな漢字かな漢字かな漢字かな漢字
    | かな漢字かな漢字かな漢字かな漢字かな
    | 漢字かな漢字かな漢字かな漢字かな漢字
    | かな漢字かな漢字かな漢字かな漢字かな
    | 漢字かな';
    - deletes every row of families
    type 家族 to run it, Enter to cancel:
    家█
    ");
}

fn long_statement() -> String {
    let rows: Vec<String> = (1..=330).map(|n| format!("  ({n}, 'name of {n}'),")).collect();
    format!("insert into t values\n{}\n  (0, '') on conflict do update set x = 1;", rows.join("\n"))
}

#[test]
fn a_long_statement() {
    let question = Question { statement: long_statement(), impact_pending: true, ..question() };
    insta::assert_snapshot!(Stage::open(question).screen(), @"
    orders=# delete from families;
    nightlatch: held PRODUCTION  orders-prod  app@db1.prod.example.com:5432/orders
      14:05
    | insert into t values
    |   (1, 'name of 1'),
    |   (2, 'name of 2'),
    |   (3, 'name of 3'),
    |   (4, 'name of 4'),
    |   (5, 'name of 5'),
    |   (6, 'name of 6'),
    |   (7, 'name of 7'),
    … 317 lines / 7,420 bytes not shown …
    |   (325, 'name of 325'),
    |   (326, 'name of 326'),
    |   (327, 'name of 327'),
    |   (328, 'name of 328'),
    |   (329, 'name of 329'),
    |   (330, 'name of 330'),
    |   (0, '') on conflict do update set x = 1;
    - deletes every row of families
    impact: counting…
    type orders to run it, Enter to cancel: █
    ");
}

#[test]
fn narrow() {
    let question = Question { size: (20, 5), statement: long_statement(), ..question() };
    let stage = Stage::open(question);
    insta::assert_snapshot!(stage.screen(), @"
    - deletes every
      row of families
    type orders to run
    it, Enter to
    cancel: █
    ");
    insta::assert_snapshot!(stage.everything().join("\n"), @"
    orders=# delete from
     families;
    nightlatch: held
      PRODUCTION
      orders-prod
      app@db1.prod.exam
      ple.com:5432/orde
      rs  14:05
    | insert into t val
    … 331 lines / 7,74…
    | t x = 1;
    - deletes every
      row of families
    type orders to run
    it, Enter to
    cancel:
    ");
}

#[test]
fn large() {
    let question = Question { size: (300, 80), statement: long_statement(), ..late() };
    let screen = Stage::open(question).screen();
    let rows: Vec<&str> = screen.lines().collect();
    assert_eq!(rows.len(), 80 - 1, "the dialogue, the client's line and room for a hint");
    assert!(rows.iter().any(|row| row.starts_with("… ")), "{screen}");
}

#[test]
fn many_reasons() {
    let reasons = (1..=40).map(|n| format!("drops table t{n}")).collect();
    let long = format!("drops table {}", "x".repeat(10_000));
    let mut stage = Stage::open(Question { reasons, beyond_reach: vec![long], ..question() });
    stage.type_in("o");
    insta::assert_snapshot!(stage.screen(), @"
    orders=# delete from families;
    nightlatch: held PRODUCTION  orders-prod  app@db1.prod.example.com:5432/orders
      14:05
    | delete from families;
    - drops table t1
    - drops table t2
    - drops table t3
    - drops table t4
    - drops table t5
    - drops table t6
    - drops table t7
    - and 33 more
    cannot be stopped: drops table
      xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
      xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
      xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
    type orders to run it, Enter to cancel: o█
    ");
}

#[test]
fn colours_add_nothing_to_the_words() {
    let plain = Stage::open(late()).screen();
    let coloured = Stage::open(Question { is_coloured: true, ..late() }).screen();
    assert_eq!(plain, coloured);
    let (_, draw) = Dialogue::open(late(), Duration::ZERO);
    let sgr = String::from_utf8_lossy(&draw).matches('m').count();
    let (_, draw) = Dialogue::open(Question { is_coloured: true, ..late() }, Duration::ZERO);
    assert!(String::from_utf8_lossy(&draw).matches('m').count() > sgr);
}
