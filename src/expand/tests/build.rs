//! Plans by hand, for tests: each scalar is written into a source text of its own, so that spans are real.

use std::time::Duration;

use crate::diagnostic::Diagnostic;
use crate::expand::{EndpointChain, ExecutionPlan, Overrides, expand};
use crate::model::{Endpoint, Label, Limits, MaxFailures, ProjectName, Region, RegistryType, SetName, WaveName};
use crate::plan::{
    Defaults, Places, PlanFile, Project, RegionPlace, RegistryItem, RegistrySet, RequestMode, Rollout, SelectSpec,
    SetKind, Templated, ValidatedPlan, Variable, VariableValue, WaveSelect, WaveSpec, validate,
};
use crate::source::{Source, Sources, Span, Spanned};
use crate::yaml::ScalarStyle;

/// A plan under construction.
#[derive(Clone)]
pub(super) struct Build {
    pub(super) file: PlanFile,
    text: String,
}

pub(super) fn plan(name: &str) -> Build {
    let source = Sources::default().add(Source::new("", String::new()));
    let rollout = Rollout {
        max_operations: 1000,
        max_operations_span: None,
        deadline: None,
        waves: Vec::new(),
        pause: Duration::ZERO,
    };
    let file = PlanFile {
        source,
        name: Spanned::new(name.to_owned(), Span::new(0, name.len())),
        vars: Vec::new(),
        registry_sets: Vec::new(),
        defaults: Defaults::default(),
        projects: Vec::new(),
        rollout,
        limits: Limits::default(),
        endpoints: Vec::new(),
    };
    Build { file, text: format!("{name}\n") }
}

impl Build {
    pub(super) fn write(&mut self, text: &str) -> Span {
        let start = self.text.len();
        self.text.push_str(text);
        self.text.push('\n');
        Span::new(start, start + text.len())
    }

    fn spanned<T>(&mut self, text: &str, value: T) -> Spanned<T> {
        Spanned::new(value, self.write(text))
    }

    pub(super) fn templated(&mut self, text: &str) -> Templated {
        Templated { text: text.into(), span: self.write(text), style: ScalarStyle::Plain }
    }

    fn set_names(&mut self, names: &[&str]) -> Vec<Spanned<SetName>> {
        names.iter().map(|name| self.spanned(name, SetName::parse(name).expect("legal"))).collect()
    }

    pub(super) fn var(mut self, name: &str, value: &str) -> Self {
        let name = self.spanned(name, name.to_owned());
        self.file.vars.push(Variable { name, value: VariableValue::Text(value.to_owned()) });
        self
    }

    fn push_set(mut self, name: &str, kind: SetKind) -> Self {
        let name = self.spanned(name, SetName::parse(name).expect("legal"));
        self.file.registry_sets.push(RegistrySet { name, kind });
        self
    }

    pub(super) fn set(mut self, name: &str, registries: &[(&str, &str)]) -> Self {
        let items = registries
            .iter()
            .map(|(id, kind)| {
                let (registry_id, registry_type) = (self.templated(id), self.templated(kind));
                let span = Span::new(registry_id.span.start as usize, registry_type.span.end as usize);
                RegistryItem { span, registry_id, registry_type }
            })
            .collect();
        self.push_set(name, SetKind::Registries(items))
    }

    pub(super) fn all(self, name: &str) -> Self {
        self.push_set(name, SetKind::All)
    }

    pub(super) fn select(self, name: &str, types: &[RegistryType]) -> Self {
        let spec = SelectSpec { registry_type: types.to_vec(), registry_name: None, status: None };
        self.push_set(name, SetKind::Select(spec))
    }

    pub(super) fn default_sets(mut self, names: &[&str]) -> Self {
        self.file.defaults.registry_sets = Some(self.set_names(names));
        self
    }

    fn push_project(mut self, name: &str, places: Places) -> Self {
        let name = self.spanned(name, ProjectName::parse(name).expect("legal"));
        self.file.projects.push(Project {
            span: name.span,
            name,
            places,
            registry_sets: None,
            labels: Vec::new(),
            enterprise_project_id: None,
            credential: None,
            requests: None,
        });
        self
    }

    /// A project with `project_ids`.
    pub(super) fn project(mut self, name: &str, ids: &[(&str, &str)]) -> Self {
        let places = ids
            .iter()
            .map(|(region, id)| {
                let region = self.spanned(region, Region::parse(region).expect("legal"));
                RegionPlace { region, project_id: self.templated(id) }
            })
            .collect();
        self.push_project(name, Places::PerRegion(places))
    }

