//! HTTP by reqwest: the one place that opens connections to a service.
//!
//! It sends a signed request once, reads what comes back within bounds, and says how far a request without an answer got.
//! Nothing is followed, repeated, cached or judged here: that is `policy::classify`'s. (The pool may move a request that has
//! not begun from a connection that turns out to be closed to another one; once a byte is written it never does.) [`ReadClient`] is for commands that
//! must not change anything, [`ExchangeClient`] gets tokens and keys.

mod exchange;
mod in_time;
mod read;
mod roots;
#[cfg(test)]
mod tests;

pub use exchange::{Exchange, ExchangeAnswer, ExchangeClient, ExchangeMethod};
pub use read::{Read, ReadClient};

use std::collections::BTreeMap;
use std::error::Error as _;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use self::in_time::InTime;
use super::clock::RunClock;
use super::open_files::room_for;
use crate::model::{Method, Secret};
use crate::policy::{Answer, SendError};
use crate::run::port::Transport;
use crate::sign::SignedRequest;

/// No more of the body of an answer to a request that changes something is read.
pub const LONGEST_BODY: usize = 64 * 1024;
/// No more of the body of an answer to a read is read: a page of 200 registries, each with 20 kB.
pub const LONGEST_READ: usize = 4 * 1024 * 1024;
/// An idle connection is closed early: a server that closes it while we send leaves an operation unknown.
const IDLE: Duration = Duration::from_secs(5);
/// A connection that takes longer won't come.
const LONGEST_CONNECT: Duration = Duration::from_secs(10);
/// Hosts that are never asked for through a proxy.
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";
/// Headers whose values no log may show.
const SENSITIVE: [&str; 5] =
    ["authorization", "x-auth-token", "x-security-token", "x-subject-token", "x-metadata-token"];

/// How to connect.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// Connections worth keeping: the concurrency of the run.
    pub concurrency: usize,
    /// Time for name, connection and TLS together, on the machine's clock. Running out of it means that nothing was sent,
    /// so it should be shorter than an attempt's: see [`HttpOptions::new`].
    pub connect_timeout: Duration,
    /// PEM text with further roots to trust, from `--ca-cert`.
    pub extra_roots: Option<Vec<u8>>,
    /// Only loopback will be asked for: no proxy, and no system roots are read.
    pub loopback_only: bool,
    /// Connect here over plain HTTP, whatever host a request is for; the host stays in the `Host` header, and so in what was
    /// signed. For the embedded simulator, as `curl --connect-to`.
    pub connect_to: Option<SocketAddr>,
    /// `HTTPS_PROXY`: a URL, which may hold a password.
    pub https_proxy: Option<Secret>,
    /// `NO_PROXY`: hosts, domains and networks, separated by commas.
    pub no_proxy: Option<String>,
    /// `SSL_CERT_FILE` or `SSL_CERT_DIR` says where the system's roots are, and they are read from nowhere else.
    pub roots_named: bool,
}

impl HttpOptions {
    /// Options for a run with this concurrency and attempts of this length, with the proxies that the environment names, as
    /// curl reads them: `HTTPS_PROXY`, else `ALL_PROXY`, and `NO_PROXY`, also in lower case.
    #[must_use]
    pub fn new(concurrency: usize, attempt_timeout: Duration, environment: &BTreeMap<String, String>) -> Self {
        let first = |names: &[&str]| {
            names
                .iter()
                .find_map(|name| environment.get(*name).map(|v| v.trim()).filter(|v| !v.is_empty()))
                .map(str::to_owned)
        };
        Self {
            concurrency,
            connect_timeout: LONGEST_CONNECT.min(attempt_timeout / 2),
            extra_roots: None,
            loopback_only: false,
            connect_to: None,
            https_proxy: first(&["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]).map(Secret::new),
            no_proxy: first(&["NO_PROXY", "no_proxy"]),
            roots_named: ["SSL_CERT_FILE", "SSL_CERT_DIR"].iter().any(|name| environment.contains_key(*name)),
        }
    }

    /// Options for a simulator in the same process or machine.
    #[must_use]
    pub fn loopback(concurrency: usize, attempt_timeout: Duration) -> Self {
        Self { loopback_only: true, ..Self::new(concurrency, attempt_timeout, &BTreeMap::new()) }
    }
}

/// Why no client could be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpSetupError {
    /// The system has no CA certificates.
    #[error(
        "no CA certificates were found on this system, so that no service can be trusted; install them (often the package \
         ca-certificates), or give a PEM file with --ca-cert"
    )]
    NoRoots,
    /// `--ca-cert` holds nothing usable.
    #[error("the file given with --ca-cert holds no usable PEM certificate ({0}); it must hold CERTIFICATE blocks")]
    BadRoots(String),
    /// The proxy is no URL. Its value may hold a password and isn't shown.
    #[error("HTTPS_PROXY is not a proxy URL such as http://proxy.example:3128 (its value is not shown)")]
    BadProxy,
    /// Anything else.
    #[error("the HTTP client could not be set up: {0}")]
    Other(String),
}

