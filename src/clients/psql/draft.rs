//! psql's prompts on a screen, where no guard tells what is typed: in a psql that another program
//! starts elsewhere.
#![forbid(unsafe_code)]

use super::text;
use crate::clients::ReadStatement;
use crate::clients::draft::{self, unspaced};
use crate::lang::Reading;
use crate::tap::Statement;

/// What stands behind the database's name in psql's own prompts, where a statement begins and where it
/// goes on: in a statement, a comment, a string, a name, a dollar string, brackets.
const BEGINS: &[char] = &['=', '^', '!'];
const GOES_ON: &[char] = &['-', '*', '\'', '"', '$', '('];

/// What tells that a transaction is open, has failed, or may be either.
const TRANSACTION: &[char] = &['*', '!', '?'];

/// What ends a prompt, of a superuser and of others.
const ENDS: &[char] = &['#', '>'];

/// Reads what is typed at psql's prompts.
#[derive(Debug)]
pub(super) struct Drafts;

impl ReadStatement for Drafts {
    fn read(&mut self, statement: &Statement) -> Reading {
        text::read(statement.text.as_deref().unwrap_or_default())
    }

    fn typed(&self, screen: &str) -> Option<String> {
        draft::typed(screen, |line| prompt(line, BEGINS), |line| prompt(line, GOES_ON))
    }

    /// A statement goes to the server once it has its end; a meta command ends with its line.
    fn is_submitted(&self, text: &str) -> bool {
        text.contains([';', '\\'])
    }
}

/// Returns what stands behind a prompt with one of these signs.
fn prompt<'a>(line: &'a str, signs: &[char]) -> Option<&'a str> {
    let end = line.find(ENDS)?;
    let (before, text) = line.split_at(end);
    let before = match before.strip_suffix(TRANSACTION) {
        // `*` alone stands for a comment.
        Some(rest) if rest.ends_with(BEGINS) || rest.ends_with(GOES_ON) => rest,
        Some(_) | None => before,
    };
    let name = before.strip_suffix(signs)?;
    let is_name = !name.is_empty() && !name.contains(char::is_whitespace);
    is_name.then(|| unspaced(&text[1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::draft::tests::check;

    #[test]
    fn the_last_statement_counts() {
        let screens = [
            ("", None),
            ("psql (15.18)\nType \"help\" for help.\n\norders=#", None),
            ("orders=# delete from families;", Some("delete from families;")),
            ("orders=> \\c other", Some("\\c other")),
            ("orders=>pasted;", Some("pasted;")),
            ("orders=*# delete from families;", Some("delete from families;")),
            ("orders=!# rollback;", Some("rollback;")),
            ("orders=# delete from families", Some("delete from families")),
            (
                "orders=# delete from families\norders-# where id = 5;",
                Some("delete from families\nwhere id = 5;"),
            ),
            (
                "orders=*# insert into t values ('a\norders'*# b', (\norders(*# 1));",
                Some("insert into t values ('a\nb', (\n1));"),
            ),
            (
                "orders=# select 1;\n ?column?\n----------\n 1\norders=# drop table t;",
                Some("drop table t;"),
            ),
            ("orders=# select 1;\n ?column?\n----------\n", None),
            ("a <> b; -- not a prompt", None),
            ("[sudo] password for me: x;", None),
        ];
        let typed: fn(&str) -> Option<String> = |screen| Drafts.typed(screen);
        check(typed, &screens);
    }

    #[test]
    fn a_line_without_an_end_is_not_handed_over() {
        assert!(!Drafts.is_submitted("delete from families"));
        assert!(Drafts.is_submitted("delete from families;"));
        assert!(Drafts.is_submitted("delete from families \\g"));
    }
}
