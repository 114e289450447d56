//! A story with every kind of event, and what is written of it.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::event::{AttemptRecord, Failure, FailureKind, NotAttemptedReason, Outcome};
use crate::exit::ExitStatus;
use crate::model::{MaxFailures, RunId, TaskId};
use crate::report::fixture::{SMALL, failure, hostile, planned};
use crate::report::json::RunFacts;
use crate::report::{EVENT_SCHEMA, Format, RunReport, write_report};
use crate::source::Sources;

const FACTS: EventFacts = EventFacts { simulated: true, shard: None };

fn ms(at: u64) -> Duration {
    Duration::from_millis(at)
}

fn record(started: u64, failure: Option<&Failure>) -> AttemptRecord {
    AttemptRecord {
        started: ms(started),
        duration: ms(12),
        status: failure.map_or(Some(200), |failure| failure.status),
        error_code: failure.and_then(|failure| failure.code.clone()),
        error_message: failure.map(|failure| failure.message.clone()),
        request_id: Some("d8e9".to_owned()),
        throttled: failure.is_some_and(|failure| failure.kind == FailureKind::Throttled),
        kind: failure.map(|failure| failure.kind),
    }
}

/// Three operations in two sessions: one whose task is followed to its end, one that is repeated and then unknown and found, and
/// one that is opened again.
fn story(said: &str) -> Vec<RunEvent> {
    let start = |op, attempt, at| RunEvent::AttemptStarted { op, attempt, at: ms(at) };
    let end = |op, attempt, at, failure: Option<&Failure>| RunEvent::AttemptEnded {
        op,
        attempt,
        at: ms(at),
        record: record(at - 12, failure),
        retry_at: None,
        closed_until: None,
    };
    let outcome = |op, at, outcome| RunEvent::OperationEnded { op, at: ms(at), outcome };
    let found = |op, at, task| RunEvent::TaskFound {
        op,
        at: ms(at),
        task: TaskId::parse(task).expect("a legal id"),
        early: false,
    };
    let (throttled, lost) =
        (failure(FailureKind::Throttled, Some("APIGW.0308"), said), failure(FailureKind::NoAnswer, None, said));
    let stop = NotAttemptedReason::BudgetSpent(MaxFailures::Count(0).of(3));
    vec![
        RunEvent::RunStarted {
            run: RunId::parse("20261124-080000-7f3a").expect("a legal id"),
            started_at: "2026-11-24T08:00:00Z".parse().expect("a time"),
            planned: 3,
            forecast: ms(3000),
        },
        RunEvent::WaveStarted { plan: 0, wave: 0, at: ms(0) },
        start(0, 1, 1),
        end(0, 1, 13, None),
        outcome(0, 13, Outcome::Accepted),
        start(1, 1, 20),
        RunEvent::AttemptEnded {
            op: 1,
            attempt: 1,
            at: ms(40),
            record: record(20, Some(&throttled)),
            retry_at: Some(ms(1500)),
            closed_until: None,
        },
        start(2, 1, 50),
        RunEvent::Stopping { at: ms(60), reason: stop.clone() },
        RunEvent::AttemptWithdrawn { op: 2, attempt: 1, at: ms(60) },
        outcome(2, 60, Outcome::NotAttempted(stop)),
        start(1, 2, 1500),
        end(1, 2, 1600, Some(&lost)),
        outcome(1, 1600, Outcome::Unknown(lost)),
        RunEvent::TaskUnclear { op: 1, at: ms(1700), why: said.to_owned() },
        RunEvent::RunEnded { at: ms(1800) },
        RunEvent::RunResumed {
            at: ms(60_000),
            resumed_at: "2026-11-24T08:01:00.5Z".parse().expect("a time"),
            forecast: ms(700),
        },
        RunEvent::OperationReopened { op: 2, at: ms(60_000) },
        found(1, 60_001, "7c1f-1"),
        start(2, 1, 60_100),
        end(2, 1, 60_200, Some(&failure(FailureKind::Refused, Some("HSS.0999"), said))),
        outcome(2, 60_200, Outcome::Failed(failure(FailureKind::Refused, Some("HSS.0999"), said))),
        found(0, 60_300, "7c1f-0"),
        RunEvent::TaskProgressed { op: 0, at: ms(60_400), percent: 45 },
        RunEvent::TaskEnded { op: 0, at: ms(60_500), outcome: Outcome::Confirmed },
        RunEvent::TaskUnclear { op: 1, at: ms(60_600), why: said.to_owned() },
        RunEvent::RunEnded { at: ms(60_700) },
    ]
}

