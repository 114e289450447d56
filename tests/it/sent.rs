//! What was sent, by the simulator's own log, against what the report says of it.
//!
//! The simulator runs in this process, the client is the real binary. Each operation has a project of its own, so that a
//! line of the log belongs to one operation.

#![cfg(feature = "simulator")]

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::Path;

use hss_sync::io::clock::RunClock;
use hss_sync::model::Quota;
use hss_sync::sign::{Credential, payload_hash};
use hss_sync::simulator::{Faults, LogEntry, RunningSimulator, Simulator, SimulatorConfig};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::common::{finish, hss_sync};
use super::run::checked_report;

/// A simulator and the runtime that it lives in.
struct Served {
    simulator: RunningSimulator,
    _runtime: Runtime,
}

impl Served {
    fn start(config: SimulatorConfig) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let started = runtime.block_on(async { Simulator::start(config, RunClock::start(NonZeroU32::MIN)).await });
        Self { simulator: started.expect("the simulator starts"), _runtime: runtime }
    }

    /// Runs `plan` against it; the report is in `folder`.
    fn run(&self, folder: &Path, plan: &str, args: &[&str]) -> (i32, Value) {
        std::fs::write(folder.join("plan.yaml"), plan).expect("the plan is written");
        let Credential::AccessKey { access_key, secret_key, .. } = Simulator::credentials(1) else {
            panic!("a key pair")
        };
        let finished = finish(
            hss_sync(folder)
                .env("HUAWEICLOUD_SDK_AK", access_key)
                .env("HUAWEICLOUD_SDK_SK", secret_key.expose())
                .args(["run", "plan.yaml", "--quiet", "--report", "json=report.json", "--endpoint"])
                .arg(self.simulator.endpoint().as_str())
                .args(args),
        );
        assert!(folder.join("report.json").exists(), "{}", finished.excerpt());
        (finished.code(), checked_report(&folder.join("report.json")))
    }

    /// What came that creates something, by project.
    fn log(&self) -> BTreeMap<String, Vec<LogEntry>> {
        let mut projects: BTreeMap<String, Vec<LogEntry>> = BTreeMap::new();
        for entry in self.simulator.log().into_iter().filter(|entry| entry.method == "POST") {
            projects.entry(entry.project_id.clone().unwrap_or_default()).or_default().push(entry);
        }
        projects
    }
}

