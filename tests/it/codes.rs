//! Every code that the facts about the service name is judged, explained, and explained where it is met: in the closing text
//! and the report.
//!
//! The table is typed from those facts, not from the program's own, so that a code that is lost there is missed here.

#![cfg(feature = "simulator")]

use hss_sync::policy::{Answer, Redactor, Verdict, classify, pasted_code, service_codes};
use serde_json::json;

use super::common::{bounded, finish, hss_sync};
use super::run::checked_report;
use super::wire::{QUICK, Reply, Server, answer, plan, run};

/// Code, status and what becomes of the request: `no` repeat, `yes`, or `careful`: not known whether it was taken.
const CODES: &[(&str, u16, &str)] = &[
    // HSS's own, all 400; those from 1001 on are below.
    ("HSS.0001", 400, "no"),
    ("HSS.0002", 400, "no"),
    ("HSS.0010", 400, "no"),
    ("HSS.0011", 400, "no"),
    ("HSS.0013", 400, "no"),
    ("HSS.0014", 400, "no"),
    ("HSS.0041", 500, "no"),
    ("00000010", 400, "no"),
    // The gateway's.
    ("APIGW.0101", 404, "no"),
    ("APIGW.0103", 404, "no"),
    ("APIGW.0103", 500, "no"),
    ("APIGW.0104", 400, "no"),
    ("APIGW.0105", 400, "no"),
    ("APIGW.0106", 400, "no"),
    ("APIGW.0201", 400, "no"),
    ("APIGW.0201", 413, "no"),
    ("APIGW.0201", 414, "no"),
    ("APIGW.0201", 494, "no"),
    ("APIGW.0201", 502, "careful"),
    ("APIGW.0201", 504, "careful"),
    ("APIGW.0202", 502, "careful"),
    ("APIGW.0203", 504, "careful"),
    ("APIGW.0204", 400, "no"),
    ("APIGW.0205", 400, "no"),
    ("APIGW.0301", 401, "no"),
    ("APIGW.0302", 403, "no"),
    ("APIGW.0303", 401, "no"),
    ("APIGW.0303", 403, "no"),
    ("APIGW.0304", 403, "no"),
    ("APIGW.0305", 401, "no"),
    ("APIGW.0306", 403, "no"),
    ("APIGW.0307", 401, "no"),
    ("APIGW.0308", 429, "yes"),
    ("APIGW.0310", 403, "no"),
    ("APIGW.0311", 401, "no"),
    ("APIGW.0311", 404, "no"),
    ("APIGW.0401", 403, "no"),
    ("APIGW.0402", 403, "no"),
    ("APIGW.0404", 403, "no"),
    ("APIGW.0501", 405, "no"),
    ("APIGW.0502", 405, "no"),
    ("APIGW.0601", 500, "careful"),
    ("APIGW.0602", 400, "no"),
    ("APIGW.0605", 500, "careful"),
    ("APIGW.0606", 500, "careful"),
    ("APIGW.0607", 400, "no"),
    ("APIGW.0608", 500, "careful"),
    ("APIGW.0609", 500, "careful"),
    ("APIGW.0610", 502, "careful"),
    ("APIGW.0611", 500, "careful"),
    ("APIGW.0612", 500, "careful"),
    ("APIGW.0613", 503, "yes"),
    ("APIGW.0705", 500, "careful"),
    ("APIGW.0801", 403, "no"),
    ("APIGW.0802", 403, "no"),
];

fn all() -> impl Iterator<Item = (String, u16, &'static str)> {
    let others = (1001..=1020).map(|number| (format!("HSS.{number}"), 400, "no"));
    CODES.iter().map(|(code, status, repeat)| ((*code).to_owned(), *status, *repeat)).chain(others)
}

