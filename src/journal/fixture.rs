//! A run for tests: a header, and events of every kind with every outcome and reason.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Header, Invocation, LineWriter, RecordedPlan, RecordedResolution, RecordedSource, SimulatedWith};
use crate::event::{AttemptRecord, Failure, FailureKind, NotAttemptedReason, OpIndex, Outcome, RunEvent};
use crate::model::{
    MaxFailures, OperationId, PlanDigest, ProjectId, RegistryId, RegistryRef, RegistryType, RunId, TaskId,
};
use crate::plan::VariableValue;

/// Ids of the operations, by index; the last ones have what JSON has to escape.
pub(super) const IDS: [&str; 8] = [
    "payments/cn-north-4/0/5f9f0c8e",
    "payments/eu-west-101/0/0a1b2c3d",
    "search/ap-southeast-1/0/11112222",
    "search/ap-southeast-3/0/33334444",
    "支付/cn-north-4/0/55556666",
    "a\"b/cn-north-4/0/77778888",
    "a\\b/cn-north-4/0/9999aaaa",
    "tab\tline\nnul\0/cn-north-4/0/bbbbcccc",
];

/// The id of an operation.
pub(super) fn id(op: OpIndex) -> &'static str {
    IDS[op]
}

/// The operation with an id.
pub(super) fn index(id: &str) -> Option<OpIndex> {
    IDS.iter().position(|known| *known == id)
}

/// A header with one source and nothing unusual.
pub(super) fn header() -> Header {
    let digest = PlanDigest::parse(&format!("sha256:{}", "0a".repeat(32))).expect("legal");
    Header {
        run: RunId::parse("20261124-080000-7f3a").expect("legal"),
        tool: "0.1.0".to_owned(),
        started_at: "2026-11-24T08:00:00.123456789Z".parse().expect("legal"),
        forecast: Duration::from_secs(48),
        planned: IDS.len(),
        digest: digest.clone(),
        plans: vec![RecordedPlan { path: "plans/fleet.yaml".to_owned(), name: "fleet".to_owned(), digest }],
        invocation: Invocation::default(),
        sources: vec![RecordedSource {
            path: "plans/fleet.yaml".to_owned(),
            text: "version: 1\nname: \"fleet\"\n".to_owned(),
        }],
        resolved: Vec::new(),
    }
}

/// A header in which everything is said that can be.
pub(super) fn full_header() -> Header {
    let text = |text: &str| Some(text.to_owned());
    let variables = [
        ("a", VariableValue::Bool(true)),
        ("b", VariableValue::Integer(i64::MIN)),
        ("c", VariableValue::Float(0.1 + 0.2)),
        ("d", VariableValue::Float(1.0)),
        ("e", VariableValue::Text("1".to_owned())),
    ];
    let source = |path: &str, text: &str| RecordedSource { path: path.to_owned(), text: text.to_owned() };
    Header {
        invocation: Invocation {
            plans: vec!["plans/".to_owned(), "-".to_owned()],
            variables: variables.map(|(name, value)| (name.to_owned(), value)).into(),
            endpoint: text("http://127.0.0.1:8080"),
            endpoints: BTreeMap::from([("cn-north-4".to_owned(), "https://hss.example.com".to_owned())]),
            file_endpoints: BTreeMap::from([("cn-north-1".to_owned(), "https://hss.example.org".to_owned())]),
            allow_endpoint: vec!["example.com".to_owned()],
            quota: text("4/1m"),
            concurrency: Some(2),
            max_failures: text("5%"),
            fail_fast: true,
            wait: text("2h"),
            select: vec!["region=cn-*".to_owned(), "!label=canary".to_owned()],
            shard: text("2/3"),
            simulated: Some(SimulatedWith {
                fault: text("504:5%"),
                quota: text("5/1m"),
                time_scale: 60,
                task_time: text("1m..20m"),
                task_fault: text("failed:10%"),
            }),
        },
        sources: vec![source("a.yaml", ""), source("b\"\\.yaml", "text: \u{1}\u{7f}\u{2028}𝄞\r\n")],
        resolved: vec![
            resolution(0, Some("p-1"), &["r-1", "r-2"]),
            resolution(1, Some("p-2"), &[]),
            resolution(4, None, &["r-1"]),
        ],
        ..header()
    }
}

/// What was resolved of an operation; no registries mean that none were selected.
pub(super) fn resolution(op: OpIndex, project_id: Option<&str>, registries: &[&str]) -> RecordedResolution {
    let registry = |id: &&str| RegistryRef {
        registry_id: RegistryId::parse(id).expect("legal"),
        registry_type: RegistryType::Harbor,
    };
    RecordedResolution {
        operation: OperationId::parse(IDS[op]).expect("legal"),
        project_id: project_id.map(|id| ProjectId::parse(id).expect("legal")),
        registries: (!registries.is_empty()).then(|| registries.iter().map(registry).collect()),
    }
}

/// An attempt that was answered with 202.
pub(super) fn accepted(started: Duration) -> AttemptRecord {
    AttemptRecord {
        started,
        duration: Duration::from_micros(250_001),
        status: Some(202),
        error_code: None,
        error_message: None,
        request_id: Some("8d1d7d2f1a0c4b5e".to_owned()),
        throttled: false,
        kind: None,
    }
}

/// An attempt that the quota refused.
pub(super) fn throttled(started: Duration) -> AttemptRecord {
    AttemptRecord {
        status: Some(429),
        error_code: Some("APIGW.0308".to_owned()),
        error_message: Some(
            "The throttling threshold has been reached: policy ip over ratelimit,limit:5,time:1 minute".to_owned(),
        ),
        throttled: true,
        kind: Some(FailureKind::Throttled),
        ..accepted(started)
    }
}

