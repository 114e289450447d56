//! What an answer means for the operation.
//!
//! The table that this implements, with the reasons, is `docs/answers.md`. The rule behind it: only what certainly was not
//! taken is repeated, and only what the service says itself is believed. [`said`] reads the body.

mod said;
#[cfg(test)]
mod tests;

use std::time::Duration;

use super::quota::stated_limit;
use super::redact::Redactor;
use super::service_code::canonical_code;
use crate::event::{Failure, FailureKind};
use said::Said;

/// A successful answer that is no JSON and longer than this is no acknowledgement that we know.
const LONGEST_PLAIN_SUCCESS: usize = 1024;
/// No answer makes us wait longer.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);
/// What a web page in place of an answer usually is.
const WEB_PAGE: &str = "a web page answered, not HSS: a proxy or login page?";

/// An answer as the transport read it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`, lower case.
    pub content_type: Option<String>,
    /// `Retry-After` as sent.
    pub retry_after: Option<String>,
    /// `Date` as sent: the service's clock, for a `Retry-After` that is a date and for judging our own clock.
    pub date: Option<String>,
    /// `X-Request-Id`.
    pub request_id: Option<String>,
    /// `Location` of a redirect.
    pub location: Option<String>,
    /// The beginning of the body, decoded: at most 64 KiB, of a read 4 MiB.
    pub body: Vec<u8>,
    /// Whether the body went on.
    pub truncated: bool,
    /// Whether the connection was lost inside the body.
    pub cut_off: bool,
}

impl Answer {
    /// The request id as it may be shown: scrubbed, one line, at most 128 characters. The gateway also writes it into the
    /// body, which counts when the header is missing.
    #[must_use]
    pub fn shown_request_id(&self, redactor: &Redactor) -> Option<String> {
        let id = self.request_id.clone().or_else(|| said::request_id(self))?;
        Some(said::shown(&id, redactor, 128)).filter(|id| !id.is_empty())
    }

    /// What the answer says in words, its code first, scrubbed: for an answer about something else than an operation, such as
    /// IAM's.
    #[must_use]
    pub fn shown_words(&self, redactor: &Redactor) -> Option<String> {
        let said = Said::read(self);
        let page = || "a web page: of a proxy or a login?".to_owned();
        let words = if said.is_html { Some(page()) } else { said.message(redactor) };
        // IAM's code is the status once more.
        let code = said.code(redactor).filter(|code| *code != self.status.to_string());
        match (code, words) {
            (Some(code), Some(words)) => Some(format!("{code}: {words}")),
            (code, words) => code.or(words),
        }
    }

