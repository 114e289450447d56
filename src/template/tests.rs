//! Templates: input and outcome side by side.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Engine, ErrorKind, MAX_OUTPUT_BYTES, Scope, Subject, TemplateError, Value};

fn engine() -> Engine {
    let text = |text: &str| Value::Text(text.to_owned());
    Engine::new(BTreeMap::from([
        ("environment".to_owned(), text("prod")),
        ("harbor_id".to_owned(), text("5f9f")),
        ("shard".to_owned(), Value::Integer(7)),
        ("ratio".to_owned(), Value::Float(1.5)),
        ("live".to_owned(), Value::Bool(true)),
        ("nasty".to_owned(), text("\"},{\n'{{ region }}<b>")),
        ("long".to_owned(), text(&"x".repeat(1000))),
        ("longer".to_owned(), text(&"x".repeat(1025))),
    ]))
}

const SUBJECT: Subject<'_> =
    Subject { project: "payments", labels: &["canary", "pci"], region: Some("cn-north-4"), registry_set: Some("swr") };

fn render(text: &str) -> Result<String, TemplateError> {
    let mut engine = engine();
    let id = engine.compile(text, Scope::Registry)?;
    engine.render(id, &SUBJECT)
}

/// The error, and the part of `text` that it points at.
fn fail(text: &str, scope: Scope) -> (TemplateError, &str) {
    let mut engine = engine();
    let error = match engine.compile(text, scope) {
        Ok(id) => engine.render(id, &SUBJECT).expect_err(text),
        Err(error) => error,
    };
    let part = &text[error.range.clone()];
    (error, part)
}

