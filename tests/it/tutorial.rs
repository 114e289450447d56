//! Every command of `docs/tutorial.md`, in order and in one folder, with what the page shows of it.
//!
//! A shell runs them. The simulator that the page starts in another terminal gets a free port, which stands in place of 8080;
//! `sha256:…` in a command is the digest that was printed last. In what is shown, `…` is any text, and alone on a line any lines.

#![cfg(all(feature = "simulator", unix))]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::common::{finish, hss_sync};
use crate::readme::{blocks, read};
use crate::resume::Running;

/// Where the page says that the simulator listens.
const SHOWN_ADDRESS: &str = "127.0.0.1:8080";

/// A command with what is shown of its output.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    command: String,
    shown: Vec<String>,
}

/// The commands of a console block: `$ ` begins one, `> ` goes on with it.
fn steps(block: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ "), line.strip_prefix("> "), steps.last_mut()) {
            (Some(command), ..) => steps.push(Step { command: command.to_owned(), shown: Vec::new() }),
            (None, Some(more), Some(step)) if step.shown.is_empty() => step.command.extend(["\n", more]),
            (None, _, Some(step)) => step.shown.push(line.to_owned()),
            (None, _, None) => panic!("a block begins with a command: {block}"),
        }
    }
    steps
}

/// Whether a line is what is shown, `…` being any text.
fn line_fits(shown: &str, line: &str) -> bool {
    let mut parts = shown.split('…');
    let Some(mut rest) = parts.next().and_then(|first| line.strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// Whether lines are what is shown, `…` alone being any lines.
fn fits(shown: &[&str], lines: &[&str]) -> bool {
    match shown.split_first() {
        None => lines.is_empty(),
        Some((&"…", rest)) => (0..=lines.len()).any(|skipped| fits(rest, &lines[skipped..])),
        Some((first, rest)) => {
            lines.split_first().is_some_and(|(line, lines)| line_fits(first, line) && fits(rest, lines))
        }
    }
}

/// The terminals of the reader.
struct Desk<'a> {
    folder: &'a Path,
    variables: BTreeMap<String, String>,
    simulator: Option<(Running, String)>,
    digest: String,
    code: i32,
}

impl Desk<'_> {
    fn do_step(&mut self, step: &Step) {
        let shown: Vec<&str> = step.shown.iter().map(String::as_str).collect();
        let command = step.command.as_str();
        if let Some((name, value)) = command.strip_prefix("export ").and_then(|rest| rest.split_once('=')) {
            let value = self.really(value);
            self.variables.insert(name.to_owned(), value);
        } else if command == "echo $?" {
            assert_eq!(shown, [self.code.to_string()], "the exit code after {step:?}");
            self.code = 0;
        } else {
            // What does not say its exit code ends well.
            assert_eq!(self.code, 0, "before {command}");
            let printed =
                if command.starts_with("hss-sync simulate ") { self.simulate(command) } else { self.call(command) };
            let lines: Vec<&str> = printed.lines().collect();
            assert!(fits(&shown, &lines), "{command}\n--- shown\n{}\n--- printed\n{printed}", shown.join("\n"));
        }
    }

    /// With the address of our own simulator, and the digest.
    fn really(&self, text: &str) -> String {
        let address = self.simulator.as_ref().map_or(SHOWN_ADDRESS, |(_, address)| address);
        text.replace(SHOWN_ADDRESS, address).replace("sha256:…", &self.digest)
    }

    fn shell(&self, command: &str) -> Command {
        let binary = hss_sync(self.folder);
        let directory = Path::new(binary.get_program()).parent().expect("it is in a directory");
        let mut shell = Command::new("/bin/sh");
        shell.current_dir(self.folder).env_clear().envs(&self.variables);
        shell.env("PATH", format!("{}:/usr/bin:/bin", directory.display())).arg("-c").arg(command);
        shell
    }

    fn call(&mut self, command: &str) -> String {
        // Both streams in the order in which a terminal has them.
        let finished = finish(&mut self.shell(&format!("exec 2>&1\n{}", self.really(command))));
        self.code = finished.code();
        let printed = finished.stdout();
        if let Some(at) = printed.rfind("sha256:") {
            self.digest = printed[at..].chars().take("sha256:".len() + 64).collect();
        }
        let address = self.simulator.as_ref().map_or(SHOWN_ADDRESS, |(_, address)| address);
        printed.replace(address, SHOWN_ADDRESS)
    }

    /// Starts the second terminal; what it has printed once it listens, without waiting for more.
    fn simulate(&mut self, command: &str) -> String {
        let command = format!("exec {}", command.replace(SHOWN_ADDRESS, "127.0.0.1:0"));
        let mut child: Child =
            self.shell(&command).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("a shell");
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().expect("it is piped"));
        output.read_line(&mut line).expect("it says where it listens");
        // It must not write into a closed pipe.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        let address =
            line.split("http://").nth(1).and_then(|rest| rest.split(';').next()).expect("an address").to_owned();
        let printed = line.replace(&address, SHOWN_ADDRESS);
        self.simulator = Some((Running(child), address));
        printed
    }
}

#[test]
fn every_command_does_what_the_tutorial_shows() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let variables = BTreeMap::from([("HSS_SYNC_METADATA_ENDPOINT".to_owned(), "off".to_owned())]);
    let mut desk = Desk { folder: folder.path(), variables, simulator: None, digest: String::new(), code: 0 };
    let page = read("docs/tutorial.md");
    let steps: Vec<Step> = blocks(&page, "console").iter().flat_map(|block| steps(block)).collect();
    assert!(steps.len() >= 25, "{steps:#?}");
    for step in &steps {
        desk.do_step(step);
    }
    assert_eq!(desk.code, 0);
}

mod reader {
    use super::{Step, fits, line_fits, steps};

    #[test]
    fn reads_commands_with_what_goes_on_and_what_is_shown() {
        let step = |command: &str, shown: &[&str]| Step {
            command: command.to_owned(),
            shown: shown.iter().map(|line| (*line).to_owned()).collect(),
        };
        assert_eq!(
            steps("$ a << E\n> b\n> E\n$ c\nd\n\n> e\n"),
            [step("a << E\nb\nE", &[]), step("c", &["d", "", "> e"])]
        );
    }

    #[test]
    fn compares_what_is_shown() {
        assert!(line_fits("a … c", "a b c") && line_fits("a", "a") && line_fits("a … b … c", "a 1 b 2 c"));
        assert!(!line_fits("a … c", "a b d") && !line_fits("a", "ab") && !line_fits("a … b … c", "a 1 2 c"));
        assert!(fits(&["a", "…", "d"], &["a", "b", "c", "d"]) && fits(&["…"], &[]) && fits(&["a"], &["a"]));
        assert!(!fits(&["a", "…", "d"], &["a", "b"]) && !fits(&["a"], &["a", "b"]) && !fits(&[], &["a"]));
    }
}
