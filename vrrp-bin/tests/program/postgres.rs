//! [`Postgres`]: a real one in a folder that it takes for /run, so that each host of a lab has its
//! own at the place where everybody looks for it.

use std::{
    error::Error,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use vrrp_net::lab::{Host, Process, Signal, wait_until};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// How long it may take to start, or to end.
const SOON: Duration = Duration::from_secs(20);
/// Without asking for a password: the host has no other users.
const INITDB: [&str; 6] =
    ["-D", "/run/data", "--auth=trust", "--no-sync", "--no-instructions", "-E"];

/// Why there can be none.
pub(crate) fn missing() -> Option<String> {
    if programs().is_none() || !Path::new("/usr/bin/pg_isready").exists() {
        return Some("PostgreSQL is not installed".to_owned());
    }
    // Its user is another one than ours.
    let all = fs::read_to_string("/proc/self/uid_map").is_ok_and(|map| map.contains("4294967295"));
    (!all).then(|| "PostgreSQL needs a user of its own, which only root can become".to_owned())
}

/// A database of a host. It ends when this is dropped.
pub(crate) struct Postgres {
    programs: PathBuf,
    run: PathBuf,
    process: Option<Process>,
}

impl Postgres {
    /// Makes an empty one in `run`, a folder that is new.
    pub(crate) fn new(run: &Path) -> Result<Self> {
        let programs = programs().ok_or("PostgreSQL is not installed")?;
        let (data, socket) = (run.join("data"), run.join("postgresql"));
        fs::create_dir(run)?;
        for (folder, mode) in [(data, "0700"), (socket, "0755")] {
            let mut install = Command::new("install");
            install.args(["-d", "-o", "postgres", "-g", "postgres", "-m", mode]).arg(folder);
            finish(install)?;
        }
        let new = Self { programs, run: run.to_owned(), process: None };
        let mut initdb = new.own("initdb");
        initdb.args(INITDB).arg("UTF8");
        finish(initdb)?;
        Ok(new)
    }

    /// Starts it on `host`, where it listens on every address, and waits until it is ready.
    pub(crate) fn start(&mut self, host: &Host) -> Result<()> {
        let mut command = self.own("postgres");
        command.args(["-D", "/run/data", "-k", "/run/postgresql", "-c", "listen_addresses=*"]);
        let log = File::options().create(true).append(true).open(self.run.join("postgres.log"))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        self.process = Some(host.spawn(command)?);
        let ready = || {
            let mut ready = within(&self.run, "/usr/bin/pg_isready");
            ready
                .args(["-q", "-h", "/run/postgresql"])
                .status()
                .is_ok_and(|status| status.success())
        };
        if wait_until(SOON, ready) {
            return Ok(());
        }
        let log = fs::read_to_string(self.run.join("postgres.log"))?;
        Err(format!("PostgreSQL does not come up:\n{log}").into())
    }

    /// Kills it as a crash does.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.process.take().ok_or("it does not run")?.kill()?;
        Ok(())
    }

    /// Runs SQL, and returns what comes of it.
    pub(crate) fn sql(&self, statement: &str) -> Result<String> {
        let mut psql = within(&self.run, "/usr/bin/psql");
        psql.args(["-h", "/run/postgresql", "-U", "postgres", "-Atqc", statement]);
        finish(psql)
    }

    /// A program of its own, as its user.
    fn own(&self, name: &str) -> Command {
        let mut command = within(&self.run, "setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
        command.arg(self.programs.join(name));
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // A fast shutdown, which takes its processes along. There is nobody left to tell.
            let _ = process.signal(Signal::SIGINT);
            let _ = process.wait_timeout(SOON);
        }
    }
}

/// A program that takes the folder `run` for /run; what shares memory with it ends with it.
pub(crate) fn within(run: &Path, program: impl AsRef<Path>) -> Command {
    let mut command = Command::new("unshare");
    let script = "mount --bind \"$0\" /run; exec \"$@\"";
    command.args(["--mount", "--ipc", "sh", "-ec", script]).arg(run).arg(program.as_ref());
    // Its user may not stand in our folder.
    command.current_dir("/");
    command
}

/// Where Debian puts what its wrappers call: the newest version.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let folders = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    folders.filter(|folder| folder.join("postgres").exists()).max()
}

fn finish(mut command: Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    let said = text(&output.stderr);
    Err(format!("{command:?} failed with {}: {said}", output.status).into())
}
