//! A plan from what an account has.
//!
//! What the service sent becomes either a checked id in double quotes, with everything but plain ASCII escaped, or a comment
//! in which no character can end its line. So whatever a registry is called, the plan says what was found.

use std::fmt::Write;

use crate::expand::builtin_endpoint;
use crate::model::{CredentialName, EnterpriseProjectId, ProjectId, Region, RegistryType};
use crate::resolve::FoundRegistry;

/// Characters of a name in a comment.
const LONGEST_NAME: usize = 80;
/// Characters of a region in the name of a set, which has at most 64.
const LONGEST_REGION: usize = 40;

/// What was found, and how it was asked for.
#[derive(Clone, Debug)]
pub struct Discovered {
    /// When.
    pub at: jiff::Timestamp,
    /// Who asked, by the plan's name.
    pub credential: CredentialName,
    /// The enterprise project whose registries were listed.
    pub enterprise_project_id: EnterpriseProjectId,
    /// Types that were wanted; empty means all.
    pub types: Vec<RegistryType>,
    /// The projects, in the order in which they were asked.
    pub projects: Vec<DiscoveredProject>,
    /// What could not be asked, and why.
    pub missing: Vec<String>,
}

/// A project with all its registries.
#[derive(Clone, Debug)]
pub struct DiscoveredProject {
    /// Its region.
    pub region: Region,
    /// Its id there.
    pub project_id: ProjectId,
    /// What it has, of any type and status.
    pub registries: Vec<FoundRegistry>,
}

/// A set of the plan: registries of one type of one project.
struct Set<'a> {
    name: String,
    registry_type: RegistryType,
    registries: Vec<&'a FoundRegistry>,
}

/// A project of the plan.
struct Entry<'a> {
    name: String,
    project: &'a DiscoveredProject,
    sets: Vec<Set<'a>>,
    /// Wanted, and not to be synchronised as they are.
    left_out: Vec<&'a FoundRegistry>,
}

/// The plan; nothing when no registry was found that a plan can name.
#[must_use]
pub fn discovered_plan(found: &Discovered) -> Option<String> {
    let entries = entries(found);
    let with_sets = || entries.iter().filter(|entry| !entry.sets.is_empty());
    let registries: usize = with_sets().flat_map(|entry| &entry.sets).map(|set| set.registries.len()).sum();
    if registries == 0 {
        return None;
    }
    let mut text = header(found, registries, with_sets().count());
    text.push_str("\nregistry_sets:\n");
    for entry in &entries {
        registry_sets(&mut text, entry);
    }
    text.push_str(&defaults(found));
    text.push_str("\nprojects:\n");
    for entry in with_sets() {
        let names: Vec<String> = entry.sets.iter().map(|set| quoted(&set.name)).collect();
        let (region, id) = (quoted(entry.project.region.as_str()), quoted(entry.project.project_id.as_str()));
        // Writing into memory has no way to fail.
        let _ = write!(
            text,
            "  - name: {}\n    project_ids:\n      {region}: {id}\n    registry_sets: [{}]\n",
            quoted(&entry.name),
            names.join(", ")
        );
    }
    text.push_str(&endpoints(with_sets().map(|entry| &entry.project.region)));
    Some(text)
}

fn entries(found: &Discovered) -> Vec<Entry<'_>> {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    for project in &found.projects {
        let name = free_name(project.region.as_str(), &entries);
        let wanted = |registry: &&FoundRegistry| {
            let known = registry.registry_type.as_ref();
            found.types.is_empty() || known.is_ok_and(|kind| found.types.contains(kind))
        };
        let mut registries: Vec<&FoundRegistry> = project.registries.iter().filter(wanted).collect();
        registries.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        registries.dedup_by(|a, b| a.id == b.id);
        let (usable, left_out): (Vec<_>, Vec<_>) =
            registries.into_iter().partition(|registry| registry.is_connected() && registry.registry_type.is_ok());
        let sets = RegistryType::ALL.into_iter().filter_map(|registry_type| {
            let of_type = usable.iter().filter(|registry| registry.registry_type == Ok(registry_type));
            let registries: Vec<&FoundRegistry> = of_type.copied().collect();
            let name = format!("{name}-{}", registry_type.as_str().to_ascii_lowercase());
            (!registries.is_empty()).then_some(Set { name, registry_type, registries })
        });
        let sets = sets.collect();
        entries.push(Entry { name, project, sets, left_out });
    }
    entries
}

