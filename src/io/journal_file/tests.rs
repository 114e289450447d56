//! Journals in real directories.

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::event::NotAttemptedReason;
use crate::journal::{Invocation, RecordedSource, read};
use crate::model::{Limits, PlanDigest, RunId};
use crate::schedule::fixture::Fixture;

fn header() -> Header {
    Header {
        run: RunId::parse("20261124-080000-7f3a").expect("legal"),
        tool: "0.1.0".to_owned(),
        started_at: jiff::Timestamp::UNIX_EPOCH,
        forecast: Duration::from_secs(48),
        planned: 3,
        digest: PlanDigest::parse(&format!("sha256:{}", "0a".repeat(32))).expect("legal"),
        plans: Vec::new(),
        invocation: Invocation::default(),
        sources: vec![RecordedSource { path: "fleet.yaml".to_owned(), text: "version: 1\n".to_owned() }],
        resolved: Vec::new(),
    }
}

fn plan() -> ExecutionPlan {
    Fixture::simple(Limits::default(), 3)
}

/// An event that shows by its time which one it is.
fn event(second: u64) -> RunEvent {
    RunEvent::Stopping { at: Duration::from_secs(second), reason: NotAttemptedReason::Interrupted }
}

#[test]
fn the_end_of_a_session_shows_in_the_last_line() {
    let case = Case::new();
    assert!(!has_ended(&case.directory()), "there is none");
    let (plan, mut log) = (plan(), case.create());
    assert!(!has_ended(&case.directory()), "nothing happened yet");
    for (second, ended) in [(1, false), (2, true), (3, false)] {
        let at = Duration::from_secs(second);
        log.append(&if ended { RunEvent::RunEnded { at } } else { event(second) }, &plan);
        assert!(log.flush_within(Duration::from_secs(60)));
        assert_eq!(has_ended(&case.directory()), ended, "after {second} s");
    }
    fs::write(case.path(), [&fs::read(case.path()).expect("bytes")[..], br#"{"record":"run_ended","seq":9"#].concat())
        .expect("written");
    assert!(!has_ended(&case.directory()), "a torn line says nothing");
}

/// A state directory, and the directory of a run in it that is not there yet.
struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary directory") }
    }

    fn directory(&self) -> PathBuf {
        self.folder.path().join("state/runs/20261124-080000-7f3a")
    }

    fn path(&self) -> PathBuf {
        self.directory().join("journal.ndjson")
    }

    fn create(&self) -> JournalFile {
        JournalFile::create(&self.directory(), &header(), None).expect("a new journal")
    }

    /// The message of an error, with a short path as unix writes it.
    fn told<T: std::fmt::Debug>(&self, result: Result<T, JournalFileError>) -> String {
        let message = result.expect_err("an error").to_string();
        message.replace(&self.folder.path().display().to_string(), "DIR").replace('\\', "/")
    }

    /// The times of the events that are in the file.
    fn seconds(&self) -> Vec<u64> {
        let journal = read(&fs::read(self.path()).expect("readable")).expect("not damaged");
        let events = journal.events(|_| None).expect("no operation is named");
        let second = |event: &RunEvent| match event {
            RunEvent::Stopping { at, .. } => Some(at.as_secs()),
            _ => None,
        };
        events.iter().filter_map(second).collect()
    }
}

/// Appends an event and waits until it is durable.
async fn append(log: &mut JournalFile, event: &RunEvent) -> Result<u64, LogFailure> {
    let position = log.append(event, &plan());
    while log.durable()? < position {
        log.changed().await;
    }
    Ok(position)
}

#[tokio::test]
async fn what_is_durable_is_in_the_file() {
    let case = Case::new();
    let mut log = case.create();
    let journal = read(&fs::read(case.path()).expect("readable")).expect("not damaged");
    assert_eq!((journal.header, journal.torn), (header(), 0), "the header is there before any event");
    for second in 1..=50 {
        assert_eq!(append(&mut log, &event(second)).await, Ok(second));
        assert_eq!(case.seconds(), (1..=second).collect::<Vec<_>>());
    }
}

#[cfg(unix)]
#[test]
fn run_and_journal_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let case = Case::new();
    let _log = case.create();
    let mode = |path: PathBuf| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(case.directory()), mode(case.path())), (0o700, 0o600));
}

#[test]
fn a_journal_is_never_begun_twice() {
    let case = Case::new();
    drop(case.create());
    let before = fs::read(case.path()).expect("readable");
    assert_eq!(
        case.told(JournalFile::create(&case.directory(), &header(), None)),
        "`DIR/state/runs/20261124-080000-7f3a/journal.ndjson` exists already, and a journal is never overwritten; start \
         the run again"
    );
    assert_eq!(fs::read(case.path()).expect("readable"), before);
}

