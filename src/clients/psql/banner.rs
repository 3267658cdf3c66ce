//! psql's single-step question: its banner found in the output, and the query between its lines.
//!
//! psql prints an opening line, the query, a newline and a closing line, and waits for an answer:
//!
//! ```text
//! ***(Single step mode: verify command)*******************************************
//! delete from families;
//! ***(press return to proceed or enter x and return to cancel)********************
//! ```
//!
//! The words and the number of asterisks depend on the locale, and newer versions write
//! `/**(…)**/`; so a line is known by its shape alone. Anyone can print such lines: the server
//! before the question, and the query inside it. Hence [`question`] believes only a closing line
//! that is the last thing printed, and hands out the text after *every* opening line: whoever
//! judges takes the most severe.
#![forbid(unsafe_code)]

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;

/// Longest banner line taken for one, in bytes. The longest in psql 15's translations has 190.
const MAX_LINE_BYTES: usize = 512;

/// Fewest asterisks after the closing parenthesis: the French closing line has three, and that is
/// the least in psql 15's translations.
const MIN_STARS: usize = 3;

/// Most texts one question hands out. A query of 10 MB could hold a hundred thousand openings,
/// and each of them would have to be judged.
const MAX_CANDIDATES: usize = 16;

/// What every opening has behind its first byte.
static HEART: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"**("));

/// Where an opening line is, or may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// Offset of its first byte. Bytes from here on are to be kept back.
    pub at: usize,
    /// Whether the whole line is there. If not, more bytes decide.
    pub is_whole: bool,
}

/// The question psql waits on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Ordinary output before the banner, to be shown.
    pub lead: Range<usize>,
    /// The opening line without its newline: remember its bytes as `genuine` for the next call.
    pub opening: Range<usize>,
    /// Where the text that may be the query lies, one range for each possible opening line, in
    /// order. [`text`] makes the query of it.
    pub candidates: Vec<Range<usize>>,
    /// Which candidate to show.
    pub likely: usize,
    /// Whether there were more openings than are handed out: nobody can tell what runs.
    pub is_flooded: bool,
}

/// The two ways psql has drawn its banner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    /// `***(…)***`, up to 15.
    Stars,
    /// `/**(…)**/`, from 16 on: a comment, so that the output is valid SQL.
    Comment,
}

/// A banner line found in a text.
#[derive(Debug, Clone, Copy)]
struct Line {
    start: usize,
    /// Behind the last asterisk or slash.
    end: usize,
    /// Behind the newline.
    next: usize,
    family: Family,
}

/// Finds the first opening line in psql's output, at a line's start or within one, whole or cut
/// off by the end of `output`.
///
/// Returns `None` when nothing is to be kept back. A torn end such as a lone `*` is an opening
/// that is not whole: keep it back until more arrives, or until psql is seen to wait for
/// something else.
#[must_use]
pub fn find_opening(output: &[u8]) -> Option<Opening> {
    let mut from = 0;
    while let Some(line) = next_start(output, from) {
        match line {
            Start::Whole(line) => {
                return Some(Opening { at: line.start, is_whole: true });
            }
            Start::Torn(at) => {
                return Some(Opening { at, is_whole: false });
            }
            Start::Not { next } => from = next,
        }
    }
    torn_start(output).map(|at| Opening { at, is_whole: false })
}

/// Reads the question at the end of `capture`, which starts at the first possible opening and
/// ends with the last byte psql has printed; psql must be known to be blocked reading its input.
///
/// `onlcr` tells that the terminal turned each LF into CR LF. `genuine` is the opening line of an
/// earlier question of this session.
///
/// Which candidate is likely: among openings equal to `genuine` (all, where none is known), the
/// first that starts a line, else the first. Being the first, it holds all the text that any
/// later one holds, so that a forger can add to what a person sees and never hide the real query.
#[must_use]
pub fn question(capture: &[u8], onlcr: bool, genuine: Option<&[u8]>) -> Option<Question> {
    let closing = closing_line(capture)?;
    let query_end = without_newline(capture, closing.start, onlcr)?;

    let mut candidates = Vec::new();
    let mut is_flooded = false;
    let mut likely: Option<(u8, usize, Range<usize>)> = None;
    let mut from = 0;
    while let Some(start) = next_start(&capture[..closing.start], from) {
        let line = match start {
            Start::Whole(line) => line,
            Start::Not { next } => {
                from = next;
                continue;
            }
            Start::Torn(_) => break,
        };
        from = line.next;
        if line.family != closing.family || line.next > query_end {
            continue;
        }
        let (rank, opening) = rank(capture, line, genuine);
        if likely.as_ref().is_none_or(|(best, ..)| rank > *best) {
            // The shown one is always among those handed out.
            if candidates.len() == MAX_CANDIDATES {
                candidates.pop();
            }
            likely = Some((rank, candidates.len(), opening));
            candidates.push(line.next..query_end);
        } else if candidates.len() < MAX_CANDIDATES {
            candidates.push(line.next..query_end);
        } else {
            is_flooded = true;
        }
    }
    let (_, likely, opening) = likely?;
    Some(Question { lead: 0..opening.start, opening, candidates, likely, is_flooded })
}

