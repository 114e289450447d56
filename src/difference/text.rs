//! A difference in lines for people: `+` what is new, `-` what is gone, `~` what is another, settings by their names.

use super::{
    Difference, OperationChange, OperationDifference, PlanChange, PlanDifference, RequestChange, SettingChange,
};
use crate::diagnostic::visible;
use crate::model::{Selector, SetName};

impl Difference {
    /// Whether the digests are the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.plans.is_empty()
    }

    /// One line for each difference, at most `most` of them and then how many more there are. Safe for a terminal.
    #[must_use]
    pub fn text(&self, most: usize) -> String {
        let lines: Vec<String> = self.plans.iter().flat_map(PlanDifference::lines).collect();
        let mut text: String = lines.iter().take(most).map(|line| format!("{}\n", visible(line))).collect();
        if lines.len() > most {
            text.push_str(&format!("and {} more\n", lines.len() - most));
        }
        text
    }
}

impl PlanDifference {
    fn lines(&self) -> Vec<String> {
        let Self { path, name, change } = self;
        let count = |count: usize| format!("{count} operation{}", if count == 1 { "" } else { "s" });
        match change {
            PlanChange::Added { operations } => vec![format!("+ plan {name}: {}   {path}", count(*operations))],
            PlanChange::Removed { operations } => vec![format!("- plan {name}: {}   {path}", count(*operations))],
            PlanChange::Changed { settings, operations, is_hidden } => {
                let setting = |change: &SettingChange| {
                    let SettingChange { setting, old, new } = change;
                    format!("{setting}: {old} -> {new}   {path}")
                };
                let hidden = is_hidden.then(|| {
                    format!(
                        "a setting that is not shown differs: one that an option of this call covers, or an entry of \
                         `endpoints` that names the built-in one   {path}"
                    )
                });
                let settings = settings.iter().map(setting);
                settings.chain(operations.iter().map(OperationDifference::line)).chain(hidden).collect()
            }
        }
    }
}

/// Changes of one request that a line shows before it counts them.
const MOST_CHANGES: usize = 3;

impl OperationDifference {
    fn line(&self) -> String {
        let Self { project, region, sets, change, place: (path, line) } = self;
        let (sign, what) = match change {
            OperationChange::Added { what } => ("+", what.clone()),
            OperationChange::Removed { what } => ("-", what.clone()),
            OperationChange::Changed { request, wave } => {
                let wave = wave.as_ref().map(|(old, new)| format!("wave {old} -> {new}"));
                let more = request.len().saturating_sub(MOST_CHANGES);
                let more = (more > 0).then(|| format!("{more} more changes"));
                let shown = request.iter().take(MOST_CHANGES).map(RequestChange::words);
                ("~", shown.chain(more).chain(wave).collect::<Vec<_>>().join(", "))
            }
        };
        let names = |sets: &Vec<SetName>| sets.iter().map(SetName::as_str).collect::<Vec<_>>().join(", ");
        // What is added or removed names its sets anyhow.
        let sets = sets.as_ref().filter(|_| sign == "~").map(|sets| format!(" ({})", names(sets))).unwrap_or_default();
        format!("{sign} {project} / {region}{sets}: {what}   {path}:{line}")
    }
}

impl RequestChange {
    fn words(&self) -> String {
        match self {
            Self::ProjectId(old, new) => format!("project id {} -> {}", old.as_str(), new.as_str()),
            Self::EnterpriseProject(old, new) => format!("enterprise project {old} -> {new}"),
            Self::Credential(old, new) => format!("credential {old} -> {new}"),
            Self::Extent(old, new) => format!("{old} -> {new}"),
            Self::RegistryAdded(registry) => {
                format!("registry {} ({}) added", registry.registry_id, registry.registry_type)
            }
            Self::RegistryRemoved(registry) => {
                format!("registry {} ({}) removed", registry.registry_id, registry.registry_type)
            }
            Self::RegistryType(was, is) => format!("registry {}: {} -> {is}", was.registry_id, was.registry_type),
            Self::SelectionAdded(selector) => format!("selection {} added", selection(selector)),
            Self::SelectionRemoved(selector) => format!("selection {} removed", selection(selector)),
        }
    }
}

/// `discovered (type Harbor or Jfrog, name prod-*, status success)`
fn selection(selector: &Selector) -> String {
    let types: Vec<&str> = selector.registry_type.iter().map(|kind| kind.as_str()).collect();
    let types = (!types.is_empty()).then(|| format!("type {}", types.join(" or ")));
    let name = selector.registry_name.as_ref().map(|name| format!("name {name}"));
    let status = selector.status.as_ref().map(|status| format!("status {status}"));
    let parts: Vec<String> = types.into_iter().chain(name).chain(status).collect();
    format!("{} ({})", selector.set, parts.join(", "))
}
