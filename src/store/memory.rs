//! All statements in memory, each once and folded to lower case: for searching with every key.
//!
//! The text index is good at what is rare; a person who has typed two letters, or who wants each
//! statement only once, asks for what is common. Going through some ten million letters is faster.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, RandomState};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use memchr::memmem;
use rusqlite::{Connection, OptionalExtension};

use super::query::Filter;
use super::terms::Terms;

/// Most text that is kept, in bytes; what is older is not.
const MOST_BYTES: usize = 256 << 20;

/// Statements that are looked at to tell which word is the rarest.
const SAMPLE: usize = 256;

/// With fewer bits set than this, too many texts have them all: going through the letters is faster.
const FEW_BITS: u32 = 2;

/// For statements that were never held, or never failed.
const NEVER: i64 = i64::MIN;

/// The statements of an index as it was when they were read.
#[derive(Debug, Default)]
pub struct Memory {
    /// All texts, one after the other.
    text: Vec<u8>,
    /// In the order of their newest use, newest first.
    statements: Vec<Kept>,
    /// Which letters in a row each of them has: see [`signature`].
    signatures: Vec<u128>,
    /// Those of them that were held, the last one held first.
    held: Vec<u32>,
    /// Those of them that failed, the last one failed first.
    failed: Vec<u32>,
    targets: HashMap<i64, String>,
    is_whole: bool,
    /// The last search that went through everything.
    last: Mutex<Option<Answer>>,
}

/// All that a search has found.
#[derive(Debug)]
struct Answer {
    terms: Terms,
    target_name: Option<String>,
    indexes: Arc<Vec<usize>>,
}

/// One text on one target.
#[derive(Debug, Clone, Copy)]
struct Kept {
    /// Where its text starts; it ends where the next one starts.
    start: usize,
    target: i64,
    /// The id of the newest statement.
    newest: i64,
    /// That of the newest one that was held.
    held: i64,
    /// That of the newest one that failed.
    failed: i64,
}

/// Reads all statements.
pub(super) fn read(connection: &Connection) -> rusqlite::Result<Memory> {
    let mut memory = Memory { is_whole: true, ..Memory::default() };
    let mut targets = connection.prepare("SELECT id, name FROM targets")?;
    let rows = targets.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    memory.targets = rows.collect::<rusqlite::Result<_>>()?;
    let mut select = connection.prepare(
        "SELECT id, text, target, verdict = 'hold', error IS NOT NULL FROM statements
         ORDER BY id DESC",
    )?;
    let hasher = RandomState::new();
    // By their hash: that two texts share one is less likely than that the disk lies.
    let mut known: HashMap<u64, usize> = HashMap::new();
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let text = row.get_ref(1)?.as_str()?;
        let target: i64 = row.get(2)?;
        let index = match known.entry(hasher.hash_one((text, target))) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(_) if memory.text.len() + text.len() > MOST_BYTES => {
                memory.is_whole = false;
                break;
            }
            Entry::Vacant(new) => {
                let start = memory.text.len();
                memory.keep(text);
                let kept = Kept { start, target, newest: id, held: NEVER, failed: NEVER };
                memory.statements.push(kept);
                *new.insert(memory.statements.len() - 1)
            }
        };
        let kept = &mut memory.statements[index];
        if row.get(3)? {
            kept.held = kept.held.max(id);
        }
        if row.get(4)? {
            kept.failed = kept.failed.max(id);
        }
    }
    memory.held = memory.sorted(|kept| kept.held);
    memory.failed = memory.sorted(|kept| kept.failed);
    Ok(memory)
}

impl Memory {
    /// Says whether what statements say can be answered from here as the index would.
    #[must_use]
    pub(super) fn knows(&self, filter: &Filter) -> bool {
        let Filter {
            terms: _,
            is_in_output: _,
            client,
            tier,
            target,
            target_name: _,
            session,
            since,
            until,
            is_held,
            is_failed,
            limit,
        } = filter;
        let is_bare = client.is_none()
            && tier.is_none()
            && target.is_none()
            && session.is_none()
            && since.is_none()
            && until.is_none()
            && limit.is_none();
        self.is_whole && is_bare && !(*is_held && *is_failed)
    }

