//! One plan, place by place in its order.

use std::rc::Rc;
use std::sync::Arc;

use ahash::{HashMap, HashMapExt as _};

use super::identity::{Identity, identify};
use super::merge::{Recipe, Sets};
use super::render::{Field, Findings, Renderer};
use super::wave::Waves;
use super::{EndpointChain, Overrides};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{
    CredentialName, Endpoint, EnterpriseProjectId, InvalidValue, Label, Operation, OperationId, ProjectId, ProjectRef,
    Region, SetName, Target,
};
use crate::plan::{Places, PlanFile, Project, RequestMode, Templated};
use crate::source::{Location, Sources, Span, Spanned};
use crate::template::{Scope, Subject};

/// Lists of labels of which one copy is kept.
const MAX_SHARED_LABELS: usize = 1024;

/// What the plans of a batch expanded to so far.
#[derive(Default)]
pub(super) struct Expanded {
    /// In plan order. Their ids are placeholders until the whole batch is known.
    pub(super) operations: Vec<Operation>,
    /// One for each operation.
    pub(super) identities: Vec<Identity>,
}

/// Expands one plan; what is wrong goes to `findings`.
pub(super) fn expand_plan(
    plan: usize,
    file: &PlanFile,
    sources: &Sources,
    overrides: &Overrides,
    endpoints: &EndpointChain,
    findings: &mut Findings,
    expanded: &mut Expanded,
) {
    let waves = Waves::new(file, findings);
    let count = count_operations(file);
    if refuse_too_many(file, count, findings) {
        return;
    }
    expanded.operations.reserve_exact(count);
    expanded.identities.reserve_exact(count);
    let mut renderer = Renderer::new(file, sources, overrides, findings);
    let mut sets = Sets::new(file, &mut renderer);
    let defaults = Shared {
        enterprise_project_id: optional(file.defaults.enterprise_project_id.as_ref(), &mut renderer, eps),
        credential: optional(file.defaults.credential.as_ref(), &mut renderer, CredentialName::parse),
        default_requests: requests_of(file.defaults.registry_sets.as_deref().unwrap_or_default(), &mut sets).into(),
        no_enterprise_project_id: EnterpriseProjectId::default_id(),
        no_credential: CredentialName::default_name(),
    };
    let Ok(placeholder) = OperationId::parse("-") else { return };
    let mut expander = Expander {
        plan,
        file,
        endpoints,
        own_endpoints: file.endpoints.iter().map(|(region, endpoint)| (&region.value, &endpoint.value)).collect(),
        renderer,
        sets,
        waves,
        defaults,
        regions: HashMap::new(),
        labels: HashMap::new(),
        placeholder,
        expanded,
    };
    for project in &file.projects {
        expander.project(project);
    }
}

fn eps(text: &str) -> Result<EnterpriseProjectId, InvalidValue> {
    EnterpriseProjectId::parse(text)
}

fn project_ref(text: &str) -> Result<ProjectRef, InvalidValue> {
    if text == "lookup" { Ok(ProjectRef::Lookup) } else { ProjectId::parse(text).map(ProjectRef::Id) }
}

fn optional<'p, T>(
    templated: Option<&'p Templated>,
    renderer: &mut Renderer<'_>,
    parse: fn(&str) -> Result<T, InvalidValue>,
) -> Option<Field<'p, T>> {
    templated.map(|templated| renderer.field(templated, Scope::Place, parse))
}

/// Counts before anything is built, so that a plan of any size is refused in no time.
fn count_operations(file: &PlanFile) -> usize {
    file.projects.iter().fold(0_usize, |count, project| {
        let places = match &project.places {
            Places::PerRegion(places) => places.len(),
            Places::Same { regions, .. } => regions.len(),
        };
        let requests = match mode(file, project) {
            RequestMode::Merged => 1,
            RequestMode::PerSet => list(file, project).len(),
        };
        count.saturating_add(places.saturating_mul(requests))
    })
}

fn refuse_too_many(file: &PlanFile, count: usize, findings: &mut Findings) -> bool {
    let most = file.rollout.max_operations;
    if count <= most {
        return false;
    }
    let span = file.rollout.max_operations_span.unwrap_or(file.name.span);
    let source = file.source;
    findings.cause(Location::new(source, span), Code::TooManyOperations, "", || {
        let message = format!("the plan expands to {count} operations, at most {most} are allowed");
        let label = match file.rollout.max_operations_span {
            Some(_) => "the plan's own bound",
            None => "the default bound, since the plan states none",
        };
        Diagnostic::at(Code::TooManyOperations, source, span, message).label(label).help(format!(
            "if it is meant to be this large, write `max_operations: {count}` under `rollout`; else look for a project \
             with too many regions, or split the plan"
        ))
    });
    true
}

fn mode(file: &PlanFile, project: &Project) -> RequestMode {
    project.requests.or(file.defaults.requests).unwrap_or_default()
}

fn list<'p>(file: &'p PlanFile, project: &'p Project) -> &'p [Spanned<SetName>] {
    project.registry_sets.as_deref().or(file.defaults.registry_sets.as_deref()).unwrap_or_default()
}

