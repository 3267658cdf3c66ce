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

use crate::clients::tap::Transaction;

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
    "%:VERSION_NUM:/%:SERVER_VERSION_NUM:",
    "%>",
    "%/",
    "%n",
    "%M",
];

/// Longest nonce; a longer one leaves no room for what the prompt is to tell.
const MAX_NONCE_BYTES: usize = 32;

/// The secret of one run, without which nobody can write a mark. Letters and digits only.
///
/// Eight to twelve characters are best: too many to guess, and few enough for a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nonce(String);

impl Nonce {
    /// Takes a nonce, unless it is empty, too long, or has anything but ASCII letters and digits.
    #[must_use]
    pub fn new(nonce: &str) -> Option<Self> {
        let is_plain = (1..=MAX_NONCE_BYTES).contains(&nonce.len())
            && nonce.bytes().all(|b| b.is_ascii_alphanumeric());
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
    /// The server's.
    pub server_version: Option<u32>,
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
        let single_step = next().map(Into::into);
        let pid = next().and_then(|part| part.parse().ok());
        let sqlstate = next().map(Into::into);
        let rows = next().and_then(|part| part.parse().ok());
        let versions = next();
        let mut versions =
            versions.iter().flat_map(|part| part.split('/')).map(|it| it.parse().ok());
        let mut prompt = Self {
            number,
            single_step,
            pid,
            sqlstate,
            rows,
            version: versions.next().flatten(),
            server_version: versions.next().flatten(),
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
                let room = (self.limit() - self.held.len()).min(rest.len());
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
                        if self.held.len() == self.limit() {
                            self.cut_off(out.len() - base, marks);
                        }
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
        self.since_prompt =
            self.since_prompt.map(|since| since + count).filter(|&since| since <= MAX_PROMPT_BYTES);
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

    /// Returns how long the mark at hand can become: PROMPT3 never has `%[`.
    fn limit(&self) -> usize {
        let body = &self.held[self.head.len()..];
        // Until its number is there, a mark is too short for the difference to matter.
        if body.starts_with(b"P;3") { MAX_PROMPT_BYTES } else { self.limit }
    }

    /// Takes a mark that psql cut off at its limit.
    fn cut_off(&mut self, at: usize, marks: &mut Vec<Placed>) {
        let body = &self.held[self.head.len()..];
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

#[cfg(test)]
mod tests {
    use super::*;

    /// As psql 15 prints it between BEGIN and COMMIT.
    const OPEN: &str = "\x1b]6973;n0nce;P;1\x1f*\x1foff\x1f8469\x1f00000\x1f12\x1f150018/160003\x1f5432\
        \x1fshop\x1fanna\x1fdb.example.com\x07";
    const END: &str = "\x1b]6973;n0nce;E\x07";

    fn nonce() -> Nonce {
        Nonce::new("n0nce").expect("plain")
    }

    fn scan_in(pieces: &[&[u8]]) -> (String, Vec<(usize, Mark)>) {
        let mut scanner = Scanner::new(&nonce(), Width::Invisible);
        let (mut out, mut all) = (Vec::new(), Vec::new());
        for piece in pieces {
            let base = out.len();
            let mut marks = Vec::new();
            scanner.scan(piece, &mut out, &mut marks);
            all.extend(marks.into_iter().map(|placed| (base + placed.at, placed.mark)));
        }
        scanner.finish(&mut out);
        (String::from_utf8(out).expect("utf-8"), all)
    }

    fn scan(text: &str) -> (String, Vec<(usize, Mark)>) {
        scan_in(&[text.as_bytes()])
    }

    fn prompt_of(text: &str) -> Prompt {
        match scan(text).1.as_slice() {
            [(_, Mark::Prompt(prompt))] => (**prompt).clone(),
            other => panic!("not one prompt: {other:?}"),
        }
    }

    #[test]
    fn a_prompt_tells_its_fields() {
        insta::assert_debug_snapshot!(prompt_of(OPEN), @r#"
        Prompt {
            number: 1,
            transaction: Open,
            single_step: Some(
                "off",
            ),
            pid: Some(
                8469,
            ),
            sqlstate: Some(
                "00000",
            ),
            rows: Some(
                12,
            ),
            version: Some(
                150018,
            ),
            server_version: Some(
                160003,
            ),
            port: Some(
                5432,
            ),
            database: Some(
                "shop",
            ),
            user: Some(
                "anna",
            ),
            host: Some(
                "db.example.com",
            ),
            is_cut: false,
        }
        "#);
    }

    #[test]
    fn what_psql_leaves_empty_is_not_known() {
        let none = "\x1b]6973;n0nce;P;2\x1f?\x1foff\x1f\x1f\x1f\x1f150018\x1f\x1f\x1f\x1f\x07";
        let expected = Prompt {
            number: 2,
            single_step: Some("off".to_owned()),
            version: Some(150_018),
            ..Prompt::default()
        };
        assert_eq!(prompt_of(none), expected);
    }

    #[test]
    fn transactions_are_told() {
        let states = [
            ("", Transaction::Idle),
            ("*", Transaction::Open),
            ("!", Transaction::Failed),
            ("?", Transaction::Unknown),
            ("x", Transaction::Unknown),
        ];
        for (shown, transaction) in states {
            let text = OPEN.replace("\x1f*\x1f", &format!("\x1f{shown}\x1f"));
            assert_eq!(prompt_of(&text).transaction, transaction, "{shown:?}");
        }
    }

    #[test]
    fn marks_go_and_the_rest_stays_however_torn() {
        let text = format!(
            "\x1b[?2004h{OPEN}shop=*# {END}select\x1b[Kone;\r\n\x1b\x1b]6973;n0nc\x1b]0;title\x07\
             \x1b]6973;other;E\x07\x1b]6973;n0nce{END}x"
        );
        let whole = scan(&text);
        let ordinary = "\x1b[?2004hshop=*# select\x1b[Kone;\r\n\x1b\x1b]6973;n0nc\x1b]0;title\x07\
                        \x1b]6973;other;E\x07\x1b]6973;n0ncex";
        assert_eq!(whole.0, ordinary);
        let places: Vec<usize> = whole.1.iter().map(|(at, _)| *at).collect();
        assert_eq!(places, [8, 16, ordinary.len() - 1]);

        let bytes = text.as_bytes();
        for cut in 0..=bytes.len() {
            assert_eq!(scan_in(&[&bytes[..cut], &bytes[cut..]]), whole, "cut at {cut}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(scan_in(&single), whole);
    }

    #[test]
    fn a_forged_mark_passes_as_it_is() {
        for text in [
            OPEN.replace("n0nce", "n0ncf"),
            OPEN.replace("n0nce", ""),
            OPEN.replace("n0nce", "n0nce1"),
            OPEN.replace("6973", "6974"),
        ] {
            assert_eq!(scan(&text), (text.clone(), vec![]));
        }
    }

    #[test]
    fn names_with_the_marks_own_bytes_make_it_broken() {
        for name in ["sh\x1fop", "sh\x07op"] {
            let (_, marks) = scan(&OPEN.replace("shop", name));
            assert_eq!(marks, [(0, Mark::Broken)], "{name:?}");
        }
        assert_eq!(scan("\x1b]6973;n0nce;Z\x07").1, [(0, Mark::Broken)]);
        assert_eq!(scan(&OPEN.replace("P;1", "P;4")).1, [(0, Mark::Broken)]);
    }

    #[test]
    fn a_mark_psql_cut_off_tells_what_it_still_holds() {
        let long = OPEN.replace("db.example.com", &"h".repeat(300));
        let cut = &long[..MAX_PROMPT_BYTES - 1];
        let (out, marks) = scan(&format!("{cut}select 1;"));
        assert_eq!(out, "select 1;");
        let Some((0, Mark::Prompt(prompt))) = marks.first() else { panic!("{marks:?}") };
        assert!(prompt.is_cut);
        assert_eq!((prompt.user.as_deref(), prompt.host.as_deref()), (Some("anna"), None));
        assert_eq!(scan(&long[..MAX_PROMPT_BYTES - 2]).1, [], "one byte less is not cut yet");

        let third = long.replace("P;1", "P;3");
        assert_eq!(scan(&third[..MAX_PROMPT_BYTES - 1]).1, []);
        assert_eq!(scan(&third[..MAX_PROMPT_BYTES]).1.len(), 1);
    }

    #[test]
    fn an_end_mark_psql_cut_off_does_not_swallow_the_draft() {
        let before = format!("{OPEN}{}", "x".repeat(MAX_PROMPT_BYTES - OPEN.len() - 12));
        let shown = before.len() - OPEN.len();
        let (out, marks) = scan(&format!("{before}{}select", &END[..5]));
        assert_eq!(&out[shown..], "select");
        assert_eq!(marks[1], (shown, Mark::End));
    }

    #[test]
    fn held_bytes_are_bounded() {
        let mut scanner = Scanner::new(&nonce(), Width::Plain);
        let (mut out, mut marks) = (Vec::new(), Vec::new());
        let endless = format!("\x1b]6973;n0nce;P;1{}", "x".repeat(100_000));
        for byte in endless.as_bytes() {
            scanner.scan(&[*byte], &mut out, &mut marks);
            assert!(scanner.held().len() < MAX_PROMPT_BYTES);
        }
        assert_eq!(out.len(), endless.len() - MAX_PROMPT_BYTES);
    }

    #[test]
    fn a_wrapper_needs_no_quoting() {
        let (before, after) = wrapper(&nonce(), 1, Width::Invisible);
        insta::assert_snapshot!(format!("{before}\n{after}"), @r#"
        %[%033]6973;n0nce;P;1%037%x%037%:SINGLESTEP:%037%p%037%:SQLSTATE:%037%:ROW_COUNT:%037%:VERSION_NUM:/%:SERVER_VERSION_NUM:%037%>%037%/%037%n%037%M%007%]
        %[%033]6973;n0nce;E%007%]
        "#);
        let (before, after) = wrapper(&nonce(), 3, Width::Plain);
        assert!(!before.contains(['\'', '\\', ' ', '[']) && !after.contains(['\'', '\\', '[']));
        assert_eq!(Nonce::new("it's"), None);
        assert_eq!(Nonce::new(""), None);
    }
}
