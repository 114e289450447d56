//! What the body of an answer says: its code and its message.
//!
//! HSS, the gateway and what stands before them write these in different shapes (`hss-api` facts, section 5.1); a body that
//! is cut off still gives up what stands before the cut. Everything is untrusted text until [`shown`] made it safe.

use serde_json::Value;

use super::super::redact::Redactor;
use super::super::service_code::canonical_code;
use super::Answer;

/// A message is cut to so many characters.
pub(super) const LONGEST_MESSAGE: usize = 500;
/// A code is cut to so many characters.
const LONGEST_CODE: usize = 64;
/// In a body that is no JSON, a key is looked for in so many places: enough for any answer, and bounded work for a hostile one.
const MOST_PLACES: usize = 16;

/// Keys of a code, in the order of preference. The first two are HSS's and the gateway's own.
const CODE_KEYS: [&str; 3] = ["error_code", "errorCode", "code"];
/// Keys of a message.
const MESSAGE_KEYS: [&str; 6] =
    ["error_msg", "error_description", "errorMsg", "message", "error_message", "encoded_authorization_message"];

/// Keys that speak of an error when something stands there, whether or not a code does.
const ERROR_KEYS: [&str; 4] = ["error", "error_msg", "errorMsg", "error_message"];

/// What a body says.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// A code that means a failure, as sent.
    pub(super) code: Option<String>,
    /// Under which key the code stood.
    key: &'static str,
    /// The message, as sent.
    words: Option<String>,
    /// The whole body as text.
    raw: String,
    /// Whether it speaks of an error and has no code at all.
    pub(super) is_error_without_code: bool,
    pub(super) is_json: bool,
    pub(super) is_html: bool,
}

impl Said {
    /// Reads the body of an answer.
    pub(super) fn read(answer: &Answer) -> Self {
        let raw = String::from_utf8_lossy(&answer.body).into_owned();
        let json = json(answer, &raw);
        let mut said = Self { is_json: json.is_some(), is_html: is_html(answer, &raw), raw, ..Self::default() };
        match &json {
            Some(value) => said.read_value(value),
            None => said.read_part(),
        }
        said
    }

    /// The object itself (or the first of a list), or the first object in it that says something.
    fn read_value(&mut self, value: &Value) {
        let value = value.get(0).unwrap_or(value);
        let Value::Object(outer) = value else { return };
        let has_code = CODE_KEYS.iter().any(|key| outer.contains_key(*key));
        self.is_error_without_code =
            !has_code && ERROR_KEYS.iter().filter_map(|key| outer.get(*key)).any(says_something);
        let nested = outer.values().filter_map(|value| match value {
            Value::Array(items) => items.first(),
            other => Some(other),
        });
        for object in std::iter::once(value).chain(nested) {
            let code = CODE_KEYS.iter().find_map(|key| Some((*key, failure_code(object.get(key)?)?)));
            let words =
                MESSAGE_KEYS.iter().filter_map(|key| object.get(key)?.as_str()).find(|text| !text.trim().is_empty());
            if let Some((key, code)) = code {
                self.key = key;
                self.code = Some(code);
                // Words of the object around it are better than none.
                self.words = words.map(str::to_owned).or(self.words.take());
                return;
            }
            if self.words.is_none() {
                self.words = words.map(str::to_owned);
            }
        }
        // `{"error": "Bad Gateway"}`, as servers before the gateway write it.
        if self.words.is_none() {
            self.words = outer.get("error").and_then(Value::as_str).map(str::to_owned);
        }
    }

    /// A body that is no JSON, perhaps because its end is missing: what stands in it as `"key": value`.
    fn read_part(&mut self) {
        let find = |key: &str| {
            let quoted = format!("\"{key}\"");
            self.raw.match_indices(&quoted).take(MOST_PLACES).find_map(|(at, _)| {
                let value = self.raw[at + quoted.len()..].trim_start().strip_prefix(':')?;
                // The first value after the colon; the rest of the text doesn't matter.
                serde_json::Deserializer::from_str(value).into_iter::<Value>().next()?.ok()
            })
        };
        let code = CODE_KEYS.iter().find_map(|key| Some((*key, failure_code(&find(key)?)?)));
        let words = MESSAGE_KEYS
            .iter()
            .find_map(|key| find(key)?.as_str().filter(|words| !words.trim().is_empty()).map(str::to_owned));
        if let Some((key, code)) = code {
            self.key = key;
            self.code = Some(code);
        }
        self.words = words;
    }

