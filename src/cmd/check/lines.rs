//! Offsets in a text as lines and columns.

/// Where the lines of a text start.
pub(super) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let ends = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1);
        Self { text, starts: std::iter::once(0).chain(ends).collect() }
    }

    /// Returns the line and the column of an offset, both counted from 1, columns in characters.
    pub(super) fn place(&self, offset: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        let before = self.text.get(start..offset).unwrap_or_default();
        // A mark of the encoding is no character anybody sees.
        (line, before.trim_start_matches('\u{feff}').chars().count() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one() {
        let text = "\u{feff}aü\r\nb\n";
        let lines = Lines::new(text);
        let place = |piece: &str| lines.place(text.find(piece).expect("it is there"));
        assert_eq!(place("a"), (1, 1));
        assert_eq!(place("ü"), (1, 2));
        assert_eq!(place("b"), (2, 1));
        assert_eq!(lines.place(text.len()), (3, 1));
        assert_eq!(Lines::new("").place(0), (1, 1));
    }
}
