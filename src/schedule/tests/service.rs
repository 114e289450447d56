//! A scripted service: what becomes of a call, when the service counts it, and what it answers.

use std::time::Duration;

use crate::event::{AttemptRecord, Failure, FailureKind};
use crate::policy::stated_limit;
use crate::schedule::AttemptEnd;

pub(super) fn failure(kind: FailureKind, status: Option<u16>) -> Failure {
    Failure { kind, status, code: None, message: format!("{kind:?}"), given_up: None }
}

pub(super) fn throttled(at: Duration, wait: Option<Duration>) -> AttemptEnd {
    AttemptEnd::Retry { failure: failure(FailureKind::Throttled, Some(429)), at, wait, limit: None }
}

/// A 429 whose text states a limit, as the dispatcher reads it.
pub(super) fn throttled_with_limit(at: Duration, text: &str) -> AttemptEnd {
    let failure = Failure { message: text.to_owned(), ..failure(FailureKind::Throttled, Some(429)) };
    let limit = stated_limit(text);
    AttemptEnd::Retry { failure, at, wait: limit.map(|(_, per)| per), limit }
}

pub(super) fn unavailable(at: Duration) -> AttemptEnd {
    AttemptEnd::Retry { failure: failure(FailureKind::Unavailable, Some(503)), at, wait: None, limit: None }
}

pub(super) fn refused() -> AttemptEnd {
    AttemptEnd::Failed(failure(FailureKind::Refused, Some(400)))
}

pub(super) fn credential_refused() -> AttemptEnd {
    AttemptEnd::Failed(failure(FailureKind::Credential, Some(401)))
}

pub(super) fn no_answer() -> AttemptEnd {
    AttemptEnd::Unknown(failure(FailureKind::NoAnswer, None))
}

/// What the service does with an attempt: after how long it answers, the share of that after which it counts the call,
/// and the answer, made at the time it arrives. `AttemptEnd::Withdrawn` is no answer: the journal couldn't announce the launch.
pub(super) struct Reply {
    pub(super) latency: Duration,
    pub(super) counted: f64,
    pub(super) end: Box<dyn FnOnce(Duration) -> AttemptEnd>,
}

/// Every attempt takes 100 ms, is counted half-way, and ends like this.
pub(super) fn in_100_ms(end: impl FnOnce(Duration) -> AttemptEnd + 'static) -> Reply {
    Reply { latency: Duration::from_millis(100), counted: 0.5, end: Box::new(end) }
}

/// One call that was announced.
pub(super) struct Call {
    pub(super) op: usize,
    pub(super) attempt: u32,
    pub(super) sent: Duration,
    /// When the service counted it; never if the session died before it was sent.
    pub(super) counted: Option<Duration>,
    /// Of the time that an answer takes, after how much the service counts the call.
    pub(super) share: f64,
    /// Whether the service certainly did not take it, so that it may be sent again.
    pub(super) refused: bool,
    /// Whether its session died before the answer was in the journal.
    pub(super) lost: bool,
    /// Where its announcement stands in the journal.
    pub(super) event: usize,
}

/// What a report shows of an attempt that ended like this.
pub(super) fn record_of(end: &AttemptEnd, started: Duration, now: Duration) -> AttemptRecord {
    let failure = match end {
        AttemptEnd::Accepted | AttemptEnd::Withdrawn(_) => None,
        AttemptEnd::Failed(failure) | AttemptEnd::Unknown(failure) | AttemptEnd::Retry { failure, .. } => Some(failure),
    };
    AttemptRecord {
        started,
        duration: now - started,
        status: failure.map_or(Some(200), |failure| failure.status),
        error_code: failure.and_then(|failure| failure.code.clone()),
        error_message: failure.map(|failure| failure.message.clone()),
        request_id: None,
        throttled: failure.and_then(|failure| failure.status) == Some(429),
        kind: failure.map(|failure| failure.kind),
    }
}
