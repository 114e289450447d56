//! Signals to this process, and in `suspended` to one that is stopped by Ctrl-Z.

#[cfg(target_os = "linux")]
mod suspended;

use std::process::Command;

use tokio::signal::unix::{SignalKind, signal};

use super::*;

fn send(signal: &str, process: u32) {
    let status = Command::new("kill").args([signal, &process.to_string()]).status();
    assert!(status.expect("kill runs").success());
}

/// One test for all, since a signal reaches every watcher of the process.
#[tokio::test]
async fn the_first_signal_stops_and_a_second_one_ends() {
    // From here on it isn't ignored, whoever started the tests.
    let mut hang_up = signal(SignalKind::hangup()).expect("it can be caught");
    for (first, second) in [("-INT", "-TERM"), ("-TERM", "-INT"), ("-HUP", "-TERM"), ("-INT", "-INT")] {
        let (stop, (ended, end)) = (CancellationToken::new(), tokio::sync::oneshot::channel());
        let signals = Signals::catch().expect("signals can be caught");
        let watcher = tokio::spawn(signals.watch(stop.clone(), move || ended.send(()).expect("waited for")));
        tokio::task::yield_now().await;
        assert!(!stop.is_cancelled());
        send(first, std::process::id());
        stop.cancelled().await;
        if first == "-HUP" {
            hang_up.recv().await;
        }
        for _ in 0..2 {
            send("-HUP", std::process::id());
            hang_up.recv().await;
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            assert!(!watcher.is_finished(), "a terminal that closes ends nothing at once");
        }
        send(second, std::process::id());
        end.await.expect("the callback was called");
    }
}
