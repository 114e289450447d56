//! The quota: strict sliding windows by user and by source address, for each API and region.

use super::*;
use crate::model::Quota;

#[tokio::test]
async fn the_sixth_call_of_a_window_is_refused_and_the_next_allowed_right_after_it() {
    let lab = Lab::start(SimulatorConfig::default()).await;
    let request = lab.create("cn-north-4", "p1");
    // The window slides: what counts is not the minute of the clock but the last sixty seconds.
    for (at_ms, status) in [
        (30_000, 200),
        (31_000, 200),
        (45_000, 200),
        (59_000, 200),
        (61_000, 200),
        (61_000, 429),
        (89_999, 429),
        (90_000, 200),
        (90_000, 429),
        (91_000, 200),
    ] {
        lab.clock.set_ms(at_ms);
        assert_eq!(lab.call(&request).await.status, status, "at {at_ms} ms");
    }
    let reply = lab.call(&request).await;
    assert_eq!(reply.error_code(), "APIGW.0308");
    assert_eq!(
        reply.json()["error_msg"],
        "The throttling threshold has been reached: policy user over ratelimit,limit:5,time:1 minute"
    );
    assert_eq!(reply.header("retry-after"), None);
    assert_eq!(lab.simulator.stats().throttled, 4);
    assert_eq!(lab.simulator.stats().committed, 7);
}

#[tokio::test]
async fn each_region_and_each_api_has_its_own_window() {
    let lab = Lab::start(SimulatorConfig::default()).await;
    for region in ["cn-north-4", "cn-north-1"] {
        for n in 1..=6 {
            let status = if n <= 5 { 200 } else { 429 };
            assert_eq!(lab.call(&lab.create(region, "p1")).await.status, status, "{region} {n}");
        }
    }
    assert_eq!(lab.call(&lab.get("/v5/p1/image/tasks", &[("type", "image_sync")])).await.status, 200);
}

#[tokio::test]
async fn a_second_credential_does_not_help_from_the_same_address() {
    let keys = vec![KeyPair::made_up(1), KeyPair::made_up(2)];
    let lab = Lab::start(SimulatorConfig { keys, ..SimulatorConfig::default() }).await;
    let request = lab.create("cn-north-4", "p1");
    for _ in 0..5 {
        assert_eq!(lab.call(&request).await.status, 200);
    }
    let reply = lab.send(&wire_text(&request, &Simulator::credentials(2), lab.clock.wall())).await;
    assert_eq!(reply.status, 429);
    assert!(reply.json()["error_msg"].as_str().is_some_and(|text| text.contains("policy ip over ratelimit")));
}

#[tokio::test]
async fn refused_calls_use_up_quota_when_they_are_told_to() {
    let quota = Some(Quota::parse("2/1m").expect("legal"));
    for (refused_calls_count, status) in [(false, 200), (true, 429)] {
        let lab = Lab::start(SimulatorConfig { quota, refused_calls_count, ..SimulatorConfig::default() }).await;
        let request = lab.create("cn-north-4", "p1");
        for (at_ms, status) in [(0, 200), (0, 200), (40_000, 429), (41_000, 429), (60_000, status)] {
            lab.clock.set_ms(at_ms);
            assert_eq!(lab.call(&request).await.status, status, "{refused_calls_count} at {at_ms} ms");
        }
    }
}

#[tokio::test]
async fn the_text_and_retry_after_can_be_chosen() {
    let config = SimulatorConfig {
        quota: Some(Quota::parse("1/10s").expect("legal")),
        throttle_text: Some("too many".to_owned()),
        faults: Faults::parse("retry-after").expect("legal"),
        ..SimulatorConfig::default()
    };
    let lab = Lab::start(config).await;
    let request = lab.create("cn-north-4", "p1");
    assert_eq!(lab.call(&request).await.status, 200);
    lab.clock.set_ms(2_500);
    let reply = lab.call(&request).await;
    assert_eq!((reply.status, reply.header("retry-after")), (429, Some("8")));
    assert_eq!(reply.json()["error_msg"], "too many");
}

#[tokio::test]
async fn looking_up_projects_is_not_in_the_quota_and_bad_signatures_use_none_up() {
    let quota = Some(Quota::parse("1/1m").expect("legal"));
    let lab = Lab::start(SimulatorConfig { quota, ..SimulatorConfig::default() }).await;
    for _ in 0..3 {
        assert_eq!(lab.call(&lab.get("/v3/projects", &[("name", "cn-north-4")])).await.status, 200);
    }
    let request = lab.create("cn-north-4", "p1");
    assert_eq!(lab.send(&lab.signed(&request).replace("77aa", "77ab")).await.status, 401);
    assert_eq!(lab.call(&request).await.status, 200);
}
