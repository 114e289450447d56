//! What goes wrong with tasks on purpose, read from `failed:10%,late:30s`.
//!
//! Which task has which fault is a function of the seed and the task's number in order of creation. `docs/simulator.md` has
//! the table of what each kind does.

use std::fmt;
use std::time::Duration;

use super::dice::{Kind, Shares, TimeRange, invalid};
use crate::model::InvalidValue;

/// What goes wrong with one task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TaskFaultKind {
    /// It ends, and one of its registries has failed.
    Failed,
    /// It stops half-way with `task_status` -3; the registries that were left have failed.
    Abnormal,
    /// It stops half-way with `task_status` -1; the registries that were left stay `running`.
    Terminated,
    /// It stops half-way with `task_status` -2; the registries that were left stay `running`.
    TimedOut,
    /// It is never listed.
    Lost,
    /// Somebody else's task for the same registries begins in the same moment.
    Stranger,
    /// The daily task (`autoSync`) begins in the same moment.
    Auto,
}

impl TaskFaultKind {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 7] =
        [Self::Failed, Self::Abnormal, Self::Terminated, Self::TimedOut, Self::Lost, Self::Stranger, Self::Auto];

    /// The word in `--task-fault`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Abnormal => "abnormal",
            Self::Terminated => "terminated",
            Self::TimedOut => "timeout",
            Self::Lost => "lost",
            Self::Stranger => "stranger",
            Self::Auto => "auto",
        }
    }
}

impl fmt::Display for TaskFaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Kind for TaskFaultKind {
    const KINDS: &'static [Self] = &Self::ALL;
    const SUBJECT: &'static str = "task";
    const OTHERS: &'static str = "late";
    const EXAMPLE: &'static str = "failed:10%,lost:5%,late:30s";
}

/// How often which fault happens to tasks, and how late they are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskFaults {
    shares: Shares<TaskFaultKind>,
    late: Option<TimeRange>,
}

impl TaskFaults {
    /// Reads `failed:10%,lost:5%,late:30s..2m`. Shares are percentages of all tasks, and a task gets at most one fault;
    /// `late` is how long after its beginning each task is listed, on the run's clock.
    ///
    /// # Errors
    /// For an unknown kind, one that is given twice, a share that is no percentage above 0 %, shares of more than 100 %
    /// together, or a `late` that is no duration or range of durations.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let mut late = None;
        let shares = Shares::parse(text, |name, value| {
            if name != "late" {
                return Ok(false);
            }
            if late.is_some() {
                return Err(invalid("gives `late` twice"));
            }
            let range = TimeRange::read(value.unwrap_or(""));
            late = Some(range.map_err(|phrase| invalid(format!("has with `late` {phrase}")))?);
            Ok(true)
        })?;
        Ok(Self { shares, late })
    }

    /// The fault of task number `number`, if it has one.
    pub(super) fn of(&self, seed: u64, number: u64) -> Option<TaskFaultKind> {
        self.shares.of(seed, number)
    }

    /// How long after its beginning task number `number` is listed.
    pub(super) fn late(&self, seed: u64, number: u64) -> Duration {
        // Another stream than the faults', so that being late changes no fault.
        self.late.map_or(Duration::ZERO, |late| late.draw(!seed, number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_specification_reads_as_it_is_written() {
        let faults = TaskFaults::parse("failed:10%, lost:5%,late:30s").expect("legal");
        assert_eq!(faults.late(1, 1), Duration::from_secs(30));
        let count = |kind| (0..10_000).filter(|number| faults.of(1, *number) == Some(kind)).count();
        // Four standard deviations of a binomial count.
        assert!(count(TaskFaultKind::Failed).abs_diff(1000) < 120 && count(TaskFaultKind::Lost).abs_diff(500) < 88);
        for kind in TaskFaultKind::ALL {
            assert_eq!(TaskFaults::parse(&format!("{kind}:100%")).map(|faults| faults.of(3, 17)), Ok(Some(kind)));
        }
        assert_eq!(TaskFaults::default().late(1, 1), Duration::ZERO);
    }

    #[test]
    fn what_is_wrong_is_said_of_tasks() {
        for (text, part) in [
            ("", "write it as in `failed:10%,lost:5%,late:30s`"),
            (
                "429:10%",
                "unknown kind `429`; known are failed, abnormal, terminated, timeout, lost, stranger, auto, late",
            ),
            ("failed", "needs a share for `failed`"),
            ("failed:60%,lost:41%", "a task gets at most one fault"),
            ("late", "with `late` `` that"),
            ("late:20", "with `late` `20` that needs a unit"),
            ("late:1s,late:1s", "gives `late` twice"),
        ] {
            let error = TaskFaults::parse(text).expect_err(text).to_string();
            assert!(error.contains(part), "{text:?}: {error}");
        }
    }
}
