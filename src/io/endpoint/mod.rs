//! Where services are, as the operator's machine says: environment variables of the official SDKs.

mod iam;

pub use iam::IamEndpoints;

use crate::model::{Endpoint, InvalidValue};

/// An endpoint as the SDKs write it: also a bare host.
fn sdk_endpoint(text: &str) -> Result<Endpoint, InvalidValue> {
    if text.contains("://") { Endpoint::parse(text) } else { Endpoint::parse(&format!("https://{text}")) }
}
