//! Domain values whose constructors hold the invariants.
//!
//! A value of one of these types is legal by construction, so nothing further down checks it again.
//! `plan` and `expand` make them, everything below only reads them.

mod duration;
mod id;
mod limits;
mod listing;
mod operation;
mod region;
mod request;
mod secret;
mod shard;
mod target;
mod wildcard;

pub use duration::{format_age, format_duration, format_estimate, parse_duration, signed, write_duration};
pub use id::{
    CredentialName, EnterpriseProjectId, InvalidValue, Label, OperationId, PlanDigest, ProjectId, ProjectName,
    RegistryId, RunId, SetName, TaskId, WaveName,
};
pub use limits::{FailureBudget, Limits, MaxFailures, Quota, QuotaScope, RetryLimits};
pub use listing::Listing;
pub use operation::{Content, LeftOut, Operation, RegistryPlace, Selector};
pub use region::{KNOWN_REGIONS, Region};
pub use request::{Endpoint, Method, RegistryRef, RegistryType, Request, SyncBody};
pub use secret::{REDACTED, Secret};
pub use shard::Shard;
pub use target::{Access, ProjectRef, Target};
pub use wildcard::is_wildcard_match;
