//! The bytes of a journal: as they are, and with the numbers and sums of their lines made anew, so that what a mutation changes
//! inside a record gets past the checksums.

use std::cell::RefCell;
use std::fmt::Write as _;

use hss_sync::event::{Outcome, RunEvent};
use hss_sync::journal::{Journal, LineWriter, read};
use hss_sync::summary::RunSummary;
use sha2::{Digest as _, Sha256};

use crate::reports;
use crate::told::told;

/// A run with more operations is not folded: the header may state any number.
const MOST_OPERATIONS: usize = 10_000;
/// So many prefixes are read besides those that end with a line.
const CUTS: usize = 16;

/// # Panics
/// When an invariant breaks.
pub fn check(data: &[u8]) {
    check_bytes(data);
    let sealed = sealed(data);
    if sealed != data {
        check_bytes(&sealed);
    }
}

fn check_bytes(bytes: &[u8]) {
    let Ok(journal) = read(bytes) else { return };
    assert_eq!(journal.whole + journal.torn, bytes.len());
    assert!(bytes[..journal.whole].ends_with(b"\n"), "whole lines end");
    assert!(!bytes[journal.whole..].contains(&b'\n'), "a tail is one line");
    let (events, ids) = events(&journal);
    check_written(&journal, &events, &ids);
    check_prefixes(bytes, &journal, &events);
    check_summary(&journal, &events, ids.len());
    if let Some((run, events)) = told(&journal) {
        assert!(run.summary.is_conserved(), "{:?}", run.summary.counts);
        reports::of_run(&run, &events);
    }
}

/// The events with operations numbered as they appear, and their ids.
fn events(journal: &Journal) -> (Vec<RunEvent>, Vec<String>) {
    let ids = RefCell::new(Vec::<String>::new());
    let index = |id: &str| {
        let mut ids = ids.borrow_mut();
        let known = ids.iter().position(|known| known == id);
        Some(known.unwrap_or_else(|| {
            ids.push(id.to_owned());
            ids.len() - 1
        }))
    };
    let events = journal.events(index).expect("every id is known");
    (events, ids.into_inner())
}

/// What was read is written, and reads the same; written once more it is the same bytes.
fn check_written(journal: &Journal, events: &[RunEvent], ids: &[String]) {
    let write = |header, events: &[RunEvent]| {
        let (mut writer, mut out) = (LineWriter::new(), Vec::new());
        writer.header(header, &mut out);
        events.iter().for_each(|event| writer.event(event, |op| &ids[op], &mut out));
        out
    };
    let written = write(&journal.header, events);
    let again = read(&written).expect("our own");
    assert_eq!(again.header, journal.header);
    let (events_again, ids_again) = self::events(&again);
    assert_eq!(events_again, events);
    assert_eq!(ids_again, ids);
    assert_eq!((again.whole, again.torn), (written.len(), 0));
    assert_eq!(write(&again.header, &events_again), written);
}

/// Each prefix is refused, or is the run up to the last line break in it.
fn check_prefixes(bytes: &[u8], journal: &Journal, events: &[RunEvent]) {
    let lines = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    let step = bytes.len() / CUTS + 1;
    let lines: Vec<usize> = lines.collect();
    let near = lines.iter().rev().take(CUTS).flat_map(|end| [end - 1, *end]);
    for cut in near.chain((0..bytes.len()).step_by(step)).filter(|cut| *cut <= bytes.len()) {
        let Ok(prefix) = read(&bytes[..cut]) else { continue };
        let end = lines.iter().copied().filter(|end| *end <= cut).max().unwrap_or(0);
        assert_eq!((prefix.whole, prefix.torn), (end, cut - end), "cut at {cut}");
        assert_eq!(prefix.header, journal.header, "cut at {cut}");
        assert!(events.starts_with(&self::events(&prefix).0), "cut at {cut} it is another run");
    }
}

/// The law of conservation after each event, whatever the rules of a journal allow.
fn check_summary(journal: &Journal, events: &[RunEvent], seen: usize) {
    let planned = journal.header.planned;
    if planned > MOST_OPERATIONS || seen > planned {
        return;
    }
    let mut summary = RunSummary::new(planned);
    for event in events {
        summary.apply(event);
        let open = summary.operations.iter().filter(|operation| operation.outcome.is_none()).count();
        assert_eq!(summary.counts.planned, planned);
        assert_eq!(summary.counts.ended() + open, planned, "{event:?}");
    }
    for (name, count) in summary.counts.named() {
        let has = |outcome: &Option<Outcome>| outcome.as_ref().is_some_and(|outcome| outcome.as_str() == name);
        let found = summary.operations.iter().filter(|operation| has(&operation.outcome)).count();
        assert_eq!(found, count, "{name}");
    }
    let attempts: usize = summary.operations.iter().map(|operation| operation.attempts.len()).sum();
    assert_eq!(attempts, summary.attempts);
    assert!(summary.worked() <= summary.elapsed);
    let _ = (summary.causes(), summary.left_open(), summary.forecast_off());
}

/// The lines with their numbers and sums as they would have been written; what follows the last line break stays.
///
/// By `docs/journal.md` and not by the crate, so that the two are held to each other.
pub(crate) fn sealed(data: &[u8]) -> Vec<u8> {
    let (mut out, mut last) = (Vec::with_capacity(data.len()), String::new());
    for (number, line) in data.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let Some(line) = line.strip_suffix(b"\n") else {
            out.extend_from_slice(line);
            break;
        };
        let content = line.strip_suffix(b"}").unwrap_or(line);
        let sum = content.len().checked_sub(br#","sum":"0123456789abcdef""#.len());
        let content = match sum {
            Some(at) if content[at..].starts_with(br#","sum":""#) => &content[..at],
            _ => content,
        };
        let content = numbered(content, number);
        let hash = Sha256::new().chain_update(&last).chain_update(&content).finalize();
        last.clear();
        for byte in hash.iter().take(8) {
            write!(last, "{byte:02x}").expect("memory takes it");
        }
        out.extend_from_slice(&content);
        out.extend_from_slice(format!(",\"sum\":\"{last}\"}}\n").as_bytes());
    }
    out
}

/// A line with this number in place of its own.
fn numbered(line: &[u8], number: usize) -> Vec<u8> {
    const SEQ: &[u8] = br#","seq":"#;
    let Some(at) = line.windows(SEQ.len()).position(|window| window == SEQ) else { return line.to_vec() };
    let (before, after) = line.split_at(at + SEQ.len());
    let digits = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
    [before, number.to_string().as_bytes(), &after[digits..]].concat()
}
