//! Every fault that the simulator knows, all in one run, resumed until nothing is left: held against the simulator's own log.

use std::collections::BTreeMap;

use hss_sync::model::Quota;
use hss_sync::simulator::{FaultKind, Faults, LogEntry, SimulatorConfig};
use serde_json::Value;

use super::super::common::finish;
use super::super::service::{Service, with_credential};
use super::{checked_report, counts, plan, readable_journal};

const LIMITS: &str = "quota: { calls: 10000, per: 1s }, concurrency: 64, region_concurrency: 64, attempt_timeout: 500ms, retry: \
                      { max_attempts: 5, initial_delay: 10ms, max_delay: 50ms }";

/// More sessions than any of these runs needs: one for each refused credential.
const MOST_SESSIONS: usize = 200;

/// All kinds with equal shares, together 20 %, late answers, and waits that are asked for.
fn every_fault() -> Faults {
    let share = format!("{:.2}%", 20.0 / FaultKind::ALL.len() as f64);
    let kinds: Vec<String> = FaultKind::ALL.iter().map(|kind| format!("{kind}:{share}")).collect();
    Faults::parse(&format!("{},latency:1ms..10ms,retry-after", kinds.join(","))).expect("legal")
}

/// Faults after which it is sure that nothing was taken.
fn may_be_repeated(fault: FaultKind) -> bool {
    matches!(fault, FaultKind::Throttled | FaultKind::Unavailable | FaultKind::Unauthorized)
}

/// Runs and resumes until no credential is refused any more; the sessions that took, and the summary.
fn everything_at_once(operations: usize) -> (usize, String) {
    // A wide quota: it decides only how long a 429 asks to wait.
    let quota = Some(Quota::parse("10000/1s").expect("legal"));
    let service = Service::start(SimulatorConfig { quota, faults: every_fault(), ..SimulatorConfig::default() });
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("plan.yaml"), plan(operations, LIMITS)).expect("written");
    let report = folder.path().join("report.json");
    let command = |args: &[&str]| {
        let args: Vec<&str> = args.iter().chain(&["--report", "json=report.json", "--verbose"]).copied().collect();
        let finished = finish(&mut with_credential(folder.path(), &args));
        let code = finished.code();
        assert!(!finished.output().contains(&secret()), "a secret came back");
        let report = checked_report(&report);
        assert_eq!(report["run"]["exit_code"], code, "{}", finished.excerpt());
        assert_eq!(counts(&report).iter().sum::<u64>(), operations as u64);
        readable_journal(folder.path());
        (code, report)
    };
    let mut sessions = 1;
    let (mut code, mut last) = command(&["run", "plan.yaml", "--endpoint", service.endpoint()]);
    while code == 5 {
        assert!(sessions < MOST_SESSIONS, "{}", last["summary"]);
        (code, last) = command(&["resume"]);
        sessions += 1;
    }
    assert_eq!(code, 4, "what was lost without a trace stays unknown: {}", last["summary"]);
    let before = posts(&service).len();
    judge(&service, &last);
    // Nothing is left that may be sent without the operator's word.
    let (code, last) = command(&["resume"]);
    assert_eq!((code, posts(&service).len()), (4, before), "{}", last["summary"]);
    judge(&service, &last);
    (sessions, last["summary"].to_string())
}

fn secret() -> String {
    use hss_sync::sign::Credential;
    let Credential::AccessKey { secret_key, .. } = hss_sync::simulator::Simulator::credentials(1) else {
        panic!("a key pair")
    };
    secret_key.expose().to_owned()
}

fn posts(service: &Service) -> Vec<LogEntry> {
    service.log().into_iter().filter(|entry| entry.method == "POST").collect()
}

/// Holds the report against what the service did.
fn judge(service: &Service, report: &Value) {
    let mut sent: BTreeMap<String, Vec<LogEntry>> = BTreeMap::new();
    for entry in posts(service) {
        sent.entry(entry.project_id.clone().expect("a project")).or_default().push(entry);
    }
    let mut struck: Vec<FaultKind> = sent.values().flatten().filter_map(|entry| entry.fault).collect();
    struck.sort_unstable();
    struck.dedup();
    for operation in report["operations"].as_array().expect("a list") {
        let came = &sent[operation["project_id"].as_str().expect("an id")];
        let taken = came.iter().filter(|entry| entry.committed).count();
        let (last, before) = came.split_last().expect("it was sent");
        for entry in before {
            let fault =
                entry.fault.unwrap_or_else(|| panic!("{operation:#} was acknowledged and sent again: {came:#?}"));
            assert!(may_be_repeated(fault), "{operation:#} was sent again after {fault}");
        }
        assert!(taken <= 1, "{operation:#} was taken {taken} times");
        match operation["outcome"].as_str().expect("text") {
            "accepted" => assert_eq!(taken, 1, "{operation:#} was not taken: {came:#?}"),
            "failed" => assert_eq!(taken, 0, "{operation:#} was taken: {came:#?}"),
            "unknown" => assert!(last.fault.is_some_and(|fault| fault != FaultKind::Empty), "{operation:#}: {came:#?}"),
            other => panic!("{other}: {operation:#}"),
        }
        if last.fault.is_none() {
            assert_eq!(operation["outcome"], "accepted", "it was acknowledged: {operation:#}");
        }
    }
    if sent.len() > 1000 {
        assert_eq!(struck.len(), FaultKind::ALL.len(), "each kind struck: {struck:?}");
    }
    assert!(struck.len() > 10, "{struck:?}");
}

#[test]
fn every_fault_at_once_leaves_an_honest_account() {
    let (sessions, _) = everything_at_once(250);
    assert!(sessions > 1, "a refused credential ended a session");
}

#[test]
#[ignore = "takes more than a minute: cargo test --test it two_thousand -- --ignored"]
fn every_fault_at_once_on_two_thousand_operations() {
    let (sessions, summary) = everything_at_once(2000);
    eprintln!("{sessions} sessions: {summary}");
}
