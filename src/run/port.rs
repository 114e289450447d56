//! What a run needs from outside. `io`, `terminal` and `simulator` implement these.

use std::collections::BTreeMap;
use std::future::Future;
use std::num::NonZeroUsize;
use std::time::Duration;

use crate::event::{Failure, FailureKind, RunEvent};
use crate::expand::ExecutionPlan;
use crate::follow::{TaskPage, TaskRegistryPage};
use crate::model::{Access, CredentialName, Listing, TaskId};
use crate::policy::{Answer, Redactor, SendError, Verdict};
use crate::sign::{Credential, SignedRequest};
use crate::summary::RunSummary;

/// The gateway's code for a token that has to be renewed (`APIG.` in some places).
const OUTDATED: [&str; 2] = ["APIGW.0307", "APIG.0307"];

/// Sends one signed request once.
pub trait Transport {
    /// Sends it and reads the answer, within `timeout` in all, on the run's clock.
    fn send(&self, request: SignedRequest, timeout: Duration) -> impl Future<Output = Result<Answer, SendError>>;

    /// How many requests it can have in flight at once; none if any number. More are not launched.
    fn capacity(&self) -> Option<NonZeroUsize> {
        None
    }
}

/// Who asks: proves each attempt with a credential that is good then. Tokens and temporary keys are got when they are first
/// needed, and anew before they end.
pub trait Credentials {
    /// Whether there is one of this name, ready or to be asked for.
    fn has(&self, name: &CredentialName) -> bool;
    /// Knows everything that must appear in no text, as far as there is any of it by now.
    fn redactor(&self) -> Redactor;
    /// The credential for this access now. Several may be waited for at a time.
    ///
    /// # Errors
    /// When it has to be got and can't be. Nothing was sent to the service then.
    fn get(&self, access: &Access) -> impl Future<Output = Result<Credential, CredentialFailure>>;
    /// The service says that this credential, which [`Credentials::get`] gave, has to be renewed before its time. Whether the
    /// next call of `get` gives another one; a ready credential is what it is.
    fn outdated(&self, access: &Access, credential: &Credential) -> bool;
    /// A refusal that another token may mend is repeated with that: the gateway passed nothing on.
    fn renewable(&self, verdict: Verdict, access: &Access, credential: &Credential) -> Verdict {
        match verdict {
            Verdict::Failed(failure)
                if failure.code.as_deref().is_some_and(|code| OUTDATED.contains(&code))
                    && self.outdated(access, credential) =>
            {
                Verdict::Retry { failure, wait: None }
            }
            other => other,
        }
    }
}

/// Why a credential can't be got.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialFailure {
    /// Whoever gives it said no: asking again is useless, and may lock an account.
    #[error("{0}")]
    Refused(String),
    /// Whoever gives it knows the proof to be good, and gives nothing for this project: others are not concerned.
    #[error("{0}")]
    NotForProject(String),
    /// Whoever gives it can't be reached or has trouble: another time it may go well.
    #[error("{0}")]
    Unreachable(String),
}

/// Credentials that are ready.
impl Credentials for BTreeMap<CredentialName, Credential> {
    fn has(&self, name: &CredentialName) -> bool {
        self.contains_key(name)
    }

    fn redactor(&self) -> Redactor {
        Redactor::new(self.values().flat_map(Credential::secrets).collect())
            .with_access_keys(self.values().filter_map(Credential::access_key))
    }

    async fn get(&self, access: &Access) -> Result<Credential, CredentialFailure> {
        let missing = || CredentialFailure::Refused(format!("there is no credential `{}`", access.credential));
        BTreeMap::get(self, &access.credential).cloned().ok_or_else(missing)
    }

    fn outdated(&self, _: &Access, _: &Credential) -> bool {
        false
    }
}

