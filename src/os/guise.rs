//! What of the terminal's own look is ours for a while, and the bytes that give it back.

/// One thing that is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guise {
    /// The title; the one before it is on the terminal's stack.
    Title,
    /// The background's colour.
    Background,
    /// The colour of a tab of iTerm2.
    TabOfIterm,
    /// The colour of a tab of Windows Terminal.
    TabOfWindows,
    /// Reports of the focus: no look, and to be given back all the same.
    Focus,
}

impl Guise {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Title, Self::Background, Self::TabOfIterm, Self::TabOfWindows, Self::Focus];

    /// Returns what puts it on; `value` is the title, or a colour as `#rrggbb`.
    #[must_use]
    pub fn put_on(self, value: &str) -> String {
        let part = |at: usize| value.get(at..at + 2).unwrap_or("00");
        let (red, green, blue) = (part(1), part(3), part(5));
        match self {
            // Onto the stack first.
            Self::Title => format!("\x1b[22;2t{}", Self::retitle(value)),
            Self::Background => format!("\x1b]11;{value}\x07"),
            Self::TabOfIterm => [("red", red), ("green", green), ("blue", blue)]
                .map(|(name, hex)| {
                    let level = u8::from_str_radix(hex, 16).unwrap_or_default();
                    format!("\x1b]6;1;bg;{name};brightness;{level}\x07")
                })
                .concat(),
            Self::TabOfWindows => format!("\x1b]4;264;rgb:{red}/{green}/{blue}\x07"),
            Self::Focus => "\x1b[?1004h".to_owned(),
        }
    }

    /// Returns what changes a title that is ours already.
    #[must_use]
    pub fn retitle(title: &str) -> String {
        format!("\x1b]2;{title}\x07")
    }

    /// Returns what takes it off.
    #[must_use]
    pub fn take_off(self) -> &'static str {
        match self {
            Self::Title => "\x1b[23;2t",
            Self::Background => "\x1b]111\x07",
            Self::TabOfIterm => "\x1b]6;1;bg;*;default\x07",
            Self::TabOfWindows => "\x1b]104;264\x07",
            Self::Focus => "\x1b[?1004l",
        }
    }

    /// Packs several into a number, for the line to the monitor.
    #[must_use]
    pub fn pack(worn: &[Self]) -> i32 {
        Self::ALL
            .iter()
            .enumerate()
            .filter(|(_, guise)| worn.contains(guise))
            .map(|(at, _)| 1 << at)
            .sum()
    }

    /// Unpacks what [`Guise::pack`] made.
    pub fn unpack(packed: i32) -> impl Iterator<Item = Self> {
        Self::ALL
            .into_iter()
            .enumerate()
            .filter(move |(at, _)| packed & (1 << at) != 0)
            .map(|(_, guise)| guise)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_worn_survives_packing() {
        for worn in
            [&[][..], &[Guise::Title], &[Guise::Background, Guise::TabOfWindows], &Guise::ALL]
        {
            assert_eq!(Guise::unpack(Guise::pack(worn)).collect::<Vec<_>>(), worn);
        }
        assert!(Guise::TabOfIterm.put_on("#ff0010").ends_with("blue;brightness;16\x07"));
        assert_eq!(Guise::TabOfWindows.put_on("#a00010"), "\x1b]4;264;rgb:a0/00/10\x07");
    }
}
