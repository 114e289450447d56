//! `--report ndjson=…` with the real binary: while the run goes on, after a kill, and where it can't be written.

#![cfg(feature = "simulator")]

use std::path::Path;
use std::process::Command;
#[cfg(target_os = "linux")]
use std::process::Stdio;

use hss_sync::expand::{EndpointChain, ExecutionPlan, Overrides, expand};
use hss_sync::journal::Header;
use hss_sync::model::Endpoint;
use hss_sync::plan::{decode, validate};
use hss_sync::report::{EventFacts, write_events};
#[cfg(all(unix, debug_assertions))]
use hss_sync::simulator::{Faults, SimulatorConfig};
use hss_sync::source::{Source, Sources};
use hss_sync::yaml;
use serde_json::Value;
use tempfile::TempDir;

#[cfg(target_os = "linux")]
use super::common::until;
use super::common::{finish, hss_sync};
use super::run::checked_report;
#[cfg(all(unix, debug_assertions))]
use super::service::{Service, with_credential};
use super::wire::{QUICK, Reply, Server, answer, plan, run as run_against};

const FAST: &str = "limits: { quota: { calls: 1000, per: 1s }, concurrency: 4, retry: { max_attempts: 3, initial_delay: 10ms, max_delay: 20ms } }";

/// So many operations in one region.
fn folder(operations: usize, more: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut text = format!(
        "version: 1\nname: stream\nregistry_sets: {{ all: {{ sync_all_registries: true }} }}\ndefaults: {{ registry_sets: \
         [all] }}\n{more}\nprojects:\n"
    );
    for index in 0..operations {
        text.push_str(&format!("  - {{ name: p{index}, project_ids: {{ cn-north-4: \"id{index}\" }} }}\n"));
    }
    std::fs::write(folder.path().join("plan.yaml"), text).expect("the plan is written");
    folder
}

