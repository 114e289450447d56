//! `report` with the real binary: one run as it reported itself, and several as one.

#![cfg(feature = "simulator")]

use std::fs;
use std::path::{Path, PathBuf};

use hss_sync::event::RunEvent;
use hss_sync::journal::LineWriter;
use hss_sync::model::Quota;
use hss_sync::simulator::{Faults, SimulatorConfig};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::common::{Finished, finish, hss_sync};
use super::run::checked_report;
use super::service::Service;

/// One operation a project, so that a request belongs to one operation.
fn plan(projects: usize) -> String {
    let head = "version: 1\nname: many\nregistry_sets: { all: { sync_all_registries: true } }\ndefaults: { registry_sets: \
                [all] }\nlimits: { quota: { calls: 1000, per: 1s } }\nprojects:\n";
    let project = |number| format!("  - {{ name: p{number:02}, project_ids: {{ cn-north-4: \"id{number:02}\" }} }}\n");
    head.to_owned() + &(0..projects).map(project).collect::<String>()
}

fn folder(projects: usize) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("plan.yaml"), plan(projects)).expect("the plan is written");
    folder
}

fn service(faults: &str) -> Service {
    let faults = if faults.is_empty() { Faults::default() } else { Faults::parse(faults).expect("faults") };
    Service::start(SimulatorConfig { quota: None, faults, ..SimulatorConfig::default() })
}

fn hss(folder: &Path, args: &[&str]) -> Finished {
    finish(hss_sync(folder).args(args))
}

/// The directories of the runs, the earliest first.
fn runs(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder.join(".hss-sync/runs")) else { return Vec::new() };
    let mut runs: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    runs.sort_by_key(|run| fs::metadata(run.join("journal.ndjson")).and_then(|data| data.modified()).expect("a time"));
    runs
}

/// Runs the plan; the path of the run's directory, as text.
fn run(service: &Service, folder: &Path, code: i32, args: &[&str]) -> String {
    let before = runs(folder);
    let finished = service.run(folder, &[&["run", "plan.yaml", "--quiet"], args].concat());
    assert_eq!(finished.code(), code, "{}", finished.excerpt());
    let new: Vec<PathBuf> = runs(folder).into_iter().filter(|run| !before.contains(run)).collect();
    assert_eq!(new.len(), 1, "{new:?}");
    new[0].to_str().expect("UTF-8").to_owned()
}

/// The JSON report of these runs, checked, and how the command ended.
fn report(folder: &Path, args: &[&str]) -> (Finished, Value) {
    let finished = hss(folder, &[&["report", "--report", "json=merged.json"], args].concat());
    let path = folder.join("merged.json");
    assert!(path.exists(), "{}", finished.excerpt());
    let report = checked_report(&path);
    fs::remove_file(path).expect("removed");
    (finished, report)
}

/// What there is in a directory, with every byte.
fn content(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(directory).expect("a directory");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files.into_iter().map(|file| (file.clone(), fs::read(&file).expect("readable"))).collect()
}

/// Says that a report of the latest run is byte for byte what the run itself wrote, with the run's own exit code.
fn same_as_its_own(folder: &Path, code: i32) {
    let run = runs(folder).pop().expect("a run");
    let before = content(&run);
    let finished = hss(folder, &["report", "latest", "--report", "json=again.json", "--report", "ndjson=again.ndjson"]);
    assert_eq!(finished.code(), code, "{}", finished.excerpt());
    let own = fs::read_to_string(run.join("report.json")).expect("its own report");
    assert_eq!(fs::read_to_string(folder.join("again.json")).expect("written"), own);
    if let Ok(live) = fs::read_to_string(folder.join("live.ndjson")) {
        assert_eq!(fs::read_to_string(folder.join("again.ndjson")).expect("written"), live);
    }
    let printed = hss(folder, &["report", run.to_str().expect("UTF-8"), "--format", "json"]);
    assert_eq!((printed.code(), printed.stdout()), (code, own));
    assert_eq!(content(&run), before, "nothing is written to the run's directory");
}

