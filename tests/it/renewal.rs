//! Tokens and temporary keys from a simulated IAM and metadata service, on a clock that moves when a test says so.

#![cfg(feature = "simulator")]

use std::collections::BTreeMap;
use std::future::Future;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::join_all;
use hss_sync::event::FailureKind;
use hss_sync::io::clock::RunClock;
use hss_sync::io::credential::{CredentialStore, Environment, Federation, FoundCredential, Login, Origin};
use hss_sync::io::endpoint::IamEndpoints;
use hss_sync::io::http::{ExchangeClient, HttpOptions, HttpTransport, ReadClient};
use hss_sync::model::{
    Access, CredentialName, EnterpriseProjectId, Listing, ProjectId, ProjectRef, Quota, Region, Request, RetryLimits,
    Secret, SyncBody,
};
use hss_sync::read::{Asker, ReadLimits, Reader};
use hss_sync::run::port::{Clock, CredentialFailure, Credentials, Transport};
use hss_sync::sign::{Credential, sign};
use hss_sync::simulator::{Faults, RunningSimulator, SimulatedIam, SimulatedUser, Simulator, SimulatorConfig};

const HOUR: u64 = 3600;

/// Stands still until a test moves it.
#[derive(Clone, Debug, Default)]
struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    fn set(&self, seconds: u64) {
        self.0.store(seconds, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
    fn wall(&self) -> jiff::Timestamp {
        jiff::Timestamp::from_second(1_795_507_200).expect("legal") + self.now()
    }
    async fn sleep_until(&self, _: Duration) {}
    fn real(&self, duration: Duration) -> Duration {
        duration
    }
}

/// A simulator and a client, on one clock.
struct Lab {
    clock: ManualClock,
    simulator: RunningSimulator,
    transport: HttpTransport,
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

impl Lab {
    async fn start(iam: SimulatedIam) -> Self {
        let clock = ManualClock::default();
        let user = |name: &str, password: &str| SimulatedUser {
            name: name.to_owned(),
            domain: "example".to_owned(),
            password: secret(password),
        };
        let providers = vec![("corp".to_owned(), secret("id-token-one")), ("corp".to_owned(), secret("id-token-two"))];
        let iam = SimulatedIam { users: vec![user("alice", "open sesame")], providers, ..iam };
        let config = SimulatorConfig { iam, quota: None, ..SimulatorConfig::default() };
        let simulator = Simulator::start(config, clock.clone()).await.expect("a free port");
        let options = HttpOptions::loopback(8, Duration::from_secs(60));
        let transport = HttpTransport::new(&options, RunClock::start(NonZeroU32::MIN)).expect("a client");
        Self { clock, simulator, transport }
    }

    fn store(&self, origin: Origin) -> CredentialStore<ManualClock> {
        let found = FoundCredential { origin, source: "a test".to_owned(), before: Vec::new(), iam_endpoint: None };
        let found = BTreeMap::from([(CredentialName::default_name(), found)]);
        let iam = IamEndpoints::new(Some(self.simulator.endpoint().as_str()), &Environment::new()).expect("legal");
        CredentialStore::new(found, ExchangeClient::new(self.transport.clone()), iam, self.clock.clone())
    }

    /// How often a path was asked for.
    fn asked(&self, path: &str) -> usize {
        self.simulator.log().iter().filter(|entry| entry.path == path).count()
    }

    /// The status that the service gives a request of this project with this credential.
    async fn status(&self, project: &str, credential: &Credential) -> u16 {
        let access = access(project);
        let ProjectRef::Id(id) = &access.project_id else { panic!("an id") };
        let body = SyncBody { sync_all_registries: true, registry_info: Vec::new() };
        let eps = &EnterpriseProjectId::default_id();
        let request = Request::create_sync_task(self.simulator.endpoint(), &access.region, id, eps, &body);
        let signed = sign(&request, credential, self.clock.wall());
        self.transport.send(signed, Duration::from_secs(60)).await.expect("an answer").status
    }
}

fn access(project: &str) -> Access {
    Access {
        credential: CredentialName::default_name(),
        region: Region::parse("cn-north-4").expect("legal"),
        project_id: ProjectRef::Id(ProjectId::parse(project).expect("legal")),
    }
}

fn password(password: &str) -> Origin {
    Origin::Password(Login { user: "alice".to_owned(), domain: "example".to_owned(), password: secret(password) })
}

/// What proves a credential, as text: equal for the same credential only.
fn proof(credential: Result<Credential, CredentialFailure>) -> String {
    let secrets = credential.expect("a credential").secrets();
    secrets.iter().map(Secret::expose).collect::<Vec<_>>().join(" ")
}

fn block_on(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future);
}

/// The service finds a token over before its giver said that it would be, as after permissions were changed.
#[test]
fn a_token_that_hss_calls_outdated_is_got_anew_for_a_read() {
    block_on(async {
        let lab =
            Lab::start(SimulatedIam { lifetime: Duration::from_secs(24 * HOUR), ..SimulatedIam::default() }).await;
        // The client's clock is its own.
        let mine = ManualClock::default();
        let found = FoundCredential {
            origin: password("open sesame"),
            source: "a test".to_owned(),
            before: Vec::new(),
            iam_endpoint: None,
        };
        let found = BTreeMap::from([(CredentialName::default_name(), found)]);
        let iam = IamEndpoints::new(Some(lab.simulator.endpoint().as_str()), &Environment::new()).expect("legal");
        let store = CredentialStore::new(found, ExchangeClient::new(lab.transport.clone()), iam, mine.clone());
        let limits = ReadLimits {
            quotas: vec![Quota::parse("100/1s").expect("legal")],
            concurrency: 1,
            attempt_timeout: Duration::from_secs(60),
            retry: RetryLimits::default(),
        };
        let notice = |_: &str| {};
        let asker = Asker::new(ReadClient::sharing(&lab.transport), &store, limits, &mine, &notice);
        let reader = Reader::new(&asker, store.iam());
        let listing = |project: &str| Listing {
            credential: CredentialName::default_name(),
            region: Region::parse("cn-north-4").expect("legal"),
            endpoint: lab.simulator.endpoint().clone(),
            project_id: ProjectId::parse(project).expect("legal"),
            enterprise_project_id: EnterpriseProjectId::default_id(),
        };
        reader.list_tasks(&[listing("p1")]).await;
        lab.clock.set(25 * HOUR);
        mine.set(120);
        reader.list_tasks(&[listing("p1")]).await;
        assert!(reader.asked().failures.is_empty(), "{:?}", reader.asked().failures);
        let seen: Vec<_> = lab.simulator.log().into_iter().map(|entry| (entry.method, entry.status)).collect();
        let expected = [("POST", 201), ("GET", 200), ("GET", 401), ("POST", 201), ("GET", 200)];
        assert_eq!(seen, expected.map(|(method, status)| (method.to_owned(), Some(status))));
        // What was only just got is refused, and the credential asks nothing more.
        lab.clock.set(50 * HOUR);
        reader.list_tasks(&[listing("p1")]).await;
        reader.list_tasks(&[listing("p2")]).await;
        let failures = reader.asked().failures.clone();
        let kinds: Vec<_> = failures.values().map(|failure| failure.kind).collect();
        assert_eq!((kinds, lab.simulator.log().len()), (vec![FailureKind::Credential; 2], 6));
    });
}

const TOKENS: &str = "/v3/auth/tokens";
const KEYS: &str = "/v3.0/OS-CREDENTIAL/securitytokens";

#[test]
fn many_that_wait_share_one_token_and_one_renewal() {
    block_on(async {
        let lab = Lab::start(SimulatedIam::default()).await;
        let store = lab.store(password("open sesame"));
        let access = access("p1");
        let first = join_all((0..20).map(|_| store.get(&access))).await.into_iter().map(proof).collect::<Vec<_>>();
        assert!(first.iter().all(|token| *token == first[0]));
        assert_eq!(lab.asked(TOKENS), 1);

        lab.clock.set(23 * HOUR);
        assert_eq!(proof(store.get(&access).await), first[0], "an hour before its end it is still the same");
        lab.clock.set(23 * HOUR + HOUR / 2);
        let second = join_all((0..20).map(|_| store.get(&access))).await.into_iter().map(proof).collect::<Vec<_>>();
        assert!(second.iter().all(|token| *token == second[0] && *token != first[0]));
        assert_eq!(lab.asked(TOKENS), 2);

        // The old one is over, the new one isn't.
        lab.clock.set(25 * HOUR);
        assert_eq!(lab.status("p1", &Credential::Token(secret(&first[0]))).await, 401);
        assert_eq!(lab.status("p1", &store.get(&access).await.expect("a token")).await, 200);
        assert_eq!(lab.asked(TOKENS), 2);
        // Whatever was got is known to whoever takes secrets out of texts.
        let shown = store.redactor().scrub(&format!("{} {} open sesame", first[0], second[0]));
        assert_eq!(shown, "[redacted] [redacted] [redacted]");
    });
}

#[test]
fn each_project_has_its_own_token() {
    block_on(async {
        let lab = Lab::start(SimulatedIam::default()).await;
        let store = lab.store(password("open sesame"));
        let (one, two) = (store.get(&access("p1")).await.expect("one"), store.get(&access("p2")).await.expect("two"));
        assert_eq!(lab.asked(TOKENS), 2);
        let mut statuses = Vec::new();
        for (project, token) in [("p1", &one), ("p2", &two), ("p1", &two), ("p2", &one)] {
            statuses.push(lab.status(project, token).await);
        }
        assert_eq!(statuses, [200, 200, 401, 401]);
        // IAM's list of projects is the account's: one token for every region of this IAM, and for no project.
        let lookup = Access { project_id: ProjectRef::Lookup, ..access("p1") };
        let found = store.get(&lookup).await.expect("the account's token");
        let mars = Access { region: Region::parse("mars-north-1").expect("legal"), ..lookup };
        assert_eq!(proof(store.get(&mars).await), proof(Ok(found.clone())));
        assert_eq!((lab.asked(TOKENS), lab.status("p1", &found).await), (3, 401));
    });
}

#[test]
fn a_wrong_password_is_shown_once() {
    block_on(async {
        let lab = Lab::start(SimulatedIam::default()).await;
        let store = lab.store(password("open barley"));
        let accesss: Vec<Access> = (0..8).map(|number| access(&format!("p{number}"))).collect();
        for _ in 0..2 {
            for failure in join_all(accesss.iter().map(|access| store.get(access))).await {
                let Err(CredentialFailure::Refused(text)) = failure else { panic!("{failure:?}") };
                let expected = format!(
                    "IAM at {} refused the user name and password from a test: 401 The username or password is wrong.",
                    lab.simulator.endpoint()
                );
                assert_eq!(text, expected);
            }
        }
        assert_eq!(lab.asked(TOKENS), 1);
    });
}

#[test]
fn an_iam_in_trouble_is_asked_once_for_all_that_wait_and_again_later() {
    block_on(async {
        for (fault, part) in [
            ("503:100%", "is not available: 503 APIGW.0613"),
            ("429:100%", "is not available: 429"),
            ("drop:100%", "can't be reached: "),
            ("html:100%", "gave no usable answer: the answer has no X-Subject-Token"),
        ] {
            let faults = Faults::parse(fault).expect("legal");
            let lab = Lab::start(SimulatedIam { faults, ..SimulatedIam::default() }).await;
            let store = lab.store(password("open sesame"));
            let access = access("p1");
            for round in 1..=2 {
                lab.clock.set(round * 10);
                for failure in join_all((0..8).map(|_| store.get(&access))).await {
                    let Err(CredentialFailure::Unreachable(text)) = failure else { panic!("{fault}: {failure:?}") };
                    assert!(text.contains(part), "{text}");
                }
                assert_eq!(lab.asked(TOKENS) as u64, round, "{fault}");
            }
        }
    });
}

#[test]
fn nothing_that_iam_echoes_comes_through() {
    block_on(async {
        let faults = Faults::parse("echo:100%").expect("legal");
        let lab = Lab::start(SimulatedIam { faults, ..SimulatedIam::default() }).await;
        let store = lab.store(password("open sesame"));
        let failure = store.get(&access("p1")).await.expect_err("an echo").to_string();
        assert!(failure.contains("[redacted]") && !failure.contains("sesame"), "{failure}");
    });
}

#[test]
fn the_token_of_an_identity_provider_is_read_anew_for_each_renewal() {
    block_on(async {
        let lab = Lab::start(SimulatedIam::default()).await;
        let folder = tempfile::tempdir().expect("a folder");
        let token_file = folder.path().join("token");
        let write = |text: &str| std::fs::write(&token_file, text).expect("written");
        let federation = |path: PathBuf| Origin::IdToken(Federation { idp_id: "corp".to_owned(), token_file: path });
        write("id-token-one\n");
        let store = lab.store(federation(token_file.clone()));
        let (a, b) = (access("p1"), access("p2"));
        let all = join_all([&a, &b, &a, &b].map(|access| store.get(access))).await;
        let first = all.into_iter().map(proof).collect::<Vec<_>>();
        assert!(first.iter().all(|keys| *keys == first[0]), "keys are for every project");
        assert_eq!((lab.asked(KEYS), lab.status("p1", &store.get(&a).await.expect("keys")).await), (1, 200));

        // Six hours were asked for. The provider has renewed its token, and the old one is gone.
        write("id-token-two\n");
        lab.clock.set(5 * HOUR + HOUR / 2);
        assert_ne!(proof(store.get(&a).await), first[0]);
        assert_eq!(lab.asked(KEYS), 2);
        // A token that IAM doesn't know: what is still good is used to its end, and then it is over.
        write("id-token-three\n");
        lab.clock.set(11 * HOUR);
        let third = store.get(&a).await.expect("still good");
        assert_eq!(lab.status("p1", &third).await, 200);
        lab.clock.set(12 * HOUR);
        let failure = store.get(&a).await.expect_err("over").to_string();
        assert!(failure.contains("401 The id token is not one of this identity provider."), "{failure}");

        let store = lab.store(federation(folder.path().join("nowhere")));
        let failure = store.get(&a).await.expect_err("no file");
        assert!(matches!(&failure, CredentialFailure::Refused(text) if text.contains("does not exist")), "{failure}");
    });
}

#[test]
fn the_metadata_service_gives_keys_with_and_without_its_token() {
    block_on(async {
        for metadata_tokens in [true, false] {
            let lab = Lab::start(SimulatedIam { agency: true, metadata_tokens, ..SimulatedIam::default() }).await;
            let store = lab.store(Origin::Metadata { base: lab.simulator.endpoint().to_string() });
            store.probe().await.expect("an agency");
            let place = access("p1");
            let keys = join_all((0..8).map(|_| store.get(&place))).await;
            let keys = keys.into_iter().map(proof).collect::<Vec<_>>();
            lab.clock.set(24 * HOUR - HOUR / 2);
            assert_ne!(proof(store.get(&access("p1")).await), keys[0]);
            assert_eq!(lab.asked("/openstack/latest/securitykey"), 2);
            lab.clock.set(25 * HOUR);
            assert_eq!(lab.status("p1", &store.get(&access("p1")).await.expect("keys")).await, 200);
        }
    });
}

#[test]
fn a_server_without_an_agency_has_no_credential() {
    block_on(async {
        let lab = Lab::start(SimulatedIam::default()).await;
        let base = lab.simulator.endpoint().to_string();
        let error = lab.store(Origin::Metadata { base: base.clone() }).probe().await.expect_err("none").to_string();
        let part = format!(
            "- the metadata service at {base}: the metadata service refused the agency of this server from a test: 401 \
             Please configure Cloud Service Agency first"
        );
        assert!(error.contains(&part), "{error}");
    });
}
