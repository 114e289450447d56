//! One attempt of one operation: sign, send, classify.
//!
//! Each attempt is signed anew, since the gateway refuses a signature older than 15 minutes. The executor decides nothing
//! about repeats: it hands the verdict to `dispatcher`, which asks the scheduler.

use std::collections::BTreeMap;

use super::port::{Clock, Transport};
use crate::event::{AttemptRecord, Failure, FailureKind, OpIndex};
use crate::expand::ExecutionPlan;
use crate::model::CredentialName;
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
pub(super) struct Executor<'a, T, C> {
    plan: &'a ExecutionPlan,
    credentials: &'a BTreeMap<CredentialName, Credential>,
    transport: &'a T,
    clock: &'a C,
    redactor: Redactor,
}

impl<'a, T: Transport, C: Clock> Executor<'a, T, C> {
    pub(super) fn new(
        plan: &'a ExecutionPlan,
        credentials: &'a BTreeMap<CredentialName, Credential>,
        transport: &'a T,
        clock: &'a C,
    ) -> Self {
        let redactor = Redactor::new(credentials.values().flat_map(Credential::secrets).collect())
            .with_access_keys(credentials.values().filter_map(Credential::access_key));
        Self { plan, credentials, transport, clock, redactor }
    }

    /// Sends the operation's request once.
    pub(super) async fn attempt(&self, op: OpIndex) -> Attempt {
        let started = self.clock.now();
        let operation = &self.plan.operations[op];
        let credential = self.credentials.get(&operation.target.credential);
        let (Some(request), Some(credential)) = (operation.request(), credential) else {
            return self.impossible(op, started);
        };
        let signed = sign(&request, credential, self.clock.wall());
        let timeout = self.plan.plans[operation.plan].limits.attempt_timeout;
        let answer = self.transport.send(signed, timeout).await;
        let (verdict, status, request_id) = match &answer {
            Ok(answer) => {
                let id = answer.shown_request_id(&self.redactor);
                (classify(answer, &self.redactor), Some(answer.status), id)
            }
            Err(error) => (classify_error(error, &self.redactor), None, None),
        };
        let failure = match &verdict {
            Verdict::Accepted => None,
            Verdict::Failed(failure) | Verdict::Unknown(failure) | Verdict::Retry { failure, .. } => Some(failure),
        };
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

    /// `run` has checked that this can't be; it is told as a failure of the operation rather than by a panic.
    fn impossible(&self, op: OpIndex, started: std::time::Duration) -> Attempt {
        let message = "nothing was sent: the request or its credential is missing (please report this bug)".to_owned();
        let failure =
            Failure { kind: FailureKind::NotSent, status: None, code: None, message: message.clone(), given_up: None };
        let record = AttemptRecord {
            started,
            duration: self.clock.now().saturating_sub(started),
            status: None,
            error_code: None,
            error_message: Some(message),
            request_id: None,
            throttled: false,
            kind: Some(FailureKind::NotSent),
        };
        Attempt { op, record, verdict: Verdict::Failed(failure) }
    }
}
