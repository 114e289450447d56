//! What is proved of one operation by what was seen, and what has to be seen next.

use std::time::Duration;

use super::fit::{Fit, claim, fit};
use super::listed::{ListRead, Listed, Seen};
use super::pace::hinted;
use super::request::Request;
use super::verdict::verdict;
use super::{SyncTask, TaskStatus};
use crate::event::Outcome;
use crate::model::TaskId;

/// Tasks that are asked about to tell them apart. In a project where more begin at a time no link is worth the calls.
const MOST_ASKED: usize = 30;

/// What to make of an operation now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// The registries of this task have to be read first.
    Ask(TaskId),
    /// All is well, and there is nothing to see before this time. None: before the next look that is due.
    Later(Option<Duration>),
    /// It is the only task that may be its own: it is watched, and proved by its registries when it has ended.
    Watch(TaskId),
    /// What was watched did not come of this request.
    Drop,
    /// Nothing is proved, why; a later look may.
    Open(String),
    /// Nothing will be proved, why.
    Unclear(String),
    /// It is its task.
    Found(TaskId),
    /// Its task has ended.
    Ended(Outcome),
}

/// What is known in a place after a look.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) requests: &'a [Request],
    pub(super) seen: &'a Seen,
    pub(super) read: &'a ListRead,
    /// Whether the look went through all pages.
    pub(super) to_the_last_page: bool,
    /// When the look began, on the run's clock.
    pub(super) began: Duration,
    /// Whether the end of tasks is waited for.
    pub(super) to_the_end: bool,
}

