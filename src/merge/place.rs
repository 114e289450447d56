//! Operations of one run among those of others: their plan, wave and places in texts get the numbers that these have here.

use std::collections::HashMap;
use std::sync::Arc;

use super::RunRecord;
use crate::expand::PlannedFile;
use crate::model::{Content, Operation};
use crate::source::{Location, SourceId, Sources};

/// The plans and texts of several runs, each once.
#[derive(Default)]
pub(super) struct Places {
    pub(super) files: Vec<PlannedFile>,
    pub(super) sources: Sources,
}

/// Where the plans and texts of one run went.
pub(super) struct Moved {
    plans: Vec<usize>,
    sources: HashMap<SourceId, SourceId>,
}

impl Places {
    /// Takes the plans and texts of a run in. A plan with a digest that is here already is the same plan.
    pub(super) fn take(&mut self, run: &RunRecord) -> Moved {
        let sources = run.sources.ids().map(|id| (id, self.sources.take_over(run.sources.get(id)))).collect();
        let mut moved = Moved { plans: Vec::with_capacity(run.plan.plans.len()), sources };
        for file in &run.plan.plans {
            let known = self.files.iter().position(|known| known.digest == file.digest);
            let index = known.unwrap_or_else(|| {
                let deadline = file.deadline.map(|(deadline, location)| (deadline, moved.location(location)));
                self.files.push(PlannedFile { deadline, ..file.clone() });
                self.files.len() - 1
            });
            moved.plans.push(index);
        }
        moved
    }
}

impl Moved {
    fn location(&self, location: Location) -> Location {
        let source = self.sources.get(&location.source).copied().unwrap_or(location.source);
        Location { source, ..location }
    }

    /// The operation as it stands among those of all runs.
    pub(super) fn operation(&self, operation: &Operation) -> Operation {
        let plan = self.plans.get(operation.plan).copied().unwrap_or(operation.plan);
        Operation {
            plan,
            location: self.location(operation.location),
            content: self.content(&operation.content),
            ..operation.clone()
        }
    }

    fn content(&self, content: &Arc<Content>) -> Arc<Content> {
        if self.sources.iter().all(|(from, to)| from == to) {
            return Arc::clone(content);
        }
        let mut moved = Content::clone(content);
        for place in &mut moved.places {
            place.registry_id = self.location(place.registry_id);
            place.registry_type = self.location(place.registry_type);
        }
        for selector in &mut moved.selectors {
            selector.location = self.location(selector.location);
        }
        Arc::new(moved)
    }
}
