//! `report` of many operations where there is little memory: what holds a whole document or a second copy of a run does not end
//! well here.
//!
//! The runs are written down by the library, which is faster than to send that many requests.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use hss_sync::event::{AttemptRecord, Failure, FailureKind, Outcome, RunEvent};
use hss_sync::expand::{EndpointChain, ExecutionPlan, Overrides, expand};
use hss_sync::journal::{Header, Invocation, LineWriter, RecordedPlan, RecordedSource};
use hss_sync::model::{RunId, Shard};
use hss_sync::plan::{decode, validate};
use hss_sync::selection::shard_of;
use hss_sync::source::{Source, Sources};
use hss_sync::yaml;

use super::common::{finish, hss_sync};

const OPERATIONS: usize = 6_000;
/// Every so many operations one fails.
const FAILED: usize = 5;

/// The data segment, in KiB, in which a report of one run has to do: a quarter more than it needs.
const ENOUGH_FOR_ONE: u32 = 28_000;
/// The same for a report of three shards.
const ENOUGH_FOR_THREE: u32 = 36_000;

/// A plan with so many operations.
struct Long {
    text: String,
    plan: ExecutionPlan,
}

impl Long {
    fn new() -> Self {
        let head = "version: 1\nname: long\nregistry_sets: { all: { sync_all_registries: true } }\ndefaults: { \
                    registry_sets: [all] }\nrollout: { max_operations: 100000 }\nprojects:\n";
        let project = |number: usize| {
            let region = ["cn-north-4", "cn-east-3", "eu-west-101"][number % 3];
            format!("  - {{ name: project-{number:05}, project_ids: {{ {region}: f{number:031x} }} }}\n")
        };
        let text = head.to_owned() + &(0..OPERATIONS).map(project).collect::<String>();
        let mut sources = Sources::default();
        let id = sources.add(Source::new("long.yaml", text.clone()));
        let tree = yaml::parse(id, sources.get(id)).expect("YAML");
        let (valid, _) = validate(decode(id, &tree).expect("a plan"), &[]).expect("a valid plan");
        let expanded = expand(&[valid], &sources, &Overrides::new(), &EndpointChain::default());
        Self { text, plan: expanded.expect("it expands").0 }
    }

    /// Writes the journal of a run of it, or of one shard of it.
    fn write_run(&self, folder: &Path, name: &str, shard: Option<Shard>) {
        let file = &self.plan.plans[0];
        let digest = file.digest.clone();
        let header = Header {
            run: RunId::parse(name).expect("a legal id"),
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: "2026-11-24T08:00:00Z".parse().expect("a time"),
            forecast: Duration::from_secs(60),
            planned: self.plan.operations.len(),
            digest: self.plan.digest.clone(),
            plans: vec![RecordedPlan { path: file.path.clone(), name: file.name.clone(), digest }],
            invocation: Invocation { shard: shard.map(|shard| shard.to_string()), ..Invocation::default() },
            sources: vec![RecordedSource { path: file.path.clone(), text: self.text.clone() }],
            resolved: Vec::new(),
        };
        let (mut lines, mut journal) = (LineWriter::new(), Vec::new());
        lines.header(&header, &mut journal);
        let count = shard.and_then(|shard| shard.count().try_into().ok());
        for (op, operation) in self.plan.operations.iter().enumerate() {
            if count.is_none_or(|count| shard.is_some_and(|own| shard_of(&operation.id, count) == own.index())) {
                for event in events(op) {
                    lines.event(&event, |op| self.plan.operations[op].id.as_str(), &mut journal);
                }
            }
        }
        lines.event(&RunEvent::RunEnded { at: at(OPERATIONS) }, |_| "", &mut journal);
        fs::create_dir(folder.join(name)).expect("a folder");
        fs::write(folder.join(name).join("journal.ndjson"), journal).expect("the journal is written");
    }
}

fn at(op: usize) -> Duration {
    Duration::from_millis(op as u64 * 3)
}

/// What happens to an operation: one call, which the service takes or refuses.
fn events(op: usize) -> [RunEvent; 3] {
    let failure = op.is_multiple_of(FAILED).then(|| Failure {
        kind: FailureKind::Refused,
        status: Some(400),
        code: Some("HSS.0999".to_owned()),
        message: format!("registry number {op} is not known to the service, which says so at some length"),
        given_up: None,
    });
    let (started, ended) = (at(op), at(op) + Duration::from_millis(2));
    let record = AttemptRecord {
        started,
        duration: ended - started,
        status: Some(failure.as_ref().and_then(|failure| failure.status).unwrap_or(200)),
        error_code: failure.as_ref().and_then(|failure| failure.code.clone()),
        error_message: failure.as_ref().map(|failure| failure.message.clone()),
        request_id: Some(format!("e{op:031x}")),
        throttled: false,
        kind: failure.as_ref().map(|failure| failure.kind),
    };
    let outcome = failure.map_or(Outcome::Accepted, Outcome::Failed);
    [
        RunEvent::AttemptStarted { op, attempt: 1, at: started },
        RunEvent::AttemptEnded { op, attempt: 1, at: ended, record, retry_at: None, closed_until: None },
        RunEvent::OperationEnded { op, at: ended, outcome },
    ]
}

/// `report` of these runs in all formats with a data segment of so many KiB. One after the other they need no more together than
/// the largest alone.
fn report_all(folder: &Path, kib: u32, runs: &[&str]) {
    let formats = ["json", "ndjson", "junit", "html", "csv", "markdown", "sarif", "github"];
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &format!("ulimit -d {kib} && exec \"$0\" \"$@\"")]);
    command.arg(hss_sync(folder).get_program()).args(["report", "--quiet"]).args(runs);
    command.args(formats.map(|format| format!("--report={format}=out.{format}")));
    command.current_dir(folder).env_clear().env("HSS_SYNC_METADATA_ENDPOINT", "off");
    let finished = finish(&mut command);
    let code = finished.try_code().unwrap_or_else(|how| panic!("{runs:?} in {kib} KiB: {how}"));
    assert_eq!(code, 1, "that of a run with failures: {}", finished.excerpt());
    for format in formats {
        let written = fs::metadata(folder.join(format!("out.{format}"))).expect("it is written").len();
        let whole = !matches!(format, "markdown" | "sarif" | "github");
        assert!(written > if whole { OPERATIONS as u64 * 100 } else { 0 }, "{format}: {written} bytes");
    }
}

#[test]
fn a_report_of_many_operations_holds_no_document_and_no_second_copy_of_the_run() {
    let folder = tempfile::tempdir().expect("a folder");
    Long::new().write_run(folder.path(), "run-1", None);
    report_all(folder.path(), ENOUGH_FOR_ONE, &["run-1"]);
}

#[test]
fn shards_of_one_plan_hold_it_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let long = Long::new();
    let names = ["run-1", "run-2", "run-3"];
    for (index, name) in (1..).zip(names) {
        long.write_run(folder.path(), name, Some(Shard::try_new(index, 3).expect("a shard")));
    }
    report_all(folder.path(), ENOUGH_FOR_THREE, &names);
}
