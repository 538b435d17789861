//! The daemon with no right that it does not need: a user of its own, two capabilities, no way to
//! more, a root that is read-only, and nothing to write to but its own two directories.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    process::{Command, Output, Stdio},
};

use libtest_mimic::{Failed, Trial};
use serde_json::Value;
use vrrp_net::lab::{Signal, wait_until};

use crate::support::{Outcome, Pair, SOON, check};

/// `nobody`, where there are other users than this one.
const USER: u32 = 65534;

/// What an unprivileged daemon finds: its folder is `/mnt`, everything else is read-only, and what
/// everybody shares is out of reach.
const STAGE: &str = r#"
mount --make-rprivate /
mount --bind "$FOLDER" /mnt
mount --bind "$PROGRAM" /mnt/vrrp
for shared in /tmp /var/tmp /dev/shm /run; do
    [ ! -d $shared ] || mount -t tmpfs -o ro,mode=000 none $shared
done
mount -o remount,bind,ro /
cd /
exec setpriv $RIGHTS /mnt/vrrp "$@"
"#;

const CONFIG: &str = r#"
[[virtual_router]]
name = "web"
interface = "eth0"
vrid = 51
addresses = ["10.0.0.100/24", "fd00::100/64"]
interval = "100ms"
track = ["fine", { check = "slow", weight = -1 }]

[[check]]
name = "fine"
command = ["/bin/sh", "-c", "exit 0"]
AS
interval = "200ms"

[[check]]
name = "slow"
command = ["/bin/sleep", "987654"]
AS
interval = "200ms"
timeout = "100ms"

[daemon]
control = "/mnt/run/control.sock"
state = "/mnt/state"
notify = { command = ["/mnt/note"]AND }
notify_fifo = "/mnt/run/fifo"
"#;

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        Trial::test("privileges_of_a_user_of_its_own", own_user),
        Trial::test("privileges_for_programs_of_another_user", another_user),
    ]
}

/// A node that is started with few rights.
struct Confined {
    pair: Pair,
    /// Its capabilities, as `setpriv` names them.
    capabilities: &'static [&'static str],
}

impl Confined {
    /// The programs run as `user`, or as the daemon does.
    fn new(capabilities: &'static [&'static str], user: Option<&str>) -> Result<Self, Failed> {
        let pair = Pair::new()?;
        let folder = pair.folder.path();
        fs::set_permissions(folder, Permissions::from_mode(0o755))?;
        for name in ["run", "state", "notes"] {
            let path = folder.join(name);
            fs::create_dir(&path)?;
            if has_users()? {
                chown(&path, Some(USER), Some(USER))?;
            }
        }
        // Whoever the program runs as.
        fs::set_permissions(folder.join("notes"), Permissions::from_mode(0o777))?;
        let note = folder.join("note");
        fs::write(&note, "#!/bin/sh\nid -u > /mnt/notes/$3\n")?;
        fs::set_permissions(&note, Permissions::from_mode(0o755))?;
        fs::write(folder.join("vrrp"), "")?;
        let key = user.map(|user| format!("user = \"{user}\"")).unwrap_or_default();
        let and = user.map(|_| format!(", {key}")).unwrap_or_default();
        fs::write(folder.join("vrrp.toml"), CONFIG.replace("AS", &key).replace("AND", &and))?;
        Ok(Self { pair, capabilities })
    }

    /// The program as this user, with these arguments.
    fn command(&self, arguments: &[&str]) -> Result<Command, Failed> {
        let all = |sign: &str| -> String {
            self.capabilities.iter().map(|name| format!(",{sign}{name}")).collect()
        };
        let only = format!("-all{}", all("+"));
        let mut rights = format!("--no-new-privs --bounding-set={only} --inh-caps={only}");
        if has_users()? {
            let user = format!(" --reuid={USER} --regid={USER} --clear-groups");
            rights += &format!("{user} --ambient-caps={only}");
        }
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-ec", STAGE, "sh"]).args(arguments);
        command.env("FOLDER", self.pair.folder.path()).env("RIGHTS", rights);
        command.env("PROGRAM", env!("CARGO_BIN_EXE_vrrp"));
        Ok(command)
    }

    fn start(&mut self) -> Outcome {
        let command = self.command(&["run", "-c", "/mnt/vrrp.toml"])?;
        self.pair.a.spawn(command)
    }

    /// What the program says to this user.
    fn ask(&self, arguments: &[&str]) -> Result<Output, Failed> {
        let mut command = self.command(arguments)?;
        command.stdin(Stdio::null());
        Ok(self.pair.a.host.run(move || command.output())??)
    }

    /// Asks the daemon, which does as it is told.
    fn tell(&self, arguments: &[&str]) -> Outcome {
        let output = self.ask(&[arguments, &["--control", "/mnt/run/control.sock"]].concat())?;
        check(output.status.success(), format!("{arguments:?}: {output:?}"))
    }

    fn wait_for_phase(&self, phase: &str) -> Outcome {
        let mut last = String::new();
        let is = || {
            let Ok(output) = self.ask(&["status", "--json", "-c", "/mnt/vrrp.toml"]) else {
                return false;
            };
            let status: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            last = status.to_string();
            let routers = status["virtual_routers"].as_array().map_or(&[][..], Vec::as_slice);
            routers.len() == 2 && routers.iter().all(|router| router["phase"] == phase)
        };
        let is_so = wait_until(SOON, is);
        check(is_so, format!("it is not {phase}: {last}\n{}", self.pair.a.log()))
    }

    /// Waits until the script was told `state`, and says as whom it ran.
    fn told(&self, state: &str) -> Result<u32, Failed> {
        let path = self.pair.folder.path().join("notes").join(state);
        let mut told = None;
        wait_until(SOON, || {
            told = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok());
            told.is_some()
        });
        told.ok_or_else(|| format!("the script was not told {state}").into())
    }

    /// A line of `/proc/PID/status` of the daemon.
    fn process_status(&mut self, field: &str) -> Result<String, Failed> {
        let pid = self.pair.a.process()?.pid();
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        Ok(line.ok_or_else(|| format!("no {field} in {status}"))?.trim().to_owned())
    }

    /// It leaves in good order, and has complained of nothing.
    fn leave(&mut self) -> Outcome {
        self.pair.a.signal(Signal::SIGTERM)?;
        check(self.pair.a.wait()?, "the daemon did not end with status 0")?;
        for address in ["10.0.0.100", "fd00::100"] {
            check(!self.pair.a.has_address(address)?, format!("{address} is left behind"))?;
        }
        self.told("STOP")?;
        let log = self.pair.a.log();
        let complains = |line: &&str| line.contains("WARN") || line.contains("ERROR");
        // The check that fails is said to.
        let complaints: Vec<&str> = log.lines().filter(complains).collect();
        let other = complaints.iter().any(|line| !line.contains("slow"));
        check(!other, format!("it complains:\n{}", complaints.join("\n")))
    }
}

