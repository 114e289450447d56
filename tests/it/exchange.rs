//! Credentials that have to be asked for, with the real binary: what is sent where, how often, and what a refusal costs.

#![cfg(feature = "simulator")]

use std::path::Path;

use hss_sync::model::Secret;
use hss_sync::simulator::{Faults, KeyPair, RunningSimulator, SimulatedIam, SimulatedProject, SimulatorConfig};

use tokio::net::TcpSocket;

use super::common::{Finished, finish, hss_sync};
use super::credential::{plan, run, simulator_with, write_file};
use super::run::checked_report;
use super::service::Service;

const PASSWORD: [(&str, &str); 3] = [
    ("HW_USER_NAME", "simulated-user"),
    ("HW_USER_PASSWORD", "simulated-password"),
    ("HW_DOMAIN_NAME", "simulated-domain"),
];
const ID_TOKEN: [(&str, &str); 2] =
    [("HUAWEICLOUD_SDK_IDP_ID", "simulated-idp"), ("HUAWEICLOUD_SDK_ID_TOKEN_FILE", "id-token")];

/// How often each path was asked for that isn't HSS's.
fn asked(simulator: &RunningSimulator) -> Vec<(String, usize)> {
    let mut counts = std::collections::BTreeMap::new();
    for entry in simulator.log().into_iter().filter(|entry| entry.project_id.is_none()) {
        *counts.entry(entry.path).or_default() += 1;
    }
    counts.into_iter().collect()
}

fn counted(expected: &[(&str, usize)]) -> Vec<(String, usize)> {
    expected.iter().map(|(path, count)| ((*path).to_owned(), *count)).collect()
}

/// Runs a plan with IAM and metadata service where the simulator is.
fn run_there(folder: &Path, plan: &str, simulator: &RunningSimulator, variables: &[(&str, &str)]) -> Finished {
    let endpoint = simulator.endpoint().as_str();
    let variables = [&[("HUAWEICLOUD_SDK_IAM_ENDPOINT", endpoint)], variables].concat();
    run(folder, plan, endpoint, &variables)
}

/// An endpoint that nobody listens on, and that nobody else can take while the socket lives.
fn nobody() -> (TcpSocket, String) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
    let endpoint = format!("http://{}", socket.local_addr().expect("bound"));
    (socket, endpoint)
}

/// The credentials file, variables, what `-v` says, what is asked for how often, the user as HSS's log names it.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, &'a [(&'a str, usize)], &'a str);

/// Four projects: what is asked for, and by whom the service then sees itself called.
#[test]
fn each_source_that_is_asked_for_reaches_the_service() {
    let section = "[basic]\nidp_id = simulated-idp\nid_token_file = id-token\n";
    let id_token_calls = [("/v3.0/OS-AUTH/id-token/tokens", 1), ("/v3.0/OS-CREDENTIAL/securitytokens", 1)];
    let cases: [Case<'_>; 4] = [
        ("", &PASSWORD, "user name and password from HW_USER_NAME", &[("/v3/auth/tokens", 4)], "token-"),
        ("", &ID_TOKEN, "identity provider from HUAWEICLOUD_SDK_IDP_ID", &id_token_calls, "SIMU…0003"),
        (section, &[], "identity provider from ~/.huaweicloud/credentials [basic]", &id_token_calls, "SIMU…0003"),
        (
            "",
            &[("HSS_SYNC_METADATA_ENDPOINT", "HERE")],
            "agency of this server from the metadata service at HERE",
            &[("/meta-data/latest/api/token", 1), ("/openstack/latest/securitykey", 1)],
            "SIMU…0003",
        ),
    ];
    for (file, variables, said, calls, user) in cases {
        let (_runtime, simulator) = simulator_with(SimulatedIam::made_up());
        let here = simulator.endpoint().as_str();
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("id-token"), "simulated-id-token\n").expect("written");
        if !file.is_empty() {
            write_file(folder.path(), file);
        }
        let variables: Vec<_> =
            variables.iter().map(|(name, value)| (*name, if *value == "HERE" { here } else { value })).collect();
        let finished = run_there(folder.path(), &plan(&["default"], 4), &simulator, &variables);
        assert_eq!(finished.code(), 0, "{said}: {}", finished.excerpt());
        let said = format!("credential default: {}\n", said.replace("HERE", here));
        assert!(finished.stderr().contains(&said), "{said}: {}", finished.stderr());
        assert_eq!(asked(&simulator), counted(calls), "{said}");
        let served: Vec<_> = simulator.log().into_iter().filter(|entry| entry.committed).collect();
        assert_eq!(served.len(), 4);
        let users: Vec<_> = served.into_iter().filter_map(|entry| entry.user).collect();
        assert!(users.iter().all(|by| by.starts_with(user)), "{said}: {users:?}");
    }
}

