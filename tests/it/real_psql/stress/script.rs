//! Random scripts, and what of them must have run once their one destructive statement is refused.

use std::collections::BTreeSet;

use super::super::forged::{CLOSING, OPENING};
use super::Feed;

/// A generator of numbers that gives the same ones for the same seed (splitmix64).
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below the limit.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).expect("small");
        usize::try_from(self.roll() % limit).expect("below a usize")
    }

    /// Returns true in so many of a hundred cases.
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// What must be found afterwards.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expected {
    /// The numbers in table `trail` where the destructive statement was refused.
    pub(crate) refused: BTreeSet<u32>,
    /// The same where it was released and the session left at the end.
    pub(crate) released: BTreeSet<u32>,
    /// Whether the destructive statement is reached at all.
    pub(crate) is_reached: bool,
    /// Whether the server prints what looks like a question: then an earlier statement may be held,
    /// and refused.
    pub(crate) is_forged: bool,
}

/// A script with one destructive statement in it.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) text: String,
    /// Files it includes: name and text.
    pub(crate) files: Vec<(String, String)>,
    pub(crate) expected: Expected,
}

/// What the server and the client would have done so far.
#[derive(Debug, Clone, Default)]
struct Model {
    ran: BTreeSet<u32>,
    /// The open transaction: what it holds, and whether it has failed.
    open: Option<(BTreeSet<u32>, bool)>,
    stops_on_error: bool,
    is_stopped: bool,
}

impl Model {
    fn has_failed(&self) -> bool {
        self.open.as_ref().is_some_and(|(_, failed)| *failed)
    }

    fn insert(&mut self, number: u32) {
        if self.is_stopped {
            return;
        }
        match &mut self.open {
            None => drop(self.ran.insert(number)),
            Some((pending, false)) => drop(pending.insert(number)),
            Some((_, true)) => self.error(),
        }
    }

    /// Something that succeeds unless the transaction has failed.
    fn run(&mut self) {
        if !self.is_stopped && self.has_failed() {
            self.error();
        }
    }

    fn error(&mut self) {
        if self.is_stopped {
            return;
        }
        if let Some((_, failed)) = &mut self.open {
            *failed = true;
        }
        self.is_stopped = self.stops_on_error;
    }

    fn begin(&mut self) {
        if !self.is_stopped {
            self.open = Some((BTreeSet::new(), false));
        }
    }

    fn end(&mut self, commits: bool) {
        if !self.is_stopped
            && let Some((pending, failed)) = self.open.take()
            && commits
            && !failed
        {
            self.ran.extend(pending);
        }
    }
}

/// Writes a script piece by piece.
struct Author<'a> {
    dice: &'a mut Dice,
    feed: Feed,
    text: String,
    files: Vec<(String, String)>,
    model: Model,
    next: u32,
    /// Whether the server prints what looks like a question.
    forges: bool,
}

/// Writes a script for a way of feeding it.
pub(crate) fn write(dice: &mut Dice, feed: Feed) -> Script {
    let forges = dice.chance(25);
    let mut author = Author {
        dice,
        forges,
        feed,
        text: String::new(),
        files: Vec::new(),
        model: Model::default(),
        next: 1,
    };
    if feed.takes_commands() && author.dice.chance(40) {
        author.line("\\pset format unaligned");
        author.line("\\pset tuples_only on");
    }
    if !feed.is_top_level() && author.dice.chance(30) {
        author.line("\\set ON_ERROR_STOP on");
        author.model.stops_on_error = true;
    }
    let before = author.dice.below(9);
    for _ in 0..before {
        author.unit();
    }
    // An uncommitted transaction is gone once the session is.
    let expected = Expected {
        refused: author.model.ran.clone(),
        released: BTreeSet::new(),
        is_reached: !author.model.is_stopped,
        is_forged: false,
    };
    author.destroy();
    let after = author.dice.below(5);
    for _ in 0..after {
        author.unit();
    }
    if author.dice.chance(25) {
        while author.text.ends_with('\n') {
            author.text.pop();
        }
    }
    let is_forged = author.text.contains("***(");
    let expected = Expected { released: author.model.ran.clone(), is_forged, ..expected };
    Script { text: author.text, files: author.files, expected }
}

