//! Asks the service, by GETs only: projects of regions (IAM), registries and tasks of projects (HSS).
//!
//! `resolve` says what is needed; this spends as few calls as that takes, inside the quota of each list API, and keeps the
//! answers. An `asker` asks one thing, `gate` says when, `decode` reads bodies; `tasks` is the same for a run that follows its
//! tasks. `docs/online.md` and `docs/tasks.md` count the calls.

mod asker;
mod cost;
pub mod decode;
mod gate;
mod tasks;
#[cfg(all(test, feature = "simulator"))]
mod tests;

pub use asker::Asker;
pub use cost::{ReadCost, preflight_cost};

use std::cell::RefCell;
use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use futures::future::join_all;

use crate::event::Failure;
use crate::expand::ExecutionPlan;
use crate::io::endpoint::IamEndpoints;
use crate::io::http::Read;
use crate::model::{Access, CredentialName, InvalidValue, Listing, ProjectRef, Quota, RegistryId, RetryLimits};
use crate::resolve::{Asked, Extent, FoundProject, FoundRegistry, Lookup, Question, Standing};
use crate::run::port::{Clock, Credentials};
use asker::{hss, lane, pair};
use gate::{Api, Lane};

/// Entries of one page: the documented most.
const PAGE: usize = 200;
/// No project is believed to have more registries.
const MOST_REGISTRIES: usize = 20_000;
/// What those fill in pages of 100, the fewest that the service documents: a list of smaller pages would take hours.
const MOST_PAGES: usize = 200;
/// A wait that is shorter is not worth a word.
const SHORT_WAIT: Duration = Duration::from_secs(5);

/// Within which limits is asked.
#[derive(Clone, Debug)]
pub struct ReadLimits {
    /// They hold together, for each API on its own.
    pub quotas: Vec<Quota>,
    /// Calls in flight.
    pub concurrency: usize,
    /// Time for one attempt.
    pub attempt_timeout: Duration,
    /// Repeats.
    pub retry: RetryLimits,
}

impl ReadLimits {
    /// Those of a batch of plans: every quota, the largest concurrency and patience, the shortest timeout.
    #[must_use]
    pub fn of(plan: &ExecutionPlan) -> Self {
        let limits = || plan.plans.iter().map(|file| file.limits);
        Self {
            quotas: limits().map(|limits| limits.quota).collect(),
            concurrency: limits().map(|limits| limits.concurrency.get() as usize).max().unwrap_or(1),
            attempt_timeout: limits().map(|limits| limits.attempt_timeout).min().unwrap_or_default(),
            retry: limits().map(|limits| limits.retry).max_by_key(|retry| retry.max_attempts).unwrap_or_default(),
        }
    }
}

/// Asks about projects and registries, and keeps the answers.
pub struct Reader<'a, K, C> {
    asker: &'a Asker<'a, K, C>,
    iam: &'a IamEndpoints,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    asked: Asked,
    /// Lists of which every page is there.
    whole: HashSet<Listing>,
}

impl<'a, K: Credentials, C: Clock> Reader<'a, K, C> {
    /// A reader that knows nothing yet.
    #[must_use]
    pub fn new(asker: &'a Asker<'a, K, C>, iam: &'a IamEndpoints) -> Self {
        Self { asker, iam, state: RefCell::default() }
    }

