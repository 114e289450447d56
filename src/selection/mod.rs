//! Which operations of a plan a run sends: `--select` and `--shard`.
//!
//! Applied to a plan after its expansion. The digest stays that of the whole plan; what is left out keeps its place among the
//! operations, and everything that counts (waves, budgets, forecast, quota) counts only what is selected. The rules and the
//! arithmetic are in `docs/selection.md`.

mod split;
mod term;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

pub use split::{shard_of, share};
pub use term::InvalidTerm;

use crate::diagnostic::{nearest, visible};
use crate::expand::ExecutionPlan;
use crate::model::{LeftOut, Operation, Quota, Shard};
use std::num::NonZeroU32;
use term::{Key, Term};

/// Names that a message lists.
const MOST_NAMES: usize = 10;

/// What is to be sent of a plan. The default is everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    terms: Vec<Term>,
    shard: Option<Shard>,
    may_be_empty: bool,
}

/// A selection takes no operation at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct NothingSelected(Vec<String>);

impl NothingSelected {
    /// What there is to select, a line each; at least one.
    #[must_use]
    pub fn into_messages(self) -> Vec<String> {
        self.0
    }
}

impl Selection {
    /// Reads expressions. `shard` is taken of what they select.
    ///
    /// # Errors
    /// Each expression that can't be read.
    pub fn parse(expressions: &[String], shard: Option<Shard>) -> Result<Self, Vec<InvalidTerm>> {
        let (mut terms, mut invalid) = (Vec::new(), Vec::new());
        for text in expressions {
            match Term::parse(text) {
                Ok(term) => terms.push(term),
                Err(error) => invalid.push(error),
            }
        }
        if invalid.is_empty() { Ok(Self { terms, shard, may_be_empty: false }) } else { Err(invalid) }
    }

    /// The same, for a plan of which it may select nothing.
    #[must_use]
    pub fn or_nothing(self) -> Self {
        Self { may_be_empty: true, ..self }
    }

    /// The shard, if the run is one of several.
    #[must_use]
    pub fn shard(&self) -> Option<Shard> {
        self.shard
    }

    /// The expressions, as they were given.
    pub fn expressions(&self) -> impl Iterator<Item = &str> {
        self.terms.iter().map(|term| term.text.as_str())
    }

    /// Marks what is left out, and makes waves, their budgets and (for a shard) quotas count what is selected. Returns what is
    /// worth telling.
    ///
    /// # Errors
    /// When the expressions select nothing; a shard may be empty.
    pub fn apply(&self, plan: &mut ExecutionPlan) -> Result<Vec<String>, NothingSelected> {
        let left_out: Vec<Option<LeftOut>> =
            plan.operations.iter().map(|operation| self.left_out(plan, operation)).collect();
        if !self.may_be_empty && !self.terms.is_empty() && left_out.iter().all(|why| *why == Some(LeftOut::NotSelected))
        {
            return Err(NothingSelected(self.what_there_is(plan)));
        }
        let mut notes = self.idle_terms(plan);
        for (operation, why) in plan.operations.iter_mut().zip(left_out) {
            operation.left_out = why;
        }
        count_waves(plan);
        if let Some(shard) = self.shard {
            notes.extend(share_quotas(plan, shard));
        }
        notes.extend(self.counted(plan));
        Ok(notes)
    }

    fn left_out(&self, plan: &ExecutionPlan, operation: &Operation) -> Option<LeftOut> {
        if !self.takes(plan, operation) {
            return Some(LeftOut::NotSelected);
        }
        let shard = self.shard?;
        let index = shard_of(&operation.id, NonZeroU32::new(shard.count())?);
        let own = Shard::try_new(index, shard.count()).ok()?;
        (own != shard).then_some(LeftOut::OtherShard(own))
    }

    /// Of each key that is asked for one name at least, and none that is negated.
    fn takes(&self, plan: &ExecutionPlan, operation: &Operation) -> bool {
        let mut wanted: BTreeMap<Key, bool> = BTreeMap::new();
        for term in &self.terms {
            let matches = term.matches(plan, operation);
            if term.negated && matches {
                return false;
            }
            if !term.negated {
                *wanted.entry(term.key).or_default() |= matches;
            }
        }
        wanted.values().all(|matches| *matches)
    }

    /// Expressions that match nothing, beside others that do: perhaps a slip of the pen.
    fn idle_terms(&self, plan: &ExecutionPlan) -> Vec<String> {
        let idle = self.terms.iter().filter(|term| !plan.operations.iter().any(|one| term.matches(plan, one)));
        idle.map(|term| format!("--select {}: {}", visible(&term.text), no_such(plan, term))).collect()
    }

