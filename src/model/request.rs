//! What goes to the service, before it is signed.

use core::net::IpAddr;
use std::fmt;
use std::sync::Arc;

use super::id::{EnterpriseProjectId, InvalidValue, ProjectId, RegistryId};
use super::region::Region;

/// The registry types of the API, spelled exactly as it spells them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum RegistryType {
    /// SWR, private images.
    SwrPrivate,
    /// SWR, images shared by others.
    SwrShared,
    /// SWR Enterprise.
    SwrEnterprise,
    /// A Harbor registry.
    Harbor,
    /// A JFrog registry.
    Jfrog,
    /// Any other registry.
    Other,
}

impl RegistryType {
    /// All of them, in the API's order.
    pub const ALL: [Self; 6] =
        [Self::SwrPrivate, Self::SwrShared, Self::SwrEnterprise, Self::Harbor, Self::Jfrog, Self::Other];

    /// The API's spelling.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SwrPrivate => "SwrPrivate",
            Self::SwrShared => "SwrShared",
            Self::SwrEnterprise => "SwrEnterprise",
            Self::Harbor => "Harbor",
            Self::Jfrog => "Jfrog",
            Self::Other => "Other",
        }
    }

    /// Reads the API's spelling.
    ///
    /// # Errors
    /// For any other text; capitals matter.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| {
            InvalidValue::new(
                "a registry type",
                "is none of SwrPrivate, SwrShared, SwrEnterprise, Harbor, Jfrog, Other",
            )
        })
    }
}

impl fmt::Display for RegistryType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One entry of `registry_info`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct RegistryRef {
    /// The registry's id.
    pub registry_id: RegistryId,
    /// Its type.
    pub registry_type: RegistryType,
}

/// The body of CreateImageSynchronizeTask, with the API's field names and order.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct SyncBody {
    /// `true`: every registry of the project; always sent, as the SDKs do.
    pub sync_all_registries: bool,
    /// The registries; left out when empty, as in the SDKs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub registry_info: Vec<RegistryRef>,
}

impl SyncBody {
    /// The bytes that are sent and signed.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Serialising plain strings and booleans into memory has no way to fail.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// Scheme, host and port of a service, such as `https://hss.cn-north-4.myhuaweicloud.com`; no path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint(Arc<str>);

impl Endpoint {
    /// Checks and normalises: `https` anywhere, `http` on loopback only; no user, path, query or fragment.
    ///
    /// # Errors
    /// When the text is not such a URL; the error says why and what would be right.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let what = "an endpoint";
        let url = url::Url::parse(text)
            .map_err(|error| InvalidValue::new(what, format!("is not a URL ({error}); write `https://host`")))?;
        let host = url.host_str().ok_or_else(|| InvalidValue::new(what, "has no host"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidValue::new(what, "holds a user or password, which belong in a credential"));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidValue::new(what, "is only scheme and host; the path is added by hss-sync"));
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => return Err(InvalidValue::new(what, "uses http, which is for loopback only; write `https://`")),
            other => return Err(InvalidValue::new(what, format!("uses {other}; write `https://`"))),
        }
        let port = url.port().map_or(String::new(), |port| format!(":{port}"));
        Ok(Self(format!("{}://{host}{port}", url.scheme()).into()))
    }

    /// Scheme, host and port.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Host and port as the `Host` header carries them.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.0.split_once("://").map_or(&*self.0, |(_, authority)| authority)
    }

    /// The host alone, without port or brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        let authority = self.authority();
        if let Some(rest) = authority.strip_prefix('[') {
            return rest.split(']').next().unwrap_or(rest);
        }
        authority.split(':').next().unwrap_or(authority)
    }

    /// Whether it is on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = self.host();
        host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
    }
}

fn is_loopback(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The methods that are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// A read.
    Get,
    /// The one write: create a synchronisation task.
    Post,
}

impl Method {
    /// The method's name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// An unsigned request: everything that a signature covers except time and credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Method.
    pub method: Method,
    /// Scheme, host and port.
    pub endpoint: Endpoint,
    /// The path, decoded; it is percent-encoded when signed and sent.
    pub path: String,
    /// Query names and values, decoded, in the order in which they are sent.
    pub query: Vec<(String, String)>,
    /// Headers besides `Host` and those that signing adds.
    pub headers: Vec<(String, String)>,
    /// The exact bytes of the body.
    pub body: Vec<u8>,
}

impl Request {
    /// CreateImageSynchronizeTask: `POST /v5/{project_id}/image/image-sync/tasks`.
    #[must_use]
    pub fn create_sync_task(
        endpoint: &Endpoint,
        region: &Region,
        project_id: &ProjectId,
        enterprise_project_id: &EnterpriseProjectId,
        body: &SyncBody,
    ) -> Self {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Self {
            method: Method::Post,
            endpoint: endpoint.clone(),
            path: format!("/v5/{project_id}/image/image-sync/tasks"),
            query: vec![("enterprise_project_id".to_owned(), enterprise_project_id.as_str().to_owned())],
            headers: vec![
                header("Content-Type", "application/json"),
                header("X-Project-Id", project_id.as_str()),
                header("region", region.as_str()),
            ],
            body: body.to_bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_https_or_loopback() {
        let ok = |text: &str| Endpoint::parse(text).expect(text).to_string();
        assert_eq!(ok("https://HSS.cn-north-4.myhuaweicloud.com/"), "https://hss.cn-north-4.myhuaweicloud.com");
        assert_eq!(ok("http://127.0.0.1:8080"), "http://127.0.0.1:8080");
        assert_eq!(Endpoint::parse("http://[::1]:80/").expect("loopback").host(), "::1");
        for (text, loopback) in [
            ("http://127.1:8080", true),
            ("http://[::1]:80", true),
            ("https://localhost", true),
            ("https://127.0.0.1.example", false),
            ("https://[::2]", false),
        ] {
            assert_eq!(Endpoint::parse(text).expect("legal").is_loopback(), loopback, "{text}");
        }
        for bad in [
            "",
            "hss.example",
            "http://example.com",
            "https://u:p@example.com",
            "https://example.com/v5",
            "https://example.com?x",
            "ftp://example.com",
            "http://127.0.0.1.example.com",
            "http://localhost.example",
        ] {
            assert!(Endpoint::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_body_has_the_bytes_of_the_official_vectors() {
        let all = SyncBody { sync_all_registries: true, registry_info: Vec::new() };
        assert_eq!(all.to_bytes(), br#"{"sync_all_registries":true}"#);
        let some = SyncBody {
            sync_all_registries: false,
            registry_info: vec![RegistryRef {
                registry_id: RegistryId::parse("77aa").expect("legal"),
                registry_type: RegistryType::SwrPrivate,
            }],
        };
        assert_eq!(
            some.to_bytes(),
            br#"{"sync_all_registries":false,"registry_info":[{"registry_id":"77aa","registry_type":"SwrPrivate"}]}"#
        );
    }
}
