//! Moves operations, waves and plans to their end: answers, budgets, refused credentials, deadlines, stops.

use std::time::Duration;

use super::timer::Timer;
use super::{AttemptEnd, Effect, Phase, Refused, Schedule};
use crate::event::{Failure, FailureKind, NotAttemptedReason, OpIndex, Outcome};
use crate::model::{FailureBudget, MaxFailures};
use crate::policy::{Bucket, CallEnd};

/// What ends before its time.
#[derive(Clone, Copy)]
enum Scope {
    Plan(u32),
    Credential(u32),
    Run,
}

impl Schedule {
    pub(super) fn start(&mut self, now: Duration) {
        if self.started {
            return;
        }
        self.started = true;
        if let Some(at) = &mut self.max_duration {
            *at = at.saturating_add(now);
            self.timers.set(*at, Timer::RunDeadline);
        }
        for (index, plan) in (0u32..).zip(&mut self.plans) {
            if let Some(at) = &mut plan.deadline {
                *at = at.saturating_add(now);
                self.timers.set(*at, Timer::Deadline(index));
            }
        }
        self.unsettled.extend(0..self.plans.len());
    }

    pub(super) fn attempt_ended(&mut self, now: Duration, op: OpIndex, end: AttemptEnd, effects: &mut Vec<Effect>) {
        let in_flight = self.ops.get(op).is_some_and(|state| state.phase == Phase::InFlight);
        debug_assert!(in_flight, "operation {op} is not in flight");
        if !in_flight {
            return;
        }
        if let AttemptEnd::Withdrawn(reason) = end {
            self.withdraw(op, reason, effects);
            return;
        }
        let attempt = self.ops[op].attempts;
        self.repeating.remove(&id(op));
        let mut closed_until = None;
        let credential = self.leave_flight(op, |bucket| {
            let end = call_end(bucket, now, &end);
            closed_until = match end {
                CallEnd::Throttled { opens, .. } => Some(opens),
                CallEnd::Taken | CallEnd::Answered | CallEnd::Unanswered => None,
            };
            bucket.ended(now, end);
        });
        let repeat = self.judge_repeat(now, op, &end);
        effects.push(Effect::AttemptEnded { op, attempt, retry_at: repeat.as_ref().ok().copied(), closed_until });
        if self.proves(&end) {
            let gate = self.credentials[credential as usize].gate;
            self.gates.get_mut(gate).limit = usize::MAX;
            self.dirty.push(gate);
        }
        match (end, repeat) {
            (AttemptEnd::Accepted, _) => {
                self.leave_budgets(op);
                self.end(op, Outcome::Accepted, effects);
            }
            (AttemptEnd::Failed(failure), _) => {
                let refused = refuses_credential(&failure);
                self.end(op, Outcome::Failed(failure), effects);
                if refused {
                    self.credentials[credential as usize].refused = true;
                    self.end_early(Scope::Credential(credential), &NotAttemptedReason::CredentialRefused, effects);
                }
            }
            (AttemptEnd::Unknown(failure), _) => self.end(op, Outcome::Unknown(failure), effects),
            (AttemptEnd::Retry { failure, .. }, Err(given_up)) => {
                self.end(op, Outcome::Failed(Failure { given_up, ..failure }), effects);
            }
            (AttemptEnd::Retry { failure, .. }, Ok(at)) => {
                let index = id(op);
                self.ops[op].phase = Phase::Waiting;
                self.refused.insert(index, Refused { at, failure });
                self.timers.set(at, Timer::Retry(index));
            }
            // Taken back above: no attempt took place.
            (AttemptEnd::Withdrawn(_), _) => {}
        }
    }

    /// Takes a launch back that was never sent, as if it had not been, and ends its operation.
    fn withdraw(&mut self, op: OpIndex, reason: NotAttemptedReason, effects: &mut Vec<Effect>) {
        self.leave_flight(op, Bucket::withdrawn);
        let state = &mut self.ops[op];
        state.attempts -= 1;
        self.buckets[self.queues[state.queue as usize].bucket as usize].calls -= 1;
        let outcome = match self.repeating.remove(&id(op)) {
            Some(failure) => Outcome::Failed(Failure { given_up: Some(reason), ..failure }),
            None => {
                self.leave_budgets(op);
                Outcome::NotAttempted(reason)
            }
        };
        self.end(op, outcome, effects);
    }

    fn leave_budgets(&mut self, op: OpIndex) {
        for gate in self.queues[self.ops[op].queue as usize].budget_gates {
            self.gates.leave(gate);
            self.dirty.push(gate);
        }
    }

    /// Gives back what an attempt held, its place in the bucket by `leave`; tells whose credential it used.
    fn leave_flight(&mut self, op: OpIndex, leave: impl FnOnce(&mut Bucket)) -> u32 {
        let queue = &self.queues[self.ops[op].queue as usize];
        for gate in queue.flight_gates {
            self.gates.leave(gate);
            self.dirty.push(gate);
        }
        let bucket = &mut self.buckets[queue.bucket as usize];
        leave(&mut bucket.bucket);
        self.dirty.push(bucket.gate);
        self.in_flight -= 1;
        queue.credential
    }

