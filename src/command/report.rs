//! `hss-sync report`: runs that are over, or as they stand, in any format, from their journals; several as one.
//!
//! Nothing is sent, locked or changed. What several runs come to is decided by `crate::merge`.

use std::io::{self, Write};

use super::closing::Closing;
use super::ending::rows;
use super::output::{Outputs, shown, state_dir};
use super::recorded::Shelf;
use super::told::{Told, counted};
use super::{Context, leave};
use crate::cli::{FormatArg, ReportArgs};
use crate::event::OpIndex;
use crate::exit::ExitStatus;
use crate::io::state_dir::{RunDir, StateDir};
use crate::merge::{Findings, Merged, MergedRun, RunRecord, Whole};
use crate::report::{
    self, EventFacts, Format, RunEvents, RunFacts, RunReport, wrap, write_events_of_runs, write_report,
};

/// Renders reports of runs.
pub(super) fn report(context: &Context, args: &ReportArgs) -> ExitStatus {
    match render(context, args) {
        Ok(status) | Err(status) => status,
    }
}

/// The road of a report; the error is the status of one that was not written.
fn render(context: &Context, args: &ReportArgs) -> Result<ExitStatus, ExitStatus> {
    let state = StateDir::new(state_dir(&args.output.state_dir));
    let find = |name: &String| state.find(name).map_err(|error| context.usage(&error.to_string()));
    let directories = args.runs.iter().map(find).collect::<Result<Vec<RunDir>, _>>()?;
    let first = directories.first().cloned().ok_or(ExitStatus::Usage)?;
    let mut reports = args.output.report.clone();
    if args.format == FormatArg::Json {
        reports.push("json=-".to_owned());
    }
    let outputs = Outputs::parse(&reports, first).map_err(|message| context.usage(&message))?;
    let runs = read(context, directories, outputs.has(Format::Ndjson))?;
    runs.iter().filter_map(Told::as_it_stands).for_each(|note| context.console.info(&wrapped(context, &note)));
    let mut merged = Merged::default();
    for run in &runs {
        merged = merged.join(Merged::of(run.record.clone())).map_err(|conflict| {
            context.console.error(&conflict.to_string());
            ExitStatus::Unwritable
        })?;
    }
    let told: Vec<&Told> = merged.runs().iter().filter_map(|record| newest(&runs, record)).collect();
    // The account of one run is that run's own: another one is made only where it is asked whether it is whole.
    if args.require_complete {
        refuse_incomplete(context, &merged.whole().ok_or(ExitStatus::Usage)?)?;
    }
    let status = if let [run] = told[..] {
        Shown::of_run(run).tell(context, &outputs, |width| places_of_run(&told, width))
    } else {
        let whole = merged.whole().ok_or(ExitStatus::Usage)?;
        notes(&whole).iter().for_each(|note| context.console.message(&wrapped(context, note)));
        let status =
            Shown::of_runs(&whole, &told).tell(context, &outputs, |width| places_of_runs(&told, &whole, width));
        leave(whole);
        status
    };
    leave((merged, runs));
    Ok(status)
}

/// Reads all runs; what is wrong with any of them is told before it ends.
fn read(context: &Context, directories: Vec<RunDir>, with_events: bool) -> Result<Vec<Told>, ExitStatus> {
    let (mut runs, mut worst, mut shelf) = (Vec::new(), None, Shelf::default());
    for directory in directories {
        match Told::read(directory, &mut shelf, with_events) {
            Ok(run) => runs.push(run),
            Err((message, status)) => {
                context.console.error(&message);
                worst = worst.max(Some(status));
            }
        }
    }
    worst.map_or(Ok(runs), Err)
}

/// A note, in lines that fit the terminal.
fn wrapped(context: &Context, note: &str) -> String {
    let mut text = String::new();
    wrap(&mut text, "", "  ", note, context.console.width().unwrap_or(usize::MAX));
    text
}

/// Of the copies of a run that were given, the one that counts.
fn newest<'a>(runs: &'a [Told], record: &RunRecord) -> Option<&'a Told> {
    runs.iter().find(|run| run.record.id == record.id && run.record.course.len() == record.course.len())
}

/// What a report is made of.
struct Shown<'a> {
    report: RunReport<'a>,
    /// What happened, of each run.
    stories: Vec<RunEvents<'a>>,
}

impl<'a> Shown<'a> {
    fn of_run(run: &'a Told) -> Self {
        let RunRecord { plan, sources, summary, shard, simulated, .. } = &run.record;
        let facts = RunFacts { exit: ExitStatus::of_run(summary), simulated: *simulated, shard: *shard };
        let report = RunReport { plan, sources, summary, facts, runs: &[], events: &run.events };
        Self { report, stories: Vec::new() }
    }

