//! JSON: the run report, the plan and the diagnostics.
