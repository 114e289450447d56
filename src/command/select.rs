//! `--select` and `--shard`, as they are typed and as a journal holds them.

use crate::cli::SelectArgs;
use crate::io::credential::Environment;
use crate::model::Shard;
use crate::selection::Selection;

/// GitLab, for a job with `parallel`: which of the jobs this is, from 1. Without `parallel` it is not set.
const GITLAB_INDEX: &str = "CI_NODE_INDEX";
/// GitLab: how many there are; 1 without `parallel`.
const GITLAB_TOTAL: &str = "CI_NODE_TOTAL";
/// Kubernetes, for a job with `completionMode: Indexed`: which of the pods this is, from 0.
const KUBERNETES_INDEX: &str = "JOB_COMPLETION_INDEX";

/// What the flags select.
///
/// # Errors
/// What is wrong with them, a message each.
pub(super) fn selection(args: &SelectArgs, environment: &Environment) -> Result<Selection, Vec<String>> {
    let shard = args.shard.as_deref().map(|text| shard(text, args.shard_count, environment)).transpose();
    let shard = shard.map_err(|message| vec![message])?;
    Selection::parse(&args.select, shard).map_err(|invalid| invalid.iter().map(ToString::to_string).collect())
}

/// What a journal says was selected.
///
/// # Errors
/// What is wrong with it, a message each.
pub(super) fn recorded_selection(select: &[String], shard: Option<&str>) -> Result<Selection, Vec<String>> {
    let args = SelectArgs { select: select.to_vec(), shard: shard.map(str::to_owned), shard_count: None };
    selection(&args, &Environment::default())
}

fn shard(text: &str, count: Option<u32>, environment: &Environment) -> Result<Shard, String> {
    if text == "auto" {
        return from_environment(count, environment);
    }
    if count.is_some() {
        return Err(format!("--shard {text} says how many there are: leave out --shard-count, or write --shard auto"));
    }
    Shard::parse(text).map_err(|error| format!("--shard {text}: {error}"))
}

/// `--shard auto`: with a count the pod of a Kubernetes job, without the job of GitLab.
fn from_environment(count: Option<u32>, environment: &Environment) -> Result<Shard, String> {
    let number = |name: &str| {
        let Some(text) = environment.get(name).filter(|text| !text.is_empty()) else { return Ok(None) };
        let number = text.trim().parse::<u32>();
        number.map(Some).map_err(|_| format!("--shard auto: {name} is `{}`, not a whole number", text.escape_debug()))
    };
    let shard = |index, count, names: &str| {
        Shard::try_new(index, count).map_err(|error| format!("--shard auto: {error} ({names})"))
    };
    match (count, number(KUBERNETES_INDEX)?, number(GITLAB_INDEX)?, number(GITLAB_TOTAL)?) {
        (Some(count), Some(index), ..) => {
            shard(index.saturating_add(1), count, &format!("{KUBERNETES_INDEX}={index}, --shard-count {count}"))
        }
        (Some(_), None, ..) => Err(format!(
            "--shard-count: {KUBERNETES_INDEX} is not set; it is in pods of a Kubernetes job with `completionMode: Indexed`"
        )),
        (None, _, Some(index), Some(total)) => {
            shard(index, total, &format!("{GITLAB_INDEX}={index}, {GITLAB_TOTAL}={total}"))
        }
        // A job without `parallel` is the only one.
        (None, None, None, Some(1)) => shard(1, 1, GITLAB_TOTAL),
        (None, Some(_), ..) => Err(format!(
            "--shard auto: {KUBERNETES_INDEX} is set, and Kubernetes does not tell how many pods there are: add --shard-count \
             with the job's `completions`"
        )),
        (None, None, ..) => Err(format!(
            "--shard auto: neither {GITLAB_INDEX} and {GITLAB_TOTAL} (GitLab, a job with `parallel`) nor {KUBERNETES_INDEX} \
             (Kubernetes, an indexed job) are set; write --shard K/N"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::{Environment, SelectArgs, selection};

    fn shard(text: &str, count: Option<u32>, environment: &[(&str, &str)]) -> Result<String, String> {
        let environment: Environment =
            environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let args = SelectArgs { select: Vec::new(), shard: Some(text.to_owned()), shard_count: count };
        let selection = selection(&args, &environment).map_err(|messages| messages.join("\n"))?;
        Ok(selection.shard().expect("a shard").to_string())
    }

    #[test]
    fn a_shard_is_what_is_written_or_with_auto_what_the_environment_says() {
        let gitlab = [("CI_NODE_INDEX", "2"), ("CI_NODE_TOTAL", "3")];
        assert_eq!(shard("1/4", None, &gitlab).as_deref(), Ok("1/4"), "what is written wins");
        assert_eq!(shard("auto", None, &gitlab).as_deref(), Ok("2/3"));
        assert_eq!(shard("auto", None, &[("CI_NODE_TOTAL", "1")]).as_deref(), Ok("1/1"), "a job without `parallel`");
        let pod = [("JOB_COMPLETION_INDEX", "0")];
        assert_eq!(shard("auto", Some(4), &pod).as_deref(), Ok("1/4"), "Kubernetes counts from 0");
        assert_eq!(shard("auto", Some(4), &[gitlab[0], gitlab[1], pod[0]]).as_deref(), Ok("1/4"));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        for (text, count, environment, part) in [
            ("auto", None, &[][..], "write --shard K/N"),
            ("auto", None, &[("CI_NODE_TOTAL", "3")], "write --shard K/N"),
            ("auto", None, &[("CI_NODE_INDEX", "x"), ("CI_NODE_TOTAL", "3")], "CI_NODE_INDEX is `x`"),
            ("auto", None, &[("CI_NODE_INDEX", "4"), ("CI_NODE_TOTAL", "3")], "CI_NODE_INDEX=4, CI_NODE_TOTAL=3"),
            ("auto", None, &[("JOB_COMPLETION_INDEX", "0")], "add --shard-count"),
            ("auto", Some(3), &[], "JOB_COMPLETION_INDEX is not set"),
            ("auto", Some(3), &[("JOB_COMPLETION_INDEX", "3")], "JOB_COMPLETION_INDEX=3, --shard-count 3"),
            ("1/3", Some(3), &[], "leave out --shard-count"),
            ("4/3", None, &[], "from 1 to 3"),
        ] {
            let error = shard(text, count, environment).expect_err(text);
            assert!(error.contains(part), "{text} {environment:?}: {error}");
        }
    }
}
