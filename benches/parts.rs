//! The pure parts, one by one, in this process: reading and checking plans, expansion, forecast, signing, the journal's lines,
//! the verdict on an answer, reports.
//!
//! `cargo bench --bench parts` prints time for each, and allocations; `cargo bench --bench parts -- sign` only those with the
//! word in their name. Whole processes are compared by `benches/peers/run`.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Duration;

use divan::counter::{BytesCount, ItemsCount};
use divan::{AllocProfiler, Bencher};
use hss_sync::event::{AttemptRecord, Outcome, RunEvent};
use hss_sync::exit::ExitStatus;
use hss_sync::expand::{EndpointChain, ExecutionPlan, Overrides, expand};
use hss_sync::forecast::forecast;
use hss_sync::journal::{Header, Invocation, LineWriter};
use hss_sync::model::{Request, RunId, Secret};
use hss_sync::plan::{ValidatedPlan, check_structure, decode, validate};
use hss_sync::policy::{Answer, Redactor, classify};
use hss_sync::report::{Format, RunFacts, RunReport, write_report};
use hss_sync::sign::{Credential, sign};
use hss_sync::source::{Source, Sources};
use hss_sync::summary::RunSummary;

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const SIZES: [usize; 3] = [1, 100, 10_000];
const LATENCY: Duration = Duration::from_millis(200);

fn main() {
    divan::main();
}

/// YAML to a tree with places.
#[divan::bench(args = SIZES)]
fn yaml(bencher: Bencher, operations: usize) {
    let text = plan_text(operations);
    let mut sources = Sources::default();
    let id = sources.add(Source::new("plan.yaml", text.clone()));
    bencher
        .counter(BytesCount::of_str(&text))
        .bench_local(|| hss_sync::yaml::parse(id, sources.get(id)).expect("YAML"));
}

/// The tree against the schema, which is compiled once before.
#[divan::bench(args = SIZES)]
fn structure(bencher: Bencher, operations: usize) {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("plan.yaml", plan_text(operations)));
    let tree = hss_sync::yaml::parse(id, sources.get(id)).expect("YAML");
    bencher.counter(ItemsCount::new(operations)).bench_local(|| check_structure(id, &tree));
}

/// The tree into plain types, with the rules that the schema can't say.
#[divan::bench(args = SIZES)]
fn check(bencher: Bencher, operations: usize) {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("plan.yaml", plan_text(operations)));
    let tree = hss_sync::yaml::parse(id, sources.get(id)).expect("YAML");
    bencher.counter(ItemsCount::new(operations)).bench_local(|| {
        let file = decode(id, &tree).expect("a plan");
        validate(file, &[]).expect("a valid plan")
    });
}

/// A plan to its operations: templates, endpoints, digests.
#[divan::bench(args = SIZES)]
fn expansion(bencher: Bencher, operations: usize) {
    let (plan, sources) = checked(operations);
    let plans = [plan];
    bencher.counter(ItemsCount::new(operations)).bench_local(|| {
        expand(&plans, &sources, &Overrides::default(), &EndpointChain::default()).expect("it expands")
    });
}

/// The whole schedule under a virtual clock, at five calls a minute: what `step` costs, as a run has it as well.
#[divan::bench(args = SIZES)]
fn schedule(bencher: Bencher, operations: usize) {
    let (plan, _) = expanded(operations);
    bencher.counter(ItemsCount::new(operations)).bench_local(|| forecast(black_box(&plan), LATENCY));
}

/// One request for one attempt.
#[divan::bench]
fn signing(bencher: Bencher) {
    let (plan, _) = expanded(1);
    let request: Request = plan.operations[0].request().expect("it needs no network").clone();
    let credential = Credential::AccessKey {
        access_key: "SIMULATEDKEY00000001".to_owned(),
        secret_key: Secret::new("a secret of forty characters, more or less".to_owned()),
        security_token: None,
    };
    let at = jiff::Timestamp::UNIX_EPOCH;
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| sign(black_box(&request), &credential, at));
}

/// The three lines that an operation has in a journal when it goes well.
#[divan::bench]
fn journal_lines(bencher: Bencher) {
    let mut lines = LineWriter::new();
    let mut out = Vec::new();
    lines.header(&header(), &mut out);
    let events = good(0);
    bencher.counter(ItemsCount::new(events.len())).bench_local(|| {
        out.clear();
        for event in &events {
            lines.event(event, |_| "project-000000/cn-north-4/harbor", &mut out);
        }
        out.len()
    });
}

