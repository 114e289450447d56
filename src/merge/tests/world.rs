//! Runs as values: a plan of one-request projects, and what becomes of it, decided by numbers and nothing else.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use crate::event::{AttemptRecord, Failure, FailureKind, NotAttemptedReason, Outcome, RunEvent};
use crate::expand::{EndpointChain, ExecutionPlan, Overrides, expand};
use crate::merge::{Course, Merged, RunRecord};
use crate::model::{LeftOut, RunId, Shard};
use crate::plan::{decode, validate};
use crate::source::{Source, Sources};
use crate::summary::RunSummary;
use crate::yaml;

/// What a run is made of.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    /// Ends its id, and with `begun` says when it began.
    pub(super) number: u8,
    /// Seconds after the first moment of all.
    pub(super) begun: u64,
    /// First and last project of its plan; the same numbers are the same projects.
    pub(super) projects: (u8, u8),
    pub(super) shard: Option<(u32, u32)>,
    /// How each operation ends, by its project: `a`, `f`, `u` or `n`.
    pub(super) fates: Vec<char>,
    /// Milliseconds between two events.
    pub(super) pace: u64,
    /// Where a second session begins, as the number of operations that are done before it.
    pub(super) resumed: Option<usize>,
}

impl Default for Scene {
    fn default() -> Self {
        Self { number: 1, begun: 0, projects: (0, 5), shard: None, fates: vec!['a'], pace: 100, resumed: None }
    }
}

/// A plan of these projects.
pub(super) fn planned((first, last): (u8, u8)) -> (ExecutionPlan, Sources) {
    let mut text =
        "version: 1\nname: fleet\nregistry_sets: { all: { sync_all_registries: true } }\ndefaults: { registry_sets: \
                    [all] }\nprojects:\n"
            .to_owned();
    for number in first..=last {
        text.push_str(&format!("  - {{ name: p{number}, project_ids: {{ cn-north-4: \"id{number}\" }} }}\n"));
    }
    let mut sources = Sources::default();
    let id = sources.add(Source::new("plan.yaml", text));
    let tree = yaml::parse(id, sources.get(id)).expect("YAML");
    let valid = validate(decode(id, &tree).expect("a plan"), &[]).expect("a valid plan").0;
    let expanded = expand(&[valid], &sources, &Overrides::new(), &EndpointChain::default());
    (expanded.expect("it expands").0, sources)
}

/// The shard that has an operation, by a rule as good as any.
fn shard_of(op: usize, count: u32) -> Shard {
    let index = u32::try_from(op).expect("few") % count + 1;
    Shard::try_new(index, count).expect("a shard")
}

pub(super) fn outcome(fate: char) -> Outcome {
    let failure = |kind| Failure { kind, status: None, code: None, message: format!("it was {fate}"), given_up: None };
    match fate {
        'a' => Outcome::Accepted,
        'f' => Outcome::Failed(failure(FailureKind::Refused)),
        'u' => Outcome::Unknown(failure(FailureKind::NoAnswer)),
        _ => Outcome::NotAttempted(NotAttemptedReason::Interrupted),
    }
}

