//! A difference in lines for people: `+` what is new, `-` what is gone, `~` what is another, settings by their names.

use super::{
    Comparison, Difference, Kind, OperationChange, OperationDifference, PlanChange, PlanDifference, RequestChange,
    SettingChange, Tally,
};
use crate::diagnostic::visible;
use crate::model::{Selector, SetName};

impl Comparison<'_> {
    /// Everything that differs, a line each, then how much that is and between what. Safe for a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { old, new, difference, .. } = self;
        let mut text = difference.text(usize::MAX);
        if !difference.is_empty() {
            text.push('\n');
        }
        let Tally { added, removed, changed } = difference.tally();
        text.push_str(&format!(
            "{added} added, {removed} removed, {changed} changed; {} operations before, {} now\n",
            old.operations, new.operations
        ));
        for (name, side) in [("old", old), ("new", new)] {
            let digest = side.digest.as_deref().unwrap_or("several plans");
            text.push_str(&format!("{name}  {digest}  {} {}\n", side.kind.as_str(), visible(&side.path)));
        }
        if matches!(old.kind, Kind::Report | Kind::Listing) {
            text.push_str("Limits, budgets and endpoints are not compared: the old side does not hold them.\n");
        }
        text
    }
}

/// Where both sides hold their settings.
const HIDDEN: &str = "a setting that is not shown differs: one that an option of this call covers, or an entry of `endpoints` that \
                      names the built-in one";
/// Where the old side is a list of operations.
const NOT_HELD: &str =
    "a setting differs that a list of operations does not hold: the name, waves, limits or endpoints of the plan";

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
    /// What is said where digests differ and nothing that can be shown does.
    pub(super) fn hidden(&self) -> Option<&'static str> {
        match self.change {
            PlanChange::Changed { is_hidden: true, has_settings: true, .. } => Some(HIDDEN),
            PlanChange::Changed { is_hidden: true, has_settings: false, .. } => Some(NOT_HELD),
            _ => None,
        }
    }

    fn lines(&self) -> Vec<String> {
        let Self { path, name, change } = self;
        let count = |count: usize| format!("{count} operation{}", if count == 1 { "" } else { "s" });
        match change {
            PlanChange::Added { operations } => vec![format!("+ plan {name}: {}   {path}", count(operations.len()))],
            PlanChange::Removed { operations } => vec![format!("- plan {name}: {}   {path}", count(operations.len()))],
            PlanChange::Changed { settings, operations, .. } => {
                let setting = |change: &SettingChange| {
                    let SettingChange { setting, old, new } = change;
                    format!("{setting}: {old} -> {new}   {path}")
                };
                let hidden = self.hidden().map(|hidden| format!("{hidden}   {path}"));
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
        let Self { project, region, place: (path, line), .. } = self;
        let (sign, sets, what) = (self.sign(), self.told_apart(), self.words(MOST_CHANGES).join(", "));
        format!("{sign} {project} / {region}{sets}: {what}   {path}:{line}")
    }

    /// `+`, `-` or `~`.
    pub(super) fn sign(&self) -> char {
        match self.change {
            OperationChange::Added { .. } => '+',
            OperationChange::Removed { .. } => '-',
            OperationChange::Changed { .. } => '~',
        }
    }

    /// ` (harbor, swr)` where the place alone does not say which operation it is.
    pub(super) fn told_apart(&self) -> String {
        let names = |sets: &Vec<SetName>| sets.iter().map(SetName::as_str).collect::<Vec<_>>().join(", ");
        // What is added or removed names its sets anyhow.
        let sets = self.sets.as_ref().filter(|_| matches!(self.change, OperationChange::Changed { .. }));
        sets.map(|sets| format!(" ({})", names(sets))).unwrap_or_default()
    }

    /// What it asks for, or what changed; of changes of its request at most `most`, and then how many more there are.
    pub(super) fn words(&self, most: usize) -> Vec<String> {
        match &self.change {
            OperationChange::Added { what } | OperationChange::Removed { what } => vec![what.clone()],
            OperationChange::Changed { request, wave } => {
                let wave = wave.as_ref().map(|(old, new)| format!("wave {old} -> {new}"));
                let more = request.len().saturating_sub(most);
                let more = (more > 0).then(|| format!("{more} more changes"));
                let shown = request.iter().take(most).map(RequestChange::words);
                shown.chain(more).chain(wave).collect()
            }
        }
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
