use proptest::prelude::*;

use super::{LARGEST_TABLE, code, table};
use crate::event::{FailureKind, NotAttemptedReason, Outcome};
use crate::report::Format;
use crate::report::fixture::{SMALL, failed, hostile, left, planned, ran, report, said, unclear, written};

fn text(outcomes: Vec<Outcome>) -> String {
    let (plan, sources) = planned(&[("plans/fleet.yaml", SMALL)]);
    written(Format::Markdown, &report(&plan, &sources, &ran(outcomes)))
}

#[test]
fn a_run_with_failures() {
    let denied = || failed(FailureKind::Refused, Some("HSS.0999"), "not | enough");
    let expected = "\
## hss-sync: 2 failed, 1 not attempted of 3 operations

0 accepted, 2 failed, 1 not attempted of 3 in 4.2 s (forecast 3 s for all), 2 calls, 0 throttled

Run `20261124-080000-7f3a`, started 2026-11-24T08:00:00Z, exit code 4: incomplete: interrupted, budget spent, time over, an outcome is unknown, or (with --wait) the end of a task was not seen; resumable. **Simulated**: nothing was sent to the service.

| plan | file | digest |
|---|---|---|
| `fleet` | `plans/fleet.yaml` | `DIGEST` |

### Causes

| operations | outcome | cause | first places | governed by | next step |
|---|---|---|---|---|---|
| 2 | failed | `HSS.0999 not \\| enough` | `payments / cn-north-4`, `search / eu-west-101` | `plans/fleet.yaml:6` | The service's message says why; the report has the request and the id of the answer. |
| 1 | not attempted | `the run was interrupted` | `billing / cn-north-4` | `plans/fleet.yaml:8` |  |

### Regions

| region | planned | accepted | confirmed | failed | unknown | skipped | not attempted | calls | throttled |
|---|---|---|---|---|---|---|---|---|---|
| `cn-north-4` | 2 | 0 | 0 | 1 | 0 | 0 | 1 | 1 | 0 |
| `eu-west-101` | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 1 | 0 |
";
    let (plan, _) = planned(&[("plans/fleet.yaml", SMALL)]);
    let expected = expected.replace("DIGEST", plan.plans[0].digest.as_str());
    assert_eq!(text(vec![denied(), denied(), left(NotAttemptedReason::Interrupted)]), expected);
}

#[test]
fn a_good_run_has_no_causes() {
    let text = text(vec![Outcome::Accepted; 3]);
    assert!(text.starts_with("## hss-sync: all 3 operations accepted\n"), "{text}");
    assert!(!text.contains("Causes"), "{text}");
}

#[test]
fn what_was_not_seen_to_end_is_told() {
    let (plan, sources) = planned(&[("plans/fleet.yaml", SMALL)]);
    let mut summary = ran(vec![Outcome::Accepted; 3]);
    summary.apply(&unclear(1, "two tasks fit"));
    let text = written(Format::Markdown, &report(&plan, &sources, &summary));
    assert!(text.contains("| 1 | accepted | `two tasks fit` | `search / eu-west-101` |\n"), "{text}");
}

#[test]
fn a_code_span_is_longer_than_what_is_in_it() {
    for (said, shown) in [
        ("plain", "`plain`"),
        ("a`b", "``a`b``"),
        ("`", "`` ` ``"),
        ("```", "```` ``` ````"),
        (" a", "`  a `"),
        ("a|b", "`a\\|b`"),
        // One backslash before a pipe: an even number of them would let the pipe end the cell.
        ("a\\|b", "`a\\\\\\|b`"),
        ("a\\", "`a\\`"),
        ("", "–"),
        ("a\n::error::b", "`a\\n::error::b`"),
    ] {
        assert_eq!(code(said), shown, "{said:?}");
    }
}

