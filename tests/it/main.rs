//! One integration binary, a file per command.

mod cases;
mod common;
mod hostile;
