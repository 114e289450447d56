//! The summary: a fold of events. Every number in any output comes from here.
//!
//! The dispatcher applies each event before anybody else sees it; progress and reports only read. It also groups failures
//! by cause, so that 500 red lines become the three things that went wrong.

use std::collections::HashMap;
use std::time::Duration;

use crate::event::{AttemptRecord, FailureKind, NotAttemptedReason, OpIndex, Outcome, RunEvent};
use crate::model::{RunId, TaskId};

/// How many operations ended how; the six sum up to the planned ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Operations in the plan.
    pub planned: usize,
    /// Acknowledged.
    pub accepted: usize,
    /// Their tasks were seen to finish.
    pub confirmed: usize,
    /// Refused, or the task was seen to fail.
    pub failed: usize,
    /// Not known.
    pub unknown: usize,
    /// Deliberately not sent.
    pub skipped: usize,
    /// Never sent.
    pub not_attempted: usize,
}

/// What some of the operations come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Of these operations.
    pub counts: Counts,
    /// Their calls that were answered or given up.
    pub attempts: usize,
    /// Answers that were 429.
    pub throttled: usize,
    /// How long these calls took, added up.
    pub in_calls: Duration,
}

/// What is known of one operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperationSummary {
    /// Its outcome, once it has one.
    pub outcome: Option<Outcome>,
    /// Its attempts, in order.
    pub attempts: Vec<AttemptRecord>,
    /// The service's task that came of it, once it was found.
    pub task: Option<TaskId>,
    /// That task was found so early that another one may turn out to be its own.
    pub found_early: bool,
    /// How far that task was when it was last looked at: 0–99 per cent. None once it has ended.
    pub percent: Option<u8>,
    /// Why the latest look at the service's tasks proved nothing. Untrusted text.
    pub unclear: Option<String>,
}

impl OperationSummary {
    /// Why it has its outcome, and what a look at the service's tasks left open. Of what was accepted only that, if there is any.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        let outcome = self.outcome.as_ref()?;
        match (outcome, outcome.reason(), &self.unclear) {
            (Outcome::Accepted, _, Some(why)) => Some(format!("not confirmed: {why}")),
            (Outcome::Unknown(_), Some(reason), Some(why)) => Some(format!("{reason}; {why}")),
            (_, reason, _) => reason,
        }
    }

    /// How long its calls took, added up; waiting between them doesn't count.
    #[must_use]
    pub fn in_calls(&self) -> Duration {
        self.attempts.iter().fold(Duration::ZERO, |sum, attempt| sum.saturating_add(attempt.duration))
    }

    /// Why the latest look at the service's tasks proved nothing, if the outcome is one that a later look may still change.
    #[must_use]
    pub fn left_open(&self) -> Option<&str> {
        let open = matches!(self.outcome, Some(Outcome::Accepted | Outcome::Unknown(_)));
        self.unclear.as_deref().filter(|_| open)
    }
}

/// The state of a run, by events up to now.
#[derive(Clone, Debug)]
pub struct RunSummary {
    /// Run id, once started.
    pub run: Option<RunId>,
    /// Wall clock at time zero.
    pub started_at: Option<jiff::Timestamp>,
    /// Forecast duration.
    pub forecast: Duration,
    /// Time of the latest event.
    pub elapsed: Duration,
    /// How much of that passed between the sessions of a resumed run, with nobody at work.
    pub idle: Duration,
    /// How often the run was resumed.
    pub resumed: usize,
    /// How many runs this is the account of: one, unless it was merged.
    pub runs: usize,
    /// Counts of outcomes.
    pub counts: Counts,
    /// Calls that were answered or given up.
    pub attempts: usize,
    /// Answers that were 429.
    pub throttled: usize,
    /// Attempts in flight.
    pub in_flight: usize,
    /// Operations in plan order.
    pub operations: Vec<OperationSummary>,
}

