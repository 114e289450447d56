//! From an execution plan to the first state of the schedule: queues, gates, buckets.

use std::time::Duration;

use ahash::{HashMap, HashMapExt as _};

use super::gate::{BucketState, CredentialState, Gates, Place, Queue};
use super::{Budget, CallElsewhere, History, OpState, PastState, Phase, PlanState, ScheduleOptions, WaveState};
use crate::expand::ExecutionPlan;
use crate::model::{CredentialName, Endpoint, Operation, QuotaScope, Region};
use crate::policy::Bucket;

/// The parts of a new [`super::Schedule`].
pub(super) struct Layout {
    pub(super) plans: Vec<PlanState>,
    pub(super) ops: Vec<OpState>,
    pub(super) order: Vec<u32>,
    pub(super) queues: Vec<Queue>,
    pub(super) gates: Gates,
    pub(super) buckets: Vec<BucketState>,
    pub(super) credentials: Vec<CredentialState>,
    /// The bucket of each call of another run; none if nothing of this one shares it.
    pub(super) elsewhere: Vec<Option<u32>>,
}

/// What operations of one queue have in common.
#[derive(PartialEq, Eq, Hash)]
struct QueueKey<'a> {
    plan: usize,
    wave: usize,
    endpoint: &'a Endpoint,
    region: &'a Region,
    credential: &'a CredentialName,
}

/// What shares a bucket, as far as the scope looks.
#[derive(PartialEq, Eq, Hash)]
struct BucketKey<'a> {
    endpoint: Option<&'a Endpoint>,
    credential: Option<&'a CredentialName>,
}

impl<'a> BucketKey<'a> {
    fn new(scope: QuotaScope, endpoint: &'a Endpoint, credential: &'a CredentialName) -> Self {
        Self {
            endpoint: (scope != QuotaScope::Global).then_some(endpoint),
            credential: (scope == QuotaScope::User).then_some(credential),
        }
    }
}

impl Layout {
    pub(super) fn new(plan: &ExecutionPlan, options: ScheduleOptions, history: &History) -> Self {
        let mut builder = Builder::new(plan, options);
        let mut ops = Vec::with_capacity(plan.operations.len());
        let mut lengths: Vec<usize> = Vec::new();
        for (op, operation) in plan.operations.iter().enumerate() {
            let queue = builder.queue_of(operation);
            if lengths.len() <= queue as usize {
                lengths.push(0);
            }
            let past = history.operations.get(op);
            let phase = match past.map(|past| &past.state) {
                // Whatever a journal says that was cut short: what is left out has its outcome from the beginning.
                _ if !operation.is_selected() => Phase::Ended,
                None | Some(PastState::Open) => Phase::Fresh,
                Some(PastState::Waiting { .. }) => Phase::Waiting,
                Some(PastState::Ended { .. }) => Phase::Ended,
            };
            lengths[queue as usize] += usize::from(phase == Phase::Fresh);
            builder.plans[operation.plan].waves[operation.wave].open += usize::from(phase != Phase::Ended);
            let (attempts, forgiven) = past.map_or((0, 0), |past| (past.attempts, past.forgiven));
            ops.push(OpState { queue, attempts, forgiven, phase });
        }
        builder.name_shared_endpoints(plan);
        let elsewhere = history.elsewhere.iter().map(|call| builder.bucket_elsewhere(call)).collect();
        let Builder { plans, mut queues, gates, buckets, credentials, .. } = builder;
        // Counting sort: each queue gets a range of `order`, filled in plan order.
        let mut end = 0;
        for (queue, length) in queues.iter_mut().zip(&lengths) {
            queue.fresh = end..end;
            end += length;
        }
        let mut order = vec![0; end];
        for (op, state) in (0u32..).zip(&ops).filter(|(_, state)| state.phase == Phase::Fresh) {
            let fresh = &mut queues[state.queue as usize].fresh;
            order[fresh.end] = op;
            fresh.end += 1;
        }
        Self { plans, ops, order, queues, gates, buckets, credentials, elsewhere }
    }
}

