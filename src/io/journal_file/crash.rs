//! Crash points: the process kills itself when the writer reaches a chosen event.
//!
//! Only so can a test with the real binary choose the byte of the journal at which it dies, over and over, without
//! guessing at times: it kills at every point of a run, resumes, and counts what was sent. The text comes from the caller,
//! who has it from the captured environment. A build without debug assertions has no moments, and so no crash points.

use std::io;
use std::ops::Range;

use super::disk::Disk;
use moment::Moment;

/// When a process kills itself: `mid-write:17` is in the middle of writing the 17th event that it appends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrashPoint {
    moment: Moment,
    position: u64,
}

impl CrashPoint {
    /// The environment variable that names one.
    pub const VARIABLE: &str = "HSS_SYNC_TEST_CRASH";

    /// Reads `before-write:N`, `mid-write:N`, `after-write:N` or `after-sync:N`, with N from 1. `None` for anything else,
    /// and in a build without debug assertions.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (moment, position) = text.split_once(':')?;
        let position = position.parse().ok().filter(|position| *position > 0)?;
        Some(Self { moment: Moment::parse(moment)?, position })
    }

    /// Writes the line of the event as far as it goes, and dies.
    pub(super) fn die(self, line: &[u8], disk: &mut impl Disk) -> io::Result<()> {
        self.moment.die(line, disk)
    }
}

/// A crash point, and where its line is among what has gathered.
#[derive(Debug)]
pub(super) struct Armed {
    point: CrashPoint,
    line: Option<Range<usize>>,
}

/// What the writer takes next: so many bytes, up to this position.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// What comes before the event.
    Before(usize, u64),
    /// The line of the event alone.
    Event(usize, u64, CrashPoint),
}

impl Armed {
    pub(super) fn new(point: CrashPoint) -> Self {
        Self { point, line: None }
    }

    /// An event was appended, and its line has this place.
    pub(super) fn note(&mut self, position: u64, line: Range<usize>) {
        if position == self.point.position {
            self.line = Some(line);
        }
    }

    /// How to take what has gathered, when everything up to `taken` was taken before; `None` for all at once.
    pub(super) fn part(&mut self, taken: u64) -> Option<Part> {
        let CrashPoint { position, .. } = self.point;
        let line = self.line.as_mut()?;
        if taken + 1 == position {
            return Some(Part::Event(line.end, position, self.point));
        }
        let before = line.start;
        *line = 0..line.len();
        Some(Part::Before(before, position - 1))
    }
}

#[cfg(all(debug_assertions, unix))]
mod moment {
    use std::io;

    use nix::sys::signal::{Signal, kill};
    use nix::unistd::getpid;

    use super::Disk;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) enum Moment {
        /// Everything before the event is on the disk, and nothing of it.
        BeforeWrite,
        /// Half of its line is on the disk.
        MidWrite,
        /// It is written, and not synced.
        AfterWrite,
        /// It is on the disk, and nobody was told.
        AfterSync,
    }

    impl Moment {
        pub(super) fn parse(text: &str) -> Option<Self> {
            Some(match text {
                "before-write" => Self::BeforeWrite,
                "mid-write" => Self::MidWrite,
                "after-write" => Self::AfterWrite,
                "after-sync" => Self::AfterSync,
                _ => return None,
            })
        }

        pub(super) fn die(self, line: &[u8], disk: &mut impl Disk) -> io::Result<()> {
            let written = match self {
                Self::BeforeWrite => 0,
                Self::MidWrite => line.len() / 2,
                Self::AfterWrite | Self::AfterSync => line.len(),
            };
            disk.write_all(&line[..written])?;
            if matches!(self, Self::MidWrite | Self::AfterSync) {
                disk.sync()?;
            }
            kill(getpid(), Signal::SIGKILL)?;
            // The signal is on its way, and nothing may happen after it.
            loop {
                std::thread::park();
            }
        }
    }
}

#[cfg(not(all(debug_assertions, unix)))]
mod moment {
    use std::io;

    use super::Disk;

    /// There is none, so that there is no crash point either.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) enum Moment {}

    impl Moment {
        pub(super) fn parse(_: &str) -> Option<Self> {
            None
        }

        pub(super) fn die(self, _: &[u8], _: &mut impl Disk) -> io::Result<()> {
            match self {}
        }
    }
}
