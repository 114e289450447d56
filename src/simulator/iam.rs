//! The simulated IAM, as far as it gives tokens and temporary keys, and the metadata service of a cloud server.
//!
//! Both give what the gateway then accepts until its lifetime is over: a password a token for one project or for the account, the token of an
//! identity provider one without scope, such a token temporary keys, the server itself temporary keys of its agency.
//! Paths and fields are those of the API pages and of the official SDK 3.1.219.

use std::time::Duration;

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::answer::{Answer, Refusal};
use super::authenticate::{Authenticator, TokenScope, User};
use super::call::Call;
use super::config::{KeyPair, SimulatedIam};
use super::dice::mix;
use super::projects::Projects;
use super::world::stable_id;
use crate::model::Secret;

/// How long keys of IAM may be asked for, in seconds.
const KEY_SECONDS: std::ops::RangeInclusive<u64> = 900..=86_400;
/// What the official SDK looks for in the answer of a server without an agency.
const NO_AGENCY: &str = "Please configure Cloud Service Agency first";

/// Something that is given for a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exchange {
    /// `POST /v3/auth/tokens`.
    PasswordToken,
    /// `POST /v3.0/OS-AUTH/id-token/tokens`.
    FederatedToken,
    /// `POST /v3.0/OS-CREDENTIAL/securitytokens`.
    TemporaryKeys,
    /// `PUT /meta-data/latest/api/token`.
    MetadataToken,
    /// `GET /openstack/latest/securitykey`.
    AgencyKeys,
}

impl Exchange {
    /// Which one a call asks for, if it asks for one.
    pub(super) fn find(call: &Call) -> Option<Self> {
        Some(match (&call.method, call.path.as_str()) {
            (&Method::POST, "/v3/auth/tokens") => Self::PasswordToken,
            (&Method::POST, "/v3.0/OS-AUTH/id-token/tokens") => Self::FederatedToken,
            (&Method::POST, "/v3.0/OS-CREDENTIAL/securitytokens") => Self::TemporaryKeys,
            (&Method::PUT, "/meta-data/latest/api/token") => Self::MetadataToken,
            (&Method::GET, "/openstack/latest/securitykey") => Self::AgencyKeys,
            _ => return None,
        })
    }
}

/// What was given out.
#[derive(Debug)]
pub(super) struct Iam {
    config: SimulatedIam,
    seed: u64,
    given: u64,
    metadata_tokens: Vec<Secret>,
    /// Every secret that was given out, for tests that look for them.
    pub(super) secrets: Vec<Secret>,
}

impl Iam {
    pub(super) fn new(config: SimulatedIam, seed: u64) -> Self {
        Self { config, seed, given: 0, metadata_tokens: Vec::new(), secrets: Vec::new() }
    }

    /// Answers a call, and has the gateway know what was given; also whom it knows it as.
    ///
    /// # Errors
    /// The proof is wrong.
    pub(super) fn answer(
        &mut self,
        exchange: Exchange,
        call: &Call,
        known: &mut Authenticator,
        projects: &Projects,
    ) -> Result<(Answer, Option<User>), Refusal> {
        match exchange {
            Exchange::PasswordToken => self.password_token(call, known, projects),
            Exchange::FederatedToken => self.federated_token(call, known),
            Exchange::TemporaryKeys => self.temporary_keys(call, known),
            Exchange::MetadataToken => self.metadata_token(call),
            Exchange::AgencyKeys => self.agency_keys(call, known),
        }
    }

    fn password_token(
        &mut self,
        call: &Call,
        known: &mut Authenticator,
        projects: &Projects,
    ) -> Result<(Answer, Option<User>), Refusal> {
        let auth = auth_of(call)?;
        if auth["identity"]["methods"] != json!(["password"]) {
            return Err(Refusal::iam(StatusCode::BAD_REQUEST, "the method is not password"));
        }
        let asked = &auth["identity"]["password"]["user"];
        let user = self.config.users.iter().find(|user| {
            asked["name"] == user.name.as_str()
                && asked["domain"]["name"] == user.domain.as_str()
                && asked["password"] == user.password.expose()
        });
        let Some((user, domain)) = user.map(|user| (user.name.clone(), user.domain.clone())) else {
            return Err(Refusal::iam(StatusCode::UNAUTHORIZED, "The username or password is wrong."));
        };
        let scope = &auth["scope"];
        if scope["project"].is_null() && scope["domain"]["name"] == domain.as_str() {
            let about = json!({ "methods": ["password"], "user": { "name": user }, "domain": { "name": domain } });
            return Ok(self.give_token(call, known, TokenScope::Account, about));
        }
        let project = match (scope["project"]["id"].as_str(), scope["project"]["name"].as_str()) {
            (Some(id), None) => projects.has(id).then(|| id.to_owned()),
            (None, Some(name)) => projects.id_of(name),
            _ => {
                let message = "the scope is neither the user's domain nor a project with an id or a name";
                return Err(Refusal::iam(StatusCode::BAD_REQUEST, message));
            }
        };
        let project = project.ok_or_else(|| Refusal::iam(StatusCode::UNAUTHORIZED, "The project does not exist."))?;
        let about = json!({ "methods": ["password"], "user": { "name": user }, "project": { "id": project } });
        Ok(self.give_token(call, known, TokenScope::Project(project), about))
    }

