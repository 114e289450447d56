//! A plan and what the service answered to a plan in which nothing is left open.
//!
//! `project_ids: lookup` and `select` sets can't be expanded offline. [`lookups`] and [`listings`] say what has to be asked,
//! `read` asks it, [`resolve_projects`] and [`resolve_registries`] put the answers in. They decide alone what a registry must be
//! like to be taken, whatever the service was asked to filter. Ids and digests stay those of the plan as written
//! (`docs/online.md`). [`preflight()`] compares the same answers with what a plan states; [`record`]
//! and [`put_back()`] carry them from one session of a run to the next.

mod inventory;
mod preflight;
mod questions;
mod recorded;
mod select;
#[cfg(test)]
mod tests;

pub use inventory::{FoundProject, FoundRegistry, Inventory, Lookup};
pub use preflight::{Asked, CheckedCredential, ClockOffset, Finding, Standing, Status, Subject, preflight};
pub use questions::{Extent, Question, preflight_listings, preflight_lookups};
pub use recorded::{Unfit, frozen_digest, put_back, record};

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic, bounded, visible};
use crate::expand::ExecutionPlan;
use crate::model::{Content, Listing, Operation, ProjectId, ProjectRef};
use crate::source::Location;
use select::{Matched, Problem};

/// What has to be asked of IAM, each once, in plan order.
#[must_use]
pub fn lookups(plan: &ExecutionPlan) -> Vec<Lookup> {
    let open = plan.selected().filter(|operation| operation.target.project_id == ProjectRef::Lookup);
    distinct(open.map(Lookup::of))
}

/// The lists of registries that `select` sets need, each once, in plan order; `plan` is one whose projects are resolved.
#[must_use]
pub fn listings(plan: &ExecutionPlan) -> Vec<Listing> {
    let selecting = plan.selected().filter(|operation| !operation.content.selectors.is_empty());
    distinct(selecting.filter_map(Listing::of))
}

/// Each value once, in order of first mention.
fn distinct<T: Clone + Eq + std::hash::Hash>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = HashSet::new();
    values.filter(|value| seen.insert(value.clone())).collect()
}

/// Puts in the project ids that IAM found.
///
/// # Errors
/// One for each lookup that found no project or several, at the first place of the plan that needs it.
pub fn resolve_projects(plan: &mut ExecutionPlan, inventory: &Inventory) -> Result<(), Vec<Diagnostic>> {
    let mut found: HashMap<Lookup, Result<ProjectId, usize>> = HashMap::new();
    let mut findings = Findings::default();
    for operation in &mut plan.operations {
        if operation.target.project_id != ProjectRef::Lookup || !operation.is_selected() {
            continue;
        }
        let lookup = Lookup::of(operation);
        let result = found.entry(lookup).or_insert_with_key(|lookup| {
            let candidates = inventory.projects_of(lookup);
            match candidates.as_slice() {
                [only] => Ok(only.id.clone()),
                _ => Err(findings.cause(not_one_project(lookup, &candidates, inventory, operation.location))),
            }
        });
        match result {
            Ok(id) => operation.target.project_id = ProjectRef::Id(id.clone()),
            Err(cause) => findings.met(*cause, operation),
        }
    }
    findings.into_result().map(drop)
}

/// Puts in the registries that `select` sets match, and refuses operations that turn out to be the same request. Returns
/// warnings about registries that were left out. The projects of `plan` are resolved.
///
/// # Errors
/// A set that matches nothing, a registry that has another type than the plan says, equal requests.
pub fn resolve_registries(plan: &mut ExecutionPlan, inventory: &Inventory) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    let mut findings = Findings::default();
    // Operations that share their content and their list share the result. The plan keeps the addresses apart: what was
    // written stays alive in `written` until the end.
    let mut written = Vec::new();
    let mut known: HashMap<(*const Content, Listing), Resolution> = HashMap::new();
    for operation in &mut plan.operations {
        if operation.content.selectors.is_empty() || !operation.is_selected() {
            continue;
        }
        let Some(listing) = Listing::of(operation) else { continue };
        let resolution = known.entry((Arc::as_ptr(&operation.content), listing)).or_insert_with_key(|(_, listing)| {
            written.push(operation.content.clone());
            Resolution::new(select::matched(&operation.content, inventory.registries_of(listing)), &mut findings)
        });
        for cause in &resolution.causes {
            findings.met(*cause, operation);
        }
        if let Some(content) = &resolution.content {
            operation.content = content.clone();
        }
    }
    refuse_duplicates(plan, &mut findings);
    findings.into_result()
}

/// What became of one content at one place.
struct Resolution {
    /// None when something is wrong.
    content: Option<Arc<Content>>,
    causes: Vec<usize>,
}

impl Resolution {
    fn new(matched: Matched, findings: &mut Findings) -> Self {
        let whole = !matched.problems.iter().any(|problem| problem.diagnostic.is_error());
        let causes = matched.problems.into_iter().map(|problem| findings.cause_once(problem)).collect();
        Self { content: whole.then(|| Arc::new(matched.content)), causes }
    }
}