    fn is_complete(&self) -> bool {
        !self.truncated && !self.cut_off
    }
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

/// What a failure becomes, before the answer's words are added.
enum Meaning {
    Failed(FailureKind),
    Unknown,
    Retry(FailureKind),
}

/// Judges an answer to CreateImageSynchronizeTask. See `docs/answers.md` for the table.
#[must_use]
pub fn classify(answer: &Answer, redactor: &Redactor) -> Verdict {
    let said = Said::read(answer);
    match answer.status {
        200..=299 => judge_success(answer, &said, redactor),
        300..=399 => {
            let message = match &answer.location {
                Some(location) => {
                    format!(
                        "the service redirects to {}; redirects are never followed, check the endpoint",
                        said::shown(location, redactor, 300)
                    )
                }
                None => "the service redirects without saying where; check the endpoint".to_owned(),
            };
            Verdict::Failed(failure(FailureKind::Redirected, answer, None, message))
        }
        400..=599 => {
            let words = said.message(redactor).unwrap_or_else(|| default_message(answer.status).to_owned());
            let words = if said.is_html { WEB_PAGE.to_owned() } else { words };
            let failure = |kind| failure(kind, answer, said.code(redactor), words.clone());
            match judge_error(answer.status, &said) {
                Meaning::Failed(kind) => Verdict::Failed(failure(kind)),
                Meaning::Unknown => Verdict::Unknown(failure(FailureKind::UnclearAnswer)),
                Meaning::Retry(kind) => Verdict::Retry { failure: failure(kind), wait: wait(answer, &said) },
            }
        }
        status => {
            let message = format!("the answer has the status {status}, which says nothing about the request");
            Verdict::Unknown(failure(FailureKind::UnclearAnswer, answer, said.code(redactor), message))
        }
    }
}

/// Judges an attempt without an answer.
#[must_use]
pub fn classify_error(error: &SendError, redactor: &Redactor) -> Verdict {
    let failure = |kind, detail: &str| Failure {
        kind,
        status: None,
        code: None,
        message: said::shown(detail, redactor, said::LONGEST_MESSAGE),
        given_up: None,
    };
    match error {
        SendError::NotSent { detail } => Verdict::Retry { failure: failure(FailureKind::NotSent, detail), wait: None },
        SendError::NoAnswer { detail } => Verdict::Unknown(failure(FailureKind::NoAnswer, detail)),
    }
}

fn failure(kind: FailureKind, answer: &Answer, code: Option<String>, message: String) -> Failure {
    Failure { kind, status: Some(answer.status), code, message, given_up: None }
}

/// A 2xx counts only when nothing in it speaks against it.
fn judge_success(answer: &Answer, said: &Said, redactor: &Redactor) -> Verdict {
    let unclear = |message: String| Verdict::Unknown(failure(FailureKind::UnclearAnswer, answer, None, message));
    if said.denies_success() {
        let message = said.message(redactor).unwrap_or_else(|| "the answer holds an error code".to_owned());
        return Verdict::Failed(failure(FailureKind::Refused, answer, said.code(redactor), message));
    }
    if answer.cut_off {
        return unclear("the connection was lost inside the answer".to_owned());
    }
    if answer.truncated {
        return unclear("the answer is larger than 64 KiB, and its beginning doesn't say what happened".to_owned());
    }
    if answer.body.is_empty() {
        return Verdict::Accepted;
    }
    if said.is_error_without_code {
        let words = said.message(redactor).unwrap_or_default();
        return unclear(format!("the answer holds an error and no code: {words}"));
    }
    if said.is_html {
        return unclear(WEB_PAGE.to_owned());
    }
    if !said.is_json && answer.body.len() > LONGEST_PLAIN_SUCCESS {
        return unclear("the answer is a long text, and not one of HSS".to_owned());
    }
    Verdict::Accepted
}

/// A 4xx or 5xx: by its code where that says more than the status, then by its status.
fn judge_error(status: u16, said: &Said) -> Meaning {
    let code = said.code.as_deref().map(canonical_code).unwrap_or_default();
    if let Some(meaning) = code.strip_prefix("APIGW.").and_then(|number| judge_gateway_code(number, status)) {
        return meaning;
    }
    match status {
        401 => Meaning::Failed(FailureKind::Credential),
        408 | 503 => Meaning::Retry(FailureKind::Unavailable),
        429 => Meaning::Retry(FailureKind::Throttled),
        504 => Meaning::Unknown,
        500..=599 if said.is_from_service() => Meaning::Failed(FailureKind::Refused),
        500..=599 => Meaning::Unknown,
        _ => Meaning::Failed(FailureKind::Refused),
    }
}

/// What a code of the gateway says whatever the status; `None` when the status decides.
fn judge_gateway_code(number: &str, status: u16) -> Option<Meaning> {
    Some(match number {
        "0301" | "0303" | "0305" | "0307" | "0311" => Meaning::Failed(FailureKind::Credential),
        "0308" => Meaning::Retry(FailureKind::Throttled),
        "0613" => Meaning::Retry(FailureKind::Unavailable),
        // The gateway refused before it passed anything on; some sites send 500 or 404 with these.
        "0101" | "0103" | "0104" | "0105" | "0106" | "0204" | "0205" | "0302" | "0304" | "0306" | "0310" | "0401"
        | "0402" | "0404" | "0501" | "0502" | "0602" | "0607" | "0801" | "0802" => {
            Meaning::Failed(FailureKind::Refused)
        }
        // Something broke at the gateway or behind it, perhaps after the request had been passed on.
        "0202" | "0203" | "0601" | "0605" | "0606" | "0608" | "0609" | "0610" | "0611" | "0612" | "0705" => {
            Meaning::Unknown
        }
        "0201" if status >= 500 => Meaning::Unknown,
        _ => return None,
    })
}

/// How long the answer asks to wait: `Retry-After`, else the window that the gateway's text names.
fn wait(answer: &Answer, said: &Said) -> Option<Duration> {
    let asked = answer.retry_after.as_deref().and_then(|text| retry_after(text.trim(), answer.date.as_deref()));
    asked.or_else(|| stated_limit(said.text()).map(|(_, per)| per)).map(|wait| wait.min(LONGEST_WAIT))
}

/// Seconds, or a date as seen from the answer's own `Date`.
fn retry_after(text: &str, date: Option<&str>) -> Option<Duration> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are only a longer wait.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let parse = |text: &str| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok();
    let until = parse(text)?.duration_since(parse(date?)?);
    Some(Duration::try_from(until).unwrap_or(Duration::ZERO))
}

/// For an answer without any words.
fn default_message(status: u16) -> &'static str {
    match status {
        401 => "the credential was refused, and the answer doesn't say why",
        403 => "access is denied, and the answer doesn't say why",
        404 => "nothing is there, and the answer doesn't say why: check the endpoint and the region",
        407 => "the proxy asks for a user name and password",
        408 => "the service waited too long for the request",
        429 => "too many calls",
        502 => "the gateway got no usable answer from the service",
        503 => "the service is unavailable",
        504 => "the gateway got no answer from the service in time",
        _ => "the answer holds no message",
    }
}
