//! The simulator over real loopback connections: what a client sees, and what the request log says of it.
//!
//! Clients are plain sockets, so that a test can send what no HTTP library would.

mod api;
mod authenticate;
mod fault;
mod iam;
mod quota;
mod robustness;
mod tasks;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;
use crate::model::{
    EnterpriseProjectId, Method, ProjectId, Region, RegistryId, RegistryRef, RegistryType, Request, SyncBody,
};
use crate::sign;

/// A clock that moves when the test says so.
#[derive(Clone, Default)]
struct ManualClock {
    now_ms: Arc<AtomicU64>,
    /// Who waits on it waits for this part of the time; not at all when it is 0.
    wait_divisor: u32,
}

impl ManualClock {
    fn set_ms(&self, ms: u64) {
        self.now_ms.store(ms, Ordering::SeqCst);
    }

    /// The wall time of zero: 2026-01-15 08:00:00 UTC.
    fn origin() -> jiff::Timestamp {
        jiff::Timestamp::from_second(1_768_464_000).expect("legal")
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Duration {
        Duration::from_millis(self.now_ms.load(Ordering::SeqCst))
    }

    fn wall(&self) -> jiff::Timestamp {
        Self::origin() + self.now()
    }

    async fn sleep_until(&self, _: Duration) {}

    fn real(&self, duration: Duration) -> Duration {
        duration.checked_div(self.wait_divisor).unwrap_or(Duration::ZERO)
    }
}

/// A simulator on a clock that stands still, with its client.
struct Lab {
    simulator: RunningSimulator,
    clock: ManualClock,
    credential: Credential,
}

impl Lab {
    async fn start(config: SimulatorConfig) -> Self {
        Self::start_with(config, ManualClock::default()).await
    }

    async fn start_with(config: SimulatorConfig, clock: ManualClock) -> Self {
        let simulator = Simulator::start(config, clock.clone()).await.expect("a free port");
        Self { simulator, clock, credential: Simulator::credentials(1) }
    }

    async fn with_faults(faults: &str) -> Self {
        let faults = Faults::parse(faults).expect("legal");
        Self::start(SimulatorConfig { faults, quota: None, ..SimulatorConfig::default() }).await
    }

    /// A request to create a task, unsigned.
    fn create(&self, region: &str, project: &str) -> Request {
        let body = SyncBody {
            sync_all_registries: false,
            registry_info: vec![RegistryRef {
                registry_id: RegistryId::parse("77aa").expect("legal"),
                registry_type: RegistryType::Harbor,
            }],
        };
        Request::create_sync_task(
            self.simulator.endpoint(),
            &Region::parse(region).expect("legal"),
            &ProjectId::parse(project).expect("legal"),
            &EnterpriseProjectId::default_id(),
            &body,
        )
    }

    fn get(&self, path: &str, query: &[(&str, &str)]) -> Request {
        Request {
            method: Method::Get,
            endpoint: self.simulator.endpoint().clone(),
            path: path.to_owned(),
            query: query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            headers: vec![("region".to_owned(), "cn-north-4".to_owned())],
            body: Vec::new(),
        }
    }

    /// The bytes of a request, signed now.
    fn signed(&self, request: &Request) -> String {
        wire_text(request, &self.credential, self.clock.wall())
    }

    /// Signs and sends over a connection of its own.
    async fn call(&self, request: &Request) -> Reply {
        self.send(&self.signed(request)).await
    }

    async fn send(&self, text: &str) -> Reply {
        self.connect().await.exchange(text.as_bytes()).await.expect("an answer")
    }

    async fn connect(&self) -> Connection {
        Connection(TcpStream::connect(self.simulator.address()).await.expect("listening"))
    }

    fn last(&self) -> LogEntry {
        self.simulator.log().pop().expect("a request")
    }
}

/// A signed request as it goes over the wire.
fn wire_text(request: &Request, credential: &Credential, at: jiff::Timestamp) -> String {
    let signed = sign::sign(request, credential, at);
    let authority = request.endpoint.authority();
    let target = signed.url().split_once(authority).expect("its own host").1;
    let mut text = format!("{} {target} HTTP/1.1\r\nHost: {authority}\r\n", signed.method().as_str());
    for (name, value) in signed.headers() {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    let body = std::str::from_utf8(signed.body()).expect("JSON");
    text + &format!("Content-Length: {}\r\n\r\n{body}", body.len())
}

/// An answer.
#[derive(Debug)]
struct Reply {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    fn error_code(&self) -> String {
        self.json()["error_code"].as_str().expect("an error").to_owned()
    }
}

struct Connection(TcpStream);

impl Connection {
    /// Sends bytes and reads one answer; `None` when the connection ends first, or nothing comes for ten seconds.
    async fn exchange(&mut self, bytes: &[u8]) -> Option<Reply> {
        let exchange = async {
            // The other side may close while this is still being sent; its answer is what counts.
            let _ = self.0.write_all(bytes).await;
            self.read().await
        };
        tokio::time::timeout(Duration::from_secs(10), exchange).await.ok()?
    }

    async fn read(&mut self) -> Option<Reply> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).expect("an HTTP head");
        let status = head.get(9..12)?.parse().ok()?;
        let mut reply = Reply { status, head, body: Vec::new() };
        let length: usize = reply.header("content-length").expect("a length").parse().expect("a number");
        reply.body.resize(length, 0);
        self.0.read_exact(&mut reply.body).await.ok()?;
        Some(reply)
    }
}
