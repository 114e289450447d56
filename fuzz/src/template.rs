//! A template and what it is rendered for.
//!
//! The input is the template, then after a line `---` lines of `name: value`: `project`, `label` (any number), `region`, `set`,
//! and every other name is a variable.

use std::collections::BTreeMap;

use hss_sync::template::{Engine, MAX_OUTPUT_BYTES, MAX_TEMPLATE_BYTES, Scope, Subject, TemplateError, Value};

/// Bytes of a variable: more is refused where it is used.
const LONGEST_VALUE: usize = 2 * MAX_TEMPLATE_BYTES;

#[derive(Default)]
struct Input<'a> {
    template: &'a str,
    project: &'a str,
    labels: Vec<&'a str>,
    region: &'a str,
    set: &'a str,
    variables: BTreeMap<String, Value>,
}

impl<'a> Input<'a> {
    fn read(text: &'a str) -> Self {
        let (template, rest) = text.split_once("\n---\n").unwrap_or((text, ""));
        let mut input = Self { template, project: "web", region: "cn-north-4", set: "prod", ..Self::default() };
        for (name, value) in rest.lines().filter_map(|line| line.split_once(": ")) {
            match name {
                "project" => input.project = value,
                "label" => input.labels.push(value),
                "region" => input.region = value,
                "set" => input.set = value,
                _ => drop(input.variables.insert(name.to_owned(), typed(value))),
            }
        }
        input
    }
}

fn typed(text: &str) -> Value {
    match (text.parse::<i64>(), text.parse::<f64>(), text.parse::<bool>()) {
        (Ok(number), ..) => Value::Integer(number),
        (_, Ok(number), _) => Value::Float(number),
        (.., Ok(truth)) => Value::Bool(truth),
        _ => Value::Text(text.chars().take(LONGEST_VALUE).collect()),
    }
}

/// # Panics
/// When an invariant breaks.
pub fn check(data: &[u8]) {
    let Some(text) = crate::text(data) else { return };
    let input = Input::read(text);
    for scope in [Scope::Region, Scope::Place, Scope::Registry] {
        check_scope(&input, scope);
    }
}

fn check_scope(input: &Input<'_>, scope: Scope) {
    let subject = Subject {
        project: input.project,
        labels: &input.labels,
        region: (scope != Scope::Region).then_some(input.region),
        registry_set: (scope == Scope::Registry).then_some(input.set),
    };
    let mut engine = Engine::new(input.variables.clone());
    let id = match engine.compile(input.template, scope) {
        Ok(id) => id,
        Err(error) => return check_error(&error, input.template),
    };
    assert!(input.template.len() <= MAX_TEMPLATE_BYTES, "{} bytes were compiled", input.template.len());
    assert_eq!(engine.compile(input.template, scope), Ok(id), "compiled twice");
    let rendered = engine.render(id, &subject);
    match &rendered {
        Ok(output) => {
            assert!(output.len() <= MAX_OUTPUT_BYTES, "{} bytes were rendered", output.len());
            if !input.template.contains(['{', '}']) {
                assert_eq!(output, input.template, "a text without expressions");
            }
        }
        Err(error) => check_error(error, input.template),
    }
    assert_eq!(engine.render(id, &subject), rendered, "rendered twice");
    let mut other = Engine::new(input.variables.clone());
    let other_id = other.compile(input.template, scope).expect("compiled before");
    assert_eq!(other.render(other_id, &subject), rendered, "rendered by another engine");

    // It depends on what it says, and on nothing else.
    let uses = engine.uses(id);
    let labels = ["another"];
    let changed = Subject {
        project: if uses.project { subject.project } else { "another" },
        labels: if uses.project { subject.labels } else { &labels },
        region: if uses.region { subject.region } else { subject.region.map(|_| "another") },
        registry_set: if uses.registry_set { subject.registry_set } else { subject.registry_set.map(|_| "another") },
    };
    assert_eq!(engine.render(id, &changed), rendered, "it uses more than {uses:?}");
}

fn check_error(error: &TemplateError, template: &str) {
    assert!(template.get(error.range.clone()).is_some(), "{:?} of {} bytes", error.range, template.len());
}
