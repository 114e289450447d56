//! Credentials of every source through the real binary to a simulator that knows them.

#![cfg(feature = "simulator")]

use std::num::NonZeroU32;
use std::path::Path;

use hss_sync::io::clock::RunClock;
use hss_sync::model::Secret;
use hss_sync::simulator::{KeyPair, RunningSimulator, SimulatedIam, Simulator, SimulatorConfig};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::common::{Finished, finish, hss_sync};
use super::run::checked_report;

const AK: &str = "AKPERMANENT000000001";
const SK: &str = "permanent-secret-key-0123456789abcdef";
const TEMPORARY_AK: &str = "AKTEMPORARY000000002";
const TEMPORARY_SK: &str = "temporary-secret-key-0123456789abcdef";
const SECURITY_TOKEN: &str = "security-token-0123456789abcdef";
const TOKEN: &str = "ready-token-0123456789abcdef";

/// With IAM and an agency.
fn simulator() -> (Runtime, RunningSimulator) {
    simulator_with(SimulatedIam::made_up())
}

pub(crate) fn simulator_with(iam: SimulatedIam) -> (Runtime, RunningSimulator) {
    let key = |access_key: &str, secret_key: &str, token: Option<&str>| KeyPair {
        access_key: access_key.to_owned(),
        secret_key: Secret::new(secret_key.to_owned()),
        security_token: token.map(|token| Secret::new(token.to_owned())),
    };
    let config = SimulatorConfig {
        keys: vec![key(AK, SK, None), key(TEMPORARY_AK, TEMPORARY_SK, Some(SECURITY_TOKEN))],
        tokens: vec![Secret::new(TOKEN.to_owned())],
        iam,
        quota: None,
        ..SimulatorConfig::default()
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let started = runtime.block_on(async { Simulator::start(config, RunClock::start(NonZeroU32::MIN)).await });
    (runtime, started.expect("the simulator starts"))
}

/// Environment variables.
type Variables<'a> = Vec<(&'a str, &'a str)>;
/// Name of the credential, variables, user as the service's log names it, what `-v` says.
type Source<'a> = (&'a str, Variables<'a>, &'a str, &'a str);
/// Name of the credential, variables, a part of the error.
type Mistake<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);

/// A plan of `count` operations for each credential.
pub(crate) fn plan(credentials: &[&str], count: usize) -> String {
    let mut text = "version: 1\nname: test\nlimits: { quota: { calls: 100, per: 1s } }\nregistry_sets:\n  all: \
                    { sync_all_registries: true }\ndefaults: { registry_sets: [all] }\nprojects:\n"
        .to_owned();
    for credential in credentials {
        for index in 0..count {
            text.push_str(&format!(
                "  - {{ name: {credential}-{index}, credential: {credential}, project_ids: {{ cn-north-4: \"{credential}{index}\" }} }}\n"
            ));
        }
    }
    text
}

pub(crate) fn run(folder: &Path, plan: &str, endpoint: &str, variables: &[(&str, &str)]) -> Finished {
    std::fs::write(folder.join("plan.yaml"), plan).expect("the plan is written");
    finish(hss_sync(folder).envs(variables.iter().copied()).args([
        "run",
        "plan.yaml",
        "--verbose",
        "--report",
        "json=report.json",
        "--endpoint",
        endpoint,
    ]))
}

