//! What the fuzz targets hold `hss-sync` to: a function a target, from bytes to nothing, which panics when an invariant breaks.
//!
//! `fuzz_targets/` hands these to libFuzzer, `tests/corpus.rs` gives them the inputs that are checked in. `README.md` lists the
//! invariants. They use the public interface of the crate only, so that nothing of this is in the product.

#![forbid(unsafe_code)]

pub mod answer;
pub mod document;
pub mod files;
pub mod journal;
pub mod merge;
pub mod plan;
pub mod reports;
pub mod shown;
pub mod template;
pub mod told;
pub mod xml;

/// What holds an input to the invariants of a target.
pub type Check = fn(&[u8]);

/// The targets by name, as their files and corpus folders are called.
pub const TARGETS: [(&str, Check); 7] = [
    ("answer", answer::check),
    ("document", document::check),
    ("files", files::check),
    ("journal", journal::check),
    ("merge", merge::check),
    ("plan", plan::check),
    ("template", template::check),
];

/// A text as files are read: UTF-8 or nothing.
fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}
