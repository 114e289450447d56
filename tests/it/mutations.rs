//! Mistakes made on purpose: every checked-in plan with one thing broken at a known place.
//!
//! Each mutation is what a person does at three in the morning: a letter lost, quotes forgotten, a line deleted. The
//! program has to report it, at its place, and not also as three other things. Places are known from the edit and from
//! `outline`, which shares nothing with the program's parser.

mod chaos;
mod outline;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use hss_sync::diagnostic::{Diagnostic, Place};
use hss_sync::expand::{EndpointChain, Overrides, expand};
use hss_sync::plan::{check_structure, decode, validate};
use hss_sync::source::{Source, Sources};
use hss_sync::yaml;
use outline::{Part, Piece, outline};

const PLANS: [&str; 4] =
    ["plans/everything.yaml", "plans/multi-region.yaml", "plans/quickstart.yaml", "plans/canary-waves.yaml"];

/// Where a mistake has to be reported.
enum Wanted {
    /// At exactly this byte.
    At(usize),
    /// Anywhere on these one-based lines.
    OnLines(Range<usize>),
}

struct Mutation {
    kind: &'static str,
    text: String,
    wanted: Wanted,
}

/// What the program says about a text, through all stages.
fn problems(text: &str) -> (Vec<Diagnostic>, Sources) {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("plan.yaml", text.to_owned()));
    let through = || -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
        let tree = yaml::parse(id, sources.get(id))?;
        let structure = check_structure(id, &tree);
        if !structure.is_empty() {
            return Err(structure);
        }
        let (plan, mut warnings) = validate(decode(id, &tree)?, &[])?;
        let (_, more) = expand(&[plan], &sources, &Overrides::new(), &EndpointChain::default())?;
        warnings.extend(more);
        Ok(warnings)
    };
    let found = match through() {
        Ok(found) | Err(found) => found,
    };
    (found, sources)
}

