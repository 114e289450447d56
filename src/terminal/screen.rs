//! The terminal behind standard error, as the bar draws on it: the cursor rests at the beginning of the last line.
//!
//! `indicatif` leaves it at the end, where the `^C` that the terminal itself writes on an interrupt begins a new line, and the
//! next drawing would miss the lines of the one before by one.

use std::io;

use console::Term;
use indicatif::TermLike;

/// Standard error, for drawing.
#[derive(Debug)]
pub(super) struct Screen(Term);

impl Screen {
    pub(super) fn stderr() -> Self {
        Self(Term::buffered_stderr())
    }

    /// Columns of the terminal; enough for a few words even where it gives no true number.
    pub(super) fn columns() -> usize {
        usize::from(Term::stderr().size().1).max(20)
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        self.0.size().1
    }

    fn height(&self) -> u16 {
        self.0.size().0
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_left(n)
    }

    fn write_line(&self, line: &str) -> io::Result<()> {
        self.0.write_line(line)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.0.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.0.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.0.write_str("\r")?;
        self.0.flush()
    }
}