#[test]
fn one_run_is_reported_as_it_reported_itself() {
    let cases: [(&str, i32, &[&str]); 6] = [
        ("", 0, &[]),
        ("", 0, &["--shard", "1/3"]),
        ("", 0, &["--select", "project=p0*"]),
        ("", 4, &["--wait", "--wait-timeout", "0s"]),
        ("403:40%,latency:2ms", 1, &[]),
        ("403:50%", 4, &["--max-failures", "1", "--concurrency", "1"]),
    ];
    for (faults, code, args) in cases {
        let (folder, service) = (folder(12), service(faults));
        let own = run(&service, folder.path(), code, &[args, &["--report", "ndjson=live.ndjson"]].concat());
        assert!(folder.path().join("live.ndjson").exists());
        let saved = fs::read_to_string(Path::new(&own).join("report.json")).expect("its own report");
        same_as_its_own(folder.path(), code);
        assert_eq!(fs::read_to_string(Path::new(&own).join("report.json")).expect("still there"), saved);
    }
}

/// What was unknown and was found, and what was confirmed.
#[test]
fn what_became_of_tasks_is_reported_as_the_run_reported_it() {
    let folder = folder(12);
    let args = [
        "--simulate",
        "--fault",
        "504:40%,429:10%",
        "--wait",
        "--task-time",
        "1s..2s",
        "--time-scale",
        "20",
        "--quiet",
    ];
    let finished =
        finish(hss_sync(folder.path()).args(["run", "plan.yaml", "--simulator-quota", "1000/1s"]).args(args));
    let code = finished.code();
    let own = checked_report(&runs(folder.path())[0].join("report.json"));
    assert!(own["summary"]["confirmed"].as_u64().is_some_and(|confirmed| confirmed > 0), "{own:#}");
    same_as_its_own(folder.path(), code);
}

#[test]
fn a_run_out_of_time_and_its_resume_are_reported_as_they_reported_themselves() {
    let (folder, service) = (folder(8), service(""));
    run(&service, folder.path(), 4, &["--quota", "3/10m", "--max-duration", "1s"]);
    same_as_its_own(folder.path(), 4);
    let text = hss(folder.path(), &["report", "latest"]).stdout();
    let id = runs(folder.path())[0].file_name().expect("a name").to_str().expect("UTF-8").to_owned();
    assert!(text.contains(&format!("go on     hss-sync resume {id}   # 5 operations\n")), "{text}");
    assert!(text.contains("remaining.yaml") && text.contains("5 not attempted of 8"), "{text}");
    let resumed = service.run_resume(folder.path(), &["resume", "--quota", "1000/1s", "--quiet"]);
    assert_eq!(resumed.code(), 0, "{}", resumed.excerpt());
    same_as_its_own(folder.path(), 0);
}

/// What a report says of each operation, without times: id, request, outcome, reason and number of attempts.
fn told(report: &Value) -> Vec<Value> {
    let operations = report["operations"].as_array().expect("a list").iter();
    let attempts = |one: &Value| one["attempts"].as_array().expect("a list").len();
    let keys = ["id", "request", "wave", "source", "outcome", "reason", "registry_sets"];
    operations.map(|one| json!([keys.map(|key| one[key].clone()), attempts(one)])).collect()
}

