//! References between the parts of a plan.

use super::{GOOD, Read, assert_lines, label, only};
use crate::diagnostic::Code;

fn with(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from:?}");
    GOOD.replacen(from, to, 1)
}

#[test]
fn an_unknown_set_names_the_one_that_is_meant_and_its_place() {
    let text = with("  all:", "  harbor:").replace("[all]", "[harbour]");
    let found = Read::new(&text).validate(&[]).expect_err("unknown");
    let read = Read::new(&text);
    // That nobody names `harbor` by its right name is no second problem.
    let lines: Vec<_> = found.iter().map(|diagnostic| read.line(diagnostic)).collect();
    assert_eq!(lines, ["8:21 unknown-set registry set `harbour` is not defined"]);
    assert_eq!((label(&found[0]), found[0].help.as_deref()), ("no such set", Some("did you mean `harbor`?")));
    let (_, defined) = read.sources.place(found[0].secondary[0].location);
    assert_eq!((defined.line(), defined.column()), (4, 3));
    assert_eq!(found[0].secondary[0].text, "`harbor` is defined here");
}

#[test]
fn sets_come_from_the_project_or_from_defaults() {
    let without = with("    registry_sets: [all]\n", "");
    assert_lines(
        &without,
        &["7:11 missing-sets project `web` names no registry sets, and `defaults` names none for it"],
    );
    assert_lines(&format!("{without}defaults: {{ registry_sets: [all] }}\n"), &[]);
    assert_lines(
        &format!("{without}defaults: {{ registry_sets: [all, none] }}\n"),
        &["10:34 unknown-set registry set `none` is not defined"],
    );
    // Two projects, one cause.
    let two = format!("{without}  - {{ name: b, project_ids: {{ cn-north-4: x }} }}\n");
    let found = only(&two);
    assert_eq!((found.code, found.secondary.len()), (Code::MissingSets, 1));
}

#[test]
fn a_set_that_only_defaults_name_is_used_if_a_project_inherits() {
    let text =
        with("  all:", "  spare: { sync_all_registries: true }\n  all:") + "defaults: { registry_sets: [spare] }\n";
    assert_lines(&text, &["4:3 unused-set registry set `spare` is not used"]);
    assert_eq!(
        only(&text).help.as_deref(),
        Some("only `defaults` names it, and every project names sets of its own; remove it, or name it in a project")
    );
}

#[test]
fn a_registry_stands_once_in_a_set() {
    let item = "{ registry_id: a, registry_type: Other }";
    let set =
        format!("registries:\n      - {item}\n      - {{ registry_id: a, registry_type: Harbor }}\n      - {item}");
    assert_lines(
        &with("sync_all_registries: true", &set),
        &["8:24 repeated-item registry `a` stands twice in set `all`"],
    );
}

#[test]
fn a_project_has_its_name_alone() {
    let text = format!("{GOOD}  - {{ name: web, project_ids: {{ cn-north-4: x }}, registry_sets: [all] }}\n");
    let found = only(&text);
    let read = Read::new(&text);
    assert_eq!(read.line(&found), "11:13 duplicate-project project `web` is defined twice");
    let (_, first) = read.sources.place(found.secondary[0].location);
    assert_eq!((first.line(), first.column()), (7, 11));
}

#[test]
fn variables_that_no_template_mentions_are_warned_about() {
    let vars = "vars: { a: x, b: x, c: x, d: x, e: x, f: x, g: x, h: x }\n";
    let text = with(
        "sync_all_registries: true",
        "registries: [{ registry_id: '{{ vars.a }}', registry_type: '{{ vars.b }}' }]",
    )
    .replace("0a1b2c3d", "'{{ vars[\"c\"] }}'")
        + "    enterprise_project_id: '{{ vars.d }}'\n    credential: '{{ vars.e }}'\n"
        + "  - { name: n, project_id: '{{ vars.f }}', regions: ['{{ vars.g }}'], registry_sets: [all] }\n"
        + vars;
    // Line 14; h is the eighth of `x: x, ` (6 characters each) after `vars: { `: 9 + 7 * 6.
    assert_lines(&text, &["14:51 unused-variable variable `h` is not used"]);
    assert_lines(&text.replace("'{{ vars.g }}'", "'{{ vars[region] }}'"), &[]);
    let in_defaults = text.replace("'{{ vars.g }}'", "cn-north-1")
        + "defaults: { credential: '{{ vars.g }}', enterprise_project_id: '{{ vars.h }}' }\n";
    assert_lines(&in_defaults, &[]);
}

