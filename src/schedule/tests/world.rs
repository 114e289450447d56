//! A virtual clock around the scheduler, for a run of one session or several: each may be killed at any step, with all that was
//! not in its journal yet. `laws` holds every step to the laws.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::books::{Books, bucket_of, quotas_of, time_of};
use super::service::{Call, Reply, record_of};
use crate::event::{AttemptRecord, Failure, FailureKind, NotAttemptedReason, Outcome, RunEvent};
use crate::expand::ExecutionPlan;
use crate::model::RunId;
use crate::resume::{Reopen, take_up};
use crate::schedule::{AttemptEnd, CallElsewhere, Effect, History, Input, Schedule, ScheduleOptions};

/// When a session is killed, unless it is over by then.
#[derive(Clone, Copy, Debug)]
pub(super) enum When {
    /// After so many steps.
    Steps(usize),
    /// At this time of the run's clock.
    At(Duration),
}

/// The end of a session and the beginning of the next one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    pub(super) when: When,
    /// Of the events that nothing depended on yet, the share that is in the journal.
    pub(super) kept: f64,
    /// Whether the launches of its last step were sent.
    pub(super) sent: bool,
    /// How long until the next session begins.
    pub(super) downtime: Duration,
    pub(super) reopen: Reopen,
    /// When the next session is interrupted, after its start.
    pub(super) stop_after: Option<Duration>,
}

impl Cut {
    /// Killed at `at` with everything in the journal, resumed after `downtime`.
    pub(super) fn at(at: Duration, downtime: Duration) -> Self {
        let reopen = Reopen::default();
        Self { when: When::At(at), kept: 1.0, sent: true, downtime, reopen, stop_after: None }
    }
}

pub(super) struct Flight {
    pub(super) op: usize,
    pub(super) sent: Duration,
    pub(super) answered: Duration,
    pub(super) end: AttemptEnd,
}

/// What is left when a run is over.
#[derive(Default)]
pub(super) struct Record {
    pub(super) calls: Vec<Call>,
    pub(super) journal: Vec<RunEvent>,
    pub(super) outcomes: BTreeMap<usize, (Duration, Outcome)>,
    pub(super) effects: Vec<(Duration, Effect)>,
    pub(super) end: Duration,
}

impl Record {
    /// The outcome's word for each operation, in plan order.
    pub(super) fn words(&self) -> Vec<&'static str> {
        self.outcomes.values().map(|(_, outcome)| outcome.as_str()).collect()
    }

    /// When each call was sent, in milliseconds.
    pub(super) fn sent(&self) -> Vec<(usize, u128)> {
        self.calls.iter().map(|call| (call.op, call.sent.as_millis())).collect()
    }
}

/// What a session knows beyond the journal; gone when it is killed.
#[derive(Default)]
pub(super) struct Session {
    pub(super) start: Duration,
    pub(super) flights: Vec<Flight>,
    /// What the latest answer asked for.
    asked: Duration,
    pub(super) proven: BTreeSet<String>,
    pub(super) refused_credentials: BTreeSet<String>,
    /// Pauses after 429: those in the journal from the start, and those of this session.
    pub(super) closed: BTreeMap<String, Duration>,
    pub(super) failed: bool,
    pub(super) stopped: bool,
    pub(super) done: bool,
}

pub(super) struct World<'a> {
    pub(super) plan: &'a ExecutionPlan,
    pub(super) options: ScheduleOptions,
    pub(super) schedule: Schedule,
    pub(super) now: Duration,
    pub(super) session: Session,
    pub(super) books: Books,
    pub(super) record: Record,
    /// What the operator asked the session to try again.
    pub(super) reopen: Reopen,
    /// Where the journal reopens an operation on the word that what is unknown may be repeated, and which.
    pub(super) on_word: Vec<(usize, usize)>,
    /// What other runs sent, which no journal of this one knows.
    pub(super) elsewhere: Vec<CallElsewhere>,
    /// Length of the journal before the latest step.
    step_began: usize,
}

impl<'a> World<'a> {
    pub(super) fn new(plan: &'a ExecutionPlan, options: ScheduleOptions) -> Self {
        let mut world = Self {
            plan,
            options,
            schedule: Schedule::new(plan, options),
            now: Duration::ZERO,
            session: Session::default(),
            books: Books::default(),
            record: Record::default(),
            reopen: Reopen::default(),
            on_word: Vec::new(),
            elsewhere: Vec::new(),
            step_began: 0,
        };
        world.note(RunEvent::RunStarted {
            run: RunId::parse("20261124-080000-7f3a").expect("legal"),
            started_at: jiff::Timestamp::UNIX_EPOCH,
            planned: plan.operations.len(),
            forecast: Duration::ZERO,
        });
        world
    }

    /// A run that begins after others, or beside them.
    pub(super) fn beside(plan: &'a ExecutionPlan, options: ScheduleOptions, elsewhere: Vec<CallElsewhere>) -> Self {
        let mut world = Self { elsewhere, ..Self::new(plan, options) };
        world.schedule = world.restored();
        world
    }