/// `--iam-endpoint` wins over the environment, and an operation's second request needs no second token.
#[test]
fn the_flag_moves_iam_and_a_token_serves_a_project_again() {
    let (_runtime, simulator) = simulator_with(SimulatedIam::made_up());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = plan(&["default"], 1).replace(
        "registry_sets:\n",
        "registry_sets:\n  one: { registries: [{ registry_id: a, registry_type: Harbor }] }\n",
    );
    let text = text.replace("registry_sets: [all]", "registry_sets: [all, one], requests: per-set");
    std::fs::write(folder.path().join("plan.yaml"), text).expect("written");
    let endpoint = simulator.endpoint().as_str();
    let mut command = super::common::hss_sync(folder.path());
    command.envs(PASSWORD).env("HUAWEICLOUD_SDK_IAM_ENDPOINT", "https://iam.invalid");
    let finished =
        super::common::finish(command.args(["run", "plan.yaml", "--endpoint", endpoint, "--iam-endpoint", endpoint]));
    assert_eq!(finished.code(), 0, "{}", finished.excerpt());
    assert_eq!((asked(&simulator), simulator.stats().committed), (counted(&[("/v3/auth/tokens", 1)]), 2));

    let mut command = super::common::hss_sync(folder.path());
    let bad = ["run", "plan.yaml", "--endpoint", endpoint, "--iam-endpoint", "http://iam.example"];
    let finished = super::common::finish(command.envs(PASSWORD).args(bad));
    assert_eq!(finished.code(), 2, "{}", finished.excerpt());
    assert!(finished.stderr().contains("--iam-endpoint http://iam.example: an endpoint uses http"));
}

/// A refused proof is shown once, sends nothing, and ends that credential with 5; another one goes on.
#[test]
fn what_iam_refuses_ends_that_credential() {
    let wrong = [PASSWORD[0], ("HW_USER_PASSWORD", "wrong-password"), PASSWORD[2]];
    let said = "refused the user name and password from HW_USER_NAME: 401 The username or password is wrong.";
    let missing = "the token of the identity provider: cannot read `id-token`: it does not exist";
    for (variables, reason, calls) in [(&wrong[..], said, &[("/v3/auth/tokens", 1)][..]), (&ID_TOKEN, missing, &[])] {
        let (_runtime, simulator) = simulator_with(SimulatedIam::made_up());
        let folder = tempfile::tempdir().expect("a temporary folder");
        let keys = [
            ("HSS_SYNC_CREDENTIAL_GOOD_AK", "AKPERMANENT000000001"),
            ("HSS_SYNC_CREDENTIAL_GOOD_SK", "permanent-secret-key-0123456789abcdef"),
        ];
        let text = plan(&["default", "good"], 6);
        let finished = run_there(folder.path(), &text, &simulator, &[variables, &keys].concat());
        assert_eq!(finished.code(), 5, "{}", finished.excerpt());
        let report = checked_report(&folder.path().join("report.json"));
        let summary = &report["summary"];
        assert_eq!(
            (&summary["accepted"], &summary["failed"], &summary["not_attempted"]),
            (&6.into(), &1.into(), &5.into())
        );
        let failed = report["operations"].as_array().expect("a list").iter().find(|each| each["outcome"] == "failed");
        let failed = failed.expect("one failed");
        assert!(failed["reason"].as_str().expect("text").contains(reason), "{failed:#}");
        assert_eq!(failed["attempts"][0]["status"], serde_json::Value::Null, "HSS was not asked");
        assert_eq!((asked(&simulator), simulator.stats().posts), (counted(calls), 6));
        assert!(!finished.output().contains("wrong-password"));
    }
}

/// Nothing was sent, so that it is repeated like a connection that doesn't come about, and fails in the end.
#[test]
fn an_iam_that_cannot_be_reached_is_tried_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = plan(&["default"], 1)
        .replace("per: 1s }", "per: 1s }, retry: { max_attempts: 3, initial_delay: 10ms, max_delay: 20ms }");
    let (_port, closed) = nobody();
    let (_runtime, simulator) = simulator_with(SimulatedIam::made_up());
    let endpoint = simulator.endpoint().as_str();
    let variables = [&PASSWORD[..], &[("HUAWEICLOUD_SDK_IAM_ENDPOINT", closed.as_str())]].concat();
    let finished = run(folder.path(), &text, endpoint, &variables);
    assert_eq!(finished.code(), 1, "{}", finished.excerpt());
    let report = checked_report(&folder.path().join("report.json"));
    let operation = &report["operations"][0];
    let reason = operation["reason"].as_str().expect("text");
    assert!(reason.starts_with(&format!("IAM at {closed} can't be reached: ")), "{reason}");
    assert_eq!((operation["attempts"].as_array().map(Vec::len), simulator.stats().requests), (Some(3), 0));

    let faults = Faults::parse("503:100%").expect("legal");
    let (_runtime, simulator) = simulator_with(SimulatedIam { faults, ..SimulatedIam::made_up() });
    let finished = run_there(folder.path(), &text, &simulator, &PASSWORD);
    assert_eq!(finished.code(), 1, "{}", finished.excerpt());
    assert_eq!((asked(&simulator), simulator.stats().posts), (counted(&[("/v3/auth/tokens", 3)]), 0));
}

