//! A plan file from tree to proof: [`schema`] checks its structure, [`decode`] gives it types, [`validate`] its references.
//!
//! Having a [`ValidatedPlan`] is the proof that all three passed; `expand` takes nothing else. [`file`] holds the types,
//! [`judged`] leaves out of the schema what judges nothing, [`explain`] turns what the library finds into diagnostics, [`locate`]
//! finds the node it means, [`field`] what the schema says about it, [`uses`] reads variables out of templates, and [`words`]
//! keeps the sentences of all steps alike.

mod decode;
mod decode_rollout;
mod explain;
mod field;
mod file;
mod judged;
mod locate;
mod schema;
#[cfg(test)]
mod tests;
mod uses;
mod validate;
mod waves;
mod words;

pub use decode::{NotAVariable, decode, variable_value};
pub use file::{
    Defaults, Places, PlanFile, Project, RegionPlace, RegistryItem, RegistrySet, RequestMode, Rollout, SelectSpec,
    SetKind, Templated, Variable, VariableValue, WaveSelect, WaveSpec,
};
pub use schema::{PLAN_SCHEMA, check_structure, prepare_schema};
pub(crate) use validate::unused_variables;
pub use validate::{ValidatedPlan, is_allowed_host, validate};
pub(crate) use words::wildcards;
