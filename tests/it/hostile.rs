//! Input from a stranger, by accident or on purpose: it is refused in bounded time, memory and output.
//!
//! Each run has a watchdog and, on Linux, an address space of 1.5 GB. What is refused exits 3 when a text is no valid
//! plan and 2 when there is no text to read. Nothing here may end by a signal: a stack that overflows is a crash.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::common::{Finished, bounded, finish_with, hss_sync_bounded};

/// A plan without a mistake.
const GOOD: &str = "\
version: 1
name: sample
registry_sets:
  harbor:
    registries:
      - { registry_id: r-1, registry_type: Harbor }
projects:
  - name: payments
    project_ids: { cn-north-4: p-1 }
    registry_sets: [harbor]
";

/// The most that may be printed about one plan, however many mistakes it has or however long they are.
const OUTPUT_BOUND: usize = 4 * 1024 * 1024;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

fn write(dir: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    fs::write(dir.join(name), bytes).expect("a file can be written");
}

/// `validate` in both formats on the same bytes: exit code 3, within bounds of output, with one of `codes` in the JSON.
fn refused(bytes: impl AsRef<[u8]>, codes: &[&str]) -> Finished {
    let dir = folder();
    write(dir.path(), "plan.yaml", bytes);
    let human = bounded(dir.path(), ["validate", "plan.yaml"]);
    assert_eq!(human.code(), 3, "{}", human.excerpt());
    assert!(human.written() <= OUTPUT_BOUND, "{} bytes for people", human.written());
    assert!(human.output().contains("plan.yaml"), "names the file: {}", human.excerpt());
    let machine = bounded(dir.path(), ["validate", "--format", "json", "plan.yaml"]);
    assert_eq!(machine.code(), 3, "{}", machine.excerpt());
    assert!(machine.written() <= OUTPUT_BOUND, "{} bytes for machines", machine.written());
    let got = reported(&machine);
    let fits = |code: &String| codes.contains(&code.as_str());
    assert!(!got.is_empty() && got.iter().all(fits), "codes {got:?}, expected {codes:?}\n{}", machine.excerpt());
    machine
}

/// The codes in a JSON report, in order.
fn reported(finished: &Finished) -> Vec<String> {
    let document = finished.json().unwrap_or_else(|error| panic!("{error}"));
    let diagnostics = document["diagnostics"].as_array().expect("a list of diagnostics");
    diagnostics.iter().map(|diagnostic| diagnostic["code"].as_str().expect("a code").to_owned()).collect()
}

/// The place of the first diagnostic.
fn first_place(finished: &Finished) -> (u64, u64) {
    let document = finished.json().unwrap_or_else(|error| panic!("{error}"));
    let first = &document["diagnostics"][0];
    (first["line"].as_u64().expect("a line"), first["column"].as_u64().expect("a column"))
}

/// Exit code 2 with a message that has `pieces`, on standard error.
fn not_readable(dir: &Path, args: &[&str], pieces: &[&str]) {
    let finished = bounded(dir, ["validate"].iter().chain(args));
    assert_eq!(finished.code(), 2, "{args:?}\n{}", finished.excerpt());
    for piece in pieces {
        assert!(finished.stderr().contains(piece), "{args:?}: says nowhere {piece:?}\n{}", finished.excerpt());
    }
}

fn accepted(bytes: impl AsRef<[u8]>) {
    let dir = folder();
    write(dir.path(), "plan.yaml", bytes);
    valid(dir.path(), "plan.yaml");
}

/// One operation is planned from `path` and nothing is complained about.
fn valid(dir: &Path, path: &str) {
    let validated = bounded(dir, ["validate", "--format", "json", path]);
    assert_eq!(validated.code(), 0, "{}", validated.excerpt());
    assert_eq!(reported(&validated), [""; 0]);
    let planned = bounded(dir, ["plan", "--format", "json", path]);
    assert_eq!(planned.code(), 0, "{}", planned.excerpt());
    let document = planned.json().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(document["operations"].as_array().map(Vec::len), Some(1), "{}", planned.excerpt());
}

