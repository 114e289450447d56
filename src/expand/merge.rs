//! Registry sets to what a request asks for.
//!
//! By default the sets of one place become one request, since calls are scarce: registries are united in order of
//! first mention, and a set that synchronises everything covers the rest. What depends on no more than the region is
//! merged once for each region, not once for each project.

use std::rc::Rc;
use std::sync::Arc;

use ahash::{HashMap, HashMapExt as _};

use super::identity::content_hash;
use super::render::{Field, Renderer};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Content, RegistryId, RegistryPlace, RegistryRef, RegistryType, Selector, SetName, SyncBody};
use crate::plan::{PlanFile, RegistryItem, SetKind};
use crate::source::{Location, SourceId, Spanned};
use crate::template::{Scope, Subject, Uses};

struct Item<'p> {
    id: Field<'p, RegistryId>,
    kind: Field<'p, RegistryType>,
    place: RegistryPlace,
}

enum Kind<'p> {
    Registries(Vec<Item<'p>>),
    All,
    Select(Selector),
}

struct Set<'p> {
    name: SetName,
    kind: Kind<'p>,
    uses: Uses,
}

/// Which sets go into one request, in the order named: one of the lists that [`Sets`] has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Recipe(usize);

/// What is known of a recipe.
struct Known {
    /// Indices into the plan's sets.
    sets: Vec<usize>,
    names: Arc<[SetName]>,
    uses: Uses,
    /// What it asks for, by region where its sets depend on that; else under no name at all.
    merged: HashMap<String, Rc<Merged>>,
}

/// The sets of one plan.
pub(super) struct Sets<'p> {
    source: SourceId,
    sets: Vec<Set<'p>>,
    by_name: HashMap<&'p str, usize>,
    recipes: Vec<Known>,
    by_sets: HashMap<Vec<usize>, Recipe>,
}

/// What one request asks for, with its hash.
pub(super) struct Merged {
    pub(super) content: Arc<Content>,
    pub(super) hash: [u8; 32],
}

/// A registry with the place that names it.
struct Named {
    registry: RegistryRef,
    place: RegistryPlace,
}

impl<'p> Sets<'p> {
    pub(super) fn new(file: &'p PlanFile, renderer: &mut Renderer<'_>) -> Self {
        let mut sets = Vec::with_capacity(file.registry_sets.len());
        let mut by_name = HashMap::new();
        for (index, set) in file.registry_sets.iter().enumerate() {
            by_name.insert(set.name.value.as_str(), index);
            let name = set.name.value.clone();
            let (kind, uses) = match &set.kind {
                SetKind::All => (Kind::All, Uses::default()),
                SetKind::Select(spec) => {
                    let mut registry_type = spec.registry_type.clone();
                    registry_type.sort_unstable();
                    registry_type.dedup();
                    let (registry_name, status) = (spec.registry_name.clone(), spec.status.clone());
                    let location = Location::new(file.source, set.name.span);
                    let selector = Selector { set: name.clone(), registry_type, registry_name, status, location };
                    (Kind::Select(selector), Uses::default())
                }
                SetKind::Registries(items) => {
                    let items: Vec<Item<'p>> = items.iter().map(|item| prepare(item, file.source, renderer)).collect();
                    let uses = items.iter().fold(Uses::default(), |uses, item| {
                        uses.or(renderer.uses(&item.id)).or(renderer.uses(&item.kind))
                    });
                    (Kind::Registries(items), uses)
                }
            };
            sets.push(Set { name, kind, uses });
        }
        Self { source: file.source, sets, by_name, recipes: Vec::new(), by_sets: HashMap::new() }
    }

    /// The sets of a list. Names that no set has were refused by `plan::validate`.
    pub(super) fn recipe(&mut self, list: &[Spanned<SetName>]) -> Recipe {
        let sets: Vec<usize> = list.iter().filter_map(|name| self.by_name.get(name.value.as_str()).copied()).collect();
        if let Some(recipe) = self.by_sets.get(&sets) {
            return *recipe;
        }
        let recipe = Recipe(self.recipes.len());
        self.recipes.push(Known {
            names: sets.iter().map(|index| self.sets[*index].name.clone()).collect(),
            uses: sets.iter().fold(Uses::default(), |uses, index| uses.or(self.sets[*index].uses)),
            sets: sets.clone(),
            merged: HashMap::new(),
        });
        self.by_sets.insert(sets, recipe);
        recipe
    }

    /// The names of its sets, shared by all operations that are made of them.
    pub(super) fn names(&self, Recipe(recipe): Recipe) -> &Arc<[SetName]> {
        &self.recipes[recipe].names
    }

