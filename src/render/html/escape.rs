//! Text into HTML: whatever it holds, it stays text.

/// Appends text for an element or an attribute in quotes.
///
/// Controls, and the characters that change the order of letters, become U+FFFD: they would not
/// show, or let a line read as what it is not.
pub(super) fn escape(text: &str, out: &mut String) {
    let mut from = 0;
    for (at, c) in text.char_indices() {
        let instead = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '"' => "&quot;",
            '\'' => "&#39;",
            '\n' | '\t' => continue,
            _ if c.is_control() || is_order(c) => "\u{fffd}",
            _ => continue,
        };
        out.push_str(&text[from..at]);
        out.push_str(instead);
        from = at + c.len_utf8();
    }
    out.push_str(&text[from..]);
}

/// Returns the text escaped.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    escape(text, &mut out);
    out
}

/// Appends an element with text in it.
pub(super) fn element(name: &str, class: &str, text: &str, out: &mut String) {
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    out.push_str(&format!("<{name}{class}>"));
    escape(text, out);
    out.push_str(&format!("</{name}>"));
}

/// Says whether a character changes the order that letters are shown in.
fn is_order(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        let hostile = "</script><img src=x onerror='alert(1)'> & \"q\" \x1b[m\u{202e}\0\u{9b}";
        insta::assert_snapshot!(
            escaped(hostile),
            @"&lt;/script&gt;&lt;img src=x onerror=&#39;alert(1)&#39;&gt; &amp; &quot;q&quot; �[m���"
        );
    }
}
