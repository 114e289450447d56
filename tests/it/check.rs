//! `check` with the real binary: what is wrong with a plan is found by reads alone.

#![cfg(feature = "simulator")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use hss_sync::run::port::Clock;
use hss_sync::simulator::{KeyPair, SimulatorConfig};
use serde_json::Value;
use tempfile::TempDir;

use super::common::{Finished, finish, hss_sync};
use super::service::{Service, project_of, registry_of, with_credential};

/// A plan with one mistake of each kind; by hand, with what the simulator's account has.
fn faulty_plan() -> String {
    let project = project_of("cn-north-4");
    let [enterprise, harbor, jfrog] =
        ["SwrEnterprise", "Harbor", "Jfrog"].map(|registry_type| registry_of(&project, registry_type));
    format!(
        "version: 1
name: faulty
registry_sets:
  right: {{ registries: [{{ registry_id: {harbor}, registry_type: Harbor }}, {{ registry_id: {enterprise}, registry_type: SwrEnterprise }}] }}
  wrong-id: {{ registries: [{{ registry_id: r-1, registry_type: Harbor }}] }}
  wrong-type:
    registries:
      - {{ registry_id: {enterprise}, registry_type: Jfrog }}
  disconnected: {{ registries: [{{ registry_id: {jfrog}, registry_type: Jfrog }}] }}
  everything: {{ sync_all_registries: true }}
projects:
  - {{ name: right, project_ids: {{ cn-north-4: {project} }}, registry_sets: [right] }}
  - {{ name: wrong-id, project_ids: {{ cn-north-4: {project} }}, registry_sets: [wrong-id] }}
  - {{ name: wrong-type, project_ids: {{ cn-north-4: {project} }}, registry_sets: [wrong-type] }}
  - {{ name: disconnected, project_ids: {{ cn-north-4: {project} }}, registry_sets: [disconnected] }}
  - {{ name: foreign, project_ids: {{ cn-north-1: {project} }}, registry_sets: [everything] }}
"
    )
}

fn folder(plan: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("plan.yaml"), plan).expect("the plan is written");
    folder
}

/// `hss-sync simulate`, killed in the end.
struct Simulate {
    child: Child,
    endpoint: String,
}

