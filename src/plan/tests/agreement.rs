//! The schema and the decoder agree: what the one accepts, the other can give types to.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::Read;
use crate::diagnostic::Code;

/// A scalar of any kind, some right somewhere, most wrong.
fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2i64..2000).prop_map(Value::from),
        prop::sample::select(vec![0.5, 1.0, 2.5e10, 12.0]).prop_map(Value::from),
        prop::sample::select(vec![
            "",
            "a",
            "web",
            "all",
            "Harbor",
            "jfrog",
            "cn-north-4",
            "CN",
            "lookup",
            "{{ region }}",
            "{{ vars.a }}",
            "{% x %}",
            "a b",
            "x{",
            "..",
            "0",
            "12e5",
            "true",
            "5%",
            "101%",
            "05%",
            "75s",
            "1h 30m",
            "PT5M",
            "merged",
            "per-set",
            "user",
            "success",
            "pay*",
            "w[",
            "https://hss.cn-north-4.myhuaweicloud.com",
            "https://x",
            "http://x/y",
            "é",
            "\u{85}",
            "\u{feff}",
            "\u{2028}",
            "a\nb",
            "emea",
            "Emea",
        ])
        .prop_map(Value::from),
        "[a-z0-9{}_. -]{0,70}".prop_map(Value::from),
    ]
}

/// A value of any shape.
fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((key(), inner), 0..3).prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "name",
        "select",
        "registries",
        "regions",
        "cn-north-4",
        "a",
        "waves",
        "1a",
        "quota",
        "x y",
        "{{ a }}",
    ])
    .prop_map(str::to_owned)
}

/// A plan with every key, as JSON (which is YAML).
fn plan() -> Value {
    json!({
        "version": 1, "name": "p", "description": "d", "vars": { "a": "x", "b": 1, "c": true, "d": 1.5 },
        "registry_sets": {
            "all": { "sync_all_registries": true },
            "named": { "registries": [{ "registry_id": "{{ vars.a }}", "registry_type": "Harbor" }] },
            "found": { "select": { "registry_type": ["Harbor"], "registry_name": "x*", "status": "fail" } },
        },
        "defaults": { "enterprise_project_id": "0", "registry_sets": ["all"], "credential": "default", "requests": "merged" },
        "projects": [
            { "name": "web", "project_ids": { "cn-north-4": "x" }, "labels": ["l"], "registry_sets": ["named", "found"] },
            { "name": "b", "project_id": "{{ region }}", "regions": ["cn-north-4"], "credential": "e", "requests": "per-set",
              "enterprise_project_id": "all_granted_eps" },
        ],
        "rollout": { "max_operations": 5, "deadline": "1h", "pause": "1s", "waves": [
            { "name": "w", "select": { "labels": ["l"], "projects": ["web"], "regions": ["cn-*"], "sets": ["all"] }, "max_failures": 0 },
            { "name": "r", "max_failures": "5%" } ] },
        "limits": { "quota": { "calls": 5, "per": "1m", "scope": "user" }, "concurrency": 1, "region_concurrency": 2,
            "attempt_timeout": "75s", "retry": { "max_attempts": 5, "initial_delay": "1s", "max_delay": "5m" } },
        "endpoints": { "cn-north-4": "https://hss.cn-north-4.myhuaweicloud.com" },
    })
}

/// Every place in a value.
fn pointers(value: &Value, at: String, into: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(key, member)| pointers(member, format!("{at}/{}", key.replace('/', "~1")), into));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| pointers(item, format!("{at}/{index}"), into));
        }
        _ => {}
    }
    into.push(at);
}

/// What is done to a place of a plan.
#[derive(Clone, Debug)]
enum Mutation {
    Replace(Value),
    Remove,
    AddKey(String, Value),
    Append(Value),
    Repeat,
}

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        4 => value().prop_map(Mutation::Replace),
        2 => Just(Mutation::Remove),
        2 => (key(), value()).prop_map(|(key, value)| Mutation::AddKey(key, value)),
        1 => value().prop_map(Mutation::Append),
        1 => Just(Mutation::Repeat),
    ]
}

