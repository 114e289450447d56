//! Bodies of lists to values. What is not the documented shape is refused, since a list that is only partly understood
//! would hide registries; texts are scrubbed and cut, and are still untrusted.

use jiff::SignedDuration;
use serde::Deserialize;

use crate::follow::{SyncStatus, SyncTask, TaskPage, TaskRegistry, TaskRegistryPage, TaskStatus};
use crate::model::{ProjectId, RegistryId, RegistryType, TaskId};
use crate::policy::Redactor;
use crate::resolve::{FoundProject, FoundRegistry};

/// Characters of a text that are kept; documented are at most 128.
const LONGEST_TEXT: usize = 256;

/// One page of registries.
#[derive(Debug, PartialEq)]
pub struct Page {
    /// As they are listed.
    pub registries: Vec<FoundRegistry>,
    /// `total_num`: all that were found.
    pub total: Option<usize>,
}

#[derive(Deserialize)]
struct Projects {
    projects: Vec<Project>,
}

#[derive(Deserialize)]
struct Project {
    id: String,
    #[serde(default)]
    name: Option<String>,
}

#[derive(Deserialize)]
struct List<T> {
    #[serde(default)]
    total_num: Option<usize>,
    data_list: Vec<T>,
}

#[derive(Deserialize)]
struct Registry {
    id: String,
    #[serde(default)]
    registry_name: Option<String>,
    #[serde(default)]
    registry_type: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    fail_reason: Option<String>,
}

/// `task_type` of a task that a request asked for; the daily one is `autoSync`.
const MANUAL: &str = "manualSync";

#[derive(Deserialize)]
struct Task {
    task_id: String,
    /// Milliseconds since 1970.
    begin_time: i64,
    #[serde(default)]
    task_type: Option<String>,
    #[serde(default)]
    task_status: Option<i64>,
    #[serde(default)]
    remain_min: Option<u64>,
    #[serde(default)]
    is_all: Option<bool>,
    #[serde(default)]
    failed_reason: Option<String>,
}

#[derive(Deserialize)]
struct TaskRegistryBody {
    registry_id: String,
    #[serde(default)]
    registry_name: Option<String>,
    #[serde(default)]
    registry_type: Option<String>,
    #[serde(default)]
    sync_status: Option<String>,
    #[serde(default)]
    failed_reason: Option<String>,
}

/// What IAM answered.
///
/// # Errors
/// What of the body is not as documented.
pub fn projects(body: &[u8], redactor: &Redactor) -> Result<Vec<FoundProject>, String> {
    let list: Projects = read(body)?;
    list.projects
        .into_iter()
        .map(|project| {
            let id = ProjectId::parse(&project.id).map_err(|error| format!("one of its projects: {error}"))?;
            no_secret(id.as_str(), redactor)?;
            Ok(FoundProject { id, name: text(project.name, redactor) })
        })
        .collect()
}

/// One page of ListRegistry.
///
/// # Errors
/// What of the body is not as documented.
pub fn registries(body: &[u8], redactor: &Redactor) -> Result<Page, String> {
    let list: List<Registry> = read(body)?;
    let registries = list.data_list.into_iter().map(|registry| {
        let id = RegistryId::parse(&registry.id).map_err(|error| format!("one of its registries: {error}"))?;
        no_secret(id.as_str(), redactor)?;
        let stated = registry.registry_type.unwrap_or_default();
        Ok(FoundRegistry {
            id,
            name: text(registry.registry_name, redactor),
            registry_type: RegistryType::parse(&stated).map_err(|_| text(Some(stated), redactor)),
            status: text(registry.status, redactor),
            fail_reason: registry.fail_reason.map(|reason| text(Some(reason), redactor)),
        })
    });
    Ok(Page { registries: registries.collect::<Result<_, String>>()?, total: list.total_num })
}

/// Whether a body is a list of tasks, whatever is in it.
///
/// # Errors
/// What of the body is not as documented.
pub fn tasks(body: &[u8]) -> Result<(), String> {
    let _: List<serde::de::IgnoredAny> = read(body)?;
    Ok(())
}

/// One page of the synchronisation tasks that a request asked for. The clock is not in the body.
///
/// # Errors
/// What of the body is not as documented.
pub fn sync_tasks(body: &[u8], redactor: &Redactor) -> Result<TaskPage, String> {
    let list: List<Task> = read(body)?;
    let entries = list.data_list.len();
    // A service that doesn't heed the filter lists the daily tasks, too.
    let asked_for =
        list.data_list.into_iter().filter(|task| task.task_type.as_deref().is_none_or(|kind| kind == MANUAL));
    let tasks = asked_for.map(|task| {
        let id = TaskId::parse(&task.task_id).map_err(|error| format!("one of its tasks: {error}"))?;
        no_secret(id.as_str(), redactor)?;
        let begin = jiff::Timestamp::from_millisecond(task.begin_time)
            .map_err(|_| format!("the begin time of task {id} is no time"))?;
        Ok(SyncTask {
            id,
            begin,
            status: task_status(task.task_status),
            remaining_minutes: task.remain_min,
            is_all: task.is_all,
            failed_reason: reason(task.failed_reason, redactor),
        })
    });
    let tasks = tasks.collect::<Result<_, String>>()?;
    Ok(TaskPage { tasks, entries, total: list.total_num, clock_ahead: SignedDuration::ZERO })
}