/// Three shards at the same time against one service that counts strictly, and the same plan as one run.
#[test]
fn shards_inside_one_quota_are_the_whole_run_without_a_429() {
    let folder = folder(18);
    let quota = "6/400ms";
    let config = SimulatorConfig { quota: Some(Quota::parse(quota).expect("a quota")), ..SimulatorConfig::default() };
    let service = Service::start(config);
    let shard = |index: usize| {
        let (shard, state) = (format!("{index}/3"), format!("shard-{index}"));
        service.run(folder.path(), &["run", "plan.yaml", "--quota", quota, "--shard", &shard, "--state-dir", &state])
    };
    std::thread::scope(|scope| {
        let running: Vec<_> = (1..=3).map(|index| scope.spawn(move || shard(index))).collect();
        for one in running {
            let finished = one.join().expect("it ends");
            assert_eq!(finished.code(), 0, "{}", finished.excerpt());
        }
    });
    let log = service.log();
    let posted: Vec<_> = log.iter().filter(|entry| entry.method == "POST").collect();
    assert_eq!(posted.len(), 18, "each once");
    assert!(posted.iter().all(|entry| entry.status.is_some_and(|status| (200..300).contains(&status))), "{posted:?}");

    let paths: Vec<String> = (1..=3)
        .map(|index| {
            let runs = fs::read_dir(folder.path().join(format!("shard-{index}/runs"))).expect("runs");
            let run = runs.map(|entry| entry.expect("an entry").path()).next().expect("a run");
            run.to_str().expect("UTF-8").to_owned()
        })
        .collect();
    let [one, two, three] = [&*paths[0], &paths[1], &paths[2]];
    let (finished, merged) = report(folder.path(), &[one, two, three, "--require-complete"]);
    assert_eq!((finished.code(), finished.stderr()), (0, String::new()), "{}", finished.excerpt());
    let shards: Vec<&Value> =
        merged["run"]["runs"].as_array().expect("a list").iter().map(|run| &run["shard"]).collect();
    assert_eq!((shards.len(), &merged["run"]["shard"]), (3, &Value::Null));
    let (_, again) = report(folder.path(), &[three, one, two, one, three]);
    assert_eq!(again, merged, "neither order nor repetition counts");
    let told_live = hss(folder.path(), &["report", two, three, one, "--report", "ndjson=-"]);
    let lines: Vec<Value> =
        told_live.stdout().lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    let begun: Vec<&Value> =
        lines.iter().filter(|line| line["event"] == "run_started").map(|line| &line["run"]).collect();
    let ids: Vec<&Value> = merged["run"]["runs"].as_array().expect("a list").iter().map(|run| &run["id"]).collect();
    assert_eq!(begun, ids, "all of them, in the order of their starts");
    assert!(lines.is_sorted_by_key(|line| line["at"].as_str().expect("a time").to_owned()));
    assert_eq!(lines.iter().filter(|line| line["event"] == "attempt_ended").count(), 18);
    let by_parts: Vec<Value> = [[one, two], [two, three]].iter().map(|pair| report(folder.path(), pair).1).collect();
    assert!(by_parts.iter().all(|part| part != &merged));

    // Of a service of its own, whose windows are free. Requests name their endpoint.
    let other = Service::start(SimulatorConfig { quota: None, ..SimulatorConfig::default() });
    let whole = run(&other, folder.path(), 0, &["--quota", quota]);
    let whole = fs::read_to_string(Path::new(&whole).join("report.json")).expect("a report");
    let whole: Value = serde_json::from_str(&whole.replace(other.endpoint(), service.endpoint())).expect("JSON");
    assert_eq!(told(&merged), told(&whole));
    assert_eq!(merged["plans"], whole["plans"]);
    for count in ["planned", "accepted", "skipped", "failed", "unknown", "attempts", "throttled"] {
        assert_eq!(merged["summary"][count], whole["summary"][count], "{count}");
    }
}

