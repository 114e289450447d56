//! References between the parts of a plan: what is named must exist, what exists should be used.
//!
//! Everything is a look-up in a map, so that 100,000 projects take linear time. The waves' part is in [`super::waves`].
//! Whether a template's variables exist is found where it is rendered, in `expand`.

use ahash::{HashMap, HashMapExt as _, HashSet, HashSetExt as _};

use super::file::{Places, PlanFile, Project, SetKind, Templated, Variable};
use super::uses::Uses;
use super::words::{in_order, shown};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::model::{Endpoint, KNOWN_REGIONS, SetName};
use crate::source::{Location, SourceId, Span, Spanned};

/// The domains of the service: an endpoint that a plan names must be one of them or lie below.
const SERVICE_DOMAINS: [&str; 2] = ["myhuaweicloud.com", "myhuaweicloud.eu"];

/// Names that are compared to find out what was meant, in all diagnostics of a plan.
const MOST_COMPARISONS: usize = 500_000;

/// Names that a help text lists before it stops.
const MOST_LISTED: usize = 10;

/// A plan whose structure, values and references are right. Only [`validate`] makes one.
#[derive(Clone, Debug)]
pub struct ValidatedPlan(PlanFile);

impl ValidatedPlan {
    /// The plan.
    #[must_use]
    pub fn file(&self) -> &PlanFile {
        &self.0
    }
}

/// Checks every reference. Returns the plan with its warnings.
///
/// `allowed_hosts` are the operator's `--allow-endpoint` hosts, with or without a port; loopback needs to be among them too.
///
/// # Errors
/// Every reference that is wrong, and the warnings, in source order.
pub fn validate(file: PlanFile, allowed_hosts: &[String]) -> Result<(ValidatedPlan, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut check = Check::new(file.source);
    check.set_contents(&file);
    check.set_references(&file);
    check.project_names(&file);
    check.variables(&file);
    check.regions(&file);
    check.endpoints(&file, allowed_hosts);
    check.waves(&file);
    let found = in_order(check.found);
    if found.iter().any(Diagnostic::is_error) { Err(found) } else { Ok((ValidatedPlan(file), found)) }
}

/// Collects what is found.
pub(super) struct Check {
    source: SourceId,
    found: Vec<Diagnostic>,
    /// Suggestions cost a walk over all candidates: fewer are made where there are a great many.
    pub(super) comparisons_left: usize,
}

impl Check {
    fn new(source: SourceId) -> Self {
        Self { source, found: Vec::new(), comparisons_left: MOST_COMPARISONS }
    }

    pub(super) fn add(&mut self, diagnostic: Diagnostic) {
        self.found.push(diagnostic);
    }

    pub(super) fn at(&self, code: Code, span: Span, message: String) -> Diagnostic {
        Diagnostic::at(code, self.source, span, message)
    }

    pub(super) fn location(&self, span: Span) -> Location {
        Location::new(self.source, span)
    }

