//! Settings: speed and noise, from flags, the environment and `hss-sync.toml`; every value keeps where it came from.
//!
//! Never what is synced, to whom, with which key, or where a run is kept: the file may come with somebody else's change.
//! `command::settings` finds the layers and fills the flags that were not given. `docs/settings.md` is the page on it.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Code, Diagnostic, nearest, visible};
use crate::model::{Quota, parse_duration};
use crate::source::{Source, SourceId, Span};

/// The name of the settings file, which counts in the current directory only.
pub const FILE_NAME: &str = "hss-sync.toml";
/// The largest settings file, in bytes.
pub const MAX_FILE_BYTES: usize = 64 << 10;

/// A setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// `--color`
    Color,
    /// `--quiet`, `--verbose`
    Verbosity,
    /// `--deny-warnings`
    DenyWarnings,
    /// `--concurrency`
    Concurrency,
    /// `--quota`
    Quota,
    /// `--grace`
    Grace,
    /// `--state-dir`; not in the file, which could hand `resume` a run of somebody else's making.
    StateDir,
}

/// Where the value of a setting came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The settings file, with one-based line and column.
    File(String),
    /// A variable of the environment, by its name.
    Environment(String),
    /// A flag.
    Flag(&'static str),
}

/// A value and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The value, as its flag has it.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

/// The settings that are not built in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings(BTreeMap<Key, Setting>);

impl Key {
    /// Every setting, in the order in which they are shown.
    pub const ALL: [Self; 7] =
        [Self::Color, Self::Verbosity, Self::DenyWarnings, Self::Concurrency, Self::Quota, Self::Grace, Self::StateDir];

    /// Its name in the file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Color => "color",
            Self::Verbosity => "verbosity",
            Self::DenyWarnings => "deny_warnings",
            Self::Concurrency => "concurrency",
            Self::Quota => "quota",
            Self::Grace => "grace",
            Self::StateDir => "state_dir",
        }
    }

    /// Its variable: `HSS_SYNC_QUOTA`.
    #[must_use]
    pub fn variable(self) -> String {
        format!("HSS_SYNC_{}", self.as_str().to_uppercase())
    }

    fn in_file(self) -> bool {
        self != Self::StateDir
    }

    /// Whether `text` is a value of it.
    ///
    /// # Errors
    /// What a value looks like.
    fn check(self, text: &str) -> Result<(), String> {
        let one_of = |values: &[&str]| match values.contains(&text) {
            true => Ok(()),
            false => Err(format!("is one of {}", values.join(", "))),
        };
        match self {
            Self::Color => one_of(&["auto", "always", "never"]),
            Self::Verbosity => one_of(&["quiet", "normal", "verbose"]),
            Self::DenyWarnings => one_of(&["true", "false"]),
            Self::Concurrency => match text.parse::<u32>() {
                Ok(1..=1024) => Ok(()),
                _ => Err("is a number from 1 to 1024".to_owned()),
            },
            Self::Quota => Quota::parse(text).map(|_| ()).map_err(|error| error.to_string()),
            Self::Grace => parse_duration(text).map(|_| ()).map_err(|error| error.to_string()),
            Self::StateDir if text.is_empty() => Err("is a path".to_owned()),
            Self::StateDir => Ok(()),
        }
    }

    /// The value as the check takes it, when TOML has it in the form that this setting has.
    fn value_of(self, value: &DeValue<'_>) -> Result<String, &'static str> {
        match (self, value) {
            (Self::DenyWarnings, DeValue::Boolean(value)) => Ok(value.to_string()),
            (Self::DenyWarnings, _) => Err("true or false, without quotes"),
            (Self::Concurrency, DeValue::Integer(value)) if value.radix() == 10 => Ok(value.as_str().replace('_', "")),
            (Self::Concurrency, _) => Err("a number, without quotes"),
            (_, DeValue::String(value)) => Ok(value.clone().into_owned()),
            _ => Err("a text in quotes"),
        }
    }
}

impl Settings {
    /// The value of one setting, unless it is the built-in one.
    #[must_use]
    pub fn get(&self, key: Key) -> Option<&Setting> {
        self.0.get(&key)
    }

