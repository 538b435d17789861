//! The core is linked into a program without std, which runs.

use std::{fs, path::Path, process::Command};

#[test]
fn the_core_runs_in_a_program_without_std() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap();
    let (house, place) = (
        root.join("vrrp-bin/tests/house/no_std"),
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("no_std"),
    );
    fs::create_dir_all(place.join("src")).unwrap();
    fs::copy(house.join("src/main.rs"), place.join("src/main.rs")).unwrap();
    let manifest = fs::read_to_string(house.join("Cargo.toml")).unwrap();
    let core = root.join("vrrp-core");
    let manifest = manifest.replace("../../../../vrrp-core", core.to_str().unwrap());
    fs::write(place.join("Cargo.toml"), manifest).unwrap();
    // What the workspace has downloaded is enough, in the same versions.
    fs::copy(root.join("Cargo.lock"), place.join("Cargo.lock")).unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    let output = cargo.args(["build", "--offline"]).current_dir(&place).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let program = place.join("target/debug/no-std");
    let status = Command::new(&program).status().unwrap();
    assert_eq!(status.code(), Some(1), "one advertisement is sent");
    let octets = fs::read(&program).unwrap();
    let has = |name: &[u8]| octets.windows(name.len()).any(|window| window == name);
    assert!(has(b"vrrp_core"), "the symbols are there");
    assert!(!has(b"_ZN3std"), "a symbol of std");
}
