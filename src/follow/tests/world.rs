//! A service with tasks, whose truth the tests know, and a run whose requests made some of them.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::event::{AttemptRecord, Failure, FailureKind, OpIndex, Outcome, RunEvent};
use crate::expand::ExecutionPlan;
use crate::follow::{
    Aim, Arrived, Cut, Now, Place, Step, SyncStatus, SyncTask, TaskPage, TaskRegistry, TaskRegistryPage, TaskStatus,
    places,
};
use crate::model::{
    Content, EnterpriseProjectId, Limits, ProjectId, ProjectRef, RegistryId, RegistryRef, RegistryType, RunId,
    SyncBody, TaskId, signed,
};
use crate::schedule::fixture::Fixture;
use crate::summary::RunSummary;

pub(super) const fn s(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Where the run's clock stands at zero on the wall.
pub(super) fn start() -> Timestamp {
    Timestamp::from_second(1_800_000_000).expect("a time")
}

/// An attempt from `started` to `started + took`, in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) started: u64,
    pub(super) took: u64,
    pub(super) kind: Option<FailureKind>,
}

pub(super) const fn taken(started: u64) -> Sent {
    Sent { started, took: 1, kind: None }
}

pub(super) const fn unanswered(started: u64) -> Sent {
    Sent { started, took: 75, kind: Some(FailureKind::NoAnswer) }
}

pub(super) const fn refused(started: u64) -> Sent {
    Sent { started, took: 1, kind: Some(FailureKind::Refused) }
}

/// A run after its last request.
#[derive(Clone)]
pub(super) struct Run {
    pub(super) plan: ExecutionPlan,
    pub(super) summary: RunSummary,
}

pub(super) fn failure(kind: FailureKind) -> Failure {
    Failure { kind, status: None, code: None, message: "no answer after sending".to_owned(), given_up: None }
}

impl Run {
    pub(super) fn new() -> Self {
        let plan = Fixture::new(Limits::default(), &[None]).build();
        let mut summary = RunSummary::new(0);
        let run = RunId::parse("20261124-080000-7f3a").expect("legal");
        summary.apply(&RunEvent::RunStarted { run, started_at: start(), planned: 0, forecast: Duration::ZERO });
        Self { plan, summary }
    }

    /// Adds a request for registries (`None`: all) of a project, with its attempts; the last one is its outcome.
    pub(super) fn request(&mut self, project: &str, registries: Option<&[&str]>, attempts: &[Sent]) -> OpIndex {
        let op = self.plan.operations.len();
        let mut fixture = Fixture::new(Limits::default(), &[None]);
        fixture.operations(op + 1, 0, "cn-north-4", "default");
        let mut operation = fixture.build().operations.pop().expect("it has some");
        operation.target.project_id = ProjectRef::Id(ProjectId::parse(project).expect("legal"));
        operation.content =
            std::sync::Arc::new(Content { body: body(registries), selectors: Vec::new(), places: Vec::new() });
        self.plan.operations.push(operation);
        self.summary.counts.planned += 1;
        self.summary.operations.push(crate::summary::OperationSummary::default());
        let at = Duration::ZERO;
        for (attempt, sent) in (1..).zip(attempts) {
            let record = AttemptRecord {
                started: s(sent.started),
                duration: s(sent.took),
                status: None,
                error_code: None,
                error_message: None,
                request_id: None,
                throttled: false,
                kind: sent.kind,
            };
            self.summary.apply(&RunEvent::AttemptStarted { op, attempt, at });
            self.summary.apply(&RunEvent::AttemptEnded { op, attempt, at, record, retry_at: None, closed_until: None });
        }
        let outcome = match attempts.last().and_then(|sent| sent.kind) {
            None => Outcome::Accepted,
            Some(kind @ (FailureKind::NoAnswer | FailureKind::UnclearAnswer)) => Outcome::Unknown(failure(kind)),
            Some(kind) => Outcome::Failed(failure(kind)),
        };
        self.summary.apply(&RunEvent::OperationEnded { op, at, outcome });
        op
    }

    pub(super) fn enterprise(&mut self, op: OpIndex, id: &str) {
        self.plan.operations[op].target.enterprise_project_id = EnterpriseProjectId::parse(id).expect("legal");
    }

    /// Everything is looked at from this time on, with a clock as good as the service's.
    pub(super) fn places(&self, aim: Aim, now: Duration) -> (Vec<Place>, Vec<RunEvent>) {
        places(&self.plan, &self.summary, aim, Now { run: now, wall: start() + now })
    }
}

