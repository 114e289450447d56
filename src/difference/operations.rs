//! Which operation became which, and what changed about it.
//!
//! An id holds a hash of the request, so a changed request has another id: operations are matched by what they are for.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;

use super::settings::RenamedWaves;
use super::{OperationChange, OperationDifference, Part, RequestChange, Step, interleave};
use crate::model::{Content, Operation, ProjectName, Region, RegistryId, RegistryType, Selector};

/// For each new operation its old one: the one with its id; else by ever weaker likeness at the same place: it asks for the same; its sets have the same
/// names; it is the only one left. A place has one enterprise project and one credential, so these may differ.
pub(super) fn partners(old: &[&Operation], new: &[&Operation]) -> Vec<Option<usize>> {
    let mut matching = Matching { old, new, partners: vec![None; new.len()], is_taken: vec![false; old.len()] };
    matching.by(|operation| &operation.id, false);
    matching.by(|operation| (place(operation), content(&operation.content)), false);
    matching.by(|operation| (place(operation), &*operation.sets), false);
    matching.by(place, true);
    matching.partners
}

fn place(operation: &Operation) -> (&ProjectName, &Region) {
    (&operation.target.project, &operation.target.region)
}

/// What a request asks for, with everything sorted whose order means nothing.
type ContentKey<'o> = (bool, BTreeMap<&'o RegistryId, RegistryType>, BTreeSet<SelectorKey<'o>>);

/// A selection without the name of its set.
type SelectorKey<'o> = (BTreeSet<RegistryType>, Option<&'o str>, Option<&'o str>);

fn content(content: &Content) -> ContentKey<'_> {
    (content.body.sync_all_registries, types(content), selectors(content))
}

fn types(content: &Content) -> BTreeMap<&RegistryId, RegistryType> {
    let registries = content.body.registry_info.iter();
    registries.map(|registry| (&registry.registry_id, registry.registry_type)).collect()
}

fn selectors(content: &Content) -> BTreeSet<SelectorKey<'_>> {
    content.selectors.iter().map(selector).collect()
}

fn selector(selector: &Selector) -> SelectorKey<'_> {
    let types = selector.registry_type.iter().copied().collect();
    (types, selector.registry_name.as_deref(), selector.status.as_deref())
}

struct Matching<'o> {
    old: &'o [&'o Operation],
    new: &'o [&'o Operation],
    partners: Vec<Option<usize>>,
    is_taken: Vec<bool>,
}

impl<'o> Matching<'o> {
    /// Matches what has the same key and no partner yet, in order; if `only_alone`, where that is one on each side.
    fn by<K: Hash + Eq>(&mut self, key: impl Fn(&'o Operation) -> K, only_alone: bool) {
        let mut open: HashMap<K, (Vec<usize>, Vec<usize>)> = HashMap::new();
        for (index, operation) in self.old.iter().copied().enumerate().filter(|(index, _)| !self.is_taken[*index]) {
            open.entry(key(operation)).or_default().0.push(index);
        }
        for (index, operation) in self.new.iter().copied().enumerate() {
            if self.partners[index].is_none()
                && let Some((_, new)) = open.get_mut(&key(operation))
            {
                new.push(index);
            }
        }
        for (old, new) in open.into_values().filter(|(old, new)| !only_alone || (old.len() == 1 && new.len() == 1)) {
            for (before, now) in old.into_iter().zip(new) {
                self.is_taken[before] = true;
                self.partners[now] = Some(before);
            }
        }
    }
}

/// The operations of two plans that differ.
pub(super) fn compare(
    old: &Part<'_>,
    new: &Part<'_>,
    partners: &[Option<usize>],
    renamed: &RenamedWaves<'_>,
) -> Vec<OperationDifference> {
    let crowded = crowded(&old.operations, &new.operations);
    let differs = |part: &Part<'_>, index: usize, change: OperationChange| {
        let operation = part.operations[index];
        let sets = crowded.contains(&place(operation)).then(|| operation.sets.to_vec());
        OperationDifference { sets, ..described(part, index, change) }
    };
    let mut found = Vec::new();
    for step in interleave(partners, old.operations.len()) {
        match step {
            Step::Removed(index) => {
                let what = old.operations[index].what();
                found.push(differs(old, index, OperationChange::Removed { what }));
            }
            Step::Kept(index) => match partners[index] {
                None => {
                    let what = new.operations[index].what();
                    found.push(differs(new, index, OperationChange::Added { what }));
                }
                Some(partner) => {
                    let (was, is) = (old.operations[partner], new.operations[index]);
                    let request = request(was, is, old.side.has_settings() && new.side.has_settings());
                    let wave =
                        old.wave(was).zip(new.wave(is)).filter(|(old, new)| old != new && !renamed.has(old, new));
                    let wave = wave.map(|(old, new)| (old.clone(), new.clone()));
                    if !request.is_empty() || wave.is_some() {
                        let old_id = (was.id != is.id).then(|| was.id.clone());
                        let changed = differs(new, index, OperationChange::Changed { request, wave });
                        found.push(OperationDifference { old_id, ..changed });
                    }
                }
            },
        }
    }
    found
}

