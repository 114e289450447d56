use super::{closing, failure_line, left_open_line};
use crate::event::{FailureKind, NotAttemptedReason, Outcome};
use crate::model::MaxFailures;
use crate::report::fixture::{SMALL, failed, failure, found, left, planned, ran, task_ended, unclear};

fn text(outcomes: Vec<Outcome>, width: usize) -> String {
    let (plan, sources) = planned(&[("plans/fleet.yaml", SMALL)]);
    closing(&plan, &sources, &ran(outcomes), width)
}

fn denied() -> Outcome {
    failed(FailureKind::Refused, Some("HSS.0999"), "not enough permission")
}

#[test]
fn a_good_run_is_one_line() {
    assert_eq!(text(vec![Outcome::Accepted; 3], 80), "3 accepted of 3 in 4.2 s (forecast 3 s), 3 calls, 0 throttled\n");
}

#[test]
fn each_cause_has_its_count_places_and_next_step() {
    let outcomes = vec![
        denied(),
        failed(FailureKind::NotSent, None, "connection refused"),
        failed(FailureKind::Unavailable, None, "HTTP 503"),
    ];
    assert_eq!(
        text(outcomes, 100),
        "\
0 accepted, 3 failed of 3 in 4.2 s (forecast 3 s), 3 calls, 0 throttled

1 × HSS.0999 not enough permission  payments / cn-north-4
    plans/fleet.yaml:6: The service's message says why; the report has the request and the id of the
    answer.
1 × no connection (connection refused)  search / eu-west-101
    plans/fleet.yaml:7: Nothing was sent: check the endpoint, the proxy and the network of this
    machine.
1 × HTTP 503  billing / cn-north-4
    plans/fleet.yaml:8: The service was not available; run it again later.
"
    );
}

#[test]
fn a_spent_budget_says_what_was_left() {
    let spent = || left(NotAttemptedReason::BudgetSpent(MaxFailures::parse("0").expect("a budget").of(3)));
    assert_eq!(
        text(vec![denied(), spent(), spent()], 100),
        "\
0 accepted, 1 failed, 2 not attempted of 3 in 4.2 s (forecast 3 s for all), 1 call, 0 throttled

1 × HSS.0999 not enough permission  payments / cn-north-4
    plans/fleet.yaml:6: The service's message says why; the report has the request and the id of the
    answer.
2 × not attempted: the failure budget is spent (0 of 3)  search / eu-west-101, billing / cn-north-4
"
    );
}

#[test]
fn what_is_unknown_says_how_to_find_out() {
    let unknown = |message| Outcome::Unknown(failure(FailureKind::NoAnswer, None, message));
    let outcomes =
        vec![unknown("no answer after sending (timeout 75 s)"), Outcome::Accepted, unknown("connection reset")];
    assert_eq!(
        text(outcomes, 100),
        "\
1 accepted, 2 unknown of 3 in 4.2 s (forecast 3 s), 3 calls, 0 throttled

1 × unknown, no answer after sending (timeout 75 s)  payments / cn-north-4
    plans/fleet.yaml:6: Whether it was accepted is not known: look at the synchronisation tasks of
    this project in the HSS console before you send it again.
1 × unknown, no answer after sending (connection reset)  billing / cn-north-4
    plans/fleet.yaml:8: Whether it was accepted is not known: look at the synchronisation tasks of
    this project in the HSS console before you send it again.
"
    );
}

#[test]
fn nothing_is_wider_than_the_terminal() {
    let long = failed(FailureKind::Refused, Some("HSS.0999"), "the registry 镜像仓 is not one of this project");
    assert_eq!(
        text(vec![long.clone(), long, Outcome::Accepted], 40),
        "\
1 accepted, 2 failed of 3 in 4.2 s
  (forecast 3 s), 3 calls, 0 throttled

2 × HSS.0999 the registry 镜像仓 is not
    one of this project
    payments / cn-north-4,
    search / eu-west-101
    plans/fleet.yaml:6: The service's
    message says why; the report has the
    request and the id of the answer.
"
    );
}

