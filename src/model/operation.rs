//! One operation: one request for one target.

use std::sync::Arc;

use super::id::{Label, OperationId, SetName};
use super::request::{Endpoint, RegistryType, Request, SyncBody};
use super::shard::Shard;
use super::target::{ProjectRef, Target};
use crate::source::Location;

/// A `select` set: which registries of the account, matched online only.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize)]
pub struct Selector {
    /// The set that holds it.
    pub set: SetName,
    /// Types, any of them; empty means all.
    pub registry_type: Vec<RegistryType>,
    /// A name or glob.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry_name: Option<String>,
    /// `success`, `fail` or `accessing`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The set's name, where it is defined.
    #[serde(skip)]
    pub location: Location,
}

/// Where a registry of a request is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegistryPlace {
    /// Its id; for a registry that a `select` set found, the name of that set.
    pub registry_id: Location,
    /// Its type; for one that was found, as above.
    pub registry_type: Location,
}

/// What an operation asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// What is known offline.
    pub body: SyncBody,
    /// Where each of `body.registry_info` is written, in the same order.
    pub places: Vec<RegistryPlace>,
    /// What the network has to resolve first; empty in most plans.
    pub selectors: Vec<Selector>,
}

/// Why an operation of the plan is deliberately not sent by this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LeftOut {
    /// `--select` does not take it.
    NotSelected,
    /// Another shard sends it: this one.
    OtherShard(Shard),
}

impl LeftOut {
    /// One clause for people and reports.
    #[must_use]
    pub fn reason(self) -> String {
        match self {
            Self::NotSelected => "not selected".to_owned(),
            Self::OtherShard(shard) => format!("another shard ({shard})"),
        }
    }
}

/// One planned request. Holds only rendered, checked values.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Stable id.
    pub id: OperationId,
    /// Index of its plan in [`crate::expand::ExecutionPlan::plans`].
    pub plan: usize,
    /// Index of its wave in that plan.
    pub wave: usize,
    /// Where it is for.
    pub target: Target,
    /// The registry sets that were merged into it, in plan order; operations of the same sets share them.
    pub sets: Arc<[SetName]>,
    /// The labels of its project, in plan order.
    pub labels: Arc<[Label]>,
    /// The line of the plan that governs it.
    pub location: Location,
    /// Where it is sent.
    pub endpoint: Endpoint,
    /// What is asked; operations that ask for the same share it.
    pub content: Arc<Content>,
    /// Why this run does not send it; `None` for what it does.
    pub left_out: Option<LeftOut>,
}

impl Operation {
    /// Whether this run sends it.
    #[must_use]
    pub fn is_selected(&self) -> bool {
        self.left_out.is_none()
    }

    /// Whether the network has to be asked before this can be sent (`lookup`, `select`). Never for what is left out.
    #[must_use]
    pub fn needs_network(&self) -> bool {
        self.is_selected() && self.is_open()
    }

    /// Whether the plan leaves something of it to the network.
    fn is_open(&self) -> bool {
        matches!(self.target.project_id, ProjectRef::Lookup) || !self.content.selectors.is_empty()
    }

    /// What it asks for, in words: `2 registries (harbor, swr)`, `all registries (everything)`.
    #[must_use]
    pub fn what(&self) -> String {
        let sets: Vec<&str> = self.sets.iter().map(SetName::as_str).collect();
        let sets = sets.join(", ");
        let body = &self.content.body;
        if body.sync_all_registries {
            return format!("all registries ({sets})");
        }
        let named = (!body.registry_info.is_empty()).then(|| match body.registry_info.len() {
            1 => "1 registry".to_owned(),
            count => format!("{count} registries"),
        });
        let selected = (!self.content.selectors.is_empty()).then(|| "what select finds".to_owned());
        let parts: Vec<String> = named.into_iter().chain(selected).collect();
        format!("{} ({sets})", parts.join(" and "))
    }

    /// The request, or nothing while the plan leaves something of it to the network.
    #[must_use]
    pub fn request(&self) -> Option<Request> {
        match &self.target.project_id {
            ProjectRef::Id(project_id) if self.content.selectors.is_empty() => Some(Request::create_sync_task(
                &self.endpoint,
                &self.target.region,
                project_id,
                &self.target.enterprise_project_id,
                &self.content.body,
            )),
            _ => None,
        }
    }
}
