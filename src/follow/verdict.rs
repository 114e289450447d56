//! What a task that has ended says about its operation.

use super::listed::Registries;
use super::{SyncStatus, SyncTask, TaskRegistry, TaskStatus};
use crate::event::{Failure, FailureKind, Outcome};
use crate::model::TaskId;

/// Failed registries that are named.
const MOST_NAMED: usize = 5;
/// Characters of a text of the service that are kept (`failed_reason` is documented with 128 at most).
const LONGEST_TEXT: usize = 200;

/// How a task ended; `None` while its registries don't say, since some still run or there is none. `task` is what the list
/// says of it, `None` when it isn't listed any more.
pub(super) fn verdict(id: &TaskId, task: Option<&SyncTask>, registries: Option<&Registries>) -> Option<Outcome> {
    let status = task.map_or(TaskStatus::Unclear, |task| task.status);
    let ended_as = match status {
        TaskStatus::Terminated => Some("was terminated"),
        TaskStatus::TimedOut => Some("timed out"),
        TaskStatus::Abnormal => Some("ended abnormally"),
        TaskStatus::Running(_) => return None,
        TaskStatus::Finished | TaskStatus::Unclear => None,
    };
    let list = registries.map_or(&[][..], |read| &read.list);
    let failed: Vec<&TaskRegistry> = list.iter().filter(|registry| registry.status == SyncStatus::Failed).collect();
    let fails = status.is_end() && !failed.is_empty();
    if ended_as.is_none() && !fails && !registries.is_some_and(Registries::have_ended) {
        return None;
    }
    if ended_as.is_none() && failed.is_empty() {
        return Some(Outcome::Confirmed);
    }
    let mut message = match ended_as {
        Some(ended_as) => format!("its task {id} {ended_as}"),
        None => format!("its task {id} failed"),
    };
    if !failed.is_empty() {
        message.push_str(&format!(" for {} of {} registries", failed.len(), list.len()));
    }
    if let Some(reason) = task.and_then(|task| task.failed_reason.as_deref()).filter(|reason| !reason.is_empty()) {
        message.push_str(&format!(" ({})", clipped(reason)));
    }
    if !failed.is_empty() {
        message.push_str(": ");
        message.push_str(&named(&failed));
    }
    let kind = FailureKind::TaskFailed;
    Some(Outcome::Failed(Failure { kind, status: None, code: None, message, given_up: None }))
}

/// `prod-harbor (5f9f0c8e: connection refused), stage (77aa), and 3 more`
fn named(failed: &[&TaskRegistry]) -> String {
    let one = |registry: &&TaskRegistry| {
        let reason = registry.failed_reason.as_deref().filter(|reason| !reason.is_empty()).map(clipped);
        match (registry.name.is_empty(), reason) {
            (true, None) => clipped(&registry.id),
            (true, Some(reason)) => format!("{} ({reason})", clipped(&registry.id)),
            (false, None) => format!("{} ({})", clipped(&registry.name), clipped(&registry.id)),
            (false, Some(reason)) => format!("{} ({}: {reason})", clipped(&registry.name), clipped(&registry.id)),
        }
    };
    let mut named: Vec<String> = failed.iter().take(MOST_NAMED).map(one).collect();
    if failed.len() > MOST_NAMED {
        named.push(format!("and {} more", failed.len() - MOST_NAMED));
    }
    named.join(", ")
}

/// A text of the service, not too long.
pub(super) fn clipped(text: &str) -> String {
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
