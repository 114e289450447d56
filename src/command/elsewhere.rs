//! What other runs of the state directory sent, as far as it still counts against the quota of this one.
//!
//! The service counts calls, not runs: what another one sent a moment ago stands in the same window. Its journal says when that
//! was. A journal that can't be read is left out, and said with `-v`: it is no reason to send nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::Context;
use super::recorded::{Shelf, Story};
use crate::diagnostic::visible;
use crate::expand::ExecutionPlan;
use crate::io::clock::RunClock;
use crate::io::journal_file::{Glance, glance, has_ended, peek};
use crate::io::state_dir::{RunDir, StateDir};
use crate::journal;
use crate::model::{Shard, signed};
use crate::run::port::Clock;
use crate::schedule::{CallElsewhere, History, share_quota};

/// No larger journal is read: one of far more than 100,000 operations.
const MOST_BYTES: u64 = 256 << 20;

/// How coarse the times of files are on some file systems.
const COARSE: Duration = Duration::from_secs(2);

/// One moment on the wall, and on the clock of a run.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    pub(super) wall: Timestamp,
    pub(super) run: Duration,
}

impl Moment {
    /// What a run's clock shows.
    pub(super) fn on(clock: &RunClock) -> Self {
        Self { wall: clock.wall(), run: clock.now() }
    }
}

/// Where other runs are found, and whose they are not.
pub(super) struct OtherRuns<'a> {
    pub(super) context: &'a Context,
    pub(super) state: &'a StateDir,
    /// This run.
    pub(super) own: &'a RunDir,
    /// The part of a plan that this run sends; the other parts have a quota of their own.
    pub(super) shard: Option<Shard>,
    /// Its service is an embedded simulator, which nobody else has sent anything.
    pub(super) simulated: bool,
}

/// What other runs sent.
#[derive(Default)]
pub(super) struct Elsewhere {
    pub(super) calls: Vec<CallElsewhere>,
    runs: Vec<OtherRun>,
}

/// What was read already.
struct Known {
    shelf: Shelf,
    /// Ids, with that of this run.
    runs: BTreeSet<String>,
}

struct OtherRun {
    name: String,
    calls: usize,
    /// Another process goes on with it, and draws on the same quota.
    goes_on: bool,
}

impl OtherRuns<'_> {
    /// What still counts against the quota of `plan` now.
    pub(super) fn still_counting(&self, plan: &ExecutionPlan, now: Moment) -> Elsewhere {
        let mut elsewhere = Elsewhere::default();
        if self.simulated {
            return elsewhere;
        }
        let longest = plan.plans.iter().map(|file| file.limits.quota.per).max().unwrap_or_default();
        let since = |span: Duration| now.wall.saturating_sub(longest.saturating_add(span)).unwrap_or(Timestamp::MIN);
        let (recent, not_ended) = (since(COARSE), since(CallElsewhere::LONGEST_AHEAD));
        let listed = self.state.list().unwrap_or_default();
        let recent = listed.iter().filter_map(|run| {
            let written = run.last_written()?;
            let may_count = written >= recent || (written >= not_ended && !has_ended(run.path()));
            may_count.then_some((run, written))
        });
        let mut known = Known { shelf: Shelf::default(), runs: BTreeSet::from([self.own.name()]) };
        for (run, written) in recent {
            match self.of_run(run, written, &mut known, plan, now) {
                Ok(Some((calls, goes_on))) if goes_on || !calls.is_empty() => {
                    elsewhere.runs.push(OtherRun { name: run.name(), calls: calls.len(), goes_on });
                    elsewhere.calls.extend(calls);
                }
                Ok(_) => {}
                Err(why) => self.context.console.detail(&format!(
                    "what run {} sent is not counted: {}",
                    visible(&run.name()),
                    visible(&why)
                )),
            }
        }
        elsewhere
    }

    /// The calls of one run that count, and whether it goes on; none of a run that is no other one, or shares nothing.
    fn of_run(
        &self,
        run: &RunDir,
        written: Timestamp,
        known: &mut Known,
        plan: &ExecutionPlan,
        now: Moment,
    ) -> Result<Option<(Vec<CallElsewhere>, bool)>, String> {
        run.check_ours().map_err(|error| error.to_string())?;
        // Nobody holds a journal that has ended, and asking could get in the way of whoever is about to resume it.
        let look = if has_ended(run.path()) { peek } else { glance };
        let Glance { bytes, locked } = look(run.path(), MOST_BYTES).map_err(|error| error.to_string())?;
        let journal = journal::read(&bytes).map_err(|error| error.to_string())?;
        let header = &journal.header;
        // What is simulated reaches no service, and a copy of a run is that run.
        if header.invocation.simulated.is_some() || !known.runs.insert(header.run.to_string()) {
            return Ok(None);
        }
        let planned = known.shelf.planned(header).map_err(|_| "its plans can't be read by this version".to_owned())?;
        let is_other_part = |(own, other): (Shard, Shard)| own.count() == other.count() && own != other;
        if header.digest == plan.digest && self.shard.zip(planned.shard).is_some_and(is_other_part) {
            return Ok(None);
        }
        let story = Story::of(&journal, &planned.plan).map_err(|error| error.to_string())?;
        let zero = zero(&story, written, now.wall).duration_since(now.wall).saturating_add(signed(now.run));
        let calls = CallElsewhere::of_run(&planned.plan, &story.events, zero);
        let goes_on = locked && share_quota(plan, &planned.plan);
        Ok(Some((CallElsewhere::still_counting(calls, plan, now.run), goes_on)))
    }
}

