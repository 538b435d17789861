//! The value of a variable: plain text, or one of the notations of the osixia images for lists.

mod literal;
mod python;
pub(super) mod yaml;

use std::collections::BTreeMap;

use serde_json::Value as Json;

pub(super) use literal::{Literal, Raw};

/// The variables by their names: sorted, because the images take numbered ones in this order.
pub(super) type Variables = BTreeMap<String, Raw>;

/// What a text turns out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decoded<'a> {
    Literal(Literal),
    /// A list of the names of other variables.
    Names(Vec<&'a str>),
}

const LIST: &str = "for example 192.0.2.2 192.0.2.3 or #PYTHON2BASH:['192.0.2.2', '192.0.2.3']";

/// Reads `text` in the notation that its prefix names, or else as it stands.
pub(super) fn decode(text: &str) -> Result<Decoded<'_>, String> {
    if let Some(literal) = text.strip_prefix("#PYTHON2BASH:") {
        let value = python::parse(literal).ok_or_else(|| {
            format!(
                "{literal:?} is not a Python literal; quote each entry and close every \
                bracket, {LIST}"
            )
        })?;
        return Ok(Decoded::Literal(value));
    }
    if let Some(json) = text.strip_prefix("#JSON2BASH:") {
        let value: Json = serde_json::from_str(json)
            .map_err(|error| format!("{json:?} is not JSON ({error}); write {LIST}"))?;
        return Ok(Decoded::Literal(value.into()));
    }
    if let Some(names) = text.strip_prefix("#COMPLEX_BASH_ENV:TABLE:") {
        return Ok(Decoded::Names(names.split_whitespace().collect()));
    }
    if text.starts_with("#COMPLEX_BASH_ENV:") {
        return Err(format!("{text:?} is a map of variables, and a list is needed; write {LIST}"));
    }
    Ok(Decoded::Literal(Literal::Text(text.to_owned())))
}

/// `text` without one pair of `quotes` around it, if there is one.
pub(super) fn unquote<'a>(text: &'a str, quotes: &[char]) -> Option<&'a str> {
    let trimmed = text.trim();
    quotes.iter().find_map(|quote| trimmed.strip_prefix(*quote)?.strip_suffix(*quote))
}

/// The words of a list: between spaces, line ends or commas.
pub(super) fn words(text: &str) -> Vec<String> {
    let separates = |c: char| c.is_whitespace() || c == ',';
    text.split(separates).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}
