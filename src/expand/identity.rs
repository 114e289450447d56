//! What makes an operation, a request and a plan the same one tomorrow: ids, duplicates, digests.
//!
//! Hashes are taken over length-prefixed fields or JSON with a fixed order of keys, never over positions, paths or
//! layout. `docs/expansion.md` says what changes them.

use std::collections::BTreeSet;
use std::time::Duration;

use ahash::{HashMap, HashMapExt as _};
use sha2::{Digest as _, Sha256};

use crate::model::{
    Content, Endpoint, InvalidValue, Limits, Operation, OperationId, PlanDigest, ProjectRef, RegistryRef, Selector,
    Target,
};
use crate::plan::PlanFile;

/// Hexadecimal digits of the hash in an operation's id, unless two ids would be equal.
const ID_DIGITS: usize = 8;

/// Hashes of one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// Equal for operations that would be the same request. A project that is looked up is the credential's, so
    /// there the credential is part of it; elsewhere it only says who asks.
    pub(super) request: [u8; 32],
    /// Equal for the same operation: the request and its credential.
    pub(super) operation: [u8; 32],
}

/// The content with everything sorted whose order means nothing.
#[derive(serde::Serialize)]
struct Canonical<'a> {
    sync_all_registries: bool,
    registry_info: Vec<&'a RegistryRef>,
    select: Vec<CanonicalSelector<'a>>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
struct CanonicalSelector<'a> {
    registry_type: Vec<&'static str>,
    registry_name: Option<&'a str>,
    status: Option<&'a str>,
}

impl<'a> Canonical<'a> {
    fn new(content: &'a Content) -> Self {
        let mut registry_info: Vec<_> = content.body.registry_info.iter().collect();
        registry_info.sort_unstable();
        let mut select: Vec<_> = content.selectors.iter().map(CanonicalSelector::new).collect();
        select.sort_unstable();
        Self { sync_all_registries: content.body.sync_all_registries, registry_info, select }
    }
}

impl<'a> CanonicalSelector<'a> {
    fn new(selector: &'a Selector) -> Self {
        let mut registry_type: Vec<_> = selector.registry_type.iter().map(|kind| kind.as_str()).collect();
        registry_type.sort_unstable();
        registry_type.dedup();
        let (registry_name, status) = (selector.registry_name.as_deref(), selector.status.as_deref());
        Self { registry_type, registry_name, status }
    }
}

/// The hash of what is asked for; shared by all places that ask for it.
pub(super) fn content_hash(content: &Content) -> [u8; 32] {
    let mut hash = Hash::default();
    hash.json(&Canonical::new(content));
    hash.finish()
}

/// The hashes of an operation.
pub(super) fn identify(target: &Target, content_hash: &[u8; 32]) -> Identity {
    let mut hash = Hash::default();
    let looked_up_by = match &target.project_id {
        ProjectRef::Id(_) => "",
        ProjectRef::Lookup => target.credential.as_str(),
    };
    let kind = if looked_up_by.is_empty() { "id" } else { "lookup" };
    for field in
        [kind, target.project_id.as_str(), looked_up_by, target.region.as_str(), target.enterprise_project_id.as_str()]
    {
        hash.field(field.as_bytes());
    }
    hash.field(content_hash);
    let request = hash.finish();
    let mut hash = Hash::default();
    hash.field(&request);
    hash.field(target.credential.as_str().as_bytes());
    Identity { request, operation: hash.finish() }
}

/// `{project}/{region}/{enterprise project}/{digits of the hash}`, written in `text`, which is empty or holds another id.
pub(super) fn operation_id(
    target: &Target,
    identity: &Identity,
    digits: usize,
    text: &mut String,
) -> Result<OperationId, InvalidValue> {
    text.clear();
    for part in [target.project.as_str(), target.region.as_str(), target.enterprise_project_id.as_str()] {
        text.push_str(part);
        text.push('/');
    }
    push_hex(text, &identity.operation, digits);
    OperationId::parse(text)
}

/// Gives every operation its id: unique in the batch, with more digits where the usual ones would be equal.
pub(super) fn assign_ids(operations: &mut [Operation], identities: &[Identity]) -> Result<(), InvalidValue> {
    assign_ids_from(operations, identities, ID_DIGITS)
}

pub(super) fn assign_ids_from(
    operations: &mut [Operation],
    identities: &[Identity],
    shortest: usize,
) -> Result<(), InvalidValue> {
    let mut digits = shortest;
    let mut text = String::new();
    let mut open: Vec<usize> = (0..operations.len()).collect();
    while !open.is_empty() {
        for index in &open {
            let operation = &mut operations[*index];
            operation.id = operation_id(&operation.target, &identities[*index], digits, &mut text)?;
        }
        let mut taken: HashMap<&str, usize> = HashMap::with_capacity(open.len());
        let mut equal = BTreeSet::new();
        for index in open {
            if let Some(other) = taken.insert(operations[index].id.as_str(), index) {
                equal.extend([other, index]);
            }
        }
        if digits >= 64 {
            break;
        }
        open = equal.into_iter().collect();
        digits = (digits * 2).min(64);
    }
    Ok(())
}

