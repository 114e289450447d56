use proptest::prelude::*;
use serde_json::{Value, json};

use super::{MOST_RESULTS, uri, write_sarif_diagnostics};
use crate::diagnostic::{Code, Diagnostic};
use crate::event::{FailureKind, NotAttemptedReason, Outcome};
use crate::report::Format;
use crate::report::fixture::{SMALL, failed, hostile, left, planned, ran, report, said, written};
use crate::source::{Source, Sources, Span};

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn each_line_that_governs_a_failure_is_a_result() {
    let (plan, sources) = planned(&[("plans/fleet.yaml", SMALL)]);
    let denied = || failed(FailureKind::Refused, Some("HSS.0999"), "no [here](http://x)");
    let summary = ran(vec![denied(), denied(), left(NotAttemptedReason::Interrupted)]);
    let document = parsed(&written(Format::Sarif, &report(&plan, &sources, &summary)));
    let run = &document["runs"][0];
    assert_eq!(document["version"], "2.1.0");
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    assert_eq!(run["invocations"], json!([{ "executionSuccessful": true, "exitCode": 4 }]));
    assert_eq!(
        run["tool"]["driver"]["rules"],
        json!([
            { "id": "HSS.0999", "defaultConfiguration": { "level": "error" } },
            { "id": "not_attempted", "defaultConfiguration": { "level": "warning" } },
        ])
    );
    let result = |line: u32, columns: [u32; 2]| {
        json!({
            "ruleId": "HSS.0999",
            "ruleIndex": 0,
            "level": "error",
            "message": { "text": "2 failed: HSS.0999 no [here] (http://x): payments / cn-north-4, search / eu-west-101\n\
                                  The service's message says why; the report has the request and the id of the answer." },
            "locations": [{ "physicalLocation": {
                "artifactLocation": { "uri": "plans/fleet.yaml" },
                "region": { "startLine": line, "startColumn": columns[0], "endLine": line, "endColumn": columns[1] },
            } }],
        })
    };
    assert_eq!(run["results"][0], result(6, [38, 48]));
    assert_eq!(run["results"][1], result(7, [36, 47]));
    assert_eq!(run["results"][2]["level"], "warning");
    assert_eq!(run["results"].as_array().map(Vec::len), Some(3));
}

#[test]
fn a_diagnostic_has_its_rule_and_related_places() {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("a.yaml", "name: x\nname: y\n".to_owned()));
    let first = crate::source::Location::new(id, Span::new(0, 4));
    let diagnostics = [
        Diagnostic::at(Code::DuplicateKey, id, Span::new(8, 12), "`name` stands twice").also(first, "first here"),
        Diagnostic::file(Code::UnreadableFile, "x.yaml", "not there"),
    ];
    let mut out = Vec::new();
    write_sarif_diagnostics(&mut out, &diagnostics, &sources).expect("memory");
    let document = parsed(&String::from_utf8(out).expect("text"));
    let run = &document["runs"][0];
    assert_eq!(run["invocations"][0]["exitCode"], 3);
    let summary = Code::DuplicateKey.explanation().summary;
    assert_eq!(run["tool"]["driver"]["rules"][0]["shortDescription"]["text"], summary);
    let related = &run["results"][0]["relatedLocations"][0];
    assert_eq!((&related["id"], &related["message"]["text"]), (&json!(1), &json!("first here")));
    assert_eq!(related["physicalLocation"]["region"]["startLine"], 1);
    assert_eq!(
        run["results"][1]["locations"][0]["physicalLocation"],
        json!({ "artifactLocation": { "uri": "x.yaml" } })
    );
}

#[test]
fn a_path_is_a_uri() {
    for (path, expected) in [
        ("plans/fleet.yaml", "plans/fleet.yaml"),
        ("/srv/a b.yaml", "file:///srv/a%20b.yaml"),
        ("C:/plans/fleet.yaml", "file:///C%3A/plans/fleet.yaml"),
        ("javascript:x", "javascript%3Ax"),
        ("<stdin>", "%3Cstdin%3E"),
        ("é%", "%C3%A9%25"),
    ] {
        assert_eq!(uri(path), expected);
    }
}

#[test]
fn a_large_run_says_what_is_left_out() {
    let count = MOST_RESULTS + 3;
    let projects: String =
        (0..count).map(|n| format!("  - {{ name: p{n}, project_ids: {{ cn-north-4: id-{n} }} }}\n")).collect();
    let head = SMALL.split_once("projects:").expect("it has projects").0;
    let text = format!("{head}rollout: {{ max_operations: {count} }}\nprojects:\n{projects}");
    let (plan, sources) = planned(&[("plans/fleet.yaml", &text)]);
    let summary = ran(vec![failed(FailureKind::Refused, None, "no"); count]);
    let document = parsed(&written(Format::Sarif, &report(&plan, &sources, &summary)));
    let run = &document["runs"][0];
    assert_eq!(run["results"].as_array().map(Vec::len), Some(MOST_RESULTS));
    let told = &run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"];
    assert_eq!(told, "3 more results are left out");
}

#[test]
fn a_good_run_has_no_results() {
    let (plan, sources) = planned(&[("plans/fleet.yaml", SMALL)]);
    let document = parsed(&written(Format::Sarif, &report(&plan, &sources, &ran(vec![Outcome::Accepted; 3]))));
    assert_eq!(document["runs"][0]["results"], json!([]));
}

/// The messages: in no other text is anything a link.
fn messages<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| messages(value, found)),
        Value::Object(values) => {
            found.extend(values.get("text").and_then(Value::as_str));
            values.values().for_each(|value| messages(value, found));
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is said, there are as many results, and no text steers a terminal or holds a link.
    #[test]
    fn what_others_say_stays_text(texts in [hostile(), hostile(), hostile(), hostile()]) {
        let (plan, sources, summary) = said(&texts);
        let document = parsed(&written(Format::Sarif, &report(&plan, &sources, &summary)));
        let results = document["runs"][0]["results"].as_array().expect("a list");
        prop_assert_eq!(results.len(), 6);
        for result in results {
            let uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().expect("a URI");
            let legal = |c: char| c.is_ascii_alphanumeric() || "/-._~%:".contains(c);
            prop_assert!(uri.chars().all(legal), "{}", uri);
            prop_assert!(!uri.contains(':') || uri.starts_with("file://"), "{}", uri);
        }
        let mut found = Vec::new();
        messages(&document, &mut found);
        prop_assert!(found.len() >= 6);
        for text in found {
            prop_assert!(!text.contains("]("), "{}", text);
        }
        let steers = |text: &str| text.contains("\\u00") || text.contains('\u{9b}') || text.contains('\u{202e}');
        prop_assert!(!steers(&document.to_string()), "{}", document);
    }
}
