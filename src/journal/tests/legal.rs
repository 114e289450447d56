//! Headers and runs for property tests: whatever can be said, in any order that is legal.

use std::time::Duration;

use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;

use crate::event::{AttemptRecord, Failure, FailureKind, NotAttemptedReason, OpIndex, Outcome, RunEvent};
use crate::journal::fixture::{IDS, header, reasons, resolution, task, task_failed};
use crate::journal::{Header, Invocation, RecordedPlan, RecordedSource, SimulatedWith};
use crate::model::{FailureBudget, MaxFailures};
use crate::plan::VariableValue;

/// Any text at all.
fn text() -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..8).prop_map(String::from_iter)
}

/// Whole microseconds: what a journal keeps.
fn time() -> impl Strategy<Value = Duration> {
    prop_oneof![Just(0), 0..10_000_000_u64, any::<u64>()].prop_map(Duration::from_micros)
}

fn wall() -> impl Strategy<Value = jiff::Timestamp> {
    let nanos = jiff::Timestamp::MIN.as_nanosecond()..=jiff::Timestamp::MAX.as_nanosecond();
    nanos.prop_map(|nanos| jiff::Timestamp::from_nanosecond(nanos).expect("in range"))
}

fn variable() -> impl Strategy<Value = VariableValue> {
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    prop_oneof![
        any::<bool>().prop_map(VariableValue::Bool),
        any::<i64>().prop_map(VariableValue::Integer),
        (NEGATIVE | POSITIVE | NORMAL | SUBNORMAL | ZERO).prop_map(VariableValue::Float),
        text().prop_map(VariableValue::Text),
    ]
}

fn invocation() -> impl Strategy<Value = Invocation> {
    let simulated = (of(text()), of(text()), any::<u32>(), of(text()), of(text()));
    let simulated = simulated.prop_map(|(fault, quota, time_scale, task_time, task_fault)| SimulatedWith {
        fault,
        quota,
        time_scale,
        task_time,
        task_fault,
    });
    let endpoints = || btree_map(text(), text(), 0..3);
    let places = (vec(text(), 0..3), of(text()), endpoints(), endpoints(), vec(text(), 0..3));
    let limits = (of(text()), of(any::<u32>()), of(text()), any::<bool>(), of(text()));
    let selection = (vec(text(), 0..3), of(text()));
    (places, btree_map(text(), variable(), 0..4), limits, selection, of(simulated)).prop_map(
        |((plans, endpoint, endpoints, file_endpoints, allow_endpoint), variables, limits, selection, simulated)| {
            let (select, shard) = selection;
            let (quota, concurrency, max_failures, fail_fast, wait) = limits;
            Invocation {
                plans,
                variables,
                endpoint,
                endpoints,
                file_endpoints,
                allow_endpoint,
                quota,
                concurrency,
                max_failures,
                fail_fast,
                wait,
                select,
                shard,
                simulated,
            }
        },
    )
}

/// Any header with at least one plan.
pub(super) fn any_header() -> impl Strategy<Value = Header> {
    let digest = header().digest;
    let plan = (text(), text()).prop_map(move |(path, name)| RecordedPlan { path, name, digest: digest.clone() });
    let source = (text(), text()).prop_map(|(path, text)| RecordedSource { path, text });
    let resolved = (0..5_usize, of(Just("p-1")), prop_oneof![Just(&["r-1"][..]), Just(&["r-1", "r-2"][..])])
        .prop_map(|(op, project_id, registries)| resolution(op, project_id, registries));
    let after = (vec(source, 0..3), vec(resolved, 0..3));
    (text(), wall(), time(), any::<usize>(), vec(plan, 1..3), invocation(), after).prop_map(
        |(tool, started_at, forecast, planned, plans, invocation, (sources, resolved))| Header {
            tool,
            started_at,
            forecast,
            planned,
            plans,
            invocation,
            sources,
            resolved,
            ..header()
        },
    )
}

fn reason() -> impl Strategy<Value = NotAttemptedReason> {
    let stated = prop_oneof![any::<u32>().prop_map(MaxFailures::Count), (0..=100_u8).prop_map(MaxFailures::Percent)];
    let budget = (stated, any::<usize>(), any::<usize>()).prop_map(|(stated, total, allowed)| FailureBudget {
        stated,
        total,
        allowed,
    });
    prop_oneof![prop::sample::select(reasons()), budget.prop_map(NotAttemptedReason::BudgetSpent)]
}

fn kind() -> impl Strategy<Value = FailureKind> {
    prop::sample::select(vec![
        FailureKind::Refused,
        FailureKind::Credential,
        FailureKind::Throttled,
        FailureKind::Unavailable,
        FailureKind::NotSent,
        FailureKind::Redirected,
        FailureKind::NoAnswer,
        FailureKind::UnclearAnswer,
    ])
}

fn failure() -> impl Strategy<Value = Failure> {
    (kind(), of(any::<u16>()), of(text()), text(), of(reason()))
        .prop_map(|(kind, status, code, message, given_up)| Failure { kind, status, code, message, given_up })
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(Outcome::Accepted),
        failure().prop_map(Outcome::Failed),
        failure().prop_map(Outcome::Unknown),
        text().prop_map(Outcome::Skipped),
        reason().prop_map(Outcome::NotAttempted),
    ]
}

