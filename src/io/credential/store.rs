//! The credentials of a run: those that are ready, and those that have to be asked for when they are first needed.
//!
//! One exchange at a time for each credential: requests that need the same token wait for one renewal, and a wrong password
//! is shown once, not once a project. What is kept for how long decides `kept`; what is asked is in `iam` and `metadata`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use super::iam::{self, Got};
use super::kept::{Kept, Now, Scope};
use super::{CredentialError, Federation, FoundCredential, Looked, Origin, check, metadata};
use crate::io::endpoint::IamEndpoints;
use crate::io::fs;
use crate::io::http::{Exchange, ExchangeAnswer, ExchangeClient};
use crate::model::{Access, CredentialName, Endpoint, ProjectRef, Secret};
use crate::policy::{Redactor, SendError};
use crate::run::port::{Clock, CredentialFailure, Credentials};
use crate::sign::Credential;

/// How long IAM may take, in real time.
const IAM_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the metadata service may take, in real time: it is on the same machine or nowhere (official SDK: 3 s).
const METADATA_TIMEOUT: Duration = Duration::from_secs(3);

/// The credentials of a run, by their names in the plans.
#[derive(Debug)]
pub struct CredentialStore<C> {
    found: BTreeMap<CredentialName, Held>,
    client: ExchangeClient,
    iam: IamEndpoints,
    clock: C,
    redactor: RefCell<Redactor>,
}

/// A credential with what was got for it.
#[derive(Debug)]
struct Held {
    found: FoundCredential,
    /// Whoever holds it may ask.
    turn: tokio::sync::Mutex<()>,
    kept: RefCell<Kept>,
}

/// Who is asked, for messages.
struct Giver {
    name: String,
    timeout: Duration,
}

impl<C: Clock> CredentialStore<C> {
    /// A store of what was found. Nobody is asked yet.
    #[must_use]
    pub fn new(
        found: BTreeMap<CredentialName, FoundCredential>,
        client: ExchangeClient,
        iam: IamEndpoints,
        clock: C,
    ) -> Self {
        let mut redactor = Redactor::new(found.values().flat_map(|found| found.origin.secrets()).collect());
        for found in found.values() {
            if let Origin::Ready(credential) = &found.origin {
                credential.access_key().into_iter().for_each(|key| redactor.learn_access_key(key));
            }
        }
        let hold = |found| Held { found, turn: tokio::sync::Mutex::default(), kept: RefCell::default() };
        let iam = iam.with_credentials(&found);
        let found = found.into_iter().map(|(name, found)| (name, hold(found))).collect();
        Self { found, client, iam, clock, redactor: RefCell::new(redactor) }
    }

    /// Asks the metadata service, if a credential depends on it: only its answer shows whether there is an agency.
    ///
    /// # Errors
    /// When it gives no keys; the error lists all that was looked for.
    pub async fn probe(&self) -> Result<(), CredentialError> {
        for (name, held) in &self.found {
            let Origin::Metadata { base } = &held.found.origin else { continue };
            if let Err(failure) = self.fresh(held, Scope::Server).await {
                let mut looked = held.found.before.clone();
                looked.push(Looked { what: format!("the metadata service at {base}"), found: failure.to_string() });
                return Err(CredentialError::Missing { name: name.clone(), looked });
            }
        }
        Ok(())
    }

    /// Where IAM is for them.
    #[must_use]
    pub fn iam(&self) -> &IamEndpoints {
        &self.iam
    }

    /// Each credential with what it is and where it came from.
    pub fn described(&self) -> impl Iterator<Item = (&CredentialName, String)> {
        self.found.iter().map(|(name, held)| (name, held.found.describe()))
    }

