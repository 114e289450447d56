//! `validate`, `plan` and `run --dry-run` open no socket: the kernel would kill them.

#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
#[cfg(feature = "simulator")]
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Output};

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, SeccompRule, apply_filter};

/// `SIGSYS` on the architectures that the filter knows.
#[cfg(feature = "simulator")]
const SIGSYS: i32 = 31;

/// Runs the binary where `socket(2)`, `socketpair(2)` and `connect(2)` end the process. A child inherits the filter of
/// the thread that starts it, and the thread ends with this call.
fn without_sockets(args: &[&str]) -> Output {
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    std::thread::spawn(move || {
        let rules: BTreeMap<i64, Vec<SeccompRule>> =
            [libc::SYS_socket, libc::SYS_socketpair, libc::SYS_connect].map(|call| (call, Vec::new())).into();
        let arch = std::env::consts::ARCH.try_into().expect("a known architecture");
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::KillProcess, arch);
        let program: BpfProgram = filter.expect("a filter").try_into().expect("a program");
        apply_filter(&program).expect("the kernel takes the filter");
        Command::new(env!("CARGO_BIN_EXE_hss-sync"))
            .args(args)
            .env_clear()
            .env("HUAWEICLOUD_SDK_AK", "AKTEST")
            .env("HUAWEICLOUD_SDK_SK", "sk-for-a-test-only")
            .output()
            .expect("the binary starts")
    })
    .join()
    .expect("the thread ends")
}

#[test]
fn offline_commands_open_no_socket() {
    for args in [
        &["validate", "plans"][..],
        &["validate", "--format", "json", "plans"],
        &["plan", "plans"],
        &["plan", "--format", "json", "plans/everything.yaml"],
        &["run", "--dry-run", "plans/multi-region.yaml"],
        &["explain", "APIGW.0301"],
        &["schema", "plan"],
        &["completions", "zsh"],
        &["man"],
        &["runs"],
        &["settings", "show"],
    ] {
        let output = without_sockets(args);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {} {stderr}", output.status);
    }
}

/// A run that is over is reported without one, too.
#[test]
#[cfg(feature = "simulator")]
fn a_report_opens_no_socket() {
    let state = tempfile::tempdir().expect("a temporary folder");
    let state = state.path().to_str().expect("UTF-8");
    let call = ["run", "--simulate", "--simulator-quota", "1000/1s", "--quota", "1000/1s", "--state-dir", state];
    let run = Command::new(env!("CARGO_BIN_EXE_hss-sync"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(call)
        .arg("plans/quickstart.yaml")
        .output()
        .expect("the binary starts");
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));
    let output = without_sockets(&["report", "latest", "--state-dir", state, "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{} {}", output.status, String::from_utf8_lossy(&output.stderr));
}

/// The guard is real: a command that does open sockets is killed by it.
#[test]
#[cfg(feature = "simulator")]
fn the_guard_sees_a_socket() {
    let state = tempfile::tempdir().expect("a temporary folder");
    let state = state.path().to_str().expect("UTF-8");
    let output = without_sockets(&["run", "--simulate", "--state-dir", state, "plans/quickstart.yaml"]);
    assert_eq!(output.status.signal(), Some(SIGSYS), "{}", String::from_utf8_lossy(&output.stderr));
}
