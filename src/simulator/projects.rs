//! Projects of the simulated account: IAM's list, and which projects HSS may be asked about.

use serde_json::{Value, json};

use super::call::Call;
use super::world::stable_id;
use crate::model::KNOWN_REGIONS;

/// A project of the simulated account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulatedProject {
    /// Its id.
    pub id: String,
    /// Its name: a region's, or `{region}_…` for a sub-project of it.
    pub name: String,
}

/// The projects that there are.
#[derive(Debug)]
pub(super) struct Projects(Option<Vec<SimulatedProject>>);

impl Projects {
    /// These; without any word one for each region of the SDK's table, and whatever id a rehearsed plan makes up.
    pub(super) fn new(projects: Option<Vec<SimulatedProject>>) -> Self {
        Self(projects)
    }

    /// Those with this name, or all.
    fn named(&self, name: Option<&str>) -> Vec<SimulatedProject> {
        let is = |project: &SimulatedProject| name.is_none_or(|name| name == project.name);
        match &self.0 {
            Some(projects) => projects.iter().filter(|project| is(project)).cloned().collect(),
            None => {
                let made_up = KNOWN_REGIONS.into_iter().filter_map(|region| {
                    Some(SimulatedProject { id: project_of_region(region)?, name: region.to_owned() })
                });
                made_up.filter(is).collect()
            }
        }
    }

    /// Whether the account has a project with this id; whatever a rehearsed plan makes up, it has.
    pub(super) fn has(&self, id: &str) -> bool {
        self.0.as_ref().is_none_or(|projects| projects.iter().any(|project| project.id == id))
    }

    /// The id of the project with this name.
    pub(super) fn id_of(&self, name: &str) -> Option<String> {
        self.named(Some(name)).into_iter().map(|project| project.id).next()
    }

    /// Whether HSS in `region` refuses the project: another account has it, or another region. Where the region isn't said
    /// (the header is optional), that isn't known here.
    pub(super) fn is_foreign(&self, id: &str, region: &str) -> bool {
        if region.is_empty() {
            return false;
        }
        let in_region = |project: &SimulatedProject| {
            let rest = project.name.strip_prefix(region);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
        };
        match &self.0 {
            Some(projects) => !projects.iter().any(|project| project.id == id && in_region(project)),
            None => self.named(None).iter().any(|project| project.id == id && !in_region(project)),
        }
    }
}

/// The project id of a region, as IAM finds it; `None` for a region that the SDK's table doesn't have.
pub(super) fn project_of_region(region: &str) -> Option<String> {
    KNOWN_REGIONS.contains(&region).then(|| stable_id(&format!("project/{region}")))
}

/// `GET /v3/projects`, of IAM: a region's project has the region's name.
pub(super) fn list_projects(call: &Call, projects: &Projects) -> Value {
    let domain = stable_id("domain");
    let found: Vec<_> = projects
        .named(call.parameter("name"))
        .into_iter()
        .map(|SimulatedProject { id, name }| {
            json!({ "id": id, "name": name, "domain_id": domain, "parent_id": domain,
                    "description": "", "is_domain": false, "enabled": true })
        })
        .collect();
    json!({ "projects": found, "links": { "self": call.raw_path, "previous": null, "next": null } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_has_one_project_and_an_unknown_one_has_none() {
        let ids: std::collections::BTreeSet<_> = KNOWN_REGIONS.into_iter().map(project_of_region).collect();
        assert_eq!(ids.len(), KNOWN_REGIONS.len());
        assert!(ids.iter().flatten().all(|id| id.len() == 32));
        assert_eq!(project_of_region("mars-north-1"), None);
    }

    #[test]
    fn a_project_belongs_to_one_region() {
        let id = project_of_region("cn-north-4").expect("known");
        let made_up = Projects::new(None);
        assert!(!made_up.is_foreign(&id, "cn-north-4") && made_up.is_foreign(&id, "cn-north-1"));
        assert!(!made_up.is_foreign("made-up-by-a-plan", "cn-north-1") && !made_up.is_foreign(&id, ""));
        let project = |id: &str, name: &str| SimulatedProject { id: id.to_owned(), name: name.to_owned() };
        let own = Projects::new(Some(vec![project("p-1", "cn-north-1"), project("p-2", "cn-north-1_sub")]));
        assert!(!own.is_foreign("p-1", "cn-north-1") && !own.is_foreign("p-2", "cn-north-1"));
        // cn-north-11 begins with cn-north-1 as well.
        assert!(own.is_foreign("p-1", "cn-north-11") && own.is_foreign("p-3", "cn-north-1"));
        assert_eq!(own.named(Some("cn-north-1")), [project("p-1", "cn-north-1")]);
    }
}