    /// Puts a value over whatever layer below had one.
    pub fn set(&mut self, key: Key, value: impl Into<String>, origin: Origin) {
        self.0.insert(key, Setting { value: value.into(), origin });
    }

    /// Takes the variables of the environment in, over what is there.
    ///
    /// # Errors
    /// A variable whose value is none of its setting.
    pub fn take_environment(&mut self, environment: &BTreeMap<String, String>) -> Result<(), String> {
        for key in Key::ALL {
            let name = key.variable();
            // An empty variable is how a shell unsets one.
            let Some(value) = environment.get(&name).filter(|value| !value.is_empty()) else { continue };
            if let Err(why) = key.check(value) {
                return Err(format!("{name}={}: {} {why}", visible(value), key.as_str()));
            }
            self.set(key, value.clone(), Origin::Environment(name));
        }
        Ok(())
    }

    /// Reads a settings file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(id: SourceId, source: &Source) -> Result<Self, Vec<Diagnostic>> {
        let table = DeTable::parse(source.text()).map_err(|error| {
            let range = error.span().unwrap_or(0..0);
            let message = format!("this is no TOML: {}", error.message().replace('\n', " "));
            vec![Diagnostic::at(Code::SettingsSyntax, id, Span::new(range.start, range.end), message)]
        })?;
        let (mut settings, mut wrong) = (Self::default(), Vec::new());
        for (name, value) in table.get_ref() {
            let (at, span) = (name.span(), value.span());
            let (at, span) = (Span::new(at.start, at.end), Span::new(span.start, span.end));
            let Some(key) = Key::ALL.into_iter().find(|key| key.as_str() == name.get_ref().as_ref()) else {
                wrong.push(unknown(id, at, name.get_ref()));
                continue;
            };
            if !key.in_file() {
                let message = format!("`{}` is no setting of this file", key.as_str());
                let help = format!(
                    "the file may come with somebody else's change, which must not decide where runs are found: use \
                     --state-dir or {}",
                    key.variable()
                );
                wrong.push(Diagnostic::at(Code::UnknownSetting, id, at, message).help(help));
                continue;
            }
            let text = match key.value_of(value.get_ref()) {
                Ok(text) => text,
                Err(form) => {
                    let message = format!("`{}` is {form}", key.as_str());
                    wrong.push(Diagnostic::at(Code::InvalidSetting, id, span, message));
                    continue;
                }
            };
            if let Err(why) = key.check(&text) {
                wrong.push(Diagnostic::at(Code::InvalidSetting, id, span, format!("`{}` {why}", key.as_str())));
                continue;
            }
            let position = source.position(u32::try_from(at.range().start).unwrap_or(u32::MAX));
            let place = format!("{}:{}:{}", source.path(), position.line(), position.column());
            settings.set(key, text, Origin::File(place));
        }
        wrong.sort_by_key(Diagnostic::start);
        if wrong.is_empty() { Ok(settings) } else { Err(wrong) }
    }
}