#[test]
fn every_code_of_the_facts_is_judged_and_has_meaning_cause_and_next_step() {
    for (code, status, repeat) in all() {
        let known = service_codes().iter().find(|entry| entry.code == code);
        let known = known.unwrap_or_else(|| panic!("{code} is not explained"));
        for text in [known.meaning, known.cause, known.next_step] {
            assert!(text.trim_end().ends_with('.') && text.split(' ').count() >= 3, "{code}: {text:?}");
        }
        // As people paste it: in small letters, as the other sites spell it, the number alone, and the answer itself.
        let body = json!({ "error_code": code, "error_msg": "text", "request_id": "id" }).to_string();
        let number = code.split_once('.').map_or(code.as_str(), |(_, number)| number);
        for pasted in
            [&code, &code.to_lowercase(), &code.replace("APIGW", "APIG"), number, &format!("{code}: text"), &body]
        {
            let found = pasted_code(pasted).unwrap_or_else(|| panic!("{pasted}"));
            assert_eq!(found, (code.clone(), known.explanation()), "{pasted}");
        }
        let judged =
            match classify(&Answer { status, body: body.into_bytes(), ..Answer::default() }, &Redactor::default()) {
                Verdict::Accepted => "accepted",
                Verdict::Failed(_) => "no",
                Verdict::Retry { .. } => "yes",
                Verdict::Unknown(_) => "careful",
            };
        assert_eq!(judged, repeat, "{code} with {status}");
    }
    for entry in service_codes() {
        assert!(all().any(|(code, ..)| code == entry.code), "{} is in no list of the facts", entry.code);
    }
}

/// What the issue of all this names.
#[test]
fn the_codes_that_people_stumble_over_say_what_to_look_at() {
    for (code, pieces) in [
        ("APIGW.0101", &["not offered in the region"][..]),
        ("APIGW.0301", &["15 minutes", "secret key", "locked the key for five minutes"]),
        ("00000010", &["Name yours", "`enterprise_project_id`"]),
        ("HSS.0013", &["name your enterprise project", "`enterprise_project_id`"]),
        ("HSS.0010", &["name your enterprise project", "hss_policy_trust"]),
    ] {
        let (_, text) = pasted_code(code).expect("a known code");
        let text = format!("{} {} {}", text.meaning, text.cause, text.next_step);
        for piece in pieces {
            assert!(text.contains(piece), "{code}: {piece} in {text}");
        }
    }
}

