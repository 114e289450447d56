//! Operations that a document lists: of a report, or of `plan --format json`.
//!
//! They become a plan that can be compared, though not sent: it has no limits, no budgets and no text. Of what was to be
//! selected only the sets are listed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::split_url;
use crate::expand::{ExecutionPlan, PlannedFile, Wave};
use crate::model::{
    Content, CredentialName, Endpoint, EnterpriseProjectId, InvalidValue, Limits, Operation, OperationId, PlanDigest,
    ProjectId, ProjectName, ProjectRef, Region, RegistryId, RegistryRef, RegistryType, Selector, SetName, SyncBody,
    Target, WaveName,
};
use crate::source::{Location, Source, Sources, Span};

/// What a document lists.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Plans and operations in the order of the document; settings of the plans are made up.
    pub plan: ExecutionPlan,
    /// Path and line of each operation.
    pub lines: Vec<(String, u32)>,
    /// The digest of all plans together; a report has none of several.
    pub digest: Option<PlanDigest>,
}

#[derive(Deserialize)]
struct Document {
    schema_version: u32,
    plans: Vec<PlanEntry>,
    digest: Option<String>,
    operations: Vec<Entry>,
}

#[derive(Deserialize)]
struct PlanEntry {
    path: String,
    name: String,
    digest: String,
}

#[derive(Deserialize)]
struct Entry {
    id: String,
    project: String,
    region: String,
    project_id: String,
    enterprise_project_id: String,
    credential: String,
    registry_sets: Vec<String>,
    wave: String,
    source: SourceEntry,
    request: RequestEntry,
    #[serde(default)]
    unresolved: Vec<String>,
}

#[derive(Deserialize)]
struct SourceEntry {
    path: String,
    line: u32,
}

#[derive(Deserialize)]
struct RequestEntry {
    url: String,
    body: Body,
}

#[derive(Deserialize)]
struct Body {
    sync_all_registries: bool,
    #[serde(default)]
    registry_info: Vec<RegistryEntry>,
}

#[derive(Deserialize)]
struct RegistryEntry {
    registry_id: String,
    registry_type: String,
}

/// Reads the operations of a report or of `plan --format json`.
///
/// # Errors
/// What is wrong with the document.
pub fn read_listed(text: &str) -> Result<Listed, String> {
    let document: Document = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if document.schema_version != 1 {
        return Err(format!("it has version {}, and this hss-sync reads version 1", document.schema_version));
    }
    let mut plans = document.plans.iter().map(PlanEntry::read).collect::<Result<Vec<_>, _>>().map_err(said)?;
    let Some(first) = plans.first() else { return Err("it lists no plan".to_owned()) };
    let first = first.digest.clone();
    let digest = match &document.digest {
        Some(digest) => Some(PlanDigest::parse(digest).map_err(said)?),
        None => (plans.len() == 1).then(|| first.clone()),
    };
    let by_path: HashMap<&str, usize> =
        document.plans.iter().enumerate().map(|(index, plan)| (plan.path.as_str(), index)).collect();
    let mut operations = Vec::with_capacity(document.operations.len());
    let mut lines = Vec::with_capacity(document.operations.len());
    for entry in document.operations {
        let Some(plan) = by_path.get(entry.source.path.as_str()).copied() else {
            return Err(format!("operation {} is of `{}`, which is none of its plans", entry.id, entry.source.path));
        };
        let wave = wave(&mut plans[plan], &entry.wave).map_err(said)?;
        operations.push(entry.read(plan, wave).map_err(|error| format!("operation {}: {error}", entry.id))?);
        lines.push((entry.source.path, entry.source.line));
    }
    let plan = ExecutionPlan { plans, operations, digest: digest.clone().unwrap_or(first) };
    Ok(Listed { plan, lines, digest })
}

/// The place of what has no text here.
fn nowhere() -> Location {
    let id = Sources::default().add(Source::new(String::new(), String::new()));
    Location::new(id, Span::default())
}

fn said(error: InvalidValue) -> String {
    error.to_string()
}

/// The index of a wave, which is made when its first operation is read.
fn wave(plan: &mut PlannedFile, name: &str) -> Result<usize, InvalidValue> {
    let index = match plan.waves.iter().position(|wave| wave.name.as_str() == name) {
        Some(index) => index,
        None => {
            plan.waves.push(Wave { name: WaveName::parse(name)?, operations: 0, budget: None });
            plan.waves.len() - 1
        }
    };
    plan.waves[index].operations += 1;
    Ok(index)
}

impl PlanEntry {
    fn read(&self) -> Result<PlannedFile, InvalidValue> {
        Ok(PlannedFile {
            path: self.path.clone(),
            name: self.name.clone(),
            digest: PlanDigest::parse(&self.digest)?,
            waves: Vec::new(),
            pause: Duration::ZERO,
            max_operations: 0,
            deadline: None,
            limits: Limits::default(),
        })
    }
}

impl Entry {
    fn read(&self, plan: usize, wave: usize) -> Result<Operation, InvalidValue> {
        let is_open = |what: &str| self.unresolved.iter().any(|open| open == what);
        let project_id = if is_open("project_id: lookup") {
            ProjectRef::Lookup
        } else {
            ProjectRef::Id(ProjectId::parse(&self.project_id)?)
        };
        let selected = self.unresolved.iter().filter_map(|open| open.strip_prefix("select: "));
        let selector = |set: &str| {
            let (set, location) = (SetName::parse(set)?, nowhere());
            Ok(Selector { set, registry_type: Vec::new(), registry_name: None, status: None, location })
        };
        let registry = |registry: &RegistryEntry| {
            Ok(RegistryRef {
                registry_id: RegistryId::parse(&registry.registry_id)?,
                registry_type: RegistryType::parse(&registry.registry_type)?,
            })
        };
        let body = SyncBody {
            sync_all_registries: self.request.body.sync_all_registries,
            registry_info: self.request.body.registry_info.iter().map(registry).collect::<Result<_, _>>()?,
        };
        let selectors = selected.map(selector).collect::<Result<_, _>>()?;
        Ok(Operation {
            id: OperationId::parse(&self.id)?,
            plan,
            wave,
            target: Target {
                project: ProjectName::parse(&self.project)?,
                region: Region::parse(&self.region)?,
                project_id,
                enterprise_project_id: EnterpriseProjectId::parse(&self.enterprise_project_id)?,
                credential: CredentialName::parse(&self.credential)?,
            },
            sets: self.registry_sets.iter().map(|set| SetName::parse(set)).collect::<Result<_, _>>()?,
            labels: Arc::default(),
            location: nowhere(),
            endpoint: Endpoint::parse(split_url(&self.request.url).0)?,
            content: Arc::new(Content { body, places: Vec::new(), selectors }),
            left_out: None,
        })
    }
}
