//! Linking, case by case. Times are seconds of the run's clock.

use std::time::Duration;

use jiff::SignedDuration;

use super::world::{Run, Story, Task, World, refused, s, start, taken, tell, unanswered};
use crate::event::{FailureKind, OpIndex, Outcome, RunEvent};
use crate::follow::{Aim, Arrived, Now, Step, SyncStatus, TaskPage, TaskStatus};
use crate::model::TaskId;

pub(super) const WAIT: Aim = Aim::ToTheEnd { until: None };
pub(super) const LOOK: Aim = Aim::LookUp { until: None };

/// One request at 100 s, these tasks, and what is said of it.
pub(super) fn one(sent: super::world::Sent, registries: Option<&[&str]>, tasks: &[Task], aim: Aim) -> (Story, String) {
    let mut run = Run::new();
    let op = run.request("p", registries, &[sent]);
    let tasks: Vec<(&str, Task)> = tasks.iter().map(|task| ("p", task.clone())).collect();
    // A look-up looks when it is asked to: late enough for everything to be listed, in these cases.
    let at = if matches!(aim, Aim::LookUp { .. }) { s(1000) } else { s(200) };
    let story = tell(&run, &World::new(&tasks), aim, at);
    let said = story.of(op);
    (story, said)
}

const NONE: &str = "unclear: no task that fits is listed (yet)";
const NONE_UNKNOWN: &str = "unclear: no task that fits is listed (yet); that doesn't show that it was not taken";

#[test]
fn the_window_is_a_minute_before_to_two_minutes_after_and_longer_without_an_answer() {
    // Sent at 100 s and answered at 101 s, or not answered until 175 s: 60 s more.
    for (begin, accepted, unknown) in [
        (39, NONE, NONE_UNKNOWN),
        (40, "found t, confirmed", "found t"),
        (221, "found t, confirmed", "found t"),
        (222, NONE, "found t"),
        (355, NONE, "found t"),
        (356, NONE, NONE_UNKNOWN),
    ] {
        let task = [Task::new("t", begin, &["a"])];
        assert_eq!(one(taken(100), Some(&["a"]), &task, WAIT).1, accepted, "accepted, begin {begin}");
        assert_eq!(one(unanswered(100), Some(&["a"]), &task, LOOK).1, unknown, "unknown, begin {begin}");
    }
}

#[test]
fn the_registries_have_to_be_just_those_that_were_asked_for() {
    for (asked, has, fits) in [
        (&["a"][..], &["a"][..], true),
        (&["a", "b"], &["b", "a"], true),
        (&["a", "b"], &["a"], false),
        (&["a"], &["a", "b"], false),
        (&["a"], &["b"], false),
    ] {
        for (aim, sent, good, bad) in
            [(WAIT, taken(100), "found t, confirmed", NONE), (LOOK, unanswered(100), "found t", NONE_UNKNOWN)]
        {
            let said = one(sent, Some(asked), &[Task::new("t", 110, has)], aim).1;
            assert_eq!(said, if fits { good } else { bad }, "{asked:?} {has:?} {aim:?}");
        }
    }
}

#[test]
fn a_registry_without_its_type_proves_nothing() {
    let mut run = Run::new();
    let op = run.request("p", Some(&["a"]), &[unanswered(100)]);
    let world = World::new(&[("p", Task::new("t", 110, &["a"]))]);
    let (mut places, _) = run.places(LOOK, s(1000));
    let (place, mut events) = (&mut places[0], Vec::new());
    let now = Now { run: s(1000), wall: start() + s(1000) };
    place.take(now, Arrived::Woken, &mut events);
    place.take(now, Arrived::List(Ok(world.list("p", 0, s(1000)))), &mut events);
    let mut page = world.registries("p", &TaskId::parse("t").expect("legal"), 0, s(1000));
    page.registries[0].registry_type = None;
    place.take(now, Arrived::Registries(Ok(page)), &mut events);
    let story = Story { events, ..Story::default() };
    assert_eq!(
        story.of(op),
        "unclear: task t, which may be its own, has registries whose type the service doesn't say"
    );
}

