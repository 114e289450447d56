//! Names, addresses and connections that fail, answers that never end, and answers that lie.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use super::{Keep, PATIENT, QUICK, Raw, acknowledge, counts, plan, readable_journal, reasons, run, send};

/// The steps of a server that is slow on purpose: shorter than the time of an attempt.
const STEP: Duration = Duration::from_millis(50);

/// Writes `piece` every so often until the client goes away.
fn drip(stream: &mut TcpStream, piece: &[u8]) -> Keep {
    while send(stream, piece) == Keep::Yes {
        std::thread::sleep(STEP);
    }
    Keep::No
}

/// Writes `piece` as fast as it goes until the client goes away.
fn pour(stream: &mut TcpStream, piece: &[u8]) -> Keep {
    let many = piece.repeat(64 * 1024 / piece.len());
    while stream.write_all(&many).is_ok() {}
    Keep::No
}

/// The head of an answer whose length is not told.
const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

type Answer = fn(&mut TcpStream) -> Keep;

/// Three operations against a server that answers like this: none is sent twice, and each has this outcome.
fn answered(limits: &str, case: &str, answer: Answer, outcome: &str, reason: &str) {
    let server = Raw::start(answer);
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("plan.yaml"), plan(3, limits)).expect("written");
    let (finished, report) = run(folder.path(), &server.endpoint, &["--quiet"], &[]);
    let expected = if outcome == "accepted" { (0, [3, 0, 0, 0]) } else { (4, [0, 0, 3, 0]) };
    assert_eq!((finished.code(), counts(&report)), expected, "{case}: {report:#}");
    for said in reasons(&report) {
        assert!(said.contains(reason), "{case}: {said}");
    }
    server.posted_once_each(3);
    readable_journal(folder.path());
}

fn in_parallel(limits: &str, cases: &[(&str, Answer, &str, &str)]) {
    std::thread::scope(|scope| {
        for &(case, answer, outcome, reason) in cases {
            scope.spawn(move || answered(limits, case, answer, outcome, reason));
        }
    });
}

