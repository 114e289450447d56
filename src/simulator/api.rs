//! The simulated API: which call is which, what CreateImageSynchronizeTask accepts, and the lists.
//!
//! Fields, ranges and shapes are those of the API pages and the official SDK 3.1.219. Where the documents are silent,
//! the stricter reading is taken; `docs/simulator.md` lists those places.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::answer::{Answer, Refusal};
use super::call::Call;
use super::projects::list_projects;
use super::registries::list_registries;
use super::world::{Scope, Task, World};
use crate::model::RegistryType;

/// An API, with what its path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// `POST /v5/{project_id}/image/image-sync/tasks`.
    CreateSyncTask { project_id: String },
    /// `GET /v5/{project_id}/image/registries`.
    ListRegistries { project_id: String },
    /// `GET /v5/{project_id}/image/tasks`.
    ListTasks { project_id: String },
    /// `GET /v5/{project_id}/image/image-sync/tasks/{task_id}/registries`.
    ListTaskRegistries { project_id: String, task_id: String },
    /// `GET /v3/projects`, of IAM.
    ListProjects,
}

impl Route {
    /// Finds the API of a call.
    ///
    /// # Errors
    /// 404 `APIGW.0101`, also for a method that the path doesn't have.
    pub(super) fn find(call: &Call) -> Result<Self, Refusal> {
        let path = call.path.strip_suffix('/').unwrap_or(&call.path);
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let own = |text: &&str| (*text).to_owned();
        match (&call.method, segments.as_slice()) {
            (&Method::POST, ["v5", project, "image", "image-sync", "tasks"]) => {
                Ok(Self::CreateSyncTask { project_id: own(project) })
            }
            (&Method::GET, ["v5", project, "image", "registries"]) => {
                Ok(Self::ListRegistries { project_id: own(project) })
            }
            (&Method::GET, ["v5", project, "image", "tasks"]) => Ok(Self::ListTasks { project_id: own(project) }),
            (&Method::GET, ["v5", project, "image", "image-sync", "tasks", task, "registries"]) => {
                Ok(Self::ListTaskRegistries { project_id: own(project), task_id: own(task) })
            }
            (&Method::GET, ["v3", "projects"]) => Ok(Self::ListProjects),
            _ => {
                let message = "The API does not exist or has not been published in the environment";
                Err(Refusal::gateway(StatusCode::NOT_FOUND, "APIGW.0101", message))
            }
        }
    }

    /// The API's name; also what a quota bucket counts.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::CreateSyncTask { .. } => "CreateImageSynchronizeTask",
            Self::ListRegistries { .. } => "ListRegistry",
            Self::ListTasks { .. } => "ListImageScanTask",
            Self::ListTaskRegistries { .. } => "ListAssociateRegistries",
            Self::ListProjects => "KeystoneListProjects",
        }
    }

    /// The project of the path.
    pub(super) fn project_id(&self) -> Option<&str> {
        match self {
            Self::CreateSyncTask { project_id }
            | Self::ListRegistries { project_id }
            | Self::ListTasks { project_id }
            | Self::ListTaskRegistries { project_id, .. } => Some(project_id),
            Self::ListProjects => None,
        }
    }
}

/// Checks a CreateImageSynchronizeTask request: what would be synchronised.
///
/// # Errors
/// 400 `HSS.0002` when the body is no JSON, `HSS.0001` for everything else.
pub(super) fn parse_create(call: &Call) -> Result<Scope, Refusal> {
    let content_type = call.header("content-type").unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(Refusal::parameter(format!("Content-Type is {media_type:?}, not application/json")));
    }
    // By hand, not derived: serde also reads a struct from an array, which the service doesn't promise.
    let body: Value = serde_json::from_slice(&call.body)
        .map_err(|error| Refusal::hss("HSS.0002", format!("parse request body failed: {error}")))?;
    let body = body.as_object().ok_or_else(|| Refusal::parameter("the body is not an object"))?;
    let all = match body.get("sync_all_registries") {
        Some(Value::Bool(all)) => *all,
        Some(_) => return Err(Refusal::parameter("sync_all_registries is not a boolean")),
        None => return Err(Refusal::parameter("sync_all_registries is missing")),
    };
    let registries = match body.get("registry_info") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(items)) => {
            items.iter().enumerate().map(|(index, item)| parse_registry(index, item)).collect::<Result<_, _>>()?
        }
        Some(_) => return Err(Refusal::parameter("registry_info is not an array")),
    };
    match (all, registries.is_empty()) {
        (true, _) => Ok(Scope::All),
        (false, false) => Ok(Scope::Registries(registries)),
        (false, true) => {
            Err(Refusal::parameter("registry_info names no registry although sync_all_registries is false"))
        }
    }
}

