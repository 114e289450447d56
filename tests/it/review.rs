//! `plan --out`, `plan --diff` with its gates, `run --approve` and runs of a lock, with the real binary.

#![cfg(feature = "simulator")]

use std::path::Path;

use hss_sync::simulator::SimulatorConfig;
use serde_json::Value;
use tempfile::TempDir;

use super::common::{Finished, finish, hss_sync};
use super::run::checked_report;
use super::service::Service;

const PLAN: &str = "version: 1
name: fleet
vars: { env: prod }
registry_sets:
  harbor: { registries: [{ registry_id: \"h-{{ vars.env }}\", registry_type: Harbor }] }
projects:
  - name: web
    project_ids:
      cn-north-4: web-4
      cn-east-3: web-3
    registry_sets: [harbor]
  - { name: shop, project_ids: { cn-north-4: shop-4 }, registry_sets: [harbor] }
";

/// A folder with `plan.yaml` and what is done in it.
struct Desk(TempDir);

impl Desk {
    fn new(plan: &str) -> Self {
        let desk = Self(tempfile::tempdir().expect("a temporary folder"));
        desk.write("plan.yaml", plan);
        desk
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).expect("it is written");
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).expect("it is there")
    }

    /// `args` are split at blanks.
    fn run(&self, args: &str) -> Finished {
        finish(hss_sync(self.path()).args(args.split_whitespace()))
    }

    #[track_caller]
    fn ok(&self, args: &str) -> Finished {
        let finished = self.run(args);
        assert_eq!(finished.code(), 0, "{args}\n{}", finished.excerpt());
        finished
    }

    fn digest(&self) -> String {
        let document = self.ok("plan plan.yaml --format json").json().expect("JSON");
        document["digest"].as_str().expect("a digest").to_owned()
    }

    /// A lock of `plan.yaml`.
    fn lock(&self, flags: &str) -> Value {
        self.ok(&format!("plan plan.yaml --out plan.lock.json {flags}"));
        checked_lock(&self.read("plan.lock.json"))
    }

    fn sent_nothing(&self) -> bool {
        !self.path().join(".hss-sync").exists()
    }
}

/// A difference as JSON, held to its schema.
#[track_caller]
fn checked(finished: Finished) -> Value {
    let document = finished.json().expect("JSON");
    let schema = std::fs::read_to_string("schemas/diff.schema.json").expect("checked in");
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let validator = jsonschema::draft7::new(&schema).expect("a schema");
    let errors: Vec<String> =
        validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?} in {document:#}");
    document
}

/// The lock, held to its schema.
fn checked_lock(text: &str) -> Value {
    let schema: Value = serde_json::from_str(hss_sync::review::LOCK_SCHEMA).expect("JSON");
    let validator = jsonschema::draft7::new(&schema).expect("a schema");
    let lock: Value = serde_json::from_str(text).expect("JSON");
    let errors: Vec<String> = validator.iter_errors(&lock).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    lock
}

#[test]
fn a_run_sends_what_was_approved_and_nothing_else() {
    let desk = Desk::new(PLAN);
    let approved = desk.digest();
    desk.write("plan.yaml", &PLAN.replace("shop-4", "shop-5"));
    let refused = desk.run(&format!("run plan.yaml --simulate --approve {approved}"));
    assert_eq!(refused.code(), 3, "{}", refused.excerpt());
    let said = refused.stderr();
    for needed in [&*approved, &desk.digest(), "nothing was sent", "hss-sync plan plan.yaml --diff OLD"] {
        assert!(said.contains(needed), "{needed}: {said}");
    }
    assert!(desk.sent_nothing());

    desk.write("plan.yaml", &format!("# words\n{PLAN}"));
    desk.ok(&format!("run plan.yaml --simulate --time-scale 100 --approve {approved}"));
}

#[test]
fn an_approval_is_a_whole_digest() {
    let desk = Desk::new(PLAN);
    let short = desk.digest()[..20].to_owned();
    for bad in [short.as_str(), "sha256:", "yes"] {
        let refused = desk.run(&format!("run plan.yaml --simulate --approve {bad}"));
        assert_eq!(refused.code(), 2, "{bad}: {}", refused.excerpt());
        assert!(refused.stderr().contains("write the whole digest"), "{}", refused.excerpt());
    }
    assert!(desk.sent_nothing());
}

#[test]
fn an_approval_of_one_plan_is_none_of_two() {
    let desk = Desk::new(PLAN);
    let approved = desk.digest();
    desk.write(
        "other.yaml",
        &PLAN.replace("name: fleet", "name: other").replace("web-", "www-").replace("shop-4", "s"),
    );
    let refused = desk.run(&format!("run plan.yaml other.yaml --simulate --approve {approved}"));
    assert_eq!(refused.code(), 3, "{}", refused.excerpt());
    assert!(refused.stderr().contains(&format!("{approved}   plan.yaml   the approved one")), "{}", refused.excerpt());
}

/// 3 regions become 41 by one character: the line that has it is named, not one of those that it leads to.
#[test]
fn one_character_that_pulls_in_forty_operations_fails_a_gate_that_names_its_line() {
    let many: Vec<String> = (1..=41).map(|n| format!("r-{n}")).collect();
    let plan = format!(
        "version: 1\nname: fleet\nregistry_sets:\n  all: {{ sync_all_registries: true }}\nprojects:\n  - name: a\n    \
         project_id: \"a-{{{{ region }}}}\"\n    regions: &a [r-1]\n    registry_sets: [all]\n  - name: b\n    project_id: \
         \"b-{{{{ region }}}}\"\n    regions: &b [{}]\n    registry_sets: [all]\n  - name: c\n    project_id: \"c-{{{{ region }}}}\"\n    \
         registry_sets: [all]\n    regions: *a\n",
        many.join(", ")
    );
    // Counted by hand: `name: c` is the 14th line, and its regions are three further down.
    assert_eq!(plan.lines().nth(16), Some("    regions: *a"));
    let desk = Desk::new(&plan);
    let mut olds = vec!["plan.lock.json", "old.yaml"];
    desk.lock("");
    desk.write("old.yaml", &plan);
    desk.write("plan.yaml", &plan.replace("regions: *a", "regions: *b"));
    for old in &olds {
        let failed = desk.run(&format!("plan plan.yaml -q --diff {old} --max-new 5"));
        assert_eq!(failed.code(), 3, "{}", failed.excerpt());
        let said = failed.stderr();
        assert!(said.contains("--max-new 5: 40 operations are new"), "{said}");
        assert!(said.contains("plan.yaml:17: this line brings all 40: regions: *b"), "{said}");
    }
    // A list of operations has no text: what is common to them is named.
    let listing = desk.ok("plan old.yaml --format json").stdout().replace("old.yaml", "plan.yaml");
    desk.write("listing.json", &listing);
    let failed = desk.run("plan plan.yaml --diff listing.json --max-new 5");
    assert_eq!(failed.code(), 3, "{}", failed.excerpt());
    assert!(failed.stderr().contains("plan.yaml:12: this line governs all 40"), "{}", failed.stderr());
    olds.push("listing.json");
    for old in olds {
        // 43 before; 40 are as many as 93 %.
        for (gate, code) in [
            ("--max-new 40", 0),
            ("--max-new 39", 3),
            ("--max-change 40", 0),
            ("--max-change 92%", 3),
            ("--max-change 94%", 0),
        ] {
            let finished = desk.run(&format!("plan plan.yaml --diff {old} {gate}"));
            assert_eq!(finished.code(), code, "{old} {gate}: {}", finished.excerpt());
        }
    }
    let failed = checked(desk.run("plan plan.yaml --diff old.yaml --max-new 5 --format json"));
    let expected = serde_json::json!([{ "gate": "max-new", "allowed": 5, "count": 40,
        "cause": { "path": "plan.yaml", "line": 17, "end_line": 17, "operations": 40 } }]);
    assert_eq!(failed["exceeded"], expected);
    // What may not be is not saved.
    let failed = desk.run("plan plan.yaml --diff old.yaml --max-new 5 --out new.lock.json");
    assert_eq!((failed.code(), desk.path().join("new.lock.json").exists()), (3, false));
}

#[test]
fn a_difference_is_the_same_from_a_lock_a_report_a_listing_and_a_plan() {
    let desk = Desk::new(PLAN);
    desk.lock("");
    desk.write("old.yaml", PLAN);
    desk.write("listing.json", &desk.ok("plan plan.yaml --format json").stdout());
    desk.ok("run plan.yaml --simulate --time-scale 100 --report json=report.json");
    let olds =
        [("plan.lock.json", "lock"), ("report.json", "report"), ("listing.json", "listing"), ("old.yaml", "plan")];
    for (old, kind) in olds {
        let same = desk.ok(&format!("plan plan.yaml --diff {old} --max-change 0"));
        assert!(
            same.stdout().starts_with("0 added, 0 removed, 0 changed; 3 operations before, 3 now\n"),
            "{}",
            same.excerpt()
        );
        let same = checked(desk.ok(&format!("plan plan.yaml --diff {old} --format json")));
        assert_eq!((&same["old"]["kind"], &same["old"]["digest"]), (&Value::from(kind), &same["new"]["digest"]));
    }
    let edited = PLAN.replace("      cn-east-3: web-3\n", "      cn-south-1: web-s\n").replace("shop-4", "shop-5");
    desk.write("plan.yaml", &edited);
    for (old, _) in olds {
        let shown = desk.ok(&format!("plan plan.yaml --diff {old}")).stdout();
        let lines: Vec<&str> = shown.lines().take(3).map(|line| line.split("   ").next().unwrap_or_default()).collect();
        let expected = [
            "- web / cn-east-3: 1 registry (harbor)",
            "+ web / cn-south-1: 1 registry (harbor)",
            "~ shop / cn-north-4: project id shop-4 -> shop-5",
        ];
        assert_eq!(lines, expected, "{old}");
        assert!(shown.contains("1 added, 1 removed, 1 changed; 3 operations before, 3 now"), "{shown}");
        let document = checked(desk.ok(&format!("plan plan.yaml --diff {old} --format json")));
        let place = |index: usize| document["operations"][index]["source"]["line"].as_u64();
        assert_eq!((place(0), place(1), place(2)), (Some(10), Some(10), Some(12)), "{old}");
        let changed = &document["operations"][2];
        assert_eq!(changed["changes"], serde_json::json!(["project id shop-4 -> shop-5"]));
        assert_ne!(changed["id"], changed["old_id"]);
    }
}

#[test]
fn settings_are_compared_with_locks_and_plans_and_said_to_be_missing_elsewhere() {
    let desk = Desk::new(PLAN);
    desk.lock("");
    desk.write("listing.json", &desk.ok("plan plan.yaml --format json").stdout());
    desk.write("plan.yaml", &format!("{PLAN}limits: {{ concurrency: 3 }}\n"));
    let shown = desk.ok("plan plan.yaml --diff plan.lock.json").stdout();
    assert!(shown.starts_with("concurrency: 8 -> 3   plan.yaml\n"), "{shown}");
    let shown = desk.ok("plan plan.yaml --diff listing.json").stdout();
    assert!(shown.starts_with("a setting differs that a list of operations does not hold"), "{shown}");
    let document = checked(desk.ok("plan plan.yaml --diff plan.lock.json --format json"));
    let settings = serde_json::json!([{ "setting": "concurrency", "old": "8", "new": "3" }]);
    assert_eq!((&document["plans"][0]["change"], &document["plans"][0]["settings"]), (&"changed".into(), &settings));
    let document = checked(desk.ok("plan plan.yaml --diff listing.json --format json"));
    assert!(document["plans"][0]["note"].as_str().is_some_and(|note| note.contains("does not hold")), "{document}");
}

/// A plan that is new, one that is gone, and an operation in another wave.
#[test]
fn every_kind_of_difference_is_in_the_schema() {
    let desk = Desk::new(PLAN);
    std::fs::create_dir(desk.path().join("old")).expect("made");
    let other = PLAN.replace("web-", "w-").replace("shop-", "s-");
    desk.write("old/plan.yaml", PLAN);
    desk.write("old/gone.yaml", &other.replace("fleet", "gone"));
    std::fs::create_dir(desk.path().join("new")).expect("made");
    desk.write("new/plan.yaml", PLAN);
    desk.write("new/more.yaml", &other.replace("fleet", "more"));
    let document = checked(desk.ok("plan new --diff old --format json"));
    let words: Vec<&str> =
        document["plans"].as_array().expect("a list").iter().filter_map(|one| one["change"].as_str()).collect();
    assert!(words.contains(&"added") && words.contains(&"removed"), "{document:#}");
    let labelled = PLAN.replace("name: web", "name: web\n    labels: [one]").replace("shop,", "shop, labels: [two],");
    let first = |label: &str| {
        format!(
            "{labelled}rollout: {{ waves: [{{ name: first, select: {{ labels: [{label}] }} }}, {{ name: rest }}] }}\n"
        )
    };
    desk.write("old.yaml", &first("one"));
    desk.write("plan.yaml", &first("two"));
    let moved = checked(desk.ok("plan plan.yaml --diff old.yaml --format json"));
    assert_eq!(moved["summary"], serde_json::json!({ "added": 0, "removed": 0, "changed": 3 }), "{moved:#}");
}

#[test]
fn markdown_is_safe_and_needs_something_to_compare() {
    let desk = Desk::new(&OPEN.replace("prod-*", "x | `y` <img src=a> @all\\n# head"));
    desk.write("old.yaml", OPEN);
    let shown = desk.ok("plan plan.yaml --diff old.yaml --format markdown").stdout();
    assert!(shown.contains("### Plan difference") && shown.contains("0 added, 0 removed, 1 changed"), "{shown}");
    assert!(shown.contains("img src"), "{shown}");
    for raw in ["<img", "@all", "| `y`", "\n# head"] {
        assert!(!shown.contains(raw), "{raw}: {shown}");
    }
    assert_eq!(desk.run("plan plan.yaml --format markdown").code(), 2);
    assert_eq!(desk.run("plan plan.yaml --max-new 3").code(), 2);
    assert_eq!(desk.run("plan plan.yaml --diff old.yaml --max-change many").code(), 2);
}

#[test]
fn what_can_not_be_compared_is_refused() {
    let desk = Desk::new(PLAN);
    desk.write("broken.json", "{ \"schema_version\": 1, \"operations\": 3 }");
    desk.write("broken.yaml", "version: 1\n");
    for (old, code) in [("none.yaml", 2), ("broken.json", 3), ("broken.yaml", 3)] {
        let refused = desk.run(&format!("plan plan.yaml --diff {old}"));
        assert_eq!(refused.code(), code, "{old}: {}", refused.excerpt());
        assert_eq!(refused.stdout(), "");
    }
}

#[test]
fn a_lock_holds_to_its_schema_is_the_same_each_time_and_holds_no_secret() {
    let desk = Desk::new(PLAN);
    let secret = "SECRET-THAT-IS-NOWHERE";
    let save = |name: &str| {
        let mut command = hss_sync(desk.path());
        command.env("HUAWEICLOUD_SDK_AK", "ACCESS").env("HUAWEICLOUD_SDK_SK", secret);
        let saved = finish(command.args(["plan", "plan.yaml", "--var", "env=test", "--quota", "7/1m", "--out", name]));
        assert_eq!(saved.code(), 0, "{}", saved.excerpt());
        let digest = checked_lock(&desk.read(name))["digest"].as_str().expect("a digest").to_owned();
        assert!(saved.stderr().contains(&format!("hss-sync run {name} --approve {digest}")), "{}", saved.excerpt());
        desk.read(name)
    };
    let (one, two) = (save("a.lock.json"), save("b.lock.json"));
    assert_eq!(one, two);
    assert!(one.ends_with("}\n") && !one.contains(secret) && !one.contains("ACCESS"));
    let lock = checked_lock(&one);
    assert_eq!((&lock["variables"]["env"], &lock["quota"]), (&Value::from("test"), &Value::from("7/1m")));
    assert_eq!(lock["plans"][0]["limits"]["quota"]["calls"], 7);
    assert_eq!(lock["operations"][0]["request"]["body"]["registry_info"][0]["registry_id"], "h-test");
    let missing = desk.run("plan plan.yaml --out no/where.lock.json");
    assert_eq!(missing.code(), 6, "{}", missing.excerpt());
}

#[test]
fn a_run_of_a_lock_sends_just_what_it_lists_whatever_the_plan_says_by_now() {
    let desk = Desk::new(PLAN);
    let lock = desk.lock("--var env=test");
    std::fs::remove_file(desk.path().join("plan.yaml")).expect("it is there");
    desk.ok(&format!(
        "run plan.lock.json --simulate --time-scale 100 --report json=report.json --approve {}",
        lock["digest"].as_str().expect("a digest")
    ));
    let report = checked_report(&desk.path().join("report.json"));
    let requests = |document: &Value| -> Vec<Value> {
        let operations = document["operations"].as_array().expect("a list");
        operations.iter().map(|operation| operation["request"].clone()).collect()
    };
    assert_eq!((requests(&report), &report["summary"]["accepted"]), (requests(&lock), &Value::from(3)));
    assert_eq!(report["plans"][0]["digest"], lock["digest"]);
    assert!(desk.ok("validate plan.lock.json").stdout().contains("3 operations"));
}

#[test]
fn a_lock_that_was_edited_is_refused() {
    let desk = Desk::new(PLAN);
    desk.lock("");
    let lock = desk.read("plan.lock.json");
    for (from, to, why) in [
        ("\"project_id\": \"shop-4\"", "\"project_id\": \"shop-5\"", "`project_id` differs"),
        ("\"registry_id\": \"h-prod\"", "\"registry_id\": \"h-test\"", "`request` differs"),
        ("shop-4 }", "shop-5 }", "its digest is"),
        ("\"concurrency\": 8,", "\"concurrency\": 80,", "`plans` is not what its sources say"),
        ("https://hss.cn-east-3.", "https://hss.cn-east-9.", "it was made to send to https://hss.cn-east-9."),
        ("\"schema_version\": 1", "\"schema_version\": 2", "reads version 1"),
        ("\"resolved\": []", "\"resolved\": [], \"more\": 1", "unknown field"),
    ] {
        assert!(lock.contains(from), "{from}");
        desk.write("edited.lock.json", &lock.replacen(from, to, 1));
        let refused = desk.run("run edited.lock.json --simulate");
        assert_eq!(refused.code(), 3, "{from}: {}", refused.excerpt());
        assert!(refused.stderr().contains(why), "{why}: {}", refused.stderr());
    }
    let other = desk.run("run plan.lock.json plan.yaml --simulate");
    assert_eq!(other.code(), 2, "{}", other.excerpt());
    let other = desk.run("run plan.lock.json --simulate --var env=test");
    assert_eq!(other.code(), 2, "{}", other.excerpt());
    assert!(desk.sent_nothing());
}

/// A stranger's lock can't say where requests go, and one that was made elsewhere says so.
#[test]
fn a_lock_sets_no_endpoint() {
    let desk = Desk::new(PLAN);
    let lock = desk.lock("--endpoint http://127.0.0.1:9");
    assert_eq!(lock["operations"][0]["request"]["url"].as_str().map(|url| &url[..18]), Some("http://127.0.0.1:9"));
    let refused = desk.run("plan plan.lock.json");
    assert_eq!(refused.code(), 3, "{}", refused.excerpt());
    assert!(refused.stderr().contains("made to send to http://127.0.0.1:9"), "{}", refused.stderr());
    desk.ok("plan plan.lock.json --endpoint http://127.0.0.1:8");
    // To be compared with, it needs to lead nowhere.
    desk.ok("plan plan.yaml --diff plan.lock.json");
}

#[test]
fn a_run_of_a_lock_is_resumed_at_its_pace() {
    let desk = Desk::new(&PLAN.replace("cn-east-3", "cn-north-1").replace("cn-north-1: web-3", "cn-north-1: web-1"));
    let lock = desk.lock("--quota 1/1m --concurrency 1");
    assert_eq!(lock["quota"], "1/1m");
    let stopped = desk.run("run plan.lock.json --simulate --time-scale 1000 --max-duration 1s");
    assert_eq!(stopped.code(), 4, "{}", stopped.excerpt());
    let journal =
        std::fs::read_dir(desk.path().join(".hss-sync/runs")).expect("runs").next().expect("one").expect("read");
    let journal = std::fs::read_to_string(journal.path().join("journal.ndjson")).expect("a journal");
    assert!(journal.contains("\"quota\":\"1/1m\",\"concurrency\":1"), "{journal}");
    std::fs::remove_file(desk.path().join("plan.yaml")).expect("it is there");
    let saved = desk.read("plan.lock.json");
    desk.write("plan.lock.json", &saved.replace("shop-4", "shop-5"));
    assert_eq!(desk.run("resume").code(), 3);
    desk.write("plan.lock.json", &saved);
    let resumed = desk.ok("resume");
    assert!(resumed.output().contains("3 accepted of 3"), "{}", resumed.excerpt());
}

const OPEN: &str = "version: 1
name: open
registry_sets:
  discovered: { select: { registry_name: \"prod-*\" } }
projects:
  - { name: web, project_ids: { cn-north-4: lookup }, registry_sets: [discovered] }
";

#[test]
fn a_lock_freezes_what_lookup_and_select_found() {
    let desk = Desk::new(OPEN);
    let service = Service::start(SimulatorConfig::default());
    let saved = service.run(desk.path(), &["plan", "plan.yaml", "--online", "--out", "plan.lock.json"]);
    assert_eq!(saved.code(), 0, "{}", saved.excerpt());
    let text = desk.read("plan.lock.json");
    let lock = checked_lock(&text);
    let digest = lock["digest"].as_str().expect("a digest");
    assert_ne!(lock["digest"], lock["plans"][0]["digest"]);
    assert_eq!(lock["resolved"][0]["registries"].as_array().map(Vec::len), Some(2));
    let reads = service.log().len();

    // The digest of the plan approves any registries, so not just those of a lock.
    let plans = desk.digest();
    let refused = service.run(desk.path(), &["run", "plan.lock.json", "--approve", &plans]);
    assert_eq!(refused.code(), 3, "{}", refused.excerpt());
    let dropped = {
        let mut edited = lock.clone();
        for list in ["/resolved/0/registries", "/operations/0/request/body/registry_info"] {
            edited.pointer_mut(list).and_then(Value::as_array_mut).expect("a list").pop();
        }
        edited
    };
    desk.write("edited.lock.json", &dropped.to_string());
    let refused = service.run(desk.path(), &["run", "edited.lock.json"]);
    assert_eq!(refused.code(), 3, "{}", refused.excerpt());
    assert!(refused.stderr().contains("its digest is"), "{}", refused.stderr());

    let finished =
        service.run(desk.path(), &["run", "plan.lock.json", "--approve", digest, "--report", "json=report.json"]);
    assert_eq!(finished.code(), 0, "{}", finished.excerpt());
    let sent: Vec<_> = service.log().split_off(reads).into_iter().filter(|entry| entry.method != "GET").collect();
    assert_eq!(sent.len(), 1);
    let report = checked_report(&desk.path().join("report.json"));
    assert_eq!(report["operations"][0]["request"], lock["operations"][0]["request"]);

    // As written, and as found, nothing differs from the lock and the report.
    for old in ["plan.lock.json", "report.json"] {
        let same = service.run(desk.path(), &["plan", "plan.yaml", "--diff", old, "--max-change", "0"]);
        assert_eq!(same.code(), 0, "{}", same.excerpt());
        let same = service.run(desk.path(), &["plan", "plan.yaml", "--online", "--diff", old, "--max-change", "0"]);
        assert_eq!(same.code(), 0, "{}", same.excerpt());
    }
    // The digest of the lock approves the plan for as long as it finds the same.
    let finished = service.run(desk.path(), &["run", "plan.yaml", "--approve", digest]);
    assert_eq!(finished.code(), 0, "{}", finished.excerpt());
    let finished = service.run(desk.path(), &["run", "plan.yaml", "--approve", &plans]);
    assert_eq!(finished.code(), 0, "{}", finished.excerpt());
}

#[test]
fn drift_of_what_select_finds_is_a_difference() {
    let desk = Desk::new(OPEN);
    let service = Service::start(SimulatorConfig::default());
    let saved = service.run(desk.path(), &["plan", "plan.yaml", "--online", "--format", "json"]);
    let mut listing = saved.json().expect("JSON");
    let found = listing.pointer_mut("/operations/0/request/body/registry_info").and_then(Value::as_array_mut);
    found.expect("a list").pop();
    desk.write("listing.json", &listing.to_string());
    let differs = service.run(desk.path(), &["plan", "plan.yaml", "--online", "--diff", "listing.json"]);
    assert!(
        differs.stdout().contains("(Harbor) added") && differs.stdout().contains("1 changed"),
        "{}",
        differs.excerpt()
    );
    // Not asked, not known.
    let same = service.run(desk.path(), &["plan", "plan.yaml", "--diff", "listing.json"]);
    assert!(same.stdout().contains("0 changed"), "{}", same.excerpt());
}
