//! One list of tasks and everything that is to be seen in it, as a state machine.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use super::judge::{Judgement, View};
use super::listed::{ListRead, RegistriesRead, Seen};
use super::pace::{Interval, SHORTEST, together};
use super::request::{Now, Request};
use super::verdict::clipped;
use super::{Aim, TaskPage, TaskRegistryPage, TaskStatus};
use crate::event::{Failure, FailureKind, OpIndex, Outcome, RunEvent};
use crate::expand::ExecutionPlan;
use crate::model::{EnterpriseProjectId, Listing, Operation, ProjectId, ProjectRef, TaskId};
use crate::summary::RunSummary;

/// How long nothing is proved until it counts as not provable: tasks that are not listed, lists that change, and so on.
const PATIENCE: Duration = Duration::from_secs(15 * 60);
/// Looks that come to nothing one after another until the list counts as not readable; each was repeated already.
const MOST_FAILURES: u32 = 6;
/// Times that a list is read anew at once in the one look that there is.
const MOST_REREADS: u32 = 2;

/// What a place does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing before this time, on the run's clock.
    WaitUntil(Duration),
    /// Read the page of the list that begins here.
    List {
        /// Its first entry.
        offset: usize,
    },
    /// Read a page of the registries of a task.
    Registries {
        /// The task.
        task: TaskId,
        /// Its first entry.
        offset: usize,
    },
    /// Nothing any more.
    Over,
}

/// What came of a step.
#[derive(Clone, Debug)]
pub enum Arrived {
    /// It is time.
    Woken,
    /// A page of the list.
    List(Result<TaskPage, Failure>),
    /// A page of the registries.
    Registries(Result<TaskRegistryPage, Failure>),
}

/// Why everything ends before it was seen to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The run was interrupted.
    Interrupted,
    /// There was no more time.
    TimeOver,
    /// The journal can't be written.
    LogFailed,
}

/// An operation that is followed.
#[derive(Clone, Debug)]
struct Followed {
    /// Index in [`Place::requests`].
    request: usize,
    /// The only task that may be its own, not proved yet.
    watched: Option<TaskId>,
    percent: Option<u8>,
    /// Since when nothing was proved.
    open_since: Option<Duration>,
    over: bool,
}

#[derive(Clone, Debug)]
enum Activity {
    Waiting(Duration),
    Listing,
    Asking(TaskId, RegistriesRead),
    Over,
}

/// One list of tasks, the operations that are followed in it, and what was seen of them.
#[derive(Clone, Debug)]
pub struct Place {
    listing: Listing,
    to_the_end: bool,
    /// Requests of the run whose tasks the list may show: those followed, and others that a task may belong to.
    requests: Vec<Request>,
    followed: Vec<Followed>,
    seen: Seen,
    /// When the latest look began, on the run's clock.
    began: Duration,
    read: ListRead,
    to_the_last_page: bool,
    activity: Activity,
    interval: Interval,
    failures: u32,
    rereads: u32,
}

/// The places of what is to be followed, and events of what can't be looked for at all.
#[must_use]
pub fn places(plan: &ExecutionPlan, summary: &RunSummary, aim: Aim, now: Now) -> (Vec<Place>, Vec<RunEvent>) {
    let to_the_end = matches!(aim, Aim::ToTheEnd { .. });
    let mut events = Vec::new();
    let mut followed: BTreeMap<Listing, Vec<OpIndex>> = BTreeMap::new();
    let mut requests: BTreeMap<ProjectId, Vec<(EnterpriseProjectId, Request)>> = BTreeMap::new();
    let is_wanted = |op: OpIndex| match summary.operations.get(op).and_then(|operation| operation.outcome.as_ref()) {
        Some(Outcome::Unknown(_)) => true,
        Some(Outcome::Accepted) => to_the_end,
        _ => false,
    };
    // Mostly few, and what was sent to other projects has no task in their lists.
    let wanted = plan.operations.iter().enumerate().filter(|(op, _)| is_wanted(*op));
    let projects: HashSet<&ProjectRef> = wanted.map(|(_, operation)| &operation.target.project_id).collect();
    let near = |operation: &Operation| projects.contains(&operation.target.project_id);
    for (op, operation) in plan.operations.iter().enumerate().filter(|(_, operation)| near(operation)) {
        let wanted = is_wanted(op);
        let place = Listing::of(operation);
        match (place, Request::of(plan, summary, op, now)) {
            (Some(listing), Some(request)) => {
                let enterprise = listing.enterprise_project_id.clone();
                requests.entry(listing.project_id.clone()).or_default().push((enterprise, request));
                if wanted {
                    followed.entry(listing).or_default().push(op);
                }
            }
            _ if wanted => {
                let why = "when and where it was sent is not known".to_owned();
                events.push(RunEvent::TaskUnclear { op, at: now.run, why });
            }
            _ => {}
        }
    }
    let place = |(listing, ops): (Listing, Vec<OpIndex>)| {
        let here = requests.get(&listing.project_id).into_iter().flatten();
        let here = here.filter(|(enterprise, _)| share_tasks(enterprise, &listing.enterprise_project_id));
        let here = here.map(|(_, request)| request.clone()).collect();
        Place::new(listing, &ops, here, to_the_end, now)
    };
    (followed.into_iter().map(place).collect(), events)
}

