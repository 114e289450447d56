//! What the schema says about one value, gathered along the path of an error.
//!
//! The path runs through `$ref` and `allOf`, so several schemas speak about the same value: the outermost `x-noun` names it best,
//! the innermost `type` binds it.

use serde_json::Value;

/// What the schema says about the instance that an error is about, gathered along the error's path.
pub(super) struct Field<'s> {
    /// What the value is, with its article.
    pub(super) noun: &'s str,
    /// Whether `{{ … }}` may stand here.
    pub(super) templated: bool,
    /// Whether the mapping around it can't do without it.
    pub(super) required: bool,
    /// The JSON types that are allowed; empty means any.
    pub(super) types: Vec<&'s str>,
    /// The words that are allowed, if only some are.
    pub(super) options: Vec<&'s str>,
    /// The schema that holds the keyword that failed.
    pub(super) holder: &'s Value,
}

impl<'s> Field<'s> {
    fn new(holder: &'s Value) -> Self {
        Self { noun: "", templated: false, required: false, types: Vec::new(), options: Vec::new(), holder }
    }

    /// Walks the path along which an error was found, through `$ref`, from the root of the schema.
    pub(super) fn follow(schema: &'s Value, path: &str) -> Self {
        let mut field = Self::new(schema);
        field.read(schema);
        let mut at = schema;
        // `properties`, `allOf` and the like hold schemas but are none.
        let mut container = "";
        let mut required = None;
        for segment in path.split('/').skip(1) {
            let segment = segment.replace("~1", "/").replace("~0", "~");
            let next = match segment.as_str() {
                "$ref" if container.is_empty() => at
                    .get("$ref")
                    .and_then(Value::as_str)
                    .and_then(|target| schema.pointer(target.trim_start_matches('#'))),
                _ => at.get(&segment).or_else(|| segment.parse::<usize>().ok().and_then(|index| at.get(index))),
            };
            let Some(next) = next.filter(|next| next.is_object() || next.is_array()) else { break };
            let descends = container == "properties"
                || (container.is_empty()
                    && matches!(segment.as_str(), "additionalProperties" | "items" | "propertyNames"));
            let required_here =
                required.and_then(Value::as_array).is_some_and(|keys| keys.contains(&Value::from(segment.as_str())));
            if segment == "properties" && container.is_empty() {
                required = at.get("required");
            }
            at = next;
            if container.is_empty() && matches!(segment.as_str(), "properties" | "allOf" | "anyOf" | "oneOf") {
                container = match segment.as_str() {
                    "properties" => "properties",
                    _ => "alternatives",
                };
                continue;
            }
            if !next.is_object() {
                break;
            }
            if descends {
                field = Self { required: container == "properties" && required_here, ..Self::new(at) };
            }
            container = "";
            field.read(at);
        }
        field
    }

    /// Takes in one more schema that applies to the same instance. The outermost noun is the most telling one.
    fn read(&mut self, schema: &'s Value) {
        self.holder = schema;
        if self.noun.is_empty() {
            self.noun = schema.get("x-noun").and_then(Value::as_str).unwrap_or("");
        }
        self.templated |= schema.get("x-templated").and_then(Value::as_bool).unwrap_or(false);
        match schema.get("type") {
            Some(Value::String(name)) => self.types = vec![name],
            Some(Value::Array(names)) => self.types = names.iter().filter_map(Value::as_str).collect(),
            _ => {}
        }
        let branches = schema.get("anyOf").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for candidate in std::iter::once(schema).chain(branches) {
            if let Some(options) = candidate.get("enum").and_then(Value::as_array) {
                self.options = options.iter().filter_map(Value::as_str).collect();
            }
        }
    }

    /// The keys that the object may have.
    pub(super) fn keys(&self) -> Vec<&'s str> {
        properties(self.holder).map(|(name, _)| name).collect()
    }

    /// The value of a keyword beside the one that failed.
    pub(super) fn bound(&self, keyword: &str) -> Option<&'s Value> {
        self.holder.get(keyword)
    }
}

/// The properties of an object's schema.
pub(super) fn properties(schema: &Value) -> impl Iterator<Item = (&str, &Value)> {
    schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), value))
}
