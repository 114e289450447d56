//! The owner of run state: feeds the scheduler, performs its effects in order, emits events.
//!
//! Each event goes to the summary first, then to the log, then to the sinks. A launch is only announced here: `release`
//! lets it go when the log has its announcement. See `docs/run-loop.md`.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use super::announced::{Announced, LONGEST_SYNC};
use super::executor::Attempt;
use super::outline::{BrokenLaw, FollowAfter, NotRecorded, Past, RunEnd, RunError, RunOptions};
use super::port::{Clock, EventLog, EventSink, LogFailure, Waiting};
use crate::event::{AttemptRecord, Failure, FailureKind, NotAttemptedReason, OpIndex, Outcome, RunEvent};
use crate::expand::ExecutionPlan;
use crate::follow::Aim;
use crate::policy::{Verdict, retry_delay, stated_limit};
use crate::schedule::{AttemptEnd, Effect, History, Input, Schedule, ScheduleOptions, WaitFor};
use crate::summary::RunSummary;

/// What the loop waited for.
pub(super) enum Happened {
    Input(Input),
    Answer(Attempt),
    /// The log can't be written any more.
    LogFailed(LogFailure),
    /// What is in flight has had its time to land.
    GraceOver,
}

/// What the loop has to do after a step.
#[derive(Default)]
pub(super) struct Next {
    pub(super) wake: Option<Duration>,
    pub(super) done: bool,
}

pub(super) struct Dispatcher<'a, 'b, L> {
    plan: &'a ExecutionPlan,
    options: &'a RunOptions,
    schedule: Schedule,
    effects: Vec<Effect>,
    summary: RunSummary,
    log: &'a mut L,
    sinks: &'a mut [&'b mut dyn EventSink],
    announced: Announced,
    /// Requests that were sent and not answered, with their start.
    in_flight: BTreeMap<OpIndex, Duration>,
    /// Events of a resumed run that come before its first step.
    taken_up: Option<Vec<RunEvent>>,
    random: fastrand::Rng,
    shown: Option<(Duration, WaitFor)>,
}

impl<'a, 'b, L: EventLog> Dispatcher<'a, 'b, L> {
    pub(super) fn new(
        plan: &'a ExecutionPlan,
        (options, most_in_flight): (&'a RunOptions, Option<NonZeroUsize>),
        past: Option<Past>,
        log: &'a mut L,
        sinks: &'a mut [&'b mut dyn EventSink],
    ) -> Self {
        let schedule_options = ScheduleOptions {
            max_failures: options.max_failures,
            fail_fast: options.fail_fast,
            max_duration: options.max_duration,
            ignore_deadlines: false,
            most_in_flight,
        };
        let (summary, taken_up, mut history) = match past {
            Some(Past { summary, taken_up, history }) => (summary, Some(taken_up), history),
            None => (RunSummary::new(plan.operations.len()), None, History::default()),
        };
        history.elsewhere.clone_from(&options.elsewhere);
        Self {
            plan,
            options,
            schedule: Schedule::resume(plan, schedule_options, &history),
            effects: Vec::new(),
            summary,
            log,
            sinks,
            announced: Announced::default(),
            in_flight: BTreeMap::new(),
            taken_up,
            random: fastrand::Rng::with_seed(options.seed),
            shown: None,
        }
    }

    /// Begins the run, or its next session.
    pub(super) fn start(&mut self) {
        let Some(taken_up) = self.taken_up.take() else {
            let RunOptions { run, started_at, forecast, .. } = self.options;
            let (run, planned) = (run.clone(), self.plan.operations.len());
            self.emit(RunEvent::RunStarted { run, started_at: *started_at, planned, forecast: *forecast });
            self.skip_left_out();
            return;
        };
        for event in taken_up {
            self.emit(event);
        }
        self.skip_left_out();
    }

