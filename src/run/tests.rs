//! Whole runs against a scripted service, in virtual time.

mod credential;
mod follow;
mod log;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::port::{Clock, EventSink, NoTasks, Transport, Unlogged, Waiting};
use super::{DEFAULT_GRACE, FollowAfter, Outside, RunError, RunOptions, run};
use crate::event::{NotAttemptedReason, Outcome, RunEvent};
use crate::expand::ExecutionPlan;
use crate::forecast::forecast;
use crate::model::{CredentialName, Limits, ProjectRef, QuotaScope, RunId, Secret};
use crate::policy::{Answer, SendError};
use crate::schedule::fixture::{Fixture, ms, nonzero, quota};
use crate::sign::{Credential, SignedRequest};
use crate::summary::{Counts, RunSummary};

pub(super) struct VirtualClock(Instant);

impl VirtualClock {
    #[expect(clippy::disallowed_methods, reason = "the origin of virtual time, which stands still until all wait")]
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
    fn wall(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH + self.0.elapsed()
    }
    async fn sleep_until(&self, at: Duration) {
        tokio::time::sleep_until(self.0 + at).await;
    }
    fn real(&self, duration: Duration) -> Duration {
        duration
    }
}

type Script = Box<dyn Fn(usize, usize) -> Result<Answer, SendError>>;

/// A service that counts each call half-way and answers 429 as soon as a sliding window holds more than its limit.
struct Service {
    clock: VirtualClock,
    latency: Duration,
    limit: (usize, Duration),
    /// What becomes of (operation, its calls before), unless the limit says 429.
    script: Script,
    calls: RefCell<Vec<(usize, Duration)>>,
    refused: RefCell<usize>,
}

impl Service {
    fn new(limit: (usize, Duration), script: impl Fn(usize, usize) -> Result<Answer, SendError> + 'static) -> Self {
        Self {
            clock: VirtualClock::start(),
            latency: ms(50),
            limit,
            script: Box::new(script),
            calls: RefCell::default(),
            refused: RefCell::default(),
        }
    }

    fn sent(&self) -> usize {
        self.calls.borrow().len()
    }
}

