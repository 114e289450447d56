//! The binary against servers that this file writes byte by byte: what goes over the wire, and what bad answers lead to.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use hss_sync::sign::{canonical_request, payload_hash, signature};
use serde_json::Value;

use super::common::{Finished, finish, hss_sync};

const ACCESS_KEY: &str = "AKWIRETEST0000000001";
const SECRET_KEY: &str = "wire-secret-key/+=&0123456789";

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// Which connection, from 0.
    connection: usize,
    pub(crate) request_line: String,
    /// Names in lower case, in the order in which they came.
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Received {
    fn header(&self, name: &str) -> &str {
        let found: Vec<_> = self.headers.iter().filter(|(other, _)| other == name).collect();
        assert_eq!(found.len(), 1, "{name} once: {:?}", self.headers);
        &found[0].1
    }
}

/// What the server does after it has read a request.
pub(crate) enum Reply {
    Send(Vec<u8>),
    SendAndClose(Vec<u8>),
    Close,
    /// Never answers; the connection stays open until the client closes it.
    Silence,
}

/// A server on loopback for as long as the test runs.
pub(crate) struct Server {
    pub(crate) endpoint: String,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Server {
    /// `reply` gets the request and how many came before it.
    pub(crate) fn start(address: &str, reply: impl Fn(usize, &Received) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(address).expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let received = Arc::new(Mutex::new(Vec::new()));
        let (reply, log) = (Arc::new(reply), Arc::clone(&received));
        // The threads end with the process of the tests.
        std::thread::spawn(move || {
            for (connection, stream) in listener.incoming().flatten().enumerate() {
                let (reply, log) = (Arc::clone(&reply), Arc::clone(&log));
                std::thread::spawn(move || serve(stream, connection, &*reply, &log));
            }
        });
        Self { endpoint, received }
    }

    fn received(&self) -> Vec<Received> {
        self.received.lock().expect("no thread panicked").clone()
    }

    /// What came that creates something.
    fn posted(&self) -> Vec<Received> {
        let mut received = self.received();
        received.retain(|request| request.request_line.starts_with("POST "));
        received
    }
}

fn serve(
    mut stream: TcpStream,
    connection: usize,
    reply: &(dyn Fn(usize, &Received) -> Reply + Send + Sync),
    log: &Mutex<Vec<Received>>,
) {
    let mut bytes = Vec::new();
    while let Some(received) = read_request(&mut stream, &mut bytes, connection) {
        let before = {
            let mut log = log.lock().expect("no thread panicked");
            log.push(received.clone());
            log.len() - 1
        };
        let (text, close) = match reply(before, &received) {
            Reply::Send(text) => (text, false),
            Reply::SendAndClose(text) => (text, true),
            Reply::Close => return,
            Reply::Silence => {
                let _ = stream.read(&mut [0]);
                return;
            }
        };
        if stream.write_all(&text).is_err() || close {
            return;
        }
    }
}

fn read_request(stream: &mut TcpStream, bytes: &mut Vec<u8>, connection: usize) -> Option<Received> {
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).expect("UTF-8");
            let mut lines = head.split("\r\n").map(str::to_owned);
            let request_line = lines.next().expect("a request line");
            let headers: Vec<(String, String)> = lines
                .map(|line| {
                    let (name, value) = line.split_once(": ").expect("a header");
                    (name.to_ascii_lowercase(), value.to_owned())
                })
                .collect();
            let length = headers.iter().find(|(name, _)| name == "content-length");
            let length: usize = length.map_or(0, |(_, value)| value.parse().expect("a length"));
            if bytes.len() >= end + 4 + length {
                let body = bytes[end + 4..end + 4 + length].to_vec();
                bytes.drain(..end + 4 + length);
                return Some(Received { connection, request_line, headers, body });
            }
        }
        let mut block = [0; 16_384];
        match stream.read(&mut block) {
            Ok(read @ 1..) => bytes.extend_from_slice(&block[..read]),
            _ => return None,
        }
    }
}

pub(crate) fn answer(status: &str, more: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{more}\r\n{body}")
        .into_bytes()
}

fn ok() -> Reply {
    Reply::Send(answer("200 OK", "", "{}"))
}

