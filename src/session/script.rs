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
///
/// A statement that the script leaves without a semicolon would run at the end of the input, where
/// the client's question reads end of file and so counts as answered. Hence a semicolon is added:
/// behind whole statements it does nothing, and inside an unfinished string or comment it makes
/// the server refuse what it would have refused anyway.
#[derive(Debug, Default)]
pub struct Script {
    waiting: Vec<u8>,
    from: usize,
    is_over: bool,
    is_ended: bool,
    /// Whether anything but white space came since a line that ended a statement.
    is_open: bool,
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

    /// Returns the next line.
    pub fn next(&mut self) -> Feed {
        let rest = &self.waiting[self.from..];
        let end = match memchr::memchr(b'\n', rest) {
            Some(at) => at + 1,
            None if !self.is_over => return Feed::More,
            None => rest.len(),
        };
        if end > 0 {
            let mut line = rest[..end].to_vec();
            self.from += end;
            if !line.ends_with(b"\n") {
                line.push(b'\n');
            }
            self.follow(&line);
            return Feed::Line(line);
        }
        if self.is_open && !self.is_ended {
            self.is_ended = true;
            return Feed::Line(b";\n".to_vec());
        }
        Feed::End
    }

    /// Notes whether a statement may be open behind this line. Only a line that plainly ends one
    /// closes it; where that is wrong an empty statement too many is sent.
    fn follow(&mut self, line: &[u8]) {
        let text = line.trim_ascii();
        if text.is_empty() || text.starts_with(b"--") && !self.is_open {
            return;
        }
        let is_meta = text.starts_with(b"\\") && !self.is_open;
        self.is_open = !is_meta && !text.ends_with(b";");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chunks: &[&str]) -> Vec<String> {
        let mut script = Script::default();
        let mut lines = Vec::new();
        let mut chunks = chunks.iter();
        loop {
            match script.next() {
                Feed::Line(line) => lines.push(String::from_utf8(line).expect("utf-8")),
                Feed::More => match chunks.next() {
                    Some(chunk) => script.push(chunk.as_bytes()),
                    None => script.close(),
                },
                Feed::End => return lines,
            }
        }
    }

    #[test]
    fn lines_come_whole_however_torn() {
        let text = "select 1;\nselect\n2;\n\\echo hi\n";
        let expected = ["select 1;\n", "select\n", "2;\n", "\\echo hi\n"];
        for cut in 0..=text.len() {
            assert_eq!(lines(&[&text[..cut], &text[cut..]]), expected, "cut at {cut}");
        }
    }

    #[test]
    fn a_last_statement_without_its_semicolon_gets_one() {
        assert_eq!(lines(&["delete from families"]), ["delete from families\n", ";\n"]);
        assert_eq!(
            lines(&["select 1;\ntruncate t -- ;\n"]).last().map(String::as_str),
            Some(";\n")
        );
        assert_eq!(lines(&["-- nothing\n\n"]), ["-- nothing\n", "\n"]);
        assert_eq!(lines(&[""]), Vec::<String>::new());
    }
}
