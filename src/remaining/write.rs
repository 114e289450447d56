//! A `PlanFile` as text, key by key in the order of the contract's example. How it is laid out is in [`super::layout`].

use super::layout::{Keys, Node, bare, word};
use crate::model::{MaxFailures, SetName, write_duration};
use crate::plan::{
    Defaults, Places, PlanFile, Project, RegistryItem, RequestMode, SelectSpec, SetKind, Templated, VariableValue,
    WaveSelect, WaveSpec,
};
use crate::source::Spanned;

/// The parts of a plan that a comment can stand before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Head,
    Variables,
    Sets,
    Defaults,
    Projects,
    Rollout,
    Limits,
    Endpoints,
}

/// The parts that the plan has, each with its lines.
pub(super) fn sections(file: &PlanFile) -> Vec<(Section, String)> {
    let under = |key: &str, node: Node| vec![(key.to_owned(), node)];
    let name = ("name".to_owned(), word(&file.name.value));
    let all = [
        (Section::Head, vec![("version".to_owned(), bare(1)), name]),
        (Section::Variables, under("vars", variables(file))),
        (Section::Sets, under("registry_sets", registry_sets(file))),
        (Section::Defaults, under("defaults", defaults(&file.defaults))),
        (Section::Projects, under("projects", Node::List(file.projects.iter().map(project).collect()))),
        (Section::Rollout, under("rollout", rollout(file))),
        (Section::Limits, under("limits", limits(file))),
        (Section::Endpoints, under("endpoints", endpoints(file))),
    ];
    all.into_iter()
        .filter(|(_, entries)| entries.iter().all(|(_, node)| !node.is_empty()))
        .map(|(section, entries)| {
            let mut text = String::new();
            entries.iter().for_each(|(key, node)| node.entry(key, 0, &mut text));
            (section, text)
        })
        .collect()
}

fn variables(file: &PlanFile) -> Node {
    let value = |value: &VariableValue| match value {
        VariableValue::Bool(truth) => bare(truth),
        VariableValue::Integer(number) => bare(number),
        // The form that `plan::variable_value` takes.
        VariableValue::Float(number) => Node::Scalar(format!("{number:?}")),
        VariableValue::Text(text) => word(text),
    };
    Node::Map(file.vars.iter().map(|variable| (variable.name.value.clone(), value(&variable.value))).collect())
}

fn registry_sets(file: &PlanFile) -> Node {
    let registry = |item: &RegistryItem| {
        Node::Line(vec![
            ("registry_id".to_owned(), templated(&item.registry_id)),
            ("registry_type".to_owned(), templated(&item.registry_type)),
        ])
    };
    let contents = |kind: &SetKind| match kind {
        SetKind::Registries(items) => ("registries".to_owned(), Node::List(items.iter().map(registry).collect())),
        SetKind::All => ("sync_all_registries".to_owned(), bare(true)),
        SetKind::Select(spec) => ("select".to_owned(), selection(spec)),
    };
    let sets = file.registry_sets.iter();
    Node::Map(sets.map(|set| (set.name.value.to_string(), Node::Map(vec![contents(&set.kind)]))).collect())
}

fn selection(spec: &SelectSpec) -> Node {
    let mut keys = Keys::default();
    if !spec.registry_type.is_empty() {
        keys.add("registry_type", Node::List(spec.registry_type.iter().map(|kind| word(kind.as_str())).collect()));
    }
    keys.optional("registry_name", spec.registry_name.as_deref().map(word));
    keys.optional("status", spec.status.as_deref().map(word));
    Node::Line(keys.0)
}

fn defaults(defaults: &Defaults) -> Node {
    let mut keys = Keys::default();
    keys.optional("enterprise_project_id", defaults.enterprise_project_id.as_ref().map(templated));
    keys.optional("registry_sets", defaults.registry_sets.as_deref().map(set_names));
    keys.optional("credential", defaults.credential.as_ref().map(templated));
    keys.optional("requests", defaults.requests.map(requests));
    Node::Map(keys.0)
}

