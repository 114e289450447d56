//! Random plans, services and sessions, as small values that proptest can shrink.

use std::time::Duration;

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use super::service::{
    Reply, credential_refused, failure, no_answer, refused, throttled, throttled_with_limit, unavailable,
};
use super::world::{Cut, Record, When, World};
use crate::event::{FailureKind, NotAttemptedReason};
use crate::expand::ExecutionPlan;
use crate::model::{Limits, MaxFailures, QuotaScope, RetryLimits};
use crate::resume::Reopen;
use crate::schedule::fixture::{Fixture, ms, nonzero, quota};
use crate::schedule::{AttemptEnd, CallElsewhere, ScheduleOptions};

const REGIONS: [&str; 3] = ["cn-north-4", "eu-west-101", "la-south-2"];
const CREDENTIALS: [&str; 3] = ["default", "emea", "apac"];
const BUDGETS: [Option<&str>; 6] = [None, None, Some("0"), Some("1"), Some("10%"), Some("50%")];
const QUOTAS: [&str; 4] = ["1/1s", "3/2s", "5/10s", "100/1s"];
const SCOPES: [QuotaScope; 4] = [QuotaScope::Address, QuotaScope::Address, QuotaScope::User, QuotaScope::Global];
const TIMEOUTS: [u64; 3] = [500, 5000, 20_000];

/// Choices for one plan; indices into the tables above.
#[derive(Clone, Debug)]
pub(super) struct PlanChoice {
    quota: usize,
    scope: usize,
    timeout: usize,
    concurrency: u32,
    region_concurrency: u32,
    max_attempts: u32,
    pub(super) pause: u64,
    pub(super) deadline: Option<u64>,
    pub(super) budgets: Vec<usize>,
    /// Wave, region, credential of each operation.
    pub(super) operations: Vec<(usize, usize, usize)>,
}

/// The end of a session, and what the next one is told.
#[derive(Clone, Debug)]
pub(super) struct CutChoice {
    pub(super) steps: usize,
    kept: f64,
    sent: bool,
    downtime: u64,
    pub(super) retry_failed: bool,
    pub(super) retry_unknown: bool,
    stop_after: Option<u64>,
}

#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub(super) plans: Vec<PlanChoice>,
    pub(super) max_failures: Option<u32>,
    pub(super) fail_fast: bool,
    pub(super) max_duration: Option<u64>,
    pub(super) stop_at: Option<u64>,
    pub(super) cuts: Vec<CutChoice>,
    /// Of answers, how many are not "accepted", in percent.
    pub(super) trouble: u8,
    /// Of launches, how many the journal can't announce, in percent.
    pub(super) withdrawn: u8,
    pub(super) seed: u64,
}

fn plan_choice() -> impl Strategy<Value = PlanChoice> {
    let limits = (0..QUOTAS.len(), 0..SCOPES.len(), 0..TIMEOUTS.len(), 1u32..6, 1u32..4, 1u32..4);
    let shape = (prop_oneof![Just(0), 1u64..5000], of(1000u64..60_000), vec(0..BUDGETS.len(), 1..4));
    let operations = vec((0usize..4, 0..REGIONS.len(), 0..CREDENTIALS.len()), 0..25);
    (limits, shape, operations).prop_map(|(limits, (pause, deadline, budgets), operations)| PlanChoice {
        quota: limits.0,
        scope: limits.1,
        timeout: limits.2,
        concurrency: limits.3,
        region_concurrency: limits.4,
        max_attempts: limits.5,
        pause,
        deadline,
        budgets,
        operations,
    })
}

fn cut_choice() -> impl Strategy<Value = CutChoice> {
    let end = (0usize..40, 0.0f64..=1.0, any::<bool>());
    let next = (prop_oneof![Just(0), 0u64..30_000], prop::bool::weighted(0.2), prop::bool::weighted(0.2));
    (end, next, of(0u64..20_000)).prop_map(|(end, next, stop_after)| CutChoice {
        steps: end.0,
        kept: end.1,
        sent: end.2,
        downtime: next.0,
        retry_failed: next.1,
        retry_unknown: next.2,
        stop_after,
    })
}

/// Runs of one session.
pub(super) fn choice() -> impl Strategy<Value = Choice> {
    let plans = vec(plan_choice(), 1..4);
    let stops = (of(0u32..5), prop::bool::weighted(0.1), of(1000u64..60_000), of(0u64..20_000));
    let withdrawn = prop_oneof![4 => Just(0u8), 1 => 1u8..20];
    (plans, stops, 0u8..60, withdrawn, any::<u64>()).prop_map(|(plans, stops, trouble, withdrawn, seed)| Choice {
        plans,
        max_failures: stops.0,
        fail_fast: stops.1,
        max_duration: stops.2,
        stop_at: stops.3,
        cuts: Vec::new(),
        trouble,
        withdrawn,
        seed,
    })
}