impl RunSummary {
    /// Before anything happened, for `planned` operations.
    #[must_use]
    pub fn new(planned: usize) -> Self {
        Self {
            run: None,
            started_at: None,
            forecast: Duration::ZERO,
            elapsed: Duration::ZERO,
            idle: Duration::ZERO,
            resumed: 0,
            runs: 1,
            counts: Counts { planned, ..Counts::default() },
            attempts: 0,
            throttled: 0,
            in_flight: 0,
            operations: vec![OperationSummary::default(); planned],
        }
    }

    /// Takes one event in.
    pub fn apply(&mut self, event: &RunEvent) {
        match event {
            RunEvent::RunStarted { run, started_at, planned, forecast } => {
                self.run = Some(run.clone());
                self.started_at = Some(*started_at);
                self.forecast = *forecast;
                self.counts.planned = *planned;
                self.operations.resize_with(*planned, OperationSummary::default);
            }
            RunEvent::RunResumed { at, forecast, .. } => {
                // The rest was forecast anew, on top of what it took up to here.
                self.forecast = self.worked() + *forecast;
                self.idle += at.saturating_sub(self.elapsed);
                self.resumed += 1;
                self.reach(*at);
            }
            RunEvent::OperationReopened { op, at } => {
                self.replace_outcome(*op, None);
                if let Some(operation) = self.operations.get_mut(*op) {
                    (operation.task, operation.percent, operation.unclear) = (None, None, None);
                }
                self.reach(*at);
            }
            RunEvent::AttemptStarted { at, .. } => {
                self.in_flight += 1;
                self.reach(*at);
            }
            RunEvent::AttemptWithdrawn { at, .. } => {
                self.in_flight = self.in_flight.saturating_sub(1);
                self.reach(*at);
            }
            RunEvent::AttemptEnded { op, at, record, .. } => {
                self.in_flight = self.in_flight.saturating_sub(1);
                self.attempts += 1;
                self.throttled += usize::from(record.throttled);
                if let Some(operation) = self.operations.get_mut(*op) {
                    // Mostly the only one: a list that grows by itself has room for four.
                    operation.attempts.reserve_exact(1);
                    operation.attempts.push(record.clone());
                }
                self.reach(*at);
            }
            RunEvent::OperationEnded { op, at, outcome } => {
                // Without a reopening before it, a second outcome breaks the law of conservation, and is to be seen.
                *self.counts.of(outcome) += 1;
                if let Some(operation) = self.operations.get_mut(*op) {
                    operation.outcome = Some(outcome.clone());
                }
                self.reach(*at);
            }
            RunEvent::TaskFound { op, at, task, early } => {
                self.replace_outcome(*op, Some(Outcome::Accepted));
                if let Some(operation) = self.operations.get_mut(*op) {
                    (operation.task, operation.unclear) = (Some(task.clone()), None);
                    operation.found_early = *early;
                }
                self.reach(*at);
            }
            RunEvent::TaskProgressed { op, at, percent } => {
                if let Some(operation) = self.operations.get_mut(*op) {
                    operation.percent = Some(*percent);
                }
                self.reach(*at);
            }
            RunEvent::TaskEnded { op, at, outcome } => {
                self.replace_outcome(*op, Some(outcome.clone()));
                if let Some(operation) = self.operations.get_mut(*op) {
                    (operation.percent, operation.unclear) = (None, None);
                }
                self.reach(*at);
            }
            RunEvent::TaskUnclear { op, at, why } => {
                if let Some(operation) = self.operations.get_mut(*op) {
                    operation.unclear = Some(why.clone());
                }
                self.reach(*at);
            }
            RunEvent::WaveStarted { at, .. } | RunEvent::Stopping { at, .. } | RunEvent::RunEnded { at } => {
                self.reach(*at);
            }
        }
    }

    /// Gives an operation another outcome, or takes it away.
    fn replace_outcome(&mut self, op: OpIndex, outcome: Option<Outcome>) {
        let Some(operation) = self.operations.get_mut(op) else { return };
        if let Some(before) = &operation.outcome {
            *self.counts.of(before) -= 1;
        }
        if let Some(outcome) = &outcome {
            *self.counts.of(outcome) += 1;
        }
        operation.outcome = outcome;
    }

