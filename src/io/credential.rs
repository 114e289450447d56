//! Credentials and endpoint overrides from the environment.
//!
//! The environment comes in as a value that `main` captured once, so that everything here is a function and its tests need
//! no environment. Sources and their order are section 7 of the contract; files, user name and password, OIDC and the
//! metadata service are not read yet, and the error says so.

use std::collections::BTreeMap;

use crate::model::{CredentialName, Endpoint, Region, Secret};
use crate::sign::Credential;

/// The captured environment.
pub type Environment = BTreeMap<String, String>;

/// Real keys have 20 and 40 characters and tokens hundreds; anything under this is a mistake, and couldn't be hidden in output.
const SHORTEST_SECRET: usize = 8;

/// A credential and where it came from.
#[derive(Clone, Debug)]
pub struct FoundCredential {
    /// The credential.
    pub credential: Credential,
    /// The variable that held its first half: `HUAWEICLOUD_SDK_AK`.
    pub source: String,
}

impl FoundCredential {
    /// `AK …0001 from HUAWEICLOUD_SDK_AK`.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("{} from {}", self.credential.masked(), self.source)
    }
}

/// Why there is no credential. No text of it holds a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// A pair of which one half is set.
    #[error(
        "credential `{name}`: {present} is set, but {missing} is not; set both halves, or unset {present} to let the next source count"
    )]
    HalfSet {
        /// The credential's name in the plan.
        name: CredentialName,
        /// A variable that is set.
        present: String,
        /// The one that is missing.
        missing: String,
    },
    /// A value that no key or token can have.
    #[error("credential `{name}`: the value of {variable} {reason}; set it anew (the value is not shown)")]
    BadValue {
        /// The credential's name in the plan.
        name: CredentialName,
        /// The variable.
        variable: String,
        /// What is wrong with the value.
        reason: &'static str,
    },
    /// Nothing is set.
    #[error(
        "credential `{name}`: nothing is set; looked for {looked_for}. The file ~/.huaweicloud/credentials, user name and \
         password, OIDC and the metadata service of a cloud server are not supported in this version yet: set one of these"
    )]
    Missing {
        /// The credential's name in the plan.
        name: CredentialName,
        /// The variables, in order.
        looked_for: String,
    },
}

/// One place where a credential may come from.
enum Source {
    Keys { access_key: String, secret_key: String, security_token: Option<String> },
    Token(String),
}

/// Finds a credential of a plan: the first source that is complete. A source of which only a part is set is an error when it
/// comes before a complete one, since the next source could belong to somebody else. Values are trimmed; an empty one
/// counts as not set.
///
/// # Errors
/// When nothing is set, a pair is half set, or a value is none that a key or token can have.
pub fn find_credential(name: &CredentialName, environment: &Environment) -> Result<FoundCredential, CredentialError> {
    let get = |variable: &str| environment.get(variable).map(|value| value.trim()).filter(|value| !value.is_empty());
    for source in sources(name) {
        match source {
            Source::Token(variable) => {
                if let Some(value) = get(&variable) {
                    let credential = Credential::Token(secret(name, &variable, value)?);
                    return Ok(FoundCredential { credential, source: variable });
                }
            }
            Source::Keys { access_key, secret_key, security_token } => {
                let token = security_token.as_ref().and_then(|variable| Some((variable, get(variable)?)));
                let (ak, sk) = match (get(&access_key), get(&secret_key), token) {
                    (None, None, None) => continue,
                    (Some(ak), Some(sk), _) => (ak, sk),
                    (None, None, Some((variable, _))) => return Err(half_set(name, variable, &access_key)),
                    (None, Some(_), _) => return Err(half_set(name, &secret_key, &access_key)),
                    (Some(_), None, _) => return Err(half_set(name, &access_key, &secret_key)),
                };
                check(name, &access_key, ak, |c| c != ',')?;
                let credential = Credential::AccessKey {
                    access_key: ak.to_owned(),
                    secret_key: secret(name, &secret_key, sk)?,
                    security_token: token.map(|(variable, value)| secret(name, variable, value)).transpose()?,
                };
                return Ok(FoundCredential { credential, source: access_key });
            }
        }
    }
    let looked_for = sources(name).iter().map(Source::describe).collect::<Vec<_>>().join(", ");
    Err(CredentialError::Missing { name: name.clone(), looked_for })
}

