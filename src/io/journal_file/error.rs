//! What is said when a journal can't be made, opened or written: what, where, why, and what to do now.

use std::io;
use std::path::{Path, PathBuf};

use crate::io::fs::{WriteError, write_error};

/// Why a run has no journal, so that nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum JournalFileError {
    /// A new run found the journal of another one.
    #[error("`{}` exists already, and a journal is never overwritten; start the run again", .0.display())]
    Exists(PathBuf),
    /// There is no journal to go on with.
    #[error("there is no journal at `{}`; check the run's id and the state directory", .0.display())]
    Missing(PathBuf),
    /// Another process goes on with the run.
    #[error("run {} is being written by another process, which holds `{}`; wait for it or end it", run_of(.0), .0.display())]
    Locked(PathBuf),
    /// The file system has no locks.
    #[error(
        "cannot lock `{path}`: {source}; without a lock two processes could go on with one run: \
         choose a directory on a local disk with `--state-dir`", path = path.display()
    )]
    NoLocks {
        /// The journal.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It can't be read.
    #[error("cannot read `{path}`: {source}; check the file and the disk", path = path.display())]
    Read {
        /// The journal.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It can't be made, written or synced.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// It was removed or replaced in these moments.
    #[error("{0}")]
    Gone(String),
    /// The system gives no thread that writes it.
    #[error(
        "cannot start the thread that writes the journal: {0}; end other processes or raise their limit (`ulimit -u`)"
    )]
    NoThread(io::Error),
}

/// The directory of a run has its id as name.
fn run_of(journal: &Path) -> String {
    let name = journal.parent().and_then(Path::file_name);
    name.unwrap_or(journal.as_os_str()).to_string_lossy().into_owned()
}

/// Why the journal at `path` can't be written any more, in the middle of a run.
pub(super) fn unwritable(path: &Path, error: io::Error) -> String {
    let then = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some space, then resume the run",
        io::ErrorKind::ReadOnlyFilesystem => "the system's log says why; make it writable, then resume the run",
        io::ErrorKind::FileTooLarge => "raise the limit (`ulimit -f`), then resume the run",
        _ => "check the disk, then resume the run",
    };
    let error = write_error(path, error);
    format!("cannot write the journal `{}`: {}; nothing more is sent; {then}", path.display(), error.why())
}

/// The file is not at its path any more.
pub(super) fn gone(path: &Path) -> String {
    format!(
        "the journal is no longer at `{}`: it was moved, removed or replaced, or its disk was unmounted; nothing more is \
         sent; bring it back, then resume the run",
        path.display()
    )
}

/// The thread that writes ended without being asked to.
pub(super) fn broken(path: &Path) -> String {
    format!(
        "the journal `{}` is not written any more because of a mistake in hss-sync, please report this bug; nothing more \
         is sent; resume the run",
        path.display()
    )
}
