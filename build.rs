//! What `hss-sync --version` says of the build: the commit and the target. Nothing else of the machine, and no time, so that
//! the same sources give the same program.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What goes into the program: a change there makes a build `modified`.
const INPUTS: &[&str] = &["src", "schemas", "Cargo.toml", "Cargo.lock", "build.rs"];
/// The commit, for packagers who build from sources without their history.
const COMMIT: &str = "HSS_SYNC_COMMIT";

fn main() {
    println!("cargo::rerun-if-env-changed={COMMIT}");
    println!("cargo::rerun-if-changed=build.rs");
    let commit = match variable(COMMIT) {
        Some(commit) => {
            let legal = |c: char| c.is_ascii_alphanumeric() || "-._+".contains(c);
            assert!(commit.len() <= 64 && commit.chars().all(legal), "{COMMIT} is no name of a commit: {commit:?}");
            commit
        }
        None => commit_of_sources().unwrap_or_default(),
    };
    println!("cargo::rustc-env={COMMIT}={commit}");
    println!("cargo::rustc-env=HSS_SYNC_TARGET={}", variable("TARGET").unwrap_or_default());
}

#[expect(clippy::disallowed_methods, reason = "cargo talks to a build script by its environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The commit of this directory, if it is the top of a git work tree: a copy of the sources inside another project's history
/// is not of that project's commit.
fn commit_of_sources() -> Option<String> {
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")?).canonicalize().ok()?;
    let top = PathBuf::from(git(&root, &["rev-parse", "--show-toplevel"])?).canonicalize().ok()?;
    if top != root {
        return None;
    }
    let commit = git(&root, &["rev-parse", "--short=12", "HEAD"])?;
    watch(&root);
    let mut status = vec!["status", "--porcelain", "--untracked-files=all", "--"];
    status.extend(INPUTS);
    let modified = !git(&root, &status)?.is_empty();
    Some(if modified { format!("{commit}-modified") } else { commit })
}

/// Builds again when the sources or the commit change. A path that isn't there would build always.
fn watch(root: &Path) {
    let branch = git(root, &["symbolic-ref", "--quiet", "HEAD"]);
    let names = ["HEAD", "logs/HEAD", "packed-refs"].into_iter().chain(branch.as_deref());
    let of_git = names.filter_map(|name| git(root, &["rev-parse", "--git-path", name]));
    for path in of_git.chain(INPUTS.iter().map(|input| (*input).to_owned())) {
        if root.join(&path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
}

/// What a git command prints. Nothing where there is no git or no repository; it never writes to the index, which would count
/// as a change.
fn git(root: &Path, args: &[&str]) -> Option<String> {
    let output = Command::new("git").current_dir(root).env("GIT_OPTIONAL_LOCKS", "0").args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
