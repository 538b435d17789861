//! [`Engine`]: a `dockerd` that nobody else knows.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use libtest_mimic::Failed;
use tempfile::TempDir;
use vrrp_net::lab::{Host, Process, wait_until};

use crate::images;

/// How long anything may take that is not the protocol's business.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A container engine in a network of its own, which it shares with the clients of the tests. It,
/// its containers and what it changed in its network end when this is dropped, and when this
/// process dies.
pub(crate) struct Engine {
    /// In this order: the process goes before its network and its folder.
    _daemon: Process,
    pub(crate) host: Host,
    folder: TempDir,
}

impl Engine {
    /// Starts it, and gives it the images.
    pub(crate) fn start() -> Result<Self, Failed> {
        let host = Host::new("engine")?;
        let folder = TempDir::with_prefix("vrrp-containers-")?;
        let log = folder.path().join("dockerd.log");
        let mut daemon = host.spawn(dockerd(folder.path(), File::create(&log)?))?;
        let socket = folder.path().join("docker.sock");
        let up = wait_until(SOON, || {
            docker(&socket, &["version"]).is_ok() || !matches!(daemon.try_wait(), Ok(None))
        });
        if !up || !matches!(daemon.try_wait(), Ok(None)) {
            return Err(format!("dockerd does not come up: {}", fs::read_to_string(log)?).into());
        }
        let engine = Self { _daemon: daemon, host, folder };
        images::make(&engine)?;
        Ok(engine)
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("docker.sock")
    }

    /// A folder for files of the tests.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs `docker` and returns what it printed.
    pub(crate) fn docker(&self, arguments: &[&str]) -> Result<String, Failed> {
        docker(&self.socket(), arguments)
    }

    /// Runs a line that a user types, which says `docker`.
    pub(crate) fn shell(&self, line: &str) -> Result<String, Failed> {
        let mut command = Command::new("sh");
        command
            .arg("-ec")
            .arg(line)
            .env("DOCKER_HOST", format!("unix://{}", self.socket().display()));
        output(command)
    }

    /// The first process of a container, by its number here. The engine has numbers of its own.
    pub(crate) fn pid(&self, container: &str) -> Result<u32, Failed> {
        let first = self.pids(container)?.first().copied();
        first.ok_or_else(|| format!("{container} has no process").into())
    }

    /// All of them.
    pub(crate) fn pids(&self, container: &str) -> Result<Vec<u32>, Failed> {
        let id = self.docker(&["inspect", "--format", "{{.Id}}", container])?;
        let mut pids: Vec<u32> = fs::read_dir("/proc")?
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(|pid| {
                fs::read_to_string(format!("/proc/{pid}/cgroup"))
                    .is_ok_and(|text| text.contains(&id))
            })
            .collect();
        pids.sort_unstable();
        Ok(pids)
    }

    /// Starts a program in the network of a container.
    pub(crate) fn inside(&self, container: &str, program: &[&str]) -> Result<Process, Failed> {
        let mut command = Command::new("nsenter");
        command.arg("--net").arg("--target").arg(self.pid(container)?.to_string()).args(program);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        Ok(self.host.spawn(command)?)
    }
}

/// In namespaces of its own: when it ends, however it ends, its processes and mounts end with it.
/// What it wants to have in /run is nobody else's.
fn dockerd(folder: &Path, log: File) -> Command {
    let script = "mount -t tmpfs tmpfs /run
        exec dockerd --data-root \"$0/data\" --exec-root \"$0/exec\" --pidfile \"$0/dockerd.pid\" \
            --host \"unix://$0/docker.sock\" --bridge none --userland-proxy=false";
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-ec", script])
        .arg(folder);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    command
}

fn docker(socket: &Path, arguments: &[&str]) -> Result<String, Failed> {
    let mut command = Command::new("docker");
    // The builder that is in every engine.
    command.env("DOCKER_BUILDKIT", "0").env("DOCKER_HOST", format!("unix://{}", socket.display()));
    command.args(arguments);
    output(command)
}

/// Runs a program to its end: what it printed, or what it complained of.
pub(crate) fn output(mut command: Command) -> Result<String, Failed> {
    let output = command.stdin(Stdio::null()).output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    let said = [text(&output.stdout), text(&output.stderr)].join("\n");
    Err(format!("{command:?} failed with {}: {said}", output.status).into())
}
