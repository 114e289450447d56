//! What commands that only read talk to: IAM and HSS by a client that can send nothing but GETs.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::Duration;

use super::Context;
use super::service::{ServiceError, find, read_certificate};
use crate::cli::ServiceArgs;
use crate::io::clock::RunClock;
use crate::io::credential::{CredentialError, CredentialStore, read_credentials_file};
use crate::io::endpoint::IamEndpoints;
use crate::io::http::{ExchangeClient, HttpOptions, HttpTransport, ReadClient};
use crate::model::CredentialName;
use crate::read::{Asker, ReadLimits};
use crate::resolve::{CheckedCredential, Standing};
use crate::run::port::Clock;

/// The other end of reads.
pub(super) struct Online {
    client: ReadClient,
    clock: RunClock,
    credentials: CredentialStore<RunClock>,
    /// All that were asked for, in order of name, with what became of them.
    pub(super) checked: Vec<CheckedCredential>,
    /// The first reason for which one is missing.
    missing: Option<CredentialError>,
}

impl Online {
    /// Finds credentials and makes the client. A credential that is missing is told in [`Online::checked`].
    ///
    /// # Errors
    /// When a flag is wrong or no client can be made.
    pub(super) async fn connect<'n>(
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
        let transport = HttpTransport::new(&HttpOptions { extra_roots, ..options }, clock.clone())?;

        let mut file = read_credentials_file(&context.environment);
        let (mut found, mut checked, mut missing) = (BTreeMap::new(), Vec::new(), None);
        for name in names.into_iter().collect::<BTreeSet<_>>() {
            let (source, standing) = match find(context, name, &mut file) {
                Ok(one) => {
                    let source = one.describe();
                    found.insert(name.clone(), one);
                    (source, Standing::Unproven)
                }
                Err(error) => {
                    let why = error.to_string();
                    missing.get_or_insert(error);
                    (String::new(), Standing::Missing(why))
                }
            };
            checked.push(CheckedCredential { name: name.clone(), source, standing });
        }
        let exchange = ExchangeClient::new(transport.clone());
        let credentials = CredentialStore::new(found, exchange, iam, clock.clone());
        let client = ReadClient::sharing(&transport);
        let mut online = Self { client, clock, credentials, checked, missing };
        online.probe().await;
        Ok(online)
    }

    /// Only an answer shows whether a server has an agency.
    async fn probe(&mut self) {
        let Err(error) = self.credentials.probe().await else { return };
        if let CredentialError::Missing { name, .. } = &error
            && let Some(one) = self.checked.iter_mut().find(|one| one.name == *name)
        {
            one.standing = Standing::Missing(error.to_string());
        }
        self.missing.get_or_insert(error);
    }

    /// Itself, if no credential is missing.
    ///
    /// # Errors
    /// The first one that is.
    pub(super) fn complete(mut self) -> Result<Self, ServiceError> {
        match self.missing.take() {
            Some(error) => Err(error.into()),
            None => Ok(self),
        }
    }

    /// The wall clock.
    pub(super) fn wall(&self) -> jiff::Timestamp {
        self.clock.wall()
    }

    /// Where IAM is.
    pub(super) fn iam(&self) -> &IamEndpoints {
        self.credentials.iam()
    }

    /// Asks within these limits.
    pub(super) fn asker<'a>(
        &'a self,
        limits: ReadLimits,
        notice: &'a dyn Fn(&str),
    ) -> Asker<'a, CredentialStore<RunClock>, RunClock> {
        Asker::new(self.client.clone(), &self.credentials, limits, &self.clock, notice)
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
    let output = runtime.block_on(future);
    super::end(runtime);
    Ok(output)
}
