//! The writer over a disk that is told what to do with each write and sync.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::mpsc;

use super::*;

/// What the disk saw.
#[derive(Debug, Default)]
struct Seen {
    written: String,
    /// How much was written at each sync.
    syncs: Vec<usize>,
}

/// What the disk does with the next write or sync; it does well when it was told nothing.
enum Say {
    Takes(usize),
    Fails(io::ErrorKind),
    Panics,
}

/// A disk that does as it is told, and keeps what it saw.
#[derive(Default)]
struct ToldDisk {
    seen: Arc<Mutex<Seen>>,
    writes: VecDeque<Say>,
    syncs: VecDeque<io::ErrorKind>,
    moved_after: Option<usize>,
    /// A sync says that it began, and waits to be let on.
    gate: Option<(mpsc::Sender<()>, mpsc::Receiver<()>)>,
}

impl Write for ToldDisk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = match self.writes.pop_front() {
            None => bytes.len(),
            Some(Say::Takes(most)) => most.min(bytes.len()),
            Some(Say::Fails(kind)) => return Err(kind.into()),
            Some(Say::Panics) => panic!("told to"),
        };
        let text = std::str::from_utf8(&bytes[..taken]).expect("ASCII");
        self.seen.lock().expect("no panic").written.push_str(text);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Disk for ToldDisk {
    fn sync(&mut self) -> io::Result<()> {
        if let Some((began, go_on)) = &self.gate {
            // A test that ended waits for nothing.
            let _ = began.send(());
            let _ = go_on.recv();
        }
        if let Some(kind) = self.syncs.pop_front() {
            return Err(kind.into());
        }
        let mut seen = self.seen.lock().expect("no panic");
        let length = seen.written.len();
        seen.syncs.push(length);
        Ok(())
    }

    fn in_place(&self) -> io::Result<bool> {
        Ok(self.moved_after.is_none_or(|syncs| self.seen.lock().expect("no panic").syncs.len() <= syncs))
    }
}

impl ToldDisk {
    fn start(self) -> (Writer, Arc<Mutex<Seen>>) {
        let seen = Arc::clone(&self.seen);
        (Writer::start(self, PathBuf::from("runs/7f3a/journal.ndjson"), None).expect("a thread"), seen)
    }

    /// With a gate before each sync: its ends say that one began, and let it on.
    fn gated(mut self) -> (Writer, Arc<Mutex<Seen>>, mpsc::Receiver<()>, mpsc::Sender<()>) {
        let ((began, has_begun), (let_on, go_on)) = (mpsc::channel(), mpsc::channel());
        self.gate = Some((began, go_on));
        let (writer, seen) = self.start();
        (writer, seen, has_begun, let_on)
    }
}

/// Longer than any machine takes; ends a test that would hang.
const HANGS: Duration = Duration::from_secs(60);

/// Waits until a gated sync begins.
fn begun(has_begun: &mpsc::Receiver<()>) {
    has_begun.recv_timeout(HANGS).expect("a sync begins");
}

/// Whether the thread still has the disk.
fn is_held(seen: &Arc<Mutex<Seen>>) -> bool {
    Arc::strong_count(seen) > 1
}

/// Waits until this position is durable, or the disk failed.
async fn reached(writer: &mut Writer, position: u64) -> Progress {
    loop {
        let progress = writer.durable();
        if progress.as_ref().map_or(true, |durable| *durable >= position) {
            return progress;
        }
        tokio::time::timeout(HANGS, writer.changed()).await.expect("a wake-up was lost");
    }
}

/// Appends one line after another, each as soon as the one before is durable; the failure that ends this.
async fn append_until_failure(writer: &mut Writer, lines: &[&str]) -> LogFailure {
    for line in lines {
        let position = writer.append(line.as_bytes());
        if let Err(failure) = reached(writer, position).await {
            return failure;
        }
    }
    panic!("no failure came")
}

#[tokio::test]
async fn an_event_is_durable_when_its_sync_is_over() {
    let (mut writer, seen, has_begun, let_on) = ToldDisk::default().gated();
    assert_eq!(writer.append(b"one\n"), 1);
    assert_eq!(writer.durable(), Ok(0), "asking sends the writer out");
    begun(&has_begun);
    assert_eq!(seen.lock().expect("no panic").written, "one\n");
    assert_eq!(writer.durable(), Ok(0), "written, and not yet synced");
    let_on.send(()).expect("it waits");
    writer.changed().await;
    assert_eq!(writer.durable(), Ok(1));
}

