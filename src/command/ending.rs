//! The last block of a run: where its files are, and the commands that go on with it.
//!
//! A command is named only if it would do something: after a spent failure budget a plain `resume` would send nothing, and it
//! looks for tasks only of what is unknown, or accepted where a wait was of no avail. Paths and commands are never broken, so
//! that they can be copied; what is said of them is a shell's comment, so that a whole line can be.

use std::fmt::Write;
use std::time::Duration;

use unicode_width::UnicodeWidthStr;

use super::load::ASSUMED_LATENCY;
use super::output::{LeftOver, Outputs, Written, shown};
use crate::event::Outcome;
use crate::expand::ExecutionPlan;
use crate::forecast::forecast_rest;
use crate::report::wrap;
use crate::resume::{Reopen, reopens};
use crate::schedule::{History, PastOperation, PastState, ScheduleOptions};
use crate::summary::{OperationSummary, RunSummary};

/// Columns before a path or command.
const LABEL: usize = 10;

/// Where everything is, and how the run goes on if it can; `sends` says how many operations a resume would send. No line is wider
/// than `width` unless a path or command is.
pub(super) fn places(
    outputs: &Outputs,
    (written, left): (&Written, &LeftOver),
    summary: &RunSummary,
    sends: impl Fn(Reopen) -> usize,
    width: usize,
) -> String {
    let mut text = "\n".to_owned();
    rows(&mut text, "journal", &[(shown(&outputs.directory().journal()), String::new())], width);
    if let Some(own) = &written.own {
        rows(&mut text, "report", &[(shown(own), String::new())], width);
    }
    let mut files: Vec<(String, String)> = left.files.iter().map(|file| (shown(file), String::new())).collect();
    if let Some((_, note)) = files.last_mut() {
        *note = what_is_left(left.operations, summary.counts.unknown);
    }
    rows(&mut text, "left over", &files, width);
    rows(&mut text, "go on", &commands_on(&outputs.resume_command(), summary, sends), width);
    text
}

/// The commands that go on with a run, each with what it would do; `command` resumes it.
pub(super) fn commands_on(
    command: &str,
    summary: &RunSummary,
    sends: impl Fn(Reopen) -> usize,
) -> Vec<(String, String)> {
    ways_on(summary, sends).into_iter().map(|(flags, note)| (format!("{command}{flags}"), note)).collect()
}

/// Operations that a resume within these bounds would send: what is open again, unless its failure budget stays spent.
pub(super) fn sends(plan: &ExecutionPlan, bounds: ScheduleOptions, summary: &RunSummary, reopen: Reopen) -> usize {
    let is_open = |outcome: &Outcome| reopens(outcome, reopen);
    // The usual end, and a forecast of nothing is no matter of course for 100,000 operations.
    if summary.operations.iter().all(|operation| operation.outcome.as_ref().is_some_and(|outcome| !is_open(outcome))) {
        return 0;
    }
    let past = |operation: &OperationSummary| {
        let ended = operation.outcome.as_ref().filter(|outcome| !is_open(outcome));
        let state = ended.map_or(PastState::Open, |outcome| PastState::Ended {
            spent: matches!(outcome, Outcome::Failed(_) | Outcome::Unknown(_)),
        });
        PastOperation { state, ..PastOperation::default() }
    };
    let operations = summary.operations.iter().map(past).collect();
    let history = History { operations, ..History::default() };
    forecast_rest(plan, ASSUMED_LATENCY, bounds, &history, Duration::ZERO).calls
}

fn what_is_left(operations: usize, unknown: usize) -> String {
    let them = if unknown == 1 { "it" } else { "them" };
    match unknown {
        0 => counted(operations),
        unknown => format!("{}, {unknown} of them unknown: running it sends {them} again", counted(operations)),
    }
}

fn counted(operations: usize) -> String {
    if operations == 1 { "1 operation".to_owned() } else { format!("{operations} operations") }
}

