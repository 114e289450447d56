//! The road that `validate`, `plan` and `run` share: paths to an execution plan with its forecast.
//!
//! A file goes as far as it can by itself (YAML, structure, references); all files are expanded together once each of them
//! got that far. Every problem of a stage is found before the next one begins.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Context;
use super::variables::overrides;
use crate::cli::{InputArgs, PaceArgs};
use crate::diagnostic::{Code, Diagnostic, Severity, visible};
use crate::exit::ExitStatus;
use crate::expand::{EndpointChain, ExecutionPlan, Overrides, expand, undeclared_overrides};
use crate::forecast::{Forecast, forecast};
use crate::io::credential::{Environment, endpoint_override};
use crate::io::fs;
use crate::model::{Endpoint, Quota, Region, format_estimate};
use crate::plan::{ValidatedPlan, check_structure, decode, validate};
use crate::source::{SourceId, Sources};
use crate::yaml;

/// The answer time that forecasts assume. Not known of the service; small beside any quota wait.
const ASSUMED_LATENCY: Duration = Duration::from_millis(500);

/// Prefix of the variables by which the official SDKs set an endpoint of HSS for one region.
const ENDPOINT_PREFIX: &str = "HUAWEICLOUD_SDK_REGION_HSS_";

/// Plans that are right, and all that follows from them.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) plan: ExecutionPlan,
    pub(super) sources: Sources,
    pub(super) warnings: Vec<Diagnostic>,
    pub(super) forecast: Forecast,
}

/// Why there is no plan.
#[derive(Debug)]
pub(super) enum LoadFailure {
    /// The call is wrong: a flag, a file that isn't there.
    Usage(Vec<String>),
    /// Plans are invalid.
    Invalid { sources: Sources, diagnostics: Vec<Diagnostic>, plans: usize },
}

impl LoadFailure {
    fn usage(message: impl Into<String>) -> Self {
        Self::Usage(vec![message.into()])
    }

    /// Tells it on standard error.
    pub(super) fn report(&self, context: &Context) -> ExitStatus {
        match self {
            Self::Usage(messages) => {
                for message in messages {
                    context.console.error(message);
                }
                ExitStatus::Usage
            }
            Self::Invalid { sources, diagnostics, plans } => {
                context.console.diagnostics(diagnostics, sources);
                context.console.message(&verdict(diagnostics, sources, *plans));
                ExitStatus::InvalidPlan
            }
        }
    }

    /// Tells it on standard output, where it is the result of `validate`.
    pub(super) fn report_as_result(&self, context: &Context) -> ExitStatus {
        let Self::Invalid { sources, diagnostics, plans } = self else {
            return self.report(context);
        };
        let written = context
            .console
            .diagnostics_as_result(diagnostics, sources)
            .and_then(|()| context.console.result(&verdict(diagnostics, sources, *plans)));
        context.printed(written, ExitStatus::InvalidPlan)
    }
}

/// `1 error, 2 warnings`
pub(super) fn tally(diagnostics: &[Diagnostic]) -> String {
    let count = |severity| diagnostics.iter().filter(|diagnostic| diagnostic.severity() == severity).count();
    let words = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    match (count(Severity::Error), count(Severity::Warning)) {
        (0, warnings) => words(warnings, "warning"),
        (errors, 0) => words(errors, "error"),
        (errors, warnings) => format!("{}, {}", words(errors, "error"), words(warnings, "warning")),
    }
}

/// The last line about invalid plans.
fn verdict(diagnostics: &[Diagnostic], sources: &Sources, plans: usize) -> String {
    let subject = match (plans, diagnostics.first()) {
        (1, Some(first)) => visible(first.path(sources)).into_owned(),
        (plans, _) => format!("{plans} plans"),
    };
    let code = diagnostics.iter().find(|diagnostic| diagnostic.is_error()).map_or("", |first| first.code.as_str());
    format!("{subject}: {}. `hss-sync explain {code}` says more.\n", tally(diagnostics))
}

/// The status after warnings were shown: they count with `--deny-warnings` only.
pub(super) fn status_of_warnings(context: &Context, input: &InputArgs, warnings: &[Diagnostic]) -> ExitStatus {
    if input.deny_warnings && !warnings.is_empty() {
        context.console.error(&format!("{}, and --deny-warnings makes that an error", tally(warnings)));
        return ExitStatus::InvalidPlan;
    }
    ExitStatus::Success
}

