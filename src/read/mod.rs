//! Asks the service, by GETs only: projects of regions (IAM), registries and tasks of projects (HSS).
//!
//! `resolve` says what is needed; this spends as few calls as that takes, inside the quota of each list API, and keeps the
//! answers. Reads are safe to repeat, so that here also a lost answer is asked for again. Neighbours: `gate` decides
//! when a call may go, `decode` reads bodies, `io::http` sends. `docs/online.md` counts the calls.

mod decode;
mod gate;
#[cfg(all(test, feature = "simulator"))]
mod tests;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::Notify;

use crate::event::{Failure, FailureKind};
use crate::expand::ExecutionPlan;
use crate::io::endpoint::IamEndpoints;
use crate::io::http::{Read, ReadClient};
use crate::model::{CredentialName, Quota, RegistryId, RetryLimits, format_estimate};
use crate::policy::{Answer, Redactor, Verdict, classify, classify_error, retry_delay, stated_limit};
use crate::resolve::{Asked, ClockOffset, Extent, FoundProject, FoundRegistry, Listing, Lookup, Question, Standing};
use crate::run::port::Clock;
use crate::sign::Credential;
use gate::{Api, End, Gate, Known, Lane, Turn};

/// Registries of one page: the documented most.
const PAGE: usize = 200;
/// No project is believed to have more registries.
const MOST_REGISTRIES: usize = 20_000;
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

/// Asks, and keeps the answers.
pub struct Reader<'a, C> {
    client: ReadClient,
    credentials: &'a BTreeMap<CredentialName, Credential>,
    iam: &'a IamEndpoints,
    clock: &'a C,
    limits: ReadLimits,
    redactor: Redactor,
    /// Told what takes long.
    notice: &'a dyn Fn(&str),
    answered: Notify,
    state: RefCell<State>,
}

struct State {
    gate: Gate,
    asked: Asked,
    /// Lists of which every page is there.
    whole: HashSet<Listing>,
    calls: usize,
    /// Until when a wait after a 429 has been told.
    told: Duration,
}

impl<'a, C: Clock> Reader<'a, C> {
    /// A reader that has asked nothing yet.
    #[must_use]
    pub fn new(
        client: ReadClient,
        credentials: &'a BTreeMap<CredentialName, Credential>,
        iam: &'a IamEndpoints,
        limits: ReadLimits,
        clock: &'a C,
        notice: &'a dyn Fn(&str),
    ) -> Self {
        let redactor = Redactor::new(credentials.values().flat_map(Credential::secrets).collect())
            .with_access_keys(credentials.values().filter_map(Credential::access_key));
        let gate = Gate::new(limits.quotas.clone(), limits.concurrency);
        let state = State { gate, asked: Asked::default(), whole: HashSet::new(), calls: 0, told: Duration::ZERO };
        let (answered, state) = (Notify::new(), RefCell::new(state));
        Self { client, credentials, iam, clock, limits, redactor, notice, answered, state }
    }

