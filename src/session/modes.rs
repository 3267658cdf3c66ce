//! Which modes of its terminal a client switches: read off what it prints, at any split.

/// What a terminal's private modes are switched with: `ESC [ ? numbers h`, or `l`.
const BEGIN: &[u8] = b"\x1b[?";

/// More modes than anybody switches at once.
const MOST: usize = 8;

/// Follows the output.
#[derive(Debug, Default)]
pub struct Modes {
    /// How many bytes of the begin came last.
    begun: usize,
    numbers: [u16; MOST],
    /// Which of the numbers is being read.
    at: usize,
}

impl Modes {
    /// Reads output; tells each mode with whether it is switched on.
    pub fn feed(&mut self, bytes: &[u8], mut tell: impl FnMut(u16, bool)) {
        let mut rest = bytes;
        loop {
            if self.begun == 0 {
                let Some(at) = memchr::memchr(BEGIN[0], rest) else { return };
                rest = &rest[at + 1..];
                self.begun = 1;
            }
            let Some((&byte, tail)) = rest.split_first() else { return };
            if self.begun < BEGIN.len() {
                if BEGIN[self.begun] == byte {
                    self.begun += 1;
                    (self.numbers, self.at) = ([0; MOST], 0);
                } else {
                    self.begun = 0;
                    continue;
                }
            } else {
                match byte {
                    b'0'..=b'9' => {
                        if let Some(number) = self.numbers.get_mut(self.at) {
                            let digit = u16::from(byte - b'0');
                            *number = number.saturating_mul(10).saturating_add(digit);
                        }
                    }
                    b';' => self.at += 1,
                    b'h' | b'l' => {
                        let count = (self.at + 1).min(MOST);
                        self.numbers[..count].iter().for_each(|mode| tell(*mode, byte == b'h'));
                        self.begun = 0;
                    }
                    _ => {
                        self.begun = 0;
                        continue;
                    }
                }
            }
            rest = tail;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_read_at_every_split() {
        for (output, told) in [
            ("", ""),
            ("plain \x1b[31mred\x1b[0m", ""),
            ("\x1b[?2004h", "+2004"),
            ("a\x1b[?1004;2004hb\x1b[?1004lc", "+1004 +2004 -1004"),
            ("\x1b\x1b[?25l", "-25"),
            ("\x1b[\x1b[?25l", "-25"),
            ("\x1b[?1\x1b[?25l", "-25"),
            ("\x1b[?99999999999h", "+65535"),
            ("\x1b[?1;2;3;4;5;6;7;8;9;10h", "+1 +2 +3 +4 +5 +6 +7 +8"),
            ("\x1b[?25$p\x1b[?7h", "+7"),
        ] {
            for at in 0..=output.len() {
                let (mut modes, mut found) = (Modes::default(), Vec::new());
                for piece in [&output[..at], &output[at..]] {
                    modes.feed(piece.as_bytes(), |mode, on| {
                        found.push(format!("{}{mode}", if on { '+' } else { '-' }));
                    });
                }
                assert_eq!(found.join(" "), told, "{output:?} at {at}");
            }
        }
    }
}
