//! Runs that are kept: a line for each with its state and age, the commands that go on with it, and as JSON.

use std::io::{self, Write};

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::json::{SCHEMA_VERSION, finish};
use super::wrap::{fit, wrap};
use crate::diagnostic::visible;
use crate::model::format_age;
use crate::summary::Counts;

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Another process is at work on it.
    Running,
    /// Nothing is left.
    Complete,
    /// It stopped in order, and something is left: failed, unknown, not sent, or not seen to end.
    Incomplete,
    /// It did not come to its end.
    Killed,
    /// It was killed before it had announced anything.
    Empty,
    /// Its journal is not what was written.
    Damaged,
    /// Its journal can't be read, here or by this version.
    Unreadable,
}

/// One run in the list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Listed {
    /// Its id: the name of its directory.
    #[serde(rename = "id")]
    pub run: String,
    /// How it stands.
    pub state: Standing,
    /// When it began; for a run whose journal does not say, when that was written last.
    pub began: Option<jiff::Timestamp>,
    /// Whole seconds since then.
    pub age_seconds: Option<u64>,
    /// Names of its plans. Untrusted text.
    pub plans: Vec<String>,
    /// Whether its answers came from a simulator.
    pub simulated: bool,
    /// Its outcomes up to now.
    pub summary: Option<Counts>,
    /// Where it is kept.
    pub directory: String,
    /// How to go on with it.
    pub go_on: Vec<WayOn>,
    /// Why there is no more to say.
    pub message: Option<String>,
}

/// A command that goes on with a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WayOn {
    /// The command, as a shell takes it.
    pub command: String,
    /// What it would do, or when to use it.
    pub does: String,
}

/// The runs of one state directory.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ListedRuns {
    schema_version: u32,
    /// Where they are kept.
    pub state_dir: String,
    /// How many there are.
    pub total: usize,
    /// The newest of them, newest first.
    pub runs: Vec<Listed>,
}

impl ListedRuns {
    /// The newest runs of a state directory that has `total` of them.
    #[must_use]
    pub fn new(state_dir: String, total: usize, runs: Vec<Listed>) -> Self {
        Self { schema_version: SCHEMA_VERSION, state_dir, total, runs }
    }
}

/// Writes the list as JSON.
///
/// # Errors
/// When the writer fails.
pub fn write_runs(out: &mut dyn Write, listed: &ListedRuns) -> io::Result<()> {
    finish(out, listed)
}

/// The list for people. No line is wider than `width`, except for a command.
#[must_use]
pub fn runs_lines(listed: &ListedRuns, width: usize) -> String {
    if listed.total == 0 {
        return format!("no runs in {}\n", visible(&listed.state_dir));
    }
    let mut rows = vec![["run", "age", "state", "operations", "plans"].map(str::to_owned)];
    rows.extend(listed.runs.iter().map(cells));
    let mut widths = [0; 5];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.width().max(*width);
        }
    }
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width()) + 2));
        }
        text.push_str(&fit(line.trim_end(), width));
        text.push('\n');
        if let Some(run) = index.checked_sub(1).and_then(|index| listed.runs.get(index)) {
            below(&mut text, run, width);
        }
    }
    if listed.runs.len() < listed.total {
        let more = format!("and {} older; --limit {} shows them all", listed.total - listed.runs.len(), listed.total);
        wrap(&mut text, "", "", &more, width);
    }
    text
}

/// What stands below a run: why it can't be read, or how to go on. A command is not broken, so that it can be copied.
fn below(text: &mut String, run: &Listed, width: usize) {
    if let Some(message) = &run.message {
        wrap(text, "    ", "    ", &visible(message), width);
    }
    let column = run.go_on.iter().map(|way| way.command.width()).max().unwrap_or(0);
    for WayOn { command, does } in &run.go_on {
        let line = format!("    {command:<column$}   # {does}");
        if line.width() <= width {
            text.push_str(&line);
            text.push('\n');
        } else {
            text.push_str(&format!("    {command}\n"));
            wrap(text, "      # ", "      # ", does, width);
        }
    }
}