    /// Why nothing is selected, and what there is.
    fn what_there_is(&self, plan: &ExecutionPlan) -> Vec<String> {
        let all = operations(plan.operations.len());
        let mut messages = vec![format!("--select takes none of the {all}, so there is nothing to do")];
        let idle = |term: &&Term| !term.negated && !plan.operations.iter().any(|one| term.matches(plan, one));
        let idle: Vec<&Term> = self.terms.iter().filter(idle).collect();
        for term in &idle {
            messages.push(format!("--select {}: {}", visible(&term.text), no_such(plan, term)));
        }
        if idle.is_empty() {
            let negated = self.terms.iter().any(|term| term.negated);
            let positive = self.terms.iter().any(|term| !term.negated);
            messages.push(
                match (positive, negated) {
                    (true, false) => {
                        "each of them matches something, but no operation matches all: of different keys all must match"
                    }
                    (true, true) => "no operation matches all of them and none of those with `!`",
                    _ => "each operation matches one of those with `!`",
                }
                .to_owned(),
            );
            let keys: BTreeSet<Key> = self.terms.iter().map(|term| term.key).collect();
            messages.extend(keys.into_iter().map(|key| there_is(plan, key)));
        }
        messages
    }

    /// How much is left out, and why.
    fn counted(&self, plan: &ExecutionPlan) -> Option<String> {
        let count = |wanted: fn(&LeftOut) -> bool| {
            plan.operations.iter().filter(|operation| operation.left_out.as_ref().is_some_and(wanted)).count()
        };
        let not_selected = count(|why| matches!(why, LeftOut::NotSelected));
        let elsewhere = count(|why| matches!(why, LeftOut::OtherShard(_)));
        let mut parts = Vec::new();
        if not_selected > 0 {
            parts.push(format!("{not_selected} not selected"));
        }
        if elsewhere > 0 {
            parts.push(format!("{elsewhere} in other shards"));
        }
        let shard = self.shard.map(|shard| format!("shard {shard}: ")).unwrap_or_default();
        let all = operations(plan.operations.len());
        (!parts.is_empty()).then(|| format!("{shard}{} of {all}; {}", plan.selected().count(), parts.join(", ")))
    }
}

/// Waves and their budgets count what is selected.
fn count_waves(plan: &mut ExecutionPlan) {
    let mut counts: Vec<Vec<usize>> = plan.plans.iter().map(|file| vec![0; file.waves.len()]).collect();
    for operation in plan.operations.iter().filter(|operation| operation.is_selected()) {
        counts[operation.plan][operation.wave] += 1;
    }
    for (file, counts) in plan.plans.iter_mut().zip(counts) {
        for (wave, count) in file.waves.iter_mut().zip(counts) {
            wave.operations = count;
            wave.budget = wave.budget.map(|budget| budget.stated.of(count));
        }
    }
}

/// Each plan's quota becomes this shard's part of it. Says so where the parts are less than one call.
fn share_quotas(plan: &mut ExecutionPlan, shard: Shard) -> Option<String> {
    let mut few: Option<(Quota, Quota)> = None;
    for file in &mut plan.plans {
        let whole = file.limits.quota;
        file.limits.quota = share(whole, shard);
        if whole.calls.get() < shard.count() && few.is_none() {
            few = Some((whole, file.limits.quota));
        }
    }
    few.map(|(whole, own)| {
        format!(
            "{} shards share {whole}, which is less than one call each: each sends {own}, and shards that start together may be \
             told to wait (429), which is safe and costs calls; {}",
            shard.count(),
            match whole.calls.get() {
                1 => "one run without --shard is as fast".to_owned(),
                calls => format!("split into {calls} shards at most (--shard K/{calls}), which are as fast and never are"),
            }
        )
    })
}

/// `no project is named like that; did you mean `payments`? There are the projects …`
fn no_such(plan: &ExecutionPlan, term: &Term) -> String {
    let names = names(plan, term.key);
    let meant = nearest(&term.pattern, names.iter().copied());
    let meant = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
    let stop = if meant.is_empty() { "." } else { "" };
    format!("no {} is named like that{meant}{stop} {}", term.key.as_str(), there_is(plan, term.key))
}

fn there_is(plan: &ExecutionPlan, key: Key) -> String {
    let names = names(plan, key);
    let listed: Vec<&str> = names.iter().copied().take(MOST_NAMES).collect();
    let more = match names.len().saturating_sub(MOST_NAMES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    match names.len() {
        0 => format!("There is no {}", key.as_str()),
        1 => format!("There is the {} {}", key.as_str(), listed.join("")),
        _ => format!("There are the {}s {}{more}", key.as_str(), listed.join(", ")),
    }
}

/// Each name once, in plan order.
fn names(plan: &ExecutionPlan, key: Key) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    plan.operations
        .iter()
        .flat_map(|operation| key.names_of(plan, operation))
        .filter(|name| seen.insert(*name))
        .collect()
}

fn operations(count: usize) -> String {
    if count == 1 { "1 operation".to_owned() } else { format!("{count} operations") }
}