/// Where a credential may come from, in order.
fn sources(name: &CredentialName) -> Vec<Source> {
    let keys = |access_key: &str, secret_key: &str, security_token: Option<&str>| Source::Keys {
        access_key: access_key.to_owned(),
        secret_key: secret_key.to_owned(),
        security_token: security_token.map(str::to_owned),
    };
    if *name == CredentialName::default_name() {
        return vec![
            keys("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", Some("HUAWEICLOUD_SDK_SECURITY_TOKEN")),
            keys("CLOUD_SDK_AK", "CLOUD_SDK_SK", None),
            keys("HW_ACCESS_KEY", "HW_SECRET_KEY", Some("HW_SECURITY_TOKEN")),
            keys("OS_ACCESS_KEY", "OS_SECRET_KEY", None),
            Source::Token("HW_AUTH_TOKEN".to_owned()),
            Source::Token("OS_AUTH_TOKEN".to_owned()),
        ];
    }
    let prefix = format!("HSS_SYNC_CREDENTIAL_{}_", upper(name.as_str()));
    vec![
        keys(&format!("{prefix}AK"), &format!("{prefix}SK"), Some(&format!("{prefix}SECURITY_TOKEN"))),
        Source::Token(format!("{prefix}AUTH_TOKEN")),
    ]
}

impl Source {
    fn describe(&self) -> String {
        match self {
            Self::Token(variable) => variable.clone(),
            Self::Keys { access_key, secret_key, security_token } => {
                let token = security_token.as_ref().map_or(String::new(), |variable| format!(" (+ {variable})"));
                format!("{access_key} + {secret_key}{token}")
            }
        }
    }
}

fn half_set(name: &CredentialName, present: &str, missing: &str) -> CredentialError {
    CredentialError::HalfSet { name: name.clone(), present: present.to_owned(), missing: missing.to_owned() }
}

fn secret(name: &CredentialName, variable: &str, value: &str) -> Result<Secret, CredentialError> {
    check(name, variable, value, |_| true)?;
    if value.chars().count() < SHORTEST_SECRET {
        let reason = "has fewer than 8 characters, which no secret key or token has";
        return Err(CredentialError::BadValue { name: name.clone(), variable: variable.to_owned(), reason });
    }
    Ok(Secret::new(value.to_owned()))
}

/// Keys and tokens become part of a header, so they are visible ASCII.
fn check(
    name: &CredentialName,
    variable: &str,
    value: &str,
    allowed: impl Fn(char) -> bool,
) -> Result<(), CredentialError> {
    let reason = if value.contains(['\n', '\r']) {
        "holds a line break in its middle, as when two lines were pasted"
    } else if value.contains(char::is_whitespace) {
        "holds a space, which no key or token has"
    } else if !value.chars().all(|c| c.is_ascii_graphic() && allowed(c)) {
        "holds a character that no key or token has"
    } else {
        return Ok(());
    };
    Err(CredentialError::BadValue { name: name.clone(), variable: variable.to_owned(), reason })
}

/// The endpoint of a region that `HUAWEICLOUD_SDK_REGION_HSS_<REGION>` sets, as the official SDKs read it: the first one when
/// it lists several.
///
/// # Errors
/// When the value is no endpoint; the text names the variable and what is wrong.
pub fn endpoint_override(region: &Region, environment: &Environment) -> Result<Option<Endpoint>, String> {
    let variable = format!("HUAWEICLOUD_SDK_REGION_HSS_{}", upper(region.as_str()));
    let value = environment.get(&variable).map_or("", String::as_str);
    let Some(first) = value.split(',').map(str::trim).find(|part| !part.is_empty()) else { return Ok(None) };
    // The SDKs accept a bare host here.
    let text = if first.contains("://") { first.to_owned() } else { format!("https://{first}") };
    Endpoint::parse(&text)
        .map(Some)
        .map_err(|error| format!("the environment variable {variable} is not usable: {error}"))
}

