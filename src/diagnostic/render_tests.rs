//! Expected texts are written by hand; columns are counted in the plan's text above them.

use super::*;
use crate::diagnostic::Code;

const PLAN: &str =
    "version: 1\nregistry_sets:\n  harbor: {}\nprojects:\n  - name: payments\n    registry_sets: [harbour, swr]\n";

fn sources(texts: &[(&str, &str)]) -> (Sources, Vec<SourceId>) {
    let mut sources = Sources::default();
    let ids = texts.iter().map(|(path, text)| sources.add(Source::new(*path, (*text).to_owned()))).collect();
    (sources, ids)
}

fn span_of(text: &str, part: &str) -> Span {
    let start = text.find(part).expect("the part is there");
    Span::new(start, start + part.len())
}

#[test]
fn one_place_with_label_note_and_help() {
    let (sources, ids) = sources(&[("plans/fleet.yaml", PLAN)]);
    let diagnostic =
        Diagnostic::at(Code::UnknownSet, ids[0], span_of(PLAN, "harbour"), "registry set `harbour` is not defined")
            .label("no such set")
            .note("met in payments")
            .help("did you mean `harbor`?");
    // `harbour` starts after four spaces, `registry_sets: ` (15) and `[`: column 21 of line 6.
    let expected = "\
error[unknown-set]: registry set `harbour` is not defined
 --> plans/fleet.yaml:6:21
  |
6 |     registry_sets: [harbour, swr]
  |                     ^^^^^^^ no such set
  |
  = note: met in payments
  = help: did you mean `harbor`?
";
    assert_eq!(render(&diagnostic, &sources, Style::Plain), expected);
}

#[test]
fn two_places_of_one_file_are_one_snippet() {
    let text = "a: 1\nb: 2\nc: 3\nd: 4\na: 5\n";
    let (sources, ids) = sources(&[("p.yaml", text)]);
    let diagnostic = Diagnostic::at(Code::DuplicateKey, ids[0], Span::new(20, 21), "the key `a` is given twice")
        .label("given again")
        .also(Location::new(ids[0], Span::new(0, 1)), "first given here");
    let expected = "\
error[duplicate-key]: the key `a` is given twice
 --> p.yaml:5:1
  |
1 | a: 1
  | - first given here
...
5 | a: 5
  | ^ given again
";
    assert_eq!(render(&diagnostic, &sources, Style::Plain), expected);
}

#[test]
fn another_file_gets_its_own_snippet() {
    let (sources, ids) = sources(&[("a.yaml", "x: 1\n"), ("b.yaml", "\n\ny: 22\n")]);
    let diagnostic = Diagnostic::at(Code::DuplicateOperation, ids[0], Span::new(3, 4), "the same request twice")
        .also(Location::new(ids[1], Span::new(5, 7)), "and here");
    // In b.yaml two empty lines (bytes 0 and 1) precede `y: `, so `22` is bytes 5 and 6, line 3, column 4.
    let expected = "\
error[duplicate-operation]: the same request twice
 --> a.yaml:1:4
  |
1 | x: 1
  |    ^
  |
 ::: b.yaml:3:4
  |
3 | y: 22
  |    -- and here
";
    assert_eq!(render(&diagnostic, &sources, Style::Plain), expected);
}

#[test]
fn a_file_as_a_whole_has_no_position() {
    let (sources, _) = sources(&[]);
    let diagnostic =
        Diagnostic::file(Code::FileTooLarge, "big.yaml", "the file is larger than 64 MiB").help("split it");
    let expected = "\
error[file-too-large]: the file is larger than 64 MiB
--> big.yaml
 = help: split it
";
    assert_eq!(render(&diagnostic, &sources, Style::Plain), expected);
}

#[test]
fn a_long_line_is_cut_and_keeps_its_column() {
    let text = format!("{{k: [{} WRONG, {}]}}\n", "é, ".repeat(30_000), "x, ".repeat(30_000));
    let (sources, ids) = sources(&[("min.yaml", &text)]);
    let diagnostic = Diagnostic::at(Code::UnknownSet, ids[0], span_of(&text, "WRONG"), "no").label("here");
    let shown = render(&diagnostic, &sources, Style::Plain);
    // `{k: [` is 5 characters, 30 000 times three are 90 000, then a blank: the next column is 90 007.
    assert!(shown.contains("--> min.yaml:1:90007\n"), "{shown}");
    assert!(shown.contains("WRONG, x, x") && shown.len() < 1000, "{shown}");
    let lines: Vec<&str> = shown.lines().collect();
    let column = |line: &str, part: &str| line.find(part).map(|at| line[..at].chars().count());
    assert_eq!(column(lines[3], "WRONG"), column(lines[4], "^^^^^ here"), "{shown}");
}

