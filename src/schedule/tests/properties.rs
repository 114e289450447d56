use std::time::Duration;

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use super::world::{Record, Reply, World, credential_refused, failure, no_answer, refused, throttled, unavailable};
use crate::event::{FailureKind, Outcome};
use crate::expand::ExecutionPlan;
use crate::model::{Limits, MaxFailures, QuotaScope, RetryLimits};
use crate::schedule::fixture::{Fixture, ms, nonzero, quota};
use crate::schedule::{AttemptEnd, ScheduleOptions};

const REGIONS: [&str; 3] = ["cn-north-4", "eu-west-101", "la-south-2"];
const CREDENTIALS: [&str; 3] = ["default", "emea", "apac"];
const BUDGETS: [Option<&str>; 6] = [None, None, Some("0"), Some("1"), Some("10%"), Some("50%")];
const QUOTAS: [&str; 4] = ["1/1s", "3/2s", "5/10s", "100/1s"];
const SCOPES: [QuotaScope; 4] = [QuotaScope::Address, QuotaScope::Address, QuotaScope::User, QuotaScope::Global];

/// Choices for one plan; indices into the tables above.
#[derive(Clone, Debug)]
struct PlanChoice {
    quota: usize,
    scope: usize,
    concurrency: u32,
    region_concurrency: u32,
    max_attempts: u32,
    pause: u64,
    deadline: Option<u64>,
    budgets: Vec<usize>,
    /// Wave, region, credential of each operation.
    operations: Vec<(usize, usize, usize)>,
}

#[derive(Clone, Debug)]
struct Choice {
    plans: Vec<PlanChoice>,
    max_failures: Option<u32>,
    fail_fast: bool,
    max_duration: Option<u64>,
    stop_at: Option<u64>,
    /// Of answers, how many are not "accepted", in percent.
    trouble: u8,
    seed: u64,
}

fn plan_choice() -> impl Strategy<Value = PlanChoice> {
    let limits = (0..QUOTAS.len(), 0..SCOPES.len(), 1u32..6, 1u32..4, 1u32..4);
    let shape = (prop_oneof![Just(0), 1u64..5000], of(1000u64..60_000), vec(0..BUDGETS.len(), 1..4));
    let operations = vec((0usize..4, 0..REGIONS.len(), 0..CREDENTIALS.len()), 0..25);
    (limits, shape, operations).prop_map(|(limits, (pause, deadline, budgets), operations)| PlanChoice {
        quota: limits.0,
        scope: limits.1,
        concurrency: limits.2,
        region_concurrency: limits.3,
        max_attempts: limits.4,
        pause,
        deadline,
        budgets,
        operations,
    })
}

fn choice() -> impl Strategy<Value = Choice> {
    let plans = vec(plan_choice(), 1..4);
    let stops = (of(0u32..5), prop::bool::weighted(0.1), of(1000u64..60_000), of(0u64..20_000));
    (plans, stops, 0u8..60, any::<u64>()).prop_map(|(plans, stops, trouble, seed)| Choice {
        plans,
        max_failures: stops.0,
        fail_fast: stops.1,
        max_duration: stops.2,
        stop_at: stops.3,
        trouble,
        seed,
    })
}

fn build(choice: &Choice) -> ExecutionPlan {
    let mut fixture: Option<Fixture> = None;
    for plan in &choice.plans {
        let limits = Limits {
            quota: quota(QUOTAS[plan.quota], SCOPES[plan.scope]),
            concurrency: nonzero(plan.concurrency),
            region_concurrency: nonzero(plan.region_concurrency),
            retry: RetryLimits { max_attempts: nonzero(plan.max_attempts), ..RetryLimits::default() },
            ..Limits::default()
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
fn reply(choice: &Choice, op: usize, attempt: u32) -> Reply {
    let mut random = fastrand::Rng::with_seed(choice.seed ^ (op as u64) << 20 ^ u64::from(attempt));
    let latency = ms(if random.u8(0..10) == 0 { random.u64(0..20_000) } else { random.u64(0..400) });
    let trouble = random.u8(0..100) < choice.trouble;
    let (which, delay) = (random.u8(0..20), ms(random.u64(0..3000)));
    Reply {
        latency,
        counted: random.f64(),
        end: Box::new(move |answered| match which {
            _ if !trouble => AttemptEnd::Accepted,
            0..5 => refused(),
            5 => credential_refused(),
            6..8 => no_answer(),
            8 => AttemptEnd::Unknown(failure(FailureKind::UnclearAnswer, Some(504))),
            9..12 => throttled(answered + delay, None),
            12..15 => throttled(answered, Some(delay)),
            _ => unavailable(answered + delay),
        }),
    }
}

fn run(choice: &Choice, plan: &ExecutionPlan) -> Record {
    let options = ScheduleOptions {
        max_failures: choice.max_failures.map(MaxFailures::Count),
        fail_fast: choice.fail_fast,
        max_duration: choice.max_duration.map(ms),
        ignore_deadlines: false,
    };
    World::new(plan, options).run(choice.stop_at.map(ms), |op, attempt| reply(choice, op, attempt))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// The laws themselves are asserted in `world`, at each effect.
    #[test]
    fn every_law_holds_at_every_step(choice in choice()) {
        let plan = build(&choice);
        let record = run(&choice, &plan);
        for call in &record.calls {
            let earlier = reply(&choice, call.op, call.attempt.max(2) - 1);
            if call.attempt > 1 {
                let repeatable = matches!((earlier.end)(Duration::ZERO), AttemptEnd::Retry { .. });
                prop_assert!(repeatable, "{} was repeated after an answer that forbids it", call.op);
            }
        }
    }

    #[test]
    fn the_same_run_looks_the_same_twice(choice in choice()) {
        let plan = build(&choice);
        prop_assert_eq!(run(&choice, &plan).effects, run(&choice, &plan).effects);
    }

    /// Without trouble, deadline or stop, everything is accepted at the first attempt, and alike operations in plan order.
    #[test]
    fn a_quiet_run_accepts_everything_in_plan_order(choice in choice()) {
        let mut choice = Choice { trouble: 0, stop_at: None, max_duration: None, ..choice };
        for plan in &mut choice.plans {
            plan.deadline = None;
        }
        let plan = build(&choice);
        let record = run(&choice, &plan);
        prop_assert!(record.outcomes.values().all(|(_, outcome)| *outcome == Outcome::Accepted));
        prop_assert_eq!(record.calls.len(), plan.operations.len());
        let alike = |a: usize, b: usize| {
            let (a, b) = (&plan.operations[a], &plan.operations[b]);
            (a.plan, a.wave, &a.target) == (b.plan, b.wave, &b.target)
        };
        for (index, call) in record.calls.iter().enumerate() {
            let overtaken = record.calls[index + 1..].iter().find(|later| later.op < call.op && alike(later.op, call.op));
            prop_assert!(overtaken.is_none(), "{} was sent before an earlier one like it", call.op);
        }
    }
}