/// Somebody forgot a shard, sent everything again, or sent the rest on its own.
#[test]
fn what_is_missing_or_twice_or_of_another_plan_is_told_and_refused_on_demand() {
    let (folder, service) = (folder(9), service(""));
    let shard = |index: usize| run(&service, folder.path(), 0, &["--shard", &format!("{index}/3")]);
    let [one, two, three] = [shard(1), shard(2), shard(3)];
    let strict = |runs: &[&str]| {
        let args = [&["report", "--require-complete", "--report", "json=strict.json"], runs].concat();
        let finished = hss(folder.path(), &args);
        let written = fs::remove_file(folder.path().join("strict.json")).is_ok();
        assert_eq!(finished.stdout().is_empty(), !written, "{}", finished.excerpt());
        (finished.code(), written, finished.stderr())
    };
    assert_eq!(strict(&[&one, &two, &three]), (0, true, String::new()));

    let (code, written, told) = strict(&[&one, &three]);
    assert_eq!((code, written), (4, false), "{told}");
    assert!(told.contains("in no run's hands") && told.contains("shard 2/3 is missing"), "{told}");
    assert!(told.contains("nothing was written"), "{told}");
    let (finished, lenient) = report(folder.path(), &[&one, &three]);
    assert!(finished.stderr().contains("shard 2/3 is missing"), "{}", finished.excerpt());
    assert_eq!(finished.code(), 0, "what is skipped is no failure");
    let skipped = lenient["summary"]["skipped"].as_u64().expect("a count");
    assert!((1..9).contains(&skipped), "{skipped}");
    let (code, written, told) = strict(&[&one]);
    assert_eq!((code, written), (4, false), "{told}");
    assert!(told.contains("shards 2/3, 3/3 are missing"), "{told}");

    let [first, second] = [run(&service, folder.path(), 0, &[]), run(&service, folder.path(), 0, &[])];
    let (code, written, told) = strict(&[&first, &second]);
    assert_eq!((code, written), (3, false), "{told}");
    assert!(told.contains("9 operations were sent by more than one run"), "{told}");
    let (finished, twice) = report(folder.path(), &[&second, &first]);
    assert_eq!((finished.code(), &twice["summary"]["attempts"]), (0, &json!(18)), "{}", finished.excerpt());
    assert_eq!((&twice["summary"]["planned"], &twice["summary"]["accepted"]), (&json!(9), &json!(9)));
    assert!(finished.stderr().contains("more than one run"), "{}", finished.stderr());

    fs::write(folder.path().join("plan.yaml"), plan(10)).expect("the plan is written");
    let grown = run(&service, folder.path(), 0, &["--select", "project=p09"]);
    let (code, written, told) = strict(&[&first, &grown]);
    assert_eq!((code, written), (3, false), "{told}");
    assert!(told.contains("of 2 different plans (sha256:"), "{told}");
    let (_, grown) = report(folder.path(), &[&first, &grown]);
    assert_eq!((&grown["summary"]["planned"], &grown["summary"]["accepted"]), (&json!(10), &json!(10)));
    assert_eq!(grown["plans"].as_array().map(Vec::len), Some(2));
}

/// One text that was read with other variables is another plan.
#[test]
fn runs_of_one_text_are_told_each_as_it_was_read() {
    let (folder, service) = (tempfile::tempdir().expect("a temporary folder"), service(""));
    let vars = "name: many\nvars: { id: a }\n";
    let text = plan(2).replace("name: many\n", vars).replace("\"id", "\"{{ vars.id }}-id");
    fs::write(folder.path().join("plan.yaml"), text).expect("the plan is written");
    let read = ["id=a", "id=b"].map(|variable| run(&service, folder.path(), 0, &["--var", variable]));
    let (finished, report) = report(folder.path(), &read.each_ref().map(String::as_str));
    assert_eq!(finished.code(), 0, "{}", finished.excerpt());
    let operations = report["operations"].as_array().expect("a list").iter();
    let ids: Vec<&str> = operations.map(|one| one["project_id"].as_str().expect("an id")).collect();
    assert_eq!(ids, ["a-id00", "a-id01", "b-id00", "b-id01"]);
}

#[test]
fn a_run_and_its_rest_come_to_the_whole() {
    let (folder, service) = (folder(8), service(""));
    let first = run(&service, folder.path(), 4, &["--quota", "3/10m", "--max-duration", "1s"]);
    let remaining = format!("{first}/remaining.yaml");
    let finished = service.run(folder.path(), &["run", &remaining, "--report", "json=rest.json", "--quiet"]);
    assert_eq!(finished.code(), 0, "{}", finished.excerpt());
    let (finished, merged) = report(folder.path(), &[&first, "latest"]);
    assert_eq!(finished.code(), 0, "{}", finished.excerpt());
    assert_eq!((&merged["summary"]["accepted"], &merged["summary"]["planned"]), (&json!(8), &json!(8)));
    assert_eq!(merged["summary"]["attempts"], 8);
    let places: Vec<&str> = merged["operations"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["source"]["path"].as_str().expect("a path"))
        .collect();
    assert_eq!(places.iter().filter(|path| **path == "plan.yaml").count(), 3, "what the first run sent: {places:?}");
    assert!(!finished.stdout().contains("go on"), "the first run would send it again: {}", finished.stdout());
}

