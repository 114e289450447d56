//! What is asked of IAM and how it answers: values in, values out.
//!
//! Paths and fields are those of the API pages and of the official SDK 3.1.219 (`auth/internal.py`); a token comes in the
//! header `X-Subject-Token`, and is good for 24 hours.

use std::time::Duration;

use secrecy::zeroize::Zeroize as _;
use serde_json::{Value, json};

use super::{Login, check};
use crate::io::http::{Exchange, ExchangeAnswer, ExchangeMethod};
use crate::model::{Endpoint, ProjectId, Secret};
use crate::sign::Credential;

/// Documented lifetime of a token, for an answer that doesn't name its end.
const TOKEN_LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// How long temporary keys are asked for, as in the official SDK (IAM allows 15 minutes to 24 hours).
const KEY_SECONDS: u64 = 6 * 3600;

/// Something that was got, and for how long it is good.
#[derive(Debug)]
pub(super) struct Got<T> {
    pub(super) value: T,
    pub(super) lifetime: Duration,
}

/// Asks for a token for one project.
pub(super) fn project_token(iam: &Endpoint, login: &Login, project: &ProjectId) -> Exchange {
    token(iam, login, &json!({ "project": { "id": project.as_str() } }))
}

/// Asks for a token for the account, which IAM's own lists want: they belong to no project, and an account doesn't have one in
/// every region.
pub(super) fn account_token(iam: &Endpoint, login: &Login) -> Exchange {
    token(iam, login, &json!({ "domain": { "name": login.domain } }))
}

fn token(iam: &Endpoint, login: &Login, scope: &Value) -> Exchange {
    // In one piece: a part would be copied, and the part stay behind in memory.
    let body = json!({
        "auth": {
            "identity": {
                "methods": ["password"],
                "password": { "user": {
                    "name": login.user, "password": login.password.expose(), "domain": { "name": login.domain },
                } },
            },
            "scope": scope,
        },
    });
    post(iam, "/v3/auth/tokens", &[], body)
}

/// Asks for a token without scope in exchange for the token of an identity provider.
pub(super) fn federated_token(iam: &Endpoint, idp_id: &str, id_token: &Secret) -> Exchange {
    let body = json!({ "auth": { "id_token": { "id": id_token.expose() } } });
    post(iam, "/v3.0/OS-AUTH/id-token/tokens", &[("X-Idp-Id", idp_id)], body)
}

/// Asks for temporary keys in exchange for such a token.
pub(super) fn temporary_keys(iam: &Endpoint, token: &Secret) -> Exchange {
    let body = json!({
        "auth": {
            "identity": {
                "methods": ["token"],
                "token": { "id": token.expose(), "duration_seconds": KEY_SECONDS },
            },
        },
    });
    post(iam, "/v3.0/OS-CREDENTIAL/securitytokens", &[], body)
}

fn post(iam: &Endpoint, path: &str, headers: &[(&str, &str)], mut body: Value) -> Exchange {
    let headers = [&[("Content-Type", "application/json;charset=UTF-8")], headers].concat();
    let text = body.to_string();
    wipe(&mut body);
    Exchange::new(ExchangeMethod::Post, format!("{iam}{path}"), &headers, text)
}

/// Wipes every text of a document that holds secrets.
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(wipe),
        Value::Object(fields) => fields.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The token of an answer.
///
/// # Errors
/// What the answer lacks, for an answer that holds no usable token.
pub(super) fn read_token(answer: &ExchangeAnswer, wall: jiff::Timestamp) -> Result<Got<Secret>, String> {
    let token = answer.subject_token.as_ref().ok_or("the answer has no X-Subject-Token header")?;
    let value = check::token(token.expose()).map_err(|reason| format!("the X-Subject-Token of the answer {reason}"))?;
    let body: Value = serde_json::from_slice(&answer.answer.body).unwrap_or_default();
    let expires_at = body["token"]["expires_at"].as_str();
    let lifetime = expires_at.and_then(|text| lifetime(text, answer, wall)).unwrap_or(TOKEN_LIFETIME);
    Ok(Got { value, lifetime })
}

