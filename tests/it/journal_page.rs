//! What `docs/journal.md` tells people to type checks what it shows, and finds what was changed.

use std::process::Command;

/// The first block of this kind.
fn block(kind: &str) -> String {
    let page = std::fs::read_to_string("docs/journal.md").expect("the page");
    let (_, rest) = page.split_once(&format!("```{kind}\n")).expect("it has such a block");
    rest.split("```").next().unwrap_or_default().to_owned()
}

/// What the check says of this journal.
fn check(journal: &str) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("journal.ndjson"), journal).expect("it can be written");
    let output = Command::new("sh").args(["-c", &block("sh")]).current_dir(folder.path()).output().expect("a shell");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn the_check_with_standard_tools_holds_the_example() {
    let journal = block("json");
    assert_eq!(check(&journal), "");
    assert_eq!(check(&(journal.clone() + "{\"record\":\"att")), "", "a torn tail");
    assert!(hss_sync::journal::read(journal.as_bytes()).is_ok());

    let changed = journal.replace("\"status\":202", "\"status\":200");
    let line = changed.lines().nth(4).expect("five lines");
    assert_eq!(check(&changed), format!("damaged: {line}\n"));
    let lines: Vec<&str> = journal.lines().collect();
    let swapped = [&lines[..3], &[lines[4], lines[3]], &lines[5..]].concat().join("\n") + "\n";
    assert_eq!(check(&swapped), format!("damaged: {}\n", lines[4]));
}
