//! The transport against servers that behave well, badly, and not at all; all on loopback.

mod in_time;

use std::future::Future;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::model::{Endpoint, EnterpriseProjectId, ProjectId, Region, Request, Secret, SyncBody};
use crate::sign::{Credential, sign};

/// Long enough for anything on loopback.
const AMPLE: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(300);
const ROOT: &[u8] = include_bytes!("../../../tests/vectors/test-root.pem");

/// A server that hands every connection to `handler`: its address, and how many connections came.
async fn server<F, Fut>(handler: F) -> (String, Arc<AtomicUsize>)
where
    F: Fn(TcpStream) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = connections.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(handler(stream));
        }
    });
    (address, connections)
}

/// Reads one whole request: head and body.
async fn request_text(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return text,
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}

/// A server that reads a request, writes `answer` and keeps the connection open.
async fn answering(answer: &'static str) -> (String, Arc<AtomicUsize>) {
    server(move |mut stream| async move {
        request_text(&mut stream).await;
        let _ = stream.write_all(answer.as_bytes()).await;
        std::future::pending::<()>().await;
    })
    .await
}

fn post(url: &str) -> SignedRequest {
    let request = Request::create_sync_task(
        &Endpoint::parse(url).expect("an endpoint"),
        &Region::parse("cn-north-4").expect("a region"),
        &ProjectId::parse("p1").expect("an id"),
        &EnterpriseProjectId::default_id(),
        &SyncBody { sync_all_registries: true, registry_info: Vec::new() },
    );
    sign(&request, &credential(), jiff::Timestamp::UNIX_EPOCH)
}

fn credential() -> Credential {
    Credential::AccessKey {
        access_key: "AKIDEXAMPLE000000001".to_owned(),
        secret_key: Secret::new("very-secret-key".to_owned()),
        security_token: Some(Secret::new("very-secret-token".to_owned())),
    }
}

fn clock() -> RunClock {
    RunClock::start(NonZeroU32::MIN)
}

fn transport() -> HttpTransport {
    HttpTransport::new(&HttpOptions::loopback(8, AMPLE), clock()).expect("set up")
}

async fn send_to(address: &str, timeout: Duration) -> Result<Answer, SendError> {
    transport().send(post(&format!("http://{address}")), timeout).await
}

fn no_answer(result: Result<Answer, SendError>) -> String {
    match result {
        Err(SendError::NoAnswer { detail }) => detail,
        other => panic!("{other:?}"),
    }
}

