//! What was got for one credential, and when it has to be got anew: a decision over values.
//!
//! `store` asks before it waits for its turn and once more when it has it: whoever waited while another got a token takes
//! that one, and whoever waited while another failed takes that failure.

use std::collections::HashMap;
use std::time::Duration;

use crate::model::{Endpoint, ProjectId, Secret};
use crate::run::port::CredentialFailure;
use crate::sign::Credential;

/// Renewal begins so long before the end (the official SDK's threshold), or a quarter of a shorter lifetime.
const MARGIN: Duration = Duration::from_secs(40 * 60);
/// What is good for less than this is not used any more, or a twentieth of a shorter lifetime: an attempt takes time.
const LAST_MOMENTS: Duration = Duration::from_secs(90);
/// After a renewal that failed while the old one is good, the next try waits for this.
const PAUSE: Duration = Duration::from_secs(30);

/// What the service calls outdated sooner after it was got is refused, and is not got once more.
const TOO_YOUNG: Duration = Duration::from_secs(60);
/// After a proof was taken, so many projects in a row may be refused before it is taken that the proof itself is: a password can be
/// changed at any time, and IAM locks an account after five wrong ones.
const MOST_PROJECTS: u32 = 3;

/// What a token or keys are good for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Scope {
    /// A token for one project.
    Project(Endpoint, ProjectId),
    /// A token for the account, for IAM's own lists.
    Account(Endpoint),
    /// Keys for everything that this IAM knows.
    Iam(Endpoint),
    /// Keys of the server's agency.
    Server,
}

/// Times: since the start of the run for what was asked and failed, on the wall for what ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) run: Duration,
    pub(super) wall: jiff::Timestamp,
}

#[derive(Debug)]
struct Fresh {
    credential: Credential,
    since: jiff::Timestamp,
    renew_at: jiff::Timestamp,
    good_until: jiff::Timestamp,
}

/// Everything that was got or refused for one credential.
#[derive(Debug, Default)]
pub(super) struct Kept {
    fresh: HashMap<Scope, Fresh>,
    /// A proof that was refused is not shown again: repeated failures lock an account.
    refused: Option<CredentialFailure>,
    /// Refusals since something was got; none when nothing ever was.
    refusals: Option<u32>,
    failed: HashMap<Scope, (Duration, CredentialFailure)>,
}

impl Kept {
    /// The answer without asking anybody; `None`: somebody has to be asked. `since` is when the waiting for one's turn
    /// began.
    pub(super) fn answer(
        &self,
        scope: &Scope,
        now: Now,
        since: Option<Duration>,
    ) -> Option<Result<Credential, CredentialFailure>> {
        let failed = self.failed.get(scope);
        let denied = failed.is_some_and(|(_, failure)| matches!(failure, CredentialFailure::NotForProject(_)));
        if let Some(fresh) = self.good(scope, now) {
            let paused = failed.is_some_and(|(at, _)| now.run < *at + PAUSE);
            if now.wall < fresh.renew_at || self.refused.is_some() || denied || paused {
                return Some(Ok(fresh.credential.clone()));
            }
        }
        if let Some(refused) = &self.refused {
            return Some(Err(refused.clone()));
        }
        let (at, failure) = failed?;
        if denied {
            return Some(Err(failure.clone()));
        }
        since.filter(|since| since <= at).map(|_| Err(failure.clone()))
    }

    fn good(&self, scope: &Scope, now: Now) -> Option<&Fresh> {
        self.fresh.get(scope).filter(|fresh| now.wall < fresh.good_until)
    }

    /// Takes in what was got.
    pub(super) fn keep(&mut self, scope: Scope, now: Now, credential: Credential, lifetime: Duration) {
        let before_end = |margin: Duration| now.wall.checked_add(lifetime.saturating_sub(margin)).unwrap_or(now.wall);
        let renew_at = before_end(MARGIN.min(lifetime / 4));
        let good_until = before_end(LAST_MOMENTS.min(lifetime / 20));
        self.failed.remove(&scope);
        self.refusals = Some(0);
        self.fresh.insert(scope, Fresh { credential, since: now.wall, renew_at, good_until });
    }

    /// Drops what the service called outdated, unless it was only just got; whether asking gives another one.
    pub(super) fn outdated(&mut self, scope: &Scope, now: Now, credential: &Credential) -> bool {
        let Some(fresh) = self.fresh.get(scope) else { return true };
        if !is_same(&fresh.credential, credential) {
            return true;
        }
        let age = Duration::try_from(now.wall.duration_since(fresh.since)).unwrap_or_default();
        if age < TOO_YOUNG {
            return false;
        }
        self.fresh.remove(scope);
        true
    }

