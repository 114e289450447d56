//! Where a region's HSS is, when neither operator nor plan says so.
//!
//! The table is that of the official SDK 3.1.219 (`hss_region.py`): one pattern with one exception, the EU site.

use crate::model::{Endpoint, InvalidValue, Region};

/// The regions whose service lies under another domain than `myhuaweicloud.com`.
const ELSEWHERE: [(&str, &str); 1] = [("eu-west-101", "https://hss.eu-west-101.myhuaweicloud.eu")];

/// The built-in endpoint of a region: the table, then the pattern `https://hss.{region}.myhuaweicloud.com`.
///
/// # Errors
/// Never in practice, since a region is a host label.
pub fn builtin_endpoint(region: &Region) -> Result<Endpoint, InvalidValue> {
    match ELSEWHERE.iter().find(|(name, _)| *name == region.as_str()) {
        Some((_, endpoint)) => Endpoint::parse(endpoint),
        None => Endpoint::parse(&format!("https://hss.{region}.myhuaweicloud.com")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::KNOWN_REGIONS;

    #[test]
    fn every_region_has_an_endpoint_and_the_eu_site_its_own() {
        let endpoint = |region: &str| {
            builtin_endpoint(&Region::parse(region).expect("legal")).expect("a region is a host label").to_string()
        };
        assert_eq!(endpoint("cn-north-4"), "https://hss.cn-north-4.myhuaweicloud.com");
        assert_eq!(endpoint("eu-west-101"), "https://hss.eu-west-101.myhuaweicloud.eu");
        assert_eq!(endpoint("xx-new-9"), "https://hss.xx-new-9.myhuaweicloud.com");
        for region in KNOWN_REGIONS {
            assert!(endpoint(region).starts_with("https://hss."), "{region}");
        }
        assert!(builtin_endpoint(&Region::parse(&"a".repeat(63)).expect("legal")).is_ok());
    }
}
