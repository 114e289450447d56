//! Files of the operator: the settings file, the official SDKs' credentials and regions files.
//!
//! The settings file may come with somebody else's change, so that what is said of it is held to what holds for plans. Nothing that
//! is said of a credentials file shows a piece of it. Where a regions file leads is somewhere that a request may go.

use hss_sync::diagnostic::visible;
use hss_sync::io::credential::Sections;
use hss_sync::io::endpoint::parse_regions;
use hss_sync::model::{Endpoint, Region};
use hss_sync::settings::{FILE_NAME, Key, Origin, Settings};
use hss_sync::source::{Source, Sources};

use crate::shown;

/// What is said of a regions file beside what it quotes of it, once or twice.
const LONGEST_FRAME: usize = 4096;

/// # Panics
/// When an invariant breaks.
pub fn check(data: &[u8]) {
    let Some(text) = crate::text(data) else { return };
    check_settings(text);
    check_credentials(text);
    check_regions(text);
}

fn check_settings(text: &str) {
    let mut sources = Sources::default();
    let id = sources.add(Source::new(FILE_NAME, text.to_owned()));
    let settings = match Settings::parse(id, sources.get(id)) {
        Ok(settings) => settings,
        Err(found) => {
            assert!(!found.is_empty());
            return shown::check(&found, &sources);
        }
    };
    assert_eq!(settings.get(Key::StateDir), None, "the file decides where runs are");
    for key in Key::ALL {
        let Some(setting) = settings.get(key) else { continue };
        let Origin::File(place) = &setting.origin else { panic!("{:?}", setting.origin) };
        let position = place.strip_prefix(FILE_NAME).and_then(|rest| rest.strip_prefix(':')).expect("the file");
        let (line, column) = position.split_once(':').expect("a line and a column");
        let (line, column): (usize, usize) = (line.parse().expect("a line"), column.parse().expect("a column"));
        assert!(line >= 1 && line <= text.split('\n').count() && column >= 1, "{place}");
        // What the file sets, the environment can set: both are checked alike.
        let environment = [(key.variable(), setting.value.clone())].into();
        Settings::default().take_environment(&environment).expect("checked before");
    }
}

fn check_credentials(text: &str) {
    let sections = match Sections::parse(text) {
        Ok(sections) => sections,
        Err(problem) => {
            assert!(is_ours(&problem), "it may show a piece of the file: {problem}");
            return;
        }
    };
    for line in text.lines() {
        let name = line.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        if let Some(name) = name {
            assert!(sections.has(name), "a section was lost");
        }
    }
}

/// Whether it is one of a few sentences with the number of a line.
fn is_ours(problem: &str) -> bool {
    const SENTENCES: [&str; 7] = [
        "a section's name ends with `]`",
        "this section is there twice; keep one of them",
        "it is indented under the line before; a value is one line",
        "it stands before the first `[section]`",
        "it is no `key = value`, `[section]` or comment",
        "`%(name)s` is not filled in here; write the value itself",
        "this key is there twice in its section; keep one of them",
    ];
    let rest = problem.strip_prefix("line ").and_then(|rest| rest.split_once(": "));
    rest.is_some_and(|(line, sentence)| line.parse::<usize>().is_ok() && SENTENCES.contains(&sentence))
}

/// Each region and endpoint is one by itself too: no plain text beyond this machine, nothing after the host.
fn check_regions(text: &str) {
    let regions = match parse_regions(text) {
        Ok(regions) => regions,
        Err(problem) => {
            assert!(!problem.is_empty() && problem.len() <= LONGEST_FRAME + 2 * text.len(), "{} bytes", problem.len());
            return shown::no_controls(&visible(&problem));
        }
    };
    for (region, endpoint) in &regions {
        assert_eq!(Region::parse(region.as_str()).as_ref(), Ok(region));
        let written = endpoint.to_string();
        assert_eq!(Endpoint::parse(&written).as_ref(), Ok(endpoint));
        assert!(written.starts_with("https://") || is_loopback(&written), "{written}");
        let host = written.split_once("://").map_or("", |(_, host)| host);
        assert!(!host.contains(['/', '?', '#', '@', ' ']), "{written}");
    }
}

/// Whether plain text goes to this machine and no other.
fn is_loopback(url: &str) -> bool {
    let Some(host) = url.strip_prefix("http://") else { return false };
    let name = host.rsplit_once(':').map_or(host, |(name, port)| if port.ends_with(']') { host } else { name });
    name == "localhost" || name == "[::1]" || name.starts_with("127.")
}
