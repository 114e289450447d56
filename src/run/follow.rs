//! Reads the service's tasks for [`crate::follow`], which decides what is read next and what that proves.
//!
//! One state machine for each list; all go on side by side, and whoever reads behind the port keeps their calls inside the
//! quota. Nobody waits here without being woken by the interrupt or by the end of the time.

use futures::StreamExt;
use futures::future::LocalBoxFuture;
use futures::stream::FuturesUnordered;
use tokio_util::sync::CancellationToken;

use super::drive::Alarm;
use super::port::{Clock, TaskList, Waiting};
use crate::event::RunEvent;
use crate::expand::ExecutionPlan;
use crate::follow::{Aim, Arrived, Cut, Now, Place, Step, places};
use crate::summary::RunSummary;

/// Finds the tasks of requests and follows them, outside of a run's own session: what is unknown is looked up before a resumed
/// run sends anything.
///
/// `summary` is what is known up to now; `emit` gets each event as it happens, and applies it. Exactly one of `TaskEnded` and
/// `TaskUnclear` comes for each operation that is followed to the end, one of `TaskFound` and `TaskUnclear` for one that is
/// looked up. With `stop` everything ends at once.
pub async fn follow(
    plan: &ExecutionPlan,
    summary: &RunSummary,
    aim: Aim,
    tasks: &impl TaskList,
    clock: &impl Clock,
    stop: &CancellationToken,
    emit: &mut dyn FnMut(RunEvent),
) {
    let mut follower = Follower::new(plan, summary, aim, tasks, clock);
    while let Some(events) = follower.next(stop).await {
        events.into_iter().for_each(&mut *emit);
    }
}

/// All lists that are read.
pub(super) struct Follower<'a, W, C> {
    places: Vec<Place>,
    /// What each place is at, with its index. A place that is not over has exactly one.
    work: FuturesUnordered<LocalBoxFuture<'a, (usize, Arrived)>>,
    tasks: &'a W,
    clock: &'a C,
    until: Alarm<'a>,
    /// Events that nobody has taken.
    events: Vec<RunEvent>,
}

impl<'a, W: TaskList, C: Clock> Follower<'a, W, C> {
    pub(super) fn new(plan: &ExecutionPlan, summary: &RunSummary, aim: Aim, tasks: &'a W, clock: &'a C) -> Self {
        let mut until = Alarm::default();
        let (Aim::LookUp { until: end } | Aim::ToTheEnd { until: end }) = aim;
        until.set(end, clock);
        let (places, events) = places(plan, summary, aim, now(clock));
        let mut follower = Self { places, work: FuturesUnordered::new(), tasks, clock, until, events };
        (0..follower.places.len()).for_each(|place| follower.set_to_work(place));
        follower
    }

    /// What happened next; none when everything is over. Nothing is lost when it is dropped and called again.
    pub(super) async fn next(&mut self, stop: &CancellationToken) -> Option<Vec<RunEvent>> {
        while self.events.is_empty() {
            let cut = tokio::select! {
                biased;
                () = stop.cancelled(), if !self.work.is_empty() => Some(Cut::Interrupted),
                () = self.until.rings(), if !self.work.is_empty() => Some(Cut::TimeOver),
                arrived = self.work.next() => {
                    let (place, arrived) = arrived?;
                    self.places[place].take(now(self.clock), arrived, &mut self.events);
                    self.set_to_work(place);
                    None
                }
            };
            if let Some(cut) = cut {
                self.cut(cut);
            }
        }
        Some(std::mem::take(&mut self.events))
    }

    /// Ends everything: each operation that is still followed is unclear. What is being read is let go, it changes nothing.
    pub(super) fn cut(&mut self, cut: Cut) {
        self.work.clear();
        let now = now(self.clock);
        self.places.iter_mut().for_each(|place| place.cut(now, cut, &mut self.events));
    }

    /// What is waited for.
    pub(super) fn waiting(&self) -> Waiting {
        let operations = self.places.iter().map(Place::open).sum();
        let steps = || self.places.iter().map(Place::step);
        let reads = steps().any(|step| matches!(step, Step::List { .. } | Step::Registries { .. }));
        let next = steps().filter_map(|step| match step {
            Step::WaitUntil(at) => Some(at),
            _ => None,
        });
        let until = next.min().filter(|_| !reads);
        let what = match until {
            Some(_) => "tasks to end",
            None => "reading the service's lists of tasks",
        };
        let what = what.to_owned();
        Waiting { until, what, operations }
    }

    fn set_to_work(&mut self, index: usize) {
        let (tasks, clock) = (self.tasks, self.clock);
        let place = &self.places[index];
        let work: LocalBoxFuture<'a, Arrived> = match place.step() {
            Step::Over => return,
            Step::WaitUntil(at) => Box::pin(async move {
                clock.sleep_until(at).await;
                Arrived::Woken
            }),
            Step::List { offset } => {
                let listing = place.listing().clone();
                Box::pin(async move { Arrived::List(tasks.tasks(&listing, offset).await) })
            }
            Step::Registries { task, offset } => {
                let listing = place.listing().clone();
                Box::pin(async move { Arrived::Registries(tasks.task_registries(&listing, &task, offset).await) })
            }
        };
        self.work.push(Box::pin(async move { (index, work.await) }));
    }
}

fn now(clock: &impl Clock) -> Now {
    Now { run: clock.now(), wall: clock.wall() }
}
