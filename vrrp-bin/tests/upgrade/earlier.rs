//! The program of version 0.1, built from the history of the sources.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The last commit that told addresses by `IFA_PROTO`.
const COMMIT: &str = "c0823a4";

/// Why there is no such program.
pub(crate) enum Missing {
    /// It cannot be here.
    Here(String),
    /// It should be.
    Broken(String),
}

/// Builds it below `target/upgrade`, unless it is there already.
pub(crate) fn build() -> Result<PathBuf, Missing> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = root.join("target/upgrade");
    let (source, target) = (folder.join("source"), folder.join("target"));
    if !source.join("Cargo.toml").exists() {
        unpack(&root, &source)?;
    }
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(&source)
        .args(["build", "--locked", "-p", "vrrp-bin", "--target-dir"])
        .arg(&target);
    let what = format!("building commit {COMMIT}");
    run(&mut cargo, &what).map_err(Missing::Broken)?;
    Ok(target.join("debug/vrrp"))
}

fn unpack(root: &Path, source: &Path) -> Result<(), Missing> {
    let broken = |error: std::io::Error| Missing::Broken(format!("{}: {error}", source.display()));
    let archive = source.with_extension("tar");
    fs::create_dir_all(source).map_err(broken)?;
    let mut git = Command::new("git");
    git.current_dir(root).args(["archive", "--output"]).arg(&archive).arg(COMMIT);
    if let Err(said) = run(&mut git, "git archive") {
        return Err(Missing::Here(format!("commit {COMMIT} is not to be had from git: {said}")));
    }
    let mut tar = Command::new("tar");
    tar.current_dir(source).arg("-xf").arg(&archive);
    run(&mut tar, "tar").map_err(Missing::Broken)
}

fn run(command: &mut Command, what: &str) -> Result<(), String> {
    let output =
        command.stdin(Stdio::null()).output().map_err(|error| format!("{what}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    output.status.success().then_some(()).ok_or_else(|| format!("{what}: {}", said.trim()))
}
