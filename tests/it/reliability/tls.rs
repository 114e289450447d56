//! Certificates that are not to be trusted, each for its own reason: nothing is sent, and the reason is said.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::{Keep, PATIENT, acknowledge, counts, plan, read_request, readable_journal, reasons, run};

/// A service behind TLS on loopback.
pub(super) struct Tls {
    pub(super) port: u16,
    came: Arc<std::sync::Mutex<Vec<String>>>,
}

impl Tls {
    /// With this certificate; acknowledges everything.
    pub(super) fn start(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> Self {
        Self::answering(chain, key, |_| true)
    }

    /// Acknowledges the requests, counted from 1, of which `answers` says so.
    pub(super) fn answering(
        chain: Vec<CertificateDer<'static>>,
        key: &KeyPair,
        answers: impl Fn(usize) -> bool + Send + Sync + 'static,
    ) -> Self {
        let answers = Arc::new(answers);
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(chain, PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .expect("a usable pair");
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let came = Arc::new(std::sync::Mutex::new(Vec::new()));
        let log = Arc::clone(&came);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, answers) = (Arc::clone(&log), Arc::clone(&answers));
                let session = ServerConnection::new(Arc::clone(&config)).expect("a session");
                std::thread::spawn(move || {
                    let mut stream = StreamOwned::new(session, stream);
                    while let Some(line) = read_request(&mut stream) {
                        let number = {
                            let mut log = log.lock().expect("no thread panicked");
                            log.push(line);
                            log.len()
                        };
                        if !answers(number) || acknowledge(&mut stream) == Keep::No {
                            return;
                        }
                    }
                });
            }
        });
        Self { port, came }
    }

    /// What was to be created, each once.
    pub(super) fn posted(&self) -> std::collections::BTreeSet<String> {
        let came = self.came.lock().expect("no thread panicked");
        let posted: Vec<String> = came.iter().filter(|line| line.starts_with("POST ")).cloned().collect();
        let each = posted.iter().cloned().collect::<std::collections::BTreeSet<_>>();
        assert_eq!(each.len(), posted.len(), "{posted:?}");
        each
    }

    /// How many requests came.
    pub(super) fn requests(&self) -> usize {
        self.came.lock().expect("no thread panicked").len()
    }
}

/// An authority, whose certificate is written to `ca.pem` in a folder.
pub(super) struct Authority(Issuer<'static, KeyPair>);

impl Authority {
    pub(super) fn new(folder: &Path) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        // Authorities of one name would be taken for one.
        params.distinguished_name.push(DnType::CommonName, folder.display().to_string());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let root = params.self_signed(&key).expect("a root");
        std::fs::write(folder.join("ca.pem"), root.pem()).expect("written");
        Self(Issuer::new(params, key))
    }

    /// A certificate for a host, good between these years.
    pub(super) fn sign(&self, host: &str, (from, to): (i32, i32)) -> (Vec<CertificateDer<'static>>, KeyPair) {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec![host.to_owned()]).expect("parameters");
        (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(to, 1, 1));
        (vec![params.signed_by(&key, &self.0).expect("a certificate").der().clone()], key)
    }
}

pub(super) const GOOD: (i32, i32) = (2000, 4000);

#[test]
fn each_certificate_that_is_no_good_gets_nothing_and_is_told_from_the_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let elsewhere = tempfile::tempdir().expect("another folder");
    let (known, unknown) = (Authority::new(folder.path()), Authority::new(elsewhere.path()));
    let own = KeyPair::generate().expect("a key");
    let self_signed = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
    let self_signed = vec![self_signed.self_signed(&own).expect("a certificate").der().clone()];
    let cases = [
        (
            "another host",
            known.sign("elsewhere.example", GOOD),
            "the certificate is for another host: check the endpoint",
        ),
        ("expired", known.sign("localhost", (2000, 2001)), "the certificate has expired: check this machine's clock"),
        (
            "not yet good",
            known.sign("localhost", (3999, 4000)),
            "the certificate is not valid yet: check this machine's clock",
        ),
        (
            "unknown issuer",
            unknown.sign("localhost", GOOD),
            "self-signed or of an authority that this machine doesn't know: if you trust that, give the authority's certificate with --ca-cert",
        ),
        (
            "self-signed",
            (self_signed, own),
            "self-signed or of an authority that this machine doesn't know: if you trust that, give the authority's certificate with --ca-cert",
        ),
    ];
    std::fs::write(folder.path().join("plan.yaml"), plan(2, PATIENT)).expect("written");
    for (case, (chain, key), cause) in cases {
        let service = Tls::start(chain, &key);
        let endpoint = format!("https://localhost:{}", service.port);
        let _ = std::fs::remove_dir_all(folder.path().join(".hss-sync"));
        let (finished, report) = run(folder.path(), &endpoint, &["--ca-cert", "ca.pem"], &[]);
        assert_eq!((finished.code(), counts(&report)), (1, [0, 2, 0, 0]), "{case}: {}", finished.excerpt());
        for reason in reasons(&report) {
            assert!(reason.contains(cause), "{case}: {reason}");
        }
        assert_eq!(service.requests(), 0, "{case}: nothing arrived");
        readable_journal(folder.path());
    }
    let (chain, key) = known.sign("localhost", GOOD);
    let service = Tls::start(chain, &key);
    let _ = std::fs::remove_dir_all(folder.path().join(".hss-sync"));
    let (finished, report) =
        run(folder.path(), &format!("https://localhost:{}", service.port), &["--ca-cert", "ca.pem"], &[]);
    assert_eq!((finished.code(), counts(&report)), (0, [2, 0, 0, 0]), "a good one: {}", finished.excerpt());
}
