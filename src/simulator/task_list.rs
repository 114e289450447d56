//! ListImageScanTask and ListAssociateRegistries over the tasks of the simulated HSS.

use std::time::Duration;

use serde_json::{Value, json};

use super::answer::Refusal;
use super::api::{check_length, enterprise_project, number, one_of, page, registry_types};
use super::call::Call;
use super::tasks::{PartStatus, Task, TaskOrigin};
use super::world::World;

/// The latest time that a list may be asked about, in milliseconds since 1970.
const LATEST_MS: i64 = 4_070_880_000_000;

/// `GET /v5/{project_id}/image/tasks`.
///
/// # Errors
/// 400 `HSS.0001` when a parameter is missing or out of range.
pub(super) fn list_tasks(project_id: &str, call: &Call, world: &World) -> Result<Value, Refusal> {
    let sync = match one_of(call, "type", &["image_sync", "image_scan"])? {
        Some(kind) => kind == "image_sync",
        None => return Err(Refusal::parameter("type is required: image_sync or image_scan")),
    };
    for name in ["task_id", "task_name"] {
        call.parameter(name).map_or(Ok(()), |text| check_length(name, text, 256))?;
    }
    let kind = one_of(call, "task_type", &["cycle", "manual", "autoSync", "manualSync"])?;
    let image = one_of(call, "global_image_type", &["local", "registry"])?;
    let status = one_of(call, "task_status", &["scanning", "finished"])?;
    let since = number(call, "create_time", 0..=LATEST_MS)?;
    let until = number(call, "end_time", 0..=LATEST_MS)?;
    let now = call.at;
    let found = listed(project_id, call, world)?.filter(|task| {
        // A task that was stopped is neither: a client that asks for one of the two can't wait for its task.
        let is_status = |wanted: &str| match task.status(now) {
            0..100 => wanted == "scanning",
            100 => wanted == "finished",
            _ => false,
        };
        sync && kind.is_none_or(|kind| kind == task_type(task))
            && image.is_none_or(|image| image == "registry")
            && status.is_none_or(is_status)
            && call.parameter("task_id").is_none_or(|id| id == task.id)
            && call.parameter("task_name").is_none_or(|name| task_name(task).contains(name))
            && since.is_none_or(|since| task.begin_ms >= since)
            && until.is_none_or(|until| task.begin_ms <= until)
    });
    page(call, found.map(|task| task_json(task, now)))
}

/// `GET /v5/{project_id}/image/image-sync/tasks/{task_id}/registries`.
///
/// # Errors
/// 400 `HSS.0001` when a parameter is out of range, `HSS.0011` for a task that doesn't exist or isn't listed.
pub(super) fn list_task_registries(
    project_id: &str,
    task_id: &str,
    call: &Call,
    world: &World,
) -> Result<Value, Refusal> {
    check_length("task_id", task_id, 64)?;
    let types = registry_types(call)?;
    let wanted = one_of(call, "sync_status", &PartStatus::WORDS)?;
    let Some(task) = listed(project_id, call, world)?.find(|task| task.id == task_id) else {
        return Err(Refusal::hss("HSS.0011", format!("task {task_id} not found")));
    };
    let found = task.progress(call.at).filter(|(part, status)| {
        types.as_ref().is_none_or(|types| types.contains(&part.registry_type))
            && call.parameter("registry_name").is_none_or(|name| part.name.contains(name))
            && wanted.is_none_or(|wanted| wanted == status.as_str())
    });
    let found = found.map(|(part, status)| {
        json!({ "registry_id": part.id, "registry_name": part.name, "registry_type": part.registry_type,
                "sync_status": status.as_str(), "failed_reason": reason(status) })
    });
    page(call, found)
}

/// The tasks of a project that the service shows to this call, newest first.
fn listed<'a>(project_id: &str, call: &'a Call, world: &'a World) -> Result<impl Iterator<Item = &'a Task>, Refusal> {
    let (region, enterprise_project) = (call.region(), enterprise_project(call)?);
    Ok(world.tasks.of(project_id).filter(move |task| task.is_listed(call.at, &region, enterprise_project)))
}

fn task_type(task: &Task) -> &'static str {
    match task.origin {
        TaskOrigin::Request | TaskOrigin::Stranger => "manualSync",
        TaskOrigin::Daily => "autoSync",
    }
}

fn task_name(task: &Task) -> String {
    let prefix = if task.origin == TaskOrigin::Daily { "auto-sync" } else { "manual-sync" };
    format!("{prefix}-{}", &task.id[..8])
}

fn reason(status: PartStatus) -> Option<&'static str> {
    match status {
        PartStatus::Failed(reason) => Some(reason),
        PartStatus::Running | PartStatus::Finished => None,
    }
}

/// Counts are of registries: the documents speak of images, of which there are none here.
fn task_json(task: &Task, now: Duration) -> Value {
    let count = |wanted: &str| task.progress(now).filter(|(_, status)| status.as_str() == wanted).count();
    let failed = task.progress(now).filter_map(|(part, status)| Some((part, reason(status)?)));
    let failed: Vec<Value> = failed
        .map(|(part, reason)| {
            json!({ "id": null, "registry_id": part.id, "registry_name": part.name, "registry_type": part.registry_type,
                    "image_name": null, "image_version": null, "namespace": null, "failed_reason": reason })
        })
        .collect();
    json!({
        "task_id": task.id, "policy_id": null, "task_name": task_name(task),
        "begin_time": task.begin_ms, "end_time": task.end_ms(now), "remain_min": task.remaining_minutes(now),
        "task_type": task_type(task), "sync_task_type": task_type(task), "image_type": "registry",
        "task_status": task.status(now), "is_all": task.is_all,
        "total_num": task.parts.len(), "success_num": count("finished"), "failed_num": failed.len(), "risky_num": 0,
        "failed_reason": task.failed_reason(now), "failed_images": failed,
    })
}
