//! Plans as text, answers by hand, and what comes of both.

use super::*;
use crate::event::FailureKind;
use crate::expand::{EndpointChain, Overrides, expand};
use crate::journal::RecordedResolution;
use crate::model::{CredentialName, Region, RegistryId, RegistryType};
use crate::plan::{check_structure, decode, validate};
use crate::source::{Source, Sources};
use crate::yaml;

const HEAD: &str = "version: 1\nname: test\n";

fn plan(text: &str) -> (ExecutionPlan, Sources) {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("p.yaml", format!("{HEAD}{text}")));
    let tree = yaml::parse(id, sources.get(id)).expect("YAML");
    assert_eq!(check_structure(id, &tree), []);
    let (valid, _) = validate(decode(id, &tree).expect("decodes"), &[]).expect("valid");
    let (plan, _) = expand(&[valid], &sources, &Overrides::new(), &EndpointChain::default()).expect("expands");
    (plan, sources)
}

fn lookup(region: &str) -> Lookup {
    Lookup { credential: CredentialName::default_name(), region: Region::parse(region).expect("legal") }
}

fn project(id: &str, name: &str) -> FoundProject {
    FoundProject { id: ProjectId::parse(id).expect("legal"), name: name.to_owned() }
}

/// `id name type status`
fn registry(line: &str) -> FoundRegistry {
    let words: Vec<&str> = line.split(' ').collect();
    let [id, name, kind, status] = words.as_slice() else { panic!("four words: {line}") };
    FoundRegistry {
        id: RegistryId::parse(id).expect("legal"),
        name: (*name).to_owned(),
        registry_type: RegistryType::parse(kind).map_err(|_| (*kind).to_owned()),
        status: (*status).to_owned(),
        fail_reason: None,
    }
}

/// An inventory in which the first list that the plan needs has these registries.
fn listed(plan: &ExecutionPlan, registries: &[&str]) -> Inventory {
    let mut inventory = Inventory::default();
    for listing in listings(plan) {
        inventory.add_registries(listing, registries.iter().map(|line| registry(line)).collect());
    }
    inventory
}

/// `line:column code message` and the notes of each.
fn told(diagnostics: &[Diagnostic], sources: &Sources) -> Vec<String> {
    diagnostics
        .iter()
        .map(|diagnostic| {
            let (_, position) = sources.place(diagnostic.start().expect("a place"));
            let notes: String = diagnostic.notes.iter().map(|note| format!(" | {note}")).collect();
            let (line, column) = (position.line(), position.column());
            format!("{line}:{column} {} {}{notes}", diagnostic.code.as_str(), diagnostic.message)
        })
        .collect()
}

fn registries(operation: &Operation) -> Vec<String> {
    let body = &operation.content.body;
    body.registry_info.iter().map(|one| format!("{}:{}", one.registry_type, one.registry_id)).collect()
}

const LOOKUPS: &str = "registry_sets: { all: { sync_all_registries: true } }
defaults: { registry_sets: [all] }
projects:
  - name: web
    project_ids: { cn-north-4: lookup, cn-east-3: p-2 }
  - name: api
    project_ids: { cn-east-3: lookup }
";

#[test]
fn projects_are_looked_up_and_ids_and_digest_stay() {
    let (mut resolved, _) = plan(LOOKUPS);
    let written = resolved.clone();
    assert_eq!(lookups(&resolved), [lookup("cn-north-4"), lookup("cn-east-3")]);
    let mut inventory = Inventory::default();
    // A sub-project has another name, whatever IAM was asked for; one id twice is one project.
    let answer = vec![project("p-1", "cn-north-4"), project("p-9", "cn-north-4_sub"), project("p-1", "cn-north-4")];
    inventory.add_projects(lookup("cn-north-4"), answer);
    inventory.add_projects(lookup("cn-east-3"), vec![project("p-3", "cn-east-3")]);
    assert_eq!(resolve_projects(&mut resolved, &inventory), Ok(()));
    assert_eq!(resolve_registries(&mut resolved, &inventory), Ok(Vec::new()));
    let ids: Vec<&str> = resolved.operations.iter().map(|operation| operation.target.project_id.as_str()).collect();
    assert_eq!(ids, ["p-1", "p-2", "p-3"]);
    assert!(resolved.operations.iter().all(|operation| operation.request().is_some()));
    for (before, after) in written.operations.iter().zip(&resolved.operations) {
        assert_eq!(before.id, after.id);
    }
    assert_eq!(written.digest, resolved.digest);
}