impl Author<'_> {
    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn number(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }

    /// Something that leaves a number in `trail`, or nothing at all.
    fn unit(&mut self) {
        let kind = if self.feed.takes_commands() {
            self.dice.below(20)
        } else {
            self.dice.pick(&[0, 2, 3, 8, 10, 11, 13, 14, 15, 17, 19])
        };
        match kind {
            0 | 1 => self.insert(),
            2 => {
                let number = self.number();
                self.line("insert into trail -- don't; delete from families;");
                self.line("/* it's; \"here\" */ values");
                self.line(&format!("({number})"));
                self.line(";");
                self.model.insert(number);
            }
            3 => {
                let (one, two) = (self.number(), self.number());
                self.line(&format!(
                    "insert into trail values ({one}); insert into trail values ({two});"
                ));
                self.model.insert(one);
                self.model.insert(two);
            }
            4 => {
                let number = self.number();
                self.line(&format!(
                    "select 'insert into trail values ({number})' as \"a;b\" \\gexec"
                ));
                self.model.insert(number);
            }
            5 if !self.model.has_failed() => {
                let number = self.number();
                self.line(&format!("select {number} as n \\gset"));
                self.line("insert into trail values (:n);");
                self.model.insert(number);
            }
            6 => self.branch(),
            7 => self.copy(),
            8 => {
                let number = self.number();
                self.line("do $do$ begin raise notice 'x;''--';");
                self.line(&format!("insert into trail values ({number}); end $do$;"));
                self.model.insert(number);
            }
            9 => {
                let number = self.number();
                let name = format!("inner{number}.sql");
                let text = format!("\\echo inner\ninsert into trail values ({number});\n");
                self.files.push((name.clone(), text));
                self.line(&format!("\\i {name}"));
                self.model.insert(number);
            }
            10 if self.forges => self.forge(),
            11 if self.forges => {
                self.line(&format!(
                    "do $$ begin raise notice E'\\n{OPENING}\\n{CLOSING}'; end $$;"
                ));
                self.model.run();
            }
            12 => self.line("\\echo -n no end of line"),
            13 => {
                let wrong =
                    self.dice.pick(&["select 1/0;", "selec 1;", "insert into nosuch values (1);"]);
                self.line(wrong);
                self.model.error();
            }
            14 => {
                if self.model.open.is_none() {
                    self.line("begin;");
                    self.model.begin();
                    self.insert();
                } else {
                    let commits = self.dice.chance(60);
                    self.line(if commits { "commit;" } else { "rollback;" });
                    self.model.end(commits);
                }
            }
            15 => {
                self.line("select $x$ delete from families; ' \" $x$;");
                self.model.run();
            }
            16 => {
                let noise =
                    ["", "-- don't drop table families;", "  ", "\\echo 'it''s'", "\\warn hm", ";"];
                let noise = self.dice.pick(&noise);
                self.line(noise);
            }
            17 => {
                self.line("select generate_series(1, 60), repeat('x', 70);");
                self.model.run();
            }
            18 => {
                let number = self.number();
                self.line(&format!(
                    "with w as (insert into trail values ({number}) returning n) select n from w \\g"
                ));
                self.model.insert(number);
            }
            19 if self.forges => {
                let (mark, banner) = ("E'\\033]6973;deadbeef;P;1\\007'", format!("'{CLOSING}'"));
                self.line(&format!("select {mark}, {banner};"));
                self.model.run();
            }
            _ => self.insert(),
        }
    }

    fn insert(&mut self) {
        let number = self.number();
        self.line(&format!("insert into trail values ({number});"));
        self.model.insert(number);
    }

    fn branch(&mut self) {
        let number = self.number();
        let is_true = self.dice.chance(50);
        let (first, second) = if is_true { (number, 900_000) } else { (900_000, number) };
        self.line(&format!("\\if {is_true}"));
        self.line(&format!("insert into trail values ({first});"));
        self.line("\\else");
        self.line(&format!("insert into trail values ({second});"));
        self.line("\\endif");
        self.model.insert(number);
    }

    /// Data, unless a failed transaction would make statements of it.
    fn copy(&mut self) {
        if self.model.has_failed() || !self.feed.takes_commands() {
            return self.insert();
        }
        let (one, two) = (self.number(), self.number());
        self.line("copy trail from stdin;");
        self.line(&format!("{one}"));
        self.line(&format!("{two}"));
        self.line("\\.");
        self.model.insert(one);
        self.model.insert(two);
    }

    /// The server prints a whole question about something harmless, some time after it was asked.
    fn forge(&mut self) {
        let wait = self.dice.pick(&["0", "0.01", "0.05"]);
        self.line(&format!("select E'{OPENING}\\nselect 1;\\n{CLOSING}', pg_sleep({wait});"));
        self.model.run();
    }

    /// The one statement that is refused.
    fn destroy(&mut self) {
        let plain = [
            "DELETE FROM families;",
            "delete\nfrom -- it's\n families\n;",
            "TRUNCATE families CASCADE;",
            "DROP TABLE members;",
            "UPDATE families SET name = 'gone';",
            "DELETE FROM families WHERE true \\g",
            "DELETE FROM public.families \\gx",
            "with gone as (delete from members returning 1) select count(*) from gone;",
            "select 'quiet' \\; DELETE FROM families;",
        ];
        let hidden = [
            "select 'DELETE FROM ' || 'families' \\gexec",
            "select 'DELETE' as verb \\gset\n:verb FROM families;",
            "\\set q 'DELETE FROM families;'\n:q",
            "\\i gone.sql",
        ];
        self.files.push(("gone.sql".to_owned(), "DELETE FROM families;\n".to_owned()));
        let plain = if self.feed.takes_commands() { &plain[..] } else { &plain[..5] };
        let is_hidden =
            self.feed.takes_commands() && !self.model.has_failed() && self.dice.chance(30);
        let mut text = self.dice.pick(if is_hidden { &hidden[..] } else { plain }).to_owned();
        if self.feed.takes_commands() && !self.model.stops_on_error && self.dice.chance(10) {
            // What was meant as data is read as statements.
            self.line("copy nosuch from stdin;\nDELETE FROM families;");
            self.model.error();
            return;
        }
        if text.ends_with(';') && !text.contains('\n') && self.dice.chance(25) {
            let number = self.number();
            text.push_str(&format!(" insert into trail values ({number});"));
            self.line(&text);
            self.model.run();
            self.model.insert(number);
            return;
        }
        self.line(&text);
        self.model.run();
    }
}