#[test]
fn many_places_and_many_causes_are_counted() {
    let mut many = String::from(
        "version: 1\nname: many\nregistry_sets: { all: { sync_all_registries: true } }\n\
         defaults: { registry_sets: [all] }\nprojects:\n",
    );
    for index in 0..15 {
        many.push_str(&format!("  - {{ name: p{index}, project_id: id{index}, regions: [cn-north-4] }}\n"));
    }
    let (plan, sources) = planned(&[("many.yaml", &many)]);
    // Four refusals of one kind, and eleven that have nothing in common.
    let outcomes = (0..15u8)
        .map(|index| {
            let letter = char::from(b'a' + index);
            if index < 4 { denied() } else { failed(FailureKind::Refused, None, &format!("reason {letter}")) }
        })
        .collect();
    let text = closing(&plan, &sources, &ran(outcomes), 120);
    let line = |index: usize| text.lines().nth(index).unwrap_or_default();
    assert_eq!(
        line(2),
        "4 × HSS.0999 not enough permission  p0 / cn-north-4, p1 / cn-north-4, p2 / cn-north-4, and 1 more"
    );
    assert_eq!(line(4), "1 × reason e  p4 / cn-north-4");
    assert_eq!(text.lines().last(), Some("and 2 more causes, in the report"));
}

#[test]
fn a_place_with_several_requests_is_named_once() {
    let twice = "\
version: 1
name: twice
registry_sets:
  harbor: { registries: [{ registry_id: abc, registry_type: Harbor }] }
  swr: { registries: [{ registry_id: def, registry_type: SwrShared }] }
projects:
  - { name: payments, project_id: id, regions: [cn-north-4], registry_sets: [harbor, swr], requests: per-set }
";
    let (plan, sources) = planned(&[("twice.yaml", twice)]);
    let text = closing(&plan, &sources, &ran(vec![denied(), denied()]), 100);
    assert_eq!(text.lines().nth(2), Some("2 × HSS.0999 not enough permission  payments / cn-north-4"));
}

