//! Where a region's IAM is: `--iam-endpoint`, `HUAWEICLOUD_SDK_IAM_ENDPOINT`, the section of the credentials file that the
//! credential came from, then built in.
//!
//! The table is that of the official SDK 3.1.219 (`auth/endpoint.py`): regions with an IAM of their own, and one for all
//! others. The EU site is another cloud with its own accounts, which the SDK's table leaves out; the Terraform provider
//! has it.

use std::collections::BTreeMap;

use super::sdk_endpoint;
use crate::io::credential::{Environment, FoundCredential};
use crate::model::{CredentialName, Endpoint, InvalidValue, Region};

/// Sets IAM for all regions.
const VARIABLE: &str = "HUAWEICLOUD_SDK_IAM_ENDPOINT";
/// Regions of the EU site begin so.
const EU_SITE: &str = "eu-west-1";
/// The regions that have an IAM of their own at `https://iam.{region}.myhuaweicloud.com`.
const OWN: [&str; 27] = [
    "cn-north-1",
    "cn-north-2",
    "cn-north-4",
    "cn-north-9",
    "cn-north-12",
    "cn-east-2",
    "cn-east-3",
    "cn-east-4",
    "cn-east-5",
    "cn-south-1",
    "cn-south-2",
    "cn-southwest-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "af-south-1",
    "sa-brazil-1",
    "la-south-2",
    "na-mexico-1",
    "la-north-2",
    "eu-west-0",
    "my-kualalumpur-1",
    "ru-moscow-1",
    "me-east-1",
    "ae-ad-1",
    "tr-west-1",
];

/// Where IAM is.
#[derive(Clone, Debug, Default)]
pub struct IamEndpoints {
    /// The operator's word for all regions.
    all: Option<Endpoint>,
    /// What the credentials file says for a credential that came from there.
    of_credentials: BTreeMap<CredentialName, Endpoint>,
}

impl IamEndpoints {
    /// From the flag, else from the environment.
    ///
    /// # Errors
    /// When what is set is no endpoint; the text names where it is set.
    pub fn new(flag: Option<&str>, environment: &Environment) -> Result<Self, String> {
        let set = environment.get(VARIABLE).map(|value| value.trim()).filter(|value| !value.is_empty());
        let all = match (flag, set) {
            (Some(text), _) => Some(Endpoint::parse(text).map_err(|error| format!("--iam-endpoint {text}: {error}"))?),
            (None, Some(text)) => {
                let problem = |error| format!("the environment variable {VARIABLE} is not usable: {error}");
                Some(sdk_endpoint(text).map_err(problem)?)
            }
            (None, None) => None,
        };
        Ok(Self { all, of_credentials: BTreeMap::new() })
    }

    /// With what these credentials say about their IAM.
    #[must_use]
    pub fn with_credentials(self, found: &BTreeMap<CredentialName, FoundCredential>) -> Self {
        let own = found.iter().filter_map(|(name, found)| Some((name.clone(), found.iam_endpoint.clone()?)));
        Self { of_credentials: own.collect(), ..self }
    }

    /// IAM for a credential in a region.
    ///
    /// # Errors
    /// Never in practice, since a region is a host label.
    pub fn of(&self, credential: &CredentialName, region: &Region) -> Result<Endpoint, InvalidValue> {
        match self.all.as_ref().or_else(|| self.of_credentials.get(credential)) {
            Some(endpoint) => Ok(endpoint.clone()),
            None => builtin(region),
        }
    }
}

fn builtin(region: &Region) -> Result<Endpoint, InvalidValue> {
    let name = region.as_str();
    if name.starts_with(EU_SITE) {
        Endpoint::parse(&format!("https://iam.{name}.myhuaweicloud.eu"))
    } else if OWN.contains(&name) {
        Endpoint::parse(&format!("https://iam.{name}.myhuaweicloud.com"))
    } else {
        Endpoint::parse("https://iam.myhuaweicloud.com")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::KNOWN_REGIONS;

    fn of(flag: Option<&str>, variable: &str, file: Option<&str>, region: &str) -> String {
        let environment = Environment::from([(VARIABLE.to_owned(), variable.to_owned())]);
        let mut endpoints = IamEndpoints::new(flag, &environment).expect("legal");
        let credential = CredentialName::default_name();
        let own = file.map(|text| (credential.clone(), Endpoint::parse(text).expect("legal")));
        endpoints.of_credentials = own.into_iter().collect();
        endpoints.of(&credential, &Region::parse(region).expect("legal")).expect("a host").to_string()
    }

    #[test]
    fn the_operator_comes_before_the_file_and_the_file_before_the_table() {
        let (flag, file) = (Some("https://flag.example"), Some("https://file.example"));
        assert_eq!(of(flag, "env.example", file, "cn-north-4"), "https://flag.example");
        assert_eq!(of(None, "env.example", file, "cn-north-4"), "https://env.example");
        assert_eq!(of(None, " ", file, "cn-north-4"), "https://file.example");
        assert_eq!(of(None, "", None, "cn-north-4"), "https://iam.cn-north-4.myhuaweicloud.com");
        for (flag, variable) in [(Some("http://a.example"), ""), (None, "http://a.example")] {
            let environment = Environment::from([(VARIABLE.to_owned(), variable.to_owned())]);
            let error = IamEndpoints::new(flag, &environment).expect_err("http");
            assert!(error.contains("--iam-endpoint http://a.example") || error.contains(VARIABLE), "{error}");
        }
    }

    /// By hand from the facts on endpoints: six regions of HSS have no row, and the EU site has its own domain.
    #[test]
    fn every_region_has_its_own_iam_the_global_one_or_that_of_the_eu_site() {
        let without: Vec<&str> = KNOWN_REGIONS
            .into_iter()
            .filter(|region| of(None, "", None, region) != format!("https://iam.{region}.myhuaweicloud.com"))
            .collect();
        assert_eq!(
            without,
            ["cn-north-11", "cn-south-4", "cn-southwest-3", "ap-southeast-5", "af-north-1", "eu-west-101"]
        );
        assert_eq!(of(None, "", None, "cn-north-11"), "https://iam.myhuaweicloud.com");
        assert_eq!(of(None, "", None, "xx-new-1"), "https://iam.myhuaweicloud.com");
        assert_eq!(of(None, "", None, "eu-west-101"), "https://iam.eu-west-101.myhuaweicloud.eu");
        assert_eq!(of(None, "", None, "eu-west-0"), "https://iam.eu-west-0.myhuaweicloud.com");
    }
}