fn parse_registry(index: usize, item: &Value) -> Result<(String, RegistryType), Refusal> {
    let text = |name: &str| match item.get(name) {
        Some(Value::String(text)) => Ok(text.as_str()),
        Some(_) => Err(Refusal::parameter(format!("registry_info[{index}].{name} is not a string"))),
        None => Err(Refusal::parameter(format!("registry_info[{index}].{name} is missing"))),
    };
    let id = text("registry_id")?;
    check_length(&format!("registry_info[{index}].registry_id"), id, 64)?;
    let kind = RegistryType::parse(text("registry_type")?)
        .map_err(|error| Refusal::parameter(format!("registry_info[{index}].registry_type: {error}")))?;
    Ok((id.to_owned(), kind))
}

/// The enterprise project of a call, `0` without one.
///
/// # Errors
/// 400 `HSS.0001` when its length isn't 1–256.
pub(super) fn enterprise_project(call: &Call) -> Result<&str, Refusal> {
    let id = call.parameter("enterprise_project_id").unwrap_or("0");
    check_length("enterprise_project_id", id, 256)?;
    Ok(id)
}

/// Answers a call that was carried out.
///
/// # Errors
/// 400 `HSS.0001` when a parameter of a list is out of range, `HSS.0011` for a task that doesn't exist.
pub(super) fn answer(route: &Route, call: &Call, world: &World) -> Result<Answer, Refusal> {
    let body = match route {
        // The documented response has no fields: above all no task id.
        Route::CreateSyncTask { .. } => return Ok(Answer::ok("{}")),
        Route::ListRegistries { project_id } => list_registries(project_id, call, world)?,
        Route::ListTasks { project_id } => list_tasks(project_id, call, world)?,
        Route::ListTaskRegistries { project_id, task_id } => list_task_registries(project_id, task_id, call, world)?,
        Route::ListProjects => list_projects(call, world.projects()),
    };
    Ok(Answer::ok(body.to_string()))
}

fn list_tasks(project_id: &str, call: &Call, world: &World) -> Result<Value, Refusal> {
    let sync = match call.parameter("type") {
        Some("image_sync") => true,
        Some("image_scan") => false,
        _ => return Err(Refusal::parameter("type is required: image_sync or image_scan")),
    };
    let enterprise_project = enterprise_project(call)?;
    let wanted_status = match call.parameter("task_status") {
        None => None,
        Some("finished") => Some(true),
        Some("scanning") => Some(false),
        Some(_) => return Err(Refusal::parameter("task_status is scanning or finished")),
    };
    let since = number(call, "create_time", 0..=4_070_880_000_000)?;
    let until = number(call, "end_time", 0..=4_070_880_000_000)?;
    let now = call.at;
    let found = world.tasks(project_id).filter(|task| {
        sync && (enterprise_project == "all_granted_eps" || task.enterprise_project_id == enterprise_project)
            && call.parameter("task_type").is_none_or(|kind| kind == "manualSync")
            && call.parameter("task_id").is_none_or(|id| id == task.id)
            && call.parameter("task_name").is_none_or(|name| task_name(task).contains(name))
            && wanted_status.is_none_or(|finished| finished == (task.status(now) == 100))
            && since.is_none_or(|since| task.begin_ms >= since)
            && until.is_none_or(|until| task.begin_ms <= until)
    });
    page(call, found.map(|task| task_json(task, project_id, now, world)))
}

fn task_name(task: &Task) -> String {
    format!("manual-sync-{}", &task.id[..8])
}

