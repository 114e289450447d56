//! A virtual clock and a scripted service around the scheduler. It keeps its own books and checks every law at each step.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::event::{Failure, FailureKind, NotAttemptedReason, Outcome};
use crate::expand::ExecutionPlan;
use crate::model::QuotaScope;
use crate::schedule::fixture::ms;
use crate::schedule::{AttemptEnd, Effect, Input, Phase, Schedule, ScheduleOptions};

pub(super) fn failure(kind: FailureKind, status: Option<u16>) -> Failure {
    Failure { kind, status, code: None, message: format!("{kind:?}"), given_up: None }
}

pub(super) fn throttled(at: Duration, wait: Option<Duration>) -> AttemptEnd {
    AttemptEnd::Retry { failure: failure(FailureKind::Throttled, Some(429)), at, wait, limit: None }
}

pub(super) fn unavailable(at: Duration) -> AttemptEnd {
    AttemptEnd::Retry { failure: failure(FailureKind::Unavailable, Some(503)), at, wait: None, limit: None }
}

pub(super) fn refused() -> AttemptEnd {
    AttemptEnd::Failed(failure(FailureKind::Refused, Some(400)))
}

pub(super) fn credential_refused() -> AttemptEnd {
    AttemptEnd::Failed(failure(FailureKind::Credential, Some(401)))
}

pub(super) fn no_answer() -> AttemptEnd {
    AttemptEnd::Unknown(failure(FailureKind::NoAnswer, None))
}

/// What the service does with an attempt: after how long it answers, the share of that after which it counts the call,
/// and the answer, made at the time it arrives.
pub(super) struct Reply {
    pub(super) latency: Duration,
    pub(super) counted: f64,
    pub(super) end: Box<dyn FnOnce(Duration) -> AttemptEnd>,
}

struct Flight {
    answered: Duration,
    op: usize,
    end: AttemptEnd,
}

/// One call as the service saw it.
pub(super) struct Call {
    pub(super) op: usize,
    pub(super) attempt: u32,
    pub(super) sent: Duration,
    counted: Duration,
}

/// What is left when a run is over.
pub(super) struct Record {
    pub(super) calls: Vec<Call>,
    pub(super) outcomes: BTreeMap<usize, (Duration, Outcome)>,
    pub(super) effects: Vec<(Duration, Effect)>,
    pub(super) end: Duration,
}

impl Record {
    /// The outcome's word for each operation, in plan order.
    pub(super) fn words(&self) -> Vec<&'static str> {
        self.outcomes.values().map(|(_, outcome)| outcome.as_str()).collect()
    }

    /// When each call was sent, in milliseconds.
    pub(super) fn sent(&self) -> Vec<(usize, u128)> {
        self.calls.iter().map(|call| (call.op, call.sent.as_millis())).collect()
    }
}

pub(super) struct World<'a> {
    plan: &'a ExecutionPlan,
    options: ScheduleOptions,
    schedule: Schedule,
    now: Duration,
    flights: Vec<Flight>,
    record: Record,
    /// Operations that were launched and have neither an outcome nor a flight: they wait for a repeat, not before then.
    waiting: BTreeMap<usize, Duration>,
    /// What the latest answer asked for.
    asked: Duration,
    proven: BTreeSet<String>,
    refused_credentials: BTreeSet<String>,
    closed: BTreeMap<String, Duration>,
    waves_started: BTreeSet<(usize, usize)>,
    stopped: bool,
    done: bool,
}

impl<'a> World<'a> {
    pub(super) fn new(plan: &'a ExecutionPlan, options: ScheduleOptions) -> Self {
        Self {
            plan,
            options,
            schedule: Schedule::new(plan, options),
            now: Duration::ZERO,
            flights: Vec::new(),
            record: Record { calls: Vec::new(), outcomes: BTreeMap::new(), effects: Vec::new(), end: Duration::ZERO },
            waiting: BTreeMap::new(),
            asked: Duration::ZERO,
            proven: BTreeSet::new(),
            refused_credentials: BTreeSet::new(),
            closed: BTreeMap::new(),
            waves_started: BTreeSet::new(),
            stopped: false,
            done: false,
        }
    }

