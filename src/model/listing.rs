//! Where the service is asked for a list.

use super::{CredentialName, Endpoint, EnterpriseProjectId, Operation, ProjectId, ProjectRef, Region};

/// The place of a question which registries, or tasks, a project has: one list serves all operations there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Listing {
    /// Who asks.
    pub credential: CredentialName,
    /// The region; the `region` header.
    pub region: Region,
    /// HSS there.
    pub endpoint: Endpoint,
    /// The project.
    pub project_id: ProjectId,
    /// The enterprise project.
    pub enterprise_project_id: EnterpriseProjectId,
}

impl Listing {
    /// The place of an operation; none while its project is still to be looked up.
    #[must_use]
    pub fn of(operation: &Operation) -> Option<Self> {
        let target = &operation.target;
        let ProjectRef::Id(project_id) = &target.project_id else { return None };
        Some(Self {
            credential: target.credential.clone(),
            region: target.region.clone(),
            endpoint: operation.endpoint.clone(),
            project_id: project_id.clone(),
            enterprise_project_id: target.enterprise_project_id.clone(),
        })
    }
}