#[test]
fn a_metadata_service_without_an_agency_or_nobody_there_is_no_credential() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (_runtime, simulator) = simulator_with(SimulatedIam::default());
    let (_port, closed) = nobody();
    for (base, part) in [
        (simulator.endpoint().as_str(), "401 Please configure Cloud Service Agency first"),
        (&closed, "the metadata service can't be reached: "),
    ] {
        let variables = [("HSS_SYNC_METADATA_ENDPOINT", base)];
        let finished = run(folder.path(), &plan(&["default"], 1), simulator.endpoint().as_str(), &variables);
        assert_eq!(finished.code(), 5, "{}", finished.excerpt());
        let line = format!("\n- the metadata service at {base}: ");
        assert!(finished.stderr().contains(&line) && finished.stderr().contains(part), "{}", finished.stderr());
        assert!(finished.stderr().contains("- HUAWEICLOUD_SDK_AK + HUAWEICLOUD_SDK_SK"), "{}", finished.stderr());
    }
    assert_eq!(simulator.stats().posts, 0);
}

/// `hss-sync` with HSS, IAM and the metadata service in one place, and nothing else of a credential than `variables`.
fn reading(service: &Service, folder: &Path, args: &[&str], variables: &[(&str, &str)]) -> Finished {
    let endpoint = service.endpoint();
    let variables = variables.iter().map(|(name, value)| (*name, if *value == "HERE" { endpoint } else { *value }));
    let there = ["--endpoint", endpoint, "--iam-endpoint", endpoint, "--quota", "100/1m"];
    finish(hss_sync(folder).envs(variables).args(args).args(there))
}

fn with_projects(projects: &[(&str, &str)]) -> Service {
    let project = |(id, name): &(&str, &str)| SimulatedProject { id: (*id).to_owned(), name: (*name).to_owned() };
    let projects = Some(projects.iter().map(project).collect());
    Service::start(SimulatorConfig { projects, iam: SimulatedIam::made_up(), ..SimulatorConfig::default() })
}

