//! What the list of a place showed up to now, and what was said about the registries of its tasks.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::{SyncStatus, SyncTask, TaskPage, TaskRegistry, TaskRegistryPage, TaskStatus};
use crate::model::TaskId;

/// Documented size of a task list (`total_num` 0–1000): one that is as long may have been cut.
const LONGEST_LIST: usize = 1000;
/// Pages that are read at most, however long a list says that it is.
const MOST_PAGES: usize = 128;

/// A task that the list showed.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) task: SyncTask,
    /// When it began, on this machine's wall clock since 1970.
    pub(super) begin: SignedDuration,
    /// It was also listed with another begin.
    pub(super) contradictory: bool,
    /// The latest look that showed it.
    pub(super) look: u64,
}

/// The registries of a task, read to the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Registries {
    pub(super) list: Vec<TaskRegistry>,
    /// The look in which they were read.
    pub(super) look: u64,
    /// Whether the task had ended by then, as the list says.
    pub(super) after_end: bool,
}

impl Registries {
    /// Whether each registry has ended and there is one.
    pub(super) fn have_ended(&self) -> bool {
        !self.list.is_empty() && self.list.iter().all(|registry| registry.status != SyncStatus::Running)
    }
}

/// Why the registries of a task could not be read.
#[derive(Clone, Debug)]
pub(super) struct Unread {
    pub(super) look: u64,
    pub(super) why: String,
    pub(super) for_good: bool,
}

/// What was seen in one place.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// The latest look, counted from 1.
    pub(super) look: u64,
    /// Tasks that matter here.
    pub(super) tasks: BTreeMap<TaskId, Listed>,
    pub(super) registries: BTreeMap<TaskId, Registries>,
    pub(super) unread: BTreeMap<TaskId, Unread>,
    /// Registries that any of the tasks has: the project has them, so that a task without one of them is not about all.
    pub(super) known: BTreeSet<String>,
}

impl Seen {
    /// Takes a listed task in.
    pub(super) fn list(&mut self, task: &SyncTask, begin: SignedDuration) {
        let look = self.look;
        let listed = self.tasks.entry(task.id.clone()).or_insert_with(|| Listed {
            task: task.clone(),
            begin,
            contradictory: false,
            look,
        });
        listed.contradictory |= listed.task.begin != task.begin;
        listed.look = look;
        let first = listed.task.begin;
        listed.task = SyncTask { begin: first, ..task.clone() };
    }

    /// Whether the list says that the task has ended.
    pub(super) fn has_ended(&self, task: &TaskId) -> bool {
        self.tasks.get(task).is_some_and(|listed| listed.task.status.is_end())
    }

    /// Whether the latest look shows a task that runs.
    pub(super) fn runs(&self, listed: &Listed) -> bool {
        listed.look == self.look && matches!(listed.task.status, TaskStatus::Running(_))
    }

    /// Whether it would help to ask for the registries of a task now: once while it runs, then once in a look until all have ended.
    pub(super) fn can_ask(&self, task: &TaskId) -> bool {
        if self.unread.get(task).is_some_and(|unread| unread.for_good || unread.look == self.look) {
            return false;
        }
        let Some(read) = self.registries.get(task) else { return true };
        let runs = self.tasks.get(task).is_some_and(|listed| self.runs(listed));
        !runs && read.look != self.look && !(read.after_end && read.have_ended())
    }

    /// The registries of a task were read to the end.
    pub(super) fn read(&mut self, task: TaskId, list: Vec<TaskRegistry>) {
        self.known.extend(list.iter().map(|registry| registry.id.clone()));
        self.unread.remove(&task);
        let after_end = self.has_ended(&task);
        self.registries.insert(task, Registries { list, look: self.look, after_end });
    }

    /// The registries of a task could not be read.
    pub(super) fn not_read(&mut self, task: TaskId, why: String, for_good: bool) {
        self.unread.insert(task, Unread { look: self.look, why, for_good });
    }
}

