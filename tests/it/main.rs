//! One integration binary, a file per command or concern.

mod answers;
mod architecture;
mod cases;
mod catalogue;
mod check;
mod ci_examples;
mod codes;
mod commands;
mod common;
mod crash;
mod credential;
mod discover;
#[cfg(feature = "simulator")]
mod elsewhere;
mod exchange;
mod expansion;
mod gate;
mod hostile;
mod install;
#[cfg(target_os = "linux")] // `sha256sum` is not everywhere
mod journal_page;
mod large;
#[cfg(target_os = "linux")] // where the size of the data segment can be bounded
mod memory;
mod mutations;
mod ndjson;
mod offline;
mod plans;
mod readme;
mod reliability;
mod renewal;
mod report;
mod reports;
mod resolve;
mod resume;
mod review;
mod run;
mod runs;
mod secret;
mod security;
mod security_page;
mod selection;
mod sent;
#[cfg(feature = "simulator")]
mod service;
mod settings;
mod stop;
mod suspend;
mod terminal;
mod tls;
mod tutorial;
mod wait;
mod wire;