/// Whether a task of one enterprise project may stand in the list of the other.
fn share_tasks(one: &EnterpriseProjectId, other: &EnterpriseProjectId) -> bool {
    let all = |id: &EnterpriseProjectId| id.as_str() == "all_granted_eps";
    one == other || all(one) || all(other)
}

impl Place {
    fn new(listing: Listing, ops: &[OpIndex], requests: Vec<Request>, to_the_end: bool, now: Now) -> Self {
        let followed = |(request, _)| Followed { request, watched: None, percent: None, open_since: None, over: false };
        let followed: Vec<Followed> =
            requests.iter().enumerate().filter(|(_, request)| ops.contains(&request.op)).map(followed).collect();
        let times = followed.iter().map(|followed| match &requests[followed.request] {
            Request { task: Some(_), .. } => now.run,
            request => request.settled.max(now.run),
        });
        let first = if to_the_end { together(times) } else { Some(now.run) };
        Self {
            listing,
            to_the_end,
            followed,
            requests,
            seen: Seen::default(),
            began: now.run,
            read: ListRead::default(),
            to_the_last_page: false,
            activity: first.map_or(Activity::Over, Activity::Waiting),
            interval: Interval::default(),
            failures: 0,
            rereads: 0,
        }
    }

    /// Where it asks.
    #[must_use]
    pub fn listing(&self) -> &Listing {
        &self.listing
    }

    /// Operations whose end was not seen.
    #[must_use]
    pub fn open(&self) -> usize {
        self.followed.iter().filter(|followed| !followed.over).count()
    }

    /// What it does next.
    #[must_use]
    pub fn step(&self) -> Step {
        match &self.activity {
            Activity::Waiting(until) => Step::WaitUntil(*until),
            Activity::Listing => Step::List { offset: self.read.offset() },
            Activity::Asking(task, read) => Step::Registries { task: task.clone(), offset: read.offset() },
            Activity::Over => Step::Over,
        }
    }

    /// Takes in what came of the step, and says what it shows.
    pub fn take(&mut self, now: Now, arrived: Arrived, events: &mut Vec<RunEvent>) {
        match arrived {
            Arrived::Woken => self.begin_look(now),
            Arrived::List(Ok(page)) => self.take_page(now, &page, events),
            Arrived::List(Err(failure)) => self.list_failed(now, &failure, events),
            Arrived::Registries(Ok(page)) => self.take_registries(now, page, events),
            Arrived::Registries(Err(failure)) => self.registries_failed(now, &failure, events),
        }
    }

    /// Ends everything now: nothing is proved of what is still open.
    pub fn cut(&mut self, now: Now, cut: Cut, events: &mut Vec<RunEvent>) {
        let what = if self.to_the_end { "its task was seen to end" } else { "its task was looked for" };
        let why = match cut {
            Cut::Interrupted => format!("the run was interrupted before {what}"),
            Cut::TimeOver => format!("the time was over before {what}"),
            Cut::LogFailed => format!("the journal could no longer be written before {what}"),
        };
        self.end_all(now, &why, events);
    }

