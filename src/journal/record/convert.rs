//! From headers and events to records, borrowing, and back.
//!
//! The way back takes nothing on trust: ids, digests and the combinations of outcome and reason are checked here, whether
//! an event can follow those before it in [`crate::journal::replay`].

use std::borrow::Cow;
use std::time::Duration;

use super::{FailureBody, OutcomeWord, PlanBody, Reason, Record, RegistryBody, RunLine, StopReason};
use crate::event::{AttemptRecord, Failure, FailureKind, NotAttemptedReason, OpIndex, Outcome, RunEvent};
use crate::journal::header::{Header, RecordedPlan, RecordedResolution};
use crate::model::{
    FailureBudget, InvalidValue, MaxFailures, OperationId, PlanDigest, ProjectId, RegistryId, RegistryRef,
    RegistryType, RunId, TaskId,
};

/// Whole microseconds, rounded down; half a million years at most.
pub(in crate::journal) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// The record of an event. `None` for [`RunEvent::RunStarted`], which the header is, and for progress, which is not kept.
pub(in crate::journal) fn to_record<'a>(
    seq: u64,
    event: &'a RunEvent,
    id: impl Fn(OpIndex) -> &'a str,
) -> Option<Record<'a>> {
    let id = |op: &OpIndex| Cow::Borrowed(id(*op));
    Some(match event {
        RunEvent::RunStarted { .. } => return None,
        RunEvent::RunResumed { at, resumed_at, forecast } => {
            Record::RunResumed { seq, at_us: micros(*at), resumed_at: *resumed_at, forecast_us: micros(*forecast) }
        }
        RunEvent::OperationReopened { op, at } => Record::OperationReopened { seq, op: id(op), at_us: micros(*at) },
        RunEvent::WaveStarted { plan, wave, at } => {
            Record::WaveStarted { seq, plan: *plan, wave: *wave, at_us: micros(*at) }
        }
        RunEvent::AttemptStarted { op, attempt, at } => {
            Record::AttemptStarted { seq, op: id(op), attempt: *attempt, at_us: micros(*at) }
        }
        RunEvent::AttemptWithdrawn { op, attempt, at } => {
            Record::AttemptWithdrawn { seq, op: id(op), attempt: *attempt, at_us: micros(*at) }
        }
        RunEvent::AttemptEnded { op, attempt, at, record, retry_at, closed_until } => Record::AttemptEnded {
            seq,
            op: id(op),
            attempt: *attempt,
            at_us: micros(*at),
            started_us: micros(record.started),
            duration_us: micros(record.duration),
            status: record.status,
            error_code: borrowed(&record.error_code),
            error_message: borrowed(&record.error_message),
            request_id: borrowed(&record.request_id),
            throttled: record.throttled,
            kind: record.kind,
            retry_at_us: retry_at.map(micros),
            closed_until_us: closed_until.map(micros),
        },
        RunEvent::OperationEnded { op, at, outcome } => {
            let (outcome, failure, reason) = outcome_parts(outcome);
            Record::OperationEnded { seq, op: id(op), at_us: micros(*at), outcome, failure, reason }
        }
        RunEvent::TaskFound { op, at, task, early } => {
            Record::TaskFound { seq, op: id(op), at_us: micros(*at), task: Cow::Borrowed(task.as_str()), early: *early }
        }
        RunEvent::TaskProgressed { .. } => return None,
        RunEvent::TaskEnded { op, at, outcome } => {
            let (outcome, failure, _) = outcome_parts(outcome);
            Record::TaskEnded { seq, op: id(op), at_us: micros(*at), outcome, failure }
        }
        RunEvent::TaskUnclear { op, at, why } => {
            Record::TaskUnclear { seq, op: id(op), at_us: micros(*at), why: Cow::Borrowed(why) }
        }
        RunEvent::Stopping { at, reason } => {
            Record::Stopping { seq, at_us: micros(*at), reason: StopReason::from(reason) }
        }
        RunEvent::RunEnded { at } => Record::RunEnded { seq, at_us: micros(*at) },
    })
}

/// The record of what was resolved of an operation.
pub(in crate::journal) fn from_resolution(seq: u64, resolution: &RecordedResolution) -> Record<'_> {
    Record::Resolved {
        seq,
        op: Cow::Borrowed(resolution.operation.as_str()),
        project_id: resolution.project_id.as_ref().map(|id| Cow::Borrowed(id.as_str())),
        registries: resolution.registries.as_ref().map(|list| list.iter().map(registry_body).collect()),
    }
}

fn registry_body(registry: &RegistryRef) -> RegistryBody<'_> {
    RegistryBody {
        registry_id: Cow::Borrowed(registry.registry_id.as_str()),
        registry_type: Cow::Borrowed(registry.registry_type.as_str()),
    }
}

