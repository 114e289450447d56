//! Proxies: one that tunnels, one that refuses, one that dies under the run. The service's address is nobody's (RFC 5737), so
//! that only a proxy leads there.

use std::io::copy;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::super::common::finish;
use super::tls::{Authority, Tls};
use super::{PATIENT, QUICK, counts, hss_sync, plan, read_request, readable_journal, reasons, run, send};

const SERVICE: &str = "192.0.2.1";
const PASSWORD: &str = "proxy-password-0123";

/// A proxy on loopback that leads everything to one port, for so many tunnels; then it refuses, or everything of it breaks.
struct Proxy {
    url: String,
    asked: Arc<AtomicUsize>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Proxy {
    fn start(port: u16, tunnels: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://user:{PASSWORD}@{}", listener.local_addr().expect("an address"));
        let (asked, open) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
        let proxy = Self { url, asked: Arc::clone(&asked), open: Arc::clone(&open) };
        std::thread::spawn(move || {
            for mut client in listener.incoming().flatten() {
                let number = asked.fetch_add(1, Ordering::SeqCst);
                let Some(line) = read_request(&mut client) else { continue };
                assert!(line.starts_with(&format!("CONNECT {SERVICE}:443 ")), "{line}");
                if number >= tunnels {
                    send(&mut client, b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
                    continue;
                }
                let service = TcpStream::connect(("127.0.0.1", port)).expect("the service listens");
                send(&mut client, b"HTTP/1.1 200 Connection established\r\n\r\n");
                let ends = || (client.try_clone().expect("a handle"), service.try_clone().expect("a handle"));
                let ((mut from, mut to), (mut back, mut behind)) = (ends(), ends());
                std::thread::spawn(move || copy(&mut from, &mut to).and_then(|_| to.shutdown(Shutdown::Write)));
                std::thread::spawn(move || copy(&mut behind, &mut back).and_then(|_| back.shutdown(Shutdown::Write)));
                open.lock().expect("no thread panicked").push(client);
            }
        });
        proxy
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Every tunnel breaks.
    fn breaks(open: &Mutex<Vec<TcpStream>>) {
        open.lock().expect("no thread panicked").drain(..).for_each(|stream| {
            let _ = stream.shutdown(Shutdown::Both);
        });
    }
}

fn folder(operations: usize, limits: &str) -> (tempfile::TempDir, Authority) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("plan.yaml"), plan(operations, limits)).expect("written");
    let authority = Authority::new(folder.path());
    (folder, authority)
}

/// Nothing that was written holds the password.
fn is_silent(folder: &Path, output: &str) {
    assert!(!output.contains(PASSWORD), "{output}");
    let runs = std::fs::read_dir(folder.join(".hss-sync/runs")).expect("runs");
    for file in runs.flat_map(|run| std::fs::read_dir(run.expect("an entry").path()).expect("a folder")) {
        let text = std::fs::read(file.expect("an entry").path()).expect("readable");
        assert!(!String::from_utf8_lossy(&text).contains(PASSWORD));
    }
}

const ARGS: [&str; 3] = ["--ca-cert", "ca.pem", "--verbose"];

#[test]
fn a_proxy_leads_to_the_service_and_one_that_refuses_lets_nothing_through() {
    for (tunnels, code, expected) in [(usize::MAX, 0, [5, 0, 0, 0]), (0, 1, [0, 5, 0, 0])] {
        let (folder, authority) = folder(5, PATIENT);
        let (chain, key) = authority.sign(SERVICE, super::tls::GOOD);
        let service = Tls::start(chain, &key);
        let proxy = Proxy::start(service.port, tunnels);
        let (finished, report) =
            run(folder.path(), &format!("https://{SERVICE}"), &ARGS, &[("HTTPS_PROXY", &proxy.url)]);
        assert_eq!((finished.code(), counts(&report)), (code, expected), "{}", finished.excerpt());
        assert_eq!(service.requests() as u64, expected[0]);
        assert!(proxy.asked() > 0);
        if tunnels == 0 {
            assert!(reasons(&report).iter().all(|reason| reason.contains("tunnel")), "{:?}", reasons(&report));
            assert_eq!(report["summary"]["attempts"], 10, "surely not sent, so tried again");
        }
        is_silent(folder.path(), &finished.output());
    }
}

/// What was in a tunnel is unknown, what comes after can't be sent; with a proxy again, that goes and nothing else.
#[test]
fn a_proxy_that_dies_under_the_run_leaves_an_honest_account() {
    let (folder, authority) = folder(12, PATIENT);
    let (chain, key) = authority.sign(SERVICE, super::tls::GOOD);
    let broken = Arc::new(Mutex::new(None::<Arc<Mutex<Vec<TcpStream>>>>));
    let breaking = Arc::clone(&broken);
    // The fourth request arrives, and no answer comes back.
    let service = Tls::answering(chain, &key, move |number| {
        if number == 4 {
            if let Some(open) = breaking.lock().expect("no thread panicked").as_ref() {
                Proxy::breaks(open);
            }
            return false;
        }
        true
    });
    let proxy = Proxy::start(service.port, 4);
    *broken.lock().expect("no thread panicked") = Some(Arc::clone(&proxy.open));
    let plan = plan(12, &format!("{PATIENT}, concurrency: 1"));
    std::fs::write(folder.path().join("plan.yaml"), plan).expect("written");
    // It takes no new tunnel after the first.
    proxy.asked.store(3, Ordering::SeqCst);
    let url = format!("https://{SERVICE}");
    let (finished, report) = run(folder.path(), &url, &ARGS, &[("HTTPS_PROXY", &proxy.url)]);
    assert_eq!((finished.code(), counts(&report)), (4, [3, 8, 1, 0]), "{}", finished.excerpt());
    assert_eq!(service.requests(), 4, "{}", finished.excerpt());
    is_silent(folder.path(), &finished.output());
    readable_journal(folder.path());

    let again = Proxy::start(service.port, usize::MAX);
    let mut command = hss_sync(folder.path(), &["resume", "--retry-failed", "--report", "json=report.json"]);
    let trusted = ["--ca-cert", "ca.pem", "--allow-endpoint", SERVICE];
    let resumed = finish(command.args(trusted).env("HTTPS_PROXY", &again.url));
    let report = super::checked_report(&folder.path().join("report.json"));
    assert_eq!((resumed.code(), counts(&report)), (4, [11, 0, 1, 0]), "{}", resumed.excerpt());
    let posts = service.posted();
    assert_eq!(posts.len(), 12, "each once: {posts:?}");
    is_silent(folder.path(), &resumed.output());
}

/// A host of NO_PROXY is asked directly, where nobody is.
#[test]
fn a_host_that_is_excepted_is_not_asked_for_at_the_proxy() {
    let (folder, authority) = folder(1, QUICK);
    let (chain, key) = authority.sign(SERVICE, super::tls::GOOD);
    let service = Tls::start(chain, &key);
    let proxy = Proxy::start(service.port, usize::MAX);
    let variables = [("HTTPS_PROXY", proxy.url.as_str()), ("NO_PROXY", "elsewhere.example,192.0.2.0/24")];
    let (finished, report) = run(folder.path(), &format!("https://{SERVICE}"), &ARGS, &variables);
    assert_eq!((finished.code(), counts(&report)), (1, [0, 1, 0, 0]), "{}", finished.excerpt());
    assert_eq!((proxy.asked(), service.requests()), (0, 0));
    is_silent(folder.path(), &finished.output());
}
