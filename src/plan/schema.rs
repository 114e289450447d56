//! The structure of a plan, by `schemas/plan.schema.json`.
//!
//! The schema library validates the tree itself, so the node that fails is the position. Its sentences are made for
//! schema authors; [`super::explain`] makes ours. The one file is also what editors and `hss-sync schema plan` use.

use std::sync::LazyLock;

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value;

use super::explain::Explainer;
use super::judged::judged;
use super::words::in_order;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::SourceId;
use crate::yaml::{Kind, Node, Tree, TreeJson};

/// The published schema (JSON Schema draft-07).
pub const PLAN_SCHEMA: &str = include_str!("../../schemas/plan.schema.json");

/// Compiled once: 2 ms that a command without a plan should not pay.
static COMPILED: LazyLock<Result<Validator<TreeJson>, String>> = LazyLock::new(|| {
    let schema = judged(PLAN_SCHEMA).map_err(|error| error.to_string())?;
    jsonschema::options_for::<TreeJson>()
        .with_draft(Draft::Draft7)
        .should_validate_formats(true)
        // Linear in the text that is matched, whatever the pattern.
        .with_pattern_options(PatternOptions::regex())
        .build(&schema)
        .map_err(|error| error.to_string())
});

/// Compiles the schema, if that is not done: worth a thread while plans are still being read.
pub fn prepare_schema() {
    LazyLock::force(&COMPILED);
}

/// Checks a tree against the schema; an empty list means that it passed.
///
/// Each cause gets one diagnostic, in source order, at most 100 of them.
#[must_use]
pub fn check_structure(source: SourceId, tree: &Tree) -> Vec<Diagnostic> {
    let root = tree.root();
    if let Some(diagnostic) = other_version(source, root) {
        return vec![diagnostic];
    }
    // The schema is part of the binary and a test compiles it, so this is never seen; but it must not pass a plan.
    let broken = |error: &str| {
        let message = format!("the embedded plan schema can't be compiled: {error}");
        vec![Diagnostic::at(Code::UnsupportedVersion, source, root.span(), message)]
    };
    let validator = match &*COMPILED {
        Ok(validator) => validator,
        Err(error) => return broken(error),
    };
    // To ask for errors where there are none costs more than to ask whether there are any.
    if validator.is_valid(root.into()) {
        return Vec::new();
    }
    // With all that it says to people.
    let schema: Value = match serde_json::from_str(PLAN_SCHEMA) {
        Ok(schema) => schema,
        Err(error) => return broken(&error.to_string()),
    };
    let errors: Vec<_> = validator.iter_errors(root.into()).collect();
    let mut explainer = Explainer::new(source, root, &schema);
    explainer.explain(&errors);
    in_order(explainer.into_diagnostics())
}

/// A plan for another version is told only that: its keys are not ours to judge.
fn other_version(source: SourceId, root: Node<'_>) -> Option<Diagnostic> {
    let version = root.get("version")?;
    let text = version.text()?;
    if !matches!(version.kind(), Kind::Number) || super::decode::whole_number(text) == Some(1) {
        return None;
    }
    let message = format!("plan version {text} is not supported: this hss-sync reads version 1");
    Some(
        Diagnostic::at(Code::UnsupportedVersion, source, version.span(), message)
            .help("write `version: 1`, or use an hss-sync that knows this version"),
    )
}