fn record() -> impl Strategy<Value = AttemptRecord> {
    let answer = (of(any::<u16>()), of(text()), of(text()), of(text()));
    (time(), time(), answer, any::<bool>(), of(kind())).prop_map(|(started, duration, answer, throttled, kind)| {
        let (status, error_code, error_message, request_id) = answer;
        AttemptRecord { started, duration, status, error_code, error_message, request_id, throttled, kind }
    })
}

/// What may happen next; which of it does depends on where the operation stands.
#[derive(Clone, Debug)]
struct Step {
    op: OpIndex,
    /// Time since the step before.
    after: u32,
    /// Something that concerns no operation, instead.
    aside: Option<(u8, NotAttemptedReason, jiff::Timestamp)>,
    record: AttemptRecord,
    retry_at: Option<Duration>,
    /// Instead of an attempt, if it is open; instead of an answer, if it is in flight; instead of more looks, if it has a task.
    ends: bool,
    outcome: Outcome,
    look: Look,
}

/// What a look for a task comes to.
#[derive(Clone, Debug)]
enum Look {
    Found(String, bool),
    Unclear(String),
    /// Of a task that was found; with a message it failed.
    Ended(Option<String>),
}

fn look() -> impl Strategy<Value = Look> {
    prop_oneof![
        "[-._~:0-9A-Za-z镜像]{1,62}x"
            .prop_flat_map(|id| any::<bool>().prop_map(move |early| Look::Found(id.clone(), early))),
        text().prop_map(Look::Unclear),
        of(text()).prop_map(Look::Ended),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let aside = prop::option::weighted(0.2, (any::<u8>(), reason(), wall()));
    (0..IDS.len(), any::<u32>(), aside, record(), of(time()), any::<bool>(), outcome(), look()).prop_map(
        |(op, after, aside, record, retry_at, ends, outcome, look)| Step {
            op,
            after,
            aside,
            record,
            retry_at,
            ends,
            outcome,
            look,
        },
    )
}

#[derive(Clone, Copy, PartialEq)]
enum Stands {
    Open,
    InFlight,
    /// Without a task, as far as is known.
    Accepted,
    Followed,
    Unknown,
    Ended,
    Confirmed,
}

/// What a look that may come to this says of an operation, and where that stands afterwards.
fn looked(op: OpIndex, at: Duration, stands: Stands, look: Look) -> (RunEvent, Stands) {
    match look {
        Look::Found(id, early) => (RunEvent::TaskFound { op, at, task: task(&id), early }, Stands::Followed),
        Look::Ended(why) if stands == Stands::Followed => match why {
            None => (RunEvent::TaskEnded { op, at, outcome: Outcome::Confirmed }, Stands::Confirmed),
            Some(why) => (RunEvent::TaskEnded { op, at, outcome: task_failed(&why) }, Stands::Ended),
        },
        Look::Unclear(why) => (RunEvent::TaskUnclear { op, at, why }, stands),
        Look::Ended(why) => (RunEvent::TaskUnclear { op, at, why: why.unwrap_or_default() }, stands),
    }
}

/// Any run: attempts, repeats, outcomes and reopenings of a few operations and what is seen of their tasks, in one session or
/// several.
pub(super) fn any_run() -> impl Strategy<Value = Vec<RunEvent>> {
    vec(step(), 0..40).prop_map(|steps| {
        let mut operations = [(Stands::Open, 0_u32); IDS.len()];
        let mut at = Duration::ZERO;
        let mut events = Vec::new();
        for Step { op, after, aside, record, retry_at, ends, outcome, look } in steps {
            at += Duration::from_micros(after.into());
            if let Some((which, reason, wall)) = aside {
                match which % 3 {
                    0 => events.push(RunEvent::WaveStarted { plan: 0, wave: which.into(), at }),
                    1 => events.push(RunEvent::Stopping { at, reason }),
                    _ => events.extend([
                        RunEvent::RunEnded { at },
                        RunEvent::RunResumed { at, resumed_at: wall, forecast: at },
                    ]),
                }
                continue;
            }
            let (stands, attempts) = &mut operations[op];
            match *stands {
                Stands::Open if ends => {
                    *stands = match outcome {
                        Outcome::Accepted => Stands::Accepted,
                        Outcome::Unknown(_) => Stands::Unknown,
                        _ => Stands::Ended,
                    };
                    events.push(RunEvent::OperationEnded { op, at, outcome });
                }
                Stands::Open => {
                    (*stands, *attempts) = (Stands::InFlight, *attempts + 1);
                    events.push(RunEvent::AttemptStarted { op, attempt: *attempts, at });
                }
                Stands::InFlight if ends => {
                    events.push(RunEvent::AttemptWithdrawn { op, attempt: *attempts, at });
                    (*stands, *attempts) = (Stands::Open, *attempts - 1);
                }
                Stands::InFlight => {
                    *stands = Stands::Open;
                    events.push(RunEvent::AttemptEnded {
                        op,
                        attempt: *attempts,
                        at,
                        closed_until: (record.kind == Some(FailureKind::Throttled)).then_some(at),
                        record,
                        retry_at,
                    });
                }
                Stands::Unknown if ends => {
                    *stands = Stands::Open;
                    events.push(RunEvent::OperationReopened { op, at });
                }
                Stands::Accepted | Stands::Followed | Stands::Unknown => {
                    let (event, then) = looked(op, at, *stands, look);
                    *stands = then;
                    events.push(event);
                }
                Stands::Ended => {
                    *stands = Stands::Open;
                    events.push(RunEvent::OperationReopened { op, at });
                }
                Stands::Confirmed => {}
            }
        }
        events
    })
}
