//! Small execution plans for tests of everything that schedules.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::expand::{ExecutionPlan, PlannedFile, Wave};
use crate::model::{
    Content, CredentialName, Endpoint, EnterpriseProjectId, Limits, MaxFailures, Operation, OperationId, PlanDigest,
    ProjectId, ProjectName, ProjectRef, Quota, QuotaScope, Region, SyncBody, Target, WaveName,
};
use crate::source::{Location, Source, Sources, Span};

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) fn nonzero(value: u32) -> NonZeroU32 {
    NonZeroU32::new(value).expect("above zero")
}

/// A quota such as `5/1m`, for one address.
pub(crate) fn quota(text: &str, scope: QuotaScope) -> Quota {
    Quota { scope, ..Quota::parse(text).expect("a legal quota") }
}

fn digest() -> PlanDigest {
    PlanDigest::parse(&format!("sha256:{}", "0".repeat(64))).expect("a legal digest")
}

fn location() -> Location {
    Location::new(Sources::default().add(Source::new("plan.yaml", String::new())), Span::default())
}

/// Builds an [`ExecutionPlan`] operation by operation.
pub(crate) struct Fixture {
    plan: ExecutionPlan,
    location: Location,
}

impl Fixture {
    /// One plan with these limits and failure budgets of its waves.
    pub(crate) fn new(limits: Limits, budgets: &[Option<&str>]) -> Self {
        let plan = ExecutionPlan { plans: Vec::new(), operations: Vec::new(), digest: digest() };
        let mut fixture = Self { plan, location: location() };
        fixture.add_plan(limits, budgets);
        fixture
    }

    /// One wave, no budget, `count` operations in one region.
    pub(crate) fn simple(limits: Limits, count: usize) -> ExecutionPlan {
        let mut fixture = Self::new(limits, &[None]);
        fixture.operations(count, 0, "cn-north-4", "default");
        fixture.build()
    }

    /// A further plan of the batch; operations added from now on belong to it.
    pub(crate) fn add_plan(&mut self, limits: Limits, budgets: &[Option<&str>]) {
        let wave = |(index, budget): (usize, &Option<&str>)| Wave {
            name: WaveName::parse(&format!("wave-{index}")).expect("a legal name"),
            operations: 0,
            budget: budget.map(|text| MaxFailures::parse(text).expect("a legal budget").of(0)),
        };
        self.plan.plans.push(PlannedFile {
            path: "plan.yaml".to_owned(),
            name: "plan".to_owned(),
            digest: digest(),
            waves: budgets.iter().enumerate().map(wave).collect(),
            pause: Duration::ZERO,
            max_operations: 1000,
            deadline: None,
            limits,
        });
    }

    /// The latest plan.
    pub(crate) fn file(&mut self) -> &mut PlannedFile {
        self.plan.plans.last_mut().expect("there is a plan")
    }

    pub(crate) fn deadline(&mut self, deadline: Duration) {
        let location = self.location;
        self.file().deadline = Some((deadline, location));
    }

    /// Operations of the latest plan; number `n` of the batch has the project id `p<n>`.
    pub(crate) fn operations(&mut self, count: usize, wave: usize, region: &str, credential: &str) {
        let region = Region::parse(region).expect("a legal region");
        let endpoint = Endpoint::parse(&format!("https://hss.{region}.myhuaweicloud.com")).expect("a legal endpoint");
        let credential = CredentialName::parse(credential).expect("a legal name");
        let project = ProjectName::parse("payments").expect("a legal name");
        let plan = self.plan.plans.len() - 1;
        for _ in 0..count {
            let index = self.plan.operations.len();
            self.plan.operations.push(Operation {
                id: OperationId::parse(&format!("payments/{region}/0/{index}")).expect("a legal id"),
                plan,
                wave,
                target: Target {
                    project: project.clone(),
                    region: region.clone(),
                    project_id: ProjectRef::Id(ProjectId::parse(&format!("p{index}")).expect("a legal id")),
                    enterprise_project_id: EnterpriseProjectId::default_id(),
                    credential: credential.clone(),
                },
                sets: [].into(),
                labels: [].into(),
                location: self.location,
                endpoint: endpoint.clone(),
                content: std::sync::Arc::new(Content {
                    body: SyncBody { sync_all_registries: true, registry_info: Vec::new() },
                    places: Vec::new(),
                    selectors: Vec::new(),
                }),
                left_out: None,
            });
        }
        let wave = &mut self.file().waves[wave];
        wave.operations += count;
        wave.budget = wave.budget.map(|budget| budget.stated.of(wave.operations));
    }

    pub(crate) fn build(self) -> ExecutionPlan {
        self.plan
    }
}
