//! The only module that prints.

mod commands;
pub mod console;
pub mod lines;
pub mod progress;
mod screen;
pub mod stream;
mod tasks;
mod time_left;