/// The failure of [`throttled`].
pub(super) fn failure(given_up: Option<NotAttemptedReason>) -> Failure {
    Failure { given_up, ..throttled(Duration::ZERO).failure().expect("it failed") }
}

/// The end of a task that failed.
pub(super) fn task_failed(message: &str) -> Outcome {
    let (kind, message) = (FailureKind::TaskFailed, message.to_owned());
    Outcome::Failed(Failure { kind, status: None, code: None, message, given_up: None })
}

/// An id of a task.
pub(super) fn task(id: &str) -> TaskId {
    TaskId::parse(id).expect("legal")
}

/// Every reason not to send.
pub(super) fn reasons() -> Vec<NotAttemptedReason> {
    vec![
        NotAttemptedReason::Interrupted,
        NotAttemptedReason::BudgetSpent(MaxFailures::Percent(5).of(90)),
        NotAttemptedReason::BudgetSpent(MaxFailures::Count(0).of(4)),
        NotAttemptedReason::DeadlinePassed,
        NotAttemptedReason::CredentialRefused,
        NotAttemptedReason::JournalFailed,
    ]
}

/// Two sessions of one run, of which the second also looks for tasks: every record, every outcome, every reason.
pub(super) fn events() -> Vec<RunEvent> {
    let s = Duration::from_secs;
    let end = |op, at, outcome| RunEvent::OperationEnded { op, at, outcome };
    let launch = |op, attempt, at| RunEvent::AttemptStarted { op, attempt, at };
    let land = |op, attempt, at, record| RunEvent::AttemptEnded {
        op,
        attempt,
        at,
        record,
        retry_at: None,
        closed_until: None,
    };
    let unanswered = AttemptRecord {
        status: None,
        request_id: None,
        error_message: Some("no answer within 75 s".to_owned()),
        kind: Some(FailureKind::NoAnswer),
        ..accepted(s(3))
    };
    let unclear = unanswered.failure().expect("it failed");
    let mut events = vec![
        RunEvent::WaveStarted { plan: 0, wave: 0, at: s(0) },
        launch(0, 1, s(0)),
        land(0, 1, s(1), accepted(s(0))),
        end(0, s(1), Outcome::Accepted),
        launch(1, 1, s(1)),
        RunEvent::AttemptEnded {
            op: 1,
            attempt: 1,
            at: s(2),
            record: throttled(s(1)),
            retry_at: Some(s(62)),
            closed_until: Some(s(62)),
        },
        launch(2, 1, s(3)),
        land(2, 1, s(78), unanswered),
        end(2, s(78), Outcome::Unknown(unclear)),
        launch(4, 1, s(79)),
        RunEvent::Stopping { at: s(79), reason: NotAttemptedReason::Interrupted },
        RunEvent::AttemptWithdrawn { op: 4, attempt: 1, at: s(79) },
        end(1, s(79), Outcome::Failed(failure(Some(NotAttemptedReason::Interrupted)))),
        end(3, s(79), Outcome::Skipped("not selected: \"x\"".to_owned())),
    ];
    events.extend((4..IDS.len()).zip(reasons()).map(|(op, reason)| end(op, s(79), Outcome::NotAttempted(reason))));
    events.extend([
        RunEvent::RunEnded { at: s(79) },
        RunEvent::RunResumed {
            at: s(3600),
            resumed_at: "2026-11-24T09:00:00Z".parse().expect("legal"),
            forecast: s(12),
        },
        RunEvent::OperationReopened { op: 1, at: s(3600) },
        launch(1, 2, s(3600)),
        land(1, 2, s(3601), accepted(s(3600))),
        end(1, s(3601), Outcome::Accepted),
    ]);
    for reason in reasons() {
        events.push(RunEvent::OperationReopened { op: 7, at: s(3601) });
        events.push(RunEvent::Stopping { at: s(3601), reason: reason.clone() });
        events.push(end(7, s(3601), Outcome::NotAttempted(reason.clone())));
        events.push(RunEvent::OperationReopened { op: 7, at: s(3601) });
        events.push(end(7, s(3601), Outcome::Failed(failure(Some(reason)))));
    }
    events.extend([
        RunEvent::TaskUnclear { op: 2, at: s(3602), why: "two tasks fit: \"a\"".to_owned() },
        RunEvent::TaskFound { op: 0, at: s(3602), task: task("7c1f2a90-0001"), early: false },
        RunEvent::TaskFound { op: 2, at: s(3603), task: task("7c1f2a90-0002"), early: true },
        RunEvent::TaskUnclear { op: 1, at: s(3603), why: String::new() },
        RunEvent::TaskEnded { op: 0, at: s(3660), outcome: Outcome::Confirmed },
        RunEvent::TaskEnded {
            op: 2,
            at: s(3661),
            outcome: task_failed("sync of prod-harbor failed: REQUEST_API_ERROR"),
        },
    ]);
    events
}

/// The bytes of a journal.
pub(super) fn journal(header: &Header, events: &[RunEvent]) -> Vec<u8> {
    let (mut writer, mut out) = (LineWriter::new(), Vec::new());
    writer.header(header, &mut out);
    for event in events {
        writer.event(event, id, &mut out);
    }
    out
}

/// What [`super::Journal::events`] gives first.
pub(super) fn run_started(header: &Header) -> RunEvent {
    RunEvent::RunStarted {
        run: header.run.clone(),
        started_at: header.started_at,
        planned: header.planned,
        forecast: header.forecast,
    }
}