fn task_status(number: Option<i64>) -> TaskStatus {
    match number {
        Some(100) => TaskStatus::Finished,
        Some(-1) => TaskStatus::Terminated,
        Some(-2) => TaskStatus::TimedOut,
        Some(-3) => TaskStatus::Abnormal,
        Some(percent @ 0..100) => u8::try_from(percent).map_or(TaskStatus::Unclear, TaskStatus::Running),
        _ => TaskStatus::Unclear,
    }
}

/// One page of ListAssociateRegistries.
///
/// # Errors
/// What of the body is not as documented.
pub fn task_registries(body: &[u8], redactor: &Redactor) -> Result<TaskRegistryPage, String> {
    let list: List<TaskRegistryBody> = read(body)?;
    let registries = list.data_list.into_iter().map(|registry| TaskRegistry {
        id: text(Some(registry.registry_id), redactor),
        name: text(registry.registry_name, redactor),
        registry_type: registry.registry_type.and_then(|kind| RegistryType::parse(&kind).ok()),
        status: match registry.sync_status.as_deref() {
            Some("finished") => SyncStatus::Finished,
            Some("failed") => SyncStatus::Failed,
            _ => SyncStatus::Running,
        },
        failed_reason: reason(registry.failed_reason, redactor),
    });
    let registries: Vec<TaskRegistry> = registries.collect();
    Ok(TaskRegistryPage { entries: registries.len(), registries, total: list.total_num })
}

/// A reason that says something.
fn reason(stated: Option<String>, redactor: &Redactor) -> Option<String> {
    Some(text(stated, redactor)).filter(|reason| !reason.trim().is_empty())
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, String> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    serde_json::from_slice(body).map_err(|error| format!("it has not the documented shape ({error})"))
}

/// An id goes into plans, requests and reports as it is, so that nothing can be taken out of it.
fn no_secret(id: &str, redactor: &Redactor) -> Result<(), String> {
    if redactor.scrub(id) == id { Ok(()) } else { Err("one of its ids holds a secret of the caller".to_owned()) }
}

fn text(text: Option<String>, redactor: &Redactor) -> String {
    let scrubbed = redactor.scrub(text.unwrap_or_default().as_str());
    if scrubbed.chars().count() > LONGEST_TEXT { scrubbed.chars().take(LONGEST_TEXT).collect() } else { scrubbed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;

    #[test]
    fn a_page_is_read_with_what_it_leaves_out() {
        let body = br#"{"total_num":2,"data_list":[
            {"id":"r-1","registry_name":"prod-harbor","registry_type":"Harbor","status":"fail","fail_reason":"SERVER_ERROR","images_num":3},
            {"id":"r-2","registry_type":"Nexus","new_field":{}}]}"#;
        let page = registries(body, &Redactor::default()).expect("the documented shape");
        assert_eq!((page.total, page.registries.len()), (Some(2), 2));
        let [harbor, nexus] = page.registries.as_slice() else { panic!("two") };
        assert_eq!(
            (harbor.registry_type.clone(), harbor.status_text()),
            (Ok(RegistryType::Harbor), "fail, SERVER_ERROR".to_owned())
        );
        assert_eq!((nexus.registry_type.clone(), nexus.status_text()), (Err("Nexus".to_owned()), "unknown".to_owned()));
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for body in [
            "",
            "{}",
            "[]",
            "<html>",
            r#"{"total_num":0}"#,
            r#"{"data_list":null}"#,
            r#"{"data_list":[{"registry_name":"without id"}]}"#,
            r#"{"data_list":[{"id":7}]}"#,
            r#"{"data_list":[{"id":"a b"}]}"#,
            r#"{"data_list":[{"id":"{{ vars.x }}"}]}"#,
        ] {
            let told = registries(body.as_bytes(), &Redactor::default()).expect_err(body);
            assert!(told.starts_with("it has not the documented shape") || told.contains("registry id"), "{told}");
        }
        assert!(projects(br#"{"projects":[{"id":"../x"}]}"#, &Redactor::default()).is_err());
        assert!(tasks(br#"{"total_num":1,"data_list":[{"task_id":1}]}"#).is_ok());
        assert!(tasks(br#"{"error":"x"}"#).is_err());
    }

    #[test]
    fn a_secret_that_is_echoed_in_a_name_is_taken_out_and_long_texts_are_cut() {
        let redactor = Redactor::new(vec![Secret::new("secret-secret-secret".to_owned())]);
        let long = "x".repeat(1000);
        let body =
            format!(r#"{{"projects":[{{"id":"p","name":"a secret-secret-secret"}},{{"id":"q","name":"{long}"}}]}}"#);
        let found = projects(body.as_bytes(), &redactor).expect("a list");
        assert!(!found[0].name.contains("secret-secret"), "{}", found[0].name);
        assert_eq!(found[1].name.chars().count(), LONGEST_TEXT);
        let body = br#"{"projects":[{"id":"x-secret-secret-secret","name":"n"}],"total_num":1,
            "data_list":[{"id":"secret-secret-secret"}]}"#;
        let told = [projects(body, &redactor).expect_err("an id"), registries(body, &redactor).expect_err("an id")];
        assert_eq!(told, ["one of its ids holds a secret of the caller"; 2]);
        let body = br#"{"total_num":1,"data_list":[{"task_id":"x-secret-secret-secret","begin_time":1}]}"#;
        let told = sync_tasks(body, &redactor).expect_err("an id goes into reports, the journal and paths");
        assert_eq!(told, "one of its ids holds a secret of the caller");
    }
}
