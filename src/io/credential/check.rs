//! What a value must be to be a key, a token or a password. No text says what a value is.

use super::CredentialError;
use crate::model::{CredentialName, Secret};

/// Real keys have 20 and 40 characters and tokens hundreds; anything under this is a mistake, and couldn't be hidden in output.
const SHORTEST_SECRET: usize = 8;
/// What is shorter can't be hidden in output. Accounts may allow short passwords, so that no more is asked for.
const SHORTEST_PASSWORD: usize = 4;

/// A secret key or token: it becomes part of a header or signature.
///
/// # Errors
/// What is wrong with it.
pub(super) fn token(value: &str) -> Result<Secret, String> {
    header_text(value, |_| true)?;
    if value.chars().count() < SHORTEST_SECRET {
        return Err(format!("has fewer than {SHORTEST_SECRET} characters, which no secret key or token has"));
    }
    Ok(Secret::new(value.to_owned()))
}

/// An access key: part of the `Authorization` header, where a comma ends it.
///
/// # Errors
/// What is wrong with it.
pub(super) fn access_key(value: &str) -> Result<String, String> {
    header_text(value, |c| c != ',')?;
    Ok(value.to_owned())
}

/// A password: part of a JSON text, so that any visible character is allowed.
///
/// # Errors
/// What is wrong with it.
pub(super) fn password(value: &str) -> Result<Secret, String> {
    if value.chars().any(char::is_control) {
        return Err("holds a line break or another control character in its middle".to_owned());
    }
    if value.chars().count() < SHORTEST_PASSWORD {
        return Err(format!("has fewer than {SHORTEST_PASSWORD} characters, which could not be kept out of output"));
    }
    Ok(Secret::new(value.to_owned()))
}

/// Headers hold visible ASCII.
fn header_text(value: &str, allowed: impl Fn(char) -> bool) -> Result<(), String> {
    let reason = if value.contains(['\n', '\r']) {
        "holds a line break in its middle, as when two lines were pasted"
    } else if value.contains(char::is_whitespace) {
        "holds a space, which no key or token has"
    } else if !value.chars().all(|c| c.is_ascii_graphic() && allowed(c)) {
        "holds a character that no key or token has"
    } else {
        return Ok(());
    };
    Err(reason.to_owned())
}

/// The reason with the place of the value.
pub(super) fn at<T>(name: &CredentialName, variable: &str, checked: Result<T, String>) -> Result<T, CredentialError> {
    checked.map_err(|reason| CredentialError::BadValue { name: name.clone(), variable: variable.to_owned(), reason })
}
