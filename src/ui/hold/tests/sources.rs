//! Input from hostile and hasty sources: what never releases.

use proptest::prelude::*;

use super::*;

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

/// Pieces without editing or escape sequences, of which what was sent can be read off.
fn plain_piece() -> impl Strategy<Value = Vec<u8>> {
    prop::sample::select(vec![
        "o",
        "r",
        "d",
        "e",
        "s",
        "ord",
        "ers",
        "order",
        "orders",
        "orders",
        "\r",
        "\r",
        "\n",
        "s\r",
        "orders\r",
        "orders\r",
        "orders\n",
        "\r\n",
        "\rorders\r",
        "orders\rorders\r",
        "orders\rx",
    ])
    .prop_map(|piece| piece.into())
}

/// Says whether the last reads could be an answer that `waited` after its Enter or did not. Knows
/// nothing of the state machine: it looks at what any answer must show.
fn is_answer(reads: &[Read], word: &str, waited: bool) -> bool {
    // Since some time when it was quiet: exactly the word, and one Enter as the very last byte.
    let quiet_starts = reads.iter().enumerate().filter(|(_, (silence, _))| *silence >= QUIET);
    quiet_starts.map(|(at, _)| &reads[at..]).any(|since| {
        let sent: Vec<u8> = since.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
        let is_line = [b"\r", b"\n"].iter().any(|enter| sent == [word.as_bytes(), *enter].concat());
        is_line && (waited || is_key_by_key(since))
    })
}

/// Says whether the last read is an Enter of its own, and what is before it came in parts.
fn is_key_by_key(reads: &[Read]) -> bool {
    let Some(((enter_silence, enter), letters)) = reads.split_last() else {
        return false;
    };
    let parts = letters.iter().skip(1).filter(|(silence, _)| *silence >= BURST).count();
    enter.len() == 1 && *enter_silence >= BURST && parts > 0
}

/// Says whether letters of the word, in their order, and an Enter behind them came since some time
/// when it was quiet, with no byte behind the Enter: what an answer with corrections must show.
fn has_letters(reads: &[Read], word: &str) -> bool {
    let quiet_starts = reads.iter().enumerate().filter(|(_, (silence, _))| *silence >= QUIET);
    quiet_starts.map(|(at, _)| &reads[at..]).any(|since| {
        let sent: Vec<u8> = since.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
        let mut rest = sent.iter();
        let has_word = word.bytes().all(|letter| rest.any(|byte| *byte == letter));
        has_word && matches!(rest.as_slice().last(), Some(b'\r' | b'\n'))
    })
}

/// What released, if anything did: how many of the reads had been fed, and whether it was time
/// that released and not the last of them.
fn release_of(question: Question, reads: &[Read]) -> Option<(usize, bool)> {
    let (mut dialogue, _) = Dialogue::open(question, Duration::ZERO);
    let mut now = Duration::ZERO;
    // Silence at the end, so that what waits is decided.
    let end = (ms(1000), Vec::new());
    for (at, read) in reads.iter().chain([&end]).enumerate() {
        let (event, then) = wait_until(&mut dialogue, now + read.0);
        if event.is_some() {
            return matches!(event, Some(Event::Released { .. })).then_some((at, true));
        }
        now = then;
        let event = dialogue.feed(&read.1, now).event;
        if event.is_some() {
            return matches!(event, Some(Event::Released { .. })).then_some((at + 1, false));
        }
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Nothing without the exact word as a whole line, begun after quiet, and followed by silence
    /// or typed key by key.
    #[test]
    fn nothing_but_the_line_releases(
        reads in prop::collection::vec((silence(), plain_piece()), 0..12),
    ) {
        if let Some((fed, waited)) = release_of(question(), &reads) {
            prop_assert!(is_answer(&reads[..fed], "orders", waited), "{fed} {waited}");
            let silence = reads.get(fed).map_or(QUIET, |(silence, _)| *silence);
            prop_assert!(!waited || silence >= QUIET, "{fed} {waited}");
        }
    }

    #[test]
    fn nothing_but_the_letters_and_enter_release(
        reads in prop::collection::vec((silence(), piece()), 0..40),
    ) {
        if let Some((fed, _)) = release_of(question(), &reads) {
            prop_assert!(has_letters(&reads[..fed], "orders"), "{fed}");
        }
    }

    /// A line in the middle of a read, whatever is before and behind it.
    #[test]
    fn one_read_with_more_behind_the_enter_never_releases(
        before in prop::collection::vec(piece(), 0..3),
        behind in "[a-z\r\n\t\u{7f} ]{1,20}", quiet in silence(),
    ) {
        let read = [&*before.concat(), b"orders\r", behind.as_bytes()].concat();
        prop_assert_eq!(release_of(question(), &[(quiet, read)]), None);
    }

    /// The same line torn from what is behind it, as long as that comes in time.
    #[test]
    fn a_line_with_more_behind_it_never_releases_by_itself(
        behind in "[a-z\r\n ]{1,20}", wait in 0_u64..300,
    ) {
        let reads = [(ms(1000), b"orders\r".to_vec()), (ms(wait), behind.into_bytes())];
        prop_assert_eq!(release_of(question(), &reads), None);
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
            // More behind the Enter, in one read or while the line waits.
            4 => reads[6].1.extend(other.bytes()),
            _ => {
                reads[6].0 = ms(4);
                reads.push((ms(299), other.into_bytes()));
            }
        }
        // What is left of the first letter's silence.
        reads[0].0 = if kind == 3 { ms(299) } else { ms(1000) };
        prop_assert_eq!(release_of(question(), &reads), None, "{:?}", reads);
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
