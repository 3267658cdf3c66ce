//! Parts of a line as spans with the terminal's colours.

use avt::{Color, Pen, Rgb};
use unicode_width::UnicodeWidthChar;

use super::escape::escape;
use crate::render::Line;

/// The colours above these have no name, and look the same in every theme.
const NAMED: u8 = 16;

/// Appends a line, without a line end.
pub(super) fn line(line: &Line, out: &mut String) {
    for (text, pen) in line.parts() {
        let look = Look::of(&pen);
        if let Some(look) = &look {
            look.open(out);
        }
        columns(&text, out);
        if look.is_some() {
            out.push_str("</span>");
        }
    }
}

/// Appends text so that wide characters take two columns, whatever font they come from.
fn columns(text: &str, out: &mut String) {
    if text.is_ascii() {
        return escape(text, out);
    }
    let is_wide = |c: char| c.width() == Some(2);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let wide = is_wide(first);
        let end = rest.char_indices().find(|(_, c)| is_wide(*c) != wide);
        let (part, after) = rest.split_at(end.map_or(rest.len(), |(at, _)| at));
        if wide {
            out.push_str(&format!("<span class=\"w\" style=\"--w:{}\">", 2 * part.chars().count()));
            escape(part, out);
            out.push_str("</span>");
        } else {
            escape(part, out);
        }
        rest = after;
    }
}

/// Classes and colours of a span.
struct Look {
    classes: Vec<String>,
    colours: String,
}

/// A colour, or the lack of one.
#[derive(Clone, Copy)]
enum Ink {
    Default,
    /// The default of the other layer, where the two are swapped.
    Swapped,
    Of(Color),
}

impl Look {
    /// Returns how a pen looks; none if as all else.
    fn of(pen: &Pen) -> Option<Self> {
        if pen.is_default() {
            return None;
        }
        let ink = |colour: Option<Color>, default| colour.map_or(default, Ink::Of);
        let (front, back) = if pen.is_inverse() {
            (ink(pen.background(), Ink::Swapped), ink(pen.foreground(), Ink::Swapped))
        } else {
            (ink(pen.foreground(), Ink::Default), ink(pen.background(), Ink::Default))
        };
        let mut look = Self { classes: Vec::new(), colours: String::new() };
        look.ink('f', front);
        look.ink('b', back);
        for (is_on, class) in [
            (pen.is_bold(), "o"),
            (pen.is_faint(), "h"),
            (pen.is_italic(), "i"),
            (pen.is_underline(), "u"),
            (pen.is_strikethrough(), "k"),
        ] {
            if is_on {
                look.classes.push(class.to_owned());
            }
        }
        Some(look)
    }

    fn ink(&mut self, layer: char, ink: Ink) {
        let rgb = match ink {
            Ink::Default => return,
            Ink::Swapped => return self.classes.push(format!("{layer}i")),
            Ink::Of(Color::Indexed(index)) if index < NAMED => {
                return self.classes.push(format!("{layer}{index}"));
            }
            Ink::Of(Color::Indexed(index)) => indexed(index),
            Ink::Of(Color::RGB(rgb)) => rgb,
        };
        self.classes.push(layer.to_string());
        self.colours.push_str(&format!("--{layer}:#{:02x}{:02x}{:02x};", rgb.r, rgb.g, rgb.b));
    }

    fn open(&self, out: &mut String) {
        out.push_str(&format!("<span class=\"{}\"", self.classes.join(" ")));
        if !self.colours.is_empty() {
            out.push_str(&format!(" style=\"{}\"", self.colours));
        }
        out.push('>');
    }
}

/// Returns a colour of xterm's cube or of its greys.
fn indexed(index: u8) -> Rgb {
    if index >= 232 {
        let grey = 8 + 10 * (index - 232);
        return Rgb::new(grey, grey, grey);
    }
    let cube = index - NAMED;
    let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
    Rgb::new(level(cube / 36), level(cube / 6 % 6), level(cube % 6))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::record::Event;
    use crate::render::{Item, Scrollback, Sink};

    struct Spans(String);

    impl Sink for Spans {
        fn line(&mut self, row: &Line) -> std::io::Result<()> {
            line(row, &mut self.0);
            self.0.push('\n');
            Ok(())
        }

        fn item(&mut self, _: Item) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn spans(output: &str) -> String {
        let mut page = Scrollback::new(40, 5, Spans(String::new()));
        page.event(&Event::Output(output.into()), Duration::ZERO).unwrap();
        page.end(Duration::ZERO).unwrap().0
    }

    #[test]
    fn colours_are_classes_or_values() {
        insta::assert_snapshot!(spans("a\x1b[1;31mb\x1b[38;5;196;48;2;1;2;3mc\x1b[0;7md\x1b[32;44me\x1b[0m<&\r\n\x1b[4;9;38;5;240mf"), @r#"
        a<span class="f1 o">b</span><span class="f b o" style="--f:#ff0000;--b:#010203;">c</span><span class="fi bi">d</span><span class="f4 b2">e</span>&lt;&amp;
        <span class="f u k" style="--f:#585858;">f</span>
        "#);
    }

    #[test]
    fn wide_characters_keep_their_columns() {
        assert_eq!(
            spans("é漢字|e\u{301}😀"),
            "é<span class=\"w\" style=\"--w:4\">漢字</span>|e\u{301}\
             <span class=\"w\" style=\"--w:2\">😀</span>\n"
        );
    }
}
