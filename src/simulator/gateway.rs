//! What becomes of a call: the checks of a real gateway in their order, then the fault, then the service.
//!
//! A call that is refused by a check has no fault: the fault is what happens to a call that deserved its answer. All
//! state is here, owned by one value and changed by one call at a time.

use std::net::IpAddr;
use std::sync::Arc;

use hyper::StatusCode;

use super::answer::{Answer, Refusal};
use super::api::{self, Route};
use super::authenticate::{Authenticator, User};
use super::call::Call;
use super::config::SimulatorConfig;
use super::dice::mix;
use super::echo::echo;
use super::fault::FaultKind;
use super::iam::{Exchange, Iam};
use super::request_log::{LogEntry, RequestLog, mask};
use super::tasks::{Order, SimulatedTask};
use super::window::Windows;
use super::world::World;
use crate::model::{Quota, RegistryType, Secret};
use crate::sign;

/// What the server does with a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Send this.
    Send(Answer),
    /// Send nothing and close the connection.
    Close,
    /// Send nothing and keep the connection open.
    Hang,
    /// Send bytes that are no HTTP.
    Garbage,
    /// Send 200 and 64 MiB.
    Huge,
    /// Send 200, very slowly.
    Slow,
}

/// The region and user, or region and address, of one API.
type BucketKey<T> = (&'static str, String, T);

/// The gateway and the service behind it.
#[derive(Debug)]
pub(super) struct Gateway {
    config: Arc<SimulatorConfig>,
    authenticator: Authenticator,
    users: Windows<BucketKey<User>>,
    addresses: Windows<BucketKey<IpAddr>>,
    world: World,
    iam: Iam,
    pub(super) log: RequestLog,
}

/// What a call had shown before its answer was decided; becomes its log entry.
#[derive(Default)]
struct Seen {
    project_id: Option<String>,
    user: Option<User>,
    fault: Option<FaultKind>,
    task_id: Option<String>,
    error_code: Option<&'static str>,
}

impl Gateway {
    pub(super) fn new(config: Arc<SimulatorConfig>, log: RequestLog) -> Self {
        Self {
            authenticator: Authenticator::new(&config.keys, &config.tokens),
            users: Windows::new(),
            addresses: Windows::new(),
            world: World::new(&config),
            iam: Iam::new(config.iam.clone(), config.seed),
            log,
            config,
        }
    }

    /// Decides about a call and logs it. `read` is the refusal of a call that couldn't be read.
    pub(super) fn judge(&mut self, call: &Call, read: Result<(), Refusal>) -> Verdict {
        let mut seen = Seen::default();
        let exchange = Exchange::find(call);
        let body_hash = sign::payload_hash(&call.body);
        let verdict = read.and_then(|()| match exchange {
            Some(exchange) => self.exchange(exchange, call, &mut seen),
            None => self.decide(call, &body_hash, &mut seen),
        });
        let verdict = verdict.unwrap_or_else(|refusal| {
            seen.error_code = Some(refusal.code);
            Verdict::Send(refusal.into_answer(&request_id(&self.config, call), self.config.faults.retry_after()))
        });
        let status = match &verdict {
            Verdict::Send(answer) => Some(answer.status.as_u16()),
            Verdict::Huge | Verdict::Slow => Some(200),
            Verdict::Close | Verdict::Hang | Verdict::Garbage => None,
        };
        self.log.add(LogEntry {
            ordinal: call.ordinal,
            at_ms: u64::try_from(call.at.as_millis()).unwrap_or(u64::MAX),
            method: call.method.as_str().to_owned(),
            path: call.raw_path.clone(),
            region: call.region(),
            project_id: seen.project_id,
            enterprise_project_id: call.parameter("enterprise_project_id").map(str::to_owned),
            // A digest of a password could be tried against a list of words.
            body_sha256: if exchange.is_some() { String::new() } else { body_hash },
            user: seen.user.map(|user| mask(&user.0)),
            status,
            error_code: seen.error_code.map(str::to_owned),
            committed: seen.task_id.is_some(),
            task_id: seen.task_id,
            fault: seen.fault,
        });
        verdict
    }

    /// Tokens and keys for a proof: no signature, no quota, and faults of their own.
    fn exchange(&mut self, exchange: Exchange, call: &Call, seen: &mut Seen) -> Result<Verdict, Refusal> {
        seen.fault = self.config.iam.faults.of(self.config.seed, call.ordinal);
        if let Some(fault) = seen.fault {
            return self.spoil(fault, call);
        }
        let (answer, user) = self.iam.answer(exchange, call, &mut self.authenticator, &self.world.projects)?;
        seen.user = user;
        Ok(Verdict::Send(answer))
    }

    /// Every task that was made, in order of creation.
    pub(super) fn tasks(&self) -> Vec<SimulatedTask> {
        self.world.tasks.made()
    }

    /// Every secret that was given out.
    pub(super) fn given_secrets(&self) -> Vec<Secret> {
        self.iam.secrets.clone()
    }

    fn decide(&mut self, call: &Call, body_hash: &str, seen: &mut Seen) -> Result<Verdict, Refusal> {
        let route = Route::find(call)?;
        seen.project_id = route.project_id().map(str::to_owned);
        let user = self.authenticator.authenticate(call, body_hash)?;
        seen.user = Some(user.clone());
        check_project(&route, call, &self.world)?;
        self.authenticator.check_scope(call, route.project_id())?;
        self.check_quota(&route, call, user)?;
        // A write is checked before its fault and carried out after it was decided that the fault lets it.
        let create = match &route {
            Route::CreateSyncTask { .. } => Some((api::parse_create(call)?, api::enterprise_project(call)?)),
            _ => None,
        };
        seen.fault = self.config.faults.of(self.config.seed, call.ordinal);
        if seen.fault.is_none_or(FaultKind::commits) {
            seen.task_id = create.map(|(asked, enterprise)| self.create(&route, call, enterprise, asked.as_deref()));
        }
        match seen.fault {
            Some(fault) => self.spoil(fault, call),
            None => api::answer(&route, call, &self.world).map(Verdict::Send),
        }
    }

    fn create(
        &mut self,
        route: &Route,
        call: &Call,
        enterprise_project_id: &str,
        registries: Option<&[(String, RegistryType)]>,
    ) -> String {
        self.world.create_task(&Order {
            region: &call.region(),
            project_id: route.project_id().unwrap_or_default(),
            enterprise_project_id,
            registries,
            at: (call.at, call.wall),
        })
    }

    /// The published limit is for each API, and for each user as well as each source address; each region has a gateway
    /// of its own. IAM isn't part of it.
    fn check_quota(&mut self, route: &Route, call: &Call, user: User) -> Result<(), Refusal> {
        let Some(quota) = self.config.quota.filter(|_| *route != Route::ListProjects) else { return Ok(()) };
        let region = call.region();
        let user = (route.name(), region.clone(), user);
        let address = (route.name(), region, call.peer);
        let user_wait = self.users.wait(&user, &quota, call.at);
        let address_wait = self.addresses.wait(&address, &quota, call.at);
        let refused = !user_wait.is_zero() || !address_wait.is_zero();
        if !refused || self.config.refused_calls_count {
            self.users.count(user, &quota, call.at);
            self.addresses.count(address, &quota, call.at);
        }
        if !refused {
            return Ok(());
        }
        let policy = if user_wait.is_zero() { "ip" } else { "user" };
        Err(self.throttled(policy, &quota, user_wait.max(address_wait)))
    }

    fn throttled(&self, policy: &str, quota: &Quota, wait: std::time::Duration) -> Refusal {
        let mut refusal = Refusal::throttled(policy, quota, wait);
        if let Some(text) = &self.config.throttle_text {
            refusal.message.clone_from(text);
        }
        refusal
    }

    /// The answer of a fault.
    fn spoil(&self, fault: FaultKind, call: &Call) -> Result<Verdict, Refusal> {
        let refuse = |status, code, message: &str| Err(Refusal::gateway(status, code, message));
        match fault {
            FaultKind::Throttled => {
                let quota = self.config.quota.unwrap_or_default();
                Err(self.throttled("user", &quota, quota.per))
            }
            FaultKind::Internal => refuse(StatusCode::INTERNAL_SERVER_ERROR, "APIGW.0601", "Internal server error"),
            FaultKind::BadGateway => refuse(StatusCode::BAD_GATEWAY, "APIGW.0202", "Backend unavailable"),
            FaultKind::Unavailable => {
                let message = "The IAM service is unavailable";
                let mut refusal = Refusal::gateway(StatusCode::SERVICE_UNAVAILABLE, "APIGW.0613", message);
                refusal.retry_after = Some(std::time::Duration::from_secs(5));
                Err(refusal)
            }
            FaultKind::GatewayTimeout => refuse(StatusCode::GATEWAY_TIMEOUT, "APIGW.0203", "Backend timeout"),
            FaultKind::Unauthorized => Err(Refusal::unauthorized("verify aksk signature fail")),
            FaultKind::Forbidden => refuse(StatusCode::FORBIDDEN, "APIGW.0302", "The IAM user is not allowed"),
            FaultKind::Drop | FaultKind::DropAfter => Ok(Verdict::Close),
            FaultKind::Hang => Ok(Verdict::Hang),
            FaultKind::Html => {
                let page = "<!DOCTYPE html><html><head><title>Sign in</title></head><body><form method=\"post\">\
                            <input name=\"user\"><input type=\"password\" name=\"pass\"></form></body></html>";
                Ok(Verdict::Send(Answer { content_type: "text/html; charset=utf-8", ..Answer::ok(page) }))
            }
            FaultKind::Empty => Ok(Verdict::Send(Answer::ok(""))),
            FaultKind::ErrorCode => {
                let body = r#"{"error_code":1,"error_description":"failed"}"#;
                Ok(Verdict::Send(Answer::ok(body)))
            }
            FaultKind::Redirect => {
                let location = Some(format!("/redirected/{}", call.ordinal));
                Ok(Verdict::Send(Answer { status: StatusCode::FOUND, location, ..Answer::ok("") }))
            }
            FaultKind::Huge => Ok(Verdict::Huge),
            FaultKind::Slow => Ok(Verdict::Slow),
            FaultKind::Garbage => Ok(Verdict::Garbage),
            FaultKind::Echo => Ok(Verdict::Send(echo(call))),
        }
    }
}

/// Path and header must name the same project, and the account must have it in the call's region.
fn check_project(route: &Route, call: &Call, world: &World) -> Result<(), Refusal> {
    let Some(project_id) = route.project_id() else { return Ok(()) };
    let length = project_id.chars().count();
    if !(1..=256).contains(&length) {
        return Err(Refusal::parameter(format!("the length of project_id is {length}, not 1 to 256")));
    }
    if call.headers.contains_key("x-project-id") && call.header("x-project-id").as_deref() != Some(project_id) {
        let message = "The IAM user is not allowed: X-Project-Id does not match the project of the path";
        return Err(Refusal::gateway(StatusCode::FORBIDDEN, "APIGW.0302", message));
    }
    if world.projects.is_foreign(project_id, &call.region()) {
        let message = "The IAM user is not allowed: the account has no such project in this region";
        return Err(Refusal::gateway(StatusCode::FORBIDDEN, "APIGW.0302", message));
    }
    Ok(())
}

/// The `X-Request-Id` of a call.
pub(super) fn request_id(config: &SimulatorConfig, call: &Call) -> String {
    let high = mix(config.seed, call.ordinal);
    format!("{high:016x}{:016x}", call.ordinal)
}