/// Each source of the contract, alone and before others: which one was used, by what the service saw and by what `-v` says.
#[test]
fn each_source_reaches_the_service() {
    let other = [("HW_AUTH_TOKEN", "a-token-that-nobody-knows"), ("OS_AUTH_TOKEN", "a-token-that-nobody-knows")];
    let pair = |ak, sk| vec![(ak, AK), (sk, SK)];
    let temporary = |ak, sk, token| vec![(ak, TEMPORARY_AK), (sk, TEMPORARY_SK), (token, SECURITY_TOKEN)];
    let cases: Vec<Source<'_>> = vec![
        ("default", pair("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"), "AKPE…0001", "AK …0001 from HUAWEICLOUD_SDK_AK"),
        (
            "default",
            temporary("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_SECURITY_TOKEN"),
            "AKTE…0002",
            "temporary AK …0002 from HUAWEICLOUD_SDK_AK",
        ),
        ("default", pair("CLOUD_SDK_AK", "CLOUD_SDK_SK"), "AKPE…0001", "AK …0001 from CLOUD_SDK_AK"),
        ("default", pair("HW_ACCESS_KEY", "HW_SECRET_KEY"), "AKPE…0001", "AK …0001 from HW_ACCESS_KEY"),
        (
            "default",
            temporary("HW_ACCESS_KEY", "HW_SECRET_KEY", "HW_SECURITY_TOKEN"),
            "AKTE…0002",
            "temporary AK …0002 from HW_ACCESS_KEY",
        ),
        ("default", pair("OS_ACCESS_KEY", "OS_SECRET_KEY"), "AKPE…0001", "AK …0001 from OS_ACCESS_KEY"),
        ("default", vec![("HW_AUTH_TOKEN", TOKEN)], "token-1", "token from HW_AUTH_TOKEN"),
        ("default", vec![("OS_AUTH_TOKEN", TOKEN)], "token-1", "token from OS_AUTH_TOKEN"),
        (
            "emea",
            pair("HSS_SYNC_CREDENTIAL_EMEA_AK", "HSS_SYNC_CREDENTIAL_EMEA_SK"),
            "AKPE…0001",
            "AK …0001 from HSS_SYNC_CREDENTIAL_EMEA_AK",
        ),
        (
            "emea-2",
            temporary(
                "HSS_SYNC_CREDENTIAL_EMEA_2_AK",
                "HSS_SYNC_CREDENTIAL_EMEA_2_SK",
                "HSS_SYNC_CREDENTIAL_EMEA_2_SECURITY_TOKEN",
            ),
            "AKTE…0002",
            "temporary AK …0002 from HSS_SYNC_CREDENTIAL_EMEA_2_AK",
        ),
        (
            "emea",
            vec![("HSS_SYNC_CREDENTIAL_EMEA_AUTH_TOKEN", TOKEN)],
            "token-1",
            "token from HSS_SYNC_CREDENTIAL_EMEA_AUTH_TOKEN",
        ),
    ];
    let (_runtime, simulator) = simulator();
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, mut variables, user, said) in cases {
        // Values as a shell or a CI system may leave them, and sources after the one that counts.
        let padded: Vec<String> = variables.iter().map(|(_, value)| format!(" {value}\n")).collect();
        for ((_, value), padded) in variables.iter_mut().zip(&padded) {
            *value = padded;
        }
        // A later `envs` wins, so a source of the case is not overwritten.
        if !said.ends_with("OS_AUTH_TOKEN") {
            variables.splice(0..0, other);
        }
        let finished = run(folder.path(), &plan(&[name], 1), simulator.endpoint().as_str(), &variables);
        assert_eq!(finished.code(), 0, "{variables:?}: {}", finished.excerpt());
        assert!(finished.stderr().contains(&format!("credential {name}: {said}\n")), "{said}: {}", finished.stderr());
        let last = simulator.log().pop().expect("a request");
        assert_eq!((last.user.as_deref(), last.committed), (Some(user), true), "{said}");
    }
}

