//! The terminal behind standard error, as the bar draws on it: the cursor rests at the beginning of the last line.
//!
//! `indicatif` leaves it at the end, where the `^C` that the terminal itself writes on an interrupt begins a new line, and the
//! next drawing would miss the lines of the one before by one. A terminal that is gone is drawn on no more.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use console::Term;
use indicatif::TermLike;

/// Standard error, for drawing.
#[derive(Debug)]
pub(super) struct Screen {
    term: Term,
    gone: AtomicBool,
}

impl Screen {
    pub(super) fn stderr() -> Self {
        Self { term: Term::buffered_stderr(), gone: AtomicBool::new(false) }
    }

    /// Does what is drawn, while there is something to draw on: a buffer that can't be written would only grow.
    fn draw(&self, on: impl FnOnce(&Term) -> io::Result<()>) -> io::Result<()> {
        if self.gone.load(Ordering::Relaxed) {
            return Ok(());
        }
        on(&self.term)
    }

    /// Columns of the terminal; enough for a few words even where it gives no true number.
    pub(super) fn columns() -> usize {
        usize::from(Term::stderr().size().1).max(20)
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        self.term.size().1
    }

    fn height(&self) -> u16 {
        self.term.size().0
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.draw(|term| term.move_cursor_up(n))
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.draw(|term| term.move_cursor_down(n))
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.draw(|term| term.move_cursor_right(n))
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.draw(|term| term.move_cursor_left(n))
    }

    fn write_line(&self, line: &str) -> io::Result<()> {
        self.draw(|term| term.write_line(line))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.draw(|term| term.write_str(text))
    }

    fn clear_line(&self) -> io::Result<()> {
        self.draw(|term| term.clear_line())
    }

    fn flush(&self) -> io::Result<()> {
        let drawn = self.draw(|term| term.write_str("\r").and_then(|()| term.flush()));
        if let Err(error) = &drawn
            && error.kind() != io::ErrorKind::WouldBlock
        {
            self.gone.store(true, Ordering::Relaxed);
        }
        drawn
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn a_terminal_that_is_gone_is_drawn_on_once() {
        let (screen, terminal) = UnixStream::pair().expect("a pair");
        drop(terminal);
        let term = Term::read_write_pair(screen.try_clone().expect("a copy"), screen);
        let screen = Screen { term, gone: AtomicBool::new(false) };
        assert_eq!(screen.flush().map_err(|error| error.kind()), Err(io::ErrorKind::BrokenPipe));
        assert!(screen.write_str("more").is_ok() && screen.flush().is_ok(), "nothing is written any more");
    }
}
