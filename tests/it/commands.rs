//! The small commands: `explain`, `schema`, and what the binary says when it is called wrongly.

use std::process::{Command, Output};

use clap::{CommandFactory, Parser};
use hss_sync::cli::{Cli, OVERVIEW};
use hss_sync::diagnostic::Code;
use hss_sync::exit::ExitStatus;
use hss_sync::policy::service_codes;

fn hss_sync(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hss-sync")).env_clear().args(args).output().expect("the binary starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn every_code_is_explained() {
    let listed = text(&hss_sync(&["explain"]).stdout);
    for code in Code::ALL {
        let output = hss_sync(&["explain", code.as_str()]);
        assert_eq!(output.status.code(), Some(0), "{}", code.as_str());
        let said = text(&output.stdout);
        assert!(said.starts_with(&format!("{}[{}]: ", code.severity().as_str(), code.as_str())), "{said}");
        assert!(said.lines().count() >= 3, "{said}");
        assert!(listed.contains(code.as_str()));
    }
    for entry in service_codes() {
        let output = hss_sync(&["explain", entry.code]);
        assert_eq!(output.status.code(), Some(0), "{}", entry.code);
        assert!(text(&output.stdout).contains("Next step:"));
        assert!(listed.contains(entry.code));
    }
    for status in ExitStatus::ALL {
        let output = hss_sync(&["explain", &status.code().to_string()]);
        assert_eq!(output.status.code(), Some(0), "{status:?}");
        assert!(text(&output.stdout).starts_with(&format!("exit code {}: ", status.code())));
    }
}

#[test]
fn an_unknown_code_is_a_usage_error_with_a_suggestion() {
    let output = hss_sync(&["explain", "unknown-sett"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("did you mean `unknown-set`?"), "{}", text(&output.stderr));
}

#[test]
fn schemas_are_printed_as_they_are_checked_in() {
    for name in ["plan", "report", "event", "journal", "lock", "diff"] {
        let output = hss_sync(&["schema", name]);
        let file = std::fs::read_to_string(format!("schemas/{name}.schema.json")).expect("checked in");
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), file));
    }
}

#[test]
fn the_schemas_of_what_we_write_are_schemas_and_describe_every_property() {
    for name in ["report", "event", "journal", "lock", "diff"] {
        let schema = std::fs::read_to_string(format!("schemas/{name}.schema.json")).expect("checked in");
        let schema: serde_json::Value = serde_json::from_str(&schema).expect("JSON");
        assert!(jsonschema::draft7::meta::is_valid(&schema), "{name}");
        let described = described_properties(&schema);
        assert!(described > 30, "{name}: {described}");
    }
}

/// How many properties the schema has; each of them needs a description.
fn described_properties(schema: &serde_json::Value) -> usize {
    let mut nodes = vec![schema];
    let mut seen = 0;
    while let Some(node) = nodes.pop() {
        if let Some(properties) = node.get("properties").and_then(|properties| properties.as_object()) {
            for (name, property) in properties {
                // A condition repeats a property's name without describing it again.
                if property.get("enum").is_some() && property.as_object().map(serde_json::Map::len) == Some(1) {
                    continue;
                }
                assert!(property.get("description").is_some(), "{name}");
                seen += 1;
            }
        }
        match node {
            serde_json::Value::Object(map) => nodes.extend(map.values()),
            serde_json::Value::Array(items) => nodes.extend(items),
            _ => {}
        }
    }
    seen
}

#[test]
fn called_alone_it_names_the_daily_commands() {
    let output = hss_sync(&[]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.split("\n\n").next().is_some_and(|job| job.matches('.').count() == 1), "one sentence: {said}");
    let daily = ["validate", "plan", "run", "runs", "resume"];
    let table: Vec<&str> = said.lines().filter(|line| line.starts_with("  ")).collect();
    assert_eq!(table.len(), daily.len(), "{said}");
    for (line, command) in table.iter().zip(daily) {
        assert!(
            line.starts_with(&format!("  {command} ")) && line.contains(&format!("  hss-sync {command}")),
            "{line}"
        );
    }
    for further in ["--simulate", "hss-sync --help", "hss-sync COMMAND --help", "hss-sync explain"] {
        assert!(said.contains(further), "{further}");
    }
}

