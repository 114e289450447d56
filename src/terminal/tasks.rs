//! What a display says of the service's tasks: what is news of a look, and the numbers while tasks are followed.
//!
//! `progress` and `lines` show the same words. All requests are sent then, so the numbers count what is confirmed.

use std::collections::BTreeSet;
use std::time::Duration;

use super::progress::bad_counts;
use crate::event::{OpIndex, Outcome, RunEvent};
use crate::run::port::Waiting;
use crate::summary::{OperationSummary, RunSummary};

/// What was seen of tasks up to now.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    /// Tasks of accepted operations are followed.
    followed: bool,
    /// Operations that are unknown.
    unknown: BTreeSet<OpIndex>,
}

impl Tasks {
    /// Takes in an event that is applied to `summary` already. Whether it says of an operation that was unknown that the service
    /// took it.
    pub(super) fn take(&mut self, event: &RunEvent, summary: &RunSummary) -> bool {
        match event {
            RunEvent::RunResumed { .. } => {
                let known = summary.operations.iter().enumerate();
                let unknown = known.filter(|(_, known)| matches!(known.outcome, Some(Outcome::Unknown(_))));
                self.unknown = unknown.map(|(op, _)| op).collect();
            }
            RunEvent::OperationEnded { op, outcome: Outcome::Unknown(_), .. } => {
                self.unknown.insert(*op);
            }
            RunEvent::OperationReopened { op, .. } => {
                self.unknown.remove(op);
            }
            RunEvent::TaskFound { op, .. } => {
                if self.unknown.remove(op) {
                    return true;
                }
                self.followed = true;
            }
            RunEvent::TaskProgressed { .. } | RunEvent::TaskEnded { .. } => self.followed = true,
            _ => {}
        }
        false
    }

    /// Whether nothing is left to send and tasks of accepted operations are followed, rather than unknown ones looked up.
    pub(super) fn are_followed(&self, waiting: Option<&Waiting>, summary: &RunSummary) -> bool {
        let sent = summary.in_flight == 0 && summary.counts.ended() == summary.counts.planned;
        sent && (self.followed || waiting.is_some_and(|waiting| waiting.operations > summary.counts.unknown))
    }
}

/// `2 failed`, `following 16 tasks (45 %)`, `1 not confirmed`: with the confirmed ones they add up to the planned ones. Where
/// there is little room they are not called tasks: what is waited for stands beside it.
pub(super) fn task_counts(summary: &RunSummary, room: bool) -> Vec<String> {
    let mut parts = bad_counts(&summary.counts);
    let accepted = summary.operations.iter().filter(|operation| operation.outcome == Some(Outcome::Accepted));
    let (mut followed, mut left_open, mut percents) = (0, 0, None);
    for operation in accepted {
        if operation.left_open().is_some() {
            left_open += 1;
            continue;
        }
        followed += 1;
        if let Some(percent) = operation.percent {
            *percents.get_or_insert(0) += usize::from(percent);
        }
    }
    if followed > 0 {
        let tasks = match (room, followed) {
            (false, _) => "",
            (true, 1) => " task",
            (true, _) => " tasks",
        };
        // Of those of which nothing is known, none is done.
        let far = percents.map_or(String::new(), |percents| format!(" ({} %)", percents / followed));
        parts.push(format!("following {followed}{tasks}{far}"));
    }
    if left_open > 0 {
        parts.push(format!("{left_open} not confirmed"));
    }
    parts
}

/// How far a run is that follows tasks, in hundredths of an operation.
pub(super) fn hundredths(summary: &RunSummary) -> usize {
    let of = |operation: &OperationSummary| match operation.outcome {
        Some(Outcome::Accepted) => operation.percent.map_or(0, usize::from),
        Some(Outcome::Skipped(_)) => 0,
        _ => 100,
    };
    summary.operations.iter().map(of).sum()
}

