//! How many calls it takes. Each list has a quota of five a minute at an endpoint.

use super::world::{Run, Story, Task, World, s, taken, tell};
use crate::follow::Aim;

const WAIT: Aim = Aim::ToTheEnd { until: None };

/// Thirty requests, sent five a minute over so many projects one after another, whose tasks take 1 to 20 minutes.
fn thirty(projects: usize, hints: bool) -> Story {
    let mut run = Run::new();
    let mut world = World::new(&[]);
    for number in 0..30 {
        let (project, id) = (format!("p{}", number % projects), format!("r{number}"));
        let sent = u64::try_from(number).expect("small") * 12;
        run.request(&project, Some(&[&id]), &[taken(sent)]);
        let minutes = 1 + u64::try_from(number * 7 % 20).expect("small");
        let begin = i64::try_from(sent).expect("small") + 1;
        let task = Task { duration: s(minutes * 60), hints, ..Task::new(&format!("t{number}"), begin, &[&id]) };
        world.tasks.entry(project).or_default().push(task);
    }
    let story = tell(&run, &world, WAIT, s(29 * 12 + 1));
    for op in 0..30 {
        assert_eq!(story.of(op), format!("found t{op}, confirmed"));
    }
    story
}

#[test]
fn thirty_operations_take_few_calls_however_they_are_spread() {
    for (projects, hints, lists, registries) in [
        // A look that links and one or two more; without hints some more. Each task is asked about once.
        (30, true, 80, 30),
        (30, false, 160, 30),
        // One list serves several; what runs has to be asked about a second time, to tell it from its neighbours.
        (10, true, 51, 46),
        (3, true, 24, 53),
        (1, true, 11, 54),
        (1, false, 9, 54),
    ] {
        let story = thirty(projects, hints);
        let calls = (story.lists, story.registries);
        assert!(
            story.lists <= lists && story.registries <= registries,
            "{projects} projects, hints {hints}: {calls:?}"
        );
        // The last task ends after 20 minutes and a little; its end is seen within the longest interval.
        assert!(story.end <= s(20 * 60 + 29 * 12 + 300), "{projects} projects, hints {hints}: {:?}", story.end);
    }
}

/// The usual case: short tasks, one request for each project.
#[test]
fn a_task_that_has_ended_by_the_first_look_takes_two_calls() {
    let mut run = Run::new();
    let op = run.request("p", Some(&["a"]), &[taken(100)]);
    let story = tell(&run, &World::new(&[("p", Task::new("t", 101, &["a"]))]), WAIT, s(102));
    assert_eq!((story.of(op).as_str(), story.lists, story.registries), ("found t, confirmed", 1, 1));
    assert_eq!(story.end, s(281 + 2), "three minutes after the answer");
}

#[test]
fn a_list_is_read_no_further_than_to_the_tasks_that_are_waited_for() {
    let mut run = Run::new();
    let op = run.request("p", Some(&["a"]), &[taken(100)]);
    let mut world = World::new(&[("p", Task { duration: s(1200), ..Task::new("t", 101, &["a"]) })]);
    for number in 0..9 {
        let old = Task::new(&format!("old{number}"), -10_000 - number, &["a"]);
        world.tasks.entry("p".to_owned()).or_default().push(old);
    }
    world.page = 2;
    let story = tell(&run, &world, WAIT, s(102));
    assert_eq!(story.of(op), "found t, confirmed");
    // Five pages once, to know that there is no other; then the first page, which has it.
    assert_eq!((story.lists, story.registries), (5 + 4, 1));
}

#[test]
fn what_is_not_listed_is_looked_for_for_a_quarter_of_an_hour() {
    let mut run = Run::new();
    let op = run.request("p", Some(&["a"]), &[taken(100)]);
    let story = tell(&run, &World::new(&[]), WAIT, s(102));
    assert_eq!(story.of(op), "unclear: no task that fits is listed (yet)");
    assert_eq!(story.lists, 8);
    assert!((s(281 + 900)..s(281 + 900 + 300)).contains(&story.end), "{:?}", story.end);
    // One that is listed late after all is found.
    let late = Task { delay: s(600), ..Task::new("t", 101, &["a"]) };
    assert_eq!(tell(&run, &World::new(&[("p", late)]), WAIT, s(102)).of(op), "found t, confirmed");
}

/// Whoever reads behind the port may wait minutes for the quota.
#[test]
fn a_slow_list_is_not_read_without_a_pause() {
    let mut run = Run::new();
    let op = run.request("p", Some(&["a"]), &[taken(100)]);
    let task = Task { duration: s(3000), ..Task::new("t", 101, &["a"]) };
    let story = tell(&run, &World { latency: s(400), ..World::new(&[("p", task)]) }, WAIT, s(102));
    assert_eq!((story.of(op).as_str(), story.registries), ("found t, confirmed", 1));
}

#[test]
fn tasks_that_end_at_about_the_same_time_share_a_look() {
    let mut run = Run::new();
    let mut world = World::new(&[]);
    for (number, id) in (0..).zip(["a", "b", "c", "d", "e"]) {
        run.request("p", Some(&[id]), &[taken(number * 12)]);
        let task = Task::new(id, i64::try_from(number * 12 + 1).expect("small"), &[id]);
        world.tasks.entry("p".to_owned()).or_default().push(task);
    }
    let story = tell(&run, &world, WAIT, s(60));
    assert!((0..5).all(|op| story.of(op).ends_with("confirmed")), "{:?}", story.events);
    assert_eq!((story.lists, story.registries), (1, 5));
}
