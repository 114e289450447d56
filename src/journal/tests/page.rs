//! `docs/journal.md` shows a journal as it is written, and has each message.

use std::time::Duration;

use crate::event::{AttemptRecord, Outcome, RunEvent};
use crate::journal::fixture::accepted;
use crate::journal::{
    Damage, DamagedJournal, Header, Impossible, Invocation, LineWriter, Phase, RecordedPlan, RecordedSource, read,
};
use crate::model::{PlanDigest, RunId};

const PAGE: &str = include_str!("../../../docs/journal.md");

const PLAN: &str = "\
version: 1
name: nightly
registry_sets: { all: { sync_all_registries: true } }
projects:
- { name: pay, project_ids: { cn-north-4: 0a1b2c3d4e5f6071, eu-west-101: 1b2c3d4e5f60718a }, registry_sets: [all] }
";

/// What `plan --format json` says of [`PLAN`].
const DIGEST: &str = "sha256:50ad8e228184b4ac9212b9067c0cc902cee5ca819309f3c534cd16f514f46fa5";
const IDS: [&str; 2] = ["pay/cn-north-4/0/eea1f6e0", "pay/eu-west-101/0/6eefb5f8"];

/// A run of [`PLAN`] that was killed while its second operation was in flight.
fn example() -> String {
    let digest = PlanDigest::parse(DIGEST).expect("legal");
    let (path, us) = ("nightly.yaml".to_owned(), Duration::from_micros);
    let header = Header {
        run: RunId::parse("20261124-080000-7f3a").expect("legal"),
        tool: "0.1.0".to_owned(),
        started_at: "2026-11-24T08:00:00.481203Z".parse().expect("legal"),
        forecast: Duration::from_millis(500),
        planned: 2,
        digest: digest.clone(),
        plans: vec![RecordedPlan { path: path.clone(), name: "nightly".to_owned(), digest }],
        invocation: Invocation { plans: vec![path.clone()], ..Invocation::default() },
        sources: vec![RecordedSource { path, text: PLAN.to_owned() }],
        resolved: Vec::new(),
    };
    let record = AttemptRecord { duration: us(248_313), ..accepted(us(1_872)) };
    let (mut writer, mut out) = (LineWriter::new(), Vec::new());
    writer.header(&header, &mut out);
    for event in [
        RunEvent::WaveStarted { plan: 0, wave: 0, at: us(118) },
        RunEvent::AttemptStarted { op: 0, attempt: 1, at: us(118) },
        RunEvent::AttemptEnded { op: 0, attempt: 1, at: us(250_204), record, retry_at: None, closed_until: None },
        RunEvent::OperationEnded { op: 0, at: us(250_204), outcome: Outcome::Accepted },
        RunEvent::AttemptStarted { op: 1, attempt: 1, at: us(250_204) },
    ] {
        writer.event(&event, |op| IDS[op], &mut out);
    }
    String::from_utf8(out).expect("UTF-8")
}

#[test]
fn the_example_is_a_journal_as_it_is_written() {
    let shown = PAGE.split("```json\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    assert_eq!(shown, example());
    assert!(read(shown.as_bytes()).is_ok());
}

#[test]
fn each_message_is_explained() {
    let (message, number) =
        (|damage: Damage| damage.to_string(), |expected, found| Damage::WrongNumber { expected, found });
    for message in [
        message(Damage::NoHeader),
        message(Damage::NoSource),
        message(Damage::NoResolution),
        message(Damage::NoSum),
        message(Damage::WrongSum),
        message(number(1, 2)),
        message(number(2, 1)),
        message(Damage::NoLineBreak),
        message(Damage::Malformed("…".to_owned())),
        message(Damage::Impossible(Impossible::EndsWhile(Phase::Open))),
        DamagedJournal::NothingAnnounced.to_string(),
        DamagedJournal::OtherVersion { version: 2 }.to_string(),
        DamagedJournal::UnknownOperation { line: 3, id: "…".to_owned() }.to_string(),
        DamagedJournal::UnknownWave { line: 3, plan: 0, wave: 5 }.to_string(),
    ] {
        // The page has `N` for numbers, one kind of quotes inside its own, and not always the advice.
        let shown: String = message.chars().map(|c| if c.is_ascii_digit() { 'N' } else { c }).collect();
        let shown = shown.replace('`', "'");
        let shown = shown.trim_start_matches("line N of the journal ");
        let sentence = shown.split(": start ").next().and_then(|text| text.split(": go on").next()).unwrap_or(shown);
        let sentence = sentence.split(". Go on").next().unwrap_or(sentence);
        assert!(PAGE.contains(&format!("`{sentence}`")), "{sentence}");
    }
}
