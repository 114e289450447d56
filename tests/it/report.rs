//! `report` with the real binary: one run as it reported itself, and several as one.

#![cfg(feature = "simulator")]

use std::fs;
use std::path::{Path, PathBuf};

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
    let finished = hss(folder, &["report", "latest", "--report", "json=again.json", "--report", "csv=again.csv"]);
    assert_eq!(finished.code(), code, "{}", finished.excerpt());
    let own = fs::read_to_string(run.join("report.json")).expect("its own report");
    assert_eq!(fs::read_to_string(folder.join("again.json")).expect("written"), own);
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
        let own = run(&service, folder.path(), code, args);
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
    let by_parts: Vec<Value> = [[one, two], [two, three]].iter().map(|pair| report(folder.path(), pair).1).collect();
    assert!(by_parts.iter().all(|part| part != &merged));

    // Later, so that its window is free again, or it waits for it.
    let whole = service.run(folder.path(), &["run", "plan.yaml", "--quota", quota, "--report", "json=whole.json"]);
    assert_eq!(whole.code(), 0, "{}", whole.excerpt());
    let whole = checked_report(&folder.path().join("whole.json"));
    assert_eq!(told(&merged), told(&whole));
    assert_eq!(merged["plans"], whole["plans"]);
    for count in ["planned", "accepted", "skipped", "failed", "unknown", "attempts", "throttled"] {
        assert_eq!(merged["summary"][count], whole["summary"][count], "{count}");
    }
}