    /// What is asked for an access. Only IAM's own list is asked without a project.
    fn scope(&self, origin: &Origin, access: &Access) -> Result<Scope, CredentialFailure> {
        let iam = || {
            let endpoint = self.iam.of(&access.credential, &access.region);
            endpoint.map_err(|error| CredentialFailure::Refused(error.to_string()))
        };
        Ok(match origin {
            Origin::Password(_) => match &access.project_id {
                ProjectRef::Id(id) => Scope::Project(iam()?, id.clone()),
                ProjectRef::Lookup => Scope::Account(iam()?),
            },
            Origin::IdToken(_) => Scope::Iam(iam()?),
            Origin::Metadata { .. } | Origin::Ready(_) => Scope::Server,
        })
    }

    fn now(&self) -> Now {
        Now { run: self.clock.now(), wall: self.clock.wall() }
    }

    /// What is kept, or what is got now, by one request for all that wait.
    async fn fresh(&self, held: &Held, scope: Scope) -> Result<Credential, CredentialFailure> {
        let now = self.now();
        if let Some(answer) = held.kept.borrow().answer(&scope, now, None) {
            return answer;
        }
        let since = now.run;
        let _turn = held.turn.lock().await;
        if let Some(answer) = held.kept.borrow().answer(&scope, self.now(), Some(since)) {
            return answer;
        }
        match self.ask(&held.found, &scope).await {
            Ok(got) => {
                self.learn(&got.value);
                held.kept.borrow_mut().keep(scope, self.now(), got.value.clone(), got.lifetime);
                Ok(got.value)
            }
            Err(failure) => held.kept.borrow_mut().fail(&scope, self.now(), failure),
        }
    }

    fn learn(&self, credential: &Credential) {
        let mut redactor = self.redactor.borrow_mut();
        credential.secrets().iter().for_each(|secret| redactor.learn(secret));
        credential.access_key().into_iter().for_each(|key| redactor.learn_access_key(key));
    }

    async fn ask(&self, found: &FoundCredential, scope: &Scope) -> Result<Got<Credential>, CredentialFailure> {
        match (&found.origin, scope) {
            (Origin::Password(login), Scope::Project(iam, project)) => {
                self.token(found, iam, &iam::project_token(iam, login, project)).await
            }
            (Origin::Password(login), Scope::Account(iam)) => {
                self.token(found, iam, &iam::account_token(iam, login)).await
            }
            (Origin::IdToken(federation), Scope::Iam(iam)) => {
                let giver = Giver::iam(iam);
                let id_token = self.id_token(federation)?;
                let exchange = iam::federated_token(iam, &federation.idp_id, &id_token);
                let answer = self.send(&giver, found, &exchange).await?;
                let token = iam::read_token(&answer, self.clock.wall()).map_err(|what| giver.odd(&what))?.value;
                self.redactor.borrow_mut().learn(&token);
                let answer = self.send(&giver, found, &iam::temporary_keys(iam, &token)).await?;
                iam::read_keys(&answer, self.clock.wall()).map_err(|what| giver.odd(&what))
            }
            (Origin::Metadata { base }, _) => self.agency_keys(found, base).await,
            (Origin::Ready(_) | Origin::Password(_) | Origin::IdToken(_), _) => {
                let message = "nobody can be asked for a credential of this kind (please report this bug)";
                Err(CredentialFailure::Refused(message.to_owned()))
            }
        }
    }

    async fn token(
        &self,
        found: &FoundCredential,
        iam: &Endpoint,
        exchange: &Exchange,
    ) -> Result<Got<Credential>, CredentialFailure> {
        let giver = Giver::iam(iam);
        let answer = self.send(&giver, found, exchange).await?;
        let got = iam::read_token(&answer, self.clock.wall()).map_err(|what| giver.odd(&what))?;
        Ok(Got { value: Credential::Token(got.value), lifetime: got.lifetime })
    }

    /// The provider's token as it is in the file now.
    fn id_token(&self, federation: &Federation) -> Result<Secret, CredentialFailure> {
        let path = &federation.token_file;
        let refused = |why: String| CredentialFailure::Refused(format!("the token of the identity provider: {why}"));
        let text = fs::read_text(path).map_err(refused)?;
        let token = check::token(text.trim()).map_err(|why| refused(format!("`{}` {why}", path.display())))?;
        self.redactor.borrow_mut().learn(&token);
        Ok(token)
    }

