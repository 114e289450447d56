//! Holds `src/` to its shape: who may import whom, and what a pure module may not do.
//!
//! The table below is the architecture in one place. The checker reads source text, so that it sees what the compiler is
//! content with: an import in the wrong direction compiles. Its own tests feed it small bad texts.

mod checker;
mod tokens;

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use tokens::tokens;

/// What a module may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layer {
    /// Values in, values out.
    Pure,
    /// Does things, decides nothing.
    Shell,
}
use Layer::{Pure, Shell};

/// Each top-level module of `src/`, its layer and what it may import. Imports point only up this table.
#[rustfmt::skip] // a row stays a row
const TABLE: &[(&str, Layer, &[&str])] = &[
    // Level 0
    ("cli", Pure, &[]),
    ("source", Pure, &[]),
    // Level 1; `template` suggests names the way diagnostics do
    ("diagnostic", Pure, &["source"]),
    ("model", Pure, &["source"]),
    ("template", Pure, &["diagnostic", "source"]),
    // Level 2; `policy` judges answers as failures, which are words of `event`
    ("event", Pure, &["model"]),
    ("policy", Pure, &["event", "model"]),
    ("settings", Pure, &["diagnostic", "model", "source"]),
    ("sign", Pure, &["model"]),
    ("yaml", Pure, &["diagnostic", "source"]),
    // Level 3
    ("plan", Pure, &["diagnostic", "model", "source", "template", "yaml"]),
    ("summary", Pure, &["event", "model"]),
    // Level 4
    ("exit", Pure, &["event", "summary"]),
    ("expand", Pure, &["diagnostic", "model", "plan", "source", "template", "yaml"]),
    ("journal", Pure, &["diagnostic", "event", "model", "plan", "policy", "summary"]),
    ("merge", Pure, &["event", "expand", "model", "source", "summary"]),
    ("schedule", Pure, &["event", "expand", "model", "policy", "summary"]),
    // Level 5; `report` shows forecasts, what was compared online, advice on codes, and URLs as they are signed
    ("difference", Pure, &["diagnostic", "expand", "model", "source"]),
    ("follow", Pure, &["event", "expand", "model", "summary"]),
    ("forecast", Pure, &["event", "expand", "model", "policy", "schedule", "summary"]),
    ("remaining", Pure, &["diagnostic", "event", "expand", "model", "plan", "source", "summary", "yaml"]),
    ("resolve", Pure, &["diagnostic", "event", "expand", "journal", "model", "plan", "source"]),
    ("resume", Pure, &["event", "expand"]),
    ("selection", Pure, &["diagnostic", "expand", "model"]),
    ("report", Pure, &[
        "diagnostic", "event", "exit", "expand", "forecast", "merge", "model", "policy", "resolve", "sign", "source",
        "summary",
    ]),
    // It lists operations as reports do, and holds what journals hold
    ("review", Pure, &["expand", "journal", "model", "plan", "report", "resolve", "source"]),
    // Level 6
    ("run", Shell, &["event", "expand", "follow", "model", "policy", "schedule", "sign", "summary"]),
    // Level 7: they implement the ports of `run`
    ("io", Shell, &["diagnostic", "event", "expand", "journal", "model", "policy", "run", "sign", "source"]),
    ("simulator", Shell, &["model", "policy", "run", "sign"]),
    ("terminal", Shell, &[
        "cli", "diagnostic", "event", "exit", "expand", "forecast", "model", "report", "run", "source", "summary",
    ]),
    // Level 8: asks through `io`
    ("read", Shell, &["diagnostic", "event", "expand", "follow", "io", "model", "policy", "resolve", "run", "sign"]),
    // Level 9
    ("command", Shell, &[
        "cli", "diagnostic", "difference", "event", "exit", "expand", "follow", "forecast", "io", "journal", "merge", "model", "plan",
        "policy", "read", "remaining", "report", "resolve", "resume", "review", "run", "schedule", "selection", "settings", "sign", "simulator", "source", "summary", "template", "terminal", "yaml",
    ]),
    // Level 10
    ("main", Shell, &["cli", "command", "exit", "io", "terminal"]),
];

/// What a pure module never says: files, network, clock, randomness, environment, printing, async.
#[rustfmt::skip] // read as a list of words
const IMPURE: &[&str] = &[
    "std::fs", "std::net", "std::env", "std::process", "std::thread", "stdin",
    "SystemTime", "Instant", "Timestamp::now", "Zoned::now", "fastrand", "rand",
    "async", ".await", "tokio", "tokio_util", "futures", "reqwest", "hyper", "hyper_util", "rustls",
    "tempfile", "indicatif",
];