#[test]
fn help_begins_with_an_example_and_fits_a_terminal() {
    let commands: Vec<String> = Cli::command().get_subcommands().map(|each| each.get_name().to_owned()).collect();
    assert!(commands.len() > 8, "{commands:?}");
    for command in commands {
        let help = text(&hss_sync(&[&command, "--help"]).stdout);
        assert!(help.starts_with(&format!("Example:  hss-sync {command}")), "{help}");
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
    }
    assert!(text(&hss_sync(&[]).stderr).lines().all(|line| line.chars().count() <= 80));
}

/// A help's example is pasted into a shell: what comes before `>` is the call.
#[test]
fn the_example_of_each_help_and_those_of_the_overview_are_accepted() {
    let mut examples: Vec<String> = Cli::command()
        .get_subcommands()
        .map(|command| command.get_before_help().expect("it has an example").to_string().replace("Example:", ""))
        .collect();
    examples.extend(
        OVERVIEW
            .lines()
            .filter_map(|line| Some(line.split_once("  hss-sync ")?.1))
            .map(|call| format!("hss-sync {call}")),
    );
    assert!(examples.len() > 15, "{examples:?}");
    for example in examples.iter().filter(|example| !example.contains("COMMAND")) {
        let call = example.split('>').next().unwrap_or_default().replace('\'', "");
        assert!(Cli::try_parse_from(call.split_whitespace()).is_ok(), "{example}");
    }
}

#[test]
fn explanations_are_no_wider_than_a_hundred_columns() {
    let lines = |args: &[&str]| text(&hss_sync(args).stdout);
    for said in [lines(&["explain"]), lines(&["explain", "APIGW.0201"]), lines(&["explain", "5"])] {
        assert!(said.lines().all(|line| line.chars().count() <= 100), "{said}");
    }
}

#[test]
fn bad_flags_are_usage_errors_that_name_the_flag() {
    for (args, piece) in [
        (&["run", "plans/quickstart.yaml", "--simulate", "--report", "xml=x"][..], "--report"),
        (&["run", "plans/quickstart.yaml", "--simulate", "--quota", "5"], "--quota"),
        (&["run", "plans/quickstart.yaml", "--simulate", "--max-duration", "10"], "--max-duration"),
        (&["run", "plans/quickstart.yaml", "--simulate", "--max-failures", "x"], "--max-failures"),
        (&["run", "plans/quickstart.yaml", "--simulate", "--fault", "flood:1%"], "--fault"),
        (&["run", "plans/quickstart.yaml", "--simulate", "--task-time", "20m..1m"], "--task-time 20m..1m"),
        (&["run", "plans/quickstart.yaml", "--simulate", "--task-fault", "late:20"], "--task-fault late:20"),
        (&["run", "plans/quickstart.yaml", "--task-time", "1m"], "--simulate"),
        (&["run", "plans/quickstart.yaml", "--task-fault", "lost:1%"], "--simulate"),
        (&["simulate", "--task-time", "1"], "--task-time 1"),
        (&["simulate", "--task-fault", "429:1%"], "--task-fault 429:1%"),
        (&["run", "plans/quickstart.yaml", "--endpoint", "http://example.com"], "--endpoint"),
        (&["validate", "plans/quickstart.yaml", "--var", "x"], "--var"),
        (&["validate", "plans/quickstart.yaml", "--var", "nope=1"], "nope"),
        (&["validate", "plans/nowhere.yaml"], "nowhere.yaml"),
        (&["validate"], "PLAN"),
        (&["simulate", "--listen", "0.0.0.0:0"], "loopback"),
    ] {
        let output = hss_sync(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(piece), "{args:?}: {}", text(&output.stderr));
    }
}
