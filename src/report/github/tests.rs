use proptest::prelude::*;

use super::{MOST, write_github_diagnostics};
use crate::diagnostic::{Code, Diagnostic};
use crate::event::{FailureKind, NotAttemptedReason, Outcome};
use crate::report::Format;
use crate::report::fixture::{SMALL, failed, hostile, left, planned, ran, report, said, unclear, written};
use crate::source::{Source, Sources, Span};

#[test]
fn a_cause_is_one_annotation_at_the_first_line_that_governs_it() {
    let (plan, sources) = planned(&[("plans/fleet.yaml", SMALL)]);
    let denied = || failed(FailureKind::Refused, Some("HSS.0999"), "100% no");
    let summary = ran(vec![denied(), denied(), left(NotAttemptedReason::Interrupted)]);
    assert_eq!(
        written(Format::Github, &report(&plan, &sources, &summary)),
        "\
::error file=plans/fleet.yaml,line=6,endLine=6,col=38,endColumn=48,title=HSS.0999::2 failed: HSS.0999 100%25 no: payments / cn-north-4, search / eu-west-101%0AThe service's message says why; the report has the request and the id of the answer.
::warning file=plans/fleet.yaml,line=8,endLine=8,col=37,endColumn=47,title=not_attempted::1 not attempted: the run was interrupted: billing / cn-north-4
"
    );
}

#[test]
fn what_was_not_seen_to_end_is_a_warning() {
    let (plan, sources) = planned(&[("plans/fleet.yaml", SMALL)]);
    let mut summary = ran(vec![Outcome::Accepted, Outcome::Skipped("another shard".to_owned()), Outcome::Confirmed]);
    summary.apply(&unclear(0, "two tasks fit"));
    assert_eq!(
        written(Format::Github, &report(&plan, &sources, &summary)),
        "\
::notice file=plans/fleet.yaml,line=7,endLine=7,col=36,endColumn=47,title=skipped::1 skipped: another shard: search / eu-west-101
::warning file=plans/fleet.yaml,line=6,endLine=6,col=38,endColumn=48,title=not-confirmed::1 accepted: not confirmed, two tasks fit: payments / cn-north-4%0AA resume looks again; the synchronisation tasks of these projects are also in the HSS console.
"
    );
}

#[test]
fn a_diagnostic_says_what_to_do_and_where_else_to_look() {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("a,b:c.yaml", "name: x\nname:\n  y\n".to_owned()));
    let first = crate::source::Location::new(id, Span::new(0, 4));
    let diagnostics = [
        Diagnostic::at(Code::DuplicateKey, id, Span::new(8, 12), "`name` stands twice")
            .also(first, "first here")
            .help("remove one"),
        Diagnostic::at(Code::DuplicateKey, id, Span::new(8, 17), "over two lines"),
        Diagnostic::file(Code::UnreadableFile, "x.yaml", "not there"),
    ];
    let mut out = Vec::new();
    write_github_diagnostics(&mut out, &diagnostics, &sources).expect("memory");
    assert_eq!(
        String::from_utf8(out).expect("text"),
        "\
::error file=a%2Cb%3Ac.yaml,line=2,endLine=2,col=1,endColumn=5,title=duplicate-key::`name` stands twice%0Aa,b:c.yaml:1: first here%0Aremove one
::error file=a%2Cb%3Ac.yaml,line=2,endLine=3,title=duplicate-key::over two lines
::error file=x.yaml,title=unreadable-file::not there
"
    );
}

#[test]
fn ten_annotations_cover_every_cause() {
    let projects: String =
        (0..30).map(|n| format!("  - {{ name: p{n}, project_ids: {{ cn-north-4: id-{n} }} }}\n")).collect();
    let head = SMALL.split_once("projects:").expect("it has projects").0;
    let (plan, sources) = planned(&[("plans/fleet.yaml", &format!("{head}projects:\n{projects}"))]);
    let outcomes = (0..30).map(|n| failed(FailureKind::Refused, Some(&format!("HSS.{:04}", 1000 + n)), "no")).collect();
    let text = written(Format::Github, &report(&plan, &sources, &ran(outcomes)));
    assert_eq!(text.lines().count(), MOST);
    for n in 0..30 {
        assert!(text.contains(&format!("HSS.{} no", 1000 + n)), "{n}: {text}");
    }
    let last = text.lines().last().expect("a last one");
    let place =
        "::error file=plans/fleet.yaml,line=15,endLine=15,col=32,endColumn=42,title=21 more causes::21 more causes: ";
    assert!(last.starts_with(place), "{last}");
}

/// A line as the runner takes it: its command and the properties' names, or nothing for a line that is no command.
fn command(line: &str) -> Option<(String, Vec<String>)> {
    // What it still knows from an older runner counts anywhere in a line that is no command of the new kind.
    assert!(line.trim_start().starts_with("::") || !line.contains("##["), "{line}");
    let (head, _) = line.trim_start().strip_prefix("::")?.split_once("::")?;
    let (command, properties) = head.split_once(' ').unwrap_or((head, ""));
    let names = properties.split(',').map(|each| each.split_once('=').map_or(each, |(name, _)| name).to_owned());
    Some((command.to_owned(), names.collect()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is said, the same commands are given, with the same properties, and no other line is there.
    #[test]
    fn what_others_say_gives_no_command(texts in [hostile(), hostile(), hostile(), hostile()]) {
        let commands = |texts: &[String; 4]| {
            let (plan, sources, summary) = said(texts);
            let text = written(Format::Github, &report(&plan, &sources, &summary));
            assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
            text.lines().map(command).collect::<Vec<_>>()
        };
        let tame = commands(&["x", "x.yaml", "x", "x"].map(str::to_owned));
        prop_assert_eq!(tame.len(), 6);
        prop_assert!(tame.iter().all(Option::is_some));
        // The order follows the texts where causes are equally frequent, not the number.
        let mut theirs = commands(&texts);
        let mut tame = tame;
        theirs.sort();
        tame.sort();
        prop_assert_eq!(theirs, tame);
    }
}
