//! The log between a decision and its request: launches wait for it, and what it can't take is never sent.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::follow::{Fate, Tasks, waiting};
use super::{Notes, Service, accepted, credentials, limits, options};
use crate::event::{NotAttemptedReason, Outcome, RunEvent};
use crate::expand::ExecutionPlan;
use crate::run::port::{EventLog, LogFailure, NoTasks, TaskList};
use crate::run::{Outside, RunEnd, RunOptions, run};
use crate::schedule::fixture::{Fixture, ms};

/// A log whose disk is in the hands of the test.
#[derive(Default)]
struct Disk {
    events: RefCell<Vec<RunEvent>>,
    durable: Cell<u64>,
    failed: Cell<bool>,
    changed: Notify,
}

impl Disk {
    fn reach(&self, position: u64) {
        self.durable.set(position);
        self.changed.notify_one();
    }

    fn fail(&self) {
        self.failed.set(true);
        self.changed.notify_one();
    }

    fn appended(&self) -> u64 {
        self.events.borrow().len() as u64
    }
}

/// How soon the disk takes what it is given.
#[derive(Clone, Copy, PartialEq)]
enum Speed {
    AtOnce,
    ByHand,
}

struct Log {
    disk: Rc<Disk>,
    speed: Speed,
}

impl EventLog for Log {
    fn append(&mut self, event: &RunEvent, _: &ExecutionPlan) -> u64 {
        self.disk.events.borrow_mut().push(event.clone());
        let position = self.disk.appended();
        if self.speed == Speed::AtOnce && !self.disk.failed.get() {
            self.disk.reach(position);
        }
        position
    }

    fn durable(&self) -> Result<u64, LogFailure> {
        let durable = self.disk.durable.get();
        match self.disk.failed.get() {
            false => Ok(durable),
            true => Err(LogFailure { message: "the disk is full".to_owned(), durable }),
        }
    }

    async fn changed(&mut self) {
        self.disk.changed.notified().await;
    }
}

async fn go(
    plan: &ExecutionPlan,
    options: &RunOptions,
    service: &Service,
    log: &mut Log,
    stop: &CancellationToken,
) -> RunEnd {
    go_with(plan, options, service, &NoTasks, log, stop).await
}

async fn go_with(
    plan: &ExecutionPlan,
    options: &RunOptions,
    service: &Service,
    tasks: &impl TaskList,
    log: &mut Log,
    stop: &CancellationToken,
) -> RunEnd {
    let mut notes = Notes::default();
    let outside = Outside { transport: service, tasks, clock: &service.clock, log, sinks: &mut [&mut notes] };
    run(plan, &credentials(), options, None, outside, stop).await.expect("the run is conserved")
}

fn outcomes(end: &RunEnd) -> Vec<&'static str> {
    let outcome = |outcome: &Option<Outcome>| outcome.as_ref().map_or("none", Outcome::as_str);
    end.summary.operations.iter().map(|operation| outcome(&operation.outcome)).collect()
}

/// The disk takes one event a second: no request goes out before its announcement is on it.
#[tokio::test(start_paused = true)]
async fn nothing_is_sent_before_it_is_announced() {
    let plan = Fixture::simple(limits("100/1s"), 5);
    let service = Service::new((100, ms(1000)), |_, _| accepted());
    let disk = Rc::new(Disk::default());
    let mut log = Log { disk: Rc::clone(&disk), speed: Speed::ByHand };
    let slow = async {
        loop {
            tokio::time::sleep(ms(1000)).await;
            let next = disk.durable.get() + 1;
            if next <= disk.appended() {
                disk.reach(next);
            }
            let announced = disk.events.borrow()[..disk.durable.get() as usize]
                .iter()
                .filter(|event| matches!(event, RunEvent::AttemptStarted { .. }))
                .count();
            assert!(service.sent() <= announced, "{} sent, {announced} announced", service.sent());
        }
    };
    let (options, stop) = (options(), CancellationToken::new());
    let end = tokio::select! {
        end = go(&plan, &options, &service, &mut log, &stop) => end,
        () = slow => unreachable!("the disk works for ever"),
    };
    assert_eq!(outcomes(&end), ["accepted"; 5]);
    assert!(end.not_recorded.is_none(), "the end waits until everything is recorded");
    assert_eq!(disk.durable.get(), disk.appended());
}

