//! The run: performs the scheduler's effects in order, and tells what happened.
//!
//! [`port`] names what a run needs from outside, `dispatcher` owns the state, `executor` drives one attempt.

mod dispatcher;
mod executor;
pub mod port;
#[cfg(test)]
mod tests;

pub use dispatcher::{BrokenLaw, RunError, RunOptions, run};
