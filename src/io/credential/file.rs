//! Reads the credentials file, and sees who else can.

use std::path::{Path, PathBuf};

use secrecy::zeroize::Zeroize as _;

use super::{Environment, Sections};
use crate::io::fs;

/// Names the file.
const VARIABLE: &str = "HUAWEICLOUD_SDK_CREDENTIALS_FILE";

/// The credentials file of this user, or why it gives nothing.
#[derive(Clone, Debug)]
pub struct CredentialsFile {
    /// How output names it: `~/.huaweicloud/credentials`.
    pub shown: String,
    /// Its sections. A problem matters only to a credential that comes this far in the order of sources.
    pub content: Result<Sections, FileProblem>,
    /// What is wrong with the file although it can be read: others can read it too.
    pub warning: Option<String>,
}

/// Why a file gives nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileProblem {
    /// It isn't there, and nobody said that it was.
    Absent(&'static str),
    /// It is meant to be read and can't be: what, where, why, and what now.
    Unusable(String),
}

/// Reads the file that `HUAWEICLOUD_SDK_CREDENTIALS_FILE` names, or `~/.huaweicloud/credentials`.
#[must_use]
pub fn read_credentials_file(environment: &Environment) -> CredentialsFile {
    let Some((path, shown, named)) = sdk_file(environment, VARIABLE, "credentials") else {
        let shown = "~/.huaweicloud/credentials".to_owned();
        return CredentialsFile {
            shown,
            content: Err(FileProblem::Absent("there is no home directory")),
            warning: None,
        };
    };
    if !named && !path.exists() {
        return CredentialsFile { shown, content: Err(FileProblem::Absent("there is no such file")), warning: None };
    }
    let text = fs::read_text(&path).map_err(|problem| {
        let origin = if named { format!(" (named by {VARIABLE})") } else { String::new() };
        FileProblem::Unusable(format!("{problem}{origin}"))
    });
    let content = text.and_then(|mut text| {
        let sections = Sections::parse(&text).map_err(|problem| FileProblem::Unusable(format!("{shown}, {problem}")));
        text.zeroize();
        sections
    });
    let warning = readable_by_others(&path).map(|mode| {
        format!("{shown} holds secrets and can be read by other users of this machine (mode {mode:03o}): chmod 600 it")
    });
    CredentialsFile { shown, content, warning }
}

/// A file of the official SDKs: the one that `variable` names, or `name` in `~/.huaweicloud`. Its path, how it is shown,
/// and whether the variable names it.
pub(in crate::io) fn sdk_file(
    environment: &Environment,
    variable: &str,
    name: &str,
) -> Option<(PathBuf, String, bool)> {
    let set = |variable: &str| environment.get(variable).map(|value| value.trim()).filter(|value| !value.is_empty());
    if let Some(path) = set(variable) {
        return Some((PathBuf::from(path), path.to_owned(), true));
    }
    let home = set(if cfg!(windows) { "USERPROFILE" } else { "HOME" })?;
    let path = Path::new(home).join(".huaweicloud").join(name);
    Some((path, format!("~/.huaweicloud/{name}"), false))
}

/// The permission bits of a file that its group or everybody can read.
#[cfg(unix)]
pub(super) fn readable_by_others(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o044 != 0).then_some(mode)
}

/// Other systems have no such bits.
#[cfg(not(unix))]
pub(super) fn readable_by_others(_: &Path) -> Option<u32> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(home: &Path, file: Option<&str>) -> Environment {
        let home = home.to_str().expect("UTF-8").to_owned();
        let file = file.map(|file| (VARIABLE.to_owned(), file.to_owned()));
        [("HOME".to_owned(), home.clone()), ("USERPROFILE".to_owned(), home)].into_iter().chain(file).collect()
    }

    #[test]
    fn a_file_that_nobody_named_may_be_absent_and_one_that_is_named_may_not() {
        let home = tempfile::tempdir().expect("a folder");
        let absent = read_credentials_file(&environment(home.path(), None));
        assert_eq!(absent.content.expect_err("absent"), FileProblem::Absent("there is no such file"));
        let nowhere = read_credentials_file(&Environment::new());
        assert_eq!(nowhere.content.expect_err("absent"), FileProblem::Absent("there is no home directory"));
        let named = read_credentials_file(&environment(home.path(), Some("/nowhere/credentials")));
        let Err(FileProblem::Unusable(problem)) = named.content else { panic!("{named:?}") };
        assert!(problem.starts_with("cannot read `/nowhere/credentials`: it does not exist"), "{problem}");
        assert!(problem.ends_with("(named by HUAWEICLOUD_SDK_CREDENTIALS_FILE)"), "{problem}");
    }

    #[test]
    #[cfg(unix)]
    fn a_file_that_others_can_read_is_used_with_a_warning() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().expect("a folder");
        let path = home.path().join(".huaweicloud/credentials");
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        std::fs::write(&path, "[basic]\nak = x\n").expect("written");
        for (mode, warned) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true), (0o622, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("our file");
            let read = read_credentials_file(&environment(home.path(), None));
            assert_eq!((read.content.is_ok(), read.warning.is_some()), (true, warned), "{mode:o}: {read:?}");
            if let Some(warning) = read.warning {
                assert!(warning.contains("~/.huaweicloud/credentials") && warning.contains(&format!("{mode:o}")));
            }
        }
    }
}
