//! Our mark in psql's prompts: what it says, and the scanner that takes it out of the output.
//!
//! ```text
//! ESC ]6973;<nonce>;P;<fields> BEL   the user's prompt   ESC ]6973;<nonce>;E BEL
//! ```
//!
//! The fields are separated by 0x1f, which no sane name holds, and have no keys: psql cuts every
//! prompt at 256 bytes, ours and the user's together. The server's data can hold any escape
//! sequence, so only marks with this run's nonce count; all others pass as the bytes they are.
//! readline prints a prompt again when it redraws: the same mark then comes once more.
#![forbid(unsafe_code)]

use memchr::memmem;

/// Longest prompt psql prints, in bytes (`MAX_PROMPT_SIZE`); it cuts the rest off.
const MAX_PROMPT_BYTES: usize = 256;

/// Separates fields.
const SEPARATOR: u8 = 0x1f;

/// What psql substitutes, in the order of [`Prompt::parse`]. What we must know comes before what
/// may be cut off, and short before long.
const FIELDS: [&str; 10] = [
    "%x",
    "%:SINGLESTEP:",
    "%p",
    "%:SQLSTATE:",
    "%:ROW_COUNT:",
    "%:VERSION_NUM:",
    "%>",
    "%/",
    "%n",
    "%M",
];

/// The secret of one run, without which nobody can write a mark. Letters and digits only.
///
/// Eight to twelve characters are best: too many to guess, and few enough for a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nonce(String);

impl Nonce {
    /// Takes a nonce, unless it is empty or has anything but ASCII letters and digits.
    #[must_use]
    pub fn new(nonce: &str) -> Option<Self> {
        let is_plain = !nonce.is_empty() && nonce.bytes().all(|b| b.is_ascii_alphanumeric());
        is_plain.then(|| Self(nonce.to_owned()))
    }

    /// Returns the characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether psql tells readline that the mark takes no room on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// `%[` and `%]` stand around it: PROMPT1 and PROMPT2 with readline.
    Invisible,
    /// Nothing stands around it: PROMPT3, and every prompt under `psql -n`.
    Plain,
}

/// What stands before and after the user's prompt, in psql's prompt escapes, as for
/// `\set PROMPT1 '<before>' :PROMPT1 '<after>'`; it needs no quoting inside `'…'`.
#[must_use]
pub fn wrapper(nonce: &Nonce, number: u8, width: Width) -> (String, String) {
    let (open, close) = match width {
        Width::Invisible => ("%[", "%]"),
        Width::Plain => ("", ""),
    };
    let nonce = nonce.as_str();
    let fields = FIELDS.join("%037");
    (
        format!("{open}%033]6973;{nonce};P;{number}%037{fields}%007{close}"),
        format!("{open}%033]6973;{nonce};E%007{close}"),
    )
}

/// Something our prompts say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// A prompt begins.
    Prompt(Box<Prompt>),
    /// The prompt is over; the draft begins.
    End,
    /// Ours by its nonce, but it cannot be read: a name holds one of the mark's own bytes. Nothing
    /// is known of the connection.
    Broken,
}

/// What a prompt tells.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Prompt {
    /// 1 to 3, as in PROMPT1: a new statement, its continuation, COPY data.
    pub number: u8,
    /// Where the transaction stands.
    pub transaction: Transaction,
    /// The value of SINGLESTEP as it was written; none if it is not set.
    pub single_step: Option<String>,
    /// Process id of the server's session; none without a connection.
    pub pid: Option<u32>,
    /// SQLSTATE of the last statement; none before the first.
    pub sqlstate: Option<String>,
    /// Rows the last statement returned or changed.
    pub rows: Option<u64>,
    /// psql's version, such as 150018.
    pub version: Option<u32>,
    /// Port, or the number in a socket's name.
    pub port: Option<u16>,
    /// Database.
    pub database: Option<String>,
    /// Database user of the session.
    pub user: Option<String>,
    /// Host name, `[local]`, or `[local:/folder]`.
    pub host: Option<String>,
    /// Whether psql cut the prompt off here: what is missing is not known.
    pub is_cut: bool,
}

/// State of the transaction, as `%x` tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transaction {
    /// None is open.
    Idle,
    /// One is open.
    Open,
    /// One is open and has failed.
    Failed,
    /// There is no connection, or nothing was told.
    #[default]
    Unknown,
}

impl Prompt {
    /// Reads the fields: the number, then [`FIELDS`].
    fn parse(fields: &[u8], is_cut: bool) -> Option<Self> {
        let mut parts: Vec<&[u8]> = fields.split(|&byte| byte == SEPARATOR).collect();
        if is_cut {
            // The last one may be torn.
            parts.pop();
        } else if parts.len() != FIELDS.len() + 1 {
            return None;
        }
        let mut parts = parts.into_iter().map(String::from_utf8_lossy);
        let mut next = || parts.next().filter(|part| !part.is_empty());
        let number = next()?.parse().ok().filter(|number| (1..=3).contains(number))?;
        let transaction = next();
        let mut prompt = Self {
            number,
            single_step: next().map(Into::into),
            pid: next().and_then(|part| part.parse().ok()),
            sqlstate: next().map(Into::into),
            rows: next().and_then(|part| part.parse().ok()),
            version: next().and_then(|part| part.parse().ok()),
            port: next().and_then(|part| part.parse().ok()),
            database: next().map(Into::into),
            user: next().map(Into::into),
            host: next().map(Into::into),
            transaction: Transaction::Unknown,
            is_cut,
        };
        prompt.transaction = match transaction.as_deref() {
            // Without a connection psql says `?`; an empty field with a process id is idle.
            None if prompt.pid.is_some() => Transaction::Idle,
            Some("*") => Transaction::Open,
            Some("!") => Transaction::Failed,
            None | Some(_) => Transaction::Unknown,
        };
        Some(prompt)
    }
}

