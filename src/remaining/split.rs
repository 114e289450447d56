//! Project entries for what is left: one, or several where the sets that are left differ between the regions of one project.
//!
//! That happens with `requests: per-set` only. A project names its sets for all its regions, and a plan has each project name
//! once, so the regions that need other sets go to an entry with a new name. A template that mentions `project` would render to
//! another value there: what it rendered to in the run is written in its place, in a copy of a set where it stands in a set.

use std::collections::{HashMap, HashSet};

use super::reduce::{PlaceLeft, Renamed};
use crate::model::{CredentialName, EnterpriseProjectId, InvalidValue, Operation, ProjectName, RegistryRef, SetName};
use crate::plan::{Places, PlanFile, Project, RegionPlace, RegistryItem, RegistrySet, RequestMode, SetKind, Templated};
use crate::source::{Span, Spanned};
use crate::yaml::ScalarStyle;

/// Longest name of a project or set (`model::id`).
const LONGEST_NAME: usize = 64;

/// An entry of the reduced plan.
pub(super) struct Entry {
    pub(super) project: Project,
    /// The project that it was made from.
    pub(super) original: ProjectName,
}

impl Entry {
    /// The new name, if it has one.
    pub(super) fn renamed(&self) -> Option<Renamed> {
        let (from, to) = (self.original.clone(), self.project.name.value.clone());
        (from != to).then_some(Renamed { from, to })
    }
}

/// Places that can share an entry: the same sets are left, and what an entry of another name can't render is the same.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    sets: Vec<usize>,
    enterprise_project_id: Option<EnterpriseProjectId>,
    credential: Option<CredentialName>,
    contents: Vec<Vec<RegistryRef>>,
}

/// Makes the entries of one plan.
pub(super) struct Splitter<'f> {
    file: &'f PlanFile,
    sets: HashMap<&'f str, &'f RegistrySet>,
    project_names: HashSet<String>,
    set_names: HashSet<String>,
    /// Copies of sets by the name of the original, in the order in which they were made.
    copies: HashMap<&'f str, Vec<RegistrySet>>,
}

impl<'f> Splitter<'f> {
    pub(super) fn new(file: &'f PlanFile) -> Self {
        Self {
            file,
            sets: file.registry_sets.iter().map(|set| (set.name.value.as_str(), set)).collect(),
            project_names: file.projects.iter().map(|project| project.name.value.to_string()).collect(),
            set_names: file.registry_sets.iter().map(|set| set.name.value.to_string()).collect(),
            copies: HashMap::new(),
        }
    }

    /// The entries for what is left of a project, in the order of their first places.
    pub(super) fn entries(
        &mut self,
        project: &'f Project,
        left: Vec<PlaceLeft<'_>>,
    ) -> Result<Vec<Entry>, InvalidValue> {
        let original = project.name.value.clone();
        let mut groups = self.groups(project, left).into_iter();
        let Some(first) = groups.next() else { return Ok(Vec::new()) };
        let mut reduced = Project { places: kept(&project.places, &first), ..project.clone() };
        if self.is_per_set(project) && first.sets().len() < self.list(project).len() {
            reduced.registry_sets = Some(self.names(project, &first));
        }
        let mut entries = vec![Entry { project: reduced, original: original.clone() }];
        for (group, number) in groups.zip(2..) {
            let name = ProjectName::parse(&free_name(original.as_str(), number, &mut self.project_names))?;
            let project = self.named_anew(project, &group, Spanned::new(name, project.name.span))?;
            entries.push(Entry { project, original: original.clone() });
        }
        Ok(entries)
    }

    /// The sets of the plan, each with its copies behind it.
    pub(super) fn registry_sets(&self) -> Vec<RegistrySet> {
        let copies = |set: &RegistrySet| self.copies_of(set.name.value.as_str()).to_vec();
        self.file.registry_sets.iter().flat_map(|set| std::iter::once(set.clone()).chain(copies(set))).collect()
    }

    /// The copies of a set.
    pub(super) fn copies_of(&self, set: &str) -> &[RegistrySet] {
        self.copies.get(set).map_or(&[], Vec::as_slice)
    }

