//! A wall clock that is set while a run goes on, or between two of its sessions: libfaketime gives it to the real binary, whose
//! monotonic clock stays true. Each jump comes when a certain request has arrived, and counts decide, never time.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hss_sync::model::Quota;
use hss_sync::run::port::Clock;
use hss_sync::simulator::{Faults, SimulatorConfig};

use super::super::common::finish;
use super::super::service::{Service, with_credential};
use super::{checked_report, counts, plan, readable_journal, reasons};

const SKIPPED: &str = "skipped: there is no libfaketime here";

/// Below the 15 minutes that a signature may be off, and above.
const MINUTES: i64 = 600;
const HOUR: i64 = 3600;

/// The library, where the system has it and the binary would take it.
fn libfaketime() -> Option<PathBuf> {
    // A static binary takes none.
    if !cfg!(target_env = "gnu") {
        return None;
    }
    let architecture = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    let folders = [architecture.as_str(), "/usr/lib64", "/usr/lib", "/usr/local/lib"];
    let places = folders.map(|folder| Path::new(folder).join("faketime/libfaketime.so.1"));
    places.into_iter().find(|place| place.is_file())
}

/// A wall clock that is as far off as it is set.
struct Wall {
    library: PathBuf,
    offset: PathBuf,
}

impl Wall {
    /// One that is right, with its file in `folder`; none without the library.
    fn right(folder: &Path) -> Option<Self> {
        let wall = Self { library: libfaketime()?, offset: folder.join("offset") };
        set(&wall.offset, 0);
        Some(wall)
    }

    fn give(&self, command: &mut Command) {
        command.env("LD_PRELOAD", &self.library).env("FAKETIME_TIMESTAMP_FILE", &self.offset);
        command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    }
}

/// From now on the clock is so many seconds off. The file is never there in part.
fn set(offset: &Path, seconds: i64) {
    let next = offset.with_extension("next");
    std::fs::write(&next, format!("{seconds:+}\n")).expect("written");
    std::fs::rename(next, offset).expect("in its place");
}

/// What passes between a run and the simulator.
enum Passing {
    /// A POST, counted from 1, before the simulator has it; what comes back is the answer in its place.
    Asked(usize),
    /// The status of an answer to one.
    Answered(u16),
}

/// Stands before a simulator, and tells of all POSTs.
struct Relay {
    endpoint: String,
    seen: Arc<Seen>,
}

struct Seen {
    tell: Box<dyn Fn(Passing) -> Option<&'static str> + Send + Sync>,
    /// When the POSTs were signed.
    signed: Mutex<Vec<jiff::Timestamp>>,
}

impl Relay {
    fn start(to: SocketAddr, tell: impl Fn(Passing) -> Option<&'static str> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let relay = Self { endpoint, seen: Arc::new(Seen { tell: Box::new(tell), signed: Mutex::default() }) };
        let seen = Arc::clone(&relay.seen);
        std::thread::spawn(move || {
            for mut client in listener.incoming().flatten() {
                let (seen, mut service) = (Arc::clone(&seen), TcpStream::connect(to).expect("the simulator listens"));
                std::thread::spawn(move || while seen.passes(&mut client, &mut service).is_some() {});
            }
        });
        relay
    }

    /// How many POSTs there were.
    fn posts(&self) -> usize {
        self.seen.signed.lock().expect("no thread panicked").len()
    }

    /// How far the clock was set between the first and the last request, in seconds, besides the time that passed.
    fn jumped(&self) -> i64 {
        let signed = self.seen.signed.lock().expect("no thread panicked");
        let (first, last) = (signed.first().expect("a request"), signed.last().expect("a request"));
        last.duration_since(*first).as_secs()
    }
}

impl Seen {
    /// One request, and its answer; none when either side is gone.
    fn passes(&self, client: &mut TcpStream, service: &mut TcpStream) -> Option<()> {
        let request = message(client)?;
        if !request.starts_with("POST ") {
            service.write_all(request.as_bytes()).ok()?;
            return client.write_all(message(service)?.as_bytes()).ok();
        }
        let number = {
            let mut signed = self.signed.lock().expect("no thread panicked");
            signed.push(signed_at(&request));
            signed.len()
        };
        let answer = match (self.tell)(Passing::Asked(number)) {
            Some(instead) => instead.to_owned(),
            None => {
                service.write_all(request.as_bytes()).ok()?;
                message(service)?
            }
        };
        (self.tell)(Passing::Answered(answer.get(9..12)?.parse().ok()?));
        client.write_all(answer.as_bytes()).ok()
    }
}

