//! One `--select` expression: `label=canary`, `project=pay*`, `!region=cn-*`.

use crate::diagnostic::{nearest, visible};
use crate::expand::ExecutionPlan;
use crate::model::{Operation, is_wildcard_match};

/// What an expression looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Key {
    Label,
    Project,
    Region,
    Set,
    Wave,
}

impl Key {
    pub(super) const ALL: [Self; 5] = [Self::Label, Self::Project, Self::Region, Self::Set, Self::Wave];

    /// As it is written.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::Project => "project",
            Self::Region => "region",
            Self::Set => "set",
            Self::Wave => "wave",
        }
    }

    /// The names that an operation has under this key: several labels and sets, one of each other.
    pub(super) fn names_of<'p>(self, plan: &'p ExecutionPlan, operation: &'p Operation) -> Vec<&'p str> {
        match self {
            Self::Label => operation.labels.iter().map(|label| label.as_str()).collect(),
            Self::Project => vec![operation.target.project.as_str()],
            Self::Region => vec![operation.target.region.as_str()],
            Self::Set => operation.sets.iter().map(|set| set.as_str()).collect(),
            Self::Wave => vec![plan.plans[operation.plan].waves[operation.wave].name.as_str()],
        }
    }
}

/// Why an expression can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("--select {}: {why}", visible(.text))]
pub struct InvalidTerm {
    /// The expression, as it was given.
    pub text: String,
    /// What is wrong with it, and how it is written.
    pub why: String,
}

/// One expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Term {
    /// As it was given.
    pub(super) text: String,
    /// With a `!` before it.
    pub(super) negated: bool,
    pub(super) key: Key,
    /// A name, with `*` and `?`.
    pub(super) pattern: String,
}

impl Term {
    pub(super) fn parse(text: &str) -> Result<Self, InvalidTerm> {
        let invalid = |why: String| InvalidTerm { text: text.to_owned(), why };
        let (negated, rest) = match text.trim().strip_prefix('!') {
            Some(rest) => (true, rest.trim_start()),
            None => (false, text.trim()),
        };
        let Some((key, pattern)) = rest.split_once('=') else {
            return Err(invalid(format!("write KEY=NAME; KEY is {}", keys())));
        };
        if let Some(key) = key.strip_suffix('!') {
            return Err(invalid(format!("a `!` stands first: `!{key}={}`", visible(pattern))));
        }
        let (key, pattern) = (key.trim(), pattern.trim());
        let Some(known) = Key::ALL.into_iter().find(|known| known.as_str() == key) else {
            let meant = nearest(key, Key::ALL.iter().map(|key| key.as_str()));
            let meant = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
            return Err(invalid(format!("there is no key `{}`, only {}{meant}", visible(key), keys())));
        };
        if let Some(pattern) = pattern.strip_prefix('=') {
            return Err(invalid(format!("one `=` is enough: `{key}={}`", visible(pattern))));
        }
        if pattern.is_empty() {
            return Err(invalid(format!("a name is missing after `{key}=`; `{key}=*` means any")));
        }
        // No name has one, and in other tools it separates values.
        if let Some((first, _)) = pattern.split_once(',') {
            return Err(invalid(format!(
                "one name each: give --select again, as in `--select {key}={}`",
                visible(first)
            )));
        }
        Ok(Self { text: text.trim().to_owned(), negated, key: known, pattern: pattern.to_owned() })
    }

    /// Whether an operation has such a name, whatever `!` makes of it.
    pub(super) fn matches(&self, plan: &ExecutionPlan, operation: &Operation) -> bool {
        self.key.names_of(plan, operation).iter().any(|name| is_wildcard_match(&self.pattern, name))
    }
}

/// `label, project, region, set or wave`
fn keys() -> String {
    let mut names: Vec<&str> = Key::ALL.iter().map(|key| key.as_str()).collect();
    let last = names.pop().unwrap_or_default();
    format!("{} or {last}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::{Key, Term};

    #[test]
    fn an_expression_is_a_key_and_a_name_perhaps_negated() {
        let parts = |text: &str| {
            let term = Term::parse(text).expect(text);
            (term.negated, term.key, term.pattern)
        };
        assert_eq!(parts("label=canary"), (false, Key::Label, "canary".to_owned()));
        assert_eq!(parts("!region=cn-*"), (true, Key::Region, "cn-*".to_owned()));
        assert_eq!(parts(" ! set = harbor "), (true, Key::Set, "harbor".to_owned()));
        assert_eq!(parts("wave=a=b"), (false, Key::Wave, "a=b".to_owned()));
    }

    #[test]
    fn what_is_wrong_is_told_with_what_is_meant() {
        for (text, message) in [
            ("canary", "--select canary: write KEY=NAME; KEY is label, project, region, set or wave"),
            (
                "labels=x",
                "--select labels=x: there is no key `labels`, only label, project, region, set or wave; did you mean `label`?",
            ),
            ("plan=x", "--select plan=x: there is no key `plan`, only label, project, region, set or wave"),
            ("region!=cn-*", "--select region!=cn-*: a `!` stands first: `!region=cn-*`"),
            ("region==a", "--select region==a: one `=` is enough: `region=a`"),
            ("set=", "--select set=: a name is missing after `set=`; `set=*` means any"),
            ("label=a,b", "--select label=a,b: one name each: give --select again, as in `--select label=a`"),
        ] {
            assert_eq!(Term::parse(text).expect_err(text).to_string(), message);
        }
        let hostile = Term::parse("\u{1b}[2J=x").expect_err("no key").to_string();
        assert!(!hostile.contains('\u{1b}'), "{hostile:?}");
    }
}
