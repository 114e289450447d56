//! The events of a run, written as lines of JSON while it goes on: a sink for `--report ndjson=…`.
//!
//! Each stream has a thread, so that a reader who is slow holds up no run. It says of each line that it was taken, or why the
//! stream ends there; after that nothing more is written to it, since a line behind half a line would be lost with it.

use std::io::{self, Write};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use super::console::Console;
use crate::event::RunEvent;
use crate::expand::ExecutionPlan;
use crate::report::{EventFacts, write_event};
use crate::run::port::{EventSink, Waiting};
use crate::summary::RunSummary;

/// Does something while nothing else is on the screen.
type Aside<'a> = Box<dyn Fn(&mut dyn FnMut()) + 'a>;

/// The streams of a run.
pub struct Streams<'a> {
    console: &'a Console,
    facts: EventFacts,
    streams: Vec<Stream>,
    aside: Option<Aside<'a>>,
    line: Vec<u8>,
}

/// What became of the streams.
#[derive(Debug, Default)]
pub struct StreamsEnd {
    /// How many are whole.
    pub whole: usize,
    /// What is not, a message each.
    pub errors: Vec<String>,
}

impl<'a> Streams<'a> {
    /// None yet. What goes wrong is told on the console.
    #[must_use]
    pub fn new(console: &'a Console, facts: EventFacts) -> Self {
        Self { console, facts, streams: Vec::new(), aside: None, line: Vec::new() }
    }

    /// One more, called `name` in messages; `why` says what it means that a line could not be written.
    ///
    /// # Errors
    /// When the system has no thread for it.
    pub fn add(
        &mut self,
        name: String,
        out: impl Write + Send + 'static,
        why: impl Fn(io::Error) -> String + Send + 'static,
    ) -> io::Result<()> {
        let ((lines, queue), (took, taken)) = (mpsc::channel(), mpsc::channel());
        let work = move || write_lines(out, &queue, &took, why);
        thread::Builder::new().name("events".to_owned()).spawn(work)?;
        self.streams.push(Stream { name, lines, taken, whole: 0, failed: None });
        Ok(())
    }

    /// Takes what else is on the screen away while something is told.
    pub fn beside(&mut self, aside: impl Fn(&mut dyn FnMut()) + 'a) {
        self.aside = Some(Box::new(aside));
    }

    /// What happened before this session.
    pub fn replay(&mut self, plan: &ExecutionPlan, events: &[RunEvent]) {
        if self.streams.is_empty() {
            return;
        }
        let mut summary = RunSummary::new(plan.operations.len());
        for event in events {
            summary.apply(event);
            self.write(event, plan, &summary);
        }
    }

    fn write(&mut self, event: &RunEvent, plan: &ExecutionPlan, summary: &RunSummary) {
        if self.streams.is_empty() {
            return;
        }
        self.line.clear();
        // Writing into memory has no way to fail.
        let _ = write_event(&mut self.line, plan, self.facts, event, summary);
        if !self.line.is_empty() {
            for stream in &self.streams {
                // A thread that is gone has said why.
                let _ = stream.lines.send(self.line.clone());
            }
        }
        self.look();
    }

    /// Sees what was taken, and tells at once what was not.
    fn look(&mut self) {
        for stream in &mut self.streams {
            while let Ok(taken) = stream.taken.try_recv() {
                stream.note(taken, self.console, self.aside.as_ref());
            }
        }
    }

    /// Waits until everything is written, for as long as a line is taken within `patience`.
    #[must_use]
    pub fn finish(self, patience: Duration) -> StreamsEnd {
        let mut end = StreamsEnd::default();
        for stream in self.streams {
            match stream.finish(patience, self.console) {
                Ok(()) => end.whole += 1,
                Err(error) => end.errors.push(error),
            }
        }
        end
    }
}

impl EventSink for Streams<'_> {
    fn on_event(&mut self, event: &RunEvent, plan: &ExecutionPlan, summary: &RunSummary) {
        self.write(event, plan, summary);
    }

    fn on_tick(&mut self, _: Duration, _: Option<&Waiting>, _: &ExecutionPlan, _: &RunSummary) {
        self.look();
    }
}

/// A thread that writes lines.
struct Stream {
    name: String,
    lines: Sender<Vec<u8>>,
    taken: Receiver<Result<(), String>>,
    /// Lines that were written.
    whole: usize,
    failed: Option<Broken>,
}

/// Why a stream is not whole, where that was not told when it happened.
#[derive(Clone, Copy)]
enum Broken {
    Told,
    Stuck,
}

impl Stream {
    fn note(&mut self, taken: Result<(), String>, console: &Console, aside: Option<&Aside<'_>>) {
        let Err(why) = taken else {
            self.whole += 1;
            return;
        };
        self.failed = Some(Broken::Told);
        let mut tell = || console.error(&format!("{why} (the run goes on; its ndjson report ends here)"));
        match aside {
            Some(aside) => aside(&mut tell),
            None => tell(),
        }
    }

    /// Waits until everything is written, or says what is not.
    fn finish(mut self, patience: Duration, console: &Console) -> Result<(), String> {
        // Without a sender the thread ends after its last line.
        self.lines = mpsc::channel().0;
        loop {
            match self.taken.recv_timeout(patience) {
                Ok(taken) => self.note(taken, console, None),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    self.failed = Some(Broken::Stuck);
                    break;
                }
            }
        }
        let lines = if self.whole == 1 { "1 line".to_owned() } else { format!("{} lines", self.whole) };
        match self.failed {
            None => Ok(()),
            Some(Broken::Told) => Err(format!("the ndjson report is not whole: {} ends after {lines}", self.name)),
            Some(Broken::Stuck) => Err(format!(
                "the ndjson report is not whole: {} took {lines} and then nothing for {} s; is its reader still there?",
                self.name,
                patience.as_secs()
            )),
        }
    }
}

fn write_lines(
    mut out: impl Write,
    lines: &Receiver<Vec<u8>>,
    took: &Sender<Result<(), String>>,
    why: impl Fn(io::Error) -> String,
) {
    for line in lines {
        let written = out.write_all(&line).and_then(|()| out.flush()).map_err(&why);
        let failed = written.is_err();
        if took.send(written).is_err() || failed {
            return;
        }
    }
}
