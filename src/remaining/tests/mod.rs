//! Plans in, what is left of them out, and back through the road that every plan takes.

mod examples;
mod properties;
mod shape;

use super::{Left, Remaining, remaining};
use crate::diagnostic::{Diagnostic, Style, render};
use crate::event::OpIndex;
use crate::expand::{EndpointChain, ExecutionPlan, Overrides, expand};
use crate::model::RunId;
use crate::plan::{ValidatedPlan, check_structure, decode, validate};
use crate::source::{Source, Sources};
use crate::yaml;

/// Plans that were read and expanded.
struct Read {
    plans: Vec<ValidatedPlan>,
    plan: ExecutionPlan,
    overrides: Overrides,
    warnings: Vec<String>,
}

/// Everything that is wrong with texts, as `validate` prints it, or the plans with their warnings.
fn read(texts: &[&str], overrides: &Overrides) -> Result<Read, String> {
    let mut sources = Sources::default();
    let mut plans = Vec::new();
    let mut warnings = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let id = sources.add(Source::new(format!("p{index}.yaml"), (*text).to_owned()));
        let tree = yaml::parse(id, sources.get(id)).map_err(|found| shown(&found, &sources))?;
        let found = check_structure(id, &tree);
        if !found.is_empty() {
            return Err(shown(&found, &sources));
        }
        let decoded = decode(id, &tree).map_err(|found| shown(&found, &sources))?;
        let allowed = ["hss.example.com".to_owned()];
        let (plan, found) = validate(decoded, &allowed).map_err(|found| shown(&found, &sources))?;
        plans.push(plan);
        warnings.extend(found);
    }
    let expanded = expand(&plans, &sources, overrides, &EndpointChain::default());
    let (plan, found) = expanded.map_err(|found| shown(&found, &sources))?;
    warnings.extend(found);
    let warnings = warnings.iter().map(|warning| warning.code.as_str().to_owned()).collect();
    Ok(Read { plans, plan, overrides: overrides.clone(), warnings })
}

fn shown(found: &[Diagnostic], sources: &Sources) -> String {
    found.iter().map(|diagnostic| render(diagnostic, sources, Style::Plain)).collect()
}

#[track_caller]
fn good(text: &str) -> Read {
    read(&[text], &Overrides::new()).unwrap_or_else(|found| panic!("{found}\n{text}"))
}

fn run() -> RunId {
    RunId::parse("20261124-080000-7f3a").expect("legal")
}

impl Read {
    fn left(&self, left: &[(OpIndex, Left)]) -> Vec<Remaining> {
        remaining(&self.plans, &self.overrides, &self.plan, left, &run())
    }

    /// The one text that is left.
    #[track_caller]
    fn text(&self, left: &[(OpIndex, Left)]) -> String {
        let mut found = self.left(left);
        assert_eq!(found.len(), 1);
        found.remove(0).text.expect("it can be written")
    }

    /// `wave project/region (sets)` of each operation.
    fn lines(&self) -> Vec<String> {
        let line = |op: &crate::model::Operation| {
            let wave = &self.plan.plans[op.plan].waves[op.wave].name;
            let sets: Vec<&str> = op.sets.iter().map(|set| set.as_str()).collect();
            format!("{wave} {}/{} ({})", op.target.project, op.target.region, sets.join(", "))
        };
        self.plan.operations.iter().map(line).collect()
    }
}