// ---- bombs

#[test]
fn an_alias_bomb_is_refused() {
    // 10 × 10^8 nodes.
    let mut plan = "version: 1\nname: bomb\nvars:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(plan, "  a{level}: &a{level} [{aliases}]").expect("writing to a string");
    }
    refused(plan, &["alias-budget"]);
}

#[test]
fn a_merge_bomb_is_refused() {
    // Each level merges the one before it twice: 2^60 merges if followed blindly.
    let mut plan = "version: 1\nname: bomb\nvars:\n  a0: &a0 { k: x }\n".to_owned();
    for level in 1..60 {
        let before = level - 1;
        writeln!(plan, "  a{level}: &a{level} {{ <<: [*a{before}, *a{before}], k{level}: x }}")
            .expect("writing to a string");
    }
    // Whether the budget ends it or the schema (a variable is a scalar) is the same to whoever waits.
    refused(plan, &["alias-budget", "wrong-type"]);
}

#[test]
fn a_long_text_behind_many_aliases_is_refused_or_bounded() {
    // 1 MB × 100,000 = 100 GB if each alias copied its text.
    let long = "x".repeat(1_000_000);
    let aliases = vec!["*a"; 100_000].join(", ");
    refused(format!("{GOOD}vars:\n  a: &a {long}\n  b: [{aliases}]\n"), &["alias-budget", "wrong-type"]);
}

#[test]
fn nesting_is_refused_before_the_stack_ends() {
    let depth = 100_000;
    for opening in ["[", "{a: ", "- "] {
        refused(opening.repeat(depth), &["nesting-too-deep"]);
    }
    // The second one stands in a key, so this may also be told as what it is at depth two.
    for opening in ["{", "? "] {
        refused(opening.repeat(depth), &["nesting-too-deep", "complex-key"]);
    }
    let mut block = String::new();
    for level in 0..3_000 {
        writeln!(block, "{}k:", " ".repeat(level)).expect("writing to a string");
    }
    refused(block, &["nesting-too-deep"]);
}

#[test]
fn template_bombs_are_refused() {
    let seed = "a".repeat(50);
    let plan = |scalar: &str| {
        GOOD.replace("registry_id: r-1", &format!("registry_id: \"{scalar}\""))
            .replace("registry_sets:\n  harbor:", &format!("vars:\n  seed: {seed}\nregistry_sets:\n  harbor:"))
    };
    let kinds = ["template-limit", "template-syntax", "template-failed", "template-not-allowed", "undefined-variable"];
    let deep = 100_000;
    for (what, scalar) in [
        ("growing text", format!("{{{{ vars.seed{} }}}}", " | replace(from='a', to=vars.seed)".repeat(9))),
        ("a range", "{{ range(end=1000000000) }} {{ vars.seed }}".to_owned()),
        ("loops", format!("{}{{{{ vars.seed }}}}", "{% for a in range(end=99999) %}".repeat(9))),
        ("parentheses", format!("{{{{ {}vars.seed{} }}}}", "(".repeat(deep), ")".repeat(deep))),
        ("brackets", format!("{{{{ {}vars.seed{} }}}}", "[".repeat(deep), "]".repeat(deep))),
        ("braces", format!("{{{{ {}", "{'a':".repeat(deep))),
        ("subscripts", format!("{{{{ vars.seed{} }}}}", "[vars.seed".repeat(deep))),
        ("negations", format!("{{{{ {}vars.seed }}}}", "not ".repeat(deep))),
        ("signs", format!("{{{{ {}1 }}}} {{{{ vars.seed }}}}", "-".repeat(deep))),
        ("a chain", format!("{{{{ vars.seed{} }}}}", " ~ vars.seed".repeat(deep))),
        ("fields", format!("{{{{ vars{} }}}} {{{{ vars.seed }}}}", ".a".repeat(deep))),
        ("conditions", format!("{{{{ {}vars.seed }}}}", "1 if 1 else ".repeat(deep))),
    ] {
        let dir = folder();
        write(dir.path(), "plan.yaml", plan(&scalar));
        let finished = bounded(dir.path(), ["validate", "--format", "json", "plan.yaml"]);
        let code = finished.try_code().unwrap_or_else(|how| panic!("{what}: {how}"));
        assert_eq!(code, 3, "{what}: {}", finished.excerpt());
        assert!(finished.written() <= OUTPUT_BOUND, "{what}: {} bytes", finished.written());
        let codes = reported(&finished);
        assert!(codes.iter().any(|code| kinds.contains(&code.as_str())), "{what}: {codes:?}");
    }
}

