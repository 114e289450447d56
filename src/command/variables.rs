//! Values for template variables from outside the plans, by precedence: files, then the environment, then flags.

use crate::cli::InputArgs;
use crate::expand::Overrides;
use crate::io::credential::Environment;
use crate::io::fs;
use crate::plan::VariableValue;

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
        let text = fs::read_text(path).map_err(|error| format!("--vars-file {shown}: {error}"))?;
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

/// A mapping of names to scalars, in YAML or JSON (which is YAML).
fn parse_file(text: &str) -> Result<Overrides, String> {
    if text.trim().is_empty() {
        return Ok(Overrides::new());
    }
    let mapping: serde_yaml::Mapping =
        serde_yaml::from_str(text).map_err(|error| format!("is not a mapping of variable names to values: {error}"))?;
    let mut overrides = Overrides::new();
    for (name, value) in mapping {
        let serde_yaml::Value::String(name) = name else {
            return Err("holds a variable whose name is not text".to_owned());
        };
        let value = match value {
            serde_yaml::Value::String(text) => VariableValue::Text(text),
            serde_yaml::Value::Bool(truth) => VariableValue::Bool(truth),
            serde_yaml::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(integer), _) => VariableValue::Integer(integer),
                (None, Some(float)) if float.is_finite() => VariableValue::Float(float),
                _ => return Err(format!("gives `{name}` a number that is too large; quote it")),
            },
            serde_yaml::Value::Null => return Err(format!("gives `{name}` no value; an empty text is \"\"")),
            _ => return Err(format!("gives `{name}` a list or mapping; a variable is a text, number or truth value")),
        };
        overrides.insert(name, value);
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
        for bad in ["- a", "a: [1]", "a:", "1: x", "a: {b: c}", "a: .inf"] {
            assert!(parse_file(bad).is_err(), "{bad:?}");
        }
    }
}
