//! Which input is which answer.

use super::*;

/// Every ending of the contract's table that comes from the person or the clock, with what was
/// done before it.
#[test]
fn every_way_out() {
    let cases: &[(&str, Option<Event>)] = &[
        ("orders\r", released()),
        ("orders\n", released()),
        ("odr\x7f\x7frders\r", released()),
        ("oops\x15orders\r", released()),
        ("oops\x17orders\r", released()),
        ("\r", cancelled(Cause::Enter)),
        ("oops\x15\r", cancelled(Cause::Enter)),
        ("order\r", cancelled(Cause::WrongWord)),
        ("orderss\r", cancelled(Cause::WrongWord)),
        ("Orders\r", cancelled(Cause::WrongWord)),
        ("orders \r", cancelled(Cause::WrongWord)),
        (" orders\r", cancelled(Cause::WrongWord)),
        ("orders-prod\r", cancelled(Cause::WrongWord)),
        ("yes\r", cancelled(Cause::WrongWord)),
        ("ord\u{200b}ers\r", cancelled(Cause::WrongWord)),
        ("\x03", cancelled(Cause::Interrupt)),
        ("orders\x03", cancelled(Cause::Interrupt)),
        ("\x1c", cancelled(Cause::Interrupt)),
        ("\x04", cancelled(Cause::EndOfFile)),
        ("orders\x04", cancelled(Cause::EndOfFile)),
        ("\x1a", Some(Event::Suspend)),
        ("orders", None),
    ];
    for (keys, event) in cases {
        assert_eq!(answer(question(), &typed(keys)), *event, "{keys:?}");
    }
}

#[test]
fn yes_and_yes_all() {
    let whole = Some(Event::Released { reason: None, whole_shape: true });
    assert_eq!(answer(yes(), &typed("yes\r")), released());
    assert_eq!(answer(yes(), &typed("yes all\r")), whole);
    for wrong in ["y\r", "YES\r", "yes  all\r", "yesall\r", "orders\r"] {
        assert_eq!(answer(yes(), &typed(wrong)), cancelled(Cause::WrongWord), "{wrong:?}");
    }
    assert_eq!(answer(question(), &typed("yes all\r")), cancelled(Cause::WrongWord));
}

#[test]
fn an_answer_word_nobody_set_releases_nothing() {
    let question = Question { answer_word: String::new(), ..question() };
    assert_eq!(answer(question, &typed("\r")), cancelled(Cause::Enter));
}

#[test]
fn escape_alone_cancels_after_50_ms() {
    let (mut dialogue, _) = Dialogue::open(question(), Duration::ZERO);
    assert_eq!(dialogue.feed(b"\x1b", ms(10)).event, None);
    assert_eq!(dialogue.next_deadline(), Some(ms(60)));
    assert_eq!(dialogue.tick(ms(59)).event, None);
    assert_eq!(dialogue.tick(ms(60)).event, cancelled(Cause::Escape));
    assert_eq!(dialogue.next_deadline(), None);
}

#[test]
fn escape_counts_even_if_the_next_key_is_read_before_the_tick() {
    let (mut dialogue, _) = Dialogue::open(question(), Duration::ZERO);
    assert_eq!(dialogue.feed(b"\x1b", ms(500)).event, None);
    assert_eq!(dialogue.feed(b"[", ms(600)).event, cancelled(Cause::Escape));
}

#[test]
fn nobody_answers() {
    let (mut dialogue, _) = Dialogue::open(question(), ms(7));
    let due = ms(7) + Duration::from_secs(900);
    assert_eq!(dialogue.next_deadline(), Some(due));
    assert_eq!(dialogue.tick(due - ms(1)).event, None);
    assert_eq!(dialogue.tick(due).event, cancelled(Cause::Timeout));
    // A late key does not answer either.
    let (mut dialogue, _) = Dialogue::open(question(), ms(7));
    play(&mut dialogue, ms(7), &typed("orders"));
    assert_eq!(dialogue.feed(b"\r", due).event, cancelled(Cause::Timeout));
}

