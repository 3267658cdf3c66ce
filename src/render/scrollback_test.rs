//! The scrollback over all that a terminal may be told.

use std::io;
use std::time::Duration;

use proptest::prelude::*;

use super::line::Line;
use super::scrollback::Scrollback;
use super::sink::{Item, Sink};
use crate::record::Event;

/// Writes lines as they are and items in brackets.
#[derive(Default)]
struct Told(String);

impl Sink for Told {
    fn line(&mut self, line: &Line) -> io::Result<()> {
        self.0 += &line.text();
        self.0.push('\n');
        Ok(())
    }

    fn item(&mut self, item: Item) -> io::Result<()> {
        self.0 += &match item {
            Item::Statement(n) => format!("<{n}>\n"),
            Item::Note(text) => format!("[{text}]\n"),
            Item::FullScreen { lines, left_out, .. } => {
                let lines: Vec<_> = lines.iter().map(Line::text).collect();
                format!("[{left_out}+ {}]\n", lines.join("|"))
            }
        };
        Ok(())
    }
}

fn told(cols: u16, rows: u16, events: &[Event]) -> String {
    let mut page = Scrollback::new(cols, rows, Told::default());
    for event in events {
        match event {
            // A test's way to say where a statement stands.
            Event::Exit(n) => page.item(Item::Statement((*n).try_into().unwrap())),
            event => page.event(event, Duration::ZERO).unwrap(),
        }
    }
    page.end(Duration::ZERO).unwrap().0
}

fn output(text: &str) -> Event {
    Event::Output(text.into())
}

#[test]
fn lines_come_out_as_the_screen_left_them() {
    let text = "one\r\n\r\ntwo\x08\x08\x1b[31mOO\x1b[0m\r\nlonger than ten\r\n4\r\n5\r\n\r\n";
    let expected = "one\n\ntOO\nlonger than ten\n4\n5\n";
    assert_eq!(told(10, 3, &[output(text)]), expected);
    let bytes: Vec<Event> = text.split("").map(output).collect();
    assert_eq!(told(10, 3, &bytes), expected);
}

#[test]
fn a_full_screen_is_told_with_all_that_went_by() {
    let pager = "\x1b[?1049h\x1b[H\x1b[2J1\r\n2\r\n3\r\n4\r\n5";
    let text = format!("a\r\n{pager}\x1b[?1049lb\r\n");
    assert_eq!(told(10, 3, &[output(&text)]), "a\n[0+ 1|2|3|4|5]\nb\n");
    assert_eq!(told(10, 3, &[output(pager)]), "[0+ 1|2|3|4|5]\n", "it ended in it");
    assert_eq!(told(10, 3, &[output("a\x1b[?1049h\x1b[?1049lb")]), "ab\n", "nothing shown");
    let redrawn = "\x1b[?1049hx\x1b[H\x1b[2Jy\x1bcz";
    assert_eq!(told(10, 3, &[output(redrawn)]), "[0+ y]\nz\n");
}

#[test]
fn a_cleared_screen_is_kept() {
    for clear in ["\x1b[H\x1b[2J", "\x1b[H\x1b[J", "\x1bc", "\x1b[2J\x1b[3J\x1b[H"] {
        let text = format!("one\r\ntwo\r\n{clear}three\r\n");
        assert_eq!(told(10, 3, &[output(&text)]), "one\ntwo\nthree\n", "{clear:?}");
    }
}

#[test]
fn a_new_size_loses_nothing() {
    let events =
        [output("a\r\nb\r\nc\r\nd\r\n"), Event::Resize { cols: 20, rows: 2 }, output("e\r\n")];
    assert_eq!(told(10, 3, &events), "a\nb\nc\nd\ne\n");
    let none = [output("x"), Event::Resize { cols: 0, rows: 0 }];
    assert_eq!(told(0, 0, &none), "x\n");
}

#[test]
fn statements_stand_where_they_began() {
    let events = [
        output("=> one;\r\n"),
        Event::Exit(1),
        output("1\r\n=> two;\r\n"),
        Event::Exit(2),
        Event::Exit(3),
        // No output; what is typed next is erased and drawn again.
        output("=> x\r\x1b[J\x1b[K=> three;"),
        Event::Exit(4),
        output("\r\n3\r\n4\r\n5\r\n"),
        Event::Exit(5),
    ];
    let expected = "=> one;\n<1>\n1\n=> two;\n<2>\n<3>\n=> three;\n<4>\n3\n4\n5\n<5>\n";
    for rows in 1..20 {
        assert_eq!(told(20, rows, &events), expected, "{rows} rows");
    }
    // They keep their places when rows are wrapped anew.
    let mut resized = events.to_vec();
    for at in 0..=events.len() {
        for cols in [5, 9, 40] {
            resized.insert(at, Event::Resize { cols, rows: 20 });
            assert_eq!(told(20, 20, &resized), expected, "{cols} columns at {at}");
            resized.remove(at);
        }
    }
}

#[test]
fn what_comes_within_a_full_screen_is_put_after_it() {
    let events =
        [output("a\r\n\x1b[?1049hpage"), Event::Exit(1), output("\x1b[?1049l"), output("b\r\n")];
    assert_eq!(told(10, 3, &events), "a\n[0+ page]\n<1>\nb\n");
}

