//! Several journals as one report: what `report RUN…` does.
//!
//! The input is journals one after another, each after a line that begins with `---`. One that does not begin with a header of its
//! own has that of the journal before. What the `---` line says is put into it: a run id, a time, a shard (`2/3`, `whole`),
//! `simulated` or `real`. So a few lines are a shard, another run, or a copy. All are sealed as the target `journal` does it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hss_sync::event::{OpIndex, Outcome, RunEvent};
use hss_sync::exit::ExitStatus;
use hss_sync::journal::{Header, LineWriter, SimulatedWith, read};
use hss_sync::merge::{Conflict, Merged, Overlap, RunRecord, Whole};
use hss_sync::model::{LeftOut, Operation, RunId, Shard};
use hss_sync::report::{Format, RunFacts, RunReport, write_report};
use hss_sync::source::Sources;

use crate::journal::sealed;
use crate::reports;
use crate::told::Planned;

/// So many journals of an input are read.
const MOST_RUNS: usize = 6;
/// What begins the line between two journals.
const BETWEEN: &[u8] = b"---";
/// What begins a journal that has its own header.
const BEGINNING: &[u8] = br#"{"record":"run","#;

/// # Panics
/// When an invariant breaks.
pub fn check(data: &[u8]) {
    let told = runs(data);
    let records: Vec<&RunRecord> = told.iter().map(|run| &run.record).collect();
    let Some(first) = records.first() else { return };
    check_one(first);
    let merged = join(records.iter().copied());
    check_order(&records, merged.as_ref().ok());
    let Ok(merged) = merged else { return };
    check_copies(&told, &merged, data.len());
    let whole = merged.whole().expect("there are runs");
    let runs = merged.runs();
    let events: Vec<&[RunEvent]> = runs.iter().map(|run| latest(&told, run)).collect();
    check_account(&whole, &runs);
    check_ends(&whole, &runs, &events);
    check_findings(&whole, &runs);
    check_time(&whole, &runs, &events);
    reports::of_runs(&whole, &runs, &events);
}

/// A run of an input.
struct Told {
    planned: Planned,
    record: RunRecord,
    events: Vec<RunEvent>,
}

/// What happened in a run: of the copies of its journal the longest tells it.
fn latest<'a>(told: &'a [Told], run: &RunRecord) -> &'a [RunEvent] {
    let copies = told.iter().filter(|told| told.record.id == run.id).map(|told| &told.events[..]);
    copies.max_by_key(|events| events.len()).unwrap_or_default()
}

/// The runs of an input, as far as their journals can be read and their plans are some.
fn runs(data: &[u8]) -> Vec<Told> {
    let (mut runs, mut last) = (Vec::new(), None::<Header>);
    for (words, lines) in journals(data).into_iter().take(MOST_RUNS) {
        let (header, events) = match last.take() {
            Some(last) if !lines.starts_with(BEGINNING) => (last, &lines[..]),
            _ => match own_header(&lines) {
                Some(own) => own,
                None => continue,
            },
        };
        let header = changed(header, words);
        let mut bytes = Vec::new();
        LineWriter::new().header(&header, &mut bytes);
        bytes.extend_from_slice(events);
        last = Some(header);
        let Ok(journal) = read(&sealed(&bytes)) else { continue };
        let Some(planned) = Planned::of(&journal.header) else { continue };
        let Some(events) = planned.events(&journal) else { continue };
        let record = planned.record(&events);
        runs.push(Told { planned, record, events });
    }
    runs
}

/// The header that a journal begins with, and the lines after it.
fn own_header(lines: &[u8]) -> Option<(Header, &[u8])> {
    let header = read(&sealed(lines)).ok()?.header;
    let its_own = 1 + header.sources.len() + header.resolved.len();
    let ends = lines.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    let end = ends.take(its_own).last()?;
    Some((header, &lines[end..]))
}

/// The journals with the words before each.
fn journals(data: &[u8]) -> Vec<(&str, Vec<u8>)> {
    let mut journals: Vec<(&str, Vec<u8>)> = Vec::new();
    for line in data.split_inclusive(|byte| *byte == b'\n') {
        match (line.strip_prefix(BETWEEN), journals.last_mut()) {
            (Some(words), _) => journals.push((std::str::from_utf8(words).unwrap_or_default(), Vec::new())),
            (None, Some((_, lines))) => lines.extend_from_slice(line),
            (None, None) => journals.push(("", line.to_vec())),
        }
    }
    journals
}

