//! Locks: `plan --out` saves what would be sent, and every command that takes plans takes a lock in their place.
//!
//! A lock is opened as a run is taken up from its journal: its texts are expanded again and its answers put back. Then what it
//! lists for people is held to that, so that what was reviewed is what is sent.

use std::path::Path;

use super::Context;
use super::load::{LoadFailure, Loaded, Reading, Texts};
use super::pace::Pace;
use crate::diagnostic::visible;
use crate::exit::ExitStatus;
use crate::io::fs;
use crate::resolve::put_back;
use crate::review::{Locked, Unlike, read_lock, write_lock};

/// Reads a lock to send what it lists. Variables come from it, and the pace where `reading` has none; endpoints never do.
pub(super) fn open(path: &str, text: &str, reading: Reading) -> Result<Loaded, LoadFailure> {
    let pace = reading.pace;
    let endpoints_are_free = reading.endpoints.all.is_some();
    let mut loaded = opened(path, text, reading, endpoints_are_free)?;
    loaded.set_pace(pace);
    loaded.select()?;
    Ok(loaded)
}

/// Reads a lock to compare with it, wherever it would be sent from here; without a forecast.
pub(super) fn open_wherever(path: &str, text: &str, reading: &Reading) -> Result<Loaded, LoadFailure> {
    opened(path, text, reading.clone(), true)
}

fn opened(path: &str, text: &str, reading: Reading, endpoints_are_free: bool) -> Result<Loaded, LoadFailure> {
    let refused = |why: String| LoadFailure::Document { path: path.to_owned(), why };
    let lock = read_lock(text).map_err(refused)?;
    let own = Reading {
        overrides: lock.variables.clone(),
        pace: Pace::locked(lock.quota.as_deref(), lock.concurrency)?,
        ..reading
    };
    let mut loaded = Texts::recorded(&lock.texts).expanded(own)?;
    if !lock.resolved.is_empty() {
        loaded.unresolved = Some(loaded.plan.clone());
        put_back(&mut loaded.plan, &lock.resolved).map_err(|unfit| refused(unfit.to_string()))?;
    }
    with_lock_of(&loaded, |locked| lock.verify(locked, endpoints_are_free)).map_err(|unlike| {
        let version = env!("CARGO_PKG_VERSION");
        refused(match unlike {
            Unlike::Endpoint { .. } => unlike.to_string(),
            _ if lock.tool != version => format!(
                "{unlike}; it was made by hss-sync {}, and this {version} may read plans otherwise: make it again with \
                 `plan --out`",
                lock.tool
            ),
            _ => format!("{unlike}; a lock is not edited by hand: make it again with `plan --out`"),
        })
    })?;
    loaded.locked = Some(loaded.digest());
    Ok(loaded)
}

/// Writes a lock; says on standard error what it is good for.
pub(super) fn save(context: &Context, path: &Path, loaded: &Loaded) -> ExitStatus {
    let written = with_lock_of(loaded, write_lock).map_err(|error| error.to_string()).and_then(|text| {
        fs::write_atomic(path, text.as_bytes(), fs::Parents::Require).map_err(|error| error.to_string())
    });
    if let Err(error) = written {
        context.console.error(&error);
        return ExitStatus::Unwritable;
    }
    let (shown, digest) = (path.display().to_string(), loaded.digest());
    let shown = visible(&shown);
    context.console.info(&format!("saved {shown}; `hss-sync run {shown} --approve {digest}` sends just that"));
    let open = loaded.plan.operations.iter().filter(|operation| operation.needs_network()).count();
    if open > 0 {
        context.console.info(&format!(
            "what `lookup` and `select` of {open} of {} operations mean is not in it, and is asked when it is run; with --online \
             it is",
            loaded.plan.operations.len()
        ));
    }
    ExitStatus::Success
}

/// Does something with what a lock of these plans is made of.
fn with_lock_of<T>(loaded: &Loaded, with: impl FnOnce(&Locked<'_>) -> T) -> T {
    let (texts, resolved, digest) = (loaded.texts(), loaded.resolved(), loaded.digest());
    with(&Locked {
        plan: &loaded.plan,
        sources: &loaded.sources,
        texts: &texts,
        variables: &loaded.reading.overrides,
        quota: loaded.reading.pace.quota(),
        concurrency: loaded.reading.pace.concurrency(),
        resolved: &resolved,
        digest: &digest,
    })
}