/// The temporary keys of an answer of IAM or of the metadata service.
///
/// # Errors
/// What the answer lacks.
pub(super) fn read_keys(answer: &ExchangeAnswer, wall: jiff::Timestamp) -> Result<Got<Credential>, String> {
    let body: Value =
        serde_json::from_slice(&answer.answer.body).map_err(|_| "the answer is no JSON with keys".to_owned())?;
    let text = |field: &str| {
        let value = body["credential"][field].as_str().filter(|value| !value.is_empty());
        value.ok_or_else(|| format!("the answer has no `credential.{field}`"))
    };
    let at = |field: &str| {
        let field = field.to_owned();
        move |reason: String| format!("`credential.{field}` of the answer {reason}")
    };
    let value = Credential::AccessKey {
        access_key: check::access_key(text("access")?).map_err(at("access"))?,
        secret_key: check::token(text("secret")?).map_err(at("secret"))?,
        security_token: Some(check::token(text("securitytoken")?).map_err(at("securitytoken"))?),
    };
    let lifetime = lifetime(text("expires_at")?, answer, wall).ok_or("`credential.expires_at` is no time")?;
    Ok(Got { value, lifetime })
}

/// How long something is good that ends at `expires_at`: by the clock of who gave it, if the answer says what that shows,
/// since ours may be off.
fn lifetime(expires_at: &str, answer: &ExchangeAnswer, wall: jiff::Timestamp) -> Option<Duration> {
    let end: jiff::Timestamp = expires_at.parse().ok()?;
    let date = answer.answer.date.as_deref();
    let now = date.and_then(|text| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok());
    Some(Duration::try_from(end.duration_since(now.unwrap_or(wall))).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Answer;

    fn wall() -> jiff::Timestamp {
        "2026-11-24T08:00:00Z".parse().expect("legal")
    }

    fn answer(body: &str, token: Option<&str>, date: Option<&str>) -> ExchangeAnswer {
        let answer = Answer { body: body.as_bytes().to_vec(), date: date.map(str::to_owned), ..Answer::default() };
        ExchangeAnswer { answer, subject_token: token.map(|token| Secret::new(token.to_owned())) }
    }

    #[test]
    fn a_document_is_wiped_to_its_last_text() {
        let mut body = json!({ "a": "x", "b": [{ "c": "y" }, 1, null, true] });
        wipe(&mut body);
        assert_eq!(body, json!({ "a": "", "b": [{ "c": "" }, 1, null, true] }));
    }

    #[test]
    fn a_token_lasts_as_long_as_its_giver_says_by_its_own_clock() {
        let body = r#"{"token":{"expires_at":"2026-11-25T08:00:00.000000Z"}}"#;
        let lifetime = |body: &str, date: Option<&str>| {
            read_token(&answer(body, Some("token-token"), date), wall()).expect("a token").lifetime.as_secs()
        };
        assert_eq!(lifetime(body, None), 86_400);
        assert_eq!(lifetime(body, Some("Tue, 24 Nov 2026 09:00:00 GMT")), 82_800, "our clock is an hour behind");
        assert_eq!(lifetime("", None), 86_400, "the documented one");
        assert_eq!(lifetime(r#"{"token":{"expires_at":"2026-11-24T07:00:00Z"}}"#, None), 0);
        for (token, part) in [(None, "no X-Subject-Token"), (Some("short"), "fewer than 8")] {
            let error = read_token(&answer(body, token, None), wall()).expect_err("no token");
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn keys_are_read_whole_or_not_at_all() {
        let body = r#"{"credential":{"access":"AKTEMPORARY0001","secret":"secret-secret","securitytoken":"token-token",
            "expires_at":"2026-11-24T14:00:00.000000Z"}}"#;
        let got = read_keys(&answer(body, None, None), wall()).expect("keys");
        assert_eq!((got.value.masked(), got.lifetime.as_secs()), ("temporary AK …0001".to_owned(), 21_600));
        for (from, to, part) in [
            ("access", "other", "no `credential.access`"),
            ("secret-secret", "", "no `credential.secret`"),
            ("securitytoken", "other", "no `credential.securitytoken`"),
            ("token-token", "to ken-token", "`credential.securitytoken` of the answer holds a space"),
            ("2026-11-24T14", "soon", "`credential.expires_at` is no time"),
            ("{", "<", "is no JSON"),
        ] {
            let error = read_keys(&answer(&body.replacen(from, to, 1), None, None), wall()).expect_err(from);
            assert!(error.contains(part) && !error.contains("secret-secret"), "{part}: {error}");
        }
    }
}
