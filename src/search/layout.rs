//! Which part of the screen is for what.

/// Columns from which the preview stands beside the list.
const BESIDE_COLUMNS: usize = 110;

/// Rows from which it stands above the list, where the screen is not that wide.
const ABOVE_ROWS: usize = 12;

/// Rows from which a line says how many there are and what the keys do.
const STATUS_ROWS: usize = 4;

/// Where things are; every part is in columns and rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// Of the screen.
    pub(super) cols: usize,
    /// Of the screen.
    pub(super) rows: usize,
    /// Of the list, whose last row is right above the status.
    pub(super) list: (usize, usize),
    /// Of the preview.
    pub(super) preview: (usize, usize),
    /// Whether there is a status line.
    pub(super) has_status: bool,
}

impl Layout {
    /// Divides a screen; any size will do.
    pub(super) fn of(cols: u16, rows: u16) -> Self {
        let (cols, rows) = (usize::from(cols).max(1), usize::from(rows).max(1));
        let has_status = rows >= STATUS_ROWS;
        let room = rows - 1 - usize::from(has_status);
        let (list, preview) = if cols >= BESIDE_COLUMNS {
            let list = cols * 11 / 20;
            ((list, room), (cols - list - 3, room))
        } else if rows >= ABOVE_ROWS {
            let preview = room * 9 / 20;
            ((cols, room - preview - 1), (cols, preview))
        } else {
            ((cols, room), (0, 0))
        };
        Self { cols, rows, list, preview, has_status }
    }

    /// Says whether the preview is beside the list, and not above it or nowhere.
    pub(super) fn is_beside(&self) -> bool {
        self.preview.0 > 0 && self.preview.0 < self.cols
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_for_something() {
        for cols in [1, 20, 80, 110, 200, 1000] {
            for rows in 0..100 {
                let layout = Layout::of(cols, rows);
                let above = if layout.preview.1 > 0 && !layout.is_beside() {
                    layout.preview.1 + 1
                } else {
                    0
                };
                let all = layout.list.1 + above + usize::from(layout.has_status) + 1;
                assert_eq!(all, usize::from(rows).max(1), "{cols}x{rows}");
                assert!(rows < 3 || layout.list.1 > 0);
                if layout.is_beside() {
                    assert_eq!(layout.list.0 + 3 + layout.preview.0, usize::from(cols));
                }
            }
        }
    }
}
