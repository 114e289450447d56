//! The text of the official SDKs' credentials file: sections of `key = value`.
//!
//! The Python SDK reads it with the standard library's `configparser`, so that is the format: keys in any case, `=` or `:`,
//! comments on lines of their own after `#` or `;`, `%%` for a percent sign, `[DEFAULT]` for every section, and what is
//! given twice is an error. Own code, since the crates for INI files take the last of two equal keys in silence or cut a
//! value at `;`, and no error here may quote a line: it could be a key.

use std::collections::BTreeMap;

use crate::model::Secret;

/// Its values count in every section.
const DEFAULT: &str = "DEFAULT";

/// The sections of a credentials file, with their values.
#[derive(Clone, Debug, Default)]
pub struct Sections(BTreeMap<String, BTreeMap<String, Secret>>);

impl Sections {
    /// Reads the text.
    ///
    /// # Errors
    /// The line and what is wrong with it; never its text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut sections = Self::default();
        let mut current: Option<String> = None;
        let mut indentation = None;
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let problem = |what: &str| format!("line {}: {what}", index + 1);
            let trimmed = line.trim();
            if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
                continue;
            }
            if let Some(rest) = trimmed.strip_prefix('[') {
                let name = rest.strip_suffix(']').ok_or_else(|| problem("a section's name ends with `]`"))?;
                if sections.0.insert(name.to_owned(), BTreeMap::new()).is_some() {
                    return Err(problem("this section is there twice; keep one of them"));
                }
                (current, indentation) = (Some(name.to_owned()), None);
                continue;
            }
            let indented = line.chars().take_while(|c| c.is_whitespace()).count();
            if indentation.is_some_and(|before| indented > before) {
                return Err(problem("it is indented under the line before; a value is one line"));
            }
            indentation = Some(indented);
            let section = current.as_ref().and_then(|name| sections.0.get_mut(name));
            let section = section.ok_or_else(|| problem("it stands before the first `[section]`"))?;
            let (key, value) = trimmed
                .split_once(['=', ':'])
                .ok_or_else(|| problem("it is no `key = value`, `[section]` or comment"))?;
            let (key, value) = (key.trim().to_lowercase(), value.trim());
            if value.contains("%(") {
                return Err(problem("`%(name)s` is not filled in here; write the value itself"));
            }
            let value = Secret::new(value.replace("%%", "%"));
            if section.insert(key, value).is_some() {
                return Err(problem("this key is there twice in its section; keep one of them"));
            }
        }
        Ok(sections)
    }

    /// Whether there is such a section.
    #[must_use]
    pub fn has(&self, section: &str) -> bool {
        self.0.contains_key(section)
    }

    /// A value of a section, or of `[DEFAULT]`; an empty one counts as not there.
    #[must_use]
    pub fn get(&self, section: &str, key: &str) -> Option<&str> {
        let own = self.0.get(section)?.get(key);
        let value = own.or_else(|| self.0.get(DEFAULT)?.get(key))?;
        Some(value.expose()).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_format_is_that_of_the_official_sdk() {
        let text = "\u{feff}# ours\n[DEFAULT]\nIAM_Endpoint: https://iam.example\n\n[basic]\n AK = AK1 ; kept\n sk=a=b:c%%d\r\n\
                    ; security_token = no\nproject_id =\n[emea]\nak : AK2\n";
        let sections = Sections::parse(text).expect("legal");
        assert_eq!(sections.get("basic", "ak"), Some("AK1 ; kept"), "comments stand on lines of their own");
        assert_eq!(sections.get("basic", "sk"), Some("a=b:c%d"));
        assert_eq!(sections.get("basic", "security_token"), None);
        assert_eq!(sections.get("basic", "project_id"), None, "empty");
        assert_eq!(sections.get("emea", "ak"), Some("AK2"));
        assert_eq!(sections.get("emea", "iam_endpoint"), Some("https://iam.example"));
        assert_eq!(sections.get("apac", "iam_endpoint"), None, "no such section");
        assert!(sections.has("emea") && !sections.has("apac"));
    }

    #[test]
    fn a_mistake_is_named_by_its_line_and_not_shown() {
        for (text, problem) in [
            ("ak = SECRET\n", "line 1: it stands before the first"),
            ("[basic]\nSECRET\n", "line 2: it is no `key = value`"),
            ("[basic\nak = x\n", "line 1: a section's name"),
            ("[basic]\nsk = x\nSK = SECRET\n", "line 3: this key is there twice"),
            ("[basic]\n[emea]\n[basic]\n", "line 3: this section is there twice"),
            ("[basic]\nsk = x\n  SECRET = more\n", "line 3: it is indented"),
            ("[basic]\nsk = %(SECRET)s\n", "line 2: `%(name)s`"),
        ] {
            let error = Sections::parse(text).expect_err(text);
            assert!(error.starts_with(problem) && !error.contains("SECRET"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(?s)[\\[\\]=:%;# a-zA-Z\n\r\u{feff}é]{0,60}") {
            let _ = Sections::parse(&text);
        }

        #[test]
        fn a_value_comes_back_as_it_was_written(value in "[!-$&-~]{1,40}") {
            let text = format!("[basic]\nsk = {value}\n");
            let sections = Sections::parse(&text).expect("legal");
            prop_assert_eq!(sections.get("basic", "sk"), Some(value.as_str()));
        }
    }
}