/// What a `resolved` record says.
///
/// # Errors
/// What is wrong with its values.
pub(in crate::journal) fn to_resolution(
    op: &str,
    project_id: Option<&str>,
    registries: Option<Vec<RegistryBody<'_>>>,
) -> Result<RecordedResolution, String> {
    let invalid = |error: InvalidValue| error.to_string();
    let registry = |one: RegistryBody<'_>| {
        Ok(RegistryRef {
            registry_id: RegistryId::parse(&one.registry_id)?,
            registry_type: RegistryType::parse(&one.registry_type)?,
        })
    };
    let list = |list: Vec<RegistryBody<'_>>| list.into_iter().map(registry).collect::<Result<Vec<_>, _>>();
    let registries = registries.map(list).transpose().map_err(invalid)?;
    if registries.as_ref().map_or(project_id.is_none(), Vec::is_empty) {
        return Err("it resolves nothing".to_owned());
    }
    Ok(RecordedResolution {
        operation: OperationId::parse(op).map_err(invalid)?,
        project_id: project_id.map(ProjectId::parse).transpose().map_err(invalid)?,
        registries,
    })
}

/// The event of a record that is none of those of the header; `op` gives an operation's index by its id.
///
/// # Errors
/// What is wrong with the values of the record.
pub(in crate::journal) fn to_event(
    record: Record<'_>,
    mut index: impl FnMut(Cow<'_, str>) -> OpIndex,
) -> Result<RunEvent, String> {
    let at = Duration::from_micros;
    Ok(match record {
        Record::Run(_) => return Err("a second `run` record".to_owned()),
        Record::Source { .. } => return Err("a `source` record after the last one".to_owned()),
        Record::Resolved { .. } => return Err("a `resolved` record after the last one".to_owned()),
        Record::RunResumed { at_us, resumed_at, forecast_us, .. } => {
            RunEvent::RunResumed { at: at(at_us), resumed_at, forecast: at(forecast_us) }
        }
        Record::OperationReopened { op, at_us, .. } => RunEvent::OperationReopened { op: index(op), at: at(at_us) },
        Record::WaveStarted { plan, wave, at_us, .. } => RunEvent::WaveStarted { plan, wave, at: at(at_us) },
        Record::AttemptStarted { op, attempt, at_us, .. } => {
            RunEvent::AttemptStarted { op: index(op), attempt, at: at(at_us) }
        }
        Record::AttemptWithdrawn { op, attempt, at_us, .. } => {
            RunEvent::AttemptWithdrawn { op: index(op), attempt, at: at(at_us) }
        }
        Record::AttemptEnded {
            seq: _,
            op,
            attempt,
            at_us,
            started_us,
            duration_us,
            status,
            error_code,
            error_message,
            request_id,
            throttled,
            kind,
            retry_at_us,
            closed_until_us,
        } => {
            if kind == Some(FailureKind::TaskFailed) {
                return Err("no attempt ends with this `kind`".to_owned());
            }
            if (kind == Some(FailureKind::Throttled)) != closed_until_us.is_some() {
                return Err("`closed_until_us` doesn't fit its `kind`".to_owned());
            }
            let record = AttemptRecord {
                started: at(started_us),
                duration: at(duration_us),
                status,
                error_code: error_code.map(Cow::into_owned),
                error_message: error_message.map(Cow::into_owned),
                request_id: request_id.map(Cow::into_owned),
                throttled,
                kind,
            };
            let (retry_at, closed_until) = (retry_at_us.map(at), closed_until_us.map(at));
            RunEvent::AttemptEnded { op: index(op), attempt, at: at(at_us), record, retry_at, closed_until }
        }
        Record::OperationEnded { op, at_us, outcome, failure, reason, .. } => {
            let outcome = to_outcome(outcome, failure, reason)?;
            if outcome == Outcome::Confirmed
                || outcome.failure().is_some_and(|failure| failure.kind == FailureKind::TaskFailed)
            {
                return Err("only the end of a task has this `outcome` and `failure`".to_owned());
            }
            RunEvent::OperationEnded { op: index(op), at: at(at_us), outcome }
        }
        Record::TaskFound { op, at_us, task, early, .. } => {
            let task = TaskId::parse(&task).map_err(|error| error.to_string())?;
            RunEvent::TaskFound { op: index(op), at: at(at_us), task, early }
        }
        Record::TaskEnded { op, at_us, outcome, failure, .. } => {
            let outcome = to_outcome(outcome, failure, None)?;
            let failed = |failure: &Failure| failure.kind == FailureKind::TaskFailed && failure.given_up.is_none();
            if !matches!(&outcome, Outcome::Confirmed)
                && !matches!(&outcome, Outcome::Failed(failure) if failed(failure))
            {
                return Err("no task ends with this `outcome` and `failure`".to_owned());
            }
            RunEvent::TaskEnded { op: index(op), at: at(at_us), outcome }
        }
        Record::TaskUnclear { op, at_us, why, .. } => {
            RunEvent::TaskUnclear { op: index(op), at: at(at_us), why: why.into_owned() }
        }
        Record::Stopping { at_us, reason, .. } => RunEvent::Stopping { at: at(at_us), reason: to_reason(reason)? },
        Record::RunEnded { at_us, .. } => RunEvent::RunEnded { at: at(at_us) },
    })
}

/// The header that the first line begins; its sources and what was resolved follow.
///
/// # Errors
/// What is wrong with the values of the line.
pub(in crate::journal) fn to_header(line: RunLine<'_>) -> Result<Header, String> {
    let digest = |text: &str| PlanDigest::parse(text).map_err(|error| error.to_string());
    let plan = |plan: PlanBody<'_>| {
        let digest = digest(&plan.digest)?;
        Ok(RecordedPlan { path: plan.path.into_owned(), name: plan.name.into_owned(), digest })
    };
    Ok(Header {
        run: RunId::parse(&line.run).map_err(|error| error.to_string())?,
        tool: line.tool.into_owned(),
        started_at: line.started_at,
        forecast: Duration::from_micros(line.forecast_us),
        planned: line.planned,
        digest: digest(&line.digest)?,
        plans: line.plans.into_iter().map(plan).collect::<Result<_, String>>()?,
        invocation: line.invocation.into_owned(),
        sources: Vec::new(),
        resolved: Vec::new(),
    })
}

