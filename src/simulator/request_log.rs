//! The request log: one line for each request, so that a test can prove what was sent and what was not.
//!
//! An entry holds no secret: of a credential it has the masked access key, of a body its digest.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write as _;

use serde::Serialize;

use super::fault::FaultKind;

/// One request, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogEntry {
    /// Its number since the start, from 1, in order of arrival.
    pub ordinal: u64,
    /// When it had arrived as a whole, in milliseconds on the run's clock.
    pub at_ms: u64,
    /// The method.
    pub method: String,
    /// The path, as sent.
    pub path: String,
    /// The `region` header; empty without one.
    pub region: String,
    /// The project id of the path.
    pub project_id: Option<String>,
    /// The query parameter.
    pub enterprise_project_id: Option<String>,
    /// SHA-256 of the body in hexadecimal; empty for an exchange with IAM or the metadata service, whose body is a secret.
    pub body_sha256: String,
    /// Whose credential verified: the access key, masked; `None` when none did.
    pub user: Option<String>,
    /// The status of the answer; `None` when none was sent.
    pub status: Option<u16>,
    /// The error code of the answer.
    pub error_code: Option<String>,
    /// Whether it created a task.
    pub committed: bool,
    /// The id of that task.
    pub task_id: Option<String>,
    /// What went wrong on purpose.
    pub fault: Option<FaultKind>,
}

/// How many of what there were since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SimulatorStats {
    /// Requests that arrived.
    pub requests: u64,
    /// POST requests to HSS among them.
    pub posts: u64,
    /// Requests for tokens and keys among them, at IAM and the metadata service.
    pub exchanges: u64,
    /// Tasks that were created.
    pub committed: u64,
    /// Answers with 429, injected ones included.
    pub throttled: u64,
    /// Answers with 401, injected ones included.
    pub unauthorized: u64,
    /// Requests with an injected fault.
    pub faults: u64,
}

/// The log in memory, and on disk if that was asked for.
#[derive(Debug)]
pub(super) struct RequestLog {
    entries: VecDeque<LogEntry>,
    keep: usize,
    file: Option<File>,
    error: Option<std::io::Error>,
    stats: SimulatorStats,
}

impl RequestLog {
    pub(super) fn new(keep: usize, file: Option<File>) -> Self {
        Self { entries: VecDeque::new(), keep, file, error: None, stats: SimulatorStats::default() }
    }

    /// Adds an entry. A file that can't be written is given up at the first error, which [`Self::error`] keeps.
    pub(super) fn add(&mut self, entry: LogEntry) {
        let stats = &mut self.stats;
        stats.requests += 1;
        stats.exchanges += u64::from(entry.body_sha256.is_empty());
        stats.posts += u64::from(entry.method == "POST" && !entry.body_sha256.is_empty());
        stats.committed += u64::from(entry.committed);
        stats.throttled += u64::from(entry.status == Some(429));
        stats.unauthorized += u64::from(entry.status == Some(401));
        stats.faults += u64::from(entry.fault.is_some());
        if let Some(file) = &mut self.file {
            let written = serde_json::to_vec(&entry).map_err(std::io::Error::from).and_then(|mut line| {
                line.push(b'\n');
                file.write_all(&line)
            });
            if let Err(error) = written {
                self.error = Some(error);
                self.file = None;
            }
        }
        if self.entries.len() >= self.keep {
            self.entries.pop_front();
        }
        if self.keep > 0 {
            self.entries.push_back(entry);
        }
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &LogEntry> {
        self.entries.iter()
    }

    pub(super) fn stats(&self) -> SimulatorStats {
        self.stats
    }

    pub(super) fn error(&self) -> Option<&std::io::Error> {
        self.error.as_ref()
    }
}

/// An access key as it may be shown: its first and last four characters.
pub(super) fn mask(user: &str) -> String {
    let characters: Vec<char> = user.chars().collect();
    match characters.len() {
        12.. => {
            let head: String = characters[..4].iter().collect();
            let tail: String = characters[characters.len() - 4..].iter().collect();
            format!("{head}…{tail}")
        }
        // `token-1`: our own name for a token, no part of it.
        _ if user.starts_with("token-") => user.to_owned(),
        _ => "…".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_key_is_masked() {
        assert_eq!(mask("SIMULATEDKEY00000001"), "SIMU…0001");
        assert_eq!(mask("SHORTKEY"), "…");
        assert_eq!(mask("token-1"), "token-1");
    }
}