    /// Whether the body takes a 2xx back. A bare `code` may also be a copy of the status, so it counts only when it
    /// looks like one of HSS or the gateway.
    pub(super) fn denies_success(&self) -> bool {
        match &self.code {
            Some(code) => self.key != "code" || code.contains('.'),
            None => false,
        }
    }

    /// Whether HSS itself wrote the error: its kind of code, or its key with a code that isn't the gateway's.
    pub(super) fn is_from_service(&self) -> bool {
        self.code.as_deref().is_some_and(|code| {
            let code = canonical_code(code);
            code.starts_with("HSS.") || (self.key != "code" && !code.starts_with("APIGW."))
        })
    }

    /// The code as it may be shown.
    pub(super) fn code(&self, redactor: &Redactor) -> Option<String> {
        self.code.as_deref().map(|code| shown(code, redactor, LONGEST_CODE)).filter(|code| !code.is_empty())
    }

    /// The message as it may be shown, or the body itself when it has no message.
    pub(super) fn message(&self, redactor: &Redactor) -> Option<String> {
        Some(shown(self.text(), redactor, LONGEST_MESSAGE)).filter(|text| !text.is_empty() && text != "{}")
    }

    /// The message, or the whole body.
    pub(super) fn text(&self) -> &str {
        self.words.as_deref().unwrap_or(&self.raw)
    }
}

/// The body as JSON, when all of it came.
fn json(answer: &Answer, raw: &str) -> Option<Value> {
    answer.is_complete().then(|| serde_json::from_str(raw.trim_start_matches('\u{feff}')).ok())?
}

/// The id of the request that the body names, at the top or one object deeper.
pub(super) fn request_id(answer: &Answer) -> Option<String> {
    let json = json(answer, &String::from_utf8_lossy(&answer.body))?;
    let nested = json.as_object()?.values();
    std::iter::once(&json).chain(nested).find_map(|object| Some(object.get("request_id")?.as_str()?.to_owned()))
}

fn is_html(answer: &Answer, raw: &str) -> bool {
    let start: String = raw.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).chars().take(14).collect();
    let start = start.to_ascii_lowercase();
    answer.content_type.as_deref().is_some_and(|kind| kind.to_ascii_lowercase().contains("html"))
        || start.starts_with("<!doctype html")
        || start.starts_with("<html")
}

/// Anything but nothing: `null`, `false`, an empty text, list or object.
fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(yes) => *yes,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(entries) => !entries.is_empty(),
    }
}

/// A code that means a failure: no zero, however it is written, and not empty.
fn failure_code(value: &Value) -> Option<String> {
    let code = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) if number.as_f64() == Some(0.0) => return None,
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!code.is_empty() && !code.bytes().all(|byte| byte == b'0')).then_some(code)
}

/// Untrusted text as it may be shown: without secrets, on one line, without control or direction characters, and cut to
/// `longest` characters. It is scrubbed before it is cut, since a cut could leave half a secret, and once more after its
/// spaces were joined.
pub(super) fn shown(text: &str, redactor: &Redactor, longest: usize) -> String {
    let scrubbed = redactor.scrub(text);
    let mut out = String::new();
    let (mut length, mut space) = (0, false);
    for c in scrubbed.chars() {
        if c.is_whitespace() {
            space = length > 0;
            continue;
        }
        if length + usize::from(space) >= longest {
            out.push('…');
            break;
        }
        if std::mem::take(&mut space) {
            out.push(' ');
            length += 1;
        }
        out.push(if is_steering(c) { '\u{fffd}' } else { c });
        length += 1;
    }
    redactor.scrub(&out)
}

/// Characters that steer a terminal or the direction of text instead of showing something.
fn is_steering(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}
