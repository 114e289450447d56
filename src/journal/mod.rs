//! The journal: what a run announces and what became of it, one checksummed JSON line each, so that a crash loses nothing.
//!
//! [`record`] is what the lines say and [`chain`] the arithmetic of their checksums; [`write`] makes lines, [`read`] takes
//! them apart and holds them to [`replay`], the rules of what can follow what. All are pure: `io::journal_file` owns the file.
//! `docs/journal.md` explains the format and what each kind of damage means; `schemas/journal.schema.json` publishes it.

mod chain;
mod damage;
mod header;
mod read;
mod record;
mod replay;
mod waves;
mod write;

pub use damage::{Damage, DamagedJournal};
pub use header::{Header, Invocation, RecordedPlan, RecordedResolution, RecordedSource, SimulatedWith};
pub use read::{Journal, read};
pub use replay::{Impossible, Phase};
pub use waves::check_waves;
pub use write::LineWriter;

/// The version of the format; it changes when a record changes its meaning, or the checksum its arithmetic.
pub const JOURNAL_VERSION: u64 = 1;

/// The published schema of one line (JSON Schema draft-07).
pub const JOURNAL_SCHEMA: &str = include_str!("../../schemas/journal.schema.json");

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;
