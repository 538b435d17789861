//! Other implementations of VRRP, as neighbours in a lab, and a routing protocol.

mod frr;
mod keepalived;
mod ospf;

pub use frr::Frr;
pub use keepalived::Keepalived;
pub use ospf::Ospf;

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{Error, error::Doing};

/// The first line of what a program says about its version, on either stream; `None` without the
/// program.
fn first_line(program: &str, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).output().ok()?;
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&said).lines().next().map(str::to_owned)
}

/// Sends everything that a program says into a file, which costs it much less than a terminal.
fn log_to(command: &mut Command, log: &Path) -> Result<(), Error> {
    let open = || -> io::Result<(File, File)> {
        let file = File::options().create(true).append(true).open(log)?;
        Ok((file.try_clone()?, file))
    };
    let (out, err) = open().doing(|| format!("opening {}", log.display()))?;
    command.stdin(Stdio::null()).stdout(out).stderr(err);
    Ok(())
}

/// Writes a file for a program into `folder`.
fn write(folder: &Path, name: &str, text: &str) -> Result<PathBuf, Error> {
    let path = folder.join(name);
    fs::write(&path, text).doing(|| format!("writing {}", path.display()))?;
    Ok(path)
}
