//! One account of several runs: a plan with each operation once, and what became of it.

use std::collections::HashMap;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::course::{Span, covered};
use super::findings::{Findings, findings};
use super::place::{Moved, Places};
use super::{Merged, MergedRun, RunRecord};
use crate::event::{AttemptRecord, OpIndex, Outcome};
use crate::expand::{ExecutionPlan, extended_digest};
use crate::model::{Operation, PlanDigest, RunId};
use crate::source::Sources;
use crate::summary::{Counts, OperationSummary, RunSummary};

/// Bytes of the hash in the id of a merged report.
const ID_BYTES: usize = 4;

/// What several runs come to.
#[derive(Clone, Debug)]
pub struct Whole {
    /// Every operation of any run once, in the order of the plans; the plans in the order of the earliest run that has them.
    pub plan: ExecutionPlan,
    /// The texts that its places are in.
    pub sources: Sources,
    /// What became of them.
    pub summary: RunSummary,
    /// The runs, the earliest first.
    pub runs: Vec<MergedRun>,
    /// For each operation, the runs that have it in their plan and where: indexes of `runs`, and of the run's own plan.
    pub(super) copies: Vec<Copies>,
    /// What a reader should know.
    pub findings: Findings,
}

/// One operation in the runs that have it.
#[derive(Clone, Debug, Default)]
pub(super) struct Copies {
    /// Run and index in that run's plan, the earliest run first.
    pub(super) places: Vec<(usize, OpIndex)>,
    /// Which of the places tells how it ended.
    pub(super) decides: usize,
}

impl Whole {
    /// Whether something of what a run did not settle was tried by another run afterwards, so that to go on with the first one
    /// would do it again. `run` is an index of `runs`.
    #[must_use]
    pub fn is_overtaken(&self, run: usize, unsettled: impl Fn(OpIndex) -> bool) -> bool {
        self.copies.iter().any(|copies| {
            let open = copies.places.iter().any(|(number, op)| *number == run && unsettled(*op));
            open && copies.places.get(copies.decides).is_some_and(|(by, _)| *by != run)
        })
    }
}

impl Merged {
    /// One account of all runs; `None` of no run.
    ///
    /// An operation is as the run left it that tried it last. Where none tried it, one in which it was to be sent says more than
    /// one that left it out. Its attempts are those of all runs.
    #[must_use]
    pub fn whole(&self) -> Option<Whole> {
        let runs = self.runs();
        let base = runs.first()?.started_at;
        let mut places = Places::default();
        let moved: Vec<Moved> = runs.iter().map(|run| places.take(run)).collect();
        let copies = copies(&runs);
        let operations: Vec<Operation> = copies
            .iter()
            .map(|copies| {
                let (run, op) = copies.places[copies.decides];
                moved[run].operation(&runs[run].plan.operations[op])
            })
            .collect();
        let summary = summary(&runs, base, &copies);
        let plan = ExecutionPlan { plans: places.files, operations, digest: digest(&runs)? };
        let findings = findings(&runs, &copies);
        let facts = runs.iter().map(|run| run.fact()).collect();
        Some(Whole { plan, sources: places.sources, summary, runs: facts, copies, findings })
    }
}

/// Where each operation is, in the order in which the runs list them, and which run tells its end.
fn copies(runs: &[&RunRecord]) -> Vec<Copies> {
    let mut known: HashMap<&str, usize> = HashMap::new();
    let mut copies: Vec<Copies> = Vec::new();
    for (number, run) in runs.iter().enumerate() {
        for (op, operation) in run.plan.operations.iter().enumerate() {
            let index = *known.entry(operation.id.as_str()).or_insert(copies.len());
            if index == copies.len() {
                copies.push(Copies { places: Vec::with_capacity(runs.len()), decides: 0 });
            }
            copies[index].places.push((number, op));
        }
    }
    for copies in &mut copies {
        let weight = |(run, op): (usize, OpIndex)| {
            let at = runs[run].course.latest(op);
            let wall = runs[run].started_at.checked_add(at).unwrap_or(runs[run].started_at);
            (standing(runs[run], op), wall, &runs[run].id)
        };
        let heaviest = copies.places.iter().enumerate().max_by_key(|(_, place)| weight(**place));
        copies.decides = heaviest.map_or(0, |(index, _)| index);
    }
    copies
}

/// How much a run says of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Says {
    /// It was left out.
    Skipped,
    /// It was to be sent, and was not.
    NotAttempted,
    /// It was sent.
    Tried,
}