/// The operations of a plan that is new.
pub(super) fn added(part: &Part<'_>) -> Vec<OperationDifference> {
    let added = |index: usize| OperationChange::Added { what: part.operations[index].what() };
    (0..part.operations.len()).map(|index| described(part, index, added(index))).collect()
}

/// The operations of a plan that is gone.
pub(super) fn removed(part: &Part<'_>) -> Vec<OperationDifference> {
    let removed = |index: usize| OperationChange::Removed { what: part.operations[index].what() };
    (0..part.operations.len()).map(|index| described(part, index, removed(index))).collect()
}

fn described(part: &Part<'_>, index: usize, change: OperationChange) -> OperationDifference {
    let operation = part.operations[index];
    OperationDifference {
        id: operation.id.clone(),
        old_id: None,
        wave: part.wave(operation).cloned(),
        project: operation.target.project.clone(),
        region: operation.target.region.clone(),
        sets: None,
        change,
        place: part.place(index),
    }
}

/// The places with several operations on one side.
fn crowded<'o>(old: &[&'o Operation], new: &[&'o Operation]) -> BTreeSet<(&'o ProjectName, &'o Region)> {
    let mut crowded = BTreeSet::new();
    for side in [old, new] {
        let mut seen = BTreeSet::new();
        crowded.extend(side.iter().map(|operation| place(operation)).filter(|place| !seen.insert(*place)));
    }
    crowded
}

/// What differs between two requests; `knows_conditions` says whether both sides know those of their selections.
fn request(old: &Operation, new: &Operation, knows_conditions: bool) -> Vec<RequestChange> {
    let mut changes = Vec::new();
    // An id is made of what the plan says: what only one side has asked the service about makes no difference.
    if old.id == new.id && old.needs_network() != new.needs_network() {
        return changes;
    }
    let (was, is) = (&old.target, &new.target);
    if was.project_id != is.project_id {
        changes.push(RequestChange::ProjectId(was.project_id.clone(), is.project_id.clone()));
    }
    if was.enterprise_project_id != is.enterprise_project_id {
        let (was, is) = (was.enterprise_project_id.clone(), is.enterprise_project_id.clone());
        changes.push(RequestChange::EnterpriseProject(was, is));
    }
    if was.credential != is.credential {
        changes.push(RequestChange::Credential(was.credential.clone(), is.credential.clone()));
    }
    if old.content.body.sync_all_registries != new.content.body.sync_all_registries {
        changes.push(RequestChange::Extent(old.what(), new.what()));
        return changes;
    }
    registries(&old.content, &new.content, &mut changes);
    if !knows_conditions {
        return changes;
    }
    let (before, now) = (selectors(&old.content), selectors(&new.content));
    let added = new.content.selectors.iter().filter(|one| !before.contains(&selector(one))).cloned();
    changes.extend(added.map(RequestChange::SelectionAdded));
    let removed = old.content.selectors.iter().filter(|one| !now.contains(&selector(one))).cloned();
    changes.extend(removed.map(RequestChange::SelectionRemoved));
    changes
}

fn registries(old: &Content, new: &Content, changes: &mut Vec<RequestChange>) {
    let (before, now) = (types(old), types(new));
    for registry in &new.body.registry_info {
        if !before.contains_key(&registry.registry_id) {
            changes.push(RequestChange::RegistryAdded(registry.clone()));
        }
    }
    for registry in &old.body.registry_info {
        match now.get(&registry.registry_id) {
            None => changes.push(RequestChange::RegistryRemoved(registry.clone())),
            Some(kind) if *kind != registry.registry_type => {
                changes.push(RequestChange::RegistryType(registry.clone(), *kind));
            }
            Some(_) => {}
        }
    }
}
