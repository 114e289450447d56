//! The owner of run state: feeds the scheduler, performs its effects in order, emits events.
//!
//! One task does everything: attempts in flight are futures polled here, so there is no lock and no order to guess. Each
//! event goes to the summary first, then to the sinks. See `docs/run-loop.md`.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt;
use futures::future::LocalBoxFuture;
use futures::stream::FuturesUnordered;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::executor::{Attempt, Executor};
use super::port::{Clock, EventSink, Transport, Waiting};
use crate::event::{AttemptRecord, FailureKind, NotAttemptedReason, OpIndex, RunEvent};
use crate::expand::ExecutionPlan;
use crate::model::{CredentialName, MaxFailures, OperationId, RunId};
use crate::policy::{Verdict, retry_delay, stated_limit};
use crate::schedule::{AttemptEnd, Effect, Input, Schedule, ScheduleOptions, WaitFor};
use crate::sign::Credential;
use crate::summary::RunSummary;

/// How often sinks are told what is waited for, in real time.
const PROGRESS_TICK: Duration = Duration::from_millis(100);

/// What the operator asked for, beyond the plan.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Id of the run.
    pub run: RunId,
    /// Forecast, for the report.
    pub forecast: Duration,
    /// Budget over everything.
    pub max_failures: Option<MaxFailures>,
    /// Stop launching at the first failure.
    pub fail_fast: bool,
    /// Stop launching then.
    pub max_duration: Option<Duration>,
    /// Seed of the jitter.
    pub seed: u64,
}

/// Why a run has no summary that can be relied on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Nothing was sent: an operation's credential is not among those given.
    #[error("credential `{credential}` of operation {operation} is missing; nothing was sent")]
    MissingCredential {
        /// Its name.
        credential: CredentialName,
        /// The first operation that needs it.
        operation: OperationId,
    },
    /// Nothing was sent: an operation still needs the network to know what it asks for.
    #[error("operation {operation} holds a `lookup` or `select` that was not resolved; nothing was sent")]
    NotResolved {
        /// The operation.
        operation: OperationId,
    },
    /// The run ended and its account doesn't add up.
    #[error(transparent)]
    BrokenLaw(#[from] BrokenLaw),
}

/// The conservation law is broken: a mistake in this program, never the user's.
#[derive(Debug, thiserror::Error)]
#[error(
    "of {planned} planned operations {ended} have an outcome and {in_flight} are in flight after the end of the run; \
     this is a mistake in hss-sync, please report this bug and don't rely on the numbers of this run",
    planned = .summary.counts.planned,
    ended = .summary.counts.ended(),
    in_flight = .summary.in_flight
)]
pub struct BrokenLaw {
    /// What is known all the same.
    pub summary: Box<RunSummary>,
}

