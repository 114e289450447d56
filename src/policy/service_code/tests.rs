//! The table's own order, and which explanation a failure gets.

use super::*;
use FailureKind::{NoAnswer, Refused, Throttled, UnclearAnswer};

#[test]
fn codes_are_found_however_they_are_spelled() {
    for code in ["APIGW.0308", "APIG.0308", "apigw.0308", " apig.0308 "] {
        assert_eq!(service_code(code).map(|entry| entry.code), Some("APIGW.0308"), "{code}");
    }
    assert!(service_code("00000010").is_some());
    assert!(service_code("HSS.1020").is_some());
    assert!(service_code("HSS.1021").is_none());
    assert!(service_code("").is_none());
}

#[test]
fn the_table_is_sorted_and_every_text_is_a_sentence() {
    let codes: Vec<_> = service_codes().iter().map(|entry| entry.code).collect();
    let mut sorted = codes.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(codes, sorted);
    let kinds = ["HSS", "APIGW", "IAM"].map(|prefix| other_of(prefix).expect("a kind"));
    let others = kinds.into_iter().chain([ENTERPRISE_PROJECT, DENIED, OTHER_INTERNAL]);
    for Explanation { meaning, cause, next_step } in service_codes().iter().map(ServiceCode::explanation).chain(others)
    {
        for text in [meaning, cause, next_step] {
            assert!(text.ends_with('.') && text.len() > 15, "{text}");
        }
    }
}

/// A bare number may be one of the gateway's or of HSS.
#[test]
fn no_number_has_two_meanings() {
    let number = |entry: &ServiceCode| entry.code.split_once('.').map(|(_, number)| number);
    let mut numbers: Vec<_> = service_codes().iter().filter_map(number).collect();
    let all = numbers.len();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), all);
}

#[test]
fn a_code_is_found_in_whatever_was_pasted() {
    for (text, code) in [
        ("APIGW.0301", "APIGW.0301"),
        ("apig.0301", "APIGW.0301"),
        ("0301", "APIGW.0301"),
        ("APIGW0301", "APIGW.0301"),
        ("apigw-0301:", "APIGW.0301"),
        ("APIGW 0301", "APIGW.0301"),
        ("HSS.0013: not enough permission", "HSS.0013"),
        ("hss_0013", "HSS.0013"),
        ("0013", "HSS.0013"),
        ("1005", "HSS.1005"),
        ("00000010", "00000010"),
        (r#"{"error_code":"00000010","error_description":"拒绝访问"}"#, "00000010"),
        (r#"{"error_msg":"x","error_code":"APIGW.0308","request_id":"6b1d0013"}"#, "APIGW.0308"),
        ("HSS.1061", "HSS.1061"),
        ("apig.0999", "APIGW.0999"),
        ("00000011", "00000011"),
        ("IAM.0011", "IAM.0011"),
    ] {
        let found = pasted_code(text).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(found.0, code, "{text}");
    }
    for text in [
        "",
        ".",
        "...",
        "HSS",
        "HSS.",
        "HSS.1",
        "XYZ.0001",
        "0999",
        "429",
        "4",
        "20261124",
        "0000001",
        "HSS.00131",
        "HSS.0A13",
        "ä0301ß",
    ] {
        let found = pasted_code(text).map(|(code, _)| code);
        assert_eq!(found, (text == "ä0301ß").then(|| "APIGW.0301".to_owned()), "{text}");
    }
}

#[test]
fn a_failure_is_explained_by_its_code_or_by_what_it_says_of_rights() {
    let of = |code: &str| service_code(code).map(ServiceCode::explanation);
    for (kind, code, message, expected) in [
        (Refused, Some("HSS.0011"), "not found", of("HSS.0011")),
        (Refused, Some("APIG.0101"), "x", of("APIGW.0101")),
        (Throttled, Some("APIGW.0308"), "denied", of("APIGW.0308")),
        (Refused, Some("HSS.0013"), "no rights in the default Enterprise Project", Some(ENTERPRISE_PROJECT)),
        (Refused, None, "enterprise_project_id 0 is forbidden", Some(ENTERPRISE_PROJECT)),
        (Refused, Some("HSS.9999"), "无权限访问默认企业项目", Some(ENTERPRISE_PROJECT)),
        (Refused, None, "access is denied, and the answer doesn't say why", Some(DENIED)),
        (Refused, Some("00000011"), "拒绝访问", Some(DENIED)),
        (Refused, Some("403"), "Forbidden", Some(DENIED)),
        (Refused, Some("HSS.9999"), "not enough permission", None),
        (Refused, None, "busy", None),
        (UnclearAnswer, Some("APIGW.0203"), "x", of("APIGW.0203")),
        (UnclearAnswer, Some("HSS.0011"), "x", None),
        (NoAnswer, None, "enterprise project", None),
    ] {
        assert_eq!(explanation(kind, code, message), expected, "{kind:?} {code:?} {message}");
    }
}
