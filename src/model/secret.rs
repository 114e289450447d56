//! A secret that can't be printed.

use secrecy::{ExposeSecret, SecretString};

/// What stands in any text in place of a secret.
pub const REDACTED: &str = "[redacted]";

/// A secret: no `Display`, no `Serialize`, a redacted `Debug`, and zeroised memory when dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Wraps the text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(SecretString::from(text))
    }

    /// The text itself, for signing and for the header that carries it; never for output.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(REDACTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::new("hunter2".to_owned())), REDACTED);
    }
}
