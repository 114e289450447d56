//! Tasks: how they advance, what goes wrong with them on purpose, and what the two lists show of it.

use serde_json::{Value, json};

use super::*;
use crate::simulator::tasks::{Order, Tasks};

const SYNC: (&str, &str) = ("type", "image_sync");
const MANUAL: [(&str, &str); 2] = [SYNC, ("task_type", "manualSync")];

/// A simulator whose tasks take 100 s and have these faults.
async fn lab(faults: &str) -> Lab {
    let time = TimeRange::parse("100s").expect("legal");
    let faults = if faults.is_empty() { TaskFaults::default() } else { TaskFaults::parse(faults).expect("legal") };
    let tasks = SimulatedTasks { time, faults };
    Lab::start(SimulatorConfig { quota: None, tasks, ..SimulatorConfig::default() }).await
}

async fn sync_all(lab: &Lab) {
    let mut request = lab.create("cn-north-4", "p1");
    request.body = br#"{"sync_all_registries":true}"#.to_vec();
    assert_eq!(lab.call(&request).await.status, 200);
}

async fn list(lab: &Lab, query: &[(&str, &str)]) -> Vec<Value> {
    let reply = lab.call(&lab.get("/v5/p1/image/tasks", query)).await;
    let json = reply.json();
    let tasks = json["data_list"].as_array().unwrap_or_else(|| panic!("{query:?}: {reply:?}")).clone();
    assert_eq!(json["total_num"], tasks.len());
    tasks
}

/// The newest task.
async fn newest(lab: &Lab) -> Value {
    list(lab, &[SYNC]).await.remove(0)
}

fn registries_path(task: &str) -> String {
    format!("/v5/p1/image/image-sync/tasks/{task}/registries")
}

/// The registries of the newest task: name, status and reason.
async fn registries(lab: &Lab, query: &[(&str, &str)]) -> Vec<(String, String, Option<String>)> {
    let path = registries_path(newest(lab).await["task_id"].as_str().expect("an id"));
    let json = lab.call(&lab.get(&path, query)).await.json();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let one = |value: &Value| {
        (text(&value["registry_name"])?, text(&value["sync_status"])?, text(&value["failed_reason"])).into()
    };
    let found: Vec<_> = json["data_list"].as_array().expect("a list").iter().filter_map(one).collect();
    assert_eq!(json["total_num"], found.len());
    found
}

fn counts(task: &Value) -> [i64; 4] {
    ["task_status", "success_num", "failed_num", "total_num"].map(|name| task[name].as_i64().expect("a number"))
}

#[tokio::test]
async fn a_task_takes_its_registries_one_after_the_other() {
    let lab = lab("").await;
    sync_all(&lab).await;
    for (at_ms, expected, minutes) in [
        (0, [0, 0, 0, 5], 2),
        (19_999, [19, 0, 0, 5], 2),
        (40_000, [40, 2, 0, 5], 1),
        (99_999, [99, 4, 0, 5], 1),
        (100_000, [100, 5, 0, 5], 0),
        (200_000, [100, 5, 0, 5], 0),
    ] {
        lab.clock.set_ms(at_ms);
        let task = newest(&lab).await;
        assert_eq!((counts(&task), &task["remain_min"]), (expected, &minutes.into()), "{at_ms}");
        let end = if at_ms < 100_000 { Value::Null } else { json!(1_768_464_100_000_i64) };
        assert_eq!((&task["end_time"], &task["failed_images"]), (&end, &json!([])), "{at_ms}");
    }
    lab.clock.set_ms(40_000);
    let (running, finished) = ([("sync_status", "running")], [("sync_status", "finished")]);
    assert_eq!((registries(&lab, &running).await.len(), registries(&lab, &finished).await.len()), (3, 2));
    let both = [("registry_name", "prod-"), ("registry_type", "Harbor,Jfrog")];
    assert_eq!(registries(&lab, &both).await, [("prod-harbor".to_owned(), "running".to_owned(), None)]);
}

#[tokio::test]
async fn a_failed_registry_is_told_by_the_task_and_by_itself() {
    let lab = lab("failed:100%").await;
    sync_all(&lab).await;
    assert_eq!(counts(&newest(&lab).await), [0, 0, 0, 5]);
    lab.clock.set_ms(100_000);
    let task = newest(&lab).await;
    assert_eq!((counts(&task), &task["failed_reason"]), ([100, 4, 1, 5], &Value::Null));
    // The one that the service could not reach before.
    let jfrog = ("stage-jfrog".to_owned(), "failed".to_owned(), Some("REQUEST_API_ERROR".to_owned()));
    assert_eq!(registries(&lab, &[("sync_status", "failed")]).await, [jfrog]);
    let image = &task["failed_images"][0];
    assert_eq!(
        (&image["registry_name"], &image["registry_type"], &image["failed_reason"]),
        (&json!("stage-jfrog"), &json!("Jfrog"), &json!("REQUEST_API_ERROR"))
    );
    assert_eq!(task["failed_images"].as_array().map(Vec::len), Some(1));

    // A registry that the project doesn't have fails as well as any other.
    assert_eq!(lab.call(&lab.create("cn-north-4", "p1")).await.status, 200);
    lab.clock.set_ms(200_000);
    assert_eq!(counts(&newest(&lab).await), [100, 0, 1, 1]);
}

