//! How close a run comes to the optimum under a strict quota, and how good its forecast was.
//!
//! `cargo bench --bench pace`: 100 operations against a simulator that counts in an exact sliding window of 10 calls in 2 s
//! and answers after 50 ms, as whole processes in real time. No client can be faster than nine windows and one latency.

use std::process::Command;

const OPERATIONS: usize = 100;
const ROUNDS: usize = 3;
const OPTIMUM_MS: u64 = 9 * 2000 + 50;

#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("plan.yaml"), plan()).expect("the plan is written");
    println!("{OPERATIONS} operations, 10 calls in 2 s, latency 50 ms, optimum {OPTIMUM_MS} ms, {ROUNDS} rounds");
    for _ in 0..ROUNDS {
        let output = Command::new(env!("CARGO_BIN_EXE_hss-sync"))
            .current_dir(folder.path())
            .args(["run", "plan.yaml", "--quiet", "--simulate", "--simulator-quota", "10/2s"])
            .args(["--fault", "latency:50ms", "--report", "json=report.json"])
            .output()
            .expect("the binary starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let report = std::fs::read_to_string(folder.path().join("report.json")).expect("a report");
        let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
        let figure = |name: &str| report["summary"][name].as_i64().expect("a number");
        let (wall, forecast) = (figure("duration_ms"), figure("forecast_ms"));
        println!(
            "wall {wall} ms, {:.3} of the optimum; forecast {forecast} ms, {:.1} % off; {} answers were 429",
            wall as f64 / OPTIMUM_MS as f64,
            figure("forecast_off_ms").unsigned_abs() as f64 / wall as f64 * 100.0,
            figure("throttled"),
        );
    }
}

fn plan() -> String {
    let mut text = "version: 1\nname: pace\nlimits:\n  quota: { calls: 10, per: 2s }\n  concurrency: 16\n  \
                    region_concurrency: 16\nregistry_sets:\n  all: { sync_all_registries: true }\ndefaults: { registry_sets: \
                    [all] }\nprojects:\n"
        .to_owned();
    for index in 0..OPERATIONS {
        text.push_str(&format!("  - {{ name: p{index:03}, project_ids: {{ cn-north-4: \"id{index:03}\" }} }}\n"));
    }
    text
}