/// What is missing, half set or no credential at all: 5, the variable is named, its value isn't, and nothing is sent.
#[test]
fn what_is_no_credential_is_named_and_nothing_is_sent() {
    let cases: [Mistake<'_>; 17] = [
        ("default", &[], "- HUAWEICLOUD_SDK_AK + HUAWEICLOUD_SDK_SK (+ HUAWEICLOUD_SDK_SECURITY_TOKEN): not set\n"),
        ("default", &[], "- ~/.huaweicloud/credentials [basic]: there is no such file\n"),
        ("default", &[], "- metadata service of a cloud server: switched off by HSS_SYNC_METADATA_ENDPOINT\n"),
        ("default", &[("HUAWEICLOUD_SDK_AK", ""), ("HUAWEICLOUD_SDK_SK", "  ")], "no source is complete"),
        ("default", &[("HW_USER_NAME", "alice")], "HW_USER_PASSWORD and HW_DOMAIN_NAME are not"),
        ("default", &[("HW_USER_PASSWORD", SK), ("HW_DOMAIN_NAME", "example")], "HW_USER_NAME is not"),
        ("default", &[("HUAWEICLOUD_SDK_IDP_ID", "corp")], "HUAWEICLOUD_SDK_ID_TOKEN_FILE is not"),
        ("default", &[("HUAWEICLOUD_SDK_ID_TOKEN_FILE", "token")], "HUAWEICLOUD_SDK_IDP_ID is not"),
        ("default", &[("HUAWEICLOUD_SDK_CREDENTIALS_FILE", "nowhere")], "cannot read `nowhere`: it does not exist"),
        ("default", &[("HUAWEICLOUD_SDK_AK", AK)], "HUAWEICLOUD_SDK_SK is not"),
        ("default", &[("CLOUD_SDK_SK", SK), ("HW_AUTH_TOKEN", TOKEN)], "CLOUD_SDK_AK is not"),
        ("default", &[("HW_ACCESS_KEY", AK), ("HW_SECRET_KEY", " ")], "HW_SECRET_KEY is not"),
        ("default", &[("HW_SECURITY_TOKEN", SECURITY_TOKEN)], "HW_ACCESS_KEY is not"),
        ("default", &[("OS_AUTH_TOKEN", "two words-0123456789")], "OS_AUTH_TOKEN holds a space"),
        ("default", &[("OS_AUTH_TOKEN", "short")], "OS_AUTH_TOKEN has fewer than 8"),
        ("emea", &[("HUAWEICLOUD_SDK_AK", AK), ("HUAWEICLOUD_SDK_SK", SK)], "HSS_SYNC_CREDENTIAL_EMEA_AK"),
        ("emea", &[("HSS_SYNC_CREDENTIAL_EMEA_SK", SK)], "HSS_SYNC_CREDENTIAL_EMEA_AK is not"),
    ];
    let (_runtime, simulator) = simulator();
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, variables, part) in cases {
        let finished = run(folder.path(), &plan(&[name], 2), simulator.endpoint().as_str(), variables);
        assert_eq!(finished.code(), 5, "{variables:?}: {}", finished.excerpt());
        assert!(finished.stderr().contains(part), "{part}: {}", finished.stderr());
        let shown = |(name, value): &&(&str, &str)| name.ends_with("_FILE") || value.trim().len() <= 3;
        for (_, value) in variables.iter().filter(|variable| !shown(variable)) {
            assert!(!finished.output().contains(value), "{value}: {}", finished.excerpt());
        }
    }
    assert_eq!(simulator.stats().requests, 0);
    assert!(!folder.path().join("report.json").exists());
}

/// A credentials file in the home of the binary, as the official SDKs have it, that nobody else can read.
pub(crate) fn write_file(folder: &Path, text: &str) {
    std::fs::create_dir_all(folder.join(".huaweicloud")).expect("a folder");
    let path = folder.join(".huaweicloud/credentials");
    std::fs::write(&path, text).expect("the file is written");
    set_mode(&path, 0o600);
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("our own file");
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) {}

#[test]
fn sections_of_the_credentials_file_reach_the_service() {
    let (_runtime, simulator) = simulator();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = format!(
        "# the SDKs' file\n[basic]\nAK: {AK}\nsk = {SK}\nproject_id = p\n\n[emea]\nak = {TEMPORARY_AK}\n\
         sk = {TEMPORARY_SK}\nsecurity_token = {SECURITY_TOKEN}\n"
    );
    write_file(folder.path(), &file);
    let finished = run(folder.path(), &plan(&["default", "emea"], 1), simulator.endpoint().as_str(), &[]);
    assert_eq!(finished.code(), 0, "{}", finished.excerpt());
    for said in [
        "credential default: AK …0001 from ~/.huaweicloud/credentials [basic]\n",
        "credential emea: temporary AK …0002 from ~/.huaweicloud/credentials [emea]\n",
    ] {
        assert!(finished.stderr().contains(said), "{said}: {}", finished.stderr());
    }
    assert!(!finished.stderr().contains("warning"), "{}", finished.stderr());
    let mut users: Vec<_> = simulator.log().into_iter().filter_map(|entry| entry.user).collect();
    users.sort();
    assert_eq!(users, ["AKPE…0001", "AKTE…0002"]);

    // Another file, which others can read: it is used, and said once.
    std::fs::write(folder.path().join("mine"), file).expect("written");
    set_mode(&folder.path().join("mine"), 0o644);
    let variables = [("HUAWEICLOUD_SDK_CREDENTIALS_FILE", "mine")];
    let finished = run(folder.path(), &plan(&["default", "emea"], 1), simulator.endpoint().as_str(), &variables);
    assert_eq!(finished.code(), 0, "{}", finished.excerpt());
    let warning = "warning: mine holds secrets and can be read by other users of this machine (mode 644): chmod 600 it";
    assert_eq!(finished.stderr().matches(warning).count(), usize::from(cfg!(unix)), "{}", finished.stderr());
}