fn task_json(task: &Task, project_id: &str, now: std::time::Duration, world: &World) -> Value {
    let registries = match &task.scope {
        Scope::All => world.registries(project_id).len(),
        Scope::Registries(registries) => registries.len(),
    };
    let status = task.status(now);
    let finished = if status == 100 { registries } else { 0 };
    json!({
        "task_id": task.id, "policy_id": null, "task_name": task_name(task),
        "begin_time": task.begin_ms, "end_time": task.end_ms(now), "remain_min": task.remaining_minutes(now),
        "task_type": "manualSync", "sync_task_type": "manualSync", "image_type": "registry", "task_status": status,
        "is_all": matches!(task.scope, Scope::All),
        "total_num": registries, "success_num": finished, "failed_num": 0, "risky_num": 0,
        "failed_reason": null, "failed_images": [],
    })
}

fn list_task_registries(project_id: &str, task_id: &str, call: &Call, world: &World) -> Result<Value, Refusal> {
    enterprise_project(call)?;
    check_length("task_id", task_id, 64)?;
    let types = registry_types(call)?;
    let Some(task) = world.tasks(project_id).find(|task| task.id == task_id) else {
        return Err(Refusal::hss("HSS.0011", format!("task {task_id} not found")));
    };
    let sync_status = if task.status(call.at) == 100 { "finished" } else { "running" };
    let known = world.registries(project_id);
    let registries: Vec<(String, RegistryType, String)> = match &task.scope {
        Scope::All => known.into_iter().map(|one| (one.id, one.registry_type, one.registry_name)).collect(),
        Scope::Registries(asked) => {
            let name = |id: &str| known.iter().find(|one| one.id == id).map(|one| one.registry_name.clone());
            asked.iter().map(|(id, kind)| (id.clone(), *kind, name(id).unwrap_or_else(|| id.clone()))).collect()
        }
    };
    let found = registries.into_iter().filter(|(_, kind, name)| {
        types.as_ref().is_none_or(|types| types.contains(kind))
            && call.parameter("registry_name").is_none_or(|wanted| name.contains(wanted))
            && call.parameter("sync_status").is_none_or(|wanted| wanted == sync_status)
    });
    page(
        call,
        found.map(|(id, kind, name)| {
            json!({ "registry_id": id, "registry_name": name, "registry_type": kind, "sync_status": sync_status,
                    "failed_reason": null })
        }),
    )
}

/// One page of a list, and the number of all that were found.
pub(super) fn page(call: &Call, found: impl Iterator<Item = Value>) -> Result<Value, Refusal> {
    let offset = number(call, "offset", 0..=2_000_000)?.unwrap_or(0);
    let limit = number(call, "limit", 10..=200)?.unwrap_or(10);
    let all: Vec<Value> = found.collect();
    let size = |number: i64| usize::try_from(number).unwrap_or(0);
    let total = all.len();
    let data: Vec<Value> = all.into_iter().skip(size(offset)).take(size(limit)).collect();
    Ok(json!({ "total_num": total, "data_list": data }))
}

fn number(call: &Call, name: &str, range: std::ops::RangeInclusive<i64>) -> Result<Option<i64>, Refusal> {
    let Some(text) = call.parameter(name) else { return Ok(None) };
    match text.parse() {
        Ok(number) if range.contains(&number) => Ok(Some(number)),
        _ => Err(Refusal::parameter(format!("{name} is no number from {} to {}", range.start(), range.end()))),
    }
}

/// The comma list of registry types that a list may be filtered by.
pub(super) fn registry_types(call: &Call) -> Result<Option<Vec<RegistryType>>, Refusal> {
    let Some(text) = call.parameter("registry_type") else { return Ok(None) };
    let types: Result<Vec<_>, _> = text.split(',').map(RegistryType::parse).collect();
    types.map(Some).map_err(|error| Refusal::parameter(format!("registry_type {error}")))
}

fn check_length(name: &str, text: &str, max: usize) -> Result<(), Refusal> {
    let length = text.chars().count();
    if (1..=max).contains(&length) {
        return Ok(());
    }
    Err(Refusal::parameter(format!("the length of {name} is {length}, not 1 to {max}")))
}
