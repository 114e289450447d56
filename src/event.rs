//! What happens in a run, as values. A leaf: it imports only `model`.
//!
//! The dispatcher makes these; progress, summary, streams and the journal are folds over them.

use std::time::Duration;

use crate::model::{FailureBudget, RunId, TaskId};

/// Index of an operation in [`crate::expand::ExecutionPlan::operations`].
pub type OpIndex = usize;

/// What kind of thing went wrong; decides grouping, retry and exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The service or gateway refused the request.
    Refused,
    /// The credential was refused (401, or 403 for the caller as such).
    Credential,
    /// Too many calls (429), and the attempts are used up.
    Throttled,
    /// The service said that it is unavailable before it took the request (503), and the attempts are used up.
    Unavailable,
    /// No connection came about (DNS, refused, TLS), so nothing was sent; the attempts are used up.
    NotSent,
    /// A redirect, which is never followed.
    Redirected,
    /// Sent, and no answer came (timeout, reset).
    NoAnswer,
    /// Sent, and the answer does not say what happened (502, 504, a web page, an answer too large to read).
    UnclearAnswer,
    /// Accepted, and the task that came of it was seen to fail, as a whole or for some registries.
    TaskFailed,
}

impl FailureKind {
    /// Its word in reports and in the journal.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Credential => "credential",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::NotSent => "not_sent",
            Self::Redirected => "redirected",
            Self::NoAnswer => "no_answer",
            Self::UnclearAnswer => "unclear_answer",
            Self::TaskFailed => "task_failed",
        }
    }
}

/// Why an attempt or operation did not succeed. All text is scrubbed of secrets, and is still untrusted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Failure {
    /// What kind.
    pub kind: FailureKind,
    /// HTTP status, when an answer came.
    pub status: Option<u16>,
    /// The service's or gateway's code: `HSS.0013`, `APIGW.0308`.
    pub code: Option<String>,
    /// What it said, or what we saw.
    pub message: String,
    /// Why it was not repeated although that was safe and attempts were left; such a run is incomplete.
    pub given_up: Option<NotAttemptedReason>,
}

impl Failure {
    /// `HSS.0013: not enough permission`, or the message alone; then why it was not repeated, if it could have been.
    #[must_use]
    pub fn reason(&self) -> String {
        let code = self.code.as_ref().map(|code| format!("{code}: ")).unwrap_or_default();
        let given_up = self.given_up.as_ref();
        let given_up = given_up.map(|reason| format!(" (not repeated: {})", reason.text())).unwrap_or_default();
        format!("{code}{}{given_up}", self.message)
    }
}

/// Why an operation was never sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NotAttemptedReason {
    /// The user or the system asked the run to stop.
    Interrupted,
    /// The failure budget of its wave, plan or run is spent.
    BudgetSpent(FailureBudget),
    /// The deadline of the run or plan came first.
    DeadlinePassed,
    /// Its credential was refused, so that nothing more is sent with it.
    CredentialRefused,
    /// The journal can't be written, so that a request could not be announced before it is sent.
    JournalFailed,
}

impl NotAttemptedReason {
    /// One clause for people and reports.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Interrupted => "the run was interrupted".to_owned(),
            Self::BudgetSpent(budget) => format!("the failure budget is spent ({budget})"),
            Self::DeadlinePassed => "the deadline came first".to_owned(),
            Self::CredentialRefused => "its credential was refused".to_owned(),
            Self::JournalFailed => "the journal can't be written".to_owned(),
        }
    }
}

/// The end of an operation, section 4 of the contract.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Acknowledged.
    Accepted,
    /// Seen to finish (with `--wait`).
    Confirmed,
    /// Refused, or the task that came of it was seen to fail.
    Failed(Failure),
    /// Sent, and what became of it is not known.
    Unknown(Failure),
    /// Deliberately not sent.
    Skipped(String),
    /// Never sent because the run ended first.
    NotAttempted(NotAttemptedReason),
}

impl Outcome {
    /// The contract's word.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Confirmed => "confirmed",
            Self::Failed(_) => "failed",
            Self::Unknown(_) => "unknown",
            Self::Skipped(_) => "skipped",
            Self::NotAttempted(_) => "not_attempted",
        }
    }

    /// What went wrong, of what failed or is unknown.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Failed(failure) | Self::Unknown(failure) => Some(failure),
            Self::Accepted | Self::Confirmed | Self::Skipped(_) | Self::NotAttempted(_) => None,
        }
    }

    /// Why, for the four outcomes that have a reason.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Accepted | Self::Confirmed => None,
            Self::Failed(failure) | Self::Unknown(failure) => Some(failure.reason()),
            Self::Skipped(reason) => Some(reason.clone()),
            Self::NotAttempted(reason) => Some(reason.text()),
        }
    }
}

