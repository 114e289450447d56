//! Expansion of plans built by hand: plan and outcome on one screen.

mod build;
mod digest;
mod properties;
mod text;

use build::{assemble, complain, expand_all, expand_one, plan};

use super::{EndpointChain, Overrides, expand, undeclared_overrides};
use crate::model::{Endpoint, Operation, Quota, QuotaScope, Region, RegistryType};
use crate::plan::VariableValue;

/// `project region project-id eps credential wave sets body` of each operation.
fn lines(operations: &[Operation]) -> Vec<String> {
    operations
        .iter()
        .map(|operation| {
            let target = &operation.target;
            let sets: Vec<&str> = operation.sets.iter().map(|set| set.as_str()).collect();
            let body = &operation.content.body;
            let registries: Vec<String> =
                body.registry_info.iter().map(|one| format!("{}:{}", one.registry_type, one.registry_id)).collect();
            format!(
                "{} {} {} {} {} {} [{}] {} [{}]",
                target.project,
                target.region,
                target.project_id.as_str(),
                target.enterprise_project_id,
                target.credential,
                operation.wave,
                sets.join(","),
                if body.sync_all_registries { "all" } else { "some" },
                registries.join(",")
            )
        })
        .collect()
}

fn contract() -> build::Build {
    plan("fleet")
        .var("environment", "prod")
        .var("harbor_id", "5f9f")
        .set("harbor", &[("{{ vars.harbor_id }}", "Harbor")])
        .set("swr", &[("swr-{{ region }}-{{ vars.environment }}", "SwrEnterprise")])
        .default_sets(&["harbor"])
        .project("payments", &[("cn-north-4", "0a1b"), ("eu-west-101", "lookup")])
        .sets(&["harbor", "swr"])
        .labels(&["canary", "pci"])
        .same("search", "{{ vars.environment }}-search-{{ region }}", &["ap-southeast-1", "ap-southeast-3"])
        .enterprise("all_granted_eps")
        .wave("canary", &[("label", "canary")], Some("0"))
        .wave("rest", &[], Some("50%"))
}

#[test]
fn the_plan_of_the_contract_expands_to_four_operations() {
    let (expanded, warnings) = expand_one(&contract());
    assert_eq!(warnings, []);
    assert_eq!(
        lines(&expanded.operations),
        [
            "payments cn-north-4 0a1b 0 default 0 [harbor,swr] some [Harbor:5f9f,SwrEnterprise:swr-cn-north-4-prod]",
            "payments eu-west-101 lookup 0 default 0 [harbor,swr] some [Harbor:5f9f,SwrEnterprise:swr-eu-west-101-prod]",
            "search ap-southeast-1 prod-search-ap-southeast-1 all_granted_eps default 1 [harbor] some [Harbor:5f9f]",
            "search ap-southeast-3 prod-search-ap-southeast-3 all_granted_eps default 1 [harbor] some [Harbor:5f9f]",
        ]
    );
    let endpoints: Vec<&str> = expanded.operations.iter().map(|operation| operation.endpoint.as_str()).collect();
    assert_eq!(endpoints[0], "https://hss.cn-north-4.myhuaweicloud.com");
    assert_eq!(endpoints[1], "https://hss.eu-west-101.myhuaweicloud.eu");
    let waves = &expanded.plans[0].waves;
    let budgets: Vec<String> = waves.iter().filter_map(|wave| wave.budget).map(|budget| budget.to_string()).collect();
    assert_eq!(budgets, ["0 of 2", "50 % of 2 = 1"]);
    assert!(expanded.operations[0].id.as_str().starts_with("payments/cn-north-4/0/"));
    assert_eq!(expanded.operations[0].id.as_str().len(), "payments/cn-north-4/0/".len() + 8);
}