    /// Runs to the end; `reply` says what the service does with each (operation, attempt).
    pub(super) fn run(mut self, stop_at: Option<Duration>, reply: impl FnMut(usize, u32) -> Reply) -> Record {
        let mut reply = reply;
        let mut wake = self.step(Input::Start, &mut reply);
        let mut stop_at = stop_at;
        for _ in 0..100_000 {
            if self.done {
                self.check_end();
                return self.record;
            }
            let answer = (0..self.flights.len()).min_by_key(|index| self.flights[*index].answered);
            let answered = answer.map(|index| self.flights[index].answered);
            let next = [answered, wake, stop_at].into_iter().flatten().min();
            let next = next.expect("nothing in flight, nothing to wait for, and not done: the run hangs");
            assert!(next >= self.now, "time goes back");
            self.now = next;
            let input = match answer {
                _ if stop_at == Some(next) => {
                    stop_at = None;
                    self.stopped = true;
                    Input::Stop(NotAttemptedReason::Interrupted)
                }
                Some(index) if self.flights[index].answered == next => {
                    let flight = self.flights.remove(index);
                    self.note_answer(&flight);
                    Input::AttemptEnded { op: flight.op, end: flight.end }
                }
                _ => Input::Tick,
            };
            wake = self.step(input, &mut reply);
        }
        panic!("the run does not end");
    }

    fn step(&mut self, input: Input, reply: &mut impl FnMut(usize, u32) -> Reply) -> Option<Duration> {
        let mut effects = Vec::new();
        self.schedule.step(self.now, input, &mut effects);
        let mut wake = None;
        for effect in effects {
            self.record.effects.push((self.now, effect.clone()));
            match effect {
                Effect::WaveStarted { plan, wave } => assert!(self.waves_started.insert((plan, wave)), "wave twice"),
                Effect::Launch { op, attempt } => self.launch(op, attempt, reply(op, attempt)),
                Effect::AttemptEnded { op, retry_at, .. } => {
                    if let Some(at) = retry_at {
                        assert!(at >= self.asked, "{op} will be repeated before it may");
                        self.waiting.insert(op, at);
                    }
                }
                Effect::End { op, outcome } => self.end(op, outcome),
                Effect::Stopping { .. } => self.stopped = true,
                Effect::WaitUntil { at, .. } => {
                    assert!(at > self.now, "would wait for the past");
                    wake = Some(at);
                }
                Effect::Done => {
                    assert!(!self.done, "done twice");
                    self.done = true;
                }
            }
            self.check_bounds();
        }
        self.check_nothing_idles();
        wake
    }

    fn launch(&mut self, op: usize, attempt: u32, reply: Reply) {
        let operation = &self.plan.operations[op];
        let file = &self.plan.plans[operation.plan];
        assert!(!self.stopped && !self.done, "{op} was launched after the stop");
        assert!(!self.record.outcomes.contains_key(&op), "{op} was launched after its outcome");
        assert!(self.flights.iter().all(|flight| flight.op != op), "{op} was launched while in flight");
        let before = self.record.calls.iter().filter(|call| call.op == op).count();
        assert_eq!(attempt as usize, before + 1, "attempts of {op} are not counted one by one");
        assert!(attempt <= file.limits.retry.max_attempts.get(), "{op} was attempted too often");
        if attempt > 1 {
            let at = self.waiting.remove(&op).expect("only what waits is repeated");
            assert!(self.now >= at, "{op} was repeated too early");
        }
        assert!(self.waves_started.contains(&(operation.plan, operation.wave)), "its wave has not begun");
        self.check_wave(op);
        for deadline in file.deadline.map(|(at, _)| at).into_iter().chain(self.options.max_duration) {
            assert!(self.now < deadline, "{op} was launched after the deadline");
        }
        let credential = operation.target.credential.as_str();
        assert!(!self.refused_credentials.contains(credential), "{op} was launched with a refused credential");
        let closed = self.closed.get(&self.bucket_of(op)).copied().unwrap_or_default();
        assert!(self.now >= closed, "{op} was launched in a pause after 429");
        let answered = self.now + reply.latency;
        let counted = self.now + reply.latency.mul_f64(reply.counted);
        self.record.calls.push(Call { op, attempt, sent: self.now, counted });
        self.flights.push(Flight { answered, op, end: (reply.end)(answered) });
    }

