//! What a package installs besides the program: completions, manual pages; and what the program says of its build.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use clap::CommandFactory;
use hss_sync::cli::Cli;

use super::common::{Finished, finish, hss_sync};

/// The binary, which needs nothing around it for these.
fn print(args: &[&str]) -> Finished {
    let finished = finish(hss_sync(Path::new(env!("CARGO_MANIFEST_DIR"))).args(args));
    assert_eq!(finished.code(), 0, "{args:?}: {}", finished.excerpt());
    finished
}

/// What a program of the system makes of `input`; none, with a message, where it isn't installed.
#[expect(clippy::print_stdout, reason = "what was not checked is said aloud")]
fn filter(program: &str, args: &[&str], input: &str) -> Option<Output> {
    let started =
        Command::new(program).args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let Ok(mut child) = started else {
        println!("SKIPPED: there is no `{program}` here");
        return None;
    };
    child.stdin.take().expect("it is piped").write_all(input.as_bytes()).expect("it reads its input");
    Some(child.wait_with_output().expect("it ends"))
}

#[test]
fn every_shell_gets_completions_that_name_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = print(&["completions", shell]).stdout();
        for command in Cli::command().get_subcommands() {
            assert!(script.contains(command.get_name()), "{shell}: {}", command.get_name());
        }
    }
    let refused = finish(hss_sync(Path::new(".")).args(["completions", "tcsh"]));
    assert_eq!(refused.code(), 2);
}

#[test]
fn bash_completes_commands_and_flags() {
    let script = print(&["completions", "bash"]).stdout();
    let function = script.split_once("() {").expect("it begins with its function").0;
    for (line, word, expected) in [("hss-sync val", "val", "validate"), ("hss-sync plan --onl", "--onl", "--online")] {
        let count = line.split(' ').count() - 1;
        let ask = format!(
            "{script}\nCOMP_WORDS=({line}); COMP_CWORD={count}; {function} hss-sync {word} ''; printf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
        );
        let Some(output) = filter("bash", &["--norc", "-s"], &ask) else { return };
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!((output.status.code(), &*out, &*err), (Some(0), &*format!("{expected}\n"), ""), "{line}");
    }
}

#[test]
fn shells_can_read_their_completions() {
    for (shell, args) in [("bash", &["-n"][..]), ("zsh", &["-n"]), ("fish", &["--no-execute"])] {
        let script = print(&["completions", shell]).stdout();
        let Some(output) = filter(shell, args, &script) else { continue };
        assert!(output.status.success() && output.stderr.is_empty(), "{shell}: {output:?}");
    }
}

/// The pages by their names.
fn pages() -> Vec<(String, String)> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let directory = folder.path().join("man1");
    print(&["man", "--dir", directory.to_str().expect("UTF-8")]);
    let names = std::fs::read_dir(&directory).expect("it was made").map(|entry| entry.expect("an entry").path());
    let name = |path: &Path| path.file_name().expect("a name").to_string_lossy().into_owned();
    names.map(|path| (name(&path), std::fs::read_to_string(&path).expect("text"))).collect()
}

#[test]
fn every_command_has_a_manual_page_with_its_example() {
    let mut expected = BTreeSet::from(["hss-sync.1".to_owned()]);
    for command in Cli::command().get_subcommands() {
        expected.insert(format!("hss-sync-{}.1", command.get_name()));
        for inner in command.get_subcommands() {
            expected.insert(format!("hss-sync-{}-{}.1", command.get_name(), inner.get_name()));
        }
    }
    let pages = pages();
    assert_eq!(pages.iter().map(|(name, _)| name.clone()).collect::<BTreeSet<_>>(), expected);
    for (name, text) in &pages {
        assert!(text.is_ascii(), "{name}");
        assert!(name == "hss-sync.1" || text.contains(".SH EXAMPLE\n.nf\n\\&hss\\-sync "), "{name}: {text}");
    }
    let main = pages.iter().find(|(name, _)| name == "hss-sync.1").map(|(_, text)| text.clone());
    assert_eq!(Some(print(&["man"]).stdout()), main);
}

#[test]
fn manual_pages_are_read_without_a_warning() {
    for (name, text) in pages() {
        let Some(output) = filter("groff", &["-ww", "-man", "-Tutf8", "-z"], &text) else { return };
        let warnings = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && warnings.is_empty(), "{name}: {warnings}");
    }
}

#[test]
fn a_manual_page_that_cannot_be_written_ends_with_6() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("taken"), "").expect("written");
    let finished = finish(hss_sync(folder.path()).args(["man", "--dir", "taken"]));
    assert_eq!(finished.code(), 6, "{}", finished.excerpt());
    assert!(finished.stderr().contains("taken"), "{}", finished.stderr());
}

#[test]
fn the_version_says_what_it_was_built_from_and_for() {
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(print(&["-V"]).stdout(), format!("hss-sync {version}\n"));
    let long = print(&["--version"]).stdout();
    let mut lines = long.lines();
    assert_eq!(lines.next(), Some(&*format!("hss-sync {version}")));
    let mut next = lines.next();
    // Of a package, or of sources without their history, the commit is not known.
    if env!("HSS_SYNC_COMMIT").is_empty() {
        println!("SKIPPED: these sources were built without a commit");
    } else {
        assert_eq!(next, Some(concat!("commit: ", env!("HSS_SYNC_COMMIT"))));
        next = lines.next();
    }
    let target = next.and_then(|line| line.strip_prefix("target: ")).expect("a target");
    assert!(target.contains(std::env::consts::ARCH) && target.split('-').count() >= 3, "{target}");
    assert_eq!(lines.next(), None);
}
