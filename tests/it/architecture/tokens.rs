//! Rust source to the tokens that the architecture rules look at.
//!
//! Comments, strings and characters are left out, and so is everything under `#[cfg(test)]`: a word in a message or a test
//! is no import. Not a full lexer: numbers and operators only have to keep words apart.

/// The words and signs of `source`, without tests. `::` is two signs.
pub(crate) fn tokens(source: &str) -> Vec<String> {
    without_tests(all_tokens(source))
}

fn all_tokens(source: &str) -> Vec<String> {
    let chars: Vec<char> = source.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let rest = &chars[at..];
        at += match rest {
            ['/', '/', ..] => rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
            ['/', '*', ..] => block_comment(rest),
            ['"', ..] => 1 + quoted(&rest[1..], '"'),
            ['\'', ..] => character_or_lifetime(rest),
            [c, ..] if is_word(*c) => {
                let length = rest.iter().position(|c| !is_word(*c)).unwrap_or(rest.len());
                let word: String = rest[..length].iter().collect();
                match literal_after_prefix(&word, &rest[length..]) {
                    Some(literal) => length + literal,
                    None => {
                        tokens.push(word);
                        length
                    }
                }
            }
            [c, ..] => {
                if !c.is_whitespace() {
                    tokens.push(c.to_string());
                }
                1
            }
            [] => 1,
        };
    }
    tokens
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Length of a block comment; they nest.
fn block_comment(rest: &[char]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        match &rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// Length up to and with the closing `quote`, backslash escapes skipped.
fn quoted(rest: &[char], quote: char) -> usize {
    let mut at = 0;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

/// Length of `'x'`, `'\n'` or the quote of a lifetime, whose name then is a word.
fn character_or_lifetime(rest: &[char]) -> usize {
    match rest {
        ['\'', '\\', ..] | ['\'', _, '\'', ..] => 1 + quoted(&rest[1..], '\''),
        _ => 1,
    }
}

/// Length of the literal behind a prefix such as `r`, `b`, `br` or `c`, when there is one.
fn literal_after_prefix(word: &str, rest: &[char]) -> Option<usize> {
    let raw = matches!(word, "r" | "br" | "cr");
    match rest {
        ['"', ..] if matches!(word, "b" | "c") => Some(1 + quoted(&rest[1..], '"')),
        ['\'', ..] if word == "b" => Some(1 + quoted(&rest[1..], '\'')),
        ['"' | '#', ..] if raw => {
            let hashes = rest.iter().take_while(|c| **c == '#').count();
            if rest.get(hashes) != Some(&'"') {
                return None;
            }
            let body = &rest[hashes + 1..];
            let closing: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
            let end = body.windows(closing.len()).position(|window| window == closing);
            Some(hashes + 1 + end.map_or(body.len(), |end| end + closing.len()))
        }
        _ => None,
    }
}

/// Leaves out each item under `#[cfg(test)]` or `#[cfg(all(test, …))]`.
fn without_tests(tokens: Vec<String>) -> Vec<String> {
    let starts = |at: usize, words: &[&str]| {
        tokens.len() >= at + words.len() && words.iter().zip(&tokens[at..]).all(|(word, token)| word == token)
    };
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let test = starts(at, &["#", "[", "cfg", "(", "test", ")"])
            || starts(at, &["#", "[", "cfg", "(", "all", "(", "test", ","]);
        if !test {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        while starts(at, &["#", "["]) {
            at = after_brackets(&tokens, at + 1);
        }
        at = after_item(&tokens, at);
    }
    kept
}

/// The index behind the bracket that closes the one at `open`.
fn after_brackets(tokens: &[String], open: usize) -> usize {
    let mut depth = 0;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return index + 1;
        }
    }
    tokens.len()
}

/// The index behind the item at `start`: behind its body, or behind its semicolon.
fn after_item(tokens: &[String], start: usize) -> usize {
    let mut at = start;
    // A `use` ends at its semicolon, whatever braces it has.
    let is_use = tokens[start..].iter().take(6).take_while(|token| *token != ";").any(|token| token == "use");
    while at < tokens.len() {
        match tokens[at].as_str() {
            ";" => return at + 1,
            "{" if !is_use => return after_brackets(tokens, at),
            "(" | "[" | "{" => at = after_brackets(tokens, at),
            _ => at += 1,
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::tokens;

    fn joined(source: &str) -> String {
        tokens(source).join(" ")
    }

    #[test]
    fn comments_and_literals_are_no_tokens() {
        for (source, expected) in [
            ("a // b\nc", "a c"),
            ("a /* b /* c */ d */ e", "a e"),
            (r#"f("std::fs \" x") g"#, "f ( ) g"),
            (r###"r#"std::fs "quoted" "# x"###, "x"),
            (r#"b"x" br"y" c"z" w"#, "w"),
            (r"'a' '\'' b'x' '\u{1b}' w", "w"),
            ("&'a str, 'static", "& a str , static"),
            ("for r in rs", "for r in rs"),
            ("r#type", "r # type"),
        ] {
            assert_eq!(joined(source), expected, "{source}");
        }
    }

    #[test]
    fn what_only_tests_see_is_left_out_and_nothing_else() {
        for (source, expected) in [
            ("a; #[cfg(test)] mod tests { fn f() { if x { y } } } b", "a ; b"),
            ("#[cfg(test)]\n#[path = \"t.rs\"]\nmod tests; b", "b"),
            ("#[cfg(test)] use crate::{a, b}; c", "c"),
            ("#[cfg(test)] fn f(x: [u8; 2]) -> [u8; 2] { x } b", "b"),
            ("#[cfg(all(test, unix))] mod t { x } b", "b"),
            ("#[cfg(not(test))] mod t { }", "# [ cfg ( not ( test ) ) ] mod t { }"),
        ] {
            assert_eq!(joined(source), expected, "{source}");
        }
    }
}
