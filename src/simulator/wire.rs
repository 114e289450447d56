//! The wire below HTTP: bodies that are huge or slow, and a connection that can be made to speak nonsense.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// Length of a huge body: 64 MiB.
pub(super) const HUGE: u64 = 64 * 1024 * 1024;

/// Bytes of a slow body.
pub(super) const SLOW: u64 = 120;

/// The piece of which a huge body is made: white space, so that the whole stays JSON.
static SPACES: [u8; 64 * 1024] = [b' '; 64 * 1024];

/// What is sent instead of HTTP.
const GARBAGE: &[u8] = b"\x16\x03\x01\x00\xff\x00SSH-2.0-garbage\r\n\r\n\x00\x00";

/// The body of an answer.
pub(super) enum AnswerBody {
    /// All at once.
    Whole(Option<Bytes>),
    /// `{}` behind white space, in many pieces.
    Huge {
        /// Bytes still to be sent.
        left: u64,
    },
    /// `{}` behind white space, byte by byte.
    Slow {
        /// Bytes still to be sent.
        left: u64,
        /// In real time.
        every: Duration,
        /// Until the next byte.
        pause: Pin<Box<Sleep>>,
    },
}

impl AnswerBody {
    pub(super) fn slow(every: Duration) -> Self {
        Self::Slow { left: SLOW, every, pause: Box::pin(tokio::time::sleep(every)) }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = match self.get_mut() {
            Self::Whole(bytes) => match bytes.take() {
                Some(bytes) => bytes,
                None => return Poll::Ready(None),
            },
            Self::Huge { left: 0 } | Self::Slow { left: 0, .. } => return Poll::Ready(None),
            Self::Huge { left } => match SPACES.get(..usize::try_from(*left - 2).unwrap_or(usize::MAX)) {
                // The last piece, with the JSON value at its end.
                Some(spaces) => {
                    *left = 0;
                    Bytes::from([spaces, b"{}"].concat())
                }
                None => {
                    *left -= SPACES.len() as u64;
                    Bytes::from_static(&SPACES)
                }
            },
            Self::Slow { left, every, pause } => {
                ready!(pause.as_mut().poll(context));
                *left -= 1;
                pause.set(tokio::time::sleep(*every));
                Bytes::from_static(match *left {
                    0 => b"}",
                    1 => b"{",
                    _ => b" ",
                })
            }
        };
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None) | Self::Huge { left: 0 } | Self::Slow { left: 0, .. })
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            Self::Whole(bytes) => bytes.as_ref().map_or(0, |bytes| bytes.len() as u64),
            Self::Huge { left } | Self::Slow { left, .. } => *left,
        })
    }
}

/// Turns the rest of a connection into garbage.
#[derive(Clone, Debug, Default)]
pub(super) struct Sabotage(Arc<AtomicBool>);

impl Sabotage {
    pub(super) fn strike(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn has_struck(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A connection that obeys its [`Sabotage`].
pub(super) struct Wire {
    stream: TcpStream,
    sabotage: Sabotage,
    nonsense_sent: bool,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, sabotage: Sabotage) -> Self {
        Self { stream, sabotage, nonsense_sent: false }
    }

    /// Sends nonsense once and swallows what should have been sent: `asked` bytes.
    fn poll_nonsense(&mut self, context: &mut Context<'_>, asked: usize) -> Poll<io::Result<usize>> {
        if !self.nonsense_sent {
            ready!(Pin::new(&mut self.stream).poll_write(context, GARBAGE))?;
            self.nonsense_sent = true;
        }
        Poll::Ready(Ok(asked))
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        if self.sabotage.has_struck() {
            return self.poll_nonsense(context, buffer.len());
        }
        Pin::new(&mut self.stream).poll_write(context, buffer)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.sabotage.has_struck() {
            return self.poll_nonsense(context, buffers.iter().map(|buffer| buffer.len()).sum());
        }
        Pin::new(&mut self.stream).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
