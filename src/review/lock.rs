//! A lock: the operations that were reviewed, and all that it takes to send exactly these.
//!
//! Like the head of a journal it holds the texts of the plans, the variables and what `lookup` and `select` were resolved to; the
//! operations and settings that people read in it follow from these. Reading holds the one to the other: a lock that lists what
//! its sources do not say is refused. It holds no secret, no time and no endpoint that an operator set, so that the same plans
//! give the same bytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::split_url;
use crate::expand::{ExecutionPlan, PlannedFile};
use crate::journal::{RecordedResolution, RecordedSource};
use crate::model::{
    InvalidValue, Limits, MaxFailures, OperationId, PlanDigest, ProjectId, Quota, RegistryId, RegistryRef,
    RegistryType, write_duration,
};
use crate::plan::VariableValue;
use crate::report::planned_operations;
use crate::source::Sources;

/// The version of the document.
const SCHEMA_VERSION: u32 = 1;

/// What a lock is made of.
#[derive(Clone, Copy, Debug)]
pub struct Locked<'a> {
    /// What would be sent.
    pub plan: &'a ExecutionPlan,
    /// Where it is written.
    pub sources: &'a Sources,
    /// The texts of its plans, in order.
    pub texts: &'a [RecordedSource],
    /// Values for variables from outside the plans.
    pub variables: &'a BTreeMap<String, VariableValue>,
    /// The operator's quota.
    pub quota: Option<Quota>,
    /// The operator's concurrency.
    pub concurrency: Option<u32>,
    /// What was resolved.
    pub resolved: &'a [RecordedResolution],
    /// The digest of it all.
    pub digest: &'a PlanDigest,
}

/// A lock that was read; what it lists is still to be compared with what its sources say.
#[derive(Clone, Debug)]
pub struct Lock {
    /// The version of hss-sync that made it.
    pub tool: String,
    /// The digest that an approval names.
    pub digest: PlanDigest,
    /// The texts of its plans, in order.
    pub texts: Vec<RecordedSource>,
    /// Values for variables from outside the plans.
    pub variables: BTreeMap<String, VariableValue>,
    /// The operator's quota, `CALLS/DURATION`.
    pub quota: Option<String>,
    /// The operator's concurrency.
    pub concurrency: Option<u32>,
    /// What was resolved.
    pub resolved: Vec<RecordedResolution>,
    plans: Value,
    operations: Vec<Value>,
}

/// What a lock lists and its sources do not say.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unlike {
    /// Another digest.
    #[error("its digest is {listed}, its sources have {found}")]
    Digest {
        /// As the lock has it.
        listed: PlanDigest,
        /// As it follows.
        found: PlanDigest,
    },
    /// Names, limits, waves.
    #[error("`plans` is not what its sources say")]
    Plans,
    /// More or fewer operations.
    #[error("it lists {listed} operations, its sources have {found}")]
    Count {
        /// In the lock.
        listed: usize,
        /// As they follow.
        found: usize,
    },
    /// Another operation.
    #[error("`operations` lists {id} otherwise than its sources say: `{member}` differs")]
    Operation {
        /// Its id, as it follows.
        id: String,
        /// The first member that differs.
        member: String,
    },
    /// The same request for another host.
    #[error(
        "it was made to send to {listed}, and from here it would be sent to {found} ({id}): endpoints come from the plan and from \
         whoever runs it, see docs/plan.md; `--endpoint` says that it shall go elsewhere"
    )]
    Endpoint {
        /// The operation.
        id: String,
        /// In the lock.
        listed: String,
        /// From here.
        found: String,
    },
}

#[derive(Serialize)]
struct Document<'a, O: Serialize> {
    schema_version: u32,
    tool: Tool<&'static str>,
    digest: &'a PlanDigest,
    plans: Vec<PlanEntry<'a>>,
    variables: &'a BTreeMap<String, VariableValue>,
    quota: Option<String>,
    concurrency: Option<u32>,
    operations: O,
    resolved: Vec<ResolutionEntry>,
    sources: &'a [RecordedSource],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadDocument {
    schema_version: u32,
    tool: Tool<String>,
    digest: String,
    plans: Value,
    variables: BTreeMap<String, VariableValue>,
    quota: Option<String>,
    concurrency: Option<u32>,
    operations: Vec<Value>,
    resolved: Vec<ResolutionEntry>,
    sources: Vec<RecordedSource>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tool<S> {
    name: S,
    version: S,
}

