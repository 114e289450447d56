//! Tasks that are followed after the last request, through the whole run, in virtual time.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use super::{Notes, Service, VirtualClock, accepted, credentials, limits, options};
use crate::event::{Failure, FailureKind, Outcome, RunEvent};
use crate::expand::ExecutionPlan;
use crate::follow::{Aim, SyncStatus, SyncTask, TaskPage, TaskRegistry, TaskRegistryPage, TaskStatus};
use crate::model::{Listing, TaskId};
use crate::policy::SendError;
use crate::run::port::{Clock, TaskList, Unlogged};
use crate::run::{FollowAfter, Outside, RunOptions, follow, run};
use crate::schedule::fixture::{Fixture, ms};
use crate::summary::RunSummary;

const fn s(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// What becomes of the one task of a project.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Fate {
    /// It goes well within so many seconds of the start of the run.
    EndsAt(u64),
    /// One of its two registries fails, by then.
    FailsAt(u64),
    /// There is none.
    Absent,
    /// Its list can't be read so many times; then all goes well.
    Trouble(FailureKind, usize),
}

/// The lists of tasks, by the number of the project; every task began a second after the start of the run.
pub(super) struct Tasks {
    clock: VirtualClock,
    fates: Vec<Fate>,
    /// Project and time of each read of a list.
    pub(super) reads: RefCell<Vec<(usize, Duration)>>,
    registries: Cell<usize>,
}

impl Tasks {
    pub(super) fn new(fates: &[Fate]) -> Self {
        let clock = VirtualClock::start();
        Self { clock, fates: fates.to_vec(), reads: RefCell::default(), registries: Cell::default() }
    }

    fn calls(&self) -> (usize, usize) {
        (self.reads.borrow().len(), self.registries.get())
    }

    fn running(&self, fate: Fate) -> bool {
        match fate {
            Fate::EndsAt(end) | Fate::FailsAt(end) => self.clock.now() < s(end),
            _ => false,
        }
    }
}

fn project(listing: &Listing) -> usize {
    listing.project_id.as_str()[1..].parse().expect("p<number>")
}

impl TaskList for Tasks {
    async fn tasks(&self, listing: &Listing, offset: usize) -> Result<TaskPage, Failure> {
        assert_eq!(offset, 0);
        let project = project(listing);
        let before = self.reads.borrow().iter().filter(|(of, _)| *of == project).count();
        self.reads.borrow_mut().push((project, self.clock.now()));
        tokio::time::sleep(ms(500)).await;
        let fate = self.fates[project];
        if let Fate::Trouble(kind, times) = fate
            && before < times
        {
            let message = "the list says no".to_owned();
            return Err(Failure { kind, status: None, code: None, message, given_up: None });
        }
        let running = self.running(fate);
        let task = SyncTask {
            id: TaskId::parse(&format!("t{project}")).expect("legal"),
            begin: Timestamp::UNIX_EPOCH + s(1),
            status: if running { TaskStatus::Running(40) } else { TaskStatus::Finished },
            remaining_minutes: running.then_some(1),
            is_all: Some(true),
            failed_reason: None,
        };
        let tasks = if fate == Fate::Absent { Vec::new() } else { vec![task] };
        Ok(TaskPage { entries: tasks.len(), total: Some(tasks.len()), tasks, clock_ahead: SignedDuration::ZERO })
    }

    async fn task_registries(&self, listing: &Listing, task: &TaskId, _: usize) -> Result<TaskRegistryPage, Failure> {
        self.registries.set(self.registries.get() + 1);
        tokio::time::sleep(ms(500)).await;
        let project = project(listing);
        assert_eq!(task.as_str(), format!("t{project}"));
        let fate = self.fates[project];
        let registry = |id: &str, fails: bool| TaskRegistry {
            id: id.to_owned(),
            name: format!("prod-{id}"),
            registry_type: None,
            status: match (self.running(fate), fails) {
                (true, _) => SyncStatus::Running,
                (false, true) => SyncStatus::Failed,
                (false, false) => SyncStatus::Finished,
            },
            failed_reason: fails.then(|| "connection refused".to_owned()),
        };
        let registries = vec![registry("a", false), registry("b", matches!(fate, Fate::FailsAt(_)))];
        Ok(TaskRegistryPage { entries: 2, registries, total: Some(2) })
    }
}

pub(super) fn waiting() -> RunOptions {
    RunOptions { follow: FollowAfter::ToTheEnd { timeout: None }, ..options() }
}

