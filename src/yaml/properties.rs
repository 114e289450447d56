//! Properties over random texts: every character maps back to where it was written, serde_yaml agrees, spans are sane.

use proptest::prelude::*;

use super::tests::{load, tree};
use super::{Kind, Node, ScalarStyle, source_span};
use crate::diagnostic::Place;
use crate::source::Span;

/// One value written in one style, with the source bytes of each of its characters.
#[derive(Debug)]
struct Written {
    text: String,
    value: String,
    /// For each character of the value: its source bytes.
    map: Vec<(char, std::ops::Range<usize>)>,
}

impl Written {
    fn new(start: &str) -> Self {
        Self { text: start.to_owned(), value: String::new(), map: Vec::new() }
    }

    /// Writes `source`, which stands for the character `c`.
    fn put(&mut self, c: char, source: &str) {
        let start = self.text.len();
        self.text.push_str(source);
        self.map.push((c, start..self.text.len()));
        self.value.push(c);
    }

    /// Writes what stands for nothing.
    fn skip(&mut self, source: &str) {
        self.text.push_str(source);
    }
}

/// Plain or quoted: words joined by blanks, folded lines and kept line breaks.
fn write_flow(style: ScalarStyle, pieces: &[(Vec<char>, u8)], line_break: &str) -> Written {
    let mut written = Written::new("# é\nkey:   ");
    let quote = match style {
        ScalarStyle::SingleQuoted => "'",
        ScalarStyle::DoubleQuoted => "\"",
        _ => "",
    };
    written.skip(quote);
    for (number, (word, join)) in pieces.iter().enumerate() {
        if number > 0 {
            match join {
                0 => written.put(' ', " "),
                1 => {
                    // One break is a space.
                    written.skip("  ");
                    written.put(' ', line_break);
                    written.skip("   ");
                }
                2 => {
                    // Each further break stands for itself.
                    written.skip(line_break);
                    written.skip(" ");
                    written.put('\n', line_break);
                    written.put('\n', line_break);
                    written.skip("    ");
                }
                _ if style == ScalarStyle::DoubleQuoted => {
                    written.put(' ', " ");
                    written.skip("\\");
                    written.skip(line_break);
                    written.skip("   ");
                }
                _ => written.put(' ', " "),
            }
        }
        for c in word {
            match (style, c) {
                (ScalarStyle::SingleQuoted, '\'') => written.put('\'', "''"),
                (ScalarStyle::DoubleQuoted, '"') => written.put('"', "\\\""),
                (ScalarStyle::DoubleQuoted, '\\') => written.put('\\', "\\\\"),
                (ScalarStyle::DoubleQuoted, 'T') => written.put('\t', "\\t"),
                (ScalarStyle::DoubleQuoted, 'X') => written.put('\u{e9}', "\\xe9"),
                (ScalarStyle::DoubleQuoted, 'U') => written.put('\u{6f22}', "\\u6F22"),
                (ScalarStyle::DoubleQuoted, 'W') => written.put('\u{1f600}', "\\U0001F600"),
                (ScalarStyle::DoubleQuoted, 'L') => written.put('\u{2028}', "\\L"),
                (ScalarStyle::DoubleQuoted, 'N') => written.put('\u{85}', "\\N"),
                (ScalarStyle::Plain, '\'' | '"') => written.put('q', "q"),
                (_, c) => written.put(*c, c.encode_utf8(&mut [0; 4])),
            }
        }
    }
    written.skip(quote);
    written.skip(line_break);
    written.skip("next: x");
    written.skip(line_break);
    written
}

/// Literal or folded: lines with their extra indentation and the blank lines after them.
fn write_block(folded: bool, lines: &[(Vec<char>, u8, u8)], chomp: &str, explicit: bool, line_break: &str) -> Written {
    let mut written = Written::new("list:\n  - key: ");
    let indicator = if explicit { "3" } else { "" };
    written.skip(&format!("{}{indicator}{chomp}  # c{line_break}", if folded { ">" } else { "|" }));
    let last = lines.len() - 1;
    for (number, (word, extra, blanks)) in lines.iter().enumerate() {
        written.skip("       ");
        // Without an indentation indicator the first line sets the indentation.
        let extra = if number == 0 && !explicit { 0 } else { *extra };
        for _ in 0..extra {
            written.put(' ', " ");
        }
        for c in word {
            written.put(*c, c.encode_utf8(&mut [0; 4]));
        }
        let blanks = usize::from(*blanks);
        if number == last {
            match chomp {
                "-" => written.skip(line_break),
                _ => written.put('\n', line_break),
            }
            for _ in 0..blanks {
                if chomp == "+" { written.put('\n', line_break) } else { written.skip(line_break) }
            }
            break;
        }
        let next_extra = lines[number + 1].1;
        let folds = folded && extra == 0 && next_extra == 0;
        match (folds, blanks) {
            (true, 0) => written.put(' ', line_break),
            (true, _) => written.skip(line_break),
            (false, _) => written.put('\n', line_break),
        }
        for _ in 0..blanks {
            written.put('\n', line_break);
        }
    }
    written.skip("last: x");
    written.skip(line_break);
    written
}

