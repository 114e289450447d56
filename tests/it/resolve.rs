//! `lookup` and `select` with the real binary: `plan --online`, and runs from end to end.

#![cfg(feature = "simulator")]

use hss_sync::model::RegistryType;
use hss_sync::simulator::{Faults, SimulatedProject, SimulatedRegistry, SimulatorConfig};
use serde_json::Value;
use tempfile::TempDir;

use super::run::checked_report;
use super::service::{Service, project_of, registry_of};

const PLAN: &str = "version: 1
name: open
registry_sets:
  discovered: { select: { registry_name: \"prod-*\" } }
projects:
  - { name: web, project_ids: { cn-north-4: lookup, eu-west-101: lookup }, registry_sets: [discovered] }
  - { name: made-up, project_ids: { cn-north-4: p-1 }, registry_sets: [discovered] }
";

fn folder(plan: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("plan.yaml"), plan).expect("the plan is written");
    folder
}

fn registry(id: &str, name: &str, registry_type: RegistryType) -> SimulatedRegistry {
    SimulatedRegistry {
        id: id.to_owned(),
        registry_name: name.to_owned(),
        registry_type,
        // So long that a page of 200 is far more than the 64 KiB that are read of other answers.
        registry_addr: "x".repeat(512),
        status: "success",
        fail_reason: None,
        images_num: 1,
    }
}

/// `id project_id registries` of each operation.
fn operations(document: &Value) -> Vec<(String, String, Vec<String>)> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let list = document["operations"].as_array().expect("a list").iter();
    list.map(|operation| {
        let registries = operation["request"]["body"]["registry_info"].as_array().cloned().unwrap_or_default();
        let ids = registries.iter().map(|registry| text(&registry["registry_id"])).collect();
        (text(&operation["id"]), text(&operation["project_id"]), ids)
    })
    .collect()
}

#[test]
fn plan_online_shows_what_will_be_sent_with_the_ids_and_digest_of_the_plan_as_written() {
    let folder = folder(PLAN);
    let service = Service::start(SimulatorConfig::default());
    let offline =
        super::common::finish(super::common::hss_sync(folder.path()).args(["plan", "plan.yaml", "--format", "json"]));
    let online = service.run(folder.path(), &["plan", "plan.yaml", "--online", "--format", "json"]);
    assert_eq!((offline.code(), online.code()), (0, 0), "{}", online.excerpt());
    // Two regions to look up, three projects to list.
    assert_eq!(service.reads(), 5);
    let (before, after) = (offline.json().expect("JSON"), online.json().expect("JSON"));
    assert_eq!(before["digest"], after["digest"]);
    assert_eq!(before["operations"][0]["unresolved"], serde_json::json!(["project_id: lookup", "select: discovered"]));
    let projects = [project_of("cn-north-4"), project_of("eu-west-101"), "p-1".to_owned()];
    for ((before, after), project) in operations(&before).iter().zip(operations(&after)).zip(projects) {
        let found = ["SwrEnterprise", "Harbor"].map(|registry_type| registry_of(&project, registry_type));
        assert_eq!(after, (before.0.clone(), project, found.to_vec()));
    }
    assert!(after["operations"].as_array().expect("a list").iter().all(|each| each.get("unresolved").is_none()));
}

#[test]
fn a_run_sends_what_was_found() {
    let folder = folder(PLAN);
    let service = Service::start(SimulatorConfig::default());
    let finished = service.run(folder.path(), &["run", "plan.yaml", "--report", "json=report.json"]);
    assert_eq!(finished.code(), 0, "{}", finished.excerpt());
    let report = checked_report(&folder.path().join("report.json"));
    assert_eq!(report["summary"]["accepted"], 3);
    let sent: Vec<Option<String>> =
        service.log().into_iter().filter(|entry| entry.method == "POST").map(|entry| entry.project_id).collect();
    assert_eq!(sent.len(), 3);
    for project in [project_of("cn-north-4"), project_of("eu-west-101"), "p-1".to_owned()] {
        assert!(sent.contains(&Some(project.clone())), "{project}: {sent:?}");
        let of_it: Vec<_> = service.tasks().into_iter().filter(|task| task.project_id == project).collect();
        assert_eq!(of_it.len(), 1, "{project}: {of_it:?}");
    }
}