    /// What has been asked so far, with the answers.
    pub fn asked(&self) -> std::cell::Ref<'_, Asked> {
        self.state.borrow_mut().asked.clock = self.asker.clock_offset();
        std::cell::Ref::map(self.state.borrow(), |state| &state.asked)
    }

    /// Calls that were sent, repeats included.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.asker.calls()
    }

    /// What the answers say about a credential that there is.
    #[must_use]
    pub fn standing(&self, credential: &CredentialName) -> Standing {
        self.asker.standing(credential)
    }

    /// Asks IAM for the projects of regions, one call each; not for those that were asked before.
    pub async fn look_up(&self, lookups: &[Lookup]) {
        let new = |lookup: &&Lookup| {
            let asked = self.asked();
            !asked.inventory.has_projects(lookup)
                && !asked.failures.contains_key(&Question::Projects((*lookup).clone()))
        };
        let lookups: Vec<&Lookup> = lookups.iter().filter(new).collect();
        let lanes = lookups.iter().filter_map(|lookup| lookup_lane(self.iam, lookup).ok());
        self.asker.announce("projects to look up", lanes.collect());
        join_all(lookups.into_iter().map(async |lookup| {
            let found = self.projects(lookup).await;
            let asked = &mut self.state.borrow_mut().asked;
            match found {
                Ok(found) => asked.inventory.add_projects(lookup.clone(), found),
                Err(failure) => drop(asked.failures.insert(Question::Projects(lookup.clone()), failure)),
            }
        }))
        .await;
    }

    async fn projects(&self, lookup: &Lookup) -> Result<Vec<FoundProject>, Failure> {
        let lane = lookup_lane(self.iam, lookup).map_err(|error| self.asker.failed(&error.to_string()))?;
        let read = Read {
            endpoint: lane.endpoint.clone(),
            path: "/v3/projects".to_owned(),
            query: vec![pair("name", lookup.region.as_str())],
            headers: vec![pair("Content-Type", "application/json")],
        };
        let body = self.asker.ask(&lane, &read).await?.body;
        decode::projects(&body, &self.asker.redactor())
            .map_err(|why| self.asker.unclear("IAM's list of projects", &why))
    }

    /// Lists registries, in pages of 200; not those that were listed before.
    pub async fn list(&self, wanted: &[(Listing, Extent)]) {
        let new = |(listing, _): &&(Listing, Extent)| {
            let state = self.state.borrow();
            !state.whole.contains(listing) && !state.asked.failures.contains_key(&Question::Registries(listing.clone()))
        };
        let wanted: Vec<_> = wanted.iter().filter(new).collect();
        let lanes = wanted.iter().map(|(listing, _)| lane(Api::Registries, listing));
        self.asker.announce("lists of registries to read", lanes.collect());
        join_all(wanted.into_iter().map(async |(listing, extent)| {
            let listed = self.registries(listing, extent).await;
            let state = &mut *self.state.borrow_mut();
            match listed {
                Ok(listed) => {
                    if listed.whole {
                        state.whole.insert(listing.clone());
                    }
                    state.asked.totals.insert(listing.clone(), listed.total);
                    state.asked.inventory.add_registries(listing.clone(), listed.registries);
                }
                Err(failure) => drop(state.asked.failures.insert(Question::Registries(listing.clone()), failure)),
            }
        }))
        .await;
    }

    async fn registries(&self, listing: &Listing, extent: &Extent) -> Result<Listed, Failure> {
        let lane = lane(Api::Registries, listing);
        let mut registries = Vec::new();
        let mut seen: BTreeSet<RegistryId> = BTreeSet::new();
        let (mut offset, mut pages) = (0, 0);
        loop {
            let query = vec![pair("offset", &offset.to_string()), pair("limit", &PAGE.to_string())];
            let body = self.asker.ask(&lane, &hss(listing, "registries", query)).await?.body;
            let page = decode::registries(&body, &self.asker.redactor())
                .map_err(|why| self.asker.unclear("the list of registries", &why))?;
            let (got, known) = (page.registries.len(), registries.len());
            (offset, pages) = (offset + got, pages + 1);
            registries.extend(page.registries.into_iter().filter(|one| seen.insert(one.id.clone())));
            let whole = is_last(got, offset, page.total);
            let enough = match extent {
                Extent::FirstPage => true,
                Extent::Until(ids) => ids.is_subset(&seen),
                Extent::All => false,
            };
            if whole || enough {
                let total = page.total.unwrap_or(0).max(registries.len());
                return Ok(Listed { registries, total, whole });
            }
            if registries.len() == known {
                return Err(self
                    .asker
                    .unclear("the list of registries", "its pages repeat, so that its end is never reached"));
            }
            if offset >= MOST_REGISTRIES || pages == MOST_PAGES {
                let why = format!("it goes on after {offset} entries on {pages} pages");
                return Err(self.asker.unclear("the list of registries", &why));
            }
        }
    }

    /// Asks whether tasks can be listed, by the shortest list; one call each.
    pub async fn list_tasks(&self, listings: &[Listing]) {
        join_all(listings.iter().map(async |listing| {
            let query = vec![pair("type", "image_sync"), pair("offset", "0"), pair("limit", "10")];
            let body = self.asker.ask(&lane(Api::Tasks, listing), &hss(listing, "tasks", query)).await;
            let read = body.and_then(|answered| {
                decode::tasks(&answered.body).map_err(|why| self.asker.unclear("the list of tasks", &why))
            });
            if let Err(failure) = read {
                let asked = &mut self.state.borrow_mut().asked;
                asked.failures.insert(Question::Tasks(listing.clone()), failure);
            }
        }))
        .await;
    }
}

/// The question of IAM's list, which belongs to no project.
fn lookup_lane(iam: &IamEndpoints, lookup: &Lookup) -> Result<Lane, InvalidValue> {
    let Lookup { credential, region } = lookup.clone();
    let endpoint = iam.of(&credential, &region)?;
    Ok(Lane { api: Api::Projects, endpoint, access: Access { credential, region, project_id: ProjectRef::Lookup } })
}

/// A list of registries, as far as it was read.
struct Listed {
    registries: Vec<FoundRegistry>,
    total: usize,
    whole: bool,
}

/// Whether a page is the last one. The service documents pages of up to 200, and elsewhere lists and totals of up to 100, so
/// that neither a short page nor a total alone is believed to be the end.
fn is_last(got: usize, so_far: usize, total: Option<usize>) -> bool {
    match total {
        _ if got == 0 => true,
        Some(total) if got < PAGE => so_far >= total,
        Some(total) => so_far == total,
        None => false,
    }
}
