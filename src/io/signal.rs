//! Signals: the first asks the run to stop, a second one ends it at once, and Ctrl-Z has the run's clock stand still.
//!
//! What "at once" is, the caller says: ending the process belongs to `main`. SIGSTOP can't be caught: for a run that is
//! stopped by `kill -STOP` the time goes on, as it does on a machine that is too busy for it.

use std::io;

use tokio_util::sync::CancellationToken;

use super::clock::RunClock;

/// The signals of this process, caught from the moment this exists.
pub struct Signals {
    #[cfg(unix)]
    caught: unix::Caught,
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// SIGINT (Ctrl-C), SIGTERM.
    Stop,
    /// SIGHUP: the terminal is gone.
    #[cfg(unix)]
    HangUp,
    /// SIGTSTP (Ctrl-Z).
    #[cfg(unix)]
    Suspend,
}

impl Signals {
    /// Starts catching SIGINT, SIGTERM and SIGHUP (Ctrl-C elsewhere). Needs a tokio runtime. Caught signals don't end the
    /// process any more, so somebody must [`watch`](Self::watch).
    ///
    /// A SIGHUP that is ignored stays so, since `nohup` means it (on Linux, which tells).
    ///
    /// # Errors
    /// When the system doesn't let us.
    pub fn catch() -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            caught: unix::Caught::catch()?,
        })
    }

    /// Also catches SIGTSTP (Ctrl-Z), unless that is ignored: it stops the process as ever, and `clock` stands still until
    /// somebody lets the process go on. `aside` is given the stop, to do what else has to be done before and after it.
    ///
    /// # Errors
    /// When the system doesn't let us.
    pub fn holding(self, clock: &RunClock, aside: impl Fn(&mut dyn FnMut()) + Send + 'static) -> io::Result<Self> {
        #[cfg(unix)]
        let caught = self.caught.holding(clock.clone(), Box::new(aside))?;
        #[cfg(not(unix))]
        let _ = (clock, aside);
        Ok(Self {
            #[cfg(unix)]
            caught,
        })
    }

    /// Cancels `stop` on the first SIGINT, SIGTERM or SIGHUP, and calls `at_once` on the SIGINT or SIGTERM after that.
    /// SIGHUP never does the latter: a terminal that closes may send it more than once. SIGTSTP is obeyed any number of
    /// times.
    pub async fn watch(mut self, stop: CancellationToken, at_once: impl FnOnce()) {
        let mut stopping = false;
        loop {
            match self.next().await {
                Asked::Stop if stopping => break,
                #[cfg(unix)]
                Asked::Suspend => {
                    self.caught.suspend();
                    continue;
                }
                _ => {}
            }
            stopping = true;
            stop.cancel();
        }
        at_once();
    }

    #[cfg(unix)]
    async fn next(&mut self) -> Asked {
        self.caught.next().await
    }

    #[cfg(not(unix))]
    async fn next(&mut self) -> Asked {
        if tokio::signal::ctrl_c().await.is_err() {
            // Nothing can be caught here: leave Ctrl-C to the system.
            std::future::pending::<()>().await;
        }
        Asked::Stop
    }
}

#[cfg(unix)]
mod unix {
    use std::io;
    use std::time::Duration;

    use nix::sys::signal::{Signal as Number, kill};
    use nix::unistd::{getpid, getppid, getsid};
    use tokio::signal::unix::{Signal, SignalKind, signal};

    use super::Asked;
    use crate::io::clock::RunClock;

    pub(super) struct Caught {
        interrupt: Signal,
        terminate: Signal,
        hang_up: Option<Signal>,
        suspend: Option<Suspend>,
    }

    struct Suspend {
        signal: Signal,
        clock: RunClock,
        aside: Aside,
    }

    type Aside = Box<dyn Fn(&mut dyn FnMut()) + Send>;

    impl Caught {
        pub(super) fn catch() -> io::Result<Self> {
            Ok(Self {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
                hang_up: catch_unless_ignored(Number::SIGHUP)?,
                suspend: None,
            })
        }

        pub(super) fn holding(self, clock: RunClock, aside: Aside) -> io::Result<Self> {
            let suspend = catch_unless_ignored(Number::SIGTSTP)?.map(|signal| Suspend { signal, clock, aside });
            Ok(Self { suspend, ..self })
        }

        pub(super) async fn next(&mut self) -> Asked {
            tokio::select! {
                _ = self.interrupt.recv() => Asked::Stop,
                _ = self.terminate.recv() => Asked::Stop,
                () = received(self.hang_up.as_mut()) => Asked::HangUp,
                () = received(self.suspend.as_mut().map(|suspend| &mut suspend.signal)) => Asked::Suspend,
            }
        }

        /// Synchronous, from the stop until the clock goes on again: nobody finds in between that a time is over.
        pub(super) fn suspend(&self) {
            if let Some(Suspend { clock, aside, .. }) = self.suspend.as_ref().filter(|_| can_be_continued()) {
                aside(&mut || clock.hold(stop_process));
            }
        }
    }

    fn catch_unless_ignored(number: Number) -> io::Result<Option<Signal>> {
        if is_ignored(number) { Ok(None) } else { signal(SignalKind::from_raw(number as i32)).map(Some) }
    }

    async fn received(signal: Option<&mut Signal>) {
        match signal {
            Some(signal) => {
                signal.recv().await;
            }
            None => std::future::pending().await,
        }
    }

    /// Whether whoever started the process had the signal ignored. Only Linux tells; to ask elsewhere is to change it.
    fn is_ignored(number: Number) -> bool {
        is_in("SigIgn:", number)
    }

    /// Whether a signal is in one of the masks that Linux has for this process; never elsewhere.
    fn is_in(mask: &str, number: Number) -> bool {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix(mask));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
        mask >> (number as i32 - 1) & 1 == 1
    }

    /// Whether somebody is there to let us go on: a shell that is our parent and in our session. Where the session is our
    /// own (`ssh -t host hss-sync …`, a container) the system itself doesn't obey Ctrl-Z. A parent or a session outside this
    /// process's namespace has the number 0.
    fn can_be_continued() -> bool {
        let parent = getppid();
        parent.as_raw() != 0 && getsid(Some(parent)).is_ok_and(|theirs| getsid(None) == Ok(theirs))
    }

    /// Stops this process, and returns when somebody lets it go on.
    ///
    /// The system may have another thread take the signal, and this one stops a moment after it has asked. On Linux that
    /// has begun when the signal is pending no more; the time elsewhere is a guess that is far too long.
    fn stop_process() {
        if kill(getpid(), Number::SIGSTOP).is_err() {
            return;
        }
        while is_in("ShdPnd:", Number::SIGSTOP) {
            std::thread::yield_now();
        }
        if cfg!(not(target_os = "linux")) {
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

#[cfg(all(test, unix))]
mod tests;
