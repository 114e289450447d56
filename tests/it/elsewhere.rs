//! Runs of one state directory share the quota of the service, with the real binary: what one sent a moment ago counts for the next.
//!
//! The windows are an hour long, so that no test depends on how fast it is.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hss_sync::model::Quota;
use hss_sync::simulator::{Faults, SimulatorConfig};

use super::common::{Finished, finish, hss_sync, until};
use super::service::Service;

/// A service that takes four calls an hour, and one plan of four operations and one of two.
struct Scene {
    service: Service,
    folder: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let quota = Some(Quota::parse("4/1h").expect("a quota"));
        Self::with(SimulatorConfig { quota, ..SimulatorConfig::default() })
    }

    fn with(config: SimulatorConfig) -> Self {
        let scene = Self { service: Service::start(config), folder: tempfile::tempdir().expect("a folder") };
        for (name, operations) in [("four", 4), ("two", 2)] {
            let projects: String = (0..operations)
                .map(|index| {
                    format!("  - {{ name: {name}-{index}, project_ids: {{ cn-north-4: {name}-id-{index} }} }}\n")
                })
                .collect();
            let text = format!(
                "version: 1\nname: {name}\nlimits: {{ quota: {{ calls: 4, per: 1h }}, retry: {{ max_attempts: 1 }} \
                 }}\nregistry_sets: {{ all: {{ sync_all_registries: true }} }}\ndefaults: {{ registry_sets: [all] \
                 }}\nprojects:\n{projects}"
            );
            std::fs::write(scene.folder.path().join(format!("{name}.yaml")), text).expect("written");
        }
        scene
    }

    /// Runs what can be sent at once.
    fn run(&self, args: &[&str]) -> Finished {
        self.service.run(self.folder.path(), &[&["run", "--max-duration", "2s"], args].concat())
    }

    fn sent(&self) -> usize {
        self.service.log().iter().filter(|entry| entry.method == "POST").count()
    }

    fn throttled(&self) -> usize {
        self.service.log().iter().filter(|entry| entry.status == Some(429)).count()
    }

    fn latest(&self) -> String {
        let runs = finish(hss_sync(self.folder.path()).args(["runs", "--format", "json"])).json().expect("JSON");
        runs["runs"][0]["id"].as_str().expect("an id").to_owned()
    }
}

#[test]
fn a_run_counts_what_the_one_before_it_sent() {
    let scene = Scene::new();
    let first = scene.run(&["four.yaml"]);
    assert_eq!((first.code(), scene.sent()), (0, 4), "{}", first.excerpt());
    let id = scene.latest();

    let second = scene.run(&["two.yaml"]);
    assert_eq!((second.code(), scene.sent()), (4, 4), "{}", second.excerpt());
    assert!(
        second.stderr().contains(&format!("4 calls of run {id} still count against the quota")),
        "{}",
        second.excerpt()
    );
    assert!(second.stderr().contains("forecast 1 h"), "{}", second.excerpt());

    // A copy of a run is that run.
    let runs = scene.folder.path().join(".hss-sync/runs");
    std::fs::create_dir(runs.join("kept")).expect("made");
    std::fs::copy(runs.join(&id).join("journal.ndjson"), runs.join("kept/journal.ndjson")).expect("copied");
    let third = scene.run(&["two.yaml"]);
    assert_eq!((third.code(), scene.sent()), (4, 4), "{}", third.excerpt());
    assert!(third.stderr().contains("4 calls of run"), "{}", third.excerpt());

    // A simulator has seen nothing of that, and what it sees counts for nobody.
    let simulated = finish(hss_sync(scene.folder.path()).args(["run", "two.yaml", "--simulate"]));
    assert_eq!(simulated.code(), 0, "{}", simulated.excerpt());
    assert!(!simulated.stderr().contains("still count"), "{}", simulated.excerpt());

    // Nobody can know what is kept elsewhere: the service says so itself.
    let apart = scene.run(&["two.yaml", "--state-dir", "apart"]);
    assert_eq!((apart.code(), scene.throttled()), (4, 1), "{}", apart.excerpt());
}