/// The header with what the words say.
fn changed(mut header: Header, words: &str) -> Header {
    let simulated = || SimulatedWith { fault: None, quota: None, time_scale: 1, task_time: None, task_fault: None };
    for word in words.split_whitespace() {
        match word {
            "simulated" => header.invocation.simulated = Some(simulated()),
            "real" => header.invocation.simulated = None,
            "whole" => header.invocation.shard = None,
            _ if Shard::parse(word).is_ok() => header.invocation.shard = Some(word.to_owned()),
            _ => {
                if let Ok(at) = word.parse() {
                    header.started_at = at;
                } else if let Ok(run) = RunId::parse(word) {
                    header.run = run;
                }
            }
        }
    }
    header
}

fn join<'a>(records: impl Iterator<Item = &'a RunRecord>) -> Result<Merged, Conflict> {
    records.map(|record| Merged::of(record.clone())).try_fold(Merged::default(), Merged::join)
}

/// What a reader is told of it; nothing where runs contradict each other.
fn said(merged: Option<&Merged>) -> Option<String> {
    let whole = merged?.whole()?;
    let Whole { plan, sources, summary, runs, findings, .. } = &whole;
    let facts = RunFacts { exit: ExitStatus::of_run(summary), simulated: false, shard: None };
    let report = RunReport { plan, sources, summary, facts, runs, events: &[] };
    let mut out = Vec::new();
    write_report(Format::Json, &mut out, &report).expect("memory takes it");
    Some(format!("{findings:?}\n{}", String::from_utf8(out).expect("UTF-8")))
}

/// The order of runs, how they are grouped and how often each is given mean nothing.
fn check_order(records: &[&RunRecord], merged: Option<&Merged>) {
    let expected = said(merged);
    let turned = join(records.iter().rev().copied());
    assert_eq!(said(turned.as_ref().ok()), expected, "in the other order it is told otherwise");
    let (left, right) = records.split_at(records.len() / 2);
    let grouped = join(left.iter().copied()).and_then(|left| left.join(join(right.iter().copied())?));
    assert_eq!(said(grouped.as_ref().ok()), expected, "grouped it is told otherwise");
    let Some(merged) = merged else { return };
    let twice = merged.clone().join(merged.clone()).expect("a set does not contradict itself");
    assert_eq!((twice.len(), said(Some(&twice))), (merged.len(), expected), "twice it is told otherwise");
}

/// A copy of one of the journals as it was earlier adds nothing.
fn check_copies(told: &[Told], merged: &Merged, number: usize) {
    let Told { planned, record, events } = &told[number % told.len()];
    let earlier = &events[..1 + number % events.len()];
    let copy = Merged::of(planned.record(earlier));
    let joined = copy.join(merged.clone()).expect("an older copy contradicts nothing");
    assert_eq!(said(Some(&joined)), said(Some(merged)), "an older copy of run {} changes the account", record.id);
}

/// A set of one run is that run.
fn check_one(run: &RunRecord) {
    let whole = Merged::of(run.clone()).whole().expect("one run");
    assert_eq!(whole.summary.counts, run.summary.counts);
    // A set has the attempts in the order of their times; no run writes another, but a journal may hold it.
    let mut operations = run.summary.operations.clone();
    operations.iter_mut().for_each(|operation| operation.attempts.sort_by_key(|attempt| attempt.started));
    assert_eq!(whole.summary.operations, operations);
    assert_eq!((whole.summary.attempts, whole.summary.throttled), (run.summary.attempts, run.summary.throttled));
    assert_eq!((whole.summary.elapsed, whole.summary.resumed), (run.summary.elapsed, run.summary.resumed));
    assert_eq!(whole.summary.worked(), run.summary.worked());
    assert_eq!(whole.plan.digest, run.plan.digest);
    assert!(whole.findings.overlaps.is_empty() && whole.findings.digests.is_empty() && !whole.findings.half_simulated);
    assert!(!whole.is_overtaken(0, |_| true), "by no other run");
}