#[derive(serde::Serialize)]
struct CanonicalPlan<'a> {
    version: u32,
    name: &'a str,
    waves: Vec<(&'a str, Option<String>)>,
    pause: u64,
    deadline: Option<u64>,
    max_operations: usize,
    quota: (u32, u64, &'static str),
    concurrency: u32,
    region_concurrency: u32,
    attempt_timeout: u64,
    retry: (u32, u64, u64),
}

/// The digest of one plan: over its waves and limits as stated, and its operations with the plan's own endpoints.
pub(super) fn plan_digest(
    file: &PlanFile,
    waves: &[&str],
    operations: &[Operation],
    identities: &[Identity],
) -> Result<PlanDigest, InvalidValue> {
    let own: HashMap<&str, &Endpoint> =
        file.endpoints.iter().map(|(region, endpoint)| (region.value.as_str(), &endpoint.value)).collect();
    let mut hash = Hash::default();
    hash.json(&canonical_plan(file, waves));
    // In the order of hash and project. The hash's beginning, which nearly always decides, stands beside the index.
    let beginning = |identity: &Identity| identity.operation.first_chunk().copied().map_or(0, u64::from_be_bytes);
    let mut order: Vec<(u64, usize)> = identities.iter().map(beginning).zip(0..operations.len()).collect();
    let rest = |index: usize| (&identities[index].operation, operations[index].target.project.as_str());
    order.sort_unstable_by(|one, other| one.0.cmp(&other.0).then_with(|| rest(one.1).cmp(&rest(other.1))));
    for (_, index) in order {
        let Operation { target, wave, .. } = &operations[index];
        // The operation's own hash stands for region, project id, enterprise project, credential and content.
        hash.field(target.project.as_str().as_bytes());
        hash.field(&identities[index].operation);
        hash.field(waves.get(*wave).copied().unwrap_or_default().as_bytes());
        hash.field(own.get(target.region.as_str()).map_or("", |endpoint| endpoint.as_str()).as_bytes());
    }
    hash.digest()
}

fn canonical_plan<'a>(file: &'a PlanFile, waves: &[&'a str]) -> CanonicalPlan<'a> {
    let Limits { quota, concurrency, region_concurrency, attempt_timeout, retry } = file.limits;
    let budget = |index: usize| file.rollout.waves.get(index).and_then(|wave| wave.max_failures);
    CanonicalPlan {
        version: 1,
        name: &file.name.value,
        waves: waves
            .iter()
            .enumerate()
            .map(|(index, name)| (*name, budget(index).map(|stated| stated.to_string())))
            .collect(),
        pause: nanoseconds(file.rollout.pause),
        deadline: file.rollout.deadline.as_ref().map(|deadline| nanoseconds(deadline.value)),
        max_operations: file.rollout.max_operations,
        quota: (quota.calls.get(), nanoseconds(quota.per), quota.scope.as_str()),
        concurrency: concurrency.get(),
        region_concurrency: region_concurrency.get(),
        attempt_timeout: nanoseconds(attempt_timeout),
        retry: (retry.max_attempts.get(), nanoseconds(retry.initial_delay), nanoseconds(retry.max_delay)),
    }
}

/// The digest of a batch: a single plan's own; else over the sorted digests, so that the order of files means nothing.
pub(super) fn batch_digest<'a>(plans: impl Iterator<Item = &'a PlanDigest>) -> Result<PlanDigest, InvalidValue> {
    let mut digests: Vec<&PlanDigest> = plans.collect();
    if let [only] = digests.as_slice() {
        return Ok((*only).clone());
    }
    digests.sort_unstable();
    let mut hash = Hash::default();
    for digest in digests {
        hash.field(digest.as_str().as_bytes());
    }
    hash.digest()
}

/// A digest over another one and these values, whose order counts.
pub(super) fn digest_over<'a>(
    digest: &PlanDigest,
    values: impl Iterator<Item = &'a str>,
) -> Result<PlanDigest, InvalidValue> {
    let mut hash = Hash::default();
    hash.field(digest.as_str().as_bytes());
    values.for_each(|value| hash.field(value.as_bytes()));
    hash.digest()
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn push_hex(text: &mut String, bytes: &[u8], digits: usize) {
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    text.extend(nibbles.take(digits).filter_map(|nibble| char::from_digit(u32::from(nibble), 16)));
}

/// Bytes that are collected before they are hashed: many small updates cost more than one.
const BLOCK: usize = 16 * 1024;

struct Hash {
    sha: Sha256,
    pending: Vec<u8>,
}

impl Default for Hash {
    /// With room for the fields of one operation.
    fn default() -> Self {
        Self { sha: Sha256::default(), pending: Vec::with_capacity(256) }
    }
}

impl Hash {
    /// Adds bytes with their length, so that two fields can't flow into each other.
    fn field(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        self.pending.extend_from_slice(bytes);
        self.flush_block();
    }

    /// Adds one line of JSON. Its strings hold no line feed, so lines can't flow into each other.
    fn json(&mut self, value: &impl serde::Serialize) {
        // Plain structs into memory have no way to fail.
        let written = serde_json::to_writer(&mut self.pending, value);
        debug_assert!(written.is_ok());
        self.pending.push(b'\n');
        self.flush_block();
    }

    fn flush_block(&mut self) {
        if self.pending.len() >= BLOCK {
            self.sha.update(&self.pending);
            self.pending.clear();
        }
    }

    fn finish(mut self) -> [u8; 32] {
        self.sha.update(&self.pending);
        self.sha.finalize().into()
    }

    fn digest(self) -> Result<PlanDigest, InvalidValue> {
        let mut text = "sha256:".to_owned();
        push_hex(&mut text, &self.finish(), 64);
        PlanDigest::parse(&text)
    }
}