#[test]
fn expressions_render_and_everything_else_stays_as_it_is() {
    for (text, expected) in [
        ("plain", "plain"),
        ("", ""),
        ("swr-{{ region }}-{{ vars.environment }}", "swr-cn-north-4-prod"),
        ("{{vars.shard}}/{{ vars.ratio }}/{{ vars.live }}", "7/1.5/true"),
        ("{{ project.name | upper }}", "PAYMENTS"),
        ("{{ project.labels | join(sep='+') }}", "canary+pci"),
        ("{{ project.labels[0] }}", "canary"),
        ("{{ vars['environment'] }}", "prod"),
        ("{{ region[:2] }}", "cn"),
        ("{{ registry_set }}", "swr"),
        ("{{ 'a' if region == 'cn-north-4' else 'b' }}", "a"),
        ("{{ 'x' if 'pci' in project.labels else 'y' }}", "x"),
        ("{{ 'x' if region is starting_with(pat='eu') else 'y' }}", "y"),
        ("{{ vars.shard is not odd }}", "false"),
        ("{{ vars.shard + 1 }}", "8"),
        ("{{ -vars.shard }}", "-7"),
        ("a {{- vars.shard -}} b", "a7b"),
        ("{{ vars.environment | replace(from='o', to='0') }}", "pr0d"),
        ("{{ '{{' }} and {{ \"}}\" }}", "{{ and }}"),
        ("a } b }} c { d", "a } b }} c { d"),
        // Nothing is escaped and nothing is rendered twice.
        ("{{ vars.nasty }}", "\"},{\n'{{ region }}<b>"),
    ] {
        assert_eq!(render(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn an_undefined_name_is_an_error_wherever_it_stands() {
    for (text, part) in [
        ("{{ vars.harbor }}", "vars.harbor"),
        ("a{{ vars . harbor | default(value='x') }}", "vars . harbor"),
        ("{{ vars.harbor == 'x' }}", "vars.harbor"),
        ("{{ vars?.harbor or 'x' }}", "vars?.harbor"),
        ("{{ 'x' if vars.harbor is undefined else 'y' }}", "vars.harbor"),
        ("{{ 'x' if true else vars['harbor'] }}", "vars['harbor']"),
        ("{{ vars.environment.name }}", "vars.environment.name"),
        ("{{ project.owner }}", "project.owner"),
        ("{{ __tera_context }}", "__tera_context"),
        ("{{ environ.HOME }}", "environ.HOME"),
        ("{{ 'x' | replace(from=y, to='') }}", "y"),
    ] {
        let (error, pointed) = fail(text, Scope::Registry);
        assert!(matches!(error.kind, ErrorKind::Undefined { .. }), "{text}: {error:?}");
        assert_eq!(pointed, part, "{text}");
    }
    let (error, _) = fail("{{ project.nam }}", Scope::Registry);
    let available = vec!["project.labels".to_owned(), "project.name".to_owned()];
    assert_eq!(error.kind, ErrorKind::Undefined { name: "project.nam".to_owned(), available });
}

#[test]
fn each_place_sees_only_what_it_has() {
    for (text, scope) in
        [("{{ region }}", Scope::Region), ("{{ registry_set }}", Scope::Place), ("{{ registry_set }}", Scope::Region)]
    {
        let (error, _) = fail(text, scope);
        assert!(matches!(error.kind, ErrorKind::Undefined { .. }), "{text} in {scope:?}");
    }
    assert!(engine().compile("{{ region }}", Scope::Place).is_ok());
}

/// What templates elsewhere have to look at the machine.
#[test]
fn nothing_outside_is_reachable() {
    for text in [
        "{{ get_env(name='HOME') }}",
        "{{ env('HOME') }}",
        "{{ now() }}",
        "{{ get_random(end=9) }}",
        "{{ load_data(path='/etc/passwd') }}",
        "{{ read_file(path='/etc/passwd') }}",
        "{{ 'x' | date }}",
        "{% include '/etc/passwd' %}",
        "{% extends 'x' %}",
        "{% import 'x' as y %}",
    ] {
        let (error, _) = fail(text, Scope::Registry);
        assert!(matches!(error.kind, ErrorKind::Syntax(_)), "{text}: {error:?}");
    }
}

#[test]
fn what_is_no_expression_is_refused_with_its_place() {
    for (text, part) in [
        ("a{% if x %}", "{%"),
        ("a{# x #}", "{#"),
        ("x {{ region", "{{"),
        ("{{ 'abc }}", "'abc }}"),
        ("{{ }}", "{{ }}"),
        ("{{ region | uper }}", "uper"),
        ("{{ region | indent(width=9) }}", "indent"),
        ("{{ region is strange }}", "strange"),
        ("{{ range(end=10) }}", "range"),
        ("{{ throw(message='x') }}", "throw"),
        ("{{ vars }}", "vars"),
        ("a\u{1}\u{1}b", "\u{1}"),
    ] {
        let (error, pointed) = fail(text, Scope::Registry);
        assert!(matches!(error.kind, ErrorKind::Syntax(_)), "{text}: {error:?}");
        assert_eq!(pointed, part, "{text}");
    }
    let (error, _) = fail("{{ region | uper }}", Scope::Registry);
    assert_eq!(error.help.as_deref(), Some("did you mean `upper`?"));
    // Worked out by hand: `a{{ 1 + }}` breaks at the closing braces, bytes 8 and 9; what is shown is the expression.
    let (error, _) = fail("a{{ 1 + }}", Scope::Registry);
    assert!(matches!(error.kind, ErrorKind::Syntax(_)), "{error:?}");
}

#[test]
fn evaluation_errors_point_into_the_text() {
    let (error, pointed) = fail("swr-{{ vars.environment + 1 }}", Scope::Registry);
    assert!(matches!(&error.kind, ErrorKind::Failed(message) if message.contains("numbers")), "{error:?}");
    assert_eq!(pointed, "vars.environment + 1");
    let (error, pointed) = fail("{{ project.labels }}", Scope::Registry);
    assert!(matches!(error.kind, ErrorKind::Failed(_)));
    assert_eq!(pointed, "project.labels");
}

/// Templates that would take time or memory if anything were left unbounded.
fn bombs() -> Vec<String> {
    let chain = |start: &str, step: &str| {
        let mut text = format!("{{{{ {start}");
        while text.len() + step.len() + 3 <= 1024 {
            text.push_str(step);
        }
        text + " }}"
    };
    vec![
        "x".repeat(1025),
        "{{ vars.longer }}".to_owned(),
        "{{ vars.long }}{{ vars.long }}".to_owned(),
        "{{ [x for x in project.labels] }}".to_owned(),
        "{{ vars.long|replace(from='',to=vars.long)|replace(from='',to=vars.long)|length }}".to_owned(),
        "{{ vars.long|split(pat='')|join(sep=vars.long)|length }}".to_owned(),
        "{{ vars.long~vars.long }}".to_owned(),
        chain("vars.long", "|trim"),
        chain("", "("),
    ]
}

#[test]
fn bombs_hit_a_limit() {
    for text in bombs() {
        let (error, _) = fail(&text, Scope::Registry);
        assert!(matches!(error.kind, ErrorKind::Limit(_)), "{:.60}: {error:?}", text);
    }
}

/// `start`, then as many `step`s as 96 tokens allow, then as many `end`s.
fn deep(start: &str, step: &str, tokens: usize, end: &str) -> String {
    let steps = (96 - start.split_whitespace().count()) / tokens;
    format!("{{{{ {start} {} {} }}}}", step.repeat(steps), end.repeat(steps))
}

#[test]
fn the_dearest_templates_end_and_spare_the_stack() {
    let value = "vars.long"; // three tokens
    for text in [
        deep(value, "|split(pat='')|sort|join", 11, ""),
        deep(value, "|upper|title", 4, ""),
        deep(value, "|split(pat='')|reverse|join", 11, ""),
        deep(value, "|trim", 2, ""),
        deep(value, "~'x'", 2, ""),
        deep("2", "**1", 2, ""),
        deep("", "not ", 1, "") + "{{ true }}",
        deep("", "- ", 1, ""),
        deep("", "(", 1, ")"),
        deep("", "[", 1, "]"),
        deep("", "{'a':", 3, "}"),
        deep("", "(1+", 3, ")"),
        deep("1", "if 1 else 1 ", 4, ""),
        deep(value, "|default(value=region", 6, ")"),
        deep("region", "[region", 2, "]"),
    ] {
        // Some of these are refused; none may overflow the two megabytes of a test's stack.
        let _ = render(&text);
    }
}

#[test]
fn a_project_with_too_many_labels_is_not_joined() {
    let labels: Vec<String> = (0..65).map(|n| format!("l{n}")).collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let mut engine = engine();
    let id = engine.compile("{{ project.labels | length }}", Scope::Place).expect("legal");
    assert_eq!(engine.render(id, &Subject { labels: &labels[..64], ..SUBJECT }).as_deref(), Ok("64"));
    let error = engine.render(id, &Subject { labels: &labels, ..SUBJECT }).expect_err("too many");
    assert!(matches!(error.kind, ErrorKind::Limit(_)));
    assert_eq!(error.range, 3..17);
}

#[test]
fn a_failing_expression_leaves_the_engine_usable() {
    let mut engine = engine();
    assert!(engine.compile("{{ 1 + }}", Scope::Place).is_err());
    for n in 0..40 {
        assert!(engine.compile(&format!("{{{{ {n} ) }}}}"), Scope::Place).is_err());
        let id = engine.compile(&format!("{{{{ {n} }}}}"), Scope::Place).expect("legal");
        assert_eq!(engine.render(id, &SUBJECT), Ok(n.to_string()));
    }
}

proptest! {
    #[test]
    fn any_text_renders_in_bounds_or_fails_inside_the_text(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "{{", "}}", "{{ ", " }}", "-", "'", "\"", "\\", "vars.long", "vars.shard", "vars", "region", "project.labels",
            " | ", "upper", "join(sep='x')", "replace(from='', to='ab')", "split(pat='')", "nth(n=3)", "truncate(length=2)",
            " ~ ", " ** ", "99999999999", "0", " // ", " % ", "[", "]", "{", "}", "(", ")", ":", ",", "?.", ".", " if ",
            " else ", " is ", "odd", "not ", "in ", "é", "\n", "{%", "round(precision=400)", "int(base=2)", "...",
        ]), 0..40)
    ) {
        let text = pieces.concat();
        let mut engine = engine();
        let outcome = engine.compile(&text, Scope::Registry).and_then(|id| engine.render(id, &SUBJECT));
        match outcome {
            Ok(rendered) => prop_assert!(rendered.len() <= MAX_OUTPUT_BYTES),
            Err(error) => prop_assert!(text.get(error.range.clone()).is_some(), "{error:?} in {text:?}"),
        }
    }
}
