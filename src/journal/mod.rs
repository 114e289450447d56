//! The journal: what a run announces and what became of it, one checksummed JSON line each, so that a crash loses nothing.
//!
//! [`record`] is the line format, [`replay`] gets a run back from its lines. Both are pure: `io::journal_file` owns the
//! file. `docs/journal.md` explains the format and what each kind of damage means; `schemas/journal.schema.json` publishes it.

mod header;

pub use header::{Header, Invocation, RecordedPlan, RecordedSource, SimulatedWith};
