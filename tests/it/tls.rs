//! HTTPS with the real binary: a certificate that is trusted, one that isn't, and one for another host; HTTP/1.1 and HTTP/2.

use std::convert::Infallible;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// A service behind TLS that acknowledges everything and remembers in which version it was asked.
struct Service {
    _runtime: tokio::runtime::Runtime,
    port: u16,
    folder: TempDir,
    versions: Arc<Mutex<Vec<Version>>>,
}

impl Service {
    /// With a certificate for `host`, whose issuer is written to `ca.pem`, and these ALPN protocols.
    fn start(host: &str, alpn: &[&str]) -> Self {
        let mut authority = rcgen::CertificateParams::new(Vec::new()).expect("parameters");
        authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority_key = rcgen::KeyPair::generate().expect("a key");
        let root = authority.self_signed(&authority_key).expect("a root");
        let issuer = rcgen::Issuer::new(authority, authority_key);
        let key = rcgen::KeyPair::generate().expect("a key");
        let leaf = rcgen::CertificateParams::new(vec![host.to_owned()]).expect("parameters");
        let leaf = leaf.signed_by(&key, &issuer).expect("a certificate");

        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .expect("a usable pair");
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();

        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("ca.pem"), root.pem()).expect("the root is written");
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let versions = Arc::new(Mutex::new(Vec::new()));
        let acceptor = TlsAcceptor::from(Arc::new(config));
        runtime.spawn(serve(listener, acceptor, Arc::clone(&versions)));
        Self { _runtime: runtime, port, folder, versions }
    }

    /// Runs a plan of two operations against it.
    fn run(&self, more: &[&str]) -> Output {
        self.run_where(&[], more)
    }

    /// The same with further variables in its environment.
    fn run_where(&self, environment: &[(&str, &str)], more: &[&str]) -> Output {
        let plan = "version: 1\nname: tls\nregistry_sets:\n  all: { sync_all_registries: true }\ndefaults: { registry_sets: [all] }\nlimits: { retry: { max_attempts: 1 } }\nprojects:\n  - { name: p, project_ids: { cn-north-4: p4, cn-north-1: p1 } }\n";
        std::fs::write(self.folder.path().join("plan.yaml"), plan).expect("the plan is written");
        let endpoint = format!("https://localhost:{}", self.port);
        Command::new(env!("CARGO_BIN_EXE_hss-sync"))
            .current_dir(self.folder.path())
            .env_clear()
            .env("HUAWEICLOUD_SDK_AK", "AKTEST0000000001")
            .env("HUAWEICLOUD_SDK_SK", "sk-for-a-test-only")
            .envs(environment.iter().copied())
            .args(["run", "plan.yaml", "--endpoint", &endpoint])
            .args(more)
            .output()
            .expect("the binary starts")
    }
}

async fn serve(listener: tokio::net::TcpListener, acceptor: TlsAcceptor, versions: Arc<Mutex<Vec<Version>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, versions) = (acceptor.clone(), Arc::clone(&versions));
        tokio::spawn(async move {
            // A client that doesn't trust the certificate goes away here.
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let answer = service_fn(move |request: Request<Incoming>| {
                versions.lock().expect("not poisoned").push(request.version());
                async { Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"{}")))) }
            });
            let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_trusted_service_is_asked_in_the_version_that_it_speaks() {
    for (alpn, version) in [(&["h2", "http/1.1"][..], Version::HTTP_2), (&["http/1.1"], Version::HTTP_11)] {
        let service = Service::start("localhost", alpn);
        let output = service.run(&["--ca-cert", "ca.pem"]);
        assert_eq!(output.status.code(), Some(0), "{alpn:?}: {}", text(&output.stderr));
        assert!(text(&output.stdout).starts_with("2 accepted of 2"), "{}", text(&output.stdout));
        assert_eq!(*service.versions.lock().expect("not poisoned"), [version; 2]);
    }
}

/// A company's authority is where the system's are, or where the environment says.
#[cfg(target_os = "linux")]
#[test]
fn an_authority_that_the_environment_names_is_trusted() {
    let service = Service::start("localhost", &["http/1.1"]);
    let output = service.run_where(&[("SSL_CERT_FILE", "ca.pem")], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).starts_with("2 accepted of 2"), "{}", text(&output.stdout));
}

/// Without trust nothing is sent: the operations fail, and are not unknown.
#[test]
fn an_untrusted_service_and_another_host_get_nothing() {
    for (host, more) in [("localhost", &[][..]), ("elsewhere.example", &["--ca-cert", "ca.pem"])] {
        let service = Service::start(host, &["http/1.1"]);
        let output = service.run(more);
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        // A machine without CA certificates refuses earlier, and says so.
        if more.is_empty() && stderr.contains("no CA certificates") {
            continue;
        }
        assert_eq!(output.status.code(), Some(1), "{host}: {stdout}{stderr}");
        assert!(stdout.starts_with("0 accepted, 2 failed of 2"), "{host}: {stdout}");
        assert!(stdout.contains("certificate"), "{host}: the cause is named: {stdout}");
        assert!(service.versions.lock().expect("not poisoned").is_empty(), "{host}: nothing arrived");
    }
}
