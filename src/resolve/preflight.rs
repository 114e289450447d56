//! What a plan states against what the service answered, one line for one fact.
//!
//! Nothing is asked here: `read` asked, and put what it got into an [`Asked`].

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::inventory::{Inventory, Lookup};
use super::questions::{Question, listing_of};
use super::select;
use crate::diagnostic::{Severity, visible};
use crate::event::Failure;
use crate::expand::ExecutionPlan;
use crate::model::{CredentialName, Listing, Operation, RegistryRef, Target, format_duration};
use crate::source::Location;

/// From so far on, a clock is worth a warning: signatures still pass, and a little more drift ends that.
const CLOCK_WARNING: Duration = Duration::from_secs(5 * 60);
/// The gateway refuses signatures whose time is off by more (API signing guide, 2025-06-25).
const CLOCK_ERROR: Duration = Duration::from_secs(15 * 60);

/// How good a fact is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As the plan says.
    Ok,
    /// Not asked, since something before it is wrong.
    Skip,
    /// Worth a look.
    Warn,
    /// A run would go wrong here.
    Fail,
}

impl Status {
    /// `ok`, `skip`, `warn`, `fail`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Skip => "skip",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// What a fact is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A credential of the plans.
    Credential(CredentialName),
    /// The clock of this machine.
    Clock,
    /// A project in a region, by the plan's name.
    Place {
        /// The project's name.
        project: String,
        /// The region.
        region: String,
    },
}

/// One fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How good it is.
    pub status: Status,
    /// What it is about.
    pub subject: Subject,
    /// The fact, visible. It may have several lines.
    pub message: String,
    /// Where the plan says otherwise.
    pub location: Option<Location>,
}

/// What became of a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is none; why.
    Missing(String),
    /// No answer says anything about it.
    Unproven,
    /// The service took it.
    Accepted,
    /// The service refused it.
    Refused(Failure),
}

/// A credential of the plans, after everything was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedCredential {
    /// Its name in the plans.
    pub name: CredentialName,
    /// What it is and where it came from, masked: `AK …0001 from HUAWEICLOUD_SDK_AK`.
    pub source: String,
    /// What became of it.
    pub standing: Standing,
}

/// A clock against this machine's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockOffset {
    /// Whose clock.
    pub host: String,
    /// How far this machine is ahead of it; negative when it is behind.
    pub ahead: jiff::SignedDuration,
}

/// What was asked and what came of it.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The answers.
    pub inventory: Inventory,
    /// Questions without a usable answer.
    pub failures: HashMap<Question, Failure>,
    /// How many registries a project has in all, where that is all that was asked.
    pub totals: HashMap<Listing, usize>,
    /// The clock that is farthest off.
    pub clock: Option<ClockOffset>,
}

/// Everything that the answers say of a plan, in this order: credentials, the clock, the places of the plan.
#[must_use]
pub fn preflight(plan: &ExecutionPlan, asked: &Asked, credentials: &[CheckedCredential]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    let off = asked.clock.as_ref().filter(|clock| clock.ahead.unsigned_abs() > CLOCK_ERROR);
    findings.extend(credentials.iter().map(|checked| credential(checked, off.is_some())));
    findings.extend(asked.clock.as_ref().map(clock));
    let mut places: Vec<Vec<&Operation>> = Vec::new();
    let mut known: HashMap<(usize, &Target), usize> = HashMap::new();
    for operation in plan.selected() {
        let place = *known.entry((operation.plan, &operation.target)).or_insert(places.len());
        if place == places.len() {
            places.push(Vec::new());
        }
        places[place].push(operation);
    }
    for operations in places {
        let before = findings.len();
        let mut check = Place { operations: &operations, asked, credentials, findings: &mut findings };
        if let Some(summary) = check.run()
            && check.findings[before..].iter().all(|finding| finding.status < Status::Fail)
        {
            check.add(Status::Ok, summary, None);
        }
    }
    findings
}