    fn list(&self, project: &'f Project) -> &'f [Spanned<SetName>] {
        project.registry_sets.as_deref().or(self.file.defaults.registry_sets.as_deref()).unwrap_or_default()
    }

    fn is_per_set(&self, project: &Project) -> bool {
        project.requests.or(self.file.defaults.requests) == Some(RequestMode::PerSet)
    }

    /// Places that can share an entry, by their first place. Those that need the sets of the first place keep the name, so
    /// what their templates render to makes no difference.
    fn groups<'p>(&self, project: &'f Project, left: Vec<PlaceLeft<'p>>) -> Vec<Group<'p>> {
        let mut groups: Vec<Group<'p>> = Vec::new();
        let mut known: HashMap<Key, usize> = HashMap::new();
        for place in left {
            let sets: Vec<usize> = place.operations.iter().map(|(set, _)| *set).collect();
            if groups.first().is_some_and(|first| first.sets() == sets) {
                groups[0].0.push(place);
                continue;
            }
            let key = self.key(project, sets, &place);
            if let Some(group) = known.get(&key).copied() {
                groups[group].0.push(place);
                continue;
            }
            if !groups.is_empty() {
                known.insert(key, groups.len());
            }
            groups.push(Group(vec![place]));
        }
        groups
    }

    fn key(&self, project: &'f Project, sets: Vec<usize>, place: &PlaceLeft<'_>) -> Key {
        let target = &place.first().target;
        let contents = place.operations.iter().map(|(set, planned)| match self.set_with_project(project, *set) {
            Some(_) => planned.operation.content.body.registry_info.clone(),
            None => Vec::new(),
        });
        Key {
            enterprise_project_id: self
                .enterprise_project_id(project)
                .filter(|id| mentions_project(id))
                .map(|_| target.enterprise_project_id.clone()),
            credential: self
                .credential(project)
                .filter(|name| mentions_project(name))
                .map(|_| target.credential.clone()),
            contents: contents.collect(),
            sets,
        }
    }

    fn enterprise_project_id(&self, project: &'f Project) -> Option<&'f Templated> {
        project.enterprise_project_id.as_deref().or(self.file.defaults.enterprise_project_id.as_ref())
    }

    fn credential(&self, project: &'f Project) -> Option<&'f Templated> {
        project.credential.as_deref().or(self.file.defaults.credential.as_ref())
    }

    /// A set of the project's list whose contents depend on the project.
    fn set_with_project(&self, project: &'f Project, index: usize) -> Option<&'f RegistrySet> {
        let set = *self.sets.get(self.list(project).get(index)?.value.as_str())?;
        let SetKind::Registries(items) = &set.kind else { return None };
        let mentions =
            |item: &RegistryItem| mentions_project(&item.registry_id) || mentions_project(&item.registry_type);
        items.iter().any(mentions).then_some(set)
    }

    fn names(&self, project: &'f Project, group: &Group<'_>) -> Vec<Spanned<SetName>> {
        let list = self.list(project);
        group.sets().iter().filter_map(|set| list.get(*set).cloned()).collect()
    }

    fn named_anew(
        &mut self,
        project: &'f Project,
        group: &Group<'_>,
        name: Spanned<ProjectName>,
    ) -> Result<Project, InvalidValue> {
        let first = group.0[0].first();
        let enterprise_project_id = match self.enterprise_project_id(project) {
            Some(id) if mentions_project(id) => {
                Some(Box::new(literal(first.target.enterprise_project_id.as_str(), id.span)))
            }
            _ => project.enterprise_project_id.clone(),
        };
        let credential = match self.credential(project) {
            Some(name) if mentions_project(name) => {
                Some(Box::new(literal(first.target.credential.as_str(), name.span)))
            }
            _ => project.credential.clone(),
        };
        let mut names = self.names(project, group);
        for (name, (set, planned)) in names.iter_mut().zip(&group.0[0].operations) {
            if let Some(set) = self.set_with_project(project, *set) {
                name.value = self.copy(set, &planned.operation.content.body.registry_info)?;
            }
        }
        Ok(Project {
            name,
            places: rendered(&project.places, group),
            registry_sets: Some(names),
            enterprise_project_id,
            credential,
            ..project.clone()
        })
    }

    /// A set with these registries, which `set` rendered to.
    fn copy(&mut self, set: &'f RegistrySet, registries: &[RegistryRef]) -> Result<SetName, InvalidValue> {
        let original = set.name.value.as_str();
        let span = set.name.span;
        let items = registries.iter().map(|registry| RegistryItem {
            span,
            registry_id: literal(registry.registry_id.as_str(), span),
            registry_type: literal(registry.registry_type.as_str(), span),
        });
        let copies = self.copies.entry(original).or_default();
        let name = SetName::parse(&free_name(original, copies.len() + 2, &mut self.set_names))?;
        copies.push(RegistrySet { name: Spanned::new(name.clone(), span), kind: SetKind::Registries(items.collect()) });
        Ok(name)
    }
}

/// Places of a project that share an entry; at least one.
struct Group<'p>(Vec<PlaceLeft<'p>>);

impl Group<'_> {
    /// The sets that are left in each of them.
    fn sets(&self) -> Vec<usize> {
        self.0.first().map_or_else(Vec::new, |place| place.operations.iter().map(|(set, _)| *set).collect())
    }
}

impl<'p> PlaceLeft<'p> {
    /// What is left at the place differs in its sets only.
    fn first(&self) -> &'p Operation {
        self.operations[0].1.operation
    }
}

/// The places of a group, as they are written.
fn kept(places: &Places, group: &Group<'_>) -> Places {
    let indexes = group.0.iter().map(|place| place.index);
    match places {
        Places::PerRegion(places) => Places::PerRegion(indexes.filter_map(|at| places.get(at).cloned()).collect()),
        Places::Same { project_id, regions } => Places::Same {
            project_id: project_id.clone(),
            regions: indexes.filter_map(|at| regions.get(at).cloned()).collect(),
        },
    }
}

/// The places of a group, with what they rendered to wherever they mention the project.
fn rendered(places: &Places, group: &Group<'_>) -> Places {
    let id = |place: &PlaceLeft<'_>, template: &Templated| match mentions_project(template) {
        true => literal(place.first().target.project_id.as_str(), template.span),
        false => template.clone(),
    };
    match places {
        Places::PerRegion(places) => {
            let own = group.0.iter().filter_map(|place| Some((place, places.get(place.index)?)));
            Places::PerRegion(
                own.map(|(left, place)| RegionPlace {
                    region: place.region.clone(),
                    project_id: id(left, &place.project_id),
                })
                .collect(),
            )
        }
        Places::Same { project_id, .. } if mentions_project(project_id) => {
            let place = |left: &PlaceLeft<'_>| RegionPlace {
                region: Spanned::new(left.first().target.region.clone(), project_id.span),
                project_id: id(left, project_id),
            };
            Places::PerRegion(group.0.iter().map(place).collect())
        }
        Places::Same { project_id, regions } => {
            let region = |left: &PlaceLeft<'_>| {
                let template = regions.get(left.index)?;
                Some(match mentions_project(template) {
                    true => literal(left.first().target.region.as_str(), template.span),
                    false => template.clone(),
                })
            };
            Places::Same { project_id: project_id.clone(), regions: group.0.iter().filter_map(region).collect() }
        }
    }
}

/// Whether a scalar may render to something else in an entry of another name. `project` is the only way to the name.
fn mentions_project(templated: &Templated) -> bool {
    !templated.is_literal() && templated.text.contains("project")
}

fn literal(text: &str, span: Span) -> Templated {
    Templated { text: text.into(), span, style: ScalarStyle::Plain }
}

/// `payments-2`, or the first free number after it.
fn free_name(base: &str, number: usize, taken: &mut HashSet<String>) -> String {
    let mut number = number;
    loop {
        let suffix = format!("-{number}");
        let mut name: String = base.chars().take(LONGEST_NAME - suffix.len()).collect();
        name.push_str(&suffix);
        if taken.insert(name.clone()) {
            return name;
        }
        number += 1;
    }
}