/// One attempt that ended, as reports show it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AttemptRecord {
    /// Start, since the start of the run.
    pub started: Duration,
    /// How long until the end of the answer.
    pub duration: Duration,
    /// HTTP status, when an answer came.
    pub status: Option<u16>,
    /// The service's code.
    pub error_code: Option<String>,
    /// What it said.
    pub error_message: Option<String>,
    /// `X-Request-Id` of the answer.
    pub request_id: Option<String>,
    /// Whether the answer was 429.
    pub throttled: bool,
    /// What went wrong, unless the request was accepted. With status, code and message it is the attempt's [`Failure`].
    pub kind: Option<FailureKind>,
}

impl AttemptRecord {
    /// Why the attempt did not succeed; `None` if it did.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        Some(Failure {
            kind: self.kind?,
            status: self.status,
            code: self.error_code.clone(),
            message: self.error_message.clone().unwrap_or_default(),
            given_up: None,
        })
    }
}

/// Something that happened. Times are since the start of the run, on the run's clock; in a run that was resumed that clock went on
/// between the sessions, as far as the machine's wall clock says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RunEvent {
    /// The run begins.
    RunStarted {
        /// Its id.
        run: RunId,
        /// Wall clock at time zero.
        started_at: jiff::Timestamp,
        /// Operations in the plan.
        planned: usize,
        /// How long it was forecast to take.
        forecast: Duration,
    },
    /// The run goes on in a new session. What was in flight at the end of the one before gets its outcome right after it.
    RunResumed {
        /// When.
        at: Duration,
        /// The wall clock then.
        resumed_at: jiff::Timestamp,
        /// How long the rest was forecast to take.
        forecast: Duration,
    },
    /// An operation that had an outcome is open again: it was never sent, or repeating it is safe or the operator's word.
    OperationReopened {
        /// The operation.
        op: OpIndex,
        /// When.
        at: Duration,
    },
    /// A wave of a plan begins.
    WaveStarted {
        /// Index of the plan.
        plan: usize,
        /// Index of the wave in it.
        wave: usize,
        /// When.
        at: Duration,
    },
    /// A request is about to be sent, as soon as this is in the journal.
    AttemptStarted {
        /// The operation.
        op: OpIndex,
        /// 1 for the first.
        attempt: u32,
        /// When.
        at: Duration,
    },
    /// An attempt was announced and not sent after all; it doesn't count, and the next one has its number.
    AttemptWithdrawn {
        /// The operation.
        op: OpIndex,
        /// Its number.
        attempt: u32,
        /// When.
        at: Duration,
    },
    /// An attempt ended, well or not.
    AttemptEnded {
        /// The operation.
        op: OpIndex,
        /// 1 for the first.
        attempt: u32,
        /// When.
        at: Duration,
        /// What reports show of it.
        record: AttemptRecord,
        /// When it will be repeated, if it will.
        retry_at: Option<Duration>,
        /// After a 429: nothing is sent into its quota bucket before then.
        closed_until: Option<Duration>,
    },
    /// An operation has its outcome. Exactly one of these comes for each operation, and one more after each reopening. What is
    /// seen of the service's tasks may change it afterwards.
    OperationEnded {
        /// The operation.
        op: OpIndex,
        /// When.
        at: Duration,
        /// Its outcome; never [`Outcome::Confirmed`] nor a [`FailureKind::TaskFailed`], which only the end of a task gives.
        outcome: Outcome,
    },
    /// The task that came of an operation's request was found among those of the service, so that it was taken: an operation
    /// that was unknown is accepted now.
    TaskFound {
        /// The operation: accepted or unknown up to here.
        op: OpIndex,
        /// When.
        at: Duration,
        /// The task.
        task: TaskId,
        /// The list was read before everything that may be its own was sure to be listed: it was taken, and its task may turn out
        /// to be another one.
        early: bool,
    },
    /// How far the task of an operation is. Shown while it runs, and kept nowhere.
    TaskProgressed {
        /// The operation.
        op: OpIndex,
        /// When.
        at: Duration,
        /// 0–99.
        percent: u8,
    },
    /// The task of an accepted operation has ended, so that the operation has another outcome. It was found before, in this
    /// session or an earlier one.
    TaskEnded {
        /// The operation.
        op: OpIndex,
        /// When.
        at: Duration,
        /// [`Outcome::Confirmed`], or [`Outcome::Failed`] with [`FailureKind::TaskFailed`].
        outcome: Outcome,
    },
    /// It was looked for the task of an operation, or for its end, and that proved nothing: the outcome stays what it is. A later
    /// look may.
    TaskUnclear {
        /// The operation: accepted or unknown, before and after.
        op: OpIndex,
        /// When.
        at: Duration,
        /// One clause for people and reports. Untrusted text.
        why: String,
    },
    /// Nothing more is launched; what is in flight drains.
    Stopping {
        /// When.
        at: Duration,
        /// Why.
        reason: NotAttemptedReason,
    },
    /// The run is over.
    RunEnded {
        /// When.
        at: Duration,
    },
}

