//! `SDK-HMAC-SHA256`: percent-encoding, canonical request, string to sign, signature.
//!
//! Plain text in, plain text out, so that the simulator can verify with the same functions that the client signs
//! with. Facts: the API signing guide (2025-06-25) and the official Python signer 3.1.219; see `docs/signing.md`.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

/// The algorithm's name, as the `Authorization` header and the string to sign carry it.
pub(super) const ALGORITHM: &str = "SDK-HMAC-SHA256";

/// A canonical request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canonical {
    /// Its six parts, joined with line feeds.
    pub text: String,
    /// The names that it covers, lower case, sorted, joined with `;`.
    pub signed_headers: String,
}

/// The canonical request. `path` and `query` are decoded; every header given is signed, so leave out those that a proxy
/// may change. `host` and `x-sdk-date` must be among them. `payload_hash` is [`payload_hash`] of the body, or
/// `UNSIGNED-PAYLOAD` where the request says so.
#[must_use]
pub fn canonical_request(
    method: &str,
    path: &str,
    query: &[(String, String)],
    headers: &[(String, String)],
    payload_hash: &str,
) -> Canonical {
    let mut uri = encode_path(path);
    if !uri.ends_with('/') {
        // For the signature only: the request is sent without it.
        uri.push('/');
    }
    let mut query: Vec<&(String, String)> = query.iter().collect();
    // By decoded name, then value, in code-point order: what the SDK sorts.
    query.sort();
    let mut headers: Vec<(String, &str)> =
        headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.trim())).collect();
    headers.sort_by(|a, b| a.0.cmp(&b.0));
    let signed_headers = headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(";");

    let mut text = format!("{}\n{uri}\n{}\n", method.to_ascii_uppercase(), encode_pairs(query.into_iter()));
    for (name, value) in &headers {
        text.extend([name, ":", value, "\n"]);
    }
    text.extend(["\n", &signed_headers, "\n", payload_hash]);
    Canonical { text, signed_headers }
}

/// Lower-case hex SHA-256 of the exact bytes of the body.
#[must_use]
pub fn payload_hash(body: &[u8]) -> String {
    hex(&Sha256::digest(body))
}

/// The signature of a canonical request at the time `x_sdk_date` (`YYYYMMDDTHHMMSSZ`), as lower-case hex. The secret key
/// itself is the HMAC key: this algorithm derives none.
#[must_use]
pub fn signature(secret_key: &str, x_sdk_date: &str, canonical: &str) -> String {
    let to_sign = format!("{ALGORITHM}\n{x_sdk_date}\n{}", payload_hash(canonical.as_bytes()));
    // HMAC takes keys of any length, so the error has no way to occur; no signature then, rather than a panic.
    Hmac::<Sha256>::new_from_slice(secret_key.as_bytes())
        .map(|mac| hex(&mac.chain_update(to_sign).finalize().into_bytes()))
        .unwrap_or_default()
}

/// A decoded path, percent-encoded segment by segment as UTF-8: `/` stays, everything but `A–Z a–z 0–9 - . _ ~` becomes
/// `%XX`. Nothing is normalised, as in the SDK.
#[must_use]
pub fn encode_path(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    encode(path, |byte| byte == b'/', &mut out);
    out
}

/// A decoded query, percent-encoded in the order given: `name=value`, `name=` when the value is empty, joined with `&`.
#[must_use]
pub fn encode_query(query: &[(String, String)]) -> String {
    encode_pairs(query.iter())
}

fn encode_pairs<'a>(query: impl Iterator<Item = &'a (String, String)>) -> String {
    let mut out = String::new();
    for (name, value) in query {
        if !out.is_empty() {
            out.push('&');
        }
        encode(name, |_| false, &mut out);
        out.push('=');
        encode(value, |_| false, &mut out);
    }
    out
}

/// Appends the text, percent-encoded but for what `stays` as well. Each request is signed anew, so what stays goes over in one
/// piece.
fn encode(text: &str, stays: impl Fn(u8) -> bool, out: &mut String) {
    let encoded =
        |byte: u8| !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') || stays(byte));
    let mut rest = text;
    while let Some(at) = rest.bytes().position(encoded) {
        // What stays is ASCII, so that both sides of the first other byte are text; of a longer character all bytes go.
        let (plain, other) = rest.split_at(at);
        out.push_str(plain);
        let length = other.chars().next().map_or(0, char::len_utf8);
        for byte in other.bytes().take(length) {
            out.push('%');
            out.extend(digits(byte, b"0123456789ABCDEF").map(char::from));
        }
        rest = &other[length..];
    }
    out.push_str(rest);
}

/// Each request has three hashes, so the digits are looked up in one piece and not pushed one by one.
fn hex(hash: &[u8]) -> String {
    let digits: Vec<u8> = hash.iter().flat_map(|byte| digits(*byte, b"0123456789abcdef")).collect();
    // Digits are text.
    String::from_utf8(digits).unwrap_or_default()
}

fn digits(byte: u8, alphabet: &[u8; 16]) -> [u8; 2] {
    [byte >> 4, byte & 15].map(|digit| alphabet[usize::from(digit)])
}
