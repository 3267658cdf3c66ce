//! A session as one page for a browser: it needs no network and no other file.
//!
//! Nothing of the recording is ever part of a script: all of it is escaped text, and the page's
//! own policy runs no script but ours.

mod escape;
mod look;

use std::io::{self, Write};

use jiff::tz::TimeZone;

use self::escape::{element, escape, escaped};
use super::line::Line;
use super::outline::{Outline, Told};
use super::sink::{Item, Sink};
use super::text::full_screen;
use crate::record::Start;
use crate::ui::{table, visible};

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Lines that the browser lays out together, once they come near the window.
const CHUNK_LINES: usize = 100;

/// Statements that the browser lays out together.
const LIST_CHUNK: usize = 100;

/// Columns of a statement in the list; the whole of it stands where it was typed.
const LIST_COLUMNS: usize = 300;

/// Steps of the timeline; more than one ordinary statement in one of them is drawn once.
const STEPS: u128 = 1000;

/// What is told of the session beside its log.
pub struct About<'a> {
    /// Its header.
    pub start: &'a Start,
    /// Its statements.
    pub outline: &'a Outline,
    /// Whether it is still on.
    pub is_running: bool,
    /// The zone that times are shown in.
    pub zone: TimeZone,
    /// What lets our script run, and nothing that is in the recording: not to be guessed.
    pub nonce: &'a str,
}

/// Writes the page as lines come.
pub struct Html<'a, W> {
    out: W,
    about: About<'a>,
    chunk: String,
    /// Lines of the chunk.
    lines: usize,
    /// Lines of the whole.
    all: u64,
}

impl<'a, W: Write> Html<'a, W> {
    /// Writes all that is above the first line.
    ///
    /// # Errors
    ///
    /// If `out` fails.
    pub fn new(out: W, about: About<'a>) -> io::Result<Self> {
        let mut html = Self { out, about, chunk: String::new(), lines: 0, all: 0 };
        let (above, _) = halves();
        html.fill(above)?;
        Ok(html)
    }

    /// Writes what is left, and returns what was written to.
    ///
    /// # Errors
    ///
    /// If `out` fails.
    pub fn end(mut self) -> io::Result<W> {
        self.end_chunk()?;
        let (_, below) = halves();
        self.fill(below)?;
        Ok(self.out)
    }