/// The region's name; with a number when an entry has that name, since a region may have several projects, and so short that a
/// type and a number have room in the name of a set.
fn free_name(region: &str, entries: &[Entry<'_>]) -> String {
    let region: String = region.chars().take(LONGEST_REGION).collect();
    let numbered = (2..).map(|number| format!("{region}-{number}"));
    let is_free = |name: &String| entries.iter().all(|entry| entry.name != *name);
    std::iter::once(region.clone()).chain(numbered).find(is_free).unwrap_or(region)
}

fn header(found: &Discovered, registries: usize, projects: usize) -> String {
    let at = found.at.strftime("%Y-%m-%d %H:%M UTC");
    let counted = |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let registries = counted(registries, "registry", "registries");
    let projects = counted(projects, "project", "projects");
    let mut text = format!("# Written by `hss-sync discover`, {at}. Edit it as you like.\n");
    for missing in &found.missing {
        let _ = writeln!(text, "# Not asked: {}", comment(missing, 300));
    }
    let _ = write!(text, "version: 1\nname: discovered\ndescription: {registries} of {projects}, found {at}.\n");
    text
}

fn registry_sets(text: &mut String, entry: &Entry<'_>) {
    for set in &entry.sets {
        let _ = write!(text, "  {}:\n    registries:\n", quoted(&set.name));
        for registry in &set.registries {
            let (id, kind, name) =
                (quoted(registry.id.as_str()), set.registry_type, comment(&registry.name, LONGEST_NAME));
            let _ = writeln!(text, "      - {{ registry_id: {id}, registry_type: {kind} }}  # {name}");
        }
    }
    if !entry.left_out.is_empty() {
        let _ = writeln!(
            text,
            "  # Left out of {}, since HSS has no connection to it or no request can name its type:",
            entry.name
        );
    }
    for registry in &entry.left_out {
        let name = comment(&registry.name, LONGEST_NAME);
        let (kind, status) =
            (comment(registry.type_text(), LONGEST_NAME), comment(&registry.status_text(), LONGEST_NAME));
        let _ = writeln!(text, "  #   {name} ({kind}, {status}): {}", comment(registry.id.as_str(), LONGEST_NAME));
    }
}

/// What differs from the defaults of every plan.
fn defaults(found: &Discovered) -> String {
    let mut text = String::new();
    if found.enterprise_project_id != EnterpriseProjectId::default_id() {
        let _ = writeln!(text, "  enterprise_project_id: {}", quoted(found.enterprise_project_id.as_str()));
    }
    if found.credential != CredentialName::default_name() {
        let _ = writeln!(text, "  credential: {}", quoted(found.credential.as_str()));
    }
    if text.is_empty() { text } else { format!("\ndefaults:\n{text}") }
}

/// A region that hss-sync doesn't know is a warning, unless the plan says where it is.
fn endpoints<'a>(regions: impl Iterator<Item = &'a Region>) -> String {
    let mut text = String::new();
    let mut known: Vec<&Region> = Vec::new();
    for region in regions.filter(|region| !region.is_known()) {
        let Ok(endpoint) = builtin_endpoint(region) else { continue };
        if !known.contains(&region) {
            let _ = writeln!(text, "  {}: {endpoint}", quoted(region.as_str()));
            known.push(region);
        }
    }
    if text.is_empty() { text } else { format!("\nendpoints:\n{text}") }
}

/// A double-quoted YAML scalar that reads as just this text.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            _ => {
                let code = u32::from(c);
                let _ = if code <= 0xffff { write!(out, "\\u{code:04x}") } else { write!(out, "\\U{code:08x}") };
            }
        }
    }
    out.push('"');
    out
}