    fn of_runs(whole: &'a Whole, told: &[&'a Told]) -> Self {
        let Whole { plan, sources, summary, runs, .. } = whole;
        let simulated = runs.iter().any(|run| run.simulated);
        let facts = RunFacts { exit: ExitStatus::of_run(summary), simulated, shard: None };
        let story = |run: &&'a Told| RunEvents {
            plan: &run.record.plan,
            facts: EventFacts { simulated: run.record.simulated, shard: run.record.shard },
            started_at: run.record.started_at,
            events: &run.events,
        };
        let stories = told.iter().map(story).collect();
        Self { report: RunReport { plan, sources, summary, facts, runs, events: &[] }, stories }
    }

    fn write(&self, format: Format, out: &mut dyn Write) -> io::Result<()> {
        match format {
            Format::Ndjson if !self.stories.is_empty() => write_events_of_runs(out, &self.stories),
            _ => write_report(format, out, &self.report),
        }
    }

    /// Writes the reports and the text that ends a run, with `places` after it.
    fn tell(&self, context: &Context, outputs: &Outputs, places: impl Fn(usize) -> String) -> ExitStatus {
        let RunReport { plan, sources, summary, facts, .. } = self.report;
        let errors = outputs.write_asked(context, |format, out| self.write(format, out));
        let closing = Closing { context, outputs, plan, sources, summary };
        closing.tell(facts.exit, &errors, places, |format, _, out| self.write(format, out))
    }
}

/// Where the files of a run are, and how it goes on.
fn places_of_run(told: &[&Told], width: usize) -> String {
    let mut text = "\n".to_owned();
    for run in told {
        let row = |path: std::path::PathBuf| (shown(&path), String::new());
        rows(&mut text, "journal", &[row(run.directory.journal())], width);
        if run.is_over && run.directory.has_report() {
            rows(&mut text, "report", &[row(run.directory.report())], width);
        }
        let files = (1..=run.record.plan.plans.len()).map(|number| run.directory.remaining(number));
        rows(&mut text, "left over", &files.filter(|file| file.is_file()).map(row).collect::<Vec<_>>(), width);
        rows(&mut text, "go on", &run.ways(), width);
    }
    text
}

/// Where the runs are, and how those go on of which no other run has done what they left.
fn places_of_runs(told: &[&Told], whole: &Whole, width: usize) -> String {
    let mut text = "\n".to_owned();
    let about = |run: &MergedRun| {
        let shard = run.shard.map(|shard| format!("shard {shard}, ")).unwrap_or_default();
        format!("{shard}started {:.0}", run.started_at)
    };
    let journals = told.iter().zip(&whole.runs).map(|(run, fact)| (shown(&run.directory.journal()), about(fact)));
    rows(&mut text, "journals", &journals.collect::<Vec<_>>(), width);
    let open = told.iter().enumerate().filter(|(number, run)| !whole.is_overtaken(*number, |op| run.is_unsettled(op)));
    rows(&mut text, "go on", &open.flat_map(|(_, run)| run.ways()).collect::<Vec<_>>(), width);
    text
}

/// What is odd about several runs, a sentence each with what it means.
fn notes(whole: &Whole) -> Vec<String> {
    let Findings { gaps, missing, overlaps, digests, half_simulated } = &whole.findings;
    let mut notes = Vec::new();
    if !gaps.is_empty() {
        let where_ = report::some_places(&whole.plan, gaps);
        let missing = match missing[..] {
            [] => "every run left them out, by --select or as another shard's".to_owned(),
            [shard] => format!("shard {shard} is missing: report on its run as well, or run it"),
            _ => {
                let named: Vec<String> = missing.iter().map(ToString::to_string).collect();
                format!("shards {} are missing: report on their runs as well, or run them", named.join(", "))
            }
        };
        notes.push(format!("{} {} in no run's hands ({where_}): {missing}", counted(gaps.len()), are(gaps.len())));
    }
    if !overlaps.is_empty() {
        let ops: Vec<OpIndex> = overlaps.iter().map(|overlap| overlap.op).collect();
        let where_ = report::some_places(&whole.plan, &ops);
        let was = if ops.len() == 1 { "was" } else { "were" };
        notes.push(format!(
            "{} {was} sent by more than one run ({where_}): the outcome is that of the last, and the calls are those of all",
            counted(ops.len()),
        ));
    }
    if !digests.is_empty() {
        let named: Vec<&str> = digests.iter().map(|digest| digest.as_str().get(..15).unwrap_or_default()).collect();
        notes.push(format!(
            "the runs are of {} different plans ({}…): these stand side by side, and an operation of several of them stands \
             once",
            digests.len(),
            named.join("…, "),
        ));
    }
    if *half_simulated {
        notes.push("some of the runs were simulated and some were not: their outcomes don't mean the same".to_owned());
    }
    notes
}

/// Fails when an operation was not in the hands of just one run, or the runs are of different plans.
fn refuse_incomplete(context: &Context, whole: &Whole) -> Result<(), ExitStatus> {
    let Findings { gaps, .. } = &whole.findings;
    if whole.findings.is_complete() {
        return Ok(());
    }
    notes(whole).iter().for_each(|note| context.console.error(note));
    context
        .console
        .message("nothing was written: --require-complete asks for each operation of one plan in one run's hands");
    Err(if gaps.is_empty() { ExitStatus::InvalidPlan } else { ExitStatus::Incomplete })
}

fn are(count: usize) -> &'static str {
    if count == 1 { "is" } else { "are" }
}