    /// The schedule as the journal has it.
    pub(super) fn restored(&self) -> Schedule {
        let history = History::from_events(self.plan, &self.record.journal, self.now);
        let history = History { elsewhere: self.elsewhere.clone(), ..history };
        Schedule::resume(self.plan, self.options, &history)
    }

    /// Runs to the end in one session; `reply` says what the service does with each (operation, attempt).
    pub(super) fn run(self, stop_at: Option<Duration>, reply: impl FnMut(usize, u32) -> Reply) -> Record {
        self.sessions(stop_at, &[], reply)
    }

    /// Runs to the end in one session more than there are cuts.
    pub(super) fn sessions(
        mut self,
        stop_at: Option<Duration>,
        cuts: &[Cut],
        mut reply: impl FnMut(usize, u32) -> Reply,
    ) -> Record {
        let mut stop_at = stop_at;
        for cut in cuts {
            self.session(stop_at, Some(cut.when), &mut reply);
            self.kill(cut);
            self.resume(cut);
            stop_at = cut.stop_after.map(|after| self.now + after);
        }
        self.session(stop_at, None, &mut reply);
        assert!(self.session.done, "the last session does not end");
        self.check_run();
        self.record.end = self.now;
        self.record.outcomes = self.books.outcomes;
        self.record
    }

    /// One session, to its end or until it is killed.
    fn session(&mut self, stop_at: Option<Duration>, kill: Option<When>, reply: &mut impl FnMut(usize, u32) -> Reply) {
        let mut input = Input::Start;
        let mut stop_at = stop_at;
        for step in 0..100_000 {
            if kill.is_some_and(|when| matches!(when, When::Steps(steps) if steps == step)) {
                return;
            }
            let wake = self.step(input, reply);
            if self.session.done {
                self.check_session_end();
                self.note(RunEvent::RunEnded { at: self.now });
                return;
            }
            let flights = &self.session.flights;
            let answer = (0..flights.len()).min_by_key(|index| flights[*index].answered);
            let next = [answer.map(|index| flights[index].answered), wake, stop_at].into_iter().flatten().min();
            let next = next.expect("nothing in flight, nothing to wait for, and not done: the run hangs");
            assert!(next >= self.now, "time goes back");
            if let Some(When::At(at)) = kill
                && next > at
            {
                self.now = at;
                self.step_began = self.record.journal.len();
                return;
            }
            self.now = next;
            input = match answer {
                _ if stop_at == Some(next) => {
                    stop_at = None;
                    self.session.stopped = true;
                    Input::Stop(NotAttemptedReason::Interrupted)
                }
                Some(index) if self.session.flights[index].answered == next => {
                    let flight = &self.session.flights[index];
                    Input::AttemptEnded { op: flight.op, end: flight.end.clone() }
                }
                _ => Input::Tick,
            };
        }
        panic!("the session does not end");
    }

    fn step(&mut self, input: Input, reply: &mut impl FnMut(usize, u32) -> Reply) -> Option<Duration> {
        self.step_began = self.record.journal.len();
        let mut answer = None;
        if let Input::AttemptEnded { op, .. } = &input {
            let index = self.session.flights.iter().position(|flight| flight.op == *op).expect("it is in flight");
            let flight = self.session.flights.remove(index);
            self.note_answer(&flight);
            answer = Some(flight);
        }
        let mut effects = Vec::new();
        self.schedule.step(self.now, input, &mut effects);
        self.check_answer(answer.as_ref(), &effects);
        let mut record = answer.map(|flight| record_of(&flight.end, flight.sent, self.now));
        let mut wake = None;
        for effect in effects {
            self.record.effects.push((self.now, effect.clone()));
            self.perform(effect, &mut record, &mut wake, reply);
            self.check_bounds();
        }
        self.check_nothing_idles();
        self.check_the_journal_knows_all();
        wake
    }

    fn perform(
        &mut self,
        effect: Effect,
        record: &mut Option<AttemptRecord>,
        wake: &mut Option<Duration>,
        reply: &mut impl FnMut(usize, u32) -> Reply,
    ) {
        let at = self.now;
        match effect {
            Effect::WaveStarted { plan, wave } => self.note(RunEvent::WaveStarted { plan, wave, at }),
            Effect::Launch { op, attempt } => self.launch(op, attempt, reply(op, attempt)),
            Effect::AttemptEnded { op, attempt, retry_at, closed_until } => {
                assert!(retry_at.is_none_or(|at| at >= self.session.asked), "{op} will be repeated before it may");
                let record = record.take().expect("an attempt ends by its answer");
                self.note(RunEvent::AttemptEnded { op, attempt, at, record, retry_at, closed_until });
            }
            Effect::End { op, outcome } => {
                self.check_outcome(op, &outcome);
                self.session.failed |= matches!(outcome, Outcome::Failed(_) | Outcome::Unknown(_));
                self.note(RunEvent::OperationEnded { op, at, outcome });
            }
            Effect::Stopping { reason } => {
                self.session.stopped = true;
                self.note(RunEvent::Stopping { at, reason });
            }
            Effect::WaitUntil { at, .. } => {
                assert!(at > self.now, "would wait for the past");
                *wake = Some(at);
            }
            Effect::Done => {
                assert!(!self.session.done, "done twice");
                self.session.done = true;
            }
        }
    }