/// Runs of several sessions.
pub(super) fn cut_run() -> impl Strategy<Value = Choice> {
    (choice(), vec(cut_choice(), 1..5)).prop_map(|(choice, cuts)| Choice { cuts, ..choice })
}

impl Choice {
    pub(super) fn longest_timeout(&self) -> Duration {
        ms(self.plans.iter().map(|plan| TIMEOUTS[plan.timeout]).max().unwrap_or_default())
    }
}

pub(super) fn build(choice: &Choice) -> ExecutionPlan {
    let mut fixture: Option<Fixture> = None;
    for plan in &choice.plans {
        let limits = Limits {
            quota: quota(QUOTAS[plan.quota], SCOPES[plan.scope]),
            concurrency: nonzero(plan.concurrency),
            region_concurrency: nonzero(plan.region_concurrency),
            attempt_timeout: ms(TIMEOUTS[plan.timeout]),
            retry: RetryLimits { max_attempts: nonzero(plan.max_attempts), ..RetryLimits::default() },
        };
        let budgets: Vec<_> = plan.budgets.iter().map(|index| BUDGETS[*index]).collect();
        let fixture = match &mut fixture {
            None => fixture.insert(Fixture::new(limits, &budgets)),
            Some(fixture) => {
                fixture.add_plan(limits, &budgets);
                fixture
            }
        };
        fixture.file().pause = ms(plan.pause);
        if let Some(deadline) = plan.deadline {
            fixture.deadline(ms(deadline));
        }
        for (wave, region, credential) in &plan.operations {
            fixture.operations(1, wave % budgets.len(), REGIONS[*region], CREDENTIALS[*credential]);
        }
    }
    fixture.expect("there is a plan").build()
}

/// What the service does with an attempt: a function of seed, operation and attempt.
fn reply(choice: &Choice, plan: &ExecutionPlan, op: usize, attempt: u32) -> Reply {
    let mut random = fastrand::Rng::with_seed(choice.seed ^ (op as u64) << 20 ^ u64::from(attempt));
    let latency = ms(if random.u8(0..10) == 0 { random.u64(0..20_000) } else { random.u64(0..400) });
    let trouble = random.u8(0..100) < choice.trouble;
    let (which, delay) = (random.u8(0..20), ms(random.u64(0..3000)));
    let withdrawn = random.u8(0..100) < choice.withdrawn;
    Reply {
        latency: latency.min(plan.plans[plan.operations[op].plan].limits.attempt_timeout),
        counted: random.f64(),
        end: Box::new(move |answered| match which {
            _ if withdrawn => AttemptEnd::Withdrawn(NotAttemptedReason::JournalFailed),
            _ if !trouble => AttemptEnd::Accepted,
            0..5 => refused(),
            5 => credential_refused(),
            6..8 => no_answer(),
            8 => AttemptEnd::Unknown(failure(FailureKind::UnclearAnswer, Some(504))),
            9 => throttled_with_limit(answered + delay, "limit:2,time:3 second"),
            10..12 => throttled(answered + delay, None),
            12..15 => throttled(answered, Some(delay)),
            _ => unavailable(answered + delay),
        }),
    }
}

pub(super) fn run(choice: &Choice, plan: &ExecutionPlan) -> Record {
    run_beside(choice, plan, Vec::new())
}

/// With what other runs sent.
pub(super) fn run_beside(choice: &Choice, plan: &ExecutionPlan, elsewhere: Vec<CallElsewhere>) -> Record {
    let options = ScheduleOptions {
        max_failures: choice.max_failures.map(MaxFailures::Count),
        fail_fast: choice.fail_fast,
        max_duration: choice.max_duration.map(ms),
        ignore_deadlines: false,
        most_in_flight: None,
    };
    let cut = |cut: &CutChoice| Cut {
        when: When::Steps(cut.steps),
        kept: cut.kept,
        sent: cut.sent,
        downtime: ms(cut.downtime),
        reopen: Reopen { retry_failed: cut.retry_failed, retry_unknown: cut.retry_unknown },
        stop_after: cut.stop_after.map(ms),
    };
    let cuts: Vec<Cut> = choice.cuts.iter().map(cut).collect();
    World::beside(plan, options, elsewhere)
        .sessions(choice.stop_at.map(ms), &cuts, |op, attempt| reply(choice, plan, op, attempt))
}
