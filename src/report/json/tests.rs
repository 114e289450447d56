//! One small document of each kind, whole.

use std::time::Duration;

use serde_json::{Value, json};

use super::{RunFacts, write_diagnostics, write_plan, write_run};
use crate::diagnostic::{Code, Diagnostic};
use crate::event::{FailureKind, NotAttemptedReason, Outcome};
use crate::exit::ExitStatus;
use crate::forecast::forecast;
use crate::report::fixture::{SMALL, failed, left, planned, ran};
use crate::source::{Location, Source, Sources, Span};

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
    let facts = RunFacts { exit: ExitStatus::Incomplete, simulated: true };
    write_run(&mut out, &plan, &sources, &summary, facts).expect("memory");
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
