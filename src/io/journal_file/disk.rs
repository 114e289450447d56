//! The file as the system gives it: made private and new, locked, appended to, synced, and looked for at its path.
//!
//! [`Disk`] is what the writer needs of it; tests put a disk there that fails when they want it to.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::error::{JournalFileError, gone};
use crate::io::fs::{create_private_dir, write_error};
use crate::io::state_dir::JOURNAL;

/// Directories that hold a name which may be new: of the journal, the run, `runs`, and the state directory.
const NAMING_DIRECTORIES: usize = 4;

/// Where lines are written. A write may be short, as the system's is.
pub(super) trait Disk: Write + Send {
    /// Returns when everything that was written is on the disk.
    fn sync(&mut self) -> io::Result<()>;
    /// Whether the file is still the one at its path.
    fn in_place(&self) -> io::Result<bool>;
}

/// A journal's file, locked as long as this lives.
#[derive(Debug)]
pub(super) struct JournalDisk {
    /// Writes always go to its end.
    file: File,
    path: PathBuf,
}

impl JournalDisk {
    /// Makes the file, and its directory; both names are on the disk when this returns.
    pub(super) fn create(directory: &Path) -> Result<Self, JournalFileError> {
        let path = directory.join(JOURNAL);
        create_private_dir(directory)?;
        let mut options = File::options();
        options.append(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = match options.open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(JournalFileError::Exists(path)),
            Err(error) => return Err(write_error(&path, error).into()),
        };
        let disk = Self { file, path };
        match disk.lock().and_then(|()| sync_names(directory)) {
            Ok(()) => Ok(disk),
            Err(error) => Err(disk.discard(error)),
        }
    }

    /// Opens and locks a journal that is there.
    pub(super) fn open(directory: &Path) -> Result<Self, JournalFileError> {
        let path = directory.join(JOURNAL);
        let file = match File::options().read(true).append(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(JournalFileError::Missing(path)),
            Err(error) => return Err(write_error(&path, error).into()),
        };
        let disk = Self { file, path };
        disk.lock()?;
        Ok(disk)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn lock(&self) -> Result<(), JournalFileError> {
        self.file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => JournalFileError::Locked(self.path.clone()),
            TryLockError::Error(source) => JournalFileError::NoLocks { path: self.path.clone(), source },
        })
    }

    /// Everything that is in it.
    pub(super) fn read(&mut self) -> Result<Vec<u8>, JournalFileError> {
        let fail = |source| JournalFileError::Read { path: self.path.clone(), source };
        let mut bytes = Vec::new();
        if !self.file.metadata().map_err(fail)?.is_file() {
            return Err(fail(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")));
        }
        self.file.read_to_end(&mut bytes).map_err(fail)?;
        Ok(bytes)
    }

    /// Writes what a new journal begins with, and waits until it is on the disk.
    pub(super) fn write_first(mut self, bytes: &[u8]) -> Result<Self, JournalFileError> {
        let written = self.file.write_all(bytes).map_err(|error| write_error(&self.path, error).into());
        match written.and_then(|()| self.settle()) {
            Ok(()) => Ok(self),
            Err(error) => Err(self.discard(error)),
        }
    }

    /// Removes the journal of a run that can't begin, and its directory if it is empty: as the latest run it would hide the
    /// one before it from `resume`. What can't be removed stays, and the error is the one that came first.
    fn discard(self, error: JournalFileError) -> JournalFileError {
        if let (Ok(true), Some(directory)) = (self.in_place(), self.path.parent())
            && fs::remove_file(&self.path).is_ok()
        {
            let _ = fs::remove_dir(directory);
        }
        error
    }

    /// Cuts everything after `whole` bytes off. What stays is synced: the process that wrote it may not have come so far.
    pub(super) fn cut(&mut self, length: usize, whole: usize) -> Result<(), JournalFileError> {
        if whole < length {
            self.file.set_len(whole as u64).map_err(|error| write_error(&self.path, error))?;
        }
        self.path.parent().map_or(Ok(()), sync_names)?;
        self.settle()
    }

    fn settle(&self) -> Result<(), JournalFileError> {
        self.file.sync_all().map_err(|error| write_error(&self.path, error))?;
        match self.in_place() {
            Ok(true) => Ok(()),
            Ok(false) => Err(JournalFileError::Gone(gone(&self.path))),
            Err(error) => Err(write_error(&self.path, error).into()),
        }
    }
}

impl Write for JournalDisk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Disk for JournalDisk {
    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// As long as the file is open nothing else can have its number, also when its name is gone.
    fn in_place(&self) -> io::Result<bool> {
        let named = match fs::metadata(&self.path) {
            Ok(named) => named,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        Ok(is_same(&named, &self.file.metadata()?))
    }
}

#[cfg(unix)]
fn is_same(named: &fs::Metadata, open: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (named.dev(), named.ino()) == (open.dev(), open.ino())
}

/// Elsewhere an open file can't be removed or replaced.
#[cfg(not(unix))]
fn is_same(named: &fs::Metadata, _: &fs::Metadata) -> bool {
    named.is_file()
}

/// Gets the names of the journal and of the directories above it to the disk: a file whose name is lost is lost.
fn sync_names(directory: &Path) -> Result<(), JournalFileError> {
    for ancestor in directory.ancestors().take(NAMING_DIRECTORIES) {
        // The empty path is the last ancestor of a relative one.
        let ancestor = if ancestor.as_os_str().is_empty() { Path::new(".") } else { ancestor };
        sync_directory(ancestor).map_err(|error| write_error(ancestor, error))?;
    }
    Ok(())
}

#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    match File::open(directory).and_then(|opened| opened.sync_all()) {
        // Some network file systems can't sync a directory, and need not. One that may be entered and not read is above
        // what we made, and was there before.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied
            ) =>
        {
            Ok(())
        }
        other => other,
    }
}

/// Elsewhere a directory can't be opened, and names are kept without being asked.
#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}
