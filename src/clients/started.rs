//! Clients that a program starts, and nobody guards: where their command lines go, and what they say.

use super::known::{decider, reader};
use crate::lang::Reading;
use crate::tap::Started;
use crate::target::{Decided, Known};
use crate::world::World;

/// So many letters may stand before a text: more make a word of it.
const MOST_OPTIONS: usize = 8;

/// Decides where a client goes that was started in the world of the program; none where nobody knows how
/// its command line is read.
#[must_use]
pub fn place(started: &Started, world: &World, known: &Known<'_>) -> Option<Decided> {
    let (name, args) = started.argv.split_first()?;
    let decide = decider(match name.as_str() {
        "dropdb" | "dropuser" => "psql",
        "mysqladmin" | "mariadb-admin" => "mysql",
        name => name,
    })?;
    let mut world = world.clone();
    world.vars.extend(started.vars.iter().map(|(name, value)| (name.into(), value.into())));
    world.cwd = world.cwd.join(&started.folder);
    decide(args, &world, known).ok()?.into_iter().next()
}

/// Reads the texts on its command line; none where they say nothing.
#[must_use]
pub fn reading(started: &Started) -> Option<Reading> {
    let (name, args) = started.argv.split_first()?;
    let read = reader(name)?;
    let texts =
        args.iter().flat_map(|arg| texts(arg)).filter(|text| text.contains([' ', '\n', '(']));
    let effects: Vec<_> = texts.flat_map(|text| read(text).effects().to_vec()).collect();
    (!effects.is_empty()).then_some(Reading::Understood(effects))
}

/// Returns what an argument may say behind its option: `--eval=…`, `-c…`, `-Atqc…`.
fn texts(arg: &str) -> Vec<&str> {
    let long = arg.strip_prefix("--").and_then(|arg| arg.split_once('='));
    let Some(short) = arg.strip_prefix('-').filter(|_| long.is_none()) else {
        return vec![long.map_or(arg, |(_, text)| text)];
    };
    let options = short.bytes().take_while(u8::is_ascii_alphabetic).count();
    (0..options.min(MOST_OPTIONS)).map(|at| &short[at + 1..]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Tier;

    fn started(line: &[&str]) -> Started {
        let argv = line.iter().map(|&word| word.to_owned()).collect();
        let vars = [("PGHOST".to_owned(), "db.prod.example.com".to_owned())].into();
        Started { argv, vars, folder: "/srv".to_owned() }
    }

    #[test]
    fn a_client_goes_where_its_own_command_line_says() {
        for (line, expected) in [
            (&["psql", "-h", "localhost", "orders"][..], Some(Tier::Development)),
            (&["psql", "orders"], Some(Tier::Production)),
            (&["dropdb", "orders"], Some(Tier::Production)),
            (&["psql", "--no-such-option"], None),
            (&["mysql", "-hdb1.prod.example.com", "orders"], Some(Tier::Production)),
            (&["redis-cli", "flushall"], Some(Tier::Development)),
            (&["mongosh", "mongodb://db1.prod.example.com/app"], Some(Tier::Production)),
            (&["sqlcmd"], None),
            (&[], None),
        ] {
            let decided = place(&started(line), &World::default(), &Known::default());
            assert_eq!(decided.map(|decided| decided.target.tier), expected, "{line:?}");
        }
    }

    #[test]
    fn the_texts_on_it_are_read_in_its_own_language() {
        for (line, expected) in [
            (&["psql", "-h", "a", "-c", "delete from t"][..], 1),
            (&["psql", "-cdelete from t"], 1),
            (&["psql", "-Atqcdelete from t"], 1),
            (&["mysql", "-Bedelete from t"], 1),
            (&["psql", "-Atqcselect 1"], 0),
            (&["psql", "--command=drop table t"], 1),
            (&["psql", "host=a dbname=b", "-c", "select 1"], 0),
            (&["mysql", "-e", "delete from `t`"], 1),
            (&["sqlite3", "a.db", "delete from t"], 1),
            (&["mongosh", "--eval", "db.t.deleteMany({})"], 1),
            (&["redis-cli", "del", "a b"], 0),
        ] {
            let destroys = |reading: Reading| {
                reading.effects().iter().filter(|effect| effect.destroys()).count()
            };
            assert_eq!(reading(&started(line)).map_or(0, destroys), expected, "{line:?}");
        }
    }
}
