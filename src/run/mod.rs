//! The run: performs the scheduler's effects in order, keeps them in a log, and tells what happened.
//!
//! [`port`] names what a run needs from outside. `drive` waits for whatever comes next, `dispatcher` owns the state,
//! `announced` holds launches back until the log has them, `executor` drives one attempt, `follow()` reads the service's tasks,
//! `outline` is what goes in and comes out.

mod announced;
mod dispatcher;
mod drive;
mod executor;
mod follow;
mod outline;
pub mod port;
#[cfg(test)]
mod tests;

pub use drive::{Outside, run};
pub use follow::follow;
pub use outline::{BrokenLaw, DEFAULT_GRACE, FollowAfter, NotRecorded, Past, RunEnd, RunError, RunOptions};