#[test]
fn operations_point_at_what_governs_them() {
    let build = contract().project("each", &[("cn-north-1", "e1")]).sets(&["swr", "harbor"]).per_set();
    let (plans, sources) = assemble(&[build]);
    let (expanded, _) = expand(&plans, &sources, &Overrides::new(), &EndpointChain::default()).expect("expands");
    let written: Vec<&str> = expanded
        .operations
        .iter()
        .map(|operation| sources.get(operation.location.source).slice(operation.location.span))
        .collect();
    assert_eq!(written, ["cn-north-4", "eu-west-101", "ap-southeast-1", "ap-southeast-3", "swr", "harbor"]);
}

#[test]
fn registries_are_united_and_everything_covers_the_rest() {
    let base = plan("p")
        .set("a", &[("r1", "Harbor"), ("r2", "Jfrog")])
        .set("b", &[("r2", "Jfrog"), ("r3", "Other"), ("r1", "Harbor")])
        .all("everything")
        .select("found", &[RegistryType::Jfrog, RegistryType::Harbor])
        .select("again", &[RegistryType::Harbor, RegistryType::Jfrog]);
    let united = base.clone().project("x", &[("cn-north-1", "p1")]).sets(&["b", "a"]);
    let (expanded, _) = expand_one(&united);
    assert_eq!(lines(&expanded.operations), ["x cn-north-1 p1 0 default 0 [b,a] some [Jfrog:r2,Other:r3,Harbor:r1]"]);
    let selected = base.clone().project("x", &[("cn-north-1", "p1")]).sets(&["a", "found", "again"]);
    assert_eq!(expand_one(&selected).0.operations[0].content.selectors.len(), 1);

    let covered = base.project("x", &[("cn-north-1", "p1"), ("cn-north-4", "p2")]).sets(&["a", "everything", "found"]);
    let (expanded, _) = expand_one(&covered);
    assert_eq!(lines(&expanded.operations)[0], "x cn-north-1 p1 0 default 0 [a,everything,found] all []");
    assert_eq!(expanded.operations[0].content.selectors, []);
    assert_eq!(
        complain(&[covered]),
        [
            "redundant-registries at p0.yaml:`everything`: set `everything` synchronises every registry, so `a`, `found` \
          adds nothing; this concerns 2 operations, first x => remove the redundant sets here, or write \
          `requests: per-set` for one request each"
        ]
    );
}

#[test]
fn per_set_sends_one_request_for_each() {
    let build = plan("p")
        .set("a", &[("r1", "Harbor")])
        .all("everything")
        .default_sets(&["a", "everything"])
        .project("x", &[("cn-north-1", "p1")])
        .per_set();
    let (expanded, warnings) = expand_one(&build);
    assert_eq!(warnings, []);
    assert_eq!(
        lines(&expanded.operations),
        ["x cn-north-1 p1 0 default 0 [a] some [Harbor:r1]", "x cn-north-1 p1 0 default 0 [everything] all []"]
    );
}

#[test]
fn one_registry_with_two_types_is_refused_once() {
    let build = plan("p")
        .set("a", &[("r1", "Harbor")])
        .set("b", &[("r1", "Jfrog")])
        .default_sets(&["a", "b"])
        .project("x", &[("cn-north-1", "p1"), ("cn-north-4", "p2")]);
    assert_eq!(
        complain(&[build]),
        ["conflicting-registry-type at p0.yaml:`Jfrog`: registry `r1` is Jfrog here and Harbor elsewhere in the same \
          request; met while rendering 2 operations, first x in cn-north-1 (set b) => a registry has one type: correct \
          one of the two, or use `requests: per-set`"]
    );
}