    fn note_answer(&mut self, flight: &Flight) {
        let operation = &self.plan.operations[flight.op];
        let credential = operation.target.credential.to_string();
        match &flight.end {
            AttemptEnd::Failed(failure) if failure.status == Some(401) => {
                self.refused_credentials.insert(credential);
            }
            AttemptEnd::Failed(failure) | AttemptEnd::Unknown(failure) if failure.status.is_none() => {}
            AttemptEnd::Retry { failure, at, wait, .. } => {
                self.asked = *at;
                if failure.kind == FailureKind::Throttled {
                    let bucket = self.bucket_of(flight.op);
                    let window = self.quotas_of(&bucket).into_iter().map(|(_, per)| per).max().unwrap_or_default();
                    self.closed.insert(bucket, self.now + wait.unwrap_or(window));
                }
            }
            _ => {
                self.proven.insert(credential);
            }
        }
    }

    fn end(&mut self, op: usize, outcome: Outcome) {
        assert!(self.flights.iter().all(|flight| flight.op != op), "{op} ended while in flight");
        self.waiting.remove(&op);
        let attempted = self.record.calls.iter().any(|call| call.op == op);
        let never = matches!(outcome, Outcome::NotAttempted(_));
        assert_eq!(attempted, !never, "{op}: {outcome:?}");
        let before = self.record.outcomes.insert(op, (self.now, outcome));
        assert_eq!(before, None, "{op} has two outcomes");
    }

    /// Waves in order, with the pause after the end of the one before.
    fn check_wave(&self, op: usize) {
        let operation = &self.plan.operations[op];
        let mut last = None;
        for (other, earlier) in self.plan.operations.iter().enumerate() {
            if earlier.plan == operation.plan && earlier.wave < operation.wave {
                let (at, _) = self.record.outcomes.get(&other).expect("an earlier wave is still open");
                if self.record.calls.iter().any(|call| call.op == other) {
                    last = last.max(Some(*at));
                }
            }
        }
        if let Some(last) = last {
            let pause = self.plan.plans[operation.plan].pause;
            assert!(self.now >= last + pause, "{op} was launched in the pause between waves");
        }
    }

    /// Concurrency, credentials that are not proven yet, and failure budgets, at this instant.
    fn check_bounds(&self) {
        let ops = &self.plan.operations;
        let in_flight = |test: &dyn Fn(usize) -> bool| self.flights.iter().filter(|flight| test(flight.op)).count();
        let limits: Vec<_> = self.plan.plans.iter().map(|file| file.limits).collect();
        let largest = limits.iter().map(|limits| limits.concurrency.get()).max().unwrap_or(1) as usize;
        let largest_region = limits.iter().map(|limits| limits.region_concurrency.get()).max().unwrap_or(1) as usize;
        assert!(self.flights.len() <= largest, "too many in flight");
        for flight in &self.flights {
            let (plan, target) = (ops[flight.op].plan, &ops[flight.op].target);
            let in_region = |op: usize| ops[op].target.region == target.region;
            assert!(in_flight(&|op| ops[op].plan == plan) <= limits[plan].concurrency.get() as usize, "plan");
            assert!(in_flight(&in_region) <= largest_region, "region");
            let own = limits[plan].region_concurrency.get() as usize;
            assert!(in_flight(&|op| ops[op].plan == plan && in_region(op)) <= own, "region of a plan");
            if !self.proven.contains(target.credential.as_str()) {
                let same = in_flight(&|op| ops[op].target.credential == target.credential);
                assert!(same <= 1, "{same} in flight with a credential that nobody has accepted yet");
            }
        }
        let at_risk = |inside: &dyn Fn(usize) -> bool| {
            let spent =
                |(_, outcome): &(Duration, Outcome)| matches!(outcome, Outcome::Failed(_) | Outcome::Unknown(_));
            let ended = self.record.outcomes.iter().filter(|(op, end)| inside(**op) && spent(end)).count();
            ended + in_flight(inside) + self.waiting.keys().filter(|op| inside(**op)).count()
        };
        if let Some(budget) = self.options.max_failures.map(|stated| stated.of(ops.len())) {
            assert!(at_risk(&|_| true) <= budget.allowed + 1, "the budget of the run is at risk");
        }
        for (plan, file) in self.plan.plans.iter().enumerate() {
            for (wave, budget) in file.waves.iter().enumerate().filter_map(|(i, wave)| Some((i, wave.budget?))) {
                let risk = at_risk(&|op| ops[op].plan == plan && ops[op].wave == wave);
                assert!(risk <= budget.allowed + 1, "the budget of wave {wave} of plan {plan} is at risk");
            }
        }
    }