/// A whole request or answer with a length.
fn message(stream: &mut TcpStream) -> Option<String> {
    let (mut bytes, mut block) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut block).ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&block[..read]);
        let text = std::str::from_utf8(&bytes).expect("what the two say is text");
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return Some(text.to_owned());
        }
    }
}

/// `X-Sdk-Date: 20261129T204108Z`
fn signed_at(request: &str) -> jiff::Timestamp {
    let mut headers = request.lines().filter_map(|line| line.split_once(": "));
    let (_, date) = headers.find(|(name, _)| name.eq_ignore_ascii_case("x-sdk-date")).expect("signed");
    date.parse().expect("a moment")
}

fn config(quota: Option<&str>) -> SimulatorConfig {
    let quota = quota.map(|quota| Quota::parse(quota).expect("a quota"));
    SimulatorConfig { quota, faults: Faults::parse("latency:1ms").expect("legal"), ..SimulatorConfig::default() }
}

/// A plan that is sent call by call, so many a second or two.
fn folder(operations: usize, per: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let limits = format!("quota: {{ calls: 5, per: {per} }}, concurrency: 1, region_concurrency: 1");
    std::fs::write(folder.path().join("plan.yaml"), plan(operations, &limits)).expect("written");
    folder
}

/// Runs `plan.yaml` with this clock, which jumps by so many seconds with the fifth request.
fn jumping(folder: &Path, wall: &Wall, service: &Service, seconds: i64) -> (i32, serde_json::Value, Relay, String) {
    let offset = wall.offset.clone();
    let relay = Relay::start(service.address(), move |passing| {
        if matches!(passing, Passing::Asked(5)) {
            set(&offset, seconds);
        }
        None
    });
    let args = ["run", "plan.yaml", "--report", "json=report.json", "--endpoint", &relay.endpoint];
    let mut command = with_credential(folder, &args);
    wall.give(&mut command);
    let finished = finish(&mut command);
    readable_journal(folder);
    (finished.code(), checked_report(&folder.join("report.json")), relay, finished.output())
}

/// Windows, delays and timeouts are on the monotonic clock.
#[test]
fn a_clock_that_is_set_by_minutes_under_the_run_moves_no_window() {
    for seconds in [MINUTES, -MINUTES] {
        let folder = folder(15, "1s");
        let Some(wall) = Wall::right(folder.path()) else {
            eprintln!("{SKIPPED}");
            return;
        };
        let service = Service::start(config(Some("5/1s")));
        let (code, report, relay, output) = jumping(folder.path(), &wall, &service, seconds);
        assert_eq!((code, counts(&report)), (0, [15, 0, 0, 0]), "{seconds}: {output}");
        assert_eq!(report["summary"]["throttled"], 0, "{seconds}: {output}");
        assert!((relay.jumped() - seconds).abs() < MINUTES / 2, "the run saw no jump: {}", relay.jumped());
        // Nor does it last longer or shorter in the report.
        let took = report["summary"]["duration_ms"].as_u64().expect("a time");
        assert!(took >= 2000 && took < Duration::from_secs(MINUTES.unsigned_abs() / 2).as_millis() as u64, "{took}");
    }
}

/// What a clock that is an hour off signs is refused, and nothing more is sent with it.
#[test]
fn a_clock_that_is_set_by_an_hour_under_the_run_stops_it_at_the_first_refusal() {
    for seconds in [HOUR, -HOUR] {
        let folder = folder(15, "1s");
        let Some(wall) = Wall::right(folder.path()) else {
            eprintln!("{SKIPPED}");
            return;
        };
        let service = Service::start(config(None));
        let (code, report, relay, output) = jumping(folder.path(), &wall, &service, seconds);
        assert_eq!((code, counts(&report)), (5, [5, 1, 0, 9]), "{seconds}: {output}");
        assert_eq!(report["summary"]["attempts"], 6, "{seconds}: {output}");
        assert_eq!((service.tasks().len(), relay.posts()), (5, 6), "{seconds}");
        let reasons = reasons(&report);
        let refused: Vec<&&str> = reasons.iter().filter(|reason| reason.contains("APIGW.0301")).collect();
        assert!(matches!(refused[..], [reason] if reason.contains("expired")), "{seconds}: {reasons:?}");
        assert!(output.contains("clock"), "it says what to look at: {output}");
    }
}

