//! No secret in any output: canaries are planted in every source of credentials, the service and IAM echo what they
//! get in their errors, and everything that was written is searched.

#![cfg(feature = "simulator")]

use std::num::NonZeroU32;
use std::path::Path;
use std::process::Command;

use hss_sync::io::clock::RunClock;
use hss_sync::model::Secret;
use hss_sync::simulator::{Faults, KeyPair, RunningSimulator, SimulatedIam, SimulatedUser, Simulator, SimulatorConfig};

/// Characters that JSON, URLs, HTML and base64 each write differently.
const SECRET_KEY: &str = "CanarySecretKey/with+odd=characters&<more>\"quotes";
const SECURITY_TOKEN: &str = "CanarySecurityToken/+=0123456789abcdef";
const AUTH_TOKEN: &str = "CanaryAuthToken/+=0123456789abcdefghij";
/// The access key is no secret, but is shown masked.
const ACCESS_KEY: &str = "AKCANARY0000000000001";

/// A simulator in this process that knows the canaries, or one that knows other keys.
fn simulator(fault: &str, knows_canaries: bool, log: &Path) -> (tokio::runtime::Runtime, RunningSimulator) {
    simulator_with(fault, knows_canaries, SimulatedIam::default(), log)
}

fn simulator_with(
    fault: &str,
    knows_canaries: bool,
    iam: SimulatedIam,
    log: &Path,
) -> (tokio::runtime::Runtime, RunningSimulator) {
    let mut config = SimulatorConfig {
        iam,
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

/// Every report format but the one on standard output, written to files.
const REPORTS: [&str; 8] = ["json", "ndjson", "junit", "markdown", "csv", "html", "sarif", "github"];

/// Asks for a report in every format, below `folder`.
fn with_reports(command: &mut Command, folder: &Path) {
    for format in REPORTS {
        command.arg("--report").arg(format!("{format}={}", folder.join(format!("report.{format}")).display()));
    }
}

/// The text as its readers see it: entities of HTML and XML resolved, escapes of Markdown removed, quotes of CSV single,
/// percent-encoding of workflow commands undone.
fn readings(text: &str) -> Vec<String> {
    let entities = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&#34;", "\""),
        ("&#x2F;", "/"),
        ("&#47;", "/"),
        ("\\u003c", "<"),
        ("&amp;", "&"),
    ];
    let resolved = entities.iter().fold(text.to_owned(), |text, (entity, c)| text.replace(entity, c));
    let unescaped = resolved.replace('\\', "");
    let (csv, percent) = (text.replace("\"\"", "\""), text.replace("%25", "%"));
    vec![text.to_owned(), resolved, unescaped, csv, percent]
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
        let mut command = Command::new(env!("CARGO_BIN_EXE_hss-sync"));
        command
            .env_clear()
            .envs(variables.iter().copied())
            .args(["run", "plans/quickstart.yaml", "--verbose", "--endpoint", simulator.endpoint().as_str()])
            .args(["--quota", "1000/1s", "--report", "json=-", "--state-dir"])
            .arg(folder.path().join("state"));
        with_reports(&mut command, folder.path());
        let output = command.output().expect("the binary starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(exit), "{fault}: {stderr}");
        let mut written = vec![
            ("stdout".to_owned(), String::from_utf8_lossy(&output.stdout).into_owned()),
            ("stderr".to_owned(), String::from_utf8_lossy(&output.stderr).into_owned()),
        ];
        everything_below(folder.path(), &mut written);
        let names: Vec<&str> =
            written.iter().map(|(name, _)| name.rsplit(['/', '\\']).next().unwrap_or(name)).collect();
        for expected in ["stdout", "stderr", "simulator.ndjson", "journal.ndjson"] {
            assert!(names.contains(&expected), "{expected} is not among {names:?}");
        }
        assert_reports(&written, fault);
        if fault.starts_with("echo") {
            // The echo did arrive: what is searched below was really in the answer.
            let report = &written[0].1;
            assert!(report.contains("[redacted]"), "{report}");
            assert!(report.to_lowercase().contains("x-sdk-date") || variables.len() == 1, "{report}");
        }
        assert_none_in(&written, &[SECRET_KEY, SECURITY_TOKEN, AUTH_TOKEN, ACCESS_KEY], fault);
    }
}

/// A report of every format is among what was written, and what was echoed is in each of them, scrubbed.
fn assert_reports(written: &[(String, String)], case: &str) {
    for format in REPORTS {
        let ending = format!("report.{format}");
        let report = written.iter().find(|(name, _)| name.ends_with(&ending) && !name.contains("runs"));
        let (_, text) = report.unwrap_or_else(|| panic!("{case}: {ending} is not there"));
        let echoed = readings(text).iter().any(|text| text.contains("[redacted]"));
        assert!(echoed || !case.starts_with("echo"), "{case}: the echo is not in {ending}: {text}");
    }
}

/// None of the secrets in any form, and no signature, in what was written.
fn assert_none_in(written: &[(String, String)], secrets: &[&str], case: &str) {
    for (name, text) in written {
        let readings = readings(text);
        for form in secrets.iter().flat_map(|secret| forms(secret)) {
            let found = readings.iter().any(|reading| reading.contains(&form));
            assert!(!found, "{case}: {name} holds {form}\n{text}");
        }
        let signature = text
            .split("Signature=")
            .nth(1)
            .is_some_and(|rest| rest.bytes().take(64).filter(u8::is_ascii_hexdigit).count() == 64);
        assert!(!signature, "{case}: {name} holds a signature\n{text}");
    }
}

const PASSWORD: &str = "Canary \"password\" with/odd+characters=<é>";
const ID_TOKEN: &str = "CanaryIdToken/+=0123456789.abcdef";

/// Sources that are files or are asked for: their own secrets, and all that IAM and the metadata service give for them, when
/// HSS echoes what it gets, and when IAM does.
#[test]
fn no_source_brings_a_secret_into_any_output() {
    let file = format!("[basic]\nak = {ACCESS_KEY}\nsk = {SECRET_KEY}\nsecurity_token = {SECURITY_TOKEN}\n");
    let password = [("HW_USER_NAME", "alice"), ("HW_USER_PASSWORD", PASSWORD), ("HW_DOMAIN_NAME", "example")];
    let id_token = [("HUAWEICLOUD_SDK_IDP_ID", "corp"), ("HUAWEICLOUD_SDK_ID_TOKEN_FILE", "HOME/id-token")];
    let metadata = [("HSS_SYNC_METADATA_ENDPOINT", "HERE")];
    for (variables, iam_fault, exit) in [
        (&[("HUAWEICLOUD_SDK_CREDENTIALS_FILE", "HOME/credentials")][..], "drop:100%", 1),
        (&password, "latency:0ms", 1),
        (&password, "echo:100%", 5),
        (&id_token, "latency:0ms", 1),
        (&id_token, "echo:100%", 5),
        (&metadata, "latency:0ms", 1),
        (&metadata, "echo:100%", 5),
    ] {
        let case = format!("{} with IAM {iam_fault}", variables[0].0);
        let folder = tempfile::tempdir().expect("a temporary folder");
        // Apart from what is searched.
        let home = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(home.path().join("credentials"), &file).expect("written");
        std::fs::write(home.path().join("id-token"), ID_TOKEN).expect("written");
        let (domain, name) = ("example".to_owned(), "alice".to_owned());
        let iam = SimulatedIam {
            users: vec![SimulatedUser { name, domain, password: Secret::new(PASSWORD.to_owned()) }],
            providers: vec![("corp".to_owned(), Secret::new(ID_TOKEN.to_owned()))],
            agency: true,
            faults: Faults::parse(iam_fault).expect("faults"),
            ..SimulatedIam::default()
        };
        let (_runtime, simulator) = simulator_with("echo:100%", true, iam, &folder.path().join("simulator.ndjson"));
        let here = simulator.endpoint().as_str();
        let home_text = home.path().to_str().expect("UTF-8");
        let fill = |value: &str| value.replace("HOME", home_text).replace("HERE", here);
        let mut command = Command::new(env!("CARGO_BIN_EXE_hss-sync"));
        command
            .env_clear()
            .env("HSS_SYNC_METADATA_ENDPOINT", "off")
            .envs(variables.iter().map(|(name, value)| (*name, fill(value))))
            .args(["run", "plans/quickstart.yaml", "--verbose", "--endpoint", here, "--iam-endpoint", here])
            .args(["--quota", "1000/1s", "--report", "json=-", "--state-dir"])
            .arg(folder.path().join("state"));
        with_reports(&mut command, folder.path());
        let output = command.output().expect("the binary starts");
        let mut written = vec![
            ("stdout".to_owned(), String::from_utf8_lossy(&output.stdout).into_owned()),
            ("stderr".to_owned(), String::from_utf8_lossy(&output.stderr).into_owned()),
        ];
        assert_eq!(output.status.code(), Some(exit), "{case}: {}", written[1].1);
        everything_below(folder.path(), &mut written);
        if !written[0].1.is_empty() {
            assert_reports(&written, &case);
        }
        let said = format!("{} {}", written[0].1, written[1].1);
        // The metadata service is asked without any secret first, so that its echo holds none.
        let has_secret = variables[0].0 != "HSS_SYNC_METADATA_ENDPOINT" || exit == 1;
        assert!(!has_secret || said.contains("[redacted]"), "{case}: the echo did arrive: {said}");
        let given = simulator.given_secrets();
        assert_eq!(given.is_empty(), iam_fault != "latency:0ms", "{case}");
        let mut secrets: Vec<&str> = given.iter().map(Secret::expose).collect();
        secrets.extend([SECRET_KEY, SECURITY_TOKEN, ACCESS_KEY, PASSWORD, ID_TOKEN]);
        assert_none_in(&written, &secrets, &case);
    }
}
