//! No secret in any output: canaries are planted in every credential variable, the service echoes all headers in its
//! errors, and everything that was written is searched.

#![cfg(feature = "simulator")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Characters that JSON, URLs, HTML and base64 each write differently.
const SECRET_KEY: &str = "CanarySecretKey/with+odd=characters&<more>\"quotes";
const SECURITY_TOKEN: &str = "CanarySecurityToken/+=0123456789abcdef";
const AUTH_TOKEN: &str = "CanaryAuthToken/+=0123456789abcdefghij";
/// The access key is no secret, but is shown masked.
const ACCESS_KEY: &str = "AKCANARY0000000000001";

/// A simulator in a process of its own; it ends with this value.
struct Server {
    child: Child,
    endpoint: String,
}

impl Server {
    fn start(fault: &str, log: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_hss-sync"))
            .env_clear()
            .args(["simulate", "--fault", fault, "--log"])
            .arg(log)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the simulator starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let endpoint = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.split_whitespace().find(|word| word.starts_with("http://")).map(str::to_owned))
            .expect("it prints its endpoint");
        // Keep reading, so that the simulator never waits for a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, endpoint: endpoint.trim_end_matches([',', '.']).to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
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
    for (fault, variables) in [
        ("echo:100%", &signed[..]),
        ("echo:100%", &token[..]),
        ("latency:0ms", &signed[..]),
        ("latency:0ms", &token[..]),
    ] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let server = Server::start(fault, &folder.path().join("simulator.ndjson"));
        let output = Command::new(env!("CARGO_BIN_EXE_hss-sync"))
            .env_clear()
            .envs(variables.iter().copied())
            .args(["run", "plans/quickstart.yaml", "--verbose", "--endpoint", &server.endpoint, "--quota", "1000/1s"])
            .args(["--report", "json=-", "--state-dir"])
            .arg(folder.path().join("state"))
            .output()
            .expect("the binary starts");
        let exit = output.status.code();
        assert!(matches!(exit, Some(1 | 5)), "{fault}: {exit:?} {}", String::from_utf8_lossy(&output.stderr));
        let mut written = vec![
            ("stdout".to_owned(), String::from_utf8_lossy(&output.stdout).into_owned()),
            ("stderr".to_owned(), String::from_utf8_lossy(&output.stderr).into_owned()),
        ];
        everything_below(folder.path(), &mut written);
        assert!(written.len() >= 4, "report and simulator log are there: {written:?}");
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