/// Sends signed requests, each exactly once. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct HttpTransport {
    client: reqwest::Client,
    capacity: Option<NonZeroUsize>,
    connect_to: Option<SocketAddr>,
    clock: RunClock,
}

impl HttpTransport {
    /// Sets up the client; connects to nothing. Timeouts of requests are on `clock`, so that an answer which comes while
    /// the process is stopped is there afterwards.
    ///
    /// # Errors
    /// When roots or proxy are not usable.
    pub fn new(options: &HttpOptions, clock: RunClock) -> Result<Self, HttpSetupError> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // Someone else may install it in between, which is as good.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let capacity = room_for(options.concurrency);
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("hss-sync/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .tls_version_min(reqwest::tls::Version::TLS_1_2)
            .connect_timeout(options.connect_timeout)
            // Where there is little room, connections that wait for their next request take none.
            .pool_max_idle_per_host(if capacity.is_none() { options.concurrency } else { 1 })
            .pool_idle_timeout(IDLE)
            // The environment comes in with the options, and is not read once more.
            .no_proxy();
        let roots = match &options.extra_roots {
            Some(pem) => roots::read(pem)?,
            None => Vec::new(),
        };
        builder = if options.loopback_only {
            builder.tls_certs_only(roots)
        } else {
            roots::trust(builder, roots, options.roots_named)
        };
        if let Some(url) = options.https_proxy.as_ref().filter(|_| !options.loopback_only) {
            let not_for = match &options.no_proxy {
                Some(list) => format!("{list},{LOOPBACK}"),
                None => LOOPBACK.to_owned(),
            };
            let proxy = reqwest::Proxy::https(url.expose()).map_err(|_| HttpSetupError::BadProxy)?;
            builder = builder.proxy(proxy.no_proxy(reqwest::NoProxy::from_string(&not_for)));
        }
        let client = builder.build().map_err(|error| {
            let detail = chain(&error.without_url());
            match &options.extra_roots {
                _ if detail.contains("No CA certificates") => HttpSetupError::NoRoots,
                Some(_) if detail.contains("certificate") => HttpSetupError::BadRoots(detail),
                _ => HttpSetupError::Other(detail),
            }
        })?;
        Ok(Self { client, capacity, connect_to: options.connect_to, clock })
    }

    /// Where the request really goes, with the header that keeps the host it is for.
    fn reroute(&self, url: &str, headers: &mut HeaderMap) -> Option<String> {
        let address = self.connect_to?;
        let (_, rest) = url.split_once("://")?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        headers.insert(reqwest::header::HOST, HeaderValue::from_str(authority).ok()?);
        Some(format!("http://{address}{path}"))
    }
}

impl HttpTransport {
    /// Sends the request once and reads at most `longest` bytes of the answer's body.
    async fn exchange(&self, request: SignedRequest, timeout: Duration, longest: usize) -> Result<Answer, SendError> {
        let method = match request.method() {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
        };
        let mut headers = header_map(request.headers())?;
        let rerouted = self.reroute(request.url(), &mut headers);
        let url = rerouted.as_deref().unwrap_or(request.url());
        let prepared = self.client.request(method, url).headers(headers).body(request.into_body());
        let mut time = InTime::start(&self.clock, timeout);
        let Some(sent) = time.await_or_give_up(prepared.send()).await else {
            return Err(no_answer(timeout));
        };
        Ok(read_answer(sent.map_err(how_far)?, &mut time, longest).await)
    }
}

