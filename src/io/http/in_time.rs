//! The time that an attempt has, on the run's clock.
//!
//! The client's own timeouts are on the machine's clock, which goes on while Ctrl-Z has the process stopped: every request in
//! flight would be given up afterwards, although its answer has come.

use std::future::Future;
use std::time::Duration;

use crate::io::clock::RunClock;
use crate::run::port::Clock as _;

/// Turns of the runtime that an answer gets when the time is over. In the first the connection, which is a task of its
/// own, learns that there is something to read; in the second it reads and passes it on. An answer that comes in pieces
/// takes some more. Idle turns cost microseconds.
const TURNS: u32 = 16;

/// Pieces that are still taken when the time is over: more than what the system keeps for a process that was too late. A
/// service that never stops sending has the next piece ready whenever it is asked for, and would never be waited for.
const LATE_PIECES: u32 = 256;

/// A time that runs out.
#[derive(Debug)]
pub(super) struct InTime<'a> {
    clock: &'a RunClock,
    end: Duration,
    late: u32,
}

impl<'a> InTime<'a> {
    /// From now on.
    pub(super) fn start(clock: &'a RunClock, timeout: Duration) -> Self {
        Self { clock, end: clock.now().saturating_add(timeout), late: 0 }
    }

    /// What `work` comes to; none if it doesn't within the time. What has arrived by then counts, also if this process was
    /// too late to look at it: it was stopped, or the machine was busy.
    pub(super) async fn await_or_give_up<W: Future>(&mut self, work: W) -> Option<W::Output> {
        if self.clock.now() >= self.end {
            self.late += 1;
            if self.late > LATE_PIECES {
                return None;
            }
        }
        let mut work = std::pin::pin!(work);
        tokio::select! {
            biased;
            done = work.as_mut() => return Some(done),
            () = self.clock.sleep_until(self.end) => {}
        }
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
            if let std::task::Poll::Ready(done) = futures::poll!(work.as_mut()) {
                return Some(done);
            }
        }
        None
    }
}
