//! The laws, each checked over all sessions of a run together.

use std::collections::BTreeSet;
use std::time::Duration;

use super::books::{bucket_of, quotas_of};
use super::world::{Flight, World, given_up};
use crate::event::{FailureKind, Outcome, RunEvent};
use crate::schedule::fixture::ms;
use crate::schedule::{AttemptEnd, Effect, Input, Phase, Schedule};
use crate::summary::RunSummary;

fn is_spent(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed(_) | Outcome::Unknown(_))
}

fn was_sent(outcome: &Outcome) -> bool {
    !matches!(outcome, Outcome::NotAttempted(_) | Outcome::Skipped(_))
}

impl World<'_> {
    /// Everything that an operation needs to be sent, at the moment it is.
    pub(super) fn check_launch(&self, op: usize, attempt: u32) {
        let operation = &self.plan.operations[op];
        let file = &self.plan.plans[operation.plan];
        let (session, books) = (&self.session, &self.books);
        assert!(!session.stopped && !session.done, "{op} was launched after the stop");
        assert!(!(self.options.fail_fast && session.failed), "{op} was launched after a failure, with fail_fast");
        assert!(!books.outcomes.contains_key(&op), "{op} was launched after its outcome");
        assert!(session.flights.iter().all(|flight| flight.op != op), "{op} was launched while in flight");
        let (all, since_opened) = books.announced.get(&op).copied().unwrap_or_default();
        assert_eq!(attempt, all + 1, "attempts of {op} are not counted one by one over all sessions");
        assert!(since_opened < file.limits.retry.max_attempts.get(), "{op} was attempted too often");
        match books.waiting.get(&op) {
            Some(at) => assert!(self.now >= *at, "{op} was repeated too early"),
            None => assert_eq!(since_opened, 0, "only what waits is repeated"),
        }
        if let Some(before) = self.record.calls.iter().rfind(|call| call.op == op) {
            let surely_not_taken = before.refused && !before.lost;
            let on_word = self.on_word.iter().any(|(event, reopened)| *reopened == op && *event > before.event);
            assert!(surely_not_taken || on_word, "{op} may have been taken and is sent again");
        }
        assert!(books.waves.contains(&(operation.plan, operation.wave)), "its wave has not begun");
        // In a resumed run an earlier wave may be open again. A repeat does not wait for it: it holds a place in the budgets.
        if !books.waiting.contains_key(&op) {
            self.check_wave(op);
        }
        for deadline in file.deadline.map(|(at, _)| at).into_iter().chain(self.options.max_duration) {
            assert!(self.now < session.start + deadline, "{op} was launched after the deadline");
        }
        let credential = operation.target.credential.as_str();
        assert!(!session.refused_credentials.contains(credential), "{op} was launched with a refused credential");
        let bucket = bucket_of(self.plan, op);
        let closed = session.closed.get(&bucket).copied().unwrap_or_default();
        assert!(self.now >= closed, "{op} was launched in a pause after 429");
    }

    /// Waves in order, with the pause after the end of those before.
    fn check_wave(&self, op: usize) {
        let operation = &self.plan.operations[op];
        let mut last = None;
        for (other, earlier) in self.plan.operations.iter().enumerate() {
            if earlier.plan == operation.plan && earlier.wave < operation.wave {
                let (at, outcome) = self.books.outcomes.get(&other).expect("an earlier wave is still open");
                if was_sent(outcome) {
                    last = last.max(Some(*at));
                }
            }
        }
        if let Some(last) = last {
            let pause = self.plan.plans[operation.plan].pause;
            assert!(self.now >= last + pause, "{op} was launched in the pause between waves");
        }
    }

    /// What an answer leads to at once; a launch that was taken back ends its operation and is no attempt.
    pub(super) fn check_answer(&self, answer: Option<&Flight>, effects: &[Effect]) {
        let ended = |op| matches!(effects.first(), Some(Effect::AttemptEnded { op: ended, .. }) if *ended == op);
        match answer {
            Some(Flight { op, end: AttemptEnd::Withdrawn(reason), .. }) => {
                let repeated = self.books.announced.get(op).is_some_and(|(_, since_opened)| *since_opened > 0);
                let outcome = match self.books.failures.get(op).filter(|_| repeated) {
                    Some(failure) => given_up(failure, reason),
                    None => Outcome::NotAttempted(reason.clone()),
                };
                assert_eq!(effects.first(), Some(&Effect::End { op: *op, outcome }));
            }
            Some(flight) => assert!(ended(flight.op), "the answer is not the first thing that is told"),
            None => {}
        }
    }

    pub(super) fn check_outcome(&self, op: usize, outcome: &Outcome) {
        assert!(self.session.flights.iter().all(|flight| flight.op != op), "{op} ended while in flight");
        let (_, since_opened) = self.books.announced.get(&op).copied().unwrap_or_default();
        assert_eq!(since_opened > 0, was_sent(outcome), "{op}: {outcome:?}");
    }

    /// Only what was certainly not taken is open again, and more on the operator's word.
    pub(super) fn check_reopening(&self, op: usize) {
        let (_, outcome) = self.books.outcomes.get(&op).expect("only what has an outcome is reopened");
        let may = match outcome {
            Outcome::Accepted | Outcome::Confirmed | Outcome::Skipped(_) => false,
            Outcome::NotAttempted(_) => true,
            Outcome::Unknown(_) => self.reopen.retry_unknown,
            Outcome::Failed(failure) => {
                self.reopen.retry_failed || failure.given_up.is_some() || failure.kind == FailureKind::Credential
            }
        };
        assert!(may, "{op} was reopened: {outcome:?}");
    }

    /// Concurrency, credentials that are not proven yet, and failure budgets, at this instant.
    pub(super) fn check_bounds(&self) {
        let ops = &self.plan.operations;
        let flights = &self.session.flights;
        let in_flight = |test: &dyn Fn(usize) -> bool| flights.iter().filter(|flight| test(flight.op)).count();
        let limits: Vec<_> = self.plan.plans.iter().map(|file| file.limits).collect();
        let largest = limits.iter().map(|limits| limits.concurrency.get()).max().unwrap_or(1) as usize;
        let largest_region = limits.iter().map(|limits| limits.region_concurrency.get()).max().unwrap_or(1) as usize;
        assert!(flights.len() <= largest, "too many in flight");
        for flight in flights {
            let (plan, target) = (ops[flight.op].plan, &ops[flight.op].target);
            let in_region = |op: usize| ops[op].target.region == target.region;
            assert!(in_flight(&|op| ops[op].plan == plan) <= limits[plan].concurrency.get() as usize, "plan");
            assert!(in_flight(&in_region) <= largest_region, "region");
            let own = limits[plan].region_concurrency.get() as usize;
            assert!(in_flight(&|op| ops[op].plan == plan && in_region(op)) <= own, "region of a plan");
            if !self.session.proven.contains(target.credential.as_str()) {
                let same = in_flight(&|op| ops[op].target.credential == target.credential);
                assert!(same <= 1, "{same} in flight with a credential that nobody has accepted yet");
            }
        }
        let mut risky: BTreeSet<usize> = flights.iter().map(|flight| flight.op).collect();
        risky.extend(self.books.waiting.keys());
        risky.extend(self.books.outcomes.iter().filter(|(_, (_, outcome))| is_spent(outcome)).map(|(op, _)| op));
        let at_risk = |inside: &dyn Fn(usize) -> bool| risky.iter().filter(|op| inside(**op)).count();
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
    pub(super) fn check_nothing_idles(&self) {
        for (op, state) in self.schedule.ops.iter().enumerate() {
            let new = state.phase == Phase::Fresh;
            let operation = &self.plan.operations[op];
            let plan = &self.schedule.plans[operation.plan];
            let could = ((new && plan.waves[operation.wave].started) || state.phase == Phase::Due)
                && plan.stopped.is_none()
                && !self.session.stopped
                && !self.session.done;
            if could {
                let obstacle = self.schedule.obstacle(self.now, state.queue, (new, u32::try_from(op).expect("small")));
                assert!(obstacle.is_some(), "{op} could be launched and is not");
            }
        }
    }

    /// A schedule made of the journal stands where this one does, whenever nothing is in flight.
    pub(super) fn check_the_journal_knows_all(&self) {
        if !self.session.flights.is_empty() {
            return;
        }
        let (again, live) = (self.restored(), &self.schedule);
        for (op, (again, live)) in again.ops.iter().zip(&live.ops).enumerate() {
            let phase = if live.phase == Phase::Due { Phase::Waiting } else { live.phase };
            assert_eq!((again.attempts, again.forgiven, again.phase), (live.attempts, live.forgiven, phase), "{op}");
        }
        let failures = |of: &Schedule| of.refused.iter().map(|(op, it)| (*op, it.clone())).collect::<Vec<_>>();
        assert_eq!(failures(&again), failures(live));
        assert_eq!((again.open, again.run_budget.spent), (live.open, live.run_budget.spent));
        for (queue, other) in again.queues.iter().zip(&live.queues) {
            for (gate, other) in queue.budget_gates.iter().zip(other.budget_gates) {
                assert_eq!(again.gates.used(*gate), live.gates.used(other), "a budget gate");
            }
        }
        for (again, live) in again.plans.iter().zip(&live.plans) {
            let state = |plan: &crate::schedule::PlanState| {
                plan.waves.iter().map(|wave| (wave.open, wave.begun, wave.budget.spent)).collect::<Vec<_>>()
            };
            assert_eq!(state(again), state(live));
        }
        for (again, live) in again.buckets.iter().zip(&live.buckets) {
            assert_eq!(again.bucket, live.bucket);
        }
    }

    /// A session that ended by itself leaves no operation without an outcome.
    pub(super) fn check_session_end(&mut self) {
        assert_eq!(self.books.outcomes.len(), self.plan.operations.len(), "an operation has no outcome");
        assert!(self.session.flights.is_empty(), "done while in flight");
        let mut after = Vec::new();
        self.schedule.step(self.now + ms(1_000_000_000), Input::Tick, &mut after);
        assert_eq!(after, [], "something happened after the end");
    }

    /// Conservation over the whole journal, no operation acknowledged twice, and no window of any bucket with more calls than
    /// each of its quotas allows.
    pub(super) fn check_run(&self) {
        let mut summary = RunSummary::new(self.plan.operations.len());
        let mut accepted = BTreeSet::new();
        for event in &self.record.journal {
            summary.apply(event);
            if let RunEvent::OperationEnded { op, outcome: Outcome::Accepted, .. } = event {
                assert!(accepted.insert(*op), "{op} was acknowledged twice");
            }
        }
        assert!(summary.is_conserved(), "the account of the run doesn't add up");
        let buckets: BTreeSet<String> = (0..self.plan.operations.len()).map(|op| bucket_of(self.plan, op)).collect();
        for bucket in buckets {
            for (calls, per) in quotas_of(self.plan, &bucket) {
                self.check_windows(&bucket, Duration::ZERO, calls, per);
            }
        }
        for (bucket, since, calls, per) in &self.books.learned {
            self.check_windows(bucket, *since, *calls, *per);
        }
    }

    fn check_windows(&self, bucket: &str, since: Duration, calls: u32, per: Duration) {
        let inside =
            self.record.calls.iter().filter(|call| call.sent > since && bucket_of(self.plan, call.op) == bucket);
        let mut counted: Vec<Duration> = inside.filter_map(|call| call.counted).collect();
        counted.sort();
        for (index, from) in counted.iter().enumerate() {
            let inside = counted[index..].iter().filter(|at| **at < *from + per).count();
            assert!(inside <= calls as usize, "{inside} calls in a window of {bucket} from {from:?}");
        }
    }
}