/// A first session that stops with four accepted of five calls: the fifth is refused, by whoever stands before the service.
fn stopped(folder: &Path, wall: &Wall, service: &Service, advance: impl Fn(u16) + Send + Sync + 'static) -> Relay {
    const REFUSED: &str = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 47\r\n\r\n\
                           {\"error_code\":\"HSS.0004\",\"error_msg\":\"not now\"}";
    let relay = Relay::start(service.address(), move |passing| match passing {
        Passing::Asked(number) => (number == 5).then_some(REFUSED),
        Passing::Answered(status) => {
            advance(status);
            None
        }
    });
    let args = ["run", "plan.yaml", "--fail-fast", "--report", "json=report.json", "--endpoint", &relay.endpoint];
    let mut command = with_credential(folder, &args);
    wall.give(&mut command);
    let finished = finish(&mut command);
    assert_eq!(finished.code(), 4, "{}", finished.excerpt());
    assert_eq!(counts(&checked_report(&folder.join("report.json"))), [4, 1, 0, 5], "{}", finished.excerpt());
    relay
}

/// Goes on with what is left and with what was refused; accepted, failed, unknown, not attempted, and throttled of all calls.
fn resumed(folder: &Path, wall: &Wall) -> (i32, [u64; 4], u64, String) {
    let mut command = with_credential(folder, &["resume", "--retry-failed", "--report", "json=report.json"]);
    wall.give(&mut command);
    let finished = finish(&mut command);
    let report = checked_report(&folder.join("report.json"));
    (finished.code(), counts(&report), report["summary"]["throttled"].as_u64().expect("a count"), finished.output())
}

/// How far the run's clock went on between its two sessions.
fn between_sessions(folder: &Path) -> Duration {
    let journal = readable_journal(folder);
    let records = journal.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    let times: Vec<(bool, u64)> =
        records.filter_map(|record| Some((record["record"] == "run_resumed", record["at_us"].as_u64()?))).collect();
    let resumed = times.iter().position(|(resumed, _)| *resumed).expect("a second session");
    let last = times[..resumed].iter().map(|(_, at)| *at).max().expect("a first session");
    Duration::from_micros(times[resumed].1 - last)
}

/// As if no time had passed: a whole window is waited for.
#[test]
fn a_clock_that_is_set_back_before_a_resume_makes_it_wait_and_no_more() {
    let folder = folder(10, "2s");
    let Some(wall) = Wall::right(folder.path()) else {
        eprintln!("{SKIPPED}");
        return;
    };
    let service = Service::start(config(Some("5/2s")));
    let _relay = stopped(folder.path(), &wall, &service, |_| ());
    set(&wall.offset, -MINUTES);
    let (code, counted, throttled, output) = resumed(folder.path(), &wall);
    assert_eq!((code, counted, throttled), (0, [10, 0, 0, 0], 0), "{output}");
    let times: Vec<u64> =
        service.log().iter().filter(|entry| entry.method == "POST").map(|entry| entry.at_ms).collect();
    assert_eq!((times.len(), service.tasks().len()), (10, 10), "each once");
    assert!(times[4] >= times[0] + 2000, "it waited for the window of the first session: {times:?}");
}

/// What only the wall clock can tell, it told wrongly: one call too early, whose refusal closes the bucket.
#[test]
fn a_clock_that_is_set_forwards_before_a_resume_costs_one_refused_call() {
    let folder = folder(10, "2s");
    let Some(wall) = Wall::right(folder.path()) else {
        eprintln!("{SKIPPED}");
        return;
    };
    // No time passes for the service until it has refused a call, so that the window is surely still closed.
    let clock = Standing::default();
    let service = Service::start_with(config(Some("5/2s")), clock.clone());
    let _relay = stopped(folder.path(), &wall, &service, move |status| {
        if status == 429 {
            clock.goes_on(Duration::from_secs(2));
        }
    });
    set(&wall.offset, MINUTES);
    let (code, counted, throttled, output) = resumed(folder.path(), &wall);
    assert_eq!((code, counted, throttled), (0, [10, 0, 0, 0], 1), "{output}");
    let apart = between_sessions(folder.path());
    assert!(apart > Duration::from_secs(MINUTES as u64 - 1), "the first window was taken to be over: {apart:?}");
    assert_eq!(service.tasks().len(), 10, "each once");
}

/// A clock that stands still until it is told to go on; its wall is right.
#[derive(Clone, Debug, Default)]
struct Standing(Arc<Mutex<Duration>>);

impl Standing {
    fn goes_on(&self, by: Duration) {
        *self.0.lock().expect("no thread panicked") += by;
    }
}

impl Clock for Standing {
    fn now(&self) -> Duration {
        *self.0.lock().expect("no thread panicked")
    }

    fn wall(&self) -> jiff::Timestamp {
        hss_sync::io::clock::wall_clock()
    }

    async fn sleep_until(&self, _: Duration) {}

    fn real(&self, duration: Duration) -> Duration {
        duration
    }
}
