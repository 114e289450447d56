//! A stop, in a process of its own, since it is one of all threads. The thread that asks for it is not the first of its process,
//! which is the harder case: the system has another one take the signal.

use std::io::{BufRead as _, BufReader};
use std::num::NonZeroU32;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};

use super::send;
use crate::io::clock::RunClock;
use crate::io::signal::{CancellationToken, Signals};
use crate::run::port::Clock as _;

/// What the process does: it says how long its clock was held, each time that it goes on.
#[tokio::main(flavor = "current_thread")]
#[expect(clippy::disallowed_methods, clippy::print_stdout, reason = "it tells the test, by the machine's clock")]
async fn tell() {
    let (origin, clock) = (Instant::now(), RunClock::start(NonZeroU32::MIN));
    let signals = Signals::catch().and_then(|signals| signals.holding(&clock, |stop| stop()));
    let signals = signals.expect("signals can be caught");
    let mut going_on =
        signal(SignalKind::from_raw(nix::sys::signal::Signal::SIGCONT as i32)).expect("it can be caught");
    tokio::spawn(signals.watch(CancellationToken::new(), || {}));
    loop {
        println!("going");
        if going_on.recv().await.is_none() {
            return;
        }
        println!("held {}", origin.elapsed().saturating_sub(clock.now()).as_micros());
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test asks whether it is the process that it started, and measures")]
fn a_clock_stands_still_from_before_a_stop_until_after_it() {
    if std::env::var_os("HSS_SYNC_TEST_SUSPENDED").is_some() {
        return tell();
    }
    let name = concat!(module_path!(), "::a_clock_stands_still_from_before_a_stop_until_after_it");
    let name = name.split_once("::").expect("the crate's name comes first").1;
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env("HSS_SYNC_TEST_SUSPENDED", "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut child = Process(child);
    let id = child.0.id();
    let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut stopped = Duration::ZERO;
    for _ in 0..20 {
        lines.find(|line| line == "going").expect("it runs");
        send("-TSTP", id);
        wait_until_stopped(id);
        let start = Instant::now();
        std::thread::sleep(Duration::from_millis(20));
        stopped += start.elapsed();
        send("-CONT", id);
        let line = lines.find_map(|line| Some(line.strip_prefix("held ")?.to_owned())).expect("it goes on");
        let held = Duration::from_micros(line.parse().unwrap());
        assert!(held >= stopped, "held for {held:?}, stopped for {stopped:?} and more");
    }
}

/// A process that doesn't outlive the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Until all threads have stopped, for at most a minute or so.
fn wait_until_stopped(process: u32) {
    for _ in 0..60_000 {
        let mut tasks = std::fs::read_dir(format!("/proc/{process}/task")).expect("it runs");
        if tasks.all(|task| {
            let stat = std::fs::read_to_string(task.expect("an entry").path().join("stat")).unwrap_or_default();
            stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T'))
        }) {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("Ctrl-Z does not stop it");
}
