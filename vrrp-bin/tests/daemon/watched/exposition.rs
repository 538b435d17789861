//! A reader of the text that Prometheus has always read (version 0.0.4) and of OpenMetrics, which takes
//! nothing that either does not allow: each series once, a family in one piece and said before its
//! samples, names and labels as they have to be.

use std::collections::{BTreeMap, BTreeSet};

/// What was scraped.
#[derive(Default)]
pub(super) struct Scrape {
    /// The type of each family, by the name that its `# TYPE` has.
    pub(super) families: BTreeMap<String, String>,
    /// Each sample, by its name and labels.
    pub(super) samples: BTreeMap<Series, f64>,
}

/// A name and labels, each label with its value.
type Series = (String, BTreeMap<String, String>);

/// A family while it is read.
struct Family {
    name: String,
    kind: String,
}

impl Scrape {
    /// Reads `text`; `is_open`: as OpenMetrics.
    pub(super) fn read(text: &str, is_open: bool) -> Result<Self, String> {
        let mut scrape = Self::default();
        let (mut family, mut help): (Option<Family>, Option<&str>) = (None, None);
        let body =
            if is_open { text.strip_suffix("# EOF\n").ok_or("there is no end")? } else { text };
        if !body.ends_with('\n') {
            return Err("the last line has no end".to_owned());
        }
        for line in body.lines() {
            let wrong = |why: &str| Err(format!("{why}: {line}"));
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let Some((name, said)) = rest.split_once(' ') else { return wrong("no help") };
                if said.is_empty() || help.is_some() {
                    return wrong("no help, or two");
                }
                help = Some(name);
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let Some((name, kind)) = rest.split_once(' ') else { return wrong("no type") };
                if help.take() != Some(name) {
                    return wrong("the help is not just above");
                }
                if scrape.families.insert(name.to_owned(), kind.to_owned()).is_some() {
                    return wrong("the family is there twice");
                }
                family = Some(Family { name: name.to_owned(), kind: kind.to_owned() });
            } else if line.starts_with('#') || line.is_empty() {
                return wrong("no such comment");
            } else {
                let Some(family) = &family else { return wrong("no family") };
                let (series, value) = sample(line)?;
                if !family.has(&series.0, is_open) {
                    return wrong("it is not of the family above");
                }
                if scrape.samples.insert(series, value).is_some() {
                    return wrong("the series is there twice");
                }
            }
        }
        if let Some(name) = help {
            return Err(format!("the help of {name} has no family"));
        }
        scrape.judge_histograms()?;
        Ok(scrape)
    }

    /// The value of the only series of `name` that has all these labels.
    pub(super) fn value(&self, name: &str, labels: &[(&str, &str)]) -> Result<f64, String> {
        let is_it = |(own, with): &Series| {
            own == name
                && labels
                    .iter()
                    .all(|(label, value)| with.get(*label).is_some_and(|it| it == value))
        };
        let mut found = self.samples.iter().filter(|(series, _)| is_it(series));
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Ok(*value),
            (None, _) => Err(format!("no series {name} has {labels:?}")),
            (Some(_), Some(_)) => Err(format!("several series {name} have {labels:?}")),
        }
    }

    /// The names of the samples.
    pub(super) fn names(&self) -> BTreeSet<&str> {
        self.samples.keys().map(|(name, _)| name.as_str()).collect()
    }

    /// Buckets only grow, and the last one has all.
    fn judge_histograms(&self) -> Result<(), String> {
        for name in self.families.iter().filter(|(_, kind)| *kind == "histogram").map(|(it, _)| it)
        {
            let bucket = format!("{name}_bucket");
            let mut rows: BTreeMap<BTreeMap<String, String>, Vec<(f64, f64)>> = BTreeMap::new();
            for ((_, labels), value) in self.samples.iter().filter(|((own, _), _)| *own == bucket) {
                let mut labels = labels.clone();
                let bound = labels.remove("le").ok_or_else(|| format!("{bucket} has no bound"))?;
                let bound = bound.parse().map_err(|_| format!("{bucket}: bound {bound}"))?;
                rows.entry(labels).or_default().push((bound, *value));
            }
            for (labels, mut row) in rows {
                row.sort_by(|one, other| one.0.total_cmp(&other.0));
                let count = self.samples.get(&(format!("{name}_count"), labels.clone()));
                let has_sum = self.samples.contains_key(&(format!("{name}_sum"), labels));
                let grows = row.is_sorted_by(|one, other| one.1 <= other.1);
                let last = row.last().filter(|(bound, _)| *bound == f64::INFINITY);
                if !grows || !has_sum || last.map(|(_, all)| all) != count {
                    return Err(format!("{name} is no histogram: {row:?}, {count:?}"));
                }
            }
        }
        Ok(())
    }
}

