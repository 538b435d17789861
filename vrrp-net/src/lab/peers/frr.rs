//! FRRouting: zebra, which knows the interfaces, and vrrpd.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::{first_line, log_to, write};
use crate::lab::{Error, Host, Process, Signal, error::Doing, wait_until};

/// Where distributions put its programs, which are on nobody's path.
const FOLDER: &str = "/usr/lib/frr";
/// How long a part of it may take to come up.
const START: Duration = Duration::from_secs(10);

/// FRRouting's `zebra` and `vrrpd` on a host. It ends when this is dropped.
#[derive(Debug)]
pub struct Frr {
    zebra: Process,
    vrrpd: Process,
    folder: PathBuf,
}

impl Frr {
    /// What it is called and its version, such as `FRR 8.4.4`; `None` where it is not installed.
    #[must_use]
    pub fn version() -> Option<String> {
        let line = first_line(&format!("{FOLDER}/vrrpd"), "--version")?;
        line.split_whitespace().last().map(|version| format!("FRR {version}"))
    }

    /// Why it cannot be had here; `None` when it can.
    #[must_use]
    pub fn missing() -> Option<String> {
        if Self::version().is_none() {
            return Some("FRR is not installed".to_owned());
        }
        // As root of a namespace in which there is nobody else it cannot change to its own user.
        let users = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
        let alone = users.lines().all(|line| line.split_whitespace().last() == Some("1"));
        alone.then(|| {
            "FRR changes to a user of its own, which only the host's root can do".to_owned()
        })
    }

    /// Makes the interface that it needs for a virtual router and does not make itself: a macvlan
    /// on `parent` with the virtual MAC address of this VRID and with these addresses, all of one
    /// family.
    ///
    /// # Errors
    /// [`Error`] with what `ip` says.
    pub fn macvlan(host: &Host, parent: &str, vrid: u8, addresses: &[&str]) -> Result<(), Error> {
        let ipv6 = addresses.iter().any(|address| address.contains(':'));
        let family = if ipv6 { 6 } else { 4 };
        let name = format!("vrrp{family}-{vrid}");
        let mac = format!("00:00:5e:00:{:02x}:{vrid:02x}", if ipv6 { 2 } else { 1 });
        let mut lines = vec![
            format!("link add {name} link {parent} address {mac} type macvlan mode bridge"),
            // Or two routers would have one link-local address.
            format!("link set {name} addrgenmode random"),
        ];
        let nodad = if ipv6 { " nodad" } else { "" };
        lines.extend(
            addresses.iter().map(|address| format!("address add {address} dev {name}{nodad}")),
        );
        lines.push(format!("link set {name} up"));
        let run = || -> Result<(), Error> { lines.iter().try_for_each(|line| ip(line)) };
        host.run(run)?
    }

    /// Starts it with this configuration of `vrrpd`. What it needs and its logs go into a folder in
    /// `folder`, which may serve several hosts when their names differ.
    ///
    /// # Errors
    /// [`Error`] when it cannot be started, or does not come up: the message tells its log.
    pub fn start(host: &Host, folder: &Path, config: &str) -> Result<Self, Error> {
        let folder = folder_of(host, folder)?;
        let zebra = launch(host, &folder, "zebra", "")?;
        let vrrpd = launch(host, &folder, "vrrpd", config)?;
        Ok(Self { zebra, vrrpd, folder })
    }

    /// The process that speaks VRRP.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.vrrpd.pid()
    }

    /// What `show vrrp json` says, as text; empty when it says nothing.
    #[must_use]
    pub fn status(&self) -> String {
        let mut command = Command::new("vtysh");
        command.arg("--vty_socket").arg(&self.folder).args(["-d", "vrrpd", "-c", "show vrrp json"]);
        let output = command.output();
        output
            .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
            .unwrap_or_default()
    }

    /// Asks it to resign and leave, and does not wait.
    ///
    /// # Errors
    /// [`Error`] when it had ended before.
    pub fn terminate(&self) -> Result<(), Error> {
        self.vrrpd.signal(Signal::SIGTERM)
    }

    /// Kills it: it cannot resign.
    ///
    /// # Errors
    /// [`Error`] when it cannot be waited for.
    pub fn kill(&mut self) -> Result<(), Error> {
        self.vrrpd.kill()?;
        self.zebra.kill()?;
        Ok(())
    }

    /// What it has said so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("vrrpd.log")).unwrap_or_default()
    }
}

/// Makes the folder of a host's programs in `folder`. They give up the rights of root, so that both
/// are open to everybody.
pub(super) fn folder_of(host: &Host, folder: &Path) -> Result<PathBuf, Error> {
    let open = |path: &Path| {
        fs::set_permissions(path, Permissions::from_mode(0o777))
            .doing(|| format!("opening {} to everybody", path.display()))
    };
    open(folder)?;
    let folder = folder.join(format!("{}-frr", host.name()));
    fs::create_dir_all(&folder).doing(|| format!("making {}", folder.display()))?;
    open(&folder)?;
    let _ = fs::remove_file(folder.join("zserv.api"));
    Ok(folder)
}

/// Starts one of its programs, and waits until it is ready. It finds the others by the sockets in
/// `folder`.
pub(super) fn launch(
    host: &Host,
    folder: &Path,
    name: &str,
    config: &str,
) -> Result<Process, Error> {
    let log = folder.join(format!("{name}.log"));
    let config = write(folder, &format!("{name}.conf"), &format!("log stdout\n{config}"))?;
    let ready = folder.join(format!("{name}.vty"));
    let _ = fs::remove_file(&ready);
    let mut command = Command::new(format!("{FOLDER}/{name}"));
    command.arg("--vty_socket").arg(folder).arg("-z").arg(folder.join("zserv.api"));
    command.arg("-i").arg(folder.join(format!("{name}.pid"))).arg("-f").arg(config);
    // No TCP port for terminals.
    command.args(["-P", "0"]);
    log_to(&mut command, &log)?;
    let mut process = host.spawn(command)?;
    wait_until(START, || ready.exists() || !matches!(process.try_wait(), Ok(None)));
    if ready.exists() && process.try_wait()?.is_none() {
        return Ok(process);
    }
    let said = fs::read_to_string(log).unwrap_or_default();
    Err(Error::Invalid(format!("{name} does not come up on {}; its log: {said}", host.name())))
}

fn ip(line: &str) -> Result<(), Error> {
    let output = Command::new("ip").args(line.split_whitespace()).output();
    let output = output.doing(|| format!("running ip {line}"))?;
    if output.status.success() {
        return Ok(());
    }
    let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Error::Invalid(format!("ip {line}: {why}")))
}
