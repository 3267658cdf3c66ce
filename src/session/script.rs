//! A script on its way into the client, line by line, so that nothing of it is read ahead as an
//! answer.

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Feed {
    /// A line, with its end.
    Line(Vec<u8>),
    /// More must be read first.
    More,
    /// The script is over.
    End,
}

/// What was read of a script and not passed on.
#[derive(Debug, Default)]
pub struct Script {
    waiting: Vec<u8>,
    from: usize,
    is_over: bool,
}

impl Script {
    /// Adds what was read.
    pub fn push(&mut self, bytes: &[u8]) {
        self.waiting.drain(..self.from);
        self.from = 0;
        self.waiting.extend_from_slice(bytes);
    }

    /// Takes note that there is no more.
    pub fn close(&mut self) {
        self.is_over = true;
    }

    /// Returns the next line; the last one may lack its end.
    pub fn take(&mut self) -> Feed {
        let rest = &self.waiting[self.from..];
        let end = match memchr::memchr(b'\n', rest) {
            Some(at) => at + 1,
            None if !self.is_over => return Feed::More,
            None if rest.is_empty() => return Feed::End,
            None => rest.len(),
        };
        self.from += end;
        Feed::Line(rest[..end].to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_however_torn() {
        let text = "select 1;\nselect\n2;\n\n\\echo hi";
        for cut in 0..=text.len() {
            let mut script = Script::default();
            let mut chunks = [&text[..cut], &text[cut..]].into_iter();
            let mut lines = Vec::new();
            loop {
                match script.take() {
                    Feed::Line(line) => lines.push(String::from_utf8(line).expect("utf-8")),
                    Feed::More => match chunks.next() {
                        Some(chunk) => script.push(chunk.as_bytes()),
                        None => script.close(),
                    },
                    Feed::End => break,
                }
            }
            let expected = ["select 1;\n", "select\n", "2;\n", "\n", "\\echo hi"];
            assert_eq!(lines, expected, "cut at {cut}");
        }
    }
}
