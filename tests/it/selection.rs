//! `--select` and `--shard` with the real binary: what is sent, asked and counted, and that a resume keeps to it.

#![cfg(feature = "simulator")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use hss_sync::model::Quota;
use hss_sync::simulator::SimulatorConfig;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::common::{finish, hss_sync};
use super::run::checked_report;
use super::service::{Service, project_of};

/// Of `web` everything is stated; `open` has to be asked for; `other` has a credential that nobody has.
const PLAN: &str = "version: 1
name: fleet
registry_sets:
  all: { sync_all_registries: true }
  discovered: { select: { registry_name: \"prod-*\" } }
defaults: { registry_sets: [all] }
projects:
  - { name: web, project_ids: { cn-north-4: w-1, cn-east-3: w-2, eu-west-101: w-3 }, labels: [canary] }
  - { name: open, project_ids: { cn-north-4: lookup, eu-west-101: lookup }, registry_sets: [discovered] }
  - { name: other, project_ids: { cn-north-4: o-1 }, credential: nobody }
rollout:
  waves:
    - { name: canary, select: { labels: [canary] }, max_failures: 50% }
    - { name: rest, max_failures: 50% }
";

fn folder(plan: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("plan.yaml"), plan).expect("the plan is written");
    folder
}

/// A simulator without a quota: these tests are not about it.
fn service() -> Service {
    Service::start(SimulatorConfig { quota: None, ..SimulatorConfig::default() })
}

/// `project region` of each operation that a plan in JSON lists.
fn listed(document: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let list = document["operations"].as_array().expect("a list").iter();
    list.map(|operation| format!("{} {}", text(&operation["project"]), text(&operation["region"]))).collect()
}

/// `project region outcome reason` of each operation of a report.
fn outcomes(report: &Value) -> Vec<String> {
    let list = report["operations"].as_array().expect("a list").iter();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    list.map(|one| ["project", "region", "outcome", "reason"].map(|key| text(&one[key])).join(" ")).collect()
}

fn posts(service: &Service) -> Vec<String> {
    let log = service.log().into_iter().filter(|entry| entry.method == "POST");
    let mut projects: Vec<String> = log.filter_map(|entry| entry.project_id).collect();
    projects.sort();
    projects
}

fn run_directory(folder: &Path) -> PathBuf {
    let runs = fs::read_dir(folder.join(".hss-sync/runs")).expect("runs");
    let mut directories: Vec<PathBuf> = runs.map(|entry| entry.expect("an entry").path()).collect();
    assert_eq!(directories.len(), 1, "{directories:?}");
    directories.remove(0)
}

#[test]
fn plan_dry_run_and_validate_show_what_is_selected_with_the_digest_of_the_whole() {
    let folder = folder(PLAN);
    let hss = |args: &[&str]| finish(hss_sync(folder.path()).args(args));
    let whole = hss(&["plan", "plan.yaml", "--format", "json"]).json().expect("JSON");
    for command in [&["plan", "plan.yaml"][..], &["run", "plan.yaml", "--dry-run"]] {
        let args = [command, &["--select", "region=cn-*", "--select", "project=web", "--format", "json"]].concat();
        let part = hss(&args).json().expect("JSON");
        assert_eq!(listed(&part), ["web cn-north-4", "web cn-east-3"]);
        assert_eq!((&part["digest"], &part["planned"]), (&whole["digest"], &json!(6)));
        assert_eq!(part["forecast"]["calls"], 2);
    }
    let text = hss(&["plan", "plan.yaml", "--select", "!wave=canary"]);
    assert!(text.stdout().contains("3 of 6 operations, 3 calls."), "{}", text.stdout());
    assert!(text.stdout().contains("canary 50 % of 0 = 0"), "{}", text.stdout());
    assert!(text.stdout().contains("rest 50 % of 3 = 1"), "{}", text.stdout());
    assert_eq!(text.stderr(), "3 of 6 operations; 3 not selected\n");
    let text = hss(&["validate", "plan.yaml", "--select", "label=canary"]);
    assert!(text.stdout().contains("3 of 6 operations in 3 regions, 3 calls"), "{}", text.stdout());
    let document = hss(&["validate", "plan.yaml", "--select", "label=canary", "--format", "json"]).json();
    assert_eq!(document.expect("JSON")["summary"]["operations"], 3);
}

#[test]
fn nothing_selected_is_told_before_anything_is_done() {
    let folder = folder(PLAN);
    for command in ["validate", "plan", "check", "run"] {
        let finished = finish(hss_sync(folder.path()).args([command, "plan.yaml", "--select", "project=wbe"]));
        assert_eq!(finished.code(), 2, "{command}: {}", finished.excerpt());
        assert!(finished.stderr().contains("did you mean `web`?"), "{}", finished.stderr());
        assert!(finished.stderr().contains("web, open, other"), "{}", finished.stderr());
    }
    let finished = finish(hss_sync(folder.path()).args(["plan", "plan.yaml", "--select", "labels=x"]));
    assert_eq!(finished.code(), 2, "{}", finished.excerpt());
    assert!(finished.stderr().contains("did you mean `label`?"), "{}", finished.stderr());
    assert!(!folder.path().join(".hss-sync").exists());
}

#[test]
fn a_run_sends_and_asks_only_for_what_is_selected() {
    let folder = folder(PLAN);
    let service = service();
    let args = ["run", "plan.yaml", "--select", "label=canary", "--select", "!region=eu-*", "--report", "json=r.json"];
    let finished = service.run(folder.path(), &args);
    assert_eq!(finished.code(), 0, "{}", finished.excerpt());
    assert_eq!(posts(&service), ["w-1", "w-2"]);
    assert_eq!(service.log().len(), 2, "nothing was looked up, and nobody's credential was not missed");
    let report = checked_report(&folder.path().join("r.json"));
    assert_eq!(
        outcomes(&report),
        [
            "web cn-north-4 accepted -",
            "web cn-east-3 accepted -",
            "web eu-west-101 skipped not selected",
            "open cn-north-4 skipped not selected",
            "open eu-west-101 skipped not selected",
            "other cn-north-4 skipped not selected",
        ]
    );
    assert!(finished.stdout().contains("2 accepted, 4 skipped of 6"), "{}", finished.stdout());
    assert!(finished.stdout().contains("4 × skipped: not selected\n"), "{}", finished.stdout());
    assert!(!finished.stderr().contains("skipped"), "no line for each: {}", finished.stderr());
    assert!(finished.stderr().contains("2 of 6 operations, forecast"), "{}", finished.stderr());
    assert!(!run_directory(folder.path()).join("remaining.yaml").exists());
}

#[test]
fn lookups_and_lists_are_those_of_what_is_selected() {
    let folder = folder(PLAN);
    let service = service();
    let args = ["--select", "project=open", "--select", "region=cn-*"];
    let online =
        service.run(folder.path(), &[&["plan", "plan.yaml", "--online", "--format", "json"], &args[..]].concat());
    assert_eq!((online.code(), service.reads()), (0, 2), "one lookup, one list: {}", online.excerpt());
    assert_eq!(listed(&online.json().expect("JSON")), ["open cn-north-4"]);
    let checked = service.run(folder.path(), &[&["check", "plan.yaml"], &args[..]].concat());
    assert_eq!(checked.code(), 0, "{}", checked.excerpt());
    assert!(checked.stdout().contains("open / cn-north-4"), "{}", checked.stdout());
    for other in ["web", "other", "eu-west-101", "nobody"] {
        assert!(!checked.stdout().contains(other), "{other}: {}", checked.stdout());
    }
    let run = service.run(folder.path(), &[&["run", "plan.yaml", "--check"], &args[..]].concat());
    assert_eq!(run.code(), 0, "{}", run.excerpt());
    assert_eq!(posts(&service), [project_of("cn-north-4")]);
}

/// A lock is approved whole, with all that was resolved in it, and sent in parts.
#[test]
fn a_part_of_a_lock_is_sent_on_the_approval_of_the_whole() {
    let folder = folder(PLAN);
    let service = service();
    let saved = service.run(folder.path(), &["plan", "plan.yaml", "--online", "--out", "plan.lock.json"]);
    assert_eq!(saved.code(), 0, "{}", saved.excerpt());
    let lock = fs::read_to_string(folder.path().join("plan.lock.json")).expect("a lock");
    let lock: Value = serde_json::from_str(&lock).expect("JSON");
    let digest = lock["digest"].as_str().expect("a digest");
    let reads = service.reads();
    let part = ["--select", "region=cn-*", "--select", "!project=other", "--quota", "1/10m", "--max-duration", "2s"];
    let args = [&["run", "plan.lock.json", "--approve", digest], &part[..]].concat();
    let run = service.run(folder.path(), &args);
    assert_eq!((run.code(), posts(&service).len()), (4, 1), "{}", run.excerpt());
    let resumed = service.run_resume(folder.path(), &["resume", "--quota", "100/1s", "--report", "json=r.json"]);
    assert_eq!(resumed.code(), 0, "{}", resumed.excerpt());
    assert_eq!(posts(&service), [project_of("cn-north-4"), "w-1".to_owned(), "w-2".to_owned()]);
    assert_eq!(service.log().len(), reads + 3, "nothing was asked again");
    let report = outcomes(&checked_report(&folder.path().join("r.json")));
    assert_eq!(report.iter().filter(|line| line.contains("skipped not selected")).count(), 3, "{report:?}");
}

/// A gate counts what it sees, and a lock sends what it lists: both are of whole plans.
#[test]
fn no_lock_and_no_difference_is_made_of_a_part() {
    let folder = folder(PLAN);
    for part in [["--select", "project=web"], ["--shard", "1/2"]] {
        for whole in [["--out", "plan.lock.json"], ["--diff", "plan.yaml"]] {
            let refused = finish(hss_sync(folder.path()).args(["plan", "plan.yaml"]).args(part).args(whole));
            assert_eq!(refused.code(), 2, "{}", refused.excerpt());
            assert!(refused.stderr().contains("cannot be used with"), "{}", refused.stderr());
        }
    }
    assert!(!folder.path().join("plan.lock.json").exists());
}

/// What was selected when the run began stays selected, also when the journal was cut short before it says what is skipped.
#[test]
fn a_resume_keeps_to_the_selection() {
    for cut in [false, true] {
        let folder = folder(PLAN);
        let service = service();
        let args = ["--select", "project=web", "--quota", "1/10m", "--max-duration", "2s"];
        let first = service.run(folder.path(), &[&["run", "plan.yaml"], &args[..]].concat());
        assert_eq!((first.code(), posts(&service).len()), (4, 1), "{}", first.excerpt());
        let directory = run_directory(folder.path());
        let left = fs::read_to_string(directory.join("remaining.yaml")).expect("a plan of what is left");
        assert!(!left.contains("open") && !left.contains("other"), "{left}");
        let report = outcomes(&checked_report(&directory.join("report.json")));
        if cut {
            let journal = directory.join("journal.ndjson");
            let text = fs::read_to_string(&journal).expect("a journal");
            let kept: String = text.split_inclusive('\n').take_while(|line| !line.contains("skipped")).collect();
            assert!(kept.len() < text.len() && !kept.contains("attempt"), "{kept}");
            fs::write(&journal, kept).expect("it is cut");
        }
        let second = service.run_resume(folder.path(), &["resume", "--quota", "100/1s", "--report", "json=r.json"]);
        assert_eq!(second.code(), 0, "{}", second.excerpt());
        let again = if cut { 1 } else { 0 };
        assert_eq!(posts(&service).len(), 3 + again, "what the cut journal does not know is sent again");
        let report_after = outcomes(&checked_report(&folder.path().join("r.json")));
        let skipped = |lines: &[String]| lines.iter().filter(|line| line.contains("skipped not selected")).count();
        assert_eq!((skipped(&report), skipped(&report_after)), (3, 3));
        assert_eq!(report_after.iter().filter(|line| line.contains("accepted")).count(), 3);
        // With nothing to send it only tells how it stands.
        let third = service.run_resume(folder.path(), &["resume"]);
        assert_eq!((third.code(), posts(&service).len()), (0, 3 + again), "{}", third.excerpt());
    }
}

/// Many projects in one region, so that they share one quota.
fn many(operations: usize) -> String {
    let mut plan = "version: 1\nname: many\nregistry_sets: { all: { sync_all_registries: true } }\n\
                    defaults: { registry_sets: [all] }\nprojects:\n"
        .to_owned();
    for operation in 0..operations {
        plan.push_str(&format!("  - {{ name: p{operation}, project_ids: {{ cn-north-4: \"p-{operation}\" }} }}\n"));
    }
    plan
}

#[test]
fn shards_that_run_at_once_send_everything_once_within_the_quota_of_all() {
    let folder = folder(&many(30));
    let quota = "5/300ms";
    let config = SimulatorConfig { quota: Some(Quota::parse(quota).expect("a quota")), ..SimulatorConfig::default() };
    let service = Service::start(config);
    let shard = |index: usize| {
        let shard = format!("{index}/3");
        let report = format!("json={index}.json");
        let args = ["run", "plan.yaml", "--quota", quota, "--shard", &shard, "--report", &report];
        service.run(folder.path(), &args)
    };
    let ended: Vec<_> = std::thread::scope(|scope| {
        let running: Vec<_> = (1..=3).map(|index| scope.spawn(move || shard(index))).collect();
        running.into_iter().map(|one| one.join().expect("it ends")).collect()
    });
    for (index, finished) in (1..=3).zip(&ended) {
        assert_eq!(finished.code(), 0, "{}", finished.excerpt());
        let report = checked_report(&folder.path().join(format!("{index}.json")));
        assert_eq!(report["run"]["shard"], format!("{index}/3"));
        let skipped: BTreeSet<String> = outcomes(&report)
            .iter()
            .filter_map(|line| line.split_once(" skipped ").map(|(_, reason)| reason.to_owned()))
            .collect();
        let others = (1..=3).filter(|other| *other != index).map(|other| format!("another shard ({other}/3)"));
        assert_eq!(skipped, others.collect());
        let accepted = report["summary"]["accepted"].as_u64().expect("a count");
        assert!((1..30).contains(&accepted), "{accepted}");
    }
    let log = service.log();
    let posted: Vec<_> = log.iter().filter(|entry| entry.method == "POST").collect();
    assert!(posted.iter().all(|entry| entry.status == Some(202) || entry.status == Some(200)), "{posted:?}");
    let projects: BTreeSet<_> = posted.iter().filter_map(|entry| entry.project_id.clone()).collect();
    assert_eq!((posted.len(), projects.len()), (30, 30), "each once");
}

/// More shards than operations are no mistake of anybody's plan.
#[test]
fn an_empty_shard_sends_nothing_and_ends_well() {
    let folder = folder(&many(1));
    let service = service();
    let shard = |command: &'static str| {
        (1..=2).map(move |index| vec![command.to_owned(), "plan.yaml".to_owned(), format!("--shard={index}/2")])
    };
    for command in ["plan", "check", "run"] {
        for args in shard(command) {
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let finished = service.run(folder.path(), &args);
            assert_eq!(finished.code(), 0, "{args:?}: {}", finished.excerpt());
        }
    }
    assert_eq!(posts(&service).len(), 1);
    let text: String = shard("plan").map(|args| finish(hss_sync(folder.path()).args(args)).stdout()).collect();
    assert!(text.contains("nothing of it is selected") && text.contains("0 of 1 operation,"), "{text}");
}