/// `text` with `range` replaced.
fn replaced(text: &str, range: Range<usize>, with: &str) -> String {
    format!("{}{with}{}", &text[..range.start], &text[range.end..])
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// Keys whose name is the plan's own.
fn is_free_key(piece: &Piece) -> bool {
    let parent = piece.path.rsplit('/').nth(1).unwrap_or_default();
    matches!(parent, "vars" | "registry_sets" | "project_ids" | "endpoints")
}

fn mutations(text: &str) -> Vec<Mutation> {
    let pieces = outline(text);
    let mut all = Vec::new();
    for piece in &pieces {
        match piece.part {
            Part::Key => {
                keys(text, piece, &mut all);
                removals(text, piece, &pieces, &mut all);
            }
            Part::Scalar => {
                scalars(text, piece, &pieces, &mut all);
                templates(text, piece, &mut all);
            }
            Part::Flow => flows(text, piece, &mut all),
        }
    }
    syntax(text, &pieces, &mut all);
    all
}

fn keys(text: &str, piece: &Piece, all: &mut Vec<Mutation>) {
    let (start, name) = (piece.range.start, &text[piece.range.clone()]);
    let mut add = |kind, range, with: &str, at| {
        all.push(Mutation { kind, text: replaced(text, range, with), wanted: Wanted::At(at) });
    };
    let twice = format!("{name}: x, {name}");
    if piece.in_flow {
        add("key given twice", piece.range.clone(), &twice, start + name.len() + 5);
    } else {
        let line = format!("{name}: x\n{}{name}", " ".repeat(column(text, start)));
        let at = start + line.len() - name.len();
        add("key given twice", piece.range.clone(), &line, at);
    }
    if is_free_key(piece) {
        return;
    }
    let mut swapped: Vec<char> = name.chars().collect();
    swapped.swap(1, 2);
    let swapped: String = swapped.into_iter().collect();
    let doubled = format!("{}{}", &name[..2], &name[1..]);
    for wrong in [&name[..name.len() - 1], &swapped, &doubled, &name.to_uppercase(), &name.replace('_', "-")] {
        if wrong != name {
            add("key misspelt", piece.range.clone(), wrong, start);
        }
    }
    let stranger = if piece.in_flow { format!("colour: red, {name}") } else { line_before(text, piece, "colour: red") };
    add("key unknown", piece.range.clone(), &stranger, start);
}

/// A line put before a block key, with the indentation of the key.
fn line_before(text: &str, piece: &Piece, line: &str) -> String {
    format!("{line}\n{}{}", " ".repeat(column(text, piece.range.start)), &text[piece.range.clone()])
}

fn column(text: &str, at: usize) -> usize {
    at - text[..at].rfind('\n').map_or(0, |line| line + 1)
}

/// Required keys taken out.
fn removals(text: &str, piece: &Piece, pieces: &[Piece], all: &mut Vec<Mutation>) {
    let required = match piece.path.trim_start_matches('/').split('/').collect::<Vec<_>>().as_slice() {
        ["version" | "name" | "registry_sets" | "projects"]
        | ["projects", "-", "name" | "project_ids" | "project_id" | "regions"]
        | ["rollout", "waves", "-", "name"]
        | ["registry_sets", _, "registries" | "sync_all_registries" | "select"] => true,
        [.., "registry_id" | "registry_type"] => piece.path.contains("/registries/"),
        _ => false,
    };
    if !required {
        return;
    }
    let kind = "required key removed";
    if piece.in_flow {
        let rest = &text[piece.range.start..];
        let end = rest.find([',', '}']).expect("a flow mapping ends");
        let (from, to) = match &rest[end..=end] {
            "," => (piece.range.start, piece.range.start + end + 2),
            _ => (text[..piece.range.start].rfind([',', '{']).expect("it starts"), piece.range.start + end),
        };
        all.push(Mutation { kind, text: replaced(text, from..to, ""), wanted: Wanted::At(piece.holder) });
        return;
    }
    let indent = column(text, piece.range.start);
    let start = piece.range.start - indent;
    let is_dashed = text[start..piece.range.start].contains('-');
    let mut end = piece.range.end + text[piece.range.end..].find('\n').expect("a line ends") + 1;
    // What is indented deeper belongs to it.
    while text[end..].starts_with(&" ".repeat(indent + 1)) || text[end..].starts_with("\n ") {
        end += text[end..].find('\n').map_or(text.len() - end, |line| line + 1);
    }
    let next = &text[end..];
    let has_sibling = next.starts_with(&" ".repeat(indent)) && !next[indent..].starts_with([' ', '\n', '-']);
    if piece.holder == piece.range.start {
        if !has_sibling {
            return;
        }
        // The next key becomes the first, behind the dash if there is one.
        let from = if is_dashed { piece.range.start } else { start };
        let to = if is_dashed { end + indent } else { end };
        let comment = next.trim_start().starts_with('#');
        if !comment {
            all.push(Mutation {
                kind,
                text: replaced(text, from..to, ""),
                wanted: head(piece, pieces, piece.range.start),
            });
        }
        return;
    }
    all.push(Mutation { kind, text: replaced(text, start..end, ""), wanted: head(piece, pieces, piece.holder) });
}

/// What a mapping lacks is told at its beginning; of a registry set, that is the set's name.
fn head(piece: &Piece, pieces: &[Piece], first_key: usize) -> Wanted {
    let parent = piece.path.rsplit_once('/').map_or("", |(parent, _)| parent);
    let is_set = parent.starts_with("/registry_sets/") && parent.matches('/').count() == 2;
    let set = pieces.iter().find(|other| is_set && other.part == Part::Key && other.path == parent);
    Wanted::At(set.map_or(first_key, |set| set.range.start))
}

fn scalars(text: &str, piece: &Piece, pieces: &[Piece], all: &mut Vec<Mutation>) {
    let (range, start, value) = (piece.range.clone(), piece.range.start, &text[piece.range.clone()]);
    let mut add = |kind, with: &str, at: usize| {
        all.push(Mutation { kind, text: replaced(text, range.clone(), with), wanted: Wanted::At(at) });
    };
    let (path, key) = (piece.path.as_str(), piece.key());
    let is_item = path.ends_with("/-");
    let in_vars = path.starts_with("/vars/");
    if value.starts_with('*') {
        add("alias misspelt", "*audted", start);
        add("alias misspelt", "*Audited", start);
        return;
    }
    if !(key == "registry_type" && path.contains("/select/")) {
        add("list for a scalar", "[x, y]", start);
    }
    add("mapping for a scalar", "{ x: y }", start);
    add("empty value", "~", start);
    if !is_item && !piece.in_flow {
        let colon = text[..start].rfind(':').expect("a key stands before") + 1;
        let key_start = pieces.iter().rfind(|other| other.part == Part::Key && other.range.end < start);
        all.push(Mutation {
            kind: "empty value",
            text: replaced(text, colon..range.end, ""),
            wanted: Wanted::At(key_start.expect("its key").range.start),
        });
    }
    let mut add = |kind, with: &str, at: usize| {
        all.push(Mutation { kind, text: replaced(text, range.clone(), with), wanted: Wanted::At(at) });
    };
    let is_id = matches!(key, "registry_id" | "project_id" | "enterprise_project_id" | "credential" | "name")
        || path.contains("/project_ids/");
    if is_id {
        for number in ["00012", "12e45678", "7", "0x1F", "1_000", "1.5", ".5"] {
            add("number for an id", number, start);
        }
        add("boolean for an id", "true", start);
        add("illegal character", "\"a b\"", start);
        add("illegal character", "\"\"", start);
    }
    words(text, piece, all);
    let is_templated = is_id && key != "name"
        || key == "registry_type" && !path.contains("/select/")
        || key == "regions" && !path.contains("/waves/");
    if is_templated {
        broken_templates(text, piece, all);
    } else if !in_vars && key != "description" {
        let text = replaced(text, range, "\"{{ region }}\"");
        all.push(Mutation { kind: "template where none is rendered", text, wanted: Wanted::At(start + 1) });
    }
}

/// Words and numbers that the schema or the model refuses.
fn words(text: &str, piece: &Piece, all: &mut Vec<Mutation>) {
    let (range, start, value) = (piece.range.clone(), piece.range.start, &text[piece.range.clone()]);
    let mut add = |kind, with: &str, at: usize| {
        all.push(Mutation { kind, text: replaced(text, range.clone(), with), wanted: Wanted::At(at) });
    };
    let (path, key) = (piece.path.as_str(), piece.key());
    let is_item = path.ends_with("/-");
    if matches!(key, "registry_type" | "requests" | "scope" | "status") {
        let bare = value.trim_matches('"');
        for wrong in [bare.to_uppercase(), format!("{bare}s"), bare.chars().rev().collect()] {
            add("enumeration misspelt", &wrong, start);
        }
    }
    if matches!(key, "max_operations" | "calls" | "concurrency" | "region_concurrency" | "max_attempts") {
        for wrong in ["0", "-1", "many", "1.5", "\"8\"", "99999999", "true", "5m"] {
            add("wrong number", wrong, start);
        }
    }
    if matches!(key, "deadline" | "pause" | "per" | "attempt_timeout" | "initial_delay" | "max_delay") {
        for wrong in ["75", "soon", "5 parsecs", "-1m", "1.5", "true", "1m30"] {
            add("wrong duration", wrong, start);
        }
    }
    if key == "max_failures" {
        for wrong in ["101%", "-1", "few", "1.5", "5.5%", "%"] {
            add("wrong budget", wrong, start);
        }
    }
    if path.starts_with("/endpoints/") {
        for wrong in ["hss.example.com", "http://hss.cn-north-4.myhuaweicloud.com", "https://evil.example.com"] {
            add("wrong endpoint", wrong, start);
        }
    }
    if is_item && matches!(key, "registry_sets" | "sets") {
        for wrong in ["zzz", &value[..value.len() - 1], &value.to_uppercase()] {
            add("reference to nothing", wrong, start);
        }
    }
    if is_item && path.contains("/waves/") && key != "sets" {
        add("reference to nothing", "zzz", start);
    }
    if is_item && key == "regions" && !path.contains("/waves/") {
        for wrong in ["CN-North-4", "cn_north_4", "\"cn north\"", "7", "-"] {
            add("wrong region", wrong, start);
        }
    }
    if path.starts_with("/vars/") {
        for wrong in ["1.50", "0012", "1_000", "True", "12345678901234567890123", ".inf", "1e3", "0x10", "+1"] {
            add("variable not as written", wrong, start);
        }
    }
}

/// Values that are no template that is rendered.
fn broken_templates(text: &str, piece: &Piece, all: &mut Vec<Mutation>) {
    for (wrong, offset) in [
        ("\"{{ vars.zzz }}\"", 4),
        ("\"{{ nothing }}\"", 4),
        ("\"x-{{ region\"", 3),
        ("\"{{ region | uper }}\"", 13),
        ("\"{% if region %}\"", 1),
        ("\"a{# b #}\"", 2),
        ("\"{{ }}\"", 1),
        ("\"{{ range(end=3) }}\"", 4),
        ("'{{ vars.zzz }}'", 4),
        ("\"\\u0041{{ vars.zzz }}\"", 10),
        ("\"é{{ vars.zzz }}\"", 6),
    ] {
        let text = replaced(text, piece.range.clone(), wrong);
        all.push(Mutation { kind: "broken template", text, wanted: Wanted::At(piece.range.start + offset) });
    }
}

/// Names inside `{{ … }}` broken.
fn templates(text: &str, piece: &Piece, all: &mut Vec<Mutation>) {
    let mut at = piece.range.start;
    while let Some(found) = text[at..piece.range.end].find("vars.") {
        let name = at + found;
        let rest = &text[name..piece.range.end];
        let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_'))).unwrap_or(rest.len());
        for wrong in [format!("vars.x{}", &rest[5..length]), format!("vals{}", &rest[4..length])] {
            let text = replaced(text, name..name + length, &wrong);
            all.push(Mutation { kind: "template name misspelt", text, wanted: Wanted::At(name) });
        }
        at = name + length;
    }
}

fn flows(text: &str, piece: &Piece, all: &mut Vec<Mutation>) {
    let (range, start) = (piece.range.clone(), piece.range.start);
    let mut add = |kind, with: &str, wanted: Wanted| {
        all.push(Mutation { kind, text: replaced(text, range.clone(), with), wanted });
    };
    let is_list = text[start..].starts_with('[');
    add("scalar for a collection", "7", Wanted::At(start));
    if is_list {
        if piece.key() != "registry_type" {
            add("scalar for a collection", "harbor", Wanted::At(start));
        }
        add("mapping for a list", "{ x: y }", Wanted::At(start));
        if piece.key() != "labels" {
            add("empty collection", "[]", Wanted::At(start));
        }
        let inside = &text[start + 1..range.end - 1];
        let first = inside.split(',').next().expect("one item").trim();
        let twice = format!("[{first}, {inside}]");
        if !first.contains('*') || piece.path.contains("/waves/") {
            add("item given twice", &twice, Wanted::At(start + 1 + first.len() + 2));
        }
    } else {
        add("scalar for a collection", "harbor", Wanted::At(start));
        add("list for a mapping", "[x]", Wanted::At(start));
    }
    let line = line_of(text, start);
    let open = replaced(text, range.end - 1..range.end, "");
    all.push(Mutation { kind: "bracket not closed", text: open, wanted: Wanted::OnLines(line..line + 2) });
    let shut = replaced(text, start..start + 1, "");
    all.push(Mutation { kind: "bracket not opened", text: shut, wanted: Wanted::OnLines(line..line + 1) });
}

/// Letters that change the structure of the text itself.
fn syntax(text: &str, pieces: &[Piece], all: &mut Vec<Mutation>) {
    for piece in pieces {
        let line = line_of(text, piece.range.start);
        let mut add = |kind, text: String, lines: Range<usize>| {
            all.push(Mutation { kind, text, wanted: Wanted::OnLines(lines) });
        };
        let value = &text[piece.range.clone()];
        if piece.part == Part::Scalar && value.starts_with('"') {
            add("quote not closed", replaced(text, piece.range.end - 1..piece.range.end, ""), line..line + 1);
        }
        if piece.part == Part::Key && !piece.in_flow {
            let (start, indent) = (piece.range.start, column(text, piece.range.start));
            if indent > 0 && text[start - indent..start].trim().is_empty() {
                add("tab", replaced(text, start - indent..start - indent + 1, "\t"), line..line + 1);
                if follows_sibling(text, start - indent, indent) {
                    add("indentation", replaced(text, start..start, " "), line..line + 1);
                }
            }
            let end = piece.range.end;
            if text[end..].starts_with(": ") {
                add("no space after the colon", replaced(text, end + 1..end + 2, ""), line..line + 2);
                add("second colon", replaced(text, end + 2..end + 2, "a: "), line..line + 1);
            }
            add("no colon", replaced(text, end..end + 1, ""), line..line + 2);
        }
    }
}

/// Whether the line above the one at `start` is an entry of the same mapping that ends on its own line. Elsewhere a
/// deeper line is right YAML, or becomes wrong only at a later line.
fn follows_sibling(text: &str, start: usize, indent: usize) -> bool {
    let above = text[..start].lines().next_back().unwrap_or_default();
    let content = above.trim_start_matches([' ', '-']);
    above.len() - content.len() == indent && content.contains(": ")
}

/// How a report of a mutation is wrong, if it is.
fn judge(mutation: &Mutation) -> Option<String> {
    let (found, sources) = problems(&mutation.text);
    let errors: Vec<&Diagnostic> = found.iter().filter(|diagnostic| diagnostic.is_error()).collect();
    let told = |diagnostics: &[Diagnostic]| {
        diagnostics.iter().fold(String::new(), |mut text, each| {
            let place = match &each.place {
                Place::Text(label) => {
                    let position = sources.place(label.location).1;
                    format!("{}:{}", position.line(), position.column())
                }
                Place::File(path) => path.clone(),
            };
            let _ = write!(text, "\n    {place} {} {}", each.code.as_str(), each.message);
            text
        })
    };
    if found.is_empty() {
        return Some("nothing is reported".to_owned());
    }
    if errors.len() > 1 {
        return Some(format!("{} errors for one cause{}", errors.len(), told(&found)));
    }
    let source = sources.get(match &found[0].place {
        Place::Text(label) => label.location.source,
        Place::File(_) => return Some("no place".to_owned()),
    });
    let offsets: Vec<usize> = found
        .iter()
        .filter_map(|each| match &each.place {
            Place::Text(label) => Some(label.location.span.start as usize),
            Place::File(_) => None,
        })
        .collect();
    let is_right = match &mutation.wanted {
        Wanted::At(at) => offsets.contains(at),
        Wanted::OnLines(lines) => offsets.iter().any(|offset| lines.contains(&line_of(source.text(), *offset))),
    };
    let wanted = match &mutation.wanted {
        Wanted::At(at) => {
            let position = source.position(u32::try_from(*at).expect("small"));
            format!("{}:{}", position.line(), position.column())
        }
        Wanted::OnLines(lines) => format!("lines {lines:?}"),
    };
    (!is_right).then(|| format!("not at {wanted}{}", told(&found)))
}

#[test]
fn every_mistake_is_reported_once_and_where_it_is() {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut wrong = String::new();
    for path in PLANS {
        let text = std::fs::read_to_string(path).expect("a checked-in plan");
        assert!(problems(&text).0.is_empty(), "{path} is right before it is broken");
        for mutation in mutations(&text) {
            let (all, right) = counts.entry(mutation.kind).or_default();
            *all += 1;
            match judge(&mutation) {
                None => *right += 1,
                Some(how) => {
                    let changed: Vec<&str> =
                        mutation.text.lines().filter(|line| !text.lines().any(|other| other == *line)).collect();
                    let _ = writeln!(wrong, "{path} {}: {how}\n    in: {:?}", mutation.kind, changed);
                }
            }
        }
    }
    let total: usize = counts.values().map(|(all, _)| all).sum();
    let right: usize = counts.values().map(|(_, right)| right).sum();
    let table: String = counts.iter().fold(String::new(), |mut table, (kind, (all, right))| {
        let _ = writeln!(table, "{right:4} of {all:4} {kind}");
        table
    });
    assert!(total > 1000, "{total} mutations are too few\n{table}");
    assert!(right == total, "{right} of {total}\n{table}\n{wrong}");
}
