//! The tree as JSON, for `jsonschema`.
//!
//! A node is a copied reference, so validation makes no second tree, and a failing `instance_path` leads back through
//! [`super::Node::pointer`] to a span. A `serde_json` value is made only for errors, `const`, `enum` and `uniqueItems`.
//! An error's instance is exact for a scalar and empty for a collection.

use std::borrow::Cow;

use jsonschema::JsonType;
use jsonschema::json::{Array, Json, JsonNumber, Node as JsonNodeTrait, NodeIdentity, Object, cmp, unique};
use serde_json::{Number, Value};

use super::scalar::integer;
use super::tree::{Entry, Kind, Node};

/// The representation: every node of a [`super::Tree`] is a JSON value. Build a validator with
/// `jsonschema::options_for::<TreeJson>()` and give it `JsonNode::from(tree.root())`.
#[derive(Debug)]
pub struct TreeJson;

/// A node of a tree, or the name of a property while `propertyNames` looks at it.
#[derive(Clone, Copy, Debug)]
pub enum JsonNode<'t> {
    /// A node.
    Node(Node<'t>),
    /// A property's name.
    Name(&'t str),
}

impl<'t> From<Node<'t>> for JsonNode<'t> {
    fn from(node: Node<'t>) -> Self {
        Self::Node(node)
    }
}

impl JsonNode<'_> {
    /// Recursive, but no deeper than the loader's nesting bound.
    fn full_value(self) -> Value {
        let node = match self {
            Self::Name(name) => return Value::String(name.to_owned()),
            Self::Node(node) => node,
        };
        match node.kind() {
            Kind::Null => Value::Null,
            Kind::Bool(value) => Value::Bool(value),
            Kind::Number => Value::Number(JsonNum(node.text().unwrap_or("0")).to_number().into_owned()),
            Kind::Text(text) => Value::String(text.to_owned()),
            Kind::Sequence => node.items().map(|item| Self::Node(item).full_value()).collect(),
            Kind::Mapping => {
                node.entries().map(|entry| (entry.key.to_owned(), Self::Node(entry.value).full_value())).collect()
            }
        }
    }
}

impl Json for TreeJson {
    type Node<'a> = JsonNode<'a>;
    type PreparedKey = Box<str>;
    type StringBuffer = ();

    // The loader refuses an alias inside its own anchor.
    const ACYCLIC: bool = true;

    fn prepare_key(key: &str) -> Box<str> {
        key.into()
    }

    fn with_string_node<T>((): &mut (), string: &str, f: impl FnOnce(JsonNode<'_>) -> T) -> T {
        f(JsonNode::Name(string))
    }
}

/// A mapping.
#[derive(Clone, Copy, Debug)]
pub struct JsonObject<'t>(Node<'t>);

/// A sequence.
#[derive(Clone, Copy, Debug)]
pub struct JsonArray<'t>(Node<'t>);

/// The text of a number.
///
/// Every form that [`Kind::Number`] has: decimal with leading zeros, `_` between digits, `0x`, `0o`, `0b`, `.inf`, `.nan`.
#[derive(Clone, Copy, Debug)]
pub struct JsonNum<'t>(&'t str);

impl JsonNum<'_> {
    fn integer(self) -> Option<i128> {
        integer(self.0)
    }

    fn float(self) -> Option<f64> {
        if let Some(integer) = self.integer() {
            #[expect(clippy::cast_precision_loss, reason = "a float is what was asked for")]
            return Some(integer as f64);
        }
        let text = self.0.replace('_', "").to_ascii_lowercase();
        match text.trim_start_matches(['-', '+']) {
            ".inf" if text.starts_with('-') => Some(f64::NEG_INFINITY),
            ".inf" => Some(f64::INFINITY),
            ".nan" => Some(f64::NAN),
            _ => text.parse().ok(),
        }
    }
}

impl JsonNumber for JsonNum<'_> {
    fn as_u64(&self) -> Option<u64> {
        self.integer().and_then(|integer| u64::try_from(integer).ok())
    }

    fn as_i64(&self) -> Option<i64> {
        self.integer().and_then(|integer| i64::try_from(integer).ok())
    }

    fn as_f64(&self) -> Option<f64> {
        self.float()
    }

    fn as_str(&self) -> Cow<'_, str> {
        match self.integer() {
            Some(integer) => Cow::Owned(integer.to_string()),
            None => Cow::Borrowed(self.0),
        }
    }

    /// JSON has no infinity and no NaN: the largest float and zero stand for them in an error's text.
    fn to_number(&self) -> Cow<'_, Number> {
        let exact = self.as_u64().map(Number::from).or_else(|| self.as_i64().map(Number::from));
        let float = self.float().unwrap_or(0.0);
        let number = exact.or_else(|| Number::from_f64(float)).or_else(|| {
            let finite = if float.is_nan() { 0.0 } else { f64::MAX.copysign(float) };
            Number::from_f64(finite)
        });
        Cow::Owned(number.unwrap_or_else(|| Number::from(0)))
    }

    fn is_integer(&self) -> bool {
        self.integer().is_some() || self.float().is_some_and(|float| float.fract() == 0.0)
    }
}

