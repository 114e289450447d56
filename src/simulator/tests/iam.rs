//! Tokens and keys for a proof, and what the gateway makes of them afterwards.

use serde_json::{Value, json};

use super::*;
use crate::sign::Credential;

async fn lab() -> Lab {
    let iam = SimulatedIam { lifetime: Duration::from_secs(3600), ..SimulatedIam::made_up() };
    Lab::start(SimulatorConfig { iam, ..SimulatorConfig::default() }).await
}

impl Lab {
    async fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Reply {
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\nHost: iam\r\n{headers}Content-Length: {length}\r\n\r\n");
        self.send(&(head + body)).await
    }

    async fn post(&self, path: &str, headers: &str, auth: &Value) -> Reply {
        self.ask("POST", path, headers, &json!({ "auth": auth }).to_string()).await
    }

    async fn create_with(&self, credential: &Credential, project: &str) -> Reply {
        self.send(&wire_text(&self.create("cn-north-4", project), credential, self.clock.wall())).await
    }
}

fn login(name: &str, domain: &str, password: &str, scope: Value) -> Value {
    let user = json!({ "name": name, "domain": { "name": domain }, "password": password });
    json!({ "identity": { "methods": ["password"], "password": { "user": user } }, "scope": scope })
}

fn good_login(project: &str) -> Value {
    login("simulated-user", "simulated-domain", "simulated-password", json!({ "project": { "id": project } }))
}

fn token(reply: &Reply) -> Credential {
    Credential::Token(Secret::new(reply.header("x-subject-token").expect("a token").to_owned()))
}

const TOKENS: &str = "/v3/auth/tokens";
const ID_TOKENS: &str = "/v3.0/OS-AUTH/id-token/tokens";
const KEYS: &str = "/v3.0/OS-CREDENTIAL/securitytokens";

#[tokio::test]
async fn a_password_gives_a_token_for_one_project_until_its_end() {
    let lab = lab().await;
    let reply = lab.post(TOKENS, "", &good_login("p1")).await;
    assert_eq!((reply.status, &reply.json()["token"]["expires_at"]), (201, &json!("2026-01-15T09:00:00.000000Z")));
    let entry = lab.last();
    assert_eq!((entry.user.as_deref(), entry.status, entry.committed), (Some("token-1"), Some(201), false));
    // A digest of a password could be tried against a list of words.
    assert_eq!(entry.body_sha256, "");
    let token = token(&reply);
    assert_eq!(lab.create_with(&token, "p1").await.status, 200);
    assert_eq!(lab.create_with(&token, "p2").await.error_code(), "APIGW.0301");
    lab.clock.set_ms(3_599_999);
    assert_eq!(lab.create_with(&token, "p1").await.status, 200);
    lab.clock.set_ms(3_600_000);
    let late = lab.create_with(&token, "p1").await;
    assert_eq!((late.status, late.error_code().as_str()), (401, "APIGW.0307"));
    assert_eq!((lab.simulator.stats().exchanges, lab.simulator.stats().posts), (1, 4));
}

#[tokio::test]
async fn a_wrong_proof_gives_nothing() {
    let lab = lab().await;
    let project = || json!({ "project": { "id": "p1" } });
    let (user, domain, password) = ("simulated-user", "simulated-domain", "simulated-password");
    let by_id_token = |token: &str| json!({ "id_token": { "id": token } });
    let idp = "X-Idp-Id: simulated-idp\r\n";
    for (path, headers, auth, status) in [
        (TOKENS, "", login("other", domain, password, project()), 401),
        (TOKENS, "", login(user, "other", password, project()), 401),
        (TOKENS, "", login(user, domain, "other", project()), 401),
        (TOKENS, "", login(user, domain, password, json!({ "domain": {} })), 400),
        (TOKENS, "", login(user, domain, password, json!({ "project": { "name": "mars-1" } })), 401),
        (TOKENS, "", json!({ "identity": { "methods": ["totp"] } }), 400),
        (ID_TOKENS, idp, by_id_token("other"), 401),
        (ID_TOKENS, "", by_id_token("simulated-id-token"), 401),
        (KEYS, "", json!({ "identity": { "methods": ["token"], "token": { "id": "other" } } }), 401),
        (KEYS, "", json!({ "identity": { "methods": ["assume_role"] } }), 400),
    ] {
        let reply = lab.post(path, headers, &auth).await;
        assert_eq!((reply.status, reply.header("x-subject-token")), (status, None), "{auth}");
    }
    assert_eq!(lab.ask("POST", TOKENS, "", "no json").await.json()["error"]["code"], 400);
    assert_eq!(lab.ask("GET", TOKENS, "", "").await.error_code(), "APIGW.0101");
    assert!(lab.simulator.given_secrets().is_empty());
}