    /// Returns how many lines there are so far.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.all
    }

    /// Writes a part of the page with its names replaced.
    fn fill(&mut self, page: &str) -> io::Result<()> {
        let mut rest = page;
        while let Some((before, (name, after))) =
            rest.split_once("{{").and_then(|(before, rest)| Some((before, rest.split_once("}}")?)))
        {
            self.out.write_all(before.as_bytes())?;
            match name {
                "style" => self.out.write_all(STYLE.as_bytes())?,
                "script" => self.out.write_all(SCRIPT.as_bytes())?,
                "statements" => self.statements()?,
                _ => self.out.write_all(self.value(name).as_bytes())?,
            }
            rest = after;
        }
        self.out.write_all(rest.as_bytes())
    }

    fn value(&self, name: &str) -> String {
        let About { start, outline, nonce, .. } = &self.about;
        let target = outline.target.as_ref();
        let on = target.map_or(String::new(), |target| format!(" on {}", target.label()));
        match name {
            "nonce" => escaped(nonce),
            "title" => {
                let day = self.time(start.started, "%Y-%m-%d %H:%M");
                escaped(&format!("{}{on}, {day}", start.header.client))
            }
            "heading" => {
                let mut heading = escaped(&format!("{}{on} ", start.header.client));
                if let Some(target) = target {
                    let tier = target.tier.to_string();
                    element("span", &format!("tier {tier}"), &tier, &mut heading);
                }
                heading
            }
            "facts" => self.facts(),
            "count" => outline.statements.len().to_string(),
            "timeline" => self.timeline(),
            other => unreachable!("the page has no other name, but {other}"),
        }
    }

    fn facts(&self) -> String {
        let About { start, outline, .. } = &self.about;
        let held = outline.statements.iter().filter(|told| told.is_held()).count();
        let failed = outline.statements.iter().filter(|told| told.error.is_some()).count();
        let seconds = outline.time.as_secs();
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        let mut facts = String::new();
        let mut fact = |name: &str, value: &str| {
            facts.push_str("<div>");
            element("dt", "", name, &mut facts);
            element("dd", "", value, &mut facts);
            facts.push_str("</div>");
        };
        fact("session", &start.session);
        fact("started", &self.time(start.started, "%Y-%m-%d %H:%M:%S %Z"));
        fact("length", &format!("{hours:02}:{minutes:02}:{:02}", seconds % 60));
        let status = match outline.exit {
            Some(status) => status.to_string(),
            None if self.about.is_running => "still running".to_owned(),
            None => "not recorded".to_owned(),
        };
        fact("exit status", &status);
        if let Some(target) = &outline.target {
            fact("address", &visible::one_line(&target.address.to_string()));
        }
        fact("command", &visible::one_line(&start.header.argv.join(" ")));
        fact("held", &held.to_string());
        fact("failed", &failed.to_string());
        if outline.gaps > 0 {
            fact("gaps", &outline.gaps.to_string());
        }
        facts
    }

    fn timeline(&self) -> String {
        let outline = self.about.outline;
        let whole = outline.time.as_micros().max(1);
        let mut ticks = String::new();
        let mut last = None;
        for told in &outline.statements {
            let step = told.at.as_micros() * STEPS / whole;
            if class(told).is_empty() && last.replace(step) == Some(step) {
                continue;
            }
            let place = 0.5 + 99.0 * step as f64 / STEPS as f64;
            let title = format!("{}, {}: {}", self.clock(told), told.word(), short(told));
            ticks.push_str(&format!("<a href=\"#s{}\" class=\"{}\"", told.n, class(told)));
            ticks
                .push_str(&format!(" style=\"--x:{place:.1}\" title=\"{}\"></a>", escaped(&title)));
        }
        ticks
    }

    fn statements(&mut self) -> io::Result<()> {
        let outline = self.about.outline;
        for part in outline.statements.chunks(LIST_CHUNK) {
            let mut list = format!("<ol style=\"--n:{}\">\n", part.len());
            for told in part {
                list.push_str(&format!("<li class=\"{}\"><a href=\"#s{}\">", class(told), told.n));
                element("code", "", &short(told), &mut list);
                let mut end = format!("{} · {}", told.n, self.clock(told));
                if told.verdict != "allow" {
                    end.push_str(&format!(" · <b>{}</b>", escaped(told.word())));
                }
                for outcome in outcome(told) {
                    end.push_str(&format!(" · {}", escaped(&outcome)));
                }
                list.push_str(&format!("<small>{end}</small></a></li>\n"));
            }
            list.push_str("</ol>\n");
            self.out.write_all(list.as_bytes())?;
        }
        Ok(())
    }

    /// Adds the line that says what became of a statement, where it was sent.
    fn statement(&mut self, n: u64) {
        let statements = &self.about.outline.statements;
        // One that came after the list was made is left out.
        let Ok(at) = statements.binary_search_by_key(&n, |told| told.n) else { return };
        let told = &statements[at];
        let target = format!("{} ({})", told.target.label(), told.target.tier);
        let mut line =
            format!("<div class=\"st {}\" id=\"s{n}\"><a href=\"#s{n}\">{n}</a> · ", class(told));
        line.push_str(&format!("{} · {}", self.clock(told), escaped(&visible::one_line(&target))));
        if told.verdict != "allow" {
            line.push_str(&format!(" · <b>{}</b>", escaped(&told.verdict)));
        }
        if let Some((answer, reason)) = &told.answer {
            line.push_str(&format!(" · <b>{}</b>", answer.word()));
            if let Some(reason) = reason {
                line.push_str(&format!(": {}", escaped(&visible::one_line(reason))));
            }
        }
        for outcome in outcome(told) {
            line.push_str(&format!(" · {}", escaped(&outcome)));
        }
        if !told.reasons.is_empty() {
            line.push_str("<ul>");
            for reason in &told.reasons {
                element("li", "", &visible::one_line(reason), &mut line);
            }
            line.push_str("</ul>");
        }
        line.push_str("</div>");
        self.chunk.push_str(&line);
        self.lines += 1;
    }

    fn clock(&self, told: &Told) -> String {
        self.time(told.time, "%H:%M:%S")
    }

    fn time(&self, time: jiff::Timestamp, format: &str) -> String {
        time.to_zoned(self.about.zone.clone()).strftime(format).to_string()
    }

    fn count_line(&mut self) -> io::Result<()> {
        self.lines += 1;
        self.all += 1;
        if self.lines >= CHUNK_LINES { self.end_chunk() } else { Ok(()) }
    }

    fn end_chunk(&mut self) -> io::Result<()> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        let lines = std::mem::take(&mut self.lines);
        writeln!(self.out, "<div class=\"c\" style=\"--n:{lines}\">{}</div>", self.chunk)?;
        self.chunk.clear();
        Ok(())
    }
}

impl<W: Write> Sink for Html<'_, W> {
    fn line(&mut self, line: &Line) -> io::Result<()> {
        look::line(line, &mut self.chunk);
        self.chunk.push('\n');
        self.count_line()
    }

    fn item(&mut self, item: Item) -> io::Result<()> {
        match item {
            Item::Statement(n) => self.statement(n),
            Item::Note(text) => {
                self.chunk.push_str("<div class=\"note\">");
                escape(&text, &mut self.chunk);
                self.chunk.push_str("</div>");
                self.lines += 1;
            }
            Item::FullScreen { lines, left_out, time } => {
                let what = full_screen(lines.len() as u64 + left_out, time);
                self.chunk.push_str("<details class=\"fs\">");
                element("summary", "", &what, &mut self.chunk);
                if left_out > 0 {
                    let text = format!("[the first {left_out} are not kept]\n");
                    escape(&text, &mut self.chunk);
                }
                for line in &lines {
                    look::line(line, &mut self.chunk);
                    self.chunk.push('\n');
                }
                self.chunk.push_str("</details>");
                self.lines += 1;
            }
        }
        Ok(())
    }
}

/// Returns the page above and below the lines.
fn halves() -> (&'static str, &'static str) {
    PAGE.split_once("{{lines}}").expect("the page has a place for lines")
}

/// Returns what the style knows of a statement.
fn class(told: &Told) -> &'static str {
    match (told.is_held(), told.error.is_some()) {
        (true, true) => "held failed",
        (true, false) => "held",
        (false, true) => "failed",
        (false, false) => "",
    }
}

fn short(told: &Told) -> String {
    let text = told.text.split_whitespace().collect::<Vec<_>>().join(" ");
    visible::cut(&text, LIST_COLUMNS)
}

/// Says how a statement ended, as far as it is known.
fn outcome(told: &Told) -> impl Iterator<Item = String> {
    let rows = told.rows.map(table::rows);
    let duration = told.duration_ms.map(|duration| format!("{duration} ms"));
    let error = told.error.as_ref().map(|error| format!("error {}", visible::one_line(error)));
    rows.into_iter().chain(duration).chain(error)
}
