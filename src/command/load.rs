//! The road that `validate`, `plan` and `run` share: paths to an execution plan with its forecast.
//!
//! A file goes as far as it can by itself (YAML, structure, references); all files are expanded together once each of them
//! got that far. Every problem of a stage is found before the next one begins.

use std::collections::BTreeMap;
use std::io::Read;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use super::Context;
use super::select::{recorded_selection, selection};
use super::variables::overrides;
use crate::cli::{InputArgs, PaceArgs, SelectArgs};
use crate::diagnostic::{Code, Diagnostic, Severity, visible};
use crate::exit::ExitStatus;
use crate::expand::{EndpointChain, ExecutionPlan, Overrides, expand, undeclared_overrides};
use crate::forecast::{Forecast, forecast};
use crate::io::credential::Environment;
use crate::io::endpoint::{endpoint_override, read_regions_file};
use crate::io::fs;
use crate::journal::{Invocation, RecordedSource};
use crate::model::{Endpoint, Quota, Region, format_estimate};
use crate::plan::{ValidatedPlan, check_structure, decode, validate};
use crate::selection::Selection;
use crate::source::{Source, SourceId, Sources};
use crate::yaml;

/// The answer time that forecasts assume. Not known of the service; small beside any quota wait.
pub(super) const ASSUMED_LATENCY: Duration = Duration::from_millis(100);

/// Prefix of the variables by which the official SDKs set an endpoint of HSS for one region.
const ENDPOINT_PREFIX: &str = "HUAWEICLOUD_SDK_REGION_HSS_";

/// Plans that are right, and all that follows from them.
#[derive(Debug)]
pub(super) struct Loaded {
    /// What is sent: `lookup` and `select` are resolved in it, once they are.
    pub(super) plan: ExecutionPlan,
    /// The plan before that, if anything of it was resolved.
    pub(super) unresolved: Option<ExecutionPlan>,
    pub(super) sources: Sources,
    pub(super) warnings: Vec<Diagnostic>,
    pub(super) forecast: Forecast,
    /// The plans before expansion: what is left of one is written in its own words.
    pub(super) files: Vec<ValidatedPlan>,
    pub(super) reading: Reading,
    /// What is worth telling about the selection.
    notes: Vec<String>,
}

impl Loaded {
    /// The plan as its files say it, with `lookup` and `select`.
    pub(super) fn written(&self) -> &ExecutionPlan {
        self.unresolved.as_ref().unwrap_or(&self.plan)
    }
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
pub(super) fn load(
    context: &Context,
    input: &InputArgs,
    select: &SelectArgs,
    pace: &PaceArgs,
) -> Result<Loaded, LoadFailure> {
    let reading = Reading::from_args(context, input, select, pace)?;
    let loaded = Texts::read(&input.plans, std::io::stdin().lock())?.understand(reading)?;
    for note in &loaded.notes {
        context.console.info(note);
    }
    Ok(loaded)
}

/// What decides how plans are read, besides their text.
#[derive(Clone, Debug, Default)]
pub(super) struct Reading {
    pub(super) overrides: Overrides,
    pub(super) endpoints: EndpointChain,
    pub(super) allow_endpoint: Vec<String>,
    pub(super) quota: Option<Quota>,
    pub(super) concurrency: Option<NonZeroU32>,
    pub(super) selection: Selection,
}

impl Reading {
    fn from_args(
        context: &Context,
        input: &InputArgs,
        select: &SelectArgs,
        pace: &PaceArgs,
    ) -> Result<Self, LoadFailure> {
        let selection = selection(select, &context.environment).map_err(LoadFailure::Usage)?;
        let quota = operator_quota(pace.quota.as_deref())?;
        let overrides = overrides(input, &context.environment).map_err(LoadFailure::usage)?;
        let endpoints = endpoint_chain(input.endpoint.as_deref(), &context.environment)?;
        let concurrency = pace.concurrency.and_then(NonZeroU32::new);
        Ok(Self { overrides, endpoints, allow_endpoint: input.allow_endpoint.clone(), quota, concurrency, selection })
    }

