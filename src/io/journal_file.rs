//! The journal's file: a private directory, a lock, and one thread that writes and syncs.
//!
//! `journal` makes the lines and reads them back; [`JournalFile`] is the port `EventLog` over the file that they are in.
//! `disk` is the file as the system gives it, `writer` the thread (group commit: what is appended during a sync shares the
//! next one), `error` what is said when either fails, `crash` lets a test kill the process at a chosen event.

mod crash;
mod disk;
mod error;
#[cfg(test)]
mod tests;
mod writer;

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

pub use crash::CrashPoint;
pub use error::JournalFileError;

use crate::event::RunEvent;
use crate::expand::ExecutionPlan;
use crate::io::state_dir::JOURNAL;
use crate::journal::{Header, Journal, LineWriter};
use crate::run::port::{EventLog, LogFailure};
use disk::JournalDisk;
use writer::Writer;

/// The journal of a run that goes on. It is locked against other processes as long as this lives.
///
/// Dropped, it still gets what was appended to the disk, and waits for that a second at most: a disk that is gone never
/// answers.
#[derive(Debug)]
pub struct JournalFile {
    lines: LineWriter,
    /// The line that is being made; empty between two events.
    line: Vec<u8>,
    writer: Writer,
}

impl JournalFile {
    /// Begins the journal of a new run in `directory`, which is made, private to its owner.
    ///
    /// When this returns, header and sources are on the disk under their name, and stay there through a power failure.
    /// `crash` is for crash tests.
    ///
    /// # Errors
    /// There is a journal already, or it can't be made, locked, written or synced; what was made of it is removed again.
    pub fn create(directory: &Path, header: &Header, crash: Option<CrashPoint>) -> Result<Self, JournalFileError> {
        let disk = JournalDisk::create(directory)?;
        let (mut lines, mut bytes) = (LineWriter::new(), Vec::new());
        lines.header(header, &mut bytes);
        let disk = disk.write_first(&bytes)?;
        Self::start(disk, lines, crash)
    }

    fn start(disk: JournalDisk, lines: LineWriter, crash: Option<CrashPoint>) -> Result<Self, JournalFileError> {
        let path = disk.path().to_owned();
        let writer = Writer::start(disk, path, crash).map_err(JournalFileError::NoThread)?;
        Ok(Self { lines, line: Vec::new(), writer })
    }

    /// Blocks until everything that was appended is on the disk, or never will be, for `longest` at most: the last thing to
    /// do before a process ends at once. Whether everything is.
    pub fn flush_within(&self, longest: Duration) -> bool {
        self.writer.flush_within(longest)
    }
}

impl EventLog for JournalFile {
    fn append(&mut self, event: &RunEvent, plan: &ExecutionPlan) -> u64 {
        self.line.clear();
        self.lines.event(event, |op| plan.operations[op].id.as_str(), &mut self.line);
        self.writer.append(&self.line)
    }

    fn durable(&self) -> Result<u64, LogFailure> {
        self.writer.durable()
    }

    async fn changed(&mut self) {
        self.writer.changed().await;
    }
}

/// What a look at a journal shows, without keeping anybody from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glance {
    /// What is in it; while it is being written, perhaps with a torn tail.
    pub bytes: Vec<u8>,
    /// Whether another process holds it.
    pub locked: bool,
}

/// Looks at the journal in `directory`: nothing is kept locked. That somebody else holds it shows when a lock that is shared
/// isn't given, which is given back at once; a run that begins in just that moment would be refused and can be started again.
///
/// # Errors
/// There is none, it can't be read, or it is longer than `most` bytes.
pub fn glance(directory: &Path, most: u64) -> Result<Glance, JournalFileError> {
    look(directory, most, |file| {
        // Where there are no locks nobody holds one.
        let locked = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
        if !locked {
            let _ = file.unlock();
        }
        locked
    })
}

/// As [`glance`], without asking whether somebody holds it: nobody is kept from it for a moment.
///
/// # Errors
/// As [`glance`].
pub fn peek(directory: &Path, most: u64) -> Result<Glance, JournalFileError> {
    look(directory, most, |_| false)
}

fn look(directory: &Path, most: u64, is_locked: fn(&File) -> bool) -> Result<Glance, JournalFileError> {
    let path = directory.join(JOURNAL);
    let fail = |source| JournalFileError::Read { path: path.clone(), source };
    let file = match File::open(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(JournalFileError::Missing(path)),
        opened => opened.map_err(fail)?,
    };
    let locked = is_locked(&file);
    let mut bytes = Vec::new();
    match (&file).take(most.saturating_add(1)).read_to_end(&mut bytes) {
        // Where locks bind everybody a locked file can't be read.
        Err(_) if locked => bytes.clear(),
        Err(error) => return Err(fail(error)),
        Ok(_) if bytes.len() as u64 > most => {
            let large = format!("it is larger than {} MiB", most >> 20);
            return Err(fail(std::io::Error::new(ErrorKind::FileTooLarge, large)));
        }
        Ok(_) => {}
    }
    Ok(Glance { bytes, locked })
}

/// Whether the journal in `directory` ends with the end of a session, as far as its last bytes say: no checksum is looked at.
#[must_use]
pub fn has_ended(directory: &Path) -> bool {
    /// Longer than the line.
    const TAIL: u64 = 256;
    let tail = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(directory.join(JOURNAL))?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
        let mut bytes = Vec::new();
        file.take(TAIL).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let Ok(bytes) = tail() else { return false };
    let last = bytes.strip_suffix(b"\n").and_then(|lines| lines.rsplit(|byte| *byte == b'\n').next());
    last.is_some_and(|line| line.starts_with(br#"{"record":"run_ended","#))
}

/// The journal of a run that was begun before, locked against other processes as long as this lives.
#[derive(Debug)]
pub struct LockedJournal {
    disk: JournalDisk,
    bytes: Vec<u8>,
}

impl LockedJournal {
    /// Locks the journal in `directory` and then reads it.
    ///
    /// # Errors
    /// There is none, another process holds it, or it can't be locked or read.
    pub fn open(directory: &Path) -> Result<Self, JournalFileError> {
        let mut disk = JournalDisk::open(directory)?;
        let bytes = disk.read()?;
        Ok(Self { disk, bytes })
    }

    /// What is in it.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Goes on with it after its whole lines; `journal` is what was read from [`bytes`](Self::bytes). A torn tail is cut off.
    ///
    /// # Errors
    /// It can't be cut or synced, or it is no longer where it was.
    pub fn go_on(self, journal: &Journal, crash: Option<CrashPoint>) -> Result<JournalFile, JournalFileError> {
        let Self { mut disk, bytes } = self;
        disk.cut(bytes.len(), journal.whole)?;
        JournalFile::start(disk, journal.writer.clone(), crash)
    }
}
