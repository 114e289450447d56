//! The server: accepts connections, reads calls, has them judged and delivers the verdicts.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, CONTENT_TYPE, DATE, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::fmt::rfc2822::DateTimePrinter;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::answer::Answer;
use super::call::{Call, read_body};
use super::config::SimulatorConfig;
use super::gateway::{Gateway, Verdict, request_id};
use super::wire::{AnswerBody, HUGE, Sabotage, Wire};
use crate::run::port::Clock;

/// Room for a request's head: a token may have 32,768 characters. hyper answers 431 to more.
const MAX_HEAD: usize = 64 * 1024;

/// How often a slow answer sends a byte, on the run's clock.
const SLOW_STEP: Duration = Duration::from_secs(1);

/// How long accepting pauses after the system refused to hand out a connection (no file descriptors left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What all connections share.
pub(super) struct Server<C> {
    config: Arc<SimulatorConfig>,
    clock: C,
    gateway: Arc<Mutex<Gateway>>,
    ordinals: AtomicU64,
}

/// The fault that closes a connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed without an answer")]
pub(super) struct Closed;

pub(super) fn lock(gateway: &Mutex<Gateway>) -> MutexGuard<'_, Gateway> {
    gateway.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<C: Clock + Send + Sync + 'static> Server<C> {
    pub(super) fn new(config: Arc<SimulatorConfig>, clock: C, gateway: Arc<Mutex<Gateway>>) -> Arc<Self> {
        Arc::new(Self { config, clock, gateway, ordinals: AtomicU64::new(0) })
    }

    /// Accepts connections until `stop`, which also ends those that are open.
    pub(super) async fn accept(self: Arc<Self>, listener: TcpListener, stop: CancellationToken, tasks: TaskTracker) {
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let connection = Arc::clone(&self).connection(stream, peer);
                    let stop = stop.clone();
                    tasks.spawn(async move { stop.run_until_cancelled_owned(connection).await });
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, peer: SocketAddr) {
        // Without it an answer in two pieces would wait for the client's delayed acknowledgement.
        let _ = stream.set_nodelay(true);
        let sabotage = Sabotage::default();
        let io = TokioIo::new(Wire::new(stream, sabotage.clone()));
        let service = hyper::service::service_fn(|request| self.serve(request, peer.ip(), &sabotage));
        // An error is a client that left or spoke no HTTP, or a fault that closes: nobody to tell.
        let _ = hyper::server::conn::http1::Builder::new()
            .max_buf_size(MAX_HEAD)
            .auto_date_header(false)
            .serve_connection(io, service)
            .await;
    }

    async fn serve(
        &self,
        request: Request<Incoming>,
        peer: IpAddr,
        sabotage: &Sabotage,
    ) -> Result<Response<AnswerBody>, Closed> {
        let ordinal = self.ordinals.fetch_add(1, Ordering::Relaxed) + 1;
        let (head, body) = request.into_parts();
        let (body, read) = match read_body(body).await.map_err(|_| Closed)? {
            Ok(body) => (body, Ok(())),
            Err(refusal) => (Bytes::new(), Err(refusal)),
        };
        let whole = read.is_ok();
        let mut call = Call {
            ordinal,
            at: self.clock.now(),
            wall: self.clock.wall(),
            peer,
            method: head.method,
            raw_path: head.uri.path().to_owned(),
            path: String::new(),
            query: Vec::new(),
            headers: head.headers,
            body,
        };
        let read = read.and_then(|()| call.decode(head.uri.query().unwrap_or_default()));
        // What is carried out is carried out now, whether or not the client waits for the answer.
        let verdict = lock(&self.gateway).judge(&call, read);
        let latency = self.config.faults.latency(self.config.seed, ordinal);
        if !latency.is_zero() {
            // Not the clock's own sleep: a future of a generic clock can't be sent to a spawned task.
            tokio::time::sleep(self.clock.real(latency)).await;
        }
        let mut response = self.deliver(verdict, &call, sabotage).await?;
        if !whole {
            // The rest of the body is still on the wire and not worth reading.
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }

    async fn deliver(
        &self,
        verdict: Verdict,
        call: &Call,
        sabotage: &Sabotage,
    ) -> Result<Response<AnswerBody>, Closed> {
        let (answer, body) = match verdict {
            Verdict::Send(answer) => {
                let body = AnswerBody::Whole(Some(answer.body.clone()).filter(|body| !body.is_empty()));
                (answer, body)
            }
            Verdict::Close => return Err(Closed),
            Verdict::Hang => std::future::pending().await,
            Verdict::Garbage => {
                sabotage.strike();
                let mut response = Response::new(AnswerBody::Whole(None));
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                return Ok(response);
            }
            Verdict::Huge => (Answer::ok(""), AnswerBody::Huge { left: HUGE }),
            Verdict::Slow => (Answer::ok(""), AnswerBody::slow(self.clock.real(SLOW_STEP))),
        };
        Ok(self.response(&answer, body, call))
    }

    fn response(&self, answer: &Answer, body: AnswerBody, call: &Call) -> Response<AnswerBody> {
        let mut response = Response::new(body);
        *response.status_mut() = answer.status;
        let headers = response.headers_mut();
        if answer.status != StatusCode::FOUND {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
        }
        let mut insert = |name, value: String| {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        };
        let id = request_id(&self.config, call);
        // IAM's own name for it, which the official SDK puts into its errors.
        if call.raw_path.starts_with("/v3") {
            insert(HeaderName::from_static("x-iam-trace-id"), id.clone());
        }
        insert(HeaderName::from_static("x-request-id"), id);
        if let Some(token) = &answer.subject_token {
            insert(HeaderName::from_static("x-subject-token"), token.clone());
        }
        if let Ok(date) = DateTimePrinter::new().timestamp_to_rfc9110_string(&self.clock.wall()) {
            insert(DATE, date);
        }
        if let Some(seconds) = answer.retry_after {
            insert(RETRY_AFTER, seconds.to_string());
        }
        if let Some(location) = &answer.location {
            insert(LOCATION, location.clone());
        }
        response
    }
}
