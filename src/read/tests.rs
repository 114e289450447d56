//! The reader against the simulator, on a clock that is faster than the machine's.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::event::FailureKind;
use crate::io::clock::RunClock;
use crate::io::http::{HttpOptions, ReadClient};
use crate::model::{EnterpriseProjectId, Limits, ProjectId, Region, RegistryType};
use crate::schedule::fixture::Fixture;
use crate::sign::Credential;
use crate::simulator::{Faults, LogEntry, RunningSimulator, SimulatedRegistry, Simulator, SimulatorConfig};

/// Simulated seconds in one real second.
const SCALE: u32 = 600;

type Ready = BTreeMap<CredentialName, Credential>;

struct Lab {
    simulator: RunningSimulator,
    clock: RunClock,
    iam: IamEndpoints,
    credentials: Ready,
    limits: ReadLimits,
}

impl Lab {
    async fn start(config: SimulatorConfig) -> Self {
        let clock = RunClock::start(NonZeroU32::new(SCALE).expect("not zero"));
        let simulator = Simulator::start(config, clock.restart()).await.expect("a free port");
        let iam = IamEndpoints::new(Some(simulator.endpoint().as_str()), &BTreeMap::new()).expect("legal");
        let limits = ReadLimits {
            quotas: vec![Quota::default()],
            concurrency: 8,
            attempt_timeout: Duration::from_secs(3600),
            retry: RetryLimits::default(),
        };
        let credentials = BTreeMap::from([(CredentialName::default_name(), Simulator::credentials(1))]);
        Self { simulator, clock, iam, credentials, limits }
    }