/// The requests of each place of a project: in one, or one a set.
#[derive(Clone)]
struct Requests {
    merged: Recipe,
    per_set: Vec<(Recipe, Span)>,
}

fn requests_of(list: &[Spanned<SetName>], sets: &mut Sets<'_>) -> Requests {
    let per_set = list.iter().map(|name| (sets.recipe(std::slice::from_ref(name)), name.span)).collect();
    Requests { merged: sets.recipe(list), per_set }
}

/// `defaults`, prepared once.
struct Shared<'p> {
    enterprise_project_id: Option<Field<'p, EnterpriseProjectId>>,
    credential: Option<Field<'p, CredentialName>>,
    default_requests: Rc<Requests>,
    /// What an operation has when neither it nor `defaults` states one.
    no_enterprise_project_id: EnterpriseProjectId,
    no_credential: CredentialName,
}

struct Expander<'p, 's> {
    plan: usize,
    file: &'p PlanFile,
    endpoints: &'s EndpointChain,
    /// The plan's own `endpoints`.
    own_endpoints: HashMap<&'p Region, &'p Endpoint>,
    renderer: Renderer<'s>,
    sets: Sets<'p>,
    waves: Waves<'p>,
    defaults: Shared<'p>,
    /// Each region once, with its endpoint.
    regions: HashMap<Region, (Region, Endpoint)>,
    /// Lists of labels, each once.
    labels: HashMap<Vec<&'p str>, Arc<[Label]>>,
    placeholder: OperationId,
    expanded: &'s mut Expanded,
}

/// What holds for all places of a project.
struct Entry<'p> {
    project: &'p Project,
    labels: Vec<&'p str>,
    shared_labels: Arc<[Label]>,
    requests: Rc<Requests>,
    mode: RequestMode,
    candidates: Vec<usize>,
    enterprise_project_id: Option<Field<'p, EnterpriseProjectId>>,
    credential: Option<Field<'p, CredentialName>>,
}

impl Entry<'_> {
    fn operations_of_place(&self) -> usize {
        match self.mode {
            RequestMode::Merged => 1,
            RequestMode::PerSet => self.requests.per_set.len(),
        }
    }
}

