//! Who is calling: verifies `SDK-HMAC-SHA256` signatures and tokens as the gateway does, lock-out included.
//!
//! A signature is verified by computing it again with `sign`, the client's own functions, whose oracle are the vectors of
//! the official SDK. Limits and texts: the API signing guide (2025-06-25), its FAQ, and reports of users.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

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
}

/// Knows the credentials and what was tried with them.
#[derive(Debug)]
pub(super) struct Authenticator {
    keys: HashMap<String, Key>,
    tokens: Vec<(User, Secret)>,
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
        let keys = keys.iter().map(|pair| {
            let key = Key {
                user: User(pair.access_key.as_str().into()),
                secret_key: pair.secret_key.clone(),
                security_token: pair.security_token.clone(),
                failures: 0,
                locked_until: None,
            };
            (pair.access_key.clone(), key)
        });
        let tokens = tokens.iter().enumerate();
        Self {
            keys: keys.collect(),
            tokens: tokens.map(|(n, token)| (User(format!("token-{}", n + 1).into()), token.clone())).collect(),
        }
    }

    /// Checks the call's credential; `body_hash` is the digest of its body.
    ///
    /// # Errors
    /// 401 `APIGW.0301`, with the reason in the gateway's words.
    pub(super) fn authenticate(&mut self, call: &Call, body_hash: &str) -> Result<User, Refusal> {
        if let Some(token) = call.header("x-auth-token") {
            let known = self.tokens.iter().find(|(_, known)| known.expose() == token);
            return known.map(|(user, _)| user.clone()).ok_or_else(|| Refusal::unauthorized("decrypt token fail"));
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
