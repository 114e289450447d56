//! `run --simulate` of 10,000 operations with a wide quota at concurrency 64, as a whole process.
//!
//! `cargo bench --bench run` prints requests a second and CPU a request. Client and simulator share one process and one
//! thread, so both sides of every request are in the figures.

use std::fmt::Write as _;
use std::process::Command;

const OPERATIONS: usize = 10_000;
const ROUNDS: usize = 5;

#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("plan.yaml");
    std::fs::write(&path, plan()).expect("the plan is written");
    let mut walls = Vec::new();
    let mut cpus = Vec::new();
    for _ in 0..ROUNDS {
        // GNU time gives user and system seconds of the finished process, which std does not.
        let output = Command::new("/usr/bin/time")
            .args(["-f", "%e %U %S", env!("CARGO_BIN_EXE_hss-sync"), "run", "--quiet", "--simulate"])
            .args(["--simulator-quota", "100000/1s", "--fault", "latency:0ms", "--state-dir"])
            .arg(folder.path().join("state"))
            .arg(&path)
            .output()
            .expect("GNU time is installed");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}");
        let figures: Vec<f64> =
            text.lines().last().unwrap_or("").split(' ').filter_map(|figure| figure.parse().ok()).collect();
        let [wall, user, sys] = figures[..] else { panic!("unexpected output of time: {text}") };
        walls.push(wall);
        cpus.push(user + sys);
    }
    walls.sort_by(f64::total_cmp);
    cpus.sort_by(f64::total_cmp);
    let (wall, cpu) = (walls[ROUNDS / 2], cpus[ROUNDS / 2]);
    println!("{OPERATIONS} operations, concurrency 64, {ROUNDS} rounds");
    println!("wall   median {wall:.2} s, {:.0} requests a second", OPERATIONS as f64 / wall);
    println!(
        "cpu    median {cpu:.2} s, {:.0} us a request, {:.0} % of one core",
        cpu / OPERATIONS as f64 * 1e6,
        cpu / wall * 100.0
    );
}

fn plan() -> String {
    let mut text = format!(
        "version: 1\nname: wide\nregistry_sets:\n  all: {{ sync_all_registries: true }}\ndefaults: {{ registry_sets: [all] }}\nrollout: {{ max_operations: {OPERATIONS} }}\nlimits:\n  quota: {{ calls: 100000, per: 1s }}\n  concurrency: 64\n  region_concurrency: 64\nprojects:\n"
    );
    for index in 0..OPERATIONS {
        let _ = writeln!(
            text,
            "  - {{ name: project-{index:05}, project_ids: {{ cn-north-4: 0a1b2c3d4e5f60718293a4b5{index:08x} }} }}"
        );
    }
    text
}
