use super::service::{
    Reply, credential_refused, failure, in_100_ms, no_answer, refused, throttled, throttled_with_limit, unavailable,
};
use super::world::{Record, World};
use crate::event::{Failure, FailureKind, NotAttemptedReason, Outcome};
use crate::expand::ExecutionPlan;
use crate::model::{Limits, MaxFailures, QuotaScope, RetryLimits};
use crate::schedule::fixture::{Fixture, ms, nonzero, quota};
use crate::schedule::{AttemptEnd, Effect, Input, Schedule, ScheduleOptions, WaitFor};

fn limits(quota_text: &str) -> Limits {
    Limits { quota: quota(quota_text, QuotaScope::Address), ..Limits::default() }
}

/// Every attempt takes 100 ms; `end` says how (operation, attempt) ends, and when an answer comes.
fn run(
    plan: &ExecutionPlan,
    options: ScheduleOptions,
    end: fn(usize, u32, std::time::Duration) -> AttemptEnd,
) -> Record {
    World::new(plan, options).run(None, |op, attempt| in_100_ms(move |answered| end(op, attempt, answered)))
}

/// Why a failed operation was not repeated although it had attempts left.
fn given_up(record: &Record, op: usize) -> Option<NotAttemptedReason> {
    match &record.outcomes[&op].1 {
        Outcome::Failed(failure) => failure.given_up.clone(),
        other => panic!("{other:?}"),
    }
}

/// The edge table of `docs/run-loop.md`: operations, budget, which fail, outcomes in order (`a`ccepted, `f`ailed, `n`ot attempted).
#[test]
fn budgets_stop_exactly_when_one_more_failed_than_they_allow() {
    for (count, budget, failing, arithmetic, outcomes) in [
        (4, "0", &[][..], "0 of 4", "aaaa"),
        (4, "0", &[1], "0 of 4", "afnn"),
        (4, "1", &[0], "1 of 4", "faaa"),
        (4, "1", &[0, 1], "1 of 4", "ffnn"),
        (1, "10%", &[0], "10 % of 1 = 0", "f"),
        (9, "10%", &[3], "10 % of 9 = 0", "aaafnnnnn"),
        (10, "10%", &[3], "10 % of 10 = 1", "aaafaaaaaa"),
        (10, "10%", &[3, 4], "10 % of 10 = 1", "aaaffnnnnn"),
        (11, "10%", &[0, 10], "10 % of 11 = 1", "faaaaaaaaaf"),
        (3, "100%", &[0, 1, 2], "100 % of 3 = 3", "fff"),
        (3, "9", &[0, 1, 2], "9 of 3", "fff"),
    ] {
        let mut fixture = Fixture::new(limits("100/1s"), &[Some(budget)]);
        fixture.operations(count, 0, "cn-north-4", "default");
        let plan = fixture.build();
        let stated = plan.plans[0].waves[0].budget.expect("it has one");
        assert_eq!(stated.to_string(), arithmetic);
        let failing = failing.to_vec();
        let record = World::new(&plan, ScheduleOptions::default()).run(None, |op, _| {
            let fails = failing.contains(&op);
            in_100_ms(move |_| if fails { refused() } else { AttemptEnd::Accepted })
        });
        let letters: String = record.words().iter().map(|word| &word[..1]).collect();
        assert_eq!(letters, outcomes, "{budget} with failures at {failing:?}");
    }
}

#[test]
fn waves_come_in_order_with_the_pause_between() {
    let mut fixture = Fixture::new(limits("100/1s"), &[None, None, None]);
    fixture.file().pause = ms(5000);
    fixture.operations(2, 0, "cn-north-4", "default");
    fixture.operations(1, 2, "cn-north-4", "default"); // wave 1 is empty and costs no pause
    let record = run(&fixture.build(), ScheduleOptions::default(), |_, _, _| AttemptEnd::Accepted);
    // The first call goes alone until the credential is known to be good; the wave ends at 200 ms.
    assert_eq!(record.sent(), [(0, 0), (1, 100), (2, 5200)]);
    let pause = Effect::WaitUntil { at: ms(5200), what: WaitFor::Pause { plan: 0 } };
    assert!(record.effects.contains(&(ms(200), pause)));
}

#[test]
fn the_budget_of_one_plan_is_not_the_other_plans() {
    let mut fixture = Fixture::new(limits("100/1s"), &[Some("0"), None]);
    fixture.operations(2, 0, "cn-north-4", "default");
    fixture.operations(1, 1, "cn-north-4", "default");
    fixture.add_plan(limits("100/1s"), &[None]);
    fixture.operations(2, 0, "eu-west-101", "default");
    let end = |op: usize, _, _| if op == 0 { refused() } else { AttemptEnd::Accepted };
    let record = run(&fixture.build(), ScheduleOptions::default(), end);
    assert_eq!(record.words(), ["failed", "not_attempted", "not_attempted", "accepted", "accepted"]);
    let stopping = record.effects.iter().any(|(_, effect)| matches!(effect, Effect::Stopping { .. }));
    assert!(!stopping, "the run as a whole goes on");
}