/// Reads a mark's text between `ESC ]6973;<nonce>;` and BEL.
#[must_use]
pub fn parse(body: &[u8]) -> Option<Mark> {
    if body == b"E" {
        return Some(Mark::End);
    }
    let prompt = Prompt::parse(body.strip_prefix(b"P;")?, false)?;
    Some(Mark::Prompt(Box::new(prompt)))
}

/// A mark and where it stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Offset in the bytes given out by this call of [`Scanner::scan`].
    pub at: usize,
    /// What it says.
    pub mark: Mark,
}

/// Takes our marks out of a client's output, however it is torn; all other bytes pass in order.
#[derive(Debug)]
pub struct Scanner {
    /// `ESC ]6973;<nonce>;`
    head: Vec<u8>,
    /// Most bytes a mark has, from its ESC on.
    limit: usize,
    /// The start of what may be a mark. It begins with ESC and is shorter than `limit`.
    held: Vec<u8>,
    /// Bytes since the start of a prompt whose end has not come.
    since_prompt: Option<usize>,
}

impl Scanner {
    /// Makes a scanner for marks with this nonce. `width` is how PROMPT1 and PROMPT2 have them.
    #[must_use]
    pub fn new(nonce: &Nonce, width: Width) -> Self {
        let limit = match width {
            // The byte that `%[` became is taken out by readline.
            Width::Invisible => MAX_PROMPT_BYTES - 1,
            Width::Plain => MAX_PROMPT_BYTES,
        };
        let head = format!("\x1b]6973;{};", nonce.as_str()).into_bytes();
        Self { head, limit, held: Vec::with_capacity(MAX_PROMPT_BYTES), since_prompt: None }
    }

    /// Appends `input` without its marks to `out`, and each mark to `marks`.
    pub fn scan(&mut self, input: &[u8], out: &mut Vec<u8>, marks: &mut Vec<Placed>) {
        let base = out.len();
        let mut rest = input;
        while !rest.is_empty() {
            if self.held.is_empty() {
                let plain = memchr::memchr(0x1b, rest).unwrap_or(rest.len());
                self.pass(plain);
                out.extend_from_slice(&rest[..plain]);
                rest = &rest[plain..];
                if let [first, after @ ..] = rest {
                    self.held.push(*first);
                    rest = after;
                }
            } else if self.held.len() < self.head.len() {
                if rest[0] == self.head[self.held.len()] {
                    self.held.push(rest[0]);
                    rest = &rest[1..];
                } else {
                    self.give_up(base, out, marks);
                }
            } else {
                let room = self.limit.saturating_sub(self.held.len()).min(rest.len());
                match memchr::memchr(0x07, &rest[..room]) {
                    Some(end) => {
                        self.held.extend_from_slice(&rest[..end]);
                        rest = &rest[end + 1..];
                        let mark = parse(&self.held[self.head.len()..]).unwrap_or(Mark::Broken);
                        self.take(mark, out.len() - base, marks);
                    }
                    None => {
                        self.held.extend_from_slice(&rest[..room]);
                        rest = &rest[room..];
                        self.cut_off(out.len() - base, marks);
                    }
                }
            }
        }
    }

    /// Returns what is kept back because it may be the start of a mark.
    #[must_use]
    pub fn held(&self) -> &[u8] {
        &self.held
    }

    /// Gives out what is kept back, at the end of the output.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.held);
        self.since_prompt = None;
    }

    /// Counts bytes since the prompt.
    fn pass(&mut self, count: usize) {
        self.since_prompt = self
            .since_prompt
            .map(|since| since + count)
            .filter(|&since| since <= MAX_PROMPT_BYTES);
    }

    /// Lets go of a start that was none. One that psql cut off in the middle of our own end mark
    /// is dropped: a terminal would swallow what is typed after an open OSC.
    fn give_up(&mut self, base: usize, out: &mut Vec<u8>, marks: &mut Vec<Placed>) {
        self.pass(self.held.len());
        if self.since_prompt.is_some_and(|since| since > MAX_PROMPT_BYTES / 2)
            && memmem::find(&self.held, b"]6").is_some()
        {
            self.take(Mark::End, out.len() - base, marks);
        } else {
            out.append(&mut self.held);
        }
    }

    /// Takes a mark that psql cut off at its limit.
    fn cut_off(&mut self, at: usize, marks: &mut Vec<Placed>) {
        let body = &self.held[self.head.len()..];
        let limit = if body.starts_with(b"P;3") { MAX_PROMPT_BYTES } else { self.limit };
        if self.held.len() < limit {
            return;
        }
        let prompt = body.strip_prefix(b"P;").and_then(|fields| Prompt::parse(fields, true));
        let mark = prompt.map_or(Mark::Broken, |prompt| Mark::Prompt(Box::new(prompt)));
        self.take(mark, at, marks);
    }

    fn take(&mut self, mark: Mark, at: usize, marks: &mut Vec<Placed>) {
        self.since_prompt = match mark {
            Mark::Prompt(_) | Mark::Broken => Some(self.held.len()),
            Mark::End => None,
        };
        self.held.clear();
        marks.push(Placed { at, mark });
    }
}
