//! Programs of this host, which the tests run.

use std::{
    env, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Whether it can be run. Sbin is not on everybody's path.
pub(crate) fn is_there(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let sbin = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    env::split_paths(&path).chain(sbin).any(|folder| folder.join(program).is_file())
}

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs a program to its end: what it printed, or what it complained of.
pub(crate) fn output(command: &mut Command) -> io::Result<String> {
    let output = command.stdin(Stdio::null()).output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    let said = [text(&output.stdout), text(&output.stderr)].join("\n");
    Err(io::Error::other(format!("{command:?} failed with {}: {said}", output.status)))
}