/// The run's time: since its start, and on the wall.
pub trait Clock {
    /// Time since the start of the run, on the run's clock.
    fn now(&self) -> Duration;
    /// The wall clock, for signatures and reports.
    fn wall(&self) -> jiff::Timestamp;
    /// Sleeps until `now()` is at least `at`.
    fn sleep_until(&self, at: Duration) -> impl Future<Output = ()>;
    /// A duration of the run's clock in real time (they differ under `--time-scale`).
    fn real(&self, duration: Duration) -> Duration;
}

/// Keeps events where a crash can't take them. Nothing is sent before its announcement is there.
pub trait EventLog {
    /// Takes one event in, at once and in order; says its position, counted from 1. It is durable when [`EventLog::durable`]
    /// reaches that position.
    fn append(&mut self, event: &RunEvent, plan: &ExecutionPlan) -> u64;
    /// The position up to which every event is durable.
    ///
    /// # Errors
    /// Once the log can't be written any more; nothing that is not durable by then ever will be.
    fn durable(&self) -> Result<u64, LogFailure>;
    /// Waits until [`EventLog::durable`] says something else than it did when this was last waited for.
    fn changed(&mut self) -> impl Future<Output = ()>;
}

/// Reads the service's tasks, inside the quota of each list, with repeats: a read changes nothing.
pub trait TaskList {
    /// The page of a project's synchronisation tasks that begins at `offset` (200 at most).
    ///
    /// # Errors
    /// The read came to nothing, also after its repeats.
    fn tasks(&self, listing: &Listing, offset: usize) -> impl Future<Output = Result<TaskPage, Failure>>;
    /// The page of a task's registries that begins at `offset` (200 at most).
    ///
    /// # Errors
    /// The read came to nothing, also after its repeats.
    fn task_registries(
        &self,
        listing: &Listing,
        task: &TaskId,
        offset: usize,
    ) -> impl Future<Output = Result<TaskRegistryPage, Failure>>;
}

/// For a run that asks for no task.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTasks;

impl NoTasks {
    fn failure() -> Failure {
        let message = "nothing that reads the service's tasks was given to the run".to_owned();
        Failure { kind: FailureKind::Refused, status: None, code: None, message, given_up: None }
    }
}

impl TaskList for NoTasks {
    async fn tasks(&self, _: &Listing, _: usize) -> Result<TaskPage, Failure> {
        Err(Self::failure())
    }

    async fn task_registries(&self, _: &Listing, _: &TaskId, _: usize) -> Result<TaskRegistryPage, Failure> {
        Err(Self::failure())
    }
}

/// Why a log can't be written any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct LogFailure {
    /// What happened, where, why, and what to do now.
    pub message: String,
    /// The position up to which every event is durable all the same.
    pub durable: u64,
}

/// A log that keeps nothing, for benchmarks and tests of what is not about it: every event is durable at once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unlogged;

impl EventLog for Unlogged {
    fn append(&mut self, _: &RunEvent, _: &ExecutionPlan) -> u64 {
        0
    }
    fn durable(&self) -> Result<u64, LogFailure> {
        Ok(u64::MAX)
    }
    async fn changed(&mut self) {
        std::future::pending().await
    }
}

/// Takes events as they happen. A sink that can't write says so once and goes on.
pub trait EventSink {
    /// One event, already applied to `summary`.
    fn on_event(&mut self, event: &RunEvent, plan: &ExecutionPlan, summary: &RunSummary);
    /// Called a few times a second, and when the waiting changes: the time on the run's clock, and what is waited for.
    fn on_tick(&mut self, now: Duration, waiting: Option<&Waiting>, plan: &ExecutionPlan, summary: &RunSummary);
}

/// What the next launch waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Until when, on the run's clock; none when only an answer can end it.
    pub until: Option<Duration>,
    /// `quota (cn-north-4)`, `the pause between waves`, `a repeat`; for an answer why: `slowed by the failure budget (2 of 3 spent)`.
    pub what: String,
    /// Operations that wait.
    pub operations: usize,
}
