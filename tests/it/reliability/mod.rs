//! Hostile conditions with the real binary: what `docs/reliability.md` lists, a file for each kind.
//!
//! A server here is a listener whose connections a closure answers byte by byte. Whatever it does, three things have to hold
//! of a run: the report accounts for every operation, nothing that may have been taken is sent twice, and the exit code says
//! what the report says.

#![cfg(all(unix, feature = "simulator"))]

#[cfg(target_os = "linux")]
mod clock;
#[cfg(target_os = "linux")]
mod disk;
mod faults;
#[cfg(target_os = "linux")]
mod limits;
#[cfg(target_os = "linux")]
mod names;
mod network;
mod proxy;
#[cfg(target_os = "linux")]
mod streams;
mod tls;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::common::{Finished, finish, hss_sync_bounded};
use super::run::checked_report;

const ACCESS_KEY: &str = "AKRELIABILITY0000001";
const SECRET_KEY: &str = "reliability-secret-key-0123456789";

/// Limits for what nothing but the time of an attempt ends.
const QUICK: &str = "quota: { calls: 1000, per: 1s }, attempt_timeout: 600ms, retry: { max_attempts: 2, initial_delay: 10ms, \
                     max_delay: 20ms }";

/// Limits for what ends by itself, however busy the machine is.
const PATIENT: &str = "quota: { calls: 1000, per: 1s }, attempt_timeout: 60s, retry: { max_attempts: 2, initial_delay: 10ms, \
                       max_delay: 20ms }";

/// A plan of so many operations in one region, each of a project of its own: `id0`, `id1`, …
fn plan(operations: usize, limits: &str) -> String {
    let mut text = format!(
        "version: 1\nname: hostile\nlimits: {{ {limits} }}\nrollout: {{ max_operations: 5000 }}\nregistry_sets:\n  all: {{ \
         sync_all_registries: true }}\ndefaults: {{ registry_sets: [all] }}\nprojects:\n"
    );
    for index in 0..operations {
        text.push_str(&format!("  - {{ name: p{index}, project_ids: {{ cn-north-4: \"id{index}\" }} }}\n"));
    }
    text
}

/// `hss-sync` with a credential, in bounded memory.
fn hss_sync(folder: &Path, args: &[&str]) -> Command {
    let mut command = hss_sync_bounded(folder);
    command.env("HUAWEICLOUD_SDK_AK", ACCESS_KEY).env("HUAWEICLOUD_SDK_SK", SECRET_KEY).args(args);
    command
}

/// Runs the plan in `folder` against an endpoint.
fn run(folder: &Path, endpoint: &str, more: &[&str], variables: &[(&str, &str)]) -> (Finished, Value) {
    let mut command = hss_sync(folder, &["run", "plan.yaml", "--report", "json=report.json", "--endpoint", endpoint]);
    let finished = finish(command.args(more).envs(variables.iter().copied()));
    let report = folder.join("report.json");
    assert!(report.exists(), "{}", finished.excerpt());
    (finished, checked_report(&report))
}

/// Runs a script with the binary as `$0` in namespaces of its own (flags of `unshare`); none where the system allows no such
/// thing, which `probe` tells.
#[cfg(target_os = "linux")]
fn unshared(inner: &Command, flags: &str, probe: &str, script: &str) -> Option<Finished> {
    let shell = |script: &str| {
        let mut command = Command::new("unshare");
        command.args([flags, "/bin/sh", "-c", script]).current_dir(inner.get_current_dir().expect("a folder"));
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command
    };
    if !shell(probe).stderr(std::process::Stdio::null()).status().is_ok_and(|status| status.success()) {
        return None;
    }
    let mut command = shell(script);
    command.arg(inner.get_program()).args(inner.get_args());
    Some(finish(command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))))))
}

/// Accepted, failed, unknown, not attempted.
fn counts(report: &Value) -> [u64; 4] {
    ["accepted", "failed", "unknown", "not_attempted"].map(|name| report["summary"][name].as_u64().expect("a count"))
}

/// What the report says of the operations, in plan order.
fn reasons(report: &Value) -> Vec<&str> {
    let operations = report["operations"].as_array().expect("a list").iter();
    operations.map(|operation| operation["reason"].as_str().unwrap_or_default()).collect()
}

/// The journal of the only run in a folder, read as `resume` reads it.
fn readable_journal(folder: &Path) -> String {
    let runs = folder.join(".hss-sync/runs");
    let run = std::fs::read_dir(&runs).expect("runs").next().expect("one run").expect("an entry").path();
    let bytes = std::fs::read(run.join("journal.ndjson")).expect("readable");
    assert_eq!(hss_sync::journal::read(&bytes).expect("whole").torn, 0);
    String::from_utf8(bytes).expect("text")
}

/// A server on loopback for as long as the tests run, and the first lines of the requests that came.
struct Raw {
    endpoint: String,
    came: Arc<Mutex<Vec<String>>>,
}

impl Raw {
    /// Reads requests, and has `answer` do what it likes with the connection after each. The connection closes when that says so.
    fn start(answer: impl Fn(&mut TcpStream) -> Keep + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let came = Arc::new(Mutex::new(Vec::new()));
        let (answer, log) = (Arc::new(answer), Arc::clone(&came));
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                std::thread::spawn(move || {
                    while let Some(line) = read_request(&mut stream) {
                        log.lock().expect("no thread panicked").push(line);
                        if answer(&mut stream) == Keep::No {
                            return;
                        }
                    }
                });
            }
        });
        Self { endpoint, came }
    }

    /// The paths that something was to be created at, in order.
    fn posted(&self) -> Vec<String> {
        let came = self.came.lock().expect("no thread panicked");
        let mut posted: Vec<String> = came.iter().filter(|line| line.starts_with("POST ")).cloned().collect();
        posted.sort();
        posted
    }

    /// Nothing was posted twice.
    fn posted_once_each(&self, expected: usize) {
        let mut posted = self.posted();
        assert_eq!(posted.len(), expected, "{posted:#?}");
        posted.dedup();
        assert_eq!(posted.len(), expected, "each once");
    }
}

/// Whether a connection takes another request.
#[derive(Clone, Copy, PartialEq)]
enum Keep {
    Yes,
    No,
}

/// The first line of one request, when all of it has come.
fn read_request(stream: &mut impl Read) -> Option<String> {
    let (mut bytes, mut block) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut block).ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&block[..read]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return head.lines().next().map(str::to_owned);
        }
    }
}

/// Writes, and keeps the connection if that worked.
fn send(stream: &mut impl Write, bytes: &[u8]) -> Keep {
    if stream.write_all(bytes).and_then(|()| stream.flush()).is_ok() { Keep::Yes } else { Keep::No }
}

/// Acknowledges a request.
fn acknowledge(stream: &mut impl Write) -> Keep {
    send(stream, b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
}