#[test]
fn a_region_that_no_table_knows_is_warned_about_once() {
    let text = with("cn-north-4: 0a1b2c3d", "cn-nroth-4: 0a1b2c3d")
        + "  - { name: b, project_id: x, regions: [cn-nroth-4, cn-north-4], registry_sets: [all] }\n";
    let found = only(&text);
    assert_eq!(
        Read::new(&text).line(&found),
        "10:7 unlisted-region region `cn-nroth-4` is not in the list of known regions"
    );
    let help = "did you mean `cn-north-4`? If it is a new region, name its endpoint under `endpoints`";
    assert_eq!(found.help.as_deref(), Some(help));
    assert_lines(&format!("{text}endpoints: {{ cn-nroth-4: https://hss.cn-nroth-4.myhuaweicloud.com }}\n"), &[]);
}

#[test]
fn a_plan_alone_cannot_choose_another_host() {
    let plan = |url: &str| format!("{GOOD}endpoints: {{ cn-north-4: \"{url}\" }}\n");
    for good in [
        "https://hss.cn-north-4.myhuaweicloud.com",
        "https://myhuaweicloud.eu",
        "https://HSS.EU-WEST-101.MYHUAWEICLOUD.EU",
        "https://hss.cn-north-4.myhuaweicloud.com:8443",
    ] {
        assert_lines(&plan(good), &[]);
    }
    for bad in [
        "https://evilmyhuaweicloud.com",
        "https://myhuaweicloud.com.example.org",
        "https://hss.example.org",
        "https://127.0.0.1",
        "http://127.0.0.1:8080",
        "http://localhost:8080",
        "http://[::1]:8080",
    ] {
        let found = only(&plan(bad));
        assert_eq!(found.code, Code::EndpointNotAllowed, "{bad}");
        assert_eq!(Read::new(&plan(bad)).line(&found).split(' ').next(), Some("11:26"), "{bad}");
    }
    let allowed = |url: &str, hosts: &[&str]| {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        Read::new(&plan(url)).validate(&hosts).is_ok()
    };
    assert!(allowed("https://hss.example.org", &["HSS.example.org"]));
    assert!(allowed("http://127.0.0.1:8080", &["127.0.0.1"]));
    assert!(allowed("http://127.0.0.1:8080", &["127.0.0.1:8080"]));
    assert!(!allowed("http://127.0.0.1:8080", &["127.0.0.1:8081"]));
    assert!(!allowed("https://hss.example.org", &["example.org"]));
}

#[test]
fn what_a_wave_selects_exists() {
    let text = with("    registry_sets: [all]", "    registry_sets: [all]\n    labels: [canary]")
        + "\
rollout:
  waves:
    - name: a
      select:
        labels: [canary, canari]
        projects: [web, w*, wbe, x*]
        regions: [cn-north-4, cn-*, eu-*]
        sets: [all, al]
";
    assert_lines(
        &text,
        &[
            "16:26 unknown-label no project has label `canari`",
            "17:29 unknown-project no project is named `wbe`",
            "17:34 unknown-project no project is named `x*`",
            "18:37 unknown-region no project is in region `eu-*`",
            "19:21 unknown-set registry set `al` is not defined",
        ],
    );
    let found = super::found(&text);
    assert_eq!(found[0].help.as_deref(), Some("did you mean `canary`?"));
    assert_eq!(found[2].help.as_deref(), Some("this plan has `web`"));
    // A region that is a template may become any.
    let rendered = text.replace(
        "cn-north-4: 0a1b2c3d\n",
        "cn-north-4: 0a1b2c3d\n  - { name: r, project_id: x, regions: ['{{ project.name }}'], registry_sets: [all] }\n",
    );
    assert!(!super::lines(&rendered).iter().any(|line| line.contains("unknown-region")), "{rendered}");
}

#[test]
fn waves_have_names_of_their_own_and_the_one_that_takes_the_rest_is_last() {
    let waves = "rollout: { waves: [{ name: a }, { name: a, select: { projects: [web] } }, { name: c }] }\n";
    assert_lines(
        &format!("{GOOD}{waves}"),
        &[
            "11:41 duplicate-wave wave `a` is defined twice",
            "11:41 empty-wave wave `a` is left with nothing: wave `a` before it takes everything",
            "11:83 empty-wave wave `c` is left with nothing: wave `a` before it takes everything",
        ],
    );
}

#[test]
fn errors_are_never_pushed_out_by_warnings() {
    let vars: String = (0..200).map(|n| format!("  v{n}: x\n")).collect();
    let text = format!("version: 1\nvars:\n{vars}{}", with("version: 1\n", "").replace("[all]", "[al]"));
    let found = super::found(&text);
    assert_eq!(found.len(), 100);
    assert!(found.iter().any(|diagnostic| diagnostic.code == Code::UnknownSet), "{found:#?}");
}