/// The disk fails while one request is in flight: it lands, its outcome is named as not recorded, the rest is not sent.
#[tokio::test(start_paused = true)]
async fn a_log_that_fails_stops_launching_and_drains() {
    let plan = Fixture::simple(limits("100/1s"), 5);
    let service = Service::new((100, ms(1000)), |_, _| accepted());
    let disk = Rc::new(Disk::default());
    let mut log = Log { disk: Rc::clone(&disk), speed: Speed::AtOnce };
    let failing = async {
        tokio::time::sleep(ms(20)).await;
        disk.fail();
        std::future::pending::<()>().await;
    };
    let (options, stop) = (options(), CancellationToken::new());
    let end = tokio::select! {
        end = go(&plan, &options, &service, &mut log, &stop) => end,
        () = failing => unreachable!(),
    };
    assert_eq!(outcomes(&end), ["accepted", "not_attempted", "not_attempted", "not_attempted", "not_attempted"]);
    assert_eq!(service.sent(), 1);
    let not_recorded = end.not_recorded.expect("the log failed");
    assert_eq!((not_recorded.failure.message.as_str(), not_recorded.operations), ("the disk is full", vec![0]));
    let reason = end.summary.operations[1].outcome.as_ref().and_then(Outcome::reason);
    assert_eq!(reason, Some(NotAttemptedReason::JournalFailed.text()));
}

/// The disk fails before it took an announcement: that request is never sent.
#[tokio::test(start_paused = true)]
async fn what_could_not_be_announced_is_never_sent() {
    let plan = Fixture::simple(limits("100/1s"), 3);
    let service = Service::new((100, ms(1000)), |_, _| accepted());
    let disk = Rc::new(Disk::default());
    let mut log = Log { disk: Rc::clone(&disk), speed: Speed::ByHand };
    let failing = async {
        tokio::time::sleep(ms(20)).await;
        assert!(disk.events.borrow().iter().any(|event| matches!(event, RunEvent::AttemptStarted { .. })));
        disk.fail();
        std::future::pending::<()>().await;
    };
    let (options, stop) = (options(), CancellationToken::new());
    let end = tokio::select! {
        end = go(&plan, &options, &service, &mut log, &stop) => end,
        () = failing => unreachable!(),
    };
    assert_eq!(outcomes(&end), ["not_attempted"; 3]);
    assert_eq!((service.sent(), end.summary.attempts), (0, 0));
    assert_eq!(end.not_recorded.expect("the log failed").operations, Vec::<usize>::new());
}

/// A mount that is gone neither takes a record nor fails: after a minute it counts as failed.
#[tokio::test(start_paused = true)]
async fn a_log_that_is_stuck_counts_as_failed() {
    let plan = Fixture::simple(limits("100/1s"), 2);
    let service = Service::new((100, ms(1000)), |_, _| accepted());
    let mut log = Log { disk: Rc::default(), speed: Speed::ByHand };
    let end = go(&plan, &options(), &service, &mut log, &CancellationToken::new()).await;
    assert_eq!((outcomes(&end), service.sent()), (vec!["not_attempted"; 2], 0));
    let failure = end.not_recorded.expect("the log failed").failure;
    assert!(failure.message.contains("has not taken a record for 60 s"), "{failure}");
}

/// What can't be recorded is not looked for.
#[tokio::test(start_paused = true)]
async fn after_a_log_that_failed_no_list_is_read() {
    let plan = Fixture::simple(limits("100/1s"), 2);
    let service = Service::new((100, ms(1000)), |_, _| accepted());
    let disk = Rc::new(Disk::default());
    let mut log = Log { disk: Rc::clone(&disk), speed: Speed::AtOnce };
    let failing = async {
        tokio::time::sleep(ms(20)).await;
        disk.fail();
        std::future::pending::<()>().await;
    };
    let (tasks, options, stop) = (Tasks::new(&[Fate::EndsAt(9); 2]), waiting(), CancellationToken::new());
    let end = tokio::select! {
        end = go_with(&plan, &options, &service, &tasks, &mut log, &stop) => end,
        () = failing => unreachable!(),
    };
    assert_eq!((outcomes(&end), tasks.reads.borrow().len()), (vec!["accepted", "not_attempted"], 0));
}

