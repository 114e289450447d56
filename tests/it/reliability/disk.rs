//! A disk that is full, and one that can't be written: each in a file system of its own, where the system lets users mount one.

use std::collections::BTreeSet;
use std::process::Command;

use hss_sync::simulator::{Faults, SimulatorConfig};

use super::super::common::Finished;
use super::super::service::{Service, with_credential};
use super::{checked_report, counts, plan, unshared};

const LIMITS: &str = "quota: { calls: 1000, per: 1s }, concurrency: 4, region_concurrency: 4";

const SKIPPED: &str = "skipped: no file system can be mounted here";

/// Runs a script with the binary as `$0` where it may mount; none where the system allows no such thing.
fn mounting(inner: &Command, script: &str) -> Option<Finished> {
    unshared(inner, "-rm", "mount -t tmpfs none /mnt", script)
}

fn service() -> Service {
    let faults = Faults::parse("latency:1ms").expect("legal");
    Service::start(SimulatorConfig { quota: None, faults, ..SimulatorConfig::default() })
}

/// The run stops when its journal can't grow, says what that doesn't hold, and goes on when there is room.
#[test]
fn a_full_disk_stops_the_run_and_room_lets_it_go_on() {
    let service = service();
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("plan.yaml"), plan(300, LIMITS)).expect("written");
    std::fs::create_dir(folder.path().join("state")).expect("made");
    let args = ["run", "plan.yaml", "--quiet", "--state-dir", "state", "--report", "json=first.json"];
    let mut run = with_credential(folder.path(), &args);
    run.args(["--endpoint", service.endpoint()]);
    let script = "mount -t tmpfs -o size=96k none state && { \"$0\" \"$@\" 2>said; echo $? >code; cp -r state seen; mount -o \
                  remount,size=16m state; \"$0\" resume --quiet --state-dir state --report json=last.json; }";
    let Some(resumed) = mounting(&run, script) else {
        eprintln!("{SKIPPED}");
        return;
    };
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect("text");
    let said = read("said");
    assert_eq!(read("code"), "6\n", "{said}");
    assert!(said.contains("the disk is full"), "{said}");
    let first = checked_report(&folder.path().join("first.json"));
    let [accepted, failed, unknown, left] = counts(&first);
    assert!(accepted > 0 && left > 0 && (failed, unknown) == (0, 0), "{}", first["summary"]);
    let sent = service.log().iter().filter(|entry| entry.method == "POST").count();
    assert_eq!(first["run"]["exit_code"], 6);

    let last = checked_report(&folder.path().join("last.json"));
    let [accepted_now, failed, unknown, left] = counts(&last);
    assert_eq!((accepted_now + unknown, failed, left), (300, 0, 0), "{}", resumed.excerpt());
    assert_eq!(resumed.code(), if unknown == 0 { 0 } else { 4 }, "{}", resumed.excerpt());
    assert!(sent as u64 >= accepted, "{sent}");
    // Lines that had landed before the disk was full stay: an announcement among them is unknown, though it was never sent.
    let posts = service.log().iter().filter(|entry| entry.method == "POST").count() as u64;
    assert_eq!(service.tasks().len() as u64, posts);
    assert!((accepted_now..=300).contains(&posts), "{posts} sent for {accepted_now} accepted and {unknown} unknown");
    let projects: BTreeSet<String> = service.tasks().into_iter().map(|task| task.project_id).collect();
    assert_eq!(projects.len() as u64, posts, "a request was sent twice");
}

#[test]
fn a_home_that_can_not_be_written_is_none_of_its_business() {
    let service = service();
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("plan.yaml"), plan(3, LIMITS)).expect("written");
    std::fs::create_dir(folder.path().join("home")).expect("made");
    let mut run = with_credential(folder.path(), &["run", "plan.yaml", "--report", "json=report.json"]);
    run.args(["--endpoint", service.endpoint()]).env("HOME", folder.path().join("home"));
    let script = "mount -t tmpfs -o ro none home && ! touch home/x 2>/dev/null && exec \"$0\" \"$@\"";
    let Some(finished) = mounting(&run, script) else {
        eprintln!("{SKIPPED}");
        return;
    };
    assert_eq!(finished.code(), 0, "{}", finished.excerpt());
    assert_eq!(counts(&checked_report(&folder.path().join("report.json"))), [3, 0, 0, 0]);
}
