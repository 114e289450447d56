//! Takes secrets out of text that came from outside.
//!
//! A service, gateway or proxy may echo what it was sent, in whatever encoding its answer has. Every secret of the run is
//! looked for in each of them ([`encoded`]), also mixed and layered; echoed signatures and authentication headers go by
//! their look ([`echo`]). All hits are united before anything is replaced, so that secrets which overlap or contain one
//! another leave no rest.
//!
//! Secrets of fewer than [`SHORTEST`] characters are not looked for: they would shred any text, and reading a credential
//! refuses those under eight.

mod echo;
mod encoded;

use std::ops::Range;

use crate::model::{REDACTED, Secret};

/// Secrets with fewer characters are not looked for.
const SHORTEST: usize = 4;
/// So many characters of a secret at the very end of a text count as the secret, cut off.
const CUT_OFF: usize = 8;
/// So many characters of a base64 form are needed to tell it from other text.
const SHORTEST_BASE64: usize = 8;

/// Knows the secrets of a run and removes them from any text.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    patterns: Vec<Pattern>,
}

#[derive(Clone, Debug)]
struct Pattern {
    text: Secret,
    /// Base64 characters that may follow and belong to it.
    trailing: usize,
    /// What stands in its place.
    replacement: String,
}

impl Redactor {
    /// A redactor for these secrets.
    #[must_use]
    pub fn new(secrets: Vec<Secret>) -> Self {
        let mut redactor = Self::default();
        for secret in secrets {
            redactor.learn(&secret);
        }
        redactor
    }

    /// The same redactor, which also masks these access keys: `…` and the last four characters stay.
    #[must_use]
    pub fn with_access_keys<'a>(mut self, access_keys: impl IntoIterator<Item = &'a str>) -> Self {
        for key in access_keys {
            self.learn_access_key(key);
        }
        self
    }

    /// Takes in one more secret, such as a token that was only got during the run. What it knows already changes nothing.
    pub fn learn(&mut self, secret: &Secret) {
        self.add(secret, REDACTED);
    }

    /// Takes in one more access key.
    pub fn learn_access_key(&mut self, key: &str) {
        // Asked at each attempt, and nearly always in vain.
        if self.knows(key) {
            return;
        }
        let hidden = key.chars().count().saturating_sub(4);
        let tail: String = if hidden >= 4 { key.chars().skip(hidden).collect() } else { String::new() };
        self.add(&Secret::new(key.to_owned()), &format!("…{tail}"));
    }

    fn knows(&self, text: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.text.expose() == text)
    }

    fn add(&mut self, secret: &Secret, replacement: &str) {
        if self.knows(secret.expose()) || secret.expose().chars().count() < SHORTEST {
            return;
        }
        let pattern = |text, trailing| Pattern { text, trailing, replacement: replacement.to_owned() };
        self.patterns.push(pattern(secret.clone(), 0));
        for form in encoded::base64_forms(secret.expose().as_bytes()) {
            if form.expose().len() >= SHORTEST_BASE64 {
                self.patterns.push(pattern(form, 4));
            }
        }
    }

    /// The text without any of them, in whatever encoding they are echoed (as they are, JSON-escaped, percent-encoded,
    /// HTML-escaped, in base64, or a mix of these), also when the text ends within one, and without signatures and
    /// authentication headers. Takes time in proportion to the text and the number of secrets.
    #[must_use]
    pub fn scrub(&self, text: &str) -> String {
        let mut hits: Vec<(Range<usize>, &str)> = Vec::new();
        // Whatever stands for a character is that character, or starts with one of these.
        let escapes: Vec<usize> = text.match_indices(['\\', '%', '&', '+']).map(|(at, _)| at).collect();
        for pattern in &self.patterns {
            find(pattern, text, &escapes, &mut hits);
        }
        hits.extend(echo::find(text).into_iter().map(|range| (range, REDACTED)));
        if hits.is_empty() {
            return text.to_owned();
        }
        hits.sort_by(|a, b| (a.0.start, b.0.end).cmp(&(b.0.start, a.0.end)));
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        let mut hits = hits.into_iter().peekable();
        while let Some((mut range, mut replacement)) = hits.next() {
            while let Some((next, other)) = hits.next_if(|(next, _)| next.start < range.end) {
                if other != replacement {
                    replacement = REDACTED;
                }
                range.end = range.end.max(next.end);
            }
            out.push_str(&text[done..range.start]);
            out.push_str(replacement);
            done = range.end;
        }
        out.push_str(&text[done..]);
        out
    }
}

/// Adds every place where the pattern stands in the text.
fn find<'a>(pattern: &'a Pattern, text: &str, escapes: &[usize], hits: &mut Vec<(Range<usize>, &'a str)>) {
    let secret = pattern.text.expose();
    let Some(first) = secret.chars().next() else { return };
    let plain = text.match_indices(first).map(|(at, _)| at);
    let mut matcher = encoded::Matcher::new(secret);
    for start in plain.chain(escapes.iter().copied()) {
        let Some(found) = matcher.at(text, start) else { continue };
        if !found.complete && found.matched < CUT_OFF {
            continue;
        }
        let trailing = text.as_bytes()[found.end..]
            .iter()
            .take(pattern.trailing)
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'='))
            .count();
        hits.push((start..found.end + trailing, &pattern.replacement));
    }
}

#[cfg(test)]
mod tests;