/// What only `terminal` says.
const PRINTING: &[&str] = &["print!", "println!", "eprint!", "eprintln!", "dbg!", "stdout()", "stderr()"];

/// What the offline commands never say, so that "no network" can be read off their imports.
const ONLINE: &[&str] = &["crate::run", "io::http", "std::net", "reqwest", "tokio", "hyper"];

/// The commands that promise to use no network.
const OFFLINE_COMMANDS: &[&str] = &[
    "command/validate.rs",
    "command/plan.rs",
    "command/difference.rs",
    "command/lock.rs",
    "command/completions.rs",
    "command/man.rs",
    "command/recorded.rs",
    "command/report.rs",
    "command/room.rs",
    "command/runs.rs",
    "command/settings.rs",
    "command/told.rs",
];

/// A rule that a file breaks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Violation {
    /// A module that has no row.
    NotInTable(String),
    /// An import that its row does not list.
    Import(String, String),
    /// A pure module that does something.
    Impure(String),
    /// A glob import of another module.
    Glob(String),
    /// Printing outside `terminal`.
    Printing(String),
    /// An offline command that could reach the network.
    Online(String),
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInTable(module) => write!(f, "`{module}` has no row in the table of tests/it/architecture.rs"),
            Self::Import(from, to) => write!(f, "`{from}` may not import `{to}`"),
            Self::Impure(what) => write!(f, "a pure module says `{what}`; that belongs in a shell module"),
            Self::Glob(path) => write!(f, "`use {path}` hides what is imported; name it"),
            Self::Printing(what) => write!(f, "`{what}` outside terminal/"),
            Self::Online(what) => write!(f, "`{what}` in a command that promises to use no network"),
        }
    }
}

/// The rules that `source`, the text of `src/{path}`, breaks.
fn check(path: &str, source: &str) -> BTreeSet<Violation> {
    let module = top_level(path);
    let mut found = BTreeSet::new();
    if module == "lib" {
        return found;
    }
    let Some((_, layer, may)) = TABLE.iter().find(|(name, ..)| *name == module) else {
        found.insert(Violation::NotInTable(module.to_owned()));
        return found;
    };
    let tokens = tokens(source);
    let paths = paths(&tokens, depth(path));

    for segments in paths.iter().filter(|segments| segments[0] == "crate") {
        let to = segments.get(1).map_or("", String::as_str);
        let own_or_root_item = to == module || !TABLE.iter().any(|(name, ..)| *name == to);
        if !own_or_root_item && !may.contains(&to) {
            found.insert(Violation::Import(module.to_owned(), to.to_owned()));
        }
        if segments.last().is_some_and(|last| last == "*") && to != module {
            found.insert(Violation::Glob(segments.join("::")));
        }
    }
    let says = |words: &[&str]| -> Vec<String> {
        words.iter().filter(|word| contains(&tokens, &paths, word)).map(|word| (*word).to_owned()).collect()
    };
    if *layer == Pure {
        found.extend(says(IMPURE).into_iter().map(Violation::Impure));
    }
    if module != "terminal" {
        found.extend(says(PRINTING).into_iter().map(Violation::Printing));
    }
    if OFFLINE_COMMANDS.contains(&path) {
        found.extend(says(ONLINE).into_iter().map(Violation::Online));
    }
    found
}

/// `run` for `run/port.rs`, `event` for `event.rs`.
fn top_level(path: &str) -> &str {
    path.split('/').next().unwrap_or(path).trim_end_matches(".rs")
}

/// How many `super` lead from the module in `path` to the root of the crate.
fn depth(path: &str) -> usize {
    path.trim_end_matches(".rs").trim_end_matches("/mod").split('/').count()
}

/// Every path that the tokens name, `use` groups taken apart; those into this crate start with `crate`.
fn paths(tokens: &[String], depth: usize) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        // `use<…>` behind a type says what the type captures, and imports nothing.
        let imports = tokens[at] == "use" && tokens.get(at + 1).is_none_or(|next| next != "<");
        let end = if imports {
            collect_tree(tokens, at + 1, &[], &mut paths)
        } else if is_name(&tokens[at]) {
            collect_path(tokens, at, &mut paths)
        } else {
            at + 1
        };
        at = end.max(at + 1);
    }
    paths.into_iter().map(|path| from_root(path, depth)).collect()
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn is_separator(tokens: &[String], at: usize) -> bool {
    tokens.get(at).is_some_and(|t| t == ":") && tokens.get(at + 1).is_some_and(|t| t == ":")
}

