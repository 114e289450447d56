//! What the lines of a journal say, as they are written and read: one type for both, so that they can't drift apart.
//!
//! Values are borrowed, so that writing an event copies nothing. Times on the run's clock are whole microseconds.
//! [`convert`] leads from events to records and back. `schemas/journal.schema.json` says the same for others.

mod convert;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::header::Invocation;
use crate::event::FailureKind;

pub(super) use convert::{from_resolution, micros, to_event, to_header, to_record, to_resolution};

/// One line, without its checksum. The name of the variant is its first member, `record`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Record<'a> {
    /// The first line: what the run is.
    Run(#[serde(borrow)] Box<RunLine<'a>>),
    /// The text of a plan file.
    Source {
        seq: u64,
        #[serde(borrow)]
        path: Cow<'a, str>,
        #[serde(borrow)]
        text: Cow<'a, str>,
    },
    /// What `lookup` and `select` of an operation turned out to mean.
    Resolved {
        seq: u64,
        #[serde(borrow)]
        op: Cow<'a, str>,
        #[serde(borrow)]
        project_id: Option<Cow<'a, str>>,
        #[serde(borrow)]
        registries: Option<Vec<RegistryBody<'a>>>,
    },
    RunResumed {
        seq: u64,
        at_us: u64,
        resumed_at: jiff::Timestamp,
        forecast_us: u64,
    },
    OperationReopened {
        seq: u64,
        #[serde(borrow)]
        op: Cow<'a, str>,
        at_us: u64,
    },
    WaveStarted {
        seq: u64,
        plan: usize,
        wave: usize,
        at_us: u64,
    },
    AttemptStarted {
        seq: u64,
        #[serde(borrow)]
        op: Cow<'a, str>,
        attempt: u32,
        at_us: u64,
    },
    AttemptWithdrawn {
        seq: u64,
        #[serde(borrow)]
        op: Cow<'a, str>,
        attempt: u32,
        at_us: u64,
    },
    AttemptEnded {
        seq: u64,
        #[serde(borrow)]
        op: Cow<'a, str>,
        attempt: u32,
        at_us: u64,
        started_us: u64,
        duration_us: u64,
        status: Option<u16>,
        #[serde(borrow)]
        error_code: Option<Cow<'a, str>>,
        #[serde(borrow)]
        error_message: Option<Cow<'a, str>>,
        #[serde(borrow)]
        request_id: Option<Cow<'a, str>>,
        throttled: bool,
        kind: Option<FailureKind>,
        retry_at_us: Option<u64>,
        /// With `throttled`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        closed_until_us: Option<u64>,
    },
    OperationEnded {
        seq: u64,
        #[serde(borrow)]
        op: Cow<'a, str>,
        at_us: u64,
        outcome: OutcomeWord,
        /// With `failed` and `unknown`.
        #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
        failure: Option<FailureBody<'a>>,
        /// With `skipped` and `not_attempted`.
        #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason<'a>>,
    },
    /// The task of an operation's request; the operation is accepted.
    TaskFound {
        seq: u64,
        #[serde(borrow)]
        op: Cow<'a, str>,
        at_us: u64,
        #[serde(borrow)]
        task: Cow<'a, str>,
        early: bool,
    },
    /// `confirmed`, or `failed` with the reason.
    TaskEnded {
        seq: u64,
        #[serde(borrow)]
        op: Cow<'a, str>,
        at_us: u64,
        outcome: OutcomeWord,
        #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
        failure: Option<FailureBody<'a>>,
    },
    TaskUnclear {
        seq: u64,
        #[serde(borrow)]
        op: Cow<'a, str>,
        at_us: u64,
        #[serde(borrow)]
        why: Cow<'a, str>,
    },
    Stopping {
        seq: u64,
        at_us: u64,
        #[serde(borrow)]
        reason: StopReason<'a>,
    },
    RunEnded {
        seq: u64,
        at_us: u64,
    },
}

impl Record<'_> {
    /// The line's place in the journal, from 0.
    pub(super) fn seq(&self) -> u64 {
        match self {
            Self::Run(line) => line.seq,
            Self::Source { seq, .. }
            | Self::Resolved { seq, .. }
            | Self::RunResumed { seq, .. }
            | Self::OperationReopened { seq, .. }
            | Self::WaveStarted { seq, .. }
            | Self::AttemptStarted { seq, .. }
            | Self::AttemptWithdrawn { seq, .. }
            | Self::AttemptEnded { seq, .. }
            | Self::OperationEnded { seq, .. }
            | Self::TaskFound { seq, .. }
            | Self::TaskEnded { seq, .. }
            | Self::TaskUnclear { seq, .. }
            | Self::Stopping { seq, .. }
            | Self::RunEnded { seq, .. } => *seq,
        }
    }
}

/// The first line: [`super::Header`] without the texts of its sources and what was resolved, which follow it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RunLine<'a> {
    pub(super) seq: u64,
    pub(super) version: u64,
    #[serde(borrow)]
    pub(super) run: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) tool: Cow<'a, str>,
    pub(super) started_at: jiff::Timestamp,
    pub(super) forecast_us: u64,
    pub(super) planned: usize,
    #[serde(borrow)]
    pub(super) digest: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) plans: Vec<PlanBody<'a>>,
    pub(super) invocation: Cow<'a, Invocation>,
    /// How many `source` lines follow.
    pub(super) sources: usize,
    /// How many `resolved` lines follow those.
    pub(super) resolved: usize,
}

/// A plan in the first line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlanBody<'a> {
    #[serde(borrow)]
    pub(super) path: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) digest: Cow<'a, str>,
}

/// A registry of a request.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RegistryBody<'a> {
    #[serde(borrow)]
    pub(super) registry_id: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) registry_type: Cow<'a, str>,
}

/// The contract's words for outcomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OutcomeWord {
    Accepted,
    Confirmed,
    Failed,
    Unknown,
    Skipped,
    NotAttempted,
}

/// [`crate::event::Failure`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FailureBody<'a> {
    pub(super) kind: FailureKind,
    pub(super) status: Option<u16>,
    #[serde(borrow)]
    pub(super) code: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) message: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) given_up: Option<StopReason<'a>>,
}

/// Why an operation was not sent.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Reason<'a> {
    /// `skipped`: a sentence.
    Skipped(#[serde(borrow)] Cow<'a, str>),
    /// `not_attempted`.
    NotAttempted(#[serde(borrow)] StopReason<'a>),
}

/// [`crate::event::NotAttemptedReason`]. The braces make serde refuse unknown members here, too.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum StopReason<'a> {
    Interrupted {},
    BudgetSpent {
        /// `5` or `5%`, as in a plan.
        #[serde(borrow)]
        max_failures: Cow<'a, str>,
        of: usize,
        allowed: usize,
    },
    DeadlinePassed {},
    CredentialRefused {},
    JournalFailed {},
}
