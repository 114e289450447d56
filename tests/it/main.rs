//! One integration binary, a file per command or concern.

mod answers;
mod architecture;
mod cases;
mod catalogue;
mod commands;
mod common;
mod credential;
mod expansion;
mod hostile;
mod mutations;
mod offline;
mod plans;
mod readme;
mod renewal;
mod run;
mod secret;
mod sent;
mod stop;
mod tls;
mod wire;