    async fn agency_keys(&self, found: &FoundCredential, base: &str) -> Result<Got<Credential>, CredentialFailure> {
        let giver = Giver { name: "the metadata service".to_owned(), timeout: METADATA_TIMEOUT };
        let answer = self.deliver(&giver, &metadata::token(base)).await?;
        let token = if metadata::has_no_tokens(answer.answer.status) {
            None
        } else {
            let answer = self.judge(&giver, found, answer)?;
            let text = String::from_utf8_lossy(&answer.answer.body);
            let token = check::token(text.trim()).map_err(|why| giver.odd(&format!("its token {why}")))?;
            self.redactor.borrow_mut().learn(&token);
            Some(token)
        };
        let answer = self.send(&giver, found, &metadata::keys(base, token.as_ref())).await?;
        iam::read_keys(&answer, self.clock.wall()).map_err(|what| giver.odd(&what))
    }

    async fn send(
        &self,
        giver: &Giver,
        found: &FoundCredential,
        exchange: &Exchange,
    ) -> Result<ExchangeAnswer, CredentialFailure> {
        self.judge(giver, found, self.deliver(giver, exchange).await?)
    }

    async fn deliver(&self, giver: &Giver, exchange: &Exchange) -> Result<ExchangeAnswer, CredentialFailure> {
        self.client.send(exchange, giver.timeout).await.map_err(|error| {
            let (SendError::NotSent { detail } | SendError::NoAnswer { detail }) = error;
            let detail = self.redactor.borrow().scrub(&detail);
            CredentialFailure::Unreachable(format!("{} can't be reached: {detail}", giver.name))
        })
    }

    /// A success, or what the answer means: only who is there and says no has refused.
    fn judge(
        &self,
        giver: &Giver,
        found: &FoundCredential,
        answer: ExchangeAnswer,
    ) -> Result<ExchangeAnswer, CredentialFailure> {
        let status = answer.answer.status;
        if (200..300).contains(&status) {
            return Ok(answer);
        }
        let words = answer.answer.shown_words(&self.redactor.borrow()).unwrap_or_else(|| "no reason given".to_owned());
        let name = &giver.name;
        Err(match status {
            408 | 429 | 500.. => CredentialFailure::Unreachable(format!("{name} is not available: {status} {words}")),
            _ => CredentialFailure::Refused(format!("{name} refused the {}: {status} {words}", found.describe())),
        })
    }
}

impl Giver {
    fn iam(endpoint: &Endpoint) -> Self {
        Self { name: format!("IAM at {endpoint}"), timeout: IAM_TIMEOUT }
    }

    /// A success that holds nothing usable: something else answered, or half an answer came.
    fn odd(&self, what: &str) -> CredentialFailure {
        CredentialFailure::Unreachable(format!("{} gave no usable answer: {what}", self.name))
    }
}

impl<C: Clock> Credentials for CredentialStore<C> {
    fn has(&self, name: &CredentialName) -> bool {
        self.found.contains_key(name)
    }

    fn redactor(&self) -> Redactor {
        self.redactor.borrow().clone()
    }

    async fn get(&self, access: &Access) -> Result<Credential, CredentialFailure> {
        let missing = || CredentialFailure::Refused(format!("there is no credential `{}`", access.credential));
        let held = self.found.get(&access.credential).ok_or_else(missing)?;
        match &held.found.origin {
            Origin::Ready(credential) => Ok(credential.clone()),
            origin => self.fresh(held, self.scope(origin, access)?).await,
        }
    }

    fn outdated(&self, access: &Access, credential: &Credential) -> bool {
        let Some(held) = self.found.get(&access.credential) else { return false };
        let scope = match &held.found.origin {
            Origin::Ready(_) => return false,
            origin => self.scope(origin, access),
        };
        scope.is_ok_and(|scope| held.kept.borrow_mut().outdated(&scope, self.now(), credential))
    }
}
