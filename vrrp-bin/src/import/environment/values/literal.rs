//! [`Literal`]: a value in any notation, and [`Raw`]: one that is not read yet.

use serde_json::Value as Json;

/// A value that has been understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Literal {
    Text(String),
    List(Vec<Self>),
    Map,
    Nothing,
}

/// A value as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Raw {
    /// By the process or by a file that holds the value alone.
    Text(String),
    /// By a YAML or JSON file of many variables.
    Literal(Literal),
}

impl From<Literal> for Raw {
    fn from(literal: Literal) -> Self {
        match literal {
            Literal::Text(text) => Self::Text(text),
            other => Self::Literal(other),
        }
    }
}

impl From<Json> for Literal {
    fn from(value: Json) -> Self {
        match value {
            Json::Null => Self::Nothing,
            Json::Bool(value) => Self::Text(value.to_string()),
            Json::Number(number) => Self::Text(number.to_string()),
            Json::String(text) => Self::Text(text),
            Json::Array(values) => Self::List(values.into_iter().map(Self::from).collect()),
            Json::Object(_) => Self::Map,
        }
    }
}
