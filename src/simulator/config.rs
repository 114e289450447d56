//! What a simulator is started with, and why it can't be started.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::dice::{TimeRange, mix};
use super::fault::Faults;
use super::projects::SimulatedProject;
use super::registries::SimulatedRegistry;
use super::task_fault::TaskFaults;
use crate::model::{Quota, Secret};

/// An access key pair that the simulator accepts.
#[derive(Clone, Debug)]
pub struct KeyPair {
    /// AK.
    pub access_key: String,
    /// SK.
    pub secret_key: Secret,
    /// The `X-Security-Token` that must come with it, for a temporary pair.
    pub security_token: Option<Secret>,
}

impl KeyPair {
    /// A made-up pair, the same for the same seed, whose name tells what it is: `SIMULATEDKEY00000001`.
    #[must_use]
    pub fn made_up(seed: u64) -> Self {
        let words = [mix(seed, 1), mix(seed, 2)];
        Self {
            access_key: format!("SIMULATEDKEY{:08}", seed % 100_000_000),
            secret_key: Secret::new(format!("simulated{:016x}{:015x}", words[0], words[1] >> 4)),
            security_token: None,
        }
    }
}

/// A user of the simulated IAM.
#[derive(Clone, Debug)]
pub struct SimulatedUser {
    /// The user's name.
    pub name: String,
    /// The name of the account.
    pub domain: String,
    /// The password.
    pub password: Secret,
}

/// The simulated IAM and metadata service: whom they know, and for how long what they give is good.
#[derive(Clone, Debug)]
pub struct SimulatedIam {
    /// Who may log in with a password.
    pub users: Vec<SimulatedUser>,
    /// Identity providers: their ids, and the token that each of them gives.
    pub providers: Vec<(String, Secret)>,
    /// Whether the server has an agency, so that its metadata service gives keys.
    pub agency: bool,
    /// Whether the metadata service asks for a token first, as newer ones do.
    pub metadata_tokens: bool,
    /// How long tokens and keys are good, on the run's clock.
    pub lifetime: Duration,
    /// What goes wrong with exchanges on purpose; the other faults leave them alone.
    pub faults: Faults,
}

impl SimulatedIam {
    /// A made-up user, identity provider and agency, whose names tell what they are: `simulated-user` of the account
    /// `simulated-domain` with `simulated-password`, and `simulated-idp` with the token `simulated-id-token`.
    #[must_use]
    pub fn made_up() -> Self {
        let secret = |text: &str| Secret::new(text.to_owned());
        let (name, domain) = ("simulated-user".to_owned(), "simulated-domain".to_owned());
        Self {
            users: vec![SimulatedUser { name, domain, password: secret("simulated-password") }],
            providers: vec![("simulated-idp".to_owned(), secret("simulated-id-token"))],
            agency: true,
            ..Self::default()
        }
    }
}

impl Default for SimulatedIam {
    /// Nobody is known, and what is given is good for a day.
    fn default() -> Self {
        Self {
            users: Vec::new(),
            providers: Vec::new(),
            agency: false,
            metadata_tokens: true,
            lifetime: Duration::from_secs(24 * 3600),
            faults: Faults::default(),
        }
    }
}

/// The tasks of the simulated HSS: how long they take, and what goes wrong with them on purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulatedTasks {
    /// How long a task takes, on the run's clock.
    pub time: TimeRange,
    /// What goes wrong.
    pub faults: TaskFaults,
}

impl Default for SimulatedTasks {
    /// 30 s to 2 min, and nothing goes wrong.
    fn default() -> Self {
        let time = TimeRange::new(Duration::from_secs(30), Duration::from_secs(120));
        Self { time, faults: TaskFaults::default() }
    }
}

/// How a simulator behaves.
#[derive(Clone, Debug)]
pub struct SimulatorConfig {
    /// Where to listen: a loopback address; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Calls that one user, and one source address, may make of one API in one region; `None`: as many as they like.
    /// Its scope is not used: both buckets are always kept.
    pub quota: Option<Quota>,
    /// Whether refused calls use up quota as well, as is reported of a sister service (CCE).
    pub refused_calls_count: bool,
    /// The text of a 429 in place of the gateway's usual one.
    pub throttle_text: Option<String>,
    /// Accepted key pairs.
    pub keys: Vec<KeyPair>,
    /// Accepted tokens (`X-Auth-Token`).
    pub tokens: Vec<Secret>,
    /// IAM and the metadata service.
    pub iam: SimulatedIam,
    /// What goes wrong on purpose.
    pub faults: Faults,
    /// Tasks.
    pub tasks: SimulatedTasks,
    /// Decides which requests and tasks get a fault, how long tasks take, and all made-up ids.
    pub seed: u64,
    /// The registries of every project; `None`: five made-up ones.
    pub registries: Option<Vec<SimulatedRegistry>>,
    /// The projects of the account, all others being refused; `None`: one for each region, and any id that isn't another
    /// region's.
    pub projects: Option<Vec<SimulatedProject>>,
    /// Appends one NDJSON line for each request to this file.
    pub log: Option<PathBuf>,
    /// Requests whose log entry is kept in memory; the oldest are dropped beyond it.
    pub keep_log: usize,
}

impl SimulatorConfig {
    /// A free port of 127.0.0.1, the published quota, the made-up key pair of this seed, no faults.
    #[must_use]
    pub fn with_seed(seed: u64) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            quota: Some(Quota::default()),
            refused_calls_count: false,
            throttle_text: None,
            keys: vec![KeyPair::made_up(seed)],
            tokens: Vec::new(),
            iam: SimulatedIam::default(),
            faults: Faults::default(),
            tasks: SimulatedTasks::default(),
            seed,
            registries: None,
            projects: None,
            log: None,
            keep_log: 100_000,
        }
    }
}

impl Default for SimulatorConfig {
    /// With seed 1.
    fn default() -> Self {
        Self::with_seed(1)
    }
}

/// Why a simulator could not be started.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// It would have been reachable from other machines.
    #[error(
        "the simulator listens on loopback only and refuses {0}: its credentials are public; use 127.0.0.1 or [::1]"
    )]
    NotLoopback(SocketAddr),
    /// The address could not be bound.
    #[error("the simulator can't listen on {address}: {source}; choose another port, or 0 for a free one")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The request log could not be opened.
    #[error("the simulator can't open its request log {}: {source}; choose a path that can be written", path.display())]
    Log {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_keys_are_stable_and_look_made_up() {
        let pair = KeyPair::made_up(1);
        assert_eq!(pair.access_key, "SIMULATEDKEY00000001");
        assert_eq!(pair.secret_key.expose(), KeyPair::made_up(1).secret_key.expose());
        assert_ne!(pair.secret_key.expose(), KeyPair::made_up(2).secret_key.expose());
        assert_eq!(pair.secret_key.expose().len(), 40);
    }
}