/// Text that stays on its line of a comment: letters, digits and plain ASCII as they are, all else written out.
fn comment(text: &str, longest: usize) -> String {
    let mut out = String::new();
    for (index, c) in text.trim().chars().enumerate() {
        if index == longest {
            out.push('…');
            break;
        }
        if matches!(c, ' '..='~') || (c.is_alphanumeric() && !c.is_ascii()) {
            out.push(c);
        } else {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        }
    }
    if out.is_empty() { "without a name".to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RegistryId;

    fn registry(id: &str, name: &str, kind: Result<RegistryType, String>, status: &str) -> FoundRegistry {
        let id = RegistryId::parse(id).expect("legal");
        FoundRegistry { id, name: name.to_owned(), registry_type: kind, status: status.to_owned(), fail_reason: None }
    }

    fn found(region: &str, registries: Vec<FoundRegistry>) -> Discovered {
        Discovered {
            at: jiff::Timestamp::from_second(1_768_464_000).expect("legal"),
            credential: CredentialName::default_name(),
            enterprise_project_id: EnterpriseProjectId::default_id(),
            types: Vec::new(),
            projects: vec![DiscoveredProject {
                region: Region::parse(region).expect("legal"),
                project_id: ProjectId::parse("0a1b2c").expect("legal"),
                registries,
            }],
            missing: Vec::new(),
        }
    }

    #[test]
    fn registries_are_grouped_by_type_and_the_rest_is_named_in_comments() {
        let plan = discovered_plan(&found(
            "cn-north-4",
            vec![
                registry("r-2", "prod-b", Ok(RegistryType::Harbor), "success"),
                registry("r-1", "prod-a", Ok(RegistryType::Harbor), "success"),
                registry("r-3", "swr", Ok(RegistryType::SwrPrivate), "success"),
                registry("r-4", "stage", Ok(RegistryType::Jfrog), "fail"),
                registry("r-5", "nexus", Err("Nexus".to_owned()), "success"),
            ],
        ));
        let expected = r#"# Written by `hss-sync discover`, 2026-01-15 08:00 UTC. Edit it as you like.
version: 1
name: discovered
description: 3 registries of 1 project, found 2026-01-15 08:00 UTC.

registry_sets:
  "cn-north-4-swrprivate":
    registries:
      - { registry_id: "r-3", registry_type: SwrPrivate }  # swr
  "cn-north-4-harbor":
    registries:
      - { registry_id: "r-1", registry_type: Harbor }  # prod-a
      - { registry_id: "r-2", registry_type: Harbor }  # prod-b
  # Left out of cn-north-4, since HSS has no connection to it or no request can name its type:
  #   nexus (Nexus, success): r-5
  #   stage (Jfrog, fail): r-4

projects:
  - name: "cn-north-4"
    project_ids:
      "cn-north-4": "0a1b2c"
    registry_sets: ["cn-north-4-swrprivate", "cn-north-4-harbor"]
"#;
        assert_eq!(plan.as_deref(), Some(expected));
    }

    #[test]
    fn nothing_that_a_request_can_name_is_no_plan() {
        assert_eq!(discovered_plan(&found("cn-north-4", Vec::new())), None);
        let failed = vec![registry("r-4", "stage", Ok(RegistryType::Jfrog), "fail")];
        assert_eq!(discovered_plan(&found("cn-north-4", failed)), None);
        let harbor = vec![registry("r-1", "prod", Ok(RegistryType::Harbor), "success")];
        let other = Discovered { types: vec![RegistryType::Jfrog], ..found("cn-north-4", harbor) };
        assert_eq!(discovered_plan(&other), None);
    }

    #[test]
    fn what_is_no_default_is_written() {
        let harbor = vec![registry("r-1", "prod", Ok(RegistryType::Harbor), "success")];
        let plan = discovered_plan(&Discovered {
            credential: CredentialName::parse("emea").expect("legal"),
            enterprise_project_id: EnterpriseProjectId::parse("all_granted_eps").expect("legal"),
            missing: vec!["cn-east-3: no\nversion: 2".to_owned()],
            ..found("xx-new-9", harbor)
        });
        let plan = plan.expect("a registry");
        for line in [
            "# Not asked: cn-east-3: no\\u{a}version: 2",
            "  enterprise_project_id: \"all_granted_eps\"",
            "  credential: \"emea\"",
            "endpoints:\n  \"xx-new-9\": https://hss.xx-new-9.myhuaweicloud.com",
        ] {
            assert!(plan.contains(&format!("{line}\n")), "{line}\n{plan}");
        }
    }

    #[test]
    fn every_project_has_a_name_of_its_own_that_a_plan_can_bear() {
        let harbor = || vec![registry("r-1", "prod", Ok(RegistryType::SwrEnterprise), "success")];
        let (long, longer) = ("a".repeat(60), "a".repeat(63));
        let regions = ["cn-1", "cn-1", "cn-1-2", &long, &longer];
        let projects = regions.map(|region| found(region, harbor()).projects.remove(0));
        let plan = discovered_plan(&Discovered { projects: projects.to_vec(), ..found("cn-1", harbor()) });
        let plan = plan.expect("registries");
        let short = "a".repeat(40);
        let names = ["cn-1", "cn-1-2", "cn-1-2-2", &short, &format!("{short}-2")].map(str::to_owned);
        for name in names {
            assert_eq!(plan.matches(&format!("- name: \"{name}\"\n")).count(), 1, "{name}\n{plan}");
            let set = format!("{name}-swrenterprise");
            assert_eq!(plan.matches(&format!("  \"{set}\":\n")).count(), 1, "{set}\n{plan}");
            assert!(set.len() <= 64, "{set}");
        }
    }

    #[test]
    fn a_name_cannot_leave_its_comment_and_an_id_not_its_quotes() {
        let name = "x\nprojects: []\r\n\u{85}a: 1\u{2028}b\u{1b}[31m\u{feff}镜\u{202e}";
        let id = "r'x:[&*!|,]\u{10ffff}\u{fffe}";
        let hostile = vec![registry(id, name, Ok(RegistryType::Harbor), "success")];
        let plan = discovered_plan(&found("cn-north-4", hostile)).expect("a registry");
        assert!(
            plan.contains("# x\\u{a}projects: []\\u{d}\\u{a}\\u{85}a: 1\\u{2028}b\\u{1b}[31m\\u{feff}镜\\u{202e}\n"),
            "{plan}"
        );
        assert!(plan.contains(r#""r'x:[&*!|,]\U0010ffff\ufffe""#), "{plan}");
    }

    proptest::proptest! {
        /// Read by a second parser, the plan holds exactly the ids that were found, whatever they are called.
        #[test]
        fn any_name_and_any_legal_id_give_a_plan_that_says_what_was_found(
            names in proptest::collection::vec("\\PC{0,20}|[\\x00-\\x20\u{80}-\u{a0}\u{2028}#:{}'\"-]{0,20}", 1..6),
            ids in proptest::collection::vec("[^\\s/\\\\?#%{}\"<>\\x00-\\x1f\\x7f-\\x9f]{1,30}", 6),
        ) {
            let ids: Vec<String> = ids.into_iter().filter(|id| RegistryId::parse(id).is_ok()).collect();
            let made: Vec<FoundRegistry> = names
                .iter()
                .zip(&ids)
                .map(|(name, id)| registry(id, name, Ok(RegistryType::Harbor), "success"))
                .collect();
            let mut expected: Vec<String> = made.iter().map(|one| one.id.to_string()).collect();
            expected.sort();
            expected.dedup();
            if let Some(plan) = discovered_plan(&found("cn-north-4", made)) {
                let read: serde_yaml::Value = serde_yaml::from_str(&plan).expect(&plan);
                let list = read["registry_sets"]["cn-north-4-harbor"]["registries"].as_sequence().expect("a list");
                let mut got: Vec<String> =
                    list.iter().map(|item| item["registry_id"].as_str().expect("text").to_owned()).collect();
                got.sort();
                got.dedup();
                proptest::prop_assert_eq!(got, expected);
            }
        }
    }
}
