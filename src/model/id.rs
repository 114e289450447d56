//! Names and ids: text with a rule, each its own type so that two of them can't be swapped.
//!
//! Lengths of what goes to the service come from its API pages (project and enterprise project ids 1–256
//! characters, registry ids 1–64); the rules for our own names keep them usable in paths, selections and ids.

use std::fmt;
use std::sync::Arc;

/// Why a text is not a value of some type. Reads as the end of "… is not a project id: ".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} {reason}")]
pub struct InvalidValue {
    /// What the text was meant to be, with its article: "a project id".
    pub what: &'static str,
    /// What is wrong with it: "is empty".
    pub reason: String,
}

impl InvalidValue {
    /// `what` with `reason`.
    pub fn new(what: &'static str, reason: impl Into<String>) -> Self {
        Self { what, reason: reason.into() }
    }
}

/// Characters that have a meaning in ids, selections or templates and are refused in names.
const NAME_FORBIDDEN: &[char] = &['/', '{', '}', '*', '?', '!', '=', ','];

fn check_length(what: &'static str, text: &str, max: usize) -> Result<(), InvalidValue> {
    let length = text.chars().count();
    if length == 0 {
        return Err(InvalidValue::new(what, "is empty"));
    }
    if length > max {
        return Err(InvalidValue::new(what, format!("is {length} characters long, at most {max} are allowed")));
    }
    Ok(())
}

fn check_name(what: &'static str, text: &str) -> Result<(), InvalidValue> {
    check_length(what, text, 64)?;
    let bad = |c: char| c.is_whitespace() || c.is_control() || NAME_FORBIDDEN.contains(&c);
    match text.chars().find(|c| bad(*c)) {
        Some(c) => Err(InvalidValue::new(what, format!("contains {c:?}, which names may not"))),
        None => Ok(()),
    }
}

/// For ids that go to the service: no space, no control character, nothing that a path or template reads as structure.
fn check_service_id(what: &'static str, text: &str, max: usize) -> Result<(), InvalidValue> {
    check_length(what, text, max)?;
    let bad = |c: char| {
        c.is_whitespace() || c.is_control() || matches!(c, '/' | '\\' | '?' | '#' | '%' | '{' | '}' | '"' | '<' | '>')
    };
    if let Some(c) = text.chars().find(|c| bad(*c)) {
        return Err(InvalidValue::new(what, format!("contains {c:?}, which is never part of such an id")));
    }
    if text == "." || text == ".." {
        return Err(InvalidValue::new(what, "is a path segment, not an id"));
    }
    Ok(())
}

fn check_credential(what: &'static str, text: &str) -> Result<(), InvalidValue> {
    check_length(what, text, 64)?;
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    if !text.starts_with(|c: char| c.is_ascii_lowercase()) || !text.chars().all(good) {
        return Err(InvalidValue::new(
            what,
            "must start with a lower-case letter and hold only a–z, 0–9, `-` and `_` (it names environment variables)",
        ));
    }
    Ok(())
}

fn check_any(what: &'static str, text: &str) -> Result<(), InvalidValue> {
    check_length(what, text, 1024)
}

macro_rules! text_types {
    ($($(#[$doc:meta])* $name:ident: $what:literal, $check:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the text and wraps it.
            ///
            /// # Errors
            /// When the text breaks the rule of this type; the error says which.
            pub fn parse(text: &str) -> Result<Self, InvalidValue> {
                let check: fn(&'static str, &str) -> Result<(), InvalidValue> = $check;
                check($what, text)?;
                Ok(Self(text.into()))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    )*};
}

text_types! {
    /// The plan's own name for a project entry.
    ProjectName: "a project name", check_name;
    /// The name of a registry set.
    SetName: "a registry set name", check_name;
    /// The name of a wave.
    WaveName: "a wave name", check_name;
    /// A label of a project entry.
    Label: "a label", check_name;
    /// The name of a credential; upper-cased it is part of environment variable names.
    CredentialName: "a credential name", check_credential;
    /// A Huawei Cloud project id, 1–256 characters; valid in one region only.
    ProjectId: "a project id", |what, text| check_service_id(what, text, 256);
    /// An enterprise project id, 1–256 characters; `0` is the default one, `all_granted_eps` all that are granted.
    EnterpriseProjectId: "an enterprise project id", |what, text| check_service_id(what, text, 256);
    /// The id of a registry, 1–64 characters.
    RegistryId: "a registry id", |what, text| check_service_id(what, text, 64);
    /// The id of a task of the service, 1–64 characters.
    TaskId: "a task id", |what, text| check_service_id(what, text, 64);
    /// The stable id of an operation, made of what it is and never of its position.
    OperationId: "an operation id", check_any;
    /// The id of one run: `YYYYMMDD-HHMMSS-xxxx`.
    RunId: "a run id", check_name;
    /// `sha256:` and 64 hex digits over the expanded, canonical, secret-free plan.
    PlanDigest: "a plan digest", |what, text| {
        let hex = text.strip_prefix("sha256:").unwrap_or("");
        if hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            Ok(())
        } else {
            Err(InvalidValue::new(what, "is not `sha256:` and 64 hexadecimal digits"))
        }
    };
}

impl RunId {
    /// A run whose id could not be made: never the case for a date and hexadecimal digits.
    #[must_use]
    pub fn unnamed() -> Self {
        Self("run".into())
    }
}

impl CredentialName {
    /// The credential that a plan uses when it names none.
    #[must_use]
    pub fn default_name() -> Self {
        Self("default".into())
    }
}

impl EnterpriseProjectId {
    /// `0`, the default enterprise project (API page: default value of `enterprise_project_id`).
    #[must_use]
    pub fn default_id() -> Self {
        Self("0".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_refuse_what_selections_and_ids_use() {
        assert!(ProjectName::parse("支付-1").is_ok());
        for bad in ["", "a b", "a/b", "a*", "x{{y}}", "a\u{1b}[31m", "a,b"] {
            assert!(ProjectName::parse(bad).is_err(), "{bad:?}");
        }
        assert!(ProjectName::parse(&"x".repeat(64)).is_ok());
        assert!(ProjectName::parse(&"x".repeat(65)).is_err());
    }

    #[test]
    fn ids_for_the_service_have_its_lengths_and_no_structure() {
        assert!(RegistryId::parse(&"r".repeat(64)).is_ok());
        assert!(RegistryId::parse(&"r".repeat(65)).is_err());
        assert!(ProjectId::parse(&"p".repeat(256)).is_ok());
        for bad in ["..", ".", "a/b", "a b", "a%2f", "{{x}}", "a?b", "a\nb"] {
            assert!(ProjectId::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_digest_is_exactly_a_digest() {
        assert!(PlanDigest::parse(&format!("sha256:{}", "0a".repeat(32))).is_ok());
        assert!(PlanDigest::parse("sha256:0a").is_err());
        assert!(PlanDigest::parse(&format!("sha256:{}", "0A".repeat(32))).is_err());
    }
}
