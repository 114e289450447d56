//! Operations that would be the same request, in one plan or in two.

use ahash::{HashMap, HashMapExt as _};

use super::places::Expanded;
use super::render::Findings;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::Operation;
use crate::template::Subject;

/// Records an error for each pair of entries that plan the same requests, whatever their number of regions.
pub(super) fn refuse_duplicates(expanded: &Expanded, findings: &mut Findings) {
    let mut seen: HashMap<&[u8; 32], &Operation> = HashMap::with_capacity(expanded.operations.len());
    let mut pairs = HashMap::new();
    for (operation, identity) in expanded.operations.iter().zip(&expanded.identities) {
        let Some(first) = seen.get(&identity.request) else {
            seen.insert(&identity.request, operation);
            continue;
        };
        let target = &operation.target;
        let pair = (first.plan, &first.target.project, operation.plan, &target.project);
        let cause = *pairs.entry(pair).or_insert_with(|| {
            let name = format!("{}/{}", first.plan, first.target.project);
            findings.cause(operation.location, Code::DuplicateOperation, &name, || diagnose(first, operation))
        });
        let subject =
            Subject { project: target.project.as_str(), region: Some(target.region.as_str()), ..Subject::default() };
        findings.met(cause, &subject, 1);
    }
}

fn diagnose(first: &Operation, second: &Operation) -> Diagnostic {
    let (one, other) = (&first.target, &second.target);
    let message =
        format!("{} in {} is the same request as {} in {}", other.project, other.region, one.project, one.region);
    Diagnostic::at(Code::DuplicateOperation, second.location.source, second.location.span, message)
        .label("same project id, region, enterprise project and registries")
        .also(first.location, "planned here before")
        .help("remove one of the two; another credential does not make it another request")
}