/// A plan whose projects have these ids, all in cn-north-4.
pub(crate) fn plan(ids: &[&str], more: &str) -> String {
    let mut text = format!(
        "version: 1\nname: test\n{more}\nregistry_sets:\n  some:\n    registries:\n      \
         - {{ registry_id: \"r-1\", registry_type: Jfrog }}\n      - {{ registry_id: \"ä-2\", registry_type: Harbor }}\n\
         defaults: {{ registry_sets: [some] }}\nprojects:\n"
    );
    for (index, id) in ids.iter().enumerate() {
        text.push_str(&format!("  - {{ name: p{index}, project_ids: {{ cn-north-4: \"{id}\" }} }}\n"));
    }
    text
}

pub(crate) const QUICK: &str = "limits: { quota: { calls: 100, per: 1s }, attempt_timeout: 1s, \
                     retry: { max_attempts: 3, initial_delay: 10ms, max_delay: 20ms } }";

/// Runs a plan against an endpoint; gives the report back.
pub(crate) fn run(
    folder: &Path,
    plan: &str,
    endpoint: &str,
    args: &[&str],
    variables: &[(&str, &str)],
) -> (Finished, Value) {
    std::fs::write(folder.join("plan.yaml"), plan).expect("the plan is written");
    let finished = finish(
        hss_sync(folder)
            .env("HUAWEICLOUD_SDK_AK", ACCESS_KEY)
            .env("HUAWEICLOUD_SDK_SK", SECRET_KEY)
            .envs(variables.iter().copied())
            .args(["run", "plan.yaml", "--endpoint", endpoint, "--report", "json=report.json"])
            .args(args),
    );
    let report = std::fs::read_to_string(folder.join("report.json"));
    let report = report.unwrap_or_else(|error| panic!("{error}: {}", finished.excerpt()));
    (finished, serde_json::from_str(&report).expect("JSON"))
}

fn outcomes(report: &Value) -> Vec<(&str, usize)> {
    let operations = report["operations"].as_array().expect("a list").iter();
    operations
        .map(|operation| {
            (operation["outcome"].as_str().expect("text"), operation["attempts"].as_array().expect("a list").len())
        })
        .collect()
}

/// One request, byte by byte as it is on the wire, and its signature computed again from these bytes alone.
#[test]
fn what_goes_over_the_wire_is_what_was_signed_and_what_the_report_says() {
    let server = Server::start("127.0.0.1:0", |_, _| ok());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ids = ["0a1b2c3d", "a~b.c_d-e", "a'b(c)!*", "项目:1@x;y=z&w+v,$"];
    let text = plan(&ids, QUICK)
        .replace("registry_sets: [some] }", "registry_sets: [some], enterprise_project_id: \"企业+&=~'\" }");
    // A trailing slash is no path.
    let (finished, report) = run(folder.path(), &text, &format!("{}/", server.endpoint), &[], &[]);
    assert_eq!(finished.code(), 0, "{}", finished.excerpt());
    let mut received = server.received();
    received.sort_by_key(|request| ids.iter().position(|id| request.header("x-project-id") == *id));
    assert_eq!(received.len(), 4);
    // Encoded by hand: everything but letters, digits and `-._~` as UTF-8 bytes.
    let query = "?enterprise_project_id=%E4%BC%81%E4%B8%9A%2B%26%3D~%27";
    let paths = ["0a1b2c3d", "a~b.c_d-e", "a%27b%28c%29%21%2A", "%E9%A1%B9%E7%9B%AE%3A1%40x%3By%3Dz%26w%2Bv%2C%24"];
    let authority = server.endpoint.strip_prefix("http://").expect("http");
    for ((request, path), (id, operation)) in
        received.iter().zip(paths).zip(ids.iter().zip(report["operations"].as_array().expect("a list")))
    {
        let target = format!("/v5/{path}/image/image-sync/tasks{query}");
        assert_eq!(request.request_line, format!("POST {target} HTTP/1.1"));
        assert_eq!(operation["request"]["url"], format!("{}{target}", server.endpoint));
        let mut names: Vec<&str> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        let expected = [
            "accept",
            "accept-encoding",
            "authorization",
            "content-length",
            "content-type",
            "host",
            "region",
            "user-agent",
            "x-project-id",
            "x-sdk-date",
        ];
        assert_eq!(names, expected, "each once");
        assert_eq!(request.header("host"), authority);
        assert_eq!(request.header("accept-encoding"), "gzip");
        assert_eq!(request.header("user-agent"), concat!("hss-sync/", env!("CARGO_PKG_VERSION")));
        assert_eq!(request.header("content-length"), request.body.len().to_string());
        assert_eq!(request.body, serde_json::to_vec(&operation["request"]["body"]).expect("JSON"));
        let authorization = request.header("authorization");
        let signed_names = "content-type;host;region;x-project-id;x-sdk-date";
        let date = request.header("x-sdk-date");
        let headers: Vec<(String, String)> =
            signed_names.split(';').map(|name| (name.to_owned(), request.header(name).to_owned())).collect();
        let query = [("enterprise_project_id".to_owned(), "企业+&=~'".to_owned())];
        let path = format!("/v5/{id}/image/image-sync/tasks");
        let canonical = canonical_request("POST", &path, &query, &headers, &payload_hash(&request.body));
        let signature = signature(SECRET_KEY, date, &canonical.text);
        assert_eq!(
            authorization,
            format!("SDK-HMAC-SHA256 Access={ACCESS_KEY}, SignedHeaders={signed_names}, Signature={signature}")
        );
    }
    let connections = received.iter().map(|request| request.connection).max().expect("some") + 1;
    assert!(connections < 4, "connections are kept and used again: {connections}");
}

