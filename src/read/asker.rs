//! Asks one thing: waits for its turn, proves who asks, repeats what came to nothing, and judges the answer.
//!
//! A read changes nothing, so that here also a lost answer is asked for again. Neighbours: `gate` decides when a call may go,
//! `Reader` and `Tasks` say what is asked.

use std::cell::RefCell;
use std::collections::HashSet;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::Notify;

use super::gate::{Api, End, Gate, Known, Lane, Turn};
use super::{ReadLimits, SHORT_WAIT};
use crate::diagnostic::visible;
use crate::event::{Failure, FailureKind};
use crate::io::http::{Read, ReadClient};
use crate::model::{Access, CredentialName, Endpoint, Listing, ProjectRef, format_estimate};
use crate::policy::{Answer, Redactor, Verdict, classify, classify_error, retry_delay, stated_limit};
use crate::resolve::{ClockOffset, Standing};
use crate::run::port::{Clock, CredentialFailure, Credentials};
use crate::sign::Credential;

/// A flight that is longer says too little about when the answer was made.
const LONG_FLIGHT: SignedDuration = SignedDuration::from_secs(10);

/// Sends reads within their limits, for whoever shares it.
pub struct Asker<'a, K, C> {
    client: ReadClient,
    credentials: &'a K,
    clock: &'a C,
    limits: ReadLimits,
    /// Told what takes long.
    notice: &'a dyn Fn(&str),
    answered: Notify,
    state: RefCell<State>,
}

struct State {
    gate: Gate,
    calls: usize,
    /// Until when a wait after a 429 has been told.
    told: Duration,
    /// Whose trouble has been told.
    troubled: HashSet<Endpoint>,
    /// The clock that is farthest off.
    clock: Option<ClockOffset>,
}

/// The body of an answer, and how far our clock is ahead of the service's by its `Date`; zero if it says none.
pub(super) struct Answered {
    pub(super) body: Vec<u8>,
    pub(super) ahead: SignedDuration,
}

