//! From the past of a run to the state that it goes on with: what was spent, what waits, which calls still count.
//!
//! `layout` has left out what has ended; this puts into gates, budgets, timers and buckets what earlier sessions did to them.
//! Credentials begin unproven again: between two sessions a key may have been changed.

use super::layout::Layout;
use super::timer::Timer;
use super::{CallElsewhere, History, PastCall, PastState, Refused, Schedule, ScheduleOptions, Traffic};
use crate::expand::ExecutionPlan;

impl Schedule {
    /// The state of a run that is resumed, before anything happened in this session; [`Schedule::new`] for an empty history.
    ///
    /// Waves, budgets, repeats and quota go on where they were. Deadlines and `max_duration` count from [`super::Input::Start`],
    /// and `fail_fast` looks only at what fails after it. See "Resume" in `docs/run-loop.md`.
    #[must_use]
    pub fn resume(plan: &ExecutionPlan, options: ScheduleOptions, history: &History) -> Self {
        let layout = Layout::new(plan, options, history);
        let shared = layout.elsewhere.iter().zip(&history.elsewhere);
        let mut elsewhere: Vec<(u32, &CallElsewhere)> =
            shared.filter_map(|(bucket, call)| Some(((*bucket)?, call))).collect();
        elsewhere.sort_by_key(|(_, call)| call.counted);
        let mut schedule = Self::laid_out(layout, plan, options);
        for (op, past) in (0u32..).zip(&history.operations).take(plan.operations.len()) {
            schedule.restore_operation(op, &past.state);
        }
        // In the order in which it happened.
        let mut elsewhere = elsewhere.into_iter().peekable();
        for call in &history.calls {
            let at = call.traffic.at();
            while let Some((bucket, other)) = elsewhere.next_if(|(_, other)| at.is_some_and(|at| other.counted < at)) {
                schedule.buckets[bucket as usize].bucket.elsewhere(other.counted, other.closed_until);
            }
            schedule.recall(call);
        }
        for (bucket, other) in elsewhere {
            schedule.buckets[bucket as usize].bucket.elsewhere(other.counted, other.closed_until);
        }
        for (plan, wave) in &history.waves {
            if let Some(wave) = schedule.plans.get_mut(*plan).and_then(|plan| plan.waves.get_mut(*wave)) {
                wave.begun = true;
            }
        }
        for (plan, ends) in schedule.plans.iter_mut().zip(&history.wave_ends) {
            for (wave, end) in plan.waves.iter_mut().zip(ends) {
                wave.past_end = *end;
            }
        }
        schedule
    }

    fn restore_operation(&mut self, op: u32, state: &PastState) {
        let queue = &self.queues[self.ops[op as usize].queue as usize];
        match state {
            PastState::Open | PastState::Ended { spent: false } => return,
            PastState::Ended { spent: true } => {
                self.plans[queue.plan as usize].waves[queue.wave as usize].budget.spent += 1;
                self.run_budget.spent += 1;
            }
            PastState::Waiting { at, failure } => {
                self.refused.insert(op, Refused { at: *at, failure: failure.clone() });
                self.timers.set(*at, Timer::Retry(op));
            }
        }
        for gate in queue.budget_gates {
            self.gates.enter(gate);
        }
    }

    /// What the sessions before did to a bucket, done again.
    fn recall(&mut self, call: &PastCall) {
        let Some(state) = self.ops.get(call.op) else { return };
        let bucket = self.queues[state.queue as usize].bucket;
        let bucket = &mut self.buckets[bucket as usize].bucket;
        match call.traffic {
            Traffic::Launched { at } => bucket.recall_launch(at),
            Traffic::Ended { at, end } => bucket.ended(at, end),
            Traffic::NotSent => bucket.withdrawn(),
            Traffic::Lost { until } => bucket.lost(until),
        }
    }
}
