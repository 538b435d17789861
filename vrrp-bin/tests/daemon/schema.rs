//! The part of JSON Schema that the files in `schema` use. An undocumented field is an error too,
//! so that the schema cannot fall behind the program.

use libtest_mimic::Failed;
use serde_json::{Map, Value};

/// The published schema of the status.
pub(crate) fn load() -> Result<Value, serde_json::Error> {
    serde_json::from_str(include_str!("../../schema/status.json"))
}

/// The published schema of a line of events.
pub(crate) fn load_event() -> Result<Value, serde_json::Error> {
    serde_json::from_str(include_str!("../../schema/event.json"))
}

/// Whether `value` is what `schema` describes.
pub(crate) fn check(schema: &Value, value: &Value) -> Result<(), String> {
    Checker { root: schema }.check(schema, value, "$")
}

/// Whether `value` is what the definition `name` of `schema` describes.
pub(crate) fn check_part(schema: &Value, name: &str, value: &Value) -> Result<(), String> {
    Checker { root: schema }.check(&schema["$defs"][name], value, "$")
}

/// A schema that everything fits says nothing.
pub(crate) fn the_schema_check_can_fail() -> Result<(), Failed> {
    let schema = load()?;
    let good: Value = serde_json::from_str(
        r#"{"schema": 1, "version": "0.1.0", "virtual_routers": [], "ports": [],
            "lateness": {"count": 0, "total_seconds": 0.0, "beyond": 0, "buckets": []}, "leftovers": [],
            "checks": [], "reload": null}"#,
    )?;
    check(&schema, &good)?;
    for (pointer, value) in
        [("/schema", Value::from(2)), ("/version", Value::from(1)), ("/ports", Value::from("none"))]
    {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).ok_or("no such field")? = value;
        assert!(check(&schema, &bad).is_err(), "{bad}");
    }
    let mut more = good.clone();
    more["colour"] = Value::from("red");
    assert!(check(&schema, &more).is_err(), "{more}");
    assert!(check(&schema, &serde_json::json!({"schema": 1})).is_err());
    Ok(())
}

struct Checker<'a> {
    root: &'a Value,
}

impl Checker<'_> {
    fn check(&self, schema: &Value, value: &Value, path: &str) -> Result<(), String> {
        for (keyword, rule) in schema.as_object().ok_or_else(|| format!("{path}: no schema"))? {
            let good = match keyword.as_str() {
                "$ref" => {
                    let pointer = rule.as_str().unwrap_or_default().trim_start_matches('#');
                    let target = self
                        .root
                        .pointer(pointer)
                        .ok_or_else(|| format!("{path}: no {pointer}"))?;
                    self.check(target, value, path)?;
                    true
                }
                "oneOf" => {
                    self.check_alternatives(rule, value, path)?;
                    true
                }
                "type" => has_type(rule, value),
                "const" => rule == value,
                "enum" => rule.as_array().is_some_and(|values| values.contains(value)),
                "minimum" => value.as_f64() >= rule.as_f64() || value.is_null(),
                "maximum" => value.as_f64() <= rule.as_f64(),
                "minLength" => value
                    .as_str()
                    .is_none_or(|text| text.len() as u64 >= rule.as_u64().unwrap_or_default()),
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(rule, item, &format!("{path}[{index}]"))?;
                    }
                    true
                }
                "required" => rule
                    .as_array()
                    .into_iter()
                    .flatten()
                    .all(|key| value.get(key.as_str().unwrap_or_default()).is_some()),
                "properties" => {
                    self.check_properties(rule, value.as_object(), path)?;
                    true
                }
                "$schema" | "$defs" | "title" | "description" => true,
                other => return Err(format!("{path}: this check does not know {other}")),
            };
            if !good {
                return Err(format!("{path}: {value} is not {keyword} {rule}"));
            }
        }
        Ok(())
    }

    fn check_alternatives(&self, rule: &Value, value: &Value, path: &str) -> Result<(), String> {
        let tried = rule.as_array().into_iter().flatten();
        let errors: Vec<String> =
            tried.clone().filter_map(|schema| self.check(schema, value, path).err()).collect();
        match tried.count() - errors.len() {
            1 => Ok(()),
            0 => Err(errors.join("; ")),
            several => Err(format!("{path}: {value} is {several} of the alternatives")),
        }
    }

    fn check_properties(
        &self,
        rule: &Value,
        object: Option<&Map<String, Value>>,
        path: &str,
    ) -> Result<(), String> {
        for (key, value) in object.into_iter().flatten() {
            let rule = rule.get(key).ok_or_else(|| format!("{path}.{key} is not documented"))?;
            self.check(rule, value, &format!("{path}.{key}"))?;
        }
        Ok(())
    }
}

fn has_type(rule: &Value, value: &Value) -> bool {
    let is = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        _ => false,
    };
    match rule {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is),
        _ => false,
    }
}
