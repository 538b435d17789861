//! `conformance.tsv` says which test shows each requirement that the core implements. This sees
//! that those tests exist, so that the ledger does not rot.
#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::{collections::BTreeSet, fs, path::Path};

const LEDGER: &str = include_str!("conformance.tsv");

/// The names of all functions under `#[test]` in the sources below `folder`.
fn tests_in(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tests_in(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&path).unwrap();
            let lines: Vec<&str> = source.lines().map(str::trim).collect();
            for (above, line) in lines.iter().zip(lines.iter().skip(1)) {
                if let Some(function) = line.strip_prefix("fn ")
                    && *above == "#[test]"
                {
                    names.extend(function.split('(').next().map(String::from));
                }
            }
        }
    }
}

#[test]
fn every_requirement_names_a_test_that_exists_or_why_there_is_none() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tests = BTreeSet::new();
    tests_in(&root.join("src"), &mut tests);
    tests_in(&root.join("tests"), &mut tests);
    assert!(tests.len() > 100, "only {} tests were found", tests.len());

    let mut ids = BTreeSet::new();
    for line in LEDGER.lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [id, level, requirement, shown_by] = columns[..] else {
            panic!("not four columns: {line}");
        };
        assert!(ids.insert(id), "{id} stands there twice");
        assert!(["MUST", "SHOULD", "MAY", "DEVIATION"].contains(&level), "{id}: {level}");
        assert!(!requirement.is_empty(), "{id} says nothing");
        match shown_by.strip_prefix("not yet: ") {
            Some(reason) => assert!(!reason.is_empty(), "{id} does not say why"),
            None => {
                for name in shown_by.split(' ') {
                    assert!(tests.contains(name), "{id}: there is no test {name}");
                }
            }
        }
    }
    assert!(ids.len() >= 58, "only {} requirements are left", ids.len());
}