/// Nothing is lost and nothing counts twice.
fn check_account(whole: &Whole, runs: &[&RunRecord]) {
    assert!(whole.summary.is_conserved(), "{:?}", whole.summary.counts);
    let of_runs: BTreeSet<&str> =
        runs.iter().flat_map(|run| &run.plan.operations).map(|operation| operation.id.as_str()).collect();
    let ids: BTreeSet<&str> = whole.plan.operations.iter().map(|operation| operation.id.as_str()).collect();
    assert_eq!(ids, of_runs);
    assert_eq!(ids.len(), whole.plan.operations.len(), "an operation stands there twice");
    assert!(runs.is_sorted_by_key(|run| (run.started_at, &run.id)));
    let sum = |count: fn(&RunRecord) -> usize| runs.iter().map(|run| count(run)).sum::<usize>();
    assert_eq!(whole.summary.attempts, sum(|run| run.summary.attempts));
    assert_eq!(whole.summary.throttled, sum(|run| run.summary.throttled));
    assert_eq!(whole.summary.resumed, sum(|run| run.summary.resumed));
    assert_eq!((whole.summary.runs, whole.runs.len()), (runs.len(), runs.len()));
    let longest = runs.iter().map(|run| run.summary.worked()).max().expect("runs");
    assert!(longest <= whole.summary.worked() && whole.summary.worked() <= whole.summary.elapsed);
    for (operation, ended) in whole.plan.operations.iter().zip(&whole.summary.operations) {
        assert!(operation.wave < whole.plan.plans[operation.plan].waves.len());
        assert!(ended.attempts.is_sorted_by_key(|attempt| attempt.started));
    }
    for (fact, run) in whole.runs.iter().zip(runs) {
        assert_eq!((&fact.id, fact.started_at), (&run.id, run.started_at));
        assert!(fact.started_at <= fact.finished_at);
    }
}

/// The runs that have an operation, with its index in their plans, and what each says of it.
fn places<'a>(id: &str, runs: &[&'a RunRecord]) -> Vec<(usize, OpIndex, &'a Outcome)> {
    let of = |(number, run): (usize, &&'a RunRecord)| {
        let op = run.plan.operations.iter().position(|operation| operation.id.as_str() == id)?;
        Some((number, op, run.summary.operations[op].outcome.as_ref()?))
    };
    runs.iter().enumerate().filter_map(of).collect()
}

/// Nothing, that it was not sent, that it was.
fn says(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Skipped(_) => 0,
        Outcome::NotAttempted(_) => 1,
        Outcome::Accepted | Outcome::Confirmed | Outcome::Failed(_) | Outcome::Unknown(_) => 2,
    }
}

/// Each operation ended as the run says that tried it last, with the attempts of all.
fn check_ends(whole: &Whole, runs: &[&RunRecord], events: &[&[RunEvent]]) {
    for (operation, ended) in whole.plan.operations.iter().zip(&whole.summary.operations) {
        let places = places(operation.id.as_str(), runs);
        let at = |(number, op, _): &(usize, OpIndex, &Outcome)| {
            let run = runs[*number];
            let own = events[*number].iter().filter(|event| event.operation() == Some(*op));
            run.started_at.checked_add(own.map(|event| event.at()).max().unwrap_or_default()).unwrap_or(run.started_at)
        };
        let most = places.iter().map(|(_, _, outcome)| says(outcome)).max().expect("some run has it");
        let rank = |place: &&(usize, OpIndex, &Outcome)| (at(place), &runs[place.0].id);
        let last = places.iter().filter(|(_, _, outcome)| says(outcome) == most).max_by_key(rank);
        let (number, op, outcome) = last.expect("some run has it");
        assert_eq!(ended.outcome.as_ref(), Some(*outcome), "{}", operation.id);
        let told = &runs[*number].plan.operations[*op];
        assert_eq!((operation.request(), operation.left_out), (told.request(), told.left_out), "{}", operation.id);
        assert_eq!(quoted(operation, &whole.sources), quoted(told, &runs[*number].sources), "{}", operation.id);
        let attempts = places.iter().map(|(number, op, _)| runs[*number].summary.operations[*op].attempts.len());
        assert_eq!(ended.attempts.len(), attempts.sum::<usize>(), "{}", operation.id);
        for (number, own, _) in &places {
            // Whoever did not tell the end is overtaken where that is what it left open.
            let overtaken = whole.is_overtaken(*number, |op| op == *own);
            assert_eq!(overtaken, number != &last.expect("some run has it").0, "{} of run {number}", operation.id);
        }
    }
}