impl TaskStatus {
    /// Whether it is the status of a task that is over.
    pub(super) fn is_end(self) -> bool {
        matches!(self, Self::Finished | Self::Terminated | Self::TimedOut | Self::Abnormal)
    }
}

/// What has to be known of pages to say whether a list was read whole: offsets shift when it changes meanwhile.
#[derive(Clone, Debug, Default)]
struct Pages {
    read: usize,
    entries: usize,
    total: Option<usize>,
    changed: bool,
}

impl Pages {
    /// Takes a page in; whether another one follows.
    fn take(&mut self, entries: usize, total: Option<usize>) -> bool {
        self.changed |= self.read > 0 && self.total != total;
        self.read += 1;
        self.entries = self.entries.saturating_add(entries);
        self.total = total;
        let more = entries > 0 && total.is_none_or(|total| self.entries < total);
        more && self.read < MOST_PAGES
    }

    /// Whether everything that it announced was there.
    fn is_whole(&self) -> bool {
        !self.changed && self.total.is_none_or(|total| total == self.entries) && self.read < MOST_PAGES
    }
}

/// One reading of a list, page by page.
#[derive(Clone, Debug, Default)]
pub(super) struct ListRead {
    pages: Pages,
    ids: BTreeSet<TaskId>,
    repeats: bool,
    /// The earliest begin that it shows, by this machine's clock.
    oldest: Option<SignedDuration>,
}

impl ListRead {
    /// Takes a page in, its tasks with their begin by this machine's clock; whether another page follows.
    pub(super) fn take(&mut self, page: &TaskPage) -> (bool, Vec<SignedDuration>) {
        let begin = |task: &SyncTask| task.begin.as_duration().saturating_sub(page.clock_ahead);
        let begins: Vec<SignedDuration> = page.tasks.iter().map(begin).collect();
        for (task, begin) in page.tasks.iter().zip(&begins) {
            self.repeats |= !self.ids.insert(task.id.clone());
            self.oldest = Some(self.oldest.map_or(*begin, |oldest| oldest.min(*begin)));
        }
        (self.pages.take(page.entries, page.total), begins)
    }

    /// Where the next page begins.
    pub(super) fn offset(&self) -> usize {
        self.pages.entries
    }

    /// Whether it holds each of these.
    pub(super) fn holds(&self, task: &TaskId) -> bool {
        self.ids.contains(task)
    }

    /// Whether it shows every task that was there. A page that shifts shows a task twice, or leaves one out.
    pub(super) fn is_whole(&self) -> bool {
        self.pages.is_whole() && !self.repeats
    }

    /// Whether it reaches back to this time: a list that is as long as it can be has lost its oldest tasks.
    pub(super) fn reaches(&self, begin: SignedDuration) -> bool {
        let total = self.pages.total.unwrap_or(self.pages.entries).max(self.pages.entries);
        total < LONGEST_LIST || self.oldest.is_some_and(|oldest| oldest < begin)
    }
}

/// One reading of the registries of a task, page by page.
#[derive(Clone, Debug, Default)]
pub(super) struct RegistriesRead {
    pages: Pages,
    list: Vec<TaskRegistry>,
}

impl RegistriesRead {
    /// Takes a page in; whether another one follows.
    pub(super) fn take(&mut self, page: TaskRegistryPage) -> bool {
        self.list.extend(page.registries);
        self.pages.take(page.entries, page.total)
    }

    /// Where the next page begins.
    pub(super) fn offset(&self) -> usize {
        self.pages.entries
    }

    /// All registries; none when the list changed while it was read.
    pub(super) fn whole(self) -> Option<Vec<TaskRegistry>> {
        let mut ids = BTreeSet::new();
        let repeats = self.list.iter().any(|registry| !ids.insert((&registry.id, registry.registry_type)));
        (self.pages.is_whole() && !repeats && self.pages.entries == self.list.len()).then_some(self.list)
    }
}