impl Family {
    /// Whether samples of this name belong to it.
    fn has(&self, name: &str, is_open: bool) -> bool {
        let Some(rest) = name.strip_prefix(self.name.as_str()) else { return false };
        match self.kind.as_str() {
            "counter" if is_open => rest == "_total",
            "counter" => rest.is_empty() && name.ends_with("_total"),
            "gauge" => rest.is_empty() && !name.ends_with("_total"),
            "histogram" => matches!(rest, "_bucket" | "_sum" | "_count"),
            _ => false,
        }
    }
}

/// `NAME{LABEL="VALUE",...} VALUE`.
fn sample(line: &str) -> Result<(Series, f64), String> {
    let wrong = || format!("no sample: {line}");
    let end = line.find(|c: char| !is_name(c)).ok_or_else(wrong)?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, after) = rest.split_once("=\"").ok_or_else(wrong)?;
            let (value, after) = quoted(after).ok_or_else(wrong)?;
            let is_good = !label.is_empty() && label.chars().all(is_name) && !label.contains(':');
            if !is_good || labels.insert(label.to_owned(), value).is_some() {
                return Err(format!("no label, or two: {line}"));
            }
            match after.split_at_checked(1) {
                Some((",", after)) => rest = after,
                Some(("}", after)) => {
                    rest = after;
                    break;
                }
                _ => return Err(wrong()),
            }
        }
    }
    let value = rest.strip_prefix(' ').ok_or_else(wrong)?;
    let value = value.parse::<f64>().map_err(|_| wrong())?;
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(wrong());
    }
    Ok(((name.to_owned(), labels), value))
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

/// A value up to its quote, and what comes after that.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, text.get(at + 1..)?)),
            '\\' => value.push(match chars.next()?.1 {
                'n' => '\n',
                c @ ('\\' | '"') => c,
                _ => return None,
            }),
            c => value.push(c),
        }
    }
    None
}

/// It refuses what it has to.
pub(super) fn it_can_refuse() {
    let good =
        "# HELP a_total A.\n# TYPE a_total counter\na_total{x=\"1\"} 1\na_total{x=\"2\"} 0\n";
    assert!(Scrape::read(good, false).is_ok());
    let swapped = "# TYPE a gauge\n# HELP a A.\na 1\n";
    let late = "a 1\n# HELP a A.\n# TYPE a gauge\n";
    let apart =
        "# HELP a A.\n# TYPE a gauge\na 1\n# HELP b B.\n# TYPE b gauge\nb 1\na{x=\"1\"} 1\n";
    let twice = good.replace("\"2\"", "\"1\"");
    let odd = "# HELP a A.\n# TYPE a gauge\na{x=\"1\",x=\"2\"} 1\n";
    let open = "# HELP a A.\n# TYPE a counter\na 1\n# EOF\n";
    let counts = "# HELP a A.\n# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\n\
        a_sum 1\na_count 1\n";
    for bad in [swapped, late, apart, &twice, odd, counts, "a b\n", "# HELP a A.\n"] {
        assert!(Scrape::read(bad, false).is_err(), "{bad}");
    }
    assert!(Scrape::read(open, true).is_err() && Scrape::read(good, true).is_err());
}
