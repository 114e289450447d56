//! A region: what is legal, and which ones are known.
//!
//! A region becomes part of a host name, so its alphabet is that of a DNS label: a plan can never turn it
//! into another host.

use std::fmt;
use std::sync::Arc;

use super::id::InvalidValue;

/// A Huawei Cloud region such as `cn-north-4`: a DNS label in lower case, 1–63 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region(Arc<str>);

/// The regions in the HSS table of the official SDK 3.1.219 (`hss_region.py`), for suggestions only: an
/// unknown region is allowed, since such lists go stale.
pub const KNOWN_REGIONS: [&str; 32] = [
    "cn-north-1",
    "cn-north-2",
    "cn-north-4",
    "cn-north-9",
    "cn-north-11",
    "cn-north-12",
    "cn-east-2",
    "cn-east-3",
    "cn-east-4",
    "cn-east-5",
    "cn-south-1",
    "cn-south-2",
    "cn-south-4",
    "cn-southwest-2",
    "cn-southwest-3",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "na-mexico-1",
    "la-north-2",
    "la-south-2",
    "sa-brazil-1",
    "af-south-1",
    "af-north-1",
    "tr-west-1",
    "ae-ad-1",
    "me-east-1",
    "my-kualalumpur-1",
    "ru-moscow-1",
    "eu-west-101",
];

impl Region {
    /// Checks the text and wraps it.
    ///
    /// # Errors
    /// When the text is not a lower-case DNS label.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let what = "a region";
        if text.is_empty() || text.len() > 63 {
            return Err(InvalidValue::new(what, "must have 1 to 63 characters"));
        }
        let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !text.bytes().all(good) || text.starts_with('-') || text.ends_with('-') {
            return Err(InvalidValue::new(
                what,
                "holds only a–z, 0–9 and `-`, and neither starts nor ends with `-` (as in `cn-north-4`)",
            ));
        }
        Ok(Self(text.into()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the region is in the SDK's table.
    #[must_use]
    pub fn is_known(&self) -> bool {
        KNOWN_REGIONS.contains(&&*self.0)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl serde::Serialize for Region {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_cannot_leave_its_host_label() {
        assert!(Region::parse("eu-west-101").is_ok());
        for bad in ["", "a.b", "CN-north-4", "x/y", "a@b", "-a", "a-", "a b"] {
            assert!(Region::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Region::parse(&"a".repeat(64)).is_err());
    }

    #[test]
    fn every_known_region_is_legal() {
        for region in KNOWN_REGIONS {
            assert!(Region::parse(region).is_ok(), "{region}");
        }
    }
}
