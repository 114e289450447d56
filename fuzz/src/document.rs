//! What `plan --diff OLD` and plans' places take besides plans: a lock, a report, what `plan --format json` printed.

use hss_sync::difference::{Side, difference};
use hss_sync::expand::{EndpointChain, expand};
use hss_sync::review::{Document, Locked, read_listed, read_lock, write_lock};

use crate::plan::{Accepted, accept};

/// A document with more operations is compared no further.
const MANY: usize = 500;

/// # Panics
/// When an invariant breaks.
pub fn check(data: &[u8]) {
    let Some(text) = crate::text(data) else { return };
    match Document::detect(text) {
        Some(Document::Lock) => check_lock(text),
        Some(Document::Report | Document::Listing) => check_listed(text),
        None => {}
    }
}

/// A lock that lists what its sources say is the one that would be written of them.
fn check_lock(text: &str) {
    let Ok(lock) = read_lock(text) else { return };
    let [source] = lock.texts.as_slice() else { return };
    // The text alone is held to what holds for plans; then it is expanded with the variables of the lock.
    let Ok(Accepted { sources, valid, .. }) = accept(&source.path, &source.text) else { return };
    let plans = [valid];
    let Ok((plan, _)) = expand(&plans, &sources, &lock.variables, &EndpointChain::default()) else { return };
    if lock.quota.is_some() || lock.concurrency.is_some() || !lock.resolved.is_empty() || plan.operations.len() > MANY {
        return;
    }
    let found = Locked {
        plan: &plan,
        sources: &sources,
        texts: &lock.texts,
        variables: &lock.variables,
        quota: None,
        concurrency: None,
        resolved: &lock.resolved,
        digest: &plan.digest,
    };
    if lock.verify(&found, false).is_err() {
        return;
    }
    lock.verify(&found, true).expect("as much where endpoints are free");
    let written = write_lock(&found).expect("plain values");
    let again = read_lock(&written).expect("our own");
    again.verify(&found, false).expect("it lists what its sources say");
    // It may have been made by another version, and be indented otherwise; what is sent is the same.
    let (listed, written) = (members(text), members(&written));
    for member in ["digest", "plans", "operations", "sources"] {
        assert_eq!(listed[member], written[member], "{member}");
    }
}

fn members(text: &str) -> serde_json::Value {
    serde_json::from_str(text).expect("JSON")
}

/// What a document lists can be compared, and does not differ from itself.
fn check_listed(text: &str) {
    let Ok(listed) = read_listed(text) else { return };
    assert_eq!(listed.lines.len(), listed.plan.operations.len());
    for operation in &listed.plan.operations {
        let plan = &listed.plan.plans[operation.plan];
        assert!(operation.wave < plan.waves.len());
    }
    let waves = listed.plan.plans.iter().flat_map(|plan| &plan.waves);
    assert_eq!(waves.map(|wave| wave.operations).sum::<usize>(), listed.plan.operations.len());
    if listed.plan.operations.len() > MANY {
        return;
    }
    let side = || Side::listed(&listed.plan, &listed.lines);
    let found = difference(side(), side());
    assert!(found.plans.is_empty(), "it differs from itself: {found:?}");
}
