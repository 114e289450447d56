//! The sources of a credential in their order, contract section 7: the first complete one counts.
//!
//! A function of the captured environment and the credentials file as it was read. A source of which only a part is set is
//! an error when it comes before a complete one, since the next source could belong to somebody else.

use std::path::PathBuf;

use super::file::FileProblem;
use super::{
    CredentialError, CredentialsFile, Environment, Federation, FoundCredential, Login, Looked, Origin, check, upper,
};
use crate::model::{CredentialName, Endpoint, Secret};
use crate::sign::Credential;

/// Where the metadata service of a cloud server is, on every cloud server.
const METADATA: &str = "http://169.254.169.254";
/// Moves the metadata service to loopback, for a rehearsal, or switches it off: `off`.
const METADATA_VARIABLE: &str = "HSS_SYNC_METADATA_ENDPOINT";

/// One place where a credential may come from.
enum Source {
    Keys { access_key: String, secret_key: String, security_token: Option<String> },
    Token(String),
    Password,
    File { section: String },
    IdToken,
    Metadata,
}

/// Finds a credential of a plan. Values are trimmed; an empty one counts as not set. Nothing is asked for yet: the
/// metadata service, the last source of `default`, is taken to have keys.
///
/// # Errors
/// When nothing is complete, a source is half set, a value is none that a key or token can have, or the credentials file
/// is reached and not usable.
pub fn find_credential(
    name: &CredentialName,
    environment: &Environment,
    file: &CredentialsFile,
) -> Result<FoundCredential, CredentialError> {
    let search = Search { name, environment, file };
    let mut before = Vec::new();
    for source in sources(name) {
        match search.look(&source)? {
            Ok((origin, found)) => {
                let iam_endpoint = search.iam_endpoint(&source)?;
                return Ok(FoundCredential { origin, source: found, before, iam_endpoint });
            }
            Err(found) => before.push(Looked { what: search.describe(&source), found }),
        }
    }
    Err(CredentialError::Missing { name: name.clone(), looked: before })
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
            Source::Password,
            Source::File { section: "basic".to_owned() },
            Source::IdToken,
            Source::Metadata,
        ];
    }
    let prefix = format!("HSS_SYNC_CREDENTIAL_{}_", upper(name.as_str()));
    vec![
        keys(&format!("{prefix}AK"), &format!("{prefix}SK"), Some(&format!("{prefix}SECURITY_TOKEN"))),
        Source::Token(format!("{prefix}AUTH_TOKEN")),
        Source::File { section: name.as_str().to_owned() },
    ]
}

/// A complete source, or in a few words why it is none.
type Look = Result<(Origin, String), String>;

/// A value and the name of its place.
type Named<'a> = (String, Option<&'a str>);

struct Search<'a> {
    name: &'a CredentialName,
    environment: &'a Environment,
    file: &'a CredentialsFile,
}

impl<'a> Search<'a> {
    fn look(&self, source: &Source) -> Result<Look, CredentialError> {
        let not_set = || Ok(Err("not set".to_owned()));
        match source {
            Source::Keys { access_key, secret_key, security_token } => {
                let token = security_token.as_ref().map(|variable| self.variable(variable));
                let found = self.keys(self.variable(access_key), self.variable(secret_key), token)?;
                found.map_or_else(not_set, |origin| Ok(Ok((origin, access_key.clone()))))
            }
            Source::Token(variable) => {
                let Some(value) = self.variable(variable).1 else { return not_set() };
                let token = check::at(self.name, variable, check::token(value))?;
                Ok(Ok((Origin::Ready(Credential::Token(token)), variable.clone())))
            }
            Source::Password => {
                let found = self.password()?;
                found.map_or_else(not_set, |origin| Ok(Ok((origin, "HW_USER_NAME".to_owned()))))
            }
            Source::File { section } => self.section(section),
            Source::IdToken => {
                let idp_id = self.variable("HUAWEICLOUD_SDK_IDP_ID");
                let token_file = self.variable("HUAWEICLOUD_SDK_ID_TOKEN_FILE");
                let found = self.federation(idp_id, token_file)?;
                found.map_or_else(not_set, |origin| Ok(Ok((origin, "HUAWEICLOUD_SDK_IDP_ID".to_owned()))))
            }
            Source::Metadata => self.metadata(),
        }
    }

    fn describe(&self, source: &Source) -> String {
        match source {
            Source::Token(variable) => variable.clone(),
            Source::Keys { access_key, secret_key, security_token } => {
                let token = security_token.as_ref().map_or(String::new(), |variable| format!(" (+ {variable})"));
                format!("{access_key} + {secret_key}{token}")
            }
            Source::Password => "HW_USER_NAME + HW_USER_PASSWORD + HW_DOMAIN_NAME".to_owned(),
            Source::File { section } => format!("{} [{section}]", self.file.shown),
            Source::IdToken => "HUAWEICLOUD_SDK_IDP_ID + HUAWEICLOUD_SDK_ID_TOKEN_FILE".to_owned(),
            Source::Metadata => "metadata service of a cloud server".to_owned(),
        }
    }

