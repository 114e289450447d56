//! Tests of the tree as a whole: spans, bounds, errors, the view as JSON. `properties` has the ones with random texts.

use super::{Kind, Node, Tree, parse};
use crate::diagnostic::{Diagnostic, Place};
use crate::source::{Source, Sources, Span};

pub(super) fn load(text: &str) -> Result<Tree, Vec<Diagnostic>> {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("plan.yaml", text.to_owned()));
    let source = sources.get(id);
    parse(id, source)
}

pub(super) fn tree(text: &str) -> Tree {
    load(text).unwrap_or_else(|errors| panic!("{text:?}: {errors:#?}"))
}

fn errors(text: &str) -> Vec<Diagnostic> {
    load(text).expect_err("the text is wrong")
}

/// The code and `line:column` of each diagnostic.
fn places(text: &str) -> Vec<String> {
    let source = Source::new("plan.yaml", text.to_owned());
    errors(text)
        .iter()
        .map(|diagnostic| {
            let Place::Text(label) = &diagnostic.place else { panic!("no place") };
            let position = source.position(label.location.span.start);
            format!("{} {}:{}", diagnostic.code.as_str(), position.line(), position.column())
        })
        .collect()
}

/// What stands under the node at `pointer`.
fn under<'a>(text: &'a str, pointer: &str) -> &'a str {
    let tree = tree(text);
    let node = tree.root().pointer(pointer).unwrap_or_else(|| panic!("no {pointer} in {text:?}"));
    &text[node.span().range()]
}

#[test]
fn the_span_of_each_node_is_exactly_its_text() {
    let text = "\u{feff}# é\r\nplain: one two  # c\r\nquoted: 'it''s' # c\r\ndouble: \"a\\\"b\"   \r\nлист: [ж, {k: v}, {k: }] # x\r\nanchored: &a !!str 12\r\nnested:\r\n  - x: 1\r\n    y:\r\n    - 2\r\n  - \r\nempty:\r\nblock: |-  # c\r\n  l1\r\n\r\n  l2\r\n\r\nlast: >2\r\n   z\r\n";
    for (pointer, expected) in [
        ("/plain", "one two"),
        ("/quoted", "'it''s'"),
        ("/double", "\"a\\\"b\""),
        ("/лист", "[ж, {k: v}, {k: }]"),
        ("/лист/0", "ж"),
        ("/лист/1", "{k: v}"),
        ("/лист/2/k", "k"),
        ("/anchored", "12"),
        ("/nested", "- x: 1\r\n    y:\r\n    - 2\r\n  -"),
        ("/nested/0", "x: 1\r\n    y:\r\n    - 2"),
        ("/nested/0/y", "- 2"),
        ("/nested/1", "-"),
        ("/empty", "empty"),
        ("/block", "|-  # c\r\n  l1\r\n\r\n  l2"),
        ("/last", ">2\r\n   z"),
    ] {
        assert_eq!(under(text, pointer), expected, "{pointer}");
    }
    let root = tree(text).root().span();
    assert!(text[root.range()].starts_with("plain:") && text[root.range()].ends_with(" z"));
}

#[test]
fn indentless_and_nested_lists_start_at_their_dash() {
    assert_eq!(under("k:\n- [a]\n- b\n", "/k"), "- [a]\n- b");
    assert_eq!(under("k: &x\n- [a]\n", "/k"), "- [a]");
    assert_eq!(under("- - a\n  - b\n- c\n", "/0"), "- a\n  - b");
    assert_eq!(under("- - \n- c\n", "/0/0"), "-");
    assert_eq!(under("- &q\n  - a\n", "/0"), "- a");
    assert_eq!(under("- # c - x\n- a\n", "/0"), "-");
    assert_eq!(under("? a\n: b\n", ""), "? a\n: b");
    assert_eq!(under("--- |\n a\n", ""), "|\n a");
    assert_eq!(under("- |\n a\n- >\n b\n", "/1"), ">\n b");
    assert_eq!(under("a: &x\nb: {}\n", "/a"), "&x");
    assert_eq!(under("[a: b, c]", "/0"), "a: b");
}