#[test]
fn the_budget_of_the_run_and_fail_fast_stop_every_plan() {
    let mut fixture = Fixture::new(limits("100/1s"), &[None]);
    fixture.operations(3, 0, "cn-north-4", "default");
    fixture.add_plan(limits("100/1s"), &[None]);
    fixture.operations(3, 0, "eu-west-101", "default");
    let plan = fixture.build();
    let end = |op: usize, _, _| if op == 0 { refused() } else { AttemptEnd::Accepted };
    let budget = ScheduleOptions { max_failures: Some(MaxFailures::Count(0)), ..ScheduleOptions::default() };
    for options in [budget, ScheduleOptions { fail_fast: true, ..ScheduleOptions::default() }] {
        let record = run(&plan, options, end);
        let left = Outcome::NotAttempted(NotAttemptedReason::BudgetSpent(MaxFailures::Count(0).of(6)));
        assert_eq!(record.calls.len(), 1);
        assert!(record.outcomes.values().skip(1).all(|(_, outcome)| *outcome == left));
    }
}

#[test]
fn a_429_stops_its_whole_bucket_and_no_other() {
    let mut fixture = Fixture::new(limits("3/2s"), &[None]);
    fixture.operations(3, 0, "cn-north-4", "default");
    fixture.operations(2, 0, "eu-west-101", "default");
    let end = |op: usize, attempt, at| {
        if (op, attempt) == (1, 1) { throttled(at, Some(ms(7000))) } else { AttemptEnd::Accepted }
    };
    let record = run(&fixture.build(), ScheduleOptions::default(), end);
    // 1 is refused at 200 ms. 2 went together with it, so nothing of cn-north-4 is left but the repeat, at 7200 ms.
    assert_eq!(record.sent(), [(0, 0), (1, 100), (2, 100), (3, 100), (4, 100), (1, 7200)]);
}

#[test]
fn a_limit_that_a_429_states_holds_from_then_on() {
    let mut fixture = Fixture::new(limits("100/1s"), &[None]);
    fixture.operations(4, 0, "cn-north-4", "default");
    let end = |op: usize, attempt, at| match (op, attempt) {
        (0, 1) => throttled_with_limit(at, "limit:1,time:5 second"),
        _ => AttemptEnd::Accepted,
    };
    let record = run(&fixture.build(), ScheduleOptions::default(), end);
    // Answered at 100 ms, one call in five seconds: 5100 ms, and again five seconds after each answer.
    assert_eq!(record.sent(), [(0, 0), (0, 5100), (1, 10_200), (2, 15_300), (3, 20_400)]);
}

#[test]
fn repeats_go_before_new_operations_and_end_as_their_failure() {
    let limits = Limits {
        quota: quota("1/1s", QuotaScope::Address),
        retry: RetryLimits { max_attempts: nonzero(2), ..RetryLimits::default() },
        ..Limits::default()
    };
    let end = |op: usize, _, at| if op == 1 { unavailable(at) } else { AttemptEnd::Accepted };
    let record = run(&Fixture::simple(limits, 3), ScheduleOptions::default(), end);
    assert_eq!(record.sent(), [(0, 0), (1, 1100), (1, 2200), (2, 3300)]);
    assert_eq!(record.outcomes[&1].1, Outcome::Failed(failure(FailureKind::Unavailable, Some(503))));
}

#[test]
fn a_repeat_that_would_come_after_the_deadline_ends_at_once() {
    let mut fixture = Fixture::new(limits("100/1s"), &[None]);
    fixture.deadline(ms(1000));
    fixture.operations(3, 0, "cn-north-4", "default");
    let record = World::new(&fixture.build(), ScheduleOptions::default()).run(None, |op, _| Reply {
        latency: ms(if op == 2 { 700 } else { 100 }),
        counted: 0.5,
        end: Box::new(move |at| if op == 1 { unavailable(at + ms(800)) } else { AttemptEnd::Accepted }),
    });
    // 1 is refused at 200 ms and may be repeated at 1000 ms, too late; 2 is in flight until 800 ms.
    assert_eq!(record.words(), ["accepted", "failed", "accepted"]);
    assert_eq!(given_up(&record, 1), Some(NotAttemptedReason::DeadlinePassed));
    assert_eq!((record.outcomes[&1].0, record.end), (ms(200), ms(800)));
}

#[test]
fn a_deadline_by_which_nothing_can_start_any_more_is_not_waited_for() {
    let mut fixture = Fixture::new(limits("1/1m"), &[None]);
    fixture.deadline(ms(50_000));
    fixture.operations(2, 0, "cn-north-4", "default");
    let record = run(&fixture.build(), ScheduleOptions::default(), |_, _, _| AttemptEnd::Accepted);
    assert_eq!((record.words(), record.end), (vec!["accepted", "not_attempted"], ms(100)));
    assert_eq!(record.outcomes[&1].1, Outcome::NotAttempted(NotAttemptedReason::DeadlinePassed));
}