    /// Takes in a failure; what is still good all the same is the answer.
    pub(super) fn fail(
        &mut self,
        scope: &Scope,
        now: Now,
        failure: CredentialFailure,
    ) -> Result<Credential, CredentialFailure> {
        let failure = self.concerning(scope, failure);
        if matches!(failure, CredentialFailure::Refused(_)) {
            self.refused = Some(failure.clone());
        }
        self.failed.insert(scope.clone(), (now.run, failure.clone()));
        self.good(scope, now).map(|fresh| fresh.credential.clone()).ok_or(failure)
    }
}

impl Kept {
    /// What a refusal is about: IAM's 401 doesn't say whether it is the password or the project. Once the password was taken it is the
    /// project.
    fn concerning(&mut self, scope: &Scope, failure: CredentialFailure) -> CredentialFailure {
        match (failure, scope, &mut self.refusals) {
            (CredentialFailure::Refused(text), Scope::Project(_, id), Some(refusals)) if *refusals < MOST_PROJECTS => {
                *refusals += 1;
                CredentialFailure::NotForProject(format!(
                    "no token for project {id}, though the proof was good before: {text}"
                ))
            }
            (failure, _, _) => failure,
        }
    }
}

/// Whether two credentials hold the same secrets.
fn is_same(one: &Credential, other: &Credential) -> bool {
    let (one, other) = (one.secrets(), other.secrets());
    one.iter().map(Secret::expose).eq(other.iter().map(Secret::expose))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: u64) -> Now {
        let run = Duration::from_secs(minutes * 60);
        Now { run, wall: jiff::Timestamp::UNIX_EPOCH + run }
    }

    fn token(text: &str) -> Credential {
        Credential::Token(Secret::new(text.to_owned()))
    }

    fn shown(answer: Option<Result<Credential, CredentialFailure>>) -> String {
        match answer {
            None => "ask".to_owned(),
            Some(Ok(Credential::Token(token))) => token.expose().to_owned(),
            Some(Ok(other)) => panic!("{other:?}"),
            Some(Err(failure)) => failure.to_string(),
        }
    }

    fn hours(hours: u64) -> Duration {
        Duration::from_secs(hours * 3600)
    }

    #[test]
    fn it_is_used_until_forty_minutes_before_its_end_and_then_got_anew() {
        let mut kept = Kept::default();
        assert_eq!(shown(kept.answer(&Scope::Server, at(0), None)), "ask");
        kept.keep(Scope::Server, at(0), token("one"), hours(24));
        assert_eq!(shown(kept.answer(&Scope::Server, at(24 * 60 - 41), None)), "one");
        assert_eq!(shown(kept.answer(&Scope::Server, at(24 * 60 - 40), None)), "ask");
        kept.keep(Scope::Server, at(24 * 60 - 40), token("two"), hours(24));
        assert_eq!(shown(kept.answer(&Scope::Server, at(24 * 60), None)), "two");
        // A short life is not spent on renewing.
        kept.keep(Scope::Server, at(0), token("short"), Duration::from_secs(20 * 60));
        assert_eq!(shown(kept.answer(&Scope::Server, at(14), None)), "short");
        assert_eq!(shown(kept.answer(&Scope::Server, at(15), None)), "ask");
    }

    #[test]
    fn who_waited_while_another_failed_takes_that_failure_and_who_came_later_asks() {
        let mut kept = Kept::default();
        let failure = CredentialFailure::Unreachable("no connection".to_owned());
        assert!(kept.fail(&Scope::Server, at(5), failure).is_err());
        assert_eq!(shown(kept.answer(&Scope::Server, at(5), Some(at(4).run))), "no connection");
        assert_eq!(shown(kept.answer(&Scope::Server, at(6), Some(at(6).run))), "ask");
        assert_eq!(shown(kept.answer(&Scope::Server, at(6), None)), "ask");
    }

    #[test]
    fn a_failed_renewal_leaves_what_is_still_good_and_is_not_tried_at_every_call() {
        let mut kept = Kept::default();
        kept.keep(Scope::Server, at(0), token("one"), hours(24));
        let unreachable = CredentialFailure::Unreachable("no connection".to_owned());
        let late = at(24 * 60 - 30);
        assert_eq!(shown(kept.answer(&Scope::Server, late, None)), "ask");
        assert_eq!(shown(Some(kept.fail(&Scope::Server, late, unreachable.clone()))), "one");
        assert_eq!(shown(kept.answer(&Scope::Server, late, None)), "one", "not asked again at once");
        assert_eq!(shown(kept.answer(&Scope::Server, at(24 * 60 - 29), None)), "ask");
        // At its very end it isn't used any more.
        assert_eq!(shown(Some(kept.fail(&Scope::Server, at(24 * 60 - 1), unreachable))), "no connection");
    }

    #[test]
    fn a_refused_proof_is_never_shown_again_for_whatever_scope() {
        let mut kept = Kept::default();
        let iam = Scope::Iam(Endpoint::parse("https://iam.example").expect("legal"));
        kept.keep(iam.clone(), at(0), token("one"), hours(6));
        assert!(kept.fail(&Scope::Server, at(1), CredentialFailure::Refused("wrong password".to_owned())).is_err());
        assert_eq!(shown(kept.answer(&Scope::Server, at(600), Some(at(600).run))), "wrong password");
        assert_eq!(shown(kept.answer(&iam, at(350), None)), "one", "what was got before is used to its end");
        assert_eq!(shown(kept.answer(&iam, at(360), None)), "wrong password");
    }

    #[test]
    fn once_a_proof_was_taken_a_refusal_is_about_the_project_until_they_are_too_many() {
        let iam = Endpoint::parse("https://iam.example").expect("legal");
        let project = |id: &str| Scope::Project(iam.clone(), ProjectId::parse(id).expect("legal"));
        let refused = || CredentialFailure::Refused("401".to_owned());
        let mut kept = Kept::default();
        kept.keep(Scope::Account(iam.clone()), at(0), token("account"), hours(24));
        for id in ["a", "b", "c"] {
            let failure = kept.fail(&project(id), at(1), refused()).expect_err("no token");
            let told = format!("no token for project {id}, though the proof was good before: 401");
            assert_eq!(failure, CredentialFailure::NotForProject(told.clone()));
            assert_eq!(shown(kept.answer(&project(id), at(2), None)), told, "it is not asked for again");
        }
        assert_eq!(shown(kept.answer(&project("d"), at(2), None)), "ask");
        kept.keep(project("d"), at(2), token("d"), hours(24));
        for id in ["e", "f", "g"] {
            assert!(matches!(kept.fail(&project(id), at(3), refused()), Err(CredentialFailure::NotForProject(_))));
        }
        assert_eq!(kept.fail(&project("h"), at(3), refused()).expect_err("no token"), refused());
        assert_eq!(shown(kept.answer(&project("i"), at(3), None)), "401");
        assert_eq!(shown(kept.answer(&project("d"), at(3), None)), "d");

        let mut kept = Kept::default();
        assert_eq!(kept.fail(&project("a"), at(1), refused()).expect_err("no token"), refused(), "nothing is proved");
    }

    #[test]
    fn a_project_for_which_there_is_no_new_token_keeps_its_old_one_to_its_end() {
        let scope = Scope::Project(
            Endpoint::parse("https://iam.example").expect("legal"),
            ProjectId::parse("a").expect("legal"),
        );
        let mut kept = Kept::default();
        kept.keep(scope.clone(), at(0), token("a"), hours(24));
        let refused = CredentialFailure::Refused("401".to_owned());
        assert_eq!(shown(Some(kept.fail(&scope, at(24 * 60 - 30), refused))), "a");
        assert_eq!(shown(kept.answer(&scope, at(24 * 60 - 20), None)), "a");
        let told = "no token for project a, though the proof was good before: 401";
        assert_eq!(shown(kept.answer(&scope, at(24 * 60), None)), told);
    }

    #[test]
    fn what_the_service_calls_outdated_is_dropped_once_by_all_that_held_it() {
        let mut kept = Kept::default();
        kept.keep(Scope::Server, at(0), token("one"), hours(24));
        assert!(!kept.outdated(&Scope::Server, at(0), &token("one")), "only just got: refused, not outdated");
        assert!(kept.outdated(&Scope::Server, at(30), &token("one")));
        assert_eq!(shown(kept.answer(&Scope::Server, at(30), None)), "ask");
        assert!(kept.outdated(&Scope::Server, at(30), &token("one")), "another that was in flight with it");
        kept.keep(Scope::Server, at(30), token("two"), hours(24));
        assert!(kept.outdated(&Scope::Server, at(30), &token("one")), "and one that lands later");
        assert_eq!(shown(kept.answer(&Scope::Server, at(30), None)), "two");
        assert!(!kept.outdated(&Scope::Server, at(30), &token("two")));
    }
}
