//! `runs` with the real binary: what it says of runs that ended, were killed, are at work or are damaged.

use std::fs;
use std::path::Path;
#[cfg(feature = "simulator")]
use std::path::PathBuf;

use serde_json::Value;

use super::common::{Finished, finish, hss_sync};

fn list(folder: &Path, args: &[&str]) -> Finished {
    let finished = finish(hss_sync(folder).arg("runs").args(args));
    assert_eq!(finished.code(), 0, "{}", finished.excerpt());
    finished
}

fn json(folder: &Path, args: &[&str]) -> Value {
    list(folder, &[args, &["--format", "json"]].concat()).json().expect("a document")
}

#[test]
fn without_a_run_it_says_so() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    assert_eq!(list(folder.path(), &[]).stdout(), "no runs in .hss-sync\n");
    let document = json(folder.path(), &["--state-dir", "elsewhere"]);
    assert_eq!((&document["total"], &document["state_dir"]), (&0.into(), &"elsewhere".into()));
    assert_eq!(document["runs"], Value::Array(Vec::new()));
}

#[test]
fn a_state_directory_that_cannot_be_read_is_a_usage_error() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir_all(folder.path().join("state")).expect("made");
    fs::write(folder.path().join("state/runs"), "").expect("written");
    let finished = finish(hss_sync(folder.path()).args(["runs", "--state-dir", "state"]));
    assert_eq!(finished.code(), 2, "{}", finished.excerpt());
    let runs = Path::new("state").join("runs");
    assert!(finished.stderr().contains(&runs.display().to_string()), "{}", finished.stderr());
}

/// Runs the quickstart against the embedded simulator, with these flags, and gives back the directory of its run.
#[cfg(feature = "simulator")]
fn simulated(folder: &Path, code: i32, args: &[&str]) -> PathBuf {
    let before = json(folder, &[])["total"].as_u64().expect("a count");
    let plan = concat!(env!("CARGO_MANIFEST_DIR"), "/plans/quickstart.yaml");
    let mut command = hss_sync(folder);
    command.args(["run", plan, "--simulate", "--quota", "1000/1s"]);
    let finished = finish(command.args(["--simulator-quota", "1000/1s", "--quiet"]).args(args));
    assert_eq!(finished.code(), code, "{}", finished.excerpt());
    let runs = json(folder, &[]);
    assert_eq!(runs["total"], before + 1);
    folder.join(runs["runs"][0]["directory"].as_str().expect("a path"))
}

#[cfg(feature = "simulator")]
#[test]
fn each_state_is_told_from_the_journal() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let run = simulated(folder, 0, &[]);
    let id = run.file_name().expect("a name").to_str().expect("UTF-8").to_owned();
    let first = |folder: &Path| json(folder, &[])["runs"][0].clone();
    let complete = first(folder);
    assert_eq!((&complete["id"], &complete["state"]), (&Value::from(&*id), &"complete".into()));
    assert_eq!((&complete["plans"], &complete["simulated"]), (&serde_json::json!(["quickstart"]), &true.into()));
    assert_eq!(complete["summary"]["accepted"], complete["summary"]["planned"]);
    assert_eq!(complete["go_on"], Value::Array(Vec::new()));
    assert!(complete["age_seconds"].as_u64().is_some_and(|age| age < 3600), "{complete}");

    let journal = run.join("journal.ndjson");
    let whole = fs::read_to_string(&journal).expect("a journal");
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    // Up to an operation that was announced and never answered.
    let cut = lines.iter().position(|line| line.contains("\"attempt_started\"")).expect("an attempt") + 1;
    fs::write(&journal, lines[..cut].concat()).expect("written");
    let killed = first(folder);
    assert_eq!((&killed["state"], &killed["summary"]["accepted"]), (&"killed".into(), &0.into()));
    assert_eq!(killed["go_on"][0]["command"], format!("hss-sync resume {id}"));
    let planned = complete["summary"]["planned"].as_u64().expect("a count");
    assert_eq!(killed["go_on"][0]["does"], format!("{planned} operations"));
    let text = list(folder, &[]).stdout();
    assert!(text.contains(&format!("0 accepted, {planned} open of {planned}").replace("0 accepted, ", "")), "{text}");
    assert!(text.contains(&format!("    hss-sync resume {id}   # {planned} operations\n")), "{text}");

    fs::write(&journal, whole.replacen("attempt_started", "attempt_startes", 1)).expect("written");
    let damaged = first(folder);
    assert_eq!(damaged["state"], "damaged");
    assert!(damaged["message"].as_str().is_some_and(|message| message.contains("is damaged")), "{damaged}");

    fs::write(&journal, whole.replacen("\"version\":1,", "\"version\":9,", 1)).expect("written");
    assert_eq!(first(folder)["state"], "unreadable");

    fs::write(&journal, "").expect("written");
    assert_eq!(first(folder)["state"], "damaged", "its report is there, so that it was not empty");
    fs::remove_file(run.join("report.json")).expect("removed");
    assert_eq!(first(folder)["state"], "empty");

    // Held by another process, and so in whatever state it is.
    fs::write(&journal, lines[..cut].concat()).expect("written");
    let held = fs::File::open(&journal).expect("opened");
    held.lock().expect("locked");
    let running = first(folder);
    assert_eq!((&running["state"], &running["go_on"]), (&"running".into(), &Value::Array(Vec::new())));
}

