//! Standard output and standard error.
//!
//! Results go to standard output, everything else to standard error. Text that came from outside has been made visible
//! (`diagnostic::visible`) by whoever put it into a sentence; here it is only written.

use std::borrow::Cow;
use std::io::{self, BufRead, IsTerminal, Write};

use super::commands::{Unobeyed, without_commands};
use crate::cli::{ColorArg, GlobalArgs};
use crate::diagnostic::{Diagnostic, Style, render, visible};
use crate::report::wrap;
use crate::source::Sources;

/// The width of running text when there is no terminal to ask.
pub const DEFAULT_WIDTH: usize = 100;
/// No terminal is taken to be narrower: lines would fall apart.
const NARROWEST: usize = 40;
/// Diagnostics that are shown for one invocation; the rest is counted.
const MOST_DIAGNOSTICS: usize = 100;

/// Where people read.
#[derive(Debug)]
pub struct Console {
    out_style: Style,
    err_style: Style,
    /// Standard output was a terminal when the process began; one that has gone is none any more.
    out_is_terminal: bool,
    /// `-q`
    quiet: bool,
    /// `-v`
    verbose: bool,
    /// Whether a runner of GitHub Actions or Azure Pipelines reads both streams, and takes some texts for commands.
    obeyed: bool,
}

impl Console {
    /// A console with the flags that were given; `no_color` is whether `NO_COLOR` is set to something.
    #[must_use]
    pub fn new(global: &GlobalArgs, no_color: bool) -> Self {
        let style = |is_terminal: bool| match global.color.unwrap_or_default() {
            ColorArg::Always => Style::Colour,
            ColorArg::Never => Style::Plain,
            ColorArg::Auto if is_terminal && !no_color => Style::Colour,
            ColorArg::Auto => Style::Plain,
        };
        let out_is_terminal = io::stdout().is_terminal();
        Self {
            out_style: style(out_is_terminal),
            out_is_terminal,
            err_style: style(io::stderr().is_terminal()),
            quiet: global.quiet,
            verbose: global.verbose,
            obeyed: false,
        }
    }

    /// The same where a runner reads along, and no text may become a command of it.
    #[must_use]
    pub fn obeyed(self, obeyed: bool) -> Self {
        Self { obeyed, ..self }
    }

    /// The width of the terminal behind standard output; none when that is a file or another program.
    #[must_use]
    pub fn width(&self) -> Option<usize> {
        console::Term::stdout().size_checked().map(|(_, columns)| usize::from(columns).max(NARROWEST))
    }