fn body(registries: Option<&[&str]>) -> SyncBody {
    let registry = |id: &&str| RegistryRef {
        registry_id: RegistryId::parse(id).expect("legal"),
        registry_type: RegistryType::Harbor,
    };
    SyncBody {
        sync_all_registries: registries.is_none(),
        registry_info: registries.unwrap_or_default().iter().map(registry).collect(),
    }
}

pub(super) const EVERY: &str = "all_granted_eps";

/// A task of the service.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub(super) id: TaskId,
    /// When it began, on the run's clock; it may have begun before the run.
    pub(super) begin: SignedDuration,
    /// How long after that it is listed.
    pub(super) delay: Duration,
    pub(super) duration: Duration,
    pub(super) registries: Vec<(String, SyncStatus)>,
    pub(super) is_all: Option<bool>,
    pub(super) end: TaskStatus,
    /// Whether it says how long it still takes.
    pub(super) hints: bool,
    /// The enterprise project that it is of; one of `all_granted_eps` may stand in every list.
    pub(super) enterprise: &'static str,
}

impl Task {
    /// A task that begins then, in seconds of the run, runs for two minutes and finishes.
    pub(super) fn new(id: &str, begin: i64, registries: &[&str]) -> Self {
        Self {
            id: TaskId::parse(id).expect("legal"),
            begin: SignedDuration::from_secs(begin),
            delay: Duration::ZERO,
            duration: s(120),
            registries: registries.iter().map(|id| ((*id).to_owned(), SyncStatus::Finished)).collect(),
            is_all: Some(false),
            end: TaskStatus::Finished,
            hints: true,
            enterprise: EVERY,
        }
    }

    pub(super) fn of_all(self) -> Self {
        Self { is_all: Some(true), ..self }
    }

    /// From when on it stands in the list.
    pub(super) fn listed_at(&self) -> SignedDuration {
        self.begin + signed(self.delay)
    }

    fn end_at(&self) -> SignedDuration {
        self.begin + signed(self.duration)
    }

    fn status(&self, now: SignedDuration) -> TaskStatus {
        if now >= self.end_at() {
            return self.end;
        }
        let percent = 100.0 * (now - self.begin).as_secs_f64() / self.duration.as_secs_f64();
        TaskStatus::Running(percent.clamp(0.0, 99.0) as u8)
    }
}

/// The service: tasks by project, and how it lists them.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) tasks: BTreeMap<String, Vec<Task>>,
    /// Entries of a page.
    pub(super) page: usize,
    /// How far its clock is ahead.
    pub(super) ahead: SignedDuration,
    /// How long a read takes.
    pub(super) latency: Duration,
    /// In what order it lists, by a seed; none: newest first.
    pub(super) order: Option<u64>,
    /// Which reads of a list fail, counted from 0 over all.
    pub(super) failing: Vec<(usize, FailureKind)>,
    /// Why registries can't be read.
    pub(super) no_registries: Option<FailureKind>,
}

impl World {
    pub(super) fn new(tasks: &[(&str, Task)]) -> Self {
        let mut world = Self {
            tasks: BTreeMap::new(),
            page: 200,
            ahead: SignedDuration::ZERO,
            latency: s(1),
            order: None,
            failing: Vec::new(),
            no_registries: None,
        };
        for (project, task) in tasks {
            world.tasks.entry((*project).to_owned()).or_default().push(task.clone());
        }
        world
    }

    /// The list of all enterprise projects.
    pub(super) fn list(&self, project: &str, offset: usize, now: Duration) -> TaskPage {
        self.list_of(project, EVERY, offset, now)
    }

    fn list_of(&self, project: &str, enterprise: &str, offset: usize, now: Duration) -> TaskPage {
        let shown = |task: &&Task| task.enterprise == EVERY || enterprise == EVERY || task.enterprise == enterprise;
        let now = signed(now);
        let tasks = self.tasks.get(project).map_or(&[][..], Vec::as_slice);
        let mut listed: Vec<&Task> = tasks.iter().filter(shown).filter(|task| task.listed_at() <= now).collect();
        match self.order {
            None => listed.sort_by_key(|task| std::cmp::Reverse(task.begin)),
            Some(seed) => listed.sort_by_key(|task| {
                let number = task.id.as_str().bytes().fold(seed, |sum, byte| sum.rotate_left(7) ^ u64::from(byte));
                number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
            }),
        }
        let entry = |task: &&Task| {
            let status = task.status(now);
            let left = (task.end_at() - now).as_secs().max(0).unsigned_abs();
            SyncTask {
                id: task.id.clone(),
                begin: start() + task.begin + self.ahead,
                status,
                remaining_minutes: task.hints.then(|| left.div_ceil(60)),
                is_all: task.is_all,
                failed_reason: None,
            }
        };
        let page: Vec<SyncTask> = listed.iter().skip(offset).take(self.page).map(entry).collect();
        TaskPage { entries: page.len(), tasks: page, total: Some(listed.len()), clock_ahead: self.ahead }
    }