#[test]
fn what_asks_for_all_registries_is_told_by_what_the_service_says() {
    let all = Task::new("t", 110, &["a", "b"]);
    let unsaid = Task { is_all: None, ..all.clone() };
    for (task, accepted, unknown) in [
        (all.clone().of_all(), "found t, confirmed", "found t"),
        (all, NONE, NONE_UNKNOWN),
        (
            unsaid,
            "found t, confirmed",
            "unclear: task t, which may be its own, doesn't say whether it is about all registries",
        ),
    ] {
        assert_eq!(one(taken(100), None, std::slice::from_ref(&task), WAIT).1, accepted, "{task:?}");
        assert_eq!(one(unanswered(100), None, std::slice::from_ref(&task), LOOK).1, unknown, "{task:?}");
    }
    // It is stated, so that no registries are needed to link it.
    let story = one(unanswered(100), None, &[Task::new("t", 110, &["a"]).of_all()], LOOK).0;
    assert_eq!((story.lists, story.registries), (1, 0));
    // And a task about all registries is none of a request that names some, as far as can be proved.
    let said = one(taken(100), Some(&["a"]), &[Task::new("t", 110, &["a"]).of_all()], WAIT).1;
    assert_eq!(said, "unclear: task t, which may be its own, is about all registries, by what the service says");
}

#[test]
fn a_task_without_a_registry_of_the_project_is_not_about_all() {
    let mut run = Run::new();
    let (all, some) = (run.request("p", None, &[taken(100)]), run.request("p", Some(&["a"]), &[taken(110)]));
    let unsaid = |id: &str, begin, registries: &[&str]| Task { is_all: None, ..Task::new(id, begin, registries) };
    let world = World::new(&[("p", unsaid("t1", 101, &["a", "b"])), ("p", unsaid("t2", 111, &["a"]))]);
    let story = tell(&run, &world, WAIT, s(200));
    assert_eq!((story.of(all), story.of(some)), ("found t1, confirmed".to_owned(), "found t2, confirmed".to_owned()));
}

#[test]
fn two_tasks_that_fit_are_named() {
    let twice = [Task::new("t1", 110, &["a"]), Task::new("t2", 130, &["a"])];
    assert_eq!(one(taken(100), Some(&["a"]), &twice, WAIT).1, "unclear: several tasks fit it: t1, t2");
    assert_eq!(one(unanswered(100), Some(&["a"]), &twice, LOOK).1, "unclear: several tasks fit it: t1, t2");
    // The registries of a stranger's tell them apart.
    let apart = [Task::new("t1", 110, &["a"]), Task::new("t2", 130, &["b"])];
    assert_eq!(one(taken(100), Some(&["a"]), &apart, WAIT).1, "found t1, confirmed");
    assert_eq!(one(unanswered(100), Some(&["a"]), &apart, LOOK).1, "found t1");
}

#[test]
fn a_task_that_two_requests_may_have_made_is_nobodys() {
    let mut run = Run::new();
    let (first, second) =
        (run.request("p", Some(&["a"]), &[taken(100)]), run.request("p", Some(&["a"]), &[unanswered(110)]));
    let world = World::new(&[("p", Task::new("t", 111, &["a"]))]);
    let story = tell(&run, &world, WAIT, s(300));
    assert_eq!(story.of(first), "unclear: task t fits payments/cn-north-4/0/1 as well");
    assert_eq!(story.of(second), "unclear: task t fits payments/cn-north-4/0/0 as well");
    // Also when the other one is in a place of its own, unless no list shows the tasks of both.
    for (enterprise, said) in
        [("all_granted_eps", "unclear: task t fits payments/cn-north-4/0/1 as well"), ("2f1a", "found t, confirmed")]
    {
        run.enterprise(second, enterprise);
        assert_eq!(tell(&run, &world, WAIT, s(300)).of(first), said);
    }
}