    /// Shows the ids of the statements that a filter lets through, newest first.
    pub(super) fn visit(
        &self,
        filter: &Filter,
        visitor: &mut dyn FnMut(i64) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let targets = filter.target_name.as_ref().map(|name| self.targets_of(name));
        let words = self.by_rarity(filter);
        let bits = words.iter().fold(0, |bits, word| bits | signature(word.needle()));
        let is_match = |index: usize| {
            self.signatures[index] & bits == bits
                && targets.as_ref().is_none_or(|of| of.contains(&self.statements[index].target))
                && self.has(index, &words)
        };
        let listed = match (filter.is_held, filter.is_failed) {
            (true, _) => Some(&self.held),
            (_, true) => Some(&self.failed),
            (false, false) => None,
        };
        if let Some(listed) = listed {
            for index in listed.iter().map(|&index| index as usize).filter(|&at| is_match(at)) {
                let kept = &self.statements[index];
                visitor(if filter.is_held { kept.held } else { kept.failed })?;
            }
            return ControlFlow::Continue(());
        }
        let mut indexes = Vec::new();
        let mut visit = |index: usize| {
            indexes.push(index);
            visitor(self.statements[index].newest)
        };
        if let Some(known) = self.answer(filter) {
            known.iter().filter(|&&index| is_match(index)).try_for_each(|&index| visit(index))?;
        } else if let Some(rarest) = words.first().filter(|_| bits.count_ones() < FEW_BITS) {
            self.with(rarest).filter(|&index| is_match(index)).try_for_each(visit)?;
        } else {
            (0..self.statements.len()).filter(|&index| is_match(index)).try_for_each(visit)?;
        }
        let (terms, target_name) = (filter.terms.clone(), filter.target_name.clone());
        *self.last() = Some(Answer { terms, target_name, indexes: Arc::new(indexes) });
        ControlFlow::Continue(())
    }

    /// Goes through the statements that have a word.
    fn with(&self, word: &memmem::Finder<'_>) -> impl Iterator<Item = usize> {
        let mut from = 0;
        let mut index = 0;
        std::iter::from_fn(move || {
            loop {
                let at = from + word.find(&self.text[from..])?;
                index = self.index_of(at, index);
                let end = self.end(index);
                // It may begin in one text and end in the next.
                let is_inside = at + word.needle().len() <= end;
                from = if is_inside { end } else { at + 1 };
                if is_inside {
                    return Some(index);
                }
            }
        })
    }

    /// Returns the targets of a name.
    fn targets_of(&self, name: &str) -> Vec<i64> {
        self.targets.iter().filter(|(_, of)| *of == name).map(|(id, _)| *id).collect()
    }

    /// Returns a search's answer that has all that a filter lets through: a person who types on
    /// asks for less with every key.
    fn answer(&self, filter: &Filter) -> Option<Arc<Vec<usize>>> {
        let last = self.last();
        let answer = last.as_ref()?;
        let is_part =
            filter.target_name == answer.target_name && filter.terms.narrows(&answer.terms);
        is_part.then(|| Arc::clone(&answer.indexes))
    }

    fn last(&self) -> MutexGuard<'_, Option<Answer>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&mut self, text: &str) {
        let start = self.text.len();
        if text.is_ascii() {
            self.text.extend_from_slice(text.as_bytes());
            self.text[start..].make_ascii_lowercase();
        } else {
            self.text.extend_from_slice(text.to_lowercase().as_bytes());
        }
        self.signatures.push(signature(&self.text[start..]));
    }

    /// Returns the statements that have a time of a kind, the last one first.
    fn sorted(&self, time: impl Fn(&Kept) -> i64) -> Vec<u32> {
        let indexes = 0..u32::try_from(self.statements.len()).unwrap_or(u32::MAX);
        let time = |index: &u32| time(&self.statements[*index as usize]);
        let mut sorted: Vec<u32> = indexes.filter(|index| time(index) != NEVER).collect();
        sorted.sort_unstable_by_key(|index| std::cmp::Reverse(time(index)));
        sorted
    }

    /// Returns the words, the rarest first.
    fn by_rarity<'a>(&self, filter: &'a Filter) -> Vec<memmem::Finder<'a>> {
        let step = self.statements.len() / SAMPLE + 1;
        let share = |word: &memmem::Finder<'_>| {
            let sample = (0..self.statements.len()).step_by(step);
            sample.filter(|index| word.find(self.text(*index)).is_some()).count()
        };
        let mut words: Vec<memmem::Finder<'a>> =
            filter.terms.words().map(memmem::Finder::new).collect();
        words.sort_by_cached_key(share);
        words
    }

    fn has(&self, index: usize, words: &[memmem::Finder<'_>]) -> bool {
        let text = self.text(index);
        words.iter().all(|word| word.find(text).is_some())
    }

    fn text(&self, index: usize) -> &[u8] {
        &self.text[self.statements[index].start..self.end(index)]
    }

    fn end(&self, index: usize) -> usize {
        self.statements.get(index + 1).map_or(self.text.len(), |next| next.start)
    }

    /// Returns whose text a place is in; `from` is one that is not behind it.
    fn index_of(&self, place: usize, from: usize) -> usize {
        let mut step = 1;
        let mut low = from;
        // Most are near: steps double until the place is passed.
        while self.statements.get(low + step).is_some_and(|kept| kept.start <= place) {
            low += step;
            step *= 2;
        }
        let high = (low + step).min(self.statements.len());
        low + self.statements[low..high].partition_point(|kept| kept.start <= place) - 1
    }
}

