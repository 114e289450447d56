//! An answer of the service: what it means, what of it may be shown, and what lists in it say.
//!
//! The input is a status, lines of `name: value` and, after an empty line, the body. Among the names are the headers that are read,
//! `truncated`, `cut-off`, and `secret`, which adds a secret of the run; two are always there. Wherever a secret
//! stands, in whatever encoding, it must be in nothing that comes out.

use std::time::Duration;

use hss_sync::model::{REDACTED, Secret};
use hss_sync::policy::{Answer, Redactor, SendError, Verdict, classify, classify_error};
use hss_sync::read::decode;

/// Always secrets of the run; a letter of the second is one that JSON, URLs and HTML escape.
const SECRETS: [&str; 2] = ["fuzz-secret-0123456789", "Zm9v/\"&+%é<s3cr3t>"];
/// Shorter ones are not looked for.
const SHORTEST: usize = 4;
/// No answer makes us wait longer.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);
/// More than the longest message with what is put around it.
const LONGEST_SHOWN: usize = 700;
/// Characters of a text of a list.
const LONGEST_TEXT: usize = 256;

struct Input {
    answer: Answer,
    secrets: Vec<String>,
}

impl Input {
    fn read(data: &[u8]) -> Self {
        let end = data.windows(2).position(|window| window == b"\n\n").unwrap_or(data.len());
        let head = String::from_utf8_lossy(&data[..end]).into_owned();
        let body = data.get(end + 2..).unwrap_or_default().to_vec();
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.trim().parse().ok()).unwrap_or(200);
        let mut answer = Answer { status, body, ..Answer::default() };
        let mut secrets: Vec<String> = SECRETS.map(str::to_owned).into();
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            let value = value.to_owned();
            match name {
                "content-type" => answer.content_type = Some(value.to_lowercase()),
                "retry-after" => answer.retry_after = Some(value),
                "date" => answer.date = Some(value),
                "x-request-id" => answer.request_id = Some(value),
                "location" => answer.location = Some(value),
                "truncated" => answer.truncated = true,
                "cut-off" => answer.cut_off = true,
                "secret" => secrets.push(value),
                _ => {}
            }
        }
        Self { answer, secrets }
    }
}

/// # Panics
/// When an invariant breaks.
pub fn check(data: &[u8]) {
    let Input { answer, secrets } = Input::read(data);
    let redactor = Redactor::new(secrets.iter().cloned().map(Secret::new).collect());
    // A secret that overlaps with what stands in its place can't be told from it.
    let looked_for = |secret: &&String| secret.chars().count() >= SHORTEST && !secret.contains(['[', ']']);
    let secrets: Vec<&str> = secrets.iter().filter(looked_for).map(String::as_str).collect();
    let secrets: Vec<&str> = secrets.into_iter().filter(|secret| !REDACTED.contains(secret)).collect();
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    check_scrub(&body, &redactor, &secrets);
    check_verdict(&answer, &redactor, &secrets);
    for shown in [answer.shown_request_id(&redactor), answer.shown_words(&redactor)].into_iter().flatten() {
        check_shown(&shown, &secrets);
    }
    for error in [SendError::NotSent { detail: body.clone() }, SendError::NoAnswer { detail: body.clone() }] {
        match (&error, classify_error(&error, &redactor)) {
            (SendError::NotSent { .. }, Verdict::Retry { failure, wait: None })
            | (SendError::NoAnswer { .. }, Verdict::Unknown(failure)) => check_shown(&failure.message, &secrets),
            (_, verdict) => panic!("{error:?} became {verdict:?}"),
        }
    }
    check_lists(&answer.body, &redactor, &secrets);
}