    fn federated_token(&mut self, call: &Call, known: &mut Authenticator) -> Result<(Answer, Option<User>), Refusal> {
        let auth = auth_of(call)?;
        let idp = call.header("x-idp-id").unwrap_or_default().into_owned();
        let shown = auth["id_token"]["id"].as_str().unwrap_or_default();
        let good = self.config.providers.iter().any(|(id, token)| *id == idp && token.expose() == shown);
        if !good {
            return Err(Refusal::iam(StatusCode::UNAUTHORIZED, "The id token is not one of this identity provider."));
        }
        let about = json!({ "methods": ["mapped"], "user": { "name": "FederationUser" } });
        Ok(self.give_token(call, known, TokenScope::Unscoped, about))
    }

    fn temporary_keys(&mut self, call: &Call, known: &mut Authenticator) -> Result<(Answer, Option<User>), Refusal> {
        let auth = auth_of(call)?;
        let token = &auth["identity"]["token"];
        if auth["identity"]["methods"] != json!(["token"]) {
            return Err(Refusal::iam(StatusCode::BAD_REQUEST, "the method is not token"));
        }
        known.verify_token(token["id"].as_str().unwrap_or_default(), call.at)?;
        let seconds = token["duration_seconds"].as_u64().unwrap_or(900);
        if !KEY_SECONDS.contains(&seconds) {
            return Err(Refusal::iam(StatusCode::BAD_REQUEST, "duration_seconds is not from 900 to 86400"));
        }
        let lifetime = self.config.lifetime.min(Duration::from_secs(seconds));
        Ok(self.give_keys(call, known, lifetime, StatusCode::CREATED))
    }

    fn metadata_token(&mut self, call: &Call) -> Result<(Answer, Option<User>), Refusal> {
        let refuse = |status, message: &str| Err(Refusal::iam(status, message));
        if !self.config.metadata_tokens {
            return refuse(StatusCode::NOT_FOUND, "there is nothing here");
        }
        if call.header("x-metadata-token-ttl-seconds").is_none_or(|ttl| ttl.parse::<u32>().is_err()) {
            return refuse(StatusCode::BAD_REQUEST, "X-Metadata-Token-Ttl-Seconds is no number");
        }
        let token = self.secret("metadata");
        self.metadata_tokens.push(token.clone());
        Ok((Answer { content_type: "text/plain", ..Answer::ok(token.expose().to_owned()) }, None))
    }

    fn agency_keys(&mut self, call: &Call, known: &mut Authenticator) -> Result<(Answer, Option<User>), Refusal> {
        let token = call.header("x-metadata-token").unwrap_or_default();
        let has_token = self.metadata_tokens.iter().any(|given| given.expose() == token);
        if self.config.metadata_tokens && !has_token {
            return Err(Refusal::iam(StatusCode::UNAUTHORIZED, "the metadata token is missing or wrong"));
        }
        if !self.config.agency {
            return Err(Refusal::iam(StatusCode::UNAUTHORIZED, NO_AGENCY));
        }
        Ok(self.give_keys(call, known, self.config.lifetime, StatusCode::OK))
    }

    fn give_token(
        &mut self,
        call: &Call,
        known: &mut Authenticator,
        scope: TokenScope,
        mut about: Value,
    ) -> (Answer, Option<User>) {
        let token = self.secret("token");
        let lifetime = self.config.lifetime;
        about["issued_at"] = json!(timestamp(call.wall));
        about["expires_at"] = json!(end(call, lifetime));
        let user = known.add_token(token.clone(), scope, call.at + lifetime);
        let answer = Answer {
            status: StatusCode::CREATED,
            subject_token: Some(token.expose().to_owned()),
            ..Answer::ok(json!({ "token": about }).to_string())
        };
        (answer, Some(user))
    }

    fn give_keys(
        &mut self,
        call: &Call,
        known: &mut Authenticator,
        lifetime: Duration,
        status: StatusCode,
    ) -> (Answer, Option<User>) {
        let (secret, token) = (self.secret("secret"), self.secret("token"));
        let pair = KeyPair {
            access_key: format!("SIMULATEDTEMP{:08}", self.given),
            secret_key: secret.clone(),
            security_token: Some(token.clone()),
        };
        let credential = json!({
            "access": pair.access_key, "secret": secret.expose(), "securitytoken": token.expose(),
            "expires_at": end(call, lifetime),
        });
        let user = known.add_keys(pair, call.at + lifetime);
        (Answer { status, ..Answer::ok(json!({ "credential": credential }).to_string()) }, Some(user))
    }

    /// A secret that follows from the seed and the number of those before it, with characters that JSON, URLs and HTML
    /// write differently.
    fn secret(&mut self, kind: &str) -> Secret {
        self.given += 1;
        let digits = stable_id(&format!("{kind}/{}/{}", self.seed, mix(self.seed, self.given)));
        let secret = Secret::new(format!("Simulated-{kind}/+={digits}"));
        self.secrets.push(secret.clone());
        secret
    }
}

/// The `auth` of a body.
fn auth_of(call: &Call) -> Result<Value, Refusal> {
    let body: Value =
        serde_json::from_slice(&call.body).map_err(|_| Refusal::iam(StatusCode::BAD_REQUEST, "the body is no JSON"))?;
    Ok(body["auth"].clone())
}

fn end(call: &Call, lifetime: Duration) -> String {
    timestamp(call.wall.checked_add(lifetime).unwrap_or(call.wall))
}

fn timestamp(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}
