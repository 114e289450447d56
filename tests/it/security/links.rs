//! Links in the place of plans: no command shows a file from elsewhere.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::common::{finish, hss_sync};

const CANARY: &str = "canary-7c1d";

const PLAN: &str = "\
version: 1
name: sample
registry_sets: { all: { sync_all_registries: true } }
projects: [{ name: payments, project_ids: { cn-north-4: p-1 }, registry_sets: [all] }]
";

/// A checkout `repo` with a plan, and beside it `home` with a file of secrets.
fn machine() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path();
    fs::create_dir_all(root.join("repo/plans")).expect("made");
    fs::create_dir_all(root.join("repo/.git")).expect("made");
    fs::create_dir_all(root.join("home")).expect("made");
    fs::write(root.join("repo/good.yaml"), PLAN).expect("written");
    for secret in ["home/hosts.yml", "repo/.git/config"] {
        fs::write(root.join(secret), format!("{CANARY}: {CANARY}\n")).expect("written");
    }
    folder
}

/// Exit code 2, and nothing of the canary in what is printed.
fn shows_nothing(dir: &Path, args: &[&str]) {
    let finished = finish(hss_sync(dir).env("CANARY", CANARY).args(args));
    assert!(!finished.output().contains(CANARY), "{args:?}\n{}", finished.excerpt());
    assert_eq!(finished.code(), 2, "{args:?}\n{}", finished.excerpt());
    assert!(finished.stderr().contains("by a link"), "{args:?}\n{}", finished.excerpt());
}

#[test]
fn a_link_out_of_the_directory_shows_nothing() {
    let environ = if cfg!(target_os = "linux") { "/proc/self/environ" } else { "../../home/hosts.yml" };
    for target in ["../../home/hosts.yml", environ, "../.git/config"] {
        let machine = machine();
        let repo = machine.path().join("repo");
        symlink(target, repo.join("plans/a.yaml")).expect("a link");
        for args in [
            &["validate", "plans/a.yaml"][..],
            &["validate", "plans"],
            &["validate", "--format", "json", "plans"],
            &["validate", "--format", "github", "plans"],
            &["plan", "plans/a.yaml"],
            &["plan", "good.yaml", "--vars-file", "plans/a.yaml"],
            &["plan", "good.yaml", "--diff", "plans/a.yaml"],
            &["run", "plans/a.yaml", "--dry-run"],
            &["check", "plans/a.yaml"],
        ] {
            shows_nothing(&repo, args);
        }
        // By its whole path; and from another directory, by that of the folder.
        let path = repo.join("plans");
        shows_nothing(&repo, &["validate", path.to_str().expect("UTF-8")]);
        let elsewhere = tempfile::tempdir().expect("a temporary folder");
        shows_nothing(elsewhere.path(), &["validate", path.to_str().expect("UTF-8")]);
    }
}

#[test]
fn a_linked_directory_shows_nothing() {
    let machine = machine();
    let repo = machine.path().join("repo");
    fs::rename(machine.path().join("home/hosts.yml"), machine.path().join("home/a.yaml")).expect("renamed");
    symlink("../../home", repo.join("plans/deep")).expect("a link");
    symlink("../home", repo.join("wide")).expect("a link");
    shows_nothing(&repo, &["validate", "wide"]);
    shows_nothing(&repo, &["validate", "plans/deep/a.yaml"]);
}

/// A mounted configuration is a link beside itself, into a directory whose name begins with two dots.
#[test]
fn links_that_stay_inside_are_followed() {
    let machine = machine();
    let repo = machine.path().join("repo");
    fs::create_dir(repo.join("plans/..2026_11_24")).expect("made");
    fs::write(repo.join("plans/..2026_11_24/a.yaml"), PLAN).expect("written");
    symlink("..2026_11_24", repo.join("plans/..data")).expect("a link");
    symlink("..data/a.yaml", repo.join("plans/a.yaml")).expect("a link");
    for (dir, path) in [(repo.clone(), "plans/a.yaml".into()), (machine.path().join("home"), repo.join("plans"))] {
        let finished = finish(hss_sync(&dir).arg("validate").arg(&path));
        assert_eq!(finished.code(), 0, "{path:?}\n{}", finished.excerpt());
    }
    // What a run leaves is in a hidden directory, and is named as it is.
    fs::create_dir_all(repo.join(".hss-sync/runs/x")).expect("made");
    fs::write(repo.join(".hss-sync/runs/x/remaining.yaml"), PLAN).expect("written");
    let finished = finish(hss_sync(&repo).args(["validate", ".hss-sync/runs/x/remaining.yaml"]));
    assert_eq!(finished.code(), 0, "{}", finished.excerpt());
}