/// Every character and every pair of neighbours maps to where it was written.
fn check_written(written: &Written, pointer: &str) -> Result<(), TestCaseError> {
    let tree = load(&written.text).map_err(|errors| TestCaseError::fail(format!("{errors:#?}\n{}", written.text)))?;
    let node = tree.root().pointer(pointer).expect("is there");
    prop_assert_eq!(node.text(), Some(written.value.as_str()), "{}", written.text);
    let style = node.style().expect("a scalar");
    let mut offset = 0;
    let mut previous: Option<(usize, usize)> = None;
    for (c, source) in &written.map {
        let next = offset + c.len_utf8();
        let found = source_span(&written.text, node.span(), style, offset..next);
        prop_assert_eq!(found.range(), source.clone(), "{:?} at {} of\n{}", c, offset, written.text);
        if let Some((value_start, source_start)) = previous {
            let found = source_span(&written.text, node.span(), style, value_start..next);
            prop_assert_eq!(found.range(), source_start..source.end);
        }
        let empty = source_span(&written.text, node.span(), style, offset..offset);
        prop_assert_eq!(empty.range(), source.start..source.start);
        previous = Some((offset, source.start));
        offset = next;
    }
    let past = source_span(&written.text, node.span(), style, offset + 1..offset + 2);
    prop_assert_eq!(past, node.span());
    Ok(())
}

fn word() -> impl Strategy<Value = Vec<char>> {
    let c =
        prop::sample::select(vec!['a', 'b', 'é', '漢', '😀', '\'', '"', 'T', 'X', 'U', 'W', 'L', 'N', '{', '}', '.']);
    prop::collection::vec(c, 1..6).prop_map(|mut word| {
        word.insert(0, 'w');
        word
    })
}

fn line_break() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["\n", "\r\n"])
}

proptest! {
    #[test]
    fn each_character_of_a_flow_scalar_maps_to_where_it_was_written(
        style in prop::sample::select(vec![ScalarStyle::Plain, ScalarStyle::SingleQuoted, ScalarStyle::DoubleQuoted]),
        pieces in prop::collection::vec((word(), 0_u8..4), 1..6),
        line_break in line_break(),
    ) {
        check_written(&write_flow(style, &pieces, line_break), "/key")?;
    }

    #[test]
    fn each_character_of_a_block_scalar_maps_to_where_it_was_written(
        folded in any::<bool>(),
        lines in prop::collection::vec((word(), 0_u8..3, 0_u8..3), 1..6),
        chomp in prop::sample::select(vec!["", "-", "+"]),
        explicit in any::<bool>(),
        line_break in line_break(),
    ) {
        check_written(&write_block(folded, &lines, chomp, explicit, line_break), "/list/0/key")?;
    }
}

#[test]
fn a_part_of_a_scalar_is_found_in_examples_counted_by_hand() {
    let find = |text: &str, pointer: &str, part: &str| {
        let tree = tree(text);
        let node = tree.root().pointer(pointer).expect("is there");
        let at = node.text().and_then(|value| value.find(part)).expect("the part is there");
        source_span(text, node.span(), node.style().expect("a scalar"), at..at + part.len()).range()
    };
    // a : blank quote `x"` (3 source bytes after the quote) blank: `{{` starts at byte 8.
    assert_eq!(find("a: \"x\\\" {{ v }}\"\n", "/a", "v"), 11..12);
    // The `''` before `v` is one character of the value: quote 3, x 4, '' 5-6, v 7.
    assert_eq!(find("a: 'x''v'\n", "/a", "v"), 7..8);
    // Line 1 is `a: |` and its break (bytes 0 to 4), line 2 starts at 5, its text at 7.
    assert_eq!(find("a: |\n  one\n  two\n", "/a", "two"), 13..16);
    assert_eq!(find("a: >2\n   one\n  two\n", "/a", "two"), 15..18);
    // The key of the block is on a line of its own.
    assert_eq!(find("a:\n  |1\n   one\n", "/a", "one"), 11..14);
    assert_eq!(find("a:\n  |1\n   one\n", "/a", " "), 9..10);
    assert_eq!(find("- - |1\n    x\n", "/0/0", "x"), 11..12);
}

