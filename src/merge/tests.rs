//! The laws of merging, and examples.

mod examples;
mod laws;
mod world;
