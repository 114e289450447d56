//! Names with `*` and `?`, as a `select` set and `--select` match them.

/// Whether a pattern is the whole name: `*` stands for any text, `?` for one character, all else for itself. Not globset,
/// whose `?` is one byte: registries have Chinese names too. Takes time in proportion to both lengths multiplied, at most.
#[must_use]
pub fn is_wildcard_match(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // The latest star, and how far the name has got with it: there it takes one more when the rest doesn't fit.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match (pattern.get(p), star) {
            (Some('*'), _) => {
                star = Some((p, n));
                p += 1;
            }
            (Some(c), _) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            (_, Some((at, taken))) => {
                star = Some((at, taken + 1));
                p = at + 1;
                n = taken + 1;
            }
            (_, None) => return false,
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::is_wildcard_match;

    #[test]
    fn a_pattern_is_the_whole_name() {
        for (pattern, name, expected) in [
            ("prod", "prod", true),
            ("prod", "prod-1", false),
            ("prod-*", "prod-", true),
            ("*-eu-*", "a-eu-eu-b", true),
            ("*-eu", "a-eu-b", false),
            ("*a*b*c", "xaybzc", true),
            ("?", "镜", true),
            ("??", "镜", false),
            ("*?", "", false),
            ("**", "", true),
            ("[a]", "a", false),
            ("[a]", "[a]", true),
        ] {
            assert_eq!(is_wildcard_match(pattern, name), expected, "{pattern} {name}");
        }
    }

    /// The definition, which takes too long for long patterns.
    fn by_definition(pattern: &[char], name: &[char]) -> bool {
        match (pattern.split_first(), name.split_first()) {
            (None, rest) => rest.is_none(),
            (Some(('*', pattern)), _) => (0..=name.len()).any(|taken| by_definition(pattern, &name[taken..])),
            (Some((c, pattern)), Some((first, name))) => (*c == '?' || c == first) && by_definition(pattern, name),
            (Some(_), None) => false,
        }
    }

    proptest! {
        #[test]
        fn it_is_what_the_definition_says(pattern in "[ab*?]{0,8}", name in "[ab]{0,10}") {
            let (p, n): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
            prop_assert_eq!(is_wildcard_match(&pattern, &name), by_definition(&p, &n));
        }
    }
}
