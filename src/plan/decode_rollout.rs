//! The second half of decoding: `rollout` and `limits`, the parts of a plan that say how it is sent.

use std::time::Duration;

use super::decode::{Decoder, whole_number};
use super::file::{Rollout, WaveSelect, WaveSpec};
use crate::diagnostic::{Code, Label};
use crate::model::{Limits, MaxFailures, Quota, QuotaScope, RetryLimits, WaveName, format_duration};
use crate::source::{Location, Span, Spanned};
use crate::yaml::{Kind, Node};

/// Operations that a plan may expand to when it doesn't say.
const MAX_OPERATIONS: usize = 1000;

impl<'t> Decoder<'t> {
    /// The rollout of a plan that names none.
    pub(super) fn no_rollout() -> Rollout {
        Rollout {
            max_operations: MAX_OPERATIONS,
            max_operations_span: None,
            deadline: None,
            waves: Vec::new(),
            pause: Duration::ZERO,
        }
    }

    pub(super) fn rollout(&mut self, node: Node<'t>) -> Rollout {
        let mut rollout = Self::no_rollout();
        for entry in node.entries() {
            match entry.key {
                "max_operations" => {
                    if let Some(count) = self.count(entry, 1_000_000) {
                        rollout.max_operations = count.get() as usize;
                    }
                    rollout.max_operations_span = Some(entry.value.span());
                }
                "deadline" => rollout.deadline = self.positive(entry),
                "waves" => rollout.waves = entry.value.items().filter_map(|item| self.wave(item)).collect(),
                "pause" => rollout.pause = self.duration(entry.value).map_or(Duration::ZERO, |found| found.value),
                _ => self.unknown(entry),
            }
        }
        rollout
    }

    fn wave(&mut self, item: Node<'t>) -> Option<WaveSpec> {
        let (mut name, mut select, mut max_failures) = (None, None, None);
        for entry in item.entries() {
            match entry.key {
                "name" => name = self.parse(entry.value, WaveName::parse),
                "select" => select = Some(self.wave_select(entry.value)),
                "max_failures" => max_failures = self.max_failures(entry.value),
                _ => self.unknown(entry),
            }
        }
        let name = self.named(name, item)?;
        Some(WaveSpec { span: item.span(), name, select, max_failures })
    }

    fn wave_select(&mut self, node: Node<'t>) -> WaveSelect {
        let mut select = WaveSelect::default();
        for entry in node.entries() {
            match entry.key {
                "labels" => select.labels = self.texts(entry.value),
                "projects" => select.projects = self.globs(entry.value),
                "regions" => select.regions = self.globs(entry.value),
                "sets" => select.sets = self.texts(entry.value),
                _ => self.unknown(entry),
            }
        }
        select
    }

    fn texts(&mut self, node: Node<'t>) -> Vec<Spanned<String>> {
        let text = |item: Node<'t>| Some(Spanned::new(self.text(item)?.to_owned(), item.span()));
        node.items().filter_map(text).collect()
    }

    fn globs(&mut self, node: Node<'t>) -> Vec<Spanned<String>> {
        node.items().filter_map(|item| self.pattern(item)).collect()
    }

    fn max_failures(&mut self, node: Node<'t>) -> Option<MaxFailures> {
        if matches!(node.kind(), Kind::Number) {
            let number = node.text().and_then(whole_number).and_then(|number| u32::try_from(number).ok());
            return number.map(MaxFailures::Count).or_else(|| self.wrong(node, "a whole number or a percentage"));
        }
        self.parse(node, MaxFailures::parse).map(|found| found.value)
    }

    pub(super) fn limits(&mut self, node: Node<'t>) -> Limits {
        let mut limits = Limits::default();
        for entry in node.entries() {
            match entry.key {
                "quota" => limits.quota = self.quota(entry.value),
                "concurrency" => limits.concurrency = self.count(entry, 1024).unwrap_or(limits.concurrency),
                "region_concurrency" => {
                    limits.region_concurrency = self.count(entry, 1024).unwrap_or(limits.region_concurrency);
                }
                "attempt_timeout" => {
                    limits.attempt_timeout = self.positive(entry).map_or(limits.attempt_timeout, |found| found.value);
                }
                "retry" => limits.retry = self.retry(entry.value),
                _ => self.unknown(entry),
            }
        }
        limits
    }

    fn quota(&mut self, node: Node<'t>) -> Quota {
        let mut quota = Quota::default();
        for entry in node.entries() {
            match entry.key {
                "calls" => quota.calls = self.count(entry, 100_000).unwrap_or(quota.calls),
                "per" => quota.per = self.positive(entry).map_or(quota.per, |found| found.value),
                "scope" => quota.scope = self.scope(entry.value).unwrap_or_default(),
                _ => self.unknown(entry),
            }
        }
        quota
    }

    fn scope(&mut self, node: Node<'t>) -> Option<QuotaScope> {
        let text = self.text(node)?;
        let all = [QuotaScope::Address, QuotaScope::User, QuotaScope::Global];
        let found = all.into_iter().find(|scope| scope.as_str() == text);
        found.or_else(|| self.wrong(node, "`address`, `user` or `global`"))
    }

    fn retry(&mut self, node: Node<'t>) -> RetryLimits {
        let mut retry = RetryLimits::default();
        let (mut initial, mut longest) = (None, None);
        for entry in node.entries() {
            match entry.key {
                "max_attempts" => retry.max_attempts = self.count(entry, 20).unwrap_or(retry.max_attempts),
                "initial_delay" => initial = self.duration(entry.value),
                "max_delay" => longest = self.duration(entry.value),
                _ => self.unknown(entry),
            }
        }
        retry.initial_delay = initial.map_or(retry.initial_delay, |found| found.value);
        retry.max_delay = longest.map_or(retry.max_delay, |found| found.value);
        if retry.max_delay < retry.initial_delay {
            self.delays(&retry, initial.map(|found| found.span), longest.map(|found| found.span));
        }
        retry
    }

    /// `max_delay` is shorter than `initial_delay`; one of the two may be the default.
    fn delays(&mut self, retry: &RetryLimits, initial: Option<Span>, longest: Option<Span>) {
        let Some(span) = longest.or(initial) else { return };
        let (first, most) = (format_duration(retry.initial_delay), format_duration(retry.max_delay));
        let by_default = |place: Option<Span>| if place.is_none() { " by default" } else { "" };
        let message = format!(
            "`max_delay` ({most}{}) is shorter than `initial_delay` ({first}{})",
            by_default(longest),
            by_default(initial)
        );
        let also = initial.filter(|_| longest.is_some()).map(|place| Location::new(self.source(), place));
        let diagnostic = self.add(Code::OutOfRange, span, message);
        diagnostic.help = Some("make `max_delay` at least as long as `initial_delay`".to_owned());
        diagnostic
            .secondary
            .extend(also.map(|location| Label { location, text: "`initial_delay` is here".to_owned() }));
    }
}
