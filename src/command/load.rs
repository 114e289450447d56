//! The road that `validate`, `plan` and `run` share: paths to an execution plan, and then its forecast.
//!
//! A file goes as far as it can by itself (YAML, structure, references); all files are expanded together once each of them
//! got that far. Every problem of a stage is found before the next one begins.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use super::Context;
use super::lock;
use super::pace::Pace;
use super::select::{recorded_selection, selection};
use super::variables::overrides;
use crate::cli::{InputArgs, PaceArgs, SelectArgs};
use crate::diagnostic::{Code, Diagnostic, Severity, visible};
use crate::exit::ExitStatus;
use crate::expand::{EndpointChain, ExecutionPlan, Overrides, expand, undeclared_overrides};
use crate::forecast::{Forecast, forecast_rest};
use crate::io::credential::Environment;
use crate::io::endpoint::{endpoint_override, read_regions_file};
use crate::io::fs;
use crate::journal::{Invocation, RecordedResolution, RecordedSource};
use crate::model::{Endpoint, Operation, PlanDigest, Region, format_estimate};
use crate::plan::{ValidatedPlan, check_structure, decode, prepare_schema, validate};
use crate::resolve::{frozen_digest, record};
use crate::review::Document;
use crate::schedule::{History, ScheduleOptions};
use crate::selection::{NothingSelected, Selection};
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
    /// The digest of the lock that it was read from, which is approved whole, with all that is resolved in it.
    pub(super) locked: Option<PlanDigest>,
    /// What is worth telling about the selection.
    notes: Vec<String>,
}

impl Loaded {
    /// The plan as its files say it, with `lookup` and `select`.
    pub(super) fn written(&self) -> &ExecutionPlan {
        self.unresolved.as_ref().unwrap_or(&self.plan)
    }

    /// What `lookup` and `select` were resolved to, as far as they are.
    pub(super) fn resolved(&self) -> Vec<RecordedResolution> {
        self.unresolved.as_ref().map(|written| record(written, &self.plan)).unwrap_or_default()
    }

    /// The digest of the plans with what was resolved; the plans' own if nothing was.
    pub(super) fn digest(&self) -> PlanDigest {
        self.locked.clone().unwrap_or_else(|| frozen_digest(&self.plan.digest, &self.resolved()))
    }

    /// Whether it was read from a lock.
    pub(super) fn is_locked(&self) -> bool {
        self.locked.is_some()
    }

    /// Leaves out what the reading does not select; the pace is settled before, since a shard has its part of it.
    pub(super) fn select(&mut self) -> Result<(), LoadFailure> {
        let selection = &self.reading.selection;
        let nothing = |nothing: NothingSelected| LoadFailure::Usage(nothing.into_messages());
        if let Some(written) = &mut self.unresolved {
            selection.apply(written).map_err(nothing)?;
        }
        self.notes = selection.apply(&mut self.plan).map_err(nothing)?;
        Ok(())
    }

    /// The texts of its plans, in order.
    pub(super) fn texts(&self) -> Vec<RecordedSource> {
        let sources = self.files.iter().map(|file| self.sources.get(file.file().source));
        sources
            .map(|source| RecordedSource { path: source.path().to_owned(), text: source.text().to_owned() })
            .collect()
    }

    /// How long it will take with `options`, and a warning where that is longer than a deadline. Reading makes no forecast,
    /// since each command has its own bounds.
    pub(super) fn make_forecast(&mut self, options: ScheduleOptions) {
        self.make_forecast_after(&History::default(), options);
    }

    /// As [`Loaded::make_forecast`], after what has happened.
    pub(super) fn make_forecast_after(&mut self, history: &History, options: ScheduleOptions) {
        self.forecast = forecast_rest(&self.plan, ASSUMED_LATENCY, options, history, Duration::ZERO);
        self.warnings.extend(deadlines(&self.plan, &self.forecast));
    }

    /// Another pace than it was read with, where `pace` states one.
    pub(super) fn set_pace(&mut self, pace: Pace) {
        let pace = pace.over(self.reading.pace);
        self.reading.pace = pace;
        for plan in [Some(&mut self.plan), self.unresolved.as_mut()].into_iter().flatten() {
            plan.plans.iter_mut().for_each(|file| pace.apply(&mut file.limits));
        }
    }

    /// Whether something is still to be asked before everything can be sent.
    pub(super) fn is_open(&self) -> bool {
        self.plan.operations.iter().any(Operation::needs_network)
    }
}