fn text(plan: &ExecutionPlan, events: &[RunEvent]) -> String {
    let mut out = Vec::new();
    write_events(&mut out, plan, FACTS, events).expect("memory");
    String::from_utf8(out).expect("text")
}

fn lines(plan: &ExecutionPlan, events: &[RunEvent]) -> Vec<Value> {
    text(plan, events).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The report in another form, of the same end.
fn json_report(plan: &ExecutionPlan, sources: &Sources, events: &[RunEvent]) -> Value {
    let mut summary = RunSummary::new(plan.operations.len());
    events.iter().for_each(|event| summary.apply(event));
    let facts = RunFacts { exit: ExitStatus::of_run(&summary), simulated: true, shard: None };
    let report = RunReport { plan, sources, summary: &summary, facts, runs: &[], events };
    let mut out = Vec::new();
    write_report(Format::Json, &mut out, &report).expect("memory");
    serde_json::from_slice(&out).expect("JSON")
}

#[test]
fn each_line_says_what_happened() {
    let (plan, _) = planned(&[("plans/fleet.yaml", SMALL)]);
    let found = lines(&plan, &story("too many"));
    let (run, id) = ("20261124-080000-7f3a", |op: usize| plan.operations[op].id.as_str());
    let search = |rest: Value| {
        let mut line = json!({
            "run": run, "operation": id(1), "project": "search", "region": "eu-west-101", "wave": "all",
        });
        line.as_object_mut().expect("an object").extend(rest.as_object().expect("an object").clone());
        line
    };
    for (line, expected) in [
        (
            0,
            json!({
                "at": "2026-11-24T08:00:00.000Z", "run": run, "event": "run_started", "schema_version": 1,
                "tool": { "name": "hss-sync", "version": env!("CARGO_PKG_VERSION") }, "simulated": true, "shard": null,
                "plans": [{ "path": "plans/fleet.yaml", "name": "fleet", "digest": plan.plans[0].digest.as_str() }],
                "planned": 3, "forecast_ms": 3000,
            }),
        ),
        (
            1,
            json!({
                "at": "2026-11-24T08:00:00.000Z", "run": run, "event": "wave_started", "plan": "fleet",
                "path": "plans/fleet.yaml", "wave": "all",
            }),
        ),
        (5, search(json!({ "at": "2026-11-24T08:00:00.020Z", "event": "attempt_started", "attempt": 1 }))),
        (
            6,
            search(json!({
                "at": "2026-11-24T08:00:00.040Z", "event": "attempt_ended", "attempt": 1,
                "started_at": "2026-11-24T08:00:00.020Z", "duration_ms": 12, "status": 400, "error_code": "APIGW.0308",
                "error_message": "too many", "request_id": "d8e9", "retry_at": "2026-11-24T08:00:01.500Z",
            })),
        ),
        (
            8,
            json!({
                "at": "2026-11-24T08:00:00.060Z", "run": run, "event": "stopping",
                "reason": "the failure budget is spent (0 of 3)",
            }),
        ),
        (
            14,
            search(json!({
                "at": "2026-11-24T08:00:01.700Z", "event": "task_unclear", "outcome": "unknown",
                "reason": "too many; too many", "task_id": null,
            })),
        ),
        (
            16,
            json!({
                "at": "2026-11-24T08:01:00.000Z", "run": run, "event": "run_resumed",
                "resumed_at": "2026-11-24T08:01:00.500Z", "forecast_ms": 700,
            }),
        ),
        (
            18,
            search(json!({
                "at": "2026-11-24T08:01:00.001Z", "event": "task_found", "outcome": "accepted", "task_id": "7c1f-1",
            })),
        ),
    ] {
        assert_eq!(found[line], expected, "line {line}");
    }
}

#[test]
fn every_kind_of_line_is_valid_by_the_schema() {
    let (plan, _) = planned(&[("plans/fleet.yaml", SMALL)]);
    let schema: Value = serde_json::from_str(EVENT_SCHEMA).expect("JSON");
    let validator = jsonschema::draft7::options().should_validate_formats(true).build(&schema).expect("a schema");
    let mut kinds = BTreeSet::new();
    for line in lines(&plan, &story("too many")) {
        let errors: Vec<_> = validator.iter_errors(&line).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{line}: {errors:?}");
        kinds.insert(line["event"].as_str().expect("text").to_owned());
        for wrong in [json!("task_progressed"), json!("nothing"), json!(null)] {
            let mut other = line.clone();
            other["event"] = wrong;
            assert!(!validator.is_valid(&other), "{other}");
        }
        let mut more = line.clone();
        more["more"] = json!(1);
        assert!(!validator.is_valid(&more), "{more}");
    }
    let listed = schema["properties"]["event"]["enum"].as_array().expect("a list").iter();
    assert_eq!(kinds, listed.map(|name| name.as_str().expect("text").to_owned()).collect());
}

#[test]
fn the_last_line_about_an_operation_says_what_the_json_report_says() {
    let (plan, sources) = planned(&[("plans/fleet.yaml", SMALL)]);
    let events = story("two tasks fit");
    // Wherever the story ends with the end of the run.
    let ends = events.iter().enumerate().filter(|(_, event)| matches!(event, RunEvent::RunEnded { .. }));
    let mut compared = 0;
    for (last, _) in ends {
        let (lines, report) = (lines(&plan, &events[..=last]), json_report(&plan, &sources, &events[..=last]));
        assert_eq!(lines.last().expect("a line")["summary"], report["summary"]);
        for operation in report["operations"].as_array().expect("a list") {
            let about = |line: &&Value| line["operation"] == operation["id"] && line.get("outcome").is_some();
            let line = lines.iter().rev().find(about).expect("a line with its outcome");
            for field in ["outcome", "reason", "task_id"] {
                assert_eq!(line.get(field), operation.get(field), "{field} of {line}");
            }
            let attempts =
                lines.iter().filter(|line| line["event"] == "attempt_ended" && line["operation"] == operation["id"]);
            for (line, attempt) in attempts.zip(operation["attempts"].as_array().expect("a list")) {
                for (field, value) in attempt.as_object().expect("an object") {
                    assert_eq!(line.get(field), Some(value), "{field}");
                    compared += 1;
                }
            }
        }
    }
    assert_eq!(compared, 6 * (3 + 4), "three calls in the first session, one more in the second");
}

#[test]
fn what_no_journal_keeps_is_left_out() {
    let (plan, _) = planned(&[("plans/fleet.yaml", SMALL)]);
    let events = story("x");
    let kept = |event: &&RunEvent| !matches!(event, RunEvent::TaskProgressed { .. });
    let without: Vec<RunEvent> = events.iter().filter(kept).cloned().collect();
    assert_eq!(without.len() + 1, events.len());
    assert_eq!(text(&plan, &events), text(&plan, &without));
    assert_eq!(text(&plan, &events).lines().count(), without.len());
}

#[test]
fn events_without_their_beginning_are_no_account() {
    let (plan, _) = planned(&[("plans/fleet.yaml", SMALL)]);
    for events in [&[][..], &story("x")[1..]] {
        let mut out = Vec::new();
        assert!(write_events(&mut out, &plan, FACTS, events).is_err());
        assert_eq!(out, b"");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is said, an event is a line of visible characters, and a parser reads what was said.
    #[test]
    fn what_others_say_stays_in_its_line(said in hostile(), path in hostile(), name in hostile()) {
        let (mut plan, _) = planned(&[(&path, SMALL)]);
        plan.plans[0].name.clone_from(&name);
        let events = story(&said);
        let text = text(&plan, &events);
        prop_assert!(text.chars().all(|c| c == '\n' || !crate::diagnostic::is_unsafe(c)));
        prop_assert!(!text.contains("##["));
        let found = lines(&plan, &events);
        prop_assert_eq!(found.len(), events.len() - 1);
        prop_assert_eq!(&found[0]["plans"][0]["path"], &path);
        prop_assert_eq!(&found[1]["plan"], &name);
        prop_assert_eq!(&found[6]["error_message"], &said);
    }
}
