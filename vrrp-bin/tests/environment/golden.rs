//! Environments of the images, and the files of keepalived's that the images make of them: both
//! are read, and mean the same but for the differences that `golden/NAME.txt` lists with a reason.
//!
//! The files of osixia's and arcts' cases are what the entry points of those images wrote on a host
//! with 10.2.1.10 on eth0. Those of `arcts-apiserver`, `shawly-script` and `ednxzu-unicast` are what
//! their templates come to with the variables in them.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;

use crate::{
    output::{code, stderr, stdout},
    vrrp,
};

/// What stands between the lines `-- NAME` of a case.
struct Case {
    name: String,
    environment: Vec<(String, String)>,
    file: String,
    effective: String,
    differences: Vec<Difference>,
}

/// `PATH: HERE, not THERE: WHY`, where `*` is a segment of the path, or all that are left.
struct Difference {
    path: Vec<String>,
    here: String,
    there: String,
}

/// The value at each path of an effective configuration.
type Leaves = BTreeMap<String, Value>;

#[test]
fn the_environment_of_each_case_is_the_configuration_that_it_lists() {
    for case in cases() {
        let output = case.read_environment("toml");
        let said = if code(&output) == 2 { stderr(&output) } else { stdout(&output) };
        assert_eq!(said.trim(), case.effective.trim(), "{}", case.name);
    }
}

#[test]
fn the_file_of_each_case_is_the_same_but_for_what_it_lists() {
    for case in cases() {
        let output = case.read_environment("json");
        if code(&output) == 2 {
            // What the image would do without a word is refused.
            assert!(case.differences.is_empty(), "{}", case.name);
            continue;
        }
        let (here, there) = (leaves(&stdout(&output)), leaves(&case.read_file()));
        let mut paths: Vec<&String> = here.keys().chain(there.keys()).collect();
        paths.sort();
        paths.dedup();
        let mut found = vec![false; case.differences.len()];
        for path in paths.into_iter().filter(|path| here.get(*path) != there.get(*path)) {
            let (here, there) = (here.get(path), there.get(path));
            let listed = case.differences.iter().position(|one| one.covers(path, here, there));
            let number = listed.unwrap_or_else(|| {
                panic!("{}: {path}: {here:?}, not {there:?}, and no reason why", case.name)
            });
            found[number] = true;
        }
        let unused = found.iter().position(|found| !found);
        let unused = unused.map(|number| case.differences[number].path.join("/"));
        assert_eq!(unused, None, "{}: this is no difference", case.name);
    }
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/environment/golden");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let cases: Vec<Case> = paths.map(|path| Case::read(&path)).collect();
    assert!(cases.len() >= 18, "cases are missing: {}", cases.len());
    cases
}

impl Case {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let mut sections: BTreeMap<&str, String> = BTreeMap::new();
        for section in text.split("-- ").skip(1) {
            let (name, content) = section.split_once('\n').unwrap();
            sections.insert(name, content.to_owned());
        }
        let section = |name: &str| sections.get(name).unwrap_or_else(|| panic!("{path:?}: {name}"));
        let variable = |line: &str| {
            let (name, value) = line.split_once('=').unwrap();
            (name.to_owned(), value.to_owned())
        };
        let lines = |name: &str| section(name).lines().filter(|line| !line.is_empty());
        Self {
            name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            environment: lines("environment").map(variable).collect(),
            file: section("keepalived.conf").clone(),
            effective: section("effective").clone(),
            differences: lines("differences").map(Difference::read).collect(),
        }
    }

    fn read_environment(&self, format: &str) -> std::process::Output {
        let environment: Vec<(&str, &str)> =
            self.environment.iter().map(|(name, value)| (&**name, &**value)).collect();
        vrrp(&environment, &["check", "--from-env", "--format", format])
    }

    /// What comes of the file that the image makes.
    fn read_file(&self) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keepalived.conf");
        // The scripts of the image, of which those that are not there are left out.
        let scripts = folder.path().display().to_string();
        let file = self.file.replace("/usr/lib/keepalived/scripts", &scripts);
        fs::write(folder.path().join("chk_kube_apiserver.sh"), "#!/bin/sh\n").unwrap();
        fs::write(&path, file).unwrap();
        let output = vrrp(&[], &["check", "-c", path.to_str().unwrap(), "--format", "json"]);
        assert!([0, 3].contains(&code(&output)), "{}: {}", self.name, stderr(&output));
        stdout(&output)
    }
}

impl Difference {
    fn read(line: &str) -> Self {
        let parts: Vec<&str> = line.splitn(3, ": ").collect();
        let [path, values, why] = parts[..] else { panic!("{line}: a path, two values and why") };
        assert!(!why.is_empty(), "{line}");
        let (here, there) = values.split_once(", not ").unwrap_or_else(|| panic!("{line}"));
        let path = path.split('/').map(str::to_owned).collect();
        Self { path, here: here.to_owned(), there: there.to_owned() }
    }

    /// Whether it is this one.
    fn covers(&self, path: &str, here: Option<&Value>, there: Option<&Value>) -> bool {
        let segments: Vec<&str> = path.split('/').collect();
        let rest = self.path.last().is_some_and(|last| last == "*");
        let fits = segments.len() == self.path.len() || rest && segments.len() > self.path.len();
        fits && self.path.iter().zip(&segments).all(|(one, segment)| one == "*" || one == segment)
            && is_value(&self.here, here)
            && is_value(&self.there, there)
    }
}

/// Whether `value` is what `text` says: `absent`, `there`, or the value itself.
fn is_value(text: &str, value: Option<&Value>) -> bool {
    match text {
        "absent" => value.is_none(),
        "there" => value.is_some(),
        text => value == serde_json::from_str(text).ok().as_ref(),
    }
}

/// Everything that a configuration says; an empty list says nothing.
fn leaves(json: &str) -> Leaves {
    let mut found = Leaves::new();
    gather("", &serde_json::from_str(json).unwrap(), &mut found);
    found
}

fn gather(path: &str, value: &Value, found: &mut Leaves) {
    match value {
        Value::Object(entries) => {
            entries.iter().for_each(|(key, value)| gather(&format!("{path}/{key}"), value, found));
        }
        Value::Array(entries) => {
            let numbered = entries.iter().enumerate();
            numbered.for_each(|(key, value)| gather(&format!("{path}/{key}"), value, found));
        }
        Value::Null => {}
        leaf => drop(found.insert(path.to_owned(), leaf.clone())),
    }
}