impl Transport for HttpTransport {
    async fn send(&self, request: SignedRequest, timeout: Duration) -> Result<Answer, SendError> {
        self.exchange(request, timeout, LONGEST_BODY).await
    }

    fn capacity(&self) -> Option<NonZeroUsize> {
        self.capacity
    }
}

fn header_map(pairs: &[(String, String)]) -> Result<HeaderMap, SendError> {
    let mut headers = HeaderMap::with_capacity(pairs.len());
    for (name, value) in pairs {
        let bad = |what| SendError::NotSent { detail: format!("the header {name:?} {what}") };
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad("has no legal name"))?;
        let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| bad("has no legal value"))?;
        value.set_sensitive(SENSITIVE.contains(&name.as_str()));
        headers.append(name, value);
    }
    Ok(headers)
}

/// Whether a request without an answer can have been sent. Only what certainly was not sent is called so: a request that
/// can't be built, a name that isn't found, a connection or TLS session (through a proxy or not) that doesn't come about.
fn how_far(error: reqwest::Error) -> SendError {
    let error = error.without_url();
    let not_sent = error.is_builder() || error.is_connect();
    let detail = if not_sent && error.is_timeout() { "the connection took too long".to_owned() } else { chain(&error) };
    if not_sent { SendError::NotSent { detail } } else { SendError::NoAnswer { detail } }
}

/// The time of an attempt is over. Whether its request had left by then, nobody knows.
fn no_answer(timeout: Duration) -> SendError {
    SendError::NoAnswer { detail: format!("no answer after sending (timeout {} s)", timeout.as_secs_f64()) }
}

/// The causes of an error, outermost first, each once.
fn chain(error: &reqwest::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(text) = untrusted(error) {
            return text.to_owned();
        }
        let text = error.to_string();
        // The client's word for its own stages says nothing to a person: what failed stands in its cause.
        let text = match text.strip_prefix("client error (") {
            Some(_) if error.source().is_some() => String::new(),
            _ => text,
        };
        if !text.is_empty() && parts.last().is_none_or(|last| *last != text) {
            parts.push(text);
        }
        cause = error.source();
    }
    if parts.is_empty() { error.to_string() } else { parts.join(": ") }
}

/// What is wrong with a certificate and what to do about it, in place of the library's words.
fn untrusted(error: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    use rustls::CertificateError as Bad;
    let mut inner = error;
    // An I/O error doesn't count what it wraps among its causes.
    while let Some(wrapped) = inner.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        inner = wrapped;
    }
    let Some(rustls::Error::InvalidCertificate(bad)) = inner.downcast_ref() else { return None };
    Some(match bad {
        Bad::Expired | Bad::ExpiredContext { .. } => {
            "the certificate has expired: check this machine's clock, else the service has to renew it"
        }
        Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
            "the certificate is not valid yet: check this machine's clock, else the service has to renew it"
        }
        Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
            "the certificate is for another host: check the endpoint and the proxy"
        }
        Bad::UnknownIssuer => {
            "the certificate is self-signed or of an authority that this machine doesn't know: if you trust that, give the \
             authority's certificate with --ca-cert"
        }
        Bad::Revoked => "the certificate was revoked",
        _ => return None,
    })
}

/// Reads the answer up to `longest` bytes of its body, and then lets the connection go.
async fn read_answer(mut response: reqwest::Response, time: &mut InTime<'_>, longest: usize) -> Answer {
    let header =
        |name: &str| response.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let mut answer = Answer {
        status: response.status().as_u16(),
        content_type: header("content-type").map(|kind| kind.to_ascii_lowercase()),
        retry_after: header("retry-after"),
        date: header("date"),
        request_id: header("x-request-id").or_else(|| header("x-iam-trace-id")),
        location: header("location"),
        ..Answer::default()
    };
    loop {
        match time.await_or_give_up(response.chunk()).await {
            Some(Ok(Some(chunk))) => {
                let room = longest - answer.body.len();
                answer.body.extend_from_slice(&chunk[..chunk.len().min(room)]);
                if chunk.len() > room {
                    answer.truncated = true;
                    return answer;
                }
            }
            Some(Ok(None)) => return answer,
            // The status has come, the rest has not.
            Some(Err(_)) | None => {
                answer.cut_off = true;
                return answer;
            }
        }
    }
}