/// A run of one operation for each fate; the unknown ones get no answer.
async fn go(
    fates: &[Fate],
    unknown: &[usize],
    options: &RunOptions,
    stop: &CancellationToken,
) -> (RunSummary, Tasks, Notes) {
    let plan = Fixture::simple(limits("100/1s"), fates.len());
    let unknown = unknown.to_vec();
    let service = Service::new((100, ms(1000)), move |op, _| match unknown.contains(&op) {
        true => Err(SendError::NoAnswer { detail: "timeout".to_owned() }),
        false => accepted(),
    });
    let (tasks, mut notes) = (Tasks::new(fates), Notes::default());
    let outside = Outside {
        transport: &service,
        tasks: &tasks,
        clock: &service.clock,
        log: &mut Unlogged,
        sinks: &mut [&mut notes],
    };
    let end = run(&plan, &credentials(), options, None, outside, stop).await.expect("the run is conserved");
    assert!(matches!(notes.events.last(), Some(RunEvent::RunEnded { .. })));
    (end.summary, tasks, notes)
}

/// The outcome of an operation, with its reason, and why a look proved nothing.
fn says(summary: &RunSummary, op: usize) -> String {
    let operation = &summary.operations[op];
    let outcome = operation.outcome.as_ref().expect("it has one");
    let reason = outcome.reason().map(|reason| format!(": {reason}")).unwrap_or_default();
    let unclear = operation.unclear.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
    format!("{}{reason}{unclear}", outcome.as_str())
}

const NO_ANSWER: &str = "unknown: timeout";

#[tokio::test(start_paused = true)]
async fn what_was_accepted_is_followed_to_its_end() {
    let fates = [Fate::EndsAt(30), Fate::FailsAt(400), Fate::EndsAt(900), Fate::Absent];
    let (summary, tasks, notes) = go(&fates, &[2], &waiting(), &CancellationToken::new()).await;
    assert_eq!(says(&summary, 0), "confirmed");
    assert_eq!(says(&summary, 1), "failed: its task t1 failed for 1 of 2 registries: prod-b (b: connection refused)");
    assert!(
        matches!(&summary.operations[1].outcome, Some(Outcome::Failed(failure)) if failure.kind == FailureKind::TaskFailed)
    );
    assert_eq!(says(&summary, 2), "confirmed", "unknown, accepted, confirmed");
    assert_eq!(says(&summary, 3), "accepted (no task that fits is listed (yet))");
    let order: Vec<&str> = notes
        .events
        .iter()
        .filter_map(|event| match event {
            RunEvent::OperationEnded { op: 2, .. } => Some("ended"),
            RunEvent::TaskFound { op: 2, .. } => Some("found"),
            RunEvent::TaskProgressed { op: 2, .. } => Some("progressed"),
            RunEvent::TaskEnded { op: 2, .. } => Some("task ended"),
            RunEvent::TaskUnclear { op: 2, .. } => Some("unclear"),
            _ => None,
        })
        .collect();
    assert_eq!(order, ["ended", "found", "progressed", "task ended"]);
    assert_eq!(summary.operations[2].task.as_ref().map(TaskId::as_str), Some("t2"));
    // The first look that proves anything is three minutes after the answer; nobody reads a list before.
    assert!(tasks.reads.borrow().iter().all(|(_, at)| *at >= s(180)), "{:?}", tasks.reads);
    assert_eq!(tasks.calls().1, 3, "registries, once for each task");
    let told: Vec<_> = notes.waiting.iter().flatten().filter(|waiting| waiting.what == "tasks to end").collect();
    assert_eq!((told[0].operations, told[0].until), (4, Some(ms(180_050))), "{told:?}");
    assert!(notes.waiting.iter().flatten().any(|waiting| waiting.what == "reading the service's lists of tasks"));
}

