//! The directory in which runs are kept, `STATE_DIR/runs/RUN/`, and how one of them is found again.

mod ours;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use ours::NotOurs;

use crate::model::RunId;

/// The name of a run's journal in its directory.
pub const JOURNAL: &str = "journal.ndjson";

/// Where runs are kept.
#[derive(Clone, Debug)]
pub struct StateDir(PathBuf);

/// The directory of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDir(PathBuf);

/// Why a run is not found.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// There is none yet.
    #[error("there is no run in `{}`; `hss-sync run PLAN` begins one, and --state-dir names another directory", .0.display())]
    None(PathBuf),
    /// Not one that has this name.
    #[error(
        "`{name}` is no run in `{}`, and no directory of a run: give a run id, `latest`, or the directory that holds its \
         {JOURNAL}{}", .runs.display(), .newest.as_ref().map(|newest| format!("; the latest run is {newest}")).unwrap_or_default()
    )]
    NoSuchRun {
        /// What was asked for.
        name: String,
        /// Where it was looked for.
        runs: PathBuf,
        /// The latest run there.
        newest: Option<String>,
    },
    /// The directory can't be read.
    #[error("cannot read `{path}`: {source}; check its permissions", path = .path.display())]
    Unreadable {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl StateDir {
    /// The state directory at this path; it need not exist.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Where a run of this id is kept.
    #[must_use]
    pub fn run(&self, id: &RunId) -> RunDir {
        RunDir(self.runs().join(id.as_str()))
    }

    /// Refuses a directory of runs that another user made, or put a link to; one that isn't there is as good.
    ///
    /// # Errors
    /// What is not ours.
    pub fn check_ours(&self) -> Result<(), NotOurs> {
        ours::check_link(&self.0)?;
        ours::check_directory(&self.runs())
    }

    fn runs(&self) -> PathBuf {
        self.0.join("runs")
    }

    /// The run that somebody names: by its id, as `latest`, or by the path of its directory (or of its journal).
    ///
    /// # Errors
    /// When there is none, or the directory can't be read.
    pub fn find(&self, name: &str) -> Result<RunDir, FindError> {
        if name == "latest" {
            return self.latest()?.ok_or_else(|| FindError::None(self.runs()));
        }
        let inside = RunId::parse(name).ok().map(|id| self.run(&id));
        let path = Path::new(name);
        let path =
            if path.file_name().is_some_and(|file| file == JOURNAL) { path.parent().unwrap_or(path) } else { path };
        let found = inside.into_iter().chain([RunDir(path.to_owned())]).find(RunDir::has_journal);
        match found {
            Some(found) => Ok(found),
            None => {
                let newest = self.latest().ok().flatten().map(|run| run.name());
                Err(FindError::NoSuchRun { name: name.to_owned(), runs: self.runs(), newest })
            }
        }
    }

    /// The run that began last; one that was killed before its journal held anything did not.
    fn latest(&self) -> Result<Option<RunDir>, FindError> {
        Ok(self.runs_by_time()?.into_iter().rev().find(RunDir::has_begun))
    }

    /// Every directory here that has a journal, the run that began last first.
    ///
    /// # Errors
    /// The directory can't be read.
    pub fn list(&self) -> Result<Vec<RunDir>, FindError> {
        let mut runs = self.runs_by_time()?;
        runs.reverse();
        Ok(runs)
    }

    /// Ids begin with the time; runs of the same second are told apart by their journal's time.
    fn runs_by_time(&self) -> Result<Vec<RunDir>, FindError> {
        let unreadable = |source| FindError::Unreadable { path: self.runs(), source };
        let entries = match fs::read_dir(self.runs()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(unreadable)?,
        };
        let mut runs = Vec::new();
        for entry in entries {
            let run = RunDir(entry.map_err(unreadable)?.path());
            if run.has_journal() {
                let began = run.name().chars().take("YYYYMMDD-HHMMSS".len()).collect::<String>();
                let written = fs::metadata(run.journal()).and_then(|metadata| metadata.modified()).ok();
                runs.push((began, written, run));
            }
        }
        runs.sort_by(|one, other| (&one.0, &one.1, &one.2.0).cmp(&(&other.0, &other.1, &other.2.0)));
        Ok(runs.into_iter().map(|(.., run)| run).collect())
    }
}

impl RunDir {
    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Its journal.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.0.join(JOURNAL)
    }

    /// The plan of what is left: `remaining.yaml`, and for further plans of a batch `remaining-2.yaml` and so on.
    #[must_use]
    pub fn remaining(&self, number: usize) -> PathBuf {
        let name = if number == 1 { "remaining.yaml".to_owned() } else { format!("remaining-{number}.yaml") };
        self.0.join(name)
    }

    /// Refuses a run that another user made, or put into a directory of runs of his own.
    ///
    /// # Errors
    /// What is not ours.
    pub fn check_ours(&self) -> Result<(), NotOurs> {
        // `STATE_DIR/runs/RUN`; a run that was moved may stand in any directory.
        if let Some(runs) = self.0.parent().filter(|parent| parent.ends_with("runs")) {
            ours::check_directory(runs)?;
            runs.parent().map_or(Ok(()), ours::check_link)?;
        }
        ours::check_directory(&self.0)
    }

    /// Its last name, for people.
    #[must_use]
    pub fn name(&self) -> String {
        self.0.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// When its journal was written last, by the file system.
    #[must_use]
    pub fn last_written(&self) -> Option<jiff::Timestamp> {
        jiff::Timestamp::try_from(fs::metadata(self.journal()).ok()?.modified().ok()?).ok()
    }

    /// Its report, which the end of each session writes.
    #[must_use]
    pub fn report(&self) -> PathBuf {
        self.0.join("report.json")
    }

    /// Whether a session of it came to its end.
    #[must_use]
    pub fn has_report(&self) -> bool {
        self.report().is_file()
    }

    fn has_begun(&self) -> bool {
        fs::metadata(self.journal()).is_ok_and(|metadata| metadata.len() > 0)
    }

    fn has_journal(&self) -> bool {
        self.journal().is_file()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_runs(names: &[&str]) -> (tempfile::TempDir, StateDir) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let state = StateDir::new(folder.path());
        for name in names {
            let run = state.runs().join(name);
            fs::create_dir_all(&run).expect("made");
            fs::write(run.join(JOURNAL), "x").expect("written");
        }
        (folder, state)
    }

    #[test]
    fn a_run_is_found_by_id_as_latest_or_by_path() {
        let (_folder, state) = with_runs(&["20261124-080000-7f3a", "20261124-090000-0001", "20251231-235959-ffff"]);
        fs::create_dir_all(state.runs().join("20271124-080000-0000")).expect("a directory without a journal is no run");
        let empty = state.runs().join("20261125-080000-0000");
        fs::create_dir_all(&empty)
            .and_then(|()| fs::write(empty.join(JOURNAL), ""))
            .expect("an empty journal is no run");
        let name = |run: &str| state.find(run).map(|run| run.name()).map_err(|error| error.to_string());
        assert_eq!(name("latest"), Ok("20261124-090000-0001".to_owned()));
        assert_eq!(name("20261124-080000-7f3a"), Ok("20261124-080000-7f3a".to_owned()));
        let listed: Vec<String> = state.list().expect("it can be read").iter().map(RunDir::name).collect();
        assert_eq!(
            listed,
            ["20261125-080000-0000", "20261124-090000-0001", "20261124-080000-7f3a", "20251231-235959-ffff"]
        );
        let path = state.runs().join("20251231-235959-ffff");
        assert_eq!(name(&path.display().to_string()), Ok("20251231-235959-ffff".to_owned()));
        assert_eq!(name(&path.join(JOURNAL).display().to_string()), Ok("20251231-235959-ffff".to_owned()));
        let told = name("20261124-080000").expect_err("half an id is none");
        assert!(told.ends_with("the latest run is 20261124-090000-0001"), "{told}");
    }

    #[test]
    fn without_a_run_it_says_where_it_looked() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let told = StateDir::new(folder.path()).find("latest").expect_err("there is none").to_string();
        assert!(
            told.starts_with("there is no run in `") && told.contains(&format!("{}runs`", std::path::MAIN_SEPARATOR)),
            "{told}"
        );
    }
}
