//! The authorities that are trusted: the system's, and those of `--ca-cert`.
//!
//! On macOS and Windows the platform itself judges certificates. Elsewhere there is a bundle, and most often a directory that
//! holds the same certificates one by one: the library reads and parses both, which is more than half of the processor time
//! of a run with one request. The bundle is what curl reads, so it is enough where there is one.

use reqwest::{Certificate, ClientBuilder};

use super::{HttpSetupError, chain};

/// PEM text, parsed; refused where it holds nothing usable.
pub(super) fn read(pem: &[u8]) -> Result<Vec<Certificate>, HttpSetupError> {
    let bad = |error: reqwest::Error| HttpSetupError::BadRoots(chain(&error.without_url()));
    let roots = Certificate::from_pem_bundle(pem).map_err(bad)?;
    if roots.is_empty() {
        return Err(HttpSetupError::BadRoots("there is none in it".to_owned()));
    }
    Ok(roots)
}

/// Makes the client trust the system's authorities and `extra` ones. Where the environment has `named` the system's, the
/// library reads them.
pub(super) fn trust(builder: ClientBuilder, extra: Vec<Certificate>, named: bool) -> ClientBuilder {
    #[cfg(all(unix, not(any(target_os = "android", target_vendor = "apple"))))]
    if !named && let Some(bundle) = bundle::certificates(openssl_probe::probe().cert_file.as_deref()) {
        return builder.tls_certs_only(bundle.into_iter().chain(extra));
    }
    // On other systems nothing names them.
    let _ = named;
    builder.tls_certs_merge(extra)
}

#[cfg(all(unix, not(any(target_os = "android", target_vendor = "apple"))))]
mod bundle {
    use std::path::Path;

    use reqwest::Certificate;
    use rustls::RootCertStore;
    use rustls::pki_types::CertificateDer;

    /// What a bundle holds, but for what no one could trust; none where it is not there or has nothing in it.
    pub(super) fn certificates(path: Option<&Path>) -> Option<Vec<Certificate>> {
        let bundle = rustls_native_certs::load_certs_from_paths(path, None);
        let usable = |certificate: &CertificateDer<'static>| RootCertStore::empty().add(certificate.clone()).is_ok();
        let usable = bundle.certs.into_iter().filter(usable);
        let certificates: Vec<_> = usable.filter_map(|certificate| Certificate::from_der(&certificate).ok()).collect();
        (!certificates.is_empty()).then_some(certificates)
    }

    #[cfg(test)]
    mod tests {
        use super::certificates;

        const ROOT: &str = include_str!("../../../tests/vectors/test-root.pem");

        #[test]
        fn a_bundle_gives_what_can_be_trusted() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("bundle.pem");
            let count = |text: &str| {
                std::fs::write(&path, text).unwrap();
                certificates(Some(&path)).map(|certificates| certificates.len())
            };
            let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
            assert_eq!(count(ROOT), Some(1));
            assert_eq!(
                count(&format!("# the company's\n{ROOT}{broken}")),
                Some(1),
                "one that no one can trust harms nobody"
            );
            // Then the library reads whatever else there is.
            for nothing in ["", broken, "no certificate"] {
                assert_eq!(count(nothing), None, "{nothing}");
            }
            assert_eq!(certificates(Some(&folder.path().join("missing.pem"))).map(|all| all.len()), None);
            assert_eq!(certificates(None).map(|all| all.len()), None);
        }
    }
}
