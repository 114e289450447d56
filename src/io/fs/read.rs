//! Plans and side files in: bounded, and only what is a file.
//!
//! A path may lead anywhere: to a FIFO that never ends, a device, a file that grows while it is read. So each path is
//! looked at before it is opened, looked at again through the open handle, and read with a cap. `plan` judges the
//! texts; this module only says what could not be read, and tells wrong arguments from wrong content.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Component, MAIN_SEPARATOR, Path, PathBuf};

use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Source, SourceId, Sources, Span};

/// Largest plan file, in bytes.
pub const MAX_PLAN_BYTES: u64 = 64 << 20;
/// Directories inside each other that are searched; a loop of links ends here.
const MAX_DIRECTORY_DEPTH: usize = 32;
/// Plan files of one invocation.
const MAX_PLAN_FILES: usize = 10_000;

/// How a plan on standard input is shown.
pub const STDIN_NAME: &str = "<stdin>";

/// Why plans could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The arguments are wrong: a file isn't there, can't be read, or isn't a file. Each message has what, where and what now.
    #[error("{}", .0.join("\n"))]
    Usage(Vec<String>),
    /// A file was read and is no text that can be a plan: too large, or invalid UTF-8.
    #[error("{} of the plan files hold no readable text", .0.len())]
    Content(Vec<Diagnostic>),
}

/// Reads every plan that `paths` name, in their order, into `sources`.
///
/// A directory stands for the `*.yaml` and `*.yml` files below it, sorted by path, without hidden ones; `-` is
/// `stdin`. A file that is named twice, also through a directory or a link, is taken once, at its first place.
///
/// # Errors
/// [`ReadError::Usage`] with everything that can't be read, else [`ReadError::Content`] with every text that isn't one;
/// the diagnostics point into `sources`.
pub fn read_plan_files(
    paths: &[PathBuf],
    mut stdin: impl Read,
    sources: &mut Sources,
) -> Result<Vec<SourceId>, ReadError> {
    let mut search = Search::default();
    for path in paths {
        search.argument(path);
    }
    if !search.problems.is_empty() {
        return Err(ReadError::Usage(search.problems));
    }
    let mut ids = Vec::new();
    let (mut problems, mut diagnostics) = (Vec::new(), Vec::new());
    for found in search.found {
        let read = match &found {
            Found::Stdin => read_capped(&mut stdin).map_err(|error| unreadable("standard input", &error)),
            Found::File(path) => read_file(path),
        };
        match read {
            Ok(bytes) => match decode(&found.shown(), bytes, sources) {
                Ok(id) => ids.push(id),
                Err(diagnostic) => diagnostics.push(*diagnostic),
            },
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(ReadError::Usage(problems));
    }
    if diagnostics.is_empty() { Ok(ids) } else { Err(ReadError::Content(diagnostics)) }
}

/// A plan text to read.
enum Found {
    Stdin,
    File(PathBuf),
}

impl Found {
    fn shown(&self) -> String {
        match self {
            Self::Stdin => STDIN_NAME.to_owned(),
            Self::File(path) => named(path),
        }
    }
}

/// The plan files behind the arguments.
#[derive(Default)]
struct Search {
    found: Vec<Found>,
    /// Canonical paths of what was found.
    seen: std::collections::HashSet<PathBuf>,
    problems: Vec<String>,
    stdin: bool,
    full: bool,
    /// Where the files of the argument at hand may be.
    bounds: Bounds,
}

impl Search {
    fn argument(&mut self, path: &Path) {
        if path.as_os_str() == "-" {
            if std::mem::replace(&mut self.stdin, true) {
                self.problems
                    .push("standard input (`-`) is given twice; it can be read only once: give one `-`".to_owned());
            } else {
                self.found.push(Found::Stdin);
            }
            return;
        }
        self.bounds = Bounds::of(path);
        match fs::metadata(path) {
            Err(error) => self.problems.push(unreadable(&path.display().to_string(), &error)),
            Ok(metadata) if metadata.is_dir() => {
                let before = self.problems.len();
                let plans = self.directory(path, 0);
                if plans == 0 && self.problems.len() == before {
                    let path = path.display();
                    self.problems.push(format!(
                        "the directory `{path}` holds no plan; plans are files that end in .yaml or .yml and don't start with a dot"
                    ));
                }
            }
            Ok(metadata) => self.file(path.to_owned(), &metadata),
        }
    }

    /// Adds the plans below a directory; returns how many there are.
    fn directory(&mut self, directory: &Path, depth: usize) -> usize {
        if depth > MAX_DIRECTORY_DEPTH {
            self.problems.push(format!(
                "`{}` is more than {MAX_DIRECTORY_DEPTH} directories deep, perhaps a loop of links; name the plans or a deeper directory",
                directory.display()
            ));
            return 0;
        }
        let names = fs::read_dir(directory).and_then(|entries| {
            entries.map(|entry| entry.map(|entry| entry.file_name())).collect::<io::Result<Vec<_>>>()
        });
        let mut names = match names {
            Ok(names) => names,
            Err(error) => {
                self.problems.push(unreadable(&directory.display().to_string(), &error));
                return 0;
            }
        };
        names.sort();
        let mut plans = 0;
        for name in names.iter().filter(|name| !name.as_encoded_bytes().starts_with(b".")) {
            if self.full {
                break;
            }
            let path = directory.join(name);
            // A link to a directory isn't followed: nothing is found twice, and there are no loops.
            let is_directory = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_dir());
            if is_directory {
                plans += self.directory(&path, depth + 1);
            } else if matches!(path.extension().and_then(|end| end.to_str()), Some("yaml" | "yml")) {
                match fs::metadata(&path) {
                    Ok(metadata) if metadata.is_dir() => {}
                    Ok(metadata) => {
                        plans += 1;
                        self.file(path, &metadata);
                    }
                    Err(error) => self.problems.push(unreadable(&path.display().to_string(), &error)),
                }
            }
        }
        plans
    }

    fn file(&mut self, path: PathBuf, metadata: &Metadata) {
        if let Some(problem) = not_a_file(&path, metadata) {
            self.problems.push(problem);
            return;
        }
        if let Some(problem) = self.bounds.left_by(&path) {
            self.problems.push(problem);
            return;
        }
        let canonical = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
        if self.seen.insert(canonical) {
            self.found.push(Found::File(path));
        }
        if self.found.len() > MAX_PLAN_FILES && !self.full {
            self.full = true;
            self.problems.push(format!("more than {MAX_PLAN_FILES} plan files are named; give fewer at a time"));
        }
    }
}