impl Simulate {
    fn start(dir: &Path) -> Self {
        let mut child = hss_sync(dir)
            .args(["simulate", "--log", "requests.ndjson"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let first = stdout.lines().next().expect("a line").expect("text");
        let (_, rest) = first.split_once(" on ").expect("it says where it listens");
        let endpoint = rest.split(';').next().expect("the address").to_owned();
        Self { child, endpoint }
    }
}

impl Drop for Simulate {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn check(dir: &Path, endpoint: &str, more: &[&str]) -> Finished {
    let pair = KeyPair::made_up(1);
    finish(
        hss_sync(dir)
            .args(["check", "plan.yaml", "--endpoint", endpoint, "--iam-endpoint", endpoint])
            .args(more)
            .env("HUAWEICLOUD_SDK_AK", pair.access_key)
            .env("HUAWEICLOUD_SDK_SK", pair.secret_key.expose()),
    )
}

#[test]
fn each_mistake_of_a_plan_is_found_at_its_line_and_nothing_is_sent() {
    let folder = folder(&faulty_plan());
    let simulate = Simulate::start(folder.path());
    let finished = check(folder.path(), &simulate.endpoint, &[]);
    assert_eq!(finished.code(), 1, "{}", finished.excerpt());
    let project = project_of("cn-north-4");
    let [enterprise, jfrog] = ["SwrEnterprise", "Jfrog"].map(|registry_type| registry_of(&project, registry_type));
    // By hand: r-1 stands at 5:43, the type Jfrog at 8:73, the id of the disconnected one at 9:47, the region at 16:37.
    let expected = format!(
        "ok    credential default         AK …0001 from HUAWEICLOUD_SDK_AK
ok    clock                      within 2 s of the service
ok    right / cn-north-4         2 of 2 registries found and connected
fail  wrong-id / cn-north-4      registry r-1 is not in the project   plan.yaml:5:43
fail  wrong-type / cn-north-4    registry {enterprise} is SwrEnterprise, the plan says Jfrog   plan.yaml:8:73
fail  disconnected / cn-north-4  registry {jfrog} is not connected (fail, REQUEST_API_ERROR)   plan.yaml:9:47
fail  foreign / cn-north-1       project {project} can't be read: APIGW.0302: The IAM user is not allowed: the account has no such project in this region   plan.yaml:16:37
3 ok, 4 wrong; 6 reads, nothing sent
"
    );
    assert_eq!(finished.stdout(), expected);
    // One lookup for each region, one list and one task list for each project in it.
    let log = std::fs::read_to_string(folder.path().join("requests.ndjson")).expect("a log");
    let log: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(log.len(), 6);
    assert!(log.iter().all(|entry| entry["method"] == "GET"), "{log:?}");
}

#[test]
fn the_same_as_json() {
    let folder = folder(&faulty_plan());
    let service = Service::start(SimulatorConfig::default());
    let finished = service.run(folder.path(), &["check", "plan.yaml", "--format", "json"]);
    assert_eq!((finished.code(), service.reads()), (1, 6), "{}", finished.excerpt());
    let document = finished.json().expect("JSON");
    assert_eq!(document["summary"], serde_json::json!({ "ok": 3, "warn": 0, "fail": 4, "skip": 0, "calls": 6 }));
    assert_eq!(
        document["checks"][3],
        serde_json::json!({
            "status": "fail", "kind": "project", "project": "wrong-id", "region": "cn-north-4",
            "message": "registry r-1 is not in the project",
            "source": { "path": "plan.yaml", "line": 5, "column": 43 },
        })
    );
    assert_eq!(document["checks"][1]["kind"], "clock");
    assert_eq!(document["checks"][1]["source"], Value::Null);
}

#[test]
fn a_plan_that_is_right_passes_and_lookups_and_selections_are_part_of_it() {
    let folder = folder(
        "version: 1
name: right
registry_sets:
  connected: { select: { registry_type: [Harbor, SwrPrivate] } }
  any: { select: { registry_name: \"*-jfrog\", status: fail } }
  everything: { sync_all_registries: true }
projects:
  - { name: web, project_ids: { cn-north-4: lookup, eu-west-101: lookup }, registry_sets: [connected, any] }
  - { name: all, project_ids: { cn-east-3: lookup }, registry_sets: [everything] }
",
    );
    let service = Service::start(SimulatorConfig::default());
    let finished = service.run(folder.path(), &["check", "plan.yaml"]);
    assert_eq!((finished.code(), service.reads()), (0, 9), "{}", finished.excerpt());
    assert_eq!(
        finished.stdout(),
        "ok    credential default  AK …0001 from HUAWEICLOUD_SDK_AK
ok    clock               within 2 s of the service
ok    web / cn-north-4    3 registries selected
ok    web / eu-west-101   3 registries selected
ok    all / cn-east-3     all registries (5 now)
5 ok; 9 reads, nothing sent
"
    );
    let quiet = service.run(folder.path(), &["check", "plan.yaml", "-q", "--quota", "100/1m"]);
    assert_eq!((quiet.code(), quiet.stdout().as_str()), (0, "5 ok; 9 reads, nothing sent\n"));
}

/// `plan` says beforehand what a check costs: as many reads as it then makes.
#[test]
fn a_plan_says_what_a_check_costs() {
    let service = Service::start(SimulatorConfig { quota: None, ..SimulatorConfig::default() });
    let folder = folder(&faulty_plan());
    let cost = |args: &[&str]| {
        let planned = service.run(folder.path(), &[&["plan", "plan.yaml"], args].concat());
        assert_eq!(planned.code(), 0, "{}", planned.excerpt());
        planned.stdout().lines().last().expect("a line").to_owned()
    };
    assert_eq!(cost(&[]), "`check`, or `run --check`, takes at least 6 reads.");
    // Two lookups, then two lists: the second of each waits for a window.
    let slow = "`check`, or `run --check`, takes at least 6 reads, which the quota spreads over 2 min 00 s.";
    assert_eq!(cost(&["--quota", "1/1m"]), slow);
    assert_eq!(service.reads(), 0);
    let checked = service.run(folder.path(), &["check", "plan.yaml"]);
    assert!(checked.stdout().ends_with("; 6 reads, nothing sent\n"), "{}", checked.stdout());
}

/// Nothing is waited for and nothing is left behind: a check changes nothing.
#[test]
#[cfg(unix)]
fn an_interrupt_ends_a_check_at_once() {
    use std::os::unix::process::ExitStatusExt as _;
    let service = Service::start(SimulatorConfig::default());
    let folder = folder(&faulty_plan());
    // The second lookup waits for an hour.
    let mut command = service.command(folder.path(), &["check", "plan.yaml", "--quota", "1/1h"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    let mut stderr = BufReader::new(child.stderr.take().expect("it is piped")).lines();
    let said = stderr.next().expect("a line").expect("text");
    assert_eq!(said, "2 projects to look up, at least 1 h 00 min under the quota");
    super::run::signal(&child, "-INT");
    let status = child.wait().expect("it ends");
    assert_eq!(status.signal(), Some(2), "{status}");
    let left: Vec<_> =
        std::fs::read_dir(folder.path()).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect();
    assert_eq!(left, ["plan.yaml"]);
}

/// What the check has read is not read again to resolve the plan.
#[test]
fn a_run_can_check_first_and_sends_nothing_when_something_is_wrong() {
    let service = Service::start(SimulatorConfig::default());
    let faulty = folder(&faulty_plan());
    let finished = service.run(faulty.path(), &["run", "plan.yaml", "--check", "--yes"]);
    assert_eq!((finished.code(), service.reads()), (1, 6), "{}", finished.excerpt());
    assert!(finished.stderr().contains("3 ok, 4 wrong; 6 reads, nothing sent\n"), "{}", finished.stderr());
    let right = folder(
        "version: 1\nname: right\nregistry_sets: { some: { select: { registry_type: Harbor } } }\n\
         projects: [{ name: web, project_ids: { cn-east-3: lookup }, registry_sets: [some] }]\n",
    );
    let service = Service::start(SimulatorConfig::default());
    let finished = service.run(right.path(), &["run", "plan.yaml", "--check", "--yes"]);
    assert_eq!(finished.code(), 0, "{}", finished.excerpt());
    let methods: Vec<String> = service.log().into_iter().map(|entry| entry.method).collect();
    assert_eq!(methods, ["GET", "GET", "GET", "POST"]);
}

#[test]
fn a_missing_credential_is_5_and_costs_no_call() {
    let folder = folder(&faulty_plan());
    let service = Service::start(SimulatorConfig::default());
    let mut command = service.command(folder.path(), &["check", "plan.yaml"]);
    let finished = finish(command.env_remove("HUAWEICLOUD_SDK_SK"));
    assert_eq!((finished.code(), service.reads()), (5, 0), "{}", finished.excerpt());
    let said = finished.stdout();
    assert!(said.starts_with("fail  credential default"), "{said}");
    assert!(said.contains("HUAWEICLOUD_SDK_AK is set, but HUAWEICLOUD_SDK_SK is not"), "{said}");
    assert!(said.ends_with("1 wrong, 5 not checked; 0 reads, nothing sent\n"), "{said}");
}

/// All that was looked for, a line each; the other credential's places are checked.
#[test]
fn one_of_two_credentials_may_be_missing() {
    let folder = folder(
        "version: 1
name: two
registry_sets: { all: { sync_all_registries: true } }
defaults: { registry_sets: [all] }
projects:
  - { name: web, project_ids: { cn-north-4: lookup } }
  - { name: emea, credential: emea, project_ids: { eu-west-101: lookup } }
",
    );
    let service = Service::start(SimulatorConfig::default());
    let finished = service.run(folder.path(), &["check", "plan.yaml"]);
    assert_eq!((finished.code(), service.reads()), (5, 3), "{}", finished.excerpt());
    assert_eq!(
        finished.stdout(),
        "ok    credential default  AK …0001 from HUAWEICLOUD_SDK_AK
fail  credential emea     no source is complete; looked for, in this order:
      - HSS_SYNC_CREDENTIAL_EMEA_AK + HSS_SYNC_CREDENTIAL_EMEA_SK (+ HSS_SYNC_CREDENTIAL_EMEA_SECURITY_TOKEN): not set
      - HSS_SYNC_CREDENTIAL_EMEA_AUTH_TOKEN: not set
      - ~/.huaweicloud/credentials [emea]: there is no such file
      set one of these; README.md, \"Going live\", says more
ok    clock               within 2 s of the service
ok    web / cn-north-4    all registries (5 now)
skip  emea / eu-west-101  not checked: credential `emea` is missing
3 ok, 1 wrong, 1 not checked; 3 reads, nothing sent
"
    );
    let json = service.run(folder.path(), &["check", "plan.yaml", "--format", "json"]);
    let document = json.json().expect("JSON");
    let message = document["checks"][1]["message"].as_str().expect("text");
    assert_eq!((json.code(), message.lines().count()), (5, 5), "{message}");
    let others = service.run(folder.path(), &["plan", "plan.yaml", "--online"]);
    assert_eq!(others.code(), 5, "{}", others.excerpt());
    assert!(others.stderr().contains("credential `emea`: no source is complete"), "{}", others.stderr());
}

/// An id that is right and an IAM that can't be asked: worth a look, since HSS alone has answered.
#[test]
fn an_iam_that_cannot_be_asked_is_said_of_ids_that_are_written() {
    let plan = format!(
        "version: 1\nname: n\nlimits: {{ retry: {{ max_attempts: 1 }} }}\nregistry_sets: {{ all: {{ sync_all_registries: true }} }}\n\
         projects: [{{ name: web, project_ids: {{ cn-north-4: {} }}, registry_sets: [all] }}]\n",
        project_of("cn-north-4")
    );
    let folder = folder(&plan);
    let service = Service::start(SimulatorConfig::default());
    let args = ["check", "plan.yaml", "--endpoint", service.endpoint(), "--iam-endpoint", "http://127.0.0.1:1"];
    let finished = finish(&mut with_credential(folder.path(), &args));
    assert_eq!((finished.code(), service.reads()), (0, 2), "{}", finished.excerpt());
    let said = finished.stdout();
    assert!(said.contains("warn  web / cn-north-4    whether project "), "{said}");
    assert!(said.contains("ok    web / cn-north-4    all registries (5 now)\n"), "{said}");
}

#[test]
fn a_refused_credential_is_5_and_costs_one_call() {
    let folder = folder(&faulty_plan());
    let service = Service::start(SimulatorConfig::default());
    let mut command = service.command(folder.path(), &["check", "plan.yaml"]);
    let finished = finish(command.env("HUAWEICLOUD_SDK_SK", "a-secret-that-is-not-the-right-one"));
    assert_eq!((finished.code(), service.reads()), (5, 1), "{}", finished.excerpt());
    let said = finished.stdout();
    assert!(said.contains("refused: APIGW.0301"), "{said}");
    assert!(!finished.output().contains("a-secret-that-is-not"), "{said}");
}

/// A service whose wall clock is off.
#[derive(Clone)]
struct Off {
    clock: hss_sync::io::clock::RunClock,
    by: jiff::SignedDuration,
}

impl Clock for Off {
    fn now(&self) -> Duration {
        self.clock.now()
    }

    fn wall(&self) -> jiff::Timestamp {
        self.clock.wall() + self.by
    }

    async fn sleep_until(&self, at: Duration) {
        self.clock.sleep_until(at).await;
    }

    fn real(&self, duration: Duration) -> Duration {
        self.clock.real(duration)
    }
}

#[test]
fn a_clock_that_is_off_is_told_before_and_after_it_is_too_late() {
    let plan = format!(
        "version: 1\nname: clock\nregistry_sets: {{ all: {{ sync_all_registries: true }} }}\n\
         projects: [{{ name: web, project_ids: {{ cn-north-4: {} }}, registry_sets: [all] }}]\n",
        project_of("cn-north-4")
    );
    for (minutes, code, piece) in [
        (-6, 0, "warn  clock               6 min 00 s ahead of the service"),
        (10, 0, "warn  clock               10 min 00 s behind the service"),
        (20, 5, "fail  clock               20 min 00 s behind the service"),
    ] {
        let folder = folder(&plan);
        let clock = hss_sync::io::clock::RunClock::start(std::num::NonZeroU32::MIN);
        // Half a minute more, so that a slow machine doesn't come near the next word.
        let by = jiff::SignedDuration::from_secs(minutes * 60 + if minutes < 0 { -1 } else { 1 });
        let service = Service::start_with(SimulatorConfig::default(), Off { clock, by });
        let finished = service.run(folder.path(), &["check", "plan.yaml"]);
        assert_eq!(finished.code(), code, "{}", finished.excerpt());
        let said = finished.stdout();
        let (words, _) = piece.split_once(" min").expect("a number of minutes");
        assert!(said.contains(words), "{piece}\n{said}");
        assert_eq!(said.contains("the clock is the likely cause"), code == 5, "{said}");
    }
}
