//! The signer against the official SDK's vectors.

use std::time::Duration;

use super::*;
use crate::model::{Endpoint, EnterpriseProjectId, ProjectId, Region, Secret, SyncBody};

#[derive(serde::Deserialize)]
struct Vector {
    name: String,
    ak: String,
    sk: String,
    method: String,
    host: String,
    path: String,
    query: Vec<(String, String)>,
    headers: std::collections::BTreeMap<String, String>,
    body: String,
    x_sdk_date: String,
    expected: Expected,
}

#[derive(serde::Deserialize)]
struct Expected {
    canonical_request: String,
    authorization: String,
}

fn vectors() -> Vec<Vector> {
    let vectors: Vec<Vector> =
        serde_json::from_str(include_str!("../../tests/vectors/signing-vectors.json")).expect("the vectors are JSON");
    assert_eq!(vectors.len(), 8, "every vector is read");
    vectors
}

fn pairs(headers: &std::collections::BTreeMap<String, String>) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn header<'a>(signed: &'a SignedRequest, name: &str) -> Option<&'a str> {
    let mut hits = signed.headers().iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
    let hit = hits.next().map(|(_, value)| value.as_str());
    assert!(hits.next().is_none(), "{name} is there twice");
    hit
}

/// `20260115T080910Z` as a timestamp.
fn timestamp(x_sdk_date: &str) -> jiff::Timestamp {
    let date = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", x_sdk_date).expect("a date");
    jiff::tz::Offset::UTC.to_timestamp(date).expect("in range")
}

#[test]
fn canonical_request_and_signature_are_those_of_the_sdk() {
    for vector in vectors() {
        let mut headers = pairs(&vector.headers);
        headers.push(("Host".to_owned(), vector.host.clone()));
        headers.push(("X-Sdk-Date".to_owned(), vector.x_sdk_date.clone()));
        let unsigned = vector.headers.get("X-Sdk-Content-Sha256").cloned();
        let hash = unsigned.unwrap_or_else(|| payload_hash(vector.body.as_bytes()));
        let canonical = canonical_request(&vector.method, &vector.path, &vector.query, &headers, &hash);
        assert_eq!(canonical.text, vector.expected.canonical_request, "{}", vector.name);
        let signature = signature(&vector.sk, &vector.x_sdk_date, &canonical.text);
        let authorization = format!(
            "SDK-HMAC-SHA256 Access={}, SignedHeaders={}, Signature={signature}",
            vector.ak, canonical.signed_headers
        );
        assert_eq!(authorization, vector.expected.authorization, "{}", vector.name);
    }
}

#[test]
fn sign_gives_the_authorization_of_the_sdk() {
    // All but the unsigned payload, which we never send.
    for vector in vectors().into_iter().filter(|v| !v.headers.contains_key("X-Sdk-Content-Sha256")) {
        let mut headers = pairs(&vector.headers);
        headers.retain(|(name, _)| name != "X-Security-Token");
        let request = Request {
            method: if vector.method == "GET" { Method::Get } else { Method::Post },
            endpoint: Endpoint::parse(&format!("https://{}", vector.host)).expect("an endpoint"),
            path: vector.path.clone(),
            query: vector.query.clone(),
            headers,
            body: vector.body.clone().into_bytes(),
        };
        let token = vector.headers.get("X-Security-Token");
        let credential = Credential::AccessKey {
            access_key: vector.ak,
            secret_key: Secret::new(vector.sk),
            security_token: token.cloned().map(Secret::new),
        };
        let signed = sign(&request, &credential, timestamp(&vector.x_sdk_date));
        assert_eq!(header(&signed, "Authorization"), Some(&*vector.expected.authorization), "{}", vector.name);
        assert_eq!(header(&signed, "X-Sdk-Date"), Some(&*vector.x_sdk_date));
        assert_eq!(header(&signed, "X-Security-Token"), token.map(String::as_str));
        assert_eq!(header(&signed, "X-Auth-Token"), None);
        assert_eq!(header(&signed, "Host"), None, "the transport sets it from the URL");
        assert_eq!(signed.body(), vector.body.as_bytes());
    }
}

