//! What each fault looks like from outside, and what the log says was really done.

use super::*;

/// The one fault, the status that the client sees, and whether the task was created.
#[tokio::test]
async fn faults_with_an_answer() {
    for (fault, status, code, committed) in [
        ("429", 429, Some("APIGW.0308"), false),
        ("500", 500, Some("APIGW.0601"), false),
        ("502", 502, Some("APIGW.0202"), false),
        ("503", 503, Some("APIGW.0613"), false),
        ("504", 504, Some("APIGW.0203"), true),
        ("401", 401, Some("APIGW.0301"), false),
        ("403", 403, Some("APIGW.0302"), false),
        ("html", 200, None, false),
        ("empty", 200, None, true),
        ("redirect", 302, None, false),
        ("huge", 200, None, true),
        ("echo", 400, Some("HSS.0001"), false),
    ] {
        let lab = Lab::with_faults(&format!("{fault}:100%")).await;
        let reply = lab.call(&lab.create("cn-north-4", "p1")).await;
        assert_eq!(reply.status, status, "{fault}");
        if let Some(code) = code {
            assert_eq!(reply.error_code(), code, "{fault}");
        }
        assert!(reply.header("x-request-id").is_some(), "{fault}");
        let entry = lab.last();
        assert_eq!((entry.fault.map(FaultKind::as_str), entry.committed), (Some(fault), committed), "{fault}");
        assert_eq!(entry.status, Some(status), "{fault}");
        assert_eq!(lab.simulator.stats().committed, u64::from(committed), "{fault}");
    }
}

#[tokio::test]
async fn bodies_of_the_odd_successes() {
    let reply = |fault: &'static str| async move {
        let lab = Lab::with_faults(&format!("{fault}:100%")).await;
        lab.call(&lab.create("cn-north-4", "p1")).await
    };
    let html = reply("html").await;
    assert_eq!(html.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(html.body.starts_with(b"<!DOCTYPE html>"));
    assert!(reply("empty").await.body.is_empty());
    assert_eq!(reply("error-code").await.json()["error_code"], 1);
    let huge = reply("huge").await;
    assert_eq!(huge.body.len(), 64 * 1024 * 1024);
    assert!(huge.body.ends_with(b" {}"));
}

#[tokio::test]
async fn a_redirect_points_at_a_path_where_a_follower_is_seen() {
    let lab = Lab::with_faults("redirect:100%").await;
    let reply = lab.call(&lab.create("cn-north-4", "p1")).await;
    assert_eq!(reply.header("location"), Some("/redirected/1"));
    assert_eq!(lab.send("GET /redirected/1 HTTP/1.1\r\nHost: x\r\n\r\n").await.status, 404);
    assert_eq!(lab.last().path, "/redirected/1");
}

#[tokio::test]
async fn faults_without_an_answer() {
    for (fault, committed) in [("drop", false), ("drop-after", true)] {
        let lab = Lab::with_faults(&format!("{fault}:100%")).await;
        let request = lab.signed(&lab.create("cn-north-4", "p1"));
        assert!(lab.connect().await.exchange(request.as_bytes()).await.is_none(), "{fault}");
        assert_eq!((lab.last().status, lab.last().committed), (None, committed), "{fault}");
    }
}

#[tokio::test]
async fn garbage_is_no_http_and_then_the_end() {
    let lab = Lab::with_faults("garbage:100%").await;
    let mut connection = lab.connect().await;
    let request = lab.signed(&lab.create("cn-north-4", "p1"));
    connection.0.write_all(request.as_bytes()).await.expect("sent");
    let mut bytes = Vec::new();
    connection.0.read_to_end(&mut bytes).await.expect("an end");
    assert!(bytes.starts_with(b"\x16\x03\x01") && !bytes.starts_with(b"HTTP"), "{bytes:?}");
    assert!(bytes.len() < 64, "{bytes:?}");
    assert!(lab.last().committed);
}

