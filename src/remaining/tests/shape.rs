//! Random plans in data. They are written as JSON, which is YAML, with the names and values that YAML readers are known to trip
//! over, and with templates that depend on everything that a template may see.

use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::{Value, json};

use crate::expand::Overrides;
use crate::plan::VariableValue;

/// Legal names and ids that mean something else to somebody without quotes.
const ODD: [&str; 23] = [
    "00012",
    "12e45678",
    "1_000",
    "0x1F",
    "0b11",
    "1e400",
    "true",
    "Null",
    "~",
    "<<",
    "off",
    "-",
    "-a",
    "&a",
    "'q'",
    "#a",
    "a:b",
    "@",
    "|",
    "支付",
    "é.1",
    "payments",
    "payments-x",
];

const REGIONS: [&str; 4] = ["cn-north-1", "cn-north-4", "ap-southeast-1", "eu-west-101"];

/// Ends of ids: what a template can depend on.
const ENDS: [&str; 10] = [
    "",
    "{{ region }}",
    "{{ vars.v0 }}",
    "{{ vars['v1'] ~ region }}",
    "{{ project.name }}",
    "{{ project.name ~ region }}",
    "{{ project.labels | length }}",
    "{{ \"a\" if project.name == \"payments\" else \"b\" }}",
    "{{ region | replace(from='-', to=':') }}",
    "{{ vars.v2 }}",
];

fn odd() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(&ODD[..]).prop_map(str::to_owned),
        1 => "[a-z0-9_.:#'&~^$\\p{Greek}\\u{202e}\\u{ffff}-]{1,8}",
    ]
}

fn names(count: usize) -> impl Strategy<Value = Vec<String>> {
    prop::collection::btree_set(odd(), count).prop_map(|names| names.into_iter().collect::<Vec<_>>()).prop_shuffle()
}

#[derive(Clone, Debug)]
struct Project {
    regions: Vec<&'static str>,
    /// Whether the regions share one id, and whether they come out of templates.
    same: Option<bool>,
    id_end: &'static str,
    sets: Option<Vec<usize>>,
    labels: Vec<usize>,
    enterprise: Option<&'static str>,
    credential: Option<&'static str>,
    per_set: Option<bool>,
}

fn project() -> impl Strategy<Value = Project> {
    let end = || prop::sample::select(&ENDS[..]);
    let place = (subsequence(&REGIONS[..], 1..=4).prop_shuffle(), prop::option::of(any::<bool>()), end());
    let sets = prop::option::weighted(0.7, subsequence(vec![0, 1, 2, 3], 1..=4).prop_shuffle());
    let labels = subsequence(vec![0, 1, 2], 0..=2);
    let credential = prop::option::weighted(
        0.3,
        prop::sample::select(vec!["emea", "{{ region }}", "c{{ project.name | length }}-{{ region }}"]),
    );
    (
        place,
        sets,
        labels,
        prop::option::weighted(0.4, end()),
        credential,
        prop::option::weighted(0.8, prop::bool::weighted(0.7)),
    )
        .prop_map(|((regions, same, id_end), sets, labels, enterprise, credential, per_set)| Project {
            regions,
            same,
            id_end,
            sets,
            labels,
            enterprise,
            credential,
            per_set,
        })
}

#[derive(Clone, Debug)]
pub(super) struct Shape {
    set_names: Vec<String>,
    project_names: Vec<String>,
    labels: Vec<String>,
    /// Ends of the ids of the first two sets; the others are everything and a selection.
    set_ends: Vec<&'static str>,
    projects: Vec<Project>,
    default_sets: Vec<usize>,
    default_enterprise: Option<&'static str>,
    default_per_set: Option<bool>,
    /// Each selects by label, project, region and set; numbers point into what there is.
    waves: Vec<[Option<usize>; 4]>,
    budgets: Vec<Option<Value>>,
    values: Vec<Value>,
    given: Vec<Option<String>>,
    quota: u32,
    pause: u64,
}