fn request() -> Request {
    Request::create_sync_task(
        &Endpoint::parse("http://127.0.0.1:8080").expect("an endpoint"),
        &Region::parse("cn-north-4").expect("a region"),
        &ProjectId::parse("项目+1").expect("a project id"),
        &EnterpriseProjectId::parse("all granted".replace(' ', "_").as_str()).expect("an id"),
        &SyncBody { sync_all_registries: true, registry_info: Vec::new() },
    )
}

fn key_pair() -> Credential {
    Credential::AccessKey {
        access_key: "AKIDEXAMPLE000000001".to_owned(),
        secret_key: Secret::new("SKEXAMPLE-very-secret".to_owned()),
        security_token: Some(Secret::new("TOKEN-very-secret".to_owned())),
    }
}

#[test]
fn what_is_sent_is_what_was_signed() {
    let mut request = request();
    request.query = vec![("z".to_owned(), "a b+c".to_owned()), ("a".to_owned(), String::new())];
    let signed = sign(&request, &key_pair(), timestamp("20260115T080910Z"));
    assert_eq!(
        signed.url(),
        // 项 is E9 A1 B9 in UTF-8, 目 is E7 9B AE; the order of the query is kept, and no slash is added.
        "http://127.0.0.1:8080/v5/%E9%A1%B9%E7%9B%AE%2B1/image/image-sync/tasks?z=a%20b%2Bc&a="
    );
    // reqwest parses the URL once more, and must find nothing to change in it.
    assert_eq!(url::Url::parse(signed.url()).expect("a URL").as_str(), signed.url());
    let names = header(&signed, "Authorization").expect("signed").split(", ").nth(1);
    assert_eq!(
        names,
        Some("SignedHeaders=content-type;host;region;x-project-id;x-sdk-date;x-security-token"),
        "all that we send is signed"
    );
}

#[test]
fn two_attempts_differ() {
    let first = timestamp("20260115T080910Z");
    let later = first + Duration::from_secs(1);
    let (a, b) = (sign(&request(), &key_pair(), first), sign(&request(), &key_pair(), later));
    assert_ne!(header(&a, "Authorization"), header(&b, "Authorization"));
    assert_eq!(header(&b, "X-Sdk-Date"), Some("20260115T080911Z"));
    assert_eq!(header(&a, "Authorization"), header(&sign(&request(), &key_pair(), first), "Authorization"));
}

#[test]
fn a_token_is_sent_and_nothing_is_signed() {
    let credential = Credential::Token(Secret::new("gAAAA-token".to_owned()));
    let signed = sign(&request(), &credential, timestamp("20260115T080910Z"));
    assert_eq!(header(&signed, "X-Auth-Token"), Some("gAAAA-token"));
    for absent in ["Authorization", "X-Sdk-Date", "X-Security-Token"] {
        assert_eq!(header(&signed, absent), None);
    }
    assert_eq!(header(&signed, "region"), Some("cn-north-4"));
}

#[test]
fn a_request_cannot_bring_its_own_proof() {
    let mut request = request();
    for name in ["authorization", "X-SDK-Date", "x-auth-token", "X-Security-Token", "HOST"] {
        request.headers.push((name.to_owned(), "forged".to_owned()));
    }
    let signed = sign(&request, &key_pair(), timestamp("20260115T080910Z"));
    assert!(signed.headers().iter().all(|(_, value)| value != "forged"), "{:?}", signed.headers());
}

#[test]
fn debug_shows_no_secret() {
    let signed = sign(&request(), &key_pair(), timestamp("20260115T080910Z"));
    let signature = header(&signed, "Authorization").expect("signed").rsplit('=').next().expect("a signature");
    for shown in [format!("{signed:?}"), format!("{:?}", key_pair()), format!("{:#?}", Some(key_pair()))] {
        for secret in ["very-secret", "AKIDEXAMPLE", signature] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
    assert_eq!(format!("{:?}", key_pair()), "Credential(temporary AK …0001)");
    let short = Credential::AccessKey {
        access_key: "short12".to_owned(),
        secret_key: Secret::new("x".to_owned()),
        security_token: None,
    };
    assert_eq!(short.masked(), "AK …", "too short to show a part of");
}