    /// What is asked, and all calls in the order in which they came.
    async fn ask(&self, ask: impl AsyncFn(&Reader<'_, Ready, RunClock>)) -> (Asked, Vec<LogEntry>) {
        let options = HttpOptions::loopback(8, Duration::from_secs(60));
        let client = ReadClient::new(&options, self.clock.clone()).expect("a client");
        let notice = |_: &str| {};
        let asker = Asker::new(client, &self.credentials, self.limits.clone(), &self.clock, &notice);
        let reader = Reader::new(&asker, &self.iam);
        ask(&reader).await;
        let log = self.simulator.log();
        assert_eq!(reader.calls(), log.len());
        assert!(log.iter().all(|entry| entry.method == "GET"));
        let asked = reader.asked().clone();
        (asked, log)
    }

    fn listing(&self, region: &str, project: &str) -> Listing {
        Listing {
            credential: CredentialName::default_name(),
            region: Region::parse(region).expect("legal"),
            endpoint: self.simulator.endpoint().clone(),
            project_id: ProjectId::parse(project).expect("legal"),
            enterprise_project_id: EnterpriseProjectId::default_id(),
        }
    }
}

fn registries(count: usize) -> Option<Vec<SimulatedRegistry>> {
    let registry = |index: usize| SimulatedRegistry {
        id: format!("r-{index}"),
        registry_name: format!("name-{index}"),
        registry_type: RegistryType::Harbor,
        registry_addr: String::new(),
        status: "success",
        fail_reason: None,
        images_num: 0,
    };
    Some((0..count).map(registry).collect())
}

fn config(count: usize) -> SimulatorConfig {
    SimulatorConfig { registries: registries(count), ..SimulatorConfig::default() }
}

fn faults(text: &str) -> SimulatorConfig {
    SimulatorConfig { faults: Faults::parse(text).expect("legal"), quota: None, ..SimulatorConfig::default() }
}

fn lookup(region: &str) -> Lookup {
    Lookup { credential: CredentialName::default_name(), region: Region::parse(region).expect("legal") }
}

fn throttled(log: &[LogEntry]) -> usize {
    log.iter().filter(|entry| entry.status == Some(429)).count()
}

#[tokio::test]
async fn a_list_is_read_in_pages_of_two_hundred() {
    for (count, calls) in [(0, 1), (5, 1), (200, 1), (201, 2), (400, 2), (450, 3)] {
        let lab = Lab::start(config(count)).await;
        let listing = lab.listing("cn-north-4", "p-1");
        let (asked, log) = lab
            .ask(async |reader| {
                reader.list(&[(listing.clone(), Extent::All)]).await;
                // The answer is kept.
                reader.list(&[(listing.clone(), Extent::All)]).await;
            })
            .await;
        assert_eq!((log.len(), asked.inventory.registries_of(&listing).len()), (calls, count));
        assert_eq!(asked.failures, HashMap::new());
    }
}

#[tokio::test]
async fn no_more_pages_are_read_than_are_needed() {
    let ids = |ids: &[&str]| Extent::Until(ids.iter().map(|id| RegistryId::parse(id).expect("legal")).collect());
    for (extent, calls) in
        [(Extent::FirstPage, 1), (ids(&["r-7"]), 1), (ids(&["r-7", "r-250"]), 2), (ids(&["none"]), 3), (Extent::All, 3)]
    {
        let lab = Lab::start(config(450)).await;
        let listing = lab.listing("cn-north-4", "p-1");
        let (asked, log) = lab.ask(async |reader| reader.list(&[(listing.clone(), extent.clone())]).await).await;
        assert_eq!(log.len(), calls, "{extent:?}");
        assert_eq!(asked.totals[&listing], 450);
    }
}

#[tokio::test]
async fn a_region_is_looked_up_once() {
    let lab = Lab::start(SimulatorConfig::default()).await;
    let regions = ["cn-north-4", "eu-west-101", "mars-north-1"].map(lookup);
    let (asked, log) = lab
        .ask(async |reader| {
            reader.look_up(&regions).await;
            reader.look_up(&regions).await;
        })
        .await;
    let found = regions.each_ref().map(|lookup| asked.inventory.projects_of(lookup).len());
    assert_eq!((log.len(), found), (3, [1, 1, 0]));
}

/// Twelve lists and twelve task lists at five a minute each: the APIs don't wait for each other, and nothing is throttled.
#[tokio::test]
async fn each_api_keeps_to_its_own_quota() {
    let lab = Lab::start(SimulatorConfig::default()).await;
    let listings: Vec<Listing> = (0..12).map(|project| lab.listing("cn-north-4", &format!("p-{project}"))).collect();
    let wanted: Vec<_> = listings.iter().map(|listing| (listing.clone(), Extent::All)).collect();
    let (asked, log) = lab
        .ask(async |reader| {
            futures::future::join(reader.list(&wanted), reader.list_tasks(&listings)).await;
        })
        .await;
    assert_eq!((log.len(), throttled(&log), asked.failures.len()), (24, 0, 0));
    // The eleventh of an API can't be sent before two windows are over.
    let late = log.iter().filter(|entry| entry.at_ms >= 120_000).count();
    assert!(late >= 4, "{log:?}");
}

#[tokio::test]
async fn a_stricter_limit_than_the_plans_is_learnt() {
    let quota = Quota::parse("2/1m").expect("legal");
    let lab = Lab::start(SimulatorConfig { quota: Some(quota), ..config(1) }).await;
    let wanted: Vec<_> =
        (0..7).map(|project| (lab.listing("cn-north-4", &format!("p-{project}")), Extent::All)).collect();
    let (asked, log) = lab.ask(async |reader| reader.list(&wanted).await).await;
    assert_eq!(asked.failures, HashMap::new());
    // The first goes alone, then the other four that the plan allows: of these all but what the window takes are refused,
    // and nothing after that.
    assert!((1..=3).contains(&throttled(&log)), "{log:?}");
}

#[tokio::test]
async fn a_refused_key_is_tried_once() {
    let mut lab = Lab::start(SimulatorConfig::default()).await;
    lab.credentials.insert(CredentialName::default_name(), Simulator::credentials(2));
    let regions = ["cn-north-4", "cn-north-1", "cn-east-3", "cn-east-2", "cn-south-1", "ap-southeast-1"].map(lookup);
    let (asked, log) = lab.ask(async |reader| reader.look_up(&regions).await).await;
    assert_eq!((log.len(), asked.failures.len()), (1, regions.len()));
    assert!(asked.failures.values().all(|failure| failure.kind == FailureKind::Credential));
}

#[tokio::test]
async fn whatever_no_answer_can_be_had_for_is_asked_again_and_then_given_up() {
    for (fault, calls, kind) in [
        ("503:100%", 5, FailureKind::Unavailable),
        ("504:100%", 5, FailureKind::UnclearAnswer),
        ("drop:100%", 5, FailureKind::NoAnswer),
        ("html:100%", 5, FailureKind::UnclearAnswer),
        ("403:100%", 1, FailureKind::Refused),
        ("401:100%", 1, FailureKind::Credential),
        ("empty:100%", 1, FailureKind::UnclearAnswer),
        ("huge:100%", 1, FailureKind::UnclearAnswer),
        ("error-code:100%", 1, FailureKind::Refused),
        ("redirect:100%", 1, FailureKind::Redirected),
    ] {
        let lab = Lab::start(faults(fault)).await;
        let (asked, log) = lab.ask(async |reader| reader.look_up(&[lookup("cn-north-4")]).await).await;
        let failure = &asked.failures[&Question::Projects(lookup("cn-north-4"))];
        assert_eq!((log.len(), failure.kind), (calls, kind), "{fault}: {failure:?}");
    }
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again() {
    let lab = Lab::start(faults("drop:40%")).await;
    let regions: Vec<Lookup> = crate::model::KNOWN_REGIONS.into_iter().take(4).map(lookup).collect();
    let (asked, log) = lab.ask(async |reader| reader.look_up(&regions).await).await;
    assert!(log.len() > regions.len() && log.iter().any(|entry| entry.fault.is_some()), "{log:?}");
    assert_eq!(asked.failures, HashMap::new());
}

/// What the quota makes long is said before it begins.
#[tokio::test]
async fn lookups_and_lists_that_take_long_are_announced() {
    let lab = Lab::start(SimulatorConfig { quota: None, ..SimulatorConfig::default() }).await;
    let options = HttpOptions::loopback(8, Duration::from_secs(60));
    let client = ReadClient::new(&options, lab.clock.clone()).expect("a client");
    let said = RefCell::new(Vec::new());
    let notice = |text: &str| said.borrow_mut().push(text.to_owned());
    let asker = Asker::new(client, &lab.credentials, lab.limits.clone(), &lab.clock, &notice);
    let reader = Reader::new(&asker, &lab.iam);
    let regions: Vec<Lookup> = crate::model::KNOWN_REGIONS.into_iter().take(6).map(lookup).collect();
    reader.look_up(&regions[..5]).await;
    assert_eq!(*said.borrow(), Vec::<String>::new());
    reader.look_up(&regions).await;
    let lists: Vec<_> = (0..11).map(|n| (lab.listing("cn-north-4", &format!("p-{n}")), Extent::All)).collect();
    reader.list(&lists).await;
    assert_eq!(*said.borrow(), ["11 lists of registries to read, at least 2 min 00 s under the quota"]);

    said.borrow_mut().clear();
    Reader::new(&asker, &lab.iam).look_up(&regions).await;
    assert_eq!(*said.borrow(), ["6 projects to look up, at least 1 min 00 s under the quota"]);
}

/// Repeats take time: that they are made is said once for each service.
#[tokio::test]
async fn a_service_in_trouble_is_told_once() {
    let lab = Lab::start(faults("503:100%")).await;
    let client = ReadClient::new(&HttpOptions::loopback(8, Duration::from_secs(60)), lab.clock.clone());
    let said = RefCell::new(Vec::new());
    let notice = |text: &str| said.borrow_mut().push(text.to_owned());
    let client = client.expect("a client");
    let asker = Asker::new(client, &lab.credentials, lab.limits.clone(), &lab.clock, &notice);
    let reader = Reader::new(&asker, &lab.iam);
    reader.look_up(&[lookup("cn-north-4"), lookup("cn-east-3")]).await;
    assert_eq!(*said.borrow(), ["no answer yet, asking again: APIGW.0613: The IAM service is unavailable"]);
}

/// The time that an answer has is one of the run's clock, as that of a request is.
#[tokio::test]
async fn a_read_without_an_answer_is_given_up_after_the_time_of_the_plan() {
    let mut lab = Lab::start(faults("hang:100%")).await;
    lab.limits.attempt_timeout = Duration::from_secs(60);
    lab.limits.retry.max_attempts = NonZeroU32::MIN;
    let listing = lab.listing("cn-north-4", "p-1");
    let (asked, _) = lab.ask(async |reader| reader.list(&[(listing.clone(), Extent::All)]).await).await;
    let failure = &asked.failures[&Question::Registries(listing)];
    assert_eq!(failure.message, "no answer after sending (timeout 60 s)");
}

/// A service with one new registry on each page would be listened to for days.
#[tokio::test]
async fn a_list_of_endless_small_pages_is_given_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let serve = async move {
        for page in 0.. {
            let (stream, _) = listener.accept().await.expect("a connection");
            let mut stream = tokio::io::BufReader::new(stream);
            let mut line = String::new();
            while line != "\r\n" {
                line.clear();
                stream.read_line(&mut line).await.expect("a head");
            }
            let body = format!(r#"{{"total_num":99999,"data_list":[{{"id":"r-{page}"}}]}}"#);
            let length = body.len();
            let answer = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).await.expect("an answer");
        }
    };
    let clock = RunClock::start(NonZeroU32::MIN);
    let options = HttpOptions::loopback(8, Duration::from_secs(60));
    let client = ReadClient::new(&options, clock.clone()).expect("a client");
    let limits = ReadLimits {
        quotas: vec![Quota::parse("1000/1s").expect("legal")],
        concurrency: 1,
        attempt_timeout: Duration::from_secs(60),
        retry: RetryLimits::default(),
    };
    let credentials = Ready::from([(CredentialName::default_name(), Simulator::credentials(1))]);
    let notice = |_: &str| {};
    let asker = Asker::new(client, &credentials, limits, &clock, &notice);
    let iam = IamEndpoints::default();
    let reader = Reader::new(&asker, &iam);
    let listing = Listing {
        credential: CredentialName::default_name(),
        region: Region::parse("cn-north-4").expect("legal"),
        endpoint: crate::model::Endpoint::parse(&format!("http://{address}")).expect("legal"),
        project_id: ProjectId::parse("p-1").expect("legal"),
        enterprise_project_id: EnterpriseProjectId::default_id(),
    };
    let wanted = [(listing.clone(), Extent::All)];
    tokio::select! {
        () = serve => {}
        () = reader.list(&wanted) => {}
    }
    let asked = reader.asked();
    let failure = &asked.failures[&Question::Registries(listing)];
    assert!(failure.message.ends_with("it goes on after 200 entries on 200 pages"), "{failure:?}");
    assert_eq!(reader.calls(), MOST_PAGES);
}

#[test]
fn the_end_of_a_list_is_where_nothing_can_follow() {
    for (got, so_far, total, last) in [
        (0, 0, Some(0), true),
        (5, 5, Some(5), true),
        (200, 200, Some(200), true),
        (200, 200, Some(450), false),
        (50, 450, Some(450), true),
        // Pages of at most 100, as the documented size of the list says.
        (100, 100, Some(450), false),
        // A total that is capped where the list goes on.
        (200, 200, Some(100), false),
        (60, 260, Some(100), true),
        // Without a total only an empty page is the end.
        (7, 7, None, false),
        (0, 7, None, true),
        // The list became shorter meanwhile.
        (0, 200, Some(450), true),
    ] {
        assert_eq!(is_last(got, so_far, total), last, "{got} {so_far} {total:?}");
    }
}

#[test]
fn limits_are_those_that_every_plan_of_a_batch_bears() {
    let patient = RetryLimits { max_attempts: NonZeroU32::new(9).expect("not zero"), ..RetryLimits::default() };
    let mut fixture = Fixture::new(Limits { retry: patient, ..Limits::default() }, &[None]);
    let (attempt_timeout, concurrency) = (Duration::from_secs(9), NonZeroU32::new(64).expect("not zero"));
    fixture.add_plan(Limits { attempt_timeout, concurrency, ..Limits::default() }, &[None]);
    let limits = ReadLimits::of(&fixture.build());
    assert_eq!((limits.quotas.len(), limits.concurrency), (2, 64));
    assert_eq!((limits.attempt_timeout, limits.retry), (attempt_timeout, patient));
}