pub(super) fn shapes() -> impl Strategy<Value = Shape> {
    let value = prop_oneof![
        odd().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        prop::sample::select(vec![0.5, -1.25, 1e-7, 1e21]).prop_map(Value::from),
    ];
    let names = (names(4), names(4), names(3));
    let sets = (
        prop::collection::vec(prop::sample::select(&ENDS[..]), 2),
        subsequence(vec![0, 1, 2, 3], 1..=4).prop_shuffle(),
        prop::option::of(prop::sample::select(&ENDS[..])),
        prop::option::of(any::<bool>()),
    );
    let projects = prop::collection::vec(project(), 1..=4);
    let key = || prop::option::weighted(0.3, 0_usize..12);
    let waves = prop::collection::vec([key(), key(), key(), key()], 0..4);
    let budget = prop_oneof![Just(None), Just(Some(json!(0))), Just(Some(json!("5%"))), Just(Some(json!(7)))];
    let values = (prop::collection::vec(value, 3), prop::collection::vec(prop::option::weighted(0.3, odd()), 3));
    let rest = (prop::collection::vec(budget, 4), values, 1_u32..9, 0_u64..5_000_000);
    (names, sets, projects, waves, rest).prop_map(|(names, sets, projects, waves, rest)| Shape {
        set_names: names.0,
        project_names: names.1,
        labels: names.2,
        set_ends: sets.0,
        projects,
        default_sets: sets.1,
        default_enterprise: sets.2,
        default_per_set: sets.3,
        waves,
        budgets: rest.0,
        values: rest.1.0,
        given: rest.1.1,
        quota: rest.2,
        pause: rest.3,
    })
}

impl Shape {
    fn mode(&self, project: &Project) -> bool {
        project.per_set.or(self.default_per_set).unwrap_or(false)
    }

    /// `sync_all_registries` with others in one request is a warning, so there it stands alone.
    fn sets_of(&self, sets: &[usize], per_set: bool) -> Value {
        let alone = !per_set && sets.contains(&2);
        sets.iter().filter(|set| !alone || **set == 2).map(|set| self.set_names[*set].as_str()).collect()
    }

    fn project(&self, index: usize, project: &Project) -> Value {
        let mut entry = json!({ "name": self.project_names[index] });
        let id = format!("id{index}-{}", project.id_end);
        match project.same {
            None => {
                let ids = project.regions.iter().enumerate();
                entry["project_ids"] =
                    ids.map(|(n, region)| ((*region).to_owned(), json!(format!("{n}{id}")))).collect();
            }
            Some(rendered) => {
                entry["project_id"] = json!(id);
                let write = |region: &&str| match rendered {
                    true => format!("{{{{ '{region}' if project.name != 'x' else 'y' }}}}"),
                    false => (*region).to_owned(),
                };
                entry["regions"] = project.regions.iter().map(write).collect();
            }
        }
        if let Some(sets) = &project.sets {
            entry["registry_sets"] = self.sets_of(sets, self.mode(project));
        } else if !self.mode(project) && self.default_sets.contains(&2) {
            entry["registry_sets"] = json!([self.set_names[2]]);
        }
        if !project.labels.is_empty() {
            entry["labels"] = project.labels.iter().map(|label| self.labels[*label].as_str()).collect();
        }
        if let Some(end) = project.enterprise {
            entry["enterprise_project_id"] = json!(format!("e-{end}"));
        }
        if let Some(name) = project.credential {
            entry["credential"] = json!(name);
        }
        if let Some(per_set) = project.per_set {
            entry["requests"] = json!(if per_set { "per-set" } else { "merged" });
        }
        entry
    }

