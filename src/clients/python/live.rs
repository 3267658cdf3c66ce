//! A statement of a running Python, read with what its process tells of the names in it.

use std::collections::BTreeSet;

use super::draft;
use crate::clients::ReadStatement;
use crate::lang::{Reading, python};
use crate::tap::Statement;

/// Reads each statement by itself: the process tells what the names in it are.
#[derive(Debug, Default)]
pub struct Live {
    /// Temporary tables that statements so far have made in SQL: what is done to one of their names the
    /// tap is asked about, which knows what the name means then.
    made: BTreeSet<String>,
}

impl ReadStatement for Live {
    fn read(&mut self, statement: &Statement) -> Reading {
        let nothing = Reading::Understood(Vec::new());
        let Some(text) = &statement.text else { return nothing };
        self.made.extend(temporary_tables(text));
        // Without a driver there is no database to lose anything in, unless this very text brings
        // one.
        let may_reach = !statement.drivers.is_empty() || text.contains("import");
        if statement.is_script() || !may_reach {
            return nothing;
        }
        let reading = python::read_with(text, &statement.types);
        match reading {
            // A loop over files is the session's concern where it has reached a database. Else their
            // folder's: the guard tells which before anything is removed.
            Reading::Understood(mut effects) => {
                effects.retain(|effect| {
                    if effect.only_table().is_some_and(|table| self.made.contains(table)) {
                        return false;
                    }
                    if !effect.looped && effect.phrase.starts_with(python::UNFINISHED) {
                        return false;
                    }
                    let is_of_session = effect.looped && !statement.drivers.is_empty();
                    is_of_session || effect.object.as_deref() != Some(python::FILES)
                });
                Reading::Understood(effects)
            }
            reading @ Reading::Unclear { .. } => reading,
        }
    }

    fn typed(&self, screen: &str) -> Option<String> {
        draft::typed(screen)
    }
}

/// Returns the names of temporary tables that SQL in a text of Python makes.
fn temporary_tables(text: &str) -> Vec<String> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let words: Vec<&str> = text.split(|c| !is_word(c)).filter(|word| !word.is_empty()).collect();
    let is = |at: usize, list: &[&str]| {
        words.get(at).is_some_and(|word| list.iter().any(|one| word.eq_ignore_ascii_case(one)))
    };
    let made = |at: usize| {
        let at = if is(at + 1, &["global", "local"]) { at + 2 } else { at + 1 };
        if !is(at, &["temp", "temporary"]) || !is(at + 1, &["table"]) {
            return None;
        }
        let name = words.get(if is(at + 2, &["if"]) { at + 5 } else { at + 2 })?;
        Some(name.to_ascii_lowercase())
    };
    (0..words.len()).filter(|&at| is(at, &["create"])).filter_map(made).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effects(text: &str, how: &str, drivers: &[&str]) -> usize {
        let statement = Statement {
            text: Some(text.to_owned()),
            how: how.to_owned(),
            drivers: drivers.iter().map(|&name| name.to_owned()).collect(),
            ..Statement::default()
        };
        Live::default().read(&statement).effects().len()
    }

    #[test]
    fn what_the_source_leaves_open_is_for_the_tap_unless_it_is_a_loop() {
        for (text, expected) in [
            ("cur.execute('delete from families %s' % w)", 0),
            ("cur.execute('update families set a = 2 ' + w)", 0),
            ("for w in ws: cur.execute('update families set a = 2 ' + w)", 1),
            ("cur.execute('delete from families where id = %s' % w)", 1),
            ("cur.execute('delete from families')", 1),
            ("c.execute('create temp table t (a)'); c.execute('delete from t')", 0),
            (
                "c.execute('CREATE LOCAL TEMPORARY TABLE IF NOT EXISTS T ()')
for n in ns: c.execute('delete from t where a = %s', (n,))",
                0,
            ),
            ("c.execute('create temp table t (a)'); c.execute('delete from u')", 1),
        ] {
            assert_eq!(effects(text, "readline", &["postgres"]), expected, "{text}");
        }
    }

    #[test]
    fn only_what_can_reach_a_database_counts() {
        let text = "for x in xs: x.delete()";
        assert_eq!(effects(text, "readline", &[]), 0);
        assert_eq!(effects(text, "readline", &["mongodb"]), 1);
        assert_eq!(effects("import app\nfor x in app.xs: x.delete()", "compile", &[]), 1);
        assert_eq!(effects("import app\nfor x in app.xs: x.delete()", "file", &["sqlite"]), 0);
        assert_eq!(effects("import shutil; shutil.rmtree('x')", "compile", &[]), 0);
        assert_eq!(effects("import shutil; shutil.rmtree('x')", "compile", &["sqlite"]), 0);
        assert_eq!(effects("import os; [os.remove(x) for x in xs]", "compile", &["sqlite"]), 1);
        assert_eq!(Live::default().read(&Statement::default()), Reading::Understood(Vec::new()));
    }
}