    /// How long the run was at work: `elapsed` without the time between sessions.
    #[must_use]
    pub fn worked(&self) -> Duration {
        self.elapsed.saturating_sub(self.idle)
    }

    /// How far off the forecast was, in milliseconds: above zero when the run took longer.
    #[must_use]
    pub fn forecast_off(&self) -> i64 {
        let millis = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        millis(self.worked()) - millis(self.forecast)
    }

    fn reach(&mut self, at: Duration) {
        self.elapsed = self.elapsed.max(at);
    }

    /// The conservation law, for a run that is over: each planned operation has an outcome, the six counts sum up to the
    /// planned operations, and nothing is in flight.
    #[must_use]
    pub fn is_conserved(&self) -> bool {
        self.counts.ended() == self.counts.planned
            && self.operations.len() == self.counts.planned
            && self.operations.iter().all(|operation| operation.outcome.is_some())
            && self.in_flight == 0
    }

    /// What these operations come to, for a report by region, plan or wave.
    #[must_use]
    pub fn part(&self, ops: impl IntoIterator<Item = OpIndex>) -> Part {
        let mut part = Part::default();
        for operation in ops.into_iter().filter_map(|op| self.operations.get(op)) {
            part.counts.planned += 1;
            if let Some(outcome) = &operation.outcome {
                *part.counts.of(outcome) += 1;
            }
            part.attempts += operation.attempts.len();
            part.in_calls = part.in_calls.saturating_add(operation.in_calls());
            part.throttled += operation.attempts.iter().filter(|attempt| attempt.throttled).count();
        }
        part
    }

    /// Operations with a reason (all but accepted and confirmed ones) by cause: failed and unknown ones first, of these
    /// the most frequent first, then plan order.
    #[must_use]
    pub fn causes(&self) -> Vec<Cause> {
        let mut causes = Grouping::default();
        for (op, operation) in self.operations.iter().enumerate() {
            let Some(outcome) = &operation.outcome else {
                continue;
            };
            let mut given_up = None;
            let (kind, code, message) = match outcome {
                Outcome::Accepted | Outcome::Confirmed => continue,
                Outcome::Failed(failure) | Outcome::Unknown(failure) => {
                    given_up = failure.given_up.clone();
                    (Some(failure.kind), failure.code.clone(), failure.message.clone())
                }
                // Which shard it is in makes no other cause.
                Outcome::Skipped(reason) => (None, None, reason.split(" (").next().unwrap_or(reason).to_owned()),
                Outcome::NotAttempted(reason) => (None, None, reason.text()),
            };
            // Only what a service says holds ids; our own reasons hold the arithmetic of budgets.
            let fold = kind.is_some();
            causes.add(op, Cause { outcome: outcome.as_str(), kind, code, message, given_up, ops: Vec::new() }, fold);
        }
        causes.found.sort_by_key(|cause| (cause.kind.is_none(), std::cmp::Reverse(cause.ops.len())));
        causes.found
    }

    /// Operations whose task could not be told or was not seen to end, by why: the most frequent first, then plan order. They
    /// are accepted or unknown, and those that are unknown are among the causes as well.
    #[must_use]
    pub fn left_open(&self) -> Vec<Cause> {
        let mut reasons = Grouping::default();
        for (op, operation) in self.operations.iter().enumerate() {
            let (Some(outcome), Some(why)) = (&operation.outcome, operation.left_open()) else { continue };
            let (outcome, message) = (outcome.as_str(), why.to_owned());
            reasons.add(op, Cause { outcome, kind: None, code: None, message, given_up: None, ops: Vec::new() }, true);
        }
        reasons.found.sort_by_key(|cause| std::cmp::Reverse(cause.ops.len()));
        reasons.found
    }
}