#[test]
fn explain_takes_a_code_as_it_was_copied() {
    let folder = tempfile::tempdir().expect("a folder");
    for (asked, start) in [
        ("apig.0301", "APIGW.0301: The credential was refused"),
        ("0101", "APIGW.0101: "),
        ("HSS.0013: not enough permission", "HSS.0013: Not enough permission."),
        (r#"{"error_code":"00000010","error_description":"拒绝访问"}"#, "00000010: HSS denies access"),
        ("HSS.1061", "HSS.1061: A code of HSS, and none that hss-sync knows."),
        ("00000011", "00000011: An internal code of HSS."),
        ("4", "exit code 4: "),
        ("unknown-set", "error[unknown-set]"),
    ] {
        let said = bounded(folder.path(), ["explain", asked]);
        assert_eq!(said.code(), 0, "{asked}: {}", said.excerpt());
        assert!(said.stdout().starts_with(start), "{asked}: {}", said.stdout());
        if !asked.contains("unknown") && asked != "4" {
            assert!(said.stdout().contains("\nUsual cause: ") && said.stdout().contains("\nNext step:   "), "{asked}");
        }
    }
    assert_eq!(bounded(folder.path(), ["explain", "XYZ.0301"]).code(), 2, "another service's code");
}

/// Lines are broken where the terminal ends, so spaces are all one.
fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A service that answers each project in another shape.
#[test]
fn what_a_refusal_means_stands_in_closing_text_and_report() {
    let cases: &[(&str, &str, &str, &str)] = &[
        (
            "400 Bad Request",
            r#"{"error_code":"00000010","error_description":"拒绝访问"}"#,
            "00000010: 拒绝访问",
            "Name yours: set `enterprise_project_id`",
        ),
        (
            "400 Bad Request",
            r#"{"error_code":"HSS.0999","error_description":"the default enterprise project is forbidden"}"#,
            "HSS.0999: the default enterprise project is forbidden",
            "Name yours: set `enterprise_project_id`",
        ),
        (
            "400 Bad Request",
            r#"{"error_code":"HSS.0011","error_description":"没有","error_msg":"no such thing"}"#,
            "HSS.0011: no such thing",
            "Check the ids against the registries",
        ),
        (
            "404 Not Found",
            r#"{"error_code":"APIGW.0101","error_msg":"The API does not exist","request_id":"from-the-body"}"#,
            "APIGW.0101: The API does not exist",
            "Check the region and its endpoint",
        ),
        (
            "403 Forbidden",
            r#"{"error":{"code":"APIGW.0802","message":"The IAM user is forbidden"}}"#,
            "APIGW.0802: The IAM user is forbidden",
            "Grant the user rights in this region's project",
        ),
        ("403 Forbidden", "Forbidden", "Forbidden", "or name your enterprise project"),
        (
            "500 Internal Server Error",
            r#"{"error_code":"APIGW.0601","error_msg":"Internal server error."}"#,
            "APIGW.0601: Internal server error.",
            "Look at the synchronisation tasks",
        ),
    ];
    let server = Server::start("127.0.0.1:0", move |_, received| {
        let index = (0..7).find(|index| received.request_line.contains(&format!("/v5/id{index}/"))).expect("a project");
        Reply::Send(answer(cases[index].0, "", cases[index].1))
    });
    let folder = tempfile::tempdir().expect("a folder");
    let ids: Vec<String> = (0..cases.len()).map(|index| format!("id{index}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let (finished, _) = run(folder.path(), &plan(&ids, QUICK), &server.endpoint, &[], &[]);
    assert_eq!(finished.code(), 4, "one is unknown: {}", finished.excerpt());
    let report = checked_report(&folder.path().join("report.json"));
    let closing = unwrapped(&finished.stdout());
    for ((_, _, reason, next_step), operation) in cases.iter().zip(report["operations"].as_array().expect("a list")) {
        // What is unknown was looked up as well, and says what came of that.
        let told = operation["reason"].as_str().expect("a reason");
        assert_eq!(told.split("; the list of tasks").next(), Some(*reason));
        let explanation = &operation["explanation"];
        for part in ["meaning", "cause", "next_step"] {
            assert!(
                explanation[part].as_str().is_some_and(|text| text.len() > 15),
                "{reason}: {part} in {explanation}"
            );
        }
        let advised = explanation["next_step"].as_str().expect("text");
        assert!(advised.contains(next_step), "{reason}: {advised}");
        assert!(closing.contains(&unwrapped(advised)), "{reason}: {closing}");
    }
    assert_eq!(report["operations"][3]["attempts"][0]["request_id"], "from-the-body");
}

/// The same against the simulator, with the faults that it has.
#[test]
fn a_rehearsal_of_a_refusal_is_explained_too() {
    for (fault, code, exit, next_step) in [
        ("403", "APIGW.0302", 1, "Grant the user or agency rights for HSS"),
        ("401", "APIGW.0301", 5, "Compare the clock"),
        ("504", "APIGW.0203", 4, "Look at the synchronisation tasks"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("plan.yaml"), plan(&["id"], "")).expect("a plan");
        let finished = finish(hss_sync(folder.path()).args([
            "run",
            "plan.yaml",
            "--simulate",
            "--time-scale",
            "1000",
            "--fault",
            &format!("{fault}:100%"),
            "--report",
            "json=report.json",
        ]));
        assert_eq!(finished.code(), exit, "{}", finished.excerpt());
        let report = checked_report(&folder.path().join("report.json"));
        let operation = &report["operations"][0];
        assert!(operation["reason"].as_str().is_some_and(|reason| reason.starts_with(code)), "{operation}");
        assert!(
            operation["explanation"]["next_step"].as_str().is_some_and(|text| text.contains(next_step)),
            "{operation}"
        );
        assert!(unwrapped(&finished.stdout()).contains(next_step), "{}", finished.excerpt());
    }
}
