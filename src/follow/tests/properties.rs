//! Worlds in which the assumptions of `docs/tasks.md` hold, and in which no link may be wrong.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;
use proptest::prelude::*;

use super::world::{EVERY, Run, Sent, Story, Task, World, s, tell};
use crate::event::{FailureKind, OpIndex, Outcome, RunEvent};
use crate::follow::{Aim, SyncStatus, TaskStatus};
use crate::model::TaskId;

/// Registries of a project, so few that requests and strangers meet.
const REGISTRIES: [&str; 3] = ["a", "b", "c"];

const ENTERPRISES: [&str; 3] = ["0", "1f", EVERY];

/// An attempt of a request, and what became of it.
#[derive(Clone, Copy, Debug)]
struct Try {
    started: u64,
    took: u64,
    answered: bool,
    taken: bool,
    /// From the earliest to the latest begin of its task, 0 to 1000.
    begin: u64,
    /// From its begin to the latest listing, 0 to 1000.
    listed: u64,
}

/// What a request or a stranger asks for: 0 for all, else a set of registries by bits.
type Asked = usize;

#[derive(Clone, Debug)]
struct Choice {
    /// Project, enterprise project, what is asked for, attempts.
    requests: Vec<(usize, usize, Asked, Vec<Try>)>,
    /// Project, what is asked for, begin, how late it is listed.
    strangers: Vec<(usize, Asked, i64, u64)>,
    says_all: bool,
    hints: bool,
    fails: u8,
    page: usize,
    order: Option<u64>,
    ahead: i64,
    latency: u64,
    failing: Vec<(usize, bool)>,
    until: Option<u64>,
    late: u64,
    to_the_end: bool,
}

fn attempt() -> impl Strategy<Value = Try> {
    (0..600u64, 0..80u64, any::<bool>(), any::<bool>(), 0..=1000u64, 0..=1000u64).prop_map(
        |(started, took, answered, taken, begin, listed)| Try { started, took, answered, taken, begin, listed },
    )
}

prop_compose! {
    fn choice()(
        requests in prop::collection::vec(
            (0..2usize, 0..3usize, 0..8usize, prop::collection::vec(attempt(), 1..3)), 1..6),
        strangers in prop::collection::vec((0..2usize, 0..8usize, -300..1000i64, 0..400u64), 0..5),
        (says_all, hints, to_the_end) in (any::<bool>(), any::<bool>(), any::<bool>()),
        (fails, page, order) in (0..4u8, 1..6usize, prop::option::of(any::<u64>())),
        (ahead, latency, late) in (-4000..4000i64, 0..20u64, 0..2000u64),
        failing in prop::collection::vec((0..12usize, any::<bool>()), 0..3),
        until in prop::option::of(600..4000u64),
    ) -> Choice {
        Choice {
            requests, strangers, says_all, hints, fails, page, order, ahead, latency, failing, until, late, to_the_end,
        }
    }
}

/// A run in its world, and whose task each task is.
struct Built {
    run: Run,
    world: World,
    truth: BTreeMap<String, OpIndex>,
    now: Duration,
}

impl Built {
    fn task(&self, id: &str) -> &Task {
        self.world.tasks.values().flatten().find(|task| task.id.as_str() == id).expect("there is one")
    }
}

fn registries(asked: Asked) -> Vec<&'static str> {
    let chosen = |bit: &usize| asked == 0 || asked & (1 << bit) != 0;
    (0..REGISTRIES.len()).filter(chosen).map(|bit| REGISTRIES[bit]).collect()
}

