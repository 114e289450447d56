//! One attempt of one operation: sign, send, classify.
//!
//! Each attempt is signed anew, since the gateway refuses a signature older than 15 minutes, and with the credential that is
//! good then, which may have to be got first. The executor decides nothing about repeats: it hands the verdict to
//! `dispatcher`, which asks the scheduler.

use std::cell::RefCell;
use std::time::Duration;

use super::port::{Clock, CredentialFailure, Credentials, Transport};
use crate::event::{AttemptRecord, Failure, FailureKind, OpIndex};
use crate::expand::ExecutionPlan;
use crate::policy::{Redactor, Verdict, classify, classify_error};
use crate::sign::{Credential, sign};

/// What came of one attempt.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) op: OpIndex,
    pub(super) record: AttemptRecord,
    pub(super) verdict: Verdict,
}

/// Everything that an attempt needs.
pub(super) struct Executor<'a, K, T, C> {
    plan: &'a ExecutionPlan,
    credentials: &'a K,
    transport: &'a T,
    clock: &'a C,
    /// Learns what is got during the run. Nobody holds it while waiting.
    redactor: RefCell<Redactor>,
}

impl<'a, K: Credentials, T: Transport, C: Clock> Executor<'a, K, T, C> {
    pub(super) fn new(plan: &'a ExecutionPlan, credentials: &'a K, transport: &'a T, clock: &'a C) -> Self {
        let redactor = RefCell::new(credentials.redactor());
        Self { plan, credentials, transport, clock, redactor }
    }

    /// Sends the operation's request once.
    pub(super) async fn attempt(&self, op: OpIndex) -> Attempt {
        let started = self.clock.now();
        let operation = &self.plan.operations[op];
        let Some(request) = operation.request() else { return self.impossible(op, started) };
        let access = operation.target.access();
        let credential = match self.credentials.get(&access).await {
            Ok(credential) => credential,
            Err(failure) => return self.without_credential(op, started, failure),
        };
        self.learn(&credential);
        let signed = sign(&request, &credential, self.clock.wall());
        let timeout = self.plan.plans[operation.plan].limits.attempt_timeout;
        let answer = self.transport.send(signed, timeout).await;
        let redactor = self.redactor.borrow();
        let (verdict, status, request_id) = match &answer {
            Ok(answer) => {
                let id = answer.shown_request_id(&redactor);
                (classify(answer, &redactor), Some(answer.status), id)
            }
            Err(error) => (classify_error(error, &redactor), None, None),
        };
        let verdict = self.credentials.renewable(verdict, &access, &credential);
        let failure = failure_of(&verdict);
        let record = AttemptRecord {
            started,
            duration: self.clock.now().saturating_sub(started),
            status,
            error_code: failure.and_then(|failure| failure.code.clone()),
            error_message: failure.map(|failure| failure.message.clone()),
            request_id,
            throttled: status == Some(429),
            kind: failure.map(|failure| failure.kind),
        };
        Attempt { op, record, verdict }
    }

    fn learn(&self, credential: &Credential) {
        let mut redactor = self.redactor.borrow_mut();
        credential.secrets().iter().for_each(|secret| redactor.learn(secret));
        credential.access_key().into_iter().for_each(|key| redactor.learn_access_key(key));
    }

    /// Nothing was sent: whoever gives the credential said no, or can't be reached.
    fn without_credential(&self, op: OpIndex, started: Duration, failure: CredentialFailure) -> Attempt {
        let message = self.redactor.borrow().scrub(&failure.to_string());
        let not_sent = |kind| Failure { kind, status: None, code: None, message, given_up: None };
        let verdict = match failure {
            CredentialFailure::Refused(_) => Verdict::Failed(not_sent(FailureKind::Credential)),
            CredentialFailure::NotForProject(_) => Verdict::Failed(not_sent(FailureKind::Refused)),
            CredentialFailure::Unreachable(_) => Verdict::Retry { failure: not_sent(FailureKind::NotSent), wait: None },
        };
        Attempt { op, record: self.unanswered(started, &verdict), verdict }
    }

    /// `run` has checked that this can't be; it is told as a failure of the operation rather than by a panic.
    fn impossible(&self, op: OpIndex, started: Duration) -> Attempt {
        let message = "nothing was sent: the request is missing (please report this bug)".to_owned();
        let failure = Failure { kind: FailureKind::NotSent, status: None, code: None, message, given_up: None };
        let verdict = Verdict::Failed(failure);
        Attempt { op, record: self.unanswered(started, &verdict), verdict }
    }

    /// The record of an attempt that no answer came to.
    fn unanswered(&self, started: Duration, verdict: &Verdict) -> AttemptRecord {
        let failure = failure_of(verdict);
        AttemptRecord {
            started,
            duration: self.clock.now().saturating_sub(started),
            status: None,
            error_code: None,
            error_message: failure.map(|failure| failure.message.clone()),
            request_id: None,
            throttled: false,
            kind: failure.map(|failure| failure.kind),
        }
    }
}

fn failure_of(verdict: &Verdict) -> Option<&Failure> {
    match verdict {
        Verdict::Accepted => None,
        Verdict::Failed(failure) | Verdict::Unknown(failure) | Verdict::Retry { failure, .. } => Some(failure),
    }
}
