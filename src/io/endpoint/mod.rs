//! Where services are, as the operator's machine says: environment variables and files of the official SDKs.

mod iam;
mod regions;

pub use iam::IamEndpoints;
pub use regions::{parse_regions, read_regions_file};

use super::credential::{Environment, upper};
use crate::model::{Endpoint, InvalidValue, Region};

/// The endpoint of a region that `HUAWEICLOUD_SDK_REGION_HSS_<REGION>` sets, as the official SDKs read it: the first one when
/// it lists several.
///
/// # Errors
/// When the value is no endpoint; the text names the variable and what is wrong.
pub fn endpoint_override(region: &Region, environment: &Environment) -> Result<Option<Endpoint>, String> {
    let variable = format!("HUAWEICLOUD_SDK_REGION_HSS_{}", upper(region.as_str()));
    let value = environment.get(&variable).map_or("", String::as_str);
    let Some(first) = value.split(',').map(str::trim).find(|part| !part.is_empty()) else { return Ok(None) };
    sdk_endpoint(first).map(Some).map_err(|error| format!("the environment variable {variable} is not usable: {error}"))
}

/// An endpoint as the SDKs write it: also a bare host.
fn sdk_endpoint(text: &str) -> Result<Endpoint, InvalidValue> {
    if text.contains("://") { Endpoint::parse(text) } else { Endpoint::parse(&format!("https://{text}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_can_be_set_for_a_region() {
        let region = Region::parse("cn-north-4").expect("a region");
        let over = |value: &str| {
            let variable = "HUAWEICLOUD_SDK_REGION_HSS_CN_NORTH_4".to_owned();
            endpoint_override(&region, &Environment::from([(variable, value.to_owned())]))
                .map(|endpoint| endpoint.map(|endpoint| endpoint.to_string()))
        };
        assert_eq!(over("https://a.example, https://b.example"), Ok(Some("https://a.example".to_owned())));
        assert_eq!(over("hss.example"), Ok(Some("https://hss.example".to_owned())));
        assert_eq!(over(" , "), Ok(None));
        assert_eq!(endpoint_override(&region, &Environment::new()), Ok(None));
        let error = over("http://a.example").expect_err("http");
        assert!(error.contains("HUAWEICLOUD_SDK_REGION_HSS_CN_NORTH_4"), "{error}");
    }
}
