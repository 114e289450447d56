//! From YAML text to operations: the contract's plan, and texts that mean the same.

use proptest::prelude::*;

use crate::diagnostic::{Diagnostic, Style, render};
use crate::expand::{EndpointChain, ExecutionPlan, Overrides, expand};
use crate::plan::{check_structure, decode, validate};
use crate::source::{Source, Sources};
use crate::yaml::parse;

/// Everything from text to execution plan; diagnostics as `validate` prints them.
fn run(text: &str) -> Result<ExecutionPlan, String> {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("plan.yaml", text.to_owned()));
    let show = |found: Vec<Diagnostic>, sources: &Sources| -> String {
        found.iter().map(|diagnostic| render(diagnostic, sources, Style::Plain)).collect()
    };
    let tree = parse(id, sources.get(id)).map_err(|found| show(found, &sources))?;
    let found = check_structure(id, &tree);
    if !found.is_empty() {
        return Err(show(found, &sources));
    }
    let file = decode(id, &tree).map_err(|found| show(found, &sources))?;
    let (plan, _) = validate(file, &[]).map_err(|found| show(found, &sources))?;
    match expand(&[plan], &sources, &Overrides::new(), &EndpointChain::default()) {
        Ok((plan, _)) => Ok(plan),
        Err(found) => Err(show(found, &sources)),
    }
}

const PLAN: &str = r#"version: 1
name: fleet
vars:
  environment: prod
registry_sets:
  harbor:
    registries:
      - { registry_id: "{{ vars.environment }}-1", registry_type: Harbor }
  swr:
    registries:
      - { registry_id: "swr-{{ region }}", registry_type: SwrEnterprise }
defaults:
  registry_sets: [harbor]
projects:
  - name: payments
    project_ids:
      cn-north-4: 0a1b2c
      eu-west-101: lookup
    registry_sets: [harbor, swr]
    labels: [canary]
  - name: search
    project_id: "{{ vars.environment }}-search-{{ region }}"
    regions: [ap-southeast-1, ap-southeast-3]
rollout:
  waves:
    - { name: canary, select: { labels: [canary] }, max_failures: 0 }
    - { name: rest, max_failures: 5% }
  pause: 2m
limits:
  quota: { calls: 5, per: 1m }
"#;

#[test]
fn other_words_for_the_same_plan_have_its_digest() {
    let base = run(PLAN).expect("expands");
    assert_eq!(base.operations.len(), 4);
    for (what, from, to) in [
        ("a comment", "version: 1\n", "# checked every night\nversion: 1\n"),
        ("a description", "name: fleet\n", "name: fleet\ndescription: All of it.\n"),
        ("quotes", "name: fleet\n", "'name': \"fleet\"\n"),
        ("block style", "registry_sets: [harbor, swr]", "registry_sets:\n      - harbor\n      - swr"),
        ("an escape", "\"swr-{{ region }}\"", "\"\\x73wr-{{ region }}\""),
        ("spaces in a template", "\"swr-{{ region }}\"", "\"swr-{{region}}\""),
        ("key order", "{ name: rest, max_failures: 5% }", "{ max_failures: 5%, name: rest }"),
        ("region order", "[ap-southeast-1, ap-southeast-3]", "[ap-southeast-3, ap-southeast-1]"),
        ("another unit", "pause: 2m", "pause: 120s"),
        ("a default written out", "per: 1m }", "per: 60s, scope: address }"),
        ("a template in place of a literal", "0a1b2c", "\"{{ '0a1b2c' }}\""),
    ] {
        let text = PLAN.replacen(from, to, 1);
        assert_ne!(text, PLAN, "{what} is in the plan");
        let other = run(&text).unwrap_or_else(|found| panic!("{what}:\n{found}"));
        assert_eq!(other.digest, base.digest, "{what}");
    }
    let anchored = PLAN
        .replacen("defaults:\n  registry_sets: [harbor]", "defaults:\n  registry_sets: &usual [harbor]", 1)
        .replacen("  - name: search\n", "  - name: search\n    registry_sets: *usual\n", 1);
    assert_eq!(run(&anchored).expect("expands").digest, base.digest, "anchors");
}

#[test]
fn an_undefined_variable_is_shown_at_its_bytes() {
    // By hand: line 11 is `      - { registry_id: "swr-{{ region }}", …`; six spaces, `- { registry_id: "` is 18 long,
    // then `swr-{{ ` is 7, so the name starts in column 32.
    let text = PLAN.replace("swr-{{ region }}", "swr-{{ vars.enviroment }}");
    let shown = run(&text).expect_err("undefined");
    assert!(shown.contains("error[undefined-variable]: `vars.enviroment` is not defined"), "{shown}");
    assert!(shown.contains("--> plan.yaml:11:32\n"), "{shown}");
    assert!(shown.contains("^^^^^^^^^^^^^^^ defined are: vars.environment"), "{shown}");
    assert!(shown.contains("met while rendering 2 operations, first payments in cn-north-4 (set swr)"), "{shown}");
    assert!(shown.contains("did you mean `vars.environment`?"), "{shown}");
}

#[test]
fn the_example_of_the_documentation_is_true() {
    let page = include_str!("../../../docs/expansion.md");
    let (_, rest) = page.split_once("```yaml\n").expect("an example");
    let (text, rest) = rest.split_once("```").expect("its end");
    let plan = run(text).unwrap_or_else(|found| panic!("{found}"));
    let mut rows = String::new();
    for operation in &plan.operations {
        let target = &operation.target;
        let registries: Vec<String> = operation
            .content
            .body
            .registry_info
            .iter()
            .map(|one| format!("{} `{}`", one.registry_type, one.registry_id))
            .collect();
        let wave = &plan.plans[0].waves[operation.wave].name;
        rows += &format!(
            "| {wave} | {} | {} | `{}` | {} |\n",
            target.project,
            target.region,
            target.project_id.as_str(),
            registries.join(", ")
        );
    }
    assert!(rest.contains(&rows), "{rows}");
}

proptest! {
    #[test]
    fn a_quoted_value_reaches_the_body_verbatim_or_is_refused(value in "[a-z\"'{}\\[\\]:,\\\\\n#&*! é]{1,30}") {
        let quoted = serde_json::to_string(&value).expect("JSON strings are YAML strings");
        let text = PLAN.replacen("environment: prod", &format!("environment: {quoted}"), 1);
        if let Ok(plan) = run(&text) {
            let id = plan.operations[0].content.body.registry_info[0].registry_id.as_str();
            prop_assert_eq!(id, format!("{value}-1"));
        }
    }
}