/// The flags with which a resume would send something or look for something, and what that would be.
fn ways_on(summary: &RunSummary, sends: impl Fn(Reopen) -> usize) -> Vec<(&'static str, String)> {
    let outcomes = || summary.operations.iter().filter_map(|operation| operation.outcome.as_ref());
    let count = |reopen| outcomes().filter(|outcome| reopens(outcome, reopen)).count();
    let sent = |retry_failed, retry_unknown| sends(Reopen { retry_failed, retry_unknown });
    let plain = count(Reopen::default());
    let failed = count(Reopen { retry_failed: true, retry_unknown: false }) - plain;
    let unknown = summary.counts.unknown;
    let (none, with_failed, with_unknown) = (sent(false, false), sent(true, false), sent(false, true));
    let mended =
        format!("{failed} failed, once {} mended", if failed == 1 { "its cause is" } else { "their causes are" });
    let looked_up = format!("{unknown} unknown, once you have looked {} up", if unknown == 1 { "it" } else { "them" });
    // What comes on top of the operations that the flag is about was kept back by a budget that is free then.
    let with_rest = |what: &str, sent: usize, about: usize| match sent.saturating_sub(none + about) {
        0 => what.to_owned(),
        rest => format!("{what}; then {rest} that the failure budget keeps back"),
    };
    let mut ways = Vec::new();
    // What is unknown is looked up by every resume, whether a look was of no avail or there was none.
    let unsettled = |operation: &&OperationSummary| {
        operation.left_open().is_some() || matches!(operation.outcome, Some(Outcome::Unknown(_)))
    };
    let looks = match summary.operations.iter().filter(unsettled).count() {
        0 => None,
        1 => Some("looks for 1 task".to_owned()),
        many => Some(format!("looks for {many} tasks")),
    };
    let plain: Vec<String> = (none > 0).then(|| counted(none)).into_iter().chain(looks).collect();
    if !plain.is_empty() {
        ways.push(("", plain.join("; ")));
    }
    if unknown > 0 && with_unknown > none {
        ways.push((" --retry-unknown", with_rest(&looked_up, with_unknown, unknown)));
    }
    if failed > 0 && with_failed > none {
        ways.push((" --retry-failed", with_rest(&mended, with_failed, failed)));
    }
    let both = sent(true, true);
    if failed > 0 && unknown > 0 && both > with_failed.max(none) + with_unknown.max(none) - none {
        let what = format!("{mended}; {looked_up}");
        ways.push((" --retry-failed --retry-unknown", with_rest(&what, both, failed + unknown)));
    }
    ways
}