fn build(choice: &Choice) -> Built {
    let mut run = Run::new();
    let mut world = World {
        page: choice.page,
        order: choice.order,
        ahead: SignedDuration::from_secs(choice.ahead),
        latency: s(choice.latency),
        failing: choice.failing.iter().map(|(read, again)| (*read, failing(*again))).collect(),
        ..World::new(&[])
    };
    let mut truth = BTreeMap::new();
    // In which project, what, and from when to when a request that was not taken would have made a task.
    let mut untaken: Vec<(usize, Asked, i64, i64)> = Vec::new();
    let mut latest = 0;
    for (project, enterprise, asked, tries) in &choice.requests {
        let mut sent = Vec::new();
        let mut clock = 0;
        let op = run.plan.operations.len();
        for (number, attempt) in tries.iter().enumerate() {
            let started = clock + attempt.started;
            let took = if attempt.answered { attempt.took.min(10) } else { attempt.took };
            clock = started + took;
            let kind = match (attempt.answered, attempt.taken) {
                (true, true) => None,
                (true, false) => Some(FailureKind::Unavailable),
                (false, _) => Some(FailureKind::NoAnswer),
            };
            sent.push(Sent { started, took, kind });
            let (from, mut to) = (started as i64 - 60, clock as i64 + 120);
            if !attempt.answered {
                to += 60;
            }
            if attempt.taken {
                let begin = from + (to - from) * attempt.begin as i64 / 1000;
                let delay = (to + 60 - begin) * attempt.listed as i64 / 1000;
                let id = format!("own{op}x{number}");
                truth.insert(id.clone(), op);
                let enterprise = ENTERPRISES[*enterprise];
                let task = Task { enterprise, ..task(choice, &id, *asked, begin, delay as u64) };
                world.tasks.entry(format!("p{project}")).or_default().push(task);
            } else if kind == Some(FailureKind::NoAnswer) {
                untaken.push((*project, *asked, from, to));
            }
            // What was taken is not repeated.
            if kind.is_none() {
                break;
            }
        }
        latest = latest.max(clock);
        let names = registries(*asked);
        run.request(&format!("p{project}"), (*asked != 0).then_some(&names[..]), &sent);
        run.enterprise(op, ENTERPRISES[*enterprise]);
    }
    for (number, (project, asked, begin, delay)) in choice.strangers.iter().enumerate() {
        // Nobody else asks at the same time for just what a request of ours asked for in vain: that can't be noticed.
        let alike = |other: Asked| other == *asked || (registries(other) == registries(*asked));
        let confusing =
            untaken.iter().any(|(of, other, from, to)| of == project && alike(*other) && (*from..=*to).contains(begin));
        if !confusing {
            let enterprise = ENTERPRISES[number % ENTERPRISES.len()];
            let task = Task { enterprise, ..task(choice, &format!("stranger{number}"), *asked, *begin, *delay) };
            world.tasks.entry(format!("p{project}")).or_default().push(task);
        }
    }
    Built { run, world, truth, now: s(latest + choice.late) }
}

fn failing(for_good: bool) -> FailureKind {
    if for_good { FailureKind::Refused } else { FailureKind::Unavailable }
}

fn task(choice: &Choice, id: &str, asked: Asked, begin: i64, delay: u64) -> Task {
    let names = registries(asked);
    let weight = id.bytes().map(u64::from).sum::<u64>() + begin.unsigned_abs();
    let mut task = Task {
        delay: s(delay),
        duration: s(30 + weight * 37 % 1200),
        is_all: choice.says_all.then_some(asked == 0),
        hints: choice.hints,
        ..Task::new(id, begin, &names)
    };
    match (weight + u64::from(choice.fails)) % 4 {
        0 => task.registries[0].1 = SyncStatus::Failed,
        1 if choice.fails == 3 => task.end = TaskStatus::Abnormal,
        _ => {}
    }
    task
}

fn goes_well(task: &Task) -> bool {
    task.end == TaskStatus::Finished && task.registries.iter().all(|(_, status)| *status == SyncStatus::Finished)
}

