//! One integration binary, a file per command or concern.

mod answers;
mod architecture;
mod cases;
mod catalogue;
mod check;
mod codes;
mod commands;
mod common;
mod crash;
mod credential;
mod discover;
mod exchange;
mod expansion;
mod gate;
mod hostile;
#[cfg(target_os = "linux")] // `sha256sum` is not everywhere
mod journal_page;
mod mutations;
mod offline;
mod plans;
mod readme;
mod renewal;
mod resolve;
mod resume;
mod run;
mod secret;
mod selection;
mod sent;
#[cfg(feature = "simulator")]
mod service;
mod stop;
mod suspend;
mod terminal;
mod tls;
mod wait;
mod wire;
