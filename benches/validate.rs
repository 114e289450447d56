//! `validate` of 100,000 operations beside tokenising the same bytes, as whole processes.
//!
//! `cargo bench --bench validate` writes the plan to a temporary folder, runs the two in turn and prints medians, the median
//! of the pair ratios, and the peak memory of `validate`. `TOKENISE=path` makes this program the tokeniser itself, so that
//! both sides are measured from outside in the same way.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use saphyr_parser::{Event, Parser};

const OPERATIONS: usize = 100_000;
const ROUNDS: usize = 7;

#[expect(clippy::disallowed_methods, reason = "the parent tells its copy what to measure by the environment")]
#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn main() {
    if let Some(path) = std::env::var_os("TOKENISE") {
        tokenise(Path::new(&path));
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("plan.yaml");
    std::fs::write(&path, plan(OPERATIONS)).expect("the plan is written");
    let bytes = std::fs::metadata(&path).expect("the plan is there").len();
    println!("{OPERATIONS} operations, {:.1} MB, {ROUNDS} rounds in turn", bytes as f64 / 1e6);

    let this = std::env::current_exe().expect("this program has a path");
    let (mut tokenise, mut validate, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let tokens = timed(Command::new(&this).env("TOKENISE", &path));
        let whole = timed(Command::new(env!("CARGO_BIN_EXE_hss-sync")).arg("validate").arg(&path));
        ratios.push(whole.as_secs_f64() / tokens.as_secs_f64());
        tokenise.push(tokens);
        validate.push(whole);
    }
    tokenise.sort();
    validate.sort();
    ratios.sort_by(f64::total_cmp);
    println!("tokenise  median {:.3} s", tokenise[ROUNDS / 2].as_secs_f64());
    println!("validate  median {:.3} s", validate[ROUNDS / 2].as_secs_f64());
    println!(
        "ratio     median {:.2} (min {:.2}, max {:.2}); goal: below 3",
        ratios[ROUNDS / 2],
        ratios[0],
        ratios[ROUNDS - 1]
    );
    if let Some(peak) = peak_memory(&path) {
        println!("validate  peak {} MB; goal: below 400", peak / 1024);
    }
}

/// A plan of `operations` operations, a project entry for each, 140 bytes an entry.
fn plan(operations: usize) -> String {
    let mut text = format!(
        "version: 1\nname: large\nvars: {{ environment: prod }}\nregistry_sets:\n  harbor:\n    registries:\n      - {{ registry_id: \"{{{{ vars.environment }}}}-{{{{ region }}}}\", registry_type: Harbor }}\nrollout: {{ max_operations: {operations} }}\nprojects:\n"
    );
    for index in 0..operations {
        let _ = write!(
            text,
            "  - name: project-{index:06}\n    project_ids:\n      cn-north-4: 0a1b2c3d4e5f60718293a4b5{index:08x}\n    registry_sets: [harbor]\n    labels: [nightly]\n"
        );
    }
    text
}

fn tokenise(path: &Path) {
    let text = std::fs::read_to_string(path).expect("the plan is readable");
    let mut scalars = 0_usize;
    for event in Parser::new_from_str(&text) {
        if let (Event::Scalar(..), _) = event.expect("the plan is YAML") {
            scalars += 1;
        }
    }
    assert!(scalars > 0);
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn timed(command: &mut Command) -> Duration {
    let start = Instant::now();
    let output = command.output().expect("the command starts");
    let elapsed = start.elapsed();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    elapsed
}

/// Peak resident memory in KiB, as GNU time reports it; nothing where it isn't installed.
fn peak_memory(path: &Path) -> Option<u64> {
    let output = Command::new("/usr/bin/time")
        .args(["-f", "%M", env!("CARGO_BIN_EXE_hss-sync"), "validate"])
        .arg(path)
        .output()
        .ok()?;
    String::from_utf8_lossy(&output.stderr).lines().last()?.trim().parse().ok()
}