fn credential(checked: &CheckedCredential, clock_is_off: bool) -> Finding {
    let CheckedCredential { name, source, standing } = checked;
    let (status, message) = match standing {
        Standing::Missing(why) => {
            // A line for each source that was looked for; the subject names the credential.
            let why = why.strip_prefix(&format!("credential `{name}`: ")).unwrap_or(why);
            let lines: Vec<_> = why.lines().map(visible).collect();
            (Status::Fail, lines.join("\n"))
        }
        Standing::Accepted => (Status::Ok, source.clone()),
        Standing::Unproven => (Status::Warn, format!("{source}; no answer says whether the service takes it")),
        Standing::Refused(failure) => {
            let clock = if clock_is_off { "; the clock is the likely cause" } else { "" };
            (Status::Fail, format!("{source}, refused: {}{clock}", visible(&failure.reason())))
        }
    };
    Finding { status, subject: Subject::Credential(name.clone()), message, location: None }
}

fn clock(offset: &ClockOffset) -> Finding {
    let off = offset.ahead.unsigned_abs();
    let status = match off {
        off if off > CLOCK_ERROR => Status::Fail,
        off if off >= CLOCK_WARNING => Status::Warn,
        _ => Status::Ok,
    };
    let seconds = Duration::from_secs(off.as_secs());
    let mut message = match offset.ahead.is_negative() {
        // A `Date` header has whole seconds.
        _ if off < Duration::from_secs(2) => "within 2 s of the service".to_owned(),
        true => format!("{} behind the service", format_duration(seconds)),
        false => format!("{} ahead of the service", format_duration(seconds)),
    };
    if status != Status::Ok {
        let bound = "signatures that are 15 min off are refused; set the clock by NTP";
        message = format!("{message} ({}): {bound}", visible(&offset.host));
    }
    Finding { status, subject: Subject::Clock, message, location: None }
}

/// The operations of one project in one region.
struct Place<'a> {
    operations: &'a [&'a Operation],
    asked: &'a Asked,
    credentials: &'a [CheckedCredential],
    findings: &'a mut Vec<Finding>,
}

