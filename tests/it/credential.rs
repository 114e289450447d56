//! Credentials from the environment through the real binary to a simulator that knows them.

#![cfg(feature = "simulator")]

use std::num::NonZeroU32;
use std::path::Path;

use hss_sync::io::clock::RunClock;
use hss_sync::model::Secret;
use hss_sync::simulator::{KeyPair, RunningSimulator, Simulator, SimulatorConfig};
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

fn simulator() -> (Runtime, RunningSimulator) {
    let key = |access_key: &str, secret_key: &str, token: Option<&str>| KeyPair {
        access_key: access_key.to_owned(),
        secret_key: Secret::new(secret_key.to_owned()),
        security_token: token.map(|token| Secret::new(token.to_owned())),
    };
    let config = SimulatorConfig {
        keys: vec![key(AK, SK, None), key(TEMPORARY_AK, TEMPORARY_SK, Some(SECURITY_TOKEN))],
        tokens: vec![Secret::new(TOKEN.to_owned())],
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
fn plan(credentials: &[&str], count: usize) -> String {
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

fn run(folder: &Path, plan: &str, endpoint: &str, variables: &[(&str, &str)]) -> Finished {
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
    let cases: [Mistake<'_>; 10] = [
        ("default", &[], "HUAWEICLOUD_SDK_AK + HUAWEICLOUD_SDK_SK"),
        ("default", &[("HUAWEICLOUD_SDK_AK", ""), ("HUAWEICLOUD_SDK_SK", "  ")], "nothing is set"),
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
        for (_, value) in variables.iter().filter(|(_, value)| value.trim().len() > 3) {
            assert!(!finished.output().contains(value), "{value}: {}", finished.excerpt());
        }
    }
    assert_eq!(simulator.stats().requests, 0);
    assert!(!folder.path().join("report.json").exists());
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