/// A journal back to what it says.
#[divan::bench(args = SIZES)]
fn journal_read(bencher: Bencher, operations: usize) {
    let mut lines = LineWriter::new();
    let mut out = Vec::new();
    lines.header(&header(), &mut out);
    let ids: Vec<String> = (0..operations).map(|op| format!("project-{op:06}/cn-north-4/harbor")).collect();
    for event in (0..operations).flat_map(good) {
        lines.event(&event, |op| &ids[op], &mut out);
    }
    bencher
        .counter(BytesCount::of_slice(&out))
        .bench_local(|| hss_sync::journal::read(black_box(&out)).expect("it is whole"));
}

/// What an answer means.
#[divan::bench]
fn verdict(bencher: Bencher) {
    let body = br#"{"error_code":0,"error_description":"success"}"#.to_vec();
    let kind = Some("application/json".to_owned());
    let answer = Answer { status: 200, content_type: kind, body, ..Answer::default() };
    let redactor = Redactor::default();
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| classify(black_box(&answer), &redactor));
}

/// A report of 10,000 operations in each format.
#[divan::bench(args = ["json", "junit", "markdown", "html", "csv", "sarif", "github", "ndjson"])]
fn report(bencher: Bencher, format: &str) {
    const OPERATIONS: usize = 10_000;
    let format = Format::parse(format).expect("a format");
    let (plan, sources) = expanded(OPERATIONS);
    let start = RunEvent::RunStarted {
        run: run_id(),
        started_at: jiff::Timestamp::UNIX_EPOCH,
        planned: OPERATIONS,
        forecast: Duration::ZERO,
    };
    let end = RunEvent::RunEnded { at: Duration::from_secs(1) };
    let events: Vec<RunEvent> =
        std::iter::once(start).chain((0..OPERATIONS).flat_map(good)).chain(std::iter::once(end)).collect();
    let mut summary = RunSummary::new(OPERATIONS);
    events.iter().for_each(|event| summary.apply(event));
    let facts = RunFacts { exit: ExitStatus::of_run(&summary), simulated: false, shard: None };
    let report = RunReport { plan: &plan, sources: &sources, summary: &summary, facts, runs: &[], events: &events };
    bencher
        .counter(ItemsCount::new(OPERATIONS))
        .bench_local(|| write_report(format, &mut std::io::sink(), &report).expect("a sink takes all"));
}

/// An operation that goes well.
fn good(op: usize) -> [RunEvent; 3] {
    let at = LATENCY * u32::try_from(op).expect("no benchmark has more");
    let record = AttemptRecord {
        started: at,
        duration: LATENCY,
        status: Some(200),
        error_code: None,
        error_message: None,
        request_id: Some("0123456789abcdef0123456789abcdef".to_owned()),
        throttled: false,
        kind: None,
    };
    let ended = at + LATENCY;
    [
        RunEvent::AttemptStarted { op, attempt: 1, at },
        RunEvent::AttemptEnded { op, attempt: 1, at: ended, record, retry_at: None, closed_until: None },
        RunEvent::OperationEnded { op, at: ended, outcome: Outcome::Accepted },
    ]
}

fn header() -> Header {
    Header {
        run: run_id(),
        tool: "0.1.0".to_owned(),
        started_at: jiff::Timestamp::UNIX_EPOCH,
        forecast: Duration::ZERO,
        planned: 1,
        digest: hss_sync::model::PlanDigest::parse(&format!("sha256:{}", "0".repeat(64))).expect("legal"),
        plans: Vec::new(),
        invocation: Invocation::default(),
        sources: Vec::new(),
        resolved: Vec::new(),
    }
}

fn run_id() -> RunId {
    RunId::parse("20261124-080000-7f3a").expect("legal")
}

fn checked(operations: usize) -> (ValidatedPlan, Sources) {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("plan.yaml", plan_text(operations)));
    let tree = hss_sync::yaml::parse(id, sources.get(id)).expect("YAML");
    let (plan, _) = validate(decode(id, &tree).expect("a plan"), &[]).expect("a valid plan");
    (plan, sources)
}

fn expanded(operations: usize) -> (ExecutionPlan, Sources) {
    let (plan, sources) = checked(operations);
    let (plan, _) = expand(&[plan], &sources, &Overrides::default(), &EndpointChain::default()).expect("it expands");
    (plan, sources)
}

/// A project entry for each operation, about 140 bytes each.
fn plan_text(operations: usize) -> String {
    let mut text =
        "version: 1\nname: parts\nvars: { environment: prod }\nregistry_sets:\n  harbor:\n    registries:\n      - \
                    { registry_id: \"{{ vars.environment }}-{{ region }}\", registry_type: Harbor }\nrollout: { \
                    max_operations: 1000000 }\nprojects:\n"
            .to_owned();
    for index in 0..operations {
        let _ = write!(
            text,
            "  - name: project-{index:06}\n    project_ids:\n      cn-north-4: 0a1b2c3d4e5f60718293a4b5{index:08x}\n    registry_sets: [harbor]\n    labels: [nightly]\n"
        );
    }
    text
}
