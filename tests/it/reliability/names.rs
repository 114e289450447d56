//! A name server that is silent, in a network of its own.

use super::{QUICK, checked_report, counts, hss_sync, plan, readable_journal};

/// Nobody is at the name server's address (RFC 5737), and what is sent there comes back from nowhere.
const NETWORK: &str =
    "ip link set lo up && ip route add 192.0.2.0/24 dev lo && mount --bind resolv.conf /etc/resolv.conf";

/// Longer than any test may take: only who does not wait for the answer ends.
const RESOLVER: &str = "nameserver 192.0.2.53\noptions timeout:30 attempts:5\n";

/// Nothing is sent, and the process ends with its run: the system's look-up of a name can't be stopped.
#[test]
fn a_name_server_that_is_silent_holds_nobody_up() {
    for (command, code) in [("run", 1), ("check", 1)] {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("plan.yaml"), plan(2, QUICK)).expect("written");
        std::fs::write(folder.path().join("resolv.conf"), RESOLVER).expect("written");
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/test-root.pem");
        let mut inner = hss_sync(folder.path(), &[command, "plan.yaml", "--ca-cert", root]);
        inner.args(["--endpoint", "https://hss.example", "--iam-endpoint", "https://iam.example"]);
        if command == "run" {
            inner.args(["--report", "json=report.json"]);
        }
        let Some(finished) = super::unshared(&inner, "-rmn", NETWORK, &format!("{NETWORK} && exec \"$0\" \"$@\""))
        else {
            eprintln!("skipped: no network of its own can be had here");
            return;
        };
        assert_eq!(finished.code(), code, "{command}: {}", finished.excerpt());
        if command == "run" {
            let report = checked_report(&folder.path().join("report.json"));
            assert_eq!(counts(&report), [0, 2, 0, 0], "{}", finished.excerpt());
            assert_eq!(report["summary"]["attempts"], 4, "surely not sent, so tried again");
            assert!(finished.stdout().contains("Nothing was sent: "), "{}", finished.excerpt());
            readable_journal(folder.path());
        }
    }
}
