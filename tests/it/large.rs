//! Plans of ten thousand projects: one mistake among them is named with its line, wherever it stands, and ten thousand
//! mistakes are counted and not all printed.

use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use crate::common::bounded;

const PROJECTS: usize = 10_000;
/// Lines of the plan before its first project, and of each project.
const HEAD: usize = 8;
const LINES: usize = 4;

/// A plan whose project `index` has the id `id(index)`.
fn plan(id: impl Fn(usize) -> String) -> String {
    let mut text = format!(
        "version: 1\nname: large\nregistry_sets:\n  harbor:\n    registries:\n      - {{ registry_id: r-1, registry_type: Harbor }}\n\
         rollout: {{ max_operations: {PROJECTS} }}\nprojects:\n"
    );
    for index in 0..PROJECTS {
        let id = id(index);
        let project =
            format!("  - name: p{index}\n    project_ids:\n      cn-north-4: \"{id}\"\n    registry_sets: [harbor]\n");
        text.write_str(&project).expect("writing to a string");
    }
    text
}

/// What `validate` says of a plan that is invalid, as JSON, and its verdict for people.
fn refused(text: &str) -> (Value, String) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    fs::write(dir.path().join("plan.yaml"), text).expect("a file can be written");
    let machine = bounded(dir.path(), ["validate", "--format", "json", "plan.yaml"]);
    assert_eq!(machine.code(), 3, "{}", machine.excerpt());
    let people = bounded(dir.path(), ["validate", "plan.yaml"]);
    assert_eq!(people.code(), 3, "{}", people.excerpt());
    assert!(people.written() < 256 * 1024, "{} bytes for people", people.written());
    (machine.json().unwrap_or_else(|error| panic!("{error}")), people.output().to_owned())
}

#[test]
fn one_bad_target_among_ten_thousand_is_named_with_its_line() {
    // What the schema refuses, and what only rendering shows.
    for (bad, code) in [("a b", "invalid-value"), ("{{ vars.nope }}", "undefined-variable")] {
        for wrong in [0, PROJECTS / 2, PROJECTS - 1] {
            let text = plan(|index| if index == wrong { bad.to_owned() } else { format!("id-{index}") });
            let (report, people) = refused(&text);
            let found = report["diagnostics"].as_array().expect("a list of diagnostics");
            assert_eq!(found.len(), 1, "{report}");
            assert_eq!(found[0]["code"], code);
            // The third line of the project that comes after so many.
            let line = HEAD + wrong * LINES + 3;
            assert_eq!(found[0]["line"], line, "{report}");
            assert!(people.contains(&format!("plan.yaml:{line}:")), "{people}");
            assert!(
                people.ends_with(&format!("plan.yaml: 1 error. `hss-sync explain {code}` says more.\n")),
                "{people}"
            );
        }
    }
}

#[test]
fn ten_thousand_bad_targets_are_counted_and_the_first_are_shown() {
    for (bad, code) in
        [("a b", "invalid-value"), ("{{ vars.nope }}", "undefined-variable"), ("same", "duplicate-operation")]
    {
        let (report, people) = refused(&plan(|_| bad.to_owned()));
        let found = report["diagnostics"].as_array().expect("a list of diagnostics");
        let lines: Vec<u64> = found.iter().filter_map(|one| one["line"].as_u64()).collect();
        // With the same id the first target is the one that the others repeat.
        let first = HEAD as u64 + 3 + if code == "duplicate-operation" { LINES as u64 } else { 0 };
        assert_eq!(lines.first(), Some(&first), "{people}");
        assert!(lines.is_sorted(), "{lines:?}");
        assert_eq!(found.len(), 100, "{people}");
        assert!(found.iter().all(|one| one["code"] == code), "{people}");
    }
}
