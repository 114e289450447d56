//! The tree as JSON, for `jsonschema`.

/// The representation: every node of a [`super::Tree`] is a JSON value.
#[derive(Debug)]
pub struct TreeJson;