#[test]
fn a_credentials_file_that_is_wrong_is_named_by_line_and_not_shown() {
    let (_runtime, simulator) = simulator();
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (text, part) in [
        (format!("[basic]\nak = {AK}\n"), "`sk` of [basic] in ~/.huaweicloud/credentials is not"),
        (format!("[basic]\nsk = {SK}\n"), "`ak` of [basic] in ~/.huaweicloud/credentials is not"),
        (format!("[basic]\nak = {AK}\n{SK}\n"), "~/.huaweicloud/credentials, line 3: it is no `key = value`"),
        (format!("[basic]\nsk = {SK}\nsk = {SK}x\n"), "line 3: this key is there twice"),
        ("[basic]\nidp_id = corp\n".to_owned(), "`id_token_file` of [basic] in ~/.huaweicloud/credentials is not"),
        ("[other]\n".to_owned(), "- ~/.huaweicloud/credentials [basic]: there is no such section\n"),
    ] {
        write_file(folder.path(), &text);
        let finished = run(folder.path(), &plan(&["default"], 1), simulator.endpoint().as_str(), &[]);
        assert_eq!(finished.code(), 5, "{text}: {}", finished.excerpt());
        assert!(finished.stderr().contains(part), "{part}: {}", finished.stderr());
        assert!(!finished.output().contains(SK) && !finished.output().contains(AK), "{}", finished.excerpt());
    }
    assert_eq!(simulator.stats().requests, 0);
}

/// Where the endpoints file of the SDKs counts: after the plan, before the built-in table.
#[test]
fn the_regions_file_moves_a_region() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = "HSS:\n  - { id: cn-north-4, endpoint: https://hss.example.com }\n";
    std::fs::write(folder.path().join("regions.yaml"), text).expect("written");
    std::fs::write(folder.path().join("plan.yaml"), plan(&["default"], 1)).expect("written");
    let url = |variables: &[(&str, &str)]| {
        let mut command = hss_sync(folder.path());
        let finished = finish(command.envs(variables.iter().copied()).args(["plan", "plan.yaml", "--format", "json"]));
        let json = finished.json().expect("JSON");
        json["operations"][0]["request"]["url"].as_str().expect("text").split("/v5/").next().map(str::to_owned)
    };
    let file = ("HUAWEICLOUD_SDK_REGIONS_FILE", "regions.yaml");
    assert_eq!(url(&[file]).as_deref(), Some("https://hss.example.com"));
    let variable = ("HUAWEICLOUD_SDK_REGION_HSS_CN_NORTH_4", "https://other.example.com");
    assert_eq!(url(&[file, variable]).as_deref(), Some("https://other.example.com"));
    assert_eq!(url(&[]).as_deref(), Some("https://hss.cn-north-4.myhuaweicloud.com"));
    let mut command = hss_sync(folder.path());
    let finished = finish(command.env("HUAWEICLOUD_SDK_REGIONS_FILE", "nowhere").args(["validate", "plan.yaml"]));
    assert_eq!(finished.code(), 2);
    assert!(finished.stderr().contains("cannot read `nowhere`"), "{}", finished.stderr());
}

/// One refused credential costs one call, and the others go on.
#[test]
fn a_refused_credential_does_not_stop_another() {
    let (_runtime, simulator) = simulator();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let variables = [
        ("HSS_SYNC_CREDENTIAL_GOOD_AK", AK),
        ("HSS_SYNC_CREDENTIAL_GOOD_SK", SK),
        ("HSS_SYNC_CREDENTIAL_BAD_AK", TEMPORARY_AK),
        ("HSS_SYNC_CREDENTIAL_BAD_SK", "not-the-secret-of-this-key"),
        ("HSS_SYNC_CREDENTIAL_STALE_AUTH_TOKEN", "a-token-that-nobody-knows"),
    ];
    let text = plan(&["bad", "good", "stale"], 8);
    let finished = run(folder.path(), &text, simulator.endpoint().as_str(), &variables);
    assert_eq!(finished.code(), 5, "{}", finished.excerpt());
    let report: Value = checked_report(&folder.path().join("report.json"));
    let of = |name: &str| -> Vec<String> {
        let operations = report["operations"].as_array().expect("a list").iter();
        let own = operations.filter(|operation| operation["credential"] == name);
        own.map(|operation| operation["outcome"].as_str().expect("text").to_owned()).collect()
    };
    assert_eq!(of("good"), ["accepted"; 8]);
    for name in ["bad", "stale"] {
        assert_eq!(of(name)[0], "failed");
        assert_eq!(of(name)[1..], ["not_attempted"; 7]);
    }
    assert_eq!((simulator.stats().committed, simulator.stats().unauthorized), (8, 2));
}
