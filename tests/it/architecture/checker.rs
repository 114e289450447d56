//! The checker on small bad texts: each rule is seen to fail.

use super::{Pure, Violation, check, is_test_file, rows_pointing_down};

/// The violations as a person reads them.
fn broken(path: &str, source: &str) -> Vec<String> {
    check(path, source).iter().map(Violation::to_string).collect()
}

#[test]
fn sees_an_import_in_the_wrong_direction_however_it_is_written() {
    let expected = ["`event` may not import `report`"];
    for source in [
        "use crate::report::json;",
        "use crate::{model::RunId, report::{self, json as j}};",
        "pub(crate) use crate::report;",
        "use super::report::json;",
        "fn f() { crate::report::json::render() }",
        "fn f(x: &crate::report::Report) {}",
        "fn f() { super::report::render() }",
        "macro_rules! m { () => { $crate::report::x() } }",
    ] {
        assert_eq!(broken("event.rs", source), expected, "{source}");
    }
    assert_eq!(broken("model/id.rs", "use super::super::yaml::Tree;"), ["`model` may not import `yaml`"]);
    assert_eq!(broken("main.rs", "use hss_sync::yaml;"), ["`main` may not import `yaml`"]);
}

#[test]
fn allows_what_the_table_lists_and_what_is_no_import() {
    for (path, source) in [
        ("event.rs", "use crate::model::{FailureBudget, RunId};"),
        ("event.rs", "/// See [`crate::report`].\nfn f() { g(\"crate::report\") } // crate::report"),
        ("event.rs", "#[cfg(test)]\nmod tests { use super::*; use crate::report::json; use std::fs; }"),
        ("model/id.rs", "use super::region::Region; use super::super::source::Span;"),
        ("model/id.rs", "use crate::model::Region;"),
        ("yaml/tree.rs", "fn f(event: u8) { let run = event; report(run) }"),
        ("cli.rs", "const VERSION: &str = env!(\"CARGO_PKG_VERSION\");"),
        ("event.rs", "fn f() -> impl Fn() + use<> { let run = 1; move || report(run) }"),
    ] {
        assert_eq!(broken(path, source), [""; 0], "{source}");
    }
}

#[test]
fn sees_a_pure_module_that_does_something() {
    for (source, word) in [
        ("use std::fs;", "std::fs"),
        ("use std::{collections::BTreeMap, env as e};", "std::env"),
        ("fn f() { std::process::exit(1) }", "std::process"),
        ("use std::net::TcpStream;", "std::net"),
        ("use std::time::{Duration, SystemTime};", "SystemTime"),
        ("fn f() { let t = std::time::Instant::now(); }", "Instant"),
        ("fn f() { jiff::Timestamp::now(); }", "Timestamp::now"),
        ("async fn f() {}", "async"),
        ("fn f() { g().await }", ".await"),
        ("use tokio::sync::mpsc;", "tokio"),
        ("fn f() { fastrand::u64(..) }", "fastrand"),
        ("use reqwest::Client;", "reqwest"),
    ] {
        let expected = format!("a pure module says `{word}`; that belongs in a shell module");
        assert_eq!(broken("schedule.rs", source), [expected], "{source}");
        let shell = broken("io/http.rs", source);
        assert!(shell.is_empty(), "{source}: {shell:?}");
    }
    assert!(broken("schedule.rs", "use jiff::Timestamp; fn f(t: Timestamp) -> Instantly { awaited(t) }").is_empty());
}

#[test]
fn sees_glob_imports_of_other_modules() {
    for (source, path) in [
        ("use crate::model::*;", "crate::model::*"),
        ("use crate::{model::{limits::*, RunId}};", "crate::model::limits::*"),
        ("use super::model::*;", "crate::model::*"),
    ] {
        assert_eq!(broken("event.rs", source), [format!("`use {path}` hides what is imported; name it")], "{source}");
    }
    assert!(broken("event.rs", "use crate::event::Outcome::*; use Kind::*;").is_empty());
}

#[test]
fn sees_printing_outside_terminal() {
    for (source, word) in [
        ("fn f() { println!(\"x\") }", "println!"),
        ("fn f() { eprint!(\"x\") }", "eprint!"),
        ("fn f() { dbg!(1); }", "dbg!"),
        ("fn f() { std::io::stdout().lock(); }", "stdout()"),
    ] {
        assert_eq!(broken("command/run.rs", source), [format!("`{word}` outside terminal/")], "{source}");
        assert!(broken("terminal/console.rs", source).is_empty(), "{source}");
    }
    assert!(broken("main.rs", "fn f() -> bool { std::io::stdout().is_terminal() }").is_empty());
}

#[test]
fn sees_an_offline_command_that_could_reach_the_network() {
    for (source, word) in [
        ("use crate::run::run;", "crate::run"),
        ("use crate::{io::{fs, signal}, run};", "crate::run"),
        ("use tokio::runtime::Builder;", "tokio"),
        ("use reqwest::Client;", "reqwest"),
        ("use crate::io::{fs, http::Client};", "io::http"),
        ("use crate::io; fn f() { io::http::get() }", "io::http"),
    ] {
        let expected = format!("`{word}` in a command that promises to use no network");
        assert_eq!(broken("command/validate.rs", source), [expected.as_str()], "{source}");
        assert_eq!(broken("command/plan.rs", source), [expected.as_str()], "{source}");
        assert!(broken("command/run.rs", source).is_empty(), "{source}");
    }
    assert!(broken("command/plan.rs", "use crate::io::fs; use crate::forecast::forecast;").is_empty());
}

#[test]
fn leaves_out_files_that_hold_tests_only() {
    for path in ["schedule/tests.rs", "schedule/tests/properties.rs", "io/fs_tests.rs", "schedule/fixture.rs"] {
        assert!(is_test_file(path), "{path}");
    }
    for path in ["schedule/mod.rs", "io/fs.rs", "latests.rs", "policy/contests/mod.rs"] {
        assert!(!is_test_file(path), "{path}");
    }
}

#[test]
fn sees_a_module_without_a_row() {
    let expected = ["`utils` has no row in the table of tests/it/architecture.rs"];
    assert_eq!(broken("utils.rs", ""), expected);
}

#[test]
fn sees_a_cycle_in_the_table() {
    assert_eq!(rows_pointing_down(&[("a", Pure, &["b"]), ("b", Pure, &["a"])]), [("a", "b")]);
    assert_eq!(rows_pointing_down(&[("a", Pure, &["a"])]), [("a", "a")]);
    assert_eq!(rows_pointing_down(&[("a", Pure, &[]), ("b", Pure, &["a"])]), []);
}
