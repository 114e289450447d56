//! The outside world, one capability a file.

pub mod clock;
pub mod credential;
pub mod endpoint;
pub mod fs;
pub mod http;
pub mod journal_file;
pub mod open_files;
pub mod process;
pub mod signal;
pub mod state_dir;