#[test]
fn after_the_end_nothing_happens() {
    let (mut dialogue, _) = Dialogue::open(question(), Duration::ZERO);
    assert_eq!(dialogue.feed(b"\x03", ms(1)).event, cancelled(Cause::Interrupt));
    assert_eq!(play(&mut dialogue, ms(2), &typed("orders\r")).0, None);
    assert_eq!(dialogue.tick(Duration::from_secs(9999)), Step::default());
    assert!(dialogue.set_impact(vec!["x".to_owned()]).is_empty());
    assert!(dialogue.redraw(ms(9)).is_empty());
    assert!(dialogue.resize(40, 10).is_empty());
    assert!(dialogue.withdraw("interrupted").is_empty());
}

#[test]
fn what_comes_behind_the_answer_is_counted() {
    let (mut dialogue, _) = Dialogue::open(question(), Duration::ZERO);
    assert_eq!(dialogue.feed(b"ab\x03cdef", ms(500)).unread_bytes, 4);
    assert_eq!(dialogue.feed(b"gh", ms(501)).unread_bytes, 2);
    let (mut dialogue, _) = Dialogue::open(question(), Duration::ZERO);
    assert_eq!(dialogue.feed(b"x", Duration::from_secs(900)).unread_bytes, 1);
}

#[test]
fn type_ahead_neither_releases_nor_cancels() {
    let cases: &[&[(u64, &str)]] = &[
        // In the first 300 ms: at once, in parts, and with an Enter alone.
        &[(0, "orders\r")],
        &[(299, "\r")],
        &[(100, "orders"), (100, "\r")],
        // Without a pause: each key starts the quiet time again.
        &[(200, "o"), (200, "r"), (200, "d"), (200, "e"), (200, "r"), (200, "s"), (200, "\r")],
        &[(299, "\r"), (299, "\r"), (299, "\r")],
    ];
    for case in cases {
        let reads: Vec<Read> =
            case.iter().map(|(wait, keys)| (ms(*wait), keys.as_bytes().to_vec())).collect();
        assert_eq!(answer(question(), &reads), None, "{case:?}");
        // And then a person can still answer.
        let then = [reads, typed("orders\r")].concat();
        assert_eq!(answer(question(), &then), released(), "{case:?}");
    }
}

#[test]
fn half_a_key_breaks_the_silence() {
    for half in [b"\x1b[".as_slice(), b"\x1bO", b"\x1b]", b"\xc3"] {
        let (mut dialogue, _) = Dialogue::open(question(), Duration::ZERO);
        assert_eq!(dialogue.feed(half, ms(299)).event, None);
        // It ends the sequence, whichever it is.
        assert_eq!(dialogue.feed(b"\x18o", ms(310)).event, None);
        assert!(!dialogue.is_settled, "{half:?}");
        assert_eq!(dialogue.entry.text(), "", "{half:?}");
    }
}

#[test]
fn type_ahead_cancels_by_escape_and_interrupt() {
    for (keys, cause) in [
        ("\x03", Cause::Interrupt),
        ("orders\r\x03", Cause::Interrupt),
        ("\x04", Cause::EndOfFile),
        ("\x1b", Cause::Escape),
    ] {
        let reads = [(ms(1), keys.as_bytes().to_vec()), (ms(60), Vec::new())];
        assert_eq!(answer(question(), &reads), cancelled(cause), "{keys:?}");
    }
}

