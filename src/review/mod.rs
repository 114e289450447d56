//! Documents that a review has at hand: the lock that `plan --out` saves, and operations that others list.
//!
//! [`lock`] writes and reads locks, and holds one to what it lists; [`listed`] reads the operations of a report or of
//! `plan --format json`, as far as they say what was planned. `docs/review.md` explains what they are for.

mod listed;
mod lock;

pub use listed::{Listed, read_listed};
pub use lock::{Lock, Locked, Unlike, read_lock, write_lock};

/// The published schema of a lock (JSON Schema draft-07).
pub const LOCK_SCHEMA: &str = include_str!("../../schemas/lock.schema.json");

/// What a text turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// A lock.
    Lock,
    /// The report of a run.
    Report,
    /// What `plan --format json` prints.
    Listing,
}

impl Document {
    /// What the text is, by its members; nothing if it is a plan, or not JSON.
    #[must_use]
    pub fn detect(text: &str) -> Option<Self> {
        #[derive(serde::Deserialize)]
        struct Members {
            schema_version: Option<serde::de::IgnoredAny>,
            sources: Option<serde::de::IgnoredAny>,
            run: Option<serde::de::IgnoredAny>,
            operations: Option<serde::de::IgnoredAny>,
        }
        if !text.trim_start().starts_with('{') {
            return None;
        }
        let members: Members = serde_json::from_str(text).ok()?;
        match members {
            Members { schema_version: None, .. } => None,
            Members { sources: Some(_), .. } => Some(Self::Lock),
            Members { run: Some(_), .. } => Some(Self::Report),
            Members { operations: Some(_), .. } => Some(Self::Listing),
            _ => None,
        }
    }
}

/// A URL as scheme with host, and the rest.
fn split_url(url: &str) -> (&str, &str) {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url[host..].find('/').map_or(url.len(), |end| host + end);
    url.split_at(end)
}
