//! `discover` with the real binary: what it writes is a plan that passes, runs, and says what was found.

#![cfg(feature = "simulator")]

use std::path::Path;

use hss_sync::model::RegistryType;
use hss_sync::simulator::{SimulatedRegistry, SimulatorConfig};
use serde_json::Value;

use super::common::{Finished, finish, hss_sync};
use super::service::{Service, project_of, registry_of};

fn validate(dir: &Path, file: &str) -> Finished {
    finish(hss_sync(dir).args(["validate", "--deny-warnings", "--format", "json", file]))
}

fn sets(dir: &Path, file: &str) -> Value {
    let text = std::fs::read_to_string(dir.join(file)).expect("a plan");
    serde_yaml::from_str::<Value>(&text).expect("YAML")["registry_sets"].clone()
}

#[test]
fn what_is_discovered_passes_without_a_warning_and_runs() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let service = Service::start(SimulatorConfig::default());
    let regions = "cn-north-4,eu-west-101,mars-north-1";
    let finished = service.run(folder.path(), &["discover", "--regions", regions, "--out", "plans/found.yaml"]);
    // Three lookups, of which one finds nothing, and two lists.
    assert_eq!((finished.code(), service.reads()), (0, 5), "{}", finished.excerpt());
    assert_eq!(finished.stdout(), "");
    let validated = validate(folder.path(), "plans/found.yaml");
    assert_eq!(validated.code(), 0, "{}", validated.excerpt());
    assert_eq!(
        validated.json().expect("JSON")["summary"],
        serde_json::json!({ "plans": 1, "operations": 2, "errors": 0, "warnings": 0 })
    );
    let harbor = registry_of(&project_of("eu-west-101"), "Harbor");
    assert_eq!(
        sets(folder.path(), "plans/found.yaml")["eu-west-101-harbor"],
        serde_json::json!({ "registries": [{ "registry_id": harbor, "registry_type": "Harbor" }] })
    );
    let run = service.run(folder.path(), &["run", "plans/found.yaml", "--yes"]);
    assert_eq!(run.code(), 0, "{}", run.excerpt());
    let check = service.run(folder.path(), &["check", "plans/found.yaml", "--quota", "100/1m"]);
    assert!(check.stdout().contains("4 of 4 registries found and connected"), "{}", check.excerpt());
}

#[test]
fn types_and_defaults_and_new_regions_are_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let project = hss_sync::simulator::SimulatedProject { id: "p-9".to_owned(), name: "xx-new-9".to_owned() };
    let config = SimulatorConfig { projects: Some(vec![project]), ..SimulatorConfig::default() };
    let service = Service::start(config);
    let args = ["discover", "--regions", "xx-new-9", "--types", "Harbor,Jfrog", "--credential", "emea", "--out", "-"];
    let mut command = service.command(folder.path(), &args);
    for (from, to) in [("HUAWEICLOUD_SDK_AK", "AK"), ("HUAWEICLOUD_SDK_SK", "SK")] {
        let value = command.get_envs().find(|(name, _)| *name == from).and_then(|(_, value)| value).expect("set");
        let value = value.to_owned();
        command.env(format!("HSS_SYNC_CREDENTIAL_EMEA_{to}"), value).env_remove(from);
    }
    let finished = finish(command.args(["--enterprise-project-id", "all_granted_eps"]));
    assert_eq!((finished.code(), service.reads()), (0, 2), "{}", finished.excerpt());
    assert!(!folder.path().join("-").exists(), "it is standard output");
    std::fs::write(folder.path().join("found.yaml"), finished.stdout()).expect("written");
    let validated = validate(folder.path(), "found.yaml");
    assert_eq!(validated.code(), 0, "{}\n{}", finished.stdout(), validated.excerpt());
    assert_eq!(sets(folder.path(), "found.yaml").as_object().map(serde_json::Map::len), Some(1));
    for line in ["credential: \"emea\"", "enterprise_project_id: \"all_granted_eps\"", "#   stage-jfrog (Jfrog, fail"] {
        assert!(finished.stdout().contains(line), "{line}\n{}", finished.stdout());
    }
}

#[test]
fn nothing_found_is_no_plan() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let service = Service::start(SimulatorConfig::default());
    let none = service.run(folder.path(), &["discover", "--regions", "mars-north-1", "--out", "found.yaml"]);
    assert_eq!(none.code(), 2, "{}", none.excerpt());
    assert!(none.stderr().contains("no registry was found"), "{}", none.stderr());
    assert!(!folder.path().join("found.yaml").exists());
    let refused = finish(
        service
            .command(folder.path(), &["discover", "--regions", "cn-north-4,cn-east-3", "--out", "found.yaml"])
            .env("HUAWEICLOUD_SDK_SK", "a-secret-that-is-not-the-right-one"),
    );
    assert_eq!(refused.code(), 5, "{}", refused.excerpt());
    assert!(!folder.path().join("found.yaml").exists());
    assert_eq!(service.reads(), 2);
}