#[test]
fn none_or_several_projects_are_errors_that_list_what_there_is() {
    let (mut resolved, sources) = plan(LOOKUPS);
    let mut inventory = Inventory::default();
    inventory.add_projects(lookup("cn-north-4"), vec![project("p-9", "cn-north-4_sub\u{1b}[31m")]);
    let several = vec![project("p-3", "cn-east-3"), project("p-4", "cn-east-3")];
    inventory.add_projects(lookup("cn-east-3"), several);
    let found = resolve_projects(&mut resolved, &inventory).expect_err("two");
    assert_eq!(
        told(&found, &sources),
        [
            "7:20 project-not-found IAM knows no project named `cn-north-4` that credential `default` may see | IAM \
             answered with p-9 (cn-north-4_sub\\u{1b}[31m) | this concerns web in cn-north-4",
            "9:20 ambiguous-project IAM knows 2 projects named `cn-east-3` | found for credential `default`: p-3 \
             (cn-east-3) | found for credential `default`: p-4 (cn-east-3) | this concerns api in cn-east-3",
        ]
    );
}

/// A preflight lists them, too.
#[test]
fn a_preflight_names_what_iam_answered() {
    let (plan, _) = plan(LOOKUPS);
    let mut asked = Asked::default();
    asked.inventory.add_projects(lookup("cn-north-4"), vec![project("p-9", "cn-north-4_sub\u{1b}[31m")]);
    let several = vec![project("p-3", "cn-east-3"), project("p-4", "cn-east-3")];
    asked.inventory.add_projects(lookup("cn-east-3"), several);
    let findings = super::preflight(&plan, &asked, &[]);
    let said: Vec<&str> = findings.iter().map(|finding| finding.message.as_str()).collect();
    assert!(
        said.contains(
            &"IAM knows no project named `cn-north-4`, so that `lookup` finds none; it answered with p-9 \
              (cn-north-4_sub\\u{1b}[31m)"
        ),
        "{said:?}"
    );
    let both = "IAM knows several projects named `cn-east-3`: p-3 (cn-east-3), p-4 (cn-east-3)";
    assert!(said.contains(&both), "{said:?}");
}

