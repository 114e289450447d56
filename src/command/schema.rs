//! `hss-sync schema`: prints a published schema.

use super::Context;
use crate::cli::{SchemaArg, SchemaArgs};
use crate::difference::DIFF_SCHEMA;
use crate::exit::ExitStatus;
use crate::journal::JOURNAL_SCHEMA;
use crate::plan::PLAN_SCHEMA;
use crate::report::{EVENT_SCHEMA, REPORT_SCHEMA};
use crate::review::LOCK_SCHEMA;

/// Prints the schema as it stands in `schemas/`.
pub(super) fn schema(context: &Context, args: &SchemaArgs) -> ExitStatus {
    context.print(match args.schema {
        SchemaArg::Plan => PLAN_SCHEMA,
        SchemaArg::Report => REPORT_SCHEMA,
        SchemaArg::Event => EVENT_SCHEMA,
        SchemaArg::Journal => JOURNAL_SCHEMA,
        SchemaArg::Lock => LOCK_SCHEMA,
        SchemaArg::Diff => DIFF_SCHEMA,
    })
}
