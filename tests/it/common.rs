//! The real binary, run from a scrubbed environment and within bounds.
//!
//! Shared by the integration tests. A run that outlives the watchdog is killed by its own handle and reported as such;
//! time decides nothing else. Output beyond what any test looks at is counted, not kept.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Far more than any of these runs needs on a busy machine; only a hang reaches it.
const WATCHDOG: Duration = Duration::from_secs(60);

/// How much of one output stream is kept.
const KEPT: usize = 64 * 1024 * 1024;

/// Address space for a hostile run, in KiB.
const MEMORY_KIB: u32 = 1_500_000;

/// How a run ended.
pub(crate) struct Finished {
    status: ExitStatus,
    hung: bool,
    stdout: Stream,
    stderr: Stream,
}

struct Stream {
    kept: Vec<u8>,
    total: usize,
}

impl Finished {
    /// The exit code. Panics on a hang or a signal: no test expects one.
    pub(crate) fn code(&self) -> i32 {
        self.try_code().unwrap_or_else(|how| panic!("{how}"))
    }

    /// The exit code, or how else the process ended.
    pub(crate) fn try_code(&self) -> Result<i32, String> {
        if self.hung {
            return Err(format!("still running after {} s, killed\n{}", WATCHDOG.as_secs(), self.excerpt()));
        }
        self.status.code().ok_or_else(|| format!("ended by {}\n{}", self.status, self.excerpt()))
    }

    /// Standard output as text.
    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.stdout.kept).into_owned()
    }

    /// Standard error as text.
    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr.kept).into_owned()
    }

    /// Both streams, standard output first.
    pub(crate) fn output(&self) -> String {
        self.stdout() + &self.stderr()
    }

    /// Bytes written to both streams, kept or not.
    pub(crate) fn written(&self) -> usize {
        self.stdout.total + self.stderr.total
    }

    /// The JSON document on standard output.
    pub(crate) fn json(&self) -> Result<serde_json::Value, String> {
        serde_json::from_slice(&self.stdout.kept)
            .map_err(|error| format!("standard output is no JSON ({error})\n{}", self.excerpt()))
    }

    /// The beginning of both streams, for a failure's message.
    pub(crate) fn excerpt(&self) -> String {
        let head = |text: String| text.chars().take(2000).collect::<String>();
        format!("stdout: {:?}\nstderr: {:?}", head(self.stdout()), head(self.stderr()))
    }
}

/// `hss-sync` in `dir`, with nothing of our own environment.
pub(crate) fn hss_sync(dir: &Path) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("hss-sync"));
    scrub(&mut command, dir);
    command
}

/// The same with bounded memory, where the system can do that.
pub(crate) fn hss_sync_bounded(dir: &Path) -> Command {
    if !cfg!(target_os = "linux") {
        return hss_sync(dir);
    }
    let mut command = Command::new("/bin/sh");
    command
        .arg("-c")
        .arg(format!("ulimit -v {MEMORY_KIB} && exec \"$0\" \"$@\""))
        .arg(assert_cmd::cargo::cargo_bin!("hss-sync"));
    scrub(&mut command, dir);
    command
}

fn scrub(command: &mut Command, dir: &Path) {
    // A build machine in a cloud may have an agency; no test asks for it.
    command.current_dir(dir).env_clear().env("HOME", dir).env("HSS_SYNC_METADATA_ENDPOINT", "off");
    #[cfg(windows)]
    #[expect(clippy::disallowed_methods, reason = "without it no process of Windows can open a socket")]
    command.env("USERPROFILE", dir).envs(std::env::var_os("SystemRoot").map(|root| ("SystemRoot", root)));
}

/// Gives SIGHUP its meaning in the processes that are started from here on, also if `nohup` started the tests: what is
/// caught here is no longer ignored there.
#[cfg(all(unix, feature = "simulator"))]
pub(crate) fn hear_hang_ups() {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    drop(runtime.block_on(async { signal(SignalKind::hangup()) }).expect("it can be caught"));
}

/// Runs to the end with nothing on standard input.
pub(crate) fn finish(command: &mut Command) -> Finished {
    finish_with(command, Vec::new())
}

/// Runs to the end with `input` on standard input.
pub(crate) fn finish_with(command: &mut Command, input: Vec<u8>) -> Finished {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    let mut stdin = child.stdin.take().expect("standard input is piped");
    // A thread, since a process that doesn't read would block us; that it doesn't read is no failure of ours.
    let writer = thread::spawn(move || stdin.write_all(&input).unwrap_or_default());
    let stdout = collect(child.stdout.take().expect("standard output is piped"));
    let stderr = collect(child.stderr.take().expect("standard error is piped"));
    let (status, hung) = wait(&mut child);
    let joined = "a reader never panics";
    writer.join().expect(joined);
    Finished { status, hung, stdout: stdout.join().expect(joined), stderr: stderr.join().expect(joined) }
}

/// Runs `hss-sync` with `args` in `dir` within bounds.
pub(crate) fn bounded<S: AsRef<OsStr>>(dir: &Path, args: impl IntoIterator<Item = S>) -> Finished {
    finish(hss_sync_bounded(dir).args(args))
}

#[expect(clippy::disallowed_methods, reason = "a watchdog, in real time")]
fn wait(child: &mut Child) -> (ExitStatus, bool) {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("our own child can be waited for") {
            return (status, false);
        }
        if started.elapsed() > WATCHDOG {
            child.kill().expect("our own child can be killed");
            return (child.wait().expect("a killed child ends"), true);
        }
        thread::sleep(Duration::from_millis(5));
    }
}

fn collect(mut pipe: impl Read + Send + 'static) -> JoinHandle<Stream> {
    thread::spawn(move || {
        let mut stream = Stream { kept: Vec::new(), total: 0 };
        let mut block = vec![0; 64 * 1024];
        while let Ok(read @ 1..) = pipe.read(&mut block) {
            stream.total += read;
            let room = KEPT - stream.kept.len();
            stream.kept.extend_from_slice(&block[..read.min(room)]);
        }
        stream
    })
}

/// Waits until something is so, and says what is not when it takes too long.
#[cfg(feature = "simulator")]
#[expect(clippy::disallowed_methods, reason = "a watchdog, in real time")]
pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < WATCHDOG, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
