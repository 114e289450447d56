//! Policies as pure functions: what an answer means, when to try again, what a quota allows.

mod classify;
mod quota;
mod redact;
mod retry;
mod service_code;

pub use classify::{Answer, SendError, Verdict, classify, classify_error};
pub use quota::{Bucket, CallEnd, stated_limit};
pub use redact::Redactor;
pub use retry::retry_delay;
pub use service_code::{Explanation, ServiceCode, explanation, pasted_code, service_codes};