/// The disk fails while tasks are waited for: that ends, and what the log doesn't hold is named once.
#[tokio::test(start_paused = true)]
async fn a_log_that_fails_ends_the_wait_for_tasks() {
    let plan = Fixture::simple(limits("100/1s"), 3);
    let service = Service::new((100, ms(1000)), |_, _| accepted());
    let disk = Rc::new(Disk::default());
    let mut log = Log { disk: Rc::clone(&disk), speed: Speed::AtOnce };
    let failing = async {
        tokio::time::sleep(ms(170_000)).await;
        // From here on the disk takes nothing, and says so later, when the first task was seen to end.
        let durable = disk.durable.get();
        tokio::time::sleep(ms(30_000)).await;
        disk.durable.set(durable);
        disk.fail();
        std::future::pending::<()>().await;
    };
    let tasks = Tasks::new(&[Fate::EndsAt(9), Fate::EndsAt(9000), Fate::EndsAt(9000)]);
    let (options, stop) = (waiting(), CancellationToken::new());
    let end = tokio::select! {
        end = go_with(&plan, &options, &service, &tasks, &mut log, &stop) => end,
        () = failing => unreachable!(),
    };
    assert_eq!(outcomes(&end), ["confirmed", "accepted", "accepted"]);
    assert_eq!(end.summary.elapsed, ms(200_000));
    let why = end.summary.operations[1].unclear.as_deref();
    assert_eq!(why, Some("the journal could no longer be written before its task was seen to end"));
    assert_eq!(end.not_recorded.expect("the log failed").operations, [0, 1, 2], "two were found, one of them ended");
}

/// An interrupt finds an announcement on its way to a slow disk: its request is not sent any more, and the log says so.
#[tokio::test(start_paused = true)]
async fn an_interrupt_takes_back_what_still_waits_for_the_log() {
    let plan = Fixture::simple(limits("100/1s"), 2);
    let service = Service::new((100, ms(1000)), |_, _| accepted());
    let disk = Rc::new(Disk::default());
    let mut log = Log { disk: Rc::clone(&disk), speed: Speed::ByHand };
    let stop = CancellationToken::new();
    let slow = async {
        tokio::time::sleep(ms(20)).await;
        assert!(disk.events.borrow().iter().any(|event| matches!(event, RunEvent::AttemptStarted { .. })));
        stop.cancel();
        loop {
            tokio::time::sleep(ms(20)).await;
            disk.reach(disk.appended());
        }
    };
    let options = options();
    let end = tokio::select! {
        end = go(&plan, &options, &service, &mut log, &stop) => end,
        () = slow => unreachable!("the disk works for ever"),
    };
    assert_eq!((outcomes(&end), service.sent()), (vec!["not_attempted"; 2], 0));
    assert!(disk.events.borrow().iter().any(|event| matches!(event, RunEvent::AttemptWithdrawn { op: 0, .. })));
    assert!(end.not_recorded.is_none());
}

/// An interrupt gives what is in flight its time, and what still waits for the log is taken back.
#[tokio::test(start_paused = true)]
async fn the_grace_period_bounds_the_drain() {
    let plan = Fixture::simple(limits("100/1s"), 3);
    let mut service = Service::new((100, ms(1000)), |_, _| accepted());
    service.latency = Duration::from_secs(60);
    let disk = Rc::new(Disk::default());
    let mut log = Log { disk, speed: Speed::AtOnce };
    let stop = CancellationToken::new();
    let options = RunOptions { grace: Duration::from_secs(5), ..options() };
    let interrupt = async {
        tokio::time::sleep(ms(1000)).await;
        stop.cancel();
        std::future::pending::<()>().await;
    };
    let end = tokio::select! {
        end = go(&plan, &options, &service, &mut log, &stop) => end,
        () = interrupt => unreachable!(),
    };
    assert_eq!(outcomes(&end), ["unknown", "not_attempted", "not_attempted"]);
    assert!(end.summary.elapsed <= ms(6100), "{:?}", end.summary.elapsed);
    let attempt = &end.summary.operations[0].attempts[0];
    let told = attempt.error_message.as_deref().expect("why");
    assert_eq!(told, "no answer after sending (the run was interrupted and waited 5.0 s more)");
}
