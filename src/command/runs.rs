//! `hss-sync runs`: the runs that are kept, how they stand, and how to go on with each.
//!
//! What is said comes from the journals alone. The plans in them are not expanded, so that a list of many runs stays quick:
//! what a resume would send under its budgets is told by the end of a run, and by `resume` itself.

use std::cell::RefCell;
use std::collections::HashMap;

use super::Context;
use super::output::{Outputs, state_dir};
use crate::cli::{FormatArg, RunsArgs};
use crate::event::{NotAttemptedReason, Outcome, RunEvent};
use crate::exit::ExitStatus;
use crate::io::clock::wall_clock;
use crate::io::journal_file::{Glance, glance};
use crate::io::state_dir::{RunDir, StateDir};
use crate::journal::{self, DamagedJournal, Journal};
use crate::report::{Listed, ListedRuns, Standing, WayOn, runs_lines, write_runs};
use crate::resume::{Reopen, reopens};
use crate::summary::RunSummary;

/// The largest journal that is read for the list: of far more than 100,000 operations.
const MOST_BYTES: u64 = 256 << 20;

/// Lists the newest runs.
pub(super) fn runs(context: &Context, args: &RunsArgs) -> ExitStatus {
    let directories = match StateDir::new(state_dir(&args.state_dir)).list() {
        Ok(directories) => directories,
        Err(error) => return context.usage(&error.to_string()),
    };
    let now = wall_clock();
    let newest = directories.iter().take(usize::try_from(args.limit).unwrap_or(usize::MAX));
    let runs: Vec<Listed> = newest.map(|directory| listed(directory, now)).collect();
    let listed = ListedRuns::new(state_dir(&args.state_dir).display().to_string(), directories.len(), runs);
    let written = match args.format {
        FormatArg::Human => context.console.result(&runs_lines(&listed, context.console.width().unwrap_or(usize::MAX))),
        FormatArg::Json => context.console.result_with(|out| write_runs(out, &listed)),
    };
    context.printed(written, ExitStatus::Success)
}

fn listed(directory: &RunDir, now: jiff::Timestamp) -> Listed {
    let mut run = Listed {
        run: directory.name(),
        state: Standing::Unreadable,
        began: directory.last_written(),
        age_seconds: None,
        plans: Vec::new(),
        simulated: false,
        summary: None,
        directory: directory.path().display().to_string(),
        go_on: Vec::new(),
        message: None,
    };
    match glance(directory.path(), MOST_BYTES) {
        Err(error) => run.message = Some(error.to_string()),
        Ok(Glance { bytes, locked }) => match journal::read(&bytes) {
            Ok(journal) => tell(&mut run, directory, &journal, locked),
            Err(_) if locked => run.state = Standing::Running,
            Err(error) => {
                run.state = match error {
                    DamagedJournal::NothingAnnounced if !directory.has_report() => Standing::Empty,
                    DamagedJournal::OtherVersion { .. } => Standing::Unreadable,
                    _ => Standing::Damaged,
                };
                run.message = Some(error.to_string());
            }
        },
    }
    run.age_seconds = run.began.map(|began| u64::try_from(now.duration_since(began).as_secs()).unwrap_or(0));
    run
}

/// What the journal says of the run.
fn tell(run: &mut Listed, directory: &RunDir, journal: &Journal, locked: bool) {
    let header = &journal.header;
    run.began = Some(header.started_at);
    run.plans = header.plans.iter().map(|plan| plan.name.clone()).collect();
    run.simulated = header.invocation.simulated.is_some();
    let (summary, ended) = match summary(journal) {
        Ok(known) => known,
        Err(error) => {
            (run.state, run.message) = (Standing::Damaged, Some(error.to_string()));
            return;
        }
    };
    run.summary = Some(summary.counts);
    let counts = summary.counts;
    let done = counts.accepted + counts.confirmed + counts.skipped == counts.planned;
    let looked_through = summary.operations.iter().all(|operation| operation.left_open().is_none());
    run.state = match (locked, ended, done && looked_through) {
        (true, ..) => Standing::Running,
        (_, false, _) => Standing::Killed,
        (_, _, true) => Standing::Complete,
        _ => Standing::Incomplete,
    };
    if matches!(run.state, Standing::Killed | Standing::Incomplete)
        && let Ok(outputs) = Outputs::parse(&[], directory.clone())
    {
        let command = outputs.resume_command();
        let ways = ways_on(&summary, ended).into_iter();
        run.go_on = ways.map(|(flags, does)| WayOn { command: format!("{command}{flags}"), does }).collect();
    }
}

/// The events up to now, folded, and whether the last session came to its end. Operations are numbered as they appear; those
/// that never did have no outcome.
fn summary(journal: &Journal) -> Result<(RunSummary, bool), DamagedJournal> {
    let known = RefCell::new(HashMap::<String, usize>::new());
    let index = |id: &str| {
        let mut known = known.borrow_mut();
        let next = known.len();
        let op = *known.entry(id.to_owned()).or_insert(next);
        (op < journal.header.planned).then_some(op)
    };
    let events = journal.events(index)?;
    let mut summary = RunSummary::new(journal.header.planned);
    events.iter().for_each(|event| summary.apply(event));
    Ok((summary, matches!(events.last(), Some(RunEvent::RunEnded { .. }))))
}

/// The flags with which a resume would send or look for something, as far as that shows without the plans.
fn ways_on(summary: &RunSummary, ended: bool) -> Vec<(&'static str, String)> {
    let outcomes = || summary.operations.iter().filter_map(|operation| operation.outcome.as_ref());
    let open = summary.counts.planned.saturating_sub(summary.counts.ended());
    let plain = open + outcomes().filter(|outcome| reopens(outcome, Reopen::default())).count();
    let failed = outcomes()
        .filter(|outcome| matches!(outcome, Outcome::Failed(_)) && !reopens(outcome, Reopen::default()))
        .count();
    let unknown = summary.counts.unknown;
    let left_open = summary.operations.iter().filter(|operation| operation.left_open().is_some()).count();
    // A budget that was spent stays so until what spent it is tried again.
    let spent = |outcome: &Outcome| matches!(outcome, Outcome::NotAttempted(NotAttemptedReason::BudgetSpent(_)));
    let kept_back = outcomes().filter(|outcome| spent(outcome)).count();
    let sent = if failed + unknown > 0 { plain - kept_back } else { plain };
    let rest = if plain > sent {
        format!("; then {} that the failure budget keeps back", plain - sent)
    } else {
        String::new()
    };
    let mut ways = Vec::new();
    let mut does = Vec::new();
    does.extend((sent > 0).then(|| counted(sent, "operation")));
    let looked_up = if ended { left_open } else { left_open.max(unknown) };
    does.extend((looked_up > 0).then(|| format!("looks for {}", counted(looked_up, "task"))));
    does.extend((does.is_empty() && !ended).then(|| "writes its end and its report".to_owned()));
    if !does.is_empty() {
        ways.push(("", does.join("; ")));
    }
    if unknown > 0 {
        let them = if unknown == 1 { "it" } else { "them" };
        ways.push((" --retry-unknown", format!("{unknown} unknown, once you have looked {them} up{rest}")));
    }
    if failed > 0 {
        let mended = if failed == 1 { "its cause is" } else { "their causes are" };
        ways.push((" --retry-failed", format!("{failed} failed, once {mended} mended{rest}")));
    }
    ways
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
