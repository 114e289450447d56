//! The loop of a run: waits for whatever comes next, and hands it to the dispatcher.
//!
//! One task does everything: attempts in flight are futures polled here, so there is no lock and no order to guess.

use std::task::Poll;
use std::time::Duration;

use futures::StreamExt;
use futures::future::LocalBoxFuture;
use futures::stream::FuturesUnordered;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::announced::LONGEST_SYNC;
use super::dispatcher::{Dispatcher, Happened};
use super::executor::Executor;
use super::follow::Follower;
use super::outline::{Past, RunEnd, RunError, RunOptions};
use super::port::{Clock, Credentials, EventLog, EventSink, TaskList, Transport};
use crate::event::NotAttemptedReason;
use crate::expand::ExecutionPlan;
use crate::follow::Cut;
use crate::schedule::Input;

/// How often sinks are told what is waited for, in real time.
const PROGRESS_TICK: Duration = Duration::from_millis(100);

/// Answers that are taken before the log is asked to get what they let go to the disk. Fewer syncs cost less, but while one goes on
/// the next answers can be taken: this many is half of the usual concurrency of a run that is fast.
const MOST_TOGETHER: usize = 32;

/// What a run needs from outside.
pub struct Outside<'a, 'b, T, W, C, L> {
    /// Sends requests.
    pub transport: &'a T,
    /// Reads the service's tasks, after the last request.
    pub tasks: &'a W,
    /// The run's time.
    pub clock: &'a C,
    /// Keeps events; nothing is sent before it has the announcement.
    pub log: &'a mut L,
    /// Shown what happens.
    pub sinks: &'a mut [&'b mut dyn EventSink],
}

/// Runs a plan to its end and returns what became of every operation.
///
/// `stop` is cancelled when the user interrupts: nothing more is launched, what is in flight drains for at most
/// [`RunOptions::grace`]. Needs a tokio runtime with time; the current-thread one is enough. The caller has resolved every
/// operation and every credential. `past` is what earlier sessions left, for a run that is resumed; the clock then stands
/// behind everything in it.
///
/// # Errors
/// Before anything is sent, when the caller has not; at the end, when the account of the run doesn't add up.
pub async fn run<K: Credentials, T: Transport, W: TaskList, C: Clock, L: EventLog>(
    plan: &ExecutionPlan,
    credentials: &K,
    options: &RunOptions,
    past: Option<Past>,
    outside: Outside<'_, '_, T, W, C, L>,
    stop: &CancellationToken,
) -> Result<RunEnd, RunError> {
    check_ready(plan, credentials)?;
    let Outside { transport, tasks, clock, log, sinks } = outside;
    let begun = clock.now();
    let executor = Executor::new(plan, credentials, transport, clock);
    let mut dispatcher = Dispatcher::new(plan, (options, transport.capacity()), past, log, sinks);
    let mut flights = FuturesUnordered::new();
    let mut wake = Alarm::default();
    let mut grace = Alarm::default();
    let mut progress = tokio::time::interval(PROGRESS_TICK);
    progress.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stopped = std::pin::pin!(stop.cancelled());
    let mut stopping = false;

    dispatcher.start();
    if stop.is_cancelled() {
        stopping = true;
        dispatcher.step(clock.now(), Happened::Input(Input::Stop(NotAttemptedReason::Interrupted)));
    }
    let mut happened = Happened::Input(Input::Start);
    let mut together = 0;
    loop {
        let next = dispatcher.step(clock.now(), happened);
        // Nothing in flight and nothing to wait for before the end would be a mistake of ours: `finish` says so.
        if next.done || (next.wake.is_none() && dispatcher.is_idle()) {
            break;
        }
        wake.set(next.wake, clock);
        happened = loop {
            // Answers that are there are taken first: what they announce shares a sync of the log, and goes out together.
            if together < MOST_TOGETHER
                && let Poll::Ready(Some(attempt)) = futures::poll!(flights.next())
            {
                together += 1;
                break Happened::Answer(attempt);
            }
            together = 0;
            while let Some(op) = dispatcher.release(clock.now()) {
                flights.push(executor.attempt(op));
            }
            tokio::select! {
                biased;
                () = stopped.as_mut(), if !stopping => {
                    stopping = true;
                    grace.set(Some(clock.now() + options.grace), clock);
                    break Happened::Input(Input::Stop(NotAttemptedReason::Interrupted));
                }
                Some(attempt) = flights.next() => break Happened::Answer(attempt),
                () = dispatcher.log_changed() => {
                    if let Some(failure) = dispatcher.log_failure() {
                        break Happened::LogFailed(failure);
                    }
                }
                () = wake.rings() => {
                    wake.set(None, clock);
                    break Happened::Input(Input::Tick);
                }
                () = grace.rings() => {
                    grace.set(None, clock);
                    flights.clear();
                    break Happened::GraceOver;
                }
                _ = progress.tick() => {
                    dispatcher.show_progress(clock.now());
                    if clock.real(dispatcher.log_delay(clock.now())) > LONGEST_SYNC {
                        break Happened::LogFailed(dispatcher.log_is_stuck());
                    }
                }
            }
        };
    }
    if let Some(aim) = dispatcher.aim(begun, clock.now(), stop.is_cancelled()) {
        let mut follower = Follower::new(plan, dispatcher.summary(), aim, tasks, clock);
        loop {
            tokio::select! {
                biased;
                events = follower.next(stop) => match events {
                    Some(events) => events.into_iter().for_each(|event| dispatcher.task_event(event)),
                    None => break,
                },
                () = dispatcher.log_changed() => {
                    if let Some(failure) = dispatcher.log_failure() {
                        dispatcher.lose_log(failure);
                        follower.cut(Cut::LogFailed);
                    }
                }
                _ = progress.tick() => dispatcher.show(clock.now(), Some(&follower.waiting())),
            }
        }
    }
    dispatcher.finish(clock).await
}

/// A time on the run's clock that is waited for, or none.
#[derive(Default)]
pub(super) struct Alarm<'a> {
    set: Option<(Duration, LocalBoxFuture<'a, ()>)>,
}

impl<'a> Alarm<'a> {
    pub(super) fn set<C: Clock>(&mut self, at: Option<Duration>, clock: &'a C) {
        match at {
            None => self.set = None,
            Some(at) if self.set.as_ref().is_some_and(|(set, _)| *set == at) => {}
            Some(at) => self.set = Some((at, Box::pin(clock.sleep_until(at)))),
        }
    }

    pub(super) async fn rings(&mut self) {
        match &mut self.set {
            Some((_, sleep)) => sleep.as_mut().await,
            None => std::future::pending().await,
        }
    }
}

fn check_ready(plan: &ExecutionPlan, credentials: &impl Credentials) -> Result<(), RunError> {
    for operation in plan.selected() {
        if operation.needs_network() {
            return Err(RunError::NotResolved { operation: operation.id.clone() });
        }
        let credential = &operation.target.credential;
        if !credentials.has(credential) {
            let (credential, operation) = (credential.clone(), operation.id.clone());
            return Err(RunError::MissingCredential { credential, operation });
        }
    }
    Ok(())
}
