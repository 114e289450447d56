//! A run as its journal tells it, on the road that `report` takes: its plans out of the texts that the journal holds, and what
//! happened in it.
//!
//! More lenient than that road in two things, so that a mutation gets further: what the header says of the plans' digest and size
//! is not held against them, and an id that they do not have stands for the next operation that no other id has.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use hss_sync::event::{NotAttemptedReason, Outcome, RunEvent};
use hss_sync::expand::{EndpointChain, ExecutionPlan, expand};
use hss_sync::journal::{Header, Journal, check_waves};
use hss_sync::merge::{Course, RunRecord};
use hss_sync::model::{Endpoint, Region, Shard};
use hss_sync::plan::{ValidatedPlan, check_structure, decode, validate};
use hss_sync::resolve::put_back;
use hss_sync::resume::{Reopen, take_up};
use hss_sync::selection::Selection;
use hss_sync::source::{Source, Sources};
use hss_sync::summary::RunSummary;
use hss_sync::yaml;

/// A run with more operations or plans is not told, so that an input takes no seconds.
const MOST_OPERATIONS: usize = 64;
const MOST_PLANS: usize = 8;

/// What a header says was planned.
#[derive(Clone)]
pub struct Planned {
    header: Header,
    plan: Arc<ExecutionPlan>,
    sources: Sources,
    shard: Option<Shard>,
}

/// The run of a journal with what happened in it; none where its plans are none.
#[must_use]
pub fn told(journal: &Journal) -> Option<(RunRecord, Vec<RunEvent>)> {
    let planned = Planned::of(&journal.header)?;
    let events = planned.events(journal)?;
    Some((planned.record(&events), events))
}

impl Planned {
    /// What the plans come to, with what was resolved and what was left out; none of one that can't be read, or is large.
    #[must_use]
    pub fn of(header: &Header) -> Option<Self> {
        if header.sources.len() > MOST_PLANS || header.plans.len() != header.sources.len() {
            return None;
        }
        let mut sources = Sources::default();
        let mut files = Vec::new();
        for text in &header.sources {
            files.push(validated(&mut sources, &text.path, &text.text, &header.invocation.allow_endpoint)?);
        }
        let (mut plan, _) = expand(&files, &sources, &header.invocation.variables, &endpoints(header)?).ok()?;
        if plan.operations.len() > MOST_OPERATIONS {
            return None;
        }
        put_back(&mut plan, &header.resolved).ok()?;
        let shard = header.invocation.shard.as_deref().map(Shard::parse).transpose().ok()?;
        Selection::parse(&header.invocation.select, shard).ok()?.apply(&mut plan).ok()?;
        let header = Header { planned: plan.operations.len(), ..header.clone() };
        Some(Self { header, plan: Arc::new(plan), sources, shard })
    }

    /// What happened, of the operations and waves of the plan; none where there are more ids than operations.
    #[must_use]
    pub fn events(&self, journal: &Journal) -> Option<Vec<RunEvent>> {
        let waves: Vec<usize> = self.plan.plans.iter().map(|file| file.waves.len()).collect();
        let operations = &self.plan.operations;
        let known: HashMap<&str, usize> =
            operations.iter().enumerate().map(|(op, operation)| (operation.id.as_str(), op)).collect();
        // Whoever is known by its own id is nobody else's.
        let named = RefCell::new(std::collections::HashSet::new());
        journal
            .events(|id| {
                named.borrow_mut().extend(known.get(id).copied());
                Some(0)
            })
            .ok()?;
        let named = named.into_inner();
        let free = RefCell::new((0..operations.len()).filter(|op| !named.contains(op)));
        let mut journal = journal.clone();
        journal.header = self.header.clone();
        let events = journal.events(|id| known.get(id).copied().or_else(|| free.borrow_mut().next())).ok()?;
        check_waves(&journal.header, &events, &waves).ok()?;
        Some(events)
    }

    /// The run with these events, as a report tells it where they are all that there are.
    #[must_use]
    pub fn record(&self, events: &[RunEvent]) -> RunRecord {
        let mut summary = RunSummary::new(self.plan.operations.len());
        events.iter().for_each(|event| summary.apply(event));
        let at = summary.elapsed;
        for event in take_up(&self.plan, events, at, Reopen::default()) {
            if !matches!(event, RunEvent::OperationReopened { .. }) {
                summary.apply(&event);
            }
        }
        for (op, operation) in self.plan.operations.iter().enumerate() {
            if summary.operations[op].outcome.is_none() {
                let left_out = operation.left_out.map(|why| Outcome::Skipped(why.reason()));
                let outcome = left_out.unwrap_or(Outcome::NotAttempted(NotAttemptedReason::Interrupted));
                summary.apply(&RunEvent::OperationEnded { op, at, outcome });
            }
        }
        RunRecord {
            id: self.header.run.clone(),
            started_at: self.header.started_at,
            shard: self.shard,
            simulated: self.header.invocation.simulated.is_some(),
            plan: Arc::clone(&self.plan),
            sources: self.sources.clone(),
            course: Arc::new(Course::of(self.plan.operations.len(), events)),
            summary: Arc::new(summary),
        }
    }
}

fn validated(sources: &mut Sources, path: &str, text: &str, allowed: &[String]) -> Option<ValidatedPlan> {
    let id = sources.add(Source::new(path, text.to_owned()));
    let tree = yaml::parse(id, sources.get(id)).ok()?;
    if !check_structure(id, &tree).is_empty() {
        return None;
    }
    Some(validate(decode(id, &tree).ok()?, allowed).ok()?.0)
}

fn endpoints(header: &Header) -> Option<EndpointChain> {
    let endpoint = |(region, url): (&String, &String)| Some((Region::parse(region).ok()?, Endpoint::parse(url).ok()?));
    let invocation = &header.invocation;
    Some(EndpointChain {
        all: invocation.endpoint.as_deref().map(Endpoint::parse).transpose().ok()?,
        by_region: invocation.endpoints.iter().map(endpoint).collect::<Option<_>>()?,
        from_file: invocation.file_endpoints.iter().map(endpoint).collect::<Option<_>>()?,
    })
}