#[test]
fn a_refused_credential_costs_one_call_and_only_its_own_operations() {
    let mut fixture = Fixture::new(limits("100/1s"), &[None]);
    fixture.operations(3, 0, "cn-north-4", "default");
    fixture.operations(2, 0, "cn-north-4", "emea");
    let end = |op: usize, _, _| if op < 3 { credential_refused() } else { AttemptEnd::Accepted };
    let record = run(&fixture.build(), ScheduleOptions::default(), end);
    assert_eq!(record.sent(), [(0, 0), (3, 0), (4, 100)]);
    assert_eq!(record.words(), ["failed", "not_attempted", "not_attempted", "accepted", "accepted"]);
    assert_eq!(record.outcomes[&2].1, Outcome::NotAttempted(NotAttemptedReason::CredentialRefused));
}

/// Sites differ in the statuses that they send with the gateway's codes: a stale token may come as 401 or 403.
#[test]
fn a_caller_that_is_refused_as_such_costs_one_call_whatever_the_status() {
    for (status, code) in [(401, None), (403, Some("APIGW.0303")), (400, Some("APIG.0301")), (404, Some("APIGW.0307"))]
    {
        let refusal = Failure { code: code.map(str::to_owned), ..failure(FailureKind::Credential, Some(status)) };
        let plan = Fixture::simple(limits("100/1s"), 4);
        let record = World::new(&plan, ScheduleOptions::default()).run(None, |_, _| {
            let refusal = refusal.clone();
            in_100_ms(move |_| AttemptEnd::Failed(refusal))
        });
        assert_eq!(record.words(), ["failed", "not_attempted", "not_attempted", "not_attempted"], "{status} {code:?}");
    }
}

#[test]
fn an_answer_that_never_came_does_not_prove_a_credential() {
    let plan = Fixture::simple(limits("100/1s"), 4);
    let record = run(&plan, ScheduleOptions::default(), |op, _, _| match op {
        0 => no_answer(),
        _ => AttemptEnd::Accepted,
    });
    assert_eq!(record.sent(), [(0, 0), (1, 100), (2, 200), (3, 200)]);
}

#[test]
fn an_interrupt_ends_a_waiting_repeat_as_its_failure() {
    let plan = Fixture::simple(limits("100/1s"), 3);
    let record = World::new(&plan, ScheduleOptions::default()).run(Some(ms(150)), |op, _| {
        in_100_ms(move |at| if op == 0 { unavailable(at + ms(9000)) } else { AttemptEnd::Accepted })
    });
    assert_eq!(record.words(), ["failed", "accepted", "not_attempted"]);
    assert_eq!(given_up(&record, 0), Some(NotAttemptedReason::Interrupted));
    assert_eq!(record.end, ms(200), "what is in flight lands");
}

#[test]
fn scopes_say_what_shares_a_bucket_and_the_widest_of_a_batch_holds() {
    for (scopes, sent) in [
        ([QuotaScope::User, QuotaScope::User], [(0, 0), (1, 0), (2, 0)]),
        ([QuotaScope::User, QuotaScope::Address], [(0, 0), (2, 0), (1, 1100)]),
        ([QuotaScope::Global, QuotaScope::User], [(0, 0), (1, 1100), (2, 2200)]),
    ] {
        let limits = |scope| Limits { quota: quota("1/1s", scope), ..Limits::default() };
        let mut fixture = Fixture::new(limits(scopes[0]), &[None]);
        fixture.operations(1, 0, "cn-north-4", "default");
        fixture.add_plan(limits(scopes[1]), &[None]);
        fixture.operations(1, 0, "cn-north-4", "emea");
        fixture.operations(1, 0, "eu-west-101", "apac");
        let record = run(&fixture.build(), ScheduleOptions::default(), |_, _, _| AttemptEnd::Accepted);
        assert_eq!(record.sent(), sent, "{scopes:?}");
    }
}

#[test]
fn a_budget_that_is_nearly_used_up_says_that_it_holds_launches_back() {
    let mut fixture = Fixture::new(limits("100/1s"), &[Some("2")]);
    fixture.operations(6, 0, "cn-north-4", "default");
    let plan = fixture.build();
    let mut schedule = Schedule::new(&plan, ScheduleOptions::default());
    let mut effects = Vec::new();
    let mut step = |at, input| {
        schedule.step(ms(at), input, &mut effects);
        schedule.snapshot().held.map(|held| (held.spent, held.budget.to_string(), schedule.snapshot().in_flight))
    };
    let held = |spent, in_flight| Some((spent, "2 of 6".to_owned(), in_flight));
    assert_eq!(step(0, Input::Start), None, "the first goes alone for its credential");
    assert_eq!(step(10, Input::AttemptEnded { op: 0, end: refused() }), held(1, 2));
    assert_eq!(step(20, Input::AttemptEnded { op: 1, end: AttemptEnd::Accepted }), held(1, 2));
    assert_eq!(step(30, Input::AttemptEnded { op: 2, end: refused() }), held(2, 1), "one at a time");
    assert_eq!(step(40, Input::AttemptEnded { op: 3, end: refused() }), None, "nothing is left");
}
