//! Codes of HSS and the gateway: meaning, likely cause, next step.
//!
//! [`table`] is the data. A code that isn't in it is shown as the service sent it, and has what can be said of its kind.

mod table;
#[cfg(test)]
mod tests;

use crate::event::FailureKind;

/// What is known of a code.
#[derive(Clone, Copy, Debug)]
pub struct ServiceCode {
    /// `HSS.0013`, `APIGW.0301`.
    pub code: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What usually causes it.
    pub cause: &'static str,
    /// What to do now.
    pub next_step: &'static str,
}

/// The three things that somebody with an error wants to know, each a sentence or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Explanation {
    /// What it means.
    pub meaning: &'static str,
    /// What usually causes it.
    pub cause: &'static str,
    /// What to do now.
    pub next_step: &'static str,
}

impl ServiceCode {
    /// What there is to say of it.
    #[must_use]
    pub fn explanation(&self) -> Explanation {
        let Self { meaning, cause, next_step, .. } = *self;
        Explanation { meaning, cause, next_step }
    }
}

/// All known codes, in order.
#[must_use]
pub fn service_codes() -> &'static [ServiceCode] {
    table::SERVICE_CODES
}

/// The entry for a code, in capitals or not; `APIG.nnnn`, as some sites call it, counts as `APIGW.nnnn`.
fn service_code(code: &str) -> Option<&'static ServiceCode> {
    let code = canonical_code(code);
    service_codes().iter().find(|entry| entry.code == code)
}

/// A code as the table spells it.
pub(super) fn canonical_code(code: &str) -> String {
    let code = code.trim().to_ascii_uppercase();
    match code.strip_prefix("APIG.") {
        Some(number) => format!("APIGW.{number}"),
        None => code,
    }
}

/// What is to be said of a failure beyond the service's own words; `None` when only its kind is known.
///
/// An answer that speaks of enterprise projects, or denies access in words and has no code but a number, counts too: a user
/// who has rights on just one enterprise project is refused in several shapes.
#[must_use]
pub fn explanation(kind: FailureKind, code: Option<&str>, message: &str) -> Option<Explanation> {
    let known = code.and_then(service_code);
    let says_nothing = known.is_none() && code.is_none_or(|code| code.bytes().all(|byte| byte.is_ascii_digit()));
    let known = match kind {
        FailureKind::Refused if names(message, &ENTERPRISE_PROJECT_WORDS) => return Some(ENTERPRISE_PROJECT),
        FailureKind::Refused if says_nothing && names(message, &DENIAL_WORDS) => return Some(DENIED),
        // What HSS says of a request that may still be running is not the end of it.
        FailureKind::NoAnswer | FailureKind::UnclearAnswer => known.filter(|entry| entry.code.starts_with("APIGW.")),
        _ => known,
    };
    known.map(ServiceCode::explanation)
}

/// The code that somebody means, as it is to be shown, with its explanation: `APIGW.0301`, `apig.0301`, `0301`, `HSS-0013`,
/// `00000010`, or such a code in a line that was copied from an answer. A code of a known kind that no list names has what
/// can be said of the kind.
#[must_use]
pub fn pasted_code(text: &str) -> Option<(String, Explanation)> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-' | '_')).find_map(|word| {
        let word = word.trim_matches(['.', '-', '_']).to_ascii_uppercase();
        let digits = word.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        let prefix = &word[..word.len() - digits.len()];
        let digits = digits.trim_start_matches(['.', '-', '_']);
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let exact = |code: String| service_code(&code).map(|entry| (entry.code.to_owned(), entry.explanation()));
        match (prefix, digits.len()) {
            ("", 4) => exact(format!("APIGW.{digits}")).or_else(|| exact(format!("HSS.{digits}"))),
            ("", 8) => {
                let other = || digits.starts_with("0000").then(|| (digits.to_owned(), OTHER_INTERNAL));
                exact(digits.to_owned()).or_else(other)
            }
            (_, 4) => {
                let code = canonical_code(&format!("{prefix}.{digits}"));
                exact(code.clone()).or_else(|| Some((code, other_of(prefix)?)))
            }
            _ => None,
        }
    })
}

fn names(message: &str, words: &[&str]) -> bool {
    let message = message.to_lowercase();
    words.iter().any(|word| message.contains(word))
}

const ENTERPRISE_PROJECT_WORDS: [&str; 4] =
    ["enterprise project", "enterprise_project", "enterpriseproject", "企业项目"];

const ENTERPRISE_PROJECT: Explanation = Explanation {
    meaning: "The service refuses the enterprise project of the request.",
    cause: "A user who has rights on just one enterprise project must name it: the default `0` and `all_granted_eps` are forbidden to such a user.",
    next_step: "Name yours: set `enterprise_project_id` of the project to one that the user may act in, or grant the user HSS rights in the one that the plan names.",
};

const DENIAL_WORDS: [&str; 8] =
    ["forbidden", "denied", "permission", "not authorized", "not allowed", "拒绝", "权限", "禁止"];

const DENIED: Explanation = Explanation {
    meaning: "Access is denied.",
    cause: "The user has no HSS rights in this project, or only in an enterprise project that the request doesn't name; or a proxy on the way denies it.",
    next_step: "Grant the user HSS rights in this project, or name your enterprise project: set `enterprise_project_id` of the project to one that the user may act in.",
};

const OTHER_INTERNAL: Explanation = Explanation {
    meaning: "An internal code of HSS. The meaning of these isn't published.",
    cause: "HSS refused the request; the one of these that is known, 00000010, denies access.",
    next_step: "Read the text that came with it, mostly in `error_description`; check the user's rights in the project and the enterprise project; else give the code and the request id to Huawei Cloud support.",
};

/// What can be said of a code that isn't in the table.
fn other_of(prefix: &str) -> Option<Explanation> {
    Some(match prefix {
        "HSS" => Explanation {
            meaning: "A code of HSS, and none that hss-sync knows.",
            cause: "HSS itself answered and did not do what was asked.",
            next_step: "Read the text that came with it, look the code up in the error codes of the HSS API reference, or give it and the request id to Huawei Cloud support.",
        },
        "APIG" | "APIGW" => Explanation {
            meaning: "A code of the gateway in front of HSS, and none that hss-sync knows.",
            cause: "The gateway answered in place of HSS. With a 4xx status it refused the request; with a 5xx status it may have passed it on.",
            next_step: "Read the text that came with it, and look the code up in the API signing guide. After a 5xx status look at the synchronisation tasks of the project in the HSS console before repeating it.",
        },
        "IAM" => Explanation {
            meaning: "A code of IAM, which is asked for tokens and temporary keys. hss-sync doesn't know what each of them means.",
            cause: "IAM refused the user name, password, identity provider or project that it was asked with, or could not answer.",
            next_step: "Read the text that came with it; check the variables of the credential and that the user may use the project.",
        },
        _ => return None,
    })
}
