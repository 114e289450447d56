//! The time of an attempt, in virtual time: a stopped process, a late one, and one that waits in vain.

use std::io::{Read as _, Write as _};

use super::*;

/// A server for one request in a thread of its own, to which virtual time is nothing (and which stands still as long as the
/// thread lives): it says that the request has come, and writes its answer when it is told to.
struct Told {
    address: String,
    request: tokio::sync::oneshot::Receiver<()>,
    tell: std::sync::mpsc::Sender<()>,
    written: std::sync::mpsc::Receiver<()>,
}

fn told(answer: &'static str) -> Told {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (came, request) = tokio::sync::oneshot::channel();
    let ((tell, wait), (say, written)) = (std::sync::mpsc::channel(), std::sync::mpsc::channel());
    tokio::task::spawn_blocking(move || {
        let (mut stream, mut text) = (listener.accept().unwrap().0, Vec::new());
        while !text.ends_with(b"}") {
            let mut buffer = [0; 4096];
            let read = stream.read(&mut buffer).unwrap();
            text.extend_from_slice(&buffer[..read]);
        }
        came.send(()).unwrap();
        wait.recv().unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
        say.send(()).unwrap();
        // The connection stays open until nobody can tell anything more.
        let _ = wait.recv();
    });
    Told { address, request, tell, written }
}

impl Told {
    /// Writes the answer, while the runtime of the test looks at nothing.
    fn write(&self) {
        self.tell.send(()).unwrap();
        self.written.recv().unwrap();
    }
}

/// What an attempt comes to during which `meanwhile` happens, from the time on at which the server has its request.
async fn attempt(mut server: Told, meanwhile: impl AsyncFnOnce(&Told, &RunClock)) -> Result<Answer, SendError> {
    let transport = transport();
    let post = post(&format!("http://{}", server.address));
    let (result, ()) = tokio::join!(transport.send(post, AMPLE), async {
        (&mut server.request).await.unwrap();
        meanwhile(&server, &transport.clock).await;
    });
    result
}

/// Lets the runtime come to everything that there is to do.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

const WHOLE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

#[tokio::test(start_paused = true)]
async fn time_that_stands_still_is_no_time_of_an_attempt() {
    let answer = attempt(told(WHOLE), async |server, clock| {
        clock.hold(|| {
            // Moves the machine's time at once, and would then yield, which holding does not.
            let mut hour = std::pin::pin!(tokio::time::advance(Duration::from_secs(3600)));
            assert!(futures::FutureExt::now_or_never(hour.as_mut()).is_none());
        });
        settle().await;
        server.write();
    });
    assert_eq!(answer.await.expect("an answer").body, b"{}");
    // The same hour on the clock.
    let late = attempt(told(WHOLE), async |server, _| {
        tokio::time::advance(Duration::from_secs(3600)).await;
        settle().await;
        server.write();
    });
    assert_eq!(no_answer(late.await), "no answer after sending (timeout 20 s)");
}

/// As after a stop at the very end of an attempt's time, or on a machine that was too busy to look.
#[tokio::test(start_paused = true)]
async fn an_answer_that_has_come_counts_however_late_we_look_at_it() {
    let answer = attempt(told(WHOLE), async |server, _| {
        server.write();
        tokio::time::advance(Duration::from_secs(3600)).await;
    });
    assert_eq!(answer.await.expect("an answer").body, b"{}");
    let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{\"\r\n3\r\na\":\r\n2\r\n1}\r\n0\r\n\r\n";
    let answer = attempt(told(chunks), async |server, _| {
        server.write();
        tokio::time::advance(Duration::from_secs(3600)).await;
    });
    let answer = answer.await.expect("an answer");
    assert_eq!((&*answer.body, answer.cut_off), (&br#"{"a":1}"#[..], false));
}

/// The status came in time, the body did not: what is there is kept.
#[tokio::test(start_paused = true)]
async fn the_time_of_an_attempt_holds_for_its_body_too() {
    let answer = attempt(told("HTTP/1.1 400 Bad Request\r\nContent-Length: 10\r\n\r\nabc"), async |server, _| {
        server.write();
        settle().await;
        tokio::time::advance(Duration::from_secs(3600)).await;
    });
    let answer = answer.await.expect("a status came");
    assert_eq!((answer.status, &*answer.body, answer.cut_off), (400, &b"abc"[..], true));
}
