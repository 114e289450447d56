//! `hss-sync.toml`, the environment and `settings show`, with the real binary.

use std::fs;
use std::path::Path;

use hss_sync::diagnostic::Code;
use serde_json::Value;

use super::catalogue::SETTINGS;
use super::common::{Finished, finish, hss_sync};

const PLAN: &str = "\
version: 1
name: paced
registry_sets:
  harbor:
    registries:
      - { registry_id: 5f9f0c8e-1111-2222-3333-444455556666, registry_type: Harbor }
  unused:
    sync_all_registries: true
defaults: { registry_sets: [harbor] }
projects:
  - name: payments
    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }
limits: { quota: { calls: 4, per: 1m } }
";

fn folder(settings: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("plan.yaml"), PLAN).expect("written");
    fs::write(folder.path().join("hss-sync.toml"), settings).expect("written");
    folder
}

fn call(folder: &Path, variables: &[(&str, &str)], args: &[&str]) -> Finished {
    finish(hss_sync(folder).envs(variables.iter().copied()).args(args))
}

fn shown(folder: &Path, variables: &[(&str, &str)], flags: &[&str]) -> Vec<(String, String, String)> {
    let finished = call(folder, variables, &[&["settings", "show", "--format", "json"], flags].concat());
    assert_eq!(finished.code(), 0, "{}", finished.excerpt());
    let document = finished.json().expect("a document");
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let settings = document["settings"].as_array().expect("a list");
    settings.iter().map(|one| (text(&one["name"]), text(&one["value"]), text(&one["place"]))).collect()
}

#[test]
fn every_setting_says_where_it_comes_from() {
    let folder = folder("verbosity = \"verbose\"\nquota = \"3/1m\"\ngrace = \"1m\"\n");
    let variables = [("HSS_SYNC_GRACE", "5s"), ("HSS_SYNC_STATE_DIR", "state")];
    let expected = [
        ("color", "never", "--color"),
        ("verbosity", "quiet", "--quiet"),
        ("deny_warnings", "false", "-"),
        ("concurrency", "-", "-"),
        ("quota", "3/1m", "hss-sync.toml:2:1"),
        ("grace", "5s", "HSS_SYNC_GRACE"),
        ("state_dir", "state", "HSS_SYNC_STATE_DIR"),
    ];
    let found = shown(folder.path(), &variables, &["-q", "--color", "never"]);
    assert_eq!(found, expected.map(|(name, value, place)| (name.to_owned(), value.to_owned(), place.to_owned())));
    let text = call(folder.path(), &[], &["settings", "show"]).stdout();
    assert_eq!(
        text,
        "\
color          auto                            built in
verbosity      verbose                         hss-sync.toml:1:1
deny_warnings  false                           built in
concurrency    each plan's limits.concurrency  built in
quota          3/1m at most                    hss-sync.toml:2:1
grace          1m                              hss-sync.toml:3:1
state_dir      .hss-sync                       built in
"
    );
}

/// What a plan means is the same under any settings; only its speed isn't.
#[test]
fn settings_bound_the_speed_of_plans_and_never_change_what_is_sent() {
    let plan = |settings: &str, variables: &[(&str, &str)], flags: &[&str]| {
        let folder = folder(settings);
        let finished = call(folder.path(), variables, &[&["plan", "plan.yaml", "--format", "json"], flags].concat());
        assert_eq!(finished.code(), 0, "{}", finished.excerpt());
        let mut document = finished.json().expect("a document");
        document.as_object_mut().expect("an object").remove("forecast");
        let text = call(folder.path(), variables, &[&["check", "plan.yaml"], flags].concat());
        assert_ne!(text.code(), 0, "there is no credential: nothing is asked");
        document.to_string()
    };
    let alone = plan("", &[], &[]);
    for settings in
        ["quota = \"1/1h\"\nconcurrency = 1\n", "quota = \"900/1s\"\n", "verbosity = \"quiet\"\ncolor = \"always\"\n"]
    {
        assert_eq!(plan(settings, &[("HSS_SYNC_QUOTA", "2/1m")], &[]), alone, "{settings}");
        assert_eq!(plan(settings, &[], &["--concurrency", "2"]), alone, "{settings}");
    }
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let forecast = |settings: &str, variables: &[(&str, &str)], flags: &[&str]| {
        let folder = folder(settings);
        let projects: String =
            (0..9).map(|n| format!("  - {{ name: p{n}, project_ids: {{ cn-north-4: id-{n} }} }}\n")).collect();
        fs::write(folder.path().join("plan.yaml"), PLAN.replace("limits:", &format!("{projects}limits:")))
            .expect("written");
        let finished = call(folder.path(), variables, &[&["plan", "plan.yaml"], flags].concat());
        assert_eq!(finished.code(), 0, "{}", finished.excerpt());
        let text = finished.stdout();
        let line = text.lines().find(|line| line.contains("Forecast")).expect("a forecast").to_owned();
        line.rsplit_once(" at ").map_or(line.clone(), |(_, quota)| quota.trim_end_matches('.').to_owned())
    };
    assert_eq!(forecast("", &[], &[]), "4 a minute");
    assert_eq!(forecast("quota = \"3/1m\"\n", &[], &[]), "3 a minute");
    assert_eq!(forecast("quota = \"100/1s\"\n", &[], &[]), "4 a minute", "a file makes nothing faster");
    assert_eq!(forecast("quota = \"3/1m\"\n", &[("HSS_SYNC_QUOTA", "5/1m")], &[]), "5 a minute");
    assert_eq!(forecast("quota = \"3/1m\"\n", &[("HSS_SYNC_QUOTA", "5/1m")], &["--quota", "2/1m"]), "2 a minute");
}