#[test]
fn the_word_in_one_read_counts_after_silence() {
    let whole = Some(Event::Released { reason: None, whole_shape: true });
    let named = |word: &str| Question { answer_word: word.to_owned(), ..question() };
    for (question, text, event) in [
        (question(), "orders\r", released()),
        (question(), "orders\n", released()),
        (question(), "oops\x15orders\r", released()),
        (yes(), "yes\r", released()),
        (yes(), "yes all\r", whole),
        (named("db"), "db\r", released()),
        (named("d"), "d\r", released()),
        (named("ф"), "ф\r", released()),
    ] {
        // In one read; and torn anywhere, even into single bytes, as long as no time passes.
        for reads in torn(text.as_bytes(), ms(1000)) {
            let (mut dialogue, _) = Dialogue::open(question.clone(), Duration::ZERO);
            assert_eq!(play(&mut dialogue, Duration::ZERO, &reads).0, None, "{reads:?}");
            assert_eq!(dialogue.next_deadline(), Some(ms(1300)), "{reads:?}");
            let early = dialogue.tick(ms(1299));
            assert_eq!(early, Step::default(), "nothing is drawn: {reads:?}");
            assert_eq!(dialogue.tick(ms(1300)).event, event, "{reads:?}");
            assert_eq!(dialogue.next_deadline(), None, "{reads:?}");
        }
    }
}

#[test]
fn a_word_of_one_burst_waits_whenever_its_enter_comes() {
    for enter in [0, 4, 5, 200, 5000] {
        let reads = [(ms(1000), b"orders".to_vec()), (ms(enter), b"\r".to_vec())];
        assert_eq!(answer(question(), &reads), None, "{enter}");
        let then = [&reads[..], &[(QUIET, Vec::new())]].concat();
        assert_eq!(answer(question(), &then), released(), "{enter}");
    }
}

#[test]
fn an_enter_in_the_burst_of_the_last_letter_waits() {
    let joined = [typed("order"), vec![(KEY, b"s\r".to_vec())]].concat();
    let hasty = [typed("orders"), vec![(ms(4), b"\r".to_vec())]].concat();
    for reads in [joined, hasty] {
        assert_eq!(answer(question(), &reads), None, "{reads:?}");
        let then = [reads, vec![(QUIET, Vec::new())]].concat();
        assert_eq!(answer(question(), &then), released(), "{then:?}");
    }
}

#[test]
fn a_word_in_several_bursts_counts_at_its_enter() {
    let word = |reads: &[(u64, &str)]| -> Vec<Read> {
        reads.iter().map(|(wait, keys)| (ms(*wait), keys.as_bytes().to_vec())).collect()
    };
    // As a network joins them, and at the shortest distance.
    for reads in [
        word(&[(1000, "or"), (80, "de"), (80, "rs"), (80, "\r")]),
        word(&[(1000, "o"), (80, "rders"), (5, "\r")]),
        word(&[(1000, "ord"), (400, "ers"), (400, "\r")]),
    ] {
        assert_eq!(answer(question(), &reads), released(), "{reads:?}");
    }
    // One letter is one key.
    let question = Question { answer_word: "d".to_owned(), ..question() };
    assert_eq!(answer(question, &word(&[(1000, "d"), (5, "\r")])), released());
}

#[test]
fn several_lines_in_one_read_neither_release_nor_cancel() {
    for text in [
        "orders\r\n",
        "orders\rx",
        "orders\r\x1b[A",
        "\rorders\r",
        "\r\r",
        "order\rorders\r",
        "select 1;\rorders\rorders\r",
        "orders\r\x1b[200~x\x1b[201~",
    ] {
        let reads = vec![(ms(1000), text.as_bytes().to_vec())];
        let silent = [reads.clone(), vec![(ms(5000), Vec::new())]].concat();
        assert_eq!(answer(question(), &silent), None, "{text:?}");
        // Behind a word that was typed, too.
        let rest = vec![(KEY, text.strip_prefix("orders").unwrap_or(text).as_bytes().to_vec())];
        let silent = [typed("orders"), rest, vec![(ms(5000), Vec::new())]].concat();
        assert_eq!(answer(question(), &silent), None, "{text:?}");
        // And then it must be quiet before an answer counts.
        let hasty = [reads.clone(), vec![(ms(299), b"\r".to_vec())]].concat();
        assert_eq!(answer(question(), &hasty), None, "{text:?}");
        let then = [reads, typed("orders\r")].concat();
        assert_eq!(answer(question(), &then), released(), "{text:?}");
    }
}

