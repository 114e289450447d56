//! The attempts of a run over time, a row a region: a drawing of a fixed size, however many there are.
//!
//! Time is cut into [`BINS`] equal pieces. In each, what was accepted stands above the line and what wasn't hangs below it, so
//! that the drawing says the same without colours. The line itself is whole while the region was called and dotted
//! while it waited. The table below the drawing has the same in numbers.

use std::collections::HashMap;
use std::fmt::Write;
use std::time::Duration;

use serde::Serialize;

use super::data::result;
use super::{OUTCOMES, tiles};
use crate::event::{AttemptRecord, OpIndex};
use crate::expand::ExecutionPlan;
use crate::model::{format_duration, write_duration};
use crate::summary::RunSummary;

/// Pieces of time.
const BINS: usize = 180;
/// Regions that have a row of their own; the others share one.
const MOST_REGIONS: usize = 40;
/// Left edge of time, and its width, in units of the drawing.
const LEFT: f64 = 150.0;
const SPAN: f64 = 720.0;
/// Heights: of the axis, of a row, of what stands above its line at most, and of what hangs below it.
const AXIS: f64 = 20.0;
const ROW: f64 = 48.0;
const ABOVE: f64 = 26.0;
const BELOW: f64 = 16.0;
/// The shortest line, and the shortest gap between two.
const SEEN: f64 = 1.0;
/// Most labels of the time axis.
const MOST_TICKS: u128 = 8;

/// The drawing: what page.html needs of it.
#[derive(Debug, Serialize)]
pub(super) struct Timeline {
    height: f64,
    ticks: Vec<Tick>,
    rows: Vec<Row>,
    /// What the highest bar stands for.
    most: usize,
    /// How long one piece of time is.
    piece: String,
    outcomes: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
struct Tick {
    x: f64,
    label: String,
}

#[derive(Debug, Serialize)]
struct Row {
    name: String,
    /// Where its line is.
    y: f64,
    operations: usize,
    /// In the order of [`OUTCOMES`].
    outcomes: [usize; 6],
    calls: usize,
    throttled: usize,
    failed: usize,
    waited: String,
    longest_wait: String,
    /// Paths.
    accepted: String,
    throttling: String,
    failing: String,
    busy: String,
    waiting: String,
}

/// What is known of a region before it is drawn.
#[derive(Default)]
struct Region {
    name: String,
    operations: Vec<OpIndex>,
    /// In each piece of time, attempts by [`result`]; what had no clear answer counts as failed.
    bins: Vec<[usize; 3]>,
    /// When attempts were in flight.
    busy: Vec<(Duration, Duration)>,
}

/// Draws the attempts of a run.
pub(super) fn timeline(plan: &ExecutionPlan, summary: &RunSummary) -> Timeline {
    let whole = summary.elapsed.max(Duration::from_millis(1));
    let mut regions = regions(plan, summary, whole);
    let most = regions
        .iter()
        .flat_map(|region| &region.bins)
        .map(|[accepted, throttled, failed]| (*accepted).max(throttled + failed));
    let most = most.max().unwrap_or(0).max(1);
    let rows: Vec<Row> =
        regions.iter_mut().enumerate().map(|(index, region)| region.draw(index, most, whole, summary)).collect();
    Timeline {
        height: f64::from(u32::try_from(rows.len()).unwrap_or(0)) * ROW + AXIS,
        ticks: ticks(whole),
        rows,
        most,
        piece: format_duration(whole / u32::try_from(BINS).unwrap_or(1)),
        outcomes: OUTCOMES.iter().map(|outcome| outcome.shown).collect(),
    }
}

/// The regions in plan order.
fn regions(plan: &ExecutionPlan, summary: &RunSummary, whole: Duration) -> Vec<Region> {
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let mut regions: Vec<Region> = Vec::new();
    for (op, (operation, outcome)) in plan.operations.iter().zip(&summary.operations).enumerate() {
        let name = operation.target.region.as_str();
        let next = numbers.len();
        let index = (*numbers.entry(name).or_insert(next)).min(MOST_REGIONS);
        if index == regions.len() {
            regions.push(Region { name: name.to_owned(), bins: vec![[0; 3]; BINS], ..Region::default() });
        }
        let region = &mut regions[index];
        region.operations.push(op);
        for attempt in &outcome.attempts {
            region.add(attempt, whole);
        }
    }
    if numbers.len() > MOST_REGIONS {
        let more = numbers.len() - MOST_REGIONS;
        regions[MOST_REGIONS].name =
            if more == 1 { "1 more region".to_owned() } else { format!("{more} more regions") };
    }
    regions
}

impl Region {
    fn add(&mut self, attempt: &AttemptRecord, whole: Duration) {
        let bins = u128::try_from(BINS).unwrap_or(1);
        let bin = (attempt.started.as_nanos() * bins / whole.as_nanos()).min(bins - 1);
        self.bins[usize::try_from(bin).unwrap_or(0)][usize::from(result(attempt).min(2))] += 1;
        self.busy.push((attempt.started, attempt.started + attempt.duration));
    }

