//! The dashboard and the alerts: what they ask of Prometheus, and whether the program answers it.

use std::{collections::BTreeSet, fs, process::Command};

use libtest_mimic::Failed;
use serde_json::Value;

use crate::{Outcome, Test, output, root};

const PROMTOOL: &[(&str, &str)] = &[("promtool", "prometheus")];

pub(crate) const TESTS: [Test; 3] = [
    ("every_query_names_series_that_there_are", every_series_is_there, &[]),
    ("every_query_is_one", every_query_is_one, PROMTOOL),
    ("the_alerts_fire_for_what_they_are_meant_for", the_alerts_fire, PROMTOOL),
];

const ALERTS: &str = "docs/alerts.yml";

fn read(path: &str) -> Result<String, Failed> {
    Ok(fs::read_to_string(root().join(path)).map_err(|error| format!("{path}: {error}"))?)
}

/// The queries of the dashboard, with its variables as Grafana fills them in.
fn queries() -> Result<Vec<String>, Failed> {
    fn collect(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(query)) = fields.get("expr") {
                    found.push(query.clone());
                }
                fields.values().for_each(|value| collect(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    collect(&serde_json::from_str(&read("docs/grafana.json")?)?, &mut found);
    assert!(found.len() >= 15, "the dashboard asks {} things", found.len());
    let fill = |query: String| {
        let query = query.replace("$__rate_interval", "1m").replace("$__range", "6h");
        query.replace("$instance", ".*").replace("$name", ".*")
    };
    Ok(found.into_iter().map(fill).collect())
}

/// The names of our series in a text.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
    words.filter(|word| word.starts_with("vrrp_")).collect()
}

/// A histogram has several series.
fn metric<'a>(name: &'a str, metrics: &BTreeSet<&str>) -> &'a str {
    let parts = ["_bucket", "_sum", "_count"];
    let whole = parts.iter().find_map(|part| name.strip_suffix(part));
    whole.filter(|whole| metrics.contains(whole)).unwrap_or(name)
}

fn every_series_is_there() -> Outcome {
    let page = read("docs/metrics.md")?;
    let metrics = names(&page);
    let (queries, alerts) = (queries()?.join("\n"), read(ALERTS)?);
    let asked: BTreeSet<&str> = names(&queries).union(&names(&alerts)).copied().collect();
    let unknown: Vec<&&str> =
        asked.iter().filter(|name| !metrics.contains(metric(name, &metrics))).collect();
    assert!(unknown.is_empty(), "docs/metrics.md has no {unknown:?}");
    Ok(())
}

fn promtool(arguments: &[&str], text: &str) -> Outcome {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("rules.yml");
    fs::write(&file, text)?;
    output(Command::new("promtool").args(arguments).arg(&file))?;
    Ok(())
}

/// Prometheus' own parser reads them as rules.
fn every_query_is_one() -> Outcome {
    let rules = queries()?.into_iter().enumerate().map(|(number, query)| {
        let query = Value::from(query);
        format!("  - {{ record: \"a:{number}\", expr: {query} }}\n")
    });
    let rules: String = rules.collect();
    promtool(&["check", "rules"], &format!("groups:\n- name: dashboard\n  rules:\n{rules}"))
}

fn the_alerts_fire() -> Outcome {
    promtool(&["check", "rules"], &read(ALERTS)?)?;
    let alerts = root().join(ALERTS).canonicalize()?;
    let played = include_str!("alerts.yml").replace("RULES", &alerts.display().to_string());
    promtool(&["test", "rules"], &played)
}
