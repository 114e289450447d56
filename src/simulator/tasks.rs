//! Synchronisation tasks: how they come to be, and how they advance with the run's clock.
//!
//! A task takes its registries one after the other. What it shows follows from the time alone, so that nothing has to tick;
//! `task_list` shows it.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::config::SimulatedTasks;
use super::dice::mix;
use super::task_fault::TaskFaultKind;
use crate::model::RegistryType;

/// The documented size of a task list: `total_num` 0–1000. Older tasks of a project are forgotten.
const MAX_TASKS: usize = 1000;

/// Tells the streams of random numbers apart.
const STREAM: u64 = 0x7461_736b;

/// Who asked for a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskOrigin {
    /// A request.
    Request,
    /// Somebody else's request, which was not made here ([`TaskFaultKind::Stranger`]).
    Stranger,
    /// The daily schedule ([`TaskFaultKind::Auto`]).
    Daily,
}

/// A task that was made, for tests that look behind the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulatedTask {
    /// Its id.
    pub id: String,
    /// The region of the request; empty when it named none.
    pub region: String,
    /// The project.
    pub project_id: String,
    /// The enterprise project.
    pub enterprise_project_id: String,
    /// Whether it was asked for with `sync_all_registries`.
    pub is_all: bool,
    /// The ids of its registries, in their order.
    pub registries: Vec<String>,
    /// Who asked for it.
    pub origin: TaskOrigin,
    /// What goes wrong with it.
    pub fault: Option<TaskFaultKind>,
}

/// A registry of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) registry_type: RegistryType,
    /// Why it failed to be reached before, if it did.
    pub(super) fail_reason: Option<&'static str>,
}

/// How far a registry of a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PartStatus {
    Running,
    Finished,
    /// With the reason.
    Failed(&'static str),
}

impl PartStatus {
    /// The API's words.
    pub(super) const WORDS: [&'static str; 3] = ["finished", "running", "failed"];

    /// The API's word.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Running => "running",
            Self::Failed(_) => "failed",
        }
    }
}

/// A synchronisation task.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub(super) id: String,
    /// In order of creation, from 1; a companion has the number of the task that it came with.
    number: u64,
    region: String,
    enterprise_project_id: String,
    pub(super) origin: TaskOrigin,
    pub(super) is_all: bool,
    pub(super) parts: Vec<Part>,
    /// On the run's clock.
    begin: Duration,
    /// On the wall, in milliseconds since 1970.
    pub(super) begin_ms: i64,
    duration: Duration,
    /// How long after its beginning it is listed.
    late: Duration,
    fault: Option<TaskFaultKind>,
    /// The registry that fails, with [`TaskFaultKind::Failed`].
    weak: usize,
}

impl Task {
    /// Whether the service shows it to who asks in this region for this enterprise project. Where the request or the question
    /// names no region, all regions count as one.
    pub(super) fn is_listed(&self, now: Duration, region: &str, enterprise_project_id: &str) -> bool {
        self.fault != Some(TaskFaultKind::Lost)
            && now >= self.begin + self.late
            && (region.is_empty() || self.region.is_empty() || region == self.region)
            && (enterprise_project_id == "all_granted_eps" || enterprise_project_id == self.enterprise_project_id)
    }

    /// How it ends before its time, as `task_status` and reason.
    fn broken(&self) -> Option<(i8, &'static str)> {
        match self.fault? {
            TaskFaultKind::Terminated => Some((-1, "the synchronization was terminated")),
            TaskFaultKind::TimedOut => Some((-2, "the synchronization timed out")),
            TaskFaultKind::Abnormal => Some((-3, "the synchronization component is abnormal")),
            _ => None,
        }
    }

    /// How long it runs.
    fn length(&self) -> Duration {
        if self.broken().is_some() { self.duration / 2 } else { self.duration }
    }

    fn elapsed(&self, now: Duration) -> Duration {
        now.saturating_sub(self.begin).min(self.length())
    }

    fn has_ended(&self, now: Duration) -> bool {
        now >= self.begin + self.length()
    }

    /// `steps` times the part of its work that is done, rounded down.
    fn done(&self, now: Duration, steps: usize) -> usize {
        match self.duration.as_nanos() {
            0 => steps,
            whole => usize::try_from(self.elapsed(now).as_nanos() * steps as u128 / whole).unwrap_or(steps),
        }
    }

    /// 0–99 in per cent while it runs, 100 when it has finished, negative when it was stopped: the API's scale.
    pub(super) fn status(&self, now: Duration) -> i8 {
        match self.broken() {
            Some((status, _)) if self.has_ended(now) => status,
            _ => i8::try_from(self.done(now, 100)).unwrap_or(100),
        }
    }

    /// Why it was stopped, once it is.
    pub(super) fn failed_reason(&self, now: Duration) -> Option<&'static str> {
        self.broken().filter(|_| self.has_ended(now)).map(|(_, reason)| reason)
    }

    /// On the wall, once it has ended.
    pub(super) fn end_ms(&self, now: Duration) -> Option<i64> {
        self.has_ended(now).then(|| self.begin_ms.saturating_add_unsigned(millis(self.length())))
    }

    /// Whole minutes until it would finish, rounded up; 0 once it has ended.
    pub(super) fn remaining_minutes(&self, now: Duration) -> u64 {
        if self.has_ended(now) {
            return 0;
        }
        millis((self.begin + self.duration).saturating_sub(now)).div_ceil(60_000)
    }

    /// Its registries, and how far each is: those that are done, in their order, and then those that aren't.
    pub(super) fn progress(&self, now: Duration) -> impl Iterator<Item = (&Part, PartStatus)> {
        let done = self.done(now, self.parts.len());
        let given_up = self.fault == Some(TaskFaultKind::Abnormal) && self.has_ended(now);
        let fails = |index: usize| self.fault == Some(TaskFaultKind::Failed) && index == self.weak;
        self.parts.iter().enumerate().map(move |(index, part)| {
            let status = match index < done {
                true if fails(index) => PartStatus::Failed(part.fail_reason.unwrap_or("REQUEST_API_ERROR")),
                true => PartStatus::Finished,
                false if given_up => PartStatus::Failed("SERVER_ERROR"),
                false => PartStatus::Running,
            };
            (part, status)
        })
    }
}