fn apply(plan: &mut Value, place: prop::sample::Index, mutation: Mutation) {
    let mut all = Vec::new();
    pointers(plan, String::new(), &mut all);
    let pointer = place.get(&all).clone();
    // The root can be replaced, not removed.
    let (parent, last) = pointer.rsplit_once('/').unwrap_or(("/none", ""));
    match (mutation, plan.pointer_mut(&pointer)) {
        (Mutation::Replace(new), Some(target)) => *target = new,
        (Mutation::AddKey(key, new), Some(Value::Object(members))) => drop(members.insert(key, new)),
        (Mutation::Append(new), Some(Value::Array(items))) => items.push(new),
        (Mutation::Repeat, Some(Value::Array(items))) => items.extend(items.first().cloned()),
        (Mutation::Remove, _) => match plan.pointer_mut(parent) {
            Some(Value::Object(members)) => drop(members.shift_remove(last)),
            Some(Value::Array(items)) => drop(items.remove(last.parse().expect("an index"))),
            _ => {}
        },
        _ => {}
    }
}

/// A pattern of the schema and a constructor of the model state the same rule twice, for editors and for us.
#[test]
fn the_schema_and_the_model_draw_the_same_lines() {
    let schema: Value = serde_json::from_str(crate::plan::PLAN_SCHEMA).expect("JSON");
    let registry_id = "#/definitions/registry/properties/registry_id";
    for (part, noun) in [
        ("#/definitions/name", "a project name"),
        ("#/definitions/region", "a region"),
        ("#/definitions/project_id", "a project id"),
        ("#/definitions/enterprise_project_id", "an enterprise project id"),
        ("#/definitions/credential", "a credential name"),
        ("#/properties/vars/propertyNames", "a variable name"),
        (registry_id, "a registry id"),
    ] {
        let part = json!({ "allOf": [{ "$ref": part }], "definitions": schema["definitions"], "properties": schema["properties"] });
        let validator = jsonschema::draft7::new(&part).expect("a schema");
        let of_length = [0, 1, 2, 62, 63, 64, 65, 255, 256, 257].map(|length| "a".repeat(length));
        let with_char = (0..0x3100).chain(0xFE00..0xFFFF).filter_map(char::from_u32).map(|c| format!("a{c}b"));
        let edges = ["-a", "a-", "_a", "1a", "A", ".", "..", "...", "é"].map(str::to_owned);
        for text in of_length.into_iter().chain(with_char).chain(edges) {
            let model = crate::plan::words::objection(noun, &text).is_none();
            assert_eq!(validator.is_valid(&json!(text)), model, "{noun}: {text:?}");
        }
    }
}

#[test]
fn the_plan_that_is_mutated_is_right() {
    assert!(Read::new(&plan().to_string()).validate(&[]).is_ok());
}

/// The library's own validator of plain JSON, against which ours over the tree is held.
static PLAIN: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    jsonschema::draft7::new(&serde_json::from_str(crate::plan::PLAN_SCHEMA).expect("JSON")).expect("a schema")
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    /// Whatever the schema accepts decodes without a structural error, and whatever it refuses is explained in our own words at a
    /// place inside the text. Nothing panics, not even decoding what did not pass.
    #[test]
    fn the_schema_and_the_decoder_agree(mutations in prop::collection::vec((any::<prop::sample::Index>(), mutation()), 0..3)) {
        let mut plan = plan();
        for (place, mutation) in mutations {
            apply(&mut plan, place, mutation);
        }
        let text = plan.to_string();
        let accepted = PLAIN.is_valid(&plan);
        let read = Read::new(&text);
        let Ok(tree) = crate::yaml::parse(read.id, read.sources.get(read.id)) else { return Ok(()) };
        let structure = crate::plan::check_structure(read.id, &tree);
        prop_assert_eq!(accepted, structure.is_empty(), "{:#?}\n{}", structure, text);
        for diagnostic in &structure {
            let line = read.line(diagnostic);
            prop_assert!(!line.contains("under any of the given schemas"), "{}", line);
            prop_assert!(diagnostic.notes.is_empty(), "no words of our own: {:#?}\n{}", diagnostic, text);
            prop_assert!(!diagnostic.message.contains('\n'), "{}", line);
        }
        match crate::plan::decode(read.id, &tree) {
            Ok(file) => {
                // No panic in what follows either.
                let _ = crate::plan::validate(file, &[]);
            }
            Err(found) => {
                prop_assert!(!found.is_empty());
                let values = [Code::InvalidValue, Code::OutOfRange, Code::NumberAsId, Code::BooleanAsId];
                for diagnostic in &found {
                    prop_assert!(!accepted || values.contains(&diagnostic.code), "{:#?}\n{}", diagnostic, text);
                }
            }
        }
    }
}
