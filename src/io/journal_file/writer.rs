//! The one thread that writes, and what it shares with the run: what has gathered, and how far it came.
//!
//! The run appends to a buffer, and the thread takes all of it at once, writes it, syncs, and says the new position: what is
//! appended meanwhile gathers for the next sync. An append is a copy under a lock that nobody holds for long. It wakes no
//! thread; asking how far the disk is does that: what the run appends before it asks belongs together, and shares one sync
//! and one wake-up. The buffer holds what is appended during one sync; the requests in flight bound that, and at a stop the
//! operations of the plan, with a line of some hundred bytes each.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::watch;

use super::crash::{Armed, CrashPoint, Part};
use super::disk::Disk;
use super::error::{broken, gone, unwritable};
use crate::run::port::LogFailure;

#[cfg(test)]
mod tests;

/// How long a writer that is dropped waits for the disk: a mount whose server is gone never answers.
const LONGEST_DROP: Duration = Duration::from_secs(1);

/// How far the disk came, or why it goes no further.
type Progress = Result<u64, LogFailure>;

/// Appends lines; a thread of its own gets them to the disk.
#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
    progress: watch::Receiver<Progress>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// There is something to write, or nothing more will come.
    work: Condvar,
    /// The thread came further, or ended.
    came_on: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Lines that the thread has not taken.
    gathered: Vec<u8>,
    /// Position of the last event that was appended.
    appended: u64,
    /// Position of the last event that the thread took.
    taken: u64,
    /// Position of the last event that is on the disk.
    durable: u64,
    /// The thread waits for work.
    idle: bool,
    /// Nothing more is written, ever.
    failed: bool,
    /// Nothing more is appended.
    closed: bool,
    /// The thread is done with the file.
    ended: bool,
    /// Where a test wants the process to die.
    crash: Option<Armed>,
}

impl Shared {
    /// A panic elsewhere leaves numbers and whole lines behind, which are as good as before.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the thread if it sleeps and there is something to write.
    fn set_out(&self) {
        let mut state = self.lock();
        if state.idle && state.appended > state.taken && !state.failed {
            state.idle = false;
            drop(state);
            self.work.notify_one();
        }
    }
}

impl Writer {
    /// Starts the thread. `path` is for messages.
    pub(super) fn start(disk: impl Disk + 'static, path: PathBuf, crash: Option<CrashPoint>) -> io::Result<Self> {
        let state = Mutex::new(State { crash: crash.map(Armed::new), ..State::default() });
        let shared = Arc::new(Shared { state, ..Shared::default() });
        let (sender, progress) = watch::channel(Ok(0));
        let thread = WriterThread { shared: Arc::clone(&shared), sender, path };
        thread::Builder::new().name("journal".to_owned()).spawn(move || thread.run(disk))?;
        Ok(Self { shared, progress })
    }

    /// Takes in the line of one event, which is empty for an event that needs none, and says the event's position.
    pub(super) fn append(&self, line: &[u8]) -> u64 {
        let mut state = self.shared.lock();
        state.appended += 1;
        let position = state.appended;
        if !state.failed {
            let start = state.gathered.len();
            state.gathered.extend_from_slice(line);
            if let Some(armed) = &mut state.crash {
                armed.note(position, start..start + line.len());
            }
        }
        position
    }

    /// How far the disk is. The thread sets out for the rest now, if it is idle.
    pub(super) fn durable(&self) -> Progress {
        self.shared.set_out();
        self.progress.borrow().clone()
    }

    /// Waits for progress that this did not wait for before; none comes after the end of the thread.
    pub(super) async fn changed(&mut self) {
        self.shared.set_out();
        if self.progress.changed().await.is_err() {
            std::future::pending().await
        }
    }

    /// Blocks until everything that was appended by now is on the disk, or never will be, for `longest` at most. Whether
    /// it is.
    pub(super) fn flush_within(&self, longest: Duration) -> bool {
        self.shared.set_out();
        let state = self.shared.lock();
        let target = state.appended;
        let waits = |state: &mut State| state.durable < target && !state.failed;
        let waited = self.shared.came_on.wait_timeout_while(state, longest, waits);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.durable >= target
    }
}

