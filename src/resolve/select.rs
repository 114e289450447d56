//! Which registries a `select` set means, and their union with those that a plan names.

use std::collections::HashMap;

use super::inventory::FoundRegistry;
use crate::diagnostic::{Code, Diagnostic, visible};
use crate::model::{Content, RegistryPlace, RegistryRef, RegistryType, Selector, SyncBody, is_wildcard_match};
use crate::source::Location;

/// Registries that the message about an empty set lists.
const MOST_LISTED: usize = 8;

/// A content with its selections made, and what is to be said about that.
pub(super) struct Matched {
    /// Without selectors.
    pub(super) content: Content,
    pub(super) problems: Vec<Problem>,
}

/// A diagnostic that many operations may meet.
pub(super) struct Problem {
    pub(super) diagnostic: Diagnostic,
    /// What it is about, besides its place: the id of a registry.
    pub(super) about: String,
}

/// Makes the selections of a content from the registries of its project.
pub(super) fn matched(content: &Content, registries: &[FoundRegistry]) -> Matched {
    // A page may repeat what stood at the end of the one before when a registry was added meanwhile; and whatever order the
    // service has, the same registries make the same request.
    let mut registries: Vec<&FoundRegistry> = registries.iter().collect();
    registries.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    registries.dedup_by(|a, b| a.id == b.id);

    let mut union = Union::of(content);
    for selector in &content.selectors {
        let mut taken = 0;
        for registry in registries.iter().filter(|registry| takes(selector, registry)) {
            match usable(selector, registry) {
                Ok(registry_type) => {
                    taken += 1;
                    union.add(selector, registry, registry_type);
                }
                Err(why) => union.problems.push(left_out(selector, registry, &why)),
            }
        }
        if taken == 0 {
            union.problems.push(empty(selector, &registries));
        }
    }
    let Union { registry_info, places, problems, .. } = union;
    let body = SyncBody { sync_all_registries: content.body.sync_all_registries, registry_info };
    Matched { content: Content { body, places, selectors: Vec::new() }, problems }
}

/// Whether a registry meets all conditions. What the service was asked to filter doesn't matter here.
fn takes(selector: &Selector, registry: &FoundRegistry) -> bool {
    let Selector { registry_type, registry_name, status, .. } = selector;
    let kind = || registry.registry_type.as_ref().is_ok_and(|kind| registry_type.contains(kind));
    registry_name.as_ref().is_none_or(|pattern| is_wildcard_match(pattern, &registry.name))
        && (registry_type.is_empty() || kind())
        && status.as_ref().is_none_or(|status| *status == registry.status)
}

/// The type with which a registry that matches can be requested.
fn usable(selector: &Selector, registry: &FoundRegistry) -> Result<RegistryType, String> {
    let registry_type = registry
        .registry_type
        .clone()
        .map_err(|other| format!("its type `{}` is none that a request can name", visible(&other)))?;
    // Who writes a status has said what is meant.
    if selector.status.is_none() && !registry.is_connected() {
        return Err(format!("HSS has no connection to it ({})", visible(&registry.status_text())));
    }
    Ok(registry_type)
}

fn left_out(selector: &Selector, registry: &FoundRegistry, why: &str) -> Problem {
    let Location { source, span } = selector.location;
    let message =
        format!("set `{}` leaves out registry `{}` ({}): {why}", selector.set, visible(&registry.name), registry.id);
    let diagnostic = Diagnostic::at(Code::RegistryLeftOut, source, span, message)
        .label("matches it")
        .help("mend the connection in the HSS console, or write `status: success` to mean connected ones only");
    Problem { diagnostic, about: registry.id.to_string() }
}

fn empty(selector: &Selector, registries: &[&FoundRegistry]) -> Problem {
    let Location { source, span } = selector.location;
    let message = format!("set `{}` matches no registry that can be synchronised", selector.set);
    let there = registries.iter().take(MOST_LISTED).map(|registry| {
        format!("`{}` ({}, {})", visible(&registry.name), visible(registry.type_text()), visible(&registry.status))
    });
    let there: Vec<String> = there.collect();
    let note = match registries.len().saturating_sub(MOST_LISTED) {
        _ if there.is_empty() => "the project has no registries".to_owned(),
        0 => format!("the project has {}", there.join(", ")),
        more => format!("the project has {} and {more} more", there.join(", ")),
    };
    let diagnostic = Diagnostic::at(Code::EmptySelect, source, span, message)
        .label("nothing matches")
        .note(note)
        .help("compare its conditions with the registries of the project; `*` and `?` are the only wildcards");
    Problem { diagnostic, about: String::new() }
}

/// Registries without duplicates: those that the plan names in its order, then those that were found.
struct Union {
    registry_info: Vec<RegistryRef>,
    places: Vec<RegistryPlace>,
    by_id: HashMap<String, usize>,
    problems: Vec<Problem>,
}

impl Union {
    fn of(content: &Content) -> Self {
        let registry_info = content.body.registry_info.clone();
        let by_id = registry_info.iter().enumerate().map(|(index, one)| (one.registry_id.to_string(), index)).collect();
        Self { registry_info, places: content.places.clone(), by_id, problems: Vec::new() }
    }

    fn add(&mut self, selector: &Selector, registry: &FoundRegistry, registry_type: RegistryType) {
        let id = registry.id.to_string();
        let Some(index) = self.by_id.get(&id).copied() else {
            self.by_id.insert(id, self.registry_info.len());
            self.registry_info.push(RegistryRef { registry_id: registry.id.clone(), registry_type });
            self.places.push(RegistryPlace { registry_id: selector.location, registry_type: selector.location });
            return;
        };
        let stated = self.registry_info[index].registry_type;
        let Some(place) = self.places.get(index).filter(|_| stated != registry_type) else { return };
        let Location { source, span } = place.registry_type;
        let message = format!("registry `{id}` is {registry_type}, and the plan says {stated}");
        let diagnostic = Diagnostic::at(Code::ConflictingRegistryType, source, span, message)
            .label(format!("{stated} here"))
            .also(selector.location, "this set finds it")
            .help("a registry has one type: write the one that HSS lists");
        self.problems.push(Problem { diagnostic, about: id });
    }
}
