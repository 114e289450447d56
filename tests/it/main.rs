//! One integration binary, a file per command or concern.

mod answers;
mod architecture;
mod cases;
mod catalogue;
mod check;
mod commands;
mod common;
mod credential;
mod discover;
mod expansion;
mod hostile;
mod mutations;
mod offline;
mod plans;
mod readme;
mod resolve;
mod run;
mod secret;
mod sent;
#[cfg(feature = "simulator")]
mod service;
mod stop;
mod tls;
mod wire;
