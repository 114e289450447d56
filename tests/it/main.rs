//! One integration binary, a file per command or concern.

mod architecture;
mod cases;
mod catalogue;
mod commands;
mod common;
mod expansion;
mod hostile;
mod mutations;
mod offline;
mod plans;
mod readme;
mod run;
mod secret;