#[test]
fn requests_of_one_project_within_seconds_are_told_apart_by_their_registries() {
    let mut run = Run::new();
    let ops: Vec<OpIndex> = ["a", "b", "c"].iter().map(|id| run.request("p", Some(&[id]), &[taken(100)])).collect();
    let task = |id: &str, begin| Task::new(&format!("t{id}"), begin, &[id]);
    let world = World::new(&[("p", task("c", 101)), ("p", task("a", 102)), ("p", task("b", 103))]);
    let story = tell(&run, &world, WAIT, s(200));
    let said: Vec<String> = ops.iter().map(|op| story.of(*op)).collect();
    assert_eq!(said, ["found ta, confirmed", "found tb, confirmed", "found tc, confirmed"]);
    assert_eq!((story.lists, story.registries), (1, 3), "each was asked once, at its end");
}

/// A task that lists only some registries yet may be that of who asked for more, until it has ended.
#[test]
fn a_request_for_a_part_of_another_waits_for_the_end() {
    let mut run = Run::new();
    let part = run.request("p", Some(&["a"]), &[unanswered(100)]);
    let whole = run.request("p", Some(&["a", "b"]), &[unanswered(100)]);
    let task = Task { duration: s(3000), ..Task::new("t", 110, &["a"]) };
    let world = World::new(&[("p", task)]);
    let story = tell(&run, &world, WAIT, s(500));
    assert_eq!((story.of(part).as_str(), story.of(whole).as_str()), ("found t, confirmed", NONE_UNKNOWN));
    assert_eq!(story.registries, 2, "once to tell, once at the end");
    let why = "the registries of task t don't tell yet (it may be that of payments/cn-north-4/0/1 as well)";
    assert_eq!(tell(&run, &world, LOOK, s(500)).of(part), format!("unclear: {why}"));
}

#[test]
fn a_request_that_the_operator_repeated_may_have_made_two_tasks() {
    let attempts = [unanswered(100), taken(5000)];
    let mut run = Run::new();
    let op = run.request("p", Some(&["a"]), &attempts);
    // Only the task of the attempt that was taken is what the outcome is about.
    let (first, second) = (Task::new("t1", 110, &["a"]), Task::new("t2", 5001, &["a"]));
    let both = World::new(&[("p", first.clone()), ("p", second.clone())]);
    assert_eq!(tell(&run, &both, WAIT, s(6000)).of(op), "found t2, confirmed");
    assert_eq!(tell(&run, &World::new(&[("p", first.clone())]), WAIT, s(6000)).of(op), NONE);
    // With both unanswered either may be it.
    let mut run = Run::new();
    let op = run.request("p", Some(&["a"]), &[unanswered(100), unanswered(5000)]);
    assert_eq!(tell(&run, &both, LOOK, s(6000)).of(op), "unclear: several tasks fit it: t1, t2");
    assert_eq!(tell(&run, &World::new(&[("p", second)]), LOOK, s(6000)).of(op), "found t2");
    // Its earlier attempt still claims a task, against another request.
    let mut run = Run::new();
    let repeated = run.request("p", Some(&["a"]), &[unanswered(100), refused(5000)]);
    let other = run.request("p", Some(&["a"]), &[unanswered(120)]);
    let story = tell(&run, &World::new(&[("p", first)]), LOOK, s(6000));
    assert_eq!(
        (story.of(repeated), story.of(other)),
        (String::new(), "unclear: task t1 fits payments/cn-north-4/0/0 as well".to_owned())
    );
}

#[test]
fn what_was_refused_claims_nothing() {
    let mut run = Run::new();
    run.request("p", Some(&["a"]), &[refused(100)]);
    let op = run.request("p", Some(&["a"]), &[unanswered(120)]);
    assert_eq!(tell(&run, &World::new(&[("p", Task::new("t", 110, &["a"]))]), LOOK, s(400)).of(op), "found t");
}