/// A run as it was when it was killed, as it is while it goes on, on another path, and when it can't be read.
#[test]
fn a_run_that_is_not_over_is_told_as_it_stands() {
    let (folder, service) = (folder(6), service(""));
    let own = run(&service, folder.path(), 0, &[]);
    let journal = fs::read_to_string(Path::new(&own).join("journal.ndjson")).expect("a journal");
    let lines: Vec<&str> = journal.split_inclusive('\n').collect();
    // Up to an operation that was announced and never answered.
    let cut = lines.iter().position(|line| line.contains("\"attempt_started\"")).expect("an attempt") + 1;
    let copy = folder.path().join("copied/elsewhere");
    fs::create_dir_all(&copy).expect("made");
    let write = |text: &str| fs::write(copy.join("journal.ndjson"), text).expect("written");
    write(&lines[..cut].concat());
    let before = content(&copy);
    let (finished, killed) = report(folder.path(), &["copied/elsewhere"]);
    assert_eq!(finished.code(), 4, "{}", finished.excerpt());
    assert_eq!((&killed["summary"]["unknown"], &killed["summary"]["not_attempted"]), (&json!(1), &json!(5)));
    assert!(finished.stderr().contains("did not come to its end"), "{}", finished.stderr());
    assert!(finished.stdout().contains("go on     hss-sync resume copied/elsewhere"), "{}", finished.stdout());
    assert_eq!(content(&copy), before, "nothing is written there");

    let held = fs::File::open(copy.join("journal.ndjson")).expect("opened");
    held.lock().expect("locked");
    let (finished, _) = report(folder.path(), &["copied/elsewhere/journal.ndjson"]);
    assert!(finished.stderr().contains("is still going on"), "{}", finished.stderr());
    assert!(!finished.stdout().contains("go on "), "{}", finished.stdout());
    drop(held);

    // The older copy of a run says nothing that the newer one does not.
    let (finished, both) = report(folder.path(), &["copied/elsewhere", &own]);
    assert_eq!(finished.code(), 0, "{}", finished.excerpt());
    assert_eq!(both, checked_report(&Path::new(&own).join("report.json")));

    let refused = |text: &str, code: i32, what: &str| {
        write(text);
        let finished = hss(folder.path(), &["report", &own, "copied/elsewhere", "--report", "json=none.json"]);
        assert_eq!(finished.code(), code, "{}", finished.excerpt());
        assert!(finished.stderr().contains(what), "{what}: {}", finished.stderr());
        assert!(finished.stderr().contains("copied/elsewhere") || what.contains("tell"), "{}", finished.stderr());
        assert!(!folder.path().join("none.json").exists() && finished.stdout().is_empty());
    };
    refused(&journal.replacen("attempt_started", "attempt_startes", 1), 6, "is damaged");
    refused(&journal.replacen("\"version\":1,", "\"version\":9,", 1), 6, "reads version 1");
    refused("", 6, "killed before it had announced anything");
    refused(&with_a_wave_more(&journal), 6, "begins wave 5 of plan 0");
}

/// The journal as a program would have written it that counts waves otherwise.
fn with_a_wave_more(journal: &str) -> String {
    let journal = hss_sync::journal::read(journal.as_bytes()).expect("whole");
    let ids = std::cell::RefCell::new(Vec::new());
    let events = journal.events(|id| {
        ids.borrow_mut().push(id.to_owned());
        Some(ids.borrow().len() - 1)
    });
    let (ids, mut lines, mut writer) = (ids.borrow(), Vec::new(), LineWriter::new());
    writer.header(&journal.header, &mut lines);
    for mut event in events.expect("every id is known") {
        if let RunEvent::WaveStarted { wave, .. } = &mut event {
            *wave = 5;
        }
        writer.event(&event, |op| &ids[op], &mut lines);
    }
    String::from_utf8(lines).expect("text")
}