#[test]
fn a_rehearsal_resolves_against_the_embedded_simulator() {
    let folder = folder(PLAN);
    let finished = super::common::finish(super::common::hss_sync(folder.path()).args([
        "run",
        "plan.yaml",
        "--simulate",
        "--time-scale",
        "100",
        "--report",
        "json=report.json",
    ]));
    assert_eq!(finished.code(), 0, "{}", finished.excerpt());
    let report = checked_report(&folder.path().join("report.json"));
    let expected = vec![project_of("cn-north-4"), project_of("eu-west-101"), "p-1".to_owned()];
    let projects: Vec<String> = operations(&report).into_iter().map(|(_, project, _)| project).collect();
    assert_eq!((projects, &report["summary"]["accepted"]), (expected, &Value::from(3)));
    // The hosts stay those of the service.
    let url = report["operations"][1]["request"]["url"].as_str().expect("a URL");
    assert!(url.starts_with("https://hss.eu-west-101.myhuaweicloud.eu/v5/"), "{url}");
}

#[test]
fn four_hundred_and_fifty_registries_are_three_calls() {
    let registries =
        (0..450).map(|index| registry(&format!("r-{index:03}"), &format!("prod-{index:03}"), RegistryType::Harbor));
    let config = SimulatorConfig { registries: Some(registries.collect()), ..SimulatorConfig::default() };
    let folder = folder(
        &PLAN
            .replace("{ cn-north-4: lookup, eu-west-101: lookup }", "{ cn-north-4: p-2 }")
            .replace("  - { name: made-up, project_ids: { cn-north-4: p-1 }, registry_sets: [discovered] }\n", ""),
    );
    let service = Service::start(config);
    let finished = service.run(folder.path(), &["plan", "plan.yaml", "--online", "--format", "json"]);
    assert_eq!((finished.code(), service.reads()), (0, 3), "{}", finished.excerpt());
    let found = operations(&finished.json().expect("JSON")).remove(0).2;
    let expected: Vec<String> = (0..450).map(|index| format!("r-{index:03}")).collect();
    assert_eq!(found, expected);
}

#[test]
fn what_cannot_be_resolved_is_an_error_at_its_line_and_nothing_is_sent() {
    let project = |id: &str, name: &str| SimulatedProject { id: id.to_owned(), name: name.to_owned() };
    let two = vec![project("p-1", "cn-north-4"), project("p-2", "cn-north-4"), project("p-3", "eu-west-101")];
    let none = vec![project("p-1", "cn-north-4")];
    let one = vec![project("p-1", "cn-north-4"), project("p-3", "eu-west-101")];
    let stage = vec![registry("r-1", "stage\u{1b}[31m-1", RegistryType::Harbor)];
    for (projects, registries, pieces) in [
        (two, None, ["error[ambiguous-project]", "plan.yaml:6:33", "p-1 (cn-north-4)"]),
        (none, None, ["error[project-not-found]", "plan.yaml:6:53", "`eu-west-101`"]),
        (one, Some(stage), ["error[empty-select]", "plan.yaml:4:3", "`stage\\u{1b}[31m-1` (Harbor, success)"]),
    ] {
        for args in [&["plan", "plan.yaml", "--online"][..], &["run", "plan.yaml", "--yes"]] {
            let folder = folder(PLAN);
            let projects = Some(projects.clone());
            let config = SimulatorConfig { projects, registries: registries.clone(), ..SimulatorConfig::default() };
            let service = Service::start(config);
            let finished = service.run(folder.path(), args);
            assert_eq!(finished.code(), 3, "{}", finished.excerpt());
            assert!(service.reads() > 0);
            for piece in pieces {
                assert!(finished.stderr().contains(piece), "{piece}\n{}", finished.stderr());
            }
            assert!(!finished.output().contains('\u{1b}'), "{}", finished.excerpt());
        }
    }
}