#[test]
fn a_task_that_an_earlier_session_found_is_followed_by_its_id_and_is_nobody_elses() {
    let mut run = Run::new();
    let found = run.request("p", Some(&["a"]), &[unanswered(100)]);
    let other = run.request("p", Some(&["a"]), &[taken(120)]);
    let task = TaskId::parse("t1").expect("legal");
    run.summary.apply(&RunEvent::TaskFound { op: found, at: s(400), task, early: false });
    let world = World::new(&[("p", Task::new("t1", 110, &["a"])), ("p", Task::new("t2", 121, &["a"]))]);
    let story = tell(&run, &world, WAIT, s(500));
    assert_eq!((story.of(found), story.of(other)), ("confirmed".to_owned(), "found t2, confirmed".to_owned()));
}

/// Sent at 100 s without an answer: what may be its own is listed by 415 s at the latest. A stranger asks for the same and is listed
/// first, so that it is sure by then that the request was taken, and not yet which task is its own.
#[test]
fn what_a_look_up_found_early_is_looked_for_again() {
    let own = Task { delay: s(100), ..Task::new("own", 120, &["a"]) };
    let stranger = Task::new("stranger", 110, &["a"]);
    for (others, look, found, later) in [
        (vec![], 250, "found own", "found own, confirmed"),
        (vec![("p", stranger.clone())], 180, "found stranger", "unclear: several tasks fit it: own, stranger"),
        (vec![("p", stranger)], 250, "unclear: several tasks fit it: own, stranger", ""),
    ] {
        let mut run = Run::new();
        let op = run.request("p", Some(&["a"]), &[unanswered(100)]);
        let world = World::new(&[&others[..], &[("p", own.clone())]].concat());
        let story = tell(&run, &world, LOOK, s(look));
        assert_eq!(story.of(op), found);
        story.events.iter().for_each(|event| run.summary.apply(event));
        if !later.is_empty() {
            assert!(run.summary.operations[op].found_early);
            assert_eq!(tell(&run, &world, WAIT, s(500)).of(op), later);
        }
    }
}

#[test]
fn clocks_that_differ_are_made_good_by_the_date_of_the_answer() {
    let mut run = Run::new();
    let op = run.request("p", Some(&["a"]), &[taken(100)]);
    for ahead in [-7200, -300, 300, 7200] {
        let ahead = SignedDuration::from_secs(ahead);
        let world = World { ahead, ..World::new(&[("p", Task::new("t", 110, &["a"]))]) };
        assert_eq!(tell(&run, &world, WAIT, s(200)).of(op), "found t, confirmed", "{ahead}");
    }
}

/// Our wall clock was set an hour ahead after the request, or the run's clock stood still for an hour after it.
#[test]
fn a_clock_that_was_set_during_the_run_widens_the_window() {
    let mut run = Run::new();
    let op = run.request("p", Some(&["a"]), &[unanswered(100)]);
    let hour = SignedDuration::from_hours(1);
    // By the corrected clock the task began at 110 s, or an hour later.
    for begin in [110, 3710] {
        let world = World::new(&[("p", Task::new("t", begin, &["a"]))]);
        let now = |run: Duration| Now { run, wall: start() + run + hour };
        let (mut places, _) = super::super::places(&run.plan, &run.summary, LOOK, now(s(9000)));
        let (place, mut events) = (&mut places[0], Vec::new());
        while place.step() != Step::Over {
            let arrived = match place.step() {
                Step::List { offset } => Arrived::List(Ok(world.list("p", offset, s(9000)))),
                Step::Registries { task, offset } => {
                    Arrived::Registries(Ok(world.registries("p", &task, offset, s(9000))))
                }
                _ => Arrived::Woken,
            };
            place.take(now(s(9000)), arrived, &mut events);
        }
        assert_eq!(Story { events, ..Story::default() }.of(op), "found t", "begin {begin}");
    }
}