#[test]
fn where_no_journal_can_be_made_it_says_why() {
    let case = Case::new();
    fs::write(case.folder.path().join("state"), "a file in the way").expect("written");
    assert_eq!(
        case.told(JournalFile::create(&case.directory(), &header(), None)),
        "cannot write `DIR/state/runs/20261124-080000-7f3a`: a part of the path is not a directory; choose another path"
    );
    assert_eq!(
        case.told(LockedJournal::open(&case.folder.path().join("none"))),
        "there is no journal at `DIR/none/journal.ndjson`; check the run's id and the state directory"
    );
    fs::create_dir_all(case.folder.path().join("odd/journal.ndjson")).expect("made");
    // Windows calls that a lack of permission.
    let why = if cfg!(windows) {
        "permission is denied; make the directory writable or choose another path"
    } else {
        "it is a directory; name a file"
    };
    assert_eq!(
        case.told(LockedJournal::open(&case.folder.path().join("odd"))),
        format!("cannot write `DIR/odd/journal.ndjson`: {why}")
    );
}

/// Locks are those of an opened file, so that the same process is refused as another one would be.
#[tokio::test]
async fn a_journal_has_one_writer() {
    let case = Case::new();
    let refused = "run 20261124-080000-7f3a is being written by another process, which holds \
                   `DIR/state/runs/20261124-080000-7f3a/journal.ndjson`; wait for it or end it";
    let begun = case.create();
    assert_eq!(case.told(LockedJournal::open(&case.directory())), refused);
    drop(begun);

    let locked = LockedJournal::open(&case.directory()).expect("nobody holds it");
    assert_eq!(case.told(LockedJournal::open(&case.directory())), refused);
    let journal = read(locked.bytes()).expect("not damaged");
    let mut resumed = locked.go_on(&journal, None).expect("goes on");
    assert_eq!(case.told(LockedJournal::open(&case.directory())), refused);

    fs::rename(case.path(), case.folder.path().join("moved")).expect("moved");
    append(&mut resumed, &event(1)).await.expect_err("it is gone");
    fs::rename(case.folder.path().join("moved"), case.path()).expect("moved back");
    assert_eq!(case.told(LockedJournal::open(&case.directory())), refused, "a run that failed still drains");
    drop(resumed);
    LockedJournal::open(&case.directory()).expect("nobody holds it");
}

#[tokio::test]
async fn a_resumed_journal_goes_on_after_its_whole_lines() {
    let case = Case::new();
    let mut log = case.create();
    append(&mut log, &event(1)).await.expect("durable");
    drop(log);
    let mut bytes = fs::read(case.path()).expect("readable");
    let whole = bytes.len();
    bytes.extend_from_slice(br#"{"record":"stop"#);
    fs::write(case.path(), &bytes).expect("written");

    let locked = LockedJournal::open(&case.directory()).expect("opens");
    assert_eq!(locked.bytes(), bytes);
    let journal = read(locked.bytes()).expect("a torn line is normal");
    let mut log = locked.go_on(&journal, None).expect("goes on");
    assert_eq!(fs::read(case.path()).expect("readable"), &bytes[..whole]);
    assert_eq!(append(&mut log, &event(2)).await, Ok(1), "positions are of this session");
    assert_eq!(case.seconds(), [1, 2]);
}

/// Each of these takes every write and keeps none. Windows lets nobody do that to an open file.
#[cfg(unix)]
#[tokio::test]
async fn a_journal_that_is_no_longer_at_its_path_is_a_failure() {
    type Spoil = fn(&Case) -> std::io::Result<()>;
    let ways: [(&str, Spoil); 5] = [
        ("removed", |case| fs::remove_file(case.path())),
        ("moved", |case| fs::rename(case.path(), case.folder.path().join("elsewhere"))),
        ("replaced", |case| {
            fs::copy(case.path(), case.folder.path().join("copy"))?;
            fs::rename(case.folder.path().join("copy"), case.path())
        }),
        ("with its directory", |case| fs::rename(case.directory(), case.folder.path().join("elsewhere"))),
        ("with the state directory", |case| fs::remove_dir_all(case.folder.path().join("state"))),
    ];
    for (name, spoil) in ways {
        let case = Case::new();
        let mut log = case.create();
        append(&mut log, &event(1)).await.expect("durable");
        spoil(&case).expect("spoilt");
        let failure = append(&mut log, &event(2)).await.expect_err(name);
        assert!(failure.message.starts_with("the journal is no longer at `"), "{name}: {failure}");
        assert_eq!(failure.durable, 1, "{name}");
        append(&mut log, &event(3)).await.expect_err("for ever");
    }
}

/// A resume that begins while the journal is replaced must not go on with the old one.
#[cfg(unix)]
#[test]
fn a_journal_that_moved_before_it_goes_on_is_refused() {
    let case = Case::new();
    drop(case.create());
    let locked = LockedJournal::open(&case.directory()).expect("opens");
    let journal = read(locked.bytes()).expect("not damaged");
    fs::rename(case.path(), case.folder.path().join("moved")).expect("moved");
    let told = case.told(locked.go_on(&journal, None));
    assert!(told.starts_with("the journal is no longer at `DIR/state/"), "{told}");
}
