//! 10,000 operations with a wide quota at concurrency 64: the whole process, and what the journal costs in it.
//!
//! `cargo bench --bench run` prints requests a second and CPU a request of `run --simulate`, then the throughput of the same
//! run without and with a journal, in turn in this process. Client and simulator share one thread, so both sides of every
//! request are in the figures; the journal's writer has a thread of its own. The temporary directory decides whose disk is
//! measured (`TMPDIR`).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use hss_sync::event::RunEvent;
use hss_sync::expand::{EndpointChain, ExecutionPlan, Overrides, expand};
use hss_sync::io::clock::RunClock;
use hss_sync::io::http::{HttpOptions, HttpTransport};
use hss_sync::io::journal_file::JournalFile;
use hss_sync::journal::{Header, Invocation};
use hss_sync::model::{CredentialName, Quota, RunId};
use hss_sync::run::port::{EventLog, NoTasks, Unlogged};
use hss_sync::run::{DEFAULT_GRACE, FollowAfter, Outside, RunOptions, run};
use hss_sync::simulator::{Faults, Simulator, SimulatorConfig};
use hss_sync::source::{Source, Sources};
use tokio_util::sync::CancellationToken;

const OPERATIONS: usize = 10_000;
const CONCURRENCY: usize = 64;
const ROUNDS: usize = 5;
const PAIRS: usize = 15;
const WIDE: &str = "100000/1s";

#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    println!("{OPERATIONS} operations, concurrency {CONCURRENCY}");
    whole_process(folder.path());
    let plan = expanded();
    append(&plan, folder.path());
    round_trip(&plan, folder.path());
    without_and_with_a_journal(&plan, folder.path());
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn whole_process(folder: &Path) {
    let path = folder.join("plan.yaml");
    std::fs::write(&path, plan_text()).expect("the plan is written");
    let mut walls = Vec::new();
    let mut cpus = Vec::new();
    for _ in 0..ROUNDS {
        // GNU time gives user and system seconds of the finished process, which std does not.
        let output = Command::new("/usr/bin/time")
            .args(["-f", "%e %U %S", env!("CARGO_BIN_EXE_hss-sync"), "run", "--quiet", "--simulate"])
            .args(["--simulator-quota", WIDE, "--fault", "latency:0ms", "--state-dir"])
            .arg(folder.join("state"))
            .arg(&path)
            .output()
            .expect("GNU time is installed");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}");
        let figures: Vec<f64> =
            text.lines().last().unwrap_or("").split(' ').filter_map(|figure| figure.parse().ok()).collect();
        let [wall, user, sys] = figures[..] else { panic!("unexpected output of time: {text}") };
        walls.push(wall);
        cpus.push(user + sys);
    }
    let ([wall, ..], [cpu, ..]) = (spread(&mut walls), spread(&mut cpus));
    println!("process  median {wall:.2} s of {ROUNDS}, {:.0} requests a second", OPERATIONS as f64 / wall);
    println!(
        "process  median {cpu:.2} s of CPU, {:.0} us a request, {:.0} % of one core",
        cpu / OPERATIONS as f64 * 1e6,
        cpu / wall * 100.0
    );
}

/// What an append costs the run's own thread, when it asks after every third as it does after an answer.
#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn append(plan: &ExecutionPlan, folder: &Path) {
    const EVENTS: usize = 200_000;
    let mut log = journal(folder, "append");
    let start = now();
    for index in 0..EVENTS {
        log.append(&launch(index), plan);
        if index % 3 == 0 {
            log.durable().expect("the disk is good");
        }
    }
    let elapsed = start.elapsed();
    assert!(log.flush_within(Duration::from_secs(60)));
    println!("append   {:.2} us an event", elapsed.as_secs_f64() / EVENTS as f64 * 1e6);
}

/// How long an announcement takes to be on the disk, alone and when many are under way.
#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn round_trip(plan: &ExecutionPlan, folder: &Path) {
    const ROUND_TRIPS: usize = 2_000;
    for concurrency in [1, CONCURRENCY] {
        let mut log = journal(folder, &format!("round-trip-{concurrency}"));
        let mut times = runtime().block_on(async {
            let mut times = Vec::new();
            for trip in 0..ROUND_TRIPS {
                let start = now();
                let last = (0..concurrency).map(|index| log.append(&launch(trip + index), plan)).last();
                while Some(log.durable().expect("the disk is good")) < last {
                    log.changed().await;
                }
                times.push(start.elapsed().as_secs_f64() * 1e6);
            }
            times
        });
        let [median, lowest, highest] = spread(&mut times);
        println!("durable  {concurrency:2} events after {median:.0} us ({lowest:.0} to {highest:.0})");
    }
}

/// The same run with a log that keeps nothing and with a journal, in turn, so that both see the same machine.
#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn without_and_with_a_journal(plan: &ExecutionPlan, folder: &Path) {
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        without.push(simulated(plan, &mut Unlogged));
        with.push(simulated(plan, &mut journal(folder, &format!("pair-{pair}"))));
    }
    for (name, runs) in [("without", &without), ("with", &with)] {
        let [median, lowest, highest] = spread(&mut runs.iter().map(|run| run.per_second).collect::<Vec<_>>());
        let [cpu, ..] = spread(&mut runs.iter().map(|run| run.cpu).collect::<Vec<_>>());
        println!(
            "journal  {name:7} median {median:.0} requests a second ({lowest:.0} to {highest:.0}), {cpu:.0} us of the run's \
             thread a request"
        );
    }
    let ratio = |of: fn(&Measured) -> f64| {
        let mut ratios: Vec<f64> = without.iter().zip(&with).map(|(without, with)| of(with) / of(without)).collect();
        spread(&mut ratios)
    };
    let [median, lowest, highest] = ratio(|run| run.per_second);
    println!(
        "journal  ratio of throughput median {median:.3} of {PAIRS} ({lowest:.3} to {highest:.3}); goal: above 0.85"
    );
    let [median, lowest, highest] = ratio(|run| run.cpu);
    println!("journal  ratio of that CPU   median {median:.3} of {PAIRS} ({lowest:.3} to {highest:.3})");
}

