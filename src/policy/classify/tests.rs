//! Answers and what they mean, as a table; `docs/answers.md` says why.

use proptest::prelude::*;

use super::*;
use crate::model::Secret;
use FailureKind::{Credential, NoAnswer, NotSent, Redirected, Throttled, Unavailable, UnclearAnswer};

fn answer(status: u16, body: &str) -> Answer {
    Answer { status, body: body.as_bytes().to_vec(), ..Answer::default() }
}

fn judge(answer: &Answer) -> Verdict {
    classify(answer, &Redactor::default())
}

/// A verdict in short: `failed Refused HSS.0013: not enough permission`.
fn short(verdict: &Verdict) -> String {
    let show = |word: &str, failure: &Failure| format!("{word} {:?} {}", failure.kind, failure.reason());
    match verdict {
        Verdict::Accepted => "accepted".to_owned(),
        Verdict::Failed(failure) => show("failed", failure),
        Verdict::Unknown(failure) => show("unknown", failure),
        Verdict::Retry { failure, wait: None } => show("retry", failure),
        Verdict::Retry { failure, wait: Some(wait) } => show(&format!("retry in {} s", wait.as_secs()), failure),
    }
}

#[test]
fn success_needs_an_answer_that_does_not_deny_it() {
    for body in [
        "",
        "{}",
        r#"{"error_code":0,"error_description":"success"}"#,
        r#"{"error_code":"0"}"#,
        r#"{"error_code":"","error_msg":""}"#,
        r#"{"code":200,"message":"OK"}"#,
        r#"{"error_code":0,"error_msg":"success"}"#,
        r#"{"error":null,"error_msg":""}"#,
        r#"{"message":"OK"}"#,
        r#"{"task_id":"x"}"#,
        "ok",
        "null",
    ] {
        assert_eq!(judge(&answer(200, body)), Verdict::Accepted, "{body}");
        assert_eq!(judge(&answer(202, body)), Verdict::Accepted, "{body}");
    }
    for (body, expected) in [
        (r#"{"error_code":5,"error_description":"busy"}"#, "failed Refused 5: busy"),
        (r#"{"error_code":"HSS.0013","error_msg":"no"}"#, "failed Refused HSS.0013: no"),
        (r#"{"error_code":"00000010","error_description":"拒绝访问"}"#, "failed Refused 00000010: 拒绝访问"),
        (r#"{"code":"HSS.0001","message":"bad"}"#, "failed Refused HSS.0001: bad"),
        (r#"{"data":{"errorCode":"X1","errorMsg":"deeper"}}"#, "failed Refused X1: deeper"),
        (r#"[{"error_code":"HSS.0013","error_msg":"in a list"}]"#, "failed Refused HSS.0013: in a list"),
        (r#"{"error_msg":"not allowed"}"#, "unknown UnclearAnswer the answer holds an error and no code: not allowed"),
        (r#"{"error":"Unauthorized"}"#, "unknown UnclearAnswer the answer holds an error and no code: Unauthorized"),
        (r#"{"error":{"message":"no"}}"#, "unknown UnclearAnswer the answer holds an error and no code: no"),
        ("<!DOCTYPE html><title>Log in</title>", &format!("unknown UnclearAnswer {WEB_PAGE}")),
        ("\n <HTML>", &format!("unknown UnclearAnswer {WEB_PAGE}")),
        (&"long ".repeat(300), "unknown UnclearAnswer the answer is a long text, and not one of HSS"),
    ] {
        assert_eq!(short(&judge(&answer(200, body))), expected, "{body}");
    }
    let html = Answer { content_type: Some("text/html; charset=utf-8".to_owned()), ..answer(200, "hello") };
    assert_eq!(short(&judge(&html)), format!("unknown UnclearAnswer {WEB_PAGE}"));
}

#[test]
fn half_an_answer_is_believed_only_when_it_denies() {
    for (body, expected) in [
        (r#"{"error_code":0,"data":"xxxx"#, "unknown UnclearAnswer"),
        (r#"{"error_co"#, "unknown UnclearAnswer"),
        ("", "unknown UnclearAnswer"),
        (r#"{"error_code":"HSS.00"#, "unknown UnclearAnswer"),
        (r#"{"error_code":"HSS.0013","error_msg":"not e"#, "failed Refused HSS.0013"),
        (r#"{"error_msg":"not enough","error_code" : 13,"x":"#, "failed Refused 13: not enough"),
        (r#"{"note":"\"error_code\":5","x":"#, "unknown UnclearAnswer"),
    ] {
        for (truncated, cut_off) in [(true, false), (false, true)] {
            let verdict = short(&judge(&Answer { truncated, cut_off, ..answer(200, body) }));
            assert!(verdict.starts_with(expected), "{body}: {verdict}");
        }
    }
}

#[test]
fn errors_are_judged_by_code_and_then_by_status() {
    let gateway = |code: &str| format!(r#"{{"error_code":"{code}","error_msg":"m","request_id":"r"}}"#);
    let table: &[(u16, String, &str)] = &[
        (
            400,
            r#"{"error_code":"HSS.0013","error_description":"d","error_msg":"m"}"#.into(),
            "failed Refused HSS.0013: m",
        ),
        (
            400,
            r#"{"error_code":"00000010","error_description":"拒绝访问"}"#.into(),
            "failed Refused 00000010: 拒绝访问",
        ),
        (403, r#"{"errorCode":"HSS.0010","errorMsg":"denied"}"#.into(), "failed Refused HSS.0010: denied"),
        (403, r#"{"code":"X.1","message":"m"}"#.into(), "failed Refused X.1: m"),
        (403, r#"{"error":{"code":"X.1","message":"m"}}"#.into(), "failed Refused X.1: m"),
        (
            400,
            r#"{"error_code":400,"error_msg":{"a":1}}"#.into(),
            r#"failed Refused 400: {"error_code":400,"error_msg":{"a":1}}"#,
        ),
        (404, gateway("APIGW.0101"), "failed Refused APIGW.0101: m"),
        (500, gateway("APIG.0101"), "failed Refused APIG.0101: m"),
        (401, gateway("APIGW.0301"), "failed Credential APIGW.0301: m"),
        (400, gateway("APIGW.0301"), "failed Credential APIGW.0301: m"),
        (401, String::new(), "failed Credential the credential was refused, and the answer doesn't say why"),
        (403, gateway("APIGW.0302"), "failed Refused APIGW.0302: m"),
        (403, gateway("APIGW.0303"), "failed Credential APIGW.0303: m"),
        (401, gateway("APIGW.0307"), "failed Credential APIGW.0307: m"),
        (403, gateway("APIGW.0802"), "failed Refused APIGW.0802: m"),
        (403, "Access denied".into(), "failed Refused Access denied"),
        (413, gateway("APIGW.0201"), "failed Refused APIGW.0201: m"),
        (502, gateway("APIGW.0201"), "unknown UnclearAnswer APIGW.0201: m"),
        (504, gateway("APIGW.0201"), "unknown UnclearAnswer APIGW.0201: m"),
        (503, gateway("APIGW.0201"), "unknown UnclearAnswer APIGW.0201: m"),
        (502, gateway("APIGW.0202"), "unknown UnclearAnswer APIGW.0202: m"),
        (400, gateway("APIGW.0203"), "unknown UnclearAnswer APIGW.0203: m"),
        (500, gateway("APIGW.0601"), "unknown UnclearAnswer APIGW.0601: m"),
        (400, gateway("APIGW.0602"), "failed Refused APIGW.0602: m"),
        (503, gateway("APIGW.0613"), "retry Unavailable APIGW.0613: m"),
        (500, gateway("APIGW.0613"), "retry Unavailable APIGW.0613: m"),
        (500, gateway("APIGW.9999"), "unknown UnclearAnswer APIGW.9999: m"),
        (500, gateway("HSS.0041"), "failed Refused HSS.0041: m"),
        (500, r#"{"error_code":"00000001","error_description":"d"}"#.into(), "failed Refused 00000001: d"),
        (500, r#"{"code":500,"message":"m"}"#.into(), "unknown UnclearAnswer 500: m"),
        (500, String::new(), "unknown UnclearAnswer the answer holds no message"),
        (502, "<html>bad gateway".into(), "unknown UnclearAnswer a web page answered, not HSS: a proxy or login page?"),
        (504, gateway("HSS.0041"), "unknown UnclearAnswer HSS.0041: m"),
        (502, r#"{"error":"Bad Gateway"}"#.into(), "unknown UnclearAnswer Bad Gateway"),
        (503, "{}".into(), "retry Unavailable the service is unavailable"),
        (408, String::new(), "retry Unavailable the service waited too long for the request"),
        (429, String::new(), "retry Throttled too many calls"),
        (407, String::new(), "failed Refused the proxy asks for a user name and password"),
        (
            100,
            String::new(),
            "unknown UnclearAnswer the answer has the status 100, which says nothing about the request",
        ),
        (0, String::new(), "unknown UnclearAnswer the answer has the status 0, which says nothing about the request"),
    ];
    for (status, body, expected) in table {
        assert_eq!(short(&judge(&answer(*status, body))), *expected, "{status} {body}");
    }
}

/// The bodies of the facts' section 5.1, each with its status: what is read of them.
#[test]
fn every_published_shape_is_read() {
    let table: &[(u16, &str, &str)] = &[
        (
            401,
            r#"{"error_code":"APIGW.0301","error_msg":"Incorrect IAM authentication information: x","request_id":"r-1"}"#,
            "failed Credential APIGW.0301: Incorrect IAM authentication information: x",
        ),
        (
            400,
            r#"{"error_code":"HSS.1005","error_description":"无效的策略信息","error_msg":"invalid policy"}"#,
            "failed Refused HSS.1005: invalid policy",
        ),
        (
            400,
            r#"{"error_code":"HSS.1005","error_description":"无效的策略信息","error_msg":" "}"#,
            "failed Refused HSS.1005: 无效的策略信息",
        ),
        (400, r#"{"error_code":"00000010","error_description":"拒绝访问"}"#, "failed Refused 00000010: 拒绝访问"),
        (400, r#"{"error_description":"拒绝访问"}"#, "failed Refused 拒绝访问"),
        (400, r#"{"errorCode":"HSS.0001","errorMsg":"m"}"#, "failed Refused HSS.0001: m"),
        (400, r#"{"code":"HSS.0001","message":"m"}"#, "failed Refused HSS.0001: m"),
        (400, r#"{"error":{"error_code":"HSS.0001","error_msg":"m"}}"#, "failed Refused HSS.0001: m"),
        (400, r#"{"error":{"errorCode":"HSS.0001","errorMsg":"m"}}"#, "failed Refused HSS.0001: m"),
        (400, r#"{"error":{"error_code":"00000010","error_description":"d"}}"#, "failed Refused 00000010: d"),
        (400, r#"{"message":"outer","error":{"code":"HSS.0001"}}"#, "failed Refused HSS.0001: outer"),
        (400, r#"{"details":[{"error_code":"HSS.0001","error_msg":"m"}]}"#, "failed Refused HSS.0001: m"),
        (
            400,
            r#"{"error_code":"HSS.0001","error_msg":"m","details":[{"error_code":"X","error_msg":"n"}]}"#,
            "failed Refused HSS.0001: m",
        ),
        (
            403,
            r#"{"error_code":"PAP5.0001","encoded_authorization_message":"Egpj=="}"#,
            "failed Refused PAP5.0001: Egpj==",
        ),
        (
            403,
            r#"{"error_code":"PAP5.0001","error_msg":"denied","encoded_authorization_message":"Egpj=="}"#,
            "failed Refused PAP5.0001: denied",
        ),
        // IAM's own shape, should it ever come from HSS.
        (
            401,
            r#"{"error":{"code":401,"message":"The token must be updated","title":"Unauthorized"}}"#,
            "failed Credential 401: The token must be updated",
        ),
        (403, "Forbidden by policy", "failed Refused Forbidden by policy"),
        (400, r#""a JSON text""#, r#"failed Refused "a JSON text""#),
        (400, "\u{feff}{\"error_code\":\"HSS.0001\",\"error_msg\":\"m\"}", "failed Refused HSS.0001: m"),
    ];
    for (status, body, expected) in table {
        assert_eq!(short(&judge(&answer(*status, body))), *expected, "{status} {body}");
    }
    // Cut off inside the text: a blank message is no message here either.
    let cut = r#"{"error_code":"00000010","error_msg":"","error_description":"拒绝访问","more":"#;
    let cut = Answer { truncated: true, ..answer(400, cut) };
    assert_eq!(short(&judge(&cut)), "failed Refused 00000010: 拒绝访问");
}

#[test]
fn the_request_id_is_read_from_the_header_or_the_body() {
    let id = |header: Option<&str>, body: &str| {
        let answer = Answer { request_id: header.map(str::to_owned), ..answer(400, body) };
        answer.shown_request_id(&Redactor::default())
    };
    let body = r#"{"error_code":"APIGW.0301","error_msg":"m","request_id":"in-body"}"#;
    assert_eq!(id(Some("in-header"), body).as_deref(), Some("in-header"));
    assert_eq!(id(None, body).as_deref(), Some("in-body"));
    assert_eq!(id(None, r#"{"error":{"request_id":"deeper\u001b"}}"#).as_deref(), Some("deeper\u{fffd}"));
    for none in ["", "{}", r#"{"request_id":5}"#, r#"{"request_id":""}"#, "[]", "text"] {
        assert_eq!(id(None, none), None, "{none}");
    }
}

#[test]
fn a_redirect_is_shown_and_not_followed() {
    let location = Some("https://login.example/?token=very-secret-key\u{1b}[31m".to_owned());
    let redactor = Redactor::new(vec![Secret::new("very-secret-key".to_owned())]);
    let verdict = classify(&Answer { location, ..answer(302, "") }, &redactor);
    let Verdict::Failed(failure) = verdict else { panic!("{verdict:?}") };
    assert_eq!(failure.kind, Redirected);
    assert!(failure.message.contains("https://login.example/?token=[redacted]\u{fffd}[31m;"), "{}", failure.message);
}

#[test]
fn how_long_to_wait_is_read_from_header_or_text() {
    let over = |limit: &str| {
        format!(
            r#"{{"error_code":"APIGW.0308","error_msg":"The throttling threshold has been reached: policy user over ratelimit,{limit}"}}"#
        )
    };
    let wait = |retry_after: Option<&str>, date: Option<&str>, body: &str| {
        let own = |text: Option<&str>| text.map(str::to_owned);
        let answer = Answer { retry_after: own(retry_after), date: own(date), ..answer(429, body) };
        match judge(&answer) {
            Verdict::Retry { failure, wait } if failure.kind == Throttled => wait.map(|wait| wait.as_secs()),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(wait(None, None, &over("limit:200,time:5 minute")), Some(300));
    assert_eq!(wait(None, None, &over("limit:10,time:1 second")), Some(1));
    assert_eq!(wait(None, None, &over("limit:10, time:2 hours")), Some(7200));
    assert_eq!(wait(None, None, &over("limit:1000, time:1 day")), Some(86_400));
    assert_eq!(wait(None, None, &over("limit:1,time:99999999999999999999 day")), None);
    assert_eq!(wait(None, None, &over("limit:1,time:2 day")), None, "no gateway counts so");
    assert_eq!(wait(None, None, &over("limit:1,time:5 lustrum")), None);
    assert_eq!(wait(Some(" 7 "), None, &over("limit:200,time:5 minute")), Some(7), "the header counts first");
    assert_eq!(wait(Some("99999999999999999999999"), None, ""), Some(86_400), "bounded");
    assert_eq!(wait(Some("-5"), None, ""), None);
    let later = Some("Sun, 06 Nov 1994 08:49:37 GMT");
    assert_eq!(wait(later, Some("Sun, 06 Nov 1994 08:48:07 GMT"), ""), Some(90));
    assert_eq!(wait(later, Some("Sun, 06 Nov 1994 09:00:00 GMT"), ""), Some(0), "already over");
    assert_eq!(wait(later, None, ""), None, "a date means nothing without the service's clock");
    let Verdict::Retry { failure, wait } = judge(&Answer { retry_after: Some("3".to_owned()), ..answer(503, "") })
    else {
        panic!("503 is repeated")
    };
    assert_eq!((failure.kind, wait), (Unavailable, Some(Duration::from_secs(3))));
}

#[test]
fn no_answer_is_repeated_only_when_nothing_was_sent() {
    let redactor = Redactor::new(vec![Secret::new("very-secret-key".to_owned())]);
    let detail = "connection reset\nvery-secret-key".to_owned();
    let kind = |verdict: Verdict| match verdict {
        Verdict::Retry { failure, wait: None } => ("retry", failure.kind, failure.message),
        Verdict::Unknown(failure) => ("unknown", failure.kind, failure.message),
        other => panic!("{other:?}"),
    };
    let shown = "connection reset [redacted]".to_owned();
    let not_sent = SendError::NotSent { detail: detail.clone() };
    assert_eq!(kind(classify_error(&not_sent, &redactor)), ("retry", NotSent, shown.clone()));
    assert_eq!(kind(classify_error(&SendError::NoAnswer { detail }, &redactor)), ("unknown", NoAnswer, shown));
}

#[test]
fn messages_are_scrubbed_and_then_cut_to_one_short_line() {
    let secret = "very-secret-key-of-forty-characters-xxxx";
    let redactor = Redactor::new(vec![Secret::new(secret.to_owned())]);
    // The secret would stand across the cut at 500 characters.
    let body = format!(
        r#"{{"error_code":"{secret}","error_msg":"{}\r\n\u001b[2J\u202e拒绝{secret}{secret}"}}"#,
        "x".repeat(480)
    );
    let Verdict::Failed(failure) = classify(&answer(400, &body), &redactor) else { panic!("400 is refused") };
    assert_eq!(failure.code.as_deref(), Some("[redacted]"));
    assert_eq!(failure.message, format!("{} \u{fffd}[2J\u{fffd}拒绝[redacted][r…", "x".repeat(480)));
    assert_eq!(failure.message.chars().count(), 501);
    let id = Answer { request_id: Some(format!("{secret}\u{1b}")), ..answer(200, "") };
    assert_eq!(id.shown_request_id(&redactor).as_deref(), Some("[redacted]\u{fffd}"));
}

#[test]
fn answers_of_others_are_read_in_words() {
    let redactor = Redactor::new(vec![Secret::new("open sesame".to_owned())]);
    let words = |status: u16, body: &str| answer(status, body).shown_words(&redactor);
    let iam = r#"{"error":{"code":401,"message":"no user with open sesame","title":"Unauthorized"}}"#;
    assert_eq!(words(401, iam).as_deref(), Some("no user with [redacted]"));
    let other = r#"{"error_code":"IAM.0011","error_msg":"locked"}"#;
    assert_eq!(words(403, other).as_deref(), Some("IAM.0011: locked"));
    assert_eq!(words(404, "not here").as_deref(), Some("not here"));
    assert_eq!(words(502, "<html>").as_deref(), Some("a web page: of a proxy or a login?"));
    assert_eq!(words(500, ""), None);
}

#[test]
fn odd_bodies_of_any_length_have_a_verdict() {
    for unit in [r#""code":"#, r#"{"code":{"#, r#"{"error_code":"#, "[", "\"error_code\":\"", "limit:time:", "\u{fffd}"]
    {
        for status in [200, 429, 500] {
            let _ = judge(&Answer { truncated: true, ..answer(status, &unit.repeat(65_536 / unit.len())) });
            let _ = judge(&answer(status, &unit.repeat(65_536 / unit.len())));
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_have_a_verdict_without_secrets(
        status in any::<u16>(), head in any::<Vec<u8>>(), tail in any::<Vec<u8>>(), truncated in any::<bool>(),
        cut_off in any::<bool>(), retry_after in proptest::option::of(any::<String>()), date in any::<Option<String>>(),
        location in any::<Option<String>>(), content_type in any::<Option<String>>(),
    ) {
        let secret = "very-secret-key";
        let redactor = Redactor::new(vec![Secret::new(secret.to_owned())]);
        let body = [&head, secret.as_bytes(), &tail].concat();
        let location = location.map(|text| text + secret);
        let answer =
            Answer { status, body, truncated, cut_off, retry_after, date, location, content_type, request_id: None };
        let shown = format!("{:?}", classify(&answer, &redactor));
        prop_assert!(!shown.contains(secret), "{shown}");
    }

    #[test]
    fn any_json_has_a_verdict(
        status in 100u16..600, key in "error_code|error_msg|code|error", value in any::<String>(), number in any::<f64>(),
    ) {
        for value in [serde_json::json!(value), serde_json::json!(number), serde_json::json!({"code": value})] {
            let body = serde_json::json!({ (key.clone()): value }).to_string();
            let failure = match judge(&answer(status, &body)) {
                Verdict::Accepted => None,
                Verdict::Failed(failure) | Verdict::Unknown(failure) | Verdict::Retry { failure, .. } => Some(failure),
            };
            if let Some(failure) = failure {
                prop_assert!(failure.message.chars().count() <= 560 && !failure.message.contains(char::is_control));
                prop_assert_eq!(failure.status, Some(status));
                let may_be_unclear = !(200..500).contains(&status) || (status < 300 && key.starts_with("error"));
                prop_assert!(failure.kind != UnclearAnswer || may_be_unclear, "{failure:?}");
                prop_assert!(failure.kind != Credential || status == 401);
            }
        }
    }
}