/// Runs a plan to its end and returns what became of every operation.
///
/// `stop` is cancelled when the user interrupts: nothing more is launched, what is in flight drains. Needs a tokio runtime
/// with time; the current-thread one is enough. The caller has resolved every operation and every credential.
///
/// # Errors
/// Before anything is sent, when the caller has not; at the end, when the account of the run doesn't add up.
pub async fn run<T: Transport, C: Clock>(
    plan: &ExecutionPlan,
    credentials: &BTreeMap<CredentialName, Credential>,
    options: &RunOptions,
    transport: &T,
    clock: &C,
    sinks: &mut [&mut dyn EventSink],
    stop: &CancellationToken,
) -> Result<RunSummary, RunError> {
    check_ready(plan, credentials)?;
    let executor = Executor::new(plan, credentials, transport, clock);
    let mut dispatcher = Dispatcher::new(plan, options, sinks);
    let mut flights = FuturesUnordered::new();
    let mut timer: Option<(Duration, LocalBoxFuture<'_, ()>)> = None;
    let mut progress = tokio::time::interval(PROGRESS_TICK);
    progress.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stopped = std::pin::pin!(stop.cancelled());
    let mut stopping = false;

    dispatcher.start(clock.wall());
    if stop.is_cancelled() {
        stopping = true;
        dispatcher.step(clock.now(), Happened::Input(Input::Stop(NotAttemptedReason::Interrupted)));
    }
    let mut happened = Happened::Input(Input::Start);
    loop {
        let next = dispatcher.step(clock.now(), happened);
        flights.extend(next.launches.into_iter().map(|op| executor.attempt(op)));
        // Nothing in flight and nothing to wait for before the end would be a mistake of ours: `finish` says so.
        if next.done || (next.wake.is_none() && flights.is_empty()) {
            break;
        }
        match next.wake {
            None => timer = None,
            Some(at) if timer.as_ref().is_some_and(|(set, _)| *set == at) => {}
            Some(at) => timer = Some((at, Box::pin(clock.sleep_until(at)))),
        }
        happened = loop {
            let wake = async {
                match &mut timer {
                    Some((_, sleep)) => sleep.as_mut().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = stopped.as_mut(), if !stopping => {
                    stopping = true;
                    break Happened::Input(Input::Stop(NotAttemptedReason::Interrupted));
                }
                Some(attempt) = flights.next() => break Happened::Answer(attempt),
                () = wake => {
                    timer = None;
                    break Happened::Input(Input::Tick);
                }
                _ = progress.tick() => dispatcher.show_progress(clock.now()),
            }
        };
    }
    dispatcher.finish(clock.now())
}

fn check_ready(plan: &ExecutionPlan, credentials: &BTreeMap<CredentialName, Credential>) -> Result<(), RunError> {
    for operation in &plan.operations {
        if operation.needs_network() {
            return Err(RunError::NotResolved { operation: operation.id.clone() });
        }
        let credential = &operation.target.credential;
        if !credentials.contains_key(credential) {
            let (credential, operation) = (credential.clone(), operation.id.clone());
            return Err(RunError::MissingCredential { credential, operation });
        }
    }
    Ok(())
}

/// What the loop waited for.
enum Happened {
    Input(Input),
    Answer(Attempt),
}

/// What the loop has to do after a step.
#[derive(Default)]
struct Next {
    launches: Vec<OpIndex>,
    wake: Option<Duration>,
    done: bool,
}

struct Dispatcher<'a, 'b> {
    plan: &'a ExecutionPlan,
    options: &'a RunOptions,
    schedule: Schedule,
    effects: Vec<Effect>,
    summary: RunSummary,
    sinks: &'a mut [&'b mut dyn EventSink],
    random: fastrand::Rng,
    shown: Option<(Duration, WaitFor)>,
}

impl<'a, 'b> Dispatcher<'a, 'b> {
    fn new(plan: &'a ExecutionPlan, options: &'a RunOptions, sinks: &'a mut [&'b mut dyn EventSink]) -> Self {
        let schedule_options = ScheduleOptions {
            max_failures: options.max_failures,
            fail_fast: options.fail_fast,
            max_duration: options.max_duration,
            ignore_deadlines: false,
        };
        Self {
            plan,
            options,
            schedule: Schedule::new(plan, schedule_options),
            effects: Vec::new(),
            summary: RunSummary::new(plan.operations.len()),
            sinks,
            random: fastrand::Rng::with_seed(options.seed),
            shown: None,
        }
    }

    fn start(&mut self, started_at: jiff::Timestamp) {
        self.emit(&RunEvent::RunStarted {
            run: self.options.run.clone(),
            started_at,
            planned: self.plan.operations.len(),
            forecast: self.options.forecast,
        });
    }

    /// Feeds the scheduler and performs its effects in order.
    fn step(&mut self, now: Duration, happened: Happened) -> Next {
        let (input, mut record) = match happened {
            Happened::Input(input) => (input, None),
            Happened::Answer(attempt) => self.judge(now, attempt),
        };
        let mut effects = std::mem::take(&mut self.effects);
        self.schedule.step(now, input, &mut effects);
        let mut next = Next::default();
        for effect in effects.drain(..) {
            self.perform(now, effect, &mut record, &mut next);
        }
        self.effects = effects;
        if self.schedule.next_wait() != self.shown {
            self.show_progress(now);
        }
        next
    }

    /// The scheduler's view of an attempt: a repeat gets its earliest time.
    fn judge(&mut self, now: Duration, attempt: Attempt) -> (Input, Option<AttemptRecord>) {
        let Attempt { op, record, verdict } = attempt;
        let end = match verdict {
            Verdict::Accepted => AttemptEnd::Accepted,
            Verdict::Failed(failure) => AttemptEnd::Failed(failure),
            Verdict::Unknown(failure) => AttemptEnd::Unknown(failure),
            Verdict::Retry { failure, wait } => {
                let at = now + self.backoff(op, wait);
                let throttled = failure.kind == FailureKind::Throttled;
                let limit = if throttled { stated_limit(&failure.message) } else { None };
                AttemptEnd::Retry { failure, at, wait, limit }
            }
        };
        (Input::AttemptEnded { op, end }, Some(record))
    }

    fn backoff(&mut self, op: OpIndex, asked: Option<Duration>) -> Duration {
        let limits = &self.plan.plans[self.plan.operations[op].plan].limits.retry;
        let known = self.summary.operations.get(op).map_or(0, |operation| operation.attempts.len());
        // The attempt that just ended is not among those that the summary knows, and it is the one after it that waits.
        let next = u32::try_from(known + 2).unwrap_or(u32::MAX);
        retry_delay(limits, next, asked, self.random.f64())
    }

    fn perform(&mut self, at: Duration, effect: Effect, record: &mut Option<AttemptRecord>, next: &mut Next) {
        match effect {
            Effect::WaveStarted { plan, wave } => self.emit(&RunEvent::WaveStarted { plan, wave, at }),
            Effect::Launch { op, attempt } => {
                self.emit(&RunEvent::AttemptStarted { op, attempt, at });
                next.launches.push(op);
            }
            Effect::AttemptEnded { op, attempt, retry_at } => {
                if let Some(record) = record.take() {
                    self.emit(&RunEvent::AttemptEnded { op, attempt, at, record, retry_at });
                }
            }
            Effect::End { op, outcome } => self.emit(&RunEvent::OperationEnded { op, at, outcome }),
            Effect::Stopping { reason } => self.emit(&RunEvent::Stopping { at, reason }),
            Effect::WaitUntil { at, .. } => next.wake = Some(at),
            Effect::Done => next.done = true,
        }
    }

    fn emit(&mut self, event: &RunEvent) {
        self.summary.apply(event);
        for sink in self.sinks.iter_mut() {
            sink.on_event(event, self.plan, &self.summary);
        }
    }

    fn show_progress(&mut self, now: Duration) {
        let snapshot = self.schedule.snapshot();
        self.shown = snapshot.next;
        let waiting = snapshot.next.map(|(until, what)| Waiting {
            until,
            what: self.schedule.describe(what),
            operations: snapshot.waiting,
        });
        for sink in self.sinks.iter_mut() {
            sink.on_tick(now, waiting.as_ref(), self.plan, &self.summary);
        }
    }

    fn finish(mut self, now: Duration) -> Result<RunSummary, RunError> {
        self.emit(&RunEvent::RunEnded { at: now });
        if self.summary.is_conserved() {
            Ok(self.summary)
        } else {
            Err(BrokenLaw { summary: Box::new(self.summary) }.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Dispatcher, Duration, RunError, RunOptions};
    use crate::model::{Limits, RunId};
    use crate::schedule::fixture::Fixture;

    #[test]
    fn an_account_that_does_not_add_up_is_loud() {
        let plan = Fixture::simple(Limits::default(), 3);
        let options = RunOptions {
            run: RunId::parse("20261124-080000-7f3a").expect("legal"),
            forecast: Duration::ZERO,
            max_failures: None,
            fail_fast: false,
            max_duration: None,
            seed: 1,
        };
        let error = Dispatcher::new(&plan, &options, &mut []).finish(Duration::ZERO).expect_err("nothing has ended");
        assert_eq!(
            error.to_string(),
            "of 3 planned operations 0 have an outcome and 0 are in flight after the end of the run; \
             this is a mistake in hss-sync, please report this bug and don't rely on the numbers of this run"
        );
        let RunError::BrokenLaw(broken) = error else { panic!("{error}") };
        assert_eq!(broken.summary.counts.planned, 3, "the report can still be written");
    }
}
