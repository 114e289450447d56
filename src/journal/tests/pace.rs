//! What a line costs. Prints and asserts nothing; run it with `--release`, `--ignored` and `--nocapture`.
//!
//! Measured: 0.3 µs to write an announcement and 0.6 µs an answer; all of this, with 300,000 lines, takes 0.7 s of CPU time.

#![expect(clippy::disallowed_methods, reason = "measures")]

use std::time::{Duration, Instant};

use crate::event::{Outcome, RunEvent};
use crate::journal::fixture::{accepted, header};
use crate::journal::{LineWriter, read};

const OPERATIONS: usize = 100_000;

#[test]
#[ignore = "measures"]
fn the_cost_of_a_line() {
    let at = Duration::from_millis(1234);
    let ids: Vec<String> = (0..OPERATIONS).map(|op| format!("payments-{op}/cn-north-4/0/default/5f9f0c8e")).collect();
    let (mut writer, mut out) = (LineWriter::new(), Vec::with_capacity(100 << 20));
    writer.header(&header(), &mut out);
    let kinds: [fn(usize, Duration) -> RunEvent; 3] = [
        |op, at| RunEvent::AttemptStarted { op, attempt: 1, at },
        |op, at| RunEvent::AttemptEnded { op, attempt: 1, at, record: accepted(at), retry_at: None },
        |op, at| RunEvent::OperationEnded { op, at, outcome: Outcome::Accepted },
    ];
    for kind in kinds {
        let events: Vec<RunEvent> = (0..OPERATIONS).map(|op| kind(op, at)).collect();
        let begin = Instant::now();
        for event in &events {
            writer.event(event, |op| &ids[op], &mut out);
        }
        println!("written: {:?} a line", begin.elapsed() / 100_000);
    }
    let begin = Instant::now();
    let journal = read(&out).expect("whole");
    println!("read: {:?} for {} MiB", begin.elapsed(), out.len() >> 20);
    let begin = Instant::now();
    let events = journal.events(|id| id[9..].split('/').next()?.parse().ok()).expect("known");
    println!("events: {:?} for {} events", begin.elapsed(), events.len());
}
