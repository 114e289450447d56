//! The only module that prints.

pub mod console;
pub mod lines;
pub mod progress;
mod screen;
pub mod stream;
mod tasks;
mod time_left;