fn unknown(id: SourceId, at: Span, name: &str) -> Diagnostic {
    let known: Vec<&str> = Key::ALL.into_iter().filter(|key| key.in_file()).map(Key::as_str).collect();
    // Flags are written with dashes.
    let meant = nearest(&name.replace('-', "_"), known.iter().copied());
    let help = match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("the settings are {}; what is sent, and where, is no setting", known.join(", ")),
    };
    Diagnostic::at(Code::UnknownSetting, id, at, format!("`{}` is no setting", visible(name))).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Sources;

    fn parse(text: &str) -> Result<Settings, Vec<String>> {
        let mut sources = Sources::default();
        let id = sources.add(Source::new(FILE_NAME, text.to_owned()));
        let source = sources.get(id).clone();
        let shown = |diagnostic: &Diagnostic| {
            let (_, position) = sources.place(diagnostic.start().expect("a place"));
            let (line, column, code) = (position.line(), position.column(), diagnostic.code.as_str());
            format!("{line}:{column} {code}: {}; {}", diagnostic.message, diagnostic.help.clone().unwrap_or_default())
        };
        Settings::parse(id, &source).map_err(|wrong| wrong.iter().map(shown).collect())
    }

    #[test]
    fn every_setting_of_the_file_is_read_with_its_place() {
        let text = "# speed\nconcurrency = 1_0\nquota = \"3/1m\"\n  grace = '1m'\ncolor = \"never\"\n\
                    verbosity = \"quiet\"\ndeny_warnings = true\n";
        let settings = parse(text).expect("all well");
        let shown = |key| match settings.get(key) {
            Some(Setting { value, origin: Origin::File(place) }) => format!("{value} {place}"),
            other => format!("{other:?}"),
        };
        assert_eq!(shown(Key::Concurrency), "10 hss-sync.toml:2:1");
        assert_eq!(shown(Key::Quota), "3/1m hss-sync.toml:3:1");
        assert_eq!(shown(Key::Grace), "1m hss-sync.toml:4:3");
        assert_eq!(shown(Key::Verbosity), "quiet hss-sync.toml:6:1");
        assert_eq!(shown(Key::DenyWarnings), "true hss-sync.toml:7:1");
        assert_eq!(shown(Key::StateDir), "None");
        assert_eq!(parse(""), Ok(Settings::default()));
    }

    #[test]
    fn what_is_wrong_has_a_place_and_a_way_out() {
        let one = |text: &str| parse(text).expect_err(text).join("\n");
        assert_eq!(
            one("\nconcurency = 4"),
            "2:1 unknown-setting: `concurency` is no setting; did you mean `concurrency`?"
        );
        assert!(one("deny-warnings = true").ends_with("did you mean `deny_warnings`?"));
        assert!(one("endpoint = \"https://example.com\"").contains("what is sent, and where, is no setting"));
        assert!(one("state_dir = \"x\"").contains("HSS_SYNC_STATE_DIR"));
        assert!(
            one("[run]\nquota = \"1/1m\"").starts_with("1:2 unknown-setting"),
            "{}",
            one("[run]\nquota = \"1/1m\"")
        );
        assert_eq!(one("concurrency = \"4\""), "1:15 invalid-setting: `concurrency` is a number, without quotes; ");
        assert_eq!(one("concurrency = 0"), "1:15 invalid-setting: `concurrency` is a number from 1 to 1024; ");
        assert!(one("quota = \"5\"").starts_with("1:9 invalid-setting: `quota` "));
        assert!(one("grace = \"5\"").contains("needs a unit"));
        assert!(one("color = \"red\"").contains("auto, always, never"));
        assert!(one("verbosity = true").ends_with("`verbosity` is a text in quotes; "));
        assert!(one("quota = 3/1m").starts_with("1:9 settings-syntax: this is no TOML: "), "{}", one("quota = 3/1m"));
        assert!(
            one("color = \"auto\"\ncolor = \"auto\"").starts_with("2:1 settings-syntax: this is no TOML: duplicate")
        );
        assert_eq!(parse("a = 1\nb = 2\nquota = 1").expect_err("three").len(), 3, "all at once");
    }

    #[test]
    fn the_environment_comes_over_the_file() {
        let environment = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
        let mut settings = parse("quota = \"3/1m\"\n").expect("all well");
        settings.take_environment(&environment("HSS_SYNC_QUOTA", "")).expect("as if unset");
        assert!(matches!(settings.get(Key::Quota), Some(Setting { origin: Origin::File(_), .. })));
        settings.take_environment(&environment("HSS_SYNC_QUOTA", "4/1m")).expect("a quota");
        let origin = Origin::Environment("HSS_SYNC_QUOTA".to_owned());
        assert_eq!(settings.get(Key::Quota), Some(&Setting { value: "4/1m".to_owned(), origin }));
        let told = settings.take_environment(&environment("HSS_SYNC_COLOR", "red\u{1b}")).expect_err("no colour");
        assert_eq!(told, "HSS_SYNC_COLOR=red\\u{1b}: color is one of auto, always, never");
    }
}