#[test]
fn marks_stay_on_their_letters_and_other_bytes_are_kept() {
    let text = "e\u{301}x\r\n\u{301}y\r\n\u{202e}z\u{202e}\r\n日\u{301}本\r\n";
    assert_eq!(told(10, 3, &[output(text)]), "e\u{301}x\ny\nz\n日\u{301}本\n");
    // Kana as macOS writes them in names of files, a family, and what Persian needs; at a line's end too.
    let text = "か\u{3099}x👨\u{200d}👩!می\u{200c}خ";
    assert_eq!(told(40, 3, &[output(text)]), format!("{text}\n"));
    assert_eq!(told(4, 3, &[output("日か\u{3099}\r\n")]), "日か\u{3099}\n");
    let latin = Event::Output(b"caf\xe9 \xff\x1b[31\xffm!".to_vec());
    assert_eq!(told(10, 3, &[latin]), "caf\u{fffd} \u{fffd}!\n");
}

#[test]
fn a_still_brings_the_screen_back() {
    let mut page = Scrollback::new(10, 3, ());
    let feed = |page: &mut Scrollback<()>, text: &str| {
        page.event(&output(text), Duration::ZERO).unwrap();
    };
    let shown = |page: &Scrollback<()>| (page.screen().collect::<Vec<_>>(), page.cursor());
    feed(&mut page, "one\r\n\x1b[31me\u{301}日\r\n\x1b[?1049hpager\x7f");
    let (still, before) = (page.still().unwrap(), shown(&page));
    assert_eq!(before.0[2].text(), "pager");
    feed(&mut page, "\x1b[?1049lxxx\x1b[");
    assert!(page.still().is_none(), "within a sequence");
    page.restore(&still);
    assert_eq!(shown(&page), before);
    feed(&mut page, "\x1b[?1049l!");
    assert_eq!(shown(&page).0[1].text(), "e\u{301}日");
    assert_eq!(shown(&page).0[2].text(), "!");
}

#[test]
fn a_size_nobody_has_is_not_believed() {
    let huge = [
        output("x\r\n"),
        Event::Resize { cols: u16::MAX, rows: u16::MAX },
        output("y"),
        Event::Resize { cols: 1, rows: 1 },
    ];
    assert_eq!(told(u16::MAX, u16::MAX, &huge), "x\ny\n");
    // In a moment, not in a minute.
    let many = "x\x1b[65535b".repeat(2000);
    assert!(told(10, 5, &[output(&many)]).len() > 2000);
}

/// Pieces of what terminals understand, and of what they do not.
fn pieces() -> impl Strategy<Value = Vec<String>> {
    let piece = prop_oneof![
        "[a-z ]{0,12}",
        Just("\r\n".to_owned()),
        Just("日".to_owned()),
        Just("e\u{301}".to_owned()),
        Just("か\u{3099}👨\u{200d}👩".to_owned()),
        Just("\u{10fffd}".to_owned()),
        "\x1b\\[[0-9;]{0,5}[A-HJ-MPSTX@fmrhlsudb]",
        "\x1b\\[\\?(25|1047|1048|1049|6|7|1)[hl]",
        "\x1b[78cDEHM]",
        any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..40)
}

proptest! {
    #[test]
    fn nothing_breaks_it_and_no_item_is_lost(
        texts in pieces(),
        sizes in proptest::collection::vec((1_u16..30, 1_u16..12), 3),
        bytes in proptest::collection::vec(any::<u8>(), 0..20),
    ) {
        let mut events = Vec::new();
        for (at, text) in texts.iter().enumerate() {
            events.push(output(text));
            if at % 3 == 0 {
                events.push(Event::Exit(i32::try_from(at).unwrap()));
            }
            if at % 7 == 0 {
                let (cols, rows) = sizes[at / 7 % 3];
                events.push(Event::Resize { cols, rows });
            }
        }
        events.push(Event::Output(bytes));
        let text = told(sizes[0].0, sizes[0].1, &events);
        for at in (0..texts.len()).step_by(3) {
            let item = format!("<{at}>");
            prop_assert_eq!(text.lines().filter(|line| *line == item).count(), 1, "{}", item);
        }
    }

    /// Long runs of plain lines take a shorter way, which nobody may notice: one character at a
    /// time they take the long one.
    #[test]
    fn plain_lines_are_what_the_emulator_makes_of_them(
        parts in proptest::collection::vec(
            (pieces(), proptest::collection::vec("[a-zé ]{0,25}", 0..40)), 1..4),
        cols in 1_u16..30,
        rows in 1_u16..6,
    ) {
        let mut whole = Vec::new();
        let mut cut = Vec::new();
        for (at, (odd, plain)) in parts.iter().enumerate() {
            let plain = plain.iter().map(|line| format!("{line}\r\n")).collect::<String>();
            let text = odd.concat() + &plain;
            whole.push(output(&text));
            cut.extend(text.chars().map(|c| output(c.encode_utf8(&mut [0; 4]))));
            let item = Event::Exit(i32::try_from(at).unwrap());
            whole.push(item.clone());
            cut.push(item);
        }
        prop_assert_eq!(told(cols, rows, &whole), told(cols, rows, &cut));
    }

    #[test]
    fn how_output_is_cut_makes_no_difference(texts in pieces(), at in any::<prop::sample::Index>()) {
        let whole = texts.concat();
        let mut cut = at.index(whole.len() + 1);
        while !whole.is_char_boundary(cut) {
            cut += 1;
        }
        let parts = [output(&whole[..cut]), output(&whole[cut..])];
        prop_assert_eq!(told(20, 5, &parts), told(20, 5, &[output(&whole)]));
    }
}

#[test]
fn a_mark_at_the_last_column_does_not_wrap() {
    assert_eq!(told(3, 3, &[output("abe\u{301}\r\nx")]), "abe\u{301}\nx\n");
    assert_eq!(told(3, 3, &[output("abe\u{301}d\r\nx")]), "abe\u{301}d\nx\n");
}