    fn begin_look(&mut self, now: Now) {
        self.rereads = 0;
        self.read_anew(now);
    }

    fn read_anew(&mut self, now: Now) {
        self.began = now.run;
        self.seen.look += 1;
        self.read = ListRead::default();
        self.activity = Activity::Listing;
    }

    fn take_page(&mut self, now: Now, page: &TaskPage, events: &mut Vec<RunEvent>) {
        let (more, begins) = self.read.take(page);
        for (task, begin) in page.tasks.iter().zip(begins) {
            let matters = self.seen.tasks.contains_key(&task.id)
                || self
                    .requests
                    .iter()
                    .any(|request| request.may_have_made_at(begin) || request.task.as_ref() == Some(&task.id));
            if matters {
                self.seen.list(task, begin);
            }
        }
        self.to_the_last_page = !more;
        if more && !self.has_seen_enough() {
            return;
        }
        if self.to_the_last_page && !self.read.is_whole() && !self.to_the_end && self.rereads < MOST_REREADS {
            self.rereads += 1;
            return self.read_anew(now);
        }
        self.failures = 0;
        self.judge(now, events);
    }

    /// Whether every task that is waited for stands on the pages up to here, and none has still to be found.
    fn has_seen_enough(&self) -> bool {
        self.followed.iter().filter(|followed| !followed.over).all(|followed| {
            let request = &self.requests[followed.request];
            match request.task.as_ref().or(followed.watched.as_ref()) {
                Some(task) => self.read.holds(task),
                None => self.to_the_end && self.began < request.settled,
            }
        })
    }

    fn list_failed(&mut self, now: Now, failure: &Failure, events: &mut Vec<RunEvent>) {
        self.failures += 1;
        if is_final(failure) || !self.to_the_end || self.failures >= MOST_FAILURES {
            let advice = if is_final(failure) { mend(failure.kind) } else { "" };
            let why = format!("the list of tasks can't be read: {}{advice}", clipped(&failure.reason()));
            return self.end_all(now, &why, events);
        }
        self.activity = Activity::Waiting(now.run + self.interval.get());
        self.interval.grow();
    }

    fn take_registries(&mut self, now: Now, page: TaskRegistryPage, events: &mut Vec<RunEvent>) {
        let Activity::Asking(task, read) = &mut self.activity else { return };
        if read.take(page) {
            return;
        }
        let task = task.clone();
        match std::mem::take(read).whole() {
            Some(list) => self.seen.read(task, list),
            None => self.seen.not_read(task, "the list changed while it was read".to_owned(), false),
        }
        self.judge(now, events);
    }

    fn registries_failed(&mut self, now: Now, failure: &Failure, events: &mut Vec<RunEvent>) {
        let Activity::Asking(task, _) = &self.activity else { return };
        let why = clipped(&failure.reason());
        if failure.kind == FailureKind::Credential {
            let why = format!("the registries of task {task} can't be read: {why}{}", mend(failure.kind));
            return self.end_all(now, &why, events);
        }
        let task = task.clone();
        self.seen.not_read(task, why, is_final(failure));
        self.judge(now, events);
    }

    /// Says of each operation what is proved by now, until registries have to be read or nothing is left to see in this look.
    fn judge(&mut self, now: Now, events: &mut Vec<RunEvent>) {
        let mut wishes = Vec::new();
        for index in 0..self.followed.len() {
            if self.followed[index].over {
                continue;
            }
            match self.judge_one(index, now, events) {
                Next::Ask(task) => {
                    self.activity = Activity::Asking(task, RegistriesRead::default());
                    return;
                }
                Next::Wish(at) => wishes.push(at),
                Next::Over => {}
            }
        }
        self.activity = match together(wishes.iter().copied()) {
            Some(at) => Activity::Waiting(at.max(now.run + SHORTEST)),
            None => Activity::Over,
        };
        self.interval.grow();
    }

