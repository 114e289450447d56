//! What an answer means for the operation.

use std::time::Duration;

use super::redact::Redactor;
use crate::event::Failure;

/// An answer as the transport read it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`, lower case.
    pub content_type: Option<String>,
    /// `Retry-After` as sent.
    pub retry_after: Option<String>,
    /// `X-Request-Id`.
    pub request_id: Option<String>,
    /// `Location` of a redirect.
    pub location: Option<String>,
    /// At most the first 64 KiB of the body, decoded.
    pub body: Vec<u8>,
    /// Whether the body went on.
    pub truncated: bool,
    /// Whether the connection was lost inside the body.
    pub cut_off: bool,
}

/// No answer: how far the request got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendError {
    /// No connection came about, so nothing was sent.
    NotSent {
        /// What happened: DNS, refused, TLS.
        detail: String,
    },
    /// It may have been sent, and no answer came.
    NoAnswer {
        /// What happened: timeout, reset.
        detail: String,
    },
}

/// What is to be done with an operation after an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Done: acknowledged.
    Accepted,
    /// Done: refused.
    Failed(Failure),
    /// Done: not known whether the service took it; never repeated blindly.
    Unknown(Failure),
    /// The service did not take it, so that it is safe to repeat. `wait` is what the answer asks for.
    Retry {
        /// The outcome when the attempts are used up.
        failure: Failure,
        /// From `Retry-After`, or from "limit:200,time:5 minute" in the text.
        wait: Option<Duration>,
    },
}

/// Judges an answer to CreateImageSynchronizeTask. See `docs/answers.md` for the table.
#[must_use]
pub fn classify(answer: &Answer, redactor: &Redactor) -> Verdict {
    let _ = (answer, redactor);
    todo!()
}

/// Judges an attempt without an answer.
#[must_use]
pub fn classify_error(error: &SendError, redactor: &Redactor) -> Verdict {
    let _ = (error, redactor);
    todo!()
}
