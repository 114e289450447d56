//! The end of a run that was killed after its last outcome: a session that begins and ends, and has nothing to send.
//!
//! The journal is all that such a session needs: no credential, no connection, no engine. Without it nobody could ever tell
//! the run from one that goes on or has something left.

use std::time::Duration;

use super::recorded::Story;
use crate::event::RunEvent;
use crate::expand::ExecutionPlan;
use crate::io::journal_file::JournalFile;
use crate::run::port::{EventLog, LogFailure};
use crate::run::{NotRecorded, RunEnd};

/// How long the journal may take for the two records.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The run after that session, with all its events.
pub(super) struct Completed {
    pub(super) events: Vec<RunEvent>,
    pub(super) end: RunEnd,
}

impl Completed {
    /// A run whose last session came to its end: nothing is added.
    pub(super) fn as_it_is(story: Story) -> Self {
        let Story { events, summary } = story;
        Self { events, end: RunEnd { summary, not_recorded: None } }
    }

    /// Adds the session that `begin` takes up, and its end; the log has all of it when this returns, or the end says why not.
    pub(super) fn by(story: Story, begin: Vec<RunEvent>, plan: &ExecutionPlan, mut log: JournalFile) -> Self {
        let Story { mut events, mut summary } = story;
        for event in begin {
            let event = event.in_micros();
            summary.apply(&event);
            log.append(&event, plan);
            events.push(event);
        }
        let end = RunEvent::RunEnded { at: summary.elapsed };
        log.append(&end, plan);
        events.push(end);
        let failure = (!log.flush_within(LONGEST_WAIT)).then(|| not_taken(&log));
        let not_recorded = failure.map(|failure| NotRecorded { failure, operations: Vec::new() });
        Self { events, end: RunEnd { summary, not_recorded } }
    }
}

/// Why the log has not taken everything.
fn not_taken(log: &JournalFile) -> LogFailure {
    log.durable().map_or_else(
        |failure| failure,
        |durable| LogFailure {
            message: format!(
                "the journal has not taken the end of the run for {} s; its file system may be gone: check the mount of the \
                 state directory, and resume the run again",
                LONGEST_WAIT.as_secs()
            ),
            durable,
        },
    )
}
