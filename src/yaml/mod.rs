//! YAML text to a spanned tree, within bounds.
//!
//! One pass over the events of `saphyr-parser` builds an arena in which every node keeps its span and every scalar its
//! style, so that a diagnostic can point at the exact bytes and tell `0012` from `"0012"`. Duplicate keys,
//! several documents, tags, bombs of depth or aliases are refused here. `tree` holds the arena, `build` fills it from
//! events with the help of `input` (the text as the parser reads it), `place` (exact spans), `merge` (`<<`, duplicates), `refuse`, `syntax` and `lookback` (plain words for
//! structural mistakes and for the parser's errors); `scalar` has the core schema and the way from a value's offset back
//! to the source, `view` lets `jsonschema` walk the tree as JSON.
//!
//! Why not serde: see `docs/locations.md`.

mod build;
mod input;
mod lines;
mod lookback;
mod merge;
mod place;
mod refuse;
mod scalar;
mod syntax;
mod tree;
mod view;

pub use build::parse;
pub use scalar::{ScalarStyle, integer, source_span};
pub use tree::{Entry, Kind, Node, Tree};
pub use view::{JsonNode, TreeJson};

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