#[test]
fn input_behind_the_line_makes_it_a_paste() {
    // Also where only the first byte of a key comes, and where the tick is late.
    for (rest, wait) in [("x", 0), ("\r", 1), ("\n", 299), ("\x1b[I", 100), ("é", 20), ("x", 400)]
    {
        for split in 1..=rest.len() {
            let (mut dialogue, _) = Dialogue::open(question(), Duration::ZERO);
            let due = ms(1000 + wait);
            assert_eq!(dialogue.feed(b"orders\r", ms(1000)).event, None);
            assert_eq!(dialogue.feed(&rest.as_bytes()[..split], due).event, None, "{rest:?}");
            assert_eq!(dialogue.feed(&rest.as_bytes()[split..], due).event, None, "{rest:?}");
            assert_eq!(dialogue.hint, Some(Hint::Lines), "{rest:?}");
            assert_eq!(dialogue.entry.text(), "", "{rest:?}");
            assert_eq!(play(&mut dialogue, due, &[(ms(5000), Vec::new())]).0, None, "{rest:?}");
        }
    }
}

#[test]
fn the_line_that_waits_can_still_be_cancelled_and_suspended() {
    for (keys, event) in [
        ("\x03", cancelled(Cause::Interrupt)),
        ("\x04", cancelled(Cause::EndOfFile)),
        ("\x1b", cancelled(Cause::Escape)),
        ("\x1a", Some(Event::Suspend)),
    ] {
        let keys = keys.as_bytes().to_vec();
        let reads =
            [(ms(1000), b"orders\r".to_vec()), (ms(299), keys.clone()), (ms(60), Vec::new())];
        assert_eq!(answer(question(), &reads), event, "{keys:?}");
        let reads = [(ms(1000), [b"orders\r", &*keys].concat()), (ms(60), Vec::new())];
        assert_eq!(answer(question(), &reads), event, "{keys:?}");
    }
    // Continued, it is forgotten.
    let (mut dialogue, _) = Dialogue::open(question(), Duration::ZERO);
    assert_eq!(dialogue.feed(b"orders\r", ms(1000)).event, None);
    assert_eq!(dialogue.feed(b"\x1a", ms(1100)).event, Some(Event::Suspend));
    drop(dialogue.redraw(ms(9000)));
    assert_eq!(dialogue.tick(ms(9999)).event, None);
    // The question's own end comes first.
    let question = Question { timeout: ms(1200), ..question() };
    let reads = [(ms(1000), b"orders\r".to_vec()), (ms(500), Vec::new())];
    assert_eq!(answer(question, &reads), cancelled(Cause::Timeout));
}

#[test]
fn another_word_in_one_read_cancels_at_once() {
    for (text, cause) in [
        ("order\r", Cause::WrongWord),
        ("orders orders\r", Cause::WrongWord),
        ("yes\r", Cause::WrongWord),
        ("\r", Cause::Enter),
        ("oops\x15\r", Cause::Enter),
    ] {
        let reads = [(ms(1000), text.as_bytes().to_vec())];
        assert_eq!(answer(question(), &reads), cancelled(cause), "{text:?}");
    }
}

#[test]
fn a_held_backspace_is_no_paste() {
    let reads = [typed("oops"), vec![(ms(400), vec![0x7f; 9])], typed("orders\r")].concat();
    assert_eq!(answer(question(), &reads), released());
}

#[test]
fn a_bracketed_paste_is_ignored_wherever_it_is_torn() {
    let paste = "\x1b[200~orders\r\x03yes\r\x1b\x1b[20\x1b[201~".as_bytes();
    for reads in torn(paste, ms(1000)) {
        assert_eq!(answer(question(), &reads), None, "{reads:?}");
        // The Enter after it is not the person's either, until it is quiet.
        let hasty = [reads.clone(), vec![(ms(100), b"\r".to_vec())]].concat();
        assert_eq!(answer(question(), &hasty), None, "{hasty:?}");
        let then = [reads.clone(), typed("orders\r")].concat();
        assert_eq!(answer(question(), &then), released(), "{reads:?}");
        // In the middle of a word it changes nothing.
        let mut rest = reads;
        rest[0].0 = KEY;
        let within = [typed("ord"), rest, typed("ers\r")].concat();
        assert_eq!(answer(question(), &within), released(), "{within:?}");
    }
}