#[tokio::test]
async fn what_is_appended_during_a_sync_shares_the_next_one() {
    let (mut writer, seen, has_begun, let_on) = ToldDisk::default().gated();
    writer.append(b"first\n");
    assert_eq!(writer.durable(), Ok(0));
    begun(&has_begun);
    for _ in 0..1000 {
        writer.append(b"later\n");
    }
    let_on.send(()).expect("the first sync waits");
    begun(&has_begun);
    assert_eq!(reached(&mut writer, 1).await, Ok(1), "who waits for the first need not wait for the second");
    let_on.send(()).expect("the second sync waits");
    assert_eq!(reached(&mut writer, 1001).await, Ok(1001));
    assert_eq!(seen.lock().expect("no panic").syncs, [6, 6 + 6 * 1000]);
}

/// An answer, an outcome and the next launch come together: the launch would wait for two syncs if the answer had its own.
#[tokio::test]
async fn what_is_appended_before_anybody_asks_shares_one_sync() {
    let (mut writer, seen) = ToldDisk::default().start();
    while !writer.shared.lock().idle {
        thread::yield_now();
    }
    for line in ["answer\n", "outcome\n", "launch\n"] {
        writer.append(line.as_bytes());
        assert!(writer.shared.lock().idle, "an append wakes nobody");
    }
    assert_eq!(reached(&mut writer, 3).await, Ok(3));
    assert_eq!(seen.lock().expect("no panic").syncs, [7 + 8 + 7]);
}

/// `run_started` has no line of its own.
#[tokio::test]
async fn an_event_without_a_line_costs_no_sync() {
    let (mut writer, seen) = ToldDisk::default().start();
    let position = writer.append(b"");
    assert_eq!(reached(&mut writer, position).await, Ok(1));
    assert!(seen.lock().expect("no panic").syncs.is_empty());
}

#[tokio::test]
async fn short_and_interrupted_writes_go_on_where_they_were() {
    let writes = [Say::Takes(1), Say::Fails(io::ErrorKind::Interrupted), Say::Takes(2)].into();
    let (mut writer, seen) = ToldDisk { writes, ..ToldDisk::default() }.start();
    let position = writer.append(b"a line\n");
    assert_eq!(reached(&mut writer, position).await, Ok(1));
    assert_eq!(seen.lock().expect("no panic").written, "a line\n");
}

#[tokio::test]
async fn after_a_failed_write_nothing_is_written() {
    let writes = [Say::Takes(9), Say::Takes(3), Say::Fails(io::ErrorKind::StorageFull)].into();
    let (mut writer, seen) = ToldDisk { writes, ..ToldDisk::default() }.start();
    let failure = append_until_failure(&mut writer, &["one\n", "two\n", "three\n"]).await;
    assert_eq!(
        failure.message,
        "cannot write the journal `runs/7f3a/journal.ndjson`: the disk is full; nothing more is sent; free some space, \
         then resume the run"
    );
    assert_eq!(failure.durable, 1);
    assert_eq!(writer.append(b"four\n"), 3, "it is taken in, and goes nowhere");
    assert!(!writer.flush_within(HANGS));
    assert_eq!(writer.durable(), Err(failure));
    drop(writer);
    let seen = seen.lock().expect("no panic");
    assert_eq!((&*seen.written, &*seen.syncs), ("one\ntwo", &[4][..]), "a torn tail, which a reader knows");
}

/// The system may have dropped the pages that it could not write, and a second sync would succeed.
#[tokio::test]
async fn a_failed_sync_is_not_tried_again() {
    let syncs = [io::ErrorKind::ReadOnlyFilesystem].into();
    let (mut writer, seen) = ToldDisk { syncs, ..ToldDisk::default() }.start();
    let failure = append_until_failure(&mut writer, &["one\n"]).await;
    assert_eq!(
        failure.message,
        "cannot write the journal `runs/7f3a/journal.ndjson`: the file system is read-only; nothing more is sent; the \
         system's log says why; make it writable, then resume the run"
    );
    writer.append(b"two\n");
    assert!(!writer.flush_within(HANGS));
    drop(writer);
    let seen = seen.lock().expect("no panic");
    assert_eq!((&*seen.written, seen.syncs.len()), ("one\n", 0));
}

