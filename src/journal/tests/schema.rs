//! The published schema says what the writer writes: each kind of line passes, and what the reader refuses does not.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::journal::JOURNAL_SCHEMA;
use crate::journal::fixture::{events, full_header, header, journal};

fn validator() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(JOURNAL_SCHEMA).expect("JSON");
    jsonschema::draft7::options().should_validate_formats(true).build(&schema).expect("a schema")
}

fn lines() -> Vec<Value> {
    let mut bytes = journal(&header(), &events());
    bytes.extend(journal(&full_header(), &[]));
    bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).expect("JSON"))
        .collect()
}

/// The values that a member has over all lines, at whatever depth.
fn seen(name: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut nodes: Vec<Value> = lines();
    while let Some(node) = nodes.pop() {
        if let Value::Object(members) = node {
            found.extend(members.get(name).and_then(Value::as_str).map(str::to_owned));
            nodes.extend(members.into_iter().map(|(_, member)| member));
        }
    }
    found
}

#[test]
fn every_line_passes_the_schema() {
    let validator = validator();
    for line in lines() {
        let errors: Vec<String> = validator.iter_errors(&line).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{line}: {errors:?}");
    }
    let records = "attempt_ended attempt_started attempt_withdrawn operation_ended operation_reopened resolved run run_ended \
                   run_resumed source stopping task_ended task_found task_unclear wave_started";
    assert_eq!(Vec::from_iter(seen("record")).join(" "), records);
    assert_eq!(Vec::from_iter(seen("outcome")).join(" "), "accepted confirmed failed not_attempted skipped unknown");
    let kinds =
        "budget_spent credential_refused deadline_passed interrupted journal_failed no_answer task_failed throttled";
    assert_eq!(Vec::from_iter(seen("kind")).join(" "), kinds);
}

#[test]
fn a_line_that_says_more_or_less_fails_the_schema() {
    let validator = validator();
    for line in lines() {
        let members = line.as_object().expect("an object");
        for name in members.keys() {
            let mut less = members.clone();
            less.remove(name);
            assert!(!validator.is_valid(&Value::Object(less)), "{line} without {name}");
        }
        let mut more = members.clone();
        more.insert("more".to_owned(), json!(1));
        assert!(!validator.is_valid(&Value::Object(more)), "{line}");
    }
}