/// `a::b::c` outside of `use`. Returns the index behind it.
fn collect_path(tokens: &[String], start: usize, paths: &mut Vec<Vec<String>>) -> usize {
    let mut path = vec![tokens[start].clone()];
    let mut at = start + 1;
    while is_separator(tokens, at) && tokens.get(at + 2).is_some_and(|token| is_name(token)) {
        path.push(tokens[at + 2].clone());
        at += 3;
    }
    paths.push(path);
    at
}

/// A `use` tree behind `prefix`. Returns the index of what ends it: a comma, a closing brace or the semicolon.
fn collect_tree(tokens: &[String], start: usize, prefix: &[String], paths: &mut Vec<Vec<String>>) -> usize {
    let mut path = prefix.to_vec();
    let mut at = start;
    while let Some(token) = tokens.get(at) {
        match token.as_str() {
            "," | "}" | ";" => break,
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token != "}") {
                    at = collect_tree(tokens, at, &path, paths);
                    at += usize::from(tokens.get(at).is_some_and(|token| token == ","));
                }
                return at + 1;
            }
            "as" => at += 2,
            ":" => at += 1,
            _ => {
                path.push(token.clone());
                at += 1;
            }
        }
    }
    if path.len() > prefix.len() {
        paths.push(path);
    }
    at
}

/// `super::super::x` as `crate::x` where it climbs to the root; so does the binary's `hss_sync::x`.
fn from_root(path: Vec<String>, depth: usize) -> Vec<String> {
    let climbs = path.iter().take_while(|segment| *segment == "super").count();
    let skip = match path.first().map(String::as_str) {
        Some("hss_sync") => 1,
        _ if climbs >= depth => climbs,
        _ => return path,
    };
    std::iter::once("crate".to_owned()).chain(path.into_iter().skip(skip)).collect()
}

/// Whether the code names `word`, a path, or holds its tokens one after another.
fn contains(code: &[String], paths: &[Vec<String>], word: &str) -> bool {
    let needle = tokens(word);
    let named: Vec<&str> = word.split("::").collect();
    let is_path =
        named.iter().all(|segment| is_name(segment) && segment.chars().all(|c| c.is_alphanumeric() || c == '_'));
    if is_path {
        return paths
            .iter()
            .any(|path| path.windows(named.len()).any(|part| part.iter().zip(&named).all(|(a, b)| a == b)));
    }
    let asks_only = |rest: &[String]| rest.starts_with(&[".".to_owned(), "is_terminal".to_owned()]);
    (0..code.len()).any(|at| code[at..].starts_with(&needle) && !asks_only(&code[at + needle.len()..]))
}

fn source_files(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("src can be listed") {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            source_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Whether a file holds tests only, which its name says: `tests.rs`, `tests/…`, `fs_tests.rs`, `fixture.rs`.
fn is_test_file(path: &str) -> bool {
    path.trim_end_matches(".rs").split('/').any(|part| part == "tests" || part == "fixture" || part.ends_with("_tests"))
}

/// Rows whose imports don't all stand above them: each cycle has one.
fn rows_pointing_down<'t>(table: &[(&'t str, Layer, &[&'t str])]) -> Vec<(&'t str, &'t str)> {
    let mut above = BTreeSet::new();
    let mut wrong = Vec::new();
    for (module, _, may) in table {
        wrong.extend(may.iter().filter(|to| !above.contains(*to)).map(|to| (*module, *to)));
        above.insert(module);
    }
    wrong
}

#[test]
fn every_file_keeps_to_the_architecture() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    source_files(&root, &mut files);
    files.sort();
    assert!(files.len() > 40, "only {} files found under {}", files.len(), root.display());

    let mut report = String::new();
    let mut modules = BTreeSet::new();
    for file in &files {
        let path =
            file.strip_prefix(&root).expect("it is under src").to_str().expect("paths are UTF-8").replace('\\', "/");
        if is_test_file(&path) {
            continue;
        }
        let source = std::fs::read_to_string(file).expect("sources are readable");
        modules.insert(top_level(&path).to_owned());
        for violation in check(&path, &source) {
            report.push_str(&format!("src/{path}: {violation}\n"));
        }
    }
    for (module, ..) in TABLE {
        if !modules.contains(*module) {
            report.push_str(&format!("the table has a row for `{module}`, which src/ does not have\n"));
        }
    }
    assert!(report.is_empty(), "\n{report}");
}

#[test]
fn the_table_has_no_cycle_and_keeps_pure_modules_pure() {
    assert_eq!(rows_pointing_down(TABLE), []);
    let layer = |module: &str| TABLE.iter().find(|(name, ..)| *name == module).map(|(_, layer, _)| *layer);
    for (module, own, may) in TABLE {
        for to in *may {
            assert!(*own == Shell || layer(to) == Some(Pure), "pure `{module}` may import `{to}`");
        }
    }
}
