//! For any run: it comes back exactly, cut off anywhere it is torn and never damaged, changed anywhere it is refused.

use std::ops::Range;

use proptest::prelude::*;

use super::legal::{any_header, any_run};
use crate::event::Outcome;
use crate::journal::fixture::{IDS, events, header, index, journal, run_started};
use crate::journal::{DamagedJournal, read};
use crate::summary::RunSummary;

/// Where each line stands, with its line break.
fn lines(journal: &[u8]) -> Vec<Range<usize>> {
    let mut start = 0;
    let line = |line: &[u8]| {
        start += line.len();
        start - line.len()..start
    };
    journal.split_inclusive(|byte| *byte == b'\n').map(line).collect()
}

/// The journal with its lines in this order.
fn arranged(journal: &[u8], order: &[Range<usize>]) -> Vec<u8> {
    order.iter().flat_map(|line| &journal[line.clone()]).copied().collect()
}

/// Holds a journal that was cut off at `cut`, with `after` behind that, to the whole one.
fn check_torn(whole: &[u8], announced: usize, cut: usize, after: &[u8]) -> Result<(), TestCaseError> {
    let mut torn = whole[..cut].to_vec();
    torn.extend_from_slice(after);
    let result = read(&torn);
    let expected = lines(whole).iter().map(|line| line.end).filter(|end| *end <= cut).max().unwrap_or(0);
    if expected < announced {
        prop_assert_eq!(result.err(), Some(DamagedJournal::NothingAnnounced), "cut at {}", cut);
        return Ok(());
    }
    let result = result.map_err(|error| TestCaseError::fail(format!("cut at {cut}: {error}")))?;
    prop_assert_eq!((result.whole, result.torn), (expected, torn.len() - expected), "cut at {}", cut);
    let rest = read(&whole[..expected]).expect("whole lines are a journal");
    prop_assert_eq!(result.events(index), rest.events(index));
    prop_assert_eq!(result.writer, rest.writer);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn any_run_comes_back_exactly(header in any_header(), events in any_run()) {
        let bytes = journal(&header, &events);
        let journal = read(&bytes).expect("legal");
        let mut expected = vec![run_started(&header)];
        expected.extend(events);
        prop_assert_eq!(journal.events(index).expect("known"), expected);
        prop_assert_eq!(journal.header, header);
    }

    /// The law of conservation at each moment of whatever the rules allow.
    #[test]
    fn any_run_adds_up(events in any_run()) {
        let mut summary = RunSummary::new(IDS.len());
        for event in events {
            summary.apply(&event);
            let (mut open, mut confirmed) = (0, 0);
            for operation in &summary.operations {
                open += usize::from(operation.outcome.is_none());
                confirmed += usize::from(operation.outcome == Some(Outcome::Confirmed));
                prop_assert!(operation.outcome != Some(Outcome::Confirmed) || operation.task.is_some());
            }
            prop_assert_eq!(summary.counts.ended() + open, IDS.len(), "{:?}", &event);
            prop_assert_eq!(summary.counts.confirmed, confirmed);
        }
    }

    #[test]
    fn any_run_can_be_cut_off_anywhere(header in any_header(), events in any_run(), cut: prop::sample::Index) {
        let whole = journal(&header, &events);
        let announced = lines(&whole)[header.sources.len() + header.resolved.len()].end;
        let cut = cut.index(whole.len() + 1);
        check_torn(&whole, announced, cut, b"")?;
        check_torn(&whole, announced, cut, &[0; 4096])?;
    }

    #[test]
    fn any_run_with_any_other_byte_in_it_is_refused(
        header in any_header(), events in any_run(), place: prop::sample::Index, change in 1..=255_u8,
    ) {
        let mut bytes = journal(&header, &events);
        let place = place.index(bytes.len());
        bytes[place] ^= change;
        // A zero in place of the last line break is what a file system may leave of an unfinished line.
        prop_assume!(bytes.last() != Some(&0));
        prop_assert!(read(&bytes).is_err());
    }

    #[test]
    fn any_lines_in_another_order_are_refused(
        header in any_header(),
        events in any_run(),
        order in prop::collection::vec(any::<prop::sample::Index>(), 1..50),
    ) {
        let bytes = journal(&header, &events);
        let lines = lines(&bytes);
        let order: Vec<_> = order.iter().map(|index| lines[index.index(lines.len())].clone()).collect();
        prop_assume!(!lines.starts_with(&order));
        prop_assert!(read(&arranged(&bytes, &order)).is_err());
    }

    #[test]
    fn any_bytes_are_no_journal_and_no_panic(bytes: Vec<u8>, cut: prop::sample::Index) {
        prop_assert!(read(&bytes).is_err());
        let mut whole = journal(&header(), &events());
        whole.truncate(cut.index(whole.len()));
        whole.extend(bytes);
        let _ = read(&whole);
    }
}

#[test]
fn a_journal_can_be_cut_off_at_each_byte() {
    let whole = journal(&header(), &events()[..4]);
    let announced = lines(&whole)[1].end;
    for cut in 0..=whole.len() {
        for after in [&b""[..], &[0; 64]] {
            check_torn(&whole, announced, cut, after).expect("torn and nothing else");
        }
    }
}

#[test]
fn each_bit_is_held() {
    let whole = journal(&header(), &events()[..4]);
    for place in 0..whole.len() {
        for bit in 0..8 {
            let mut changed = whole.clone();
            changed[place] ^= 1 << bit;
            assert!(read(&changed).is_err(), "bit {bit} of byte {place}");
        }
    }
}

#[test]
fn a_line_less_a_line_more_and_two_lines_swapped_are_refused() {
    let whole = journal(&header(), &events());
    let lines = lines(&whole);
    for at in 0..lines.len() - 1 {
        let (mut less, mut more, mut swapped) = (lines.clone(), lines.clone(), lines.clone());
        less.remove(at);
        more.insert(at, lines[at].clone());
        swapped.swap(at, at + 1);
        for order in [less, more, swapped] {
            assert!(read(&arranged(&whole, &order)).is_err(), "line {}", at + 1);
        }
    }
    let mut repeated = lines.clone();
    repeated.extend(lines.last().cloned());
    assert!(read(&arranged(&whole, &repeated)).is_err(), "the last line a second time");
}

#[test]
fn a_line_of_another_run_is_refused_where_it_would_fit() {
    let whole = journal(&header(), &events());
    let other = journal(&crate::journal::Header { planned: 9, ..header() }, &events());
    for (ours, theirs) in lines(&whole).into_iter().zip(lines(&other)) {
        let mut mixed = whole[..ours.start].to_vec();
        mixed.extend_from_slice(&other[theirs]);
        mixed.extend_from_slice(&whole[ours.end..]);
        assert!(read(&mixed).is_err(), "byte {}", ours.start);
    }
}
