//! What there is behind the simulated API: projects, registries, and tasks that advance with the run's clock.
//!
//! All of it follows from the seed and from names, so that two runs of one rehearsal see the same world.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::dice::mix;
use super::projects::{Projects, SimulatedProject};
use super::registries::{SimulatedRegistry, made_up_registries};
use crate::model::RegistryType;
use crate::sign;

/// The documented size of a task list: `total_num` 0–1000. Older tasks of a project are forgotten.
const MAX_TASKS: usize = 1000;

/// What a task was asked to synchronise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Every registry of the project.
    All,
    /// These: id and type.
    Registries(Vec<(String, RegistryType)>),
}

/// A synchronisation task.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub(super) id: String,
    pub(super) enterprise_project_id: String,
    pub(super) scope: Scope,
    /// On the run's clock.
    begin: Duration,
    /// On the wall, in milliseconds since 1970.
    pub(super) begin_ms: i64,
    duration: Duration,
}

impl Task {
    /// 0–99 in per cent while it runs, 100 when it has finished: the API's scale.
    pub(super) fn status(&self, now: Duration) -> u8 {
        let elapsed = now.saturating_sub(self.begin);
        let percent = elapsed.as_millis() * 100 / self.duration.as_millis().max(1);
        u8::try_from(percent.min(100)).unwrap_or(100)
    }

    /// On the wall, once it has finished.
    pub(super) fn end_ms(&self, now: Duration) -> Option<i64> {
        (self.status(now) == 100).then(|| self.begin_ms.saturating_add_unsigned(millis(self.duration)))
    }

    /// Whole minutes until it finishes, rounded up.
    pub(super) fn remaining_minutes(&self, now: Duration) -> u64 {
        (self.begin + self.duration).saturating_sub(now).as_secs().div_ceil(60)
    }
}

/// Everything that exists.
#[derive(Debug)]
pub(super) struct World {
    seed: u64,
    registries: Option<Vec<SimulatedRegistry>>,
    projects: Projects,
    /// By project id, oldest first.
    tasks: HashMap<String, VecDeque<Task>>,
    created: u64,
}

impl World {
    pub(super) fn new(
        seed: u64,
        registries: Option<Vec<SimulatedRegistry>>,
        projects: Option<Vec<SimulatedProject>>,
    ) -> Self {
        Self { seed, registries, projects: Projects::new(projects), tasks: HashMap::new(), created: 0 }
    }

    /// Creates a task that takes 30 s to 2 min of the run's clock; returns its id.
    pub(super) fn create_task(
        &mut self,
        project_id: &str,
        enterprise_project_id: &str,
        scope: Scope,
        (now, wall): (Duration, jiff::Timestamp),
    ) -> &str {
        self.created += 1;
        let random = mix(self.seed ^ 0x7461_736b, self.created);
        let task = Task {
            id: format!("{random:016x}{:016x}", mix(random, self.created)),
            enterprise_project_id: enterprise_project_id.to_owned(),
            scope,
            begin: now,
            begin_ms: wall.as_millisecond(),
            duration: Duration::from_millis(30_000 + random % 90_001),
        };
        let tasks = self.tasks.entry(project_id.to_owned()).or_default();
        if tasks.len() == MAX_TASKS {
            tasks.pop_front();
        }
        tasks.push_back(task);
        tasks.back().map_or("", |task| &task.id)
    }

    /// The tasks of a project, newest first.
    pub(super) fn tasks(&self, project_id: &str) -> impl Iterator<Item = &Task> {
        self.tasks.get(project_id).into_iter().flat_map(|tasks| tasks.iter().rev())
    }

    /// The registries of a project.
    pub(super) fn registries(&self, project_id: &str) -> Vec<SimulatedRegistry> {
        self.registries.clone().unwrap_or_else(|| made_up_registries(project_id))
    }

    /// The projects of the account.
    pub(super) fn projects(&self) -> &Projects {
        &self.projects
    }
}

/// 32 hexadecimal digits that follow from a name.
pub(super) fn stable_id(name: &str) -> String {
    let mut hash = sign::payload_hash(name.as_bytes());
    hash.truncate(32);
    hash
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_runs_to_its_end_on_the_runs_clock() {
        let mut world = World::new(1, None, None);
        let wall = jiff::Timestamp::from_second(1_800_000_000).expect("legal");
        world.create_task("p", "0", Scope::All, (Duration::from_secs(7), wall));
        let task = world.tasks("p").next().expect("created");
        assert!((30_000..=120_000).contains(&millis(task.duration)));
        assert_eq!((task.status(Duration::from_secs(7)), task.end_ms(Duration::from_secs(7))), (0, None));
        let end = Duration::from_secs(7) + task.duration;
        assert_eq!(task.status(end - Duration::from_millis(1)), 99);
        assert_eq!((task.status(end), task.remaining_minutes(end)), (100, 0));
        assert_eq!(task.end_ms(end), Some(1_800_000_000_000 + task.duration.as_millis() as i64));
    }

    #[test]
    fn a_project_keeps_its_newest_thousand_tasks() {
        let mut world = World::new(1, None, None);
        let mut ids = Vec::new();
        for _ in 0..1003 {
            ids.push(world.create_task("p", "0", Scope::All, (Duration::ZERO, jiff::Timestamp::UNIX_EPOCH)).to_owned());
        }
        let listed: Vec<_> = world.tasks("p").map(|task| task.id.clone()).collect();
        ids.reverse();
        assert_eq!(listed, ids[..1000]);
    }
}
