//! A client that can only read.
//!
//! `plan --online`, `check` and look-ups get this one and not [`HttpTransport`]: there is no method and no argument by which
//! it could be made to send anything but a GET.

use std::time::Duration;

use super::{HttpOptions, HttpSetupError, HttpTransport, LONGEST_READ};
use crate::io::clock::RunClock;
use crate::model::{Endpoint, Method, Request};
use crate::policy::{Answer, SendError};
use crate::sign::{Credential, sign};

/// Something to read. It has no method and no body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// Scheme, host and port.
    pub endpoint: Endpoint,
    /// The path, decoded.
    pub path: String,
    /// Query names and values, decoded.
    pub query: Vec<(String, String)>,
    /// Headers besides those that signing adds.
    pub headers: Vec<(String, String)>,
}

/// Sends GETs and nothing else.
///
/// It is no transport, so nothing that creates tasks accepts it:
///
/// ```compile_fail
/// fn needs_transport(_: &impl hss_sync::run::port::Transport) {}
/// fn reads_only(client: &hss_sync::io::http::ReadClient) {
///     needs_transport(client);
/// }
/// ```
///
/// while the one that sends is accepted there:
///
/// ```
/// fn needs_transport(_: &impl hss_sync::run::port::Transport) {}
/// fn sends(transport: &hss_sync::io::http::HttpTransport) {
///     needs_transport(transport);
/// }
/// ```
#[derive(Clone, Debug)]
pub struct ReadClient {
    transport: HttpTransport,
}

impl ReadClient {
    /// Sets up the client; connects to nothing. Timeouts of reads are on `clock`.
    ///
    /// # Errors
    /// When roots or proxy are not usable.
    pub fn new(options: &HttpOptions, clock: RunClock) -> Result<Self, HttpSetupError> {
        HttpTransport::new(options, clock).map(|transport| Self { transport })
    }

    /// A client that reads over the connections of `transport` and on its clock, for a run that looks before it sends.
    #[must_use]
    pub fn sharing(transport: &HttpTransport) -> Self {
        Self { transport: transport.clone() }
    }

    /// Signs the read at `at` and sends it once, within `timeout` in all, on the client's clock; reads at most
    /// [`LONGEST_READ`] bytes of the body.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn get(
        &self,
        read: &Read,
        credential: &Credential,
        at: jiff::Timestamp,
        timeout: Duration,
    ) -> Result<Answer, SendError> {
        let request = Request {
            method: Method::Get,
            endpoint: read.endpoint.clone(),
            path: read.path.clone(),
            query: read.query.clone(),
            headers: read.headers.clone(),
            body: Vec::new(),
        };
        self.transport.exchange(sign(&request, credential, at), timeout, LONGEST_READ).await
    }
}
