//! What a preflight costs, before anything is asked.

use std::time::Duration;

use super::asker::lane;
use super::gate::{Api, Gate};
use super::{ReadLimits, lookup_lane};
use crate::expand::ExecutionPlan;
use crate::io::endpoint::IamEndpoints;
use crate::model::ProjectId;
use crate::resolve::{FoundProject, Inventory, preflight_listings, preflight_lookups};

/// Reads of a preflight, if every list is one page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadCost {
    /// How many.
    pub calls: usize,
    /// How long the quota makes them take, if each is answered at once.
    pub least: Duration,
}

/// What `check` costs at least for a plan, of which projects may still be looked up.
#[must_use]
pub fn preflight_cost(plan: &ExecutionPlan, iam: &IamEndpoints) -> ReadCost {
    let lookups = preflight_lookups(plan);
    // Each lookup finds a project: which one makes no difference to the number of lists.
    let mut inventory = Inventory::default();
    for lookup in &lookups {
        let Ok(id) = ProjectId::parse(&format!("looked-up-in-{}", lookup.region)) else { continue };
        inventory.add_projects(lookup.clone(), vec![FoundProject { id, name: lookup.region.to_string() }]);
    }
    let listings = preflight_listings(plan, &inventory);
    let quotas = ReadLimits::of(plan).quotas;
    let least = |lanes| Gate::new(quotas.clone(), 1).least(lanes);
    let lists = listings.iter().map(|(listing, _)| lane(Api::Registries, listing)).collect::<Vec<_>>();
    // Both lists of a project go at the same time, each in a bucket of its own.
    let least =
        least(lookups.iter().filter_map(|lookup| lookup_lane(iam, lookup).ok()).collect::<Vec<_>>().into_iter())
            + least(lists.into_iter());
    ReadCost { calls: lookups.len() + 2 * listings.len(), least }
}