#[test]
fn plain_scalars_resolve_by_the_core_schema() {
    let kind = |text: &str| {
        let tree = tree(&format!("- {text}\n- x\n"));
        let node = tree.root().items().next().expect("one item");
        match node.kind() {
            Kind::Null => "null",
            Kind::Bool(_) => "bool",
            Kind::Number => "number",
            Kind::Text(_) => "text",
            Kind::Sequence | Kind::Mapping => "collection",
        }
    };
    for null in ["", "~", "null", "Null", "NULL"] {
        assert_eq!(kind(null), "null", "{null}");
    }
    for truth in ["true", "True", "TRUE", "false", "False", "FALSE"] {
        assert_eq!(kind(truth), "bool", "{truth}");
    }
    for number in [
        "0",
        "12",
        "-3",
        "+3",
        "00012",
        "0777",
        "12e45678",
        "1.5",
        ".5",
        "5.",
        "1e3",
        "1.e+3",
        "0o17",
        "0xFF",
        ".inf",
        "-.INF",
        ".nan",
        "1_000",
        "0b11",
        "123456789012345678901234567890",
    ] {
        assert_eq!(kind(number), "number", "{number}");
    }
    for text in [
        "yes",
        "no",
        "on",
        "off",
        "y",
        "TrUe",
        "nUll",
        "1.2.3",
        "0x",
        "0o8",
        "1e",
        "e5",
        ".",
        "1a",
        "12:30",
        "+.nan",
        "0a1b",
        "1-2",
        "--1",
        "_1",
        "inf",
        "nan",
        "2026-11-24",
        "5f9f0c8e-1111",
        "'12'",
        "\"true\"",
        "!!str 12",
        "! 12",
    ] {
        assert_eq!(kind(text), "text", "{text}");
    }
}

#[test]
fn anchors_aliases_and_merge_keys_share_nodes() {
    let text = "base: &b {x: 1, y: 2}\nother: &o {y: 3, z: 4}\none: {<<: *b, y: 9}\nmany:\n  a: 0\n  <<: [*b, *o]\n  c: 0\ncopy: *b\n";
    let tree = tree(text);
    let keys = |pointer: &str| -> Vec<String> {
        let node = tree.root().pointer(pointer).expect("is there");
        node.entries().map(|entry| format!("{}={}", entry.key, entry.value.text().unwrap_or("?"))).collect()
    };
    assert_eq!(keys("/one"), ["x=1", "y=9"]);
    assert_eq!(keys("/many"), ["a=0", "x=1", "y=2", "z=4", "c=0"]);
    let at = |pointer: &str| tree.root().pointer(pointer).expect("is there").identity_parts();
    assert_eq!(at("/copy"), at("/base"));
    assert_eq!(at("/one/x"), at("/base/x"));
    assert_ne!(at("/one/y"), at("/base/y"));
}

#[test]
fn pointers_unescape_and_refuse_what_is_not_there() {
    let tree = tree("a/b: {c~d: [x, y]}\n01: z\n'': e\n");
    let text = |pointer: &str| tree.root().pointer(pointer).and_then(Node::text);
    assert_eq!(text("/a~1b/c~0d/1"), Some("y"));
    assert_eq!(text("/01"), Some("z"));
    assert_eq!(text("/"), Some("e"));
    for absent in ["/a~1b/c~0d/01", "/a~1b/c~0d/+1", "/a~1b/c~0d/2", "/a~1b/c~0d/-", "a", "/a/b", "/01/0"] {
        assert_eq!(text(absent), None, "{absent}");
    }
}

#[test]
fn large_mappings_are_looked_up_and_checked_too() {
    let mut text: String = (0..100_000).map(|n| format!("k{n}: {n}\n")).collect();
    let tree = tree(&text);
    let root = tree.root();
    for n in 0..100_000 {
        assert_eq!(root.get(&format!("k{n}")).and_then(Node::text), Some(n.to_string().as_str()));
    }
    assert!(root.get("k100000").is_none());
    // A quadratic look-up would not come this far in minutes.
    text.push_str("k7: again\n");
    assert_eq!(places(&text), ["duplicate-key 100001:1"]);
}

