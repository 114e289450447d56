//! The official SDKs' regions file: a map from a service's name to a list of regions with their endpoints.

use std::collections::BTreeMap;

use super::sdk_endpoint;
use crate::io::credential::{Environment, sdk_file};
use crate::io::fs;
use crate::model::{Endpoint, Region};

/// Names the file.
const VARIABLE: &str = "HUAWEICLOUD_SDK_REGIONS_FILE";
/// The service, in any case.
const SERVICE: &str = "HSS";

/// One region of a service. Other keys are somebody else's.
#[derive(serde::Deserialize)]
struct Entry {
    id: Option<String>,
    endpoint: Option<String>,
    #[serde(default)]
    endpoints: Option<Vec<String>>,
}

/// The endpoints of HSS in the file that `HUAWEICLOUD_SDK_REGIONS_FILE` names, or in `~/.huaweicloud/regions.yaml` if there is one.
///
/// # Errors
/// When the file is meant to be read and can't be, or holds no usable endpoint where one is meant: what, where, what now.
pub fn read_regions_file(environment: &Environment) -> Result<BTreeMap<Region, Endpoint>, String> {
    let Some((path, shown, named)) = sdk_file(environment, VARIABLE, "regions.yaml") else {
        return Ok(BTreeMap::new());
    };
    if !named && !path.exists() {
        return Ok(BTreeMap::new());
    }
    let origin = if named { format!(" (named by {VARIABLE})") } else { String::new() };
    let text = fs::read_text(&path).map_err(|problem| format!("{problem}{origin}"))?;
    parse_regions(&text).map_err(|problem| format!("{shown}: {problem}{origin}"))
}

/// The first endpoint of each region of HSS in the text of such a file, `endpoints` before `endpoint`, as the SDKs have it.
///
/// # Errors
/// When it is no such map, or an endpoint or region of HSS is none: what is wrong, without the file.
pub fn parse_regions(text: &str) -> Result<BTreeMap<Region, Endpoint>, String> {
    let services: Option<BTreeMap<String, serde_yaml::Value>> = serde_yaml::from_str(text)
        .map_err(|error| format!("it is no map from a service to a list of `{{id, endpoint}}` ({error})"))?;
    let mut found = BTreeMap::new();
    for (service, regions) in services.unwrap_or_default() {
        if !service.eq_ignore_ascii_case(SERVICE) {
            continue;
        }
        let entries: Vec<Entry> = serde_yaml::from_value(regions)
            .map_err(|error| format!("`{service}` is no list of `{{id, endpoint}}` ({error})"))?;
        for entry in entries {
            let endpoints = entry.endpoints.unwrap_or_default().into_iter().chain(entry.endpoint);
            let (Some(id), Some(endpoint)) = (entry.id, endpoints.into_iter().find(|text| !text.trim().is_empty()))
            else {
                continue;
            };
            let problem = |error: String| format!("region `{id}` of `{service}`: {error}");
            let region = Region::parse(&id).map_err(|error| problem(error.to_string()))?;
            let endpoint = sdk_endpoint(endpoint.trim()).map_err(|error| problem(error.to_string()))?;
            found.insert(region, endpoint);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<String>, String> {
        parse_regions(text).map(|found| found.iter().map(|(region, endpoint)| format!("{region} {endpoint}")).collect())
    }

    #[test]
    fn the_regions_of_hss_are_read_and_others_left_alone() {
        let text = "\
ECS:
  - {id: cn-north-4, endpoint: not an endpoint}
hss:
  - {id: cn-north-4, endpoint: hss.example, extra: 1}
  - {id: cn-north-1, endpoints: ['https://a.example', 'https://b.example'], endpoint: https://c.example}
  - {id: cn-north-9}
  - {endpoint: https://nowhere.example}
";
        assert_eq!(
            read(text),
            Ok(vec!["cn-north-1 https://a.example".into(), "cn-north-4 https://hss.example".into()])
        );
        assert_eq!(read(""), Ok(Vec::new()));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, part) in [
            ("- a\n", "it is no map from a service"),
            ("HSS: x\n", "`HSS` is no list of"),
            (
                "HSS: [{id: cn-north-4, endpoint: 'http://a.example'}]\n",
                "region `cn-north-4` of `HSS`: an endpoint uses http",
            ),
            ("HSS: [{id: CN, endpoint: a.example}]\n", "region `CN` of `HSS`: a region holds only"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(part), "{part}: {error}");
        }
    }

    #[test]
    fn a_file_that_nobody_named_may_be_absent_and_one_that_is_named_may_not() {
        let home = tempfile::tempdir().expect("a folder");
        let at = |variable: &str, value: &str| Environment::from([(variable.to_owned(), value.to_owned())]);
        let home_variable = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
        let path = home.path().to_str().expect("UTF-8");
        assert_eq!(read_regions_file(&at(home_variable, path)), Ok(BTreeMap::new()));
        assert_eq!(read_regions_file(&Environment::new()), Ok(BTreeMap::new()));
        let error = read_regions_file(&at(VARIABLE, "/nowhere/regions.yaml")).expect_err("absent");
        assert!(error.ends_with("(named by HUAWEICLOUD_SDK_REGIONS_FILE)"), "{error}");
        std::fs::create_dir_all(home.path().join(".huaweicloud")).expect("made");
        std::fs::write(home.path().join(".huaweicloud/regions.yaml"), "HSS: [{id: a-1, endpoint: a.example}]")
            .expect("written");
        assert_eq!(read_regions_file(&at(home_variable, path)).expect("legal").len(), 1);
    }
}
