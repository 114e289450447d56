//! What an account has, as far as it was asked: projects of regions and registries of projects.
//!
//! Names and texts in it come from the service: whoever shows them makes them visible first.

use std::collections::HashMap;

use crate::model::{CredentialName, Listing, Operation, ProjectId, Region, RegistryId, RegistryType};

/// The question which project a region has: `GET /v3/projects?name={region}` of IAM.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lookup {
    /// Who asks.
    pub credential: CredentialName,
    /// The region.
    pub region: Region,
}

impl Lookup {
    /// The question about the place of an operation.
    #[must_use]
    pub fn of(operation: &Operation) -> Self {
        let target = &operation.target;
        Self { credential: target.credential.clone(), region: target.region.clone() }
    }
}

/// A project as IAM names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundProject {
    /// Its id.
    pub id: ProjectId,
    /// Its name: the region's, or `{region}_…` for a sub-project. Untrusted text.
    pub name: String,
}

/// A registry as HSS lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundRegistry {
    /// Its id (`id` in the list, `registry_id` in a request).
    pub id: RegistryId,
    /// Its name. Untrusted text.
    pub name: String,
    /// Its type, or what stands there when that is none of the six. Untrusted text.
    pub registry_type: Result<RegistryType, String>,
    /// `success`, `fail` or `accessing`. Untrusted text.
    pub status: String,
    /// Why the connection failed. Untrusted text.
    pub fail_reason: Option<String>,
}

impl FoundRegistry {
    /// Whether HSS can reach it.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.status == "success"
    }

    /// Its type as the service spells it.
    #[must_use]
    pub fn type_text(&self) -> &str {
        match &self.registry_type {
            Ok(known) => known.as_str(),
            Err(other) => other,
        }
    }

    /// `fail, REQUEST_API_ERROR`.
    #[must_use]
    pub fn status_text(&self) -> String {
        let status = if self.status.is_empty() { "unknown" } else { &self.status };
        match &self.fail_reason {
            Some(reason) if !reason.is_empty() => format!("{status}, {reason}"),
            _ => status.to_owned(),
        }
    }
}

/// The answers so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    projects: HashMap<Lookup, Vec<FoundProject>>,
    registries: HashMap<Listing, Vec<FoundRegistry>>,
}

impl Inventory {
    /// Takes in what IAM answered.
    pub fn add_projects(&mut self, lookup: Lookup, projects: Vec<FoundProject>) {
        self.projects.insert(lookup, projects);
    }

    /// Takes in a list of registries.
    pub fn add_registries(&mut self, listing: Listing, registries: Vec<FoundRegistry>) {
        self.registries.insert(listing, registries);
    }

    /// Whether IAM answered a question.
    #[must_use]
    pub fn has_projects(&self, lookup: &Lookup) -> bool {
        self.projects.contains_key(lookup)
    }

    /// The projects that have the region's name, each id once. IAM was asked for just these; it is checked here.
    #[must_use]
    pub fn projects_of(&self, lookup: &Lookup) -> Vec<&FoundProject> {
        let mut found: Vec<&FoundProject> = Vec::new();
        for project in self.answered(lookup) {
            if project.name == lookup.region.as_str() && found.iter().all(|other| other.id != project.id) {
                found.push(project);
            }
        }
        found
    }

    /// What IAM answered besides.
    pub(super) fn other_projects(&self, lookup: &Lookup) -> Vec<&FoundProject> {
        self.answered(lookup).iter().filter(|project| project.name != lookup.region.as_str()).collect()
    }

    fn answered(&self, lookup: &Lookup) -> &[FoundProject] {
        self.projects.get(lookup).map_or(&[], Vec::as_slice)
    }

    /// The registries of a project; none when they were not listed.
    #[must_use]
    pub fn registries_of(&self, listing: &Listing) -> &[FoundRegistry] {
        self.registries.get(listing).map_or(&[], Vec::as_slice)
    }
}
