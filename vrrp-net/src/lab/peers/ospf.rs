//! FRRouting's zebra and ospfd: a router, or a host that tells routers its addresses.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::frr::{Frr, folder_of, launch};
use crate::lab::{Error, Host, Process};

/// FRRouting's `zebra` and `ospfd` on a host. It ends when this is dropped; routes that it put into
/// the kernel stay.
#[derive(Debug)]
pub struct Ospf {
    _ospfd: Process,
    _zebra: Process,
    folder: PathBuf,
}

impl Ospf {
    /// Why it cannot be had here; `None` when it can.
    #[must_use]
    pub fn missing() -> Option<String> {
        Frr::missing()
    }

    /// Starts it with this configuration of `ospfd`. What it needs and its logs go into a folder in
    /// `folder`, which may serve several hosts when their names differ.
    ///
    /// # Errors
    /// [`Error`] when it cannot be started, or does not come up: the message tells its log.
    pub fn start(host: &Host, folder: &Path, config: &str) -> Result<Self, Error> {
        let folder = folder_of(host, folder)?;
        let zebra = launch(host, &folder, "zebra", "")?;
        let ospfd = launch(host, &folder, "ospfd", config)?;
        Ok(Self { _ospfd: ospfd, _zebra: zebra, folder })
    }

    /// With how many neighbours it has exchanged all that it knows.
    #[must_use]
    pub fn full_neighbors(&self) -> usize {
        self.ask("show ip ospf neighbor").matches("Full/").count()
    }

    /// What ospfd answers to a command of its terminal; empty when it answers nothing.
    #[must_use]
    pub fn ask(&self, question: &str) -> String {
        let mut command = Command::new("vtysh");
        command.arg("--vty_socket").arg(&self.folder).args(["-d", "ospfd", "-c", question]);
        let output = command.output();
        output
            .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
            .unwrap_or_default()
    }

    /// What it has said so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("ospfd.log")).unwrap_or_default()
    }
}