    /// Gives what is left out its outcome, unless an earlier session did.
    fn skip_left_out(&mut self) {
        let (plan, at) = (self.plan, self.summary.elapsed);
        for (op, operation) in plan.operations.iter().enumerate() {
            if let Some(why) = operation.left_out
                && self.summary.operations[op].outcome.is_none()
            {
                self.emit(RunEvent::OperationEnded { op, at, outcome: Outcome::Skipped(why.reason()) });
            }
        }
    }

    /// Feeds the scheduler and performs its effects in order.
    pub(super) fn step(&mut self, now: Duration, happened: Happened) -> Next {
        let mut next = Next::default();
        match happened {
            Happened::Input(input) => {
                // A slow disk may hold launches for long, and whoever interrupts a run wants no more of them.
                let interrupted = matches!(input, Input::Stop(NotAttemptedReason::Interrupted));
                self.feed(now, input, None, &mut next);
                if interrupted {
                    let unsent = self.announced.take_back();
                    self.withdraw(now, unsent, &NotAttemptedReason::Interrupted, &mut next);
                }
            }
            Happened::Answer(attempt) => {
                self.in_flight.remove(&attempt.op);
                let (input, record) = self.judge(now, attempt);
                self.feed(now, input, Some(record), &mut next);
            }
            Happened::LogFailed(failure) => {
                let unsent = self.announced.fail(failure);
                self.feed(now, Input::Stop(NotAttemptedReason::JournalFailed), None, &mut next);
                self.withdraw(now, unsent, &NotAttemptedReason::JournalFailed, &mut next);
            }
            // Nothing waits for the log by then: the interrupt took it back.
            Happened::GraceOver => {
                for (op, started) in std::mem::take(&mut self.in_flight) {
                    let (input, record) = self.judge(now, given_up(op, started, now, self.options.grace));
                    self.feed(now, input, Some(record), &mut next);
                }
            }
        }
        if self.schedule.next_wait() != self.shown {
            self.show_progress(now);
        }
        next
    }

    fn withdraw(&mut self, now: Duration, unsent: Vec<(OpIndex, u32)>, reason: &NotAttemptedReason, next: &mut Next) {
        for (op, attempt) in unsent {
            self.emit(RunEvent::AttemptWithdrawn { op, attempt, at: now });
            let end = AttemptEnd::Withdrawn(reason.clone());
            self.feed(now, Input::AttemptEnded { op, end }, None, next);
        }
    }

    fn feed(&mut self, now: Duration, input: Input, mut record: Option<AttemptRecord>, next: &mut Next) {
        let mut effects = std::mem::take(&mut self.effects);
        self.schedule.step(now, input, &mut effects);
        next.wake = None;
        for effect in effects.drain(..) {
            self.perform(now, effect, &mut record, next);
        }
        self.effects = effects;
    }