    fn variable(&self, name: &str) -> Named<'a> {
        let value = self.environment.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
        (name.to_owned(), value)
    }

    fn keys(
        &self,
        access_key: Named<'_>,
        secret_key: Named<'_>,
        security_token: Option<Named<'_>>,
    ) -> Result<Option<Origin>, CredentialError> {
        let token = security_token.as_ref().and_then(|(place, value)| Some((place, (*value)?)));
        let Some([ak, sk]) = self.whole([&access_key, &secret_key])? else {
            return match token {
                Some((place, _)) => Err(self.half_set(place, &[&access_key.0])),
                None => Ok(None),
            };
        };
        let secret = |place: &str, value| check::at(self.name, place, check::token(value));
        Ok(Some(Origin::Ready(Credential::AccessKey {
            access_key: check::at(self.name, &access_key.0, check::access_key(ak))?,
            secret_key: secret(&secret_key.0, sk)?,
            security_token: token.map(|(place, value)| secret(place, value)).transpose()?,
        })))
    }

    /// The name of the account alone says nothing: other tools read it beside keys.
    fn password(&self) -> Result<Option<Origin>, CredentialError> {
        let (user, password) = (self.variable("HW_USER_NAME"), self.variable("HW_USER_PASSWORD"));
        if user.1.is_none() && password.1.is_none() {
            return Ok(None);
        }
        let whole = self.whole([&user, &password, &self.variable("HW_DOMAIN_NAME")])?;
        let Some([user, secret, domain]) = whole else { return Ok(None) };
        let password = check::at(self.name, &password.0, check::password(secret))?;
        Ok(Some(Origin::Password(Login { user: user.to_owned(), domain: domain.to_owned(), password })))
    }

    fn federation(&self, idp_id: Named<'_>, token_file: Named<'_>) -> Result<Option<Origin>, CredentialError> {
        let Some([id, path]) = self.whole([&idp_id, &token_file])? else { return Ok(None) };
        // A header as well, though no secret.
        let idp_id = check::at(self.name, &idp_id.0, check::access_key(id))?;
        Ok(Some(Origin::IdToken(Federation { idp_id, token_file: PathBuf::from(path) })))
    }

    /// The identity provider of a section comes before its keys, as in the official SDKs.
    fn section(&self, section: &str) -> Result<Look, CredentialError> {
        let sections = match &self.file.content {
            Ok(sections) => sections,
            Err(FileProblem::Absent(why)) => return Ok(Err((*why).to_owned())),
            Err(FileProblem::Unusable(problem)) => return Err(self.file_error(problem.clone())),
        };
        if !sections.has(section) {
            return Ok(Err("there is no such section".to_owned()));
        }
        let value = |key: &str| (self.place(section, key), sections.get(section, key));
        let mut found = self.federation(value("idp_id"), value("id_token_file"))?;
        if found.is_none() {
            found = self.keys(value("ak"), value("sk"), Some(value("security_token")))?;
        }
        let source = format!("{} [{section}]", self.file.shown);
        let nothing = || "neither ak + sk nor idp_id + id_token_file is set in it".to_owned();
        Ok(found.map(|origin| (origin, source)).ok_or_else(nothing))
    }

    /// How output names a value of the file.
    fn place(&self, section: &str, key: &str) -> String {
        format!("`{key}` of [{section}] in {}", self.file.shown)
    }

    /// What the section of a credential from the file says about its IAM.
    fn iam_endpoint(&self, source: &Source) -> Result<Option<Endpoint>, CredentialError> {
        let (Source::File { section }, Ok(sections)) = (source, &self.file.content) else { return Ok(None) };
        let problem = |error| self.file_error(format!("{}: {error}", self.place(section, "iam_endpoint")));
        sections.get(section, "iam_endpoint").map(Endpoint::parse).transpose().map_err(problem)
    }

    fn metadata(&self) -> Result<Look, CredentialError> {
        let base = match self.variable(METADATA_VARIABLE) {
            (_, None) => METADATA.to_owned(),
            (_, Some("off")) => return Ok(Err(format!("switched off by {METADATA_VARIABLE}"))),
            (place, Some(text)) => {
                let endpoint = Endpoint::parse(text).map_err(|error| format!("is not usable: {error}"));
                check::at(self.name, &place, endpoint)?.to_string()
            }
        };
        let source = format!("the metadata service at {base}");
        Ok(Ok((Origin::Metadata { base }, source)))
    }

    /// All of the values, or none.
    ///
    /// # Errors
    /// When some are set and others are not.
    fn whole<'v, const N: usize>(&self, places: [&Named<'v>; N]) -> Result<Option<[&'v str; N]>, CredentialError> {
        let missing: Vec<&str> =
            places.iter().filter(|(_, value)| value.is_none()).map(|(place, _)| place.as_str()).collect();
        let values = places.map(|(_, value)| *value);
        match places.iter().find(|(_, value)| value.is_some()) {
            None => Ok(None),
            Some((present, _)) if !missing.is_empty() => Err(self.half_set(present, &missing)),
            Some(_) => Ok(Some(values.map(Option::unwrap_or_default))),
        }
    }

    fn half_set(&self, present: &str, missing: &[&str]) -> CredentialError {
        let verb = if missing.len() == 1 { "is" } else { "are" };
        let missing = format!("{} {verb} not", missing.join(" and "));
        CredentialError::HalfSet { name: self.name.clone(), present: present.to_owned(), missing }
    }

    fn file_error(&self, problem: String) -> CredentialError {
        CredentialError::File { name: self.name.clone(), problem }
    }
}

impl Origin {
    /// What in it must appear in no text.
    #[must_use]
    pub fn secrets(&self) -> Vec<Secret> {
        match self {
            Self::Ready(credential) => credential.secrets(),
            Self::Password(login) => vec![login.password.clone()],
            Self::IdToken(_) | Self::Metadata { .. } => Vec::new(),
        }
    }
}
