//! Values to text, one format a file. Reports count nothing themselves: every number comes from the summary.
//!
//! `format` is the list of formats of a run's report. `json` is for programs (schemas in `schemas/`), `table` and `closing` are for people, in lines that `wrap` keeps to the
//! width of the terminal, `html` is a page for them; `check` is both, `discovered` a plan. Somebody else owns the file.

mod annotation;
mod check;
mod closing;
mod csv;
mod discovered;
#[cfg(test)]
mod fixture;
mod format;
mod github;
mod html;
mod json;
mod junit;
mod listed;
mod markdown;
mod ndjson;
mod sarif;
mod table;
mod wrap;

pub use check::{check_cost, check_lines, write_check};
pub use closing::{closing, failure_line, left_open_line, left_open_text, some_places, why};
pub use discovered::{Discovered, DiscoveredProject, discovered_plan};
pub use format::{Format, RunReport, write_report};
pub use github::write_github_diagnostics;
pub use json::{RunFacts, planned_operations, write_diagnostics, write_plan};
pub use listed::{Listed, ListedRuns, Standing, WayOn, runs_lines, write_runs};
pub use ndjson::{EventFacts, RunEvents, write_event, write_events, write_events_of_runs};
pub use sarif::write_sarif_diagnostics;
pub use table::{forecast_text, plan_tables, validation_line};
pub(crate) use wrap::{fit, wrap};

/// The published schema of the run report (JSON Schema draft-07).
pub const REPORT_SCHEMA: &str = include_str!("../../schemas/report.schema.json");

/// The published schema of a line of the events of a run (JSON Schema draft-07).
pub const EVENT_SCHEMA: &str = include_str!("../../schemas/event.schema.json");
