//! The checked-in plans are right, and stay so.

use std::process::Command;

#[test]
fn the_checked_in_plans_are_valid_without_a_warning() {
    let output = Command::new(env!("CARGO_BIN_EXE_hss-sync"))
        .env_clear()
        .args(["validate", "--deny-warnings", "plans/"])
        .output()
        .expect("the binary starts");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{stdout}{stderr}");
    assert_eq!(stderr, "");
    assert_eq!(stdout.lines().count(), 1, "nothing but one summary line: {stdout}");
    let plans = std::fs::read_dir("plans").expect("plans").count();
    assert!(plans >= 4);
    assert!(stdout.starts_with(&format!("{plans} plans valid: ")), "{stdout}");
}

#[test]
fn each_plan_is_valid_alone() {
    for entry in std::fs::read_dir("plans").expect("plans") {
        let path = entry.expect("an entry").path();
        let output = Command::new(env!("CARGO_BIN_EXE_hss-sync"))
            .env_clear()
            .args(["validate", "--deny-warnings"])
            .arg(&path)
            .output()
            .expect("the binary starts");
        assert_eq!(output.status.code(), Some(0), "{}: {}", path.display(), String::from_utf8_lossy(&output.stdout));
    }
}