fn check_scrub(text: &str, redactor: &Redactor, secrets: &[&str]) {
    holds_none(&redactor.scrub(text), secrets);
    // In the middle of the text in each encoding, next to whatever stands there.
    let middle = (text.len() / 2..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    let (before, after) = text.split_at(middle);
    for secret in SECRETS {
        for form in [secret.to_owned(), percent(secret, false), percent(secret, true), json(secret)] {
            let scrubbed = redactor.scrub(&format!("{before}{form}{after}"));
            holds_none(&scrubbed, secrets);
            assert!(!scrubbed.contains(&form), "{form} is in {scrubbed:?}");
        }
    }
}

fn check_verdict(answer: &Answer, redactor: &Redactor, secrets: &[&str]) {
    let verdict = classify(answer, redactor);
    assert_eq!(classify(answer, redactor), verdict, "judged twice");
    let is_gateways = |code: Option<&str>| code.is_some_and(|code| code.to_ascii_uppercase().starts_with("APIG"));
    let failure = match &verdict {
        Verdict::Accepted => {
            assert!((200..300).contains(&answer.status) && !answer.truncated && !answer.cut_off, "{answer:?}");
            return;
        }
        Verdict::Failed(failure) => failure,
        Verdict::Unknown(failure) => failure,
        Verdict::Retry { failure, wait } => {
            // Only what certainly was not taken is repeated.
            let certain = matches!(answer.status, 408 | 429 | 503) || is_gateways(failure.code.as_deref());
            assert!(certain && answer.status >= 400, "{answer:?} is repeated");
            assert!(wait.is_none_or(|wait| wait <= LONGEST_WAIT), "{wait:?}");
            failure
        }
    };
    assert_eq!(failure.status, Some(answer.status));
    let texts = [Some(&failure.message), failure.code.as_ref()];
    texts.into_iter().flatten().chain([&failure.reason()]).for_each(|text| check_shown(text, secrets));
}

fn check_lists(body: &[u8], redactor: &Redactor, secrets: &[&str]) {
    let mut texts = Vec::new();
    match decode::projects(body, redactor) {
        Ok(found) => texts.extend(found.into_iter().flat_map(|project| [project.id.to_string(), project.name])),
        Err(why) => assert!(!why.is_empty()),
    }
    if let Ok(page) = decode::registries(body, redactor) {
        assert_eq!(decode::tasks(body), Ok(()), "a list of registries is a list");
        for registry in page.registries {
            texts.extend([registry.id.to_string(), registry.name, registry.status]);
            texts.extend(registry.fail_reason.into_iter().chain(registry.registry_type.err()));
        }
    }
    if let Ok(page) = decode::sync_tasks(body, redactor) {
        assert!(page.tasks.len() <= page.entries);
        for task in page.tasks {
            texts.extend([Some(task.id.to_string()), task.failed_reason].into_iter().flatten());
        }
    }
    if let Ok(page) = decode::task_registries(body, redactor) {
        assert_eq!(page.registries.len(), page.entries);
        for registry in page.registries {
            texts.extend([Some(registry.id), Some(registry.name), registry.failed_reason].into_iter().flatten());
        }
    }
    for text in texts {
        assert!(text.chars().count() <= LONGEST_TEXT, "{} characters", text.chars().count());
        holds_none(&text, secrets);
    }
}

/// A text that is shown: bounded, on one line, without what steers a terminal and without secrets.
fn check_shown(text: &str, secrets: &[&str]) {
    assert!(text.chars().count() <= LONGEST_SHOWN, "{} characters", text.chars().count());
    assert!(!text.contains('\n'), "{text:?}");
    crate::shown::no_controls(text);
    holds_none(text, secrets);
}

fn holds_none(text: &str, secrets: &[&str]) {
    for secret in secrets {
        assert!(!text.contains(secret), "{secret:?} is in {text:?}");
    }
}

/// Every byte but letters and digits as `%xx`.
fn percent(text: &str, upper: bool) -> String {
    let one = |byte: u8| match (byte.is_ascii_alphanumeric(), upper) {
        (true, _) => char::from(byte).to_string(),
        (_, true) => format!("%{byte:02X}"),
        (_, false) => format!("%{byte:02x}"),
    };
    text.bytes().map(one).collect()
}

/// As it stands in a JSON text, without the quotes.
fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string().trim_matches('"').to_owned()
}
