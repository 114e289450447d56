//! Whether a task is one that a request would have made.

use std::collections::BTreeSet;

use super::listed::{Listed, Registries, Seen};
use super::request::{Request, What};
use crate::model::RegistryType;

/// How a task compares with a request that may have made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// It did not come of this request.
    No,
    /// Its registries would tell.
    Unread,
    /// Its registries were read and don't tell yet: the task may still list them.
    Unsettled,
    /// It may have come of it, and nothing would prove that. Why, as a clause about the task.
    Unprovable(&'static str),
    /// It is as the task of the request would be.
    Yes,
}

impl Fit {
    /// Whether its registries may still change it.
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Unread | Self::Unsettled)
    }
}

/// Compares a task with the request that it would be linked to.
pub(super) fn fit(request: &Request, listed: &Listed, seen: &Seen) -> Fit {
    if request.made_at(listed.begin) { by_content(request, listed, seen) } else { Fit::No }
}

/// Compares a task with a request that is not to be linked to it: whether it may have come of any attempt. Then no other request
/// is linked to it.
pub(super) fn claim(request: &Request, listed: &Listed, seen: &Seen) -> Fit {
    match &request.task {
        Some(own) if *own == listed.task.id => Fit::Yes,
        // One attempt made one task, and that is known.
        Some(_) if request.all.len() < 2 => Fit::No,
        _ if request.may_have_made_at(listed.begin) => by_content(request, listed, seen),
        _ => Fit::No,
    }
}

fn by_content(request: &Request, listed: &Listed, seen: &Seen) -> Fit {
    let registries = seen.registries.get(&listed.task.id);
    let fit = match &request.what {
        What::All => all(request, listed, registries, &seen.known),
        What::Registries(asked) => match registries {
            None => Fit::Unread,
            Some(read) => same(asked, read, listed.task.is_all),
        },
    };
    match fit {
        Fit::Yes | Fit::Unread | Fit::Unsettled if listed.contradictory => {
            Fit::Unprovable("is listed with two different begin times")
        }
        fit => fit,
    }
}

/// The task of a request for all registries.
fn all(request: &Request, listed: &Listed, registries: Option<&Registries>, known: &BTreeSet<String>) -> Fit {
    match (listed.task.is_all, registries) {
        (Some(false), _) => Fit::No,
        (Some(true), _) => Fit::Yes,
        (None, None) => Fit::Unread,
        (None, Some(read)) if read.list.is_empty() => Fit::Unsettled,
        (None, Some(read)) => {
            let lacks = |id: &String| read.list.iter().all(|registry| registry.id != *id);
            match (known.iter().any(lacks), read.after_end) {
                (true, true) => Fit::No,
                (true, false) => Fit::Unsettled,
                (false, _) if request.accepted => Fit::Yes,
                (false, _) => Fit::Unprovable("doesn't say whether it is about all registries"),
            }
        }
    }
}

/// The task of a request for these registries.
fn same(asked: &BTreeSet<(String, RegistryType)>, read: &Registries, is_all: Option<bool>) -> Fit {
    let mut missing: BTreeSet<&(String, RegistryType)> = asked.iter().collect();
    let mut typed = true;
    for registry in &read.list {
        let Some(registry_type) = registry.registry_type else {
            // Without its type it may be any of those with its id.
            let before = missing.len();
            missing.retain(|(id, _)| *id != registry.id);
            if missing.len() == before {
                return Fit::No;
            }
            typed = false;
            continue;
        };
        let own = (registry.id.clone(), registry_type);
        if !asked.contains(&own) {
            return Fit::No;
        }
        missing.remove(&own);
    }
    if !missing.is_empty() {
        // An empty list says nothing, and a shorter one may still grow.
        return if read.after_end && !read.list.is_empty() { Fit::No } else { Fit::Unsettled };
    }
    match (typed, is_all) {
        (false, _) => Fit::Unprovable("has registries whose type the service doesn't say"),
        (true, Some(true)) => Fit::Unprovable("is about all registries, by what the service says"),
        (true, _) => Fit::Yes,
    }
}
