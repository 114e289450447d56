//! Several runs as one: shards, a run and its rest, copies of the same journal.
//!
//! What is merged is a set of runs, each with what its journal comes to; joining two is the union, so that the order in which
//! runs are given and how often means nothing. [`whole`] makes one account of the set, [`findings`] says what a reader should
//! know before trusting it. The rules are in `docs/reports.md`.

mod course;
mod findings;
mod place;
#[cfg(test)]
mod tests;
mod whole;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

pub use course::Course;
pub use findings::{Findings, Overlap};
pub use whole::Whole;

use crate::expand::ExecutionPlan;
use crate::model::{PlanDigest, RunId, Shard};
use crate::source::Sources;
use crate::summary::RunSummary;

/// One run, as its journal tells it.
#[derive(Clone, Debug)]
pub struct RunRecord {
    /// Its id.
    pub id: RunId,
    /// Wall clock at time zero.
    pub started_at: jiff::Timestamp,
    /// Which shard it was, if it was one of several.
    pub shard: Option<Shard>,
    /// Whether the answers came from a simulator.
    pub simulated: bool,
    /// What was planned, with what it left out.
    pub plan: Arc<ExecutionPlan>,
    /// The texts that the plan's places are in.
    pub sources: Sources,
    /// When what happened.
    pub course: Arc<Course>,
    /// What became of it; each operation has an outcome.
    pub summary: Arc<RunSummary>,
}

/// What a merged report says of one of its runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergedRun {
    /// Its id.
    pub id: RunId,
    /// Its start.
    pub started_at: jiff::Timestamp,
    /// Its last event.
    pub finished_at: jiff::Timestamp,
    /// Which shard it was.
    pub shard: Option<Shard>,
    /// Whether the answers came from a simulator.
    pub simulated: bool,
    /// Digest of all its plans.
    pub digest: PlanDigest,
}

/// Two journals that are of the same run and tell it otherwise: neither is an older copy of the other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "two journals of run {0} tell different stories: neither is an older copy of the other, so that one of them was changed \
     or went on by itself. Give only the right one"
)]
pub struct Conflict(pub RunId);

/// A set of runs. Joining is associative, commutative and idempotent.
#[derive(Clone, Debug, Default)]
pub struct Merged(BTreeMap<RunId, RunRecord>);

impl Merged {
    /// The set of one run.
    #[must_use]
    pub fn of(run: RunRecord) -> Self {
        Self(BTreeMap::from([(run.id.clone(), run)]))
    }

    /// The runs of both. Of two copies of one journal the longer counts.
    ///
    /// # Errors
    /// When two journals of one run contradict each other.
    pub fn join(mut self, other: Self) -> Result<Self, Conflict> {
        for (id, run) in other.0 {
            match self.0.entry(id) {
                Entry::Vacant(entry) => {
                    entry.insert(run);
                }
                Entry::Occupied(mut entry) => {
                    if !is_copy(entry.get(), &run) {
                        return Err(Conflict(run.id));
                    }
                    if run.course.len() > entry.get().course.len() {
                        entry.insert(run);
                    }
                }
            }
        }
        Ok(self)
    }

    /// How many runs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The runs, the earliest first; of those that began in the same moment the one with the lower id.
    #[must_use]
    pub fn runs(&self) -> Vec<&RunRecord> {
        let mut runs: Vec<&RunRecord> = self.0.values().collect();
        runs.sort_by(|one, other| (one.started_at, &one.id).cmp(&(other.started_at, &other.id)));
        runs
    }
}

/// Whether one of the two is the other as it was earlier, or both are the same.
fn is_copy(one: &RunRecord, other: &RunRecord) -> bool {
    let facts = |run: &RunRecord| (run.started_at, run.shard, run.simulated, run.plan.digest.clone());
    facts(one) == facts(other) && one.course.is_copy_of(&other.course)
}

impl RunRecord {
    /// What a merged report says of it.
    fn fact(&self) -> MergedRun {
        MergedRun {
            id: self.id.clone(),
            started_at: self.started_at,
            finished_at: self.started_at.checked_add(self.summary.elapsed).unwrap_or(self.started_at),
            shard: self.shard,
            simulated: self.simulated,
            digest: self.plan.digest.clone(),
        }
    }
}