/// Really killed, between the announcement of a request and its sending.
#[cfg(all(unix, debug_assertions))]
#[test]
fn a_run_that_was_killed_is_reported() {
    let (folder, service) = (folder(6), service(""));
    let args = ["run", "plan.yaml", "--concurrency", "1", "--quiet"];
    let mut command = service.command(folder.path(), &args);
    let output = command.env("HSS_SYNC_TEST_CRASH", "after-sync:5").output().expect("the binary starts");
    assert_eq!(output.status.code(), None, "it was killed");
    let before = content(&runs(folder.path())[0]);
    let (finished, killed) = report(folder.path(), &["latest"]);
    assert_eq!(finished.code(), 4, "{}", finished.excerpt());
    let left = killed["summary"]["unknown"].as_u64().zip(killed["summary"]["not_attempted"].as_u64());
    let (unknown, not_attempted) = left.expect("counts");
    assert!(unknown <= 1 && not_attempted >= 4, "{killed:#}");
    assert!(finished.stderr().contains("did not come to its end"), "{}", finished.stderr());
    assert_eq!(content(&runs(folder.path())[0]), before, "nothing is written to the run's directory");
    let resumed = service.run_resume(folder.path(), &["resume", "--quiet"]);
    assert!(matches!(resumed.code(), 0 | 4), "it goes on as ever: {}", resumed.excerpt());
    let id = runs(folder.path())[0].file_name().expect("a name").to_str().expect("UTF-8").to_owned();
    let (_, over) = report(folder.path(), &[&id]);
    assert_eq!(over["run"]["resumed"], 1);
}

#[test]
fn what_is_wrong_with_a_call_is_told() {
    let (folder, service) = (folder(2), service(""));
    let usage = |args: &[&str], what: &str| {
        let finished = hss(folder.path(), &[&["report"], args].concat());
        assert_eq!(finished.code(), 2, "{}", finished.excerpt());
        assert!(finished.stderr().contains(what), "{what}: {}", finished.stderr());
    };
    usage(&["latest"], "there is no run in");
    usage(&[], "RUN");
    let own = run(&service, folder.path(), 0, &[]);
    usage(&[&own, "nowhere"], "`nowhere` is no run");
    usage(&["latest", "--report", "yaml=x"], "no report format");
    usage(&["latest", "--format", "json", "--report", "csv=-"], "only one report can go to standard output");
    fs::create_dir(folder.path().join("taken")).expect("made");
    let finished = hss(folder.path(), &["report", "latest", "--report", "json=taken", "--report", "csv=run.csv"]);
    assert_eq!(finished.code(), 6, "{}", finished.excerpt());
    assert!(folder.path().join("run.csv").exists(), "one that fails keeps no other from being written");
    let settled = finish(hss_sync(folder.path()).args(["report", "latest"]).env("HSS_SYNC_STATE_DIR", "elsewhere"));
    assert!(settled.stderr().contains("elsewhere"), "{}", settled.excerpt());
}

/// A job that only merges is where people look.
#[test]
fn in_github_actions_the_step_gets_its_summary() {
    let (folder, service) = (folder(6), service("403:100%"));
    let shards: Vec<String> =
        ["1/2", "2/2"].iter().map(|shard| run(&service, folder.path(), 1, &["--shard", shard])).collect();
    let mut command = hss_sync(folder.path());
    command.args(["report", &shards[0], &shards[1]]);
    // The runner makes the file.
    fs::write(folder.path().join("summary.md"), "").expect("made");
    let finished = finish(command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", "summary.md"));
    assert_eq!(finished.code(), 1, "{}", finished.excerpt());
    let summary = fs::read_to_string(folder.path().join("summary.md")).expect("a summary");
    assert!(summary.contains("all 6 operations failed") && summary.contains("merged from 2 runs"), "{summary}");
    assert!(finished.stdout().lines().any(|line| line.starts_with("::error file=plan.yaml")), "{}", finished.stdout());
}