impl Counts {
    /// Operations that have an outcome.
    #[must_use]
    pub fn ended(&self) -> usize {
        self.accepted + self.confirmed + self.failed + self.unknown + self.skipped + self.not_attempted
    }

    /// Each with the word of the contract, in its order.
    #[must_use]
    pub fn named(&self) -> [(&'static str, usize); 6] {
        [
            ("accepted", self.accepted),
            ("confirmed", self.confirmed),
            ("failed", self.failed),
            ("unknown", self.unknown),
            ("skipped", self.skipped),
            ("not_attempted", self.not_attempted),
        ]
    }

    fn of(&mut self, outcome: &Outcome) -> &mut usize {
        match outcome {
            Outcome::Accepted => &mut self.accepted,
            Outcome::Confirmed => &mut self.confirmed,
            Outcome::Failed(_) => &mut self.failed,
            Outcome::Unknown(_) => &mut self.unknown,
            Outcome::Skipped(_) => &mut self.skipped,
            Outcome::NotAttempted(_) => &mut self.not_attempted,
        }
    }
}

/// What makes two operations one cause: outcome, kind, code, the message without ids, and why it was not repeated.
type CauseKey = (&'static str, Option<FailureKind>, Option<String>, String, Option<NotAttemptedReason>);

/// Operations by cause, in the order in which the causes come up.
#[derive(Default)]
struct Grouping {
    found: Vec<Cause>,
    known: HashMap<CauseKey, usize>,
}

impl Grouping {
    /// One more operation with this cause; with `fold`, ids and numbers of the message don't make it another one.
    fn add(&mut self, op: OpIndex, cause: Cause, fold: bool) {
        let folded = if fold { fold_ids(&cause.message) } else { cause.message.clone() };
        let key = (cause.outcome, cause.kind, cause.code.clone(), folded, cause.given_up.clone());
        if let Some(index) = self.known.get(&key) {
            let known = &mut self.found[*index];
            known.ops.push(op);
            if known.message != cause.message {
                known.message = key.3;
            }
        } else {
            self.known.insert(key, self.found.len());
            self.found.push(Cause { ops: vec![op], ..cause });
        }
    }
}

/// Operations that ended the same way for the same reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// `failed`, `unknown`, `skipped` or `not_attempted`; `accepted` only where a look at the service's tasks left it open.
    pub outcome: &'static str,
    /// What kind of failure; `None` for operations that were not sent, and for what a look left open.
    pub kind: Option<FailureKind>,
    /// The service's code.
    pub code: Option<String>,
    /// What it said; where that differs only in ids and numbers, with `…` and `#` in their place. Untrusted text.
    pub message: String,
    /// Why a failure was not repeated although that was safe and attempts were left.
    pub given_up: Option<NotAttemptedReason>,
    /// The operations, in plan order; at least one.
    pub ops: Vec<OpIndex>,
}

/// The text with `…` for each word that looks like an id (16 characters or more with a digit, or 8 or more hexadecimal
/// ones with a digit) and `#` for other numbers, so that a request id doesn't make every failure its own cause.
fn fold_ids(text: &str) -> String {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let mut folded = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c| !word(c)).unwrap_or(rest.len());
        let (token, tail) = rest.split_at(end);
        let has_digit = token.bytes().any(|b| b.is_ascii_digit());
        let hex = token.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
        if has_digit && (token.len() >= 16 || (hex && token.len() >= 8)) {
            folded.push('…');
        } else {
            fold_numbers(token, &mut folded);
        }
        let next = tail.find(word).unwrap_or(tail.len());
        folded.push_str(&tail[..next]);
        rest = &tail[next..];
    }
    folded
}

fn fold_numbers(token: &str, folded: &mut String) {
    let mut in_number = false;
    for c in token.chars() {
        let digit = c.is_ascii_digit();
        match (digit, in_number) {
            (true, false) => folded.push('#'),
            (true, true) => {}
            (false, _) => folded.push(c),
        }
        in_number = digit;
    }
}

#[cfg(test)]
mod tests;