impl Transport for Service {
    async fn send(&self, request: SignedRequest, timeout: Duration) -> Result<Answer, SendError> {
        assert_eq!(timeout, Duration::from_secs(75));
        let op = request.url().split('/').find_map(|part| part.strip_prefix('p')?.parse::<usize>().ok());
        let op = op.expect("the project id of a fixture is in the path");
        tokio::time::sleep(self.latency / 2).await;
        let now = self.clock.now();
        let before = self.calls.borrow().iter().filter(|(other, _)| *other == op).count();
        self.calls.borrow_mut().push((op, now));
        let (limit, per) = self.limit;
        let inside = self.calls.borrow().iter().filter(|(_, at)| *at + per > now).count();
        tokio::time::sleep(self.latency / 2).await;
        if inside > limit {
            *self.refused.borrow_mut() += 1;
            return answer(429, r#"{"error_code":"APIGW.0308","error_msg":"too many calls"}"#);
        }
        (self.script)(op, before)
    }
}

fn answer(status: u16, body: &str) -> Result<Answer, SendError> {
    let content_type = Some("application/json".to_owned());
    Ok(Answer { status, content_type, body: body.as_bytes().to_vec(), ..Answer::default() })
}

fn accepted() -> Result<Answer, SendError> {
    answer(200, r#"{"error_code":0,"error_description":"success"}"#)
}

fn refused() -> Result<Answer, SendError> {
    answer(400, r#"{"error_code":"HSS.0013","error_msg":"not enough permission"}"#)
}

/// Remembers everything it is told.
#[derive(Default)]
struct Notes {
    events: Vec<RunEvent>,
    waiting: Vec<Option<Waiting>>,
}

impl EventSink for Notes {
    fn on_event(&mut self, event: &RunEvent, _: &ExecutionPlan, summary: &RunSummary) {
        if let RunEvent::OperationEnded { op, .. } = event {
            assert!(summary.operations[*op].outcome.is_some(), "the summary comes first");
        }
        assert_eq!(*event, event.clone().in_micros(), "what a sink is told is what a journal keeps");
        self.events.push(event.clone());
    }
    fn on_tick(&mut self, _: Duration, waiting: Option<&Waiting>, _: &ExecutionPlan, _: &RunSummary) {
        if self.waiting.last().map(Option::as_ref) != Some(waiting) {
            self.waiting.push(waiting.cloned());
        }
    }
}

fn options() -> RunOptions {
    RunOptions {
        run: RunId::parse("20261124-080000-7f3a").expect("legal"),
        started_at: jiff::Timestamp::UNIX_EPOCH,
        forecast: Duration::ZERO,
        max_failures: None,
        fail_fast: false,
        max_duration: None,
        grace: DEFAULT_GRACE,
        seed: 7,
        follow: FollowAfter::Nothing,
        elsewhere: Vec::new(),
    }
}

fn credentials() -> BTreeMap<CredentialName, Credential> {
    BTreeMap::from([(CredentialName::default_name(), Credential::Token(Secret::new("s3cr3t-token".to_owned())))])
}

async fn go(plan: &ExecutionPlan, service: &Service, notes: &mut Notes, stop: &CancellationToken) -> RunSummary {
    go_with(plan, &options(), service, notes, stop).await.expect("the run is conserved")
}

async fn go_with(
    plan: &ExecutionPlan,
    options: &RunOptions,
    service: &Service,
    notes: &mut Notes,
    stop: &CancellationToken,
) -> Result<RunSummary, RunError> {
    let outside =
        Outside { transport: service, tasks: &NoTasks, clock: &service.clock, log: &mut Unlogged, sinks: &mut [notes] };
    run(plan, &credentials(), options, None, outside, stop).await.map(|end| end.summary)
}

fn limits(quota_text: &str) -> Limits {
    Limits {
        quota: quota(quota_text, QuotaScope::Address),
        concurrency: nonzero(16),
        region_concurrency: nonzero(16),
        ..Limits::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_quiet_run_takes_what_was_forecast_and_never_meets_the_limit() {
    let plan = Fixture::simple(limits("10/2s"), 100);
    let service = Service::new((10, ms(2000)), |_, _| accepted());
    let mut notes = Notes::default();
    let summary = go(&plan, &service, &mut notes, &CancellationToken::new()).await;
    assert_eq!(summary.counts, Counts { planned: 100, accepted: 100, ..Counts::default() });
    assert_eq!((summary.attempts, summary.throttled, *service.refused.borrow()), (100, 0, 0));
    // A strict server lets nobody finish before 9 windows and a latency; ours adds a latency for each window.
    let optimum = ms(9 * 2000 + 50);
    assert!(summary.elapsed <= optimum.mul_f64(1.02) + ms(10 * 50), "{:?}", summary.elapsed);
    let forecast = forecast(&plan, ms(50));
    let off = summary.elapsed.abs_diff(forecast.duration);
    // tokio's timers have a resolution of 1 ms: one for each half of a call and one for each wait.
    assert!(off <= ms(9 * 3 + 5), "{:?} against a forecast of {:?}", summary.elapsed, forecast.duration);
    let first_wait = notes.waiting.iter().flatten().next().expect("the sink is told what is waited for");
    assert_eq!(first_wait.what, "quota (cn-north-4)");
    assert_eq!(first_wait.operations, 90);
    assert!(matches!(notes.events.first(), Some(RunEvent::RunStarted { planned: 100, .. })));
    assert!(matches!(notes.events.last(), Some(RunEvent::RunEnded { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_service_with_a_lower_limit_slows_the_run_down_and_loses_nothing() {
    // With one call in a window: it is answered, two go together and are refused, and a window passes.
    for (limit, most_refused) in [(3, 4), (1, 2)] {
        let plan = Fixture::simple(limits("10/2s"), 30);
        let service = Service::new((limit, ms(2000)), |_, _| accepted());
        let mut notes = Notes::default();
        let summary = go(&plan, &service, &mut notes, &CancellationToken::new()).await;
        assert_eq!(summary.counts, Counts { planned: 30, accepted: 30, ..Counts::default() });
        assert_eq!(summary.throttled, *service.refused.borrow());
        // The first window meets the limit with all ten.
        let windows = 30 / limit;
        assert!((1..=9 + most_refused * windows).contains(&summary.throttled), "{} refused", summary.throttled);
        let told = notes.waiting.iter().flatten().any(|waiting| waiting.what == "the service's limit (cn-north-4)");
        assert!(told, "{:?}", notes.waiting);
    }
}

/// Gateways round `Retry-After` down to whole seconds; a literal 0 must not burn the attempts of every operation at once.
#[tokio::test(start_paused = true)]
async fn a_service_that_asks_for_no_wait_is_not_stormed() {
    let plan = Fixture::simple(limits("1000/1s"), 20);
    let service = Service::new((1000, ms(1000)), |_, _| {
        let body = br#"{"error_code":"APIGW.0308","error_msg":"too many calls"}"#.to_vec();
        Ok(Answer { status: 429, retry_after: Some("0".to_owned()), body, ..Answer::default() })
    });
    let stop = CancellationToken::new();
    let mut notes = Notes::default();
    tokio::join!(go(&plan, &service, &mut notes, &stop), async {
        tokio::time::sleep(ms(5000)).await;
        stop.cancel();
    });
    // Delays of at least 0.5, 1 and 2 s between the attempts of the first operation, which the others wait for.
    assert!(service.sent() <= 4, "{} calls in five seconds", service.sent());
}

#[tokio::test(start_paused = true)]
async fn what_was_not_sent_is_repeated_and_what_may_have_been_sent_is_not() {
    let plan = Fixture::simple(limits("100/1s"), 4);
    let service = Service::new((100, ms(1000)), |op, before| match (op, before) {
        (1, 0 | 1) => Err(SendError::NotSent { detail: "connection refused".to_owned() }),
        (2, _) => Err(SendError::NoAnswer { detail: "timeout".to_owned() }),
        (3, _) => Err(SendError::NotSent { detail: "connection refused".to_owned() }),
        _ => accepted(),
    });
    let summary = go(&plan, &service, &mut Notes::default(), &CancellationToken::new()).await;
    let of = |op: usize| {
        let operation = &summary.operations[op];
        (operation.outcome.as_ref().map(Outcome::as_str), operation.attempts.len())
    };
    assert_eq!(
        [of(0), of(1), of(2), of(3)],
        [(Some("accepted"), 1), (Some("accepted"), 3), (Some("unknown"), 1), (Some("failed"), 5)]
    );
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_lets_flights_land_and_launches_nothing_more() {
    let plan = Fixture::simple(limits("10/2s"), 100);
    let service = Service::new((10, ms(2000)), |_, _| accepted());
    let stop = CancellationToken::new();
    let mut notes = Notes::default();
    let (summary, ()) = tokio::join!(go(&plan, &service, &mut notes, &stop), async {
        // At 2.05 s the first place is free again, and its call is in flight until 2.1 s.
        tokio::time::sleep(ms(2070)).await;
        stop.cancel();
    });
    assert_eq!(summary.counts, Counts { planned: 100, accepted: 11, not_attempted: 89, ..Counts::default() });
    assert!(summary.elapsed < ms(2110), "{:?}", summary.elapsed);
    let reason = NotAttemptedReason::Interrupted;
    assert!(notes.events.iter().any(|event| matches!(event, RunEvent::Stopping { reason: r, .. } if *r == reason)));
    assert_eq!(summary.operations[99].outcome, Some(Outcome::NotAttempted(reason)));
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_before_the_start_sends_nothing() {
    let plan = Fixture::simple(limits("10/2s"), 5);
    let service = Service::new((10, ms(2000)), |_, _| accepted());
    let stop = CancellationToken::new();
    stop.cancel();
    let summary = go(&plan, &service, &mut Notes::default(), &stop).await;
    assert_eq!((summary.counts.not_attempted, service.sent()), (5, 0));
}

#[tokio::test(start_paused = true)]
async fn a_spent_budget_ends_the_run_at_the_failure_that_spent_it() {
    let mut fixture = Fixture::new(limits("100/1s"), &[Some("1")]);
    fixture.operations(20, 0, "cn-north-4", "default");
    let service = Service::new((100, ms(1000)), |op, _| if op % 3 == 1 { refused() } else { accepted() });
    let summary = go(&fixture.build(), &service, &mut Notes::default(), &CancellationToken::new()).await;
    // Operations 1 and 4 fail. The budget of 1 lets two be at risk, so at 4 at most one more is in flight.
    assert_eq!(summary.counts.failed, 2);
    assert!(summary.counts.accepted <= 4, "{:?}", summary.counts);
    let last = summary.operations[19].outcome.as_ref().and_then(Outcome::reason);
    assert_eq!(last.as_deref(), Some("the failure budget is spent (1 of 20)"));
}

#[tokio::test(start_paused = true)]
async fn a_refused_credential_is_tried_once() {
    let plan = Fixture::simple(limits("100/1s"), 20);
    let body = r#"{"error_code":"APIGW.0301","error_msg":"Incorrect IAM authentication information"}"#;
    let service = Service::new((100, ms(1000)), move |_, _| answer(401, body));
    let summary = go(&plan, &service, &mut Notes::default(), &CancellationToken::new()).await;
    assert_eq!((service.sent(), summary.counts.failed, summary.counts.not_attempted), (1, 1, 19));
    let last = summary.operations[19].outcome.clone();
    assert_eq!(last, Some(Outcome::NotAttempted(NotAttemptedReason::CredentialRefused)));
}

#[tokio::test(start_paused = true)]
async fn fail_fast_and_a_longest_duration_stop_the_run() {
    let plan = Fixture::simple(limits("2/1s"), 20);
    let service = Service::new((2, ms(1000)), |op, _| if op == 3 { refused() } else { accepted() });
    let fail_fast = RunOptions { fail_fast: true, ..options() };
    let stop = CancellationToken::new();
    let summary = go_with(&plan, &fail_fast, &service, &mut Notes::default(), &stop).await.expect("conserved");
    assert_eq!((summary.counts.accepted, summary.counts.failed, summary.counts.not_attempted), (3, 1, 16));

    let service = Service::new((2, ms(1000)), |_, _| accepted());
    let in_time = RunOptions { max_duration: Some(ms(2500)), ..options() };
    let summary = go_with(&plan, &in_time, &service, &mut Notes::default(), &stop).await.expect("conserved");
    // Two a second: at 0, 1 and 2 s. Nothing can start before 2.5 s then, so nobody waits for it.
    assert_eq!((summary.counts.accepted, summary.counts.not_attempted), (6, 14));
    assert!(summary.elapsed < ms(2400), "{:?}", summary.elapsed);
}

#[tokio::test(start_paused = true)]
async fn what_the_caller_forgot_is_an_error_before_anything_is_sent() {
    let service = Service::new((10, ms(2000)), |_, _| accepted());
    let mut fixture = Fixture::new(limits("10/2s"), &[None]);
    fixture.operations(2, 0, "cn-north-4", "default");
    fixture.operations(1, 0, "cn-north-4", "emea");
    let stop = CancellationToken::new();
    let error = go_with(&fixture.build(), &options(), &service, &mut Notes::default(), &stop).await.expect_err("emea");
    assert_eq!(
        error.to_string(),
        "credential `emea` of operation payments/cn-north-4/0/2 is missing; nothing was sent"
    );
    let mut plan = Fixture::simple(limits("10/2s"), 1);
    plan.operations[0].target.project_id = ProjectRef::Lookup;
    let error = go_with(&plan, &options(), &service, &mut Notes::default(), &stop).await.expect_err("lookup");
    assert!(matches!(error, RunError::NotResolved { .. }));
    assert_eq!(service.sent(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_events() {
    let plan = Fixture::simple(limits("10/2s"), 20);
    let mut runs = Vec::new();
    for _ in 0..2 {
        let service = Service::new((4, ms(2000)), |op, before| match (op % 5, before) {
            (2, 0) => answer(503, "{}"),
            _ => accepted(),
        });
        let mut notes = Notes::default();
        go(&plan, &service, &mut notes, &CancellationToken::new()).await;
        runs.push(notes.events);
    }
    assert!(runs[0].iter().any(|event| matches!(event, RunEvent::AttemptEnded { retry_at: Some(_), .. })));
    assert_eq!(runs[0], runs[1]);
}