    /// What has been asked so far, with the answers.
    pub fn asked(&self) -> std::cell::Ref<'_, Asked> {
        std::cell::Ref::map(self.state.borrow(), |state| &state.asked)
    }

    /// Calls that were sent, repeats included.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.state.borrow().calls
    }

    /// What the answers say about a credential that there is.
    #[must_use]
    pub fn standing(&self, credential: &CredentialName) -> Standing {
        match self.state.borrow().gate.known(credential) {
            Known::Nothing | Known::Asking => Standing::Unproven,
            Known::Accepted => Standing::Accepted,
            Known::Refused(failure) => Standing::Refused(failure),
        }
    }

    /// Asks IAM for the projects of regions, one call each; not for those that were asked before.
    pub async fn look_up(&self, lookups: &[Lookup]) {
        let new = |lookup: &&Lookup| {
            let asked = self.asked();
            !asked.inventory.has_projects(lookup)
                && !asked.failures.contains_key(&Question::Projects((*lookup).clone()))
        };
        let lookups: Vec<&Lookup> = lookups.iter().filter(new).collect();
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
        let region = &lookup.region;
        let endpoint = self.iam.of(region, None).map_err(|error| self.failed(&error.to_string()))?;
        let lane = Lane { api: Api::Projects, endpoint, credential: lookup.credential.clone() };
        let read = Read {
            endpoint: lane.endpoint.clone(),
            path: "/v3/projects".to_owned(),
            query: vec![pair("name", region.as_str())],
            headers: vec![pair("Content-Type", "application/json")],
        };
        let body = self.ask(&lane, &read).await?;
        decode::projects(&body, &self.redactor).map_err(|why| self.unclear("IAM's list of projects", &why))
    }

    /// Lists registries, in pages of 200; not those that were listed before.
    pub async fn list(&self, wanted: &[(Listing, Extent)]) {
        let new = |(listing, _): &&(Listing, Extent)| {
            let state = self.state.borrow();
            !state.whole.contains(listing) && !state.asked.failures.contains_key(&Question::Registries(listing.clone()))
        };
        let wanted: Vec<_> = wanted.iter().filter(new).collect();
        let lanes = wanted.iter().map(|(listing, _)| lane(Api::Registries, listing));
        let least = Gate::new(self.limits.quotas.clone(), 1).least(lanes);
        if least >= SHORT_WAIT {
            let (lists, least) = (wanted.len(), format_estimate(least));
            (self.notice)(&format!("{lists} lists of registries to read, at least {least} under the quota"));
        }
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
        let mut offset = 0;
        loop {
            let query = vec![pair("offset", &offset.to_string()), pair("limit", &PAGE.to_string())];
            let body = self.ask(&lane, &hss(listing, "registries", query)).await?;
            let page = decode::registries(&body, &self.redactor)
                .map_err(|why| self.unclear("the list of registries", &why))?;
            let (got, known) = (page.registries.len(), registries.len());
            offset += got;
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
                return Err(
                    self.unclear("the list of registries", "its pages repeat, so that its end is never reached")
                );
            }
            if offset >= MOST_REGISTRIES {
                return Err(self.unclear("the list of registries", "it goes on after 20000 entries"));
            }
        }
    }

    /// Asks whether tasks can be listed, by the shortest list; one call each.
    pub async fn list_tasks(&self, listings: &[Listing]) {
        join_all(listings.iter().map(async |listing| {
            let query = vec![pair("type", "image_sync"), pair("offset", "0"), pair("limit", "10")];
            let body = self.ask(&lane(Api::Tasks, listing), &hss(listing, "tasks", query)).await;
            let read =
                body.and_then(|body| decode::tasks(&body).map_err(|why| self.unclear("the list of tasks", &why)));
            if let Err(failure) = read {
                let asked = &mut self.state.borrow_mut().asked;
                asked.failures.insert(Question::Tasks(listing.clone()), failure);
            }
        }))
        .await;
    }

    /// One read with its repeats: the body of the answer.
    async fn ask(&self, lane: &Lane, read: &Read) -> Result<Vec<u8>, Failure> {
        let Some(credential) = self.credentials.get(&lane.credential) else {
            return Err(self.failed(&format!("there is no credential `{}`", lane.credential)));
        };
        let mut attempt = 1;
        loop {
            self.take_turn(lane).await?;
            let sent = self.clock.wall();
            let timeout = self.clock.real(self.limits.attempt_timeout);
            let answer = self.client.get(read, credential, sent, timeout).await;
            if let Ok(answer) = &answer {
                self.note_clock(answer, sent, lane);
            }
            let verdict = match &answer {
                Ok(answer) if answer.truncated => {
                    Verdict::Failed(self.unclear("the answer", "it is larger than 4 MiB"))
                }
                Ok(answer) => classify(answer, &self.redactor),
                Err(error) => classify_error(error, &self.redactor),
            };
            let (failure, wait) = match verdict {
                Verdict::Accepted => {
                    self.end(lane, End::Proven, Duration::ZERO);
                    return Ok(answer.map(|answer| answer.body).unwrap_or_default());
                }
                Verdict::Failed(failure) => {
                    let end = match failure.kind {
                        FailureKind::Credential => End::Refused(failure.clone()),
                        // Somebody before the service may have answered.
                        FailureKind::Redirected | FailureKind::UnclearAnswer => End::Unproven,
                        _ => End::Proven,
                    };
                    self.end(lane, end, Duration::ZERO);
                    return Err(failure);
                }
                // A read changes nothing, so that a lost answer is as good as none.
                Verdict::Unknown(failure) => (failure, None),
                Verdict::Retry { failure, wait } => (failure, wait),
            };
            attempt += 1;
            let delay = retry_delay(&self.limits.retry, attempt, wait, fastrand::f64());
            let throttled = failure.kind == FailureKind::Throttled;
            let end =
                if throttled { End::Throttled { wait, limit: stated_limit(&failure.message) } } else { End::Unproven };
            self.end(lane, end, delay);
            if throttled {
                self.tell_throttled(lane);
            }
            if attempt > self.limits.retry.max_attempts.get() {
                return Err(failure);
            }
            // A closed bucket is waited for with the others at the gate.
            if !throttled {
                self.clock.sleep_until(self.clock.now() + delay).await;
            }
        }
    }

    /// Waits until the call may be sent; then it counts as sent.
    async fn take_turn(&self, lane: &Lane) -> Result<(), Failure> {
        loop {
            let now = self.clock.now();
            // Made before the question, so that no answer comes between the two.
            let answered = self.answered.notified();
            let turn = self.state.borrow_mut().gate.turn(lane, now);
            match turn {
                Turn::Go => {
                    self.state.borrow_mut().calls += 1;
                    return Ok(());
                }
                Turn::At(at) => {
                    // An answer may refuse the credential, and then there is nothing to wait for.
                    tokio::select! {
                        () = self.clock.sleep_until(at) => {}
                        () = answered => {}
                    }
                }
                Turn::AfterAnswer => answered.await,
                Turn::Refused(failure) => return Err(failure),
            }
        }
    }

    fn end(&self, lane: &Lane, end: End, backoff: Duration) {
        self.state.borrow_mut().gate.ended(lane, self.clock.now(), end, backoff);
        self.answered.notify_waiters();
    }

    /// Says once that a service wants to be left alone, whatever the number of calls that it tells so.
    fn tell_throttled(&self, lane: &Lane) {
        let now = self.clock.now();
        let until = {
            let state = &mut *self.state.borrow_mut();
            let until = state.gate.closed_until(lane);
            if until <= state.told + SHORT_WAIT {
                return;
            }
            state.told = until;
            until
        };
        let (host, wait) = (lane.endpoint.authority(), format_estimate(until.saturating_sub(now)));
        (self.notice)(&format!("{host} refuses reads for now (429), waiting {wait}"));
    }

    /// Keeps the clock that is farthest off. `Date` has whole seconds, so that half of one is its best guess; the answer
    /// was made somewhere between sending and now.
    fn note_clock(&self, answer: &Answer, sent: jiff::Timestamp, lane: &Lane) {
        let parsed = answer.date.as_deref().map(|date| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date));
        let Some(Ok(date)) = parsed else { return };
        let flight = self.clock.wall().duration_since(sent);
        let ahead = sent.duration_since(date) + flight / 2 - jiff::SignedDuration::from_millis(500);
        let clock = &mut self.state.borrow_mut().asked.clock;
        if clock.as_ref().is_none_or(|known| known.ahead.abs() < ahead.abs()) {
            *clock = Some(ClockOffset { host: lane.endpoint.authority().to_owned(), ahead });
        }
    }

    fn unclear(&self, what: &str, why: &str) -> Failure {
        Failure { kind: FailureKind::UnclearAnswer, ..self.failed(&format!("{what} can't be used: {why}")) }
    }

    fn failed(&self, message: &str) -> Failure {
        let message = self.redactor.scrub(message);
        Failure { kind: FailureKind::NotSent, status: None, code: None, message, given_up: None }
    }
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

fn lane(api: Api, listing: &Listing) -> Lane {
    Lane { api, endpoint: listing.endpoint.clone(), credential: listing.credential.clone() }
}

/// A GET of HSS for one project.
fn hss(listing: &Listing, list: &str, mut query: Vec<(String, String)>) -> Read {
    let Listing { region, endpoint, project_id, enterprise_project_id, .. } = listing;
    query.insert(0, pair("enterprise_project_id", enterprise_project_id.as_str()));
    Read {
        endpoint: endpoint.clone(),
        path: format!("/v5/{project_id}/image/{list}"),
        query,
        headers: vec![
            pair("Content-Type", "application/json"),
            pair("X-Project-Id", project_id.as_str()),
            pair("region", region.as_str()),
        ],
    }
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}
