//! `docs/security.md` names a test for each threat, and each test that it names is there.

use std::path::Path;

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).ok()
}

/// The `path.rs::name` in code spans of a text.
fn named(text: &str) -> Vec<(&str, &str)> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|span| span.split_once("::"))
        .filter(|(path, _)| path.ends_with(".rs"))
        .collect()
}

/// Whether a file has this function with the attribute of a test above it.
fn is_test(code: &str, name: &str) -> bool {
    let lines: Vec<&str> = code.lines().map(str::trim).collect();
    let definition = |line: &&str| {
        let line = line.strip_prefix("async ").unwrap_or(line);
        line.strip_prefix("fn ").and_then(|rest| rest.strip_prefix(name)).is_some_and(|rest| rest.starts_with('('))
    };
    let Some(at) = lines.iter().position(definition) else { return false };
    let attributes = lines[..at].iter().rev().take_while(|line| line.starts_with("#[") || line.starts_with("///"));
    attributes.into_iter().any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
}

#[test]
fn every_threat_has_a_test_that_is_there() {
    let page = read("docs/security.md").expect("the page is there");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| ") && !line.ends_with("| test |")).collect();
    assert!(rows.len() >= 20, "{rows:#?}");
    let untested: Vec<&&str> = rows.iter().filter(|row| named(row).is_empty()).collect();
    assert!(untested.is_empty(), "threats without a test: {untested:#?}");
    let missing: Vec<_> =
        named(&page).into_iter().filter(|(path, name)| !read(path).is_some_and(|code| is_test(&code, name))).collect();
    assert!(missing.is_empty(), "tests that are not there: {missing:#?}");
}

mod reader {
    use super::{is_test, named};

    #[test]
    fn finds_names_and_tests() {
        assert_eq!(named("| a | `b::c` | `src/x.rs::y`, `src/z.rs` |"), [("src/x.rs", "y")]);
        let code =
            "#[test]\nfn one() {}\n\nfn two() {}\n/// It.\n#[tokio::test(start_paused = true)]\nasync fn three() {}\n";
        assert_eq!(["one", "two", "three", "on"].map(|name| is_test(code, name)), [true, false, true, false]);
    }
}
