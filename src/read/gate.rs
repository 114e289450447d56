//! When a read may be sent: concurrency, the credential's first answer, and the quota of its own API.
//!
//! Time comes in and goes out as a value, so that this is arithmetic and [`super::Reader`] does the waiting. It keeps the
//! rules of `schedule` (`docs/run-loop.md`): a credential that nothing has proved has one call in flight, and buckets are
//! those of `policy::quota`.

use std::collections::HashMap;
use std::time::Duration;

use crate::event::Failure;
use crate::model::{Access, CredentialName, Endpoint, Quota, QuotaScope};
use crate::policy::{Bucket, CallEnd};

/// The APIs that are read. Each has buckets of its own, since the published limit is for each API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Api {
    /// IAM's list of projects.
    Projects,
    /// HSS's list of registries.
    Registries,
    /// HSS's list of tasks.
    Tasks,
    /// HSS's list of the registries of a task.
    TaskRegistries,
}

/// Who asks what, and where.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Lane {
    pub(super) api: Api,
    pub(super) endpoint: Endpoint,
    pub(super) access: Access,
}

/// What a call may do now.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Turn {
    /// It counts as sent.
    Go,
    /// Ask again then: the quota has room at that time.
    At(Duration),
    /// Ask again after the next answer.
    AfterAnswer,
    /// Never: the credential was refused.
    Refused(Failure),
}

/// What an answer said beyond its content.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum End {
    /// The service took the credential, whatever it thought of the request.
    Proven,
    /// It refused the credential.
    Refused(Failure),
    /// Nothing about the credential.
    Unproven,
    /// 429: nothing for so long (or the longest window), by the limit that its text states.
    Throttled {
        /// What it asks for.
        wait: Option<Duration>,
        /// Calls in a window.
        limit: Option<(u32, Duration)>,
    },
}

/// What is known of a credential.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Known {
    /// Nothing; this many calls are in flight.
    #[default]
    Nothing,
    /// A call that will tell is in flight.
    Asking,
    /// The service takes it.
    Accepted,
    /// It does not.
    Refused(Failure),
}

#[derive(PartialEq, Eq, Hash)]
struct BucketKey {
    api: Api,
    endpoint: Option<Endpoint>,
    credential: Option<CredentialName>,
}

/// All that bounds reads. Times are on the run's clock and never go back.
pub(super) struct Gate {
    quotas: Vec<Quota>,
    scope: QuotaScope,
    concurrency: usize,
    in_flight: usize,
    buckets: HashMap<BucketKey, Bucket>,
    credentials: HashMap<CredentialName, Known>,
}

impl Gate {
    /// `quotas` hold together; the widest scope among them counts, as in a run.
    pub(super) fn new(quotas: Vec<Quota>, concurrency: usize) -> Self {
        let width = |scope: &QuotaScope| match scope {
            QuotaScope::User => 0,
            QuotaScope::Address => 1,
            QuotaScope::Global => 2,
        };
        let scope = quotas.iter().map(|quota| quota.scope).max_by_key(width).unwrap_or_default();
        Self {
            quotas,
            scope,
            concurrency: concurrency.max(1),
            in_flight: 0,
            buckets: HashMap::new(),
            credentials: HashMap::new(),
        }
    }

    fn bucket(&mut self, lane: &Lane) -> &mut Bucket {
        let key = BucketKey {
            api: lane.api,
            endpoint: (self.scope != QuotaScope::Global).then(|| lane.endpoint.clone()),
            credential: (self.scope == QuotaScope::User).then(|| lane.access.credential.clone()),
        };
        let quotas = &self.quotas;
        self.buckets.entry(key).or_insert_with(|| {
            let first = quotas.first().copied().unwrap_or_default();
            let mut bucket = Bucket::new(first.calls.get(), first.per);
            for quota in quotas {
                bucket.learn(quota.calls.get(), quota.per);
            }
            bucket
        })
    }