impl<'a, K: Credentials, C: Clock> Asker<'a, K, C> {
    /// An asker that has asked nothing yet.
    #[must_use]
    pub fn new(
        client: ReadClient,
        credentials: &'a K,
        limits: ReadLimits,
        clock: &'a C,
        notice: &'a dyn Fn(&str),
    ) -> Self {
        let gate = Gate::new(limits.quotas.clone(), limits.concurrency);
        let state = State { gate, calls: 0, told: Duration::ZERO, troubled: HashSet::new(), clock: None };
        Self { client, credentials, clock, limits, notice, answered: Notify::new(), state: RefCell::new(state) }
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

    /// The clock that is farthest off, of those that were heard of.
    pub(super) fn clock_offset(&self) -> Option<ClockOffset> {
        self.state.borrow().clock.clone()
    }

    /// Says how long so many reads take at least, if that is worth a word.
    pub(super) fn announce(&self, what: &str, lanes: Vec<Lane>) {
        let count = lanes.len();
        let least = Gate::new(self.limits.quotas.clone(), 1).least(lanes.into_iter());
        if least >= SHORT_WAIT {
            (self.notice)(&format!("{count} {what}, at least {} under the quota", format_estimate(least)));
        }
    }

    /// One read with its repeats.
    pub(super) async fn ask(&self, lane: &Lane, read: &Read) -> Result<Answered, Failure> {
        let mut attempt = 1;
        loop {
            let (failure, wait) = match self.try_once(lane, read).await {
                Tried::Answered(answered) => return Ok(answered),
                Tried::Failed(failure) => return Err(failure),
                Tried::Again { failure, wait } => (failure, wait),
            };
            attempt += 1;
            let delay = retry_delay(&self.limits.retry, attempt, wait, fastrand::f64());
            let throttled = failure.kind == FailureKind::Throttled;
            if throttled {
                let limit = stated_limit(&failure.message);
                self.end(lane, End::Throttled { wait, limit }, delay);
                self.tell_throttled(lane);
            }
            if attempt > self.limits.retry.max_attempts.get() {
                return Err(failure);
            }
            // A closed bucket is waited for with the others at the gate.
            if !throttled {
                self.tell_trouble(lane, &failure);
                self.clock.sleep_until(self.clock.now() + delay).await;
            }
        }
    }

    /// One attempt; the end of one that was throttled is left to the caller.
    async fn try_once(&self, lane: &Lane, read: &Read) -> Tried {
        // Nobody is asked for a token of a credential that the service refuses.
        if let Known::Refused(failure) = self.state.borrow().gate.known(&lane.access.credential) {
            return Tried::Failed(failure);
        }
        // Before the turn, so that a credential that can't be got costs no call.
        if let Err(failure) = self.credential(lane).await {
            return failure;
        }
        if let Err(failure) = self.take_turn(lane).await {
            return Tried::Failed(failure);
        }
        // The turn may have been far off. What was got before is kept by its giver, unless it has ended since.
        let credential = match self.credential(lane).await {
            Ok(credential) => credential,
            Err(failure) => {
                self.end(lane, End::Unproven, Duration::ZERO);
                return failure;
            }
        };
        let sent = self.clock.wall();
        let answer = self.client.get(read, &credential, sent, self.limits.attempt_timeout).await;
        let ahead = answer.as_ref().ok().and_then(|answer| self.note_clock(answer, sent, lane)).unwrap_or_default();
        let redactor = self.redactor();
        let verdict = match &answer {
            Ok(answer) if answer.truncated => Verdict::Failed(self.unclear("the answer", "it is larger than 4 MiB")),
            Ok(answer) => classify(answer, &redactor),
            Err(error) => classify_error(error, &redactor),
        };
        match self.credentials.renewable(verdict, &lane.access, &credential) {
            Verdict::Accepted => {
                self.end(lane, End::Proven, Duration::ZERO);
                Tried::Answered(Answered { body: answer.map(|answer| answer.body).unwrap_or_default(), ahead })
            }
            Verdict::Failed(failure) => {
                let end = match failure.kind {
                    FailureKind::Credential => End::Refused(failure.clone()),
                    // Somebody before the service may have answered.
                    FailureKind::Redirected | FailureKind::UnclearAnswer => End::Unproven,
                    _ => End::Proven,
                };
                self.end(lane, end, Duration::ZERO);
                Tried::Failed(failure)
            }
            Verdict::Retry { failure, wait } if failure.kind == FailureKind::Throttled => {
                Tried::Again { failure, wait }
            }
            Verdict::Retry { failure, wait } => {
                self.end(lane, End::Unproven, Duration::ZERO);
                Tried::Again { failure, wait }
            }
            Verdict::Unknown(failure) => {
                self.end(lane, End::Unproven, Duration::ZERO);
                Tried::Again { failure, wait: None }
            }
        }
    }

    /// The credential for a lane now. Whoever gives it and says no is asked no more.
    async fn credential(&self, lane: &Lane) -> Result<Credential, Tried> {
        self.credentials.get(&lane.access).await.map_err(|failure| {
            let told = self.failed(&failure.to_string());
            match failure {
                CredentialFailure::Refused(_) => {
                    let told = Failure { kind: FailureKind::Credential, ..told };
                    self.state.borrow_mut().gate.refuse(&lane.access.credential, told.clone());
                    self.answered.notify_waiters();
                    Tried::Failed(told)
                }
                CredentialFailure::NotForProject(_) => Tried::Failed(Failure { kind: FailureKind::Refused, ..told }),
                CredentialFailure::Unreachable(_) => Tried::Again { failure: told, wait: None },
            }
        })
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

    /// Says once for each service that it is asked again: repeats take seconds, and a silent program looks stuck.
    fn tell_trouble(&self, lane: &Lane, failure: &Failure) {
        if self.state.borrow_mut().troubled.insert(lane.endpoint.clone()) {
            (self.notice)(&format!("no answer yet, asking again: {}", visible(&failure.reason())));
        }
    }

    /// Keeps the clock that is farthest off. `Date` has whole seconds, so that half of one is its best guess; the answer
    /// was made somewhere between sending and now. After a flight so long that this matters (a slow service, a process that was
    /// stopped) only what is certain counts.
    fn note_clock(&self, answer: &Answer, sent: jiff::Timestamp, lane: &Lane) -> Option<SignedDuration> {
        let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(answer.date.as_deref()?).ok()?;
        let flight = self.clock.wall().duration_since(sent);
        let least = sent.duration_since(date) - SignedDuration::from_millis(500);
        let ahead = if flight <= LONG_FLIGHT { least + flight / 2 } else { certain(least, least + flight) };
        let clock = &mut self.state.borrow_mut().clock;
        if clock.as_ref().is_none_or(|known| known.ahead.abs() < ahead.abs()) {
            *clock = Some(ClockOffset { host: lane.endpoint.authority().to_owned(), ahead });
        }
        Some(ahead)
    }

    /// Knows everything that must appear in no text by now.
    pub(super) fn redactor(&self) -> Redactor {
        self.credentials.redactor()
    }

    /// A list that came and is of no use.
    pub(super) fn unclear(&self, what: &str, why: &str) -> Failure {
        Failure { kind: FailureKind::UnclearAnswer, ..self.failed(&format!("{what} can't be used: {why}")) }
    }

    /// Nothing was sent.
    pub(super) fn failed(&self, message: &str) -> Failure {
        let message = self.redactor().scrub(message);
        Failure { kind: FailureKind::NotSent, status: None, code: None, message, given_up: None }
    }
}

/// The value of least size between two bounds.
fn certain(least: SignedDuration, most: SignedDuration) -> SignedDuration {
    if least > SignedDuration::ZERO { least } else { most.min(SignedDuration::ZERO) }
}

/// What came of one attempt.
enum Tried {
    Answered(Answered),
    Failed(Failure),
    Again { failure: Failure, wait: Option<Duration> },
}

/// Who asks for a list of a project.
pub(super) fn lane(api: Api, listing: &Listing) -> Lane {
    let Listing { credential, region, endpoint, project_id, .. } = listing;
    let access = Access {
        credential: credential.clone(),
        region: region.clone(),
        project_id: ProjectRef::Id(project_id.clone()),
    };
    Lane { api, endpoint: endpoint.clone(), access }
}

/// A GET of HSS for one project.
pub(super) fn hss(listing: &Listing, list: &str, mut query: Vec<(String, String)>) -> Read {
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

pub(super) fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After an hour in which the process was stopped, the answer may have been made at any time of it.
    #[test]
    fn only_what_is_certain_counts_after_a_long_flight() {
        let hours = SignedDuration::from_hours;
        assert_eq!(certain(hours(0), hours(1)), SignedDuration::ZERO);
        assert_eq!(certain(hours(-1), hours(0)), SignedDuration::ZERO);
        assert_eq!(certain(hours(2), hours(3)), hours(2), "ahead by at least two hours");
        assert_eq!(certain(hours(-3), hours(-2)), hours(-2), "behind by at least two hours");
    }
}
