//! Which input is which answer.

use proptest::prelude::*;

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
fn a_plain_paste_never_answers() {
    for (challenge, text) in [
        (question(), "orders\r"),
        (question(), "orders\n"),
        (question(), "orders\r\n"),
        (question(), "\rorders\r"),
        (question(), "select 1;\rorders\rorders\r"),
        (yes(), "yes\r"),
        (yes(), "yes all\r"),
        (Question { answer_word: "db".to_owned(), ..question() }, "db\r"),
        (Question { answer_word: "d".to_owned(), ..question() }, "d\r"),
    ] {
        // In one read; and torn anywhere, even into single bytes, as long as no time passes. An
        // Enter that comes first and alone is no release.
        for reads in torn(text.as_bytes(), ms(1000)) {
            let event = answer(challenge.clone(), &reads);
            let is_safe = event.is_none() || event == cancelled(Cause::Enter);
            assert!(is_safe, "{reads:?}: {event:?}");
        }
    }
}

#[test]
fn a_pasted_word_is_not_completed_by_an_enter() {
    for word in ["db", "abc", "orders"] {
        let question = Question { answer_word: word.to_owned(), ..question() };
        for reads in torn(word.as_bytes(), ms(1000)) {
            let reads = [reads, vec![(ms(200), b"\r".to_vec())]].concat();
            assert_eq!(answer(question.clone(), &reads), None, "{reads:?}");
        }
    }
}

#[test]
fn a_network_may_join_two_keys() {
    let reads = [(1000, "or"), (80, "de"), (80, "rs"), (80, "\r")]
        .map(|(wait, keys)| (ms(wait), keys.as_bytes().to_vec()));
    assert_eq!(answer(question(), &reads), released());
}

#[test]
fn a_word_pasted_in_pieces_is_not_completed_by_an_enter() {
    let reads = [(1000, "ord"), (400, "ers"), (400, "\r")]
        .map(|(wait, keys)| (ms(wait), keys.as_bytes().to_vec()));
    assert_eq!(answer(question(), &reads), cancelled(Cause::Enter));
    let reads = [(1000, "o"), (100, "rder"), (100, "s"), (100, "\r")]
        .map(|(wait, keys)| (ms(wait), keys.as_bytes().to_vec()));
    assert_eq!(answer(question(), &reads), None);
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
fn a_pasted_reason_with_its_enter_does_not_go_on() {
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

/// Pieces of input a hostile or hasty source may send, chosen to come near an answer.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => prop::sample::select(vec!["o", "r", "d", "e", "s"]).prop_map(|s| s.into()),
        3 => Just(b"\r".to_vec()),
        2 => prop::sample::select(vec!["orders", "order", "rs", "orders\r", "s\r", "\r\n"])
            .prop_map(|s| s.into()),
        2 => prop::sample::select(vec![
            "\x1b[200~", "\x1b[201~", "\x1b[A", "\x1bO", "\x1b", "\x1b[", "\x7f", "\x15", "\x17",
            "\t", "é", "\u{200b}", "\x1b]", "\x07",
        ]).prop_map(|s| s.into()),
        1 => prop::collection::vec(any::<u8>(), 1..4),
    ]
}

fn silence() -> impl Strategy<Value = Duration> {
    prop::sample::select(vec![0, 1, 4, 5, 20, 49, 100, 299, 300, 1000]).prop_map(ms)
}

/// Says whether the last read could be the end of an answer typed by a person. Knows nothing of
/// the state machine: it looks at what any typed answer must show.
fn looks_typed(reads: &[Read], word: &str) -> bool {
    let Some(((enter_silence, enter), before)) = reads.split_last() else {
        return false;
    };
    if !matches!(enter.as_slice(), b"\r" | b"\n") || *enter_silence < BURST {
        return false;
    }
    // Since the last time it was quiet: enough bursts for two letters each, and all the letters.
    let quiet_starts = before.iter().enumerate().filter(|(_, (silence, _))| *silence >= QUIET);
    quiet_starts.map(|(at, _)| &before[at..]).any(|since| {
        let bursts =
            since.iter().enumerate().filter(|(at, (silence, _))| *at == 0 || *silence >= BURST);
        let sent: Vec<u8> = since.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
        let mut rest = sent.iter();
        let has_word = word.bytes().all(|letter| rest.any(|byte| *byte == letter));
        bursts.count() * 2 >= word.len() && has_word
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn nothing_but_typing_releases(
        reads in prop::collection::vec((silence(), piece()), 0..40),
    ) {
        let (mut dialogue, _) = Dialogue::open(question(), Duration::ZERO);
        let mut now = Duration::ZERO;
        for at in 0..reads.len() {
            let (event, then) = play(&mut dialogue, now, &reads[at..=at]);
            now = then;
            if matches!(event, Some(Event::Released { .. })) {
                prop_assert!(looks_typed(&reads[..=at], "orders"));
            }
            if event.is_some() {
                break;
            }
        }
    }

    #[test]
    fn one_burst_of_anything_never_releases(
        pieces in prop::collection::vec(piece(), 0..40), quiet in silence(),
    ) {
        let mut reads: Vec<Read> = pieces.into_iter().map(|piece| (ms(4), piece)).collect();
        if let Some(first) = reads.first_mut() {
            first.0 = quiet;
        }
        let event = answer(question(), &reads);
        prop_assert!(!matches!(event, Some(Event::Released { .. })), "{event:?}");
    }

    /// A typed answer with one thing wrong with it.
    #[test]
    fn one_mistake_is_enough(at in 0_usize..7, other in "[a-z]", kind in 0..6) {
        let mut reads = typed("orders\r");
        match kind {
            // A letter missing, the Enter included.
            0 => drop(reads.remove(at)),
            // A letter too many.
            1 => reads.insert(at, (ms(1000), other.into_bytes())),
            // Another letter.
            2 => {
                prop_assume!(at < 6 && reads[at].1 != other.as_bytes());
                reads[at].1 = other.into_bytes();
            }
            // Begun too early.
            3 => reads[0].0 = ms(299),
            // The Enter with the letter before, in time or in one read.
            4 => reads[6].0 = ms(4),
            _ => {
                drop(reads.pop());
                reads[5].1.push(b'\r');
            }
        }
        // What is left of the first letter's silence.
        reads[0].0 = if kind == 3 { ms(299) } else { ms(1000) };
        let event = answer(question(), &reads);
        prop_assert!(!matches!(event, Some(Event::Released { .. })), "{reads:?}");
    }

    #[test]
    fn any_bytes_are_survived(
        reads in prop::collection::vec((silence(), prop::collection::vec(any::<u8>(), 0..40)), 0..20),
    ) {
        for question in [question(), yes(), late()] {
            let event = answer(question, &reads);
            prop_assert!(!matches!(event, Some(Event::Released { .. })), "{event:?}");
        }
    }
}
