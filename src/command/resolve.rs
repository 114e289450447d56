//! `project_ids: lookup` and `select` sets: asks what a plan leaves open and puts the answers in.

use super::Context;
use super::load::{LoadFailure, Loaded};
use super::online::{Online, block_on};
use super::service::ServiceError;
use crate::cli::ServiceArgs;
use crate::diagnostic::{Diagnostic, visible};
use crate::event::FailureKind;
use crate::exit::ExitStatus;
use crate::expand::ExecutionPlan;
use crate::model::{Listing, Operation};
use crate::read::{ReadLimits, Reader};
use crate::resolve::{Extent, Lookup, Question, listings, lookups, resolve_projects, resolve_registries};
use crate::run::port::{Clock, Credentials};

/// Questions without an answer that are told; one cause usually stands behind many.
const MOST_TOLD: usize = 10;

/// `plan --online`: resolves with credentials from the environment.
pub(super) fn resolve_for_plan(context: &Context, service: &ServiceArgs, loaded: Loaded) -> Result<Loaded, ExitStatus> {
    block_on(resolve_with_own(context, service, loaded)).map_err(|error| refused(context, &error))?
}

async fn resolve_with_own(context: &Context, service: &ServiceArgs, loaded: Loaded) -> Result<Loaded, ExitStatus> {
    let open: Vec<&Operation> = loaded.plan.operations.iter().filter(|operation| operation.needs_network()).collect();
    let names = open.iter().map(|operation| &operation.target.credential);
    let limits = ReadLimits::of(&loaded.plan);
    let online = Online::connect(context, service, names, (limits.concurrency, limits.attempt_timeout))
        .await
        .and_then(Online::complete)
        .map_err(|error| refused(context, &error))?;
    let notice = |text: &str| context.console.info(text);
    let asker = online.asker(limits, &notice);
    resolve_online(context, &Reader::new(&asker, online.iam()), loaded).await
}

fn refused(context: &Context, error: &ServiceError) -> ExitStatus {
    context.console.error(&error.to_string());
    error.status()
}

/// Resolves every operation; a plan that leaves nothing open costs no call. New warnings are shown, and are among those of the
/// result.
///
/// # Errors
/// The status to end with, after the reason was told: a read failed, or the answers make the plan invalid.
pub(super) async fn resolve_online<K: Credentials, C: Clock>(
    context: &Context,
    reader: &Reader<'_, K, C>,
    mut loaded: Loaded,
) -> Result<Loaded, ExitStatus> {
    if !loaded.plan.operations.iter().any(Operation::needs_network) {
        return Ok(loaded);
    }
    loaded.unresolved = Some(loaded.plan.clone());
    reader.look_up(&lookups(&loaded.plan)).await;
    tell_failures(context, reader, &loaded)?;
    let projects = resolve_projects(&mut loaded.plan, &reader.asked().inventory);
    if let Err(diagnostics) = projects {
        return Err(invalid(context, loaded, diagnostics));
    }
    let lists: Vec<_> = listings(&loaded.plan).into_iter().map(|listing| (listing, Extent::All)).collect();
    reader.list(&lists).await;
    tell_failures(context, reader, &loaded)?;
    let registries = resolve_registries(&mut loaded.plan, &reader.asked().inventory);
    match registries {
        Ok(warnings) => {
            context.console.diagnostics(&warnings, &loaded.sources);
            loaded.warnings.extend(warnings);
        }
        Err(diagnostics) => return Err(invalid(context, loaded, diagnostics)),
    }
    let calls = reader.calls();
    context
        .console
        .info(&format!("`lookup` and `select` resolved by {calls} read{}", if calls == 1 { "" } else { "s" }));
    Ok(loaded)
}

fn invalid(context: &Context, loaded: Loaded, diagnostics: Vec<Diagnostic>) -> ExitStatus {
    let Loaded { plan, sources, .. } = loaded;
    LoadFailure::Invalid { sources, diagnostics, plans: plan.plans.len() }.report(context)
}

/// Tells questions of the plan that got no answer, each with the first place that needs it.
fn tell_failures<K: Credentials, C: Clock>(
    context: &Context,
    reader: &Reader<'_, K, C>,
    loaded: &Loaded,
) -> Result<(), ExitStatus> {
    let asked = reader.asked();
    let mut status = ExitStatus::Success;
    let mut told = Vec::new();
    for (operation, question) in questions(&loaded.plan) {
        let Some(failure) = asked.failures.get(&question) else { continue };
        let refused = failure.kind == FailureKind::Credential;
        status = status.max(if refused { ExitStatus::Credentials } else { ExitStatus::Failed });
        let what = match &question {
            Question::Projects(_) => "the project can't be looked up",
            Question::Registries(_) | Question::Tasks(_) => "the registries can't be listed",
        };
        let (path, position) = loaded.sources.place(operation.location);
        let (project, region) = (&operation.target.project, &operation.target.region);
        let message = format!(
            "{project} / {region}: {what} ({}:{}): {}",
            visible(path),
            position.line(),
            visible(&failure.reason())
        );
        if told.iter().all(|(known, _)| *known != question) {
            told.push((question, message));
        }
    }
    for (_, message) in told.iter().take(MOST_TOLD) {
        context.console.error(message);
    }
    if told.len() > MOST_TOLD {
        context.console.error(&format!("and {} more such places", told.len() - MOST_TOLD));
    }
    if status == ExitStatus::Success { Ok(()) } else { Err(status) }
}

/// What the operations of a plan still need, in plan order.
fn questions(plan: &ExecutionPlan) -> impl Iterator<Item = (&Operation, Question)> {
    plan.operations.iter().filter(|operation| operation.needs_network()).map(|operation| {
        let question = match Listing::of(operation) {
            Some(listing) => Question::Registries(listing),
            None => Question::Projects(Lookup::of(operation)),
        };
        (operation, question)
    })
}
