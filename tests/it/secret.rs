//! No secret in any output: canaries are planted in every credential variable, the service echoes all headers in its
//! errors, and everything that was written is searched.

#![cfg(feature = "simulator")]

use std::num::NonZeroU32;
use std::path::Path;
use std::process::Command;

use hss_sync::io::clock::RunClock;
use hss_sync::model::Secret;
use hss_sync::simulator::{Faults, KeyPair, RunningSimulator, Simulator, SimulatorConfig};

/// Characters that JSON, URLs, HTML and base64 each write differently.
const SECRET_KEY: &str = "CanarySecretKey/with+odd=characters&<more>\"quotes";
const SECURITY_TOKEN: &str = "CanarySecurityToken/+=0123456789abcdef";
const AUTH_TOKEN: &str = "CanaryAuthToken/+=0123456789abcdefghij";
/// The access key is no secret, but is shown masked.
const ACCESS_KEY: &str = "AKCANARY0000000000001";

/// A simulator in this process that knows the canaries, or one that knows other keys.
fn simulator(fault: &str, knows_canaries: bool, log: &Path) -> (tokio::runtime::Runtime, RunningSimulator) {
    let mut config = SimulatorConfig {
        faults: Faults::parse(fault).expect("faults"),
        log: Some(log.to_owned()),
        quota: None,
        ..SimulatorConfig::default()
    };
    if knows_canaries {
        config.keys = vec![KeyPair {
            access_key: ACCESS_KEY.to_owned(),
            secret_key: Secret::new(SECRET_KEY.to_owned()),
            security_token: Some(Secret::new(SECURITY_TOKEN.to_owned())),
        }];
        config.tokens = vec![Secret::new(AUTH_TOKEN.to_owned())];
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let started = runtime.block_on(async { Simulator::start(config, RunClock::start(NonZeroU32::MIN)).await });
    (runtime, started.expect("the simulator starts"))
}

/// Every way in which a text may echo a secret.
fn forms(secret: &str) -> Vec<String> {
    let json = serde_json::to_string(secret).expect("a string");
    let json = json.trim_matches('"').to_owned();
    let percent = secret.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
        text
    });
    vec![secret.to_owned(), json.replace('/', "\\/"), json, percent]
}

fn everything_below(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            everything_below(&path, found);
        } else {
            let bytes = std::fs::read(&path).expect("a file");
            found.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
}

#[test]
fn an_echoing_service_brings_no_secret_into_any_output() {
    let signed = [
        ("HUAWEICLOUD_SDK_AK", ACCESS_KEY),
        ("HUAWEICLOUD_SDK_SK", SECRET_KEY),
        ("HUAWEICLOUD_SDK_SECURITY_TOKEN", SECURITY_TOKEN),
    ];
    let token = [("HW_AUTH_TOKEN", AUTH_TOKEN)];
    let cases = [
        ("echo:100%", true, &signed[..], 1),
        ("echo:100%", true, &token[..], 1),
        ("latency:0ms", false, &signed[..], 5),
        ("latency:0ms", false, &token[..], 5),
    ];
    for (fault, knows_canaries, variables, exit) in cases {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (_runtime, simulator) = simulator(fault, knows_canaries, &folder.path().join("simulator.ndjson"));
        let output = Command::new(env!("CARGO_BIN_EXE_hss-sync"))
            .env_clear()
            .envs(variables.iter().copied())
            .args(["run", "plans/quickstart.yaml", "--verbose", "--endpoint", simulator.endpoint().as_str()])
            .args(["--quota", "1000/1s", "--report", "json=-", "--state-dir"])
            .arg(folder.path().join("state"))
            .output()
            .expect("the binary starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(exit), "{fault}: {stderr}");
        let mut written = vec![
            ("stdout".to_owned(), String::from_utf8_lossy(&output.stdout).into_owned()),
            ("stderr".to_owned(), String::from_utf8_lossy(&output.stderr).into_owned()),
        ];
        everything_below(folder.path(), &mut written);
        let names: Vec<&str> = written.iter().map(|(name, _)| name.rsplit('/').next().unwrap_or(name)).collect();
        for expected in ["stdout", "stderr", "simulator.ndjson", "report.json", "journal.ndjson"] {
            assert!(names.contains(&expected), "{expected} is not among {names:?}");
        }
        if fault.starts_with("echo") {
            // The echo did arrive: what is searched below was really in the answer.
            let report = &written[0].1;
            assert!(report.contains("[redacted]"), "{report}");
            assert!(report.to_lowercase().contains("x-sdk-date") || variables.len() == 1, "{report}");
        }
        for (name, text) in &written {
            for secret in [SECRET_KEY, SECURITY_TOKEN, AUTH_TOKEN, ACCESS_KEY] {
                for form in forms(secret) {
                    assert!(!text.contains(&form), "{fault}: {name} holds {form}\n{text}");
                }
            }
            let signature = text
                .split("Signature=")
                .nth(1)
                .is_some_and(|rest| rest.bytes().take(64).filter(u8::is_ascii_hexdigit).count() == 64);
            assert!(!signature, "{fault}: {name} holds a signature\n{text}");
        }
    }
}