/// How long ago the request of an operation was sent that its task came of.
pub(super) fn since_sent(op: OpIndex, at: Duration, summary: &RunSummary) -> Duration {
    let sent = summary.operations.get(op).and_then(|operation| operation.attempts.last());
    sent.map_or(Duration::ZERO, |attempt| at.saturating_sub(attempt.started))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Failure, FailureKind};
    use crate::model::TaskId;

    const AT: Duration = Duration::from_secs(300);

    fn found(op: OpIndex) -> RunEvent {
        RunEvent::TaskFound { op, at: AT, task: TaskId::parse("a").expect("legal"), early: false }
    }

    fn unclear(op: OpIndex, why: &str) -> RunEvent {
        RunEvent::TaskUnclear { op, at: AT, why: why.to_owned() }
    }

    fn failure(kind: FailureKind) -> Failure {
        Failure { kind, status: None, code: None, message: "no".to_owned(), given_up: None }
    }

    /// Operations that ended so, and what was said of their tasks.
    fn run(outcomes: Vec<Outcome>) -> (RunSummary, Tasks) {
        let (mut summary, mut tasks) = (RunSummary::new(outcomes.len()), Tasks::default());
        for (op, outcome) in outcomes.into_iter().enumerate() {
            step(&mut summary, &mut tasks, RunEvent::OperationEnded { op, at: AT, outcome });
        }
        (summary, tasks)
    }

    fn step(summary: &mut RunSummary, tasks: &mut Tasks, event: RunEvent) -> bool {
        summary.apply(&event);
        tasks.take(&event, summary)
    }

    #[test]
    fn it_is_news_that_an_unknown_operation_was_accepted() {
        let (mut summary, mut tasks) = run(vec![Outcome::Accepted, Outcome::Unknown(failure(FailureKind::NoAnswer))]);
        let mut news = |event| step(&mut summary, &mut tasks, event);
        assert!(!news(found(0)), "that is known");
        assert!(!news(unclear(1, "two fit")));
        assert!(news(found(1)));
        assert!(!news(found(1)), "now it is known");
        // A later session begins with what the summary knows.
        let mut later = Tasks::default();
        let resumed = RunEvent::RunResumed { at: AT, resumed_at: jiff::Timestamp::UNIX_EPOCH, forecast: AT };
        later.take(&resumed, &run(vec![Outcome::Unknown(failure(FailureKind::NoAnswer))]).0);
        assert!(later.take(&found(0), &summary));
    }

    #[test]
    fn tasks_are_followed_once_everything_is_sent() {
        let (mut summary, mut tasks) = run(vec![Outcome::Accepted, Outcome::Unknown(failure(FailureKind::NoAnswer))]);
        let waits = |operations| Waiting { until: None, what: "tasks to end".to_owned(), operations };
        assert!(!tasks.are_followed(None, &summary));
        assert!(!tasks.are_followed(Some(&waits(1)), &summary), "the unknown one is looked up");
        assert!(tasks.are_followed(Some(&waits(2)), &summary));
        step(&mut summary, &mut tasks, found(1));
        assert!(!tasks.are_followed(None, &summary), "it was looked up");
        step(&mut summary, &mut tasks, found(0));
        assert!(tasks.are_followed(None, &summary));
        summary.in_flight = 1;
        assert!(!tasks.are_followed(Some(&waits(2)), &summary));
    }

    #[test]
    fn the_numbers_add_up_and_grow_with_what_is_confirmed() {
        let (mut summary, mut tasks) = run(vec![Outcome::Accepted; 30]);
        let numbers =
            |summary: &RunSummary| format!("{}; {}", task_counts(summary, true).join(", "), hundredths(summary));
        assert_eq!(numbers(&summary), "0 failed, following 30 tasks; 0");
        for op in 0..30 {
            step(&mut summary, &mut tasks, found(op));
        }
        for op in 0..12 {
            step(&mut summary, &mut tasks, RunEvent::TaskEnded { op, at: AT, outcome: Outcome::Confirmed });
        }
        let failed = Outcome::Failed(failure(FailureKind::TaskFailed));
        step(&mut summary, &mut tasks, RunEvent::TaskEnded { op: 12, at: AT, outcome: failed });
        step(&mut summary, &mut tasks, RunEvent::TaskProgressed { op: 13, at: AT, percent: 99 });
        step(&mut summary, &mut tasks, RunEvent::TaskProgressed { op: 14, at: AT, percent: 90 });
        assert_eq!(numbers(&summary), "1 failed, following 17 tasks (11 %); 1489");
        step(&mut summary, &mut tasks, unclear(15, "two fit"));
        assert_eq!(numbers(&summary), "1 failed, following 16 tasks (11 %), 1 not confirmed; 1489");
        for op in 16..30 {
            step(&mut summary, &mut tasks, RunEvent::TaskEnded { op, at: AT, outcome: Outcome::Confirmed });
        }
        step(&mut summary, &mut tasks, RunEvent::TaskEnded { op: 14, at: AT, outcome: Outcome::Confirmed });
        assert_eq!(numbers(&summary), "1 failed, following 1 task (99 %), 1 not confirmed; 2899");
        assert_eq!(summary.counts.confirmed, 27);
        assert_eq!(task_counts(&summary, false), ["1 failed", "following 1 (99 %)", "1 not confirmed"]);
    }
}