#[tokio::test]
async fn a_hanging_call_is_never_answered_and_ends_with_the_simulator() {
    let lab = Lab::with_faults("hang:100%").await;
    let request = lab.signed(&lab.create("cn-north-4", "p1"));
    let mut connection = lab.connect().await;
    connection.0.write_all(request.as_bytes()).await.expect("sent");
    let silence = tokio::time::timeout(Duration::from_millis(200), connection.read()).await;
    assert!(silence.is_err(), "{silence:?}");
    assert!(lab.last().committed);
    lab.simulator.shutdown().await;
    assert!(connection.read().await.is_none());
}

/// A lab where 500 seconds of the run's clock take one.
async fn hasty(faults: &str) -> Lab {
    let config = SimulatorConfig { faults: Faults::parse(faults).expect("legal"), ..SimulatorConfig::default() };
    Lab::start_with(config, ManualClock { wait_divisor: 500, ..ManualClock::default() }).await
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a lower bound: the answer was really kept back")]
async fn a_slow_answer_comes_a_byte_a_second_of_the_runs_clock() {
    let lab = hasty("slow:100%").await;
    let started = tokio::time::Instant::now();
    let reply = lab.call(&lab.create("cn-north-4", "p1")).await;
    // 120 s / 500.
    assert!(started.elapsed() >= Duration::from_millis(240), "{:?}", started.elapsed());
    assert_eq!((reply.status, reply.body.len(), reply.json()), (200, 120, serde_json::json!({})));
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a lower bound: the answer was really kept back")]
async fn latency_delays_the_answer_but_not_the_task() {
    let lab = hasty("latency:100s").await;
    let request = lab.signed(&lab.create("cn-north-4", "p1"));
    let started = tokio::time::Instant::now();
    assert_eq!(lab.send(&request).await.status, 200);
    // 100 s / 500.
    assert!(started.elapsed() >= Duration::from_millis(200), "{:?}", started.elapsed());
    // A client that gives up has its task all the same.
    let mut connection = lab.connect().await;
    connection.0.write_all(request.as_bytes()).await.expect("sent");
    while lab.simulator.stats().requests < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(connection);
    assert_eq!(lab.simulator.stats().committed, 2);
}

#[tokio::test]
async fn an_echo_holds_the_secrets_in_three_encodings() {
    let token = r#"to"ken\+/="#;
    let secret = crate::model::Secret::new(token.to_owned());
    let faults = Faults::parse("echo:100%").expect("legal");
    let config = SimulatorConfig { faults, tokens: vec![secret.clone()], ..SimulatorConfig::default() };
    let lab = Lab::start(config).await;
    let reply =
        lab.send(&wire_text(&lab.create("cn-north-4", "p1"), &Credential::Token(secret), lab.clock.wall())).await;
    let body = reply.json();
    let field = |name: &str| body[name].as_str().expect("text").to_owned();
    assert!(field("error_description").contains(token));
    assert!(field("error_msg").contains(r#"to\"ken\\+/="#));
    assert!(field("request").contains("to%22ken%5C%2B%2F%3D"));

    let lab = Lab::with_faults("echo:100%").await;
    let reply = lab.call(&lab.create("cn-north-4", "p1")).await;
    assert!(String::from_utf8_lossy(&reply.body).contains("Signature="));
}

#[tokio::test]
async fn the_same_seed_gives_the_same_faults() {
    let mut runs = Vec::new();
    for seed in [1, 1, 3] {
        let faults = Faults::parse("429:20%,503:20%,empty:20%").expect("legal");
        let lab = Lab::start(SimulatorConfig { faults, seed, quota: None, ..SimulatorConfig::default() }).await;
        let mut statuses = Vec::new();
        for _ in 0..40 {
            statuses.push(lab.call(&lab.create("cn-north-4", "p1")).await.status);
        }
        runs.push(statuses);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

#[tokio::test]
async fn a_call_that_a_check_refuses_has_no_fault() {
    let lab = Lab::with_faults("empty:100%").await;
    let mut request = lab.create("cn-north-4", "p1");
    request.body = b"{}".to_vec();
    assert_eq!(lab.call(&request).await.status, 400);
    assert_eq!(lab.last().fault, None);
}