#[tokio::test]
async fn a_stopped_task_ends_half_way_and_is_neither_scanning_nor_finished() {
    for (kind, status, failed, rest) in
        [("abnormal", -3, 3, "failed"), ("terminated", -1, 0, "running"), ("timeout", -2, 0, "running")]
    {
        let lab = lab(&format!("{kind}:100%")).await;
        sync_all(&lab).await;
        lab.clock.set_ms(49_999);
        let task = newest(&lab).await;
        assert_eq!((counts(&task), &task["end_time"]), ([49, 2, 0, 5], &Value::Null), "{kind}");
        assert_eq!(task["failed_reason"], Value::Null);
        lab.clock.set_ms(50_000);
        let task = newest(&lab).await;
        assert_eq!(counts(&task), [status, 2, failed, 5], "{kind}");
        assert_eq!((&task["end_time"], &task["remain_min"]), (&json!(1_768_464_050_000_i64), &json!(0)), "{kind}");
        assert!(task["failed_reason"].as_str().is_some_and(|reason| (1..=128).contains(&reason.len())), "{kind}");
        assert_eq!(task["failed_images"].as_array().map(Vec::len), usize::try_from(failed).ok(), "{kind}");
        lab.clock.set_ms(1_000_000);
        let statuses: Vec<_> = registries(&lab, &[]).await.into_iter().map(|(_, status, _)| status).collect();
        assert_eq!(statuses, ["finished", "finished", rest, rest, rest], "{kind}");
        for word in ["scanning", "finished"] {
            assert_eq!(list(&lab, &[SYNC, ("task_status", word)]).await.len(), 0, "{kind} {word}");
        }
    }
}

#[tokio::test]
async fn what_is_late_is_listed_in_time_and_what_is_lost_never() {
    for (faults, listed) in [("late:30s", true), ("lost:100%", false)] {
        let lab = lab(faults).await;
        sync_all(&lab).await;
        let made = lab.simulator.tasks();
        assert_eq!(made.len(), 1);
        let registries = lab.get(&registries_path(&made[0].id), &[]);
        lab.clock.set_ms(29_999);
        assert_eq!(list(&lab, &[SYNC]).await.len(), 0, "{faults}");
        assert_eq!(lab.call(&registries).await.error_code(), "HSS.0011", "{faults}");
        lab.clock.set_ms(30_000);
        assert_eq!(list(&lab, &[SYNC]).await.len(), usize::from(listed), "{faults}");
        assert_eq!(lab.call(&registries).await.status, if listed { 200 } else { 400 }, "{faults}");
    }
}

#[tokio::test]
async fn a_companion_begins_in_the_same_moment() {
    let lab_of = async |faults| {
        let lab = lab(faults).await;
        assert_eq!(lab.call(&lab.create("cn-north-4", "p1")).await.status, 200);
        lab
    };
    let lab = lab_of("stranger:100%").await;
    let [one, other] = list(&lab, &MANUAL).await.try_into().expect("two");
    assert_ne!(one["task_id"], other["task_id"]);
    for task in [&one, &other] {
        assert_eq!((&task["begin_time"], &task["total_num"]), (&json!(1_768_464_000_000_i64), &json!(1)));
    }
    let made = lab.simulator.tasks();
    assert_eq!(made.iter().map(|task| task.registries.join(",")).collect::<Vec<_>>(), ["77aa", "77aa"]);
    let requested: Vec<_> = made.iter().filter(|task| task.origin == TaskOrigin::Request).collect();
    assert_eq!(
        requested.iter().map(|task| Some(task.id.clone())).collect::<Vec<_>>(),
        [lab.simulator.log()[0].task_id.clone()]
    );
    assert_eq!((requested[0].fault, lab.simulator.stats().committed), (Some(TaskFaultKind::Stranger), 1));

    let lab = lab_of("auto:100%").await;
    let [own] = list(&lab, &MANUAL).await.try_into().expect("one");
    let [daily] = list(&lab, &[SYNC, ("task_type", "autoSync")]).await.try_into().expect("one");
    assert_eq!(list(&lab, &[SYNC]).await.len(), 2);
    assert_eq!(
        (&own["sync_task_type"], &own["is_all"], &own["total_num"]),
        (&json!("manualSync"), &json!(false), &json!(1))
    );
    assert_eq!(
        (&daily["sync_task_type"], &daily["is_all"], &daily["total_num"]),
        (&json!("autoSync"), &json!(true), &json!(5))
    );
    assert_eq!(daily["begin_time"], own["begin_time"]);
}