#[test]
fn structural_mistakes_are_all_reported_with_both_places() {
    let text = "a: 1\nb: {x: 1, x: 2}\na: 3\nc: !env HOME\n[d]: 4\n";
    assert_eq!(places(text), ["duplicate-key 2:11", "duplicate-key 3:1", "unsupported-tag 4:4", "complex-key 5:1"]);
    let first = errors(text)[0].secondary[0].location.span;
    assert_eq!(first, Span::new(9, 10));
    assert_eq!(places("a: {{ x }}\n"), ["complex-key 1:4"]);
    assert_eq!(errors("a: {{ x }}\n")[0].help.as_deref(), Some("quote the value: \"{{ x }}\""));
    assert_eq!(places("<<: 1\na: b\n"), ["invalid-merge 1:5"]);
    assert_eq!(places("a: 1\n---\nb: 2\n"), ["multiple-documents 2:1"]);
    assert_eq!(places("# nothing\n"), ["empty-plan 1:1"]);
    assert_eq!(places(""), ["empty-plan 1:1"]);
    assert_eq!(places("a: b\u{7}\n"), ["control-character 1:5"]);
    assert_eq!(places("é: \u{9f}\n"), ["control-character 1:4"]);
}

#[test]
fn aliases_that_lead_nowhere_or_too_far_are_refused() {
    assert_eq!(places("x: &harbor a\nb: *harbr\n"), ["unknown-anchor 2:4"]);
    assert_eq!(errors("x: &harbor a\nb: *harbr\n")[0].help.as_deref(), Some("did you mean `*harbor`?"));
    assert_eq!(places("a: &a [*a]\n"), ["alias-budget 1:8"]);
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..20 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    let found = places(&bomb);
    // 9^7 is more than four million: line 8 is `a7`, whose size is 9^8, and its aliases are counted one by one.
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("alias-budget"), "{found:?}");
    // Deep by aliases, though no line is.
    let mut chain = "a0: &a0 [x]\n".to_owned();
    for level in 1..100 {
        chain.push_str(&format!("a{level}: &a{level} [[*a{}]]\n", level - 1));
    }
    assert!(places(&chain)[0].starts_with("nesting-too-deep"));
}

