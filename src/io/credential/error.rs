//! Why there is no credential. No text of it holds a value.

use crate::model::CredentialName;

/// Why there is no credential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// A source of which only a part is set.
    #[error(
        "credential `{name}`: {present} is set, but {missing}; set that as well, or unset {present} to let the next \
         source count"
    )]
    HalfSet {
        /// The credential's name in the plan.
        name: CredentialName,
        /// A variable that is set.
        present: String,
        /// What is missing, with its verb: `HW_SECRET_KEY is not`.
        missing: String,
    },
    /// A value that no key or token can have.
    #[error("credential `{name}`: the value of {variable} {reason}; set it anew (the value is not shown)")]
    BadValue {
        /// The credential's name in the plan.
        name: CredentialName,
        /// The variable.
        variable: String,
        /// What is wrong with the value.
        reason: String,
    },
    /// The credentials file was meant and can't be used.
    #[error("credential `{name}`: {problem}")]
    File {
        /// The credential's name in the plan.
        name: CredentialName,
        /// What is wrong, where, and what now.
        problem: String,
    },
    /// No source is complete.
    #[error(
        "credential `{name}`: no source is complete; looked for, in this order:\n{}\nset one of these; README.md, \
         \"Going live\", says more",
        lines(.looked)
    )]
    Missing {
        /// The credential's name in the plan.
        name: CredentialName,
        /// The sources, in order.
        looked: Vec<Looked>,
    },
}

/// A source that was looked for and is not complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// What and where: `CLOUD_SDK_AK + CLOUD_SDK_SK`.
    pub what: String,
    /// What was found there: `not set`.
    pub found: String,
}

fn lines(looked: &[Looked]) -> String {
    let lines: Vec<String> = looked.iter().map(|each| format!("- {}: {}", each.what, each.found)).collect();
    lines.join("\n")
}