impl Place<'_> {
    fn add(&mut self, status: Status, message: String, location: Option<Location>) {
        let Some(first) = self.operations.first() else { return };
        let (project, region) = (first.target.project.to_string(), first.target.region.to_string());
        self.findings.push(Finding { status, subject: Subject::Place { project, region }, message, location });
    }

    /// Adds what is wrong; says what is right.
    fn run(&mut self) -> Option<String> {
        let first = *self.operations.first()?;
        let credential = self.credentials.iter().find(|checked| checked.name == first.target.credential);
        if let Some(CheckedCredential { name, standing, .. }) = credential {
            let why = match standing {
                Standing::Missing(_) => "is missing",
                Standing::Refused(_) => "was refused",
                Standing::Unproven | Standing::Accepted => "",
            };
            if !why.is_empty() {
                self.add(Status::Skip, format!("not checked: credential `{name}` {why}"), None);
                return None;
            }
        }
        let listing = self.listing(first)?;
        if let Some(failure) = self.asked.failures.get(&Question::Registries(listing.clone())) {
            let message = format!("project {} can't be read: {}", listing.project_id, visible(&failure.reason()));
            self.add(Status::Fail, message, Some(first.location));
            return None;
        }
        self.project_of_region(first, &listing);
        if let Some(failure) = self.asked.failures.get(&Question::Tasks(listing.clone())) {
            let message = format!("the list of tasks can't be read: {}", visible(&failure.reason()));
            self.add(Status::Fail, message, Some(first.location));
        }
        Some(self.registries(&listing))
    }

    /// The question about this place; says why when its project is not known.
    fn listing(&mut self, first: &Operation) -> Option<Listing> {
        if let Some(listing) = listing_of(first, &self.asked.inventory) {
            return Some(listing);
        }
        let lookup = Lookup::of(first);
        let found = self.asked.inventory.projects_of(&lookup);
        let message = match self.asked.failures.get(&Question::Projects(lookup.clone())) {
            Some(failure) => format!("the project can't be looked up: {}", visible(&failure.reason())),
            None if found.is_empty() => {
                let others = self.asked.inventory.other_projects(&lookup);
                let others = if others.is_empty() {
                    String::new()
                } else {
                    format!("; it answered with {}", super::listed(&others))
                };
                format!("IAM knows no project named `{}`, so that `lookup` finds none{others}", lookup.region)
            }
            None => {
                format!("IAM knows several projects named `{}`: {}", lookup.region, super::listed(&found))
            }
        };
        self.add(Status::Fail, message, Some(first.location));
        None
    }

    /// A project id that HSS answers for is not wrong, and still may be the one of another project than was meant.
    fn project_of_region(&mut self, first: &Operation, listing: &Listing) {
        let lookup = Lookup::of(first);
        if let Some(failure) = self.asked.failures.get(&Question::Projects(lookup.clone())) {
            let reason = visible(&failure.reason()).into_owned();
            let message = format!("whether project {} is the region's own isn't known: {reason}", listing.project_id);
            self.add(Status::Warn, message, Some(first.location));
        }
        let own = self.asked.inventory.projects_of(&lookup);
        let Some(own) = own.first().filter(|own| own.id != listing.project_id).map(|own| own.id.clone()) else {
            return;
        };
        let message = format!(
            "project {} isn't the one that IAM names after the region ({own}): right for a sub-project only",
            listing.project_id
        );
        self.add(Status::Warn, message, Some(first.location));
    }

    /// Compares the registries of all requests for this place; says how many there are.
    fn registries(&mut self, listing: &Listing) -> String {
        let found = self.asked.inventory.registries_of(listing);
        let by_id: HashMap<&str, _> = found.iter().map(|registry| (registry.id.as_str(), registry)).collect();
        let mut seen: HashSet<&RegistryRef> = HashSet::new();
        let (mut named, mut selected, mut all) = (0, 0, false);
        for operation in self.operations {
            let content = &operation.content;
            all |= content.body.sync_all_registries;
            for (registry, place) in content.body.registry_info.iter().zip(&content.places) {
                if !seen.insert(registry) {
                    continue;
                }
                named += 1;
                let id = &registry.registry_id;
                match by_id.get(id.as_str()) {
                    None => {
                        let message = format!("registry {id} is not in the project");
                        self.add(Status::Fail, message, Some(place.registry_id));
                    }
                    Some(found) if found.registry_type.as_ref().ok() != Some(&registry.registry_type) => {
                        let (is, says) = (visible(found.type_text()).into_owned(), registry.registry_type);
                        let message = format!("registry {id} is {is}, the plan says {says}");
                        self.add(Status::Fail, message, Some(place.registry_type));
                    }
                    Some(found) if !found.is_connected() => {
                        let status = visible(&found.status_text()).into_owned();
                        let message = format!("registry {id} is not connected ({status})");
                        self.add(Status::Fail, message, Some(place.registry_id));
                    }
                    Some(_) => {}
                }
            }
            if !content.selectors.is_empty() {
                let matched = select::matched(content, found);
                selected += matched.content.body.registry_info.len() - content.body.registry_info.len();
                for problem in matched.problems {
                    let status = match problem.diagnostic.severity() {
                        Severity::Error => Status::Fail,
                        Severity::Warning => Status::Warn,
                    };
                    self.add(status, problem.diagnostic.message.clone(), problem.diagnostic.start());
                }
            }
        }
        let counted = |count: usize| if count == 1 { "1 registry".to_owned() } else { format!("{count} registries") };
        let mut parts = Vec::new();
        if named > 0 {
            parts.push(format!("{named} of {} found and connected", counted(named)));
        }
        if selected > 0 {
            parts.push(format!("{} selected", counted(selected)));
        }
        if all {
            let total = self.asked.totals.get(listing).copied().unwrap_or(found.len());
            parts.push(format!("all registries ({total} now)"));
        }
        parts.join(", ")
    }
}