#[test]
fn a_resume_counts_what_others_sent_meanwhile() {
    let scene = Scene::new();
    let first = scene.run(&["four.yaml", "--quota", "1/1h"]);
    assert_eq!((first.code(), scene.sent()), (4, 1), "{}", first.excerpt());
    let id = scene.latest();
    let second = scene.run(&["two.yaml"]);
    assert_eq!((second.code(), scene.sent()), (0, 3), "{}", second.excerpt());
    assert!(second.stderr().contains(&format!("1 call of run {id} still counts")), "{}", second.excerpt());

    let args = ["resume", &id, "--quota", "4/1h", "--max-duration", "2s"];
    let resumed = scene.service.run_resume(
        scene.folder.path(),
        &[&args[..], &["--allow-endpoint", scene.service.endpoint().trim_start_matches("http://")]].concat(),
    );
    assert_eq!((resumed.code(), scene.sent(), scene.throttled()), (4, 4, 0), "{}", resumed.excerpt());
    assert!(resumed.stderr().contains("2 calls of run"), "{}", resumed.excerpt());
}

/// Ends a process that the test began.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_run_that_goes_on_at_the_same_time_is_warned_of() {
    let scene = Scene::new();
    let mut command: Command = scene.service.command(scene.folder.path(), &["run", "four.yaml", "--quota", "1/1h"]);
    let _going_on =
        Killed(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts"));
    until("nothing is sent", || scene.sent() > 0);
    let second = scene.run(&["two.yaml"]);
    let warning = "goes on at the same time with the same quota";
    assert!(second.stderr().contains(warning), "{}", second.excerpt());
    assert_eq!(scene.throttled(), 0);

    // Of another host, its quota is another one.
    let elsewhere = Service::start(SimulatorConfig { quota: None, ..SimulatorConfig::default() });
    let third = elsewhere.run(scene.folder.path(), &["run", "two.yaml"]);
    assert_eq!(third.code(), 0, "{}", third.excerpt());
    assert!(!third.stderr().contains(warning) && !third.stderr().contains("still count"), "{}", third.excerpt());
}

/// The parts of a plan share its quota out among them; the part of another plan is just another run.
#[test]
fn shards_of_one_plan_do_not_count_each_other() {
    let scene = Scene::new();
    for (shard, sent) in [("1/2", 2), ("2/2", 4)] {
        let finished = scene.run(&["four.yaml", "--shard", shard]);
        assert_eq!((finished.code(), scene.sent()), (0, sent), "{shard}: {}", finished.excerpt());
        assert!(!finished.stderr().contains("still count"), "{shard}: {}", finished.excerpt());
    }
    let other = scene.run(&["two.yaml", "--shard", "1/2"]);
    assert_eq!((other.code(), scene.sent()), (4, 4), "{}", other.excerpt());
    assert!(other.stderr().contains("4 calls of 2 other runs still count"), "{}", other.excerpt());
}

/// Its last line is older than any window, and the service may still be busy with it until its timeout of 75 s.
#[test]
fn what_a_killed_run_had_in_flight_counts_long_after_its_last_line() {
    let quota = Some(Quota::parse("1/1s").expect("a quota"));
    let faults = Faults::parse("latency:20s").expect("faults");
    let scene = Scene::with(SimulatorConfig { quota, faults, ..SimulatorConfig::default() });
    let mut command = scene.service.command(scene.folder.path(), &["run", "four.yaml", "--quota", "1/1s"]);
    let killed =
        Killed(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts"));
    until("nothing is sent", || scene.sent() > 0);
    drop(killed);
    std::thread::sleep(Duration::from_secs(4));
    let second = scene.run(&["two.yaml", "--quota", "1/1s"]);
    assert!(second.stderr().contains("1 call of run"), "{}", second.excerpt());
    assert_eq!((second.code(), scene.sent()), (4, 1), "{}", second.excerpt());
}

#[test]
fn a_journal_that_can_not_be_read_stands_in_nobodys_way() {
    let scene = Scene::new();
    let run = scene.folder.path().join(".hss-sync/runs/20261124-080000-7f3a");
    std::fs::create_dir_all(&run).expect("made");
    std::fs::write(run.join("journal.ndjson"), "nonsense\n").expect("written");
    let finished = scene.run(&["two.yaml", "-v"]);
    assert_eq!((finished.code(), scene.sent()), (0, 2), "{}", finished.excerpt());
    let said = "what run 20261124-080000-7f3a sent is not counted";
    assert!(finished.stderr().contains(said), "{}", finished.excerpt());
}