    fn wave(&self, index: usize, keys: [Option<usize>; 4]) -> Option<Value> {
        let project = |n: usize| n % self.projects.len();
        let labels: Vec<usize> = self.projects.iter().flat_map(|project| project.labels.clone()).collect();
        let mut select = json!({});
        if let Some(label) = keys[0].filter(|_| !labels.is_empty()) {
            let first = labels[label % labels.len()];
            let other = labels.iter().find(|other| **other != first).filter(|_| label % 2 == 0);
            select["labels"] = std::iter::once(&first).chain(other).map(|label| self.labels[*label].as_str()).collect();
        }
        if let Some(n) = keys[1] {
            let name = &self.project_names[project(n)];
            // Patterns that may match the new name of a project, beside a name that is there.
            let (more, dashed) = (format!("{name}?*"), "*-?*".to_owned());
            let names = &self.project_names[..self.projects.len()];
            let longer = |other: &String| other.len() > name.len() && other.starts_with(name.as_str());
            let pattern = match n % 4 {
                1 => Some(format!("{}*", name.chars().next().unwrap_or('a'))),
                2 => Some(more).filter(|_| names.iter().any(longer)),
                3 => Some(dashed)
                    .filter(|_| names.iter().any(|name| name.find('-').is_some_and(|at| at + 1 < name.len()))),
                _ => None,
            };
            let keeps_name = n < 6 || pattern.is_none();
            let other = names.last().filter(|other| n % 5 == 0 && *other != name).cloned();
            select["projects"] = pattern.into_iter().chain(keeps_name.then(|| name.clone())).chain(other).collect();
        }
        if let Some(n) = keys[2] {
            let regions = &self.projects[project(n)].regions;
            select["regions"] = match n % 2 {
                0 => json!([regions[0]]),
                _ => json!([format!("{}*", &regions[0][..2]), regions[0]]),
            };
        }
        if let Some(n) = keys[3] {
            let sets = &self.set_names;
            select["sets"] = if n < 6 { json!([sets[n % 4]]) } else { json!([sets[n % 4], sets[(n + 1) % 4]]) };
        }
        let mut wave = json!({ "name": format!("{index}") });
        if select.as_object()?.is_empty() {
            return None;
        }
        wave["select"] = select;
        if let Some(budget) = &self.budgets[index] {
            wave["max_failures"] = budget.clone();
        }
        Some(wave)
    }

    pub(super) fn json(&self) -> Value {
        let registry = |n: usize| {
            json!({ "registries": [
                { "registry_id": format!("{n}e1"), "registry_type": "Jfrog" },
                { "registry_id": format!("r{n}-{}", self.set_ends[n]), "registry_type": "{{ 'Harbor' }}" },
            ] })
        };
        let mut plan = json!({
            "version": 1,
            "name": "off",
            "vars": { "v0": self.values[0], "v1": self.values[1], "v2": self.values[2] },
            "registry_sets": {},
            "defaults": { "registry_sets": self.sets_of(&self.default_sets, true) },
            "projects": [],
            "rollout": { "pause": format!("{}ms", self.pause), "deadline": "6h" },
            "limits": { "quota": { "calls": self.quota, "per": "61s" }, "concurrency": 3 },
            "endpoints": {
                "cn-north-1": "https://hss.example.com",
                "eu-west-101": "https://own.myhuaweicloud.com",
            },
        });
        let select =
            json!({ "select": { "registry_name": "prod-*", "registry_type": ["Harbor", "Other"], "status": "fail" } });
        let sets = [registry(0), registry(1), json!({ "sync_all_registries": true }), select];
        for (name, set) in self.set_names.iter().zip(sets) {
            plan["registry_sets"][name] = set;
        }
        if let Some(end) = self.default_enterprise {
            plan["defaults"]["enterprise_project_id"] = json!(format!("d-{end}"));
        }
        if let Some(per_set) = self.default_per_set {
            plan["defaults"]["requests"] = json!(if per_set { "per-set" } else { "merged" });
        }
        plan["projects"] =
            self.projects.iter().enumerate().map(|(index, project)| self.project(index, project)).collect();
        let mut waves: Vec<Value> =
            self.waves.iter().enumerate().filter_map(|(index, keys)| self.wave(index, *keys)).collect();
        if !waves.is_empty() {
            waves.push(json!({ "name": "rest", "max_failures": "50%" }));
            plan["rollout"]["waves"] = Value::from(waves);
        }
        plan
    }

    pub(super) fn overrides(&self) -> Overrides {
        let given = self.given.iter().enumerate();
        given.filter_map(|(n, value)| Some((format!("v{n}"), VariableValue::Text(value.clone()?)))).collect()
    }
}
