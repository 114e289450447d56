//! Reads a journal: whole lines to events, a torn tail apart, and everything else refused with its place.
//!
//! One pass, in memory that grows with the file and no faster. Operations are numbered as they appear; which ones of the
//! plan they are is asked when the events are taken ([`Journal::events`]).

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;

use super::JOURNAL_VERSION;
use super::chain::{Chain, Sealed};
use super::damage::{Damage, DamagedJournal};
use super::header::{Header, RecordedSource};
use super::record::{Record, to_event, to_header, to_resolution};
use super::replay::Replay;
use super::write::LineWriter;
use crate::diagnostic::visible;
use crate::event::{OpIndex, RunEvent};

/// How the first line of every version begins.
const BEGINNING: &[u8] = br#"{"record":"run","#;

/// Most characters of a message about a line's content.
const SHOWN_CHARS: usize = 200;

/// A journal that was read.
#[derive(Clone, Debug)]
pub struct Journal {
    /// What the run is.
    pub header: Header,
    /// Makes the lines that come after the whole ones.
    pub writer: LineWriter,
    /// Bytes of the whole lines, from the start of the file.
    pub whole: usize,
    /// Bytes after them: a line that was being written when the run was killed. To be cut off before a line is appended.
    pub torn: usize,
    /// The events; an operation's index is the place of its id in `ids`.
    events: Vec<RunEvent>,
    ids: Vec<SeenId>,
}

/// An operation's id, and the line that first names it.
#[derive(Clone, Debug)]
struct SeenId {
    id: Arc<str>,
    line: u64,
}

impl Journal {
    /// The events, the first one [`RunEvent::RunStarted`]; `index` finds an operation of the plan by its id.
    ///
    /// # Errors
    /// [`DamagedJournal::UnknownOperation`] when the plan has not all of them.
    pub fn events(&self, index: impl Fn(&str) -> Option<OpIndex>) -> Result<Vec<RunEvent>, DamagedJournal> {
        let find = |seen: &SeenId| {
            index(&seen.id).ok_or_else(|| DamagedJournal::UnknownOperation { line: seen.line, id: bounded(&seen.id) })
        };
        let operations = self.ids.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        let Header { run, started_at, planned, forecast, .. } = &self.header;
        let (run, started_at, planned, forecast) = (run.clone(), *started_at, *planned, *forecast);
        let mut events = Vec::with_capacity(self.events.len() + 1);
        events.push(RunEvent::RunStarted { run, started_at, planned, forecast });
        events.extend(self.events.iter().cloned().map(|mut event| {
            if let Some(op) = operation_of(&mut event) {
                *op = operations[*op];
            }
            event
        }));
        Ok(events)
    }
}

/// The operation that an event is about. Without a wildcard, so that a new event can't keep an index that means nothing.
fn operation_of(event: &mut RunEvent) -> Option<&mut OpIndex> {
    match event {
        RunEvent::OperationReopened { op, .. }
        | RunEvent::AttemptStarted { op, .. }
        | RunEvent::AttemptWithdrawn { op, .. }
        | RunEvent::AttemptEnded { op, .. }
        | RunEvent::OperationEnded { op, .. }
        | RunEvent::TaskFound { op, .. }
        | RunEvent::TaskProgressed { op, .. }
        | RunEvent::TaskEnded { op, .. }
        | RunEvent::TaskUnclear { op, .. } => Some(op),
        RunEvent::RunStarted { .. }
        | RunEvent::RunResumed { .. }
        | RunEvent::WaveStarted { .. }
        | RunEvent::Stopping { .. }
        | RunEvent::RunEnded { .. } => None,
    }
}

/// Reads the bytes of a journal.
///
/// Bytes after the last line break are a torn tail, which is normal: the line was not confirmed, so nothing was done on
/// the strength of it. Every line before them has to be exactly what was written there.
///
/// # Errors
/// When nothing was announced yet, when another version wrote it, and at the first line that is damaged.
pub fn read(bytes: &[u8]) -> Result<Journal, DamagedJournal> {
    let mut reader = Reader::default();
    let (mut offset, mut torn) = (0, 0);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let taken = match line.strip_suffix(b"\n") {
            Some(content) => reader.line(content),
            None => {
                torn = line.len();
                reader.tail(line)
            }
        };
        taken.map_err(|refused| refused.at(reader.chain.lines() + 1, offset))?;
        offset += line.len();
    }
    let Reader { chain, header: Some(header), sources_left: 0, resolved_left: 0, events, ids, .. } = reader else {
        return Err(DamagedJournal::NothingAnnounced);
    };
    Ok(Journal { header, writer: LineWriter::after(chain), whole: bytes.len() - torn, torn, events, ids })
}

/// Why a line is not taken, without its place.
enum Refused {
    Damage(Damage),
    OtherVersion(u64),
}

impl From<Damage> for Refused {
    fn from(damage: Damage) -> Self {
        Self::Damage(damage)
    }
}

impl Refused {
    fn at(self, line: u64, offset: usize) -> DamagedJournal {
        match self {
            Self::Damage(damage) => DamagedJournal::Line { line, offset, damage },
            Self::OtherVersion(version) => DamagedJournal::OtherVersion { version },
        }
    }
}