#[test]
fn a_template_that_is_cheap_once_is_bounded_over_all_places() {
    // 1,000 regions × 40 registries of the longest text that a single one may have: whatever is decided, it ends.
    let regions: Vec<_> = (0..1000).map(|index| format!("r-{index}")).collect();
    let mut plan =
        format!("version: 1\nname: wide\nvars:\n  seed: {}\nregistry_sets:\n  s:\n    registries:\n", "a".repeat(1000));
    for index in 0..40 {
        let scalar = format!("{{{{ vars.seed | replace(from='a', to='{}') }}}}{index}", "b".repeat(50));
        writeln!(plan, "      - {{ registry_id: \"{scalar}\", registry_type: Harbor }}").expect("writing to a string");
    }
    write!(
        plan,
        "projects:\n  - name: p\n    project_id: p-{{{{ region }}}}\n    regions: [{}]\n    registry_sets: [s]\n",
        regions.join(", ")
    )
    .expect("writing to a string");
    refused(plan, &["invalid-rendered-value", "template-limit", "unlisted-region"]);
}

// ---- size

#[test]
fn a_hundred_megabytes_are_refused() {
    let size = 100 * 1024 * 1024;
    let line = [b"version: 1\nname: ".as_slice(), &vec![b'x'; size], b"\n"].concat();
    refused(line, &["file-too-large"]);
    refused(vec![0; size], &["file-too-large", "control-character"]);
}

#[test]
fn a_hundred_megabytes_on_standard_input_are_refused() {
    let dir = folder();
    let finished = finish_with(
        hss_sync_bounded(dir.path()).args(["validate", "--format", "json", "-"]),
        vec![b'x'; 100 * 1024 * 1024],
    );
    assert_eq!(finished.code(), 3, "{}", finished.excerpt());
    assert_eq!(reported(&finished), ["file-too-large"]);
}

#[test]
fn a_long_key_is_named_in_short() {
    let finished = refused(format!("{GOOD}{}: 1\n", "k".repeat(1_000_000)), &["unknown-key", "yaml-syntax"]);
    assert!(finished.written() < 64 * 1024, "{} bytes about one key", finished.written());
    let quoted = refused(format!("{GOOD}? \"{}\"\n: 1\n", "k".repeat(1_000_000)), &["unknown-key"]);
    assert!(quoted.written() < 64 * 1024, "{} bytes about one key", quoted.written());
}

#[test]
fn a_long_value_is_shown_in_short() {
    let plan = GOOD.replace("registry_id: r-1", &format!("registry_id: \"{}\"", "r".repeat(1_000_000)));
    let finished = refused(plan, &["out-of-range"]);
    assert!(finished.written() < 64 * 1024, "{} bytes about one value", finished.written());
}

#[test]
fn a_hundred_thousand_mistakes_are_counted_and_not_all_printed() {
    let mut plan = GOOD.to_owned();
    for index in 0..100_000 {
        writeln!(plan, "unknown_{index}: 1").expect("writing to a string");
    }
    refused(plan, &["unknown-key"]);
}

#[test]
fn the_same_mistake_many_times_is_bounded_too() {
    let undefined = "      - { registry_id: \"{{ vars.nope }}\", registry_type: Harbor }\n".repeat(20_000);
    let plan = GOOD.replace("projects:", &format!("{undefined}projects:"));
    refused(plan, &["undefined-variable", "repeated-item"]);
    let item = "harbour, ".repeat(50_000);
    let plan = GOOD.replace("[harbor]", &format!("[harbor, {item}]"));
    refused(plan, &["unknown-set", "repeated-item"]);
}

