//! Codes of HSS and the gateway: meaning, likely cause, next step (facts: HSS error-code page, API signing guide).

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

/// All known codes, in order.
#[must_use]
pub fn service_codes() -> &'static [ServiceCode] {
    &[]
}

/// The entry for a code; `APIG.nnnn` counts as `APIGW.nnnn`.
#[must_use]
pub fn service_code(code: &str) -> Option<&'static ServiceCode> {
    service_codes().iter().find(|entry| entry.code == code)
}