    /// Whether a person can be asked and a bar be drawn.
    #[must_use]
    pub fn is_interactive(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Whether a bar can be drawn.
    #[must_use]
    pub fn has_bar(&self) -> bool {
        io::stderr().is_terminal() && !self.quiet
    }

    /// `-q`.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Writes a result to standard output. A reader that went away (`| head`, a terminal that was closed) is no error.
    ///
    /// # Errors
    /// When standard output can't be written for another reason.
    pub fn result(&self, text: &str) -> io::Result<()> {
        let text = if self.obeyed { without_commands(text) } else { Cow::Borrowed(text) };
        self.result_with(|out| out.write_all(text.as_bytes()))
    }

    /// As [`Console::result`], for what is written piece by piece.
    ///
    /// # Errors
    /// When standard output can't be written, except that a reader went away.
    pub fn result_with(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        match self.report(write) {
            Err(error) if self.reader_went_away(&error) => Ok(()),
            other => other,
        }
    }

    /// Writes a report to standard output, which nobody may lose: that its reader went away is an error here.
    ///
    /// # Errors
    /// When standard output can't be written.
    pub fn report(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        write(&mut out).and_then(|()| out.flush())
    }

    /// As [`Console::report`], for a report in which texts from outside stand as they are: none of them is a command of a runner
    /// that reads along.
    ///
    /// # Errors
    /// When standard output can't be written.
    pub fn report_of_texts(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        self.report(|out| if self.obeyed { write(&mut Unobeyed::new(out)) } else { write(out) })
    }

    /// Standard output for a report that is written while a run goes on.
    #[must_use]
    pub fn stream(&self) -> impl Write + Send + use<> {
        io::stdout()
    }

    fn reader_went_away(&self, error: &io::Error) -> bool {
        // What a terminal that is gone gives has no kind of its own; a disk may give it too.
        #[cfg(unix)]
        let hung_up = error.raw_os_error() == Some(nix::errno::Errno::EIO as i32);
        #[cfg(not(unix))]
        let hung_up = false;
        error.kind() == io::ErrorKind::BrokenPipe || (self.out_is_terminal && hung_up)
    }

    /// Writes text to standard error, whatever `-q` says. Standard error that can't be written leaves nothing to tell.
    pub fn message(&self, text: &str) {
        self.commands(&if self.obeyed { without_commands(text) } else { Cow::Borrowed(text) });
    }

    /// As [`Console::message`], for what is meant to be obeyed.
    pub fn commands(&self, text: &str) {
        let mut err = io::stderr().lock();
        let _ = err.write_all(text.as_bytes());
        if !text.ends_with('\n') {
            let _ = err.write_all(b"\n");
        }
    }

    /// Writes text to standard error unless `-q`.
    pub fn info(&self, text: &str) {
        if !self.quiet {
            self.message(text);
        }
    }

    /// Writes text to standard error with `-v`.
    pub fn detail(&self, text: &str) {
        if self.verbose {
            self.message(text);
        }
    }

    /// `error: …` on standard error, in lines that fit a terminal.
    pub fn error(&self, text: &str) {
        let width = console::Term::stderr().size_checked().map_or(usize::MAX, |(_, columns)| usize::from(columns));
        let (mut out, mut first) = (String::new(), "error: ");
        // Paths, flags and what services say end up here: nothing of it may steer the terminal.
        for line in text.lines().map(visible) {
            wrap(&mut out, first, "  ", &line, width.max(NARROWEST));
            first = "";
        }
        if let (Style::Colour, Some(rest)) = (self.err_style, out.strip_prefix("error:")) {
            out = format!("\u{1b}[1;31merror\u{1b}[0m:{rest}");
        }
        self.message(&out);
    }

    /// Diagnostics as the result of a command, on standard output.
    ///
    /// # Errors
    /// When standard output can't be written.
    pub fn diagnostics_as_result(&self, diagnostics: &[Diagnostic], sources: &Sources) -> io::Result<()> {
        self.result(&rendered(diagnostics, sources, self.out_style))
    }

    /// Diagnostics beside the result of a command, on standard error; with `-q` errors only.
    pub fn diagnostics(&self, diagnostics: &[Diagnostic], sources: &Sources) {
        let shown: Vec<Diagnostic> =
            diagnostics.iter().filter(|diagnostic| diagnostic.is_error() || !self.quiet).cloned().collect();
        if !shown.is_empty() {
            self.message(&rendered(&shown, sources, self.err_style));
        }
    }

    /// Asks on standard error and reads a line of standard input; only `y` and `yes` mean yes.
    #[must_use]
    pub fn ask(&self, question: &str) -> bool {
        let mut err = io::stderr().lock();
        let _ = write!(err, "{question} [y/N] ");
        let _ = err.flush();
        let mut answer = String::new();
        let read = io::stdin().lock().read_line(&mut answer);
        read.is_ok() && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
    }
}

fn rendered(diagnostics: &[Diagnostic], sources: &Sources, style: Style) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics.iter().take(MOST_DIAGNOSTICS) {
        text.push_str(&render(diagnostic, sources, style));
        text.push('\n');
    }
    if diagnostics.len() > MOST_DIAGNOSTICS {
        text.push_str(&format!(
            "... and {} more; --format json lists them all\n\n",
            diagnostics.len() - MOST_DIAGNOSTICS
        ));
    }
    text
}