    /// Writes an event into the journal and the books.
    fn note(&mut self, event: RunEvent) {
        let last = self.record.journal.last().map_or(Duration::ZERO, time_of);
        assert!(time_of(&event) >= last, "the journal goes back in time");
        self.books.apply(self.plan, &event);
        self.record.journal.push(event);
    }

    fn launch(&mut self, op: usize, attempt: u32, reply: Reply) {
        self.check_launch(op, attempt);
        let (sent, answered) = (self.now, self.now + reply.latency);
        let end = (reply.end)(answered);
        if !matches!(end, AttemptEnd::Withdrawn(_)) {
            self.record.calls.push(Call {
                op,
                attempt,
                sent,
                counted: Some(sent + reply.latency.mul_f64(reply.counted)),
                share: reply.counted,
                refused: matches!(end, AttemptEnd::Failed(_) | AttemptEnd::Retry { .. }),
                lost: false,
                event: self.record.journal.len(),
            });
        }
        self.note(RunEvent::AttemptStarted { op, attempt, at: sent });
        self.session.flights.push(Flight { op, sent, answered, end });
    }

    fn note_answer(&mut self, flight: &Flight) {
        let credential = self.plan.operations[flight.op].target.credential.to_string();
        let session = &mut self.session;
        match &flight.end {
            AttemptEnd::Withdrawn(_) => {
                let attempt = self.books.announced[&flight.op].0;
                self.note(RunEvent::AttemptWithdrawn { op: flight.op, attempt, at: self.now });
            }
            AttemptEnd::Failed(failure) if failure.status == Some(401) => {
                session.refused_credentials.insert(credential);
            }
            AttemptEnd::Failed(failure) | AttemptEnd::Unknown(failure) if failure.status.is_none() => {}
            AttemptEnd::Retry { failure, at, wait, .. } => {
                session.asked = *at;
                if failure.kind == FailureKind::Throttled {
                    let bucket = bucket_of(self.plan, flight.op);
                    let window = quotas_of(self.plan, &bucket).into_iter().map(|(_, per)| per).max();
                    let until = (self.now + wait.or(window).unwrap_or_default()).max(*at);
                    let closed = session.closed.entry(bucket).or_default();
                    *closed = until.max(*closed);
                }
            }
            _ => {
                session.proven.insert(credential);
            }
        }
    }

    /// The process dies. What had been sent had been announced in the journal before, so this and all before it is there.
    fn kill(&mut self, cut: &Cut) {
        let journal = &mut self.record.journal;
        let before = self.record.calls.iter().filter(|call| call.event < self.step_began);
        let sure = before.map(|call| call.event + 1).max().unwrap_or(1);
        let unsure = journal.len().saturating_sub(sure);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a small number")]
        let kept = sure + (unsure as f64 * cut.kept).round() as usize;
        journal.truncate(kept);
        self.books = Books::read(self.plan, journal);
        self.record.calls.retain(|call| call.event < kept);
        self.on_word.retain(|(event, _)| *event < kept);
        let latest_step = self.step_began;
        for call in self.record.calls.iter_mut().filter(|call| !call.lost) {
            // Announced, the latest attempt of its operation, and not answered as far as the journal knows.
            let is_latest = self.books.announced[&call.op].0 == call.attempt;
            call.lost = is_latest && self.books.in_flight.contains_key(&call.op);
            if !call.lost {
                continue;
            }
            if call.event >= latest_step && !cut.sent {
                call.counted = None;
            } else if self.session.flights.iter().any(|flight| flight.op == call.op) {
                let timeout = self.plan.plans[self.plan.operations[call.op].plan].limits.attempt_timeout;
                call.counted = Some(call.sent + timeout.mul_f64(call.share));
            }
        }
    }

    /// The next session begins.
    fn resume(&mut self, cut: &Cut) {
        self.now += cut.downtime;
        self.session = Session { start: self.now, closed: self.books.closed.clone(), ..Session::default() };
        self.reopen = cut.reopen;
        let resumed_at = jiff::Timestamp::UNIX_EPOCH + self.now;
        let events = take_up(self.plan, &self.record.journal, self.now, cut.reopen);
        self.note(RunEvent::RunResumed { at: self.now, resumed_at, forecast: Duration::ZERO });
        for event in events {
            if let RunEvent::OperationReopened { op, .. } = event {
                self.check_reopening(op);
                if cut.reopen.retry_unknown {
                    self.on_word.push((self.record.journal.len(), op));
                }
            }
            self.note(event);
        }
        assert_eq!(take_up(self.plan, &self.record.journal, self.now, cut.reopen), [], "taken up twice");
        self.schedule = self.restored();
        self.step_began = self.record.journal.len();
    }
}

/// How an operation ends that was taken back while it was repeated.
pub(super) fn given_up(failure: &Failure, reason: &NotAttemptedReason) -> Outcome {
    Outcome::Failed(Failure { given_up: Some(reason.clone()), ..failure.clone() })
}