struct Builder<'a> {
    plan: &'a ExecutionPlan,
    scope: QuotaScope,
    gates: Gates,
    /// One for the whole run: its failure budget.
    run_gate: u32,
    /// One for the whole run: the largest concurrency of its plans that the machine can bear.
    all_gate: u32,
    largest_region: usize,
    plans: Vec<PlanState>,
    plan_gates: Vec<u32>,
    /// By plan and wave: failure budgets.
    wave_gates: Vec<Vec<u32>>,
    queues: Vec<Queue>,
    buckets: Vec<BucketState>,
    credentials: Vec<CredentialState>,
    queue_ids: HashMap<QueueKey<'a>, u32>,
    bucket_ids: HashMap<BucketKey<'a>, u32>,
    credential_ids: HashMap<&'a CredentialName, u32>,
    region_gates: HashMap<&'a Region, u32>,
    plan_region_gates: HashMap<(usize, &'a Region), u32>,
}

fn index(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

impl<'a> Builder<'a> {
    fn new(plan: &'a ExecutionPlan, options: ScheduleOptions) -> Self {
        let mut gates = Gates::default();
        let limits = || plan.plans.iter().map(|file| &file.limits);
        let largest = limits().map(|limits| limits.concurrency.get()).max().unwrap_or(1) as usize;
        let budget = options.max_failures.map(|stated| stated.of(plan.selected().count()));
        let run_gate = gates.add(budget.map_or(usize::MAX, |budget| budget.allowed.saturating_add(1)));
        let all_gate = gates.add(options.most_in_flight.map_or(largest, |most| largest.min(most.get())));
        let mut plans = Vec::new();
        let (mut plan_gates, mut wave_gates) = (Vec::new(), Vec::new());
        for file in &plan.plans {
            plan_gates.push(gates.add(file.limits.concurrency.get() as usize));
            let allowed = |wave: &crate::expand::Wave| wave.budget.map(|budget| budget.allowed.saturating_add(1));
            wave_gates.push(file.waves.iter().map(|wave| gates.add(allowed(wave).unwrap_or(usize::MAX))).collect());
            let waves = file.waves.iter().map(|wave| WaveState {
                open: 0,
                begun: false,
                started: false,
                landed: false,
                past_end: None,
                budget: Budget { stated: wave.budget, spent: 0 },
                queues: Vec::new(),
            });
            plans.push(PlanState {
                waves: waves.collect(),
                current: 0,
                pause: file.pause,
                resume_at: None,
                deadline: file.deadline.map(|(deadline, _)| deadline).filter(|_| !options.ignore_deadlines),
                max_attempts: file.limits.retry.max_attempts.get(),
                stopped: None,
            });
        }
        Self {
            plan,
            scope: widest_scope(plan),
            gates,
            run_gate,
            all_gate,
            largest_region: limits().map(|limits| limits.region_concurrency.get()).max().unwrap_or(1) as usize,
            plans,
            plan_gates,
            wave_gates,
            queues: Vec::new(),
            buckets: Vec::new(),
            credentials: Vec::new(),
            queue_ids: HashMap::new(),
            bucket_ids: HashMap::new(),
            credential_ids: HashMap::new(),
            region_gates: HashMap::new(),
            plan_region_gates: HashMap::new(),
        }
    }

    fn queue_of(&mut self, operation: &'a Operation) -> u32 {
        let target = &operation.target;
        let key = QueueKey {
            plan: operation.plan,
            wave: operation.wave,
            endpoint: &operation.endpoint,
            region: &target.region,
            credential: &target.credential,
        };
        if let Some(queue) = self.queue_ids.get(&key) {
            return *queue;
        }
        let bucket = self.bucket_of(operation);
        let credential = self.credential_of(&target.credential);
        let region = *self.region_gates.entry(&target.region).or_insert_with(|| self.gates.add(self.largest_region));
        let own = self.plan.plans[operation.plan].limits.region_concurrency.get() as usize;
        let plan_region =
            *self.plan_region_gates.entry((operation.plan, &target.region)).or_insert_with(|| self.gates.add(own));
        let plan_gate = self.plan_gates[operation.plan];
        let credential_gate = self.credentials[credential as usize].gate;
        let queue = index(self.queues.len());
        self.queues.push(Queue {
            plan: index(operation.plan),
            wave: index(operation.wave),
            credential,
            bucket,
            flight_gates: [credential_gate, self.all_gate, plan_gate, region, plan_region],
            budget_gates: [self.run_gate, self.wave_gates[operation.plan][operation.wave]],
            fresh: 0..0,
            released: false,
            due: std::collections::BTreeSet::new(),
            place: Place::Idle,
        });
        self.plans[operation.plan].waves[operation.wave].queues.push(queue);
        self.credentials[credential as usize].queues.push(queue);
        self.queue_ids.insert(key, queue);
        queue
    }

    fn credential_of(&mut self, name: &'a CredentialName) -> u32 {
        *self.credential_ids.entry(name).or_insert_with(|| {
            let gate = self.gates.add(1);
            self.credentials.push(CredentialState { gate, refused: false, queues: Vec::new() });
            index(self.credentials.len() - 1)
        })
    }

    fn bucket_of(&mut self, operation: &'a Operation) -> u32 {
        let target = &operation.target;
        let key = BucketKey::new(self.scope, &operation.endpoint, &target.credential);
        let quota = self.plan.plans[operation.plan].limits.quota;
        let bucket = *self.bucket_ids.entry(key).or_insert_with(|| {
            let name = match self.scope {
                QuotaScope::Address => target.region.to_string(),
                QuotaScope::User => format!("{}, credential {}", target.region, target.credential),
                QuotaScope::Global => "all endpoints".to_owned(),
            };
            self.buckets.push(BucketState {
                bucket: Bucket::new(quota.calls.get(), quota.per),
                name,
                gate: self.gates.add(usize::MAX),
                timer: None,
                calls: 0,
                waited: false,
                last_launch: Duration::ZERO,
            });
            index(self.buckets.len() - 1)
        });
        // Plans that share a bucket keep each other's limit.
        self.buckets[bucket as usize].bucket.learn(quota.calls.get(), quota.per);
        bucket
    }

    /// The bucket that a call of another run is in, too.
    fn bucket_elsewhere(&self, call: &CallElsewhere) -> Option<u32> {
        self.bucket_ids.get(&BucketKey::new(self.scope, &call.endpoint, &call.credential)).copied()
    }

    /// A bucket over several regions (one `--endpoint` for all) is named after its host instead.
    fn name_shared_endpoints(&mut self, plan: &'a ExecutionPlan) {
        if self.scope == QuotaScope::Global {
            return;
        }
        let mut first: HashMap<&Endpoint, &Region> = HashMap::new();
        for operation in plan.selected() {
            let region = *first.entry(&operation.endpoint).or_insert(&operation.target.region);
            if *region != operation.target.region {
                let bucket = self.bucket_of(operation);
                let target = &operation.target;
                self.buckets[bucket as usize].name = match self.scope {
                    QuotaScope::User => format!("{}, credential {}", operation.endpoint.authority(), target.credential),
                    _ => operation.endpoint.authority().to_owned(),
                };
            }
        }
    }
}

/// The widest sharing that any plan states: what one plan wants shared can't be separate for another.
pub(super) fn widest_scope(plan: &ExecutionPlan) -> QuotaScope {
    let width = |scope: &QuotaScope| match scope {
        QuotaScope::User => 0,
        QuotaScope::Address => 1,
        QuotaScope::Global => 2,
    };
    plan.plans.iter().map(|file| file.limits.quota.scope).max_by_key(width).unwrap_or_default()
}