    /// The scheduler's view of an attempt: a repeat gets its earliest time.
    fn judge(&mut self, now: Duration, attempt: Attempt) -> (Input, AttemptRecord) {
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
        (Input::AttemptEnded { op, end }, record)
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
            Effect::WaveStarted { plan, wave } => {
                self.emit(RunEvent::WaveStarted { plan, wave, at });
            }
            Effect::Launch { op, attempt } => {
                let position = self.emit(RunEvent::AttemptStarted { op, attempt, at });
                self.announced.launch(position, (op, attempt), at);
            }
            Effect::AttemptEnded { op, attempt, retry_at, closed_until } => {
                if let Some(record) = record.take() {
                    self.emit(RunEvent::AttemptEnded { op, attempt, at, record, retry_at, closed_until });
                }
            }
            Effect::End { op, outcome } => {
                let sent = !matches!(outcome, Outcome::NotAttempted(_) | Outcome::Skipped(_));
                let position = self.emit(RunEvent::OperationEnded { op, at, outcome });
                if sent {
                    self.announced.outcome(position, op);
                }
            }
            Effect::Stopping { reason } => {
                self.emit(RunEvent::Stopping { at, reason });
            }
            Effect::WaitUntil { at, .. } => next.wake = Some(at),
            Effect::Done => next.done = true,
        }
    }

    /// Tells everybody; says the event's position in the log.
    fn emit(&mut self, event: RunEvent) -> u64 {
        let event = &event.in_micros();
        self.summary.apply(event);
        // A log that has failed holds nothing more, whatever it is given.
        let position = if self.announced.has_failed() { u64::MAX } else { self.log.append(event, self.plan) };
        for sink in self.sinks.iter_mut() {
            sink.on_event(event, self.plan, &self.summary);
        }
        position
    }

    /// The next operation that may be sent now, since its announcement is in the log.
    pub(super) fn release(&mut self, now: Duration) -> Option<OpIndex> {
        let op = self.announced.release(self.log.durable().ok()?)?;
        self.in_flight.insert(op, now);
        Some(op)
    }

    /// Whether nothing is on its way: neither to the log nor to the service.
    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.is_empty() && self.announced.is_empty()
    }

    /// Waits for news of the log.
    pub(super) async fn log_changed(&mut self) {
        if self.announced.has_failed() {
            std::future::pending::<()>().await;
        }
        self.log.changed().await;
    }

    /// Why the log has failed, the first time it is seen.
    pub(super) fn log_failure(&self) -> Option<LogFailure> {
        self.log.durable().err().filter(|_| !self.announced.has_failed())
    }

    /// How long the log has taken for the oldest launch that waits for it.
    pub(super) fn log_delay(&self, now: Duration) -> Duration {
        self.announced.longest_wait(now)
    }

    /// The failure of a log that neither takes a record nor fails.
    pub(super) fn log_is_stuck(&self) -> LogFailure {
        let message = format!(
            "the journal has not taken a record for {} s; its file system may be gone: check the mount of the state directory, \
             or choose another with --state-dir",
            LONGEST_SYNC.as_secs()
        );
        match self.log.durable() {
            Ok(durable) => LogFailure { message, durable },
            Err(failure) => failure,
        }
    }

    pub(super) fn show_progress(&mut self, now: Duration) {
        let snapshot = self.schedule.snapshot();
        self.shown = snapshot.next;
        let waiting = match snapshot.next {
            Some((until, what)) => {
                Some(Waiting { until: Some(until), what: self.schedule.describe(what), operations: snapshot.waiting })
            }
            None => {
                snapshot.held.map(|held| Waiting { until: None, what: held.to_string(), operations: snapshot.pending })
            }
        };
        self.show(now, waiting.as_ref());
    }

    /// Tells the sinks what is waited for.
    pub(super) fn show(&mut self, now: Duration, waiting: Option<&Waiting>) {
        for sink in self.sinks.iter_mut() {
            sink.on_tick(now, waiting, self.plan, &self.summary);
        }
    }

    /// What is known up to now.
    pub(super) fn summary(&self) -> &RunSummary {
        &self.summary
    }

    /// What is wanted of the service's tasks, after everything was sent in a session that began at `begun`. A look-up is not
    /// worth the rest of a run that was told to end; an end that was to be waited for is at least said not to have been seen.
    pub(super) fn aim(&self, begun: Duration, now: Duration, interrupted: bool) -> Option<Aim> {
        if self.announced.has_failed() {
            return None;
        }
        let after = |start: Duration, span: Option<Duration>| span.map(|span| start.saturating_add(span));
        let longest = after(begun, self.options.max_duration);
        match self.options.follow {
            FollowAfter::Nothing => None,
            FollowAfter::LookUp => {
                let deadlines: Option<Vec<Duration>> =
                    self.plan.plans.iter().map(|plan| plan.deadline.map(|(deadline, _)| deadline)).collect();
                let deadline = after(begun, deadlines.and_then(|deadlines| deadlines.into_iter().max()));
                let until = longest.into_iter().chain(deadline).min();
                let over = interrupted || until.is_some_and(|until| until <= now);
                (!over).then_some(Aim::LookUp { until })
            }
            FollowAfter::ToTheEnd { timeout } => {
                Some(Aim::ToTheEnd { until: longest.into_iter().chain(after(now, timeout)).min() })
            }
        }
    }

    /// Something was seen of the service's tasks.
    pub(super) fn task_event(&mut self, event: RunEvent) {
        let about = match event {
            RunEvent::TaskFound { op, .. } | RunEvent::TaskEnded { op, .. } => Some(op),
            _ => None,
        };
        let position = self.emit(event);
        if let Some(op) = about {
            self.announced.outcome(position, op);
        }
    }

    /// The log can't be written any more, after the last request.
    pub(super) fn lose_log(&mut self, failure: LogFailure) {
        self.announced.fail(failure);
    }

    /// Ends the run: the log gets time to take everything, and the account is checked.
    pub(super) async fn finish<C: Clock>(mut self, clock: &C) -> Result<RunEnd, RunError> {
        let end = self.emit(RunEvent::RunEnded { at: clock.now() });
        let recorded = tokio::time::timeout(LONGEST_SYNC, async {
            while self.log.durable().is_ok_and(|durable| durable < end) {
                self.log.changed().await;
            }
        });
        if !self.announced.has_failed() {
            let in_time = recorded.await.is_ok();
            if let Some(failure) = self.log_failure().or_else(|| (!in_time).then(|| self.log_is_stuck())) {
                self.announced.fail(failure);
            }
        }
        let not_recorded = self.announced.into_not_recorded();
        let not_recorded = not_recorded.map(|(failure, operations)| NotRecorded { failure, operations });
        let end = RunEnd { summary: self.summary, not_recorded };
        if end.summary.is_conserved() { Ok(end) } else { Err(BrokenLaw { end: Box::new(end) }.into()) }
    }
}

