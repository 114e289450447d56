//! What a plan states besides its requests, compared value by value and shown as the plan writes it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::time::Duration;

use super::{Part, SettingChange};
use crate::expand::{PlannedFile, Wave};
use crate::model::{Endpoint, MaxFailures, Operation, Quota, Region, WaveName, write_duration};

/// Waves that have another name now and are the same otherwise: old and new name.
pub(super) struct RenamedWaves<'p>(BTreeMap<&'p WaveName, &'p WaveName>);

impl RenamedWaves<'_> {
    pub(super) fn has(&self, old: &WaveName, new: &WaveName) -> bool {
        self.0.get(old).is_some_and(|renamed| *renamed == new)
    }
}

/// A wave is renamed if its old name is gone, its new one was not there, and all that both plans have moved from the one to
/// the other.
pub(super) fn renamed_waves<'p>(old: &Part<'p>, new: &Part<'p>, partners: &[Option<usize>]) -> RenamedWaves<'p> {
    let names = |file: &'p PlannedFile| file.waves.iter().map(|wave| &wave.name).collect::<BTreeSet<_>>();
    let (old_names, new_names) = (names(old.file), names(new.file));
    let (mut forth, mut back): (BTreeMap<_, BTreeSet<_>>, BTreeMap<_, BTreeSet<_>>) = Default::default();
    for (operation, partner) in new.operations.iter().zip(partners) {
        let was = partner.and_then(|partner| old.wave(old.operations[partner]));
        if let Some((was, is)) = was.zip(new.wave(operation)) {
            forth.entry(was).or_default().insert(is);
            back.entry(is).or_default().insert(was);
        }
    }
    let renamed = forth.iter().filter_map(|(was, are)| {
        let is = *are.first()?;
        let alone = are.len() == 1 && back.get(is).is_some_and(|were| were.len() == 1);
        (alone && !new_names.contains(was) && !old_names.contains(is)).then_some((*was, is))
    });
    RenamedWaves(renamed.collect())
}

/// The settings of two plans that differ.
pub(super) fn compare(old: &Part<'_>, new: &Part<'_>, renamed: &RenamedWaves<'_>) -> Vec<SettingChange> {
    let mut changes = Changes(Vec::new());
    let (was, is) = (old.file, new.file);
    changes.add("name", &was.name, &is.name);
    changes.add("max_operations", was.max_operations, is.max_operations);
    let deadline = |file: &PlannedFile| file.deadline.map_or_else(none, |(deadline, _)| write_duration(deadline));
    changes.add("deadline", deadline(was), deadline(is));
    waves(was, is, renamed, &mut changes);
    let pause = |pause: Duration| if pause.is_zero() { none() } else { write_duration(pause) };
    changes.add("pause", pause(was.pause), pause(is.pause));
    limits(was, is, &mut changes);
    endpoints(&old.operations, &new.operations, &mut changes);
    changes.0
}

fn none() -> String {
    "none".to_owned()
}

struct Changes(Vec<SettingChange>);

impl Changes {
    fn add(&mut self, setting: impl Display, old: impl Display, new: impl Display) {
        let (setting, old, new) = (setting.to_string(), old.to_string(), new.to_string());
        if old != new {
            self.0.push(SettingChange { setting, old, new });
        }
    }
}

fn waves(old: &PlannedFile, new: &PlannedFile, renamed: &RenamedWaves<'_>, changes: &mut Changes) {
    let names = |file: &PlannedFile| file.waves.iter().map(|wave| wave.name.as_str()).collect::<Vec<_>>().join(", ");
    changes.add("waves", names(old), names(new));
    let budget = |wave: &Wave| wave.budget.map_or_else(|| "no bound".to_owned(), |budget| stated(budget.stated));
    for is in &new.waves {
        if let Some(was) = old.waves.iter().find(|was| was.name == is.name || renamed.has(&was.name, &is.name)) {
            changes.add(format_args!("max_failures of wave {}", is.name), budget(was), budget(is));
        }
    }
}

/// As a plan writes it.
fn stated(failures: MaxFailures) -> String {
    match failures {
        MaxFailures::Count(count) => count.to_string(),
        MaxFailures::Percent(percent) => format!("{percent}%"),
    }
}

fn limits(old: &PlannedFile, new: &PlannedFile, changes: &mut Changes) {
    let (was, is) = (&old.limits, &new.limits);
    changes.add("quota", quota(&was.quota), quota(&is.quota));
    changes.add("quota scope", was.quota.scope.as_str(), is.quota.scope.as_str());
    changes.add("concurrency", was.concurrency, is.concurrency);
    changes.add("region_concurrency", was.region_concurrency, is.region_concurrency);
    let durations = |was: Duration, is: Duration| (write_duration(was), write_duration(is));
    let (before, now) = durations(was.attempt_timeout, is.attempt_timeout);
    changes.add("attempt_timeout", before, now);
    let (was, is) = (&was.retry, &is.retry);
    changes.add("retry max_attempts", was.max_attempts, is.max_attempts);
    let (before, now) = durations(was.initial_delay, is.initial_delay);
    changes.add("retry initial_delay", before, now);
    let (before, now) = durations(was.max_delay, is.max_delay);
    changes.add("retry max_delay", before, now);
}

/// `5 a minute`; other windows with nothing lost.
fn quota(quota: &Quota) -> String {
    match quota.per.as_millis() {
        1_000 | 60_000 if quota.per.subsec_nanos() == 0 => quota.to_string(),
        _ => format!("{} per {}", quota.calls, write_duration(quota.per)),
    }
}

/// Endpoints of the regions that both plans have, in the order of the new one.
fn endpoints(old: &[&Operation], new: &[&Operation], changes: &mut Changes) {
    let before: BTreeMap<&Region, &Endpoint> =
        old.iter().map(|operation| (&operation.target.region, &operation.endpoint)).collect();
    let mut seen = BTreeSet::new();
    for operation in new {
        let region = &operation.target.region;
        if let Some(endpoint) = before.get(region).filter(|_| seen.insert(region)) {
            changes.add(format_args!("endpoint of {region}"), endpoint, &operation.endpoint);
        }
    }
}