    /// Says when the operation will be repeated. If it won't, although that were safe and attempts are left, the error says why.
    fn judge_repeat(
        &self,
        now: Duration,
        op: OpIndex,
        end: &AttemptEnd,
    ) -> Result<Duration, Option<NotAttemptedReason>> {
        let AttemptEnd::Retry { at, .. } = end else { return Err(None) };
        let queue = &self.queues[self.ops[op].queue as usize];
        let bucket = &self.buckets[queue.bucket as usize].bucket;
        let plan = &self.plans[queue.plan as usize];
        let at = (*at).max(now).max(bucket.closed_until());
        let attempts = self.ops[op].attempts.saturating_sub(self.ops[op].forgiven);
        if attempts >= plan.max_attempts {
            return Err(None);
        }
        let deadline = plan.deadline.into_iter().chain(self.max_duration).min();
        let credential = self.credentials[queue.credential as usize].refused;
        let ended = self.stopped.as_ref().or(plan.stopped.as_ref()).cloned();
        let ended = ended.or_else(|| credential.then_some(NotAttemptedReason::CredentialRefused));
        let late = deadline.is_some_and(|deadline| at >= deadline);
        match ended.or_else(|| late.then_some(NotAttemptedReason::DeadlinePassed)) {
            Some(reason) => Err(Some(reason)),
            None => Ok(at),
        }
    }

    /// Whether an answer shows that the service accepts the credential. A 429 or 503 may come before it was looked at.
    fn proves(&self, end: &AttemptEnd) -> bool {
        match end {
            AttemptEnd::Accepted => true,
            AttemptEnd::Failed(failure) | AttemptEnd::Unknown(failure) => {
                failure.status.is_some() && !refuses_credential(failure)
            }
            AttemptEnd::Retry { .. } | AttemptEnd::Withdrawn(_) => false,
        }
    }

    /// Gives an operation its outcome.
    fn end(&mut self, op: OpIndex, outcome: Outcome, effects: &mut Vec<Effect>) {
        let state = &mut self.ops[op];
        state.phase = Phase::Ended;
        let queue = &self.queues[state.queue as usize];
        let plan = queue.plan as usize;
        let wave = &mut self.plans[plan].waves[queue.wave as usize];
        wave.open -= 1;
        self.open -= 1;
        wave.landed |= !matches!(outcome, Outcome::NotAttempted(_) | Outcome::Skipped(_));
        if matches!(outcome, Outcome::Failed(_) | Outcome::Unknown(_)) {
            wave.budget.spent += 1;
            self.run_budget.spent += 1;
            self.failed = true;
        }
        self.unsettled.insert(plan);
        effects.push(Effect::End { op, outcome });
    }

    /// Ends what is not in flight, in plan order: the never sent with the reason, those that wait for a repeat with their failure.
    fn end_early(&mut self, scope: Scope, reason: &NotAttemptedReason, effects: &mut Vec<Effect>) {
        let mut left = Vec::new();
        let queues: Vec<u32> = match scope {
            Scope::Plan(plan) => self.plans[plan as usize].waves.iter().flat_map(|w| w.queues.clone()).collect(),
            Scope::Credential(credential) => self.credentials[credential as usize].queues.clone(),
            Scope::Run => (0..id(self.queues.len())).collect(),
        };
        for queue in queues {
            self.take_out(queue);
            self.queues[queue as usize].drain(&self.order, &mut left);
        }
        left.extend(self.refused.keys().filter(|op| {
            let state = &self.ops[**op as usize];
            let queue = &self.queues[state.queue as usize];
            let inside = match scope {
                Scope::Plan(plan) => queue.plan == plan,
                Scope::Credential(credential) => queue.credential == credential,
                Scope::Run => true,
            };
            inside && state.phase == Phase::Waiting
        }));
        left.sort_unstable();
        for op in left {
            let outcome = match self.refused.remove(&op) {
                Some(refused) => {
                    self.timers.remove(refused.at, Timer::Retry(op));
                    Outcome::Failed(Failure { given_up: Some(reason.clone()), ..refused.failure })
                }
                None => Outcome::NotAttempted(reason.clone()),
            };
            self.end(op as usize, outcome, effects);
        }
    }

    /// Stops everything that is not over.
    pub(super) fn stop_run(&mut self, reason: NotAttemptedReason, effects: &mut Vec<Effect>) {
        if self.open == 0 || self.stopped.is_some() {
            return;
        }
        self.stopped = Some(reason.clone());
        effects.push(Effect::Stopping { reason: reason.clone() });
        self.end_early(Scope::Run, &reason, effects);
    }

    fn stop_plan(&mut self, plan: usize, reason: NotAttemptedReason, effects: &mut Vec<Effect>) {
        if self.plans[plan].stopped.is_some() || self.stopped.is_some() {
            return;
        }
        self.plans[plan].stopped = Some(reason.clone());
        self.end_early(Scope::Plan(id(plan)), &reason, effects);
    }

