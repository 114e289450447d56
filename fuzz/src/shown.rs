//! Diagnostics as they are shown: each place lies in its text, and no format lets through what it must not.

use hss_sync::diagnostic::{Diagnostic, MOST_SHOWN, Place, Style, render};
use hss_sync::report::{write_diagnostics, write_github_diagnostics, write_sarif_diagnostics};
use hss_sync::source::{Location, Sources};

/// More than a diagnostic with all its parts at their bounds.
const LONGEST_DIAGNOSTIC: usize = 1 << 20;

/// Holds the diagnostics of one stage to what is promised of all.
///
/// # Panics
/// When one breaks it.
pub fn check(diagnostics: &[Diagnostic], sources: &Sources) {
    assert!(diagnostics.len() <= MOST_SHOWN, "{} diagnostics", diagnostics.len());
    for diagnostic in diagnostics {
        if let Place::Text(label) = &diagnostic.place {
            check_place(label.location, sources);
        }
        diagnostic.secondary.iter().for_each(|label| check_place(label.location, sources));
        assert!(!diagnostic.message.is_empty(), "{diagnostic:?}");
        let plain = render(diagnostic, sources, Style::Plain);
        assert!(plain.len() <= LONGEST_DIAGNOSTIC, "{} bytes", plain.len());
        no_controls(&plain);
        no_controls(&without_colour(&render(diagnostic, sources, Style::Colour)));
    }
    let mut json = Vec::new();
    write_diagnostics(&mut json, diagnostics, sources, 1, None).expect("memory takes it");
    serde_json::from_slice::<serde_json::Value>(&json).expect("JSON");
    let mut sarif = Vec::new();
    write_sarif_diagnostics(&mut sarif, diagnostics, sources).expect("memory takes it");
    serde_json::from_slice::<serde_json::Value>(&sarif).expect("SARIF");
    let mut github = Vec::new();
    write_github_diagnostics(&mut github, diagnostics, sources).expect("memory takes it");
    check_commands(&github, diagnostics.len());
}

/// Holds annotations to being commands of ours, `count` at most and nothing else.
///
/// # Panics
/// When there is another.
pub fn check_commands(github: &[u8], count: usize) {
    let github = std::str::from_utf8(github).expect("UTF-8");
    assert!(github.lines().count() <= count, "{github}");
    for line in github.split_terminator(['\n', '\r']) {
        let ours = ["::error ", "::warning ", "::notice "].iter().any(|start| line.starts_with(start));
        assert!(ours, "not a command of ours: {line:?}");
    }
}

/// Holds a place to lying in its text, with a line and column that an editor has.
///
/// # Panics
/// When it does not.
pub fn check_place(location: Location, sources: &Sources) {
    let source = sources.get(location.source);
    let (text, range) = (source.text(), location.span.range());
    assert!(text.get(range.clone()).is_some(), "{range:?} is no part of the {} bytes", text.len());
    for offset in [location.span.start, location.span.end] {
        let position = source.position(offset);
        let (line, column) = (position.line() as usize, position.column() as usize);
        assert!((1..=source.line_count()).contains(&line), "line {line} of {}", source.line_count());
        let characters = text.split('\n').nth(line - 1).map_or(0, |line| line.chars().count());
        assert!((1..=characters + 1).contains(&column), "column {column} of {characters} at {offset}");
    }
}

/// Holds a text for people to having no control character but line feeds, and nothing that turns text round.
///
/// # Panics
/// When it has one.
pub fn no_controls(text: &str) {
    let steers =
        |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert!(!text.chars().any(steers), "{text:?}");
}

/// A text without the escape sequences that set colours, the only ones that the renderer writes.
fn without_colour(text: &str) -> String {
    let mut rest = text;
    let mut out = String::with_capacity(text.len());
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        out.push_str(before);
        let end = after.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(after.len());
        rest = after[end..].strip_prefix('m').expect("a sequence that sets a colour");
    }
    out.push_str(rest);
    out
}