    /// A project with `project_id` and `regions`.
    pub(super) fn same(mut self, name: &str, id: &str, regions: &[&str]) -> Self {
        let project_id = self.templated(id);
        let regions = regions.iter().map(|region| self.templated(region)).collect();
        self.push_project(name, Places::Same { project_id: Box::new(project_id), regions })
    }

    fn last(&mut self) -> &mut Project {
        self.file.projects.last_mut().expect("a project comes first")
    }

    pub(super) fn sets(mut self, names: &[&str]) -> Self {
        let names = self.set_names(names);
        self.last().registry_sets = Some(names);
        self
    }

    pub(super) fn labels(mut self, labels: &[&str]) -> Self {
        let labels = labels.iter().map(|label| self.spanned(label, Label::parse(label).expect("legal"))).collect();
        self.last().labels = labels;
        self
    }

    pub(super) fn enterprise(mut self, id: &str) -> Self {
        let id = self.templated(id);
        self.last().enterprise_project_id = Some(Box::new(id));
        self
    }

    pub(super) fn credential(mut self, name: &str) -> Self {
        let name = self.templated(name);
        self.last().credential = Some(Box::new(name));
        self
    }

    pub(super) fn per_set(mut self) -> Self {
        self.last().requests = Some(RequestMode::PerSet);
        self
    }

    /// A wave; `select` is `key=value` pairs, and an empty list means no `select`.
    pub(super) fn wave(mut self, name: &str, select: &[(&str, &str)], max_failures: Option<&str>) -> Self {
        let name = self.spanned(name, WaveName::parse(name).expect("legal"));
        let mut selection = WaveSelect::default();
        for (key, value) in select {
            let value = self.spanned(value, (*value).to_owned());
            match *key {
                "label" => selection.labels.push(value),
                "project" => selection.projects.push(value),
                "region" => selection.regions.push(value),
                "set" => selection.sets.push(value),
                other => panic!("no such key: {other}"),
            }
        }
        self.file.rollout.waves.push(WaveSpec {
            span: name.span,
            name,
            select: (!select.is_empty()).then_some(selection),
            max_failures: max_failures.map(|text| MaxFailures::parse(text).expect("legal")),
        });
        self
    }

    pub(super) fn endpoint(mut self, region: &str, url: &str) -> Self {
        let region = self.spanned(region, Region::parse(region).expect("legal"));
        let url = self.spanned(url, Endpoint::parse(url).expect("legal"));
        self.file.endpoints.push((region, url));
        self
    }

    pub(super) fn edit(mut self, change: impl FnOnce(&mut PlanFile)) -> Self {
        change(&mut self.file);
        self
    }
}

/// Builds added to sources, as `expand` takes them.
pub(super) fn assemble(builds: &[Build]) -> (Vec<ValidatedPlan>, Sources) {
    let mut sources = Sources::default();
    let plans = builds
        .iter()
        .enumerate()
        .map(|(index, build)| {
            let mut file = build.file.clone();
            file.source = sources.add(Source::new(format!("p{index}.yaml"), build.text.clone()));
            validate(file, &[]).expect("legal apart from what only expanding shows").0
        })
        .collect();
    (plans, sources)
}

pub(super) type Outcome = Result<(ExecutionPlan, Vec<Diagnostic>), Vec<Diagnostic>>;

pub(super) fn expand_all(builds: &[Build]) -> Outcome {
    let (plans, sources) = assemble(builds);
    expand(&plans, &sources, &Overrides::new(), &EndpointChain::default())
}

/// The plan and its warnings.
pub(super) fn expand_one(build: &Build) -> (ExecutionPlan, Vec<Diagnostic>) {
    expand_all(std::slice::from_ref(build)).expect("expands")
}

/// Diagnostics as lines: code, what is underlined, message, notes.
pub(super) fn complain(builds: &[Build]) -> Vec<String> {
    let (plans, sources) = assemble(builds);
    let diagnostics = match expand(&plans, &sources, &Overrides::new(), &EndpointChain::default()) {
        Ok((_, warnings)) => warnings,
        Err(diagnostics) => diagnostics,
    };
    diagnostics.iter().map(|diagnostic| describe(diagnostic, &sources)).collect()
}

fn describe(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let crate::diagnostic::Place::Text(label) = &diagnostic.place else { panic!("{diagnostic:?} has no place") };
    let source = sources.get(label.location.source);
    let mut line = format!(
        "{} at {}:`{}`: {}",
        diagnostic.code.as_str(),
        source.path(),
        source.slice(label.location.span),
        diagnostic.message
    );
    for note in &diagnostic.notes {
        line.push_str("; ");
        line.push_str(note);
    }
    if let Some(help) = &diagnostic.help {
        line.push_str(" => ");
        line.push_str(help);
    }
    line
}
