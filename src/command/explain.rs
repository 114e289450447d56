//! `hss-sync explain`: what a code means and what to do.

use std::fmt::Write;

use super::Context;
use crate::cli::ExplainArgs;
use crate::diagnostic::{Code, nearest, visible};
use crate::exit::ExitStatus;
use crate::policy::{ServiceCode, service_code, service_codes};

/// Explains one code, or lists them all.
pub(super) fn explain(context: &Context, args: &ExplainArgs) -> ExitStatus {
    let Some(asked) = &args.code else {
        return context.print(&list());
    };
    let asked = asked.trim();
    if let Some(code) = Code::parse(&asked.to_ascii_lowercase()) {
        return context.print(&diagnostic_text(code));
    }
    if let Some(entry) = service_code(&asked.to_ascii_uppercase()) {
        return context.print(&service_text(entry));
    }
    if let Some(status) = ExitStatus::ALL.into_iter().find(|status| status.code().to_string() == asked) {
        let text = format!("exit code {}: {}\n\n{}\n", status.code(), status.meaning(), status.next_step());
        return context.print(&text);
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

fn diagnostic_text(code: Code) -> String {
    let explanation = code.explanation();
    let mut text = format!(
        "{}[{code}]: {}\n\n{}\n",
        code.severity().as_str(),
        explanation.summary,
        explanation.detail,
        code = code.as_str()
    );
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

fn service_text(entry: &ServiceCode) -> String {
    format!("{}: {}\n\nUsual cause: {}\nNext step:   {}\n", entry.code, entry.meaning, entry.cause, entry.next_step)
}

fn list() -> String {
    let mut text = String::from("Diagnostics of plans\n");
    let width = Code::ALL.iter().map(|code| code.as_str().len()).max().unwrap_or(0);
    for code in Code::ALL {
        let _ = writeln!(text, "  {:<width$}  {}", code.as_str(), code.explanation().summary);
    }
    text.push_str("\nCodes of HSS and its gateway\n");
    for entry in service_codes() {
        let _ = writeln!(text, "  {:<width$}  {}", entry.code, entry.meaning);
    }
    text.push_str("\nExit codes\n");
    for status in ExitStatus::ALL {
        let _ = writeln!(text, "  {:<width$}  {}", status.code(), status.meaning());
    }
    text
}