/// Why there is no plan.
#[derive(Debug)]
pub(super) enum LoadFailure {
    /// The call is wrong: a flag, a file that isn't there.
    Usage(Vec<String>),
    /// Plans are invalid.
    Invalid { sources: Sources, diagnostics: Vec<Diagnostic>, plans: usize },
    /// A lock, a report or a list of operations can't be relied on: which, and why.
    Document { path: String, why: String },
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
            Self::Document { path, why } => {
                context.console.error(&format!("{}: {}", visible(path), visible(why)));
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
pub(super) fn verdict(diagnostics: &[Diagnostic], sources: &Sources, plans: usize) -> String {
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

/// Reads, checks and expands the plans, without a forecast.
pub(super) fn load(
    context: &Context,
    input: &InputArgs,
    select: &SelectArgs,
    pace: &PaceArgs,
) -> Result<Loaded, LoadFailure> {
    // Where no thread can be had it is compiled when it is needed.
    drop(thread::Builder::new().name("schema".to_owned()).spawn(prepare_schema));
    let reading = Reading::from_args(context, input, select, pace)?;
    let loaded = Texts::read(&input.plans, std::io::stdin().lock())?.plans_or_lock(reading)?;
    if loaded.is_locked() && !(input.vars.is_empty() && input.vars_file.is_empty()) {
        return Err(LoadFailure::usage(
            "a lock holds its variables: --var and --vars-file belong to the `plan --out` that makes it",
        ));
    }
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
    pub(super) pace: Pace,
    /// Whether variables that no plan declares do no harm, as in a plan that is older than they are.
    pub(super) is_lenient: bool,
    /// What is sent of the plans; they are expanded whole.
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
        let pace = Pace::parse(pace)?;
        let overrides = overrides(input, &context.environment).map_err(LoadFailure::usage)?;
        let endpoints = endpoint_chain(input.endpoint.as_deref(), &context.environment)?;
        let allow_endpoint = input.allow_endpoint.clone();
        Ok(Self { overrides, endpoints, allow_endpoint, pace, is_lenient: false, selection })
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
            pace: Pace::resumed(pace, invocation)?,
            is_lenient: false,
            selection: recorded_selection(&invocation.select, invocation.shard.as_deref())
                .map_err(LoadFailure::Usage)?,
        })
    }
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

    /// The documents among them that are no plans, each with its path and text.
    pub(super) fn documents(&self) -> impl Iterator<Item = (Document, &str, &str)> {
        self.ids.iter().filter_map(|id| {
            let source = self.sources.get(*id);
            Document::detect(source.text()).map(|document| (document, source.path(), source.text()))
        })
    }

    /// Checks and expands them together; a lock stands alone.
    pub(super) fn plans_or_lock(self, reading: Reading) -> Result<Loaded, LoadFailure> {
        let lock = self.documents().find(|(document, ..)| *document == Document::Lock);
        match lock {
            None => self.understand(reading),
            Some((_, path, text)) if self.ids.len() == 1 && self.unreadable.is_empty() => {
                lock::open(path, text, reading)
            }
            Some((_, path, _)) => Err(LoadFailure::usage(format!(
                "{} is a lock, which holds its plans: give it alone, without other plans",
                visible(path)
            ))),
        }
    }

    /// Checks and expands plans together, and selects of them.
    pub(super) fn understand(self, reading: Reading) -> Result<Loaded, LoadFailure> {
        let mut loaded = self.expanded(reading)?;
        loaded.select()?;
        Ok(loaded)
    }

    /// Checks and expands plans together, whole; the forecast is empty.
    pub(super) fn expanded(self, reading: Reading) -> Result<Loaded, LoadFailure> {
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
        if !reading.is_lenient {
            refuse_undeclared(&files, &reading.overrides)?;
        }
        let (mut plan, warnings) = match expand(&files, &sources, &reading.overrides, &reading.endpoints) {
            Ok(expanded) => expanded,
            Err(found) => {
                diagnostics.extend(found);
                return Err(LoadFailure::Invalid { sources, diagnostics, plans });
            }
        };
        diagnostics.extend(warnings);
        plan.plans.iter_mut().for_each(|file| reading.pace.apply(&mut file.limits));
        let forecast = Forecast::default();
        Ok(Loaded {
            plan,
            unresolved: None,
            sources,
            warnings: diagnostics,
            forecast,
            files,
            reading,
            locked: None,
            notes: Vec::new(),
        })
    }
}

/// A text from which on a second thread is worth its start: about 500 projects.
const LARGE: usize = 64 * 1024;

/// The stack of a main thread, which small plans are checked on.
const STACK: usize = 8 * 1024 * 1024;

/// One file up to its proof.
fn validated(
    id: SourceId,
    sources: &Sources,
    allowed_hosts: &[String],
) -> Result<(ValidatedPlan, Vec<Diagnostic>), Vec<Diagnostic>> {
    let source = sources.get(id);
    let tree = &yaml::parse(id, source)?;
    let structure = || match check_structure(id, tree) {
        problems if problems.is_empty() => Ok(()),
        problems => Err(problems),
    };
    let meaning = || decode(id, tree).and_then(|file| validate(file, allowed_hosts));
    if source.text().len() < LARGE {
        return structure().and_then(|()| meaning());
    }
    thread::scope(|scope| {
        // What the values of a tree mean only counts if its structure is right, but it can be asked meanwhile.
        match thread::Builder::new().stack_size(STACK).spawn_scoped(scope, structure) {
            Ok(structure) => {
                let plan = meaning();
                structure.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)).and(plan)
            }
            Err(_) => structure().and_then(|()| meaning()),
        }
    })
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
