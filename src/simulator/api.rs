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
use super::task_list::{list_task_registries, list_tasks};
use super::world::World;
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

/// Registries that were asked for, by id and type; `None` for all of the project.
pub(super) type Asked = Option<Vec<(String, RegistryType)>>;

/// Checks a CreateImageSynchronizeTask request: what would be synchronised.
///
/// # Errors
/// 400 `HSS.0002` when the body is no JSON, `HSS.0001` for everything else.
pub(super) fn parse_create(call: &Call) -> Result<Asked, Refusal> {
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
        (true, _) => Ok(None),
        (false, false) => Ok(Some(registries)),
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
        Route::ListProjects => list_projects(call, &world.projects),
    };
    Ok(Answer::ok(body.to_string()))
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

/// A number that a list is asked for.
///
/// # Errors
/// 400 `HSS.0001` when it is none of the range.
pub(super) fn number(call: &Call, name: &str, range: std::ops::RangeInclusive<i64>) -> Result<Option<i64>, Refusal> {
    let Some(text) = call.parameter(name) else { return Ok(None) };
    match text.parse() {
        Ok(number) if range.contains(&number) => Ok(Some(number)),
        _ => Err(Refusal::parameter(format!("{name} is no number from {} to {}", range.start(), range.end()))),
    }
}

/// A word that a list may be filtered by.
///
/// # Errors
/// 400 `HSS.0001` when it is none of `words`.
pub(super) fn one_of<'a>(call: &'a Call, name: &str, words: &[&str]) -> Result<Option<&'a str>, Refusal> {
    match call.parameter(name) {
        Some(word) if !words.contains(&word) => {
            Err(Refusal::parameter(format!("{name} is none of {}", words.join(", "))))
        }
        word => Ok(word),
    }
}

/// The comma list of registry types that a list may be filtered by.
pub(super) fn registry_types(call: &Call) -> Result<Option<Vec<RegistryType>>, Refusal> {
    let Some(text) = call.parameter("registry_type") else { return Ok(None) };
    let types: Result<Vec<_>, _> = text.split(',').map(RegistryType::parse).collect();
    types.map(Some).map_err(|error| Refusal::parameter(format!("registry_type {error}")))
}

/// # Errors
/// 400 `HSS.0001` when the length of a parameter isn't 1 to `max` characters.
pub(super) fn check_length(name: &str, text: &str, max: usize) -> Result<(), Refusal> {
    let length = text.chars().count();
    if (1..=max).contains(&length) {
        return Ok(());
    }
    Err(Refusal::parameter(format!("the length of {name} is {length}, not 1 to {max}")))
}