    /// Warns when a set of a merged list synchronises everything, so that the others add nothing.
    pub(super) fn check_redundant(
        &self,
        list: &[Spanned<SetName>],
        renderer: &mut Renderer<'_>,
        subject: &Subject<'_>,
        operations: usize,
    ) {
        let kind = |name: &SetName| self.by_name.get(name.as_str()).map(|index| &self.sets[*index].kind);
        let Some(all) = list.iter().find(|name| matches!(kind(&name.value), Some(Kind::All))) else { return };
        let others: Vec<_> = list.iter().filter(|name| name.span != all.span).collect();
        let Some(first) = others.first() else { return };
        let (source, location) = (self.source, Location::new(self.source, all.span));
        let cause = renderer.findings.cause(location, Code::RedundantRegistries, "", || {
            let names: Vec<_> = others.iter().map(|name| format!("`{}`", name.value)).collect();
            let message =
                format!("set `{}` synchronises every registry, so {} adds nothing", all.value, names.join(", "));
            Diagnostic::at(Code::RedundantRegistries, source, all.span, message)
                .label("covers every registry of the project")
                .also(Location::new(source, first.span), "redundant")
                .help("remove the redundant sets here, or write `requests: per-set` for one request each")
        });
        renderer.findings.met(cause, subject, operations);
    }

    /// What the sets of `recipe` ask for at a place. Nothing when a value in them is wrong there.
    pub(super) fn content(
        &mut self,
        Recipe(recipe): Recipe,
        renderer: &mut Renderer<'_>,
        subject: &Subject<'_>,
    ) -> Option<Rc<Merged>> {
        let known = &self.recipes[recipe];
        if known.uses.project {
            return self.merge(known, renderer, subject).map(Rc::new);
        }
        let region = subject.region.filter(|_| known.uses.region).unwrap_or_default();
        if let Some(merged) = known.merged.get(region) {
            return Some(merged.clone());
        }
        let merged = Rc::new(self.merge(known, renderer, subject)?);
        self.recipes[recipe].merged.insert(region.to_owned(), merged.clone());
        Some(merged)
    }

    fn merge(&self, recipe: &Known, renderer: &mut Renderer<'_>, subject: &Subject<'_>) -> Option<Merged> {
        let mut united = United { registries: Vec::new(), by_id: HashMap::new(), whole: true };
        let mut all = false;
        let mut selectors: Vec<Selector> = Vec::new();
        for index in &recipe.sets {
            let set = &self.sets[*index];
            match &set.kind {
                Kind::All => all = true,
                Kind::Select(selector) if !selectors.iter().any(|other| same_selection(other, selector)) => {
                    selectors.push(selector.clone());
                }
                Kind::Select(_) => {}
                Kind::Registries(items) => {
                    let subject = Subject { registry_set: Some(set.name.as_str()), ..*subject };
                    for item in items {
                        let id = renderer.value(&item.id, &subject, 1);
                        let kind = renderer.value(&item.kind, &subject, 1);
                        match (id, kind) {
                            (Some(registry_id), Some(registry_type)) => {
                                let registry = RegistryRef { registry_id, registry_type };
                                united.add(Named { registry, place: item.place }, renderer, &subject);
                            }
                            _ => united.whole = false,
                        }
                    }
                }
            }
        }
        if !united.whole {
            return None;
        }
        let content = if all {
            let body = SyncBody { sync_all_registries: true, registry_info: Vec::new() };
            Content { body, places: Vec::new(), selectors: Vec::new() }
        } else {
            let (registry_info, places) = united.registries.into_iter().map(|one| (one.registry, one.place)).unzip();
            Content { body: SyncBody { sync_all_registries: false, registry_info }, places, selectors }
        };
        Some(Merged { hash: content_hash(&content), content: Arc::new(content) })
    }
}

fn prepare<'p>(item: &'p RegistryItem, source: SourceId, renderer: &mut Renderer<'_>) -> Item<'p> {
    let place = RegistryPlace {
        registry_id: Location::new(source, item.registry_id.span),
        registry_type: Location::new(source, item.registry_type.span),
    };
    Item {
        id: renderer.field(&item.registry_id, Scope::Registry, RegistryId::parse),
        kind: renderer.field(&item.registry_type, Scope::Registry, RegistryType::parse),
        place,
    }
}

fn same_selection(a: &Selector, b: &Selector) -> bool {
    (&a.registry_type, &a.registry_name, &a.status) == (&b.registry_type, &b.registry_name, &b.status)
}

/// Registries without duplicates, in order of first mention.
struct United {
    registries: Vec<Named>,
    by_id: HashMap<RegistryId, usize>,
    whole: bool,
}

impl United {
    fn add(&mut self, named: Named, renderer: &mut Renderer<'_>, subject: &Subject<'_>) {
        let id = named.registry.registry_id.clone();
        let Some(first) = self.by_id.get(&id).map(|index| &self.registries[*index]) else {
            self.by_id.insert(id, self.registries.len());
            self.registries.push(named);
            return;
        };
        if first.registry.registry_type == named.registry.registry_type {
            return;
        }
        let (was, is) = (first.registry.registry_type, named.registry.registry_type);
        let (location, first_location) = (named.place.registry_type, first.place.registry_type);
        let Location { source, span } = location;
        let cause = renderer.findings.cause(
            location,
            Code::ConflictingRegistryType,
            &format!("{id} {}", first_location.span.start),
            || {
                let message = format!("registry `{id}` is {is} here and {was} elsewhere in the same request");
                Diagnostic::at(Code::ConflictingRegistryType, source, span, message)
                    .label(format!("{is} here"))
                    .also(first_location, format!("{was} here"))
                    .help("a registry has one type: correct one of the two, or use `requests: per-set`")
            },
        );
        renderer.findings.met(cause, subject, 1);
        self.whole = false;
    }
}
