//! A mistake in a configuration file, with the place it stands.

use std::ops::Range;
use std::path::PathBuf;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file.
    pub file: PathBuf,
    /// Its text, if it could be read.
    pub source: Option<String>,
    /// Where in the text, in bytes.
    pub span: Option<Range<usize>>,
    /// What is wrong: a lowercase fragment.
    pub title: String,
    /// What stands at the caret.
    pub label: Option<String>,
    /// What to do about it.
    pub help: Option<String>,
    /// Whether it may have hidden a `[[target]]`.
    pub hides_targets: bool,
}

/// Whether a message is written with colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// For files, pipes and tests.
    Plain,
    /// For terminals.
    Coloured,
}

impl ConfigError {
    /// Writes the mistake with file, line, column and caret, without a last line end.
    #[must_use]
    pub fn render(&self, style: Style) -> String {
        let path = self.file.display().to_string();
        let mut elements = Group::with_title(Level::ERROR.primary_title(self.title.as_str()));
        if let (Some(source), Some(span)) = (&self.source, &self.span) {
            let mut annotation = AnnotationKind::Primary.span(span.clone());
            if let Some(label) = &self.label {
                annotation = annotation.label(label.as_str());
            }
            let snippet = Snippet::source(source.as_str()).path(path.as_str());
            elements = elements.element(snippet.annotation(annotation));
        } else {
            elements = elements.element(Level::NOTE.message(format!("in {path}")));
        }
        if let Some(help) = &self.help {
            elements = elements.element(Level::HELP.message(help.as_str()));
        }
        let renderer = match style {
            Style::Plain => Renderer::plain(),
            Style::Coloured => Renderer::styled(),
        };
        renderer.decor_style(DecorStyle::Ascii).render(&[elements])
    }

    /// Writes the mistake in one line: `file:line:column: what is wrong`.
    #[must_use]
    pub fn line(&self) -> String {
        let path = self.file.display();
        let place = self.source.as_ref().zip(self.span.as_ref()).map(|(source, span)| {
            let before = source.get(..span.start).unwrap_or(source);
            let line = before.matches('\n').count() + 1;
            let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
            format!(":{line}:{column}")
        });
        format!("{path}{}: {}", place.unwrap_or_default(), self.title)
    }
}
