//! When somebody was at work, over several runs that may have run side by side.

use std::time::Duration;

use super::RunRecord;
use crate::event::RunEvent;

/// From one moment to another, on one clock.
pub(super) type Span = (Duration, Duration);

/// The sessions of a run, on its own clock.
pub(super) fn sessions(run: &RunRecord) -> Vec<Span> {
    let (mut sessions, mut began, mut latest) = (Vec::new(), Duration::ZERO, Duration::ZERO);
    for event in run.events.iter() {
        if let RunEvent::RunResumed { at, .. } = event {
            sessions.push((began, latest));
            began = *at;
        }
        latest = latest.max(event.at());
    }
    sessions.push((began, latest.max(run.summary.elapsed)));
    sessions
}

/// The sessions as they were forecast: those that were followed by another as they were, and the last from its start for as long
/// as it was forecast then.
pub(super) fn forecast(run: &RunRecord) -> Vec<Span> {
    let mut spans = sessions(run);
    let forecast = run.events.iter().rev().find_map(|event| match event {
        RunEvent::RunStarted { forecast, .. } | RunEvent::RunResumed { forecast, .. } => Some(*forecast),
        _ => None,
    });
    if let Some((began, end)) = spans.last_mut() {
        *end = began.saturating_add(forecast.unwrap_or_default());
    }
    spans
}

/// How much time is in at least one of the spans.
pub(super) fn covered(mut spans: Vec<Span>) -> Duration {
    spans.sort_unstable();
    let (mut sum, mut reached) = (Duration::ZERO, Duration::ZERO);
    for (began, end) in spans {
        sum += end.saturating_sub(began.max(reached));
        reached = reached.max(end);
    }
    sum
}