/// Reads, checks and expands the plans.
pub(super) fn load(context: &Context, input: &InputArgs, pace: &PaceArgs) -> Result<Loaded, LoadFailure> {
    let quota = operator_quota(pace)?;
    let overrides = overrides(input, &context.environment).map_err(LoadFailure::usage)?;
    let chain = endpoint_chain(input.endpoint.as_deref(), &context.environment)?;

    let mut sources = Sources::default();
    let (files, mut diagnostics) = match fs::read_plan_files(&input.plans, std::io::stdin().lock(), &mut sources) {
        Ok(files) => (files, Vec::new()),
        Err(fs::ReadError::Usage(messages)) => return Err(LoadFailure::Usage(messages)),
        // The others are still checked, so that everything that is wrong is told at once.
        Err(fs::ReadError::Content(diagnostics)) => {
            let unreadable = |id: &SourceId| {
                diagnostics.iter().any(|each| each.start().is_some_and(|location| location.source == *id))
            };
            (sources.ids().filter(|id| !unreadable(id)).collect(), diagnostics)
        }
    };
    let plans = files.len() + diagnostics.len();
    let mut valid = Vec::new();
    for id in files {
        match validated(id, &sources, &input.allow_endpoint) {
            Ok((plan, warnings)) => {
                valid.push(plan);
                diagnostics.extend(warnings);
            }
            Err(found) => diagnostics.extend(found),
        }
    }
    if diagnostics.iter().any(Diagnostic::is_error) {
        // In the order of the files, also what was found while reading them.
        diagnostics.sort_by_key(|diagnostic| diagnostic.start().map(|location| location.source));
        return Err(LoadFailure::Invalid { sources, diagnostics, plans });
    }
    refuse_undeclared(&valid, &overrides)?;
    let (mut plan, warnings) = match expand(&valid, &sources, &overrides, &chain) {
        Ok(expanded) => expanded,
        Err(found) => {
            diagnostics.extend(found);
            return Err(LoadFailure::Invalid { sources, diagnostics, plans });
        }
    };
    drop(valid);
    diagnostics.extend(warnings);
    apply_pace(&mut plan, quota, pace);
    let forecast = forecast(&plan, ASSUMED_LATENCY);
    diagnostics.extend(deadlines(&plan, &forecast));
    Ok(Loaded { plan, sources, warnings: diagnostics, forecast })
}

/// `--quota`.
pub(super) fn operator_quota(pace: &PaceArgs) -> Result<Option<Quota>, LoadFailure> {
    let Some(text) = pace.quota.as_deref() else { return Ok(None) };
    Quota::parse(text).map(Some).map_err(|error| LoadFailure::usage(format!("--quota {text}: {error}")))
}

/// One file up to its proof.
fn validated(
    id: SourceId,
    sources: &Sources,
    allowed_hosts: &[String],
) -> Result<(ValidatedPlan, Vec<Diagnostic>), Vec<Diagnostic>> {
    let tree = yaml::parse(id, sources.get(id))?;
    let problems = check_structure(id, &tree);
    if !problems.is_empty() {
        return Err(problems);
    }
    validate(decode(id, &tree)?, allowed_hosts)
}

/// Where HSS is by the operator's word: `--endpoint`, then the environment.
pub(super) fn endpoint_chain(endpoint: Option<&str>, environment: &Environment) -> Result<EndpointChain, LoadFailure> {
    Ok(EndpointChain { all: operator_endpoint(endpoint)?, by_region: endpoints_by_region(environment)? })
}

fn operator_endpoint(endpoint: Option<&str>) -> Result<Option<Endpoint>, LoadFailure> {
    let Some(text) = endpoint else {
        return Ok(None);
    };
    let endpoint = Endpoint::parse(text).map_err(|error| LoadFailure::usage(format!("--endpoint {text}: {error}")))?;
    Ok(Some(endpoint))
}

/// `HUAWEICLOUD_SDK_REGION_HSS_<REGION>`: the region's dashes are underscores there, so that every name leads back to one.
fn endpoints_by_region(environment: &Environment) -> Result<BTreeMap<Region, Endpoint>, LoadFailure> {
    let mut endpoints = BTreeMap::new();
    for name in environment.keys() {
        let Some(suffix) = name.strip_prefix(ENDPOINT_PREFIX) else {
            continue;
        };
        let Ok(region) = Region::parse(&suffix.to_ascii_lowercase().replace('_', "-")) else {
            continue;
        };
        if let Some(endpoint) = endpoint_override(&region, environment).map_err(LoadFailure::usage)? {
            endpoints.insert(region, endpoint);
        }
    }
    Ok(endpoints)
}

/// An override that no plan declares changes nothing, which is never what was meant.
fn refuse_undeclared(plans: &[ValidatedPlan], overrides: &Overrides) -> Result<(), LoadFailure> {
    let undeclared = undeclared_overrides(plans, overrides);
    if undeclared.is_empty() {
        return Ok(());
    }
    let message = |(name, meant): &(String, Option<String>)| {
        let meant = meant.as_ref().map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
        format!("no plan declares the variable `{}` in `vars`, so setting it has no effect{meant}", visible(name))
    };
    Err(LoadFailure::Usage(undeclared.iter().map(message).collect()))
}

fn apply_pace(plan: &mut ExecutionPlan, quota: Option<Quota>, pace: &PaceArgs) {
    for file in &mut plan.plans {
        if let Some(quota) = quota {
            file.limits.quota = Quota { scope: file.limits.quota.scope, ..quota };
        }
        if let Some(concurrency) = pace.concurrency.and_then(std::num::NonZeroU32::new) {
            file.limits.concurrency = concurrency;
        }
    }
}

/// Plans that are forecast to end after their deadline, each by its own end, whatever else runs beside it.
fn deadlines(plan: &ExecutionPlan, forecast: &Forecast) -> Vec<Diagnostic> {
    plan.plans
        .iter()
        .zip(&forecast.plan_ends)
        .filter_map(|(file, end)| file.deadline.filter(|(deadline, _)| end > deadline).map(|deadline| (deadline, *end)))
        .map(|((deadline, location), end)| {
            let needed = format_estimate(end);
            Diagnostic::at(
                Code::DeadlineExceeded,
                location.source,
                location.span,
                format!("the forecast is {needed}, longer than the deadline of {}", format_estimate(deadline)),
            )
            .label(format!("at least {needed} are needed"))
            .help("a run stops cleanly at its deadline with operations left over: raise it, or split the plan")
        })
        .collect()
}