    /// Whether a call may be sent now; with [`Turn::Go`] it is, and [`Gate::ended`] has to follow.
    pub(super) fn turn(&mut self, lane: &Lane, now: Duration) -> Turn {
        match self.credentials.get(&lane.access.credential) {
            Some(Known::Refused(failure)) => return Turn::Refused(failure.clone()),
            Some(Known::Asking) => return Turn::AfterAnswer,
            Some(Known::Nothing | Known::Accepted) | None => {}
        }
        if self.in_flight >= self.concurrency {
            return Turn::AfterAnswer;
        }
        let bucket = self.bucket(lane);
        match bucket.next_slot(now) {
            Some(at) if at <= now => bucket.launch(now),
            Some(at) => return Turn::At(at),
            None => return Turn::AfterAnswer,
        }
        self.in_flight += 1;
        let known = self.credentials.entry(lane.access.credential.clone()).or_default();
        if *known == Known::Nothing {
            *known = Known::Asking;
        }
        Turn::Go
    }

    /// A call was answered or given up. `backoff` is the least pause after a 429.
    pub(super) fn ended(&mut self, lane: &Lane, now: Duration, end: End, backoff: Duration) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let bucket = self.bucket(lane);
        bucket.ended(
            now,
            match &end {
                End::Throttled { wait, limit } => {
                    let opens = bucket.opens_after(now, *wait, *limit).max(now + backoff);
                    CallEnd::Throttled { opens, limit: *limit }
                }
                End::Proven => CallEnd::Taken,
                End::Refused(_) => CallEnd::Answered,
                End::Unproven => CallEnd::Unanswered,
            },
        );
        let known = self.credentials.entry(lane.access.credential.clone()).or_default();
        match (end, &known) {
            (End::Refused(failure), _) => *known = Known::Refused(failure),
            (_, Known::Refused(_)) => {}
            (End::Proven, _) => *known = Known::Accepted,
            (End::Unproven | End::Throttled { .. }, Known::Asking) => *known = Known::Nothing,
            (End::Unproven | End::Throttled { .. }, _) => {}
        }
    }

    /// Whoever gives a credential said no, before anything was sent with it.
    pub(super) fn refuse(&mut self, credential: &CredentialName, failure: Failure) {
        self.credentials.insert(credential.clone(), Known::Refused(failure));
    }

    /// Until when a 429 keeps the bucket of a lane closed.
    pub(super) fn closed_until(&mut self, lane: &Lane) -> Duration {
        self.bucket(lane).closed_until()
    }

    /// When the last of these calls can be sent, if each is answered at once. Uses up a gate that has sent nothing.
    pub(super) fn least(mut self, lanes: impl Iterator<Item = Lane>) -> Duration {
        let mut latest = Duration::ZERO;
        for lane in lanes {
            let bucket = self.bucket(&lane);
            let Some(at) = bucket.next_slot(Duration::ZERO) else { continue };
            bucket.launch(at);
            bucket.ended(at, CallEnd::Taken);
            latest = latest.max(at);
        }
        latest
    }

    /// What is known of a credential.
    pub(super) fn known(&self, credential: &CredentialName) -> Known {
        self.credentials.get(credential).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::FailureKind;
    use crate::model::{ProjectRef, Region};

    const S: fn(u64) -> Duration = Duration::from_secs;

    fn lane(api: Api, region: &str, credential: &str) -> Lane {
        Lane {
            api,
            endpoint: Endpoint::parse(&format!("https://hss.{region}.myhuaweicloud.com")).expect("legal"),
            access: Access {
                credential: CredentialName::parse(credential).expect("legal"),
                region: Region::parse(region).expect("legal"),
                project_id: ProjectRef::Lookup,
            },
        }
    }

    fn gate(quota: &str, concurrency: usize) -> Gate {
        Gate::new(vec![Quota::parse(quota).expect("legal")], concurrency)
    }

    fn refusal() -> Failure {
        let kind = FailureKind::Credential;
        Failure { kind, status: Some(401), code: None, message: "no".to_owned(), given_up: None }
    }

    #[test]
    fn a_credential_has_one_call_in_flight_until_an_answer_proves_it() {
        let mut gate = gate("5/1m", 8);
        let (one, other) = (lane(Api::Registries, "cn-north-4", "a"), lane(Api::Registries, "cn-east-3", "a"));
        assert_eq!(gate.turn(&one, S(0)), Turn::Go);
        assert_eq!(gate.turn(&other, S(0)), Turn::AfterAnswer);
        // Another credential has its own first call.
        assert_eq!(gate.turn(&lane(Api::Registries, "cn-east-3", "b"), S(0)), Turn::Go);
        gate.ended(&one, S(1), End::Unproven, S(0));
        assert_eq!(gate.turn(&other, S(1)), Turn::Go);
        assert_eq!(gate.turn(&one, S(1)), Turn::AfterAnswer);
        gate.ended(&other, S(2), End::Proven, S(0));
        assert_eq!((gate.turn(&one, S(2)), gate.turn(&other, S(2))), (Turn::Go, Turn::Go));
    }

    #[test]
    fn a_refused_credential_asks_nothing_more() {
        let mut gate = gate("5/1m", 8);
        let one = lane(Api::Projects, "cn-north-4", "a");
        assert_eq!(gate.turn(&one, S(0)), Turn::Go);
        gate.ended(&one, S(1), End::Refused(refusal()), S(0));
        assert_eq!(gate.turn(&lane(Api::Tasks, "cn-east-3", "a"), S(1)), Turn::Refused(refusal()));
    }

    #[test]
    fn each_api_and_endpoint_has_its_own_bucket() {
        let mut gate = gate("1/1m", 8);
        let first = lane(Api::Registries, "cn-north-4", "a");
        assert_eq!(gate.turn(&first, S(0)), Turn::Go);
        gate.ended(&first, S(1), End::Proven, S(0));
        // One window after the answer.
        assert_eq!(gate.turn(&first, S(1)), Turn::At(S(61)));
        assert_eq!(gate.turn(&lane(Api::Registries, "cn-north-4", "b"), S(1)), Turn::At(S(61)));
        assert_eq!(gate.turn(&lane(Api::Tasks, "cn-north-4", "a"), S(1)), Turn::Go);
        assert_eq!(gate.turn(&lane(Api::Registries, "cn-east-3", "a"), S(1)), Turn::Go);
        assert_eq!(gate.turn(&first, S(61)), Turn::Go);
    }

    #[test]
    fn the_least_time_is_that_of_the_busiest_bucket() {
        let lanes = |counts: &[(&str, usize)]| -> Vec<Lane> {
            let lane = |(region, count): &(&str, usize)| vec![lane(Api::Registries, region, "a"); *count];
            counts.iter().flat_map(lane).collect()
        };
        let least = |counts: &[(&str, usize)]| gate("5/1m", 8).least(lanes(counts).into_iter());
        assert_eq!(least(&[("cn-north-4", 5), ("cn-east-3", 5)]), S(0));
        assert_eq!(least(&[("cn-north-4", 6), ("cn-east-3", 5)]), S(60));
        assert_eq!(least(&[("cn-north-4", 3), ("cn-east-3", 11)]), S(120));
    }

    #[test]
    fn concurrency_holds_over_all() {
        let mut gate = gate("5/1m", 1);
        assert_eq!(gate.turn(&lane(Api::Registries, "cn-north-4", "a"), S(0)), Turn::Go);
        assert_eq!(gate.turn(&lane(Api::Registries, "cn-east-3", "b"), S(0)), Turn::AfterAnswer);
    }

    #[test]
    fn a_429_closes_its_bucket_and_its_limit_is_kept() {
        let mut gate = gate("5/1m", 8);
        let one = lane(Api::Registries, "cn-north-4", "a");
        assert_eq!(gate.turn(&one, S(0)), Turn::Go);
        let limit = Some((2, S(300)));
        gate.ended(&one, S(1), End::Throttled { wait: Some(S(10)), limit }, S(20));
        // The longer of what was asked and the backoff.
        assert_eq!(gate.turn(&one, S(1)), Turn::At(S(21)));
        assert_eq!(gate.turn(&one, S(21)), Turn::Go);
        gate.ended(&one, S(22), End::Proven, S(0));
        // Two in five minutes: the refused call counts.
        assert_eq!(gate.turn(&one, S(22)), Turn::At(S(301)));
    }
}