/// Returns whether any line of `capture` has a banner's shape.
#[must_use]
pub fn has_line(capture: &[u8]) -> bool {
    find_opening(capture).is_some_and(|opening| opening.is_whole)
}

/// Returns whether the last line of `capture` closes a banner, wherever its opening may be.
#[must_use]
pub fn ends_as_question(capture: &[u8]) -> bool {
    let Some(newline) = capture.len().checked_sub(1).filter(|&last| capture[last] == b'\n') else {
        return false;
    };
    let start = memchr::memrchr(b'\n', &capture[..newline]).map_or(0, |at| at + 1);
    matches!(next_start(&capture[start..], 0), Some(Start::Whole(line)) if line.start == 0)
}

/// Returns the query a candidate stands for, with one CR before each LF taken out if the terminal
/// put it in.
#[must_use]
pub fn text(capture: &[u8], candidate: Range<usize>, onlcr: bool) -> Vec<u8> {
    let printed = &capture[candidate];
    if !onlcr {
        return printed.to_vec();
    }
    let mut query = Vec::with_capacity(printed.len());
    let mut from = 0;
    for at in memchr::memchr_iter(b'\n', printed) {
        let line = &printed[from..at];
        query.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        query.push(b'\n');
        from = at + 1;
    }
    query.extend_from_slice(&printed[from..]);
    query
}

/// What stands where the first bytes of an opening were found.
enum Start {
    Whole(Line),
    /// The text ends before the line does.
    Torn(usize),
    /// No opening starts before `next`.
    Not {
        next: usize,
    },
}

/// Looks at the next place from `from` on that starts like an opening.
fn next_start(text: &[u8], from: usize) -> Option<Start> {
    let mut at = from;
    let start = loop {
        let found = at + HEART.find(text.get(at..)?)?;
        match found.checked_sub(1) {
            Some(start) if start >= from && matches!(text[start], b'*' | b'/') => break start,
            _ => at = found + 1,
        }
    };
    Some(match memchr::memchr(b'\n', &text[start..]) {
        None if text.len() - start <= MAX_LINE_BYTES => Start::Torn(start),
        // An opening may still start nearer to the end.
        None => Start::Not { next: (text.len() - MAX_LINE_BYTES).max(start + 1) },
        Some(length) => {
            let newline = start + length;
            let end = if text[start..newline].ends_with(b"\r") { newline - 1 } else { newline };
            let line = &text[start + 4..end.max(start + 4)];
            if end - start > MAX_LINE_BYTES {
                Start::Not { next: end - MAX_LINE_BYTES }
            } else {
                match (tail(line), text[start]) {
                    (None, _) => Start::Not { next: newline + 1 },
                    (Some(family @ Family::Stars), b'*')
                    | (Some(family @ Family::Comment), b'/') => {
                        Start::Whole(Line { start, end, next: newline + 1, family })
                    }
                    // The line ends as an opening of the other family, which may start later.
                    (Some(_), _) => Start::Not { next: start + 1 },
                }
            }
        }
    })
}

/// Returns the family whose lines end as `text` does: words, a parenthesis and asterisks.
fn tail(text: &[u8]) -> Option<Family> {
    let (stars, family) = match text.strip_suffix(b"/") {
        Some(stars) => (stars, Family::Comment),
        None => (text, Family::Stars),
    };
    let words = stars.iter().rposition(|&byte| byte != b'*')?;
    let is_tail = stars[words] == b')'
        && words > 0
        && stars.len() - words > MIN_STARS
        && memchr::memchr(b'\r', stars).is_none();
    is_tail.then_some(family)
}

/// Finds the bytes at the very end that may be the first of an opening.
fn torn_start(output: &[u8]) -> Option<usize> {
    (1..=3).rev().filter(|&length| output.len() >= length).find_map(|length| {
        let start = output.len() - length;
        let tail = &output[start..];
        let is_start = matches!(tail[0], b'*' | b'/') && tail[1..].iter().all(|&b| b == b'*');
        is_start.then_some(start)
    })
}

