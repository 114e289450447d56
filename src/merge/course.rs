//! What of a run's events the account of several needs: when somebody was at work, over runs that may have gone side by side,
//! when something last happened to an operation, and whether two runs went the same way. The events themselves, which are most of
//! what there is to know of a run, are gone through once and not kept.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use crate::event::{OpIndex, RunEvent};

/// From one moment to another, on one clock.
pub(super) type Span = (Duration, Duration);

/// The course of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Course {
    /// For each event a hash of all up to it. Where two courses have the same one, all before it was the same.
    prints: Vec<u64>,
    /// When something last happened to each operation.
    latest: Vec<Duration>,
    sessions: Vec<Span>,
    /// How long the last session was forecast to take.
    forecast: Duration,
}

impl Course {
    /// The course that a run of so many operations took.
    #[must_use]
    pub fn of(operations: usize, events: &[RunEvent]) -> Self {
        let mut course = Self {
            prints: Vec::with_capacity(events.len()),
            latest: vec![Duration::ZERO; operations],
            sessions: Vec::new(),
            forecast: Duration::ZERO,
        };
        let (mut hasher, mut began, mut reached) = (DefaultHasher::new(), Duration::ZERO, Duration::ZERO);
        for event in events {
            event.hash(&mut hasher);
            course.prints.push(hasher.finish());
            if let RunEvent::RunResumed { at, .. } = event {
                course.sessions.push((began, reached));
                began = *at;
            }
            if let RunEvent::RunStarted { forecast, .. } | RunEvent::RunResumed { forecast, .. } = event {
                course.forecast = *forecast;
            }
            reached = reached.max(event.at());
            if let Some(latest) = event.operation().and_then(|op| course.latest.get_mut(op)) {
                *latest = (*latest).max(event.at());
            }
        }
        course.sessions.push((began, reached));
        course
    }

    /// How many events there were.
    #[must_use]
    pub fn len(&self) -> usize {
        self.prints.len()
    }

    /// Whether nothing happened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.prints.is_empty()
    }

    /// Whether one of the two is the other as it was earlier, or both are the same.
    pub(super) fn is_copy_of(&self, other: &Self) -> bool {
        match self.len().min(other.len()) {
            0 => true,
            shorter => self.prints[shorter - 1] == other.prints[shorter - 1],
        }
    }

    /// When something last happened to an operation; zero if nothing did.
    pub(super) fn latest(&self, op: OpIndex) -> Duration {
        self.latest.get(op).copied().unwrap_or_default()
    }

    /// The sessions, on the run's own clock; the last one went on for `elapsed` at least.
    pub(super) fn sessions(&self, elapsed: Duration) -> Vec<Span> {
        let mut sessions = self.sessions.clone();
        if let Some((_, end)) = sessions.last_mut() {
            *end = elapsed.max(*end);
        }
        sessions
    }

    /// The sessions as they were forecast: those that were followed by another as they were, and the last from its start for
    /// as long as it was forecast then.
    pub(super) fn forecast(&self) -> Vec<Span> {
        let mut spans = self.sessions.clone();
        if let Some((began, end)) = spans.last_mut() {
            *end = began.saturating_add(self.forecast);
        }
        spans
    }
}

/// How much time is in at least one of the spans.
pub(super) fn covered(mut spans: Vec<Span>) -> Duration {
    spans.sort_unstable();
    let (mut sum, mut reached) = (Duration::ZERO, Duration::ZERO);
    for (began, end) in spans {
        sum += end.saturating_sub(began.max(reached));
        reached = reached.max(end);
    }
    sum
}
