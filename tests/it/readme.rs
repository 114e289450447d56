//! What README.md and its neighbours promise is what the program does: commands, flags, exit codes, outcomes, links.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use clap::{CommandFactory, Parser};
use hss_sync::cli::Cli;
use hss_sync::exit::ExitStatus;
use hss_sync::summary::Counts;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The pages that people read, relative to the root.
fn pages() -> Vec<PathBuf> {
    let mut pages: Vec<PathBuf> =
        ["README.md", "README.zh-CN.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(PathBuf::from).into();
    for entry in std::fs::read_dir(root().join("docs")).expect("docs can be listed") {
        let name = entry.expect("an entry").file_name();
        if Path::new(&name).extension().is_some_and(|extension| extension == "md") {
            pages.push(Path::new("docs").join(name));
        }
    }
    pages.sort();
    pages
}

/// The lines of the fenced blocks of one language.
pub(crate) fn blocks(text: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<(bool, String)> = None;
    for line in text.lines() {
        match (line.trim().strip_prefix("```"), &mut open) {
            (Some(fence), None) => open = Some((fence == language, String::new())),
            (Some(_), Some(_)) => {
                if let Some((true, block)) = open.take() {
                    blocks.push(block);
                }
            }
            (None, Some((_, block))) => {
                block.push_str(line);
                block.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks
}

/// The text outside of fenced blocks.
fn prose(text: &str) -> String {
    let mut inside = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.trim().starts_with("```") {
            inside = !inside;
        } else if !inside {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    prose
}

/// A command line as a shell splits it; single quotes are the only ones that the pages use.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('\'').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// Every `$ hss-sync …` of the console blocks, with the page that has it.
fn commands() -> Vec<(PathBuf, Vec<String>)> {
    let mut commands = Vec::new();
    for page in pages() {
        for block in blocks(&read(&page), "console") {
            for line in block.lines().filter_map(|line| line.strip_prefix("$ hss-sync")) {
                commands.push((page.clone(), words(&format!("hss-sync{line}"))));
            }
        }
    }
    commands
}

fn hss_sync(args: &[String], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hss-sync"))
        .current_dir(root())
        .env_clear()
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    child.stdin.take().expect("it is piped").write_all(input.as_bytes()).expect("it reads its input");
    child.wait_with_output().expect("it ends")
}

fn shown(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The first cells of the table whose header begins with `| {header} |`.
fn first_column(text: &str, header: &str) -> Vec<String> {
    text.lines()
        .skip_while(|line| !line.starts_with(&format!("| {header} |")))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.split('|').nth(1).unwrap_or_default().trim().trim_matches('`').to_owned())
        .collect()
}

#[test]
fn every_command_line_is_accepted_by_the_argument_parser() {
    let commands = commands();
    assert!(commands.len() >= 12, "{commands:?}");
    for (page, words) in &commands {
        if let Err(error) = Cli::try_parse_from(words)
            && error.kind() != clap::error::ErrorKind::DisplayVersion
        {
            panic!("{}: {}\n{error}", page.display(), words.join(" "));
        }
    }
}

#[test]
fn every_offline_command_line_does_what_it_is_shown_for() {
    let offline = |words: &[String]| {
        let online = words.iter().any(|word| word == "--online");
        let offline = ["validate", "plan", "explain", "schema", "completions", "man", "runs", "settings"];
        offline.contains(&words[1].as_str()) && !online || words.iter().any(|w| w == "--dry-run")
    };
    // The tutorial's go on from each other, and are done by `tutorial.rs`.
    let own = |page: &Path| page == Path::new("docs/tutorial.md");
    let commands: Vec<_> = commands().into_iter().filter(|(page, words)| offline(words) && !own(page)).collect();
    assert!(commands.len() >= 8, "{commands:?}");
    for (page, words) in &commands {
        let output = hss_sync(&words[1..], "");
        let shown = shown(&output);
        assert_eq!(output.status.code(), Some(0), "{}: {}\n{shown}", page.display(), words.join(" "));
        assert!(output.stdout.len() > 20, "{}: {}\n{shown}", page.display(), words.join(" "));
    }
}

#[test]
fn every_command_of_the_program_is_in_the_table_and_has_an_example() {
    let listed: BTreeSet<String> = first_column(&read("README.md"), "command")
        .iter()
        .map(|cell| cell.split_whitespace().next().unwrap_or_default().to_owned())
        .collect();
    let exampled: BTreeSet<String> = commands()
        .into_iter()
        .filter(|(page, _)| page == Path::new("README.md"))
        .map(|(_, words)| words[1].clone())
        .filter(|word| !word.starts_with('-'))
        .collect();
    let real: BTreeSet<String> =
        Cli::command().get_subcommands().map(|command| command.get_name().to_owned()).collect();
    assert_eq!(listed, real);
    assert_eq!(exampled, real);
}

#[test]
fn every_flag_that_is_named_exists_and_what_is_said_to_be_missing_does_not() {
    let cli = Cli::command();
    let mut flags: BTreeSet<String> = ["--help", "--version"].map(str::to_owned).into();
    for command in std::iter::once(&cli).chain(cli.get_subcommands()) {
        flags
            .extend(command.get_arguments().filter_map(|argument| argument.get_long()).map(|long| format!("--{long}")));
    }
    let named = |text: &str| -> BTreeSet<String> {
        let is_flag = |word: &&str| word.strip_prefix("--").is_some_and(|rest| rest.starts_with(|c: char| c != '-'));
        prose(text).split(|c: char| !(c.is_ascii_lowercase() || c == '-')).filter(is_flag).map(str::to_owned).collect()
    };
    let readme = read("README.md");
    let (promised, status) = readme.split_once("## Status").expect("README.md has a Status section");
    // Of cargo, not of ours.
    let others: BTreeSet<String> = ["--locked", "--path"].map(str::to_owned).into();
    let unknown: Vec<_> =
        named(promised).into_iter().filter(|flag| !flags.contains(flag) && !others.contains(flag)).collect();
    assert!(unknown.is_empty(), "README.md names flags that do not exist: {unknown:?}");
    let missing = status.split_once("## Stability").expect("Stability follows Status").0;
    let wrong: Vec<_> = named(missing).into_iter().filter(|flag| flags.contains(flag)).collect();
    assert!(wrong.is_empty(), "README.md says that these are not there yet: {wrong:?}");
}

#[test]
fn exit_codes_are_those_of_the_program() {
    let real: Vec<String> = ExitStatus::ALL.iter().map(|status| status.code().to_string()).collect();
    for page in ["README.md", "docs/exit-codes.md"] {
        assert_eq!(first_column(&read(page), "code"), real, "{page}");
    }
}

#[test]
fn outcomes_are_those_that_are_counted() {
    let counts = serde_json::to_value(Counts::default()).expect("counts are JSON");
    let counted: Vec<&String> = counts.as_object().expect("an object").keys().filter(|key| *key != "planned").collect();
    let listed = first_column(&read("README.md"), "outcome");
    assert_eq!(listed.iter().collect::<Vec<_>>(), counted);
}

/// The blocks of both are the same, but for the comments in the plan.
#[test]
fn the_chinese_readme_shows_the_same_commands() {
    let without_comments = |block: &String| -> Vec<String> {
        block.lines().map(|line| line.split(" #").next().unwrap_or(line).trim_end().to_owned()).collect()
    };
    for language in ["sh", "console", "text", "yaml"] {
        let [english, chinese] = ["README.md", "README.zh-CN.md"]
            .map(|page| blocks(&read(page), language).iter().map(without_comments).collect::<Vec<_>>());
        assert!(!english.is_empty(), "{language}");
        assert_eq!(chinese, english, "{language}");
    }
    for (header, translated) in [("command", "命令"), ("outcome", "结果"), ("code", "退出码")] {
        let english = first_column(&read("README.md"), header);
        assert_eq!(first_column(&read("README.zh-CN.md"), translated), english, "{header}");
    }
}

#[test]
fn every_page_is_in_the_index() {
    let index = read("docs/README.md");
    let missing: Vec<_> = pages()
        .into_iter()
        .filter_map(|page| Some(page.strip_prefix("docs").ok()?.display().to_string()))
        .filter(|name| name != "README.md" && !index.contains(&format!("]({name})")))
        .collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn the_files_that_say_how_to_add_something_are_there() {
    let page = read("docs/extending.md");
    let spans: Vec<&str> = page.split('`').skip(1).step_by(2).filter(|span| span.contains('/')).collect();
    assert!(spans.len() >= 12, "{spans:?}");
    let missing: Vec<_> = spans.into_iter().filter(|path| !root().join(path).exists()).collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn plans_in_the_readme_are_valid_without_a_warning() {
    let plans = blocks(&read("README.md"), "yaml");
    assert_eq!(plans.len(), 1);
    for plan in plans {
        let output = hss_sync(&["validate", "--deny-warnings", "-"].map(str::to_owned), &plan);
        assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
        // By hand: payments in two regions and search in two.
        assert!(shown(&output).contains("4 operations in 4 regions, 4 calls"), "{}", shown(&output));
    }
}

#[test]
fn the_quick_start_is_two_commands_and_ci_runs_the_second() {
    let readme = read("README.md");
    let quick_start = readme.split_once("## Quick start").expect("it is there").1;
    let block = blocks(quick_start, "sh").into_iter().next().expect("it has a block");
    let lines: Vec<&str> = block.lines().collect();
    assert_eq!(lines, ["cargo run --release -- run plans/quickstart.yaml --simulate", "cargo test --locked"]);
    // `.ci/run` takes the one line of README.md that begins like this.
    assert_eq!(readme.lines().filter(|line| line.starts_with("cargo test")).count(), 1);
    assert!(root().join("plans/quickstart.yaml").is_file());
}

#[test]
fn links_lead_somewhere() {
    let mut broken = Vec::new();
    let mut seen = 0;
    for page in pages() {
        for link in prose(&read(&page))
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split_once(')'))
            .map(|(link, _)| link.to_owned())
        {
            if link.contains("://") {
                continue;
            }
            seen += 1;
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if path.is_empty() { page.clone() } else { page.with_file_name("").join(path) };
            if !root().join(&target).exists() {
                broken.push(format!("{}: {link}", page.display()));
            } else if !anchor.is_empty() && !anchors(&read(&target)).contains(anchor) {
                broken.push(format!("{}: {link}: no such heading", page.display()));
            }
        }
    }
    assert!(seen >= 15, "only {seen} links found");
    assert!(broken.is_empty(), "{broken:#?}");
}

/// The anchors of a page's headings, as code hosts make them.
fn anchors(text: &str) -> BTreeSet<String> {
    prose(text)
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches('#').trim().to_lowercase())
        .map(|title| title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_')).collect::<String>())
        .map(|title| title.replace(' ', "-"))
        .collect()
}

mod reader {
    use super::{anchors, blocks, first_column, prose, words};

    const PAGE: &str =
        "# A b, c\n```sh\nx --y\n```\ntext\n| code | m |\n|---|---|\n| 0 | a |\n| `q` | b |\n\n```console\n$ z\n```\n";

    #[test]
    fn finds_blocks_tables_and_headings() {
        assert_eq!(blocks(PAGE, "sh"), ["x --y\n"]);
        assert_eq!(blocks(PAGE, "console"), ["$ z\n"]);
        assert!(!prose(PAGE).contains("--y") && prose(PAGE).contains("text"));
        assert_eq!(first_column(PAGE, "code"), ["0", "q"]);
        assert_eq!(anchors(PAGE).into_iter().collect::<Vec<_>>(), ["a-b-c"]);
    }

    #[test]
    fn splits_a_line_like_a_shell() {
        assert_eq!(words("a --b 'c d:1%' e"), ["a", "--b", "c d:1%", "e"]);
    }
}