#[test]
fn bombs_of_depth_are_refused() {
    for opening in ["[", "{", "- ", "? ", "[{", "{a: ", "- ? ", "a:\n "] {
        let mut text = opening.repeat(100_000);
        if opening == "a:\n " {
            text = (0..2_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
        }
        let found = places(&text);
        assert!(found.iter().any(|place| place.starts_with("nesting-too-deep")), "{opening:?}: {found:?}");
    }
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(load(&deep(64)).is_ok());
    // Column 65 is the bracket that opens the 65th level.
    assert_eq!(places(&deep(65)), ["nesting-too-deep 1:65"]);
}

#[test]
fn syntax_errors_say_in_plain_words_what_to_do() {
    for (text, place, message, help) in [
        ("k: \"unc\nj: 1\n", "1:4", "this quote is not closed", "closing quote"),
        ("a: 'x\n", "1:4", "this quote is never closed", "closing quote"),
        ("a: b: c\n", "1:5", "a second `:`", "quotes around the whole value"),
        ("a:\n\t- x\n", "2:1", "a tab is used for indentation", "spaces"),
        ("a: [1, 2\nb: 3\n", "1:4", "this `[` is never closed", "close it with `]`"),
        ("a: [1, 2]\nb: { c: [1]\n# }\nd: 3\n", "2:4", "this `{` is never closed", "close it with `}`"),
        ("a: [\"1\"\n  \"2\"]\n", "2:3", "a `,` or the closing `]` is missing", "by commas"),
        ("a: \"x\nb: \"y\"\n", "1:4", "this quote is not closed", "closing quote"),
        ("- { a: \"x }\n- { a: \"y\" }\n", "1:8", "this quote is not closed", "closing quote"),
        ("a: 1 # one\n b: 2\n", "2:2", "indented deeper than its neighbours", "same indentation"),
        ("a:\n  b: 1\n\n\tc: 2\n", "4:1", "a tab is used for indentation", "spaces"),
        ("- a 1\n  # c\n  b: 2\n", "1:3", "neither `key: value`", "`key: value`"),
        ("a:\n  b: 1\n  c\n  d:\n    - 1\n", "3:3", "neither `key: value`", "`key: value`"),
        ("a:b\nc: d\n", "1:2", "a space is missing after this colon", "write `a: b`"),
        ("a: 1\n  b: 2\n", "2:3", "indented deeper than the value above", "same indentation"),
        ("a:\n  b: 1\n c: 2\n", "3:2", "indentation fits neither", "align"),
        ("a: @x\n", "1:4", "can't start with this character", "quotes"),
        ("- a\nb: c\n", "2:1", "an item of the list is expected", "`- `"),
        ("a: {b: 1\nc: 2\n", "1:4", "this `{` is never closed", "close it with `}`"),
        ("a: {b: 1\n  c: 2}\n", "2:4", "a `,` or the closing `}` is missing", "close the mapping"),
        ("k: \"a\\qb\"\n", "1:6", "this backslash starts no escape", "`\\\\`"),
        ("x: \"a\" b\n", "1:8", "text follows the closing quote", "one pair of quotes"),
        ("- a\n-b\n", "2:1", "neither `key: value`", "`- b`"),
        ("a: 1\nb:2\nc: 3\n", "2:1", "neither `key: value`", "`b: 2`"),
        ("a: ]\n", "1:4", "this bracket closes nothing", "remove it"),
        ("é: 'ü' ö\n", "1:8", "text follows", "quotes"),
    ] {
        let found = errors(text);
        assert_eq!(places(text), [format!("yaml-syntax {place}")], "{text:?} {found:#?}");
        assert!(found[0].message.contains(message), "{text:?}: {}", found[0].message);
        assert!(found[0].help.as_deref().unwrap_or_default().contains(help), "{text:?}: {:?}", found[0].help);
    }
}

#[test]
fn jsonschema_validates_the_tree_itself() {
    use super::{JsonNode, TreeJson};
    let schema = serde_json::json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 2},
            "mode": {"enum": ["merged", "per-set"]},
            "count": {"type": "integer", "minimum": 1, "maximum": 20},
            "flag": {"const": true},
            "list": {"type": "array", "uniqueItems": true, "items": {"$ref": "#/definitions/item"}}
        },
        "propertyNames": {"maxLength": 5},
        "additionalProperties": false,
        "required": ["name"],
        "definitions": {"item": {"type": "object", "properties": {"a~/b": {"type": "string"}, "sub": {"$ref": "#/definitions/item"}}}}
    });
    let validator = jsonschema::options_for::<TreeJson>().build(&schema).expect("the schema is right");
    let check = |text: &str| -> Vec<String> {
        let tree = tree(text);
        let mut found: Vec<String> = validator
            .iter_errors(JsonNode::from(tree.root()))
            .map(|error| {
                let pointer = error.instance_path().to_string();
                let node = tree.root().pointer(&pointer).expect("an error's path leads to a node");
                format!("{pointer} {}", &text[node.span().range()])
            })
            .collect();
        found.sort();
        found
    };
    let none: Vec<String> = Vec::new();
    assert_eq!(check("name: ab\nmode: per-set\ncount: 0x0F\nflag: true\nlist: [{a: 1}, &i {sub: {}}]\n"), none);
    assert_eq!(check("name: é\n"), ["/name é"]);
    assert_eq!(check("name: ab\ncount: 00021\n"), ["/count 00021"]);
    assert_eq!(check("name: ab\ncount: 1e1\n"), none);
    assert_eq!(check("name: ab\ncount: 12e45678\n"), ["/count 12e45678", "/count 12e45678"]);
    assert_eq!(check("name: 12\nmode: on\nflag: 'true'\n"), ["/flag 'true'", "/mode on", "/name 12"]);
    assert_eq!(check("name: ab\nlist: [{sub: {a~/b: 1}}]\n"), ["/list/0/sub/a~0~1b 1"]);
    assert_eq!(check("name: ab\nlist: [&x {sub: {}}, *x]\n"), ["/list [&x {sub: {}}, *x]"]);
    assert_eq!(check("{}"), [" {}"]);
    // An unknown name is reported at the mapping, and by `propertyNames` too when it is long.
    assert_eq!(check("name: ab\nunknown: 1\n").len(), 2);
}