#[tokio::test(start_paused = true)]
async fn only_what_is_unknown_is_looked_up_and_once() {
    let fates = [Fate::EndsAt(9000), Fate::EndsAt(9000), Fate::Absent];
    let options = RunOptions { follow: FollowAfter::LookUp, ..options() };
    let (summary, tasks, notes) = go(&fates, &[1, 2], &options, &CancellationToken::new()).await;
    assert_eq!([says(&summary, 0), says(&summary, 1)], ["accepted", "accepted"]);
    let why = "no task that fits is listed (yet); that doesn't show that it was not taken";
    assert_eq!(says(&summary, 2), format!("{NO_ANSWER} ({why})"));
    assert_eq!((tasks.calls(), summary.counts.accepted, summary.counts.unknown), ((2, 0), 2, 1));
    assert!(notes.waiting.iter().flatten().any(|waiting| waiting.what == "reading the service's lists of tasks"));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_asks_for_nothing_reads_no_list() {
    let (summary, tasks, _) = go(&[Fate::EndsAt(30)], &[0], &options(), &CancellationToken::new()).await;
    assert_eq!((says(&summary, 0).as_str(), tasks.calls()), (NO_ANSWER, (0, 0)));
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_ends_the_wait_at_once() {
    // While a look is waited for, and in the middle of a read.
    for at in [s(60), ms(180_300)] {
        let stop = CancellationToken::new();
        let fates = [Fate::EndsAt(9000), Fate::EndsAt(9000)];
        let options = waiting();
        let interrupt = async {
            tokio::time::sleep(at).await;
            stop.cancel();
        };
        let ((summary, tasks, _), ()) = tokio::join!(go(&fates, &[1], &options, &stop), interrupt);
        let why = "(the run was interrupted before its task was seen to end)";
        assert_eq!(says(&summary, 0), format!("accepted {why}"));
        assert_eq!(says(&summary, 1), format!("{NO_ANSWER} {why}"));
        assert_eq!(summary.elapsed, at);
        assert_eq!(tasks.calls().0, usize::from(at > s(180)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_interrupted_before_says_so_of_what_was_to_be_waited_for_and_looks_nothing_up() {
    for (follow, said) in [
        (
            FollowAfter::ToTheEnd { timeout: None },
            "unknown: timeout (the run was interrupted before its task was seen to end)",
        ),
        (FollowAfter::LookUp, NO_ANSWER),
    ] {
        let stop = CancellationToken::new();
        let options = RunOptions { follow, ..options() };
        let interrupt = async {
            tokio::time::sleep(ms(20)).await;
            stop.cancel();
        };
        let ((summary, tasks, _), ()) =
            tokio::join!(go(&[Fate::EndsAt(9), Fate::EndsAt(9)], &[0], &options, &stop), interrupt);
        assert_eq!((says(&summary, 0).as_str(), tasks.calls()), (said, (0, 0)), "{follow:?}");
        assert_eq!(summary.counts.not_attempted, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn the_wait_is_over_when_its_time_is() {
    let why = "accepted (the time was over before its task was seen to end)";
    let by_flag = RunOptions { follow: FollowAfter::ToTheEnd { timeout: Some(s(600)) }, ..options() };
    let by_duration = RunOptions { max_duration: Some(s(300)), ..waiting() };
    for (options, end) in [(by_flag, ms(600_050)), (by_duration, s(300))] {
        let (summary, _, _) = go(&[Fate::EndsAt(9000)], &[], &options, &CancellationToken::new()).await;
        assert_eq!(says(&summary, 0), why);
        assert_eq!(summary.elapsed, end);
    }
    // A look-up has the time of the run only, and does not begin when that is over.
    let in_time =
        |max_duration| RunOptions { max_duration: Some(max_duration), follow: FollowAfter::LookUp, ..options() };
    let stop = CancellationToken::new();
    let (summary, tasks, _) = go(&[Fate::EndsAt(9)], &[0], &in_time(ms(300)), &stop).await;
    let late = "the time was over before its task was looked for";
    assert_eq!((says(&summary, 0), tasks.calls()), (format!("{NO_ANSWER} ({late})"), (1, 0)));
    assert_eq!(summary.elapsed, ms(300));
    let (summary, _, _) = go(&[Fate::EndsAt(9)], &[0], &in_time(ms(50)), &stop).await;
    assert_eq!(says(&summary, 0), NO_ANSWER);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_refused_is_not_asked_again_and_others_go_on() {
    let fates =
        [Fate::Trouble(FailureKind::Credential, 1), Fate::EndsAt(30), Fate::Trouble(FailureKind::Unavailable, 2)];
    let (summary, tasks, _) = go(&fates, &[], &waiting(), &CancellationToken::new()).await;
    assert_eq!(
        says(&summary, 0),
        "accepted (the list of tasks can't be read: the list says no; mend the credential, then resume)"
    );
    assert_eq!([says(&summary, 1), says(&summary, 2)], ["confirmed", "confirmed"]);
    let reads = |of| tasks.reads.borrow().iter().filter(|(project, _)| *project == of).count();
    assert_eq!([reads(0), reads(1), reads(2)], [1, 1, 3]);
}

#[tokio::test(start_paused = true)]
async fn places_are_followed_side_by_side() {
    let (summary, tasks, _) = go(&[Fate::EndsAt(30); 40], &[], &waiting(), &CancellationToken::new()).await;
    assert_eq!(summary.counts.confirmed, 40);
    assert_eq!(tasks.calls(), (40, 40));
    assert!(summary.elapsed < s(183), "{:?}", summary.elapsed);
}

/// As a resume does it before it sends anything.
#[tokio::test(start_paused = true)]
async fn a_look_up_works_without_a_run() {
    let (mut summary, _, _) =
        go(&[Fate::EndsAt(9), Fate::Absent], &[0, 1], &options(), &CancellationToken::new()).await;
    let plan: ExecutionPlan = Fixture::simple(limits("100/1s"), 2);
    // The clock goes on from what passed in the run.
    let tasks = Tasks::new(&[Fate::EndsAt(9), Fate::Absent]);
    let (before, mut events) = (summary.clone(), Vec::new());
    let (aim, stop) = (Aim::LookUp { until: None }, CancellationToken::new());
    follow(&plan, &before, aim, &tasks, &tasks.clock, &stop, &mut |event| events.push(event)).await;
    events.iter().for_each(|event| summary.apply(event));
    assert_eq!(says(&summary, 0), "accepted");
    assert!(says(&summary, 1).contains("no task that fits is listed (yet)"));
    assert_eq!((events.len(), tasks.calls()), (2, (2, 0)));
}
