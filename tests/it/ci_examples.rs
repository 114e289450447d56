//! The examples of `docs/ci`: each command line of theirs is one that the program takes, and none of them sends twice.
//!
//! Their form is checked by `tests/ci/run`, with the checkers of those whose formats they are. Here the scripts that decide between
//! `run`, `resume` and nothing are taken out of the examples and run, with a stand-in that says how it was called.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser};
use hss_sync::cli::Cli;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All files under `docs/ci`, and the hooks, relative to the root.
fn examples() -> Vec<PathBuf> {
    let mut found = vec![PathBuf::from(".pre-commit-hooks.yaml")];
    let mut open = vec![PathBuf::from("docs/ci")];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(root().join(&directory)).expect("it can be listed") {
            let path = directory.join(entry.expect("an entry").file_name());
            if root().join(&path).is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// The words of a shell's line; what is quoted is one word, and variables stand for themselves.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in line.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c.is_whitespace() => words.push(std::mem::take(&mut word)),
            _ => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// The calls of `hss-sync` in a text, each up to the shell's next operator. A comment and a message to people hold none.
fn calls(text: &str) -> Vec<Vec<String>> {
    let mut calls = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        let words = words(line);
        let program = |word: &String| word == "hss-sync" || word.ends_with("/bin/hss-sync");
        let leads = |word: &String| ["exec", "run:", "entry:", "-", "$"].contains(&word.as_str());
        let Some(at) = words.iter().take(3).position(program).filter(|at| words[..*at].iter().all(leads)) else {
            continue;
        };
        let rest =
            words[at + 1..].iter().take_while(|word| ![">>", ">", "|", "||", "&&", ";"].contains(&word.as_str()));
        calls.push(std::iter::once("hss-sync".to_owned()).chain(rest.cloned()).collect());
    }
    calls
}

#[test]
fn every_call_is_accepted_by_the_argument_parser() {
    let mut seen = 0;
    for example in examples() {
        for call in calls(&read(&example)) {
            // An entry of a hook: its plans follow.
            let call: Vec<String> =
                if call == ["hss-sync", "validate"] { [call, vec!["plans/".into()]].concat() } else { call };
            seen += 1;
            if let Err(error) = Cli::try_parse_from(&call) {
                panic!("{}: {}\n{error}", example.display(), call.join(" "));
            }
        }
    }
    assert!(seen >= 12, "{seen}");
}

#[test]
fn no_call_is_overlooked() {
    let commands: Vec<String> = Cli::command().get_subcommands().map(|command| command.get_name().to_owned()).collect();
    for example in examples().iter().filter(|path| path.extension().is_none_or(|extension| extension != "md")) {
        let text = read(example);
        let code = text.lines().filter(|line| !line.trim().starts_with('#'));
        let mentions = code
            .flat_map(|line| line.split("hss-sync ").skip(1).map(move |rest| (line, rest)))
            // In backticks it is said to people.
            .filter(|(line, rest)| {
                let command = rest.split([' ', '`']).next().unwrap_or_default();
                commands.iter().any(|name| name == command) && !line.contains("`hss-sync")
            })
            .count();
        assert_eq!(calls(&text).len(), mentions, "{}", example.display());
    }
}

#[test]
fn arguments_of_the_hooks_are_accepted() {
    let mut seen = 0;
    for example in examples().iter().filter(|path| path.to_string_lossy().contains("pre-commit")) {
        for line in read(example).lines() {
            let Some(list) = line.trim().strip_prefix("args: [").and_then(|rest| rest.strip_suffix(']')) else {
                continue;
            };
            let call: Vec<&str> =
                ["hss-sync", "validate"].into_iter().chain(list.split(", ")).chain(["plans/a.yaml"]).collect();
            seen += 1;
            Cli::try_parse_from(&call).unwrap_or_else(|error| panic!("{}: {error}", example.display()));
        }
    }
    assert_eq!(seen, 3);
}

#[test]
fn what_belongs_together_agrees() {
    let number = |text: &str, key: &str| -> u32 {
        let rest = text.split_once(key).unwrap_or_else(|| panic!("there is no `{key}`")).1.trim_start();
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap_or_else(|_| panic!("{key}{rest:.20}"))
    };
    let code = |path: &str| -> String {
        read(Path::new(path))
            .lines()
            .filter(|line| !line.trim().starts_with('#'))
            .map(|line| format!("{line}\n"))
            .collect()
    };
    let job = code("docs/ci/kubernetes/rollout.yaml");
    assert_eq!(number(&job, "completions:"), number(&job, "--shard-count "));
    assert!(number(&job, "--grace ") < number(&job, "terminationGracePeriodSeconds:"));
    assert!(number(&job, "--max-duration ") * 3600 < number(&job, "activeDeadlineSeconds:"));
    let rollout = code("docs/ci/github/rollout.yml");
    let shard = rollout.split_once("\n  shard:").expect("there is a job of shards").1;
    assert!(number(shard, "--max-duration ") * 60 + 15 <= number(shard, "timeout-minutes:"));
}

mod reader {
    use super::{calls, words};

    #[test]
    fn finds_calls_and_nothing_else() {
        let text = "# hss-sync no\n- run: out/bin/hss-sync plan a --out 'b c' >> \"$D\"\n  exec hss-sync run x\necho hss-sync no\n";
        assert_eq!(calls(text), [vec!["hss-sync", "plan", "a", "--out", "b c"], vec!["hss-sync", "run", "x"]]);
        assert_eq!(words("a --b=\"c d\" e"), ["a", "--b=c d", "e"]);
    }
}

#[cfg(unix)]
mod scripts {
    use super::{fs, read};
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::process::{Command, Stdio};

    /// The lines of the block that follows `key: |` or `- |` after `after`, without their indentation.
    fn block(text: &str, after: &str) -> String {
        let rest = text.split_once(after).unwrap_or_else(|| panic!("there is no `{after}`")).1;
        let mut lines = rest.lines().skip_while(|line| !line.ends_with('|')).skip(1).peekable();
        let indent = lines.peek().map_or(0, |line| line.len() - line.trim_start().len());
        lines
            .take_while(|line| line.is_empty() || line.len() - line.trim_start().len() >= indent)
            .map(|line| format!("{}\n", line.get(indent..).unwrap_or_default()))
            .collect()
    }

    /// Puts a stand-in at `place` that says how it was called.
    fn stand_in(place: &Path) {
        fs::create_dir_all(place.parent().expect("it has one")).expect("it can be made");
        fs::write(place, "#!/bin/sh\necho \"called: $*\"\n").expect("it can be written");
        fs::set_permissions(place, fs::Permissions::from_mode(0o755)).expect("it can be set");
    }

    /// What a script prints, and whether it ended with 0.
    fn run(shell: &str, script: &str, directory: &Path, environment: &[(&str, &str)]) -> (bool, String) {
        let output = Command::new(shell)
            .args(["-e", "-c", script])
            .current_dir(directory)
            .env_clear()
            .env("PATH", format!("{}/out/bin:/usr/bin:/bin", directory.display()))
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .output()
            .expect("there is a shell");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn put(directory: &Path, name: &str, text: &str) {
        let path = directory.join(name);
        fs::create_dir_all(path.parent().expect("it has one")).expect("it can be made");
        fs::write(path, text).expect("it can be written");
    }

    #[test]
    fn a_shard_in_github_goes_on_where_it_was_and_sends_nothing_when_that_is_lost() {
        let text = read(Path::new("docs/ci/github/rollout.yml"));
        let (look, send) = (block(&text, "name: Look whether"), block(&text, "name: Send"));
        // What the attempts before left, and what this one does.
        let began = |attempt| ("state/began", attempt);
        let saved = |attempt| ("state/saved", attempt);
        let journal = ("state/runs/20261124-080000-7f3a/journal.ndjson", "{}\n");
        for (left, does) in [
            (vec![], "run"),
            (vec![began("1\n")], "nothing"),
            (vec![began("1\n"), saved("1\n")], "run"),
            (vec![began("1\n"), saved("1\n"), journal], "resume"),
            (vec![began("2\n"), saved("1\n"), journal], "nothing"),
        ] {
            let home = tempfile::tempdir().expect("a directory");
            stand_in(&home.path().join("out/bin/hss-sync"));
            left.iter().for_each(|(name, text)| put(home.path(), name, text));
            let (safe, said) = run("bash", &look, home.path(), &[("GITHUB_RUN_ATTEMPT", "3")]);
            assert_eq!(safe, does != "nothing", "{left:?}: {said}");
            if !safe {
                assert!(said.starts_with("::error::attempt "), "{said}");
                continue;
            }
            assert_eq!(fs::read_to_string(home.path().join("state/began")).expect("it is there"), "3\n");
            let shard = [("DIGEST", "sha256:00"), ("SHARD", "1/3")];
            let (_, said) = run("bash", &send, home.path(), &shard);
            assert!(said.starts_with(&format!("called: {does} ")), "{left:?}: {said}");
            assert_eq!(said.contains("--approve sha256:00 --shard 1/3"), does == "run", "{said}");
        }
    }

    #[test]
    fn a_pod_that_takes_the_place_of_another_goes_on_with_its_journal() {
        let text = read(Path::new("docs/ci/kubernetes/rollout.yaml"));
        let home = tempfile::tempdir().expect("a directory");
        stand_in(&home.path().join("out/bin/hss-sync"));
        let script = block(&text, "args:").replace("/state/", &format!("{}/state/", home.path().display()));
        let shard = |index| [("ROLLOUT", "a"), ("JOB_COMPLETION_INDEX", index), ("DIGEST", "sha256:00")];
        put(home.path(), "state/a/1/runs/20261124-080000-7f3a/journal.ndjson", "{}\n");
        put(home.path(), "state/b/0/runs/20261123-080000-7f3a/journal.ndjson", "{}\n");
        let (_, said) = run("sh", &script, home.path(), &shard("0"));
        assert!(said.starts_with("called: run /plan/plan.lock.json --approve sha256:00 --shard auto"), "{said}");
        let (_, said) = run("sh", &script, home.path(), &shard("1"));
        assert!(said.starts_with("called: resume latest "), "{said}");
    }

    #[test]
    fn a_shard_in_gitlab_begins_once() {
        let text = read(Path::new("docs/ci/gitlab/rollout.yml"));
        let script = block(&text, "- mark=");
        let home = tempfile::tempdir().expect("a directory");
        // It asks for the mark, and then leaves it.
        let curl = home.path().join("out/bin/curl");
        for (status, begins) in [("404", true), ("200", false), ("403", false), ("000", false)] {
            stand_in(&curl);
            fs::write(
                &curl,
                format!("#!/bin/sh\ncase \"$*\" in *--upload-file*) echo left;; *) printf {status};; esac\n"),
            )
            .expect("it can be written");
            let (goes_on, said) = run(
                "bash",
                &script,
                home.path(),
                &[("mark", "http://127.0.0.1"), ("CI_JOB_TOKEN", "t"), ("CI_JOB_ID", "7")],
            );
            assert_eq!((goes_on, said.ends_with("left\n")), (begins, begins), "{status}: {said}");
        }
    }
}