impl<'p> Expander<'p, '_> {
    fn project(&mut self, project: &'p Project) {
        let file = self.file;
        let mode = mode(file, project);
        let requests = match &project.registry_sets {
            Some(list) if mode == RequestMode::Merged => {
                Requests { merged: self.sets.recipe(list), per_set: Vec::new() }.into()
            }
            Some(list) => requests_of(list, &mut self.sets).into(),
            None => self.defaults.default_requests.clone(),
        };
        let labels: Vec<&str> = project.labels.iter().map(|label| label.value.as_str()).collect();
        let shared_labels = self.shared_labels(&labels, project);
        let renderer = &mut self.renderer;
        let enterprise_project_id = optional(project.enterprise_project_id.as_deref(), renderer, eps);
        let credential = optional(project.credential.as_deref(), renderer, CredentialName::parse);
        let entry = Entry {
            project,
            labels,
            shared_labels,
            requests,
            mode,
            candidates: self.waves.of_project(project),
            enterprise_project_id: enterprise_project_id.or_else(|| self.defaults.enterprise_project_id.clone()),
            credential: credential.or_else(|| self.defaults.credential.clone()),
        };
        let subject = Subject { project: project.name.value.as_str(), labels: &entry.labels, ..Subject::default() };
        let operations = entry.operations_of_place();
        match &project.places {
            Places::PerRegion(places) => {
                self.warn_redundant(&entry, &subject, operations * places.len());
                for place in places {
                    let id = self.renderer.field(&place.project_id, Scope::Place, project_ref);
                    self.place(&entry, &subject, &place.region.value, place.region.span, &id);
                }
            }
            Places::Same { project_id, regions } => {
                self.warn_redundant(&entry, &subject, operations * regions.len());
                let id = self.renderer.field(project_id, Scope::Place, project_ref);
                for region in regions {
                    let field = self.renderer.field(region, Scope::Region, Region::parse);
                    if let Some(region) = self.renderer.value(&field, &subject, operations) {
                        if field.is_template() {
                            self.warn_unlisted(&region, field.span());
                        }
                        self.place(&entry, &subject, &region, field.span(), &id);
                    }
                }
            }
        }
    }

    /// A project's labels as its operations have them. Many projects have few lists; of many lists only the first are shared.
    fn shared_labels(&mut self, labels: &[&'p str], project: &Project) -> Arc<[Label]> {
        if let Some(known) = self.labels.get(labels) {
            return known.clone();
        }
        let shared: Arc<[Label]> = project.labels.iter().map(|label| label.value.clone()).collect();
        if self.labels.len() < MAX_SHARED_LABELS {
            self.labels.insert(labels.to_vec(), shared.clone());
        }
        shared
    }

    fn warn_redundant(&mut self, entry: &Entry<'p>, subject: &Subject<'_>, operations: usize) {
        if entry.mode == RequestMode::Merged {
            let list = list(self.file, entry.project);
            self.sets.check_redundant(list, &mut self.renderer, subject, operations);
        }
    }

    /// Regions that are written out were judged by `plan::validate`; those from templates exist only now.
    fn warn_unlisted(&mut self, region: &Region, span: Span) {
        if region.is_known() || self.own_endpoints.contains_key(region) {
            return;
        }
        let source = self.file.source;
        self.renderer.findings.cause(Location::new(source, span), Code::UnlistedRegion, region.as_str(), || {
            let message = format!("region `{region}` is not among those that the official SDK lists");
            Diagnostic::at(Code::UnlistedRegion, source, span, message)
                .label(format!("renders to `{region}`"))
                .help("check the spelling; if it is a new region, name its endpoint under `endpoints`")
        });
    }

    fn place(
        &mut self,
        entry: &Entry<'p>,
        subject: &Subject<'_>,
        region: &Region,
        span: Span,
        id: &Field<'p, ProjectRef>,
    ) {
        let operations = entry.operations_of_place();
        let Some((region, endpoint)) = self.region(region, span) else { return };
        let subject = Subject { region: Some(region.as_str()), ..*subject };
        let renderer = &mut self.renderer;
        let project_id = renderer.value(id, &subject, operations);
        let enterprise_project_id = match &entry.enterprise_project_id {
            Some(field) => renderer.value(field, &subject, operations),
            None => Some(self.defaults.no_enterprise_project_id.clone()),
        };
        let credential = match &entry.credential {
            Some(field) => renderer.value(field, &subject, operations),
            None => Some(self.defaults.no_credential.clone()),
        };
        let target = match (project_id, enterprise_project_id, credential) {
            (Some(project_id), Some(enterprise_project_id), Some(credential)) => {
                let project = entry.project.name.value.clone();
                Some(Target { project, region: region.clone(), project_id, enterprise_project_id, credential })
            }
            _ => None,
        };
        match entry.mode {
            RequestMode::Merged => self.request(entry, &subject, target, entry.requests.merged, span, &endpoint),
            RequestMode::PerSet => {
                for (recipe, span) in &entry.requests.per_set {
                    self.request(entry, &subject, target.clone(), *recipe, *span, &endpoint);
                }
            }
        }
    }

    /// One operation. Without a target (a value of it was wrong) the sets are still rendered, to report all at once.
    fn request(
        &mut self,
        entry: &Entry<'p>,
        subject: &Subject<'_>,
        target: Option<Target>,
        recipe: Recipe,
        span: Span,
        endpoint: &Endpoint,
    ) {
        let merged = self.sets.content(recipe, &mut self.renderer, subject);
        let (Some(target), Some(merged)) = (target, merged) else { return };
        let sets = self.sets.names(recipe).clone();
        let Some(wave) = self.waves.pick(&entry.candidates, &target.region, &sets) else {
            self.without_wave(entry.project, subject);
            return;
        };
        self.expanded.identities.push(identify(&target, &merged.hash));
        self.expanded.operations.push(Operation {
            id: self.placeholder.clone(),
            plan: self.plan,
            wave,
            target,
            sets,
            labels: entry.shared_labels.clone(),
            location: Location::new(self.file.source, span),
            endpoint: endpoint.clone(),
            content: merged.content.clone(),
            left_out: None,
        });
    }

    fn without_wave(&mut self, project: &Project, subject: &Subject<'_>) {
        let (source, name) = (self.file.source, &project.name);
        let findings = &mut self.renderer.findings;
        let cause = findings.cause(Location::new(source, name.span), Code::OperationWithoutWave, "", || {
            let message = format!("no wave takes operations of project `{}`", name.value);
            Diagnostic::at(Code::OperationWithoutWave, source, name.span, message)
                .label("matched by no wave's `select`")
                .help("add a last wave without `select`: it takes all that is left")
        });
        findings.met(cause, subject, 1);
    }

    /// The region as it is shared by all operations, and its endpoint.
    fn region(&mut self, region: &Region, span: Span) -> Option<(Region, Endpoint)> {
        if let Some(known) = self.regions.get(region) {
            return Some(known.clone());
        }
        match endpoint_of(region, &self.own_endpoints, self.endpoints) {
            Ok(endpoint) => {
                self.regions.insert(region.clone(), (region.clone(), endpoint.clone()));
                Some((region.clone(), endpoint))
            }
            Err(invalid) => {
                let source = self.file.source;
                let location = Location::new(source, span);
                self.renderer.findings.cause(location, Code::InvalidValue, "endpoint", || {
                    Diagnostic::at(Code::InvalidValue, source, span, format!("region `{region}` gives {invalid}"))
                });
                None
            }
        }
    }
}

fn endpoint_of(
    region: &Region,
    own: &HashMap<&Region, &Endpoint>,
    chain: &EndpointChain,
) -> Result<Endpoint, InvalidValue> {
    chain.endpoint_of(region, own.get(region).copied())
}
