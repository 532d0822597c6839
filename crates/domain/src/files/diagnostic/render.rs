//! The one place where diagnostics become text for people.

use std::borrow::Cow;
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::{Diagnostic, Place, Severity};
use crate::files::Source;

/// Shown is the line with the caret, one before it and one after it, as far as this many bytes reach.
const BYTES_AROUND: usize = 500;

/// Draws each diagnostic with its line, caret and remedy. `sources` are the texts the diagnostics were found in; one whose
/// text is not among them is drawn without its line. With `color` the text holds ANSI escapes.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], sources: &[Source], color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    let mut drawn = String::new();
    for diagnostic in diagnostics {
        let source = sources.iter().find(|source| source.path == diagnostic.file);
        drawn.push_str(&renderer.render(&groups(diagnostic, source)));
        drawn.push_str("\n\n");
    }
    drawn
}

fn groups<'a>(diagnostic: &'a Diagnostic, source: Option<&'a Source>) -> Vec<Group<'a>> {
    let level = match diagnostic.severity {
        Severity::Error | Severity::Confined => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(&diagnostic.message).id(diagnostic.code.to_string());
    let origin = Origin::path(&diagnostic.file);
    let group = match (&diagnostic.place, source) {
        (None, _) => title.element(origin),
        (Some(place), None) => title.element(at(origin, place)),
        (Some(place), Some(source)) => {
            let (excerpt, first_line) = excerpt(place, &source.text);
            let start = excerpt.start;
            let snippet = snippet(diagnostic, place, &source.text, excerpt).line_start(first_line);
            let before = &source.text[..start];
            if !before.is_empty() && !before.ends_with('\n') {
                // The renderer would count the column from where the excerpt begins.
                title.element(at(origin, place)).element(snippet)
            } else {
                title.element(snippet.path(&diagnostic.file))
            }
        }
    };
    let help = diagnostic.help.as_deref().map(|help| Level::HELP.message(help));
    vec![group.elements(help)]
}

fn at<'a>(origin: Origin<'a>, place: &Place) -> Origin<'a> {
    origin.line(place.line).char_column(place.column)
}

fn snippet<'a>(
    diagnostic: &'a Diagnostic,
    place: &Place,
    text: &'a str,
    excerpt: Range<usize>,
) -> Snippet<'a, Annotation<'a>> {
    let span = place.span.start - excerpt.start..place.span.end - excerpt.start;
    let annotation = AnnotationKind::Primary.span(span);
    let label = Some(diagnostic.label.as_str()).filter(|label| !label.is_empty());
    Snippet::source(veiled(text, &excerpt, &diagnostic.hidden))
        .fold(false)
        .annotation(annotation.label(label))
}

/// A part of the text without what is hidden; every other byte stays where it is, and so do the ends of lines.
fn veiled<'a>(text: &'a str, excerpt: &Range<usize>, hidden: &[Range<usize>]) -> Cow<'a, str> {
    let overlap = |part: &Range<usize>| part.start.max(excerpt.start)..part.end.min(excerpt.end);
    let mut parts = hidden.iter().map(overlap).filter(|part| !part.is_empty()).peekable();
    let shown = &text[excerpt.clone()];
    if parts.peek().is_none() {
        return Cow::Borrowed(shown);
    }
    let mut bytes = shown.as_bytes().to_vec();
    for part in parts {
        let part = &mut bytes[part.start - excerpt.start..part.end - excerpt.start];
        part.iter_mut()
            .filter(|byte| **byte != b'\n')
            .for_each(|byte| *byte = b'*');
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

/// The part of the text that is shown, and the line it begins on. The renderer measures all it is given, for each diagnostic
/// again, so it is given no more than that.
fn excerpt(place: &Place, text: &str) -> (Range<usize>, usize) {
    let (before, after) = text.split_at(place.span.start);
    let line_before = |end: usize| before[..end].rfind('\n').map_or(0, |newline| newline + 1);
    let line_start = line_before(before.len());
    let nearest_start = text.ceil_char_boundary(place.span.start.saturating_sub(BYTES_AROUND));
    let farthest_end = text.floor_char_boundary(place.span.end.saturating_add(BYTES_AROUND));
    let next_line_end = after
        .match_indices('\n')
        .nth(1)
        .map_or(text.len(), |(newline, _)| before.len() + newline);
    let (start, first_line) = match line_start {
        0 => (0, place.line),
        _ => (line_before(line_start - 1), place.line - 1),
    };
    let end = next_line_end.min(farthest_end);
    if nearest_start <= start {
        (start..end, first_line)
    } else {
        (nearest_start.max(line_start)..end, place.line)
    }
}