#[test]
fn an_ipv6_endpoint_is_an_endpoint() {
    let server = Server::start("[::1]:0", |_, _| ok());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (finished, _) = run(folder.path(), &plan(&["one"], QUICK), &server.endpoint, &[], &[]);
    assert_eq!(finished.code(), 0, "{}", finished.excerpt());
    let authority = server.endpoint.strip_prefix("http://").expect("http");
    assert!(authority.starts_with("[::1]:"));
    assert_eq!(server.received()[0].header("host"), authority);
}

#[test]
fn a_token_goes_alone_and_a_temporary_key_with_its_token() {
    let token = "ready-token-0123456789abcdef";
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start("127.0.0.1:0", |_, _| ok());
    let text = plan(&["one"], QUICK);
    let variables = [("HUAWEICLOUD_SDK_AK", ""), ("HUAWEICLOUD_SDK_SK", ""), ("OS_AUTH_TOKEN", token)];
    assert_eq!(run(folder.path(), &text, &server.endpoint, &[], &variables).0.code(), 0);
    let variables = [("HUAWEICLOUD_SDK_SECURITY_TOKEN", token)];
    assert_eq!(run(folder.path(), &text, &server.endpoint, &[], &variables).0.code(), 0);
    let [ready, temporary] = &server.received()[..] else { panic!("two requests") };
    assert_eq!(ready.header("x-auth-token"), token);
    assert!(!ready.headers.iter().any(|(name, _)| name == "authorization" || name == "x-sdk-date"));
    assert_eq!(temporary.header("x-security-token"), token);
    let signed = "SignedHeaders=content-type;host;region;x-project-id;x-sdk-date;x-security-token,";
    assert!(temporary.header("authorization").contains(signed));
}

/// What became of the request decides whether it is sent again: only what surely was not taken is.
#[test]
fn connections_that_fail_in_each_way_have_honest_outcomes() {
    type Handler = fn(usize, &Received) -> Reply;
    let cases: [(&str, Handler, i32, &str); 8] = [
        ("closes without an answer", |_, _| Reply::Close, 4, "unknown"),
        ("never answers", |_, _| Reply::Silence, 4, "unknown"),
        (
            "closes inside the answer",
            |_, _| Reply::SendAndClose(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".to_vec()),
            4,
            "unknown",
        ),
        ("closes inside the head", |_, _| Reply::SendAndClose(b"HTTP/1.1 200 OK\r\nContent-".to_vec()), 4, "unknown"),
        (
            "a head without end",
            |_, _| Reply::SendAndClose([b"HTTP/1.1 200 OK\r\nX-A: ", &[b'a'; 2_000_000][..]].concat()),
            4,
            "unknown",
        ),
        (
            "thousands of headers",
            |_, _| Reply::SendAndClose(answer("200 OK", &"X-A: 1\r\n".repeat(5000), "{}")),
            4,
            "unknown",
        ),
        (
            "two answers",
            |_, _| Reply::Send([answer("200 OK", "", "{}"), answer("200 OK", "", "{}")].concat()),
            0,
            "accepted",
        ),
        (
            "closes after each answer",
            |_, _| Reply::SendAndClose(answer("200 OK", "Connection: close\r\n", "{}")),
            0,
            "accepted",
        ),
    ];
    for (name, handler, exit, outcome) in cases {
        let server = Server::start("127.0.0.1:0", handler);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let text = plan(&["a", "b", "c"], QUICK);
        let (finished, report) = run(folder.path(), &text, &server.endpoint, &["--quiet"], &[]);
        assert_eq!(finished.code(), exit, "{name}: {}", finished.excerpt());
        assert_eq!(outcomes(&report), [(outcome, 1); 3], "{name}: {report:#}");
        let mut bodies: Vec<String> = server.posted().iter().map(|r| r.request_line.clone()).collect();
        bodies.sort();
        bodies.dedup();
        assert_eq!((server.posted().len(), bodies.len()), (3, 3), "{name}: each once");
    }
}

/// A kept connection that the service closes while nothing is in flight is noticed, and the next call goes over another.
#[test]
fn a_connection_that_was_closed_between_two_calls_costs_nothing() {
    let server = Server::start("127.0.0.1:0", |_, _| Reply::SendAndClose(answer("200 OK", "", "{}")));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = plan(&["a", "b", "c"], "limits: { quota: { calls: 1, per: 400ms } }");
    let (finished, report) = run(folder.path(), &text, &server.endpoint, &[], &[]);
    assert_eq!(finished.code(), 0, "{}", finished.excerpt());
    assert_eq!(outcomes(&report), [("accepted", 1); 3]);
    assert_eq!(server.received().len(), 3);
}

#[test]
fn nobody_there_is_repeated_and_then_said() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (finished, report) = run(folder.path(), &plan(&["a", "b"], QUICK), &endpoint, &[], &[]);
    assert_eq!(finished.code(), 1, "{}", finished.excerpt());
    assert_eq!(outcomes(&report), [("failed", 3); 2]);
    assert!(report["operations"][0]["reason"].as_str().expect("text").contains("refused"));
}

