//! Long texts, read on several threads.

/// From what length on a text is a script: in a shorter one a typo is worth a parser's time.
pub(super) const SCRIPT_BYTES: usize = 4_000;

/// From what length on a text is read on several threads: it takes a millisecond on one.
pub(super) const LONG_BYTES: usize = 20_000;

/// How many threads read a long text, and how many statements each takes in turn.
const THREADS: usize = 4;
const IN_TURN: usize = 64;

/// Reads pieces of a text of so many bytes; of a long one on several threads.
///
/// What a thread knows of the pieces before begins with `new`.
pub(super) fn in_turns<T: Sync, R: Send, K>(
    pieces: &[T],
    bytes: usize,
    new: impl Fn() -> K + Sync,
    read: impl Fn(&T, &mut K) -> R + Sync,
) -> Vec<R> {
    let threads = match bytes >= LONG_BYTES {
        true => pieces.len().div_ceil(IN_TURN).clamp(1, THREADS),
        false => 1,
    };
    let share = |turn: usize| {
        let mut known = new();
        let turns = pieces.chunks(IN_TURN).skip(turn).step_by(threads);
        let mut read = |turn: &[T]| turn.iter().map(|piece| read(piece, &mut known)).collect();
        turns.map(&mut read).collect::<Vec<Vec<R>>>()
    };
    let mut shares: Vec<_> = std::thread::scope(|scope| {
        let begin = |turn| {
            let builder = std::thread::Builder::new().name("sql".into());
            (turn, builder.spawn_scoped(scope, move || share(turn)).ok())
        };
        let others: Vec<_> = (1..threads).map(begin).collect();
        let own = share(0);
        // Where there is no thread to be had, this one does it.
        let rest = others.into_iter().map(|(turn, thread)| {
            thread.and_then(|thread| thread.join().ok()).unwrap_or_else(|| share(turn))
        });
        std::iter::once(own).chain(rest).map(Vec::into_iter).collect()
    });
    (0..threads).cycle().map_while(|turn| shares[turn].next()).flatten().collect()
}
