//! What was typed at the prompt beside statements: commands for the client itself.
//!
//! The log has no marks for them. A prompt is known by what stands before a statement that was
//! typed; a line that begins with the very same and goes on with a command is one.

use std::collections::BTreeSet;

use super::{Deed, Past, What, screen};

/// What stands before statements on the screen.
#[derive(Debug, Default)]
pub(in crate::cmd) struct Prompts {
    known: BTreeSet<String>,
}

impl Prompts {
    /// Learns the prompts of a session whose screens were read.
    pub(in crate::cmd) fn of(past: &Past) -> Self {
        let mut known = BTreeSet::new();
        for (_, deed) in past.deeds() {
            let Some(screens) = &deed.screens else { continue };
            let line = screens.before.lines().rev().find_map(|line| before(line, first_line(deed)));
            known.extend(line.map(str::to_owned));
        }
        Self { known }
    }

    /// Returns the commands that were typed on a stretch of the screen; `begin` is what each of
    /// them begins with.
    pub(in crate::cmd) fn commands<'a>(
        &'a self,
        screen: &'a str,
        begin: char,
    ) -> impl Iterator<Item = &'a str> {
        screen.lines().filter_map(move |line| {
            let typed = self.known.iter().find_map(|prompt| line.strip_prefix(prompt.as_str()))?;
            Some(typed.trim_end()).filter(|typed| typed.starts_with(begin))
        })
    }
}

/// Returns the screen before a statement without the lines in which it was typed.
pub(in crate::cmd) fn without_echo(deed: &Deed) -> &str {
    let Some(screens) = &deed.screens else { return "" };
    let first = first_line(deed);
    let mut at = 0;
    let mut end = screens.before.len();
    for line in screens.before.split_inclusive('\n') {
        // The last such line: what stands above it was printed.
        if !first.is_empty() && screen::shows(line, first) {
            end = at;
        }
        at += line.len();
    }
    &screens.before[..end]
}

/// Returns what a statement's line begins with.
fn before<'a>(line: &'a str, first: &str) -> Option<&'a str> {
    let prompt = &line[..line.find(first).filter(|_| !first.is_empty())?];
    let is_one = prompt.ends_with(' ') && !prompt.trim().is_empty();
    is_one.then_some(prompt)
}

fn first_line(deed: &Deed) -> &str {
    deed.text.trim().lines().next().unwrap_or_default().trim_end()
}

impl Past {
    /// Returns, in order, each stretch of the screen before a statement, with the statement; and
    /// the rest with none.
    pub(in crate::cmd) fn stretches(
        &self,
    ) -> impl Iterator<Item = (&str, Option<(jiff::Timestamp, &Deed)>)> {
        let deeds = self.things.iter().filter_map(|thing| match &thing.what {
            What::Statement(deed) => Some((without_echo(deed), Some((thing.at.wall, &**deed)))),
            What::Connected(_) | What::Gap(_) | What::Note(_) => None,
        });
        deeds.chain(std::iter::once((self.tail.as_str(), None)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_what_stands_before_the_statement() {
        assert_eq!(before("orders=*# select 1;", "select 1;"), Some("orders=*# "));
        assert_eq!(before("select 1;", "select 1;"), None);
        assert_eq!(before("x=>select 1;", "select 1;"), None, "no blank, no prompt");
        assert_eq!(before("orders=# ", ""), None);
    }

    #[test]
    fn only_lines_behind_a_known_prompt_are_commands() {
        let prompts = Prompts { known: ["orders=# ".to_owned()].into() };
        let screen =
            "orders=# \\d t\n orders=# \\x\nother=# \\x\norders=# select\norders=# \\c x  \n";
        let commands: Vec<_> = prompts.commands(screen, '\\').collect();
        assert_eq!(commands, ["\\d t", "\\c x"]);
    }
}
