//! The only numbers that the process may end with.
//!
//! One exhaustive match gives the code; the highest number that applies wins, and the output format never changes it.

use crate::event::{FailureKind, Outcome};
use crate::summary::RunSummary;

/// How the process ends (contract section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExitStatus {
    /// Every selected operation was accepted (with `--wait`: confirmed), or the plans are valid.
    Success,
    /// At least one operation failed.
    Failed,
    /// Bad flags, a file that isn't there, nothing selected.
    Usage,
    /// A plan is invalid.
    InvalidPlan,
    /// Interrupted, budget spent, time over, an outcome is unknown, or the end of a task was waited for and not seen.
    Incomplete,
    /// Credentials are missing or refused.
    Credentials,
    /// The journal or a report could not be written, or a journal can't be relied on.
    Unwritable,
    /// A second interrupt ended the process at once.
    Killed,
}

impl ExitStatus {
    /// Every status, in order of its code.
    pub const ALL: [Self; 8] = [
        Self::Success,
        Self::Failed,
        Self::Usage,
        Self::InvalidPlan,
        Self::Incomplete,
        Self::Credentials,
        Self::Unwritable,
        Self::Killed,
    ];

    /// The number that the shell sees.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::InvalidPlan => 3,
            Self::Incomplete => 4,
            Self::Credentials => 5,
            Self::Unwritable => 6,
            Self::Killed => 130,
        }
    }

    /// What it means, for `explain` and the documentation.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Success => "every selected operation was accepted (with --wait: confirmed), or the plans are valid",
            Self::Failed => "at least one operation failed, or `check` found something wrong",
            Self::Usage => "usage: bad flags, a file that isn't there, nothing selected",
            Self::InvalidPlan => "a plan is invalid, differs from what was approved, or changed more than it may",
            Self::Incomplete => {
                "incomplete: interrupted, budget spent, time over, an outcome is unknown, or (with --wait) the end of a task \
                 was not seen; resumable"
            }
            Self::Credentials => "credentials are missing or refused",
            Self::Unwritable => "the journal or a report could not be written, or a journal is damaged",
            Self::Killed => "a second Ctrl-C or SIGTERM ended the process at once",
        }
    }

    /// The next step that `explain` suggests.
    #[must_use]
    pub fn next_step(self) -> &'static str {
        match self {
            Self::Success => {
                "Nothing. Accepted means that the service took the request: `hss-sync run --wait` also follows the task that \
                 comes of it to its end."
            }
            Self::Failed => {
                "Read the failures at the end of the output or in the report: each has its cause and next step."
            }
            Self::Usage => "Read the message on standard error; `hss-sync COMMAND --help` shows what a command takes.",
            Self::InvalidPlan => "`hss-sync validate PLAN` shows every mistake with its place and fix.",
            Self::Incomplete => {
                "`hss-sync resume latest` goes on where the run was and sends nothing twice. It looks again among the service's \
                 tasks for what is unknown, and for ends that `--wait` has not seen. What stays unknown it leaves alone: look \
                 it up in the HSS console, then `hss-sync resume latest --retry-unknown` sends it again. After a spent \
                 failure budget, mend the cause first; `hss-sync resume latest --retry-failed` then sends that and the rest. \
                 The last lines of the run say which of these would do something."
            }
            Self::Credentials => {
                "Set HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK, or another source of the README. If they are set, check \
                 the clock of this machine and that the key is active; five refusals in a row lock a key for five minutes."
            }
            Self::Unwritable => {
                "Free space or permissions at the path that the message names, or choose another --state-dir. What the journal \
                 doesn't hold is named in the output; `hss-sync resume` takes it for unknown. A damaged journal can't be gone \
                 on with: keep a copy of its directory, look in the HSS console what was done, and run the rest anew."
            }
            Self::Killed => "`hss-sync resume latest` goes on; requests that were in flight are unknown.",
        }
    }

    /// The status of a run that ended.
    #[must_use]
    pub fn of_run(summary: &RunSummary) -> Self {
        let counts = &summary.counts;
        let mut status = Self::Success;
        if counts.failed > 0 {
            status = status.max(Self::Failed);
        }
        if counts.unknown > 0 || counts.not_attempted > 0 || !summary.is_conserved() {
            status = status.max(Self::Incomplete);
        }
        for operation in &summary.operations {
            // Unknown ones count anyhow; of an accepted one this says that its end was waited for and was not seen.
            if operation.left_open().is_some() {
                status = status.max(Self::Incomplete);
            }
            let Some(Outcome::Failed(failure)) = &operation.outcome else { continue };
            if failure.given_up.is_some() {
                status = status.max(Self::Incomplete);
            }
            if failure.kind == FailureKind::Credential {
                status = status.max(Self::Credentials);
            }
        }
        status
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Failure, NotAttemptedReason};
    use crate::summary::{Counts, OperationSummary};

    fn summary(outcomes: Vec<Outcome>) -> RunSummary {
        let mut summary = RunSummary::new(outcomes.len());
        summary.counts = Counts { planned: outcomes.len(), ..Counts::default() };
        for (operation, outcome) in summary.operations.iter_mut().zip(outcomes) {
            match &outcome {
                Outcome::Failed(_) => summary.counts.failed += 1,
                Outcome::Unknown(_) => summary.counts.unknown += 1,
                Outcome::NotAttempted(_) => summary.counts.not_attempted += 1,
                _ => summary.counts.accepted += 1,
            }
            *operation = OperationSummary { outcome: Some(outcome), ..OperationSummary::default() };
        }
        summary
    }

    fn failure(kind: FailureKind) -> Failure {
        Failure { kind, status: None, code: None, message: "x".to_owned(), given_up: None }
    }

    #[test]
    fn the_highest_number_that_applies_wins() {
        let refused = Outcome::Failed(failure(FailureKind::Refused));
        let credential = Outcome::Failed(failure(FailureKind::Credential));
        let unknown = Outcome::Unknown(failure(FailureKind::NoAnswer));
        let given_up = Failure { given_up: Some(NotAttemptedReason::Interrupted), ..failure(FailureKind::Unavailable) };
        let left = Outcome::NotAttempted(NotAttemptedReason::Interrupted);
        let cases = [
            (vec![Outcome::Accepted], 0),
            (vec![Outcome::Accepted, refused.clone()], 1),
            (vec![refused.clone(), unknown], 4),
            (vec![Outcome::Accepted, left.clone()], 4),
            (vec![Outcome::Accepted, Outcome::Failed(given_up)], 4),
            (vec![credential, left], 5),
            (vec![], 0),
        ];
        for (outcomes, code) in cases {
            assert_eq!(ExitStatus::of_run(&summary(outcomes.clone())).code(), code, "{outcomes:?}");
        }
    }

    #[test]
    fn an_end_that_was_waited_for_and_not_seen_leaves_the_run_incomplete() {
        let looked = |outcomes: Vec<Outcome>, unclear: &[usize]| {
            let mut summary = summary(outcomes);
            for op in unclear {
                summary.operations[*op].unclear = Some("it was at 45 %".to_owned());
            }
            ExitStatus::of_run(&summary).code()
        };
        let task_failed = Outcome::Failed(failure(FailureKind::TaskFailed));
        assert_eq!(looked(vec![Outcome::Confirmed, Outcome::Accepted], &[]), 0);
        assert_eq!(looked(vec![Outcome::Confirmed, Outcome::Accepted], &[1]), 4);
        assert_eq!(looked(vec![Outcome::Confirmed, task_failed.clone()], &[]), 1);
        assert_eq!(looked(vec![Outcome::Accepted, task_failed], &[0]), 4);
        assert_eq!(looked(vec![Outcome::Confirmed], &[0]), 0, "a later look saw it");
    }

    #[test]
    fn codes_are_those_of_the_contract() {
        assert_eq!(ExitStatus::ALL.map(ExitStatus::code), [0, 1, 2, 3, 4, 5, 6, 130]);
    }
}
