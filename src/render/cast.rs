//! A session as a plain asciicast v3, for players that know nothing of us.

use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use crate::record::{Event, Marker, Start};
use crate::ui::visible;

/// Columns of a marker's label.
const LABEL: usize = 120;

/// Writes events as they come.
pub struct Cast<W> {
    out: W,
    last: Duration,
}

#[derive(Serialize)]
struct Header<'a> {
    version: u8,
    term: Term<'a>,
    timestamp: i64,
    command: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
}

#[derive(Serialize)]
struct Term<'a> {
    cols: u16,
    rows: u16,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
}

impl<W: Write> Cast<W> {
    /// Writes the header.
    ///
    /// # Errors
    ///
    /// If `out` fails.
    pub fn new(mut out: W, start: &Start) -> io::Result<Self> {
        let header = &start.header;
        let line = Header {
            version: 3,
            term: Term { cols: header.cols, rows: header.rows, kind: header.term.as_deref() },
            timestamp: start.started.as_second(),
            command: header.argv.join(" "),
            title: header.title.as_deref(),
        };
        serde_json::to_writer(&mut out, &line)?;
        out.write_all(b"\n")?;
        Ok(Self { out, last: Duration::ZERO })
    }

    /// Writes the next event, `at` this time in the session.
    ///
    /// # Errors
    ///
    /// If `out` fails.
    pub fn event(&mut self, event: &Event, at: Duration) -> io::Result<()> {
        match event {
            Event::Output(bytes) => self.write(at, 'o', &String::from_utf8_lossy(bytes)),
            Event::Resize { cols, rows } => self.write(at, 'r', &format!("{cols}x{rows}")),
            Event::Exit(status) => self.write(at, 'x', &status.to_string()),
            Event::Marker(marker) => match label(marker) {
                Some(label) => self.write(at, 'm', &visible::cut(&label, LABEL)),
                None => Ok(()),
            },
            Event::Broken { bytes } => {
                self.write(at, 'm', &format!("{bytes} bytes of the log cannot be read"))
            }
            Event::Torn { .. } | Event::Other(_) => Ok(()),
        }
    }

    fn write(&mut self, at: Duration, code: char, data: &str) -> io::Result<()> {
        let interval = at.saturating_sub(self.last).as_micros();
        self.last = at;
        let (seconds, micros) = (interval / 1_000_000, interval % 1_000_000);
        write!(self.out, "[{seconds}.{micros:06}, \"{code}\", ")?;
        serde_json::to_writer(&mut self.out, data)?;
        self.out.write_all(b"]\n")
    }
}

/// Says what a marker means in words that fit a player's chapter list.
fn label(marker: &Marker) -> Option<String> {
    Some(match marker {
        Marker::Statement { n, text, verdict, .. } => {
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let verdict = if verdict == "allow" { String::new() } else { format!(" ({verdict})") };
            format!("{n}{verdict}: {text}")
        }
        Marker::Answer { n, answer, .. } => format!("{n} {}", answer.word()),
        Marker::Target { target } => format!("{} ({})", target.label(), target.tier),
        Marker::Gap { what, why, .. } => format!("{what} not recorded: {why}"),
        Marker::Note { text } => text.clone(),
        Marker::Outcome { .. } => return None,
    })
}
