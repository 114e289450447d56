//! How a list of tasks is read: pages, lists that are full, that shift, or that contradict themselves.

use std::time::Duration;

use jiff::SignedDuration;

use super::cases::{LOOK, WAIT, one};
use super::world::{Run, Story, Task, World, s, start, taken, tell, unanswered};
use crate::follow::{Arrived, Now, Step, TaskPage};

#[test]
fn a_list_of_several_pages_is_read_whole() {
    let tasks: Vec<(&str, Task)> = (0..450)
        .map(|number| ("p", Task::new(&format!("old{number}"), -5000 - number, &["a"])))
        .chain([("p", Task::new("t", 110, &["a"]))])
        .collect();
    let mut run = Run::new();
    let op = run.request("p", Some(&["a"]), &[unanswered(100)]);
    for order in [None, Some(1), Some(2), Some(3)] {
        let world = World { order, ..World::new(&tasks) };
        let story = tell(&run, &world, LOOK, s(1000));
        assert_eq!((story.of(op).as_str(), story.lists, story.registries), ("found t", 3, 1));
    }
}

#[test]
fn a_full_list_has_to_reach_back_to_the_request() {
    let full = |oldest: i64| -> Vec<(&str, Task)> {
        let stranger = |number: i64| ("p", Task::new(&format!("x{number}"), oldest + number * 100, &["b"]));
        (0..999).map(stranger).chain([("p", Task::new("t", 110, &["a"]))]).collect()
    };
    let mut run = Run::new();
    let op = run.request("p", Some(&["a"]), &[unanswered(100)]);
    let said = |oldest| {
        let story = tell(&run, &World::new(&full(oldest)), LOOK, s(200_000));
        (story.of(op), story.lists)
    };
    assert_eq!(said(-1000), ("found t".to_owned(), 5));
    let why = "unclear: the list of tasks is as long as it can be and no longer reaches back to this request";
    assert_eq!(said(105), (why.to_owned(), 5));
}

/// What a scripted list says, page by page, to a look-up of one request at 100 s.
fn scripted(pages: &[TaskPage]) -> (String, usize) {
    let mut run = Run::new();
    let op = run.request("p", Some(&["a"]), &[unanswered(100)]);
    let (mut places, _) = run.places(LOOK, s(1000));
    let (place, mut events, mut pages, mut read) = (&mut places[0], Vec::new(), pages.iter(), 0);
    let world = World::new(&[("p", Task::new("t", 110, &["a"])), ("p", Task::new("t2", 120, &["a"]))]);
    let now = Now { run: s(1000), wall: start() + s(1000) };
    loop {
        let arrived = match place.step() {
            Step::Over => break,
            Step::WaitUntil(_) => Arrived::Woken,
            Step::List { .. } => {
                read += 1;
                Arrived::List(Ok(pages.next().expect("one more page is read than there is").clone()))
            }
            Step::Registries { task, offset } => Arrived::Registries(Ok(world.registries("p", &task, offset, s(1000)))),
        };
        place.take(now, arrived, &mut events);
    }
    (Story { events, ..Story::default() }.of(op), read)
}

#[test]
fn a_list_that_shifts_while_it_is_read_is_read_again() {
    let world = World::new(&[("p", Task::new("t", 110, &["a"]))]);
    let whole = world.list("p", 0, s(1000));
    let page = |tasks: bool, entries: usize, total: usize| TaskPage {
        tasks: if tasks { whole.tasks.clone() } else { Vec::new() },
        entries,
        total: Some(total),
        clock_ahead: SignedDuration::ZERO,
    };
    let changing = "unclear: the list of tasks changed while it was read, or is not as long as it says";
    // Longer on the second page, a task twice, a page that comes empty: again, and then it is whole.
    for bad in [
        vec![page(true, 2, 3), page(false, 2, 4)],
        vec![page(true, 2, 4), page(true, 2, 4)],
        vec![page(true, 2, 4), page(false, 0, 4)],
    ] {
        let mut pages = bad.clone();
        pages.extend([page(true, 2, 4), page(false, 2, 4)]);
        assert_eq!(scripted(&pages), ("found t".to_owned(), 4));
        let pages = [bad.clone(), bad.clone(), bad].concat();
        assert_eq!(scripted(&pages), (changing.to_owned(), 6), "twice again at most");
    }
    // A list that never ends is not read for ever.
    let endless = vec![page(false, 1, 1_000_000); 3 * 128];
    assert_eq!(scripted(&endless), (changing.to_owned(), 3 * 128));
    // Without a total an empty page ends it.
    let unsaid = |tasks, entries| TaskPage { total: None, ..page(tasks, entries, 0) };
    assert_eq!(scripted(&[unsaid(false, 2), unsaid(true, 1), unsaid(false, 0)]), ("found t".to_owned(), 3));
}

#[test]
fn an_id_that_stands_for_two_tasks_proves_nothing() {
    let world = World::new(&[("p", Task::new("t", 110, &["a"]))]);
    let once = world.list("p", 0, s(1000));
    let mut twice = TaskPage { entries: 2, total: Some(2), ..once.clone() };
    twice.tasks.push(twice.tasks[0].clone());
    twice.tasks[1].begin += s(30);
    assert_eq!(
        scripted(&[twice.clone(), twice.clone(), twice]).0.split(',').next(),
        Some("unclear: the list of tasks changed while it was read")
    );
}

/// One look says that it began at one time, a later one another.
#[test]
fn a_task_whose_begin_changes_proves_nothing() {
    let mut run = Run::new();
    let op = run.request("p", Some(&["a"]), &[taken(100)]);
    let world = World::new(&[("p", Task { duration: s(600), ..Task::new("t", 110, &["a"]) })]);
    let (mut places, _) = run.places(WAIT, s(400));
    let (place, mut events, mut now) = (&mut places[0], Vec::new(), s(400));
    loop {
        let arrived = match place.step() {
            Step::List { offset } => {
                let mut page = world.list("p", offset, now);
                page.tasks[0].begin += if now > s(500) { s(20) } else { Duration::ZERO };
                Arrived::List(Ok(page))
            }
            Step::Registries { task, offset } => Arrived::Registries(Ok(world.registries("p", &task, offset, now))),
            Step::WaitUntil(at) => {
                now = at;
                Arrived::Woken
            }
            Step::Over => break,
        };
        place.take(Now { run: now, wall: start() + now }, arrived, &mut events);
    }
    let why = "unclear: task t, which may be its own, is listed with two different begin times";
    assert_eq!(Story { events, ..Story::default() }.of(op), why);
}

#[test]
fn a_crowd_of_tasks_is_not_told_apart() {
    let crowd: Vec<Task> = (0..31).map(|number| Task::new(&format!("t{number}"), 100 + number, &["b"])).collect();
    let (story, said) = one(unanswered(100), Some(&["a"]), &crowd, LOOK);
    assert_eq!(said, "unclear: 31 tasks began at that time, too many to tell apart");
    assert_eq!((story.lists, story.registries), (1, 0));
    assert_eq!(one(unanswered(100), Some(&["a"]), &crowd[1..], LOOK).0.registries, 30);
}
