//! Signals: the first asks the run to stop, a second Ctrl-C ends it at once.
//!
//! What "at once" is, the caller says: ending the process belongs to `main`.

use std::io;

use tokio_util::sync::CancellationToken;

/// The signals of this process, caught from the moment this exists.
pub struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    hang_up: tokio::signal::unix::Signal,
}

impl Signals {
    /// Starts catching SIGINT, SIGTERM and SIGHUP (Ctrl-C elsewhere). Needs a tokio runtime. Caught signals don't end the
    /// process any more, so somebody must [`watch`](Self::watch).
    ///
    /// # Errors
    /// When the system doesn't let us.
    pub fn catch() -> io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Self {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
                hang_up: signal(SignalKind::hangup())?,
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Cancels `stop` on the first signal, and calls `at_once` on the SIGINT after that. SIGTERM and SIGHUP never do the
    /// latter: supervisors send them repeatedly, and a run that drains isn't hung.
    pub async fn watch(mut self, stop: CancellationToken, at_once: impl FnOnce()) {
        self.first().await;
        stop.cancel();
        self.interrupt().await;
        at_once();
    }

    #[cfg(unix)]
    async fn first(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }

    #[cfg(unix)]
    async fn interrupt(&mut self) {
        self.interrupt.recv().await;
    }

    #[cfg(not(unix))]
    async fn first(&mut self) {
        self.interrupt().await;
    }

    #[cfg(not(unix))]
    async fn interrupt(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            // Nothing can be caught here: leave Ctrl-C to the system.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::*;

    fn send(signal: &str) {
        let status = Command::new("kill").args([signal, &std::process::id().to_string()]).status();
        assert!(status.expect("kill runs").success());
    }

    /// One test for all, since a signal reaches every watcher of the process.
    #[tokio::test]
    async fn the_first_signal_stops_and_a_second_interrupt_ends() {
        for first in ["-INT", "-TERM", "-HUP"] {
            let (stop, (ended, end)) = (CancellationToken::new(), tokio::sync::oneshot::channel());
            let signals = Signals::catch().expect("signals can be caught");
            let watcher = tokio::spawn(signals.watch(stop.clone(), move || ended.send(()).expect("waited for")));
            tokio::task::yield_now().await;
            assert!(!stop.is_cancelled());
            send(first);
            stop.cancelled().await;

            send("-TERM");
            send("-HUP");
            tokio::time::sleep(Duration::from_millis(50)).await;
            assert!(!watcher.is_finished(), "only a second Ctrl-C ends at once");
            send("-INT");
            end.await.expect("the callback was called");
        }
    }
}
