//! The plans of this repository: right, without a warning, and between them with every key there is.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Read;
use crate::plan::{PLAN_SCHEMA, Places};
use crate::yaml::{Kind, Node};

const PLANS: [(&str, &str); 4] = [
    ("quickstart", include_str!("../../../plans/quickstart.yaml")),
    ("multi-region", include_str!("../../../plans/multi-region.yaml")),
    ("canary-waves", include_str!("../../../plans/canary-waves.yaml")),
    ("everything", include_str!("../../../plans/everything.yaml")),
];

fn schema() -> Value {
    serde_json::from_str(PLAN_SCHEMA).expect("JSON")
}

/// Calls `visit` for each property of each object of a schema, with the path to it.
fn each_property<'s>(schema: &'s Value, path: &str, visit: &mut impl FnMut(String, &'s str, &'s Value)) {
    match schema {
        Value::Object(members) => {
            for (key, member) in members {
                if key == "properties" {
                    for (name, property) in member.as_object().expect("properties") {
                        visit(format!("{path}/{name}"), name, property);
                    }
                }
                if !matches!(key.as_str(), "examples" | "default") {
                    each_property(member, &format!("{path}/{key}"), visit);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| each_property(item, path, visit)),
        _ => {}
    }
}

#[test]
fn shipped_plans_are_right_and_without_a_warning() {
    for (name, text) in PLANS {
        let (plan, warnings) = Read::new(text).validate(&[]).unwrap_or_else(|found| panic!("{name}: {found:#?}"));
        assert_eq!((plan.file().name.value.as_str(), warnings), (name, Vec::new()));
        let first = text.lines().next();
        assert_eq!(first, Some("# yaml-language-server: $schema=../schemas/plan.schema.json"), "{name}");
    }
}

#[test]
fn the_quick_start_never_waits_for_quota() {
    let (plan, _) = Read::new(PLANS[0].1).validate(&[]).expect("right");
    let mut calls = std::collections::BTreeMap::<&str, usize>::new();
    for project in &plan.file().projects {
        let of_place = if project.requests.is_some() { 2 } else { 1 };
        match &project.places {
            Places::PerRegion(places) => {
                places.iter().for_each(|place| *calls.entry(place.region.value.as_str()).or_default() += of_place);
            }
            Places::Same { regions, .. } => {
                regions.iter().for_each(|region| *calls.entry(&region.text).or_default() += of_place);
            }
        }
    }
    assert_eq!(calls.values().sum::<usize>(), 13);
    assert!(calls.values().all(|calls| *calls <= 5), "{calls:?}");
}

#[test]
fn the_schema_is_draft_07_and_explains_every_property() {
    let schema = schema();
    jsonschema::meta::validate(&schema).expect("valid against the draft-07 meta-schema");
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    let mut properties = 0;
    each_property(&schema, "", &mut |path, _, property| {
        properties += 1;
        let description = property["description"].as_str().unwrap_or_default();
        assert!(description.len() > 20 && description.ends_with(['.', ',']), "{path}: {description:?}");
    });
    // By hand: a plan has 10, its defaults 4, rollout 4, limits 5, quota 3, retry 3, a set 3, its selection 3, a registry 2,
    // a project 9, a wave 3, its selection 4.
    assert_eq!(properties, 53);
}

#[test]
fn every_object_of_the_schema_refuses_unknown_keys() {
    fn walk(schema: &Value, path: &str) {
        if let Value::Object(members) = schema {
            if members.contains_key("properties") && members.get("type").is_some() {
                assert_eq!(members.get("additionalProperties"), Some(&Value::Bool(false)), "{path}");
            }
            members.iter().for_each(|(key, member)| walk(member, &format!("{path}/{key}")));
        }
    }
    walk(&schema(), "");
}

#[test]
fn every_default_and_example_of_the_schema_is_allowed_by_it() {
    let schema = schema();
    let mut checked = 0;
    let mut check = |path: String, _: &str, property: &Value| {
        let mut alone = property.clone();
        alone["definitions"] = schema["definitions"].clone();
        let validator = jsonschema::draft7::new(&alone).expect("a schema");
        let examples = property["examples"].as_array().cloned().unwrap_or_default();
        for value in examples.iter().chain(property.get("default")) {
            checked += 1;
            // `{}` as the default of an optional object is shorthand for "nothing of it is said".
            assert!(validator.is_valid(value), "{path}: {value}");
        }
    };
    each_property(&schema, "", &mut check);
    assert!(checked > 40, "{checked}");
}

#[test]
fn everything_yaml_has_every_key_of_the_schema() {
    fn keys(node: Node<'_>, into: &mut BTreeSet<String>) {
        match node.kind() {
            Kind::Sequence => node.items().for_each(|item| keys(item, into)),
            Kind::Mapping => node.entries().for_each(|entry| {
                into.insert(entry.key.to_owned());
                keys(entry.value, into);
            }),
            _ => {}
        }
    }
    let read = Read::new(PLANS[3].1);
    let tree = crate::yaml::parse(read.id, read.sources.get(read.id)).expect("well-formed");
    let mut written = BTreeSet::new();
    keys(tree.root(), &mut written);
    each_property(&schema(), "", &mut |path, name, _| {
        assert!(written.contains(name), "{path} is not in everything.yaml")
    });
}

#[test]
fn the_reference_names_every_key_and_its_plan_is_right() {
    let page = include_str!("../../../docs/plan.md");
    each_property(&schema(), "", &mut |path, name, _| {
        let named = [format!("`{name}`"), format!(".{name}`"), format!("`{name}.")]
            .iter()
            .any(|form| page.contains(form.as_str()));
        assert!(named, "{path} is not in docs/plan.md");
    });
    let plan =
        page.split("```yaml\n").filter_map(|part| part.split("```").next()).find(|part| part.starts_with("version: 1"));
    let (_, warnings) = Read::new(plan.expect("a whole plan")).validate(&[]).expect("right");
    assert_eq!(warnings, []);
}