#[test]
fn a_look_up_is_for_now_and_a_wait_for_everything_that_fits() {
    // A stranger's is listed at once, our own late: at 175 + 60 + 120 + 60 s at the latest.
    let own = Task { delay: s(305), ..Task::new("own", 110, &["a"]) };
    let world = World::new(&[("p", Task::new("stranger", 105, &["a"])), ("p", own)]);
    let ask = |aim| {
        let mut run = Run::new();
        let op = run.request("p", Some(&["a"]), &[unanswered(100)]);
        let story = tell(&run, &world, aim, s(180));
        (story.of(op), story.end, story.lists)
    };
    // It was taken, whichever of the two it is.
    assert_eq!(ask(LOOK), ("found stranger".to_owned(), s(180 + 2), 1), "one page and the registries of one");
    assert_eq!(ask(WAIT).0, "unclear: several tasks fit it: own, stranger");
    // Not after the time is over, and then nothing is read.
    let late = Aim::ToTheEnd { until: Some(s(300)) };
    assert_eq!(ask(late), ("unclear: the time was over before its task was seen to end".to_owned(), s(300), 0));
}

#[test]
fn each_request_of_a_place_has_its_own_time() {
    let ask = |aim, sent: fn(u64) -> super::world::Sent| {
        let mut run = Run::new();
        let ops = [run.request("p", Some(&["a"]), &[sent(100)]), run.request("p", Some(&["b"]), &[sent(1000)])];
        let own = Task { delay: s(170), ..Task::new("t2", 1001, &["b"]) };
        let stranger = Task::new("stranger", 1002, &["b"]);
        let world = World::new(&[("p", Task::new("t1", 101, &["a"])), ("p", own), ("p", stranger)]);
        let story = tell(&run, &world, aim, s(1100));
        (ops.map(|op| story.of(op)), story.lists)
    };
    // Looked at for the first at once, and again for the second, when its own task is listed too.
    let two = "unclear: several tasks fit it: stranger, t2".to_owned();
    assert_eq!(ask(WAIT, taken), (["found t1, confirmed".to_owned(), two.clone()], 2));
    // A look-up is one look, and now.
    assert_eq!(ask(LOOK, unanswered), (["found t1".to_owned(), "found stranger".to_owned()], 1));
}

