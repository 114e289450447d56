//! NDJSON: what happened in a run, a line an event, in the order in which it happened (`schemas/event.schema.json`).
//!
//! A line is made of the event and of the summary after it, so that a stream that is written while a run goes on and one that
//! is made of its journal later are the same bytes. The last line about an operation's outcome says what `json` says of it. A
//! line stays one line, and steers no terminal, whatever is quoted in it: `diagnostic` writes the strings.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use super::json::{
    AttemptEntry, PlanEntry, SCHEMA_VERSION, SummaryEntry, Tool, attempt_entry, millis, outcome_word, plan_entries,
    summary_entry, timestamp,
};
use crate::diagnostic::write_line;
use crate::event::{OpIndex, RunEvent};
use crate::expand::ExecutionPlan;
use crate::model::Shard;
use crate::summary::{OperationSummary, RunSummary};

/// What the first line says beyond plan and events.
#[derive(Clone, Copy, Debug)]
pub struct EventFacts {
    /// Whether the answers came from a simulator.
    pub simulated: bool,
    /// Which shard the run is, if it is one of several.
    pub shard: Option<Shard>,
}

/// Writes everything that happened in a run, from its start on.
///
/// # Errors
/// When the writer fails, or the events don't begin with the start of a run: an account without one would look whole.
pub fn write_events(
    out: &mut dyn Write,
    plan: &ExecutionPlan,
    facts: EventFacts,
    events: &[RunEvent],
) -> io::Result<()> {
    if !matches!(events.first(), Some(RunEvent::RunStarted { .. })) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the events of the run are not there"));
    }
    let mut summary = RunSummary::new(plan.operations.len());
    for event in events {
        tell(out, plan, facts, event, &mut summary)?;
    }
    Ok(())
}

/// What happened in one of several runs.
#[derive(Clone, Copy, Debug)]
pub struct RunEvents<'a> {
    /// Its plan.
    pub plan: &'a ExecutionPlan,
    /// What its first line says.
    pub facts: EventFacts,
    /// Its wall clock at time zero.
    pub started_at: jiff::Timestamp,
    /// All that happened, from its start on.
    pub events: &'a [RunEvent],
}

