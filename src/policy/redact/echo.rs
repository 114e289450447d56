//! Signatures and authentication headers, told by their look.
//!
//! A 401 of the gateway echoes the canonical request that it computed, and proxies echo whole requests: what stands there
//! is a proof of who asks, whether or not it is a secret of ours.

use std::ops::Range;

/// A signature has 64 hex digits; from so many on it is worth hiding.
const SHORTEST_SIGNATURE: usize = 32;
/// A value that holds no longer word than this is prose and not a proof: "Authorization: missing".
const SHORTEST_PROOF: usize = 16;
/// Between a name and its value stand at most so many bytes of `": "`, `%3D` or `&quot;`.
const LONGEST_SEPARATOR: usize = 24;
/// A value of several words goes to the end of its line, but not much further than this.
const LONGEST_OF_WORDS: usize = 1024;

/// Header names whose values are proofs, lower case; those with `true` have values of several words.
const HEADERS: [(&str, bool); 5] = [
    ("authorization", true),
    ("x-auth-token", false),
    ("x-security-token", false),
    ("x-subject-token", false),
    ("x-metadata-token", false),
];

/// The values in the text that are to be hidden.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let lower = text.to_ascii_lowercase();
    let mut hits: Vec<_> = positions(&lower, "signature").filter_map(|end| signature(text, end)).collect();
    for (name, words) in HEADERS {
        let mut done = 0;
        for end in positions(&lower, name) {
            // What stands inside a value is hidden with it.
            if end > done
                && let Some(hit) = value(text, end, words)
            {
                done = hit.end;
                hits.push(hit);
            }
        }
    }
    hits
}

/// The ends of all places where `name` stands.
fn positions<'a>(lower: &'a str, name: &'a str) -> impl Iterator<Item = usize> + 'a {
    lower.match_indices(name).map(|(start, name)| start + name.len())
}

/// The hex digits soon after `signature`, with whatever separator: `=`, `": "`, `%3D`.
fn signature(text: &str, after: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let mut start = after;
    while start < bytes.len() && start < after + LONGEST_SEPARATOR {
        let length = bytes[start..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let cut_off = start + length == bytes.len() && length >= 8;
        if length >= SHORTEST_SIGNATURE || cut_off {
            return Some(start..start + length);
        }
        start += length.max(1);
    }
    None
}

/// The value of a header, if it looks like a proof.
fn value(text: &str, after: usize, words: bool) -> Option<Range<usize>> {
    let start = after + separator(&text[after..])?;
    let rest = &text[start..];
    let ends = |(at, c): &(usize, char)| {
        c.is_control()
            || matches!(c, '"' | '\'' | '|' | '<' | '>' | '\\')
            || (!words && ",;&".contains(*c))
            || ((!words || *at > LONGEST_OF_WORDS) && c.is_whitespace())
    };
    let end = start + rest.char_indices().find(ends).map_or(rest.len(), |(at, _)| at);
    let proof = text[start..end].split_whitespace().any(|word| word.len() >= SHORTEST_PROOF);
    proof.then_some(start..end)
}

/// How long the separator between a name and a value is: it must hold a `:` or `=`, as it is or encoded.
fn separator(rest: &str) -> Option<usize> {
    const PARTS: [(&str, bool); 14] = [
        (":", true),
        ("=", true),
        ("%3a", true),
        ("%3d", true),
        ("\\u003a", true),
        ("\\u003d", true),
        ("&#58;", true),
        ("&#61;", true),
        ("\"", false),
        ("'", false),
        ("\\", false),
        (" ", false),
        ("&quot;", false),
        ("%20", false),
    ];
    let lower: String = rest.chars().take(LONGEST_SEPARATOR).collect::<String>().to_ascii_lowercase();
    let (mut length, mut seen) = (0, false);
    while let Some((part, divides)) = PARTS.iter().find(|(part, _)| lower[length..].starts_with(part)) {
        length += part.len();
        seen |= divides;
    }
    seen.then_some(length)
}
