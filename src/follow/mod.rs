//! Which task of the service came of which request, and what became of it.
//!
//! A request gets no task id as its answer, so that its task has to be found in the project's list of tasks, by its begin time
//! and its registries (`docs/tasks.md`). A link that can't be proved is none.
//!
//! `place` is the state machine of one list: `run::follow` reads what it asks for and tells it what came. `request` says when a
//! task of a request would have begun, `listed` keeps what the list showed, `fit` compares the two, `judge` draws the
//! conclusion for one operation, `verdict` says how a task ended, `pace` when to look again.

mod fit;
mod judge;
mod listed;
mod pace;
mod place;
mod request;
mod verdict;

use std::time::Duration;

use jiff::SignedDuration;

pub use place::{Arrived, Cut, Place, Step, places};
pub use request::Now;

use crate::model::{RegistryType, TaskId};

/// What is wanted of the tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// Whether what is unknown was taken. One look, now.
    LookUp {
        /// No look after this, on the run's clock.
        until: Option<Duration>,
    },
    /// What became of everything that was taken or may have been.
    ToTheEnd {
        /// No look after this, on the run's clock.
        until: Option<Duration>,
    },
}

/// A synchronisation task as `GET …/image/tasks` lists it. All text is untrusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncTask {
    /// `task_id`.
    pub id: TaskId,
    /// `begin_time`, on the service's clock.
    pub begin: jiff::Timestamp,
    /// `task_status`.
    pub status: TaskStatus,
    /// `remain_min`: how many minutes it says that it still takes. A hint when to look again, and nothing more.
    pub remaining_minutes: Option<u64>,
    /// `is_all`: whether it is about every registry of the project, where the service says so.
    pub is_all: Option<bool>,
    /// `failed_reason`, if there is any.
    pub failed_reason: Option<String>,
}

/// `task_status` of a listed task. That tasks of synchronisations use the scale of scans is assumed by everybody, stated by
/// nobody; so whether a task went well is read off its registries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskStatus {
    /// 0–99: per cent.
    Running(u8),
    /// 100.
    Finished,
    /// -1.
    Terminated,
    /// -2.
    TimedOut,
    /// -3.
    Abnormal,
    /// Another number, or none.
    Unclear,
}

/// A page of the list of tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskPage {
    /// Tasks of synchronisations that were asked for by a request (`manualSync`), in the order of the list, which is not known.
    pub tasks: Vec<SyncTask>,
    /// Entries of the page, with those that are none of these.
    pub entries: usize,
    /// `total_num`.
    pub total: Option<usize>,
    /// How far the service's clock is ahead of ours, by the `Date` of the answer; zero if it says none.
    pub clock_ahead: SignedDuration,
}

/// A registry of a task, as `GET …/image/image-sync/tasks/{task_id}/registries` lists it. All text is untrusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRegistry {
    /// `registry_id`.
    pub id: String,
    /// `registry_name`.
    pub name: String,
    /// `registry_type`, if it is one of the six.
    pub registry_type: Option<RegistryType>,
    /// `sync_status`.
    pub status: SyncStatus,
    /// `failed_reason`, if there is any.
    pub failed_reason: Option<String>,
}

/// `sync_status` of a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncStatus {
    /// `running`, or a word that is not known.
    Running,
    /// `finished`.
    Finished,
    /// `failed`.
    Failed,
}

/// A page of the registries of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRegistryPage {
    /// The registries, in the order of the list.
    pub registries: Vec<TaskRegistry>,
    /// Entries of the page.
    pub entries: usize,
    /// `total_num`.
    pub total: Option<usize>,
}

#[cfg(test)]
mod tests;