/// A small body that unpacks to a lot is read as far as any other.
#[test]
#[cfg(unix)]
fn a_gzip_bomb_is_read_to_its_bound() {
    // 64 MiB of spaces in about 64 KiB.
    let bomb = std::process::Command::new("sh")
        .args(["-c", "head -c 67108864 /dev/zero | tr '\\0' ' ' | gzip -9"])
        .output()
        .expect("gzip runs")
        .stdout;
    assert!((1000..200_000).contains(&bomb.len()), "{}", bomb.len());
    let length = bomb.len();
    let server = Server::start("127.0.0.1:0", move |_, _| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {length}\r\n\r\n");
        Reply::SendAndClose([head.as_bytes(), &bomb].concat())
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (finished, report) = run(folder.path(), &plan(&["a"], QUICK), &server.endpoint, &[], &[]);
    assert_eq!(finished.code(), 4, "{}", finished.excerpt());
    assert_eq!(outcomes(&report), [("unknown", 1)]);
    assert!(report["operations"][0]["reason"].as_str().expect("text").contains("larger than 64 KiB"), "{report:#}");
}

/// A secret wherever an answer may carry text, cut and encoded; nothing of it in anything that is written.
#[test]
fn no_secret_comes_back_from_any_corner_of_an_answer() {
    let encoded: String = SECRET_KEY.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let long = format!("{}{SECRET_KEY}", "x".repeat(490));
    let canonical = format!(
        "canonicalRequest:POST|/v5/|host:x|x-sdk-date:20260101T000000Z||host|{SECRET_KEY}|Signature={}",
        "ab".repeat(32)
    );
    let json = |message: &str| format!(r#"{{"error_code":"APIGW.0302","error_msg":"{message}"}}"#);
    let answers = [
        answer("302 Found", &format!("Location: https://login.example/?key={encoded}\r\n"), ""),
        answer("302 Found", &format!("Location: https://login.example/{}{SECRET_KEY}\r\n", "p".repeat(260)), ""),
        answer("400 Bad Request", &format!("X-Request-Id: {SECRET_KEY}\r\n"), "{}"),
        answer("400 Bad Request", &format!("X-Request-Id: {}{SECRET_KEY}\r\n", "i".repeat(110)), "{}"),
        answer("400 Bad Request", &format!("Content-Type: {SECRET_KEY}\r\n"), SECRET_KEY),
        answer("403 Forbidden", "", &json(&long)),
        answer("403 Forbidden", "", &json(&canonical)),
        answer("200 OK", "", &format!(r#"{{"error_code":"{SECRET_KEY}","error_msg":"x"}}"#)),
        answer("429 Too Many Requests", &format!("Retry-After: {SECRET_KEY}\r\n"), &json(SECRET_KEY)),
        format!("HTTP/1.1 200 {SECRET_KEY}\r\nContent-Length: 5\r\n\r\n{{").into_bytes(),
        format!("{SECRET_KEY}\r\n\r\n").into_bytes(),
    ];
    let ids: Vec<String> = (0..answers.len()).map(|index| format!("id{index}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let server = Server::start("127.0.0.1:0", move |_, request| {
        let id: usize = request.header("x-project-id")[2..].parse().expect("a number");
        // The last two are no whole answers.
        if id < answers.len() - 2 { Reply::Send(answers[id].clone()) } else { Reply::SendAndClose(answers[id].clone()) }
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let quick = QUICK.replace("max_attempts: 3", "max_attempts: 1");
    let args = ["--verbose", "--report", "json=-"];
    let variables = [("RUST_BACKTRACE", "full"), ("RUST_LOG", "trace")];
    let (finished, _) = run(folder.path(), &plan(&ids, &quick), &server.endpoint, &args, &variables);
    assert_eq!(server.posted().len(), ids.len());
    let text = finished.output() + &std::fs::read_to_string(folder.path().join("report.json")).expect("a report");
    assert!(text.contains("[redacted]"), "the secrets did come back: {text}");
    for index in 0..SECRET_KEY.len() - 8 {
        let part = &SECRET_KEY[index..index + 8];
        assert!(!text.contains(part), "{part} is in {text}");
    }
    assert!(!text.contains(&"ab".repeat(32)), "a signature is in {text}");
    assert!(!text.contains(&encoded), "{text}");
}

/// A proxy's address may hold a password, and proxies fail in many ways. The service is an address that is nobody's
/// (RFC 5737), and only the proxy is ever asked for it.
#[test]
fn the_password_of_a_proxy_is_never_shown() {
    let password = "proxy-password-0123";
    let refusing = Server::start("127.0.0.1:0", |_, _| {
        Reply::SendAndClose(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n".to_vec())
    });
    let refusing = refusing.endpoint.strip_prefix("http://").expect("http").to_owned();
    for address in [&*refusing, "127.0.0.1:1", "bad host"] {
        for scheme in ["http", "https", "socks5", "socks5h"] {
            let proxy = format!("{scheme}://user:{password}@{address}");
            let folder = tempfile::tempdir().expect("a temporary folder");
            std::fs::write(folder.path().join("plan.yaml"), plan(&["a"], QUICK)).expect("the plan is written");
            let finished = finish(
                hss_sync(folder.path())
                    .env("HUAWEICLOUD_SDK_AK", ACCESS_KEY)
                    .env("HUAWEICLOUD_SDK_SK", SECRET_KEY)
                    .env("HTTPS_PROXY", &proxy)
                    .env("RUST_BACKTRACE", "full")
                    .args(["run", "plan.yaml", "--verbose", "--report", "json=-"])
                    .args(["--endpoint", "https://192.0.2.1"])
                    .args(["--ca-cert", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/test-root.pem")]),
            );
            let expected = if address == "bad host" { 2 } else { 1 };
            assert_eq!(finished.code(), expected, "{proxy}: {}", finished.excerpt());
            assert!(!finished.output().contains(password), "{proxy}: {}", finished.excerpt());
        }
    }
}

/// What a service says may wrap to the beginning of a line, where the runner of GitHub Actions takes `::…` for a command.
#[test]
fn in_github_actions_no_answer_becomes_a_command() {
    let long = "x".repeat(70);
    let body = format!(r#"{{"error_code":"HSS.0001","error_msg":"{long} ::stop-commands::evil ##[add-mask]evil"}}"#);
    let server = Server::start("127.0.0.1:0", move |_, _| Reply::Send(answer("400 Bad Request", "", &body)));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let begins = |text: &str| text.lines().any(|line| line.trim_start().starts_with("::stop"));
    for (variables, obeyed) in [(&[][..], true), (&[("GITHUB_ACTIONS", "true")], false)] {
        let (finished, _) = run(folder.path(), &plan(&["a"], QUICK), &server.endpoint, &["--verbose"], variables);
        assert_eq!(finished.code(), 1, "{}", finished.excerpt());
        let text = finished.output();
        assert!(text.contains("stop-commands"), "{text}");
        assert_eq!(begins(&text), obeyed, "it does wrap to there: {text}");
        let annotation = text.lines().find(|line| line.starts_with("::error "));
        let rest: String = text.lines().filter(|line| Some(*line) != annotation).collect();
        assert_eq!((rest.contains("##["), annotation.is_some()), (obeyed, !obeyed), "{text}");
    }
}