/// Reads the last line of a capture as the closing line of a banner; it starts a line and has its
/// newline.
fn closing_line(capture: &[u8]) -> Option<Line> {
    let newline = capture.len().checked_sub(1).filter(|&last| capture[last] == b'\n')?;
    let start = memchr::memrchr(b'\n', &capture[..newline])? + 1;
    match next_start(&capture[start..], 0)? {
        Start::Whole(line) if line.start == 0 => Some(Line {
            start,
            end: start + line.end,
            next: start + line.next,
            family: line.family,
        }),
        Start::Whole(_) | Start::Torn(_) | Start::Not { .. } => None,
    }
}

/// Returns where the text before a line ends, its newline taken off.
fn without_newline(capture: &[u8], line_start: usize, onlcr: bool) -> Option<usize> {
    let newline = line_start.checked_sub(1)?;
    Some(if onlcr && capture[..newline].ends_with(b"\r") { newline - 1 } else { newline })
}

/// Says how much an opening line looks like the real one, and where it starts.
fn rank(capture: &[u8], line: Line, genuine: Option<&[u8]>) -> (u8, Range<usize>) {
    let mut opening = line.start..line.end;
    let mut rank = 0;
    if let Some(genuine) = genuine
        && capture[opening.clone()].ends_with(genuine)
    {
        opening.start = opening.end - genuine.len();
        rank += 2;
    }
    if opening.start == 0 || capture[opening.start - 1] == b'\n' {
        rank += 1;
    }
    (rank, opening)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: &str =
        "***(Single step mode: verify command)*******************************************\n";
    const CLOSE: &str =
        "***(press return to proceed or enter x and return to cancel)********************\n";

    /// Opening and closing lines: psql 15 in English, French and Japanese; one made up with more
    /// parentheses; and the newer shape, which no real psql has printed here.
    const PAIRS: &[(&str, &str)] = &[
        (OPEN, CLOSE),
        (
            "***(Mode étape par étape: vérifiez la commande)*********************************\n",
            "***(appuyez sur entrée pour l'exécuter ou tapez x puis entrée pour annuler)***\n",
        ),
        (
            "***(シングルステップモード: コマンドを確認してください)********\n",
            "***([Enter] を押して進むか、x [Enter] でキャンセル)**************\n",
        ),
        (
            "***(Λειτουργία μονού βήματος (έλεγχος): εντολή)************\n",
            "***(πατήστε return για να συνεχίσετε ή x)********************\n",
        ),
        (
            "/**(Single step mode: verify command)******************************************/\n",
            "/**(press return to proceed or enter x and return to cancel)*******************/\n",
        ),
        (
            "/**(单步模式：验证命令)******************************************/\n",
            "/**(按 Enter)***/\n",
        ),
    ];

    fn on_terminal(text: &str) -> String {
        text.replace('\n', "\r\n")
    }

    fn texts(capture: &str, onlcr: bool, genuine: Option<&str>) -> Option<(usize, Vec<String>)> {
        let genuine = genuine.map(|line| line.trim_end().as_bytes());
        let question = question(capture.as_bytes(), onlcr, genuine)?;
        let texts = question.candidates.iter().map(|candidate| {
            String::from_utf8(text(capture.as_bytes(), candidate.clone(), onlcr)).expect("utf-8")
        });
        Some((question.likely, texts.collect()))
    }

    #[test]
    fn every_shape_is_a_question() {
        for (open, close) in PAIRS {
            for query in ["delete from families;", "select 1,\n\t'a\r\nb'\n", "\n\n", ""] {
                let printed = format!("{open}{query}\n{close}");
                assert_eq!(texts(&printed, false, None), Some((0, vec![query.into()])));
                let printed = on_terminal(&printed);
                assert_eq!(texts(&printed, true, None), Some((0, vec![query.into()])));
            }
        }
    }

    #[test]
    fn an_opening_is_found_at_every_tear() {
        for (open, close) in PAIRS {
            for newline in ["\n", "\r\n"] {
                let text = format!(" id | x{newline}a * b {open}select{newline}{close}")
                    .replace('\n', newline);
                let bytes = text.as_bytes();
                let at = memchr::memmem::find(bytes, &open.as_bytes()[..4]).expect("is there");
                let whole = at + memchr::memchr(b'\n', &bytes[at..]).expect("is there") + 1;
                for cut in at + 1..=bytes.len() {
                    let opening = find_opening(&bytes[..cut]).expect("kept back");
                    assert_eq!(opening, Opening { at, is_whole: cut >= whole }, "cut at {cut}");
                }
                for cut in 0..bytes.len() {
                    let is_question = question(&bytes[at..cut.max(at)], true, None).is_some();
                    assert!(!is_question, "no question before the last byte, cut at {cut}");
                }
            }
        }
    }

    #[test]
    fn ordinary_output_is_not_kept_back() {
        for text in ["", "a\n", "2 * 3 = 6\n", "***(x)**\n", "**(x)***\n", "***()***\n", "/**/\n"] {
            assert_eq!(find_opening(text.as_bytes()), None, "{text:?}");
        }
        for text in ["/**(x)***\n", "***(x)**/\n", "***(x)*** \n", "***(x\n)***\n", "***(\r)***\n"]
        {
            assert_eq!(find_opening(text.as_bytes()), None, "{text:?}");
        }
        let long = format!("***({})***\n", "x".repeat(MAX_LINE_BYTES));
        assert_eq!(find_opening(long.as_bytes()), None);
        assert_eq!(find_opening(&long.as_bytes()[..long.len() - 5]), None);
    }

    #[test]
    fn an_opening_behind_a_false_start_on_its_line_is_found() {
        let text = format!("***(/**(x{OPEN}");
        assert_eq!(find_opening(text.as_bytes()), Some(Opening { at: 0, is_whole: true }));
        let text = format!("/**(x{OPEN}");
        assert_eq!(find_opening(text.as_bytes()), Some(Opening { at: 5, is_whole: true }));
        let text = format!("***({}{OPEN}", "x".repeat(MAX_LINE_BYTES));
        let at = text.len() - OPEN.len();
        assert_eq!(find_opening(text.as_bytes()), Some(Opening { at, is_whole: true }));
    }

    #[test]
    fn a_cursor_within_a_line_moves_the_lead() {
        let capture = format!("***(x {OPEN}select 1;\n{CLOSE}");
        let genuine = OPEN.trim_end().as_bytes();
        let question = question(capture.as_bytes(), false, Some(genuine)).expect("a question");
        assert_eq!(question.lead, 0..6);
        assert_eq!(&capture.as_bytes()[question.opening], genuine);
    }

    #[test]
    fn forged_lines_in_the_query_add_candidates() {
        let query = format!("delete from a where x = '\n{CLOSE}' or y = '\n{OPEN}select 1';");
        let capture = format!("{OPEN}{query}\n{CLOSE}");
        let rest = format!("' or y = '\n{OPEN}select 1';");
        let expected = vec![query.clone(), rest, "select 1';".into()];
        assert_eq!(texts(&capture, false, None), Some((0, expected.clone())));
        assert_eq!(texts(&capture, false, Some(OPEN)), Some((0, expected)));
    }

    #[test]
    fn an_opening_forged_before_the_real_one_hides_nothing() {
        let capture = format!("***(forged)***\nselect 1;\n{OPEN}delete from a;\n{CLOSE}");
        let (likely, all) = texts(&capture, false, None).expect("a question");
        assert_eq!((likely, all.len()), (0, 2));
        assert!(all[0].ends_with("delete from a;"), "{all:?}");
        let (likely, all) = texts(&capture, false, Some(OPEN)).expect("a question");
        assert_eq!(all[likely], "delete from a;");
    }

    #[test]
    fn only_a_closing_line_that_is_last_makes_a_question() {
        let asked = format!("{OPEN}select 1;\n{CLOSE}");
        assert!(texts(&asked, false, None).is_some());
        for after in ["x", "\n", " 1\n", "Password: "] {
            assert_eq!(texts(&format!("{asked}{after}"), false, None), None, "{after:?}");
        }
        assert_eq!(texts(&format!("{OPEN}select 1; {CLOSE}"), false, None), None);
        assert_eq!(texts(&format!("{OPEN}{CLOSE}"), false, None), None, "no query between them");
        let (newer, _) = PAIRS[4];
        assert_eq!(texts(&format!("{newer}select 1;\n{CLOSE}"), false, None), None);
    }

    #[test]
    fn a_flood_of_openings_is_bounded_and_said() {
        let capture = format!("{OPEN}{}{CLOSE}", "***(x)***\n".repeat(1_000_000));
        let question = question(capture.as_bytes(), false, None).expect("a question");
        assert!(question.is_flooded);
        assert_eq!(question.candidates.len(), MAX_CANDIDATES);
    }

    #[test]
    fn ten_megabytes_on_one_line_are_read_in_linear_time() {
        let query = "***(".repeat(2_500_000);
        let capture = on_terminal(&format!("{OPEN}{query}\n{CLOSE}"));
        let question = question(capture.as_bytes(), true, None).expect("a question");
        let read = text(capture.as_bytes(), question.candidates[0].clone(), true);
        assert_eq!(read.len(), query.len());
        assert_eq!(find_opening(query.as_bytes()).map(|found| found.is_whole), Some(false));
    }
}
