//! The `echo` fault: an error text that repeats the request, secrets included, in each encoding that a careless
//! service might use. A client that shows, stores or logs any of it has leaked a secret.

use hyper::StatusCode;

use super::answer::Answer;
use super::call::Call;
use crate::sign;

/// 400 with the body and every header of the call: plain, JSON-escaped within JSON, and percent-encoded.
pub(super) fn echo(call: &Call) -> Answer {
    let mut plain = format!("invalid request {} {}\n", call.method, call.raw_path);
    let mut encoded = String::new();
    let mut headers = serde_json::Map::new();
    for (name, value) in &call.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        plain.push_str(&format!("{name}: {value}\n"));
        let pair = (name.as_str().to_owned(), value.clone().into_owned());
        encoded.push_str(&sign::encode_query(&[pair]));
        encoded.push('&');
        headers.insert(name.as_str().to_owned(), value.into());
    }
    let sent = String::from_utf8_lossy(&call.body);
    plain.push_str(&sent);
    headers.insert("body".to_owned(), sent.into());
    let body = serde_json::json!({
        "error_code": "HSS.0001",
        "error_description": plain,
        "error_msg": serde_json::Value::Object(headers).to_string(),
        "request": encoded,
    });
    Answer { status: StatusCode::BAD_REQUEST, ..Answer::ok(body.to_string()) }
}