/// What one run took.
struct Measured {
    per_second: f64,
    /// Microseconds of this thread's processor for each request: hardly moved by what else the machine does.
    cpu: f64,
}

/// One run against a new simulator.
fn simulated(plan: &ExecutionPlan, log: &mut impl EventLog) -> Measured {
    runtime().block_on(async {
        let clock = RunClock::start(NonZeroU32::MIN);
        let config = SimulatorConfig {
            quota: Some(Quota::parse(WIDE).expect("legal")),
            faults: Faults::parse("latency:0ms").expect("legal"),
            keep_log: 0,
            ..SimulatorConfig::default()
        };
        let credential = Simulator::credentials(config.seed);
        let simulator = Simulator::start(config, clock.clone()).await.expect("the simulator starts");
        let options = HttpOptions::loopback(CONCURRENCY, Duration::from_secs(75));
        let options = HttpOptions { connect_to: Some(simulator.address()), ..options };
        let transport = HttpTransport::new(&options, clock.clone()).expect("a client");
        let credentials = BTreeMap::from([(CredentialName::default_name(), credential)]);
        let outside = Outside { transport: &transport, tasks: &NoTasks, clock: &clock, log, sinks: &mut [] };
        let (start, cpu) = (now(), thread_cpu());
        let end = run(plan, &credentials, &options_of_run(), None, outside, &CancellationToken::new()).await;
        let (elapsed, cpu) = (start.elapsed(), thread_cpu() - cpu);
        let end = end.expect("the account adds up");
        assert!(end.not_recorded.is_none() && end.summary.counts.accepted == OPERATIONS, "{:?}", end.summary.counts);
        Measured { per_second: OPERATIONS as f64 / elapsed.as_secs_f64(), cpu: cpu / OPERATIONS as f64 }
    })
}

fn options_of_run() -> RunOptions {
    RunOptions {
        run: run_id(),
        started_at: jiff::Timestamp::UNIX_EPOCH,
        forecast: Duration::ZERO,
        max_failures: None,
        fail_fast: false,
        max_duration: None,
        grace: DEFAULT_GRACE,
        seed: 1,
        follow: FollowAfter::Nothing,
        elsewhere: Vec::new(),
    }
}

/// Microseconds that this thread was on a processor, as Linux counts them; zero elsewhere.
fn thread_cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|nanoseconds| nanoseconds.parse::<f64>().ok()).unwrap_or_default() / 1000.0
}

fn journal(folder: &Path, name: &str) -> JournalFile {
    let header = Header {
        run: run_id(),
        tool: "0.1.0".to_owned(),
        started_at: jiff::Timestamp::UNIX_EPOCH,
        forecast: Duration::ZERO,
        planned: OPERATIONS,
        digest: expanded_digest(),
        plans: Vec::new(),
        invocation: Invocation::default(),
        sources: Vec::new(),
        resolved: Vec::new(),
    };
    JournalFile::create(&folder.join("runs").join(name), &header, None).expect("a new journal")
}

fn launch(index: usize) -> RunEvent {
    RunEvent::AttemptStarted { op: index % OPERATIONS, attempt: 1, at: Duration::from_micros(index as u64) }
}

/// Median, lowest and highest.
fn spread(figures: &mut [f64]) -> [f64; 3] {
    figures.sort_by(f64::total_cmp);
    [figures[figures.len() / 2], figures[0], figures[figures.len() - 1]]
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn now() -> Instant {
    Instant::now()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn run_id() -> RunId {
    RunId::parse("20261124-080000-7f3a").expect("legal")
}

fn expanded_digest() -> hss_sync::model::PlanDigest {
    hss_sync::model::PlanDigest::parse(&format!("sha256:{}", "0".repeat(64))).expect("legal")
}

fn expanded() -> ExecutionPlan {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("plan.yaml", plan_text()));
    let tree = hss_sync::yaml::parse(id, sources.get(id)).expect("YAML");
    let file = hss_sync::plan::decode(id, &tree).expect("a plan");
    let (valid, _) = hss_sync::plan::validate(file, &[]).expect("a valid plan");
    expand(&[valid], &sources, &Overrides::default(), &EndpointChain::default()).expect("it expands").0
}

fn plan_text() -> String {
    let mut text = format!(
        "version: 1\nname: wide\nregistry_sets:\n  all: {{ sync_all_registries: true }}\ndefaults: {{ registry_sets: [all] }}\nrollout: {{ max_operations: {OPERATIONS} }}\nlimits:\n  quota: {{ calls: 100000, per: 1s }}\n  concurrency: {CONCURRENCY}\n  region_concurrency: {CONCURRENCY}\nprojects:\n"
    );
    for index in 0..OPERATIONS {
        let _ = writeln!(
            text,
            "  - {{ name: project-{index:05}, project_ids: {{ cn-north-4: 0a1b2c3d4e5f60718293a4b5{index:08x} }} }}"
        );
    }
    text
}
