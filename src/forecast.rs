//! How long a plan will take: the scheduler itself, driven by a virtual clock.

use std::time::Duration;

use crate::expand::ExecutionPlan;
use crate::model::Endpoint;

/// What a run is expected to take.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Forecast {
    /// Calls, when nothing fails.
    pub calls: usize,
    /// From start to the last answer.
    #[serde(rename = "duration_ms", serialize_with = "as_millis")]
    pub duration: Duration,
    /// How much of it is waiting for quota rather than pauses and latency.
    #[serde(rename = "quota_wait_ms", serialize_with = "as_millis")]
    pub quota_wait: Duration,
    /// The endpoint (or other bucket) that decides, if the quota does, and its calls.
    pub decided_by: Option<Decider>,
}

/// The quota bucket that decides how long a run takes.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Decider {
    /// Name for people: a region, a region and credential, or `all endpoints`.
    pub name: String,
    /// Calls that go through it.
    pub calls: usize,
}

fn as_millis<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

/// Forecasts a run in which every call is accepted after `latency`.
#[must_use]
pub fn forecast(plan: &ExecutionPlan, latency: Duration) -> Forecast {
    let _ = (plan, latency, None::<Endpoint>);
    todo!()
}
