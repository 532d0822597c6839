//! The one place where diagnostics become text for people.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::{Diagnostic, Place, Severity};
use crate::files::Source;

/// Lines shown around the one with the caret.
const LINES_AROUND: usize = 1;

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
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(&diagnostic.message).id(diagnostic.code.to_string());
    let group = match (&diagnostic.place, source) {
        (Some(place), Some(source)) => title.element(snippet(diagnostic, place, source)),
        (Some(place), None) => title.element(
            Origin::path(&diagnostic.file)
                .line(place.line)
                .char_column(place.column),
        ),
        (None, _) => title.element(Origin::path(&diagnostic.file)),
    };
    let help = diagnostic.help.as_deref().map(|help| Level::HELP.message(help));
    vec![group.elements(help)]
}

/// Only the lines that are shown: the renderer measures all of the text it is given, for each diagnostic again.
fn snippet<'a>(
    diagnostic: &'a Diagnostic,
    place: &Place,
    source: &'a Source,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let (before, after) = source.text.split_at(place.span.start);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let mut first_line = place.line;
    let mut start = line_start;
    for _ in 0..LINES_AROUND {
        if start > 0 {
            start = before[..start - 1].rfind('\n').map_or(0, |newline| newline + 1);
            first_line -= 1;
        }
    }
    let end = after
        .match_indices('\n')
        .nth(LINES_AROUND)
        .map_or(source.text.len(), |(newline, _)| place.span.start + newline);
    let mut annotation = AnnotationKind::Primary.span(place.span.start - start..place.span.end - start);
    if !diagnostic.label.is_empty() {
        annotation = annotation.label(&diagnostic.label);
    }
    Snippet::source(&source.text[start..end])
        .path(&diagnostic.file)
        .line_start(first_line)
        .fold(false)
        .annotation(annotation)
}
