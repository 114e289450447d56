//! One integration binary, a file per command or concern.

mod architecture;
mod cases;
mod commands;
mod common;
mod hostile;
mod offline;
mod plans;
mod run;
mod secret;