/// Writes everything that happened in several runs, in the order in which it happened by their wall clocks. Of the same moment
/// the run that is given first comes first, and each run keeps its own order.
///
/// # Errors
/// When the writer fails.
pub fn write_events_of_runs(out: &mut dyn Write, runs: &[RunEvents<'_>]) -> io::Result<()> {
    // When the first of what is left of a run happened; no earlier than what came before it.
    let due = |number: usize, reached: jiff::Timestamp, left: &[RunEvent]| {
        let at = runs[number].started_at.checked_add(left.first()?.at()).unwrap_or(reached);
        Some(Reverse((reached.max(at), number)))
    };
    let mut left: Vec<&[RunEvent]> = runs.iter().map(|run| run.events).collect();
    let firsts = runs.iter().enumerate().filter_map(|(number, run)| due(number, run.started_at, run.events));
    let mut next: BinaryHeap<Reverse<(jiff::Timestamp, usize)>> = firsts.collect();
    let mut summaries: Vec<RunSummary> = runs.iter().map(|run| RunSummary::new(run.plan.operations.len())).collect();
    while let Some(Reverse((at, number))) = next.pop() {
        let Some((event, rest)) = left[number].split_first() else { continue };
        tell(out, runs[number].plan, runs[number].facts, event, &mut summaries[number])?;
        left[number] = rest;
        next.extend(due(number, at, rest));
    }
    Ok(())
}

/// Takes an event in and writes its line.
fn tell(
    out: &mut dyn Write,
    plan: &ExecutionPlan,
    facts: EventFacts,
    event: &RunEvent,
    summary: &mut RunSummary,
) -> io::Result<()> {
    summary.apply(event);
    write_event(out, plan, facts, event, summary)?;
    // No later line says anything of an attempt, and of the events there is one copy already.
    if let RunEvent::AttemptEnded { op, .. } = event
        && let Some(operation) = summary.operations.get_mut(*op)
    {
        operation.attempts = Vec::new();
    }
    Ok(())
}

/// Writes the line of one event, which is in `summary` already. One that no journal keeps has none.
///
/// # Errors
/// When the writer fails.
pub fn write_event(
    out: &mut dyn Write,
    plan: &ExecutionPlan,
    facts: EventFacts,
    event: &RunEvent,
    summary: &RunSummary,
) -> io::Result<()> {
    let moment = Moment { plan, facts, summary, started_at: summary.started_at.unwrap_or_default() };
    let Some((at, event)) = moment.entry(event) else { return Ok(()) };
    let run = summary.run.as_ref().map_or("", |run| run.as_str());
    write_line(out, &Line { at: moment.time(at), run, event })
}

#[derive(Serialize)]
struct Line<'a> {
    at: String,
    run: &'a str,
    #[serde(flatten)]
    event: Entry<'a>,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Entry<'a> {
    RunStarted {
        schema_version: u32,
        tool: Tool,
        simulated: bool,
        shard: Option<String>,
        plans: Vec<PlanEntry<'a>>,
        planned: usize,
        forecast_ms: u64,
    },
    RunResumed {
        resumed_at: String,
        forecast_ms: u64,
    },
    OperationReopened(Place<'a>),
    WaveStarted {
        plan: &'a str,
        path: &'a str,
        wave: &'a str,
    },
    AttemptStarted {
        #[serde(flatten)]
        place: Place<'a>,
        attempt: u32,
    },
    AttemptWithdrawn {
        #[serde(flatten)]
        place: Place<'a>,
        attempt: u32,
    },
    AttemptEnded {
        #[serde(flatten)]
        place: Place<'a>,
        attempt: u32,
        #[serde(flatten)]
        record: AttemptEntry<'a>,
        retry_at: Option<String>,
    },
    OperationEnded(Standing<'a>),
    TaskFound(Standing<'a>),
    TaskEnded(Standing<'a>),
    TaskUnclear(Standing<'a>),
    Stopping {
        reason: String,
    },
    RunEnded {
        summary: SummaryEntry,
    },
}

/// Which operation.
#[derive(Serialize)]
struct Place<'a> {
    operation: &'a str,
    project: &'a str,
    region: &'a str,
    wave: &'a str,
}

/// How an operation stands from here on, in the words of the JSON report.
#[derive(Serialize)]
struct Standing<'a> {
    #[serde(flatten)]
    place: Place<'a>,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    task_id: Option<&'a str>,
}

/// A run right after an event.
#[derive(Clone, Copy)]
struct Moment<'a> {
    plan: &'a ExecutionPlan,
    facts: EventFacts,
    summary: &'a RunSummary,
    started_at: jiff::Timestamp,
}

impl<'a> Moment<'a> {
    /// The event as it is written, with its time.
    fn entry(&self, event: &'a RunEvent) -> Option<(Duration, Entry<'a>)> {
        let (place, standing) = (|op: &OpIndex| self.place(*op), |op: &OpIndex| self.standing(*op));
        Some(match event {
            RunEvent::RunStarted { planned, forecast, .. } => (Duration::ZERO, self.start(*planned, *forecast)),
            RunEvent::RunResumed { at, resumed_at, forecast } => {
                let resumed_at = timestamp(*resumed_at, Duration::ZERO);
                (*at, Entry::RunResumed { resumed_at, forecast_ms: millis(*forecast) })
            }
            RunEvent::OperationReopened { op, at } => (*at, Entry::OperationReopened(place(op))),
            RunEvent::WaveStarted { plan, wave, at } => {
                let file = &self.plan.plans[*plan];
                let wave = file.waves[*wave].name.as_str();
                (*at, Entry::WaveStarted { plan: &file.name, path: &file.path, wave })
            }
            RunEvent::AttemptStarted { op, attempt, at } => {
                (*at, Entry::AttemptStarted { place: place(op), attempt: *attempt })
            }
            RunEvent::AttemptWithdrawn { op, attempt, at } => {
                (*at, Entry::AttemptWithdrawn { place: place(op), attempt: *attempt })
            }
            RunEvent::AttemptEnded { op, attempt, at, record, retry_at, .. } => {
                let record = attempt_entry(self.started_at, record);
                let retry_at = retry_at.map(|at| self.time(at));
                (*at, Entry::AttemptEnded { place: place(op), attempt: *attempt, record, retry_at })
            }
            RunEvent::OperationEnded { op, at, .. } => (*at, Entry::OperationEnded(standing(op))),
            RunEvent::TaskFound { op, at, .. } => (*at, Entry::TaskFound(standing(op))),
            RunEvent::TaskEnded { op, at, .. } => (*at, Entry::TaskEnded(standing(op))),
            RunEvent::TaskUnclear { op, at, .. } => (*at, Entry::TaskUnclear(standing(op))),
            RunEvent::TaskProgressed { .. } => return None,
            RunEvent::Stopping { at, reason } => (*at, Entry::Stopping { reason: reason.text() }),
            RunEvent::RunEnded { at } => (*at, Entry::RunEnded { summary: summary_entry(self.summary) }),
        })
    }

    fn start(&self, planned: usize, forecast: Duration) -> Entry<'a> {
        Entry::RunStarted {
            schema_version: SCHEMA_VERSION,
            tool: Tool::this(),
            simulated: self.facts.simulated,
            shard: self.facts.shard.map(|shard| shard.to_string()),
            plans: plan_entries(self.plan),
            planned,
            forecast_ms: millis(forecast),
        }
    }

    fn time(&self, at: Duration) -> String {
        timestamp(self.started_at, at)
    }

    fn place(&self, op: OpIndex) -> Place<'a> {
        let operation = &self.plan.operations[op];
        Place {
            operation: operation.id.as_str(),
            project: operation.target.project.as_str(),
            region: operation.target.region.as_str(),
            wave: self.plan.plans[operation.plan].waves[operation.wave].name.as_str(),
        }
    }

    fn standing(&self, op: OpIndex) -> Standing<'a> {
        let known: &OperationSummary = &self.summary.operations[op];
        Standing {
            place: self.place(op),
            outcome: outcome_word(known),
            reason: known.reason(),
            task_id: known.task.as_ref().map(|task| task.as_str()),
        }
    }
}

#[cfg(test)]
mod tests;