#[test]
fn an_undefined_name_is_reported_once_with_its_count() {
    let build = plan("p")
        .var("environment", "prod")
        .var("harbor_id", "1")
        .set("harbor", &[("{{ vars.harbor }}", "Harbor")])
        .set("unused", &[("{{ vars.envronment }}", "Harbor")])
        .default_sets(&["harbor"])
        .project("payments", &[("cn-north-4", "a"), ("cn-north-1", "b")])
        .project("search", &[("cn-north-4", "c")]);
    assert_eq!(
        complain(&[build]),
        [
            "undefined-variable at p0.yaml:`vars.harbor`: `vars.harbor` is not defined; met while rendering 3 \
             operations, first payments in cn-north-4 (set harbor) => did you mean `vars.harbor_id`?",
            "undefined-variable at p0.yaml:`vars.envronment`: `vars.envronment` is not defined => did you mean \
             `vars.environment`?",
        ]
    );
}

#[test]
fn rendered_values_are_checked_at_their_template() {
    let build = plan("p")
        .var("env", "pr od")
        .all("everything")
        .default_sets(&["everything"])
        .same("search", "{{ vars.env }}-x", &["cn-north-4", "cn-north-1"])
        .same("bad-region", "id", &["EU"])
        .credential("{{ region | upper }}");
    assert_eq!(
        complain(&[build]),
        [
            "invalid-rendered-value at p0.yaml:`{{ vars.env }}-x`: this template renders to `pr od-x`, which is not a project id: it contains ' ', which \
             is never part of such an id; met while rendering 2 operations, first \
             search in cn-north-4 => change the template or the value that it uses",
            "invalid-value at p0.yaml:`EU`: `EU` is not a region: it holds only a–z, 0–9 and `-`, and neither starts nor \
             ends with `-` (as in `cn-north-4`); met while rendering bad-region",
        ]
    );
}

#[test]
fn every_broken_part_of_a_place_is_reported_together() {
    let build = plan("p")
        .set("a", &[("{{ x }}", "{{ y }}")])
        .default_sets(&["a"])
        .project("x", &[("cn-north-1", "{{ z }}")])
        .enterprise("{{ u }}")
        .credential("{{ v }}");
    let codes: Vec<String> = complain(&[build]).iter().map(|line| line[..18].to_owned()).collect();
    assert_eq!(codes, ["undefined-variable"; 5]);
}

#[test]
fn the_same_request_twice_is_refused_across_plans_whoever_asks() {
    let base =
        || plan("p").set("a", &[("r1", "Harbor"), ("r2", "Harbor")]).set("b", &[("r2", "Harbor"), ("r1", "Harbor")]);
    let one = base().project("x", &[("cn-north-1", "p1"), ("cn-north-4", "p4")]).sets(&["a"]);
    let two = base().project("y", &[("cn-north-1", "p1"), ("cn-north-4", "p4")]).sets(&["b"]).credential("emea");
    assert_eq!(
        complain(&[one.clone(), two]),
        ["duplicate-operation at p1.yaml:`cn-north-1`: y in cn-north-1 is the same request as x in cn-north-1; this \
          concerns 2 operations, first y in cn-north-1 => remove one of the two; another credential does not make it \
          another request"]
    );
    // Another enterprise project, or other registries, make another request.
    let other = base().project("y", &[("cn-north-1", "p1")]).sets(&["a"]).enterprise("7");
    assert!(expand_all(&[one, other]).is_ok());
}

#[test]
fn looked_up_projects_are_the_credentials() {
    let lookup = |credential: &str| {
        plan("p").all("all").default_sets(&["all"]).project("x", &[("cn-north-1", "lookup")]).credential(credential)
    };
    assert!(expand_all(&[lookup("a"), lookup("b")]).is_ok());
    assert!(expand_all(&[lookup("a"), lookup("a")]).is_err());
}