    /// After a step nothing that could be launched is left lying: a scan over all operations, which the scheduler never does.
    fn check_nothing_idles(&self) {
        for (op, state) in self.schedule.ops.iter().enumerate() {
            let new = state.phase == Phase::Fresh;
            let operation = &self.plan.operations[op];
            let plan = &self.schedule.plans[operation.plan];
            let could = (new || state.phase == Phase::Due)
                && plan.waves[operation.wave].started
                && plan.stopped.is_none()
                && !self.stopped
                && !self.done;
            if could {
                let obstacle = self.schedule.obstacle(self.now, state.queue, (new, u32::try_from(op).expect("small")));
                assert!(obstacle.is_some(), "{op} could be launched and is not");
            }
        }
    }

    /// What shares a bucket, by the words of the contract.
    fn bucket_of(&self, op: usize) -> String {
        let scopes: Vec<QuotaScope> = self.plan.plans.iter().map(|file| file.limits.quota.scope).collect();
        let operation = &self.plan.operations[op];
        if scopes.contains(&QuotaScope::Global) {
            "all".to_owned()
        } else if scopes.contains(&QuotaScope::Address) {
            operation.endpoint.to_string()
        } else {
            format!("{} {}", operation.endpoint, operation.target.credential)
        }
    }

    fn quotas_of(&self, bucket: &str) -> BTreeSet<(u32, Duration)> {
        let inside = (0..self.plan.operations.len()).filter(|op| self.bucket_of(*op) == bucket);
        let quota = |op: usize| self.plan.plans[self.plan.operations[op].plan].limits.quota;
        inside.map(|op| (quota(op).calls.get(), quota(op).per)).collect()
    }

    /// Conservation, and no window of any bucket with more calls than each of its quotas allows.
    fn check_end(&mut self) {
        self.record.end = self.now;
        assert_eq!(self.record.outcomes.len(), self.plan.operations.len(), "an operation has no outcome");
        assert!(self.flights.is_empty(), "done while in flight");
        let mut after = Vec::new();
        self.schedule.step(self.now + ms(1_000_000_000), Input::Tick, &mut after);
        assert_eq!(after, [], "something happened after the end");
        let buckets: BTreeSet<String> = (0..self.plan.operations.len()).map(|op| self.bucket_of(op)).collect();
        for bucket in buckets {
            let calls = self.record.calls.iter().filter(|call| self.bucket_of(call.op) == bucket);
            let mut counted: Vec<Duration> = calls.map(|call| call.counted).collect();
            counted.sort();
            for (calls, per) in self.quotas_of(&bucket) {
                for (index, from) in counted.iter().enumerate() {
                    let inside = counted[index..].iter().filter(|at| **at < *from + per).count();
                    assert!(inside <= calls as usize, "{inside} calls in a window of {bucket} from {from:?}");
                }
            }
        }
    }
}