#[test]
fn bad_words_are_usage_errors() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (args, piece) in [
        (["--regions", "CN-north-4"], "--regions CN-north-4"),
        (["--types", "harbor"], "--types harbor"),
        (["--credential", "EMEA"], "--credential EMEA"),
        (["--enterprise-project-id", "a b"], "--enterprise-project-id a b"),
        (["--endpoint", "http://example.com"], "--endpoint"),
        (["--iam-endpoint", "http://example.com"], "--iam-endpoint"),
        (["--quota", "5"], "--quota"),
    ] {
        let finished = finish(hss_sync(folder.path()).arg("discover").args(args));
        assert_eq!(finished.code(), 2, "{args:?}: {}", finished.excerpt());
        assert!(finished.stderr().contains(piece), "{args:?}: {}", finished.stderr());
    }
}

/// Names are the service's, and a registry can be called anything.
#[test]
fn hostile_names_change_neither_the_plan_nor_the_terminal() {
    let names = [
        "x\nprojects: []\nversion: 2",
        "\u{1b}]0;owned\u{7}\u{1b}[2J",
        "# } ] ' \" {{ vars.x }} {% raw %}",
        "a\u{85}b\u{2028}c\u{2029}d\r\ne: f",
        "\u{202e}txt.exe\u{feff}\u{0}",
        "- *alias &anchor !tag",
        "",
    ];
    let registry = |(index, name): (usize, &&str)| SimulatedRegistry {
        id: format!("r-{index}"),
        registry_name: (*name).to_owned(),
        registry_type: RegistryType::ALL[index % 6],
        registry_addr: (*name).to_owned(),
        status: if index % 2 == 0 { "success" } else { "fail" },
        fail_reason: None,
        images_num: 0,
    };
    let registries: Vec<_> = names.iter().enumerate().map(registry).collect();
    let service = Service::start(SimulatorConfig { registries: Some(registries), ..SimulatorConfig::default() });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let finished = service.run(folder.path(), &["discover", "--regions", "cn-north-4"]);
    assert_eq!(finished.code(), 0, "{}", finished.excerpt());
    let steers = |c: char| c.is_control() && c != '\n' || "\u{202e}\u{feff}\u{2028}\u{2029}".contains(c);
    assert!(!finished.output().contains(steers), "{}", finished.excerpt());
    std::fs::write(folder.path().join("found.yaml"), finished.stdout()).expect("written");
    let validated = validate(folder.path(), "found.yaml");
    assert_eq!(validated.code(), 0, "{}\n{}", finished.stdout(), validated.excerpt());
    let mut ids = Vec::new();
    for set in sets(folder.path(), "found.yaml").as_object().expect("sets").values() {
        ids.extend(set["registries"].as_array().expect("a list").iter().map(|one| one["registry_id"].clone()));
    }
    ids.sort_by_key(ToString::to_string);
    assert_eq!(ids, ["r-0", "r-2", "r-4", "r-6"]);
    // The same names in a selection's messages.
    let plan = format!(
        "version: 1\nname: n\nregistry_sets: {{ s: {{ select: {{ registry_name: \"*\" }} }}, n: {{ select: {{ \
         registry_name: none }} }} }}\nprojects: [{{ name: w, project_ids: {{ cn-north-4: {} }}, registry_sets: [s, n] }}]\n",
        project_of("cn-north-4")
    );
    std::fs::write(folder.path().join("plan.yaml"), plan).expect("written");
    for args in [&["plan", "plan.yaml", "--online"][..], &["check", "plan.yaml"]] {
        let finished = service.run(folder.path(), args);
        assert_ne!(finished.code(), 0, "{}", finished.excerpt());
        assert!(!finished.output().contains(steers), "{}", finished.excerpt());
    }
}

/// The regions file of the SDKs counts for `discover` as for a plan.
#[test]
fn the_regions_file_says_where_a_region_is() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let service = Service::start(SimulatorConfig::default());
    let file = format!("HSS:\n  - {{ id: cn-north-4, endpoint: \"{}\" }}\n", service.endpoint());
    std::fs::write(folder.path().join("regions.yaml"), file).expect("written");
    let mut command = super::service::with_credential(folder.path(), &["discover", "--regions", "cn-north-4"]);
    let iam = ["--iam-endpoint", service.endpoint()];
    let finished = finish(command.args(iam).env("HUAWEICLOUD_SDK_REGIONS_FILE", "regions.yaml"));
    assert_eq!((finished.code(), service.reads()), (0, 2), "{}", finished.excerpt());
}
