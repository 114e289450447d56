//! A journal that somebody else checked in: it has no say in where signed requests go.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use crate::common::{Finished, finish, hss_sync};

const PLAN: &str = "\
version: 1
name: sample
registry_sets: { all: { sync_all_registries: true } }
projects: [{ name: payments, project_ids: { cn-north-4: p-1 }, registry_sets: [all] }]
";
const ELSEWHERE: &str = "https://hss.stranger.example";

/// A proxy that writes down where connections are meant to go, and makes none.
struct Proxy {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut line = String::new();
                if BufReader::new(stream).read_line(&mut line).is_ok() {
                    kept.lock().expect("no panic").push(line.trim().to_owned());
                }
            }
        });
        Self { url, asked }
    }

    /// The hosts that were asked for since the last time.
    fn hosts(&self) -> Vec<String> {
        let mut hosts = std::mem::take(&mut *self.asked.lock().expect("no panic"));
        hosts.dedup();
        hosts
    }

    fn command(&self, dir: &Path, args: &[&str]) -> Command {
        let mut command = hss_sync(dir);
        command.env("HW_AUTH_TOKEN", "token-of-the-operator").env("HTTPS_PROXY", &self.url).args(args);
        command
    }

    fn call(&self, dir: &Path, args: &[&str]) -> Finished {
        finish(&mut self.command(dir, args))
    }
}

#[test]
fn a_journal_cannot_choose_where_requests_go() {
    let (folder, proxy) = (tempfile::tempdir().expect("a temporary folder"), Proxy::start());
    let dir = folder.path();
    let asks = vec!["CONNECT hss.stranger.example:443 HTTP/1.1".to_owned()];
    let plan_with_endpoint = format!("{PLAN}endpoints: {{ cn-north-4: {ELSEWHERE} }}\n");
    for (plan, flags) in
        [(PLAN, ["--endpoint", ELSEWHERE]), (&plan_with_endpoint, ["--allow-endpoint", "hss.stranger.example"])]
    {
        fs::write(dir.join("plan.yaml"), plan).expect("written");
        // The stranger's own run, which he checks in.
        let begun = proxy.call(dir, &[&["run", "plan.yaml", "--max-duration", "1s"], &flags[..]].concat());
        assert_eq!((begun.code(), proxy.hosts()), (4, asks.clone()), "{}", begun.excerpt());
        let go_on = " --allow-endpoint hss.stranger.example";
        assert!(begun.stdout().contains(go_on), "the command that goes on works: {}", begun.excerpt());

        for args in [&["resume"][..], &["resume", "latest", "--retry-unknown", "--retry-failed", "--yes"]] {
            let refused = proxy.call(dir, args);
            assert_eq!((refused.code(), proxy.hosts()), (2, Vec::new()), "{}", refused.excerpt());
            assert!(refused.stderr().contains(&format!("add{go_on}")), "{}", refused.excerpt());
        }
        // The operator's word of today, as a flag or in the environment.
        let resumed = proxy.call(dir, &["resume", "--allow-endpoint", "hss.stranger.example", "--max-duration", "1s"]);
        assert_eq!((resumed.code(), proxy.hosts()), (4, asks.clone()), "{}", resumed.excerpt());
        assert!(resumed.stdout().contains(go_on), "{}", resumed.excerpt());
        let mut command = proxy.command(dir, &["resume", "--max-duration", "1s"]);
        let resumed = finish(command.env("HUAWEICLOUD_SDK_REGION_HSS_CN_NORTH_4", ELSEWHERE));
        assert_eq!((resumed.code(), proxy.hosts()), (4, asks.clone()), "{}", resumed.excerpt());
        fs::remove_dir_all(dir.join(".hss-sync")).expect("removed");
    }
}
