//! The table "Where to begin" of `CONTRIBUTING.md`: each file is there, and has what the table says.

use std::{fs, path::Path};

#[test]
fn the_first_file_of_each_change_has_what_contributing_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = fs::read_to_string(root.join("CONTRIBUTING.md")).unwrap();
    let (_, section) = text.split_once("## Where to begin\n").expect("the section");
    let section = section.split("\n## ").next().unwrap();
    let mut rows = 0;
    for row in section.lines().filter(|line| line.starts_with("| ") && line.contains('`')) {
        let quoted: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
        let [file, what, ..] = quoted[..] else { panic!("{row}: a file and what is in it") };
        let content = fs::read_to_string(root.join(file));
        let content = content.unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(content.contains(what), "{file} has no `{what}`");
        rows += 1;
    }
    assert!(rows >= 10, "{rows} changes");
}