fn project(project: &Project) -> Node {
    let mut keys = Keys::default();
    keys.add("name", word(project.name.value.as_str()));
    match &project.places {
        Places::PerRegion(places) => {
            let ids = places.iter().map(|place| (place.region.value.to_string(), templated(&place.project_id)));
            keys.add("project_ids", Node::Map(ids.collect()));
        }
        Places::Same { project_id, regions } => {
            keys.add("project_id", templated(project_id));
            keys.add("regions", Node::List(regions.iter().map(templated).collect()));
        }
    }
    keys.optional("registry_sets", project.registry_sets.as_deref().map(set_names));
    if !project.labels.is_empty() {
        keys.add("labels", Node::List(project.labels.iter().map(|label| word(label.value.as_str())).collect()));
    }
    keys.optional("enterprise_project_id", project.enterprise_project_id.as_deref().map(templated));
    keys.optional("credential", project.credential.as_deref().map(templated));
    keys.optional("requests", project.requests.map(requests));
    Node::Map(keys.0)
}

fn rollout(file: &PlanFile) -> Node {
    let rollout = &file.rollout;
    let mut keys = Keys::default();
    keys.optional("max_operations", rollout.max_operations_span.map(|_| bare(rollout.max_operations)));
    keys.optional("deadline", rollout.deadline.map(|deadline| bare(write_duration(deadline.value))));
    if !rollout.waves.is_empty() {
        keys.add("waves", Node::List(rollout.waves.iter().map(wave).collect()));
    }
    if !rollout.pause.is_zero() {
        keys.add("pause", bare(write_duration(rollout.pause)));
    }
    Node::Map(keys.0)
}

fn wave(wave: &WaveSpec) -> Node {
    let mut keys = Keys::default();
    keys.add("name", word(wave.name.value.as_str()));
    keys.optional("select", wave.select.as_ref().map(wave_select));
    let budget = wave.max_failures.map(|stated| match stated {
        MaxFailures::Count(count) => bare(count),
        MaxFailures::Percent(percent) => bare(format_args!("{percent}%")),
    });
    keys.optional("max_failures", budget);
    Node::Line(keys.0)
}

fn wave_select(select: &WaveSelect) -> Node {
    let WaveSelect { labels, projects, regions, sets } = select;
    let mut keys = Keys::default();
    for (key, values) in [("labels", labels), ("projects", projects), ("regions", regions), ("sets", sets)] {
        if !values.is_empty() {
            keys.add(key, Node::List(values.iter().map(|value| word(&value.value)).collect()));
        }
    }
    Node::Line(keys.0)
}

/// Everything, also what is the default: the same limits hold whatever a later version's defaults are.
fn limits(file: &PlanFile) -> Node {
    let limits = &file.limits;
    let mut quota = Keys::default();
    quota.add("calls", bare(limits.quota.calls));
    quota.add("per", bare(write_duration(limits.quota.per)));
    quota.add("scope", word(limits.quota.scope.as_str()));
    let mut retry = Keys::default();
    retry.add("max_attempts", bare(limits.retry.max_attempts));
    retry.add("initial_delay", bare(write_duration(limits.retry.initial_delay)));
    retry.add("max_delay", bare(write_duration(limits.retry.max_delay)));
    let mut keys = Keys::default();
    keys.add("quota", Node::Line(quota.0));
    keys.add("concurrency", bare(limits.concurrency));
    keys.add("region_concurrency", bare(limits.region_concurrency));
    keys.add("attempt_timeout", bare(write_duration(limits.attempt_timeout)));
    keys.add("retry", Node::Line(retry.0));
    Node::Map(keys.0)
}

fn endpoints(file: &PlanFile) -> Node {
    let endpoints = file.endpoints.iter();
    Node::Map(endpoints.map(|(region, endpoint)| (region.value.to_string(), word(endpoint.value.as_str()))).collect())
}

fn templated(templated: &Templated) -> Node {
    word(&templated.text)
}

fn set_names(names: &[Spanned<SetName>]) -> Node {
    Node::List(names.iter().map(|name| word(name.value.as_str())).collect())
}

fn requests(mode: RequestMode) -> Node {
    bare(match mode {
        RequestMode::Merged => "merged",
        RequestMode::PerSet => "per-set",
    })
}
