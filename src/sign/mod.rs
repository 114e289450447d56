//! Request, credential and time to a signed request.
//!
//! `SDK-HMAC-SHA256` as the official SDKs do it; the vectors in `tests/vectors/` are the oracle. A [`SignedRequest`] is
//! made only here, and it is all that a transport accepts. One page about it: `docs/signing.md`.

mod credential;
mod hmac_sha256;
#[cfg(test)]
mod tests;

pub use credential::Credential;
pub use hmac_sha256::{Canonical, canonical_request, encode_path, encode_query, payload_hash, signature};

use secrecy::zeroize::Zeroize as _;

use crate::model::{Method, Request};

/// Headers that signing itself adds or that the transport owns: dropped when a request brings them along.
const OWN_HEADERS: [&str; 6] =
    ["host", "x-sdk-date", "x-security-token", "x-auth-token", "authorization", "content-length"];

/// A request with everything that goes on the wire.
#[derive(Clone)]
pub struct SignedRequest {
    method: Method,
    url: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl SignedRequest {
    /// Method.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// Absolute URL, percent-encoded exactly as it was signed.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Header names and values, `Host` not among them. Some values are secret.
    #[must_use]
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Gives the body away.
    #[must_use]
    pub fn into_body(mut self) -> Vec<u8> {
        std::mem::take(&mut self.body)
    }
}

impl Drop for SignedRequest {
    /// The headers hold tokens and a valid signature: they don't stay behind in memory.
    fn drop(&mut self) {
        for (_, value) in &mut self.headers {
            value.zeroize();
        }
    }
}

impl std::fmt::Debug for SignedRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedRequest").field("method", &self.method).field("url", &self.url).finish_non_exhaustive()
    }
}

/// Signs a copy of the request for one attempt at `at`. Signed are the host, the date, the security token of a temporary
/// key, and each header of the request. A signature is good for 15 minutes around `at`: sign every attempt anew.
///
/// A token credential proves itself by `X-Auth-Token`, and nothing is signed.
#[must_use]
pub fn sign(request: &Request, credential: &Credential, at: jiff::Timestamp) -> SignedRequest {
    let mut headers: Vec<(String, String)> = request
        .headers
        .iter()
        .filter(|(name, _)| !OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()))
        // Sent as it is signed: without outer spaces.
        .map(|(name, value)| (name.clone(), value.trim().to_owned()))
        .collect();
    match credential {
        Credential::Token(token) => headers.push(("X-Auth-Token".to_owned(), token.expose().to_owned())),
        Credential::AccessKey { access_key, secret_key, security_token } => {
            let date = at.strftime("%Y%m%dT%H%M%SZ").to_string();
            headers.push(("X-Sdk-Date".to_owned(), date.clone()));
            if let Some(token) = security_token {
                headers.push(("X-Security-Token".to_owned(), token.expose().to_owned()));
            }
            headers.push(("Host".to_owned(), request.endpoint.authority().to_owned()));
            let hash = payload_hash(&request.body);
            let mut canonical =
                canonical_request(request.method.as_str(), &request.path, &request.query, &headers, &hash);
            headers.pop();
            let signature = signature(secret_key.expose(), &date, &canonical.text);
            canonical.text.zeroize();
            let authorization = format!(
                "{} Access={access_key}, SignedHeaders={}, Signature={signature}",
                hmac_sha256::ALGORITHM,
                canonical.signed_headers
            );
            headers.push(("Authorization".to_owned(), authorization));
        }
    }
    SignedRequest { method: request.method, url: request_url(request), headers, body: request.body.clone() }
}

/// The absolute URL of a request, percent-encoded exactly as it is signed and sent.
#[must_use]
pub fn request_url(request: &Request) -> String {
    let mut url = format!("{}{}", request.endpoint, encode_path(&request.path));
    if !request.query.is_empty() {
        url.extend(["?", &encode_query(&request.query)]);
    }
    url
}