    fn draw(&mut self, index: usize, most: usize, whole: Duration, summary: &RunSummary) -> Row {
        let y = f64::from(u32::try_from(index).unwrap_or(0)) * ROW + AXIS + ABOVE + 4.0;
        let width = SPAN / number(BINS);
        let [mut accepted, mut throttling, mut failing] = [const { String::new() }; 3];
        for (bin, [good, throttled, failed]) in self.bins.iter().enumerate() {
            let x = LEFT + number(bin) * width;
            bar(&mut accepted, x, y - 1.5, width, -height(*good, most, ABOVE));
            let hanging = height(*failed, most, BELOW);
            bar(&mut failing, x, y + 1.5, width, hanging);
            bar(&mut throttling, x, y + 1.5 + hanging, width, height(*throttled, most, BELOW));
        }
        let waits = self.waits();
        // Short ones would run together to one long one.
        let shortest = whole.as_secs_f64() * SEEN / SPAN;
        let seen = |(start, end): &&(Duration, Duration)| (*end - *start).as_secs_f64() >= shortest;
        let seen: Vec<_> = waits.iter().filter(seen).copied().collect();
        let lengths = || waits.iter().map(|(start, end)| end.saturating_sub(*start));
        let part = summary.part(self.operations.iter().copied());
        Row {
            name: self.name.clone(),
            y,
            operations: part.counts.planned,
            outcomes: tiles(&part.counts).map(|tile| tile.count),
            calls: part.attempts,
            throttled: part.throttled,
            failed: self.bins.iter().map(|[_, _, failed]| failed).sum(),
            waited: format_duration(lengths().sum()),
            longest_wait: format_duration(lengths().max().unwrap_or_default()),
            accepted,
            throttling,
            failing,
            busy: lines(&self.busy, whole, y),
            waiting: lines(&seen, whole, y),
        }
    }