/// What a line that is not right says of itself, read leniently.
#[derive(Deserialize)]
struct Head {
    seq: u64,
    version: Option<u64>,
}

/// What the lines up to here said.
#[derive(Default)]
struct Reader {
    chain: Chain,
    header: Option<Header>,
    sources_left: usize,
    resolved_left: usize,
    replay: Replay,
    events: Vec<RunEvent>,
    ids: Vec<SeenId>,
    by_id: HashMap<Arc<str>, OpIndex>,
    /// The object that a line is, whole again without its sum.
    object: Vec<u8>,
}

impl Reader {
    /// Takes a whole line in, without its line break.
    fn line(&mut self, line: &[u8]) -> Result<(), Refused> {
        let first = self.chain.lines() == 0;
        if first && !line.starts_with(BEGINNING) {
            return Err(Damage::NoHeader.into());
        }
        let sealed = Sealed::open(line).ok_or(Damage::NoSum)?;
        let mut object = std::mem::take(&mut self.object);
        object.clear();
        object.extend_from_slice(sealed.content);
        object.push(b'}');
        // Before its sum is looked at: another version may sum in another way.
        if first && let Some(version) = head(&object).and_then(|head| head.version).filter(|v| *v != JOURNAL_VERSION) {
            return Err(Refused::OtherVersion(version));
        }
        if !self.chain.holds(sealed) {
            return Err(self.why_not(&object).into());
        }
        let record: Record<'_> = serde_json::from_slice(&object).map_err(malformed)?;
        self.check_number(record.seq())?;
        self.record(record)?;
        self.chain.pass(sealed);
        self.object = object;
        Ok(())
    }

    /// Looks at what follows the last line break.
    fn tail(&self, tail: &[u8]) -> Result<(), Refused> {
        if self.chain.lines() == 0 {
            let written = tail.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            let begins = BEGINNING.iter().zip(&tail[..written]).all(|(expected, found)| expected == found);
            return if begins { Ok(()) } else { Err(Damage::NoHeader.into()) };
        }
        // A line is written with its line break: one of which everything but that came is torn, one with another byte in
        // its place was changed. Zeros are what a file system may leave where it didn't get to write.
        match tail.split_last() {
            Some((last, line)) if *last != 0 && Sealed::open(line).is_some_and(|line| self.chain.holds(line)) => {
                Err(Damage::NoLineBreak.into())
            }
            _ => Ok(()),
        }
    }

    /// Why a line does not hold: its number says more than its sum.
    fn why_not(&self, object: &[u8]) -> Damage {
        head(object).and_then(|head| self.check_number(head.seq).err()).unwrap_or(Damage::WrongSum)
    }

    fn check_number(&self, found: u64) -> Result<(), Damage> {
        let expected = self.chain.lines();
        if found == expected { Ok(()) } else { Err(Damage::WrongNumber { expected, found }) }
    }

    fn record(&mut self, record: Record<'_>) -> Result<(), Damage> {
        let Some(header) = &mut self.header else {
            let Record::Run(line) = record else { return Err(Damage::NoHeader) };
            self.sources_left = line.sources;
            self.resolved_left = line.resolved;
            self.replay = Replay::new(line.plans.len());
            self.header = Some(to_header(*line).map_err(|error| Damage::Malformed(bounded(&error)))?);
            return Ok(());
        };
        if self.sources_left > 0 {
            let Record::Source { path, text, .. } = record else { return Err(Damage::NoSource) };
            header.sources.push(RecordedSource { path: path.into_owned(), text: text.into_owned() });
            self.sources_left -= 1;
            return Ok(());
        }
        if self.resolved_left > 0 {
            let Record::Resolved { op, project_id, registries, .. } = record else { return Err(Damage::NoResolution) };
            let resolution = to_resolution(&op, project_id.as_deref(), registries);
            header.resolved.push(resolution.map_err(|error| Damage::Malformed(bounded(&error)))?);
            self.resolved_left -= 1;
            return Ok(());
        }
        let line = self.chain.lines() + 1;
        let (ids, by_id) = (&mut self.ids, &mut self.by_id);
        let event = to_event(record, |id| index_of(&id, line, ids, by_id));
        let event = event.map_err(|error| Damage::Malformed(bounded(&error)))?;
        self.replay.take(&event)?;
        self.events.push(event);
        Ok(())
    }
}

/// The index of an operation's id; a new one is added.
fn index_of(id: &str, line: u64, ids: &mut Vec<SeenId>, by_id: &mut HashMap<Arc<str>, OpIndex>) -> OpIndex {
    if let Some(op) = by_id.get(id) {
        return *op;
    }
    let shared: Arc<str> = id.into();
    ids.push(SeenId { id: Arc::clone(&shared), line });
    by_id.insert(shared, ids.len() - 1);
    ids.len() - 1
}

fn head(object: &[u8]) -> Option<Head> {
    serde_json::from_slice(object).ok()
}

fn malformed(error: serde_json::Error) -> Damage {
    let message = error.to_string();
    // The place is one in our copy of the line; the line itself is named already.
    let message = message.rsplit_once(" at line ").map_or(&*message, |(message, _)| message);
    Damage::Malformed(bounded(message))
}

/// Text from the journal, on one line and not too long.
fn bounded(text: &str) -> String {
    let text = visible(text);
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}
