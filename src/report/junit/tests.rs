use proptest::prelude::*;
use quick_junit::{NonSuccessKind, Report, TestCaseStatus};

use super::NO_XML;
use crate::event::{FailureKind, NotAttemptedReason, Outcome};
use crate::report::Format;
use crate::report::fixture::{SMALL, failed, failure, hostile, left, planned, ran, report, said, written};

#[test]
fn a_run() {
    let (plan, sources) = planned(&[("plans/fleet.yaml", SMALL)]);
    let refused = failed(FailureKind::Refused, Some("HSS.0999"), "not <enough>");
    let summary = ran(vec![Outcome::Accepted, refused, left(NotAttemptedReason::Interrupted)]);
    let text = written(Format::Junit, &report(&plan, &sources, &summary));
    let (head, rest) = text.split_once("        <testcase").expect("it has cases");
    let version = env!("CARGO_PKG_VERSION");
    let digest = plan.plans[0].digest.as_str();
    assert_eq!(
        head,
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="hss-sync" tests="3" failures="1" errors="0" time="4.200">
    <testsuite name="fleet" tests="3" skipped="1" errors="0" failures="1" time="0.024" timestamp="2026-11-24T08:00:00.000Z">
        <properties>
            <property name="run" value="20261124-080000-7f3a"/>
            <property name="path" value="plans/fleet.yaml"/>
            <property name="digest" value="{digest}"/>
            <property name="exit_code" value="4"/>
            <property name="simulated" value="true"/>
            <property name="resumed" value="0"/>
            <property name="forecast_ms" value="3000"/>
            <property name="tool" value="hss-sync {version}"/>
        </properties>
"#
        )
    );
    let second = rest.split_once("        <testcase").expect("a second one").1;
    let (second, third) = second.split_once("        <testcase").expect("a third one");
    let id = |op: usize| plan.operations[op].id.as_str();
    assert_eq!(
        second,
        format!(
            r#" name="{}" classname="fleet.eu-west-101" time="0.012">
            <failure message="HSS.0999: not &lt;enough&gt;" type="HSS.0999">HSS.0999: not &lt;enough&gt;
The service&apos;s message says why; the report has the request and the id of the answer.</failure>
            <system-out>outcome: failed
place: plans/fleet.yaml:7:36
project: search
region: eu-west-101
project_id: search-eu
enterprise_project_id: 0
credential: default
registry_sets: all
wave: all
call 1: 2026-11-24T08:00:00.001Z, 12 ms, HTTP 400, HSS.0999: not &lt;enough&gt;, request id d8e9
</system-out>
        </testcase>
"#,
            id(1)
        )
    );
    let expected = format!(
        r#" name="{}" classname="fleet.cn-north-4" time="0.000">
            <skipped message="the run was interrupted" type="not_attempted"/>
            <system-out>outcome: not_attempted
"#,
        id(2)
    );
    assert!(third.starts_with(&expected), "{third}");
}

#[test]
fn what_is_unknown_is_an_error_and_without_a_code_its_kind_says_which() {
    let (plan, sources) = planned(&[("plans/fleet.yaml", SMALL)]);
    let unknown = Outcome::Unknown(failure(FailureKind::NoAnswer, None, "no answer in 75 s"));
    let summary = ran(vec![Outcome::Confirmed, unknown, Outcome::Skipped("not selected".to_owned())]);
    let text = written(Format::Junit, &report(&plan, &sources, &summary));
    assert!(text.contains(r#"<error message="no answer in 75 s" type="no_answer">"#), "{text}");
    assert!(text.contains(r#"<skipped message="not selected" type="skipped"/>"#), "{text}");
    assert!(text.contains(r#"tests="3" failures="0" errors="1""#), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is said, a second reader finds the same cases, and all that is said in its place.
    #[test]
    fn what_others_say_stays_in_its_place(texts in [hostile(), hostile(), hostile(), hostile()]) {
        let (plan, sources, summary) = said(&texts);
        let text = written(Format::Junit, &report(&plan, &sources, &summary));
        let read = Report::deserialize_from_str(&text).expect("JUnit");
        prop_assert_eq!(read.test_suites.len(), 1);
        let cases = &read.test_suites[0].test_cases;
        prop_assert_eq!(cases.len(), 6);
        for (case, operation) in cases.iter().zip(&plan.operations) {
            prop_assert_eq!(case.name.as_str(), operation.id.as_str());
        }
        let kind = |case: usize| match &cases[case].status {
            TestCaseStatus::Success { .. } => "success",
            TestCaseStatus::NonSuccess { kind: NonSuccessKind::Failure, .. } => "failure",
            TestCaseStatus::NonSuccess { kind: NonSuccessKind::Error, .. } => "error",
            TestCaseStatus::Skipped { .. } => "skipped",
        };
        prop_assert_eq!([0, 1, 2, 3, 4, 5].map(kind), ["success", "failure", "error", "skipped", "skipped", "failure"]);
        let allowed = |c: char| (!c.is_control() || c == '\n') && !NO_XML.contains(&c);
        prop_assert!(text.chars().all(allowed), "{:?}", text);
    }
}
