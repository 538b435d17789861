//! A project outside of this repository, made of the packages that a registry would get.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use tempfile::TempDir;

/// The project's program, which is `examples/failover.rs`.
pub(crate) struct Outsider {
    _folder: TempDir,
    pub(crate) program: PathBuf,
}

impl Outsider {
    /// Packs the libraries, unpacks them elsewhere, and builds a program on them.
    pub(crate) fn build() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let packages = ["--package", "vrrp-core", "--package", "vrrp-net"];
        let mut pack = Command::new("cargo");
        pack.arg("package").args(packages).args(["--no-verify", "--allow-dirty", "--target-dir"]);
        run(pack.arg(at("packed")).current_dir(&root));
        for package in ["vrrp-core", "vrrp-net"] {
            let file = format!("packed/package/{package}-0.1.0.crate");
            run(Command::new("tar").arg("xzf").arg(at(&file)).current_dir(folder.path()));
        }
        fs::create_dir_all(at("project/src")).unwrap();
        fs::write(at("project/Cargo.toml"), MANIFEST).unwrap();
        fs::write(at("project/src/main.rs"), include_str!("../../failover.rs")).unwrap();
        let begun = Instant::now();
        let mut build = Command::new("cargo");
        run(build.args(["build", "--quiet"]).current_dir(at("project")));
        println!("built in {:.0} s", begun.elapsed().as_secs_f64());
        let program = at("project/target/debug/outsider");
        Self { _folder: folder, program }
    }
}

const MANIFEST: &str = r#"
[package]
name = "outsider"
version = "0.0.0"
edition = "2024"

[dependencies]
vrrp-net = { path = "../vrrp-net-0.1.0" }
tokio = { version = "1", features = ["macros", "rt", "signal", "time"] }

[patch.crates-io]
vrrp-core = { path = "../vrrp-core-0.1.0" }

[workspace]
"#;

fn run(command: &mut Command) {
    let output = command.env_remove("CARGO_TARGET_DIR").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}
