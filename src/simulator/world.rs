//! What there is behind the simulated API: projects, registries and tasks.
//!
//! All of it follows from the seed and from names, so that two runs of one rehearsal see the same world.

use super::config::SimulatorConfig;
use super::projects::Projects;
use super::registries::{SimulatedRegistry, made_up_registries};
use super::tasks::{Order, Part, Tasks};
use crate::sign;

/// Everything that exists.
#[derive(Debug)]
pub(super) struct World {
    registries: Option<Vec<SimulatedRegistry>>,
    pub(super) projects: Projects,
    pub(super) tasks: Tasks,
}

impl World {
    pub(super) fn new(config: &SimulatorConfig) -> Self {
        Self {
            registries: config.registries.clone(),
            projects: Projects::new(config.projects.clone()),
            tasks: Tasks::new(config.seed, config.tasks.clone()),
        }
    }

    /// Creates a task; returns its id.
    pub(super) fn create_task(&mut self, order: &Order<'_>) -> String {
        let all = self.registries(order.project_id).into_iter().map(|registry| Part {
            id: registry.id,
            name: registry.registry_name,
            registry_type: registry.registry_type,
            fail_reason: registry.fail_reason,
        });
        self.tasks.create(order, all.collect())
    }

    /// The registries of a project.
    pub(super) fn registries(&self, project_id: &str) -> Vec<SimulatedRegistry> {
        self.registries.clone().unwrap_or_else(|| made_up_registries(project_id))
    }
}

/// 32 hexadecimal digits that follow from a name.
pub(super) fn stable_id(name: &str) -> String {
    let mut hash = sign::payload_hash(name.as_bytes());
    hash.truncate(32);
    hash
}