impl View<'_> {
    /// Judges the operation of a request that is not linked, or is watched as `watched`.
    pub(super) fn judge(&self, request: &Request, watched: Option<&TaskId>) -> Judgement {
        if let Some(task) = &request.task {
            return self.until_its_end(request, task, true);
        }
        if let Some(task) = watched {
            return self.until_its_end(request, task, false);
        }
        if self.to_the_end && self.began < request.settled {
            return Judgement::Later(Some(request.settled));
        }
        // What was watched in this look turned out to be another's: the next look is one for all pages.
        if !self.to_the_last_page {
            return Judgement::Later(None);
        }
        if !self.read.is_whole() {
            return not_whole();
        }
        if request.earliest().is_none_or(|earliest| !self.read.reaches(earliest)) {
            let why = "the list of tasks is as long as it can be and no longer reaches back to this request";
            return Judgement::Unclear(why.to_owned());
        }
        self.link(request)
    }

    /// Looks for the task of a request in a list that shows it, if it is there.
    fn link(&self, request: &Request) -> Judgement {
        let taken = |task: &TaskId| self.requests.iter().any(|other| other.task.as_ref() == Some(task));
        let fits: Vec<(&Listed, Fit)> = self
            .seen
            .tasks
            .values()
            .filter(|listed| !taken(&listed.task.id))
            .map(|listed| (listed, fit(request, listed, self.seen)))
            .filter(|(_, fit)| *fit != Fit::No)
            .collect();
        match fits.as_slice() {
            [] => Judgement::Open(match request.accepted {
                true => "no task that fits is listed (yet)".to_owned(),
                false => "no task that fits is listed (yet); that doesn't show that it was not taken".to_owned(),
            }),
            [(listed, fit)] => self.only(request, listed, fit),
            _ => self.tell_apart(request, &fits),
        }
    }

    /// One task fits.
    fn only(&self, request: &Request, listed: &Listed, fit: &Fit) -> Judgement {
        let task = &listed.task.id;
        let others = self.requests.iter().filter(|other| other.op != request.op);
        let rivals: Vec<(&Request, Fit)> = others
            .map(|other| (other, claim(other, listed, self.seen)))
            .filter(|(_, claim)| *claim != Fit::No)
            .collect();
        let patient = *fit == Fit::Unread && request.accepted && self.to_the_end;
        if let Some((rival, _)) = rivals.first() {
            let open = fit.is_open() || rivals.iter().any(|(_, claim)| claim.is_open());
            return match open {
                false => Judgement::Unclear(format!("task {task} fits {} as well", rival.id)),
                // Its registries are asked for when it has ended anyway.
                true if self.seen.can_ask(task) && !(patient && self.seen.runs(listed)) => Judgement::Ask(task.clone()),
                true => self.not_yet(listed, &format!("it may be that of {} as well", rival.id)),
            };
        }
        match fit {
            Fit::Yes => Judgement::Found(task.clone()),
            Fit::Unread if patient => Judgement::Watch(task.clone()),
            Fit::Unread | Fit::Unsettled if self.seen.can_ask(task) => Judgement::Ask(task.clone()),
            Fit::Unprovable(why) => unprovable(task, why),
            Fit::No | Fit::Unread | Fit::Unsettled => self.not_yet(listed, "it may be its own"),
        }
    }

    /// The registries of a task don't tell by now: when it runs, its end may.
    fn not_yet(&self, listed: &Listed, so: &str) -> Judgement {
        match self.to_the_end && self.seen.runs(listed) {
            true => self.later(&listed.task),
            false => Judgement::Open(self.unread(&listed.task.id, so)),
        }
    }

    /// Nothing to see before a running task may have ended.
    fn later(&self, task: &SyncTask) -> Judgement {
        Judgement::Later(task.remaining_minutes.map(|minutes| self.began + hinted(minutes)))
    }

    /// Several tasks fit, as far as is known.
    fn tell_apart(&self, request: &Request, fits: &[(&Listed, Fit)]) -> Judgement {
        let unread = || fits.iter().filter(|(_, fit)| fit.is_open());
        if unread().count() > MOST_ASKED {
            return Judgement::Unclear(format!("{} tasks began at that time, too many to tell apart", fits.len()));
        }
        let mut askable = unread().map(|(listed, _)| *listed).filter(|listed| self.seen.can_ask(&listed.task.id));
        let at_once = !request.accepted || !self.to_the_end || fits.iter().any(|(_, fit)| *fit == Fit::Yes);
        // What has ended is asked for its end anyway, and may be all that is needed.
        if let Some(listed) = askable.find(|listed| at_once || !self.seen.runs(listed)) {
            return Judgement::Ask(listed.task.id.clone());
        }
        let soonest = |listed: &&Listed| (!self.seen.runs(listed), listed.task.remaining_minutes);
        match unread().map(|(listed, _)| *listed).min_by_key(soonest) {
            Some(listed) => self.not_yet(listed, "it is not the only one that may be its own"),
            None => {
                let ids: Vec<&str> = fits.iter().take(3).map(|(listed, _)| listed.task.id.as_str()).collect();
                let more = fits.len() - ids.len();
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                Judgement::Unclear(format!("several tasks fit it: {}{more}", ids.join(", ")))
            }
        }
    }

    /// Follows a task; it is proved that it is that of the request, or it is watched.
    fn until_its_end(&self, request: &Request, id: &TaskId, proved: bool) -> Judgement {
        let listed = self.seen.tasks.get(id);
        let task = listed.filter(|listed| listed.look == self.seen.look).map(|listed| &listed.task);
        if let Some(task @ SyncTask { status: TaskStatus::Running(_), .. }) = task {
            return self.later(task);
        }
        if task.is_none() && !(self.to_the_last_page && self.read.is_whole()) {
            return not_whole();
        }
        let ended = task.is_some_and(|task| task.status.is_end());
        if self.seen.can_ask(id) {
            return Judgement::Ask(id.clone());
        }
        let registries = self.seen.registries.get(id);
        if let (false, Some(listed)) = (proved, listed) {
            match fit(request, listed, self.seen) {
                Fit::Yes => return Judgement::Found(id.clone()),
                Fit::No => return Judgement::Drop,
                Fit::Unprovable(why) => return unprovable(id, why),
                Fit::Unread | Fit::Unsettled => return Judgement::Open(self.unread(id, "it may be its own")),
            }
        }
        if let Some(outcome) = verdict(id, task, registries) {
            return Judgement::Ended(outcome);
        }
        let so = if task.is_some() { "it has ended" } else { "it is not listed any more" };
        match registries.filter(|read| !read.list.is_empty() && !self.seen.unread.contains_key(id)) {
            // Nothing but its registries says how far it is.
            Some(_) if task.is_some() && !ended => Judgement::Later(None),
            Some(_) => Judgement::Open(format!("registries of its task {id} are still synchronised, though {so}")),
            None => Judgement::Open(self.unread(id, so)),
        }
    }

    /// Why the registries of a task tell nothing.
    fn unread(&self, task: &TaskId, so: &str) -> String {
        match (self.seen.unread.get(task), self.seen.registries.get(task)) {
            (Some(unread), _) => format!("the registries of task {task} can't be read ({so}): {}", unread.why),
            (None, Some(read)) if read.list.is_empty() => format!("task {task} lists no registries ({so})"),
            (None, Some(_)) => format!("the registries of task {task} don't tell yet ({so})"),
            (None, None) => format!("the registries of task {task} were not read ({so})"),
        }
    }
}

fn not_whole() -> Judgement {
    Judgement::Open("the list of tasks changed while it was read, or is not as long as it says".to_owned())
}

fn unprovable(task: &TaskId, why: &str) -> Judgement {
    Judgement::Unclear(format!("task {task}, which may be its own, {why}"))
}
