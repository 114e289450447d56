//! Answers before they are on the wire: status, headers that matter, body; and the service's two shapes of an error.
//!
//! Shapes and codes are those of the gateway's and HSS's error pages; texts are what users reported where one is known.

use std::time::Duration;

use hyper::StatusCode;
use hyper::body::Bytes;

use crate::model::Quota;

/// Whose error it is, which decides its shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// `{"error_code", "error_msg", "request_id"}`.
    Gateway,
    /// `{"error_code", "error_description", "error_msg"}`.
    Hss,
    /// `{"error": {"code", "message", "title"}}`.
    Iam,
}

/// A refusal, in the words of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: String,
    /// When the call would be allowed.
    pub(super) retry_after: Option<Duration>,
    origin: Origin,
}

impl Refusal {
    /// The gateway refuses.
    pub(super) fn gateway(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), retry_after: None, origin: Origin::Gateway }
    }

    /// HSS refuses; all of its codes have the status 400.
    pub(super) fn hss(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, message: message.into(), retry_after: None, origin: Origin::Hss }
    }

    /// IAM or the metadata service refuses; they have no codes but the status.
    pub(super) fn iam(status: StatusCode, message: impl Into<String>) -> Self {
        let code = status.canonical_reason().unwrap_or_default();
        Self { status, code, message: message.into(), retry_after: None, origin: Origin::Iam }
    }

    /// A parameter breaks a rule of the API page.
    pub(super) fn parameter(message: impl Into<String>) -> Self {
        Self::hss("HSS.0001", message)
    }

    /// 401 with the gateway's preamble.
    pub(super) fn unauthorized(detail: impl std::fmt::Display) -> Self {
        let message = format!("Incorrect IAM authentication information: {detail}");
        Self::gateway(StatusCode::UNAUTHORIZED, "APIGW.0301", message)
    }

    /// 429 in the gateway's words; `policy` is `user` or `ip`.
    pub(super) fn throttled(policy: &str, quota: &Quota, wait: Duration) -> Self {
        let message = format!(
            "The throttling threshold has been reached: policy {policy} over ratelimit,limit:{},time:{}",
            quota.calls,
            window_text(quota.per)
        );
        let mut refusal = Self::gateway(StatusCode::TOO_MANY_REQUESTS, "APIGW.0308", message);
        refusal.retry_after = Some(wait);
        refusal
    }

    pub(super) fn into_answer(self, request_id: &str, with_retry_after: bool) -> Answer {
        let body = match self.origin {
            Origin::Gateway => serde_json::json!({
                "error_code": self.code, "error_msg": self.message, "request_id": request_id,
            }),
            Origin::Hss => serde_json::json!({
                "error_code": self.code, "error_description": self.message, "error_msg": self.message,
            }),
            Origin::Iam => serde_json::json!({
                "error": { "code": self.status.as_u16(), "message": self.message, "title": self.code },
            }),
        };
        let retry_after = self.retry_after.filter(|_| with_retry_after);
        Answer {
            status: self.status,
            content_type: JSON,
            body: Bytes::from(body.to_string()),
            retry_after: retry_after.map(whole_seconds),
            location: None,
            subject_token: None,
        }
    }
}

/// The content type of everything that the service itself answers.
pub(super) const JSON: &str = "application/json";

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) content_type: &'static str,
    pub(super) body: Bytes,
    /// In seconds.
    pub(super) retry_after: Option<u64>,
    pub(super) location: Option<String>,
    /// `X-Subject-Token`: the token that IAM gives.
    pub(super) subject_token: Option<String>,
}

impl Answer {
    /// 200 with a JSON body.
    pub(super) fn ok(body: impl Into<Bytes>) -> Self {
        let (status, content_type) = (StatusCode::OK, JSON);
        Self { status, content_type, body: body.into(), retry_after: None, location: None, subject_token: None }
    }
}

fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// A window as the gateway writes it: `1 minute`, `5 minute`, `10 second`, `1 day`.
fn window_text(per: Duration) -> String {
    let seconds = whole_seconds(per);
    for (unit, name) in [(86_400, "day"), (3600, "hour"), (60, "minute")] {
        if seconds.is_multiple_of(unit) {
            return format!("{} {name}", seconds / unit);
        }
    }
    format!("{seconds} second")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throttling_reads_as_users_reported_it() {
        let text = |quota: &str| {
            let quota = Quota::parse(quota).expect("legal");
            Refusal::throttled("user", &quota, Duration::ZERO).message
        };
        let start = "The throttling threshold has been reached: policy user over ratelimit,";
        assert_eq!(text("200/5m"), format!("{start}limit:200,time:5 minute"));
        assert_eq!(text("10/1s"), format!("{start}limit:10,time:1 second"));
        assert_eq!(text("1000/24h"), format!("{start}limit:1000,time:1 day"));
        assert_eq!(text("5/90s"), format!("{start}limit:5,time:90 second"));
    }

    #[test]
    fn errors_have_the_shape_of_who_raises_them() {
        let gateway = Refusal::gateway(StatusCode::FORBIDDEN, "APIGW.0302", "no").into_answer("r1", true);
        assert_eq!(gateway.body, r#"{"error_code":"APIGW.0302","error_msg":"no","request_id":"r1"}"#);
        let hss = Refusal::parameter("no").into_answer("r1", true);
        assert_eq!(hss.body, r#"{"error_code":"HSS.0001","error_description":"no","error_msg":"no"}"#);
    }

    #[test]
    fn retry_after_rounds_up_and_only_when_asked_for() {
        let refusal = Refusal::throttled("user", &Quota::default(), Duration::from_millis(1001));
        assert_eq!(refusal.clone().into_answer("r", true).retry_after, Some(2));
        assert_eq!(refusal.into_answer("r", false).retry_after, None);
    }
}
