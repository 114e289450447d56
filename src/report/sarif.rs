//! SARIF 2.1.0, which code scanning shows at the lines of a plan: diagnostics, or what failed in a run.
//!
//! A SARIF *region* is a range of text, and no region of the cloud: the word stays inside this file. Columns count Unicode
//! characters, and the document says so.

use std::io::{self, Write};

use serde::Serialize;

use super::annotation::{Annotation, Level, Spot, of_diagnostics, of_run};
use super::format::RunReport;
use super::json::finish;
use crate::diagnostic::{Diagnostic, visible};
use crate::exit::ExitStatus;
use crate::source::Sources;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// Results of a run, of which code scanning shows no more; what is left out is told.
const MOST_RESULTS: usize = 5000;

/// Writes diagnostics.
///
/// # Errors
/// When the writer fails.
pub fn write_sarif_diagnostics(out: &mut dyn Write, diagnostics: &[Diagnostic], sources: &Sources) -> io::Result<()> {
    let valid = !diagnostics.iter().any(Diagnostic::is_error);
    document(
        out,
        of_diagnostics(diagnostics, sources),
        if valid { ExitStatus::Success } else { ExitStatus::InvalidPlan },
    )
}

/// Writes what failed in a run: a result for each cause and line of a plan that governs it.
///
/// # Errors
/// When the writer fails.
pub(super) fn write_sarif(out: &mut dyn Write, report: &RunReport<'_>) -> io::Result<()> {
    document(out, of_run(report), report.facts.exit)
}

fn document(out: &mut dyn Write, annotations: Vec<Annotation>, exit: ExitStatus) -> io::Result<()> {
    let mut rules: Vec<Rule> = Vec::new();
    let mut results = Vec::new();
    let mut left_out = 0;
    for annotation in &annotations {
        let known = rules.iter().position(|rule| rule.id == annotation.rule);
        let rule_index = known.unwrap_or_else(|| {
            rules.push(Rule::new(annotation));
            rules.len() - 1
        });
        for spot in &annotation.spots {
            if results.len() == MOST_RESULTS {
                left_out += 1;
            } else {
                results.push(result(annotation, spot, rule_index));
            }
        }
    }
    let told = (left_out > 0)
        .then(|| Notification { level: "warning", message: text(&format!("{left_out} more results are left out")) });
    finish(
        out,
        &Document {
            schema: SCHEMA,
            version: "2.1.0",
            runs: [Run {
                tool: Tool {
                    driver: Driver {
                        name: env!("CARGO_PKG_NAME"),
                        version: env!("CARGO_PKG_VERSION"),
                        semantic_version: env!("CARGO_PKG_VERSION"),
                        rules,
                    },
                },
                // The tool did its work, whatever came of it.
                invocations: [Invocation {
                    execution_successful: exit < ExitStatus::Unwritable,
                    exit_code: exit.code(),
                    tool_execution_notifications: told.into_iter().collect(),
                }],
                column_kind: "unicodeCodePoints",
                results,
            }],
        },
    )
}

fn result(annotation: &Annotation, spot: &Spot, rule_index: usize) -> Finding {
    let Annotation { level, rule, message, help, related, .. } = annotation;
    let help = help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default();
    let related = related.iter().enumerate().map(|(index, (spot, why))| Related {
        id: index + 1,
        physical_location: physical(spot),
        message: text(why),
    });
    Finding {
        rule_id: rule.clone(),
        rule_index,
        level: level_name(*level),
        message: text(&format!("{message}{help}")),
        locations: [Location { physical_location: physical(spot) }],
        related_locations: related.collect(),
    }
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    }
}

fn physical(spot: &Spot) -> Physical {
    let region = spot.range.map(|(start, end)| TextRange {
        start_line: start.line(),
        start_column: start.column(),
        end_line: end.line(),
        end_column: end.column(),
    });
    Physical { artifact_location: Artifact { uri: uri(&spot.path) }, region }
}

/// A path as a URI, relative where the path is: every byte but letters, digits and a few others is encoded.
fn uri(path: &str) -> String {
    let path = visible(path);
    let mut uri = String::from(match path.as_bytes() {
        [b'/', ..] => "file://",
        // On a drive of Windows.
        [b'a'..=b'z' | b'A'..=b'Z', b':', b'/', ..] => "file:///",
        _ => "",
    });
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => uri.push(char::from(byte)),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

/// A message. `[words](address)` would be a link in it, and what others say shall not be one.
fn text(text: &str) -> Text {
    Text { text: text.replace("](", "] (") }
}

#[derive(Serialize)]
struct Document {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    invocations: [Invocation; 1],
    column_kind: &'static str,
    results: Vec<Finding>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    version: &'static str,
    semantic_version: &'static str,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    short_description: Option<Text>,
    default_configuration: Configuration,
}

impl Rule {
    fn new(annotation: &Annotation) -> Self {
        Self {
            id: annotation.rule.clone(),
            short_description: annotation.meaning.as_deref().map(text),
            default_configuration: Configuration { level: level_name(annotation.level) },
        }
    }
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
    exit_code: u8,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_execution_notifications: Vec<Notification>,
}

#[derive(Serialize)]
struct Notification {
    level: &'static str,
    message: Text,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding {
    rule_id: String,
    rule_index: usize,
    level: &'static str,
    message: Text,
    locations: [Location; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Related>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: Physical,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Related {
    id: usize,
    physical_location: Physical,
    message: Text,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Artifact,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<TextRange>,
}

#[derive(Serialize)]
struct Artifact {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TextRange {
    start_line: u32,
    start_column: u32,
    end_line: u32,
    end_column: u32,
}

#[derive(Serialize)]
struct Text {
    text: String,
}

#[cfg(test)]
mod tests;