/// A rehearsal without a quota that slows it down.
fn rehearsal(folder: &Path, args: &[&str]) -> Command {
    let mut command = hss_sync(folder);
    command.args(["run", "plan.yaml", "--simulate", "--simulator-quota", "1000/1s", "--report", "json=report.json"]);
    command.args(args);
    command
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The lines of a file, each held to the schema.
fn checked(text: &str) -> Vec<Value> {
    let schema: Value = serde_json::from_str(&read(Path::new("schemas/event.schema.json"))).expect("JSON");
    let validator = jsonschema::draft7::options().should_validate_formats(true).build(&schema).expect("a schema");
    assert!(text.ends_with('\n'), "the last line is whole: {text}");
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect();
    for line in &lines {
        let errors: Vec<String> = validator.iter_errors(line).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{line}: {errors:?}");
    }
    lines
}

fn journal(folder: &Path) -> Vec<u8> {
    let mut runs = std::fs::read_dir(folder.join(".hss-sync/runs")).expect("runs");
    let run = runs.next().expect("one run").expect("an entry").path();
    assert!(runs.next().is_none(), "one run");
    std::fs::read(run.join("journal.ndjson")).expect("a journal")
}

fn expanded(header: &Header) -> ExecutionPlan {
    let mut sources = Sources::default();
    let source = &header.sources[0];
    let id = sources.add(Source::new(source.path.clone(), source.text.clone()));
    let tree = yaml::parse(id, sources.get(id)).expect("YAML");
    let valid = validate(decode(id, &tree).expect("a plan"), &[]).expect("a valid plan").0;
    let all = header.invocation.endpoint.as_ref().map(|url| Endpoint::parse(url).expect("an endpoint"));
    let chain = EndpointChain { all, ..EndpointChain::default() };
    expand(&[valid], &sources, &Overrides::new(), &chain).expect("it expands").0
}

/// What a rendering of the journal gives.
fn rendered(folder: &Path) -> String {
    let journal = hss_sync::journal::read(&journal(folder)).expect("a whole journal");
    let plan = expanded(&journal.header);
    let index = |id: &str| plan.operations.iter().position(|operation| operation.id.as_str() == id);
    let events = journal.events(index).expect("operations of the plan");
    let facts = EventFacts { simulated: journal.header.invocation.simulated.is_some(), shard: None };
    let mut out = Vec::new();
    write_events(&mut out, &plan, facts, &events).expect("memory");
    String::from_utf8(out).expect("text")
}

/// The lines tell what the JSON report tells.
fn agree(lines: &[Value], report: &Value) {
    assert_eq!(lines.last().expect("a line")["summary"], report["summary"]);
    for operation in report["operations"].as_array().expect("a list") {
        let about: Vec<&Value> = lines.iter().filter(|line| line["operation"] == operation["id"]).collect();
        let outcome = about.iter().rev().find(|line| line.get("outcome").is_some()).expect("its outcome");
        for field in ["outcome", "reason", "task_id"] {
            assert_eq!(outcome.get(field), operation.get(field), "{field} of {outcome}");
        }
        let attempts = about.iter().filter(|line| line["event"] == "attempt_ended").count();
        assert_eq!(attempts, operation["attempts"].as_array().expect("a list").len());
    }
}

#[test]
fn the_stream_is_what_the_journal_and_the_report_say() {
    for (args, exit) in [
        (&["--fault", "latency:1ms"][..], 0),
        (&["--fault", "latency:1ms,error-code:20%,504:20%,503:30%,429:10%,drop:5%"], 4),
        (&["--fault", "latency:1ms,error-code:100%", "--max-failures", "1"], 4),
        (&["--wait", "--wait-timeout", "5m", "--time-scale", "100", "--task-fault", "failed:30%,lost:20%"], 4),
    ] {
        let place = folder(12, FAST);
        let output = finish(rehearsal(place.path(), args).args(["--report", "ndjson=out/events.ndjson"]));
        assert_eq!(output.code(), exit, "{args:?}: {}", output.excerpt());
        let text = read(&place.path().join("out/events.ndjson"));
        assert_eq!(text, rendered(place.path()), "{args:?}");
        let lines = checked(&text);
        assert_eq!((&lines[0]["event"], &lines[0]["simulated"]), (&"run_started".into(), &true.into()));
        agree(&lines, &checked_report(&place.path().join("report.json")));
    }
}

/// Every kind of crash, early and late: what is written again before the rest is what was written before.
#[cfg(all(unix, debug_assertions))]
#[test]
fn after_a_kill_the_resumed_stream_is_the_whole_story() {
    // Of the start, a wave, six operations and the end there are 1 + 1 + 6 * 3 + 1 events.
    for (crash, resumed) in
        [("mid-write:4", 1), ("after-sync:9", 1), ("before-write:14", 1), ("before-write:21", 1), ("after-write:21", 0)]
    {
        let place = folder(6, FAST);
        let faults = Faults::parse("latency:1ms").expect("faults");
        let service = Service::start(SimulatorConfig { faults, quota: None, ..SimulatorConfig::default() });
        let mut run = service.command(place.path(), &["run", "plan.yaml", "--report", "ndjson=events.ndjson"]);
        let killed = finish(run.env("HSS_SYNC_TEST_CRASH", crash));
        assert!(killed.try_code().is_err(), "{crash}: {}", killed.excerpt());
        let events = ["--report", "ndjson=events.ndjson", "--report", "json=report.json"];
        let output = finish(with_credential(place.path(), &["resume"]).args(events));
        assert!(matches!(output.code(), 0 | 4), "{crash}: {}", output.excerpt());
        let text = read(&place.path().join("events.ndjson"));
        assert_eq!(text, rendered(place.path()), "{crash}");
        let lines = checked(&text);
        assert_eq!(lines.iter().filter(|line| line["event"] == "run_resumed").count(), resumed, "{crash}");
        agree(&lines, &checked_report(&place.path().join("report.json")));

        // Once more, with nothing left to happen: nothing new, and all of it.
        if output.code() == 0 {
            let again = finish(with_credential(place.path(), &["resume", "--report", "ndjson=-"]).arg("--quiet"));
            assert_eq!((again.code(), again.stdout()), (0, text), "{crash}: {}", again.excerpt());
        }
    }
}

#[cfg(target_os = "linux")]
mod live {
    use std::io::{BufRead, BufReader};

    use super::super::gate::{Gate, Running, write_plan};
    use super::*;

    fn started(gate: &Gate, folder: &Path, target: &str) -> Running {
        write_plan(folder, 3, "limits: { quota: { calls: 100, per: 1s } }");
        let mut command = gate.run(folder);
        command.args(["--report", target]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        Running(command.spawn().expect("the binary starts"))
    }

    fn count(text: &str, event: &str) -> usize {
        text.lines().filter(|line| line.contains(&format!("\"event\":\"{event}\""))).count()
    }

    /// The service holds two of three requests back, so that the run can't be over when what happened is read.
    #[test]
    fn a_file_grows_while_the_run_goes_on() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("events.ndjson"), "of another run\n").expect("written");
        let gate = Gate::start(1);
        let mut run = started(&gate, folder.path(), "ndjson=events.ndjson");
        gate.wait_for_requests(3);
        let events = folder.path().join("events.ndjson");
        until("the lines are there", || count(&read(&events), "attempt_started") == 3);
        let before = read(&events);
        assert_eq!((count(&before, "run_started"), count(&before, "operation_ended")), (1, 1), "{before}");
        assert!(run.0.try_wait().expect("our own child").is_none(), "it goes on");
        checked(&before);
        gate.open();
        assert_eq!(run.ends().code(), Some(0));
        let text = read(&events);
        assert!(text.starts_with(&before));
        assert_eq!(text, rendered(folder.path()));
        assert_eq!(checked(&text).last().expect("a line")["event"], "run_ended");
    }

    #[test]
    fn a_pipe_gets_each_line_while_the_run_goes_on() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let gate = Gate::start(1);
        let mut run = started(&gate, folder.path(), "ndjson=-");
        let mut lines = BufReader::new(run.0.stdout.take().expect("piped")).lines().map(|line| line.expect("text"));
        let mut text = String::new();
        // A line that stays in a buffer would leave this waiting, since the run can't end before the gate opens.
        while count(&text, "attempt_started") < 3 {
            text.push_str(&(lines.next().expect("a line") + "\n"));
        }
        gate.open();
        lines.for_each(|line| text.push_str(&(line + "\n")));
        assert_eq!(run.ends().code(), Some(0));
        assert_eq!(text, rendered(folder.path()), "the closing text is on the other stream");
    }

    /// Nobody reads until the run has ended, as its journal says: more lines than a pipe holds keep it from nothing.
    #[test]
    fn a_slow_reader_holds_up_no_run() {
        let place = folder(200, FAST);
        let mut command = rehearsal(place.path(), &["--report", "ndjson=-", "--quiet", "--fault", "latency:1ms"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut run = Running(command.spawn().expect("the binary starts"));
        let ended = || String::from_utf8_lossy(&journal(place.path())).contains("\"record\":\"run_ended\"");
        until("the run begins", || place.path().join(".hss-sync/runs").exists());
        until("the journal is there", || {
            let runs = std::fs::read_dir(place.path().join(".hss-sync/runs")).expect("runs");
            runs.flatten().any(|run| run.path().join("journal.ndjson").exists())
        });
        until("the run ends", ended);
        assert!(run.0.try_wait().expect("our own child").is_none(), "it still has lines to write");
        let text = std::io::read_to_string(run.0.stdout.take().expect("piped")).expect("text");
        assert_eq!(run.ends().code(), Some(0));
        assert!(text.len() > 64 * 1024, "more than a pipe holds: {}", text.len());
        assert_eq!(text, rendered(place.path()));
    }

    #[test]
    fn a_full_disk_is_told_once_and_ends_with_6() {
        let place = folder(5, FAST);
        let args = ["--report", "ndjson=/dev/full", "--report", "ndjson=events.ndjson"];
        let output = finish(&mut rehearsal(place.path(), &args));
        assert_eq!(output.code(), 6, "{}", output.excerpt());
        let said = output.stderr();
        assert_eq!(said.matches("cannot write `/dev/full`: the disk is full").count(), 1, "{said}");
        assert_eq!(said.matches("the ndjson report is not whole: `/dev/full` ends after 0 lines").count(), 1, "{said}");
        let report = checked_report(&place.path().join("report.json"));
        assert_eq!((&report["summary"]["accepted"], &report["run"]["exit_code"]), (&5.into(), &6.into()), "it went on");
        assert_eq!(read(&place.path().join("events.ndjson")), rendered(place.path()), "another stream is whole");
    }

    #[test]
    fn a_reader_that_went_away_ends_with_6() {
        let place = folder(5, FAST);
        let mut command = rehearsal(place.path(), &["--report", "ndjson=-"]);
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped());
        let output = command.output().expect("the binary starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(6), "{said}");
        assert!(said.contains("the ndjson report is not whole: standard output ends after 0 lines"), "{said}");
        assert_eq!(checked_report(&place.path().join("report.json"))["summary"]["accepted"], 5);
    }
}

#[test]
fn what_cannot_be_written_keeps_the_run_from_beginning() {
    let place = folder(1, FAST);
    std::fs::create_dir(place.path().join("folder")).expect("made");
    for target in ["ndjson=plan.yaml/x", "ndjson=folder"] {
        let output = finish(&mut rehearsal(place.path(), &["--report", target]));
        assert_eq!(output.code(), 6, "{target}: {}", output.excerpt());
        assert!(output.stderr().contains("nothing was sent"), "{target}: {}", output.excerpt());
        assert!(!place.path().join("report.json").exists(), "{target}");
    }
    let output = finish(&mut rehearsal(place.path(), &["--report", "ndjson=-", "--report", "csv=-"]));
    assert_eq!(output.code(), 2, "{}", output.excerpt());
    assert!(output.stderr().contains("only one report can go to standard output"), "{}", output.excerpt());
}

/// What would break lines, steer a terminal, or be a command of a CI runner.
const NASTY: &str = "a\nb\r\nc\u{2028}d\u{85}e\u{1b}[2Jf\u{9b}31mg\u{202e}h\u{0}i \"}\n{\"event\":\"run_ended\"} ##[error]x ::error::y \
                     ##vso[task.setvariable variable=z]";

/// A service that says the worst that it can, and echoes what it was sent.
#[test]
fn whatever_the_service_says_a_line_stays_a_line() {
    let nasty = NASTY;
    let body = serde_json::json!({ "error_code": nasty, "error_msg": format!("{nasty}{}", "x".repeat(50_000)), "request_id": nasty });
    let body = body.to_string();
    let server = Server::start("127.0.0.1:0", move |_, _| Reply::Send(answer("400 Bad Request", "", &body)));
    let place = tempfile::tempdir().expect("a temporary folder");
    let args = ["--report", "ndjson=events.ndjson"];
    let (output, report) = run_against(place.path(), &plan(&["id0", "id1"], QUICK), &server.endpoint, &args, &[]);
    assert_eq!(output.code(), 1, "{}", output.excerpt());
    let text = read(&place.path().join("events.ndjson"));
    let unsafe_in = |c: char| c != '\n' && (c.is_control() || matches!(c, '\u{2028}'..='\u{202e}'));
    assert_eq!(text.chars().find(|c| unsafe_in(*c)), None);
    assert!(!text.contains("##[") && text.contains("##\\u005berror]"), "no command of a runner");
    let lines = checked(&text);
    assert_eq!(lines.iter().filter(|line| line["event"] == "run_ended").count(), 1);
    // Of two requests each is announced, answered and judged; the run and its wave begin, and it ends.
    assert_eq!(lines.len(), 2 * 3 + 3);
    let said = lines[3]["error_message"].as_str().unwrap_or_else(|| panic!("{}", lines[3]));
    assert!(said.contains("##[error]x ::error::y"), "a parser reads what was said: {said:.200}");
    agree(&lines, &report);
}

/// Every JSON document, on standard output and in files, of what the service and a plan say; a parser reads what was said.
#[test]
fn no_document_steers_a_terminal_or_a_runner() {
    let body = serde_json::json!({ "error_code": "HSS.0013", "error_msg": NASTY }).to_string();
    let server = Server::start("127.0.0.1:0", move |_, _| Reply::Send(answer("400 Bad Request", "", &body)));
    let place = tempfile::tempdir().expect("a temporary folder");
    let text = plan(&["id0"], QUICK);
    let (output, report) = run_against(place.path(), &text, &server.endpoint, &["--report", "sarif=run.sarif"], &[]);
    assert_eq!(output.code(), 1, "{}", output.excerpt());
    let message = report["operations"][0]["attempts"][0]["error_message"].as_str().expect("text");
    assert!(message.contains("##[error]x"), "as it was said: {message:?}");
    // Names in plans are plain, and paths are whatever somebody calls a file.
    let path = "##[error]x\u{9b}2J##vso[y].yaml";
    std::fs::write(place.path().join(path), &text).expect("written");
    std::fs::write(place.path().join("bad.yaml"), text.replace("name: test", "name: \"##[error] x\""))
        .expect("written");
    let printed = |args: &[&str]| finish(hss_sync(place.path()).args(args)).stdout();
    let documents = [
        ("report.json", read(&place.path().join("report.json"))),
        ("run.sarif", read(&place.path().join("run.sarif"))),
        ("report", printed(&["report", "latest", "--format", "json"])),
        ("sarif", printed(&["report", "latest", "--report", "sarif=-"])),
        ("plan", printed(&["plan", path, "--format", "json"])),
        ("diff", printed(&["plan", "plan.yaml", "--diff", path, "--format", "json"])),
        ("validate", printed(&["validate", "bad.yaml", "--format", "json"])),
        ("diagnostics", printed(&["validate", "bad.yaml", "--format", "sarif"])),
    ];
    for (name, document) in documents {
        let unsafe_in = |c: char| c != '\n' && (c.is_control() || matches!(c, '\u{2028}'..='\u{202e}'));
        assert_eq!(document.chars().find(|c| unsafe_in(*c)), None, "{name}: {document}");
        assert!(!document.contains("##[") && !document.contains("##vso["), "{name}: {document}");
        assert!(document.contains("##\\u005berror]"), "{name} holds it, escaped: {document}");
    }
    for more in [&[][..], &["--report", "csv=-"], &["--report", "markdown=-"], &["--report", "junit=-"]] {
        let mut run = hss_sync(place.path());
        run.env("TF_BUILD", "True").args(["report", "latest"]).args(more);
        let told = finish(&mut run);
        assert!(!told.output().contains("##[") && !told.output().contains("##vso["), "{more:?}: {}", told.excerpt());
        assert!(told.output().contains("##vso ["), "{more:?}: {}", told.excerpt());
    }
}
