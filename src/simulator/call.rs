//! One call as it came over the wire: read within bounds and percent-decoded, judged by nobody yet.

use std::net::IpAddr;
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::{Bytes, Incoming};
use hyper::header::{HeaderMap, HeaderName};
use hyper::{Method, StatusCode};

use super::answer::Refusal;

/// No request of this service comes near it. The real gateway allows 12 MB; a local one should fail sooner.
pub(super) const MAX_BODY: usize = 1024 * 1024;

/// A call.
#[derive(Debug)]
pub(super) struct Call {
    /// Its number since the start, from 1, in order of arrival.
    pub(super) ordinal: u64,
    /// When it had arrived as a whole, on the run's clock.
    pub(super) at: Duration,
    /// The same on the wall.
    pub(super) wall: jiff::Timestamp,
    /// Who sent it.
    pub(super) peer: IpAddr,
    pub(super) method: Method,
    /// The path as sent.
    pub(super) raw_path: String,
    /// The path, decoded.
    pub(super) path: String,
    /// Query names and values, decoded, in the order in which they were sent.
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Call {
    /// The header as text, when it is there exactly once. Bytes that are no UTF-8 are replaced.
    pub(super) fn header(&self, name: &str) -> Option<std::borrow::Cow<'_, str>> {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?;
        values.next().is_none().then(|| String::from_utf8_lossy(value.as_bytes()))
    }

    /// The first value of a query parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The region that the call is for. All regions share one loopback address here, so this header tells them apart.
    pub(super) fn region(&self) -> String {
        self.header("region").unwrap_or_default().into_owned()
    }

    /// Decodes path and query of what was sent.
    ///
    /// # Errors
    /// 400 when an escape is malformed or the text is no UTF-8.
    pub(super) fn decode(&mut self, raw_query: &str) -> Result<(), Refusal> {
        let malformed = || {
            Refusal::gateway(
                StatusCode::BAD_REQUEST,
                "APIGW.0201",
                "Bad request: malformed percent-encoding in the URI",
            )
        };
        self.path = percent_decode(&self.raw_path).ok_or_else(malformed)?;
        for pair in raw_query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = percent_decode(name).ok_or_else(malformed)?;
            self.query.push((name, percent_decode(value).ok_or_else(malformed)?));
        }
        Ok(())
    }
}

/// Reads the body up to [`MAX_BODY`].
///
/// # Errors
/// `Ok(Err(refusal))` when it is longer: 413; an outer error when the connection fails.
pub(super) async fn read_body(mut incoming: Incoming) -> Result<Result<Bytes, Refusal>, hyper::Error> {
    let too_large = || {
        let message = format!("Request entity too large: at most {MAX_BODY} bytes here");
        Err(Refusal::gateway(StatusCode::PAYLOAD_TOO_LARGE, "APIGW.0201", message))
    };
    if hyper::body::Body::size_hint(&incoming).lower() > MAX_BODY as u64 {
        return Ok(too_large());
    }
    let mut whole: Option<Vec<u8>> = None;
    let mut first = Bytes::new();
    while let Some(frame) = incoming.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        // A body nearly always comes in one piece, which then needs no copy.
        if whole.is_none() && first.is_empty() {
            first = data;
        } else {
            whole.get_or_insert_with(|| first.to_vec()).extend_from_slice(&data);
        }
        if whole.as_ref().map_or(first.len(), Vec::len) > MAX_BODY {
            return Ok(too_large());
        }
    }
    Ok(Ok(whole.map_or(first, Bytes::from)))
}

/// Decodes `%XX`; `+` stands for itself, as in the signing algorithm. `None` for a malformed escape or no UTF-8.
fn percent_decode(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let mut digit = || char::from(bytes.next()?).to_digit(16);
            let (high, low) = (digit()?, digit()?);
            decoded.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            decoded.push(byte);
        }
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_decoding_is_strict() {
        assert_eq!(percent_decode("/v5/a%20b+c/%E9%95%9c"), Some("/v5/a b+c/镜".to_owned()));
        for bad in ["%", "%4", "%zz", "a%2", "%ff", "%+1"] {
            assert_eq!(percent_decode(bad), None, "{bad}");
        }
    }
}
