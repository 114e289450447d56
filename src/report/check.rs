//! What `check` found, a line for a fact, and as JSON.

use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::json::{SCHEMA_VERSION, finish};
use super::wrap::wrap;
use crate::diagnostic::visible;
use crate::model::format_estimate;
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
        // Ids may hold what reorders a line; the rest has been made visible before, which this leaves as it is.
        let mut lines: Vec<String> = finding.message.lines().map(|line| visible(line).into_owned()).collect();
        if let Some(last) = lines.last_mut() {
            last.push_str(&place);
        }
        for (index, line) in lines.iter().enumerate() {
            let (first, rest) = if index == 0 { (first.as_str(), "      ") } else { ("      ", "        ") };
            wrap(&mut text, first, rest, line, width);
        }
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

/// What a check would cost; `least` is what the quota makes of it.
#[must_use]
pub fn check_cost(calls: usize, least: Duration, width: usize) -> String {
    let mut text = String::new();
    let calls = if calls == 1 { "1 read".to_owned() } else { format!("{calls} reads") };
    let time = if least.is_zero() {
        String::new()
    } else {
        format!(", which the quota spreads over {}", format_estimate(least))
    };
    wrap(&mut text, "", "    ", &format!("`check`, or `run --check`, takes at least {calls}{time}."), width);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Source, Span};

    fn findings() -> (Vec<Finding>, Sources) {
        let mut sources = Sources::default();
        let id = sources.add(Source::new("plans/p\u{1b}.yaml", "a: 1\nb: r-1\n".to_owned()));
        let finding = |status, subject, message: &str, location| Finding {
            status,
            subject,
            message: message.to_owned(),
            location,
        };
        let place = || Subject::Place { project: "支付".to_owned(), region: "cn-north-4".to_owned() };
        let found = vec![
            finding(Status::Ok, Subject::Clock, "within 2 s of the service", None),
            finding(Status::Fail, place(), "registry r\u{202e}1 is gone", Some(Location::new(id, Span::new(8, 11)))),
            finding(Status::Skip, place(), "not checked", None),
        ];
        (found, sources)
    }

    #[test]
    fn each_fact_is_a_line_with_its_place_and_nothing_steers_the_terminal() {
        let (found, sources) = findings();
        assert_eq!(
            check_lines(&found, &sources, 1, Status::Ok, usize::MAX),
            "ok    clock              within 2 s of the service\n\
             fail  支付 / cn-north-4  registry r\\u{202e}1 is gone   plans/p\\u{1b}.yaml:2:4\n\
             skip  支付 / cn-north-4  not checked\n\
             1 ok, 1 wrong, 1 not checked; 1 read, nothing sent\n"
        );
        let quiet = check_lines(&found, &sources, 1, Status::Warn, usize::MAX);
        assert_eq!(quiet.lines().count(), 2, "{quiet}");
        for line in check_lines(&found, &sources, 1, Status::Ok, 40).lines() {
            assert!(line.width() <= 40, "{line}");
        }
    }

    #[test]
    fn as_json_the_text_is_what_was_said() {
        let (found, sources) = findings();
        let mut out = Vec::new();
        write_check(&mut out, &found, &sources, 3).expect("memory");
        let document: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
        assert_eq!(document["summary"], serde_json::json!({ "ok": 1, "warn": 0, "fail": 1, "skip": 1, "calls": 3 }));
        assert_eq!(
            document["checks"][1],
            serde_json::json!({
                "status": "fail", "kind": "project", "project": "支付", "region": "cn-north-4",
                "message": "registry r\u{202e}1 is gone",
                "source": { "path": "plans/p\u{1b}.yaml", "line": 2, "column": 4 },
            })
        );
    }
}