#[test]
fn every_key_may_be_torn() {
    let script = ["ф", "\x1b[A", "家", "\x1bOP", "\x1b[1;5C", "😀", "\x1b]11;x\x1b\\", "\r"];
    let word = Question { answer_word: "ф家😀".to_owned(), ..question() };
    let whole: Vec<Read> = script.iter().map(|key| (ms(400), key.as_bytes().to_vec())).collect();
    assert_eq!(answer(word.clone(), &whole), released());
    for (at, key) in script.iter().enumerate() {
        for pieces in torn(key.as_bytes(), ms(400)) {
            let mut reads = whole.clone();
            reads.splice(at..=at, pieces);
            assert_eq!(answer(word.clone(), &reads), released(), "{reads:?}");
        }
    }
    let bytes: Vec<Read> = whole
        .iter()
        .flat_map(|(wait, key)| torn(key, *wait).pop().expect("there is one byte at a time"))
        .collect();
    assert_eq!(answer(word, &bytes), released());
}

#[test]
fn late_asks_for_a_reason_and_makes_wait() {
    let release = Some(Event::Released {
        reason: Some("ticket 42: dup rows".to_owned()),
        whole_shape: false,
    });
    let reason = typed(" ticket 42: dup rows \r");
    let pause = vec![(Duration::from_secs(10), Vec::new())];
    let reads = [reason.clone(), pause.clone(), typed("orders\r")].concat();
    assert_eq!(answer(late(), &reads), release);
    // What is typed during the wait is gone; with it, the quiet time is not over.
    let ahead = vec![(Duration::from_millis(9900), b"\r".to_vec()), (ms(99), b"orders\r".to_vec())];
    let reads = [reason.clone(), ahead, vec![(ms(2), b"\r".to_vec())]].concat();
    assert_eq!(answer(late(), &reads), None);
    let reads = [reads, typed("orders\r")].concat();
    assert_eq!(answer(late(), &reads), release);
    for (keys, cause) in
        [("\x03", Cause::Interrupt), ("\x1b", Cause::Escape), ("\x04", Cause::EndOfFile)]
    {
        let out = vec![(ms(5000), keys.as_bytes().to_vec()), (ms(60), Vec::new())];
        assert_eq!(answer(late(), &[reason.clone(), out].concat()), cancelled(cause), "{keys:?}");
    }
}

#[test]
fn an_empty_reason_cancels() {
    for keys in ["\r", "   \r", "x\x7f\r"] {
        assert_eq!(answer(late(), &typed(keys)), cancelled(Cause::EmptyReason), "{keys:?}");
    }
}

#[test]
fn a_reason_in_one_read_goes_on() {
    let (mut dialogue, _) = Dialogue::open(late(), Duration::ZERO);
    // What comes behind it in a read of its own is discarded with the wait.
    let reads = [(ms(1000), b"because\r".to_vec()), (ms(1), b"orders\r".to_vec())];
    assert_eq!(play(&mut dialogue, Duration::ZERO, &reads).0, None);
    assert_eq!(dialogue.stage, Stage::Wait(ms(11_000)));
    let reads = [(ms(10_500), b"orders\r".to_vec()), (QUIET, Vec::new())];
    let release = Event::Released { reason: Some("because".to_owned()), whole_shape: false };
    assert_eq!(play(&mut dialogue, ms(1001), &reads).0, Some(release));
}

#[test]
fn a_pasted_reason_of_several_lines_does_not_go_on() {
    let (mut dialogue, _) = Dialogue::open(late(), Duration::ZERO);
    let reads = [(ms(1000), b"because\rorders\r".to_vec())];
    assert_eq!(play(&mut dialogue, Duration::ZERO, &reads).0, None);
    assert_eq!(dialogue.stage, Stage::Reason);
    assert_eq!(dialogue.entry.text(), "");
}