/// What the wall clock showed when the clock of a run stood at zero, at the latest. The clock of a run stands still while it is
/// stopped or the machine sleeps; that its journal was written after its last event makes that good. Nothing in it lies ahead,
/// whatever a clock that was set says.
fn zero(story: &Story, written: Timestamp, now: Timestamp) -> Timestamp {
    let before = |time: Timestamp, span: Duration| time.saturating_sub(span).unwrap_or(time);
    let (wall, at) = story.session_began();
    before(wall, at).max(before(written, story.elapsed())).min(before(now, story.elapsed()))
}

impl Elsewhere {
    /// What a run has behind it, with this.
    pub(super) fn beside(&self, own: History) -> History {
        History { elsewhere: self.calls.clone(), ..own }
    }

    /// Says what this run waits for because of others.
    pub(super) fn tell(&self, context: &Context) {
        let counting: Vec<&OtherRun> = self.runs.iter().filter(|run| run.calls > 0).collect();
        let whose = match counting.as_slice() {
            [run] => format!("run {}", visible(&run.name)),
            runs => format!("{} other runs", runs.len()),
        };
        match counting.iter().map(|run| run.calls).sum::<usize>() {
            0 => {}
            1 => context.console.info(&format!("1 call of {whose} still counts against the quota")),
            calls => context.console.info(&format!("{calls} calls of {whose} still count against the quota")),
        }
        for run in self.runs.iter().filter(|run| run.goes_on) {
            context.console.info(&format!(
                "warning: run {} goes on at the same time with the same quota, and what it sends from now on is not counted \
                 here, so that the service may refuse calls of both; wait for its end, or give each a part of the quota with \
                 --quota",
                visible(&run.name)
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::RunEvent;
    use crate::model::RunId;
    use crate::summary::RunSummary;

    /// On the wall, in seconds.
    fn wall(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    /// A run that began at 1000 s on the wall, and if it was resumed that was so many seconds later on its own clock and on the wall;
    /// its last event was at `last` on its own clock.
    fn story(resumed: Option<(u64, i64)>, last: u64) -> Story {
        let run = RunId::parse("20261124-080000-7f3a").expect("legal");
        let mut events =
            vec![RunEvent::RunStarted { run, started_at: wall(1000), planned: 0, forecast: Duration::ZERO }];
        events.extend(resumed.map(|(at, later)| RunEvent::RunResumed {
            at: Duration::from_secs(at),
            resumed_at: wall(1000 + later),
            forecast: Duration::ZERO,
        }));
        events.push(RunEvent::RunEnded { at: Duration::from_secs(last) });
        let mut summary = RunSummary::new(0);
        events.iter().for_each(|event| summary.apply(event));
        Story { events, summary }
    }

    #[test]
    fn the_clock_of_another_run_is_read_as_late_as_it_can_have_been() {
        for (resumed, last, written, now, zero) in [
            (None, 60, 1060, 2000, 1000),
            // It was stopped for ten minutes, or the machine slept.
            (None, 60, 1660, 2000, 1600),
            // Its last line says more than a file system that rounds.
            (None, 60, 1059, 2000, 1000),
            // It was resumed after an hour, of which its clock saw half.
            (Some((1800, 3600)), 1860, 4660, 5000, 2800),
            // The machine's clock was set back since, or the file server's is ahead.
            (None, 60, 9060, 2000, 1940),
            (None, 60, 1060, 500, 440),
        ] {
            let found = super::zero(&story(resumed, last), wall(written), wall(now));
            assert_eq!(found, wall(zero), "{resumed:?} {last} {written} {now}");
        }
    }
}