    /// As a run was called, with another pace where one is given.
    pub(super) fn recorded(invocation: &Invocation, pace: &PaceArgs) -> Result<Self, LoadFailure> {
        let endpoint = |(region, url): (&String, &String)| {
            let region = Region::parse(region).map_err(|error| LoadFailure::usage(error.to_string()))?;
            Ok((region, operator_endpoint(url)?))
        };
        let by_region = invocation.endpoints.iter().map(endpoint).collect::<Result<_, LoadFailure>>()?;
        let from_file = invocation.file_endpoints.iter().map(endpoint).collect::<Result<_, LoadFailure>>()?;
        let all = invocation.endpoint.as_deref().map(operator_endpoint).transpose()?;
        Ok(Self {
            overrides: invocation.variables.clone(),
            endpoints: EndpointChain { all, by_region, from_file },
            allow_endpoint: invocation.allow_endpoint.clone(),
            quota: operator_quota(pace.quota.as_deref().or(invocation.quota.as_deref()))?,
            concurrency: pace.concurrency.or(invocation.concurrency).and_then(NonZeroU32::new),
            selection: recorded_selection(&invocation.select, invocation.shard.as_deref())
                .map_err(LoadFailure::Usage)?,
        })
    }
}

/// `--quota`.
pub(super) fn operator_quota(text: Option<&str>) -> Result<Option<Quota>, LoadFailure> {
    let parse = |text: &str| Quota::parse(text).map_err(|error| LoadFailure::usage(format!("--quota {text}: {error}")));
    text.map(parse).transpose()
}

/// Texts of plans that were read, and what could not be.
#[derive(Debug, Default)]
pub(super) struct Texts {
    sources: Sources,
    ids: Vec<SourceId>,
    unreadable: Vec<Diagnostic>,
}

impl Texts {
    /// Reads files and directories, and for `-` what comes from `stdin`.
    pub(super) fn read(paths: &[PathBuf], stdin: impl Read) -> Result<Self, LoadFailure> {
        let mut sources = Sources::default();
        match fs::read_plan_files(paths, stdin, &mut sources) {
            Ok(ids) => Ok(Self { sources, ids, unreadable: Vec::new() }),
            Err(fs::ReadError::Usage(messages)) => Err(LoadFailure::Usage(messages)),
            // The others are still checked, so that everything that is wrong is told at once.
            Err(fs::ReadError::Content(unreadable)) => {
                let bad = |id: &SourceId| {
                    unreadable.iter().any(|each| each.start().is_some_and(|location| location.source == *id))
                };
                let ids = sources.ids().filter(|id| !bad(id)).collect();
                Ok(Self { sources, ids, unreadable })
            }
        }
    }

    /// The texts that a journal holds.
    pub(super) fn recorded(texts: &[RecordedSource]) -> Self {
        let mut sources = Sources::default();
        let ids = texts.iter().map(|each| sources.add(Source::new(&each.path, each.text.clone()))).collect();
        Self { sources, ids, unreadable: Vec::new() }
    }

    /// Checks and expands them together.
    pub(super) fn understand(self, reading: Reading) -> Result<Loaded, LoadFailure> {
        let Self { sources, ids, unreadable: mut diagnostics } = self;
        let plans = ids.len() + diagnostics.len();
        let mut files = Vec::new();
        for id in ids {
            match validated(id, &sources, &reading.allow_endpoint) {
                Ok((plan, warnings)) => {
                    files.push(plan);
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
        refuse_undeclared(&files, &reading.overrides)?;
        let (mut plan, warnings) = match expand(&files, &sources, &reading.overrides, &reading.endpoints) {
            Ok(expanded) => expanded,
            Err(found) => {
                diagnostics.extend(found);
                return Err(LoadFailure::Invalid { sources, diagnostics, plans });
            }
        };
        diagnostics.extend(warnings);
        apply_pace(&mut plan, &reading);
        let notes =
            reading.selection.apply(&mut plan).map_err(|nothing| LoadFailure::Usage(nothing.into_messages()))?;
        let forecast = forecast(&plan, ASSUMED_LATENCY);
        diagnostics.extend(deadlines(&plan, &forecast));
        Ok(Loaded { plan, unresolved: None, sources, warnings: diagnostics, forecast, files, reading, notes })
    }
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
    let all = endpoint.map(operator_endpoint).transpose()?;
    let by_region = endpoints_by_region(environment)?;
    let from_file = read_regions_file(environment).map_err(LoadFailure::usage)?;
    Ok(EndpointChain { all, by_region, from_file })
}

fn operator_endpoint(text: &str) -> Result<Endpoint, LoadFailure> {
    // What stands before an `@` may be a password, and what is wrong is told all the same.
    let shown = text.rsplit_once('@').map_or_else(|| text.to_owned(), |(_, host)| format!("…@{host}"));
    Endpoint::parse(text).map_err(|error| LoadFailure::usage(format!("--endpoint {shown}: {error}")))
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

fn apply_pace(plan: &mut ExecutionPlan, reading: &Reading) {
    for file in &mut plan.plans {
        if let Some(quota) = reading.quota {
            file.limits.quota = Quota { scope: file.limits.quota.scope, ..quota };
        }
        if let Some(concurrency) = reading.concurrency {
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
