//! The static binary of the `Dockerfile`, built as it says.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use libtest_mimic::Failed;

/// Builds it, unless it is there and new. What the build says is left in `log`.
pub(crate) fn build(log: &Path) -> Result<PathBuf, Failed> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let dockerfile = fs::read_to_string(root.join("Dockerfile"))?;
    let after = |word: &str| {
        let line = dockerfile.lines().find_map(|line| line.strip_prefix(word));
        line.ok_or_else(|| Failed::from(format!("the Dockerfile has no line {word}")))
    };
    let flags = after("ENV RUSTFLAGS=")?.trim_matches('"');
    let build = after("RUN cargo build")?;
    println!("building the binary as the Dockerfile does");
    let mut command = Command::new("sh");
    command
        .current_dir(&root)
        .env("RUSTFLAGS", flags)
        .arg("-ec")
        .arg(format!("exec cargo build {build}"));
    let file = File::create(log)?;
    if !command.stdout(file.try_clone()?).stderr(file).status()?.success() {
        return Err(format!("the build failed; see {}", log.display()).into());
    }
    let mut rustc = Command::new("rustc");
    let output = rustc.current_dir(&root).args(["--print", "host-tuple"]).output()?;
    let tuple = String::from_utf8(output.stdout)?;
    Ok(root.join("target").join(tuple.trim()).join("release/vrrp"))
}
