//! Hosts that only the operator's word of today can choose.
//!
//! A plan and a journal are files that may come with somebody else's change. What they name outside Huawei Cloud gets signed
//! requests and tokens only if a flag, the environment or the operator's own regions file names it as well.

use crate::expand::{EndpointChain, ExecutionPlan};
use crate::plan::is_allowed_host;

/// The hosts, each once and in plan order, that operations go to and that neither lie in Huawei Cloud or on this machine nor
/// are named by `known` or `allowed`.
pub(super) fn hosts_outside(plan: &ExecutionPlan, known: &EndpointChain, allowed: &[String]) -> Vec<String> {
    let mut hosts = Vec::new();
    for operation in &plan.operations {
        let (endpoint, region) = (&operation.endpoint, &operation.target.region);
        let own = [&known.by_region, &known.from_file].into_iter().any(|map| map.get(region) == Some(endpoint));
        if own || endpoint.is_loopback() || is_allowed_host(endpoint, allowed) {
            continue;
        }
        let host = endpoint.host().to_owned();
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    hosts
}