#[test]
fn warnings_are_denied_by_the_file_too() {
    assert_eq!(call(folder("").path(), &[], &["validate", "plan.yaml"]).code(), 0);
    let folder = folder("deny_warnings = true\n");
    assert_eq!(call(folder.path(), &[], &["validate", "plan.yaml"]).code(), 3);
    assert_eq!(call(folder.path(), &[("HSS_SYNC_DENY_WARNINGS", "false")], &["validate", "plan.yaml"]).code(), 0);
}

#[test]
fn a_settings_file_that_is_wrong_is_a_usage_error_with_its_place() {
    let folder = folder("quota = \"3/1m\"\nconcurency = 4\nca_cert = \"x\"\n");
    for args in [&["validate", "plan.yaml"][..], &["settings", "show"], &["runs"]] {
        let finished = call(folder.path(), &[], args);
        assert_eq!(finished.code(), 2, "{}", finished.excerpt());
        let told = finished.stderr();
        for piece in [
            "error[unknown-setting]: `concurency` is no setting",
            "--> hss-sync.toml:2:1",
            "did you mean `concurrency`?",
            "`ca_cert` is no setting",
            "hss-sync.toml: 2 errors. `hss-sync explain unknown-setting` says more.",
        ] {
            assert!(told.contains(piece), "{args:?}: {piece}: {told}");
        }
    }
    // What explains the mistake works beside it.
    assert_eq!(call(folder.path(), &[], &["explain", "unknown-setting"]).code(), 0);
    let told = call(folder.path(), &[("HSS_SYNC_GRACE", "5")], &["explain", "4"]);
    assert_eq!(told.code(), 0);
    fs::remove_file(folder.path().join("hss-sync.toml")).expect("removed");
    let told = call(folder.path(), &[("HSS_SYNC_GRACE", "5")], &["runs"]);
    assert_eq!((told.code(), told.stderr().contains("HSS_SYNC_GRACE=5")), (2, true), "{}", told.excerpt());
}

#[test]
fn the_file_counts_in_the_current_directory_only() {
    let folder = folder("verbosity = \"quiet\"\n");
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).expect("made");
    assert_eq!(shown(&inner, &[], &[])[1].2, "-");
    assert_eq!(shown(folder.path(), &[], &[])[1].2, "hss-sync.toml:1:1");
}

/// Else a change of somebody else could make an error message quote a file of ours.
#[cfg(unix)]
#[test]
fn a_link_is_not_followed() {
    let folder = folder("");
    let path = folder.path().join("hss-sync.toml");
    fs::remove_file(&path).expect("removed");
    fs::write(folder.path().join("secret"), "sk = not-to-be-seen = 1").expect("written");
    std::os::unix::fs::symlink("secret", &path).expect("linked");
    let finished = call(folder.path(), &[], &["runs"]);
    assert_eq!(finished.code(), 2, "{}", finished.excerpt());
    assert!(finished.stderr().contains("is a link") && !finished.output().contains("not-to-be-seen"));
}

#[test]
fn runs_are_kept_where_the_environment_says() {
    let folder = folder("");
    let said = call(folder.path(), &[("HSS_SYNC_STATE_DIR", "kept")], &["runs"]).stdout();
    assert_eq!(said, "no runs in kept\n");
    let said = call(folder.path(), &[("HSS_SYNC_STATE_DIR", "kept")], &["runs", "--state-dir", "typed"]).stdout();
    assert_eq!(said, "no runs in typed\n");
}

#[test]
fn the_examples_of_the_codes_are_true() {
    let told = |text: &str| call(folder(text).path(), &[], &["settings", "show"]);
    for code in SETTINGS.iter().copied() {
        let explanation = Code::explanation(code);
        let bad = told(explanation.bad);
        assert_eq!(bad.code(), 2, "{}: {}", code.as_str(), bad.excerpt());
        assert!(bad.stderr().starts_with(&format!("error[{}]: ", code.as_str())), "{}", bad.stderr());
        assert_eq!(told(explanation.good).code(), 0, "{}", code.as_str());
    }
}
