//! Whether what stands in the place of a directory of runs is ours: on a shared disk somebody else may have put his own there
//! first, or a link to it, and could then take journals away or forge the one that is resumed.
//!
//! The state directory itself may be anybody's, since the operator names it. What is made in it is private to its owner, so
//! that a foreign owner below it is a sign of a stranger. The superuser's is trusted as well.

use std::path::{Path, PathBuf};

/// Something that another user made stands where runs are kept.
#[derive(Debug, thiserror::Error)]
pub enum NotOurs {
    /// A link.
    #[error(
        "`{path}` is a link that belongs to another user (uid {owner}; this is uid {me}), who can lead it anywhere; remove it, \
         or name the directory that it leads to with --state-dir", path = .path.display()
    )]
    Link {
        /// The link.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// Who we are.
        me: u32,
    },
    /// A directory.
    #[error(
        "`{path}` belongs to another user (uid {owner}; this is uid {me}), who can replace or forge what is kept there; run as \
         that user, make it yours, or name another directory with --state-dir", path = .path.display()
    )]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// Who we are.
        me: u32,
    },
}

/// Refuses a link of another user; no link, or nothing at all, is as good.
#[cfg(unix)]
pub(super) fn check_link(path: &Path) -> Result<(), NotOurs> {
    use std::os::unix::fs::MetadataExt;
    let me = nix::unistd::geteuid().as_raw();
    match std::fs::symlink_metadata(path) {
        Ok(named) if named.is_symlink() && !is_trusted(named.uid(), me) => {
            Err(NotOurs::Link { path: path.to_owned(), owner: named.uid(), me })
        }
        // What can't be looked at can't be used either, and whoever tries says why.
        _ => Ok(()),
    }
}

/// Refuses a directory of another user, and a link of one to whatever directory.
#[cfg(unix)]
pub(super) fn check_directory(path: &Path) -> Result<(), NotOurs> {
    use std::os::unix::fs::MetadataExt;
    check_link(path)?;
    let me = nix::unistd::geteuid().as_raw();
    match std::fs::metadata(path) {
        Ok(found) if !is_trusted(found.uid(), me) && given_to(path) != Some(found.uid()) => {
            Err(NotOurs::Directory { path: path.to_owned(), owner: found.uid(), me })
        }
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn is_trusted(owner: u32, me: u32) -> bool {
    owner == me || owner == 0
}

/// To whom the file system gives what we make in this directory: some file servers give everything to one user.
#[cfg(unix)]
fn given_to(directory: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    let file = tempfile::NamedTempFile::new_in(directory).ok()?;
    file.as_file().metadata().ok().map(|made| made.uid())
}

/// Elsewhere owners are no numbers, and a private directory is one of the user's profile.
#[cfg(not(unix))]
pub(super) fn check_link(_: &Path) -> Result<(), NotOurs> {
    Ok(())
}

/// As for links.
#[cfg(not(unix))]
pub(super) fn check_directory(_: &Path) -> Result<(), NotOurs> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn ones_own_and_the_superusers_are_trusted() {
        assert!(is_trusted(1000, 1000) && is_trusted(0, 1000) && is_trusted(0, 0));
        assert!(!is_trusted(1001, 1000) && !is_trusted(1000, 0));
    }

    #[test]
    fn what_we_make_is_ours_also_by_our_own_link_and_nothing_is_as_good() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (runs, link) = (folder.path().join("runs"), folder.path().join("link"));
        check_directory(&runs).expect("not there");
        std::fs::create_dir(&runs).expect("made");
        std::os::unix::fs::symlink(&runs, &link).expect("a link");
        check_directory(&runs).expect("our own");
        check_directory(&link).expect("our own link");
        assert_eq!(std::fs::read_dir(&runs).expect("readable").count(), 0, "nothing is left in it");
    }
}