impl Scene {
    /// The whole journal.
    pub(super) fn events(&self, plan: &ExecutionPlan) -> Vec<RunEvent> {
        let mut at = Duration::ZERO;
        let mut events = vec![RunEvent::RunStarted {
            run: self.id(),
            started_at: self.started_at(),
            planned: plan.operations.len(),
            forecast: Duration::from_secs(2),
        }];
        let mut after = |millis| {
            at += Duration::from_millis(millis);
            at
        };
        for (op, operation) in plan.operations.iter().enumerate() {
            if self.resumed == Some(op) {
                let (at, resumed_at) = (after(50_000), self.started_at());
                events.push(RunEvent::RunResumed { at, resumed_at, forecast: Duration::from_secs(1) });
            }
            if let Some(why) = operation.left_out {
                events.push(RunEvent::OperationEnded {
                    op,
                    at: after(self.pace),
                    outcome: Outcome::Skipped(why.reason()),
                });
                continue;
            }
            let outcome = outcome(self.fate(op));
            if !matches!(outcome, Outcome::NotAttempted(_)) {
                let started = after(self.pace);
                events.push(RunEvent::AttemptStarted { op, attempt: 1, at: started });
                let at = after(self.pace);
                let record = AttemptRecord {
                    started,
                    duration: at - started,
                    status: Some(200),
                    error_code: None,
                    error_message: outcome.failure().map(|failure| failure.message.clone()),
                    request_id: Some(format!("{}-{op}", self.number)),
                    throttled: op % 3 == 0,
                    kind: outcome.failure().map(|failure| failure.kind),
                };
                events.push(RunEvent::AttemptEnded { op, attempt: 1, at, record, retry_at: None, closed_until: None });
            }
            events.push(RunEvent::OperationEnded { op, at: after(self.pace), outcome });
        }
        events.push(RunEvent::RunEnded { at: after(self.pace) });
        events
    }

    fn fate(&self, op: usize) -> char {
        self.fates[op % self.fates.len()]
    }

    fn id(&self) -> RunId {
        RunId::parse(&format!("20261124-080000-{:04x}", self.number)).expect("a legal id")
    }

    fn started_at(&self) -> jiff::Timestamp {
        let first: jiff::Timestamp = "2026-11-24T08:00:00Z".parse().expect("a time");
        first + Duration::from_secs(self.begun)
    }

    /// The run, with as many events as `kept` of the whole journal.
    pub(super) fn record(&self, kept: f64) -> RunRecord {
        let (mut plan, sources) = planned(self.projects);
        for (op, operation) in plan.operations.iter_mut().enumerate() {
            operation.left_out = self.shard.and_then(|(index, count)| {
                let own = shard_of(op, NonZeroU32::new(count).expect("not none").get());
                (own.index() != index).then_some(LeftOut::OtherShard(own))
            });
        }
        let mut events = self.events(&plan);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a small number")]
        events.truncate(1 + ((events.len() - 1) as f64 * kept) as usize);
        let mut summary = RunSummary::new(plan.operations.len());
        events.iter().for_each(|event| summary.apply(event));
        // As a report tells a run that was killed.
        for (op, operation) in plan.operations.iter().enumerate() {
            if summary.operations[op].outcome.is_none() {
                let left_out = operation.left_out.map(|why| Outcome::Skipped(why.reason()));
                let outcome = left_out.unwrap_or_else(|| self::outcome('n'));
                summary.apply(&RunEvent::OperationEnded { op, at: summary.elapsed, outcome });
            }
        }
        summary.in_flight = 0;
        let course = Course::of(plan.operations.len(), &events);
        RunRecord {
            id: self.id(),
            started_at: self.started_at(),
            shard: self.shard.map(|(index, count)| Shard::try_new(index, count).expect("a shard")),
            simulated: false,
            plan: Arc::new(plan),
            sources,
            course: Arc::new(course),
            summary: Arc::new(summary),
        }
    }

    pub(super) fn whole(&self) -> Merged {
        Merged::of(self.record(1.0))
    }
}

/// Any run: shards, parts of plans that overlap, resumed ones.
pub(super) fn scene() -> impl Strategy<Value = Scene> {
    let projects = (0_u8..4, 0_u8..4).prop_map(|(first, more)| (first, first + more));
    let shard = prop::option::of((1_u32..=3).prop_map(|index| (index, 3)));
    let fates = prop::collection::vec(prop::sample::select(vec!['a', 'f', 'u', 'n']), 1..6);
    (0_u8..4, 0_u64..30, projects, shard, fates, 0_u64..3000, prop::option::of(0_usize..4)).prop_map(
        |(number, begun, projects, shard, fates, pace, resumed)| Scene {
            number,
            begun,
            projects,
            shard,
            fates,
            pace,
            resumed,
        },
    )
}