#[tokio::test]
async fn a_file_that_is_no_longer_at_its_path_is_a_failure() {
    let (mut writer, _) = ToldDisk { moved_after: Some(1), ..ToldDisk::default() }.start();
    let failure = append_until_failure(&mut writer, &["one\n", "two\n", "three\n"]).await;
    assert_eq!(
        failure.message,
        "the journal is no longer at `runs/7f3a/journal.ndjson`: it was moved, removed or replaced, or its disk was \
         unmounted; nothing more is sent; bring it back, then resume the run"
    );
    assert_eq!(failure.durable, 1, "what went into a file without a name is not durable");
}

/// The lock goes with the file, and the run still drains.
#[tokio::test]
async fn after_a_failure_the_file_is_held_as_long_as_the_log() {
    let syncs = [io::ErrorKind::Other].into();
    let (mut writer, seen) = ToldDisk { syncs, ..ToldDisk::default() }.start();
    append_until_failure(&mut writer, &["one\n"]).await;
    // The thread sleeps now, or is on its way there: it takes no work, so this is not a race that can be lost.
    writer.append(b"two\n");
    assert!(is_held(&seen));
    drop(writer);
    assert!(!is_held(&seen));
}

#[tokio::test]
async fn a_thread_that_panics_is_a_failure_and_hangs_nobody() {
    let (mut writer, _) = ToldDisk { writes: [Say::Panics].into(), ..ToldDisk::default() }.start();
    let failure = append_until_failure(&mut writer, &["one\n"]).await;
    assert!(failure.message.contains("a mistake in hss-sync, please report this bug"), "{failure}");
    assert!(!writer.flush_within(HANGS));
}

#[test]
fn what_was_appended_is_on_the_disk_when_the_log_is_gone() {
    let (writer, seen) = ToldDisk::default().start();
    for _ in 0..100 {
        writer.append(b"line\n");
    }
    drop(writer);
    assert!(!is_held(&seen), "the file is let go of, and its lock");
    assert_eq!(seen.lock().expect("no panic").syncs.last(), Some(&500));
}

/// The mount of a server that is gone: neither a flush nor a drop hangs.
#[test]
fn a_disk_that_never_answers_is_not_waited_for() {
    let (writer, _, has_begun, let_on) = ToldDisk::default().gated();
    writer.append(b"one\n");
    assert!(!writer.flush_within(Duration::ZERO));
    begun(&has_begun);
    drop(writer);
    drop(let_on);
}

#[test]
fn a_flush_waits_for_everything_that_was_appended() {
    let (writer, seen) = ToldDisk::default().start();
    for _ in 0..100 {
        writer.append(b"line\n");
    }
    assert!(writer.flush_within(HANGS));
    assert_eq!(seen.lock().expect("no panic").syncs.last(), Some(&500));
}

/// As a run does it, from one thread: a wake-up that got lost would leave this waiting for ever.
#[tokio::test]
async fn no_progress_is_missed() {
    let (mut writer, seen) = ToldDisk::default().start();
    for expected in 1..=10_000 {
        assert_eq!(writer.append(b"line\n"), expected);
        assert_eq!(reached(&mut writer, expected).await, Ok(expected));
    }
    assert_eq!(seen.lock().expect("no panic").syncs.len(), 10_000);
}

#[cfg(all(debug_assertions, unix))]
#[test]
fn a_crash_point_has_its_event_alone() {
    let point = CrashPoint::parse("mid-write:3").expect("legal");
    let mut armed = Armed::new(point);
    assert_eq!(armed.part(0), None, "the event has not come");
    armed.note(2, 0..5);
    armed.note(3, 5..12);
    armed.note(4, 12..20);
    assert_eq!(armed.part(0), Some(Part::Before(5, 2)));
    assert_eq!(armed.part(2), Some(Part::Event(7, 3, point)), "its place is now the first");

    let mut alone = Armed::new(point);
    alone.note(3, 0..7);
    assert_eq!(alone.part(2), Some(Part::Event(7, 3, point)));
}

#[cfg(all(debug_assertions, unix))]
#[test]
fn only_a_moment_and_a_position_from_1_are_a_crash_point() {
    for text in ["before-write:1", "mid-write:17", "after-write:18446744073709551615", "after-sync:2"] {
        assert!(CrashPoint::parse(text).is_some(), "{text}");
    }
    for text in ["", "mid-write", "mid-write:", "mid-write:0", "mid-write:-1", "write:1", "mid-write:1:2"] {
        assert_eq!(CrashPoint::parse(text), None, "{text}");
    }
}