#[tokio::test]
async fn a_task_is_seen_in_its_region_and_enterprise_project() {
    let lab = lab("").await;
    let mut request = lab.create("cn-north-1", "p1");
    request.query = vec![("enterprise_project_id".to_owned(), "ep-1".to_owned())];
    assert_eq!(lab.call(&request).await.status, 200);
    let id = lab.simulator.tasks()[0].id.clone();
    for (region, enterprise_project, seen) in [
        ("cn-north-1", "ep-1", true),
        ("cn-north-1", "all_granted_eps", true),
        ("cn-north-1", "0", false),
        ("cn-north-4", "ep-1", false),
        ("", "ep-1", true),
    ] {
        for (path, none) in [("/v5/p1/image/tasks", "total 0"), (&*registries_path(&id), "HSS.0011")] {
            let mut get = lab.get(path, &[SYNC, ("enterprise_project_id", enterprise_project)]);
            get.headers = vec![("region".to_owned(), region.to_owned())];
            get.headers.retain(|(_, region)| !region.is_empty());
            let reply = lab.call(&get).await;
            let found =
                if reply.status == 200 { format!("total {}", reply.json()["total_num"]) } else { reply.error_code() };
            let expected = if seen { "total 1" } else { none };
            assert_eq!(found, expected, "{region} {enterprise_project} {path}");
        }
    }
}

#[tokio::test]
async fn a_word_that_no_list_knows_is_refused() {
    let lab = lab("").await;
    sync_all(&lab).await;
    let path = registries_path(newest(&lab).await["task_id"].as_str().expect("an id"));
    for (path, query) in [
        ("/v5/p1/image/tasks", ("task_type", "manualsync")),
        ("/v5/p1/image/tasks", ("task_status", "running")),
        ("/v5/p1/image/tasks", ("global_image_type", "swr")),
        ("/v5/p1/image/tasks", ("task_id", "")),
        ("/v5/p1/image/tasks", ("create_time", "4070880000001")),
        (&path, ("sync_status", "scanning")),
        (&path, ("registry_type", "harbor")),
    ] {
        let reply = lab.call(&lab.get(path, &[SYNC, query])).await;
        assert_eq!((reply.status, reply.error_code().as_str()), (400, "HSS.0001"), "{query:?}");
        assert!(reply.json()["error_description"].as_str().is_some_and(|text| text.contains(query.0)), "{query:?}");
    }
    let unknown = lab.call(&lab.get("/v5/p1/image/tasks", &[("type", "sync")])).await;
    assert_eq!(unknown.error_code(), "HSS.0001");
    assert_eq!(list(&lab, &[SYNC, ("global_image_type", "local")]).await.len(), 0);
    assert_eq!(list(&lab, &[SYNC, ("global_image_type", "registry")]).await.len(), 1);
}

fn order(project_id: &str, begin: Duration) -> Order<'_> {
    let at = (begin, ManualClock::origin() + begin);
    Order { region: "", project_id, enterprise_project_id: "0", registries: None, at }
}

/// When each of ten tasks ends, in milliseconds.
fn ends(seed: u64, time: &str) -> Vec<u64> {
    let config = SimulatedTasks { time: TimeRange::parse(time).expect("legal"), ..SimulatedTasks::default() };
    let mut tasks = Tasks::new(seed, config);
    for _ in 0..10 {
        tasks.create(&order("p1", Duration::ZERO), Vec::new());
    }
    let end = |ms: &u64| Duration::from_millis(*ms);
    tasks.of("p1").map(|task| (0..=70_000).find(|ms| task.status(end(ms)) == 100).unwrap_or(u64::MAX)).collect()
}

#[test]
fn tasks_take_the_time_that_was_given_and_again_the_same() {
    let drawn = ends(1, "5s..60s");
    assert!(drawn.iter().all(|ms| (5_000..=60_000).contains(ms)), "{drawn:?}");
    assert!(drawn.iter().collect::<std::collections::BTreeSet<_>>().len() > 5, "{drawn:?}");
    assert_eq!(drawn, ends(1, "5s..60s"));
    assert_ne!(drawn, ends(2, "5s..60s"));
    assert_eq!((ends(1, "7s"), ends(1, "0s")), (vec![7_000; 10], vec![0; 10]));
}

#[test]
fn a_later_simulator_gives_other_ids() {
    let id = |begin| Tasks::new(1, SimulatedTasks::default()).create(&order("p1", begin), Vec::new());
    assert_eq!(id(Duration::ZERO), id(Duration::ZERO));
    assert_ne!(id(Duration::ZERO), id(Duration::from_millis(1)));
}

#[test]
fn a_project_keeps_its_newest_thousand_tasks() {
    let mut tasks = Tasks::new(1, SimulatedTasks::default());
    let mut ids: Vec<_> = (0..1003).map(|_| tasks.create(&order("p1", Duration::ZERO), Vec::new())).collect();
    assert!(tasks.made().iter().map(|task| &task.id).eq(&ids[3..]), "oldest first");
    ids.reverse();
    assert!(tasks.of("p1").map(|task| &task.id).eq(&ids[..1000]), "newest first");
}
