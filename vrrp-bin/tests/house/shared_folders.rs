//! Nothing is written to a directory that others share: whoever foresees a name there is in the way,
//! or finds what was not meant for him. `vrrp demo` and the lab make a folder of their own, which
//! nobody else can open.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// How a program gets at such a directory.
const WAYS: [&str; 5] = ["\"/tmp", "\"/var/tmp", "\"/dev/shm", "temp_dir", "tempfile"];

/// The files of a crate but for tests, the lab and the demo.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if ["tests", "tests.rs", "lab", "lab.rs", "demo.rs"].contains(&name) {
            continue;
        }
        if path.is_dir() {
            files(&path, found);
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
}

#[test]
fn nothing_is_written_where_everybody_writes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = Vec::new();
    for part in ["vrrp-core", "vrrp-net", "vrrp-bin"] {
        files(&root.join(part).join("src"), &mut found);
    }
    assert!(found.len() > 200, "{} files", found.len());
    for file in found {
        let text = fs::read_to_string(&file).unwrap();
        // Their tests stand at the end of files.
        let text = text.split("#[cfg(test)]").next().unwrap();
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            let way = WAYS.iter().find(|way| line.contains(**way));
            assert_eq!(way, None, "{}: {line}", file.display());
        }
    }
}