    pub(super) fn registries(&self, project: &str, id: &TaskId, offset: usize, now: Duration) -> TaskRegistryPage {
        let tasks = self.tasks.get(project).map_or(&[][..], Vec::as_slice);
        let task = tasks.iter().find(|task| task.id == *id).expect("only listed tasks are asked about");
        let running = signed(now) < task.end_at();
        let entry = |(id, status): &(String, SyncStatus)| TaskRegistry {
            id: id.clone(),
            name: format!("name-of-{id}"),
            registry_type: Some(RegistryType::Harbor),
            status: if running { SyncStatus::Running } else { *status },
            failed_reason: (!running && *status == SyncStatus::Failed).then(|| "connection refused".to_owned()),
        };
        let registries: Vec<TaskRegistry> = task.registries.iter().skip(offset).take(self.page).map(entry).collect();
        TaskRegistryPage { entries: registries.len(), registries, total: Some(task.registries.len()) }
    }
}

/// What came of following a run.
#[derive(Debug, Default)]
pub(super) struct Story {
    pub(super) events: Vec<RunEvent>,
    pub(super) lists: usize,
    pub(super) registries: usize,
    /// When the last place was over.
    pub(super) end: Duration,
}

impl Story {
    /// What is said of an operation, but for progress: `found t1, confirmed`.
    pub(super) fn of(&self, op: OpIndex) -> String {
        let told: Vec<String> = self
            .events
            .iter()
            .filter_map(|event| match event {
                RunEvent::TaskFound { op: of, task, .. } if *of == op => Some(format!("found {task}")),
                RunEvent::TaskEnded { op: of, outcome, .. } if *of == op => Some(match outcome.reason() {
                    None => outcome.as_str().to_owned(),
                    Some(reason) => format!("{}: {reason}", outcome.as_str()),
                }),
                RunEvent::TaskUnclear { op: of, why, .. } if *of == op => Some(format!("unclear: {why}")),
                _ => None,
            })
            .collect();
        told.join(", ")
    }
}

/// Follows a run in a world from `now` on, each place by itself.
pub(super) fn tell(run: &Run, world: &World, aim: Aim, now: Duration) -> Story {
    let (places, events) = run.places(aim, now);
    let mut story = Story { events, ..Story::default() };
    let (Aim::LookUp { until } | Aim::ToTheEnd { until }) = aim;
    for mut place in places {
        let project = place.listing().project_id.to_string();
        let enterprise = place.listing().enterprise_project_id.to_string();
        let (mut now, mut last_read) = (now, None);
        for step in 0.. {
            assert!(step < 10_000, "it never ends");
            let at = |run: Duration| Now { run, wall: start() + run };
            if place.open() == 0 {
                assert_eq!(place.step(), Step::Over, "nothing is read for nobody");
            }
            match place.step() {
                Step::Over => break,
                Step::WaitUntil(time) if until.is_some_and(|until| until <= time) => {
                    now = now.max(until.expect("there is one"));
                    place.cut(at(now), Cut::TimeOver, &mut story.events);
                }
                Step::WaitUntil(time) => {
                    assert!(last_read.is_none_or(|last| time >= last + s(30)), "a look right after another");
                    now = now.max(time);
                    place.take(at(now), Arrived::Woken, &mut story.events);
                }
                Step::List { offset } => {
                    let failing = world.failing.iter().find(|(number, _)| *number == story.lists);
                    story.lists += 1;
                    let page = match failing {
                        Some((_, kind)) => Err(failure(*kind)),
                        None => Ok(world.list_of(&project, &enterprise, offset, now)),
                    };
                    now += world.latency;
                    last_read = Some(now);
                    place.take(at(now), Arrived::List(page), &mut story.events);
                }
                Step::Registries { task, offset } => {
                    story.registries += 1;
                    let page = match world.no_registries {
                        Some(kind) => Err(failure(kind)),
                        None => Ok(world.registries(&project, &task, offset, now)),
                    };
                    now += world.latency;
                    last_read = Some(now);
                    place.take(at(now), Arrived::Registries(page), &mut story.events);
                }
            }
        }
        story.end = story.end.max(now);
    }
    story
}