#[test]
fn two_places_far_apart_in_one_line_are_both_shown() {
    let text = format!("{{first: 1, {} second: 2}}\n", "x: y, ".repeat(1000));
    let (sources, ids) = sources(&[("min.yaml", &text)]);
    let diagnostic = Diagnostic::at(Code::DuplicateKey, ids[0], span_of(&text, "second"), "twice")
        .label("again")
        .also(Location::new(ids[0], span_of(&text, "first")), "before");
    let shown = render(&diagnostic, &sources, Style::Plain);
    assert!(shown.contains("^^^^^^ again") && shown.contains("----- before") && shown.contains(":1:2\n"), "{shown}");
}

#[test]
fn tabs_and_wide_characters_keep_the_underline_aligned() {
    use unicode_width::UnicodeWidthStr;
    let text = "k:\t漢字 bad x\n";
    let (sources, ids) = sources(&[("p.yaml", text)]);
    let diagnostic = Diagnostic::at(Code::YamlSyntax, ids[0], span_of(text, "bad"), "no").label("here");
    let shown = render(&diagnostic, &sources, Style::Plain);
    let lines: Vec<&str> = shown.lines().collect();
    // k : tab 漢 字 blank: `bad` is the seventh character.
    assert!(lines[1].ends_with("p.yaml:1:7"), "{shown}");
    let width = |line: &str, part: &str| line[..line.find(part).expect("is there")].width();
    assert_eq!(width(lines[3], "bad"), width(lines[4], "^^^ here"), "{shown}");
}

#[test]
fn a_strangers_plan_cannot_drive_the_terminal() {
    let evil = "\u{1b}[2J\u{202e}\u{9b}31m\u{7}\u{200b}\u{2028}\r\u{0}";
    let text = format!("k: {evil} bad\n");
    let (sources, ids) = sources(&[(&format!("{evil}.yaml"), &text)]);
    let diagnostic =
        Diagnostic::at(Code::ControlCharacter, ids[0], span_of(&text, "bad"), format!("message {evil}\nerror: fake"))
            .label(evil)
            .note(evil)
            .help(evil)
            .also(Location::new(ids[0], Span::new(0, 1)), evil);
    let file = Diagnostic::file(Code::UnreadableFile, evil, evil);
    for shown in [render(&diagnostic, &sources, Style::Plain), render(&file, &sources, Style::Plain)] {
        let bad = shown.chars().find(|c| (c.is_control() && *c != '\n') || is_invisible(*c));
        assert_eq!(bad, None, "{shown:?}");
        assert!(shown.contains("\\u{1b}[2J\\u{202e}\\u{9b}31m\\u{7}"), "{shown}");
        assert!(!shown.contains("\nerror: fake"), "{shown}");
    }
    let coloured = render(&diagnostic, &sources, Style::Colour);
    // What the renderer writes itself is `ESC [ … m` only.
    for sequence in coloured.split('\u{1b}').skip(1) {
        let end = sequence.find(|c: char| !c.is_ascii_digit() && c != '[' && c != ';');
        assert_eq!(end.map(|at| &sequence[at..=at]), Some("m"), "{sequence:?}");
    }
}

#[test]
fn colour_only_repeats_what_the_words_say() {
    let (sources, ids) = sources(&[("p.yaml", PLAN)]);
    let diagnostic = Diagnostic::at(Code::UnusedSet, ids[0], span_of(PLAN, "harbor"), "unused").help("remove it");
    let coloured = render(&diagnostic, &sources, Style::Colour);
    assert!(coloured.contains('\u{1b}'));
    let mut stripped = String::new();
    for (number, part) in coloured.split('\u{1b}').enumerate() {
        stripped.push_str(if number == 0 { part } else { part.split_once('m').map_or("", |(_, rest)| rest) });
    }
    assert_eq!(stripped, render(&diagnostic, &sources, Style::Plain));
    assert!(stripped.starts_with("warning[unused-set]: unused\n"));
}

#[test]
fn a_span_over_lines_is_shown_at_its_first() {
    let (sources, ids) = sources(&[("p.yaml", PLAN)]);
    let diagnostic = Diagnostic::at(Code::YamlSyntax, ids[0], Span::new(0, PLAN.len()), "no").label("all");
    let expected = "\
error[yaml-syntax]: no
 --> p.yaml:1:1
  |
1 | version: 1
  | ^^^^^^^^^^ all, to line 6
";
    assert_eq!(render(&diagnostic, &sources, Style::Plain), expected);
}

#[test]
fn places_at_or_past_the_end_do_not_panic() {
    let (sources, ids) = sources(&[("p.yaml", "a: 1\r\n"), ("e.yaml", ""), ("é.yaml", "é")]);
    for (id, start, end) in [(0, 4, 6), (0, 6, 6), (0, 900, 901), (1, 0, 0), (1, 3, 9), (2, 2, 2), (2, 0, 9)] {
        let diagnostic = Diagnostic::at(Code::YamlSyntax, ids[id], Span::new(start, end), "no");
        assert!(render(&diagnostic, &sources, Style::Plain).contains("-->"));
    }
}