/// The texts that its places are in, and what stands there.
fn quoted<'a>(operation: &Operation, sources: &'a Sources) -> Vec<(&'a str, &'a str)> {
    let places = operation.content.places.iter().flat_map(|place| [place.registry_id, place.registry_type]);
    let selectors = operation.content.selectors.iter().map(|selector| selector.location);
    let all = std::iter::once(operation.location).chain(places).chain(selectors);
    all.map(|location| {
        let source = sources.get(location.source);
        (source.path(), source.text().get(location.span.range()).expect("a place in its text"))
    })
    .collect()
}

/// The time in which somebody was at work counts once, moment by moment.
fn check_time(whole: &Whole, runs: &[&RunRecord], events: &[&[RunEvent]]) {
    let mut sessions: Vec<[Duration; 2]> = Vec::new();
    for (run, events) in runs.iter().zip(events) {
        let shift = Duration::try_from(run.started_at.duration_since(runs[0].started_at)).expect("the first is first");
        let at = |at: Duration| shift.saturating_add(at);
        let (mut began, mut latest) = (Duration::ZERO, Duration::ZERO);
        for event in events.iter() {
            if matches!(event, RunEvent::RunResumed { .. }) {
                sessions.push([at(began), at(latest)]);
                began = event.at();
            }
            latest = event.at();
        }
        sessions.push([at(began), at(latest)]);
    }
    let mut moments: Vec<Duration> = sessions.iter().flatten().copied().collect();
    moments.sort_unstable();
    let is_work = |from: Duration| sessions.iter().any(|[began, end]| *began <= from && from < *end);
    let worked = moments.windows(2).filter(|pair| is_work(pair[0])).map(|pair| pair[1] - pair[0]).sum::<Duration>();
    assert_eq!(whole.summary.worked(), worked, "of {sessions:?}");
    assert_eq!(Some(&whole.summary.elapsed), moments.last());
}

/// What is said of gaps, overlaps, missing shards, digests and simulated runs is what looking at each operation shows.
fn check_findings(whole: &Whole, runs: &[&RunRecord]) {
    let found = &whole.findings;
    let (mut gaps, mut overlaps, mut missing) = (Vec::new(), Vec::new(), BTreeMap::new());
    for (op, operation) in whole.plan.operations.iter().enumerate() {
        let places = places(operation.id.as_str(), runs);
        if places.iter().all(|(_, _, outcome)| says(outcome) == 0) {
            gaps.push(op);
            for (number, own, _) in &places {
                if let Some(LeftOut::OtherShard(shard)) = runs[*number].plan.operations[*own].left_out {
                    missing.insert(shard.index(), shard);
                }
            }
        }
        let sent: Vec<usize> = places.iter().filter(|place| says(place.2) == 2).map(|place| place.0).collect();
        if sent.len() > 1 {
            overlaps.push(Overlap { op, runs: sent });
        }
    }
    let counts: BTreeSet<Option<u32>> = runs.iter().map(|run| run.shard.map(Shard::count)).collect();
    if counts.len() > 1 || counts.contains(&None) {
        missing.clear();
    }
    assert_eq!(found.gaps, gaps);
    assert_eq!(found.overlaps, overlaps);
    assert_eq!(found.missing, missing.into_values().collect::<Vec<Shard>>());
    let digests: BTreeSet<&str> = runs.iter().map(|run| run.plan.digest.as_str()).collect();
    let named: BTreeSet<&str> = found.digests.iter().map(|digest| digest.as_str()).collect();
    assert_eq!(found.digests.len(), named.len(), "a digest is named twice");
    assert_eq!(named, if digests.len() > 1 { digests } else { BTreeSet::new() });
    let simulated = runs.iter().filter(|run| run.simulated).count();
    assert_eq!(found.half_simulated, simulated != 0 && simulated != runs.len());
    let complete = found.gaps.is_empty() && found.overlaps.is_empty() && found.digests.is_empty();
    assert_eq!(found.is_complete(), complete);
}