/// An attempt that was still in flight when the grace period ended.
fn given_up(op: OpIndex, started: Duration, now: Duration, grace: Duration) -> Attempt {
    let message = format!("no answer after sending (the run was interrupted and waited {} more)", grace_text(grace));
    let failure = Failure { kind: FailureKind::NoAnswer, status: None, code: None, message, given_up: None };
    let record = AttemptRecord {
        started,
        duration: now.saturating_sub(started),
        status: None,
        error_code: None,
        error_message: Some(failure.message.clone()),
        request_id: None,
        throttled: false,
        kind: Some(failure.kind),
    };
    Attempt { op, record, verdict: Verdict::Unknown(failure) }
}

fn grace_text(grace: Duration) -> String {
    crate::model::format_duration(grace)
}

#[cfg(test)]
mod tests {
    use super::{Dispatcher, Duration, RunError, RunOptions};
    use crate::model::{Limits, RunId};
    use crate::run::FollowAfter;
    use crate::run::port::Unlogged;
    use crate::run::tests::VirtualClock;
    use crate::schedule::fixture::Fixture;

    #[tokio::test(start_paused = true)]
    async fn an_account_that_does_not_add_up_is_loud() {
        let plan = Fixture::simple(Limits::default(), 3);
        let options = RunOptions {
            run: RunId::parse("20261124-080000-7f3a").expect("legal"),
            started_at: jiff::Timestamp::UNIX_EPOCH,
            forecast: Duration::ZERO,
            max_failures: None,
            fail_fast: false,
            max_duration: None,
            grace: Duration::ZERO,
            seed: 1,
            follow: FollowAfter::Nothing,
            elsewhere: Vec::new(),
        };
        let mut log = Unlogged;
        let dispatcher = Dispatcher::new(&plan, (&options, None), None, &mut log, &mut []);
        let error = dispatcher.finish(&VirtualClock::start()).await.expect_err("nothing has ended");
        assert_eq!(
            error.to_string(),
            "of 3 planned operations 0 have an outcome and 0 are in flight after the end of the run; \
             this is a mistake in hss-sync, please report this bug and don't rely on the numbers of this run"
        );
        let RunError::BrokenLaw(broken) = error else { panic!("{error}") };
        assert_eq!(broken.end.summary.counts.planned, 3, "the report can still be written");
    }
}