fn not_sent(result: Result<Answer, SendError>) -> String {
    match result {
        Err(SendError::NotSent { detail }) => detail,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn sends_what_was_signed_and_reads_the_answer() {
    let seen = Arc::new(Mutex::new(String::new()));
    let keep = seen.clone();
    let (address, _) = server(move |mut stream| {
        let keep = keep.clone();
        async move {
            let text = request_text(&mut stream).await;
            *keep.lock().unwrap() = text;
            let answer = "HTTP/1.1 200 OK\r\nContent-Type: Application/JSON\r\nX-Request-Id: r-1\r\nRetry-After: 7\r\n\
                 Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nSet-Cookie: a=b\r\nContent-Length: 16\r\n\r\n{\"error_code\":0}";
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    })
    .await;
    let answer = send_to(&address, AMPLE).await.expect("an answer");
    let own = |text: &str| Some(text.to_owned());
    assert_eq!(
        answer,
        Answer {
            status: 200,
            content_type: own("application/json"),
            retry_after: own("7"),
            date: own("Sun, 06 Nov 1994 08:49:37 GMT"),
            request_id: own("r-1"),
            body: br#"{"error_code":0}"#.to_vec(),
            ..Answer::default()
        }
    );
    let text = seen.lock().unwrap().clone();
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    assert_eq!(body, r#"{"sync_all_registries":true}"#);
    let mut lines: Vec<&str> = head.lines().collect();
    assert_eq!(lines.remove(0), "POST /v5/p1/image/image-sync/tasks?enterprise_project_id=0 HTTP/1.1");
    let mut names: Vec<&str> = lines.iter().filter_map(|line| line.split(':').next()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
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
            "x-security-token",
        ]
    );
    assert!(lines.contains(&format!("host: {address}").as_str()), "as it was signed: {lines:?}");
    assert!(lines.contains(&concat!("user-agent: hss-sync/", env!("CARGO_PKG_VERSION"))));
}

#[tokio::test]
async fn a_refused_connection_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let detail = not_sent(send_to(&address, AMPLE).await);
    assert!(detail.to_ascii_lowercase().contains("refused") && !detail.contains("enterprise_project_id"), "{detail}");
}

#[tokio::test]
async fn a_connection_that_breaks_is_no_answer_and_nothing_is_repeated() {
    let (at_once, first) = server(|stream| async move { drop(stream) }).await;
    no_answer(send_to(&at_once, AMPLE).await);
    let (after_reading, second) = server(|mut stream| async move {
        request_text(&mut stream).await;
    })
    .await;
    no_answer(send_to(&after_reading, AMPLE).await);
    let (reset, third) = server(|mut stream| async move {
        request_text(&mut stream).await;
        stream.set_zero_linger().unwrap();
    })
    .await;
    let detail = no_answer(send_to(&reset, AMPLE).await);
    assert!(["reset", "closed"].iter().any(|word| detail.to_ascii_lowercase().contains(word)), "{detail}");
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!([first, second, third].map(|count| count.load(Ordering::SeqCst)), [1, 1, 1]);
}

#[tokio::test]
async fn a_kept_connection_that_closes_while_we_send_is_no_answer() {
    let requests = Arc::new(AtomicUsize::new(0));
    let count = requests.clone();
    let (address, connections) = server(move |mut stream| {
        let count = count.clone();
        async move {
            request_text(&mut stream).await;
            count.fetch_add(1, Ordering::SeqCst);
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
            // The second request on this connection is read, perhaps acted upon, and never answered.
            if !request_text(&mut stream).await.is_empty() {
                count.fetch_add(1, Ordering::SeqCst);
            }
        }
    })
    .await;
    let (transport, url) = (transport(), format!("http://{address}"));
    assert_eq!(transport.send(post(&url), AMPLE).await.expect("an answer").status, 200);
    no_answer(transport.send(post(&url), AMPLE).await);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!((requests.load(Ordering::SeqCst), connections.load(Ordering::SeqCst)), (2, 1), "sent once each");
}

#[tokio::test]
async fn silence_and_slowness_end_with_the_timeout() {
    let (silent, _) = answering("").await;
    let (slow, _) = server(|mut stream| async move {
        request_text(&mut stream).await;
        for byte in b"HTTP/1.1 200 OK\r\nX-Slow: yes\r\n".iter().cycle() {
            if stream.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    for address in [silent, slow] {
        assert_eq!(no_answer(send_to(&address, SHORT).await), "no answer after sending (timeout 0.3 s)");
    }
}

#[tokio::test]
async fn an_answer_that_stops_keeps_its_status() {
    let (hangs, _) = answering("HTTP/1.1 400 Bad Request\r\nContent-Length: 10\r\n\r\nabc").await;
    let (breaks, _) = server(|mut stream| async move {
        request_text(&mut stream).await;
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 10\r\n\r\nabc").await.unwrap();
    })
    .await;
    for address in [hangs, breaks] {
        let answer = send_to(&address, SHORT).await.expect("a status came");
        assert_eq!((answer.status, &*answer.body, answer.cut_off, answer.truncated), (400, &b"abc"[..], true, false));
    }
}

#[tokio::test]
async fn a_huge_body_is_read_to_64_kib_and_the_connection_let_go() {
    let written = Arc::new(AtomicUsize::new(0));
    let (end, ended) = tokio::sync::mpsc::unbounded_channel();
    let (count, mut ended) = (written.clone(), ended);
    let (address, _) = server(move |mut stream| {
        let (count, end) = (count.clone(), end.clone());
        async move {
            request_text(&mut stream).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n").await;
            let piece = [b'x'; 16_384];
            while count.load(Ordering::SeqCst) < 67_108_864 && stream.write_all(&piece).await.is_ok() {
                count.fetch_add(piece.len(), Ordering::SeqCst);
            }
            end.send(()).unwrap();
        }
    })
    .await;
    let answer = send_to(&address, AMPLE).await.expect("an answer");
    assert_eq!((answer.body.len(), answer.truncated, answer.cut_off), (65_536, true, false));
    ended.recv().await.expect("the server saw the connection close");
    // What fits into the buffers of both sockets is far less than the body.
    assert!(written.load(Ordering::SeqCst) < 32 * 1024 * 1024, "{written:?}");
}

#[tokio::test]
async fn a_body_of_exactly_64_kib_is_whole() {
    let (address, _) = server(|mut stream| async move {
        request_text(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n").await.unwrap();
        stream.write_all(&[b'x'; 65_536]).await.unwrap();
    })
    .await;
    let answer = send_to(&address, AMPLE).await.expect("an answer");
    assert_eq!((answer.body.len(), answer.truncated, answer.cut_off), (65_536, false, false));
}

#[tokio::test]
async fn a_compressed_body_is_decoded() {
    // gzip of {"error_code":0}
    const GZIP: [u8; 36] = [
        31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 74, 45, 42, 202, 47, 138, 79, 206, 79, 73, 85, 178, 50, 168, 5, 0,
        70, 192, 129, 252, 16, 0, 0, 0,
    ];
    let (address, _) = server(|mut stream| async move {
        request_text(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 36\r\n\r\n").await.unwrap();
        stream.write_all(&GZIP).await.unwrap();
    })
    .await;
    assert_eq!(send_to(&address, AMPLE).await.expect("an answer").body, br#"{"error_code":0}"#);
}

#[tokio::test]
async fn what_is_no_http_is_no_answer() {
    let (address, connections) = answering("SSH-2.0-OpenSSH_9.9\r\n").await;
    no_answer(send_to(&address, AMPLE).await);
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let (elsewhere, visits) = answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    let head = format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: http://{elsewhere}/\r\nContent-Length: 0\r\n\r\n");
    let (address, _) = answering(Box::leak(head.into_boxed_str())).await;
    let answer = send_to(&address, AMPLE).await.expect("an answer");
    assert_eq!((answer.status, answer.location), (307, Some(format!("http://{elsewhere}/"))));
    assert_eq!(visits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn tls_that_does_not_come_about_is_not_sent() {
    let (no_tls, _) = answering("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await;
    let (hangs_up, _) = server(|stream| async move { drop(stream) }).await;
    let (garbage, _) = server(|mut stream| async move {
        let _ = stream.write_all(b"no TLS here\r\n").await;
        request_text(&mut stream).await;
    })
    .await;
    let options = HttpOptions { connect_timeout: SHORT, ..HttpOptions::loopback(1, AMPLE) };
    let quick = HttpTransport::new(&options, clock()).unwrap();
    for address in [no_tls.as_str(), &hangs_up, &garbage] {
        let detail = not_sent(quick.send(post(&format!("https://{address}")), AMPLE).await);
        assert!(!detail.contains("enterprise_project_id"), "{detail}");
    }
    // no_tls waits for an end of the request line that never comes: the connection phase has a time of its own.
    assert_eq!(not_sent(quick.send(post(&format!("https://{no_tls}")), AMPLE).await), "the connection took too long");
}

#[tokio::test]
async fn a_proxy_is_used_for_services_but_never_for_loopback() {
    let connects = Arc::new(Mutex::new(Vec::new()));
    let keep = connects.clone();
    let (proxy, visits) = server(move |mut stream| {
        let keep = keep.clone();
        async move {
            let first = request_text(&mut stream).await.lines().next().unwrap_or_default().to_owned();
            keep.lock().unwrap().push(first);
            let _ = stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n").await;
        }
    })
    .await;
    let (local, local_visits) = server(|stream| async move { drop(stream) }).await;
    let environment = [
        ("HTTPS_PROXY".to_owned(), format!("http://user:very-secret-password@{proxy}")),
        ("NO_PROXY".to_owned(), "127.0.0.2,unrelated.example".to_owned()),
    ];
    let options = HttpOptions {
        extra_roots: Some(ROOT.to_vec()),
        ..HttpOptions::new(1, AMPLE, &environment.into_iter().collect())
    };
    let transport = HttpTransport::new(&options, clock()).expect("set up");
    // The name is the proxy's to resolve, so this opens no connection to anywhere else.
    let detail = not_sent(transport.send(post("https://hss.example.invalid"), AMPLE).await);
    assert!(!detail.contains("very-secret-password"), "{detail}");
    assert_eq!(*connects.lock().unwrap(), ["CONNECT hss.example.invalid:443 HTTP/1.1"]);
    let port = local.rsplit(':').next().expect("a port");
    for local in [format!("https://{local}"), format!("https://localhost:{port}")] {
        not_sent(transport.send(post(&local), AMPLE).await);
    }
    assert_eq!((visits.load(Ordering::SeqCst), local_visits.load(Ordering::SeqCst)), (1, 2));
}

#[tokio::test]
async fn a_header_that_cannot_be_sent_is_not_sent_and_not_shown() {
    let (address, connections) = answering("").await;
    let request = Request {
        method: Method::Get,
        endpoint: Endpoint::parse(&format!("http://{address}")).unwrap(),
        path: "/".to_owned(),
        query: Vec::new(),
        headers: vec![("X-Note".to_owned(), "very-secret\r\nX-Other: injected".to_owned())],
        body: Vec::new(),
    };
    let detail = not_sent(transport().send(sign(&request, &credential(), jiff::Timestamp::UNIX_EPOCH), AMPLE).await);
    assert!(detail.contains("X-Note") && !detail.contains("very-secret"), "{detail}");
    assert_eq!(connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn the_read_client_sends_get_without_a_body() {
    let seen = Arc::new(Mutex::new(String::new()));
    let keep = seen.clone();
    let (address, _) = server(move |mut stream| {
        let keep = keep.clone();
        async move {
            let text = request_text(&mut stream).await;
            *keep.lock().unwrap() = text;
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await.unwrap();
        }
    })
    .await;
    let read = Read {
        endpoint: Endpoint::parse(&format!("http://{address}")).unwrap(),
        path: "/v5/p1/image/registries".to_owned(),
        query: vec![("registry_name".to_owned(), "镜 1".to_owned())],
        headers: Vec::new(),
    };
    let client = ReadClient::new(&HttpOptions::loopback(1, AMPLE), clock()).unwrap();
    let answer = client.get(&read, &credential(), jiff::Timestamp::UNIX_EPOCH, AMPLE).await.expect("an answer");
    assert_eq!(answer.body, b"{}");
    let text = seen.lock().unwrap().clone();
    assert!(text.starts_with("GET /v5/p1/image/registries?registry_name=%E9%95%9C%201 HTTP/1.1\r\n"), "{text}");
    assert!(text.ends_with("\r\n\r\n") && !text.to_ascii_lowercase().contains("content-length"), "{text}");
}

#[test]
fn roots_and_proxies_that_are_not_usable_are_named_without_their_values() {
    let options = |pem: &[u8]| HttpOptions { extra_roots: Some(pem.to_vec()), ..HttpOptions::loopback(1, AMPLE) };
    for bad in [&b""[..], b"no PEM", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let error = HttpTransport::new(&options(bad), clock()).expect_err("no root");
        assert!(error.to_string().contains("--ca-cert"), "{error}");
    }
    assert!(HttpTransport::new(&options(ROOT), clock()).is_ok());
    let proxy = HttpOptions {
        https_proxy: Some(Secret::new("http://u:very-secret@bad host".to_owned())),
        loopback_only: false,
        ..options(ROOT)
    };
    assert_eq!(HttpTransport::new(&proxy, clock()).expect_err("no URL"), HttpSetupError::BadProxy);
}

#[test]
fn proxies_come_from_the_captured_environment() {
    let options = |pairs: &[(&str, &str)]| {
        let environment = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let options = HttpOptions::new(1, Duration::from_secs(4), &environment);
        assert!(!format!("{options:?}").contains("very-secret"));
        let proxy = options.https_proxy.map(|proxy| proxy.expose().to_owned());
        (proxy, options.no_proxy, options.connect_timeout)
    };
    let own = |text: &str| Some(text.to_owned());
    let two = Duration::from_secs(2);
    assert_eq!(options(&[]), (None, None, two));
    assert_eq!(
        options(&[("HTTPS_PROXY", " "), ("https_proxy", "very-secret"), ("no_proxy", "b")]),
        (own("very-secret"), own("b"), two)
    );
    assert_eq!(options(&[("ALL_PROXY", "c"), ("HTTP_PROXY", "d")]), (own("c"), None, two));
}

/// Runs itself in a process whose system has no CA certificates, since that is read from the environment.
#[cfg(unix)]
#[test]
#[expect(clippy::disallowed_methods, reason = "the test asks whether it is the process that it started")]
fn a_system_without_roots_is_named() {
    if std::env::var_os("HSS_SYNC_TEST_NO_ROOTS").is_some() {
        let named = BTreeMap::from([("SSL_CERT_FILE".to_owned(), "/dev/null".to_owned())]);
        let bare = HttpOptions::new(1, AMPLE, &named);
        assert_eq!(HttpTransport::new(&bare, clock()).expect_err("no roots"), HttpSetupError::NoRoots);
        assert!(HttpTransport::new(&HttpOptions { extra_roots: Some(ROOT.to_vec()), ..bare }, clock()).is_ok());
        assert!(HttpTransport::new(&HttpOptions::loopback(1, AMPLE), clock()).is_ok(), "the simulator needs none");
        return;
    }
    let name = concat!(module_path!(), "::a_system_without_roots_is_named");
    let name = name.split_once("::").expect("the crate's name comes first").1;
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name])
        .env("HSS_SYNC_TEST_NO_ROOTS", "1")
        .env("SSL_CERT_FILE", "/dev/null")
        .env("SSL_CERT_DIR", "/dev/null")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}