fn cells(run: &Listed) -> [String; 5] {
    let state = match run.state {
        Standing::Running => "running",
        Standing::Complete => "complete",
        Standing::Incomplete => "incomplete",
        Standing::Killed => "killed",
        Standing::Empty => "empty",
        Standing::Damaged => "damaged",
        Standing::Unreadable => "unreadable",
    };
    let names: Vec<_> = run.plans.iter().map(|name| visible(name)).collect();
    let simulated = if run.simulated { " (simulated)" } else { "" };
    [
        visible(&run.run).into_owned(),
        run.age_seconds.map(format_age).unwrap_or_default(),
        state.to_owned(),
        run.summary.map(counts).unwrap_or_default(),
        format!("{}{simulated}", names.join(", ")),
    ]
}

/// `211 accepted, 2 failed of 214`; what has no outcome yet is open.
fn counts(counts: Counts) -> String {
    let Counts { planned, accepted, confirmed, failed, unknown, skipped, not_attempted } = counts;
    let open = planned.saturating_sub(counts.ended());
    let parts: Vec<String> = [
        (confirmed, "confirmed"),
        (accepted, "accepted"),
        (failed, "failed"),
        (unknown, "unknown"),
        (skipped, "skipped"),
        (not_attempted, "not sent"),
        (open, "open"),
    ]
    .iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} {what}"))
    .collect();
    format!("{} of {planned}", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(id: &str, state: Standing) -> Listed {
        Listed {
            run: id.to_owned(),
            state,
            began: None,
            age_seconds: Some(125),
            plans: vec!["fleet-nightly".to_owned()],
            simulated: false,
            summary: Some(Counts { planned: 5, accepted: 3, failed: 1, ..Counts::default() }),
            directory: format!(".hss-sync/runs/{id}"),
            go_on: Vec::new(),
            message: None,
        }
    }

    #[test]
    fn a_list_has_a_line_for_a_run_and_below_it_what_to_do() {
        let mut left = run("20261124-080000-7f3a", Standing::Killed);
        let ways = [("", "1 operation"), (" --retry-failed", "1 failed")];
        left.go_on = ways
            .map(|(flags, does)| WayOn {
                command: format!("hss-sync resume 20261124-080000-7f3a{flags}"),
                does: does.to_owned(),
            })
            .into();
        let mut damaged = run("20261123-080000-0001", Standing::Damaged);
        (damaged.summary, damaged.plans) = (None, Vec::new());
        damaged.message = Some("line 3 is damaged \u{1b}[31m".to_owned());
        let listed = ListedRuns::new(".hss-sync".to_owned(), 7, vec![left, damaged]);
        let text = runs_lines(&listed, 100);
        assert_eq!(
            text,
            "\
run                   age    state    operations                         plans
20261124-080000-7f3a  2 min  killed   3 accepted, 1 failed, 1 open of 5  fleet-nightly
    hss-sync resume 20261124-080000-7f3a                  # 1 operation
    hss-sync resume 20261124-080000-7f3a --retry-failed   # 1 failed
20261123-080000-0001  2 min  damaged
    line 3 is damaged \\u{1b}[31m
and 5 older; --limit 7 shows them all
"
        );
        for width in [40, 60, 80] {
            let text = runs_lines(&listed, width);
            let whole = |line: &str| line.width() <= width || line.trim_start().starts_with("hss-sync resume");
            assert!(text.lines().all(whole), "{width}: {text}");
        }
    }

    #[test]
    fn no_run_is_no_table() {
        assert_eq!(runs_lines(&ListedRuns::new("a\u{7}b".to_owned(), 0, Vec::new()), 80), "no runs in a\\u{7}b\n");
    }
}
