//! How many requests this process can have in flight: `run` and `resume` forecast with it, and say so where it is the bound.
//!
//! `plan` and `validate` don't ask: what they say is about the plan, and is the same on the machine that reviews it.

use std::num::NonZeroUsize;

use super::Context;
use crate::expand::ExecutionPlan;
use crate::io::open_files::{limit_for, room_for};
use crate::schedule::ScheduleOptions;

/// The largest concurrency of the plans: what one client for all of them has to bear.
pub(super) fn concurrency(plan: &ExecutionPlan) -> usize {
    plan.plans.iter().map(|file| file.limits.concurrency.get() as usize).max().unwrap_or(1)
}

/// These options on this machine.
pub(super) fn here(plan: &ExecutionPlan, options: ScheduleOptions) -> ScheduleOptions {
    ScheduleOptions { most_in_flight: room_for(concurrency(plan)), ..options }
}

/// Says that there is less room than is asked for, if so many calls would need it.
pub(super) fn warn(context: &Context, plan: &ExecutionPlan, calls: usize) {
    let stated = concurrency(plan);
    if let Some(most) = room_for(stated).filter(|most| most.get() < stated.min(calls)) {
        context.console.info(&told(stated, most));
    }
}

fn told(stated: usize, most: NonZeroUsize) -> String {
    let most = if most.get() == 1 { "1 request".to_owned() } else { format!("{most} requests") };
    format!(
        "warning: at most {most} of `limits.concurrency: {stated}` (or --concurrency) can be in flight at a time, since this \
         process may not open more files and connections (`ulimit -Hn`). Nothing fails for it; the run takes longer, and its \
         forecast counts with it. To send faster let the shell, container or service have {} of them, or leave it as it is",
        limit_for(stated)
    )
}
