//! Two plans in, lines out.

mod examples;
mod properties;

use super::{Difference, Side, difference};
use crate::expand::{EndpointChain, ExecutionPlan, Overrides, expand};
use crate::plan::{check_structure, decode, validate};
use crate::source::{Source, Sources};
use crate::yaml;

/// A batch, expanded.
struct Batch {
    plan: ExecutionPlan,
    sources: Sources,
}

/// Expands plans, given as path and text.
#[track_caller]
fn batch(files: &[(&str, &str)]) -> Batch {
    let mut sources = Sources::default();
    let mut plans = Vec::new();
    for (path, text) in files {
        let id = sources.add(Source::new(*path, (*text).to_owned()));
        let tree = yaml::parse(id, sources.get(id)).expect("YAML");
        assert_eq!(check_structure(id, &tree), [], "\n{text}");
        plans.push(validate(decode(id, &tree).expect("a plan"), &[]).expect("a valid plan").0);
    }
    let expanded = expand(&plans, &sources, &Overrides::new(), &EndpointChain::default());
    Batch { plan: expanded.expect("it expands").0, sources }
}

impl Batch {
    fn to(&self, new: &Self) -> Difference {
        difference(Side::expanded(&self.plan, &self.sources), Side::expanded(&new.plan, &new.sources))
    }
}

/// Line 6 is the first registry, lines 13 to 21 hold the projects.
const PLAN: &str = r#"version: 1
name: fleet
registry_sets:
  harbor:
    registries:
      - { registry_id: h-1, registry_type: Harbor }
  swr: { registries: [{ registry_id: "swr-{{ region }}", registry_type: SwrEnterprise }] }
  all: { sync_all_registries: true }
  found: { select: { registry_type: [Harbor, Jfrog], registry_name: prod-* } }
defaults: { registry_sets: [harbor, swr] }
projects:
  - name: payments
    project_ids:
      cn-north-4: pay-4
      cn-east-3: pay-3
    labels: [canary]
  - { name: search, project_ids: { eu-west-101: search-eu }, registry_sets: [all] }
  - name: billing
    project_ids: { cn-north-4: billing-4 }
    registry_sets: [harbor, found]
    requests: per-set
rollout:
  max_operations: 50
  deadline: 6h
  waves:
    - { name: canary, select: { labels: [canary] }, max_failures: 0 }
    - { name: rest, max_failures: 5% }
  pause: 2m
limits:
  quota: { calls: 5, per: 1m, scope: address }
  concurrency: 8
  region_concurrency: 4
  attempt_timeout: 75s
  retry: { max_attempts: 5, initial_delay: 1s, max_delay: 5m }
"#;
