//! A diagnostic as text with its source snippet.

use super::Diagnostic;
use crate::source::Sources;

/// Whether escape sequences for colour are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Text only.
    Plain,
    /// With colour, which only repeats what the words say.
    Colour,
}

/// The diagnostic as people read it: code, message, `file:line:col`, snippet, notes, help. Ends with a line feed.
#[must_use]
pub fn render(diagnostic: &Diagnostic, sources: &Sources, style: Style) -> String {
    let _ = (diagnostic, sources, style);
    todo!()
}
