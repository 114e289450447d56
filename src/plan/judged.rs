//! The part of a JSON schema that a document is judged by.
//!
//! Two thirds of the plan's schema are descriptions, defaults and examples for people and their editors. The library would keep all of
//! it and check it against the meta-schema, in every command that reads a plan.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Reads a schema without what judges nothing.
///
/// # Errors
/// It is no JSON.
pub(super) fn judged(schema: &str) -> Result<Value, serde_json::Error> {
    Part::Schema.deserialize(&mut serde_json::Deserializer::from_str(schema))
}

/// What an object is.
#[derive(Clone, Copy)]
enum Part {
    /// Its keys are keywords.
    Schema,
    /// Its keys are names, each with a schema.
    Names,
}

impl Part {
    /// What stands under a key; none where that judges nothing.
    fn under(self, key: &str) -> Option<Under> {
        match (self, key) {
            (Self::Names, _) => Some(Under::Part(Self::Schema)),
            (Self::Schema, "properties" | "definitions") => Some(Under::Part(Self::Names)),
            (Self::Schema, "enum" | "const") => Some(Under::Instance),
            (Self::Schema, "title" | "description" | "default" | "examples") => None,
            (Self::Schema, key) if key.starts_with("x-") => None,
            (Self::Schema, _) => Some(Under::Part(Self::Schema)),
        }
    }
}

enum Under {
    Part(Part),
    /// A value that documents have, whose keys are no keywords.
    Instance,
}

impl<'de> DeserializeSeed<'de> for Part {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Part {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON schema")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(self)? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            match self.under(&key) {
                None => drop(entries.next_value::<IgnoredAny>()?),
                Some(Under::Instance) => drop(map.insert(key, entries.next_value()?)),
                Some(Under::Part(part)) => drop(map.insert(key, entries.next_value_seed(part)?)),
            }
        }
        Ok(map.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::judged;

    #[test]
    fn what_judges_stays_and_what_explains_goes() {
        let schema = json!({
            "title": "T", "description": "D", "x-noun": "a thing", "type": "object", "additionalProperties": false,
            "required": ["default"],
            "properties": {
                "default": { "description": "a name, not the keyword", "type": "string", "default": "a", "examples": ["b"] },
                "x-mode": { "enum": ["on", { "description": "an instance" }], "minLength": 1 },
                "number": { "anyOf": [{ "x-noun": "n", "minimum": -1 }, { "maximum": 2.5 }, true] }
            },
            "definitions": { "title": { "const": { "title": "kept" }, "title": "gone" } }
        });
        let expected = json!({
            "type": "object", "additionalProperties": false,
            "required": ["default"],
            "properties": {
                "default": { "type": "string" },
                "x-mode": { "enum": ["on", { "description": "an instance" }], "minLength": 1 },
                "number": { "anyOf": [{ "minimum": -1 }, { "maximum": 2.5 }, true] }
            },
            "definitions": { "title": { "const": { "title": "kept" } } }
        });
        assert_eq!(judged(&schema.to_string()).expect("JSON"), expected);
        assert!(judged("{").is_err());
    }
}