#[tokio::test]
async fn the_token_of_a_provider_is_good_for_keys_and_for_nothing_else() {
    let lab = lab().await;
    let by_id_token = json!({ "id_token": { "id": "simulated-id-token" } });
    let reply = lab.post(ID_TOKENS, "X-Idp-Id: simulated-idp\r\n", &by_id_token).await;
    assert_eq!(reply.status, 201);
    let unscoped = reply.header("x-subject-token").expect("a token").to_owned();
    assert_eq!(lab.create_with(&token(&reply), "p1").await.status, 401);
    let by_token = |seconds: u64| json!({ "identity": { "methods": ["token"], "token": { "id": unscoped, "duration_seconds": seconds } } });
    assert_eq!(lab.post(KEYS, "", &by_token(899)).await.status, 400);
    let reply = lab.post(KEYS, "", &by_token(900)).await;
    assert_eq!((reply.status, &reply.json()["credential"]["expires_at"]), (201, &json!("2026-01-15T08:15:00.000000Z")));
    keys_work_until(&lab, &reply, 900_000).await;
}

#[tokio::test]
async fn a_server_asks_for_a_token_and_gives_the_keys_of_its_agency() {
    let lab = lab().await;
    let (put, get) = ("/meta-data/latest/api/token", "/openstack/latest/securitykey");
    assert_eq!(lab.ask("GET", get, "", "").await.status, 401);
    assert_eq!(lab.ask("PUT", put, "", "").await.status, 400);
    let reply = lab.ask("PUT", put, "X-Metadata-Token-Ttl-Seconds: 21600\r\n", "").await;
    let header = format!("X-Metadata-Token: {}\r\n", String::from_utf8(reply.body).expect("text"));
    let reply = lab.ask("GET", get, &header, "").await;
    assert_eq!(reply.status, 200);
    keys_work_until(&lab, &reply, 3_600_000).await;
}

async fn keys_work_until(lab: &Lab, reply: &Reply, end_ms: u64) {
    let body = reply.json();
    let text = |field: &str| body["credential"][field].as_str().expect("text").to_owned();
    let keys = Credential::AccessKey {
        access_key: text("access"),
        secret_key: Secret::new(text("secret")),
        security_token: Some(Secret::new(text("securitytoken"))),
    };
    lab.clock.set_ms(end_ms - 1);
    assert_eq!(lab.create_with(&keys, "p1").await.status, 200);
    lab.clock.set_ms(end_ms);
    assert_eq!(lab.create_with(&keys, "p1").await.error_code(), "APIGW.0301");
}

#[tokio::test]
async fn exchanges_have_faults_of_their_own_and_no_quota() {
    let faults = Faults::parse("503:100%").expect("legal");
    let iam = SimulatedIam { faults, ..SimulatedIam::made_up() };
    let lab = Lab::start(SimulatorConfig { iam, ..SimulatorConfig::default() }).await;
    for _ in 0..10 {
        assert_eq!(lab.post(TOKENS, "", &good_login("p1")).await.status, 503);
    }
    assert_eq!(lab.call(&lab.create("cn-north-4", "p1")).await.status, 200);
    let faults = Faults::parse("503:100%").expect("legal");
    let lab = Lab::start(SimulatorConfig { faults, iam: SimulatedIam::made_up(), ..SimulatorConfig::default() }).await;
    assert_eq!(lab.post(TOKENS, "", &good_login("p1")).await.status, 201);
}
