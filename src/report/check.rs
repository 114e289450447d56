//! What `check` found, a line for a fact, and as JSON.

use std::io::{self, Write};

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::json::{SCHEMA_VERSION, finish};
use super::wrap::wrap;
use crate::diagnostic::visible;
use crate::resolve::{Finding, Status, Subject};
use crate::source::{Location, Sources};

/// Columns that the subject takes at most before what follows moves.
const WIDEST_SUBJECT: usize = 40;

/// The findings of at least this status as lines no wider than `width`, with a tally.
#[must_use]
pub fn check_lines(findings: &[Finding], sources: &Sources, calls: usize, least: Status, width: usize) -> String {
    let shown: Vec<&Finding> = findings.iter().filter(|finding| finding.status >= least).collect();
    let subjects = shown.iter().map(|finding| subject(&finding.subject).width());
    let column = subjects.max().unwrap_or(0).min(WIDEST_SUBJECT);
    let mut text = String::new();
    for finding in shown {
        let subject = subject(&finding.subject);
        let padding = " ".repeat(column.saturating_sub(subject.width()) + 2);
        let first = format!("{:<4}  {subject}{padding}", finding.status.as_str());
        let place = finding.location.map(|location| format!("   {}", place(location, sources))).unwrap_or_default();
        wrap(&mut text, &first, "      ", &format!("{}{place}", finding.message), width);
    }
    let count = |status| findings.iter().filter(|finding| finding.status == status).count();
    let [ok, warn, fail, skip] = [Status::Ok, Status::Warn, Status::Fail, Status::Skip].map(count);
    let mut parts = vec![format!("{ok} ok")];
    parts.extend((warn > 0).then(|| format!("{warn} to look at")));
    parts.extend((fail > 0).then(|| format!("{fail} wrong")));
    parts.extend((skip > 0).then(|| format!("{skip} not checked")));
    let calls = if calls == 1 { "1 read".to_owned() } else { format!("{calls} reads") };
    wrap(&mut text, "", "    ", &format!("{}; {calls}, nothing sent", parts.join(", ")), width);
    text
}

fn subject(subject: &Subject) -> String {
    match subject {
        Subject::Credential(name) => format!("credential {name}"),
        Subject::Clock => "clock".to_owned(),
        Subject::Place { project, region } => format!("{} / {region}", visible(project)),
    }
}

fn place(location: Location, sources: &Sources) -> String {
    let (path, position) = sources.place(location);
    format!("{}:{}:{}", visible(path), position.line(), position.column())
}

#[derive(Serialize)]
struct CheckDocument<'a> {
    schema_version: u32,
    checks: Vec<CheckEntry<'a>>,
    summary: CheckSummary,
}

#[derive(Serialize)]
struct CheckEntry<'a> {
    status: Status,
    /// `credential`, `clock` or `project`.
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
    message: &'a str,
    source: Option<SourceEntry<'a>>,
}

#[derive(Serialize)]
struct SourceEntry<'a> {
    path: &'a str,
    line: u32,
    column: u32,
}

#[derive(Serialize)]
struct CheckSummary {
    ok: usize,
    warn: usize,
    fail: usize,
    skip: usize,
    calls: usize,
}

/// Writes what `check --format json` prints.
///
/// # Errors
/// When the writer fails.
pub fn write_check(out: &mut dyn Write, findings: &[Finding], sources: &Sources, calls: usize) -> io::Result<()> {
    let entry = |finding: &'_ Finding| -> Option<SourceEntry<'_>> {
        let (path, position) = sources.place(finding.location?);
        Some(SourceEntry { path, line: position.line(), column: position.column() })
    };
    let checks = findings.iter().map(|finding| {
        let (kind, credential, project, region) = match &finding.subject {
            Subject::Credential(name) => ("credential", Some(name.as_str()), None, None),
            Subject::Clock => ("clock", None, None, None),
            Subject::Place { project, region } => ("project", None, Some(project.as_str()), Some(region.as_str())),
        };
        let (status, message) = (finding.status, finding.message.as_str());
        CheckEntry { status, kind, credential, project, region, message, source: entry(finding) }
    });
    let count = |status| findings.iter().filter(|finding| finding.status == status).count();
    let [ok, warn, fail, skip] = [Status::Ok, Status::Warn, Status::Fail, Status::Skip].map(count);
    let summary = CheckSummary { ok, warn, fail, skip, calls };
    finish(out, &CheckDocument { schema_version: SCHEMA_VERSION, checks: checks.collect(), summary })
}
