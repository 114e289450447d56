//! One small document of each kind, whole.

use std::time::Duration;

use serde_json::{Value, json};

use super::{RunFacts, write_diagnostics, write_plan, write_run};
use crate::diagnostic::{Code, Diagnostic};
use crate::event::{FailureKind, NotAttemptedReason, Outcome};
use crate::exit::ExitStatus;
use crate::forecast::forecast;
use crate::report::RunReport;
use crate::report::fixture::{SMALL, failed, failure, found, left, planned, ran, task_ended, unclear};
use crate::source::{Location, Source, Sources, Span};
use crate::summary::RunSummary;

fn parsed(bytes: &[u8]) -> Value {
    assert_eq!(bytes.last(), Some(&b'\n'));
    serde_json::from_slice(bytes).expect("JSON")
}

#[test]
fn a_run() {
    let (plan, sources) = planned(&[("plans/fleet.yaml", SMALL)]);
    let refused = failed(FailureKind::Refused, Some("HSS.0999"), "not enough permission");
    let summary = ran(vec![Outcome::Accepted, refused, left(NotAttemptedReason::Interrupted)]);
    let mut out = Vec::new();
    let facts = RunFacts { exit: ExitStatus::Incomplete, simulated: true, shard: None };
    write_run(
        &mut out,
        &RunReport { plan: &plan, sources: &sources, summary: &summary, facts, runs: &[], events: &[] },
    )
    .expect("memory");
    let document = parsed(&out);
    assert_eq!(
        document["run"],
        json!({
            "id": "20261124-080000-7f3a",
            "started_at": "2026-11-24T08:00:00.000Z",
            "finished_at": "2026-11-24T08:00:04.200Z",
            "exit_code": 4,
            "simulated": true,
            "shard": null,
            "resumed": 0,
        })
    );
    assert_eq!(
        document["summary"],
        json!({
            "planned": 3, "accepted": 1, "confirmed": 0, "failed": 1, "unknown": 0, "skipped": 0, "not_attempted": 1,
            "attempts": 2, "throttled": 0, "duration_ms": 4200, "forecast_ms": 3000, "forecast_off_ms": 1200,
        })
    );
    assert_eq!(document["schema_version"], 1);
    assert_eq!(document["tool"], json!({ "name": "hss-sync", "version": env!("CARGO_PKG_VERSION") }));
    assert_eq!(
        document["plans"],
        json!([{ "path": "plans/fleet.yaml", "name": "fleet", "digest": plan.plans[0].digest.as_str() }])
    );
    assert_eq!(
        document["operations"][1],
        json!({
            "id": plan.operations[1].id.as_str(),
            "project": "search",
            "region": "eu-west-101",
            "project_id": "search-eu",
            "enterprise_project_id": "0",
            "credential": "default",
            "registry_sets": ["all"],
            "wave": "all",
            "source": { "path": "plans/fleet.yaml", "line": 7, "column": 36 },
            "request": {
                "method": "POST",
                "url": "https://hss.eu-west-101.myhuaweicloud.eu/v5/search-eu/image/image-sync/tasks?enterprise_project_id=0",
                "body": { "sync_all_registries": true },
            },
            "outcome": "failed",
            "reason": "HSS.0999: not enough permission",
            "task_id": null,
            "attempts": [{
                "started_at": "2026-11-24T08:00:00.001Z",
                "duration_ms": 12,
                "status": 400,
                "error_code": "HSS.0999",
                "error_message": "not enough permission",
                "request_id": "d8e9",
            }],
        })
    );
    let accepted = &document["operations"][0];
    assert_eq!((&accepted["outcome"], accepted.get("reason")), (&json!("accepted"), None));
    let left = &document["operations"][2];
    assert_eq!(
        (&left["outcome"], &left["reason"], &left["attempts"]),
        (&json!("not_attempted"), &json!("the run was interrupted"), &json!([]))
    );
}