/// No project, or several.
fn not_one_project(
    lookup: &Lookup,
    candidates: &[&FoundProject],
    inventory: &Inventory,
    location: Location,
) -> Diagnostic {
    let Lookup { credential, region } = lookup;
    if candidates.is_empty() {
        let message = format!("IAM knows no project named `{region}` that credential `{credential}` may see");
        let others = inventory.other_projects(lookup);
        let diagnostic = Diagnostic::at(Code::ProjectNotFound, location.source, location.span, message)
            .label("nothing to look up")
            .help("enable the region for the account, or write the project id in place of `lookup`");
        return match others.as_slice() {
            [] => diagnostic,
            others => diagnostic.note(format!("IAM answered with {}", listed(others))),
        };
    }
    let message = format!("IAM knows {} projects named `{region}`", candidates.len());
    let mut diagnostic = Diagnostic::at(Code::AmbiguousProject, location.source, location.span, message)
        .label("which of them is not known")
        .help("write the id of the right one in place of `lookup`");
    for project in candidates.iter().take(MOST_LISTED) {
        diagnostic = diagnostic.note(format!("found for credential `{credential}`: {}", listed(&[project])));
    }
    diagnostic
}

/// Projects with their names, as many as one message bears.
fn listed(projects: &[&FoundProject]) -> String {
    let listed = |project: &&FoundProject| format!("{} ({})", project.id, visible(&project.name));
    projects.iter().take(MOST_LISTED).map(listed).collect::<Vec<_>>().join(", ")
}

/// Candidates that one message lists.
const MOST_LISTED: usize = 10;

/// Requests can be equal only now: a looked-up project is the one that another entry names, or two sets match the same.
fn refuse_duplicates(plan: &ExecutionPlan, findings: &mut Findings) {
    let mut seen: HashMap<_, &Operation> = HashMap::with_capacity(plan.operations.len());
    let mut pairs = HashMap::new();
    for operation in plan.selected() {
        let (target, body) = (&operation.target, &operation.content.body);
        if operation.needs_network() {
            continue;
        }
        let mut registries: Vec<_> = body.registry_info.iter().collect();
        registries.sort_unstable();
        let project = (&target.region, &target.project_id, &target.enterprise_project_id);
        let Some(first) = seen.get(&(project, body.sync_all_registries, registries.clone())) else {
            seen.insert((project, body.sync_all_registries, registries), operation);
            continue;
        };
        let pair = (first.plan, &first.target.project, operation.plan, &target.project);
        let cause = *pairs.entry(pair).or_insert_with(|| {
            let message = format!(
                "{} in {} turns out to be the same request as {} in {}",
                target.project, target.region, first.target.project, first.target.region
            );
            let Location { source, span } = operation.location;
            findings.cause(
                Diagnostic::at(Code::DuplicateOperation, source, span, message)
                    .label("same project id, region, enterprise project and registries")
                    .also(first.location, "planned here before")
                    .help("remove one of the two; another credential does not make it another request"),
            )
        });
        findings.met(cause, operation);
    }
}

/// Diagnostics, one for each cause, with the operations that met it.
#[derive(Default)]
struct Findings {
    found: Vec<Met>,
    /// Problems of sets by code, place and what they are about: many places may meet one.
    known: HashMap<(Code, Option<Location>, String), usize>,
}

struct Met {
    diagnostic: Diagnostic,
    operations: usize,
    first: String,
}

impl Findings {
    fn cause(&mut self, diagnostic: Diagnostic) -> usize {
        self.found.push(Met { diagnostic, operations: 0, first: String::new() });
        self.found.len() - 1
    }

    fn cause_once(&mut self, problem: Problem) -> usize {
        let Problem { diagnostic, about } = problem;
        let key = (diagnostic.code, diagnostic.start(), about);
        if let Some(cause) = self.known.get(&key) {
            return *cause;
        }
        let cause = self.cause(diagnostic);
        self.known.insert(key, cause);
        cause
    }

    fn met(&mut self, cause: usize, operation: &Operation) {
        let met = &mut self.found[cause];
        if met.operations == 0 {
            met.first = format!("{} in {}", operation.target.project, operation.target.region);
        }
        met.operations += 1;
    }

    /// The warnings, or everything when something is wrong.
    fn into_result(self) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
        let noted = |Met { diagnostic, operations, first }| match operations {
            0 => diagnostic,
            // The message names it.
            1 if diagnostic.code == Code::DuplicateOperation => diagnostic,
            1 => diagnostic.note(format!("this concerns {first}")),
            count => diagnostic.note(format!("this concerns {count} operations, first {first}")),
        };
        let mut diagnostics: Vec<_> = self.found.into_iter().map(noted).collect();
        diagnostics.sort_by_key(Diagnostic::start);
        let diagnostics = bounded(diagnostics);
        if diagnostics.iter().any(Diagnostic::is_error) { Err(diagnostics) } else { Ok(diagnostics) }
    }
}
