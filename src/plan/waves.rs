//! The waves' references: labels, projects, regions and sets that a wave selects must exist in the plan.
//!
//! Whether a wave ends up with operations is counted in `expand`; here is only what no operation can change.

use ahash::{HashMap, HashMapExt as _, HashSet};

use super::file::{Places, PlanFile, WaveSpec};
use super::validate::{Check, literal_regions};
use super::words::{not_a, shown, wildcards};
use crate::diagnostic::Code;
use crate::model::InvalidValue;
use crate::source::{Span, Spanned};

/// What a plan's waves can select from.
struct Known<'f> {
    labels: HashSet<&'f str>,
    projects: HashSet<&'f str>,
    regions: HashSet<&'f str>,
    /// A region is a template somewhere, so that only rendering tells which regions there are.
    rendered_regions: bool,
    sets: HashMap<&'f str, Span>,
}

impl<'f> Known<'f> {
    fn of(file: &'f PlanFile) -> Self {
        let labels = file.projects.iter().flat_map(|project| project.labels.iter().map(|label| label.value.as_str()));
        let rendered_regions = file.projects.iter().any(|project| match &project.places {
            Places::Same { regions, .. } => regions.iter().any(|region| !region.is_literal()),
            Places::PerRegion(_) => false,
        });
        Self {
            labels: labels.collect(),
            projects: file.projects.iter().map(|project| project.name.value.as_str()).collect(),
            regions: literal_regions(file).map(|(region, _)| region).collect(),
            rendered_regions,
            sets: file.registry_sets.iter().map(|set| (set.name.value.as_str(), set.name.span)).collect(),
        }
    }
}

impl Check {
    pub(super) fn waves(&mut self, file: &PlanFile) {
        if file.rollout.waves.is_empty() {
            return;
        }
        let known = Known::of(file);
        let mut first_places: HashMap<&str, Span> = HashMap::new();
        let mut takes_rest: Option<&WaveSpec> = None;
        for wave in &file.rollout.waves {
            let name = wave.name.value.as_str();
            if let Some(first) = first_places.get(name) {
                let diagnostic = self
                    .at(Code::DuplicateWave, wave.name.span, format!("wave {} is defined twice", shown(name)))
                    .label("again")
                    .also(self.location(*first), "first here")
                    .help("rename one of them; waves are named in reports and selections");
                self.add(diagnostic);
            }
            first_places.entry(name).or_insert(wave.name.span);
            match takes_rest {
                Some(rest) => self.left_with_nothing(wave, rest),
                None if wave.select.is_none() => takes_rest = Some(wave),
                None => {}
            }
            self.selection(wave, &known);
        }
    }

    fn left_with_nothing(&mut self, wave: &WaveSpec, rest: &WaveSpec) {
        let (name, taker) = (shown(wave.name.value.as_str()), shown(rest.name.value.as_str()));
        let message = format!("wave {name} is left with nothing: wave {taker} before it takes everything");
        let diagnostic = self
            .at(Code::EmptyWave, wave.name.span, message)
            .also(self.location(rest.name.span), "has no `select`")
            .help(format!("move {taker} to the end, or give it a `select`"));
        self.add(diagnostic);
    }

    fn selection(&mut self, wave: &WaveSpec, known: &Known<'_>) {
        let Some(select) = &wave.select else { return };
        for label in select.labels.iter().filter(|label| !known.labels.contains(label.value.as_str())) {
            let none = "no project of this plan has a label";
            self.unmatched(Code::UnknownLabel, "no project has label", label, &known.labels, none);
        }
        for project in &select.projects {
            if !self.matches(project, &known.projects) {
                self.unmatched(Code::UnknownProject, "no project is named", project, &known.projects, "");
            }
        }
        for region in &select.regions {
            if !known.rendered_regions && !self.matches(region, &known.regions) {
                self.unmatched(Code::UnknownRegion, "no project is in region", region, &known.regions, "");
            }
        }
        for set in select.sets.iter().filter(|set| !known.sets.contains_key(set.value.as_str())) {
            self.unknown_set(&set.value, set.span, &known.sets);
        }
    }

    fn unmatched(&mut self, code: Code, what: &str, name: &Spanned<String>, known: &HashSet<&str>, none: &str) {
        let (_, help) = self.suggest(&name.value, known.iter().copied(), none);
        let diagnostic = self.at(code, name.span, format!("{what} {}", shown(&name.value))).help(help);
        self.add(diagnostic);
    }

    /// Whether a name or glob stands for at least one of the names.
    fn matches(&mut self, pattern: &Spanned<String>, names: &HashSet<&str>) -> bool {
        if names.contains(pattern.value.as_str()) {
            return true;
        }
        let Some(glob) = wildcards(&pattern.value) else { return false };
        match glob {
            Ok(glob) => {
                // Beyond the budget every pattern counts as matching: whether its wave is empty is counted later.
                let Some(left) = self.comparisons_left.checked_sub(names.len()) else { return true };
                self.comparisons_left = left;
                let matcher = glob.compile_matcher();
                names.iter().any(|name| matcher.is_match(name))
            }
            // Decoding refuses such a pattern; a plan made otherwise is told here.
            Err(error) => {
                let error = InvalidValue::new("a name or pattern", format!("has a mistake: {}", error.kind()));
                let diagnostic = self.at(Code::InvalidValue, pattern.span, not_a(&pattern.value, &error));
                self.add(diagnostic);
                true
            }
        }
    }
}