/// Lines under one label; the notes stand below each other, or below what they are about if there is no room beside it.
pub(super) fn rows(text: &mut String, label: &str, rows: &[(String, String)], width: usize) {
    let column = rows.iter().map(|(what, _)| what.width()).max().unwrap_or(0);
    let beside = rows.iter().all(|(_, note)| note.is_empty() || LABEL + column + 5 + note.width() <= width);
    let mut label = label;
    for (what, note) in rows {
        let padding = if beside && !note.is_empty() { column - what.width() } else { 0 };
        let _ = write!(text, "{label:<LABEL$}{what}{:padding$}", "");
        label = "";
        match (note.is_empty(), beside) {
            (true, _) => text.push('\n'),
            (false, true) => {
                let _ = writeln!(text, "   # {note}");
            }
            (false, false) => {
                text.push('\n');
                let indent = " ".repeat(LABEL);
                wrap(text, &format!("{indent}# "), &format!("{indent}# "), note, width);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Failure, FailureKind, NotAttemptedReason, RunEvent};

    fn outcome(letter: char) -> Outcome {
        let failure = |kind| Failure { kind, status: None, code: None, message: String::new(), given_up: None };
        match letter {
            'a' => Outcome::Accepted,
            'f' => Outcome::Failed(failure(FailureKind::Refused)),
            'u' => Outcome::Unknown(failure(FailureKind::NoAnswer)),
            _ => Outcome::NotAttempted(NotAttemptedReason::Interrupted),
        }
    }

    /// The ways on after a run in which the operations ended so, with so many failures allowed over all.
    fn ways(outcomes: &str, allowed: Option<usize>) -> String {
        let mut summary = RunSummary::new(outcomes.len());
        for (op, letter) in outcomes.chars().enumerate() {
            let at = std::time::Duration::ZERO;
            summary.apply(&RunEvent::OperationEnded { op, at, outcome: outcome(letter) });
        }
        let count = |letters: &str| outcomes.chars().filter(|letter| letters.contains(*letter)).count();
        let sends = |Reopen { retry_failed, retry_unknown }| {
            let again = if retry_failed { count("f") } else { 0 } + if retry_unknown { count("u") } else { 0 };
            let spent = count("fu") - again;
            if allowed.is_some_and(|allowed| spent > allowed) { 0 } else { count("n") + again }
        };
        let mut text = String::new();
        for (flags, note) in ways_on(&summary, sends) {
            let _ = writeln!(text, "resume{flags}: {note}");
        }
        text
    }

    #[test]
    fn a_way_on_is_named_if_it_would_send_something() {
        assert_eq!(ways("aaa", None), "");
        assert_eq!(ways("ann", None), "resume: 2 operations\n");
        assert_eq!(
            ways("afun", None),
            "resume: 1 operation; looks for 1 task\n\
             resume --retry-unknown: 1 unknown, once you have looked it up\n\
             resume --retry-failed: 1 failed, once its cause is mended\n"
        );
    }

    #[test]
    fn a_plain_resume_looks_for_what_is_unknown_and_for_what_a_wait_left_open() {
        let mut summary = RunSummary::new(4);
        let at = std::time::Duration::ZERO;
        for (op, letter) in "aaun".chars().enumerate() {
            summary.apply(&RunEvent::OperationEnded { op, at, outcome: outcome(letter) });
        }
        let text = |summary: &RunSummary, sent: usize| {
            let ways = ways_on(summary, |_| sent).into_iter();
            ways.map(|(flags, note)| format!("resume{flags}: {note}")).collect::<Vec<_>>()
        };
        assert_eq!(text(&summary, 0), ["resume: looks for 1 task"], "nobody has looked, or was interrupted before");
        summary.apply(&RunEvent::TaskUnclear { op: 2, at, why: "two tasks fit".to_owned() });
        assert_eq!(text(&summary, 0), ["resume: looks for 1 task"]);
        summary.apply(&RunEvent::TaskUnclear { op: 0, at, why: "two tasks fit".to_owned() });
        assert_eq!(text(&summary, 1), ["resume: 1 operation; looks for 2 tasks"]);
    }

    #[test]
    fn a_spent_budget_has_to_be_freed_first() {
        assert_eq!(
            ways("ffnnn", Some(1)),
            "resume --retry-failed: 2 failed, once their causes are mended; then 3 that the failure budget keeps back\n"
        );
        assert_eq!(
            ways("ufnn", Some(0)),
            "resume: looks for 1 task\n\
             resume --retry-failed --retry-unknown: 1 failed, once its cause is mended; 1 unknown, once you have looked it \
             up; then 2 that the failure budget keeps back\n",
            "with one of the two the budget is still spent"
        );
        assert_eq!(
            ways("ufnn", Some(1)),
            "resume: looks for 1 task\n\
             resume --retry-unknown: 1 unknown, once you have looked it up; then 2 that the failure budget keeps back\n\
             resume --retry-failed: 1 failed, once its cause is mended; then 2 that the failure budget keeps back\n"
        );
    }

    #[test]
    fn notes_stand_below_each_other_or_below_what_they_are_about() {
        let ways = [("resume x", "16 operations"), ("resume x --retry-failed", "1 failed, once its cause is mended")];
        let ways = ways.map(|(what, note)| (what.to_owned(), note.to_owned()));
        let rowed = |width| {
            let mut text = String::new();
            rows(&mut text, "go on", &ways, width);
            text
        };
        assert_eq!(
            rowed(80),
            "\
go on     resume x                  # 16 operations
          resume x --retry-failed   # 1 failed, once its cause is mended
"
        );
        assert_eq!(
            rowed(40),
            "\
go on     resume x
          # 16 operations
          resume x --retry-failed
          # 1 failed, once its cause is
          # mended
"
        );
    }
}