/// The directory that links must not lead out of. What is checked in may be a link that somebody else made, to a file of
/// keys or to `/proc/self/environ`, and a message about a plan quotes its lines.
#[derive(Default)]
struct Bounds(Option<PathBuf>);

/// A file's name for messages and reports: with `/` on every system, so that a document reads the same wherever it was made.
pub(super) fn named(path: &Path) -> String {
    let name = path.display().to_string();
    if MAIN_SEPARATOR == '/' { name } else { name.replace(MAIN_SEPARATOR, "/") }
}

impl Bounds {
    /// The current directory for a path in it; for one elsewhere the directory that was named, or that the named file is in.
    fn of(path: &Path) -> Self {
        let here = fs::canonicalize(".").unwrap_or_default();
        let climbs = path.components().any(|component| component == Component::ParentDir);
        // On Windows `\plans` is relative, to a drive, and not in the current directory.
        let is_here = (path.is_relative() && !path.has_root()) || path.starts_with(&here);
        if !climbs && is_here {
            return Self(Some(here));
        }
        if path.starts_with("/dev") {
            // `/dev/stdin` and its like are nothing but links, to what the caller chose.
            return Self(None);
        }
        let directory = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
        Self(fs::canonicalize(directory).ok())
    }

    /// Says so if `path` leads out of them, or to something hidden such as `.git/config`.
    fn left_by(&self, path: &Path) -> Option<String> {
        let directory = self.0.as_ref()?;
        let leads = fs::canonicalize(path).ok()?;
        let whither = match leads.strip_prefix(directory) {
            Err(_) => format!("out of `{}`", directory.display()),
            Ok(inside)
                if inside.components().any(|part| is_hidden(part) && !path.components().any(|own| own == part)) =>
            {
                "to a hidden file".to_owned()
            }
            Ok(_) => return None,
        };
        Some(format!(
            "`{}` leads by a link {whither}, and is not read: whoever made the link could have any file of this machine shown; \
             put the file in its place, or name the file itself",
            path.display()
        ))
    }
}

/// A name that begins with a dot; with two it is how Kubernetes mounts a plan.
fn is_hidden(part: Component<'_>) -> bool {
    let name = part.as_os_str().as_encoded_bytes();
    name.starts_with(b".") && !name.starts_with(b"..")
}

/// Refuses what isn't a regular file, before it is opened: opening a FIFO waits for its writer.
fn not_a_file(path: &Path, metadata: &Metadata) -> Option<String> {
    let path = path.display();
    if metadata.is_file() {
        None
    } else if metadata.is_dir() {
        Some(format!("`{path}` is a directory where a file is meant; name a file in it"))
    } else {
        Some(format!(
            "`{path}` is not a regular file (a pipe, a socket or a device) and is not opened; \
             name a file, or give `-` and pipe the plan in"
        ))
    }
}