/// Killed between its last outcome and its end: there is nothing to send, and still something to write.
#[cfg(feature = "simulator")]
#[test]
fn a_run_that_was_killed_after_its_last_outcome_comes_to_its_end() {
    for (code, args, state) in [(0, &[][..], "complete"), (1, &["--fault", "403:100%"][..], "incomplete")] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let folder = folder.path();
        let run = simulated(folder, code, args);
        let (journal, report) = (run.join("journal.ndjson"), run.join("report.json"));
        let whole = fs::read_to_string(&journal).expect("a journal");
        let lines: Vec<&str> = whole.split_inclusive('\n').collect();
        let (end, before) = lines.split_last().expect("lines");
        assert!(end.contains("\"record\":\"run_ended\""), "{end}");
        fs::write(&journal, before.concat()).expect("written");
        fs::remove_file(&report).expect("removed");
        let listed = || json(folder, &[])["runs"][0].clone();
        let killed = listed();
        assert_eq!(
            (&killed["state"], &killed["go_on"][0]["does"]),
            (&"killed".into(), &"writes its end and its report".into())
        );
        let said = |args: &[&str]| finish(hss_sync(folder).args(args));
        assert!(said(&["report", "latest"]).stderr().contains("did not come to its end"));

        let resumed = said(&["resume"]);
        assert_eq!(resumed.code(), code, "{}", resumed.excerpt());
        assert!(resumed.stderr().contains("killed after its last outcome"), "{}", resumed.stderr());
        let ended = fs::read_to_string(&journal).expect("a journal");
        let added: Vec<&str> = ended.strip_prefix(&before.concat()).expect("it goes on").lines().collect();
        assert_eq!(added.len(), 2, "{added:#?}");
        assert!(added[0].contains("\"run_resumed\"") && added[1].contains("\"run_ended\""), "{added:#?}");
        let written: Value = serde_json::from_str(&fs::read_to_string(&report).expect("a report")).expect("JSON");
        assert_eq!((&written["run"]["exit_code"], &written["run"]["resumed"]), (&code.into(), &1.into()));
        assert_eq!((&listed()["state"], &listed()["summary"]), (&state.into(), &killed["summary"]));
        let told = said(&["report", "latest"]);
        assert!(!told.stderr().contains("did not come to its end"), "{}", told.stderr());

        // Over now: another resume adds nothing.
        let again = said(&["resume"]);
        assert_eq!((again.code(), fs::read_to_string(&journal).expect("a journal")), (code, ended));
        assert!(!again.stderr().contains("killed after"), "{}", again.stderr());
    }
}

#[cfg(feature = "simulator")]
#[test]
fn what_is_left_comes_with_the_command_that_goes_on() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let old = simulated(folder, 0, &[]);
    fs::rename(&old, old.with_file_name("20200101-000000-0000")).expect("renamed");
    let run = simulated(folder, 1, &["--fault", "403:100%"]);
    let id = run.file_name().expect("a name").to_str().expect("UTF-8").to_owned();
    let runs = json(folder, &[]);
    assert_eq!(runs["runs"][1]["id"], "20200101-000000-0000");
    let newest = &runs["runs"][0];
    assert_eq!((&newest["id"], &newest["state"]), (&Value::from(&*id), &"incomplete".into()));
    let ways: Vec<&str> =
        newest["go_on"].as_array().expect("a list").iter().filter_map(|way| way["command"].as_str()).collect();
    assert_eq!(ways, [format!("hss-sync resume {id} --retry-failed")]);

    let text = list(folder, &["--limit", "1"]).stdout();
    assert!(!text.contains("20200101") && text.ends_with("and 1 older; --limit 2 shows them all\n"), "{text}");
    let moved = folder.join("kept elsewhere");
    fs::rename(folder.join(".hss-sync"), &moved).expect("renamed");
    let text = list(folder, &["--state-dir", "kept elsewhere"]).stdout();
    let quoted =
        if cfg!(windows) { format!(r#""kept elsewhere\runs\{id}""#) } else { format!("'kept elsewhere/runs/{id}'") };
    assert!(text.contains(&format!("hss-sync resume {quoted} --retry-failed")), "{text}");
}