#[test]
fn answers_that_never_end_are_left_when_the_time_is_over() {
    let cut_off = "the connection was lost inside the answer";
    in_parallel(
        QUICK,
        &[
            (
                "a head, byte by byte",
                |to| {
                    send(to, b"HTTP/1.1 200 OK\r\nX-A: ");
                    drip(to, b"a")
                },
                "unknown",
                "no answer after sending (timeout 0.6 s)",
            ),
            (
                "headers for ever",
                |to| {
                    send(to, b"HTTP/1.1 200 OK\r\n");
                    drip(to, b"X-A: a\r\n")
                },
                "unknown",
                "no answer after sending (timeout 0.6 s)",
            ),
            (
                "early hints for ever",
                |to| drip(to, b"HTTP/1.1 103 Early Hints\r\n\r\n"),
                "unknown",
                "no answer after sending (timeout 0.6 s)",
            ),
            (
                "a head and nothing more",
                |to| {
                    send(to, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
                    drip(to, b"")
                },
                "unknown",
                cut_off,
            ),
            (
                "a body, byte by byte",
                |to| {
                    send(to, CHUNKED);
                    drip(to, b"1\r\n \r\n")
                },
                "unknown",
                cut_off,
            ),
            (
                // Its time or its size, whichever is over first.
                "a body in crumbs without end",
                |to| {
                    send(to, CHUNKED);
                    pour(to, b"4\r\n    \r\n")
                },
                "unknown",
                "",
            ),
            (
                "trailers without end",
                |to| {
                    send(to, CHUNKED);
                    send(to, b"2\r\n{}\r\n0\r\n");
                    pour(to, b"X-A: a\r\n")
                },
                "unknown",
                cut_off,
            ),
        ],
    );
}

#[test]
fn answers_that_pour_are_left_when_they_are_too_large() {
    in_parallel(
        PATIENT,
        &[
            (
                "headers as fast as they go",
                |to| {
                    send(to, b"HTTP/1.1 200 OK\r\n");
                    pour(to, b"X-A: a\r\n")
                },
                "unknown",
                "message head is too large",
            ),
            (
                "a body without end",
                |to| {
                    send(to, CHUNKED);
                    pour(to, format!("1000\r\n{:4096}\r\n", "").as_bytes())
                },
                "unknown",
                "larger than 64 KiB",
            ),
            (
                "a chunk without end",
                |to| {
                    send(to, CHUNKED);
                    send(to, b"ffffffffffff\r\n");
                    pour(to, b"    ")
                },
                "unknown",
                "larger than 64 KiB",
            ),
        ],
    );
}

#[test]
fn lengths_and_versions_that_lie_are_believed_as_far_as_they_hold() {
    in_parallel(
        PATIENT,
        &[
            (
                "shorter than it is",
                |to| send(to, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}and more"),
                "accepted",
                "",
            ),
            (
                "longer than it is",
                |to| {
                    send(to, b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n{}");
                    Keep::No
                },
                "unknown",
                "the connection was lost inside the answer",
            ),
            (
                "two lengths",
                |to| {
                    send(to, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}");
                    Keep::No
                },
                "unknown",
                "",
            ),
            (
                "a negative length",
                |to| {
                    send(to, b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}");
                    Keep::No
                },
                "unknown",
                "",
            ),
            (
                "no length",
                |to| {
                    send(to, b"HTTP/1.0 200 OK\r\n\r\n{}");
                    Keep::No
                },
                "accepted",
                "",
            ),
            (
                "HTTP/0.9",
                |to| {
                    send(to, b"{}\r\n");
                    Keep::No
                },
                "unknown",
                "",
            ),
            (
                "HTTP/9.9",
                |to| {
                    send(to, b"HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\n{}");
                    Keep::No
                },
                "unknown",
                "",
            ),
        ],
    );
}

#[test]
fn answers_with_more_than_an_answer_are_taken_for_what_they_are() {
    in_parallel(
        PATIENT,
        &[
            (
                "go on first",
                |to| {
                    send(to, b"HTTP/1.1 100 Continue\r\n\r\n");
                    acknowledge(to)
                },
                "accepted",
                "",
            ),
            (
                "another protocol",
                |to| {
                    send(to, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n");
                    Keep::No
                },
                "unknown",
                "",
            ),
            (
                "trailers",
                |to| {
                    send(to, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-A\r\n\r\n2\r\n{}\r\n0\r\nX-A: error\r\n\r\n")
                },
                "accepted",
                "",
            ),
            (
                "a chunk that is none",
                |to| {
                    send(to, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n");
                    Keep::No
                },
                "unknown",
                "the connection was lost inside the answer",
            ),
            (
                "no gzip",
                |to| send(to, b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"),
                "unknown",
                "the connection was lost inside the answer",
            ),
            (
                "a success that is a page",
                |to| {
                    send(
                    to,
                    b"HTTP/1.1 200 OK\r\nContent-Length: 45\r\n\r\n<html><meta http-equiv=refresh content=0></html>",
                )
                },
                "unknown",
                "web page",
            ),
            (
                "a success elsewhere",
                |to| send(to, b"HTTP/1.1 200 OK\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 2\r\n\r\n{}"),
                "accepted",
                "",
            ),
            (
                "an answer before the question of the next",
                |to| {
                    acknowledge(to);
                    acknowledge(to);
                    acknowledge(to)
                },
                "accepted",
                "",
            ),
            ("no content", |to| send(to, b"HTTP/1.1 204 No Content\r\n\r\n"), "accepted", ""),
        ],
    );
}

/// `.invalid` is nobody's, and so is RFC 5737's network: with no time for it, or no way to it, no connection comes about.
#[test]
fn a_name_that_nobody_has_and_an_address_that_nobody_answers_get_nothing() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/test-root.pem");
    for (endpoint, cause) in [("https://hss.invalid", "dns"), ("https://192.0.2.1", "")] {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("plan.yaml"), plan(3, QUICK)).expect("written");
        let (finished, report) = run(folder.path(), endpoint, &["--ca-cert", root], &[]);
        assert_eq!((finished.code(), counts(&report)), (1, [0, 3, 0, 0]), "{endpoint}: {}", finished.excerpt());
        assert_eq!(report["summary"]["attempts"], 6, "{endpoint}: surely not sent, so tried again");
        for reason in reasons(&report) {
            assert!(reason.contains(cause), "{endpoint}: {reason}");
        }
        assert!(finished.stdout().contains("Nothing was sent: "), "{endpoint}: {}", finished.excerpt());
        assert!(finished.stdout().contains("hss-sync resume "), "{endpoint}: {}", finished.excerpt());
        readable_journal(folder.path());
    }
}
