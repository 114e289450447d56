//! What proves who asks.

use crate::model::Secret;

/// What proves who asks. Its `Debug` shows the last four characters of an access key, and no secret.
#[derive(Clone)]
pub enum Credential {
    /// An access key pair, with a security token when it is a temporary one.
    AccessKey {
        /// AK: not secret, but masked in output.
        access_key: String,
        /// SK.
        secret_key: Secret,
        /// `X-Security-Token`.
        security_token: Option<Secret>,
    },
    /// A ready IAM token, sent as `X-Auth-Token`.
    Token(Secret),
}

impl Credential {
    /// Everything in it that must appear in no text: what a redactor has to know.
    #[must_use]
    pub fn secrets(&self) -> Vec<Secret> {
        match self {
            Self::AccessKey { secret_key, security_token, .. } => {
                std::iter::once(secret_key).chain(security_token).cloned().collect()
            }
            Self::Token(token) => vec![token.clone()],
        }
    }

    /// The access key, if it is one: for signing and for a redactor, which leaves its last four characters.
    #[must_use]
    pub fn access_key(&self) -> Option<&str> {
        match self {
            Self::AccessKey { access_key, .. } => Some(access_key),
            Self::Token(_) => None,
        }
    }

    /// How output names it: `AK …0001`, `temporary AK …0001`, `token`.
    #[must_use]
    pub fn masked(&self) -> String {
        match self {
            Self::Token(_) => "token".to_owned(),
            Self::AccessKey { access_key, security_token, .. } => {
                let kind = if security_token.is_some() { "temporary AK" } else { "AK" };
                format!("{kind} …{}", tail(access_key))
            }
        }
    }
}

/// The last four characters of a key that is long enough to still hide the rest.
fn tail(key: &str) -> &str {
    let hidden = key.chars().count().saturating_sub(4);
    match key.char_indices().nth(hidden) {
        Some((start, _)) if hidden >= 4 => &key[start..],
        _ => "",
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credential({})", self.masked())
    }
}
