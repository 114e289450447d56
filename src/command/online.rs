//! What commands that only read talk to: IAM and HSS by a client that can send nothing but GETs.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::Duration;

use super::Context;
use super::service::{ServiceError, read_certificate};
use crate::cli::ServiceArgs;
use crate::io::clock::RunClock;
use crate::io::credential::{CredentialError, find_credential};
use crate::io::endpoint::IamEndpoints;
use crate::io::http::{HttpOptions, ReadClient};
use crate::model::CredentialName;
use crate::read::{ReadLimits, Reader};
use crate::resolve::{CheckedCredential, Standing};
use crate::run::port::Clock;
use crate::sign::Credential;

/// The other end of reads.
pub(super) struct Online {
    client: ReadClient,
    iam: IamEndpoints,
    clock: RunClock,
    /// Those that there are.
    pub(super) credentials: BTreeMap<CredentialName, Credential>,
    /// All that were asked for, in order of name, with what became of them.
    pub(super) checked: Vec<CheckedCredential>,
    /// The first reason for which one is missing.
    pub(super) missing: Option<CredentialError>,
}

impl Online {
    /// Finds credentials and makes the client; connects to nothing. A credential that is missing is told by
    /// [`Online::missing`].
    ///
    /// # Errors
    /// When a flag is wrong or no client can be made.
    pub(super) fn connect<'n>(
        context: &Context,
        service: &ServiceArgs,
        names: impl IntoIterator<Item = &'n CredentialName>,
        (concurrency, attempt_timeout): (usize, Duration),
    ) -> Result<Self, ServiceError> {
        let iam = IamEndpoints::new(service.iam_endpoint.as_deref(), &context.environment);
        let iam = iam.map_err(ServiceError::Usage)?;
        let clock = RunClock::start(NonZeroU32::MIN);
        let extra_roots = service.ca_cert.as_deref().map(read_certificate).transpose()?;
        let options = HttpOptions::new(concurrency, attempt_timeout, &context.environment);
        let client = ReadClient::new(&HttpOptions { extra_roots, ..options }, clock.clone())?;
        let mut online = Self { client, iam, clock, credentials: BTreeMap::new(), checked: Vec::new(), missing: None };
        for name in names.into_iter().collect::<BTreeSet<_>>() {
            online.find(context, name);
        }
        Ok(online)
    }

    fn find(&mut self, context: &Context, name: &CredentialName) {
        let (source, standing) = match find_credential(name, &context.environment) {
            Ok(found) => {
                let source = found.describe();
                context.console.detail(&format!("credential {name}: {source}"));
                self.credentials.insert(name.clone(), found.credential);
                (source, Standing::Unproven)
            }
            Err(error) => {
                let why = error.to_string();
                self.missing.get_or_insert(error);
                (String::new(), Standing::Missing(why))
            }
        };
        self.checked.push(CheckedCredential { name: name.clone(), source, standing });
    }

    /// The wall clock.
    pub(super) fn wall(&self) -> jiff::Timestamp {
        self.clock.wall()
    }

    /// A reader for these limits.
    pub(super) fn reader<'a>(&'a self, limits: ReadLimits, notice: &'a dyn Fn(&str)) -> Reader<'a, RunClock> {
        Reader::new(self.client.clone(), &self.credentials, &self.iam, limits, &self.clock, notice)
    }
}

/// Runs what reads to its end.
///
/// # Errors
/// When the machine refuses timers or sockets.
pub(super) fn block_on<F: Future>(future: F) -> Result<F::Output, ServiceError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        ServiceError::Usage(format!("the machine refuses what asking a service needs (timers, sockets): {error}"))
    })?;
    Ok(runtime.block_on(future))
}