impl<'t> JsonNodeTrait<'t, TreeJson> for JsonNode<'t> {
    type Object = JsonObject<'t>;
    type Array = JsonArray<'t>;
    type Number = JsonNum<'t>;

    fn as_object(&self) -> Option<JsonObject<'t>> {
        match self {
            Self::Node(node) if matches!(node.kind(), Kind::Mapping) => Some(JsonObject(*node)),
            _ => None,
        }
    }

    fn as_array(&self) -> Option<JsonArray<'t>> {
        match self {
            Self::Node(node) if matches!(node.kind(), Kind::Sequence) => Some(JsonArray(*node)),
            _ => None,
        }
    }

    fn as_string(&self) -> Option<Cow<'t, str>> {
        match self {
            Self::Name(name) => Some(Cow::Borrowed(name)),
            Self::Node(node) => match node.kind() {
                Kind::Text(text) => Some(Cow::Borrowed(text)),
                _ => None,
            },
        }
    }

    fn as_number(&self) -> Option<JsonNum<'t>> {
        match self {
            Self::Node(node) if matches!(node.kind(), Kind::Number) => node.text().map(JsonNum),
            _ => None,
        }
    }

    fn as_boolean(&self) -> Option<bool> {
        match self {
            Self::Node(node) => match node.kind() {
                Kind::Bool(value) => Some(value),
                _ => None,
            },
            Self::Name(_) => None,
        }
    }

    fn is_null(&self) -> bool {
        matches!(self, Self::Node(node) if matches!(node.kind(), Kind::Null))
    }

    fn json_type(&self) -> JsonType {
        match self {
            Self::Name(_) => JsonType::String,
            Self::Node(node) => match node.kind() {
                Kind::Null => JsonType::Null,
                Kind::Bool(_) => JsonType::Boolean,
                Kind::Number => JsonType::Number,
                Kind::Text(_) => JsonType::String,
                Kind::Sequence => JsonType::Array,
                Kind::Mapping => JsonType::Object,
            },
        }
    }

    /// For an error's own copy of what failed, so a collection is shown empty: the whole plan may be one, and errors come by
    /// the thousand. What compares values (`equals_value`, `is_unique`) doesn't use this.
    fn to_value(&self) -> Cow<'t, Value> {
        Cow::Owned(match self.json_type() {
            JsonType::Array => Value::Array(Vec::new()),
            JsonType::Object => Value::Object(serde_json::Map::new()),
            _ => self.full_value(),
        })
    }

    fn equals_value(&self, expected: &Value) -> bool {
        match (self.as_string(), expected) {
            (Some(text), Value::String(expected)) => text == expected.as_str(),
            (Some(_), _) | (None, Value::String(_)) => false,
            _ => cmp::equal(&self.full_value(), expected),
        }
    }

    /// An aliased node is one node with one identity, at whichever place it is met.
    fn identity(&self) -> Option<NodeIdentity> {
        match self {
            Self::Name(_) => None,
            Self::Node(node) => {
                let (tree, index) = node.identity_parts();
                Some(NodeIdentity::tagged(tree, index))
            }
        }
    }
}

impl<'t> Object<'t, TreeJson> for JsonObject<'t> {
    type Node = JsonNode<'t>;
    type MemberName = &'t str;
    type MembersIter = Members<'t>;

    fn len(&self) -> usize {
        self.0.entries().len()
    }

    fn get(&self, key: &Box<str>) -> Option<JsonNode<'t>> {
        self.0.get(key).map(JsonNode::Node)
    }

    fn members(&self) -> Members<'t> {
        Members { node: self.0, next: 0 }
    }
}

impl<'t> Array<'t, TreeJson> for JsonArray<'t> {
    type Node = JsonNode<'t>;
    type ElementsIter = Elements<'t>;

    fn len(&self) -> usize {
        self.0.items().len()
    }

    fn is_unique(&self) -> bool {
        if self.len() < 2 {
            return true;
        }
        // Names, mostly. Only text equals text.
        let texts: Option<Vec<&str>> = self.0.items().map(text_of).collect();
        if let Some(mut texts) = texts {
            texts.sort_unstable();
            return texts.is_sorted_by(|one, next| one < next);
        }
        let values: Vec<Value> = self.elements().map(JsonNode::full_value).collect();
        unique::is_unique(&values)
    }

    fn elements(&self) -> Elements<'t> {
        Elements { node: self.0, next: 0 }
    }
}

fn text_of(node: Node<'_>) -> Option<&str> {
    match node.kind() {
        Kind::Text(text) => Some(text),
        _ => None,
    }
}

/// The entries of a mapping.
#[derive(Clone, Debug)]
pub struct Members<'t> {
    node: Node<'t>,
    next: usize,
}

impl<'t> Iterator for Members<'t> {
    type Item = (&'t str, JsonNode<'t>);

    fn next(&mut self) -> Option<Self::Item> {
        let Entry { key, value, .. } = self.node.entry_at(self.next)?;
        self.next += 1;
        Some((key, JsonNode::Node(value)))
    }
}

/// The items of a sequence.
#[derive(Clone, Debug)]
pub struct Elements<'t> {
    node: Node<'t>,
    next: usize,
}

impl<'t> Iterator for Elements<'t> {
    type Item = JsonNode<'t>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.node.item_at(self.next)?;
        self.next += 1;
        Some(JsonNode::Node(item))
    }
}
