//! What is asked of the metadata service of a cloud server, which gives temporary keys of the server's agency.
//!
//! First a token, which newer servers ask for; 404, 405 or 503 means that this one doesn't (official SDK 3.1.219,
//! `MetadataAccessor`). The answer with the keys has the shape of IAM's.

use crate::io::http::{Exchange, ExchangeMethod};
use crate::model::Secret;

/// How long the token is asked for, in seconds, as in the official SDK. Each look gets its own.
const TOKEN_SECONDS: &str = "21600";

/// Asks for a token.
pub(super) fn token(base: &str) -> Exchange {
    let headers = [("X-Metadata-Token-Ttl-Seconds", TOKEN_SECONDS)];
    Exchange::new(ExchangeMethod::Put, format!("{base}/meta-data/latest/api/token"), &headers, String::new())
}

/// Whether the service has no tokens, so that keys are asked for without one.
pub(super) fn has_no_tokens(status: u16) -> bool {
    matches!(status, 404 | 405 | 503)
}

/// Asks for keys.
pub(super) fn keys(base: &str, token: Option<&Secret>) -> Exchange {
    let headers: Vec<(&str, &str)> = token.iter().map(|token| ("X-Metadata-Token", token.expose())).collect();
    Exchange::new(ExchangeMethod::Get, format!("{base}/openstack/latest/securitykey"), &headers, String::new())
}