    fn judge_one(&mut self, index: usize, now: Now, events: &mut Vec<RunEvent>) -> Next {
        loop {
            let Followed { request, watched, .. } = &self.followed[index];
            let request = *request;
            let judgement = self.view().judge(&self.requests[request], watched.as_ref());
            let op = self.requests[request].op;
            match judgement {
                Judgement::Ask(task) => return Next::Ask(task),
                Judgement::Later(at) => {
                    self.show_progress(index, now, events);
                    self.followed[index].open_since = None;
                    return self.wish(index, at, now, events);
                }
                Judgement::Watch(task) => self.followed[index].watched = Some(task),
                Judgement::Drop => self.followed[index].watched = None,
                Judgement::Open(why) => {
                    let since = *self.followed[index].open_since.get_or_insert(now.run);
                    if !self.to_the_end || now.run.saturating_sub(since) >= PATIENCE {
                        return self.unclear(index, now, why, events);
                    }
                    return Next::Wish(now.run + self.interval.get());
                }
                Judgement::Unclear(why) => return self.unclear(index, now, why, events),
                Judgement::Found(task) => {
                    let early = self.began < self.requests[request].settled;
                    events.push(RunEvent::TaskFound { op, at: now.run, task: task.clone(), early });
                    let request = &mut self.requests[request];
                    (request.task, request.accepted) = (Some(task), true);
                    if !self.to_the_end {
                        self.followed[index].over = true;
                        return Next::Over;
                    }
                }
                Judgement::Ended(outcome) => {
                    events.push(RunEvent::TaskEnded { op, at: now.run, outcome });
                    self.followed[index].over = true;
                    return Next::Over;
                }
            }
        }
    }

    /// A look for an operation with which all is well: at this time, or when the next one is due.
    fn wish(&mut self, index: usize, at: Option<Duration>, now: Now, events: &mut Vec<RunEvent>) -> Next {
        if !self.to_the_end {
            // There is one look, and it was too early for this one.
            let why = "the list of tasks was read too early to say which is its own".to_owned();
            return self.unclear(index, now, why, events);
        }
        Next::Wish(at.unwrap_or(now.run + self.interval.get()))
    }

    fn view(&self) -> View<'_> {
        View {
            requests: &self.requests,
            seen: &self.seen,
            read: &self.read,
            to_the_last_page: self.to_the_last_page,
            began: self.began,
            to_the_end: self.to_the_end,
        }
    }

    fn show_progress(&mut self, index: usize, now: Now, events: &mut Vec<RunEvent>) {
        let followed = &mut self.followed[index];
        let request = &self.requests[followed.request];
        let Some(task) = request.task.as_ref().or(followed.watched.as_ref()) else { return };
        let Some(TaskStatus::Running(percent)) = self.seen.tasks.get(task).map(|listed| listed.task.status) else {
            return;
        };
        if followed.percent != Some(percent) {
            followed.percent = Some(percent);
            events.push(RunEvent::TaskProgressed { op: request.op, at: now.run, percent });
        }
    }

    fn unclear(&mut self, index: usize, now: Now, why: String, events: &mut Vec<RunEvent>) -> Next {
        let op = self.requests[self.followed[index].request].op;
        events.push(RunEvent::TaskUnclear { op, at: now.run, why });
        self.followed[index].over = true;
        Next::Over
    }

    fn end_all(&mut self, now: Now, why: &str, events: &mut Vec<RunEvent>) {
        for index in 0..self.followed.len() {
            if !self.followed[index].over {
                self.unclear(index, now, why.to_owned(), events);
            }
        }
        self.activity = Activity::Over;
    }
}

/// What one operation makes of a look.
enum Next {
    Ask(TaskId),
    Wish(Duration),
    Over,
}

/// What to do about a read that was refused, after which a resume can see more.
fn mend(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Credential => "; mend the credential, then resume",
        FailureKind::Redirected => "; check the endpoint and the proxy, then resume",
        // Nobody publishes what the right is called; this is the name of the call.
        _ => {
            "; if its user lacks the right to list image tasks of HSS in this project (ListImageScanTask), grant it, then \
             resume"
        }
    }
}

/// Whether asking again would give the same answer.
fn is_final(failure: &Failure) -> bool {
    matches!(failure.kind, FailureKind::Credential | FailureKind::Refused | FailureKind::Redirected)
}
