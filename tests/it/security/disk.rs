//! What another user of the same machine sees: files, command lines, memory.

use clap::CommandFactory;
use hss_sync::cli::Cli;

/// Command lines are in every process list, so no flag takes a secret.
#[test]
fn no_flag_takes_a_secret() {
    let cli = Cli::command();
    let flags = cli.get_subcommands().flat_map(|command| command.get_arguments().filter_map(|flag| flag.get_long()));
    let secret = ["password", "passwd", "secret", "token", "access-key", "ak", "sk", "key"];
    let taking: Vec<&str> =
        flags.filter(|flag| flag.rsplit('-').next().is_some_and(|word| secret.contains(&word))).collect();
    assert_eq!(taking, [""; 0]);
}

#[cfg(all(unix, feature = "simulator"))]
mod private {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::{Path, PathBuf};
    use std::process::Command;

    use crate::common::{finish, hss_sync};

    const PLAN: &str = "\
version: 1
name: sample
registry_sets: { all: { sync_all_registries: true } }
projects: [{ name: payments, project_ids: { cn-north-4: p-1, cn-north-1: p-2 }, registry_sets: [all] }]
";

    fn everything_below(path: &Path, found: &mut Vec<PathBuf>) {
        found.push(path.to_owned());
        if path.is_dir() {
            for entry in fs::read_dir(path).expect("a folder") {
                everything_below(&entry.expect("an entry").path(), found);
            }
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("it is there").permissions().mode() & 0o777
    }

    /// With a mask that takes nothing away, what holds plans or answers is still the owner's alone.
    #[test]
    fn with_an_open_umask_every_file_is_private() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let dir = folder.path();
        fs::write(dir.join("plan.yaml"), PLAN).expect("written");
        let mut command = Command::new("/bin/sh");
        command.current_dir(dir).env_clear().env("HOME", dir).arg("-c").arg(
            "umask 000; \"$0\" plan plan.yaml --out plan.lock.json && \
             \"$0\" run plan.yaml --simulate --fault error-code:100% --simulator-quota 1000/1s --quota 1000/1s \
             --report html=out.html --report csv=out.csv",
        );
        let run = finish(command.arg(hss_sync(dir).get_program()));
        assert_eq!(run.code(), 1, "{}", run.excerpt());
        let mut found = Vec::new();
        everything_below(&dir.join(".hss-sync"), &mut found);
        let files = found.iter().filter(|path| path.is_file()).count();
        // Journal, report, what is left.
        assert_eq!((files, found.len() - files), (3, 3), "{found:?}");
        found.extend(["plan.lock.json", "out.html", "out.csv"].map(|name| dir.join(name)));
        for path in found {
            let expected = if path.is_dir() { 0o700 } else { 0o600 };
            assert_eq!(mode(&path), expected, "{}: {:o}", path.display(), mode(&path));
        }
    }

    /// Somebody else was there first, with a directory or a link of his own. Only the superuser can make that so for a test.
    #[test]
    fn a_place_for_runs_that_another_user_made_is_refused() {
        use std::os::unix::fs::{MetadataExt, chown, lchown, symlink};
        const STRANGER: u32 = 65_534;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let dir = folder.path();
        if fs::metadata(dir).expect("our own").uid() != 0 {
            eprintln!("skipped: nobody but the superuser can give a file away");
            return;
        }
        fs::write(dir.join("plan.yaml"), PLAN).expect("written");
        let hss = |args: &[&str]| finish(hss_sync(dir).args(args));
        let run = |state: &str| {
            hss(&["run", "plan.yaml", "--simulate", "--simulator-quota", "1000/1s", "--quiet", "--state-dir", state])
        };
        let refused = |finished: crate::common::Finished, what: &str| {
            assert_eq!(finished.code(), 6, "{}", finished.excerpt());
            let told = finished.stderr();
            assert!(
                told.contains(what) && told.contains("belongs to another user (uid 65534; this is uid 0)"),
                "{told}"
            );
            assert!(told.contains("--state-dir") && told.contains("nothing was sent"), "{told}");
        };
        let give = |path: &str| lchown(dir.join(path), Some(STRANGER), None).expect("given away");

        fs::create_dir_all(dir.join("theirs/runs")).expect("made");
        give("theirs/runs");
        refused(run("theirs"), "`theirs/runs` belongs");
        assert_eq!(fs::read_dir(dir.join("theirs/runs")).expect("readable").count(), 0, "nothing was written");

        fs::create_dir(dir.join("ours")).expect("made");
        for link in ["by-them", "by-us"] {
            symlink("ours", dir.join(link)).expect("a link");
        }
        give("by-them");
        refused(run("by-them"), "`by-them` is a link that belongs");
        assert_eq!(fs::read_dir(dir.join("ours")).expect("readable").count(), 0, "nothing was written");
        assert_eq!(run("by-us").code(), 0, "one's own link is followed");
        // The operator names the directory, whosever it is; what is made in it is ours.
        fs::create_dir(dir.join("shared")).expect("made");
        chown(dir.join("shared"), Some(STRANGER), None).expect("given away");
        assert_eq!(run("shared").code(), 0);

        let runs: Vec<PathBuf> =
            fs::read_dir(dir.join("ours/runs")).expect("runs").map(|run| run.expect("a run").path()).collect();
        let [own] = &runs[..] else { panic!("{runs:?}") };
        assert_eq!(hss(&["resume", "--state-dir", "by-us"]).code(), 0);
        refused(hss(&["resume", "--state-dir", "by-them"]), "`by-them` is a link that belongs");
        chown(own, Some(STRANGER), None).expect("given away");
        refused(hss(&["resume", "--state-dir", "ours"]), "belongs");
        refused(hss(&["resume", own.to_str().expect("UTF-8")]), "belongs");
        assert_eq!(hss(&["report", "latest", "--state-dir", "ours"]).code(), 0, "a report only reads");
    }
}

#[cfg(all(target_os = "linux", feature = "simulator"))]
mod memory {
    use std::fs;
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::process::CommandExt;
    use std::process::Stdio;

    use crate::common::hss_sync;
    use crate::common::until;
    use crate::resume::Running;

    const NOBODY: u32 = 65_534;

    #[test]
    fn no_core_is_dumped_and_no_other_process_looks_in() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        // Waits for its plan, for as long as we look.
        let mut command = hss_sync(folder.path());
        command.args(["validate", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let is_root = fs::metadata(folder.path()).expect("our own").uid() == 0;
        if is_root {
            // The superuser sees everything, so somebody else is looked at. He may not get at the program.
            command.current_dir("/").uid(NOBODY);
        }
        let Ok(child) = command.spawn() else {
            assert!(is_root, "the binary starts");
            eprintln!("skipped: nobody else can start the program here");
            return;
        };
        let child = Running(child);
        let proc = std::path::PathBuf::from(format!("/proc/{}", child.0.id()));
        until("cores are limited", || {
            let limits = fs::read_to_string(proc.join("limits")).unwrap_or_default();
            let core = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap_or_default();
            core.split_whitespace().take(2).eq(["0", "0"])
        });
        // What a process of its own user may not look into belongs to the superuser.
        until("its environment is closed", || fs::metadata(proc.join("environ")).is_ok_and(|file| file.uid() == 0));
    }
}
