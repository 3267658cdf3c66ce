//! `nightlatch reindex`: the history index again, from the logs.

use std::io::Write;

use super::recorded;
use crate::cli::ReindexArgs;
use crate::clock::Clock;
use crate::error::Error;
use crate::store::Store;
use crate::ui::table::View;
use crate::world::World;

/// Builds the index again; one that cannot be opened is replaced.
///
/// # Errors
///
/// If the index cannot be written or `out` fails.
pub fn run(
    _args: &ReindexArgs,
    world: &World,
    _clock: &Clock,
    out: &mut dyn Write,
    view: &mut View<'_>,
) -> Result<u8, Error> {
    let Some(data_dir) = recorded::any(world, view)? else { return Ok(0) };
    let rebuild = || Store::open(&data_dir)?.rebuild();
    let indexed = rebuild().or_else(|error| {
        if !error.is_damage() {
            return Err(error);
        }
        Store::remove(&data_dir)?;
        rebuild()
    });
    let indexed = indexed.map_err(|error| recorded::index_error(error, &data_dir))?;
    recorded::report(&indexed, view);
    let (sessions, statements) = (indexed.sessions, indexed.statements);
    writeln!(out, "Indexed {statements} statements of {sessions} sessions.")
        .map_err(recorded::write_error)?;
    Ok(0)
}
