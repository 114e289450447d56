//! Registries of the simulated HSS: what a project has, and ListRegistry over it.

use serde::Serialize;
use serde_json::{Value, json};

use super::answer::Refusal;
use super::api::{enterprise_project, page, registry_types};
use super::call::Call;
use super::world::{World, stable_id};
use crate::model::RegistryType;

/// A registry of the simulated service, with the API's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SimulatedRegistry {
    /// `id` here, `registry_id` in the create request.
    pub id: String,
    /// Its name.
    pub registry_name: String,
    /// Its type.
    pub registry_type: RegistryType,
    /// Where it is.
    pub registry_addr: String,
    /// `success`, `fail` or `accessing`.
    pub status: &'static str,
    /// Why it failed, such as `REQUEST_API_ERROR`.
    pub fail_reason: Option<&'static str>,
    /// Number of images.
    pub images_num: u32,
}

/// The registries of a project when nothing else was said: one of each type but `Other`, of which one has failed.
pub(super) fn made_up_registries(project_id: &str) -> Vec<SimulatedRegistry> {
    let make = |registry_type: RegistryType, name: &str, addr: &str, fail_reason: Option<&'static str>| {
        let id = stable_id(&format!("registry/{project_id}/{registry_type}"));
        SimulatedRegistry {
            images_num: u32::from_str_radix(&id[..2], 16).unwrap_or(0),
            id,
            registry_name: name.to_owned(),
            registry_type,
            registry_addr: addr.to_owned(),
            status: if fail_reason.is_some() { "fail" } else { "success" },
            fail_reason,
        }
    };
    vec![
        make(RegistryType::SwrPrivate, "swr-private", "swr.simulated.invalid", None),
        make(RegistryType::SwrShared, "swr-shared", "swr.simulated.invalid", None),
        make(RegistryType::SwrEnterprise, "prod-enterprise", "enterprise.simulated.invalid", None),
        make(RegistryType::Harbor, "prod-harbor", "harbor.simulated.invalid", None),
        make(RegistryType::Jfrog, "stage-jfrog", "jfrog.simulated.invalid", Some("REQUEST_API_ERROR")),
    ]
}

/// `GET /v5/{project_id}/image/registries`.
///
/// # Errors
/// 400 `HSS.0001` when a parameter is out of range.
pub(super) fn list_registries(project_id: &str, call: &Call, world: &World) -> Result<Value, Refusal> {
    enterprise_project(call)?;
    let types = registry_types(call)?;
    let is = |name: &str, value: &str| call.parameter(name).is_none_or(|wanted| wanted == value);
    // Whether the service compares names as a whole isn't documented: part of a name is enough here, so that a client
    // that depends on equality is found out.
    let has = |name: &str, value: &str| call.parameter(name).is_none_or(|wanted| value.contains(wanted));
    let found = world.registries(project_id).into_iter().filter(|registry| {
        types.as_ref().is_none_or(|types| types.contains(&registry.registry_type))
            && has("registry_name", &registry.registry_name)
            && has("registry_addr", &registry.registry_addr)
            && is("registry_id", &registry.id)
            && is("status", registry.status)
    });
    page(call, found.map(|registry| json!(registry)))
}