/// An account doesn't have a project in every region, and IAM gives no token for a project that isn't there.
#[test]
fn a_region_without_a_project_is_no_refused_password() {
    let service = with_projects(&[("p-4", "cn-north-4"), ("p-3", "cn-east-3")]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let args = ["discover", "--regions", "mars-north-1,cn-north-4,cn-east-3"];
    let finished = reading(&service, folder.path(), &args, &PASSWORD);
    assert_eq!(finished.code(), 0, "{}", finished.excerpt());
    assert!(finished.stdout().contains("\"p-4\"") && finished.stdout().contains("\"p-3\""), "{}", finished.stdout());
    // One token for IAM's list, one for each project.
    let tokens = service.log().iter().filter(|entry| entry.path == "/v3/auth/tokens").count();
    assert_eq!(tokens, 3);
}

/// With a password it is IAM that refuses a foreign project, by giving no token for it.
#[test]
fn a_foreign_project_is_told_as_such_also_with_a_password() {
    let service = with_projects(&[("p-4", "cn-north-4"), ("p-3", "cn-east-3")]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = "version: 1\nname: n\nlimits: { concurrency: 1 }\nregistry_sets: { all: { sync_all_registries: true } }\ndefaults: { registry_sets: [all] }\n\
                projects:\n  - { name: own, project_ids: { cn-north-4: p-4 } }\n  - { name: foreign, project_ids: { cn-north-4: p-9 } }\n  \
                - { name: other, project_ids: { cn-east-3: p-3 } }\n";
    std::fs::write(folder.path().join("plan.yaml"), text).expect("written");
    let finished = reading(&service, folder.path(), &["check", "plan.yaml"], &PASSWORD);
    assert_eq!(finished.code(), 1, "{}", finished.excerpt());
    let said = finished.stdout();
    for line in [
        "ok    credential default    user name and password from HW_USER_NAME\n",
        "ok    own / cn-north-4      all registries (5 now)\n",
        "fail  foreign / cn-north-4  project p-9 can't be read: no token for project p-9, though the proof was good before: IAM at ",
        "401 The project does not exist.   plan.yaml:8:37\n",
        "ok    other / cn-east-3     all registries (5 now)\n",
    ] {
        assert!(said.contains(line), "{line}\n{said}");
    }
    let report = ["run", "plan.yaml", "--yes", "--report", "json=report.json"];
    let finished = reading(&service, folder.path(), &report, &PASSWORD);
    assert_eq!(finished.code(), 1, "{}", finished.excerpt());
    let report = checked_report(&folder.path().join("report.json"));
    assert_eq!((&report["summary"]["accepted"], &report["summary"]["failed"]), (&2.into(), &1.into()));
}

/// Credentials file, variables, what `-v` says, who asks.
type Reading<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, &'a str);

/// The commands that read prove themselves as `run` does, by whatever source.
#[test]
fn each_source_serves_the_commands_that_read() {
    let keys = KeyPair::made_up(1);
    let section = format!("[basic]\nak = {}\nsk = {}\n", keys.access_key, keys.secret_key.expose());
    let federation = "[basic]\nidp_id = simulated-idp\nid_token_file = id-token\n";
    let pair = [("CLOUD_SDK_AK", keys.access_key.as_str()), ("CLOUD_SDK_SK", keys.secret_key.expose())];
    let cases: [Reading<'_>; 7] = [
        ("", &pair, "AK …0001 from CLOUD_SDK_AK", "SIMU…0001"),
        ("", &[("OS_AUTH_TOKEN", "simulated-token-0123456789abcdef")], "token from OS_AUTH_TOKEN", "token-1"),
        ("", &PASSWORD, "user name and password from HW_USER_NAME", "token-"),
        (&section, &[], "AK …0001 from ~/.huaweicloud/credentials [basic]", "SIMU…0001"),
        (federation, &[], "identity provider from ~/.huaweicloud/credentials [basic]", "SIMU…000"),
        ("", &ID_TOKEN, "identity provider from HUAWEICLOUD_SDK_IDP_ID", "SIMU…000"),
        (
            "",
            &[("HSS_SYNC_METADATA_ENDPOINT", "HERE")],
            "agency of this server from the metadata service at HERE",
            "SIMU…000",
        ),
    ];
    let text = "version: 1\nname: n\nregistry_sets: { some: { select: { registry_type: Harbor } } }\n\
                projects: [{ name: web, project_ids: { cn-north-4: lookup }, registry_sets: [some] }]\n";
    for (file, variables, said, user) in cases {
        for command in
            [&["check", "plan.yaml"][..], &["plan", "plan.yaml", "--online"], &["discover", "--regions", "cn-north-4"]]
        {
            let tokens = vec![Secret::new("simulated-token-0123456789abcdef".to_owned())];
            let config = SimulatorConfig { iam: SimulatedIam::made_up(), tokens, ..SimulatorConfig::default() };
            let service = Service::start(config);
            let folder = tempfile::tempdir().expect("a temporary folder");
            std::fs::write(folder.path().join("id-token"), "simulated-id-token\n").expect("written");
            std::fs::write(folder.path().join("plan.yaml"), text).expect("written");
            if !file.is_empty() {
                write_file(folder.path(), file);
            }
            let finished = reading(&service, folder.path(), &[command, &["-v"]].concat(), variables);
            assert_eq!(finished.code(), 0, "{said}: {}", finished.excerpt());
            let said = format!("credential default: {}\n", said.replace("HERE", service.endpoint()));
            assert!(finished.stderr().contains(&said), "{said}: {}", finished.stderr());
            let log = service.log();
            let reads: Vec<_> =
                log.iter().filter(|entry| entry.path.starts_with("/v") && entry.method == "GET").collect();
            let expected = if command[0] == "check" { 3 } else { 2 };
            assert_eq!(reads.len(), expected, "{said} {command:?}");
            for read in reads {
                let by = read.user.as_deref().unwrap_or_default();
                assert!(by.starts_with(user), "{said} {command:?}: {by}");
            }
            let exchanges = [
                "/v3/auth/tokens",
                "/v3.0/OS-AUTH/id-token/tokens",
                "/v3.0/OS-CREDENTIAL/securitytokens",
                "/meta-data/latest/api/token",
            ];
            assert!(
                log.iter().all(|entry| entry.method == "GET" || exchanges.contains(&entry.path.as_str())),
                "{log:?}"
            );
        }
    }
}

/// A section's `iam_endpoint` counts for its credential, whatever that is, also where projects are looked up.
#[test]
fn a_section_says_where_the_iam_of_its_credential_is() {
    let service = Service::start(SimulatorConfig::default());
    let keys = KeyPair::made_up(1);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (ak, sk, iam) = (keys.access_key, keys.secret_key.expose(), service.endpoint());
    write_file(folder.path(), &format!("[basic]\nak = {ak}\nsk = {sk}\niam_endpoint = {iam}\n"));
    let args = ["discover", "--regions", "cn-north-4", "--endpoint", service.endpoint()];
    let finished = finish(hss_sync(folder.path()).args(args));
    assert_eq!((finished.code(), service.reads()), (0, 2), "{}", finished.excerpt());
}