#[derive(Serialize)]
struct PlanEntry<'a> {
    path: &'a str,
    name: &'a str,
    digest: &'a str,
    max_operations: usize,
    deadline: Option<String>,
    pause: String,
    waves: Vec<WaveEntry<'a>>,
    limits: LimitsEntry,
}

#[derive(Serialize)]
struct WaveEntry<'a> {
    name: &'a str,
    operations: usize,
    max_failures: Option<String>,
}

#[derive(Serialize)]
struct LimitsEntry {
    quota: QuotaEntry,
    concurrency: u32,
    region_concurrency: u32,
    attempt_timeout: String,
    retry: RetryEntry,
}

#[derive(Serialize)]
struct QuotaEntry {
    calls: u32,
    per: String,
    scope: &'static str,
}

#[derive(Serialize)]
struct RetryEntry {
    max_attempts: u32,
    initial_delay: String,
    max_delay: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResolutionEntry {
    operation: String,
    project_id: Option<String>,
    registries: Option<Vec<RegistryEntry>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RegistryEntry {
    registry_id: String,
    registry_type: String,
}

/// The text of a lock, with a line feed at its end.
///
/// # Errors
/// Never in practice: plain values into memory.
pub fn write_lock(locked: &Locked<'_>) -> Result<String, serde_json::Error> {
    let document = Document {
        schema_version: SCHEMA_VERSION,
        tool: Tool { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") },
        digest: locked.digest,
        plans: plan_entries(locked.plan),
        variables: locked.variables,
        quota: locked.quota.map(|quota| quota.written()),
        concurrency: locked.concurrency,
        operations: planned_operations(locked.plan, locked.sources),
        resolved: locked.resolved.iter().map(ResolutionEntry::of).collect(),
        sources: locked.texts,
    };
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

/// Reads a lock.
///
/// # Errors
/// What is wrong with the document.
pub fn read_lock(text: &str) -> Result<Lock, String> {
    let document: ReadDocument = serde_json::from_str(text).map_err(|error| format!("it is no whole lock: {error}"))?;
    if document.schema_version != SCHEMA_VERSION {
        return Err(format!(
            "it is a lock of version {}, and this hss-sync reads version {SCHEMA_VERSION}; make it again with `plan --out`",
            document.schema_version
        ));
    }
    let invalid = |error: InvalidValue| error.to_string();
    Ok(Lock {
        tool: document.tool.version,
        digest: PlanDigest::parse(&document.digest).map_err(invalid)?,
        texts: document.sources,
        variables: document.variables,
        quota: document.quota,
        concurrency: document.concurrency,
        resolved: document.resolved.iter().map(ResolutionEntry::read).collect::<Result<_, _>>().map_err(invalid)?,
        plans: document.plans,
        operations: document.operations,
    })
}

impl Lock {
    /// Holds what the lock lists to what follows from its sources here. With `endpoints_are_free` the operations may be sent to
    /// other hosts than those that it lists.
    ///
    /// # Errors
    /// The first thing that is otherwise.
    pub fn verify(&self, found: &Locked<'_>, endpoints_are_free: bool) -> Result<(), Unlike> {
        if self.digest != *found.digest {
            return Err(Unlike::Digest { listed: self.digest.clone(), found: found.digest.clone() });
        }
        if self.plans != value(&plan_entries(found.plan)) {
            return Err(Unlike::Plans);
        }
        let operations = value(&planned_operations(found.plan, found.sources));
        let operations = operations.as_array().map(Vec::as_slice).unwrap_or_default();
        if operations.len() != self.operations.len() {
            return Err(Unlike::Count { listed: self.operations.len(), found: operations.len() });
        }
        self.operations.iter().zip(operations).try_for_each(|(listed, found)| same(listed, found, endpoints_are_free))
    }
}

/// Holds one operation to another; of URLs the host may differ if it is free.
fn same(listed: &Value, found: &Value, endpoint_is_free: bool) -> Result<(), Unlike> {
    if listed == found {
        return Ok(());
    }
    let id = || found["id"].as_str().unwrap_or_default().to_owned();
    let (there, here) = (url(listed), url(found));
    let mut placed = listed.clone();
    if let (Some((there, path)), Some((here, same_path))) = (there, here)
        && path == same_path
        && there != here
    {
        if !endpoint_is_free {
            return Err(Unlike::Endpoint { id: id(), listed: there.to_owned(), found: here.to_owned() });
        }
        placed["request"]["url"] = found["request"]["url"].clone();
    }
    if placed == *found {
        return Ok(());
    }
    let members = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let (placed, found_members) = (members(&placed), members(found));
    let names = found_members.keys().chain(placed.keys());
    let member = names.into_iter().find(|name| placed.get(*name) != found_members.get(*name)).cloned();
    Err(Unlike::Operation { id: id(), member: member.unwrap_or_default() })
}

/// The URL of an operation as scheme with host, and the rest.
fn url(operation: &Value) -> Option<(&str, &str)> {
    operation["request"]["url"].as_str().map(split_url)
}

fn value(of: &impl Serialize) -> Value {
    // Plain values into memory have no way to fail.
    serde_json::to_value(of).unwrap_or_default()
}

fn plan_entries(plan: &ExecutionPlan) -> Vec<PlanEntry<'_>> {
    plan.plans.iter().map(plan_entry).collect()
}

fn plan_entry(file: &PlannedFile) -> PlanEntry<'_> {
    let Limits { quota, concurrency, region_concurrency, attempt_timeout, retry } = file.limits;
    let waves = file.waves.iter().map(|wave| WaveEntry {
        name: wave.name.as_str(),
        operations: wave.operations,
        max_failures: wave.budget.map(|budget| match budget.stated {
            MaxFailures::Count(count) => count.to_string(),
            MaxFailures::Percent(percent) => format!("{percent}%"),
        }),
    });
    PlanEntry {
        path: &file.path,
        name: &file.name,
        digest: file.digest.as_str(),
        max_operations: file.max_operations,
        deadline: file.deadline.map(|(deadline, _)| write_duration(deadline)),
        pause: write_duration(file.pause),
        waves: waves.collect(),
        limits: LimitsEntry {
            quota: QuotaEntry { calls: quota.calls.get(), per: write_duration(quota.per), scope: quota.scope.as_str() },
            concurrency: concurrency.get(),
            region_concurrency: region_concurrency.get(),
            attempt_timeout: write_duration(attempt_timeout),
            retry: RetryEntry {
                max_attempts: retry.max_attempts.get(),
                initial_delay: write_duration(retry.initial_delay),
                max_delay: write_duration(retry.max_delay),
            },
        },
    }
}

impl ResolutionEntry {
    fn of(one: &RecordedResolution) -> Self {
        let registry = |registry: &RegistryRef| RegistryEntry {
            registry_id: registry.registry_id.to_string(),
            registry_type: registry.registry_type.to_string(),
        };
        Self {
            operation: one.operation.to_string(),
            project_id: one.project_id.as_ref().map(ToString::to_string),
            registries: one.registries.as_ref().map(|registries| registries.iter().map(registry).collect()),
        }
    }

    fn read(&self) -> Result<RecordedResolution, InvalidValue> {
        if self.registries.as_ref().is_some_and(Vec::is_empty) {
            return Err(InvalidValue::new("a list of selected registries", "is never empty"));
        }
        let registries = |registries: &Vec<RegistryEntry>| registries.iter().map(RegistryEntry::read).collect();
        Ok(RecordedResolution {
            operation: OperationId::parse(&self.operation)?,
            project_id: self.project_id.as_deref().map(ProjectId::parse).transpose()?,
            registries: self.registries.as_ref().map(registries).transpose()?,
        })
    }
}

impl RegistryEntry {
    fn read(&self) -> Result<RegistryRef, InvalidValue> {
        Ok(RegistryRef {
            registry_id: RegistryId::parse(&self.registry_id)?,
            registry_type: RegistryType::parse(&self.registry_type)?,
        })
    }
}