    /// Does what is due.
    pub(super) fn fire_timers(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        while let Some(timer) = self.timers.pop_due(now) {
            match timer {
                Timer::RunDeadline | Timer::Deadline(_) => self.pass_deadline(timer, effects),
                Timer::Pause(plan) => {
                    self.unsettled.insert(plan as usize);
                }
                Timer::Retry(op) => {
                    let state = &mut self.ops[op as usize];
                    state.phase = Phase::Due;
                    let queue = state.queue;
                    self.queues[queue as usize].due.insert(op);
                    self.make_ready(queue, None);
                }
                Timer::Bucket(bucket) => {
                    let state = &mut self.buckets[bucket as usize];
                    state.timer = None;
                    self.dirty.push(state.gate);
                }
            }
        }
    }

    pub(super) fn pass_deadline(&mut self, timer: Timer, effects: &mut Vec<Effect>) {
        match timer {
            Timer::Deadline(plan) => self.stop_plan(plan as usize, NotAttemptedReason::DeadlinePassed, effects),
            _ => self.stop_run(NotAttemptedReason::DeadlinePassed, effects),
        }
    }

    /// Draws the consequences of outcomes until there are none: budgets first, then waves.
    pub(super) fn settle(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        if !self.started {
            return;
        }
        loop {
            if let Some(budget) = self.spent_run_budget() {
                self.stop_run(NotAttemptedReason::BudgetSpent(budget), effects);
            }
            let Some(plan) = self.unsettled.pop_first() else { break };
            if let Some(budget) = self.plans[plan].waves.iter().find_map(|wave| wave.budget.exceeded()) {
                self.stop_plan(plan, NotAttemptedReason::BudgetSpent(budget), effects);
            }
            self.advance(plan, now, effects);
        }
    }

    fn spent_run_budget(&self) -> Option<FailureBudget> {
        if self.stopped.is_some() {
            return None;
        }
        let fail_fast = self.fail_fast && self.failed;
        let first = || MaxFailures::Count(0).of(self.selected);
        self.run_budget.exceeded().or_else(|| fail_fast.then(first))
    }

    /// Begins the next wave of a plan when it is its time. A wave with nothing left to send is passed over. The
    /// pause counts from the end of the waves before it, whatever session that was in.
    fn advance(&mut self, index: usize, now: Duration, effects: &mut Vec<Effect>) {
        let plan = &mut self.plans[index];
        let timer = Timer::Pause(id(index));
        let mut ended = None;
        while let Some(wave) = plan.waves.get(plan.current).filter(|wave| wave.open == 0) {
            ended = ended.max(if wave.landed { Some(now) } else { wave.past_end });
            plan.current += 1;
        }
        let Some(wave) = plan.waves.get_mut(plan.current) else {
            // The plan is over: nothing of it is waited for any more.
            if let Some(at) = plan.resume_at.take() {
                self.timers.remove(at, timer);
            }
            if let Some(at) = plan.deadline {
                self.timers.remove(at, Timer::Deadline(id(index)));
            }
            return;
        };
        if wave.started || self.stopped.is_some() || plan.stopped.is_some() {
            return;
        }
        let at = ended.map(|ended| ended.saturating_add(plan.pause)).max(plan.resume_at);
        if let Some(before) = std::mem::replace(&mut plan.resume_at, at.filter(|at| now < *at)) {
            self.timers.remove(before, timer);
        }
        if let Some(at) = plan.resume_at {
            self.timers.set(at, timer);
            return;
        }
        wave.started = true;
        if !std::mem::replace(&mut wave.begun, true) {
            effects.push(Effect::WaveStarted { plan: index, wave: plan.current });
        }
        for queue in wave.queues.clone() {
            self.queues[queue as usize].released = true;
            self.make_ready(queue, None);
        }
    }
}

fn id(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// What the end of an attempt is to its bucket. A 429 closes it until the repeat at least: the others would only be refused
/// meanwhile.
fn call_end(bucket: &Bucket, now: Duration, end: &AttemptEnd) -> CallEnd {
    match end {
        AttemptEnd::Accepted => CallEnd::Taken,
        AttemptEnd::Retry { failure, at, wait, limit } if failure.kind == FailureKind::Throttled => {
            CallEnd::Throttled { opens: bucket.opens_after(now, *wait, *limit).max(*at), limit: *limit }
        }
        AttemptEnd::Failed(failure) | AttemptEnd::Unknown(failure) | AttemptEnd::Retry { failure, .. }
            if failure.status.is_some() =>
        {
            CallEnd::Answered
        }
        _ => CallEnd::Unanswered,
    }
}

/// Whether an answer says that the credential itself is no good, whatever its status (`policy` tells that from a 403 for one
/// project). Source: API signing guide (more than five failed checks lock the key for five minutes).
fn refuses_credential(failure: &Failure) -> bool {
    failure.kind == FailureKind::Credential
}