pub(super) fn standing(run: &RunRecord, op: OpIndex) -> Says {
    match run.summary.operations.get(op).and_then(|operation| operation.outcome.as_ref()) {
        Some(Outcome::Skipped(_)) => Says::Skipped,
        Some(Outcome::NotAttempted(_)) | None => Says::NotAttempted,
        Some(Outcome::Accepted | Outcome::Confirmed | Outcome::Failed(_) | Outcome::Unknown(_)) => Says::Tried,
    }
}

fn summary(runs: &[&RunRecord], base: jiff::Timestamp, copies: &[Copies]) -> RunSummary {
    let shifts: Vec<Duration> =
        runs.iter().map(|run| Duration::try_from(run.started_at.duration_since(base)).unwrap_or_default()).collect();
    let all = |spans: fn(&RunRecord) -> Vec<Span>| {
        let shifted = runs.iter().zip(&shifts).flat_map(|(run, shift)| {
            spans(run).into_iter().map(|(began, end)| (began.saturating_add(*shift), end.saturating_add(*shift)))
        });
        covered(shifted.collect())
    };
    let elapsed = runs.iter().zip(&shifts).map(|(run, shift)| run.summary.elapsed.saturating_add(*shift)).max();
    let elapsed = elapsed.unwrap_or_default();
    let operations: Vec<OperationSummary> = copies.iter().map(|copies| operation(runs, &shifts, copies)).collect();
    let mut summary = RunSummary {
        run: Some(id(runs)),
        started_at: Some(base),
        forecast: all(|run| run.course.forecast()),
        elapsed,
        idle: elapsed.saturating_sub(all(|run| run.course.sessions(run.summary.elapsed))),
        resumed: runs.iter().map(|run| run.summary.resumed).sum(),
        runs: runs.len(),
        ..RunSummary::new(operations.len())
    };
    summary.operations = operations;
    let part = summary.part(0..summary.operations.len());
    summary.counts = Counts { planned: summary.operations.len(), ..part.counts };
    (summary.attempts, summary.throttled) = (part.attempts, part.throttled);
    summary
}

/// How the run that tells it left an operation, with the attempts of all runs in the order of their times.
fn operation(runs: &[&RunRecord], shifts: &[Duration], copies: &Copies) -> OperationSummary {
    let (decides, op) = copies.places[copies.decides];
    let of = |(run, op): (usize, OpIndex)| runs[run].summary.operations.get(op);
    let mut attempts: Vec<AttemptRecord> = Vec::new();
    for (run, op) in &copies.places {
        let of_run = of((*run, *op)).map(|operation| operation.attempts.as_slice()).unwrap_or_default();
        let shifted = |attempt: &AttemptRecord| AttemptRecord {
            started: attempt.started.saturating_add(shifts[*run]),
            ..attempt.clone()
        };
        // Mostly one in all: a list that grows by itself has room for four.
        attempts.reserve_exact(of_run.len());
        attempts.extend(of_run.iter().map(shifted));
    }
    attempts.sort_by_key(|attempt| attempt.started);
    let Some(OperationSummary { outcome, attempts: _, task, found_early, percent, unclear }) = of((decides, op)) else {
        return OperationSummary { attempts, ..OperationSummary::default() };
    };
    OperationSummary {
        outcome: outcome.clone(),
        attempts,
        task: task.clone(),
        found_early: *found_early,
        percent: *percent,
        unclear: unclear.clone(),
    }
}

/// A name for the set of runs.
fn id(runs: &[&RunRecord]) -> RunId {
    let mut ids: Vec<&str> = runs.iter().map(|run| run.id.as_str()).collect();
    ids.sort_unstable();
    let digest = Sha256::digest(ids.join("\n"));
    let hex: String = digest.iter().take(ID_BYTES).map(|byte| format!("{byte:02x}")).collect();
    // Letters, a dash and digits are a legal name; the default keeps this total.
    RunId::parse(&format!("merged-{hex}")).unwrap_or_else(|_| RunId::unnamed())
}

/// The digest that all runs have, or one over those that they have, in the order of the runs.
fn digest(runs: &[&RunRecord]) -> Option<PlanDigest> {
    let mut digests: Vec<&PlanDigest> = Vec::new();
    for run in runs {
        if !digests.contains(&&run.plan.digest) {
            digests.push(&run.plan.digest);
        }
    }
    let (first, rest) = digests.split_first()?;
    if rest.is_empty() {
        return Some((*first).clone());
    }
    Some(extended_digest(first, rest.iter().map(|digest| digest.as_str())))
}
