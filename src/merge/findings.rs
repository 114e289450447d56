//! What a reader of a merged report should know before trusting it: what nobody was in charge of, what was sent by several,
//! and runs of different plans.

use std::collections::BTreeSet;

use super::RunRecord;
use super::whole::{Copies, Says, standing};
use crate::event::OpIndex;
use crate::model::{LeftOut, PlanDigest, Shard};

/// An operation that several runs sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// The operation.
    pub op: OpIndex,
    /// The runs that sent it, as indexes among the runs.
    pub runs: Vec<usize>,
}

/// What is odd about a set of runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Operations that every run left out.
    pub gaps: Vec<OpIndex>,
    /// The shards in whose hands gaps are, when all runs are shards of the same number.
    pub missing: Vec<Shard>,
    /// Operations that more than one run sent.
    pub overlaps: Vec<Overlap>,
    /// The digests of the runs, each once, when they are not all the same.
    pub digests: Vec<PlanDigest>,
    /// Whether some of the runs were simulated, and others not.
    pub half_simulated: bool,
}

impl Findings {
    /// Whether each operation was in the hands of just one run, and all runs are of the same plans.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.gaps.is_empty() && self.overlaps.is_empty() && self.digests.is_empty()
    }
}

pub(super) fn findings(runs: &[&RunRecord], copies: &[Copies]) -> Findings {
    let mut found = Findings::default();
    for (op, copies) in copies.iter().enumerate() {
        let of = |wanted: Says| {
            let places = copies.places.iter().filter(|(run, own)| standing(runs[*run], *own) == wanted);
            places.map(|(run, _)| *run).collect::<Vec<usize>>()
        };
        if of(Says::Skipped).len() == copies.places.len() {
            found.gaps.push(op);
        }
        let tried = of(Says::Tried);
        if tried.len() > 1 {
            found.overlaps.push(Overlap { op, runs: tried });
        }
    }
    found.missing = missing(runs, copies, &found.gaps);
    let digests: Vec<PlanDigest> = runs.iter().map(|run| run.plan.digest.clone()).collect();
    for digest in digests {
        if !found.digests.contains(&digest) {
            found.digests.push(digest);
        }
    }
    if found.digests.len() == 1 {
        found.digests.clear();
    }
    let simulated = runs.iter().filter(|run| run.simulated).count();
    found.half_simulated = simulated > 0 && simulated < runs.len();
    found
}

/// Shards that would have sent what nobody did. An empty shard is never missed.
fn missing(runs: &[&RunRecord], copies: &[Copies], gaps: &[OpIndex]) -> Vec<Shard> {
    let counts: BTreeSet<Option<u32>> = runs.iter().map(|run| run.shard.map(Shard::count)).collect();
    if counts.len() != 1 || counts.contains(&None) {
        return Vec::new();
    }
    let places = gaps.iter().flat_map(|op| &copies[*op].places);
    let wanted = places.filter_map(|(run, op)| match runs[*run].plan.operations[*op].left_out {
        Some(LeftOut::OtherShard(shard)) => Some((shard.index(), shard)),
        _ => None,
    });
    wanted.collect::<std::collections::BTreeMap<u32, Shard>>().into_values().collect()
}