#[test]
fn a_resumed_shard_stays_that_shard_with_its_part_of_the_quota() {
    let folder = folder(&many(12));
    let service = service();
    let args = ["run", "plan.yaml", "--shard", "2/2", "--quota", "3/10m", "--max-duration", "2s"];
    let first = service.run(folder.path(), &args);
    // The remainder of 3 calls is that of the first shard.
    assert_eq!((first.code(), posts(&service).len()), (4, 1), "{}", first.excerpt());
    let second = service.run_resume(folder.path(), &["resume", "--quota", "200/1s", "--report", "json=r.json"]);
    assert_eq!(second.code(), 0, "{}", second.excerpt());
    let report = checked_report(&folder.path().join("r.json"));
    assert_eq!(report["run"]["shard"], "2/2");
    let own = 12 - report["summary"]["skipped"].as_u64().expect("a count");
    assert_eq!(posts(&service).len() as u64, own);
}

#[test]
fn a_shard_is_taken_from_gitlab_or_kubernetes_when_that_is_asked_for() {
    let folder = folder(&many(30));
    let plan = |args: &[&str], environment: &[(&str, &str)]| {
        let args = [&["plan", "plan.yaml", "--format", "json"], args].concat();
        finish(hss_sync(folder.path()).args(args).envs(environment.iter().copied()))
    };
    let gitlab = [("CI_NODE_INDEX", "2"), ("CI_NODE_TOTAL", "3")];
    let written = listed(&plan(&["--shard", "2/3"], &[]).json().expect("JSON"));
    assert!((1..30).contains(&written.len()), "{written:?}");
    assert_eq!(listed(&plan(&["--shard", "auto"], &gitlab).json().expect("JSON")), written);
    let pod = [("JOB_COMPLETION_INDEX", "1")];
    assert_eq!(listed(&plan(&["--shard", "auto", "--shard-count", "3"], &pod).json().expect("JSON")), written);
    assert_eq!(listed(&plan(&[], &gitlab).json().expect("JSON")).len(), 30, "only when it is asked for");
    let unset = plan(&["--shard", "auto"], &[]);
    assert_eq!(unset.code(), 2, "{}", unset.excerpt());
    assert!(unset.stderr().contains("CI_NODE_INDEX"), "{}", unset.stderr());
}
