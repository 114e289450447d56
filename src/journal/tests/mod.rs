//! What a journal looks like, that it comes back as it was written, and that nothing else does.

mod damage;
mod legal;
mod page;
mod properties;
mod schema;

use std::time::Duration;

use super::fixture::{events, full_header, header, id, index, journal, run_started, task};
use super::{LineWriter, read};
use crate::event::RunEvent;

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("journals are UTF-8")
}

#[test]
fn everything_comes_back_as_it_was_written() {
    for header in [header(), full_header()] {
        let bytes = journal(&header, &events());
        let journal = read(&bytes).expect("whole");
        assert_eq!((journal.whole, journal.torn), (bytes.len(), 0));
        let mut expected = vec![run_started(&header)];
        expected.extend(events());
        assert_eq!(journal.events(index).expect("known"), expected);
        assert_eq!(journal.header, header);
    }
}

#[test]
fn a_journal_that_was_read_goes_on_as_if_it_had_never_been_closed() {
    let all = events();
    let (header, at) = (header(), Duration::from_secs(9999));
    let mut bytes = journal(&header, &all);
    let mut writer = read(&bytes).expect("whole").writer;
    writer.event(&RunEvent::RunEnded { at }, id, &mut bytes);

    let mut whole = all;
    whole.push(RunEvent::RunEnded { at });
    assert_eq!(text(&bytes), text(&journal(&header, &whole)));
}

#[test]
fn the_start_of_the_run_is_the_header_and_no_line_of_its_own() {
    let mut out = Vec::new();
    LineWriter::new().event(&run_started(&header()), id, &mut out);
    assert_eq!(text(&out), "");
}

#[test]
fn how_far_a_task_is_is_kept_nowhere() {
    let found = RunEvent::TaskFound { op: 0, at: Duration::from_secs(9999), task: task("a"), early: false };
    let far = RunEvent::TaskProgressed { op: 0, at: Duration::from_secs(9999), percent: 45 };
    let unclear = RunEvent::TaskUnclear { op: 1, at: Duration::from_secs(9999), why: String::new() };
    let all = [found.clone(), far.clone(), far, unclear.clone()];
    assert_eq!(text(&journal(&header(), &all)), text(&journal(&header(), &[found, unclear])), "and takes no number");
}