const SELECTS: &str = "registry_sets:
  named: { registries: [{ registry_id: r-1, registry_type: Harbor }] }
  found: { select: { registry_type: [Harbor, Jfrog], registry_name: \"prod-?*\" } }
projects:
  - name: web
    project_ids: { cn-north-4: p-1 }
    registry_sets: [named, found]
";

#[test]
fn a_selection_is_checked_here_and_united_with_what_the_plan_names() {
    let (mut resolved, sources) = plan(SELECTS);
    let digest = resolved.digest.clone();
    let inventory = listed(
        &resolved,
        &[
            "r-4 prod-z Jfrog success",
            "r-1 prod-a Harbor success",
            "r-2 prod-b Harbor success",
            // Twice, as on two pages.
            "r-4 prod-z Jfrog success",
            "r-5 prod- Harbor success",
            "r-6 preprod-a Harbor success",
            "r-7 Prod-a Harbor success",
            "r-8 prod-c SwrPrivate success",
            "r-9 prod-d Jfrog fail",
        ],
    );
    let warnings = resolve_registries(&mut resolved, &inventory).expect("matches");
    assert_eq!(registries(&resolved.operations[0]), ["Harbor:r-1", "Harbor:r-2", "Jfrog:r-4"]);
    assert_eq!(
        told(&warnings, &sources),
        ["5:3 registry-left-out set `found` leaves out registry `prod-d` (r-9): HSS has no connection to it (fail) | \
          this concerns web in cn-north-4"]
    );
    assert_eq!(resolved.digest, digest);
    let content = &resolved.operations[0].content;
    assert_eq!(content.places.len(), content.body.registry_info.len());
}

#[test]
fn a_name_without_wildcards_is_exact_and_a_status_is_taken_at_its_word() {
    let all = ["r-1 prod Harbor success", "r-2 prod-2 Harbor success", "r-3 x Jfrog fail", "r-4 y Nexus success"];
    for (select, expected) in [
        ("{ registry_name: prod }", &["Harbor:r-1"][..]),
        ("{ registry_name: \"pro?\" }", &["Harbor:r-1"]),
        ("{ registry_name: \"[p]*\", status: success }", &[]),
        ("{ registry_type: Harbor }", &["Harbor:r-1", "Harbor:r-2"]),
        ("{ status: fail }", &["Jfrog:r-3"]),
        ("{ registry_name: \"*\" }", &["Harbor:r-1", "Harbor:r-2"]),
        ("{ registry_name: y }", &[]),
    ] {
        let text = SELECTS
            .replace("{ registry_type: [Harbor, Jfrog], registry_name: \"prod-?*\" }", select)
            .replace("[named, found]", "[found]")
            .replace("  named: { registries: [{ registry_id: r-1, registry_type: Harbor }] }\n", "");
        let (mut resolved, _) = plan(&text);
        let inventory = listed(&resolved, &all);
        match resolve_registries(&mut resolved, &inventory) {
            Ok(_) => assert_eq!(registries(&resolved.operations[0]), expected, "{select}"),
            Err(found) => {
                assert!(expected.is_empty(), "{select}: {found:?}");
                assert!(found.iter().any(|each| each.code == Code::EmptySelect), "{select}");
                // What could not be resolved is not sent either.
                assert!(resolved.operations[0].needs_network());
            }
        }
    }
}

/// `?` is one character, also one of several bytes.
#[test]
fn a_question_mark_stands_for_one_character() {
    let (mut resolved, _) = plan(&SELECTS.replace("prod-?*", "镜?-?"));
    let inventory = listed(&resolved, &["r-2 镜像-仓 Harbor success", "r-3 镜-x Harbor success"]);
    resolve_registries(&mut resolved, &inventory).expect("matches");
    assert_eq!(registries(&resolved.operations[0]), ["Harbor:r-1", "Harbor:r-2"]);
}

#[test]
fn a_selection_that_matches_nothing_is_an_error_that_says_what_there_is() {
    let (mut resolved, sources) = plan(SELECTS);
    let inventory = listed(&resolved, &["r-2 stage\u{7} Harbor success", "r-3 swr SwrPrivate fail"]);
    let found = resolve_registries(&mut resolved, &inventory).expect_err("nothing");
    assert_eq!(
        told(&found, &sources),
        ["5:3 empty-select set `found` matches no registry that can be synchronised | the project has `stage\\u{7}` \
          (Harbor, success), `swr` (SwrPrivate, fail) | this concerns web in cn-north-4"]
    );
}

#[test]
fn a_registry_that_the_plan_calls_by_another_type_is_an_error_at_its_line() {
    let (mut resolved, sources) = plan(SELECTS);
    let inventory = listed(&resolved, &["r-1 prod-a Jfrog success"]);
    let found = resolve_registries(&mut resolved, &inventory).expect_err("another type");
    assert_eq!(
        told(&found, &sources),
        ["4:60 conflicting-registry-type registry `r-1` is Jfrog, and the plan says Harbor | this concerns web in \
          cn-north-4"]
    );
}

#[test]
fn requests_that_turn_out_to_be_equal_are_refused() {
    let text = LOOKUPS.replace("cn-east-3: lookup", "cn-north-4: p-1");
    let (mut resolved, sources) = plan(&text);
    let mut inventory = Inventory::default();
    inventory.add_projects(lookup("cn-north-4"), vec![project("p-1", "cn-north-4")]);
    resolve_projects(&mut resolved, &inventory).expect("one");
    let found = resolve_registries(&mut resolved, &inventory).expect_err("equal");
    assert_eq!(
        told(&found, &sources),
        ["9:20 duplicate-operation api in cn-north-4 turns out to be the same request as web in cn-north-4"]
    );
}

#[test]
fn one_cause_is_told_once_however_many_places_meet_it() {
    let text = SELECTS.replace(
        "project_ids: { cn-north-4: p-1 }",
        "project_id: \"p-{{ region }}\"\n    regions: [cn-north-4, cn-east-3]",
    );
    let (mut resolved, sources) = plan(&text);
    assert_eq!(listings(&resolved).len(), 2);
    let found = resolve_registries(&mut resolved, &Inventory::default()).expect_err("nothing");
    let [only] = told(&found, &sources).try_into().expect("one");
    assert!(
        only.ends_with("the project has no registries | this concerns 2 operations, first web in cn-north-4"),
        "{only}"
    );
}

mod preflight {
    use super::*;

    fn failure(kind: FailureKind, message: &str) -> crate::event::Failure {
        crate::event::Failure { kind, status: Some(403), code: None, message: message.to_owned(), given_up: None }
    }

    fn credential(standing: Standing) -> Vec<CheckedCredential> {
        let source = "AK …0001 from HUAWEICLOUD_SDK_AK".to_owned();
        vec![CheckedCredential { name: CredentialName::default_name(), source, standing }]
    }

    /// `status subject: message @line:column` of each finding after that of the credential.
    fn lines(findings: &[Finding], sources: &Sources) -> Vec<String> {
        let subject = |subject: &Subject| match subject {
            Subject::Credential(name) => format!("credential {name}"),
            Subject::Clock => "clock".to_owned(),
            Subject::Place { project, region } => format!("{project} / {region}"),
        };
        let line = |finding: &Finding| {
            let place = finding.location.map(|location| {
                let (_, position) = sources.place(location);
                format!(" @{}:{}", position.line(), position.column())
            });
            let place = place.unwrap_or_default();
            format!("{} {}: {}{place}", finding.status.as_str(), subject(&finding.subject), finding.message)
        };
        findings.iter().map(line).collect()
    }

    const NAMED: &str = "registry_sets:
  named:
    registries:
      - { registry_id: r-1, registry_type: Harbor }
      - { registry_id: r-2, registry_type: Jfrog }
projects:
  - name: web
    registry_sets: [named]
    project_ids: { cn-north-4: p-1 }
";

    fn asked(plan: &ExecutionPlan, registries: &[&str]) -> Asked {
        let mut asked = Asked::default();
        for (listing, _) in preflight_listings(plan, &asked.inventory.clone()) {
            let registries = registries.iter().map(|line| registry(line)).collect();
            asked.inventory.add_registries(listing, registries);
        }
        asked
    }

    #[test]
    fn what_is_right_is_one_line_and_each_fault_has_its_place() {
        let (plan, sources) = plan(NAMED);
        let judge = |registries: &[&str]| {
            let findings = preflight(&plan, &asked(&plan, registries), &credential(Standing::Accepted));
            let mut lines = lines(&findings, &sources);
            assert_eq!(lines.remove(0), "ok credential default: AK …0001 from HUAWEICLOUD_SDK_AK");
            lines
        };
        let (one, two) = ("r-1 a Harbor success", "r-2 b Jfrog success");
        assert_eq!(judge(&[two, one]), ["ok web / cn-north-4: 2 of 2 registries found and connected"]);
        // By hand: line 6 is that of r-1, its id at column 24 and its type at column 44.
        assert_eq!(judge(&[two]), ["fail web / cn-north-4: registry r-1 is not in the project @6:24"]);
        assert_eq!(
            judge(&["r-1 a Nex\u{1b}us success", two]),
            ["fail web / cn-north-4: registry r-1 is Nex\\u{1b}us, the plan says Harbor @6:44"]
        );
        assert_eq!(
            judge(&[one, "r-2 b Jfrog accessing"]),
            ["fail web / cn-north-4: registry r-2 is not connected (accessing) @7:24"]
        );
    }

    #[test]
    fn a_refused_project_is_one_line_and_a_foreign_one_a_warning() {
        let (plan, sources) = plan(NAMED);
        let mut asked = asked(&plan, &["r-1 a Harbor success", "r-2 b Jfrog success"]);
        asked.inventory.add_projects(lookup("cn-north-4"), vec![project("p-7", "cn-north-4")]);
        let findings = super::preflight(&plan, &asked, &[]);
        assert_eq!(
            lines(&findings, &sources),
            [
                "warn web / cn-north-4: project p-1 isn't the one that IAM names after the region (p-7): right for a \
                 sub-project only @11:20",
                "ok web / cn-north-4: 2 of 2 registries found and connected",
            ]
        );
        let listing = Listing::of(&plan.operations[0]).expect("an id");
        asked.failures.insert(Question::Registries(listing.clone()), failure(FailureKind::Refused, "not allowed"));
        asked.failures.insert(Question::Tasks(listing), failure(FailureKind::Refused, "not allowed"));
        let findings = super::preflight(&plan, &asked, &[]);
        assert_eq!(
            lines(&findings, &sources),
            ["fail web / cn-north-4: project p-1 can't be read: not allowed @11:20"]
        );
    }

    #[test]
    fn the_tasks_have_to_be_readable_too() {
        let (plan, sources) = plan(NAMED);
        let mut asked = asked(&plan, &["r-1 a Harbor success", "r-2 b Jfrog success"]);
        let listing = Listing::of(&plan.operations[0]).expect("an id");
        asked.failures.insert(Question::Tasks(listing), failure(FailureKind::Refused, "no"));
        let findings = super::preflight(&plan, &asked, &[]);
        assert_eq!(lines(&findings, &sources), ["fail web / cn-north-4: the list of tasks can't be read: no @11:20"]);
    }

    #[test]
    fn a_credential_that_is_missing_or_refused_is_said_once() {
        let (plan, sources) = plan(NAMED);
        let refused = Standing::Refused(failure(FailureKind::Credential, "verify aksk signature fail"));
        let mut asked = Asked::default();
        let shown = |asked: &Asked, standing: &Standing| {
            lines(&super::preflight(&plan, asked, &credential(standing.clone())), &sources)
        };
        assert_eq!(
            shown(&asked, &refused),
            [
                "fail credential default: AK …0001 from HUAWEICLOUD_SDK_AK, refused: verify aksk signature fail",
                "skip web / cn-north-4: not checked: credential `default` was refused",
            ]
        );
        assert_eq!(
            shown(&asked, &Standing::Missing("nothing is set".to_owned())),
            [
                "fail credential default: nothing is set",
                "skip web / cn-north-4: not checked: credential `default` is missing",
            ]
        );
        let ahead = jiff::SignedDuration::from_secs(-1200);
        asked.clock = Some(ClockOffset { host: "hss.example".to_owned(), ahead });
        assert!(shown(&asked, &refused)[0].ends_with("; the clock is the likely cause"));
    }

    #[test]
    fn a_clock_may_be_off_by_five_minutes_and_never_by_fifteen() {
        let (plan, sources) = plan(NAMED);
        for (seconds, expected) in [
            (0, "ok clock: within 2 s of the service"),
            (-1, "ok clock: within 2 s of the service"),
            (12, "ok clock: 12 s ahead of the service"),
            (-299, "ok clock: 4 min 59 s behind the service"),
            (
                -300,
                "warn clock: 5 min 00 s behind the service (hss.example): signatures that are 15 min off are \
                    refused; set the clock by NTP",
            ),
            (
                900,
                "warn clock: 15 min 00 s ahead of the service (hss.example): signatures that are 15 min off are \
                   refused; set the clock by NTP",
            ),
            (
                901,
                "fail clock: 15 min 01 s ahead of the service (hss.example): signatures that are 15 min off are \
                   refused; set the clock by NTP",
            ),
        ] {
            let ahead = jiff::SignedDuration::from_secs(seconds);
            let clock = Some(ClockOffset { host: "hss.example".to_owned(), ahead });
            let findings = super::preflight(&plan, &Asked { clock, ..Asked::default() }, &[]);
            assert_eq!(lines(&findings, &sources)[0], expected);
        }
    }

    #[test]
    fn no_more_is_asked_than_the_plan_states() {
        let text = "registry_sets:
  a: { registries: [{ registry_id: r-1, registry_type: Harbor }] }
  b: { registries: [{ registry_id: r-2, registry_type: Harbor }] }
  all: { sync_all_registries: true }
  some: { select: { status: success } }
defaults: { requests: per-set }
projects:
  - { name: ids, project_ids: { cn-north-4: p-1 }, registry_sets: [a, b, all] }
  - { name: all, project_ids: { cn-north-4: p-2 }, registry_sets: [all] }
  - { name: some, project_ids: { cn-north-4: p-3 }, registry_sets: [a, some] }
  - { name: open, project_ids: { cn-east-3: lookup }, registry_sets: [all] }
";
        let (plan, _) = plan(text);
        assert_eq!(preflight_lookups(&plan), [lookup("cn-north-4"), lookup("cn-east-3")]);
        let ids = ["r-1", "r-2"].map(|id| RegistryId::parse(id).expect("legal")).into();
        let extents = |inventory: &Inventory| -> Vec<(String, Extent)> {
            let wanted = preflight_listings(&plan, inventory).into_iter();
            wanted.map(|(listing, extent)| (listing.project_id.to_string(), extent)).collect()
        };
        let mut expected = vec![
            ("p-1".to_owned(), Extent::Until(ids)),
            ("p-2".to_owned(), Extent::FirstPage),
            ("p-3".to_owned(), Extent::All),
        ];
        assert_eq!(extents(&Inventory::default()), expected);
        let mut inventory = Inventory::default();
        inventory.add_projects(lookup("cn-east-3"), vec![project("p-4", "cn-east-3")]);
        expected.push(("p-4".to_owned(), Extent::FirstPage));
        assert_eq!(extents(&inventory), expected);
    }
}

proptest::proptest! {
    /// Whatever the service lists, and however its pages repeat themselves: a request holds each registry once, those of the
    /// plan first, and of the others exactly those that are connected and of a wanted type, in the order of their names.
    #[test]
    fn a_request_holds_what_is_meant_and_nothing_twice(
        listed_ones in proptest::collection::vec((0..12_u8, 0..3_u8, proptest::bool::ANY), 0..30),
    ) {
        let (mut resolved, _) = plan(&SELECTS.replace(", registry_name: \"prod-?*\"", ""));
        let kinds = ["Harbor", "Jfrog", "SwrPrivate"];
        // One id has one type and one status.
        let mut known = std::collections::BTreeMap::new();
        let lines: Vec<String> = listed_ones
            .into_iter()
            .map(|(id, kind, connected)| {
                let (kind, connected) = *known.entry(id).or_insert((if id == 1 { 0 } else { kind }, connected));
                let status = if connected { "success" } else { "fail" };
                format!("r-{id} n-{id:02} {} {status}", kinds[usize::from(kind)])
            })
            .collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let mut expected = vec!["Harbor:r-1".to_owned()];
        let meant = known.iter().filter(|(_, (kind, connected))| *kind < 2 && *connected);
        let any = meant.clone().count() > 0;
        expected.extend(
            meant.filter(|(id, _)| **id != 1).map(|(id, (kind, _))| format!("{}:r-{id}", kinds[usize::from(*kind)])),
        );
        let inventory = listed(&resolved, &lines);
        let result = resolve_registries(&mut resolved, &inventory);
        proptest::prop_assert_eq!(result.is_ok(), any);
        if any {
            proptest::prop_assert_eq!(registries(&resolved.operations[0]), expected);
        }
    }
}

const MIXED: &str = "registry_sets:
  all: { sync_all_registries: true }
  some: { registries: [{ registry_id: r-9, registry_type: Jfrog }] }
  found: { select: { registry_name: \"prod-*\" } }
projects:
  - { name: web, project_ids: { cn-north-4: lookup, cn-east-3: p-2 }, registry_sets: [some, found] }
  - { name: api, project_ids: { cn-east-3: lookup }, registry_sets: [all] }
  - { name: old, project_ids: { cn-east-3: p-4 }, registry_sets: [all] }
";

/// [`MIXED`] as written, and resolved.
fn mixed() -> (ExecutionPlan, ExecutionPlan) {
    let (written, _) = plan(MIXED);
    let mut inventory = Inventory::default();
    inventory.add_projects(lookup("cn-north-4"), vec![project("p-1", "cn-north-4")]);
    inventory.add_projects(lookup("cn-east-3"), vec![project("p-3", "cn-east-3")]);
    let mut resolved = written.clone();
    assert_eq!(resolve_projects(&mut resolved, &inventory), Ok(()));
    for (listing, id) in listings(&resolved).into_iter().zip(["r-1", "r-2"]) {
        inventory.add_registries(listing, vec![registry(&format!("{id} prod-a Harbor success"))]);
    }
    assert_eq!(resolve_registries(&mut resolved, &inventory), Ok(Vec::new()));
    (written, resolved)
}

#[test]
fn what_was_recorded_makes_the_same_requests_of_the_plan_as_written() {
    let (written, resolved) = mixed();
    let recorded = record(&written, &resolved);
    let shown: Vec<String> = recorded
        .iter()
        .map(|one| {
            let registries = one.registries.iter().flatten().map(|registry| registry.registry_id.as_str());
            let project = one.project_id.as_ref().map_or("-", |id| id.as_str());
            format!("{project} {}", registries.collect::<Vec<_>>().join(" "))
        })
        .collect();
    assert_eq!(shown, ["p-1 r-9 r-1", "- r-9 r-2", "p-3 "]);
    let mut again = written;
    assert_eq!(put_back(&mut again, &recorded), Ok(()));
    for (one, other) in resolved.operations.iter().zip(&again.operations) {
        assert_eq!((one.request().is_some(), one.request()), (true, other.request()));
        assert_eq!(one.content, other.content);
    }
}

#[test]
fn what_was_recorded_is_exactly_what_the_plan_leaves_open() {
    let (written, resolved) = mixed();
    let good = record(&written, &resolved);
    let id = |op: usize| written.operations[op].id.clone();
    let changed = |change: fn(&mut Vec<RecordedResolution>)| {
        let mut recorded = good.clone();
        change(&mut recorded);
        put_back(&mut written.clone(), &recorded)
    };
    assert_eq!(changed(|all| drop(all.remove(1))), Err(Unfit::Missing(id(1))));
    assert_eq!(changed(Vec::clear), Err(Unfit::Missing(id(0))));
    assert_eq!(changed(|all| all.push(all[2].clone())), Err(Unfit::Other(id(2))));
    assert_eq!(changed(|all| all[0].project_id = None), Err(Unfit::Other(id(0))));
    assert_eq!(changed(|all| all[1].project_id = all[0].project_id.clone()), Err(Unfit::Other(id(1))));
    assert_eq!(changed(|all| all[0].registries = None), Err(Unfit::Other(id(0))));
    assert_eq!(changed(|all| all[2].registries = all[0].registries.clone()), Err(Unfit::Other(id(2))));
    // A registry that the plan names can't be gone.
    assert_eq!(
        changed(|all| all[1].registries.iter_mut().for_each(|list| drop(list.remove(0)))),
        Err(Unfit::Other(id(1)))
    );
    let more = RecordedResolution { operation: id(3), ..good[2].clone() };
    assert_eq!(put_back(&mut written.clone(), &[good.clone(), vec![more]].concat()), Err(Unfit::Other(id(3))));
}
