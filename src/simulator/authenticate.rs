//! Who is calling: verifies `SDK-HMAC-SHA256` signatures and tokens as the gateway does, lock-out included.
//!
//! A signature is verified by computing it again with `sign`, the client's own functions, whose oracle are the vectors of
//! the official SDK. Limits and texts: the API signing guide (2025-06-25), its FAQ, and reports of users.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;

use super::answer::Refusal;
use super::call::Call;
use super::config::KeyPair;
use crate::model::Secret;
use crate::sign;

/// A signature's time may differ from the gateway's by this much (signing guide).
const MAX_SKEW: Duration = Duration::from_secs(15 * 60);

/// More consecutive failures than this lock the key (FAQ 0003 of API signing).
const MAX_FAILURES: u32 = 5;

/// For so long.
const LOCK: Duration = Duration::from_secs(5 * 60);

/// Who called.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct User(pub(super) Arc<str>);

#[derive(Debug)]
struct Key {
    user: User,
    secret_key: Secret,
    security_token: Option<Secret>,
    failures: u32,
    locked_until: Option<Duration>,
    /// When a temporary pair ends, on the run's clock.
    good_until: Option<Duration>,
}

/// What a token is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TokenScope {
    /// Every project: a token that the simulator was started with.
    Every,
    /// One project.
    Project(String),
    /// The account: IAM's own lists.
    Account,
    /// No service: it can only be exchanged.
    Unscoped,
}

#[derive(Debug)]
struct Token {
    user: User,
    secret: Secret,
    scope: TokenScope,
    good_until: Option<Duration>,
}

/// Knows the credentials and what was tried with them.
#[derive(Debug)]
pub(super) struct Authenticator {
    keys: HashMap<String, Key>,
    tokens: Vec<Token>,
}

/// The parts of an `Authorization` header.
#[derive(Debug, PartialEq, Eq)]
struct Authorization<'a> {
    access_key: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl Authenticator {
    pub(super) fn new(keys: &[KeyPair], tokens: &[Secret]) -> Self {
        let mut known = Self { keys: HashMap::new(), tokens: Vec::new() };
        for pair in keys {
            known.insert_keys(pair.clone(), None);
        }
        for token in tokens {
            known.insert_token(token.clone(), TokenScope::Every, None);
        }
        known
    }

    /// Accepts a temporary pair until then.
    pub(super) fn add_keys(&mut self, pair: KeyPair, good_until: Duration) -> User {
        self.insert_keys(pair, Some(good_until))
    }

    /// Accepts a token for its scope until then.
    pub(super) fn add_token(&mut self, token: Secret, scope: TokenScope, good_until: Duration) -> User {
        self.insert_token(token, scope, Some(good_until))
    }

    fn insert_keys(&mut self, pair: KeyPair, good_until: Option<Duration>) -> User {
        let KeyPair { access_key, secret_key, security_token } = pair;
        let user = User(access_key.as_str().into());
        let (failures, locked_until) = (0, None);
        let key = Key { user: user.clone(), secret_key, security_token, failures, locked_until, good_until };
        self.keys.insert(access_key, key);
        user
    }

    fn insert_token(&mut self, secret: Secret, scope: TokenScope, good_until: Option<Duration>) -> User {
        let user = User(format!("token-{}", self.tokens.len() + 1).into());
        self.tokens.push(Token { user: user.clone(), secret, scope, good_until });
        user
    }

    /// Whose token it is.
    ///
    /// # Errors
    /// 401 `APIGW.0301` when nobody's, `APIGW.0307` when its time is over.
    pub(super) fn verify_token(&self, token: &str, at: Duration) -> Result<User, Refusal> {
        let known = self.tokens.iter().find(|known| known.secret.expose() == token);
        let known = known.ok_or_else(|| Refusal::unauthorized("decrypt token fail"))?;
        if known.good_until.is_some_and(|until| at >= until) {
            return Err(Refusal::gateway(StatusCode::UNAUTHORIZED, "APIGW.0307", "The token must be updated."));
        }
        Ok(known.user.clone())
    }

    /// A token counts for its project only; `project_id` is that of the path.
    ///
    /// # Errors
    /// 401 `APIGW.0301`. The code for another project's token is not documented.
    pub(super) fn check_scope(&self, call: &Call, project_id: Option<&str>) -> Result<(), Refusal> {
        let (Some(token), Some(project_id)) = (call.header("x-auth-token"), project_id) else { return Ok(()) };
        let scope = self.tokens.iter().find(|known| known.secret.expose() == token).map(|known| &known.scope);
        match scope {
            None | Some(TokenScope::Every) => Ok(()),
            Some(TokenScope::Project(own)) if own == project_id => Ok(()),
            Some(_) => Err(Refusal::unauthorized("the token is for another project")),
        }
    }

    /// Checks the call's credential; `body_hash` is the digest of its body.
    ///
    /// # Errors
    /// 401 `APIGW.0301`, with the reason in the gateway's words.
    pub(super) fn authenticate(&mut self, call: &Call, body_hash: &str) -> Result<User, Refusal> {
        if let Some(token) = call.header("x-auth-token") {
            return self.verify_token(&token, call.at);
        }
        let Some(header) = call.header("authorization") else {
            return Err(Refusal::unauthorized("x-auth-token not found"));
        };
        let Some(authorization) = parse_authorization(&header) else {
            return Err(Refusal::unauthorized("Authorization format incorrect"));
        };
        let Some(key) = self.keys.get_mut(authorization.access_key) else {
            let detail = format!("get secretKey failed,ak:{},err:ak not exist", authorization.access_key);
            return Err(Refusal::unauthorized(detail));
        };
        if key.locked_until.is_some_and(|until| call.at < until) {
            return Err(Refusal::unauthorized("AK access failed to reach the limit,forbidden"));
        }
        let signature_time = check_time(call)?;
        let canonical = canonical_request(call, &authorization, body_hash)?;
        if sign::signature(key.secret_key.expose(), &signature_time, &canonical) != authorization.signature {
            key.failures += 1;
            if key.failures > MAX_FAILURES {
                key.failures = 0;
                key.locked_until = Some(call.at + LOCK);
            }
            let canonical = canonical.replace('\n', "|");
            return Err(Refusal::unauthorized(format!("verify aksk signature fail, canonicalRequest:{canonical}")));
        }
        key.failures = 0;
        if key.good_until.is_some_and(|until| call.at >= until) {
            return Err(Refusal::unauthorized("the security token has expired"));
        }
        let sent = call.header("x-security-token");
        if sent.as_deref() != key.security_token.as_ref().map(Secret::expose) {
            return Err(Refusal::unauthorized("verify security token failed"));
        }
        Ok(key.user.clone())
    }
}