    /// The times before the last attempt in which none was in flight. Leaves `busy` as the times between them.
    fn waits(&mut self) -> Vec<(Duration, Duration)> {
        self.busy.sort_unstable();
        let mut merged: Vec<(Duration, Duration)> = Vec::new();
        let mut waits = Vec::new();
        for (start, end) in self.busy.drain(..) {
            let reached = merged.last().map_or(Duration::ZERO, |(_, reached)| *reached);
            match merged.last_mut() {
                Some((_, reached)) if start <= *reached => *reached = (*reached).max(end),
                _ => {
                    if start > reached {
                        waits.push((reached, start));
                    }
                    merged.push((start, end));
                }
            }
        }
        self.busy = merged;
        waits
    }
}

/// A bar from (x, y), upward if its height is below zero; nothing for none.
fn bar(path: &mut String, x: f64, y: f64, width: f64, height: f64) {
    if height != 0.0 {
        let width = width - 0.5;
        // Writing into memory has no way to fail.
        let _ = write!(path, "M{x:.1} {y:.1}h{width:.1}v{height:.1}h-{width:.1}z");
    }
}

/// Lines at `y` for times in order. What is closer together than can be seen is one line, and each can be seen.
fn lines(times: &[(Duration, Duration)], whole: Duration, y: f64) -> String {
    let mut drawn: Vec<(f64, f64)> = Vec::new();
    for (start, end) in times {
        let from = x(*start, whole);
        let to = x(*end, whole).max(from + SEEN);
        match drawn.last_mut() {
            Some((_, reached)) if from < *reached + SEEN => *reached = to.max(*reached),
            _ => drawn.push((from, to)),
        }
    }
    let mut path = String::new();
    for (from, to) in drawn {
        let _ = write!(path, "M{from:.1} {y}H{to:.1}");
    }
    path
}

/// Where a time is.
fn x(time: Duration, whole: Duration) -> f64 {
    LEFT + SPAN * (time.as_secs_f64() / whole.as_secs_f64()).min(1.0)
}

/// The height of a bar: never so low that it can't be seen.
fn height(count: usize, most: usize, highest: f64) -> f64 {
    if count == 0 { 0.0 } else { (highest * number(count) / number(most)).max(3.0) }
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Round times for the axis, from zero on.
fn ticks(whole: Duration) -> Vec<Tick> {
    const MINUTE: u64 = 60_000;
    const HOUR: u64 = 60 * MINUTE;
    #[rustfmt::skip] // read as a list of numbers
    const STEPS: [u64; 26] = [
        1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000,
        MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE,
        HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR,
    ];
    let millis = whole.as_millis();
    let day = u128::from(24 * HOUR);
    let fits = STEPS.iter().map(|step| u128::from(*step)).find(|step| millis / step < MOST_TICKS);
    let step = fits.unwrap_or_else(|| day * (millis / day / MOST_TICKS + 1));
    let tick = |time: u128| {
        let time = Duration::from_millis(u64::try_from(time).unwrap_or(u64::MAX));
        let label = match step {
            _ if time.is_zero() => "0".to_owned(),
            ..1000 => write_duration(time),
            _ => format_duration(time),
        };
        Tick { x: x(time, whole), label }
    };
    (0..MOST_TICKS).map(|index| index * step).take_while(|time| *time <= millis).map(tick).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::FailureKind;
    use crate::report::fixture::{SMALL, planned};

    /// Attempts of the fixture's operations, by operation, as seconds from and to, and whether they failed.
    fn summary(elapsed: u64, attempts: &[(usize, u64, u64, bool)]) -> RunSummary {
        let mut summary = RunSummary::new(3);
        summary.elapsed = Duration::from_secs(elapsed);
        for (op, from, to, failed) in attempts {
            summary.operations[*op].attempts.push(AttemptRecord {
                started: Duration::from_secs(*from),
                duration: Duration::from_secs(to - from),
                status: None,
                error_code: None,
                error_message: None,
                request_id: None,
                throttled: false,
                kind: failed.then_some(FailureKind::Refused),
            });
        }
        summary
    }

    #[test]
    fn waits_are_the_times_without_a_call_before_the_last() {
        let (plan, _) = planned(&[("plans/fleet.yaml", SMALL)]);
        // Operations 0 and 2 are of one region; the second call lies in the first, and the third begins before the first ends.
        let calls = [(0, 10, 30, false), (2, 12, 14, true), (2, 29, 40, false), (0, 100, 101, false), (1, 0, 5, false)];
        let drawn = timeline(&plan, &summary(360, &calls));
        let [north, west] = &drawn.rows[..] else { panic!("two regions: {drawn:?}") };
        assert_eq!((north.name.as_str(), north.calls, north.failed, north.operations), ("cn-north-4", 4, 1, 2));
        assert_eq!((north.waited.as_str(), north.longest_wait.as_str()), ("1 min 10 s", "1 min 00 s"));
        assert_eq!((west.waited.as_str(), west.calls, west.failed), ("0.0 s", 1, 0));
        assert_eq!(north.busy, "M170.0 50H230.0M350.0 50H352.0");
        assert_eq!(north.waiting, "M150.0 50H170.0M230.0 50H350.0");
        assert_eq!(west.waiting, "");
        assert_eq!(drawn.ticks.iter().map(|tick| tick.label.as_str()).collect::<Vec<_>>()[..2], ["0", "1 min 00 s"]);
    }

    #[test]
    fn what_was_accepted_stands_above_the_line_and_the_rest_hangs_below() {
        let (plan, _) = planned(&[("plans/fleet.yaml", SMALL)]);
        let drawn = timeline(&plan, &summary(180, &[(0, 0, 1, false), (0, 0, 1, false), (0, 0, 1, true)]));
        let row = &drawn.rows[0];
        assert_eq!(drawn.most, 2);
        assert_eq!(row.accepted, "M150.0 48.5h3.5v-26.0h-3.5z");
        assert_eq!(row.failing, "M150.0 51.5h3.5v8.0h-3.5z");
        assert_eq!((row.throttling.as_str(), drawn.rows[1].accepted.as_str()), ("", ""));
    }

    #[test]
    fn the_axis_has_a_few_round_labels_however_long_the_run() {
        for millis in [1, 7, 90, 999, 2_700, 61_000, 3_600_000, 86_400_000, 30 * 86_400_000, 365 * 86_400_000] {
            let drawn = ticks(Duration::from_millis(millis));
            assert!((2..=8).contains(&drawn.len()), "{millis} ms: {drawn:?}");
            assert!(drawn.iter().all(|tick| (LEFT..=LEFT + SPAN).contains(&tick.x)), "{millis} ms: {drawn:?}");
            let rises = |two: &[Tick]| two[0].x < two[1].x && two[0].label != two[1].label;
            assert!(drawn.windows(2).all(rises), "{millis} ms: {drawn:?}");
            assert!(drawn.last().is_some_and(|tick| tick.x >= LEFT + SPAN / 2.0), "{millis} ms: {drawn:?}");
        }
    }

    #[test]
    fn regions_beyond_the_fortieth_share_a_row() {
        let regions: Vec<String> = (0..45).map(|number| format!("r-{number}: p{number}")).collect();
        let text = SMALL.replace("eu-west-101: search-eu", &regions.join(", "));
        let (plan, _) = planned(&[("plans/fleet.yaml", &text)]);
        let drawn = timeline(&plan, &RunSummary::new(plan.operations.len()));
        let last = drawn.rows.last().expect("rows");
        assert_eq!((drawn.rows.len(), last.name.as_str(), last.operations), (41, "6 more regions", 6));
        assert_eq!(drawn.rows.iter().map(|row| row.operations).sum::<usize>(), plan.operations.len());
    }
}
