//! A difference as Markdown, for a comment on a pull request or a job summary: bounded, and nothing in it is taken for markup.

use std::fmt::Write as _;

use super::{Comparison, OperationDifference, PlanChange, SideFacts};
use crate::diagnostic::visible;

/// Rows of each table.
const MOST_ROWS: usize = 500;
/// Bytes after which the first and the second table end: a job summary may have 1 MiB.
const MOST_BYTES: [usize; 2] = [450 << 10, 900 << 10];
/// Changes of one request that a row shows before it counts them.
const MOST_CHANGES: usize = 5;
/// Characters of one cell.
const MOST_SHOWN: usize = 400;

/// The difference in Markdown.
#[must_use]
pub fn difference_markdown(comparison: &Comparison<'_>) -> String {
    let Comparison { old, new, difference, exceeded } = comparison;
    let tally = difference.tally();
    let mut text = "### Plan difference\n\n".to_owned();
    for one in *exceeded {
        let lines: Vec<String> = one.text().lines().map(escaped).collect();
        let _ = writeln!(text, "> **{}**\n", lines.join("<br>"));
    }
    let _ = writeln!(
        text,
        "{} added, {} removed, {} changed; {} operations before, {} now.\n",
        tally.added, tally.removed, tally.changed, old.operations, new.operations
    );
    let side = |name: &str, side: &SideFacts| {
        let digest = side.digest.as_deref().map_or_else(String::new, |digest| format!("`{digest}`"));
        format!("| {name} | {} | {} | {digest} |\n", side.kind.as_str(), escaped(&side.path))
    };
    text.push_str("| | | | digest |\n|---|---|---|---|\n");
    text.push_str(&side("old", old));
    text.push_str(&side("new", new));
    if difference.is_empty() {
        text.push_str("\nNothing differs.\n");
        return text;
    }
    settings(&mut text, comparison);
    operations(&mut text, comparison);
    text
}

fn settings(text: &mut String, comparison: &Comparison<'_>) {
    let mut rows = Vec::new();
    for plan in &comparison.difference.plans {
        let path = escaped(&plan.path);
        match &plan.change {
            PlanChange::Added { .. } => rows.push(format!("| {path} | plan | | {} |", escaped(&plan.name))),
            PlanChange::Removed { .. } => rows.push(format!("| {path} | plan | {} | |", escaped(&plan.name))),
            PlanChange::Changed { settings, .. } => {
                rows.extend(settings.iter().map(|one| {
                    format!("| {path} | {} | {} | {} |", escaped(&one.setting), escaped(&one.old), escaped(&one.new))
                }));
                rows.extend(plan.hidden().map(|hidden| format!("| {path} | {} | | |", escaped(hidden))));
            }
        }
    }
    table(text, "| plan | setting | before | now |\n|---|---|---|---|\n", &rows, MOST_BYTES[0]);
}

fn operations(text: &mut String, comparison: &Comparison<'_>) {
    let row = |operation: &OperationDifference| {
        let OperationDifference { project, region, place: (path, line), .. } = operation;
        format!(
            "| `{}` | {} / {}{} | {} | {}:{line} |",
            operation.sign(),
            escaped(project.as_str()),
            escaped(region.as_str()),
            escaped(&operation.told_apart()),
            escaped(&operation.words(MOST_CHANGES).join(", ")),
            escaped(path),
        )
    };
    let rows: Vec<String> = comparison.difference.operations().map(|(_, operation)| row(operation)).collect();
    table(text, "| | operation | what | line |\n|---|---|---|---|\n", &rows, MOST_BYTES[1]);
}

fn table(text: &mut String, head: &str, rows: &[String], most_bytes: usize) {
    if rows.is_empty() {
        return;
    }
    text.push('\n');
    text.push_str(head);
    let mut shown = 0;
    for row in rows.iter().take(MOST_ROWS) {
        if text.len() + row.len() > most_bytes {
            break;
        }
        let _ = writeln!(text, "{row}");
        shown += 1;
    }
    if rows.len() > shown {
        let _ = writeln!(text, "\nand {} more; `--format json` has them all.", rows.len() - shown);
    }
}

/// Text in which nothing is markup, a link, a mention or the end of a cell, cut where it gets long.
fn escaped(text: &str) -> String {
    let mut shown: String = text.chars().take(MOST_SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    let mut escaped = String::with_capacity(shown.len() + 16);
    for c in visible(&shown).chars() {
        match c {
            // A backslash would leave these as they are to whoever makes links and mentions of what follows them.
            '@' | '#' | '<' | '>' | '&' | '|' | ':' | '`' => {
                let _ = write!(escaped, "&#{};", u32::from(c));
            }
            '\\' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '+' | '-' | '!' | '~' | '$' | '=' => {
                escaped.push('\\');
                escaped.push(c);
            }
            c => escaped.push(c),
        }
    }
    escaped.replace("www.", "www&#46;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_end_by_rows_and_by_bytes() {
        let shown = |rows: &[String]| {
            let mut text = String::new();
            table(&mut text, "", rows, 10_000);
            (
                text.lines().filter(|line| line.starts_with('|')).count(),
                text.lines().last().unwrap_or_default().to_owned(),
            )
        };
        let more = |count: usize| format!("and {count} more; `--format json` has them all.");
        assert_eq!(shown(&vec!["| a |".to_owned(); 501]), (500, more(1)));
        assert_eq!(shown(&vec![format!("|{}|", "a".repeat(2997)); 5]), (3, more(2)));
    }

    #[test]
    fn nothing_is_markup() {
        let bad = "a|b `c` <img src=x onerror=y> **d** @team #1 [x](https://e.example) www.e.example \u{1b}[31m\nnew";
        let shown = escaped(bad);
        for raw in ["|", "`", "<", ">", "@", "\u{1b}", "\n", "https:", "www."] {
            assert!(!shown.contains(raw), "{raw}: {shown}");
        }
        assert!(shown.contains("\\*\\*d\\*\\*"), "{shown}");
        assert_eq!(escaped(&"x".repeat(100_000)).chars().count(), MOST_SHOWN + 1);
    }
}