#[test]
fn what_was_seen_of_tasks() {
    let (plan, sources) = planned(&[("plans/fleet.yaml", SMALL)]);
    let unknown = Outcome::Unknown(failure(FailureKind::NoAnswer, None, "no answer within 75 s"));
    let mut summary = ran(vec![unknown, Outcome::Accepted, Outcome::Accepted]);
    let operations = |summary: &RunSummary| {
        let mut out = Vec::new();
        let facts = RunFacts { exit: ExitStatus::of_run(summary), simulated: false, shard: None };
        write_run(&mut out, &RunReport { plan: &plan, sources: &sources, summary, facts, runs: &[], events: &[] })
            .expect("memory");
        let document = parsed(&out);
        let schema: Value = serde_json::from_str(crate::report::REPORT_SCHEMA).expect("JSON");
        let validator = jsonschema::draft7::options().should_validate_formats(true).build(&schema).expect("a schema");
        let errors: Vec<_> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
        let said = |operation: &Value| {
            let text = |name: &str| operation.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
            format!("{} | {} | {}", text("outcome"), text("reason"), text("task_id"))
        };
        let operations: Vec<String> = document["operations"].as_array().expect("a list").iter().map(said).collect();
        (document["run"]["exit_code"].as_u64(), operations)
    };
    for (op, why) in [(0, "no task of its time is listed"), (1, "two tasks fit"), (2, "its task was at 45 %")] {
        summary.apply(&unclear(op, why));
    }
    summary.apply(&found(2, "7c1f-2"));
    summary.apply(&unclear(2, "its task was at 45 %"));
    assert_eq!(
        operations(&summary),
        (
            Some(4),
            vec![
                "unknown | no answer within 75 s; no task of its time is listed | -".to_owned(),
                "accepted | not confirmed: two tasks fit | -".to_owned(),
                "accepted | not confirmed: its task was at 45 % | 7c1f-2".to_owned(),
            ]
        )
    );
    summary.apply(&found(0, "7c1f-0"));
    assert_eq!(operations(&summary).1[0], "accepted | - | 7c1f-0", "what was unclear is clear");
    summary.apply(&found(1, "7c1f-1"));
    summary.apply(&task_ended(0, Outcome::Confirmed));
    summary.apply(&task_ended(1, Outcome::Confirmed));
    summary
        .apply(&task_ended(2, failed(FailureKind::TaskFailed, None, "sync of prod-harbor failed: REQUEST_API_ERROR")));
    assert_eq!(
        operations(&summary),
        (
            Some(1),
            vec![
                "confirmed | - | 7c1f-0".to_owned(),
                "confirmed | - | 7c1f-1".to_owned(),
                "failed | sync of prod-harbor failed: REQUEST_API_ERROR | 7c1f-2".to_owned(),
            ]
        )
    );
}

#[test]
fn a_plan_whose_project_id_is_to_be_looked_up() {
    let text = "\
version: 1
name: fleet
registry_sets: { found: { select: { status: success } } }
projects:
  - name: payments
    registry_sets: [found]
    project_ids: { cn-north-4: lookup }
";
    let (plan, sources) = planned(&[("plans/fleet.yaml", text)]);
    let mut out = Vec::new();
    let forecast = forecast(&plan, Duration::from_millis(500));
    write_plan(&mut out, &plan, &sources, &forecast).expect("memory");
    let digest = plan.plans[0].digest.as_str();
    assert_eq!(
        parsed(&out),
        json!({
            "schema_version": 1,
            "plans": [{ "path": "plans/fleet.yaml", "name": "fleet", "digest": digest }],
            "digest": plan.digest.as_str(),
            "planned": 1,
            "forecast": { "calls": 1, "duration_ms": 500, "quota_wait_ms": 0, "decided_by": null },
            "operations": [{
                "id": plan.operations[0].id.as_str(),
                "project": "payments",
                "region": "cn-north-4",
                "project_id": "lookup",
                "enterprise_project_id": "0",
                "credential": "default",
                "registry_sets": ["found"],
                "wave": "all",
                "source": { "path": "plans/fleet.yaml", "line": 7, "column": 20 },
                "request": {
                    "method": "POST",
                    "url": "https://hss.cn-north-4.myhuaweicloud.com/v5/{project_id}/image/image-sync/tasks?enterprise_project_id=0",
                    "body": { "sync_all_registries": false },
                },
                "unresolved": ["project_id: lookup", "select: found"],
            }],
        })
    );
}

#[test]
fn diagnostics() {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("plans/fleet.yaml", "name: fleet\nset: 镜像 nope\n".to_owned()));
    // `fleet` is characters 7 to 11 of line 1; `nope` is characters 9 to 12 of line 2, and each of 镜 and 像 is three bytes.
    let (fleet, nope) = (Span::new(6, 11), Span::new(24, 28));
    let found = [
        Diagnostic::at(Code::UnknownSet, id, nope, "no such set")
            .label("here")
            .also(Location::new(id, fleet), "in this plan")
            .note("a note")
            .help("write another"),
        Diagnostic::file(Code::UnreadableFile, "plans/gone.yaml", "it is gone"),
        Diagnostic::at(Code::UnusedSet, id, fleet, "never used"),
    ];
    let mut out = Vec::new();
    write_diagnostics(&mut out, &found, &sources, 2, None).expect("memory");
    assert_eq!(
        parsed(&out),
        json!({
            "schema_version": 1,
            "diagnostics": [
                {
                    "code": "unknown-set",
                    "severity": "error",
                    "message": "no such set",
                    "path": "plans/fleet.yaml",
                    "line": 2,
                    "column": 9,
                    "end_line": 2,
                    "end_column": 13,
                    "help": "write another",
                    "label": "here",
                    "notes": ["a note"],
                    "related": [{ "message": "in this plan", "path": "plans/fleet.yaml", "line": 1, "column": 7 }],
                },
                {
                    "code": "unreadable-file",
                    "severity": "error",
                    "message": "it is gone",
                    "path": "plans/gone.yaml",
                    "line": null,
                    "column": null,
                    "end_line": null,
                    "end_column": null,
                    "help": null,
                    "label": null,
                    "notes": [],
                    "related": [],
                },
                {
                    "code": "unused-set",
                    "severity": "warning",
                    "message": "never used",
                    "path": "plans/fleet.yaml",
                    "line": 1,
                    "column": 7,
                    "end_line": 1,
                    "end_column": 12,
                    "help": null,
                    "label": null,
                    "notes": [],
                    "related": [],
                },
            ],
            "summary": { "plans": 2, "operations": null, "errors": 2, "warnings": 1 },
        })
    );
}
