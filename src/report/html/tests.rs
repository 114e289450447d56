//! What the page promises without a browser; `tests/html/run` opens it in one.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::event::{FailureKind, NotAttemptedReason, Outcome};
use crate::report::fixture::{SMALL, failed, failure, hostile, left, planned, ran, report, said, written};
use crate::report::format::Format;

fn page(plan: &ExecutionPlan, sources: &Sources, summary: &RunSummary) -> String {
    written(Format::Html, &report(plan, sources, summary))
}

fn small(outcomes: Vec<Outcome>) -> String {
    let (plan, sources) = planned(&[("plans/fleet.yaml", SMALL)]);
    page(&plan, &sources, &ran(outcomes))
}

/// What stands between two texts, the first time.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    text.split_once(before).and_then(|(_, rest)| rest.split_once(after)).unwrap_or_else(|| panic!("no {before}")).0
}

fn embedded(page: &str) -> Value {
    serde_json::from_str(between(page, r#"<script type="application/json" id="data">"#, "</script")).expect("JSON")
}

/// Every tag in order, as a browser sees it; what the elements hold is left out.
fn tags(page: &str) -> Vec<&str> {
    let style = page.replace(STYLE, "").len();
    assert_eq!(page.len() - style, STYLE.len(), "the style is there once");
    let page = page.split_once("</style>").expect("a style").1.split_once(SCRIPT).expect("a script").0;
    page.split('<').skip(1).map(|tag| tag.split_once('>').expect("a whole tag").0).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_others_said_never_becomes_markup(texts in [hostile(), hostile(), hostile(), hostile()]) {
        let written = |texts| {
            let (plan, sources, summary) = said(texts);
            page(&plan, &sources, &summary)
        };
        let page = written(&texts);
        let plain = written(&["name", "path", "code", "message"].map(str::to_owned));
        prop_assert_eq!(tags(&page), tags(&plain));
        let steers = |c: char| c != '\n' && visible(&c.to_string()) != c.to_string();
        prop_assert!(!page.contains(steers), "something in it steers");
        let data = embedded(&page);
        let known = data["texts"].as_array().expect("an array");
        prop_assert!(known.contains(&Value::from(text(&texts[3]))), "the message is there");
    }
}

#[test]
fn the_law_holds_in_the_page() {
    let refused = failed(FailureKind::Refused, Some("HSS.0013"), "not enough permission");
    let unknown = Outcome::Unknown(failure(FailureKind::NoAnswer, None, "no answer within 75 s"));
    let all = [
        Outcome::Accepted,
        Outcome::Confirmed,
        refused,
        unknown,
        Outcome::Skipped("another shard".to_owned()),
        left(NotAttemptedReason::Interrupted),
    ];
    // So many of each that no two counts are the same.
    let outcomes: Vec<Outcome> =
        all.iter().enumerate().flat_map(|(index, outcome)| vec![outcome.clone(); index + 1]).collect();
    let (plan, sources) = many(outcomes.len());
    let summary = ran(outcomes);
    let page = page(&plan, &sources, &summary);
    let Counts { planned, accepted, confirmed, failed, unknown, skipped, not_attempted } = summary.counts;
    let counts = [
        ("planned", planned),
        ("accepted", accepted),
        ("confirmed", confirmed),
        ("failed", failed),
        ("unknown", unknown),
        ("skipped", skipped),
        ("not_attempted", not_attempted),
    ];
    let data = embedded(&page);
    let operations = data["operations"].as_array().expect("an array");
    assert_eq!(operations.len(), planned);
    for (word, count) in counts {
        let shown = between(&page, &format!("data-count=\"{word}\">"), "<");
        assert_eq!(shown, count.to_string(), "{word}");
        if let Some(index) = OUTCOMES.iter().position(|outcome| outcome.word == word) {
            let of_it = operations.iter().filter(|operation| operation[0] == index);
            assert_eq!(of_it.count(), count, "{word} in the table");
        }
    }
    assert!(page.contains(&totals(&summary)), "the closing text's own sentence");
    assert!(!page.contains("don't account"));
}

/// A plan of so many operations, all alike.
fn many(operations: usize) -> (ExecutionPlan, Sources) {
    let (mut plan, sources) = planned(&[("plans/fleet.yaml", SMALL)]);
    plan.operations = plan.operations.iter().cycle().take(operations).cloned().collect();
    (plan, sources)
}

#[test]
fn a_run_that_lost_an_operation_says_so() {
    let (plan, sources) = planned(&[("plans/fleet.yaml", SMALL)]);
    let mut summary = ran(vec![Outcome::Accepted, Outcome::Accepted, Outcome::Accepted]);
    summary.operations[1].outcome = None;
    assert!(page(&plan, &sources, &summary).contains("don't account"));
}

#[test]
fn the_policy_allows_what_is_in_the_page_and_nothing_else() {
    let page = small(vec![Outcome::Accepted, Outcome::Accepted, Outcome::Accepted]);
    let policy = between(&page, "http-equiv=\"Content-Security-Policy\" content=\"", "\"");
    let hash = |source: &str| format!("'sha256-{}'", base64(&Sha256::digest(source)));
    let style = hash(between(&page, "<style>", "</style>"));
    let script = hash(between(&page, "<script>", "</script>"));
    assert_eq!(
        policy.replace("&#39;", "'").replace("&#x27;", "'"),
        format!("default-src 'none'; style-src {style}; script-src {script}; base-uri 'none'; form-action 'none'")
    );
}

#[test]
fn base64_is_that_of_the_rfc() {
    for (text, encoded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
        assert_eq!(base64(text.as_bytes()), encoded);
    }
    assert_eq!(base64(&[0xfb, 0xff]), "+/8=");
}

#[test]
fn nothing_of_it_reaches_out_or_makes_markup_of_text() {
    for word in ["innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "Function(", "fetch(", "</"] {
        assert!(!SCRIPT.contains(word), "page.js says {word}");
    }
    for word in ["url(", "@import", "</"] {
        assert!(!STYLE.contains(word), "page.css says {word}");
    }
    for word in ["src=", "http:", "https:", "style=", " on", "<link", "<base"] {
        let word_in_tag =
            |tag: &str| tag.split('>').next().is_some_and(|tag| tag.contains(word.trim_start_matches('<')));
        let tags = || PAGE.split('<').skip(1);
        let found =
            if word.starts_with('<') { tags().any(|tag| tag.starts_with(&word[1..])) } else { tags().any(word_in_tag) };
        assert!(!found, "page.html has {word}");
    }
    let safe: Vec<&str> =
        PAGE.match_indices("| safe").map(|(at, _)| PAGE[..at].rsplit("{{").next().unwrap_or("")).collect();
    assert_eq!(safe, [" style ", " data ", " script "], "everything else is escaped");
}

#[test]
fn a_large_run_makes_a_page_of_a_bounded_size() {
    let (plan, sources) = many(10_000);
    let message = "<&".repeat(50_000);
    let outcome = failed(FailureKind::Refused, Some("HSS.0013"), &message);
    let mut summary = ran(vec![Outcome::Accepted; 10_000]);
    for (op, operation) in summary.operations.iter_mut().enumerate() {
        for attempt in &mut operation.attempts {
            (attempt.started, attempt.request_id) = (Duration::from_secs(op as u64), Some(format!("{op:032}")));
            attempt.error_message = Some(message.clone());
        }
    }
    summary.operations[17].outcome = Some(outcome);
    summary.elapsed = Duration::from_secs(10_000);
    let page = page(&plan, &sources, &summary);
    assert!(page.len() < 10_000 * 200, "{} bytes", page.len());
    assert_eq!(embedded(&page)["operations"].as_array().map(Vec::len), Some(10_000));
    let table = between(&page, "<table id=\"table\">", "</table>");
    assert_eq!(table.matches("<tr>").count(), 1 + MOST_ROWS, "a bounded table without the script");
    assert!(table.find("failed").expect("it is there") < table.find("accepted").expect("they are there"));
    assert!(between(&page, "<svg", "</svg>").len() < 100_000, "a drawing of a fixed size");
}

#[test]
fn causes_have_their_next_step_and_places() {
    let refused = failed(FailureKind::Refused, Some("HSS.0013"), "not enough permission");
    let page = small(vec![refused.clone(), left(NotAttemptedReason::Interrupted), refused]);
    let wrong = between(&page, "id=\"wrong\"", "</section>");
    assert!(wrong.contains("2 × HSS.0013 not enough permission"), "{wrong}");
    assert!(wrong.contains("What now:") && wrong.contains("payments / cn-north-4 <code>plans/fleet.yaml:6</code>"));
    let unsent = between(&page, "id=\"unsent\"", "</section>");
    assert!(unsent.contains("the run was interrupted") && unsent.contains("search / eu-west-101"), "{unsent}");
    assert!(page.contains("<strong>Exit code 4:</strong>") && !page.contains("id=\"open\""));
}