/// A looked-up project may be one that the plan names elsewhere: the request would be sent twice.
#[test]
fn equal_requests_are_found_after_a_lookup() {
    let service = Service::start(SimulatorConfig::default());
    let folder = folder(&PLAN.replace("cn-north-4: p-1", &format!("cn-north-4: {}", project_of("cn-north-4"))));
    let finished = service.run(folder.path(), &["run", "plan.yaml", "--yes"]);
    assert_eq!(finished.code(), 3, "{}", finished.excerpt());
    assert!(finished.stderr().contains("error[duplicate-operation]: made-up in cn-north-4"), "{}", finished.stderr());
    service.reads();
}

#[test]
fn a_registry_that_is_left_out_is_a_warning_and_with_deny_warnings_an_error() {
    let folder = folder(&PLAN.replace("\"prod-*\"", "\"*\""));
    let service = Service::start(SimulatorConfig { quota: None, ..SimulatorConfig::default() });
    for (more, code) in [(&[][..], 0), (&["--deny-warnings"][..], 3)] {
        for command in [&["plan", "plan.yaml", "--online"][..], &["run", "plan.yaml", "--yes", "--quota", "100/1m"]] {
            let posts = || service.log().iter().filter(|entry| entry.method == "POST").count();
            let before = posts();
            let finished = service.run(folder.path(), &[command, more].concat());
            assert_eq!(finished.code(), code, "{}", finished.excerpt());
            let said = finished.stderr();
            assert!(
                said.contains("warning[registry-left-out]: set `discovered` leaves out registry `stage-jfrog`"),
                "{said}"
            );
            assert_eq!(posts() - before, if command[0] == "run" && code == 0 { 3 } else { 0 });
        }
    }
}

#[test]
fn a_service_that_does_not_answer_is_told_with_place_and_reason() {
    for (fault, code, piece) in [
        ("403:100%", 1, "web / cn-north-4: the project can't be looked up (plan.yaml:6): APIGW.0302"),
        ("401:100%", 5, "APIGW.0301"),
    ] {
        let faults = Faults::parse(fault).expect("legal");
        let service = Service::start(SimulatorConfig { faults, ..SimulatorConfig::default() });
        let folder = folder(PLAN);
        let finished = service.run(folder.path(), &["run", "plan.yaml", "--yes"]);
        assert_eq!(finished.code(), code, "{}", finished.excerpt());
        assert!(finished.stderr().contains(piece), "{}", finished.stderr());
        service.reads();
    }
}

#[test]
fn a_plan_that_leaves_nothing_open_costs_no_read() {
    let folder = folder(
        "version: 1\nname: whole\nregistry_sets: { all: { sync_all_registries: true } }
projects: [{ name: web, project_ids: { cn-north-4: p-1 }, registry_sets: [all] }]\n",
    );
    let service = Service::start(SimulatorConfig::default());
    let finished = service.run(folder.path(), &["run", "plan.yaml", "--yes"]);
    assert_eq!(finished.code(), 0, "{}", finished.excerpt());
    let methods: Vec<String> = service.log().into_iter().map(|entry| entry.method).collect();
    assert_eq!(methods, ["POST"]);
}