    /// "did you mean", or what there is to choose from.
    pub(super) fn suggest<'a>(
        &mut self,
        name: &str,
        candidates: impl Iterator<Item = &'a str> + Clone,
        none: &str,
    ) -> (Option<&'a str>, String) {
        let Some(left) = self.comparisons_left.checked_sub(1 + candidates.clone().count()) else {
            return (None, none.to_owned());
        };
        self.comparisons_left = left;
        if let Some(meant) = nearest(name, candidates.clone()) {
            return (Some(meant), format!("did you mean `{meant}`?"));
        }
        let mut names: Vec<&str> = candidates.collect();
        names.sort_unstable();
        names.dedup();
        let more = names.len().saturating_sub(MOST_LISTED);
        names.truncate(MOST_LISTED);
        let help = match (names.is_empty(), more) {
            (true, _) => none.to_owned(),
            (false, more) => {
                let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
                let others = if more == 0 { String::new() } else { format!(" and {more} more") };
                format!("this plan has {}{others}", names.join(", "))
            }
        };
        (None, help)
    }

    /// No registry twice in a set.
    fn set_contents(&mut self, file: &PlanFile) {
        for set in &file.registry_sets {
            let SetKind::Registries(items) = &set.kind else { continue };
            let mut first_places = HashMap::with_capacity(items.len());
            for item in items {
                let key = (&*item.registry_id.text, &*item.registry_type.text);
                let first = *first_places.entry(key).or_insert(item.span);
                if first == item.span {
                    continue;
                }
                let message =
                    format!("registry {} stands twice in set {}", shown(key.0), shown(set.name.value.as_str()));
                let diagnostic = self
                    .at(Code::RepeatedItem, item.registry_id.span, message)
                    .label("again")
                    .also(self.location(first), "first here")
                    .help("remove one of the two");
                self.add(diagnostic);
            }
        }
    }

    /// Every set that is named exists, every set that exists is named, and every project has sets.
    fn set_references(&mut self, file: &PlanFile) {
        let defined: HashMap<&str, Span> =
            file.registry_sets.iter().map(|set| (set.name.value.as_str(), set.name.span)).collect();
        let mut used = HashSet::new();
        let mut without = Vec::new();
        for project in &file.projects {
            match (&project.registry_sets, &file.defaults.registry_sets) {
                (Some(names), _) => self.known_sets(names, &defined, &mut used),
                (None, Some(names)) => used.extend(names.iter().map(|name| name.value.as_str())),
                (None, None) => without.push(project),
            }
        }
        let mut by_defaults = HashSet::new();
        if let Some(names) = &file.defaults.registry_sets {
            self.known_sets(names, &defined, &mut by_defaults);
        }
        if !without.is_empty() {
            // Sets that these projects may have been meant to name are not also unused.
            return self.missing_sets(&without);
        }
        for set in &file.registry_sets {
            let name = set.name.value.as_str();
            if used.contains(name) {
                continue;
            }
            let message = format!("registry set {} is not used", shown(name));
            let help = if by_defaults.contains(name) {
                "only `defaults` names it, and every project names sets of its own; remove it, or name it in a project"
            } else {
                "name it in a project's `registry_sets` or in `defaults`, or remove it"
            };
            let diagnostic = self.at(Code::UnusedSet, set.name.span, message).help(help);
            self.add(diagnostic);
        }
    }

    fn known_sets<'f>(
        &mut self,
        names: &'f [Spanned<SetName>],
        defined: &HashMap<&'f str, Span>,
        used: &mut HashSet<&'f str>,
    ) {
        for name in names {
            if defined.contains_key(name.value.as_str()) {
                used.insert(name.value.as_str());
            } else {
                // The set that was probably meant is not also unused.
                used.extend(self.unknown_set(name.value.as_str(), name.span, defined));
            }
        }
    }

    /// Returns the set that was probably meant.
    pub(super) fn unknown_set<'f>(
        &mut self,
        name: &str,
        span: Span,
        defined: &HashMap<&'f str, Span>,
    ) -> Option<&'f str> {
        let message = format!("registry set {} is not defined", shown(name));
        let (meant, help) = self.suggest(name, defined.keys().copied(), "define it under `registry_sets`");
        let mut diagnostic = self.at(Code::UnknownSet, span, message).label("no such set").help(help);
        if let Some((meant, place)) = meant.and_then(|meant| Some((meant, defined.get(meant)?))) {
            diagnostic = diagnostic.also(self.location(*place), format!("`{meant}` is defined here"));
        }
        self.add(diagnostic);
        meant
    }

    /// One cause, one diagnostic: what is missing is usually one line in `defaults`.
    fn missing_sets(&mut self, without: &[&Project]) {
        let Some((first, others)) = without.split_first() else { return };
        let message = format!(
            "project {} names no registry sets, and `defaults` names none for it",
            shown(first.name.value.as_str())
        );
        let mut diagnostic = self
            .at(Code::MissingSets, first.name.span, message)
            .help("add `registry_sets: [NAME]` to the project or to `defaults`");
        for project in others.iter().take(2) {
            diagnostic = diagnostic.also(self.location(project.name.span), "nor does this project");
        }
        if others.len() > 2 {
            diagnostic = diagnostic.note(format!("{} projects in all name none", without.len()));
        }
        self.add(diagnostic);
    }

    fn project_names(&mut self, file: &PlanFile) {
        let mut first_places = HashMap::with_capacity(file.projects.len());
        for project in &file.projects {
            let name = project.name.value.as_str();
            let Some(first) = first_places.insert(name, project.name.span) else { continue };
            first_places.insert(name, first);
            let diagnostic = self
                .at(Code::DuplicateProject, project.name.span, format!("project {} is defined twice", shown(name)))
                .label("again")
                .also(self.location(first), "first here")
                .help("rename one of them, or put their regions into one entry");
            self.add(diagnostic);
        }
    }

    fn variables(&mut self, file: &PlanFile) {
        for variable in unused_variables(file) {
            let name = &variable.name.value;
            let diagnostic = self
                .at(Code::UnusedVariable, variable.name.span, format!("variable {} is not used", shown(name)))
                .help(format!("write `{{{{ vars.{name} }}}}` where it is meant, or remove it"));
            self.add(diagnostic);
        }
    }

    /// Regions that neither the SDK's table nor the plan's `endpoints` knows, once each.
    fn regions(&mut self, file: &PlanFile) {
        let mut seen: HashSet<&str> = file.endpoints.iter().map(|(region, _)| region.value.as_str()).collect();
        seen.extend(KNOWN_REGIONS);
        for (region, span) in literal_regions(file) {
            if !seen.insert(region) {
                continue;
            }
            let help = match nearest(region, KNOWN_REGIONS) {
                Some(meant) => {
                    format!("did you mean `{meant}`? If it is a new region, name its endpoint under `endpoints`")
                }
                None => "if it is a new region, name its endpoint under `endpoints`".to_owned(),
            };
            let message = format!("region {} is not in the list of known regions", shown(region));
            let diagnostic = self.at(Code::UnlistedRegion, span, message).help(help);
            self.add(diagnostic);
        }
    }

    /// A plan can come from a stranger, and a request carries a signature: its hosts are the service's, or the operator's.
    fn endpoints(&mut self, file: &PlanFile, allowed_hosts: &[String]) {
        for (_, endpoint) in &file.endpoints {
            let host = endpoint.value.host();
            if is_allowed_host(&endpoint.value, allowed_hosts) {
                continue;
            }
            let message = format!("host {} lies outside {}", shown(host), SERVICE_DOMAINS.join(" and "));
            let diagnostic = self
                .at(Code::EndpointNotAllowed, endpoint.span, message)
                .note("signed requests would go to this host, so a plan alone can't choose it")
                .help(format!("if you trust it, pass `--allow-endpoint {host}`"));
            self.add(diagnostic);
        }
    }
}