/// One plan file; the bytes are at most one more than [`MAX_PLAN_BYTES`].
fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    let problem = |error: &io::Error| unreadable(&path.display().to_string(), error);
    let metadata = fs::metadata(path).map_err(|error| problem(&error))?;
    if let Some(problem) = not_a_file(path, &metadata) {
        return Err(problem);
    }
    let file = File::open(path).map_err(|error| problem(&error))?;
    // The path may lead somewhere else by now.
    let metadata = file.metadata().map_err(|error| problem(&error))?;
    if let Some(problem) = not_a_file(path, &metadata) {
        return Err(problem);
    }
    read_capped(file).map_err(|error| problem(&error))
}

fn read_capped(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(MAX_PLAN_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Bytes to a source, or the diagnostic that says why they are none.
fn decode(shown: &str, bytes: Vec<u8>, sources: &mut Sources) -> Result<SourceId, Box<Diagnostic>> {
    if bytes.len() as u64 > MAX_PLAN_BYTES {
        let message = format!("the file is larger than {} MiB, which no plan needs", MAX_PLAN_BYTES >> 20);
        return Err(Box::new(
            Diagnostic::file(Code::FileTooLarge, shown, message)
                .help("split the plan into several files; they can be given together"),
        ));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(sources.add(Source::new(shown, text))),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let byte = error.as_bytes()[valid];
            let utf16 = error.as_bytes().starts_with(&[0xFF, 0xFE]) || error.as_bytes().starts_with(&[0xFE, 0xFF]);
            // Up to the first wrong byte the lossy text is the same, so the offset holds; the rest is for the snippet.
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            let id = sources.add(Source::new(shown, text));
            let help = if utf16 {
                "the file looks like UTF-16; save it as UTF-8".to_owned()
            } else {
                "save the file as UTF-8, or replace this character".to_owned()
            };
            let span = Span::new(valid, valid + char::REPLACEMENT_CHARACTER.len_utf8());
            Err(Box::new(
                Diagnostic::at(Code::InvalidUtf8, id, span, format!("the byte 0x{byte:02X} is not valid UTF-8 here"))
                    .label("not UTF-8")
                    .help(help),
            ))
        }
    }
}

/// Reads a small text of the current directory that may be absent, such as settings. A link is refused: a directory that
/// somebody else changed must not make us quote a file from elsewhere.
///
/// # Errors
/// What can't be read, why, and what now; also text that is not UTF-8 or longer than `most` bytes.
pub fn read_if_there(path: &Path, most: usize) -> Result<Option<String>, String> {
    let shown = path.display();
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Ok(metadata) if metadata.is_symlink() => {
            return Err(format!("`{shown}` is a link, which is not followed here; put the file itself in its place"));
        }
        _ => {}
    }
    let text = read_text(path)?;
    if text.len() > most {
        return Err(format!("`{shown}` is larger than {} KiB; is it the right file?", most >> 10));
    }
    Ok(Some(text))
}

fn unreadable(path: &str, error: &io::Error) -> String {
    let (why, help) = match error.kind() {
        io::ErrorKind::NotFound => ("it does not exist", "check the spelling and the current directory"),
        io::ErrorKind::PermissionDenied => ("permission is denied", "make it readable for this user"),
        io::ErrorKind::NotADirectory => ("a part of the path is not a directory", "check the path"),
        _ => return format!("cannot read `{path}`: {error}; check the path and the disk"),
    };
    format!("cannot read `{path}`: {why}; {help}")
}

/// Reads a side file (variables, certificates), as bounded as a plan.
///
/// # Errors
/// What can't be read, why, and what now; also text that is not UTF-8.
pub fn read_text(path: &Path) -> Result<String, String> {
    let bytes = read_file(path)?;
    if bytes.len() as u64 > MAX_PLAN_BYTES {
        return Err(format!("`{}` is larger than {} MiB; is it the right file?", path.display(), MAX_PLAN_BYTES >> 20));
    }
    String::from_utf8(bytes).map_err(|_| format!("`{}` is not UTF-8 text; is it the right file?", path.display()))
}

/// Reads a side file that may be checked in beside plans: as [`read_text`], and no link leads out of the directory.
///
/// # Errors
/// As [`read_text`]; and such a link.
pub fn read_text_inside(path: &Path) -> Result<String, String> {
    match Bounds::of(path).left_by(path) {
        Some(problem) => Err(problem),
        None => read_text(path),
    }
}