/// The laws of one story; says how many links it has.
fn laws(choice: &Choice, built: &Built, story: &Story) -> Result<usize, TestCaseError> {
    let mut summary = built.run.summary.clone();
    let (mut links, mut ends) = (0, BTreeMap::<OpIndex, usize>::new());
    let known = summary.operations.iter().enumerate().filter(|(_, operation)| !operation.found_early);
    let mut linked: BTreeMap<OpIndex, TaskId> =
        known.filter_map(|(op, known)| Some((op, known.task.clone()?))).collect();
    for event in &story.events {
        match event {
            RunEvent::TaskFound { op, task, early, .. } => {
                // Too early to be sure of the task, it is sure that the request was taken: its own may not be listed yet.
                let own: Vec<&str> =
                    built.truth.iter().filter(|(_, of)| *of == op).map(|(id, _)| id.as_str()).collect();
                prop_assert!(!own.is_empty(), "{} was not taken: {:?}", op, story.events);
                let listed =
                    |id: &&str| built.task(id).listed_at() <= SignedDuration::try_from(built.now).expect("short");
                if !early || own.iter().any(listed) {
                    prop_assert!(own.contains(&task.as_str()), "task {} of {:?}", task, story.events);
                }
                prop_assert!(linked.insert(*op, task.clone()).is_none(), "found twice");
                links += 1;
                *ends.entry(*op).or_default() += usize::from(!choice.to_the_end);
            }
            RunEvent::TaskEnded { op, outcome, .. } => {
                let id = &linked[op];
                let task = built.task(id.as_str());
                prop_assert_eq!(*outcome == Outcome::Confirmed, goes_well(task), "{:?}", task);
                *ends.entry(*op).or_default() += 1;
            }
            RunEvent::TaskUnclear { op, .. } => *ends.entry(*op).or_default() += 1,
            RunEvent::TaskProgressed { op, .. } => {
                prop_assert_eq!(summary.operations[*op].outcome.as_ref(), Some(&Outcome::Accepted));
                prop_assert_eq!(ends.get(op).copied().unwrap_or(0), 0, "after its end");
            }
            other => prop_assert!(false, "{:?}", other),
        }
        summary.apply(event);
    }
    for (op, operation) in built.run.summary.operations.iter().enumerate() {
        let followed = match operation.outcome {
            Some(Outcome::Unknown(_)) => true,
            Some(Outcome::Accepted) => choice.to_the_end,
            _ => false,
        };
        prop_assert_eq!(ends.get(&op).copied().unwrap_or(0), usize::from(followed), "ends of {}", op);
    }
    let counts = &summary.counts;
    prop_assert_eq!(counts.ended(), counts.planned, "the account adds up");
    Ok(links)
}

fn aim(choice: &Choice) -> Aim {
    let until = choice.until.map(s);
    if choice.to_the_end { Aim::ToTheEnd { until } } else { Aim::LookUp { until } }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn no_link_is_wrong_and_each_operation_ends_once(choice in choice()) {
        let built = build(&choice);
        let story = tell(&built.run, &built.world, aim(&choice), built.now);
        laws(&choice, &built, &story)?;
        // A place looks at least 30 s apart, and nobody is followed for longer than a task takes and patience lasts.
        let entries: usize = built.world.tasks.values().map(Vec::len).max().unwrap_or(0);
        let pages = entries.div_ceil(choice.page).max(1) + 1;
        let places = 6;
        prop_assert!(story.lists <= places * pages * if choice.to_the_end { 40 } else { 3 }, "{} lists", story.lists);
    }

    /// What a look-up found early is looked for again by the wait of a later session, which links nothing to a stranger and follows
    /// nothing of one to its end.
    #[test]
    fn a_wait_does_not_rely_on_what_an_early_look_up_found(choice in choice(), until in 0..3000u64) {
        let choice = Choice { to_the_end: false, until: None, ..choice };
        let mut built = build(&choice);
        let story = tell(&built.run, &built.world, aim(&choice), built.now);
        story.events.iter().for_each(|event| built.run.summary.apply(event));
        let choice = Choice { to_the_end: true, ..choice };
        built.now = story.end + s(until);
        let story = tell(&built.run, &built.world, aim(&choice), built.now);
        laws(&choice, &built, &story)?;
    }

    /// With registries of its own for each request, and no stranger, everything is found and its end is seen.
    #[test]
    fn what_can_be_told_apart_is_found(choice in choice()) {
        let choice = Choice {
            strangers: Vec::new(), failing: Vec::new(), until: None, page: 200, says_all: true, to_the_end: true, ..choice
        };
        let mut choice = choice;
        for (number, (_, enterprise, asked, tries)) in choice.requests.iter_mut().enumerate() {
            (*enterprise, *asked) = (0, 1 + number);
            tries.truncate(1);
            tries[0].taken = true;
        }
        let built = build(&choice);
        let story = tell(&built.run, &built.world, aim(&choice), built.now);
        let links = laws(&choice, &built, &story)?;
        prop_assert_eq!(links, choice.requests.len(), "{:?}", story.events);
    }
}