#[test]
fn the_countdown_wakes_every_second() {
    let (mut dialogue, _) = Dialogue::open(
        Question {
            challenge: Challenge::TypeTarget { reason: false, wait: Duration::from_secs(3) },
            ..question()
        },
        ms(500),
    );
    for (due, left) in [(1500, "2 s"), (2500, "1 s"), (3500, "type orders")] {
        assert_eq!(dialogue.next_deadline(), Some(ms(due)));
        let step = dialogue.tick(ms(due));
        let draw = String::from_utf8(step.draw).expect("the drawing is text");
        assert!(draw.contains(left), "{draw:?}");
    }
}

#[test]
fn suspended_the_question_stays_open() {
    let (mut dialogue, _) = Dialogue::open(question(), Duration::ZERO);
    let (event, now) = play(&mut dialogue, Duration::ZERO, &typed("orders\x1a"));
    assert_eq!(event, Some(Event::Suspend));
    assert!(dialogue.set_impact(vec!["3 rows".to_owned()]).is_empty(), "the shell has the screen");
    let redrawn = dialogue.redraw(now + ms(5000));
    assert!(String::from_utf8_lossy(&redrawn).contains("type orders to run it"));
    // What was typed before counts no longer, and an Enter must not come at once.
    assert_eq!(dialogue.feed(b"\r", now + ms(5100)).event, None);
    assert_eq!(dialogue.feed(b"\r", now + ms(5500)).event, cancelled(Cause::Enter));
}

#[test]
fn the_modes_are_given_back() {
    for (was_on, ends_with) in [(false, "\r\n\x1b[?2004l"), (true, "\r\n")] {
        let question = Question { has_bracketed_paste: was_on, ..question() };
        let (mut dialogue, draw) = Dialogue::open(question, Duration::ZERO);
        let draw = String::from_utf8(draw).expect("the drawing is text");
        assert!(draw.starts_with("\r\n\x1b[0m\x1b[?25h\x1b[?2004h\x1b[J"), "{draw:?}");
        let end = dialogue.feed(b"\x03", ms(1)).draw;
        assert_eq!(String::from_utf8_lossy(&end), ends_with);
    }
}

#[test]
fn the_word_is_the_database_where_it_can_be_typed() {
    let with = |database: Option<&str>, name: Option<&str>, host: Option<&str>| Target {
        address: Address {
            database: database.map(str::to_owned),
            host: host.map(str::to_owned),
            ..Address::default()
        },
        name: name.map(str::to_owned),
        tier: Tier::Production,
    };
    let long = "x".repeat(64);
    for (target, word) in [
        (with(Some("orders"), Some("prod"), Some("h")), "orders"),
        (with(Some("bücher"), Some("prod"), Some("h")), "bücher"),
        (with(Some(""), Some("prod"), Some("h")), "prod"),
        (with(Some("a\x1bb"), Some("prod"), Some("h")), "prod"),
        (with(Some("a "), Some("prod"), Some("h")), "prod"),
        (with(Some(&long), None, Some("h")), "h"),
        (with(Some("0"), Some("prod"), Some("h")), "h"),
        (with(None, None, None), "yes"),
    ] {
        assert_eq!(answer_word(&target), word, "{target:?}");
    }
}

/// Cuts bytes into two reads at every place, and into single bytes; no time passes between them.
fn torn(bytes: &[u8], silence: Duration) -> Vec<Vec<Read>> {
    let mut all: Vec<Vec<Read>> = vec![vec![(silence, bytes.to_vec())]];
    for at in 1..bytes.len() {
        let (head, tail) = bytes.split_at(at);
        all.push(vec![(silence, head.to_vec()), (Duration::ZERO, tail.to_vec())]);
    }
    let mut single: Vec<Read> = bytes.iter().map(|byte| (Duration::ZERO, vec![*byte])).collect();
    if let Some(first) = single.first_mut() {
        first.0 = silence;
    }
    all.push(single);
    all
}