/// The time of the signature as it was sent, which the signature covers.
fn check_time(call: &Call) -> Result<String, Refusal> {
    let Some(text) = call.header("x-sdk-date") else {
        return Err(Refusal::unauthorized("X-Sdk-Date not found"));
    };
    let format = "%Y%m%dT%H%M%SZ";
    let time = jiff::civil::DateTime::strptime(format, &*text)
        .and_then(|time| jiff::tz::TimeZone::UTC.to_timestamp(time))
        .map_err(|_| Refusal::unauthorized("X-Sdk-Date format incorrect"))?;
    if time.duration_since(call.wall).unsigned_abs() > MAX_SKEW {
        let server = call.wall.strftime(format);
        return Err(Refusal::unauthorized(format!("signature expired, signature time:{text},server time:{server}")));
    }
    Ok(text.into_owned())
}

/// What the gateway finds signed: the named headers as they arrived.
fn canonical_request(call: &Call, authorization: &Authorization<'_>, body_hash: &str) -> Result<String, Refusal> {
    let mut headers = Vec::new();
    for name in authorization.signed_headers.split(';') {
        let Some(value) = call.header(name) else {
            return Err(Refusal::unauthorized(format!("signed header {name} not found")));
        };
        headers.push((name.to_owned(), value.into_owned()));
    }
    if !headers.iter().any(|(name, _)| name == "x-sdk-date") {
        return Err(Refusal::unauthorized("X-Sdk-Date is not signed"));
    }
    let declared = call.header("x-sdk-content-sha256");
    let hash = declared.as_deref().filter(|declared| *declared == "UNSIGNED-PAYLOAD").unwrap_or(body_hash);
    Ok(sign::canonical_request(call.method.as_str(), &call.path, &call.query, &headers, hash).text)
}

/// Reads `SDK-HMAC-SHA256 Access=…, SignedHeaders=…, Signature=…`.
fn parse_authorization(text: &str) -> Option<Authorization<'_>> {
    let mut parts = text.strip_prefix("SDK-HMAC-SHA256 ")?.split(',').map(str::trim);
    let access_key = parts.next()?.strip_prefix("Access=")?;
    let signed_headers = parts.next()?.strip_prefix("SignedHeaders=")?;
    let signature = parts.next()?.strip_prefix("Signature=")?;
    let hex = signature.len() == 64 && signature.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    (parts.next().is_none() && hex && !access_key.is_empty()).then_some(Authorization {
        access_key,
        signed_headers,
        signature,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authorization_has_exactly_its_three_parts() {
        let signature = "0a".repeat(32);
        let good = format!("SDK-HMAC-SHA256 Access=AK, SignedHeaders=host;x-sdk-date, Signature={signature}");
        let parts = parse_authorization(&good).expect("legal");
        assert_eq!((parts.access_key, parts.signed_headers), ("AK", "host;x-sdk-date"));
        for bad in [
            "",
            "Bearer x",
            &good.replace("SDK-HMAC-SHA256 ", "SDK-HMAC-SHA256, "),
            &good.replace("0a0a", "0A0A"),
            &good.replace("Access=AK", "Access="),
            &format!("{good}, Extra=1"),
            &good[..good.len() - 1],
        ] {
            assert_eq!(parse_authorization(bad), None, "{bad}");
        }
    }
}
