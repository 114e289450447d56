//! Where a credential comes from, and how one that has to be asked for is got and kept fresh.
//!
//! [`find_credential`] walks the sources of contract section 7 in their `order`: over values, so that its tests need no
//! environment. `profile` is the text of the credentials file, `file` reads it. A [`CredentialStore`] asks for those that aren't ready:
//! what it asks is in `iam` and `metadata`, for how long an answer counts in `kept`. `docs/credentials.md` is the page about all
//! of it.

mod check;
mod error;
mod file;
mod iam;
mod kept;
mod metadata;
mod order;
mod profile;
mod store;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub use error::{CredentialError, Looked};
pub(super) use file::sdk_file;
pub use file::{CredentialsFile, FileProblem, read_credentials_file};
pub use order::find_credential;
pub use profile::Sections;
pub use store::CredentialStore;

use crate::model::{Endpoint, Secret};
use crate::sign::Credential;

/// The captured environment.
pub type Environment = BTreeMap<String, String>;

/// A credential and where it came from.
#[derive(Clone, Debug)]
pub struct FoundCredential {
    /// What it is.
    pub origin: Origin,
    /// The variable or file section that held its first half: `HUAWEICLOUD_SDK_AK`.
    pub source: String,
    /// The sources before it, none of which was complete.
    pub before: Vec<Looked>,
    /// IAM, when it came from the credentials file and that names it.
    pub iam_endpoint: Option<Endpoint>,
}

/// What a source gives.
#[derive(Clone, Debug)]
pub enum Origin {
    /// Keys or a token, good as they are.
    Ready(Credential),
    /// User name and password: IAM gives a token for each project.
    Password(Login),
    /// A token of an identity provider: IAM gives temporary keys for it.
    IdToken(Federation),
    /// The cloud server that this runs on: its metadata service gives temporary keys of the server's agency.
    Metadata {
        /// Scheme, host and port of that service.
        base: String,
    },
}

/// Who logs in at IAM.
#[derive(Clone, Debug)]
pub struct Login {
    /// Name of the IAM user.
    pub user: String,
    /// Name of the account that the user belongs to.
    pub domain: String,
    /// The password.
    pub password: Secret,
}

/// An identity provider and its token.
#[derive(Clone, Debug)]
pub struct Federation {
    /// Id of the identity provider in IAM.
    pub idp_id: String,
    /// The file with the token, which is read anew at each exchange, since its owner renews it.
    pub token_file: PathBuf,
}

impl FoundCredential {
    /// A credential that is there.
    #[must_use]
    pub fn ready(credential: Credential, source: &str) -> Self {
        Self { origin: Origin::Ready(credential), source: source.to_owned(), before: Vec::new(), iam_endpoint: None }
    }

    /// `AK …0001 from HUAWEICLOUD_SDK_AK`.
    #[must_use]
    pub fn describe(&self) -> String {
        let what = match &self.origin {
            Origin::Ready(credential) => credential.masked(),
            Origin::Password(_) => "user name and password".to_owned(),
            Origin::IdToken(_) => "identity provider".to_owned(),
            Origin::Metadata { .. } => "agency of this server".to_owned(),
        };
        format!("{what} from {}", self.source)
    }
}

/// A name as it is part of a variable's name.
pub(super) fn upper(name: &str) -> String {
    name.to_ascii_uppercase().replace('-', "_")
}

#[cfg(test)]
mod tests;