/// Whether a file alone may choose it: it lies in Huawei Cloud, or the operator names its host, with or without a port.
#[must_use]
pub fn is_allowed_host(endpoint: &Endpoint, allowed_hosts: &[String]) -> bool {
    let host = endpoint.host();
    let in_domain =
        |domain: &&str| host.strip_suffix(*domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    let is_named = |name: &String| name.eq_ignore_ascii_case(host) || name.eq_ignore_ascii_case(endpoint.authority());
    SERVICE_DOMAINS.iter().any(in_domain) || allowed_hosts.iter().any(is_named)
}

/// The variables that no template mentions.
pub(crate) fn unused_variables(file: &PlanFile) -> Vec<&Variable> {
    if file.vars.is_empty() {
        return Vec::new();
    }
    let mut uses = Uses::default();
    templates(file).filter(|templated| !templated.is_literal()).for_each(|templated| uses.scan(&templated.text));
    file.vars.iter().filter(|variable| !uses.contains(&variable.name.value)).collect()
}

/// The regions that are written as such, each with its place.
pub(super) fn literal_regions(file: &PlanFile) -> impl Iterator<Item = (&str, Span)> {
    file.projects.iter().flat_map(|project| {
        let (places, regions) = match &project.places {
            Places::PerRegion(places) => (places.as_slice(), &[][..]),
            Places::Same { regions, .. } => (&[][..], regions.as_slice()),
        };
        let written = places.iter().map(|place| (place.region.value.as_str(), place.region.span));
        written.chain(regions.iter().filter(|region| region.is_literal()).map(|region| (&*region.text, region.span)))
    })
}

/// Every scalar that may hold a template.
fn templates(file: &PlanFile) -> impl Iterator<Item = &Templated> {
    let registries = file.registry_sets.iter().flat_map(|set| match &set.kind {
        SetKind::Registries(items) => items.as_slice(),
        SetKind::All | SetKind::Select(_) => &[],
    });
    let defaults = file.defaults.enterprise_project_id.iter().chain(&file.defaults.credential);
    registries.flat_map(|item| [&item.registry_id, &item.registry_type]).chain(defaults).chain(
        file.projects.iter().flat_map(|project| {
            let (places, same) = match &project.places {
                Places::PerRegion(places) => (places.as_slice(), None),
                Places::Same { project_id, regions } => (&[][..], Some((&**project_id, regions))),
            };
            let places = places.iter().map(|place| &place.project_id);
            let same = same.into_iter().flat_map(|(id, regions)| std::iter::once(id).chain(regions));
            let own = project.enterprise_project_id.as_deref().into_iter().chain(project.credential.as_deref());
            places.chain(same).chain(own)
        }),
    )
}
