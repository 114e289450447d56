//! The only module that prints.

pub mod console;
pub mod progress;