/// A name as it is part of a variable's name.
fn upper(name: &str) -> String {
    name.to_ascii_uppercase().replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn find(name: &str, variables: &[(&str, &str)]) -> Result<String, String> {
        let name = CredentialName::parse(name).expect("a credential name");
        find_credential(&name, &environment(variables)).map(|found| found.describe()).map_err(|error| error.to_string())
    }

    const SK: &str = "secret-key-of-forty-characters-xxxxxxxxx";

    #[test]
    fn the_first_complete_source_counts() {
        let all = [
            ("HUAWEICLOUD_SDK_AK", "AKAKAKAK1111"),
            ("HUAWEICLOUD_SDK_SK", SK),
            ("CLOUD_SDK_AK", "AKAKAKAK2222"),
            ("CLOUD_SDK_SK", SK),
            ("HW_ACCESS_KEY", "AKAKAKAK3333"),
            ("HW_SECRET_KEY", SK),
            ("HW_SECURITY_TOKEN", "token-token"),
            ("OS_ACCESS_KEY", "AKAKAKAK4444"),
            ("OS_SECRET_KEY", SK),
            ("HW_AUTH_TOKEN", "token-token"),
            ("OS_AUTH_TOKEN", "token-token"),
        ];
        for (skipped, expected) in [
            (0, "AK …1111 from HUAWEICLOUD_SDK_AK"),
            (2, "AK …2222 from CLOUD_SDK_AK"),
            (4, "temporary AK …3333 from HW_ACCESS_KEY"),
            (7, "AK …4444 from OS_ACCESS_KEY"),
            (9, "token from HW_AUTH_TOKEN"),
            (10, "token from OS_AUTH_TOKEN"),
        ] {
            assert_eq!(find("default", &all[skipped..]).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn a_named_credential_has_its_own_variables() {
        let variables = [
            ("HSS_SYNC_CREDENTIAL_EMEA_2_AK", "AKAKAKAK1111"),
            ("HSS_SYNC_CREDENTIAL_EMEA_2_SK", SK),
            ("HW_AUTH_TOKEN", SK),
        ];
        assert_eq!(find("emea-2", &variables).as_deref(), Ok("AK …1111 from HSS_SYNC_CREDENTIAL_EMEA_2_AK"));
        assert_eq!(
            find("emea", &[("HSS_SYNC_CREDENTIAL_EMEA_AUTH_TOKEN", SK)]).as_deref(),
            Ok("token from HSS_SYNC_CREDENTIAL_EMEA_AUTH_TOKEN")
        );
        let error = find("apac", &variables).expect_err("the default's token is not for it");
        assert!(error.contains("HSS_SYNC_CREDENTIAL_APAC_AK + HSS_SYNC_CREDENTIAL_APAC_SK"), "{error}");
        assert!(error.contains("not supported in this version yet"), "{error}");
    }

    #[test]
    fn values_are_trimmed_and_empty_ones_are_not_set() {
        let variables = [
            ("HUAWEICLOUD_SDK_AK", ""),
            ("HUAWEICLOUD_SDK_SK", " \n"),
            ("CLOUD_SDK_AK", " AKAKAKAK1111\n"),
            ("CLOUD_SDK_SK", "secret-secret\r\n"),
        ];
        let name = CredentialName::default_name();
        let found = find_credential(&name, &environment(&variables)).expect("complete");
        let Credential::AccessKey { access_key, secret_key, security_token: None } = found.credential else {
            panic!("a key pair")
        };
        assert_eq!((access_key.as_str(), secret_key.expose()), ("AKAKAKAK1111", "secret-secret"));
    }

    #[test]
    fn a_half_set_pair_names_the_other_half() {
        for (set, missing) in [
            ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"),
            ("HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_AK"),
            ("HUAWEICLOUD_SDK_SECURITY_TOKEN", "HUAWEICLOUD_SDK_AK"),
        ] {
            // A complete source after it doesn't help: it could be somebody else's.
            let error = find("default", &[(set, SK), ("HW_AUTH_TOKEN", SK)]).expect_err("half set");
            assert!(error.contains(&format!("{set} is set, but {missing} is not")), "{error}");
        }
        // A half-set source after a complete one doesn't matter.
        let variables = [("CLOUD_SDK_AK", "AKAKAKAK1111"), ("CLOUD_SDK_SK", SK), ("HW_ACCESS_KEY", "x")];
        assert!(find("default", &variables).is_ok());
    }

    #[test]
    fn what_no_key_can_be_is_refused_without_showing_it() {
        for (value, reason) in [
            ("two\nlines-of-it", "line break"),
            ("with space-in-it", "a space"),
            ("sécret-sécret", "a character"),
            ("bell\u{7}bell", "a character"),
            ("short12", "fewer than 8"),
        ] {
            let error =
                find("default", &[("OS_ACCESS_KEY", "AKAKAKAK1111"), ("OS_SECRET_KEY", value)]).expect_err(value);
            assert!(error.contains("OS_SECRET_KEY") && error.contains(reason) && !error.contains(value), "{error}");
        }
        assert!(find("default", &[("OS_ACCESS_KEY", "AK,Signature=x"), ("OS_SECRET_KEY", SK)]).is_err());
    }

    #[test]
    fn nothing_set_lists_what_was_looked_for() {
        let error = find("default", &[]).expect_err("nothing");
        assert!(error.starts_with("credential `default`: nothing is set; looked for HUAWEICLOUD_SDK_AK + HUAWEICLOUD_SDK_SK (+ HUAWEICLOUD_SDK_SECURITY_TOKEN), CLOUD_SDK_AK"), "{error}");
    }

    #[test]
    fn an_endpoint_can_be_set_for_a_region() {
        let region = Region::parse("cn-north-4").expect("a region");
        let over = |value: &str| {
            endpoint_override(&region, &environment(&[("HUAWEICLOUD_SDK_REGION_HSS_CN_NORTH_4", value)]))
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
