//! Each case makes its files in a directory of its own.

use std::fs;
use std::io;
use std::path::{MAIN_SEPARATOR, PathBuf};

use super::read::named;
use super::write::BUFFER;
use super::*;
use crate::diagnostic::Place;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Sources;

struct Case {
    directory: tempfile::TempDir,
}

impl Case {
    fn new(files: &[(&str, &[u8])]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        for (name, bytes) in files {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().expect("has a parent")).expect("directory");
            fs::write(path, bytes).expect("file");
        }
        Self { directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn read(&self, names: &[&str], stdin: &[u8]) -> (Result<Vec<String>, ReadError>, Sources) {
        let paths: Vec<PathBuf> =
            names.iter().map(|name| if *name == "-" { "-".into() } else { self.path(name) }).collect();
        let mut sources = Sources::default();
        let ids = read_plan_files(&paths, stdin, &mut sources);
        let shown = ids.map(|ids| {
            let root = format!("{}/", named(self.directory.path()));
            ids.iter().map(|id| sources.get(*id).path().replace(&root, "")).collect()
        });
        (shown, sources)
    }

    fn usage(&self, names: &[&str]) -> Vec<String> {
        match self.read(names, b"").0 {
            Err(ReadError::Usage(problems)) => {
                let root = format!("{}{MAIN_SEPARATOR}", self.directory.path().display());
                problems.iter().map(|problem| problem.replace(&root, "")).collect()
            }
            other => panic!("expected a usage error, got {other:?}"),
        }
    }
}

#[test]
fn directories_are_searched_in_order_and_files_taken_once() {
    let case = Case::new(&[
        ("b.yaml", b"b: 1"),
        ("a.yml", b"a: 1"),
        ("sub/c.yaml", b"c: 1"),
        ("sub/deep/d.yaml", b"d: 1"),
        (".hidden.yaml", b"x: 1"),
        (".git/e.yaml", b"x: 1"),
        ("README.md", b"x"),
        ("odd", b"o: 1"),
    ]);
    let all = ["a.yml", "b.yaml", "sub/c.yaml", "sub/deep/d.yaml"];
    assert_eq!(case.read(&["."], b"").0.expect("reads").len(), 4);
    assert_eq!(case.read(&[""], b"").0.expect("reads"), all);
    assert_eq!(
        case.read(&["b.yaml", "sub", "b.yaml", "", "odd"], b"").0.expect("reads"),
        ["b.yaml", "sub/c.yaml", "sub/deep/d.yaml", "a.yml", "odd"]
    );
    let mut sources = Sources::default();
    let ids = read_plan_files(&["-".into(), case.path("a.yml")], &b"from: stdin"[..], &mut sources).expect("reads");
    let read: Vec<&str> = ids.iter().map(|id| sources.get(*id).text()).collect();
    assert_eq!(read, ["from: stdin", "a: 1"]);
    assert_eq!(sources.get(ids[0]).path(), "<stdin>");
}

#[test]
fn what_is_no_file_is_a_usage_error_that_says_what_to_do() {
    let case = Case::new(&[("a.yaml", b"a: 1"), ("empty/x.txt", b"")]);
    assert_eq!(
        case.usage(&["none.yaml", "a.yaml/x.yaml"]),
        [
            "cannot read `none.yaml`: it does not exist; check the spelling and the current directory",
            // Windows makes no difference between the two.
            if cfg!(windows) {
                "cannot read `a.yaml/x.yaml`: it does not exist; check the spelling and the current directory"
            } else {
                "cannot read `a.yaml/x.yaml`: a part of the path is not a directory; check the path"
            },
        ]
    );
    assert!(case.usage(&["empty"])[0].starts_with("the directory `empty` holds no plan"));
    assert!(case.usage(&["-", "-"])[0].contains("given twice"));
}

#[cfg(unix)]
#[test]
fn pipes_and_devices_are_not_opened_and_links_do_not_loop() {
    use std::os::unix::fs::symlink;
    let case = Case::new(&[("a.yaml", b"a: 1")]);
    // Opening the socket or the pipe would fail or hang; the message is ours.
    let _listener = std::os::unix::net::UnixListener::bind(case.path("s.yaml")).expect("socket");
    assert!(case.usage(&["s.yaml"])[0].contains("is not a regular file"));
    assert!(case.usage(&[""])[0].contains("is not a regular file"));
    fs::remove_file(case.path("s.yaml")).expect("removes");
    let pipe = std::process::Command::new("mkfifo").arg(case.path("p.yaml")).status().expect("mkfifo runs");
    assert!(pipe.success());
    assert!(case.usage(&["p.yaml"])[0].contains("is not a regular file"));
    fs::remove_file(case.path("p.yaml")).expect("removes");
    let mut sources = Sources::default();
    let device = read_plan_files(&["/dev/zero".into()], io::empty(), &mut sources);
    assert!(matches!(device, Err(ReadError::Usage(_))));
    symlink(".", case.path("loop")).expect("links");
    symlink("a.yaml", case.path("link.yaml")).expect("links");
    assert_eq!(case.read(&[""], b"").0.expect("reads"), ["a.yaml"]);
    symlink("self.yaml", case.path("self.yaml")).expect("links");
    assert!(case.usage(&["self.yaml"])[0].contains("cannot read `self.yaml`"));
}

#[test]
fn invalid_utf8_is_shown_at_its_exact_place() {
    let case = Case::new(&[("a.yaml", b"a: 1\n\xC3\xA9: x\xFFy\n"), ("b.yaml", b"\xFF\xFEa\0")]);
    let (read, sources) = case.read(&["a.yaml", "b.yaml"], b"");
    let Err(ReadError::Content(diagnostics)) = read else { panic!("{read:?}") };
    let place = |diagnostic: &Diagnostic| match &diagnostic.place {
        Place::Text(label) => {
            let (_, position) = sources.place(label.location);
            (position.line(), position.column())
        }
        Place::File(_) => (0, 0),
    };
    // Line 2 is `é`, `:`, blank, `x` and then the wrong byte: column 5.
    assert_eq!(diagnostics.iter().map(place).collect::<Vec<_>>(), [(2, 5), (1, 1)]);
    assert_eq!(diagnostics[0].message, "the byte 0xFF is not valid UTF-8 here");
    assert!(diagnostics[1].help.as_deref().is_some_and(|help| help.contains("UTF-16")));
}

#[test]
fn an_endless_input_stops_at_the_bound() {
    let mut sources = Sources::default();
    let read = read_plan_files(&["-".into()], io::repeat(b'a'), &mut sources);
    let Err(ReadError::Content(diagnostics)) = read else { panic!("{read:?}") };
    assert_eq!(diagnostics[0].code, Code::FileTooLarge);
    assert_eq!(diagnostics[0].place, Place::File("<stdin>".to_owned()));
}

#[test]
fn writing_replaces_whole_files_or_nothing() {
    let case = Case::new(&[("old.json", b"old"), ("dir/x", b"")]);
    write_atomic(&case.path("old.json"), b"new", Parents::Require).expect("writes");
    assert_eq!(fs::read(case.path("old.json")).expect("reads"), b"new");
    let missing = write_atomic(&case.path("no/where.json"), b"x", Parents::Require).expect_err("no directory");
    assert!(missing.to_string().ends_with("its directory does not exist; make the directory or choose another path"));
    write_atomic(&case.path("no/where.json"), b"x", Parents::Create).expect("makes the directory");
    let directory = write_atomic(&case.path("dir"), b"x", Parents::Require).expect_err("a directory");
    assert!(directory.to_string().contains("it is a directory; name a file"));
    let through_file = write_atomic(&case.path("old.json/x"), b"x", Parents::Create).expect_err("a file in the way");
    assert!(through_file.to_string().contains("not a directory"), "{through_file}");
    let half = stream_atomic(&case.path("old.json"), Parents::Require, |out| {
        out.write_all(&[b'x'; 2 * BUFFER])?;
        Err(io::ErrorKind::StorageFull.into())
    });
    assert!(half.expect_err("it fails half way").to_string().contains("old.json"));
    assert_eq!(fs::read(case.path("old.json")).expect("reads"), b"new");
    // Nothing is left over.
    let names = fs::read_dir(case.directory.path()).expect("lists").count();
    assert_eq!(names, 3);
}

#[cfg(unix)]
#[test]
fn written_files_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let case = Case::new(&[]);
    write_atomic(&case.path("r.json"), b"x", Parents::Require).expect("writes");
    let mode = fs::metadata(case.path("r.json")).expect("is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// `--report json=/dev/stdout`, a process substitution, a link to where reports are kept: what is there stays there.
#[cfg(unix)]
#[test]
fn writing_goes_through_links_and_into_pipes_and_devices() {
    use std::os::unix::fs::{FileTypeExt, symlink};
    let case = Case::new(&[("kept/report.json", b"old"), ("links/x", b"")]);
    symlink("../kept/report.json", case.path("links/report.json")).expect("links");
    write_atomic(&case.path("links/report.json"), b"new", Parents::Create).expect("writes");
    assert_eq!(fs::read(case.path("kept/report.json")).expect("reads"), b"new");
    assert!(fs::symlink_metadata(case.path("links/report.json")).expect("is there").is_symlink());

    let pipe = case.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    check_writable(&pipe).expect("a pipe needs a reader first, and isn't opened");
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::read(pipe)
    });
    write_atomic(&pipe, b"report", Parents::Create).expect("writes");
    assert!(fs::metadata(&pipe).expect("is there").file_type().is_fifo(), "the pipe is still a pipe");
    assert_eq!(reader.join().expect("joins").expect("reads"), b"report");

    // Through a link, so that a mistake here replaces the link and not the device.
    symlink("/dev/null", case.path("null")).expect("links");
    check_writable(&case.path("null")).expect("a device can be written");
    write_atomic(&case.path("null"), b"x", Parents::Create).expect("writes");
    assert!(fs::symlink_metadata(case.path("null")).expect("is there").is_symlink());
    symlink("/dev/full", case.path("full")).expect("links");
    let full = write_atomic(&case.path("full"), b"x", Parents::Create).expect_err("it is always full");
    assert!(full.to_string().contains("the disk is full"), "{full}");
}
