//! A plan file from tree to proof: [`schema`] checks its structure, [`decode`] gives it types, [`validate`] its references.
//!
//! Having a [`ValidatedPlan`] is the proof that all three passed; `expand` takes nothing else.

mod decode;
mod schema;
mod validate;

pub use decode::{
    Defaults, Places, PlanFile, Project, RegionPlace, RegistryItem, RegistrySet, RequestMode, Rollout, SelectSpec,
    SetKind, Templated, Variable, VariableValue, WaveSelect, WaveSpec, decode,
};
pub use schema::{PLAN_SCHEMA, check_structure};
pub use validate::{ValidatedPlan, validate};
