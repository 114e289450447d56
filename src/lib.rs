//! `hss-sync`: from checked-in plans to signed image synchronisation requests and a report.
//!
//! Two layers. Pure modules take values and return values: no files, clock, randomness, environment, printing, async.
//! Shell modules do exactly those things, and decide nothing. An import points only up this list; a test reads
//! `src/` and holds it to `tests/it/architecture.rs`.

// Level 0
pub mod cli;
pub mod source;
// Level 1
pub mod diagnostic;
pub mod model;
pub mod template;
// Level 2
pub mod event;
pub mod policy;
pub mod settings;
pub mod sign;
pub mod yaml;
// Level 3
pub mod plan;
pub mod summary;
// Level 4
pub mod exit;
pub mod expand;
pub mod journal;
pub mod merge;
pub mod report;
pub mod schedule;
// Level 5
pub mod difference;
pub mod follow;
pub mod forecast;
pub mod remaining;
pub mod resolve;
pub mod resume;
pub mod review;
pub mod selection;
// ---- pure above, shell below ----
// Level 6
pub mod run;
// Level 7
pub mod io;
#[cfg(feature = "simulator")]
pub mod simulator;
pub mod terminal;
// Level 8: asks through `io`
pub mod read;
// Level 9
pub mod command;
