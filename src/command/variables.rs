//! Values for template variables from outside the plans, by precedence: files, then the environment, then flags.

use crate::cli::InputArgs;
use crate::diagnostic::{Code, visible};
use crate::expand::Overrides;
use crate::io::credential::Environment;
use crate::io::fs;
use crate::plan::{VariableValue, variable_value};
use crate::source::{Source, Sources, Span};
use crate::yaml;

/// Environment variables with this prefix set template variables.
const PREFIX: &str = "HSS_SYNC_VAR_";

/// All overrides; a later source wins.
///
/// # Errors
/// What is wrong with a flag or file, and how it is written.
pub(super) fn overrides(input: &InputArgs, environment: &Environment) -> Result<Overrides, String> {
    let mut overrides = Overrides::new();
    for path in &input.vars_file {
        let shown = path.display();
        let text = fs::read_text_inside(path).map_err(|error| format!("--vars-file {shown}: {error}"))?;
        overrides.extend(parse_file(&text).map_err(|reason| format!("--vars-file {shown}: {reason}"))?);
    }
    for (name, value) in environment {
        if let Some(variable) = name.strip_prefix(PREFIX) {
            overrides.insert(variable.to_owned(), VariableValue::Text(value.clone()));
        }
    }
    for pair in &input.vars {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(format!("--var {pair}: write NAME=VALUE"));
        };
        overrides.insert(name.to_owned(), VariableValue::Text(value.to_owned()));
    }
    Ok(overrides)
}

/// A mapping of names to scalars, in YAML or JSON (which is YAML), read by the rules of a plan's `vars`.
fn parse_file(text: &str) -> Result<Overrides, String> {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("", text.to_owned()));
    let source = sources.get(id);
    let place = |span: Span| {
        let position = source.position(span.start);
        format!("line {}, column {}", position.line(), position.column())
    };
    let say = |place: String, message: &str, help: Option<&str>| {
        let help = help.map(|help| format!("; {help}")).unwrap_or_default();
        format!("{place}: {message}{help}")
    };
    let tree = match yaml::parse(id, source) {
        Ok(tree) => tree,
        Err(found) if found.iter().any(|each| each.code == Code::EmptyPlan) => return Ok(Overrides::new()),
        Err(found) => {
            let told = found.iter().map(|each| {
                let at = each.start().map_or_else(String::new, |location| place(location.span));
                say(at, &each.message, each.help.as_deref())
            });
            return Err(told.take(1).collect());
        }
    };
    if !matches!(tree.root().kind(), yaml::Kind::Mapping) {
        return Err("is not a mapping of variable names to values".to_owned());
    }
    let mut overrides = Overrides::new();
    for entry in tree.root().entries() {
        let value = variable_value(entry.value).map_err(|refused| {
            let message = format!("`{}`: {}", visible(entry.key), refused.message);
            say(place(entry.value.span()), &message, refused.help.as_deref())
        })?;
        overrides.insert(entry.key.to_owned(), value);
    }
    Ok(overrides)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(vars: &[&str]) -> InputArgs {
        InputArgs {
            plans: Vec::new(),
            vars: vars.iter().map(|pair| (*pair).to_owned()).collect(),
            vars_file: Vec::new(),
            endpoint: None,
            allow_endpoint: Vec::new(),
            deny_warnings: false,
        }
    }

    #[test]
    fn flags_win_over_the_environment() {
        let environment = Environment::from([
            ("HSS_SYNC_VAR_a".to_owned(), "from env".to_owned()),
            ("HSS_SYNC_VAR_b".to_owned(), "kept".to_owned()),
        ]);
        let overrides = overrides(&input(&["a=x=y", "c="]), &environment).expect("legal");
        let text = |name: &str| overrides.get(name).cloned();
        assert_eq!(text("a"), Some(VariableValue::Text("x=y".to_owned())));
        assert_eq!(text("b"), Some(VariableValue::Text("kept".to_owned())));
        assert_eq!(text("c"), Some(VariableValue::Text(String::new())));
    }

    #[test]
    fn files_hold_scalars_only() {
        let parsed = parse_file("a: text\nb: 7\nc: true\nd: 1.5\n").expect("legal");
        assert_eq!(parsed.len(), 4);
        assert_eq!(parsed["b"], VariableValue::Integer(7));
        assert!(parse_file("{\"a\": \"json\"}").is_ok());
        for bad in ["- a", "a: [1]", "a:", "a: {b: c}", "a: .inf", "a: 1\na: 2", "a: 'x"] {
            assert!(parse_file(bad).is_err(), "{bad:?}");
        }
        assert_eq!(parse_file("# nothing\n"), Ok(Overrides::new()));
    }

    #[test]
    fn numbers_of_a_file_are_rendered_as_they_are_written_or_refused() {
        let told = parse_file("a: x\nb: 1.50\n").expect_err("1.50 would become 1.5");
        assert_eq!(
            told,
            "line 2, column 4: `b`: this variable is read by YAML as the number 1.50, which is not rendered as it is \
             written; quote it: \"1.50\""
        );
        for bad in ["{\"a\": 12345678901234567890123}", "a: 007", "a: 1e3", "a: True"] {
            assert!(parse_file(bad).is_err(), "{bad:?}");
        }
    }
}
