//! `hss-sync check`: what plans state against what the service says, by reads alone.

use std::collections::BTreeSet;

use super::Context;
use super::load::{Loaded, load, status_of_warnings};
use super::online::{Online, block_on};
use super::service::ServiceError;
use crate::cli::{CheckArgs, FormatArg, InputArgs};
use crate::exit::ExitStatus;
use crate::expand::ExecutionPlan;
use crate::model::CredentialName;
use crate::read::{ReadLimits, Reader};
use crate::report;
use crate::resolve::{
    CheckedCredential, Finding, Standing, Status, Subject, preflight, preflight_listings, preflight_lookups,
};
use crate::run::port::{Clock, Credentials};
use crate::schedule::ScheduleOptions;
use crate::terminal::console::DEFAULT_WIDTH;

/// Shows one line for each fact.
pub(super) fn check(context: &Context, args: &CheckArgs) -> ExitStatus {
    let mut loaded = match load(context, &args.input, &args.select, &args.pace) {
        Ok(loaded) => loaded,
        Err(failure) => return failure.report(context),
    };
    loaded.make_forecast(ScheduleOptions::unbounded());
    context.console.diagnostics(&loaded.warnings, &loaded.sources);
    let status = status_of_warnings(context, &args.input, &loaded.warnings);
    if status != ExitStatus::Success {
        return status;
    }
    match block_on(ask(context, args, &loaded)).and_then(|asked| asked) {
        Ok((findings, calls)) => show(context, args, &loaded, &findings, calls),
        Err(error) => {
            context.console.error(&error.to_string());
            error.status()
        }
    }
}

async fn ask(context: &Context, args: &CheckArgs, loaded: &Loaded) -> Result<(Vec<Finding>, usize), ServiceError> {
    let names = loaded.plan.selected().map(|operation| &operation.target.credential);
    let limits = ReadLimits::of(&loaded.plan);
    let online = Online::connect(context, &args.service, names, (limits.concurrency, limits.attempt_timeout)).await?;
    let notice = |text: &str| context.console.info(text);
    let asker = online.asker(limits, &notice);
    let findings = compare(&Reader::new(&asker, online.iam()), &loaded.plan, online.checked.clone()).await;
    Ok((findings, asker.calls()))
}

/// Asks whatever the plan states, and compares. `credentials` are all that the plan names, as they were found.
async fn compare<K: Credentials, C: Clock>(
    reader: &Reader<'_, K, C>,
    plan: &ExecutionPlan,
    mut credentials: Vec<CheckedCredential>,
) -> Vec<Finding> {
    let missing = |one: &&CheckedCredential| matches!(one.standing, Standing::Missing(_));
    let missing: BTreeSet<CredentialName> = credentials.iter().filter(missing).map(|one| one.name.clone()).collect();
    let mut lookups = preflight_lookups(plan);
    lookups.retain(|lookup| !missing.contains(&lookup.credential));
    reader.look_up(&lookups).await;
    let mut wanted = preflight_listings(plan, &reader.asked().inventory);
    wanted.retain(|(listing, _)| !missing.contains(&listing.credential));
    let listings: Vec<_> = wanted.iter().map(|(listing, _)| listing.clone()).collect();
    futures::future::join(reader.list(&wanted), reader.list_tasks(&listings)).await;
    for one in &mut credentials {
        if one.standing == Standing::Unproven {
            one.standing = reader.standing(&one.name);
        }
    }
    preflight(plan, &reader.asked(), &credentials)
}

/// `run --check`: shows on standard error what [`check`] shows. `credentials` are those that there are.
///
/// # Errors
/// The status to end with when something is wrong.
pub(super) async fn check_first<K: Credentials, C: Clock>(
    context: &Context,
    input: &InputArgs,
    reader: &Reader<'_, K, C>,
    loaded: &Loaded,
    credentials: Vec<CheckedCredential>,
) -> Result<(), ExitStatus> {
    let findings = compare(reader, &loaded.plan, credentials).await;
    let least = if context.console.is_quiet() { Status::Warn } else { Status::Ok };
    let lines = report::check_lines(&findings, &loaded.sources, reader.calls(), least, DEFAULT_WIDTH);
    context.console.message(&lines);
    match status_of(&findings, input) {
        ExitStatus::Success => Ok(()),
        status => Err(status),
    }
}

/// 5 for a credential that is missing or refused, 1 for anything else that is wrong; warnings count with `--deny-warnings`.
fn status_of(findings: &[Finding], input: &InputArgs) -> ExitStatus {
    let status = |finding: &Finding| match (finding.status, &finding.subject) {
        (Status::Fail, Subject::Credential(_)) => ExitStatus::Credentials,
        (Status::Fail, Subject::Clock | Subject::Place { .. }) => ExitStatus::Failed,
        (Status::Warn, _) if input.deny_warnings => ExitStatus::Failed,
        (Status::Ok | Status::Skip | Status::Warn, _) => ExitStatus::Success,
    };
    findings.iter().map(status).max().unwrap_or(ExitStatus::Success)
}

fn show(context: &Context, args: &CheckArgs, loaded: &Loaded, findings: &[Finding], calls: usize) -> ExitStatus {
    let status = status_of(findings, &args.input);
    let written = match args.format {
        FormatArg::Human => {
            let width = context.console.width().unwrap_or(usize::MAX);
            let least = if context.console.is_quiet() { Status::Warn } else { Status::Ok };
            context.console.result(&report::check_lines(findings, &loaded.sources, calls, least, width))
        }
        FormatArg::Json => {
            context.console.result_with(|out| report::write_check(out, findings, &loaded.sources, calls))
        }
    };
    context.printed(written, status)
}
