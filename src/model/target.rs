//! The place an operation is for.

use super::id::{CredentialName, EnterpriseProjectId, ProjectId, ProjectName};
use super::region::Region;

/// How a plan names the project of one region.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ProjectRef {
    /// The id itself.
    Id(ProjectId),
    /// `lookup`: IAM is asked for it (`GET /v3/projects?name={region}`).
    Lookup,
}

impl ProjectRef {
    /// The id, or the plan's word `lookup`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Id(id) => id.as_str(),
            Self::Lookup => "lookup",
        }
    }
}

/// One project in one region under one enterprise project and one credential.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// The plan's name for the project.
    pub project: ProjectName,
    /// The region; sets the endpoint and the `region` header.
    pub region: Region,
    /// The project's id in that region.
    pub project_id: ProjectRef,
    /// The enterprise project.
    pub enterprise_project_id: EnterpriseProjectId,
    /// Who asks.
    pub credential: CredentialName,
}

impl Target {
    /// What a credential is needed for there.
    #[must_use]
    pub fn access(&self) -> Access {
        let Self { region, project_id, credential, .. } = self;
        Access { credential: credential.clone(), region: region.clone(), project_id: project_id.clone() }
    }
}

/// What a credential is needed for: a token is good for one project only.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Access {
    /// Who asks.
    pub credential: CredentialName,
    /// Where.
    pub region: Region,
    /// The project; [`ProjectRef::Lookup`] is the one that has the region's name.
    pub project_id: ProjectRef,
}