/// A document written at random, in text.
fn document() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        "[a-z]{1,6}",
        "[a-z0-9._-]{1,6}".prop_filter("dashes mean lists", |text| !text.starts_with('-')),
        "-?[0-9]{1,3}",
        "[0-9]{1,2}\\.[0-9]{1,2}",
        Just("true".to_owned()),
        Just("~".to_owned()),
        "'[a-z :#é]{0,6}'",
        "\"[a-z :#漢]{0,6}\"",
    ];
    let key = "[a-z]{1,3}";
    let flow = scalar.clone().prop_recursive(3, 12, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(", "))),
            prop::collection::btree_map(key, inner, 0..4).prop_map(|entries| {
                let entries: Vec<String> = entries.iter().map(|(key, value)| format!("{key}: {value}")).collect();
                format!("{{{}}}", entries.join(", "))
            }),
        ]
    });
    let leaf = flow.prop_map(|text| format!(" {text}\n"));
    let block = prop_oneof![
        4 => leaf,
        1 => prop::collection::vec("[a-z ]{1,5}", 1..3).prop_map(|lines| format!(" |\n  x{}\n", lines.join("\n  x"))),
        1 => prop::collection::vec("[a-z ]{1,5}", 1..3).prop_map(|lines| format!(" >-\n  x{}\n", lines.join("\n  x"))),
        1 => Just("\n".to_owned()),
    ];
    block.prop_recursive(3, 24, 4, |inner| {
        let indent = |text: &str| text.trim_end_matches('\n').replace('\n', "\n  ");
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(move |items| items
                .iter()
                .fold("\n".to_owned(), |all, item| all + "-" + &indent(item) + "\n")),
            prop::collection::btree_map("[a-z]{1,3}", inner, 1..4).prop_map(move |entries| {
                entries.iter().fold("\n".to_owned(), |all, (key, value)| all + key + ":" + &indent(value) + "  # c\n")
            }),
        ]
    })
}

/// The tree as JSON, numbers by their value; `None` where the two readers differ on purpose.
fn json(node: Node<'_>) -> serde_json::Value {
    match node.kind() {
        Kind::Null => serde_json::Value::Null,
        Kind::Bool(value) => value.into(),
        Kind::Number => number(node.text().unwrap_or_default()),
        Kind::Text(text) => text.into(),
        Kind::Sequence => node.items().map(json).collect(),
        Kind::Mapping => {
            serde_json::Value::Object(node.entries().map(|entry| (entry.key.to_owned(), json(entry.value))).collect())
        }
    }
}

/// A number as serde_yaml has it, which reads `007` as text.
fn number(text: &str) -> serde_json::Value {
    let reread: Result<serde_json::Value, _> = serde_yaml::from_str(text);
    reread.unwrap_or_else(|_| text.into())
}

proptest! {
    #[test]
    fn what_both_accept_is_the_same_to_serde_yaml(text in document()) {
        let Ok(ours) = load(&text) else { return Ok(()) };
        let Ok(theirs) = serde_yaml::from_str::<serde_json::Value>(&text) else { return Ok(()) };
        prop_assert_eq!(json(ours.root()), theirs, "{}", text);
    }

    #[test]
    fn any_text_ends_with_a_tree_or_diagnostics_inside_it(text in "[a-c:\\-\\[\\]{}?|>'\"&*!%@#é\u{feff} \t\r\n,0-9]{0,60}") {
        match load(&text) {
            Ok(tree) => check_spans(&text, tree.root(), 0)?,
            Err(errors) => for error in errors {
                let Place::Text(label) = &error.place else { return Err(TestCaseError::fail("no place")) };
                let span = label.location.span;
                prop_assert!(text.get(span.range()).is_some(), "{:?} {:?}", span, text);
            }
        }
    }
}

/// Spans lie in the text, on character boundaries, and parents hold their children where no alias is involved.
fn check_spans(text: &str, node: Node<'_>, depth: usize) -> Result<(), TestCaseError> {
    prop_assert!(depth <= 64);
    let span = node.span();
    let slice = text.get(span.range());
    prop_assert!(slice.is_some_and(|slice| !slice.is_empty()), "{:?} in {:?}", span, text);
    let slice = slice.unwrap_or_default();
    match node.style() {
        Some(ScalarStyle::SingleQuoted) => {
            prop_assert!(slice.starts_with('\'') && slice.ends_with('\''), "{slice:?} in {text:?}")
        }
        Some(ScalarStyle::DoubleQuoted) => {
            prop_assert!(slice.starts_with('"') && slice.ends_with('"'), "{slice:?} in {text:?}")
        }
        Some(ScalarStyle::Literal) => prop_assert!(slice.starts_with('|'), "{slice:?} in {text:?}"),
        Some(ScalarStyle::Folded) => prop_assert!(slice.starts_with('>'), "{slice:?} in {text:?}"),
        Some(ScalarStyle::Plain) => prop_assert_eq!(slice.trim(), slice),
        None => {}
    }
    if let (Some(value), Some(style)) = (node.text(), node.style()) {
        for (at, c) in value.char_indices() {
            let found = source_span(text, span, style, at..at + c.len_utf8());
            prop_assert!(text.get(found.range()).is_some());
            if !c.is_whitespace() && style == ScalarStyle::Plain {
                prop_assert_eq!(&text[found.range()], c.to_string());
            }
        }
    }
    let within = |child: Span| text.contains('*') || (span.start <= child.start && child.end <= span.end);
    for item in node.items() {
        prop_assert!(within(item.span()), "{:?} {:?} in {:?}", span, item.span(), text);
        check_spans(text, item, depth + 1)?;
    }
    for entry in node.entries() {
        prop_assert!(within(entry.value.span()) && within(entry.key_span), "{:?} {:?} in {:?}", span, entry, text);
        check_spans(text, entry.value, depth + 1)?;
    }
    Ok(())
}
