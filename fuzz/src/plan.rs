//! The text of a plan, on the road that `validate`, `plan --out` and a lock take.
//!
//! Whatever the text is, it is refused with places in it, or it expands to requests that hold no template, always to the same
//! ones, also out of the lock that is made of it and out of the plan of what a run of it leaves.

use std::time::Duration;

use hss_sync::diagnostic::Diagnostic;
use hss_sync::expand::{EndpointChain, ExecutionPlan, Overrides, expand};
use hss_sync::forecast::forecast;
use hss_sync::journal::RecordedSource;
use hss_sync::model::RunId;
use hss_sync::plan::{ValidatedPlan, check_structure, decode, validate};
use hss_sync::remaining::{Left, remaining};
use hss_sync::report::{plan_tables, write_plan};
use hss_sync::review::{Document, Locked, read_lock, write_lock};
use hss_sync::source::{Source, Sources};
use hss_sync::yaml;

use crate::shown;

/// How the text is called.
const PATH: &str = "plans/plan.yaml";
/// What is checked with further rounds has no more operations, so that an input takes no seconds.
const MANY: usize = 500;

/// A plan that was accepted.
pub struct Accepted {
    /// Its text.
    pub sources: Sources,
    /// Its proof.
    pub valid: ValidatedPlan,
    /// What it comes to.
    pub plan: ExecutionPlan,
}

/// # Panics
/// When an invariant breaks.
pub fn check(data: &[u8]) {
    let Some(text) = crate::text(data) else { return };
    let Ok(accepted) = accept(PATH, text) else { return };
    let Accepted { sources, plan, .. } = &accepted;
    check_operations(plan);
    assert_eq!(plan.operations.len(), plan.plans[0].waves.iter().map(|wave| wave.operations).sum::<usize>());
    let Ok(again) = accept(PATH, text) else { panic!("accepted, and then refused") };
    assert_same(plan, &again.plan);
    if plan.operations.len() > MANY {
        return;
    }
    let forecast = forecast(plan, Duration::from_millis(100));
    shown::no_controls(&plan_tables(plan, &forecast, 80, usize::MAX));
    let mut json = Vec::new();
    write_plan(&mut json, plan, sources, &forecast).expect("memory takes it");
    let listing = std::str::from_utf8(&json).expect("UTF-8");
    assert_eq!(Document::detect(listing), Some(Document::Listing));
    crate::document::check(&json);
    check_lock(text, plan, sources);
    check_remaining(&accepted, data);
}

/// The text as far as it goes; whatever is found on the way is held to what is promised of diagnostics.
///
/// # Errors
/// Nothing more than that it is no plan.
///
/// # Panics
/// When an invariant breaks.
pub fn accept(path: &str, text: &str) -> Result<Accepted, Vec<Diagnostic>> {
    let mut sources = Sources::default();
    let id = sources.add(Source::new(path, text.to_owned()));
    let refused = |found: Vec<Diagnostic>, sources: &Sources| {
        shown::check(&found, sources);
        assert!(found.iter().any(Diagnostic::is_error), "refused without an error: {found:?}");
        found
    };
    let tree = yaml::parse(id, sources.get(id)).map_err(|found| refused(found, &sources))?;
    let problems = check_structure(id, &tree);
    if !problems.is_empty() {
        return Err(refused(problems, &sources));
    }
    let file = decode(id, &tree).map_err(|found| refused(found, &sources))?;
    let (valid, warnings) = validate(file, &[]).map_err(|found| refused(found, &sources))?;
    shown::check(&warnings, &sources);
    assert!(!warnings.iter().any(Diagnostic::is_error), "accepted with an error: {warnings:?}");
    let plans = [valid];
    let expanded = expand(&plans, &sources, &Overrides::new(), &EndpointChain::default());
    let (plan, warnings) = expanded.map_err(|found| refused(found, &sources))?;
    shown::check(&warnings, &sources);
    assert!(!warnings.iter().any(Diagnostic::is_error), "accepted with an error: {warnings:?}");
    let [valid] = plans;
    Ok(Accepted { sources, valid, plan })
}

fn check_operations(plan: &ExecutionPlan) {
    assert!(plan.operations.len() <= plan.plans[0].max_operations, "more than its own bound");
    let mut ids = std::collections::HashSet::new();
    for operation in &plan.operations {
        assert!(ids.insert(operation.id.as_str()), "{} twice", operation.id);
        let Some(request) = operation.request() else { continue };
        let body = String::from_utf8(request.body.clone()).expect("UTF-8");
        serde_json::from_str::<serde_json::Value>(&body).expect("JSON");
        for text in [&body, &request.path] {
            assert!(!text.contains("{{") && !text.contains("{%"), "a template is left: {text}");
        }
    }
}

/// Holds two expansions to sending the same.
fn assert_same(one: &ExecutionPlan, other: &ExecutionPlan) {
    assert_eq!(one.digest, other.digest);
    assert_eq!(one.operations.len(), other.operations.len());
    for (one, other) in one.operations.iter().zip(&other.operations) {
        assert_eq!((&one.id, one.wave, one.request()), (&other.id, other.wave, other.request()));
    }
}

/// A lock of it says the same, is read back and holds.
fn check_lock(text: &str, plan: &ExecutionPlan, sources: &Sources) {
    let texts = [RecordedSource { path: PATH.to_owned(), text: text.to_owned() }];
    let (variables, resolved) = (Overrides::new(), Vec::new());
    let locked = Locked {
        plan,
        sources,
        texts: &texts,
        variables: &variables,
        quota: None,
        concurrency: None,
        resolved: &resolved,
        digest: &plan.digest,
    };
    let written = write_lock(&locked).expect("plain values");
    assert_eq!(Document::detect(&written), Some(Document::Lock));
    let lock = read_lock(&written).expect("our own");
    assert_eq!((lock.texts.as_slice(), &lock.digest, &lock.variables), (texts.as_slice(), &plan.digest, &variables));
    lock.verify(&locked, false).expect("it lists what its sources say");
    assert_eq!(write_lock(&locked).expect("plain values"), written, "the same plan gives the same bytes");
}

/// The plan of what a run leaves is a plan, and expands to what was left: some of it, as the text's length decides, and all.
fn check_remaining(accepted: &Accepted, data: &[u8]) {
    let Accepted { valid, plan, .. } = accepted;
    let run = RunId::parse("20261124-080000-7f3a").expect("a run id");
    let plans = std::slice::from_ref(valid);
    for keep in [1, 2 + data.len() % 3] {
        let left: Vec<_> =
            (0..plan.operations.len()).filter(|op| op % keep == 0).map(|op| (op, Left::Failed)).collect();
        let files = remaining(plans, &Overrides::new(), plan, &left, &run);
        assert_eq!(files.len(), usize::from(!left.is_empty()));
        for file in files {
            let text = file.text.expect("what is left can be written");
            let again = accept(PATH, &text).map_err(|found| format!("{found:#?}\n{text}")).expect("a plan");
            let wanted = |op: &usize| (plan.operations[*op].request(), plan.operations[*op].target.project_id.clone());
            let mut wanted: Vec<String> = left.iter().map(|(op, _)| format!("{:?}", wanted(op))).collect();
            let mut found: Vec<String> = again
                .plan
                .operations
                .iter()
                .map(|operation| format!("{:?}", (operation.request(), operation.target.project_id.clone())))
                .collect();
            wanted.sort();
            found.sort();
            assert_eq!(found, wanted, "another batch than what was left\n{text}");
        }
    }
}
