//! Reports out: whole or not at all, and private.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Bytes that go to a file at once.
pub(super) const BUFFER: usize = 1 << 16;

/// Makes a directory with its parents, readable by its owner only; one that exists is left as it is.
///
/// # Errors
/// When it can't be made, or something else has its name.
pub fn create_private_dir(path: &Path) -> Result<(), WriteError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| write_error(path, error))
}

/// Proves that [`write_atomic`] could write `path` now: makes its directory and a file in it that goes away again.
///
/// # Errors
/// As [`write_atomic`].
pub fn check_writable(path: &Path) -> Result<(), WriteError> {
    let fail = |source: io::Error| write_error(path, source);
    match Destination::of(path) {
        // Opening a pipe would wait for its reader.
        Destination::Special => Ok(()),
        Destination::Directory => Err(fail(io::ErrorKind::IsADirectory.into())),
        Destination::File(file) => {
            let directory = directory_of(&file);
            fs::create_dir_all(directory).map_err(fail)?;
            tempfile::NamedTempFile::new_in(directory).map_err(fail)?;
            Ok(())
        }
    }
}

/// What a path that is to be written leads to.
enum Destination {
    /// A regular file, or nothing yet, by the path at which it really is.
    File(PathBuf),
    /// A pipe, a device: written as it is. `/dev/stdout`, a process substitution, `/dev/null`.
    Special,
    Directory,
}

impl Destination {
    fn of(path: &Path) -> Self {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => Self::Directory,
            // A link stays, and what it leads to is replaced.
            Ok(metadata) if metadata.is_file() => {
                Self::File(fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()))
            }
            Ok(_) => Self::Special,
            Err(_) => Self::File(path.to_owned()),
        }
    }
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Why a file could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{path}`: {why}; {help}", path = path.display())]
pub struct WriteError {
    /// The file that was meant.
    pub path: PathBuf,
    why: String,
    help: &'static str,
    /// What the system said.
    pub source: io::Error,
}

impl WriteError {
    /// Why, in a person's words.
    pub(in crate::io) fn why(&self) -> &str {
        &self.why
    }
}

/// Whether missing parent directories of a written file are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parents {
    /// Make them.
    Create,
    /// A missing directory is an error.
    Require,
}

/// Writes a file so that a reader sees the old content or the new, never a part.
///
/// The bytes go to a private (mode 0600) file in the same directory, reach the disk, and take the name at once. A path that
/// leads to a pipe or device is written as it is.
///
/// # Errors
/// The directory is missing or read-only, the disk is full, or the path names a directory; the old file is untouched then.
pub fn write_atomic(path: &Path, bytes: &[u8], parents: Parents) -> Result<(), WriteError> {
    stream_atomic(path, parents, |out| out.write_all(bytes))
}

/// [`write_atomic`] of what `content` writes, however large it is, without holding it in memory.
///
/// # Errors
/// As [`write_atomic`], and when `content` fails.
pub fn stream_atomic(
    path: &Path,
    parents: Parents,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), WriteError> {
    let fail = |source: io::Error| write_error(path, source);
    let path = match Destination::of(path) {
        Destination::File(path) => path,
        Destination::Directory => return Err(fail(io::ErrorKind::IsADirectory.into())),
        Destination::Special => {
            let opened = fs::OpenOptions::new().write(true).open(path);
            return opened.and_then(|special| buffered(&special, content)).map_err(fail);
        }
    };
    let directory = directory_of(&path);
    if parents == Parents::Create {
        fs::create_dir_all(directory).map_err(fail)?;
    }
    let file = tempfile::NamedTempFile::new_in(directory).map_err(fail)?;
    buffered(file.as_file(), content).map_err(fail)?;
    file.as_file().sync_all().map_err(fail)?;
    file.persist(&path).map_err(|error| fail(error.error))?;
    Ok(())
}

/// Opens a file that is read while it grows: empty, private if it is new, its directory made. A path that leads to a pipe or
/// device is opened as it is; a pipe waits for its reader.
///
/// # Errors
/// The directory can't be made, the file can't be written, or the path names a directory.
pub fn open_stream(path: &Path) -> Result<fs::File, WriteError> {
    let fail = |source: io::Error| write_error(path, source);
    let mut options = fs::OpenOptions::new();
    options.write(true);
    match Destination::of(path) {
        Destination::Special => {}
        Destination::Directory => return Err(fail(io::ErrorKind::IsADirectory.into())),
        Destination::File(file) => {
            fs::create_dir_all(directory_of(&file)).map_err(fail)?;
            options.create(true).truncate(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
    }
    options.open(path).map_err(fail)
}

/// What it means that a stream which [`open_stream`] opened can't be written any more.
#[must_use]
pub fn stream_error(path: &Path, source: io::Error) -> WriteError {
    write_error(path, source)
}

fn buffered(file: &fs::File, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = io::BufWriter::with_capacity(BUFFER, file);
    content(&mut out)?;
    out.flush()
}

/// Adds to the end of a file that is there, unless it would then be larger than `most` bytes; gives back whether it did.
///
/// # Errors
/// The file isn't there, or can't be written.
pub fn append_up_to(path: &Path, bytes: &[u8], most: u64) -> Result<bool, WriteError> {
    let fail = |source: io::Error| write_error(path, source);
    let mut file = fs::OpenOptions::new().append(true).open(path).map_err(fail)?;
    let length = file.metadata().map_err(fail)?.len();
    if length.saturating_add(bytes.len() as u64) > most {
        return Ok(false);
    }
    file.write_all(bytes).map_err(fail)?;
    Ok(true)
}

/// Removes a file; one that isn't there is as good as removed.
///
/// # Errors
/// When it can't be removed.
pub fn remove_if_there(path: &Path) -> Result<(), WriteError> {
    match fs::remove_file(path) {
        Err(error) if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Err(write_error(path, error))
        }
        _ => Ok(()),
    }
}

/// What it means that `path` could not be written.
pub(in crate::io) fn write_error(path: &Path, source: io::Error) -> WriteError {
    let (why, help) = match source.kind() {
        io::ErrorKind::NotFound => ("its directory does not exist", "make the directory or choose another path"),
        io::ErrorKind::PermissionDenied => {
            ("permission is denied", "make the directory writable or choose another path")
        }
        io::ErrorKind::ReadOnlyFilesystem => ("the file system is read-only", "choose a path on another one"),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            ("the disk is full", "free some space or choose another path")
        }
        io::ErrorKind::IsADirectory => ("it is a directory", "name a file"),
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            ("a part of the path is not a directory", "choose another path")
        }
        _ => {
            return WriteError {
                why: source.to_string(),
                path: path.to_owned(),
                help: "check the path and the disk",
                source,
            };
        }
    };
    WriteError { path: path.to_owned(), why: why.to_owned(), help, source }
}