/// Returns a bit for each three letters in a row: a text that lacks one of a word's lacks the word.
/// So most texts are ruled out by 16 bytes that lie one behind the other.
fn signature(text: &[u8]) -> u128 {
    let bit = |part: &[u8]| {
        let letters = u32::from_le_bytes([part[0], part[1], part[2], 0]);
        // Any odd number with bits all over spreads them; the highest seven are the best of it.
        letters.wrapping_mul(0x9e37_79b1) >> 25
    };
    text.windows(3).fold(0, |bits, part| bits | 1 << bit(part))
}

/// Returns one statement; none if it is no longer there.
pub(super) fn one(connection: &Connection, id: i64) -> rusqlite::Result<Option<super::Statement>> {
    let sql = super::query::one_sql();
    connection.prepare_cached(&sql)?.query_row([id], super::query::statement).optional()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use crate::clock::Clock;
    use crate::record::{Header, Marker, Recorder};
    use crate::store::store_test::{statement, target};
    use crate::store::{Filter, Memory, Statement, Store, Terms};
    use crate::target::Tier;

    /// An index of statements as people have them: many more than once, some held, some failed.
    fn store(texts: &[(String, bool, bool)]) -> (tempfile::TempDir, Store) {
        let data = tempfile::tempdir().unwrap();
        let clock = Clock::starting_at("2026-11-20T06:00:00Z".parse().unwrap());
        let header = Header { client: "psql".into(), pid: u32::MAX, ..Header::default() };
        let mut recorder = Recorder::start(data.path(), &header, clock).unwrap();
        for (n, (text, is_held, has_failed)) in (1..).zip(texts) {
            let verdict = if *is_held { "hold" } else { "allow" };
            let name = if n % 3 == 0 { "orders-prod" } else { "billing" };
            let target = target(Tier::Staging, Some(name));
            recorder.marker(statement(n, "2026-11-20T06:00:00Z", text, verdict, target));
            // What another one says.
            recorder.output(texts[n as usize * 7 % texts.len()].0.as_bytes());
            let error = has_failed.then(|| "42P01".to_owned());
            recorder.marker(Marker::outcome(n, None, None, error));
        }
        recorder.finish(0);
        let mut store = Store::open(data.path()).unwrap();
        store.update().unwrap();
        (data, store)
    }

    /// The newest of each text and target, in the order of time.
    fn once(found: Vec<Statement>) -> Vec<u64> {
        let mut seen = HashSet::new();
        let new = |found: &Statement| seen.insert((found.text.clone(), found.target.clone()));
        found.into_iter().filter(new).map(|found| found.n).collect()
    }

    fn ask(store: &Store, memory: Option<&Memory>, filter: &Filter) -> Vec<u64> {
        let mut found = Vec::new();
        let mut visitor = |statement| {
            found.push(statement);
            std::ops::ControlFlow::Continue(())
        };
        if let Some(memory) = memory {
            assert!(memory.knows(filter));
            store.visit_with(memory, filter, &mut visitor).unwrap();
            let all = found.len();
            let once = once(found);
            assert!(filter.is_in_output || once.len() == all, "each once");
            return once;
        }
        store.visit(filter, &mut visitor).unwrap();
        once(found)
    }

    #[test]
    fn an_empty_index_is_empty_in_memory() {
        let (_data, store) = store(&[]);
        let memory = store.memory().unwrap();
        for typed in ["", "x"] {
            let filter = Filter { terms: Terms::new(typed), ..Filter::default() };
            assert!(ask(&store, Some(&memory), &filter).is_empty());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn memory_answers_as_the_index_does(
            texts in proptest::collection::vec(("[ab\\\\.é ]{0,6}", any::<bool>(), any::<bool>()), 1..40),
            queries in proptest::collection::vec("[abB\\\\.É ]{0,4}", 6),
        ) {
            let (_data, store) = store(&texts);
            let memory = store.memory().unwrap();
            // As they are typed, so that an answer is part of the one before.
            let typed: Vec<&str> = queries
                .iter()
                .flat_map(|query| {
                    query.char_indices().map(|(at, letter)| &query[..at + letter.len_utf8()])
                })
                .collect();
            for (is_held, is_failed, name) in [
                (false, false, None),
                (true, false, None),
                (false, true, Some("billing")),
                (false, false, Some("orders-prod")),
            ] {
                for typed in &typed {
                    let terms = Terms::new(typed);
                    let target_name = name.map(str::to_owned);
                    let mut filter =
                        Filter { terms, is_held, is_failed, target_name, ..Filter::default() };
                    for is_in_output in [false, true] {
                        filter.is_in_output = is_in_output;
                        let by_memory = ask(&store, Some(&memory), &filter);
                        prop_assert_eq!(by_memory, ask(&store, None, &filter), "{:?}", filter);
                    }
                }
            }
        }
    }
}
