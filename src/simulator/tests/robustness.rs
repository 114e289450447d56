//! Where it listens, and what hostile or broken clients can't do.

use super::*;

#[tokio::test]
async fn only_loopback_is_listened_on() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let listen = address.parse().expect("an address");
        let config = SimulatorConfig { listen, ..SimulatorConfig::default() };
        let error = Simulator::start(config, ManualClock::default()).await.expect_err(address);
        assert!(matches!(error, SimulatorError::NotLoopback(_)), "{error}");
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_said() {
    let lab = Lab::start(SimulatorConfig::default()).await;
    let config = SimulatorConfig { listen: lab.simulator.address(), ..SimulatorConfig::default() };
    let error = Simulator::start(config, ManualClock::default()).await.expect_err("taken").to_string();
    assert!(error.contains(&lab.simulator.address().to_string()) && error.contains("another port"), "{error}");
}

#[tokio::test]
async fn after_shutdown_nobody_listens() {
    let lab = Lab::start(SimulatorConfig::default()).await;
    let address = lab.simulator.address();
    let mut open = lab.connect().await;
    assert_eq!(open.exchange(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.map(|reply| reply.status), Some(404));
    lab.simulator.shutdown().await;
    assert!(open.read().await.is_none());
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_connection_is_kept_and_requests_may_be_pipelined() {
    let lab = Lab::start(SimulatorConfig { quota: None, ..SimulatorConfig::default() }).await;
    let mut connection = lab.connect().await;
    let request = lab.signed(&lab.create("cn-north-4", "p1"));
    let three = request.repeat(3);
    connection.0.write_all(three.as_bytes()).await.expect("sent");
    for n in 1..=3 {
        assert_eq!(connection.read().await.map(|reply| reply.status), Some(200), "{n}");
    }
    assert_eq!(connection.exchange(request.as_bytes()).await.map(|reply| reply.status), Some(200));
    assert_eq!(lab.simulator.log().iter().map(|entry| entry.ordinal).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_body_above_one_mebibyte_is_refused_announced_or_not() {
    let lab = Lab::start(SimulatorConfig::default()).await;
    let head = "POST /v5/p1/image/image-sync/tasks HTTP/1.1\r\nHost: x\r\n";
    let announced = lab.send(&format!("{head}Content-Length: 1048577\r\n\r\n")).await;
    assert_eq!((announced.status, announced.error_code().as_str()), (413, "APIGW.0201"));
    assert_eq!(announced.header("connection"), Some("close"));
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x1_0000));
    let mut connection = lab.connect().await;
    let sent = format!("{head}Transfer-Encoding: chunked\r\n\r\n{}", chunk.repeat(17));
    assert_eq!(connection.exchange(sent.as_bytes()).await.map(|reply| reply.status), Some(413));
    // Exactly the limit is read, and fails only for its signature.
    let full = format!("{head}Content-Length: 1048576\r\n\r\n{}", "x".repeat(1_048_576));
    assert_eq!(lab.send(&full).await.status, 401);
    assert_eq!(lab.simulator.log().len(), 3);
}

#[tokio::test]
async fn too_many_or_too_long_headers_are_refused() {
    let lab = Lab::start(SimulatorConfig::default()).await;
    let many: String = (0..500).map(|n| format!("x-{n}: y\r\n")).collect();
    let long = format!("x-long: {}\r\n", "y".repeat(128 * 1024));
    for headers in [many, long] {
        let text = format!("GET /v3/projects HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
        assert_eq!(lab.send(&text).await.status, 431);
    }
    // The longest token that the API page allows is not too long.
    let token = "t".repeat(32_768);
    let text = format!("GET /v3/projects HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {token}\r\n\r\n");
    assert_eq!(lab.send(&text).await.status, 401);
}

#[tokio::test]
async fn malformed_escapes_are_refused() {
    let lab = Lab::start(SimulatorConfig::default()).await;
    for target in ["/v3/projects%", "/v3/projects?name=%zz", "/v3/projects?%f=1", "/v3/%ff", "/v3/projects?a=%e9%95"] {
        let reply = lab.send(&format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
        assert_eq!((reply.status, reply.error_code().as_str()), (400, "APIGW.0201"), "{target}");
    }
}

#[tokio::test]
async fn escapes_and_non_ascii_verify_as_the_client_signs_them() {
    let lab = Lab::start(SimulatorConfig::default()).await;
    let request = lab.get("/v5/镜像 ~é/image/registries", &[("registry_name", "生产 ü+/&=*"), ("empty", "")]);
    assert_eq!(lab.call(&request).await.json()["total_num"], 0);
}

#[tokio::test]
async fn what_is_no_http_gets_no_state() {
    let lab = Lab::start(SimulatorConfig::default()).await;
    for bytes in [&b"\x16\x03\x01\x02\x00\x01\x00"[..], b"\0\0\0\0\r\n\r\n", b"GET\r\n\r\n"] {
        let mut connection = lab.connect().await;
        let _ = connection.0.write_all(bytes).await;
        let _ = connection.0.shutdown().await;
        let status = connection.read().await.map(|reply| reply.status);
        assert!(matches!(status, None | Some(400)), "{status:?}");
    }
    assert_eq!(lab.simulator.stats().requests, 0);
    assert_eq!(lab.call(&lab.create("cn-north-4", "p1")).await.status, 200);
}

#[tokio::test]
async fn the_log_file_has_a_json_line_for_each_request() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("requests.ndjson");
    let lab = Lab::start(SimulatorConfig { log: Some(path.clone()), ..SimulatorConfig::default() }).await;
    lab.call(&lab.create("cn-north-4", "p1")).await;
    lab.send("GET /a\u{1b}[31m HTTP/1.1\r\nHost: x\r\n\r\n".replace('\u{1b}', "%1b").as_str()).await;
    let text = std::fs::read_to_string(&path).expect("written");
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[0]["ordinal"], &lines[0]["committed"]), (&1.into(), &true.into()));
    assert_eq!((&lines[1]["path"], &lines[1]["status"]), (&"/a%1b[31m".into(), &404.into()));
    assert_eq!(lab.simulator.log_error(), None);
    let config = SimulatorConfig { log: Some(directory.path().to_owned()), ..SimulatorConfig::default() };
    let error = Simulator::start(config, ManualClock::default()).await.expect_err("a directory");
    assert!(matches!(error, SimulatorError::Log { .. }), "{error}");
}

#[tokio::test]
async fn memory_keeps_as_many_entries_as_it_was_told() {
    let config = SimulatorConfig { keep_log: 2, ..SimulatorConfig::default() };
    let lab = Lab::start(config).await;
    for _ in 0..5 {
        lab.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    }
    assert_eq!(lab.simulator.log().iter().map(|entry| entry.ordinal).collect::<Vec<_>>(), [4, 5]);
    assert_eq!(lab.simulator.stats().requests, 5);
}