fn borrowed(text: &Option<String>) -> Option<Cow<'_, str>> {
    text.as_deref().map(Cow::Borrowed)
}

fn outcome_parts(outcome: &Outcome) -> (OutcomeWord, Option<FailureBody<'_>>, Option<Reason<'_>>) {
    match outcome {
        Outcome::Accepted => (OutcomeWord::Accepted, None, None),
        Outcome::Confirmed => (OutcomeWord::Confirmed, None, None),
        Outcome::Failed(failure) => (OutcomeWord::Failed, Some(failure.into()), None),
        Outcome::Unknown(failure) => (OutcomeWord::Unknown, Some(failure.into()), None),
        Outcome::Skipped(reason) => (OutcomeWord::Skipped, None, Some(Reason::Skipped(Cow::Borrowed(reason)))),
        Outcome::NotAttempted(reason) => {
            (OutcomeWord::NotAttempted, None, Some(Reason::NotAttempted(StopReason::from(reason))))
        }
    }
}

fn to_outcome(
    word: OutcomeWord,
    failure: Option<FailureBody<'_>>,
    reason: Option<Reason<'_>>,
) -> Result<Outcome, String> {
    Ok(match (word, failure, reason) {
        (OutcomeWord::Accepted, None, None) => Outcome::Accepted,
        (OutcomeWord::Confirmed, None, None) => Outcome::Confirmed,
        (OutcomeWord::Failed, Some(failure), None) => Outcome::Failed(to_failure(failure)?),
        (OutcomeWord::Unknown, Some(failure), None) => Outcome::Unknown(to_failure(failure)?),
        (OutcomeWord::Skipped, None, Some(Reason::Skipped(reason))) => Outcome::Skipped(reason.into_owned()),
        (OutcomeWord::NotAttempted, None, Some(Reason::NotAttempted(reason))) => {
            Outcome::NotAttempted(to_reason(reason)?)
        }
        _ => return Err("`failure` and `reason` don't fit its `outcome`".to_owned()),
    })
}

impl<'a> From<&'a Failure> for FailureBody<'a> {
    fn from(failure: &'a Failure) -> Self {
        Self {
            kind: failure.kind,
            status: failure.status,
            code: borrowed(&failure.code),
            message: Cow::Borrowed(&failure.message),
            given_up: failure.given_up.as_ref().map(StopReason::from),
        }
    }
}

fn to_failure(body: FailureBody<'_>) -> Result<Failure, String> {
    Ok(Failure {
        kind: body.kind,
        status: body.status,
        code: body.code.map(Cow::into_owned),
        message: body.message.into_owned(),
        given_up: body.given_up.map(to_reason).transpose()?,
    })
}

impl From<&NotAttemptedReason> for StopReason<'_> {
    fn from(reason: &NotAttemptedReason) -> Self {
        match reason {
            NotAttemptedReason::Interrupted => Self::Interrupted {},
            NotAttemptedReason::BudgetSpent(FailureBudget { stated, total, allowed }) => {
                let max_failures = match stated {
                    MaxFailures::Count(count) => count.to_string(),
                    MaxFailures::Percent(percent) => format!("{percent}%"),
                };
                Self::BudgetSpent { max_failures: max_failures.into(), of: *total, allowed: *allowed }
            }
            NotAttemptedReason::DeadlinePassed => Self::DeadlinePassed {},
            NotAttemptedReason::CredentialRefused => Self::CredentialRefused {},
            NotAttemptedReason::JournalFailed => Self::JournalFailed {},
        }
    }
}

fn to_reason(reason: StopReason<'_>) -> Result<NotAttemptedReason, String> {
    Ok(match reason {
        StopReason::Interrupted {} => NotAttemptedReason::Interrupted,
        StopReason::BudgetSpent { max_failures, of, allowed } => {
            let stated = MaxFailures::parse(&max_failures).map_err(|error| error.to_string())?;
            NotAttemptedReason::BudgetSpent(FailureBudget { stated, total: of, allowed })
        }
        StopReason::DeadlinePassed {} => NotAttemptedReason::DeadlinePassed,
        StopReason::CredentialRefused {} => NotAttemptedReason::CredentialRefused,
        StopReason::JournalFailed {} => NotAttemptedReason::JournalFailed,
    })
}