impl Drop for Writer {
    /// What was appended still goes to the disk, and then the file is let go of.
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closed = true;
        self.shared.work.notify_one();
        drop(self.shared.came_on.wait_timeout_while(state, LONGEST_DROP, |state| !state.ended));
    }
}

/// What the thread itself holds.
struct WriterThread {
    shared: Arc<Shared>,
    sender: watch::Sender<Progress>,
    path: PathBuf,
}

/// What the thread has taken. Its buffer changes places with the one that gathers, so that both grow once.
#[derive(Default)]
struct Batch {
    lines: Vec<u8>,
    last: u64,
    crash: Option<CrashPoint>,
}

impl WriterThread {
    fn run(self, mut disk: impl Disk) {
        let mut batch = Batch::default();
        while self.take(&mut batch) {
            if let Err(message) = commit(&batch, &mut disk, &self.path) {
                self.fail(message);
                break;
            }
            self.shared.lock().durable = batch.last;
            self.publish(Ok(batch.last));
        }
        // After a failure the file stays open, and so locked, as long as the run that drains holds its log.
        drop(self.wait(|state| !state.closed));
        // Whoever waits for the end may lock the file then.
        drop(disk);
    }

    fn wait(&self, waits: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let mut state = self.shared.lock();
        while waits(&state) {
            state.idle = true;
            state = self.shared.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.idle = false;
        state
    }

    /// Waits for work and takes it; `false` at the end.
    fn take(&self, batch: &mut Batch) -> bool {
        batch.lines.clear();
        let mut state = self.wait(|state| state.appended == state.taken && !state.closed);
        if state.appended == state.taken {
            return false;
        }
        let taken = state.taken;
        let part = state.crash.as_mut().and_then(|armed| armed.part(taken));
        (batch.last, batch.crash) = match part {
            None => (state.appended, None),
            Some(Part::Before(_, last)) => (last, None),
            Some(Part::Event(_, last, point)) => (last, Some(point)),
        };
        state.taken = batch.last;
        match part {
            None => std::mem::swap(&mut batch.lines, &mut state.gathered),
            Some(Part::Before(bytes, _) | Part::Event(bytes, ..)) => batch.lines.extend(state.gathered.drain(..bytes)),
        }
        true
    }

    fn fail(&self, message: String) {
        let mut state = self.shared.lock();
        state.failed = true;
        state.gathered = Vec::new();
        let durable = state.durable;
        drop(state);
        self.publish(Err(LogFailure { message, durable }));
    }

    fn publish(&self, progress: Progress) {
        self.shared.came_on.notify_all();
        self.sender.send_modify(|known| *known = progress);
    }
}

impl Drop for WriterThread {
    /// The end, or a panic: nobody may wait for a thread that is gone, or believe that it goes on.
    fn drop(&mut self) {
        if thread::panicking() {
            self.fail(broken(&self.path));
        }
        self.shared.lock().ended = true;
        self.shared.came_on.notify_all();
    }
}

/// Gets a batch to the disk, or says why it isn't there.
///
/// A failure is final. After a failed write a part of a line may be there, and the next line would be glued to it. After a
/// failed sync the system may have dropped the pages and forgotten the failure: a second sync that succeeds proves nothing.
fn commit(batch: &Batch, disk: &mut impl Disk, path: &Path) -> Result<(), String> {
    let fail = |error| unwritable(path, error);
    if let Some(crash) = batch.crash {
        return crash.die(&batch.lines, disk).map_err(fail);
    }
    if batch.lines.is_empty() {
        return Ok(());
    }
    disk.write_all(&batch.lines).map_err(fail)?;
    disk.sync().map_err(fail)?;
    // A file that was removed or replaced takes every write and keeps none.
    match disk.in_place() {
        Ok(true) => Ok(()),
        Ok(false) => Err(gone(path)),
        Err(error) => Err(unwritable(path, error)),
    }
}