#[test]
fn waves_take_by_label_glob_region_and_set() {
    let build = plan("p")
        .set("a", &[("r1", "Harbor")])
        .set("b", &[("r2", "Harbor")])
        .set("c", &[("r3", "Harbor")])
        .default_sets(&["a"])
        .project("pay-1", &[("cn-north-1", "p1"), ("eu-west-101", "p2")])
        .project("pay-2", &[("cn-north-1", "p3")])
        .labels(&["pci"])
        .project("other", &[("cn-north-1", "p4")])
        .sets(&["b"])
        .wave("w0", &[("project", "pay-*"), ("region", "cn-*"), ("label", "pci")], None)
        .wave("w1", &[("region", "eu-*")], None)
        .wave("w2", &[("set", "b")], None)
        .wave("w3", &[("set", "c"), ("region", "cn-*")], None)
        .wave("w4", &[], None);
    let (expanded, warnings) = expand_one(&build);
    let waves: Vec<usize> = expanded.operations.iter().map(|operation| operation.wave).collect();
    assert_eq!(waves, [4, 1, 0, 2]);
    assert_eq!(warnings.len(), 1);
    assert_eq!(
        complain(&[build]),
        [
            "empty-wave at p0.yaml:`w3`: wave `w3` takes no operation => waves take operations in order; move it before the \
          wave that takes them, or remove it"
        ]
    );
}

#[test]
fn an_operation_that_no_wave_takes_is_an_error_once_a_project() {
    let build = plan("p")
        .all("all")
        .default_sets(&["all"])
        .project("x", &[("cn-north-1", "p1"), ("cn-north-4", "p2")])
        .project("y", &[("eu-west-101", "p3")])
        .wave("w", &[("region", "eu-*")], None);
    assert_eq!(
        complain(&[build]),
        [
            "operation-without-wave at p0.yaml:`x`: no wave takes operations of project `x`; this concerns 2 operations, \
          first x in cn-north-1 => add a last wave without `select`: it takes all that is left"
        ]
    );
}

#[test]
fn the_cap_is_checked_before_anything_is_built() {
    let regions: Vec<String> = (0..1000).map(|n| format!("r{n}")).collect();
    let regions: Vec<&str> = regions.iter().map(String::as_str).collect();
    let build = plan("p").set("a", &[("{{ nothing }}", "Harbor")]).default_sets(&["a", "a", "a"]);
    let build = build.same("x", "id", &regions).per_set();
    assert_eq!(
        complain(&[build]),
        [
            "too-many-operations at p0.yaml:`p`: the plan expands to 3000 operations, at most 1000 are allowed => if it is \
          meant to be this large, write `max_operations: 3000` under `rollout`; else look for a project with too many \
          regions, or split the plan"
        ]
    );
    let build = plan("p").all("a").default_sets(&["a"]).same("x", "id", &["r1", "r2"]);
    assert!(expand_all(&[build.clone().edit(|file| file.rollout.max_operations = 2)]).is_ok());
    assert!(expand_all(&[build.edit(|file| file.rollout.max_operations = 1)]).is_err());
}

#[test]
fn overrides_replace_defaults_and_strangers_are_named() {
    let build = plan("p").var("env", "prod").all("a").default_sets(&["a"]).same("x", "{{ vars.env }}", &["cn-north-1"]);
    let (plans, sources) = assemble(&[build]);
    let overrides = Overrides::from([
        ("env".to_owned(), VariableValue::Integer(7)),
        ("enw".to_owned(), VariableValue::Bool(true)),
        ("zzz".to_owned(), VariableValue::Float(0.5)),
    ]);
    let (expanded, _) = expand(&plans, &sources, &overrides, &EndpointChain::default()).expect("expands");
    assert_eq!(expanded.operations[0].target.project_id.as_str(), "7");
    assert_eq!(
        undeclared_overrides(&plans, &overrides),
        [("enw".to_owned(), Some("env".to_owned())), ("zzz".to_owned(), None)]
    );
}

