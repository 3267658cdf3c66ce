//! What must hold for any text whatever: reading it neither panics nor takes more than linear time.

use std::ops::Range;
use std::time::Duration;

use nightlatch::lang::Reading;

/// How long a text gets in which a part is repeated, in bytes.
const LONG: usize = 200_000;

/// How long reading that may take of the processor's time: at 3 MB/s it is 70 ms, and squared it is
/// minutes.
const SLOW: Duration = Duration::from_secs(4);

/// One in so many texts is read with a part of it repeated.
const SELDOM: usize = 128;

/// Reads a text; ends the process if something is wrong.
pub fn check(data: &[u8], read: fn(&str) -> Reading, split: fn(&str) -> Vec<Range<usize>>) {
    let text = String::from_utf8_lossy(data);
    for effect in read(&text).effects() {
        expect(text.get(effect.span.clone()).is_some(), || format!("not in the text: {effect:?}"));
    }
    let mut end = 0;
    for range in split(&text) {
        let is_next = range.start >= end && text.get(range.clone()).is_some();
        expect(is_next, || format!("{range:?} after {end}"));
        end = range.end;
    }
    let sum: usize = data.iter().map(|byte| usize::from(*byte)).sum();
    if sum % SELDOM == 0 && text.len() > 2 {
        let begin = busy();
        let long = repeated(&text, sum);
        read(&long);
        let took = busy() - begin;
        expect(took < SLOW, || format!("took {took:?}: {long:.300}"));
    }
}

/// Returns how long this thread has run.
fn busy() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = stat.split(' ').next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.unwrap_or_default())
}

fn expect(is_so: bool, otherwise: impl Fn() -> String) {
    if !is_so {
        eprintln!("{}", otherwise());
        std::process::abort();
    }
}

/// Repeats a part of a text, so that what is taken again and again shows.
fn repeated(text: &str, seed: usize) -> String {
    let place = |at: usize| text.floor_char_boundary(at % text.len());
    let (one, other) = (place(seed / SELDOM), place(seed / SELDOM / 7));
    let (start, end) = (one.min(other), one.max(other));
    let part = if start == end { text } else { &text[start..end] };
    format!("{}{}{}", &text[..start], part.repeat(LONG / part.len()), &text[end..])
}

/// Lets panics through only where they leave the reading: parsers check themselves with assertions,
/// and are caught.
pub fn quiet_panics() {
    std::panic::set_hook(Box::new(|_| {}));
}

/// Makes the fuzzer's entry of a reading and the splitting that goes with it.
#[macro_export]
macro_rules! target {
    ($read:expr, $split:expr) => {
        libfuzzer_sys::fuzz_target!(init: $crate::quiet_panics(), |data: &[u8]| {
            $crate::check(data, $read, $split);
        });
    };
}