// ---- bytes

#[test]
fn bytes_that_are_no_text_are_placed() {
    // Line 2 is `name: a` and the byte: six characters, an `a`, then column 8.
    let place = |bad: &[u8]| [b"version: 1\nname: a".as_slice(), bad, b"\n"].concat();
    assert_eq!(first_place(&refused(place(b"\xff"), &["invalid-utf8"])), (2, 8));
    assert_eq!(first_place(&refused(place(b"\0"), &["control-character"])), (2, 8));
    // An é before it is two bytes and one character.
    assert_eq!(first_place(&refused(place(b"\xc3\xa9\xc3"), &["invalid-utf8"])), (2, 9));
    // An overlong slash and half of a surrogate pair are no UTF-8 either.
    refused(place(b"\xc0\xaf"), &["invalid-utf8"]);
    refused(place(b"\xed\xa0\x80"), &["invalid-utf8"]);
    // UTF-16 with its mark: YAML would allow it, we say what to do instead.
    let utf16: Vec<u8> = std::iter::once(0xfeff).chain(GOOD.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    refused(utf16, &["invalid-utf8"]);
}

#[test]
fn line_ends_and_marks_of_other_systems_are_fine() {
    accepted(GOOD);
    accepted(GOOD.replace('\n', "\r\n"));
    accepted(format!("\u{feff}{GOOD}"));
    accepted(GOOD.trim_end());
    accepted(format!("---\n{GOOD}...\n"));
}

/// Characters that could move a cursor: C0 without the line's own, DEL, C1.
fn controls(text: &str) -> Vec<char> {
    text.chars().filter(|c| c.is_control() && !matches!(c, '\n' | '\t')).collect()
}

/// Those and the marks that reorder what people read.
fn controls_and_marks(text: &str) -> Vec<char> {
    let mark = |c: &char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    controls(text).into_iter().chain(text.chars().filter(mark)).collect()
}

#[test]
fn nothing_in_a_plan_reaches_the_terminal_as_a_command() {
    let evil = "\\e[31mred\\e]0;title\\a\\x9b2J\\u202edesrever\\u2066x\\r\\b";
    let raw = "\u{202e}desrever\u{2066}";
    for (what, plan) in [
        ("an escaped key", format!("{GOOD}\"{evil}\": 1\n")),
        ("a raw key", format!("{GOOD}{raw}: 1\n")),
        ("an escaped value", GOOD.replace("Harbor }", &format!("\"{evil}\" }}"))),
        ("a raw value", GOOD.replace("Harbor }", &format!("\"{raw}\" }}"))),
        ("a set", GOOD.replace("[harbor]", &format!("[harbor, \"{evil}\"]"))),
        ("a template", GOOD.replace("r-1", &format!("\"{{{{ vars['{evil}'] }}}}\""))),
        ("a rendered value", GOOD.replace("r-1", &format!("\"{{{{ '{evil}' }}}}\""))),
        ("a tag", GOOD.replace("name: sample", "name: !\u{202e}tag sample")),
        ("an anchor", GOOD.replace("name: sample", "name: *\u{202e}anchor")),
        ("raw escapes", GOOD.replace("name: sample", "name: \u{1b}[31m\u{9b}2J")),
        ("a comment beside a mistake", GOOD.replace("version: 1", &format!("version: 2 # {raw}"))),
    ] {
        let dir = folder();
        write(dir.path(), "plan.yaml", plan);
        let human = bounded(dir.path(), ["validate", "plan.yaml"]);
        let machine = bounded(dir.path(), ["validate", "--format", "json", "plan.yaml"]);
        // A reordering mark in JSON is data of whoever reads it; a control character is escaped in every format.
        let found = [controls_and_marks(&human.output()), controls(&machine.output())];
        for (finished, bad) in [human, machine].iter().zip(found) {
            assert_eq!(finished.code(), 3, "{what}: {}", finished.excerpt());
            assert!(finished.written() > 0, "{what}: says nothing");
            assert!(bad.is_empty(), "{what}: {bad:?}\n{}", finished.excerpt());
        }
    }
}

#[cfg(unix)]
#[test]
fn nothing_in_a_path_reaches_the_terminal_as_a_command() {
    let dir = folder();
    let evil = "evil\u{1b}[31m\u{9b}2J\u{202e}.yaml";
    let missing = bounded(dir.path(), ["validate", evil]);
    assert_eq!(missing.code(), 2, "{}", missing.excerpt());
    assert!(controls_and_marks(&missing.output()).is_empty(), "{}", missing.excerpt());
    write(dir.path(), evil, GOOD.replace("version: 1", "version: 2"));
    let broken = bounded(dir.path(), ["validate", evil]);
    assert_eq!(broken.code(), 3, "{}", broken.excerpt());
    assert!(controls_and_marks(&broken.output()).is_empty(), "{}", broken.excerpt());
    let flag = bounded(dir.path(), ["validate", "--\u{1b}[31m", "plan.yaml"]);
    assert_eq!(flag.code(), 2, "{}", flag.excerpt());
    assert!(controls_and_marks(&flag.output()).is_empty(), "{}", flag.excerpt());
}

// ---- files

#[test]
fn what_is_not_there_is_a_usage_error() {
    let dir = folder();
    not_readable(dir.path(), &["absent.yaml"], &["absent.yaml"]);
    not_readable(dir.path(), &["absent/deeper.yaml"], &["absent/deeper.yaml"]);
    not_readable(dir.path(), &[""], &[]);
    write(dir.path(), "plan.yaml", GOOD);
    not_readable(dir.path(), &["plan.yaml", "absent.yaml"], &["absent.yaml"]);
    not_readable(dir.path(), &["plan.yaml/inside.yaml"], &["plan.yaml/inside.yaml"]);
    // No plan at all: clap's usage error.
    not_readable(dir.path(), &[], &[]);
}

#[test]
fn a_folder_without_plans_is_a_usage_error() {
    let dir = folder();
    fs::create_dir(dir.path().join("empty")).expect("a folder");
    not_readable(dir.path(), &["empty"], &["empty"]);
    fs::create_dir(dir.path().join("other")).expect("a folder");
    write(dir.path(), "other/notes.txt", "no plan");
    not_readable(dir.path(), &["other"], &["other"]);
}

#[test]
fn a_folder_is_searched_for_both_endings_in_a_stable_order() {
    let dir = folder();
    fs::create_dir_all(dir.path().join("plans/deep")).expect("folders");
    let broken = GOOD.replace("version: 1", "version: 2");
    for name in ["plans/b.yaml", "plans/a.yml", "plans/deep/c.yaml"] {
        write(dir.path(), name, &broken);
    }
    write(dir.path(), "plans/notes.txt", "no plan");
    let finished = bounded(dir.path(), ["validate", "--format", "json", "plans"]);
    assert_eq!(finished.code(), 3, "{}", finished.excerpt());
    let document = finished.json().unwrap_or_else(|error| panic!("{error}"));
    let diagnostics = document["diagnostics"].as_array().expect("a list");
    let paths: Vec<_> = diagnostics.iter().filter_map(|diagnostic| diagnostic["path"].as_str()).collect();
    assert_eq!(paths, ["plans/a.yml", "plans/b.yaml", "plans/deep/c.yaml"]);
}

#[test]
fn the_same_file_twice_is_never_sent_twice() {
    let dir = folder();
    write(dir.path(), "plan.yaml", GOOD);
    for second in ["plan.yaml", "./plan.yaml"] {
        let finished = bounded(dir.path(), ["validate", "--format", "json", "plan.yaml", second]);
        assert_eq!(finished.code(), 0, "{}", finished.excerpt());
        let document: Value = serde_json::from_str(&finished.stdout()).expect("JSON");
        assert_eq!(document["summary"]["plans"], 1, "the second mention is the same plan");
        assert_eq!(document["summary"]["operations"], 1);
    }
}

#[test]
fn standard_input_is_a_plan() {
    let dir = folder();
    let run = |args: &[&str], input: &str| finish_with(hss_sync_bounded(dir.path()).args(args), input.into());
    let good = run(&["validate", "--format", "json", "-"], GOOD);
    assert_eq!(good.code(), 0, "{}", good.excerpt());
    assert_eq!(reported(&good), [""; 0]);
    let broken = run(&["validate", "--format", "json", "-"], &GOOD.replace("version: 1", "version: 2"));
    assert_eq!(broken.code(), 3, "{}", broken.excerpt());
    let document = broken.json().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(document["diagnostics"][0]["path"], "<stdin>");
    let nothing = run(&["validate", "--format", "json", "-"], "");
    assert_eq!(nothing.code(), 3, "{}", nothing.excerpt());
    assert_eq!(reported(&nothing), ["empty-plan"]);
    let twice = run(&["validate", "-", "-"], GOOD);
    assert_eq!(twice.code(), 2, "standard input can be read once: {}", twice.excerpt());
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    use std::process::Command;

    use super::*;

    #[test]
    fn a_fifo_is_not_waited_for() {
        let dir = folder();
        let made = Command::new("mkfifo").arg(dir.path().join("plan.yaml")).status().expect("mkfifo runs");
        assert!(made.success());
        not_readable(dir.path(), &["plan.yaml"], &["plan.yaml"]);
        // Nor when a folder holds it beside a real plan: found or passed over, it is not waited for.
        write(dir.path(), "real.yaml", GOOD);
        let finished = bounded(dir.path(), ["validate", "."]);
        assert!([0, 2].contains(&finished.code()), "{}", finished.excerpt());
    }

    #[test]
    fn a_device_is_no_plan() {
        let dir = folder();
        not_readable(dir.path(), &["/dev/zero"], &["/dev/zero"]);
        symlink("/dev/zero", dir.path().join("plan.yaml")).expect("a link");
        not_readable(dir.path(), &["plan.yaml"], &["plan.yaml"]);
    }

    #[test]
    fn links_that_go_round_end() {
        let dir = folder();
        symlink("b.yaml", dir.path().join("a.yaml")).expect("a link");
        symlink("a.yaml", dir.path().join("b.yaml")).expect("a link");
        not_readable(dir.path(), &["a.yaml"], &["a.yaml"]);
        fs::create_dir(dir.path().join("plans")).expect("a folder");
        write(dir.path(), "plans/plan.yaml", GOOD);
        symlink(".", dir.path().join("plans/again")).expect("a link");
        symlink("..", dir.path().join("plans/up")).expect("a link");
        // Found once: found twice would be two operations, or an error about them.
        valid(dir.path(), "plans");
    }

    #[test]
    fn a_link_to_a_plan_is_read() {
        let dir = folder();
        write(dir.path(), "real.txt", GOOD);
        symlink("real.txt", dir.path().join("plan.yaml")).expect("a link");
        valid(dir.path(), "plan.yaml");
    }

    #[test]
    fn a_file_without_permission_is_a_usage_error() {
        let dir = folder();
        write(dir.path(), "plan.yaml", GOOD);
        if fs::metadata(dir.path().join("plan.yaml")).expect("our own file").uid() == 0 {
            eprintln!("skipped: the superuser reads everything");
            return;
        }
        fs::set_permissions(dir.path().join("plan.yaml"), fs::Permissions::from_mode(0o000)).expect("our own file");
        not_readable(dir.path(), &["plan.yaml"], &["plan.yaml", "ermission"]);
    }

    /// Only Linux lets such a file exist for sure.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_path_that_is_no_text_is_no_crash() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;

        let dir = folder();
        let path = OsStr::from_bytes(b"pl\xffan.yaml");
        let missing = bounded(dir.path(), [OsStr::new("validate"), path]);
        assert_eq!(missing.code(), 2, "{}", missing.excerpt());
        fs::write(dir.path().join(path), GOOD.replace("version: 1", "version: 2")).expect("a file can be written");
        let broken = bounded(dir.path(), [OsStr::new("validate"), path]);
        assert_eq!(broken.code(), 3, "{}", broken.excerpt());
    }
}