/// What a task is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order<'a> {
    pub(super) region: &'a str,
    pub(super) project_id: &'a str,
    pub(super) enterprise_project_id: &'a str,
    /// The registries that were asked for; `None` for all.
    pub(super) registries: Option<&'a [(String, RegistryType)]>,
    /// Now, on the run's clock and on the wall.
    pub(super) at: (Duration, jiff::Timestamp),
}

/// The tasks of all projects.
#[derive(Debug)]
pub(super) struct Tasks {
    seed: u64,
    config: SimulatedTasks,
    /// By project id, oldest first.
    by_project: HashMap<String, VecDeque<Task>>,
    created: u64,
}

impl Tasks {
    pub(super) fn new(seed: u64, config: SimulatedTasks) -> Self {
        Self { seed: seed ^ STREAM, config, by_project: HashMap::new(), created: 0 }
    }

    /// Creates a task, and what comes with it; `all` are the registries of the project. Returns its id.
    pub(super) fn create(&mut self, order: &Order<'_>, all: Vec<Part>) -> String {
        self.created += 1;
        let task = self.task(order, &all);
        let id = task.id.clone();
        let companion = match task.fault {
            Some(TaskFaultKind::Stranger) => Some(Task { origin: TaskOrigin::Stranger, ..task.clone() }),
            Some(TaskFaultKind::Auto) => {
                Some(Task { origin: TaskOrigin::Daily, is_all: true, parts: all, ..task.clone() })
            }
            _ => None,
        };
        let companion = companion.map(|companion| {
            let random = mix(!self.seed, self.created);
            Task { id: task_id(random, task.begin_ms), fault: None, ..companion }
        });
        let tasks = self.by_project.entry(order.project_id.to_owned()).or_default();
        let mut made: Vec<Task> = std::iter::once(task).chain(companion).collect();
        // Neither order can be relied on.
        if mix(self.seed, self.created) % 2 == 1 {
            made.reverse();
        }
        for task in made {
            if tasks.len() == MAX_TASKS {
                tasks.pop_front();
            }
            tasks.push_back(task);
        }
        id
    }

    fn task(&self, order: &Order<'_>, all: &[Part]) -> Task {
        let Self { seed, config, created: number, .. } = self;
        let (begin, wall) = order.at;
        let begin_ms = wall.as_millisecond();
        let random = mix(*seed, *number);
        let parts =
            order.registries.map_or_else(|| all.to_vec(), |asked| asked.iter().map(|one| part(one, all)).collect());
        let any = usize::try_from(random % parts.len().max(1) as u64).unwrap_or(0);
        Task {
            id: task_id(random, begin_ms),
            number: *number,
            region: order.region.to_owned(),
            enterprise_project_id: order.enterprise_project_id.to_owned(),
            origin: TaskOrigin::Request,
            is_all: order.registries.is_none(),
            weak: parts.iter().position(|part| part.fail_reason.is_some()).unwrap_or(any),
            parts,
            begin,
            begin_ms,
            duration: config.time.draw(*seed, *number),
            late: config.faults.late(*seed, *number),
            fault: config.faults.of(*seed, *number),
        }
    }

    /// The tasks of a project, newest first.
    pub(super) fn of(&self, project_id: &str) -> impl Iterator<Item = &Task> {
        self.by_project.get(project_id).into_iter().flat_map(|tasks| tasks.iter().rev())
    }

    /// All of them, in order of creation.
    pub(super) fn made(&self) -> Vec<SimulatedTask> {
        let projects = self.by_project.iter();
        let mut tasks: Vec<_> =
            projects.flat_map(|(project_id, tasks)| tasks.iter().map(move |task| (project_id, task))).collect();
        tasks.sort_by_key(|(_, task)| task.number);
        let made = tasks.into_iter().map(|(project_id, task)| SimulatedTask {
            id: task.id.clone(),
            region: task.region.clone(),
            project_id: project_id.clone(),
            enterprise_project_id: task.enterprise_project_id.clone(),
            is_all: task.is_all,
            registries: task.parts.iter().map(|part| part.id.clone()).collect(),
            origin: task.origin,
            fault: task.fault,
        });
        made.collect()
    }
}

/// A registry that was asked for, by the project's name for it. One that the project doesn't have is named by its id.
fn part((id, registry_type): &(String, RegistryType), all: &[Part]) -> Part {
    let known = all.iter().find(|part| part.id == *id);
    Part {
        id: id.clone(),
        name: known.map_or_else(|| id.clone(), |part| part.name.clone()),
        registry_type: *registry_type,
        fail_reason: known.and_then(|part| part.fail_reason),
    }
}

/// An id that a later simulator with the same seed doesn't give again: a resumed rehearsal starts another one.
fn task_id(random: u64, begin_ms: i64) -> String {
    format!("{:016x}{random:016x}", mix(random, begin_ms.cast_unsigned()))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