#[test]
fn the_operator_decides_the_endpoint_before_the_plan() {
    let build = plan("p")
        .all("a")
        .default_sets(&["a"])
        .same("x", "{{ region }}-id", &["cn-north-1", "cn-north-4", "cn-east-2"])
        .endpoint("cn-north-1", "https://one.myhuaweicloud.com")
        .endpoint("cn-north-4", "https://four.myhuaweicloud.com");
    let (plans, sources) = assemble(&[build]);
    let url = |text: &str| Endpoint::parse(text).expect("legal");
    let hosts = |chain: &EndpointChain| -> Vec<String> {
        let (expanded, _) = expand(&plans, &sources, &Overrides::new(), chain).expect("expands");
        expanded.operations.iter().map(|operation| operation.endpoint.host().to_owned()).collect()
    };
    let mut chain = EndpointChain::default();
    assert_eq!(hosts(&chain), ["one.myhuaweicloud.com", "four.myhuaweicloud.com", "hss.cn-east-2.myhuaweicloud.com"]);
    for region in ["cn-north-4", "cn-east-2"] {
        chain.from_file.insert(Region::parse(region).expect("legal"), url("https://file.example"));
    }
    assert_eq!(hosts(&chain), ["one.myhuaweicloud.com", "four.myhuaweicloud.com", "file.example"]);
    chain.by_region.insert(Region::parse("cn-north-4").expect("legal"), url("https://env.example"));
    assert_eq!(hosts(&chain), ["one.myhuaweicloud.com", "env.example", "file.example"]);
    chain.all = Some(url("http://127.0.0.1:1"));
    assert_eq!(hosts(&chain), ["127.0.0.1"; 3]);
}

#[test]
fn each_plan_of_a_batch_keeps_the_quota_that_it_states() {
    let quota = |text: &str, scope: QuotaScope| Quota { scope, ..Quota::parse(text).expect("legal") };
    let one = plan("one").all("a").default_sets(&["a"]).same("x", "1", &["cn-north-1"]);
    let two = plan("two").all("a").default_sets(&["a"]).same("x", "2", &["cn-north-1"]);
    let stated = [quota("20/10m", QuotaScope::Global), quota("5/1m", QuotaScope::User)];
    let one = one.edit(|file| file.limits.quota = stated[0]);
    let two = two.edit(|file| file.limits.quota = stated[1]);
    let (expanded, _) = expand_all(&[one, two]).expect("expands");
    // Neither is stricter for every window: choosing one would break the other.
    assert_eq!(expanded.plans.iter().map(|plan| plan.limits.quota).collect::<Vec<_>>(), stated);
}

#[test]
fn a_region_from_a_template_that_nobody_knows_is_a_warning() {
    let build =
        plan("p").var("r", "xx-new-9").all("a").default_sets(&["a"]).same("x", "1", &["{{ vars.r }}", "cn-north-1"]);
    let complaints = complain(&[build]);
    assert_eq!(complaints.len(), 1);
    assert!(complaints[0].starts_with("unlisted-region at p0.yaml:`{{ vars.r }}`: region `xx-new-9` is not"));
}

#[test]
fn only_stars_and_question_marks_are_wildcards() {
    let build = plan("p")
        .all("all")
        .default_sets(&["all"])
        .project("pay[1]", &[("cn-north-1", "p1")])
        .project("pay1", &[("cn-north-1", "p2")])
        .project("pay[2]-x", &[("cn-north-1", "p3")])
        .wave("w0", &[("project", "pay[1]")], None)
        .wave("w1", &[("project", "pay[2]-?")], None)
        .wave("w2", &[], None);
    let (expanded, warnings) = expand_one(&build);
    assert_eq!(warnings, []);
    let waves: Vec<usize> = expanded.operations.iter().map(|operation| operation.wave).collect();
    assert_eq!(waves, [0, 2, 1]);
}

#[test]
fn a_hundred_findings_are_shown_and_the_rest_is_counted() {
    let regions: Vec<String> = (0..150).map(|n| format!("r{n}-{{{{ project.name }}}}")).collect();
    let regions: Vec<&str> = regions.iter().map(String::as_str).collect();
    let build = plan("p").all("all").default_sets(&["all"]).same("x", "id", &regions);
    let (_, warnings) = expand_one(&build);
    assert_eq!(warnings.len(), 100);
    assert_eq!(warnings[99].notes, ["50 more problems follow, which are not shown"]);
}