#[cfg(unix)]
const TWO: &str = "version: 1
name: open
registry_sets:
  all: { sync_all_registries: true }
  discovered: { select: { registry_name: \"prod-*\" } }
projects:
  - { name: first, project_ids: { cn-north-4: lookup }, registry_sets: [all] }
  - { name: second, project_ids: { cn-north-4: lookup }, registry_sets: [discovered] }
";

/// The journal of a run of [`TWO`] that was interrupted after its first operation, and the directory where it stands.
#[cfg(unix)]
fn interrupted(service: &Service, folder: &std::path::Path) -> (Vec<u8>, std::path::PathBuf) {
    use super::common::until;
    use super::resume::Running;

    // A call an hour of each API: one look-up, one list, and one of the two requests.
    let mut command = service.command(folder, &["run", "plan.yaml", "--yes", "--quota", "1/1h"]);
    let mut child = Running::start(command.stderr(std::process::Stdio::null()).stdout(std::process::Stdio::null()));
    let directory = || std::fs::read_dir(folder.join(".hss-sync/runs")).ok()?.next()?.ok().map(|entry| entry.path());
    let journal = || directory().and_then(|path| std::fs::read(path.join("journal.ndjson")).ok()).unwrap_or_default();
    until("the first operation has no outcome", || String::from_utf8_lossy(&journal()).contains("\"operation_ended\""));
    super::run::signal(&child.0, "-INT");
    assert_eq!(child.ends(), 4);
    (journal(), directory().expect("a run"))
}

/// Between two sessions an account may change. What the first one resolved, showed and asked about is what is sent.
#[test]
#[cfg(unix)]
fn a_resumed_run_sends_what_was_resolved_when_it_began_and_asks_nothing() {
    let folder = folder(TWO);
    let project = |id: &str, name: &str| SimulatedProject { id: id.to_owned(), name: name.to_owned() };
    let service = Service::start(SimulatorConfig {
        projects: Some(vec![project("p-then", "cn-north-4")]),
        registries: Some(vec![registry("r-then", "prod-a", RegistryType::Harbor)]),
        ..SimulatorConfig::default()
    });
    let (_, directory) = interrupted(&service, folder.path());
    let asked: Vec<String> = service.log().into_iter().map(|entry| entry.method).collect();
    assert_eq!(asked, ["GET", "GET", "POST"]);
    let left = std::fs::read_to_string(directory.join("remaining.yaml")).expect("something is left");
    for piece in ["cn-north-4: lookup", "select: { registry_name: \"prod-*\" }"] {
        assert!(left.contains(piece), "{left}");
    }

    let listen = service.address();
    drop(service);
    let service = Service::start(SimulatorConfig {
        projects: Some(vec![project("p-now", "cn-north-4"), project("p-then", "cn-north-4_then")]),
        registries: Some(vec![registry("r-now", "prod-a", RegistryType::Jfrog)]),
        listen,
        ..SimulatorConfig::default()
    });
    let args = ["resume", "latest", "--yes", "--quota", "100/1m"];
    let finished = super::common::finish(&mut super::service::with_credential(folder.path(), &args));
    let log = service.log();
    assert_eq!(log.len(), 1, "{log:?}\n{}", finished.excerpt());
    assert_eq!(finished.code(), 0, "{}", finished.excerpt());
    let body = r#"{"sync_all_registries":false,"registry_info":[{"registry_id":"r-then","registry_type":"Harbor"}]}"#;
    let expected = ("POST", Some("p-then"), hss_sync::sign::payload_hash(body.as_bytes()));
    assert_eq!((log[0].method.as_str(), log[0].project_id.as_deref(), log[0].body_sha256.clone()), expected);
    let report = checked_report(&directory.join("report.json"));
    let shown: Vec<String> = operations(&report).into_iter().map(|(_, project, _)| project).collect();
    assert_eq!(shown, ["p-then", "p-then"]);
}

#[test]
#[cfg(unix)]
fn a_journal_without_what_was_resolved_is_damaged_and_nothing_is_sent() {
    let folder = folder(TWO);
    let service = Service::start(SimulatorConfig::default());
    let (journal, _) = interrupted(&service, folder.path());
    let before = service.log().len();
    let mut header = hss_sync::journal::read(&journal).expect("whole").header;
    header.resolved.pop();
    let mut forged = Vec::new();
    hss_sync::journal::LineWriter::new().header(&header, &mut forged);
    std::fs::create_dir(folder.path().join("forged")).expect("a directory");
    std::fs::write(folder.path().join("forged/journal.ndjson"), forged).expect("a journal");
    let args = ["resume", "./forged", "--yes"];
    let finished = super::common::finish(&mut super::service::with_credential(folder.path(), &args));
    assert_eq!(finished.code(), 6, "{}", finished.excerpt());
    let expected = "it does not hold what `lookup` or `select` of operation `second/cn-north-4/0/";
    assert!(finished.stderr().contains(expected), "{}", finished.stderr());
    assert_eq!(service.log().len(), before);
}