/// A large run: every operation fails in its own way, with the longest and widest text there is.
#[test]
fn the_largest_run_fits_and_says_what_is_left_out() {
    let projects: String =
        (0..3000).map(|n| format!("  - {{ name: p{n}, project_ids: {{ cn-north-4: id-{n} }} }}\n")).collect();
    let head = SMALL.split_once("projects:").expect("it has projects").0;
    let text = format!("{head}rollout: {{ max_operations: 3000 }}\nprojects:\n{projects}");
    let (plan, sources) = planned(&[("plans/fleet.yaml", &text)]);
    let word = |n: usize| format!("{}{}", "|\\`𝕏".repeat(200), "x".repeat(n));
    let outcomes = (0..3000).map(|n| failed(FailureKind::Refused, Some(&word(n)), "no")).collect();
    let text = written(Format::Markdown, &report(&plan, &sources, &ran(outcomes)));
    assert!(text.len() < 1024 * 1024, "{}", text.len());
    assert!(text.len() < LARGEST_TABLE * 4 + 4096, "{}", text.len());
    let shown = text.lines().filter(|line| line.starts_with("| 1 | failed |")).count();
    assert!(shown > 10, "{shown}");
    assert!(text.contains(&format!("\nand {} more causes, which only the JSON report has.\n", 3000 - shown)));
}

/// The cells of a row as GitHub's own parser splits them: a backslash takes the next character with it.
fn cells(row: &str) -> usize {
    let (mut pipes, mut escaped) = (0, false);
    for c in row.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '|' => pipes += 1,
            _ => {}
        }
    }
    pipes - 1
}

/// As many others do: a pipe right after a backslash is none.
fn cells_by_neighbour(row: &str) -> usize {
    let before = std::iter::once(' ').chain(row.chars());
    before.zip(row.chars()).filter(|pair| pair.1 == '|' && pair.0 != '\\').count() - 1
}

/// What stands outside of code spans, by the rule that one ends at as many backticks as it began with.
fn outside_code(line: &str) -> String {
    let (mut rest, mut outside) = (line, String::new());
    while let Some(at) = rest.find('`') {
        outside.push_str(&rest[..at]);
        let run = rest[at..].len() - rest[at..].trim_start_matches('`').len();
        rest = &rest[at + run..];
        loop {
            let next = rest.find('`').expect("every span ends");
            let length = rest[next..].len() - rest[next..].trim_start_matches('`').len();
            rest = &rest[next + length..];
            if length == run {
                break;
            }
        }
    }
    outside + rest
}

#[test]
fn a_table_stops_before_it_is_too_large() {
    let rows = vec![["x".repeat(LARGEST_TABLE / 3)]; 5];
    let mut text = "before".to_owned();
    table(&mut text, ["head"], rows.into_iter(), "rows");
    assert!(text.ends_with("\nand 3 more rows, which only the JSON report has.\n"), "{}", text.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is said, the document has the same lines, rows and cells, and nothing of it stands outside of a code span.
    #[test]
    fn what_others_say_stays_in_its_cell(texts in [hostile(), hostile(), hostile(), hostile()]) {
        let tame = ["x", "x", "x", "x"].map(str::to_owned);
        let document = |texts| {
            let (plan, sources, summary) = said(texts);
            written(Format::Markdown, &report(&plan, &sources, &summary))
        };
        let (ours, theirs) = (document(&tame), document(&texts));
        prop_assert_eq!(ours.lines().count(), theirs.lines().count());
        for (ours, theirs) in ours.lines().zip(theirs.lines()) {
            if ours.starts_with('|') {
                prop_assert_eq!(cells(ours), cells(theirs), "{}", theirs);
                prop_assert_eq!(cells(ours), cells_by_neighbour(theirs), "{}", theirs);
            }
            // An empty text is a dash.
            prop_assert_eq!(outside_code(ours), outside_code(theirs).replace('–', ""), "{}", theirs);
            prop_assert!(!theirs.trim_start().starts_with("::"), "{}", theirs);
            prop_assert!(!theirs.chars().any(char::is_control), "{:?}", theirs);
        }
    }
}