impl RunEvent {
    /// When it happened, since the start of the run.
    #[must_use]
    pub fn at(&self) -> Duration {
        match self {
            Self::RunStarted { .. } => Duration::ZERO,
            Self::RunResumed { at, .. }
            | Self::OperationReopened { at, .. }
            | Self::WaveStarted { at, .. }
            | Self::AttemptStarted { at, .. }
            | Self::AttemptWithdrawn { at, .. }
            | Self::AttemptEnded { at, .. }
            | Self::OperationEnded { at, .. }
            | Self::TaskFound { at, .. }
            | Self::TaskProgressed { at, .. }
            | Self::TaskEnded { at, .. }
            | Self::TaskUnclear { at, .. }
            | Self::Stopping { at, .. }
            | Self::RunEnded { at } => *at,
        }
    }

    /// The operation that it is about, if it is about one.
    #[must_use]
    pub fn operation(&self) -> Option<OpIndex> {
        match self {
            Self::OperationReopened { op, .. }
            | Self::AttemptStarted { op, .. }
            | Self::AttemptWithdrawn { op, .. }
            | Self::AttemptEnded { op, .. }
            | Self::OperationEnded { op, .. }
            | Self::TaskFound { op, .. }
            | Self::TaskProgressed { op, .. }
            | Self::TaskEnded { op, .. }
            | Self::TaskUnclear { op, .. } => Some(*op),
            Self::RunStarted { .. }
            | Self::RunResumed { .. }
            | Self::WaveStarted { .. }
            | Self::Stopping { .. }
            | Self::RunEnded { .. } => None,
        }
    }

    /// The event with its times in whole microseconds, as a journal keeps them: what is made of it while a run goes on is then
    /// what is made of its journal later.
    #[must_use]
    pub fn in_micros(mut self) -> Self {
        match &mut self {
            Self::RunStarted { forecast, .. } => cut(forecast),
            Self::RunResumed { at, forecast, .. } => {
                cut(at);
                cut(forecast);
            }
            Self::AttemptEnded { at, record, retry_at, closed_until, .. } => {
                cut(at);
                cut(&mut record.started);
                cut(&mut record.duration);
                retry_at.iter_mut().chain(closed_until).for_each(cut);
            }
            Self::OperationReopened { at, .. }
            | Self::WaveStarted { at, .. }
            | Self::AttemptStarted { at, .. }
            | Self::AttemptWithdrawn { at, .. }
            | Self::OperationEnded { at, .. }
            | Self::TaskFound { at, .. }
            | Self::TaskProgressed { at, .. }
            | Self::TaskEnded { at, .. }
            | Self::TaskUnclear { at, .. }
            | Self::Stopping { at, .. }
            | Self::RunEnded { at } => cut(at),
        }
        self
    }
}

fn cut(time: &mut Duration) {
    *time = Duration::new(time.as_secs(), time.subsec_micros() * 1000);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_time_is_finer_than_a_journal_keeps_it() {
        let (fine, whole) = (Duration::from_nanos(1_999_999), Duration::from_micros(1_999));
        let ended = |time| RunEvent::AttemptEnded {
            op: 0,
            attempt: 1,
            at: time,
            record: AttemptRecord {
                started: time,
                duration: time,
                status: None,
                error_code: None,
                error_message: None,
                request_id: None,
                throttled: false,
                kind: None,
            },
            retry_at: Some(time),
            closed_until: Some(time),
        };
        let resumed = |time| RunEvent::RunResumed { at: time, resumed_at: jiff::Timestamp::UNIX_EPOCH, forecast: time };
        assert_eq!(ended(fine).in_micros(), ended(whole));
        assert_eq!(resumed(fine).in_micros(), resumed(whole));
        assert_eq!(RunEvent::RunEnded { at: fine }.in_micros(), RunEvent::RunEnded { at: whole });
    }
}