/// A plan of `count` operations, each with its own project and registry.
fn plan(count: usize, limits: &str) -> String {
    let mut text = format!(
        "version: 1\nname: test\nlimits: {limits}\nregistry_sets:\n  one: \
         {{ registries: [{{ registry_id: \"r-{{{{ project.name }}}}\", registry_type: Harbor }}] }}\n\
         defaults: {{ registry_sets: [one] }}\nprojects:\n"
    );
    for project in 0..count {
        text.push_str(&format!("  - {{ name: p{project:04}, project_ids: {{ cn-north-4: \"id{project:04}\" }} }}\n"));
    }
    text
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

/// Everything that can go wrong with an answer, at once. Left out are 401 and nothing else: it stops the run at its first
/// call, and has a test of its own.
#[test]
fn whatever_goes_wrong_nothing_is_sent_twice_and_nothing_is_forgotten() {
    const OPERATIONS: usize = 500;
    let faults = "429:2%,500:5%,502:4%,503:10%,504:4%,403:4%,drop:4%,drop-after:6%,hang:2%,html:4%,empty:6%,\
                  error-code:6%,redirect:4%,huge:3%,slow:2%,garbage:4%,echo:4%,latency:0ms..20ms";
    let served = Served::start(SimulatorConfig {
        quota: Some(Quota::parse("100000/1s").expect("a quota")),
        // Without numbers, so that no limit is learned from it.
        throttle_text: Some("too many calls".to_owned()),
        faults: Faults::parse(faults).expect("faults"),
        ..SimulatorConfig::default()
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let limits = "{ quota: { calls: 1000, per: 100ms }, concurrency: 64, region_concurrency: 64, attempt_timeout: 1s, \
                  retry: { max_attempts: 4, initial_delay: 10ms, max_delay: 50ms } }";
    let (exit, report) = served.run(folder.path(), &plan(OPERATIONS, limits), &[]);
    assert_eq!(exit, 4, "there are unknown outcomes: {}", report["summary"]);
    assert_eq!(report["run"]["exit_code"], 4);

    let log = served.log();
    let (mut committed_total, mut outcomes) = (0, BTreeMap::<String, usize>::new());
    for operation in list(&report["operations"]) {
        let project = operation["project_id"].as_str().expect("an id");
        let outcome = operation["outcome"].as_str().expect("an outcome");
        let calls = log.get(project).map_or(&[][..], Vec::as_slice);
        let committed: Vec<usize> = (0..calls.len()).filter(|index| calls[*index].committed).collect();
        let trace = format!("{operation:#}\n{calls:#?}");
        assert!(committed.len() <= 1, "sent again after it was taken: {trace}");
        assert!(committed.iter().all(|index| index + 1 == calls.len()), "repeated after it was taken: {trace}");
        match outcome {
            "accepted" => assert_eq!(committed.len(), 1, "{trace}"),
            "failed" => assert_eq!(committed.len(), 0, "{trace}"),
            "unknown" => {}
            other => panic!("{other}: {trace}"),
        }
        assert_eq!(calls.len(), list(&operation["attempts"]).len(), "each attempt is one call: {trace}");
        let body = serde_json::to_vec(&operation["request"]["body"]).expect("JSON");
        assert!(calls.iter().all(|call| call.body_sha256 == payload_hash(&body)), "{trace}");
        committed_total += committed.len();
        *outcomes.entry(outcome.to_owned()).or_default() += 1;
    }
    let stats = served.simulator.stats();
    assert_eq!(stats.committed as usize, committed_total, "something was sent for nobody");
    assert_eq!(stats.posts, report["summary"]["attempts"].as_u64().expect("a count"));
    assert!(outcomes.values().all(|count| *count > 20) && outcomes.len() == 3, "all kinds were seen: {outcomes:?}");
}

/// In no window of the client's quota did more calls arrive than it allows, whatever the latency.
#[test]
fn no_window_of_the_quota_holds_more_calls_than_it_allows() {
    let served = Served::start(SimulatorConfig {
        quota: None,
        faults: Faults::parse("503:10%,drop:5%,latency:0ms..150ms").expect("faults"),
        ..SimulatorConfig::default()
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let limits = "{ quota: { calls: 7, per: 500ms }, concurrency: 8, region_concurrency: 8, \
                  retry: { initial_delay: 10ms, max_delay: 100ms } }";
    let (_, report) = served.run(folder.path(), &plan(42, limits), &[]);
    let mut at: Vec<u64> = served.log().values().flatten().map(|entry| entry.at_ms).collect();
    at.sort_unstable();
    assert_eq!(at.len() as u64, report["summary"]["attempts"].as_u64().expect("a count"));
    for (index, from) in at.iter().enumerate() {
        let inside = at[index..].iter().filter(|at| **at - from < 500).count();
        assert!(inside <= 7, "{inside} calls within 500 ms from {from} ms: {at:?}");
    }
}

/// The plan believes in ten times the quota that there is: one window learns it, and nothing fails for it.
#[test]
fn a_stricter_service_is_learned_from_its_first_refusal() {
    let cases = [("", true), (",retry-after", true), (",retry-after", false)];
    std::thread::scope(|scope| {
        for (retry_after, text) in cases {
            scope.spawn(move || learn(retry_after, text));
        }
    });
}

fn learn(retry_after: &str, text: bool) {
    let served = Served::start(SimulatorConfig {
        quota: Some(Quota::parse("3/1s").expect("a quota")),
        throttle_text: (!text).then(|| "slow down".to_owned()),
        faults: Faults::parse(&format!("latency:5ms{retry_after}")).expect("faults"),
        ..SimulatorConfig::default()
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let limits = "{ quota: { calls: 30, per: 1s }, concurrency: 30, region_concurrency: 30, \
                      retry: { initial_delay: 10ms } }";
    let (exit, report) = served.run(folder.path(), &plan(12, limits), &[]);
    let stats = served.simulator.stats();
    let case = format!("{retry_after:?}, text {text}: {}", report["summary"]);
    assert_eq!((exit, stats.committed), (0, 12), "{case}");
    assert_eq!(stats.throttled, report["summary"]["throttled"].as_u64().expect("a count"), "{case}");
    // The first call goes alone, eleven together, of which nine are refused; a stated limit then holds. Without one each
    // window but the last meets it once more, with the four or fewer that the ramp has let go by then.
    let most = if text { 9 } else { 9 + 2 * 4 };
    assert!((9..=most).contains(&stats.throttled), "{case}");
}
