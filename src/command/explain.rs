//! `hss-sync explain`: what a code means and what to do.

use std::fmt::Write;

use super::Context;
use crate::cli::ExplainArgs;
use crate::diagnostic::{Code, nearest, visible};
use crate::exit::ExitStatus;
use crate::policy::{Explanation, pasted_code, service_codes};
use crate::report::wrap;

/// Longer lines are hard to read, however wide the terminal is.
const WIDEST: usize = 100;

/// Explains one code, or lists them all.
pub(super) fn explain(context: &Context, args: &ExplainArgs) -> ExitStatus {
    let width = context.console.width().map_or(WIDEST, |width| width.min(WIDEST));
    let Some(asked) = &args.code else {
        return context.print(&list(width));
    };
    let asked = asked.trim();
    if let Some(code) = Code::parse(&asked.to_ascii_lowercase()) {
        return context.print(&diagnostic_text(code, width));
    }
    if let Some((code, explanation)) = pasted_code(asked) {
        return context.print(&service_text(&code, explanation, width));
    }
    if let Some(status) = ExitStatus::ALL.into_iter().find(|status| status.code().to_string() == asked) {
        return context.print(&status_text(status, width));
    }
    let known = Code::ALL.iter().map(|code| code.as_str()).chain(service_codes().iter().map(|entry| entry.code));
    let suggestion = match nearest(asked, known) {
        Some(name) => format!("did you mean `{name}`? "),
        None => String::new(),
    };
    context.console.error(&format!(
        "`{}` is no code that hss-sync knows; {suggestion}`hss-sync explain` lists them all",
        visible(asked)
    ));
    ExitStatus::Usage
}

fn diagnostic_text(code: Code, width: usize) -> String {
    let explanation = code.explanation();
    let (severity, code) = (code.severity().as_str(), code.as_str());
    let mut text = String::new();
    wrap(&mut text, "", "    ", &format!("{severity}[{code}]: {}", explanation.summary), width);
    text.push('\n');
    wrap(&mut text, "", "", explanation.detail, width);
    for (title, sample) in [("A plan that gets it", explanation.bad), ("Mended", explanation.good)] {
        if !sample.is_empty() {
            let _ = write!(text, "\n{title}:\n\n");
            for line in sample.trim_end().lines() {
                let _ = writeln!(text, "    {line}");
            }
        }
    }
    text
}

fn service_text(code: &str, explanation: Explanation, width: usize) -> String {
    let Explanation { meaning, cause, next_step } = explanation;
    let mut text = String::new();
    wrap(&mut text, "", "    ", &format!("{code}: {meaning}"), width);
    text.push('\n');
    wrap(&mut text, "Usual cause: ", "             ", cause, width);
    wrap(&mut text, "Next step:   ", "             ", next_step, width);
    text
}

fn status_text(status: ExitStatus, width: usize) -> String {
    let mut text = String::new();
    wrap(&mut text, "", "    ", &format!("exit code {}: {}", status.code(), status.meaning()), width);
    text.push('\n');
    wrap(&mut text, "", "", status.next_step(), width);
    text
}

fn list(width: usize) -> String {
    let diagnostics = Code::ALL.iter().map(|code| (code.as_str(), code.explanation().summary));
    let service = service_codes().iter().map(|entry| (entry.code, entry.meaning));
    let exits: Vec<(String, &str)> = ExitStatus::ALL.map(|status| (status.code().to_string(), status.meaning())).into();
    let exits = exits.iter().map(|(code, meaning)| (code.as_str(), *meaning));
    let column = Code::ALL.iter().map(|code| code.as_str().len()).max().unwrap_or(0);
    let mut text = String::from("Diagnostics of plans\n");
    entries(&mut text, diagnostics, column, width);
    text.push_str("\nCodes of HSS and its gateway\n");
    entries(&mut text, service, column, width);
    text.push_str("\nExit codes\n");
    entries(&mut text, exits, column, width);
    text
}

fn entries<'a>(text: &mut String, codes: impl Iterator<Item = (&'a str, &'a str)>, column: usize, width: usize) {
    for (code, meaning) in codes {
        wrap(text, &format!("  {code:<column$}  "), &" ".repeat(column + 4), meaning, width);
    }
}