#[test]
fn how_a_task_ended_is_read_off_its_registries() {
    use SyncStatus::{Failed, Finished, Running};
    let task = |end, statuses: &[SyncStatus]| {
        let registries = (0..).zip(statuses).map(|(number, status)| (format!("r{number}"), *status)).collect();
        Task { end, registries, ..Task::new("t", 110, &[]) }
    };
    let named = |number: usize| format!("name-of-r{number} (r{number}: connection refused)");
    let many: Vec<String> = (1..6).map(named).collect();
    for (end, statuses, said) in [
        (TaskStatus::Finished, vec![Finished, Finished], "confirmed".to_owned()),
        (
            TaskStatus::Finished,
            vec![Finished, Failed],
            format!("failed: its task t failed for 1 of 2 registries: {}", named(1)),
        ),
        (
            TaskStatus::Finished,
            vec![Running, Failed],
            format!("failed: its task t failed for 1 of 2 registries: {}", named(1)),
        ),
        (
            TaskStatus::Finished,
            [vec![Finished], vec![Failed; 7]].concat(),
            format!("failed: its task t failed for 7 of 8 registries: {}, and 2 more", many.join(", ")),
        ),
        (TaskStatus::Terminated, vec![Finished], "failed: its task t was terminated".to_owned()),
        (TaskStatus::TimedOut, vec![Running], "failed: its task t timed out".to_owned()),
        (
            TaskStatus::Abnormal,
            vec![Failed],
            format!("failed: its task t ended abnormally for 1 of 1 registries: {}", named(0)),
        ),
        (TaskStatus::Unclear, vec![Finished], "confirmed".to_owned()),
        (
            TaskStatus::Finished,
            vec![Finished, Running],
            "unclear: registries of its task t are still synchronised, though it has ended".to_owned(),
        ),
    ] {
        let mut run = Run::new();
        let ids: Vec<String> = (0..statuses.len()).map(|number| format!("r{number}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let op = run.request("p", Some(&ids), &[taken(100)]);
        let story = tell(&run, &World::new(&[("p", task(end, &statuses))]), WAIT, s(200));
        assert_eq!(story.of(op), format!("found t, {said}"), "{end:?} {statuses:?}");
    }
}

#[test]
fn what_the_service_says_is_cut_to_a_bounded_length() {
    let mut run = Run::new();
    let op = run.request("p", None, &[taken(100)]);
    let task = Task { end: TaskStatus::Terminated, ..Task::new("t", 110, &["a"]).of_all() };
    let mut page = World::new(&[("p", task)]).list("p", 0, s(1000));
    page.tasks[0].failed_reason = Some("é".repeat(5000));
    let (mut places, _) = run.places(WAIT, s(1000));
    let (place, mut events) = (&mut places[0], Vec::new());
    let now = Now { run: s(1000), wall: start() + s(1000) };
    place.take(now, Arrived::Woken, &mut events);
    place.take(now, Arrived::List(Ok(page)), &mut events);
    let refusal = Err(super::world::failure(FailureKind::Refused));
    place.take(now, Arrived::Registries(refusal), &mut events);
    let said = Story { events, ..Story::default() }.of(op);
    assert_eq!(said, format!("found t, failed: its task t was terminated ({}…)", "é".repeat(200)));
}

#[test]
fn progress_is_told_when_it_changes_and_only_of_what_was_accepted() {
    let task = Task { duration: s(1200), ..Task::new("t", 110, &["a"]) };
    let told = |sent| {
        let (story, said) = one(sent, Some(&["a"]), std::slice::from_ref(&task), WAIT);
        assert_eq!(said, "found t, confirmed");
        let percent = |event: &RunEvent| match event {
            RunEvent::TaskProgressed { percent, .. } => Some(*percent),
            _ => None,
        };
        let found = story.events.iter().position(|event| matches!(event, RunEvent::TaskFound { .. }));
        let before = story.events[..found.expect("it was found")].iter().filter_map(percent).count();
        (story.events.iter().filter_map(percent).collect::<Vec<u8>>(), before)
    };
    let (accepted, _) = told(taken(100));
    assert!(accepted.len() >= 3 && accepted.is_sorted_by(|a, b| a < b), "{accepted:?}");
    let (unknown, before) = told(unanswered(100));
    assert!(unknown.len() >= 3 && before == 0, "{unknown:?}, {before} of them before it was known to be accepted");
}

#[test]
fn a_list_that_is_refused_is_not_asked_for_again_and_trouble_is_looked_at_later() {
    let mut run = Run::new();
    let op = run.request("p", Some(&["a"]), &[taken(100)]);
    let task = World::new(&[("p", Task::new("t", 110, &["a"]))]);
    let unread = "unclear: the list of tasks can't be read: no answer after sending";
    for (kind, advice) in [
        (FailureKind::Credential, "mend the credential, then resume"),
        (
            FailureKind::Refused,
            "if its user lacks the right to list image tasks of HSS in this project (ListImageScanTask), grant it, then resume",
        ),
        (FailureKind::Redirected, "check the endpoint and the proxy, then resume"),
    ] {
        let story = tell(&run, &World { failing: vec![(0, kind)], ..task.clone() }, WAIT, s(500));
        assert_eq!((story.of(op), story.lists), (format!("{unread}; {advice}"), 1), "{kind:?}");
    }
    for kind in [FailureKind::Unavailable, FailureKind::NotSent, FailureKind::NoAnswer, FailureKind::Throttled] {
        let failing = |times: usize| (0..times).map(|number| (number, kind)).collect();
        let story = tell(&run, &World { failing: failing(5), ..task.clone() }, WAIT, s(500));
        assert_eq!((story.of(op).as_str(), story.lists), ("found t, confirmed", 6), "{kind:?}");
        let story = tell(&run, &World { failing: failing(99), ..task.clone() }, WAIT, s(500));
        assert_eq!((story.of(op).as_str(), story.lists), (unread, 6), "{kind:?}");
        // Trouble that passes is forgotten: five times in a row each, with a look that comes to something between.
        let failing = (0..11).filter(|number| *number != 5).map(|number| (number, kind)).collect();
        let long = World::new(&[("p", Task { duration: s(9000), ..Task::new("t", 110, &["a"]) })]);
        assert_eq!(tell(&run, &World { failing, ..long }, WAIT, s(500)).of(op), "found t, confirmed", "{kind:?}");
    }
    let mut run = Run::new();
    let op = run.request("p", Some(&["a"]), &[unanswered(100)]);
    let story = tell(&run, &World { failing: vec![(0, FailureKind::Unavailable)], ..task }, LOOK, s(500));
    assert_eq!((story.of(op).as_str(), story.lists), (unread, 1), "there is one look");
}

#[test]
fn registries_that_can_not_be_read_prove_nothing() {
    let mut run = Run::new();
    let op = run.request("p", Some(&["a"]), &[taken(100)]);
    let task = World::new(&[("p", Task::new("t", 110, &["a"]))]);
    for (kind, said, at_most) in [
        (
            FailureKind::Credential,
            "unclear: the registries of task t can't be read: no answer after sending; mend the credential, then resume",
            1,
        ),
        (
            FailureKind::Refused,
            "unclear: the registries of task t can't be read (it may be its own): no answer after sending",
            1,
        ),
        (
            FailureKind::NoAnswer,
            "unclear: the registries of task t can't be read (it may be its own): no answer after sending",
            12,
        ),
    ] {
        let story = tell(&run, &World { no_registries: Some(kind), ..task.clone() }, WAIT, s(500));
        assert_eq!(story.of(op), said, "{kind:?}");
        assert!(story.registries <= at_most, "{} for {kind:?}", story.registries);
    }
}

#[test]
fn a_task_that_is_not_listed_any_more_is_asked_about_by_its_id() {
    let mut run = Run::new();
    let op = run.request("p", Some(&["a"]), &[taken(100)]);
    let world = World::new(&[("p", Task { duration: s(600), ..Task::new("t", 110, &["a"]) })]);
    let (mut places, _) = run.places(WAIT, s(400));
    let (place, mut events, mut now) = (&mut places[0], Vec::new(), s(400));
    while place.step() != Step::Over {
        let arrived = match place.step() {
            // From 500 s on the list is empty.
            Step::List { .. } if now > s(500) => Arrived::List(Ok(TaskPage {
                tasks: Vec::new(),
                entries: 0,
                total: Some(0),
                clock_ahead: SignedDuration::ZERO,
            })),
            Step::List { offset } => Arrived::List(Ok(world.list("p", offset, now))),
            Step::Registries { task, offset } => Arrived::Registries(Ok(world.registries("p", &task, offset, now))),
            Step::WaitUntil(at) => {
                now = at;
                Arrived::Woken
            }
            Step::Over => break,
        };
        place.take(Now { run: now, wall: start() + now }, arrived, &mut events);
    }
    assert_eq!(Story { events, ..Story::default() }.of(op), "found t, confirmed");
}

#[test]
fn an_operation_without_an_attempt_is_said_to_be_unclear_and_nothing_is_read_for_it() {
    let mut run = Run::new();
    let op = run.request("p", Some(&["a"]), &[]);
    assert_eq!(run.summary.operations[op].outcome, Some(Outcome::Accepted));
    let story = tell(&run, &World::new(&[]), WAIT, s(500));
    assert_eq!((story.of(op).as_str(), story.lists), ("unclear: when and where it was sent is not known", 0));
}
