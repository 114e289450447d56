//! Why a journal is not gone on from: what is wrong, at which line, and what to do instead.
//!
//! A torn tail is no damage; `docs/journal.md` says where the border is.

use super::JOURNAL_VERSION;
use super::replay::Impossible;

/// Why a journal can't be read. Text that comes from it has been made visible and is bounded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DamagedJournal {
    /// The file ends before the header, its sources and what was resolved are whole.
    #[error(
        "the run was killed before it had announced anything, so nothing was sent: start it again with `hss-sync run`"
    )]
    NothingAnnounced,
    /// The first line states another version of the format.
    #[error(
        "the journal has version {version} and this hss-sync reads version {JOURNAL_VERSION}: go on with the hss-sync that \
         wrote it, or a newer one"
    )]
    OtherVersion {
        /// The version that it states.
        version: u64,
    },
    /// A whole line is not what was written there.
    #[error(
        "line {line} of the journal (byte {offset}) is damaged: {damage}. What was sent may be missing from it, so that \
         going on could send something twice. Keep a copy of the run's directory, see in the console what was \
         synchronised, and start a new run for the rest"
    )]
    Line {
        /// The line, counted from 1.
        line: u64,
        /// Where it begins, in bytes from the start of the file.
        offset: usize,
        /// What is wrong with it.
        damage: Damage,
    },
    /// The journal is whole and names an operation that its plan does not have.
    #[error(
        "line {line} of the journal names operation `{id}`, which the plan that is recorded there does not have. Go on \
         with the version of hss-sync that began the run; if it was this one, please report this bug"
    )]
    UnknownOperation {
        /// The first line that names it, counted from 1.
        line: u64,
        /// The operation's id.
        id: String,
    },
    /// The journal is whole and begins a wave that its plan does not have.
    #[error(
        "line {line} of the journal begins wave {wave} of plan {plan}, both counted from 0, which the plans that are recorded \
         there do not have. Go on with the version of hss-sync that began the run; if it was this one, please report this bug"
    )]
    UnknownWave {
        /// The line, counted from 1.
        line: usize,
        /// Index of the plan.
        plan: usize,
        /// Index of the wave in it.
        wave: usize,
    },
}

/// What is wrong with one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The file does not begin with a header.
    #[error("a journal begins with a `run` record, and this is none")]
    NoHeader,
    /// The header announces more plan texts than follow it.
    #[error("a `source` record with the text of a plan comes here, and this is none")]
    NoSource,
    /// The header announces more resolved operations than follow its sources.
    #[error("a `resolved` record comes here, and this is none")]
    NoResolution,
    /// It has not the shape of a line.
    #[error("it does not end with a checksum, as every whole line does")]
    NoSum,
    /// It is not what was written, or does not stand where it was written.
    #[error("its checksum does not match: this line, or the end of the one before it, was changed")]
    WrongSum,
    /// Lines are missing, doubled or in another order.
    #[error("its number is {found} and {expected} comes here: {}", if found > expected { "lines are missing" } else { "lines are repeated or in another order" })]
    WrongNumber {
        /// The number that comes here.
        expected: u64,
        /// The number it has.
        found: u64,
    },
    /// A whole last line whose line break is another byte.
    #[error("it is whole, and what follows is no line break")]
    NoLineBreak,
    /// It is not a record of this version.
    #[error("it is not a record of version {JOURNAL_VERSION}: {0}")]
    Malformed(String),
    /// It can't have happened after what the lines before it say.
    #[error("{0}")]
    Impossible(#[from] Impossible),
}
