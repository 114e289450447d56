//! Values to text, one format a file. Reports count nothing themselves: every number comes from the summary.
//!
//! `json` is for programs (schemas in `schemas/`), `table` and `closing` are for people. Somebody else owns the file.

mod closing;
mod json;
mod table;

pub use closing::{closing, outcome_line};
pub use json::{RunFacts, write_diagnostics, write_plan, write_run};
pub use table::{forecast_line, plan_tables, short_id, validation_line};

/// The published schema of the run report (JSON Schema draft-07).
pub const REPORT_SCHEMA: &str = include_str!("../../schemas/report.schema.json");