#[test]
fn what_the_service_says_is_shortened_and_cannot_steer_the_terminal() {
    let text = text(vec![failed(FailureKind::Refused, None, &format!("\u{1b}[2J{}", "x".repeat(400))); 3], 80);
    assert!(text.contains("3 × \\u{1b}[2Jxxx"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
    // 300 characters, four of them the escape sequence.
    assert_eq!(text.chars().filter(|c| *c == 'x').count(), 296, "{text}");
    assert!(text.contains("x…"), "{text}");
}

#[test]
fn a_failure_while_the_run_goes_on_is_one_line() {
    let (plan, _) = planned(&[("plans/fleet.yaml", SMALL)]);
    assert_eq!(failure_line(&plan, 0, &denied()), "payments / cn-north-4: HSS.0999 not enough permission");
    let unknown = Outcome::Unknown(failure(FailureKind::UnclearAnswer, None, "HTTP 504\nwithout a body"));
    assert_eq!(failure_line(&plan, 1, &unknown), "search / eu-west-101: unknown, HTTP 504\\nwithout a body");
}

#[test]
fn a_failure_that_was_not_repeated_says_why() {
    let given_up = Some(NotAttemptedReason::Interrupted);
    let stopped =
        Outcome::Failed(crate::event::Failure { given_up, ..failure(FailureKind::Unavailable, None, "HTTP 503") });
    let exhausted = failed(FailureKind::Unavailable, None, "HTTP 503");
    assert_eq!(
        text(vec![stopped, exhausted, Outcome::Accepted], 100),
        "\
1 accepted, 2 failed of 3 in 4.2 s (forecast 3 s), 3 calls, 0 throttled

1 × HTTP 503 (not repeated: the run was interrupted)  payments / cn-north-4
    plans/fleet.yaml:6: The service was not available; run it again later.
1 × HTTP 503  search / eu-west-101
    plans/fleet.yaml:7: The service was not available; run it again later.
"
    );
}

#[test]
fn a_resumed_run_says_in_how_many_sessions_it_took_its_time() {
    let (plan, sources) = planned(&[("plans/fleet.yaml", SMALL)]);
    let mut summary = ran(vec![Outcome::Accepted; 3]);
    summary.resumed = 1;
    assert_eq!(
        closing(&plan, &sources, &summary, 90),
        "3 accepted of 3 in 4.2 s over 2 sessions (forecast 3 s), 3 calls, 0 throttled\n"
    );
    // What belongs together is not torn apart at the edge.
    assert_eq!(
        closing(&plan, &sources, &summary, 67),
        "3 accepted of 3 in 4.2 s over 2 sessions (forecast 3 s), 3 calls,\n  0 throttled\n"
    );
}

/// A run that followed its tasks: one was confirmed, one failed, the end of one was not seen.
#[test]
fn tasks_that_failed_have_their_cause_and_those_left_open_say_what_now() {
    let (plan, sources) = planned(&[("plans/fleet.yaml", SMALL)]);
    let mut summary = ran(vec![Outcome::Accepted; 3]);
    let said =
        "its task 7c1f2a90-0002-4f5a failed for 1 of 2 registries: prod-harbor (5f9f0c8e-1111: REQUEST_API_ERROR)";
    for event in [
        found(0, "7c1f2a90-0001-4f5a"),
        found(1, "7c1f2a90-0002-4f5a"),
        task_ended(0, Outcome::Confirmed),
        task_ended(1, failed(FailureKind::TaskFailed, None, said)),
        unclear(2, "several tasks fit it: 7c1f2a90-0003-4f5a, 7c1f2a90-0004-4f5a"),
    ] {
        summary.apply(&event);
    }
    assert_eq!(
        closing(&plan, &sources, &summary, 100),
        "\
1 accepted, 1 confirmed, 1 failed of 3 in 4.2 s (forecast 3 s without the tasks), 3 calls,
  0 throttled

1 × its task 7c1f2a90-0002-4f5a failed for 1 of 2 registries: prod-harbor (5f9f0c8e-1111:
    REQUEST_API_ERROR)
    search / eu-west-101
    plans/fleet.yaml:7: The service took the request and could not carry it out: see the registry in
    the HSS console (its address, its account, its network).

1 × not confirmed, several tasks fit it: 7c1f2a90-0003-4f5a, 7c1f2a90-0004-4f5a
    billing / cn-north-4
    A resume looks again; the synchronisation tasks of these projects are also in the HSS console.
"
    );
    let narrow = closing(&plan, &sources, &summary, 40);
    assert!(narrow.lines().all(|line| unicode_width::UnicodeWidthStr::width(line) <= 40), "{narrow}");
}

#[test]
fn tasks_that_failed_alike_are_one_cause() {
    let (plan, sources) = planned(&[("plans/fleet.yaml", SMALL)]);
    let mut summary = ran(vec![Outcome::Accepted; 3]);
    for op in 0..3 {
        let said =
            format!("its task 7c1f2a90-000{op}-4f5a failed for 1 of {op} registries: prod-harbor (REQUEST_API_ERROR)");
        summary.apply(&found(op, "a"));
        summary.apply(&task_ended(op, failed(FailureKind::TaskFailed, None, &said)));
    }
    let text = closing(&plan, &sources, &summary, 140);
    assert_eq!(
        text.lines().skip(2).take(2).collect::<Vec<_>>(),
        [
            "3 × its task … failed for # of # registries: prod-harbor (REQUEST_API_ERROR)",
            "    payments / cn-north-4, search / eu-west-101, billing / cn-north-4",
        ]
    );
    assert!(text.starts_with("0 accepted, 3 failed of 3 in "), "{text}");
}

#[test]
fn what_a_look_could_not_find_stays_unknown_and_says_why() {
    let (plan, sources) = planned(&[("plans/fleet.yaml", SMALL)]);
    let unknown = || Outcome::Unknown(failure(FailureKind::NoAnswer, None, "no answer after sending (timeout 75 s)"));
    let mut summary = ran(vec![unknown(), unknown(), Outcome::Accepted]);
    summary.apply(&found(0, "a"));
    summary.apply(&task_ended(0, Outcome::Confirmed));
    summary.apply(&unclear(1, "no task that fits \u{1b}[2J is listed (yet)"));
    assert_eq!(
        closing(&plan, &sources, &summary, 100),
        "\
1 accepted, 1 confirmed, 1 unknown of 3 in 4.2 s (forecast 3 s without the tasks), 3 calls,
  0 throttled

1 × unknown, no answer after sending (timeout 75 s)  search / eu-west-101
    plans/fleet.yaml:7: Whether it was accepted is not known: look at the synchronisation tasks of
    this project in the HSS console before you send it again.

1 × still unknown, no task that fits \\u{1b}[2J is listed (yet)  search / eu-west-101
    A resume looks again; the synchronisation tasks of these projects are also in the HSS console.
"
    );
    let line = left_open_line(&plan, 2, &Outcome::Accepted, &format!("{}\u{1b}", "x".repeat(400)));
    assert_eq!(line, format!("billing / cn-north-4: not confirmed, {}…", "x".repeat(300)));
}
