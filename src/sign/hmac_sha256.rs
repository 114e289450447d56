//! `SDK-HMAC-SHA256`: canonical request, string to sign, signature.
use crate::model::Request;

/// The canonical request.
#[must_use]
pub fn canonical_request(request: &Request) -> String {
    let _ = request;
    todo!()
}

/// The signature.
#[must_use]
pub fn signature() -> String {
    todo!()
}
