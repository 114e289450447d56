//! What a preflight has to ask: of each project no more than it takes to judge what the plan says of it.

use std::collections::{BTreeSet, HashMap};

use super::inventory::{Inventory, Lookup};
use crate::expand::ExecutionPlan;
use crate::model::{Content, Listing, Operation, ProjectRef, RegistryId};

/// A question that was asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Question {
    /// Which project a region has.
    Projects(Lookup),
    /// Which registries a project has.
    Registries(Listing),
    /// Whether the project's tasks can be listed.
    Tasks(Listing),
}

/// How much of a list is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Its first page: whether it can be read, and how many registries there are.
    FirstPage,
    /// As many pages as it takes to see these.
    Until(BTreeSet<RegistryId>),
    /// All of it.
    All,
}

impl Extent {
    fn of(content: &Content) -> Self {
        let named = &content.body.registry_info;
        if !content.selectors.is_empty() {
            Self::All
        } else if named.is_empty() {
            Self::FirstPage
        } else {
            Self::Until(named.iter().map(|registry| registry.registry_id.clone()).collect())
        }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, _) | (_, Self::All) => Self::All,
            (Self::Until(ids), Self::Until(others)) => Self::Until(ids.into_iter().chain(others).collect()),
            (Self::Until(ids), Self::FirstPage) | (Self::FirstPage, Self::Until(ids)) => Self::Until(ids),
            (Self::FirstPage, Self::FirstPage) => Self::FirstPage,
        }
    }
}

/// The regions whose project a preflight asks IAM for: those of all selected operations, each once.
#[must_use]
pub fn preflight_lookups(plan: &ExecutionPlan) -> Vec<Lookup> {
    super::distinct(plan.selected().map(Lookup::of))
}

/// The lists that a preflight needs, in plan order, once the projects were looked up. A project that was not found has none.
#[must_use]
pub fn preflight_listings(plan: &ExecutionPlan, inventory: &Inventory) -> Vec<(Listing, Extent)> {
    let mut wanted: Vec<(Listing, Extent)> = Vec::new();
    let mut known: HashMap<Listing, usize> = HashMap::new();
    for operation in plan.selected() {
        let Some(listing) = listing_of(operation, inventory) else { continue };
        let extent = Extent::of(&operation.content);
        if let Some(index) = known.get(&listing) {
            let (_, known) = &mut wanted[*index];
            *known = std::mem::replace(known, Extent::FirstPage).and(extent);
        } else {
            known.insert(listing.clone(), wanted.len());
            wanted.push((listing, extent));
        }
    }
    wanted
}

/// The question about the place of an operation, with a project that was looked up.
pub(super) fn listing_of(operation: &Operation, inventory: &Inventory) -> Option<Listing> {
    if operation.target.project_id != ProjectRef::Lookup {
        return Listing::of(operation);
    }
    let found = inventory.projects_of(&Lookup::of(operation));
    let [only] = found.as_slice() else { return None };
    let mut resolved = operation.clone();
    resolved.target.project_id = ProjectRef::Id(only.id.clone());
    Listing::of(&resolved)
}