/// Whether this process may become another user: not in a user namespace with one.
fn has_users() -> Result<bool, Failed> {
    let map = fs::read_to_string("/proc/self/uid_map")?;
    Ok(nix::unistd::geteuid().is_root() && map.contains("4294967295"))
}

fn own_user() -> Outcome {
    let mut node = Confined::new(&["net_admin", "net_raw"], None)?;
    let found = node.ask(&["check", "-c", "/mnt/vrrp.toml"])?;
    check(found.status.code() == Some(0), format!("`vrrp check` says {found:?}"))?;
    node.start()?;
    node.wait_for_phase("held")?;
    let (user, two) = (if has_users()? { USER } else { 0 }, "0000000000003000");
    for (field, value) in [("CapEff:", two), ("CapPrm:", two), ("CapBnd:", two)] {
        let is = node.process_status(field)?;
        check(is == value, format!("{field} {is}"))?;
    }
    check(node.process_status("NoNewPrivs:")? == "1", "it may gain rights")?;
    check(node.process_status("Uid:")?.starts_with(&user.to_string()), "it is another user")?;
    for address in ["10.0.0.100", "fd00::100"] {
        check(node.pair.a.has_address(address)?, format!("{address} is not there"))?;
    }
    let socket = fs::metadata(node.pair.folder.path().join("run/control.sock"))?;
    check((socket.uid(), socket.mode() & 0o777) == (user, 0o660), "the socket is not its own")?;
    check(node.told("MASTER")? == user, "the script ran as somebody else")?;

    node.tell(&["drain", "--keep", "--force"])?;
    let kept = node.pair.folder.path().join("state/drains.json");
    check(kept.exists(), "the drain is not kept")?;
    node.tell(&["resume"])?;
    node.wait_for_phase("held")?;
    node.tell(&["reload"])?;
    node.tell(&["restart"])?;
    node.wait_for_phase("adopted")?;
    let is = node.process_status("CapEff:")?;
    check(is == two, format!("after a restart it has {is}"))?;
    node.leave()
}

/// Three more capabilities are for becoming another user, and for ending what it runs.
fn another_user() -> Outcome {
    if !has_users()? {
        println!("skipped: there is one user here");
        return Ok(());
    }
    const THREE: [&str; 3] = ["CAP_SETUID", "CAP_SETGID", "CAP_KILL"];
    let without = Confined::new(&["net_admin", "net_raw"], Some("daemon"))?;
    let found = without.ask(&["check", "-c", "/mnt/vrrp.toml"])?;
    let said = String::from_utf8_lossy(&found.stderr).replace('\n', " ");
    let names_all = THREE.iter().all(|name| said.contains(name));
    check(found.status.code() == Some(3) && names_all, format!("`vrrp check` says {said}"))?;

    let capabilities = &["net_admin", "net_raw", "setuid", "setgid", "kill"];
    let mut node = Confined::new(capabilities, Some("daemon"))?;
    let found = node.ask(&["check", "-c", "/mnt/vrrp.toml"])?;
    check(found.status.code() == Some(0), format!("`vrrp check` says {found:?}"))?;
    node.start()?;
    node.wait_for_phase("held")?;
    check(node.told("MASTER")? == 1, "the script did not run as daemon")?;
    let ends = || {
        let log = node.pair.a.log();
        log.contains("slow") && sleepers().is_ok_and(|pids| pids.is_empty())
    };
    check(wait_until(SOON, ends), format!("what is too slow goes on:\n{}", node.pair.a.log()))?;
    node.leave()
}

/// The processes of the check that takes too long.
fn sleepers() -> Result<Vec<String>, Failed> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let path = entry?.path();
        let line = fs::read_to_string(path.join("cmdline")).unwrap_or_default();
        if line == "/bin/sleep\0987654\0" {
            found.push(path.display().to_string());
        }
    }
    Ok(found)
}
