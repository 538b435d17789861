//! Two hosts with two networks, and on each the program that is asked for, which reads the same
//! file.

use std::{
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use libtest_mimic::Failed;
use tempfile::TempDir;
use vrrp_net::lab::{Cable, Capture, Error, Host, Keepalived, Process, Signal, Switch, wait_until};

use super::file::File;
pub(super) use crate::makes::{Make, Who};
use crate::{
    notify::Record,
    places::table::Table,
    support::{Node, Outcome, SOON, check},
};

/// What a program runs in: each has a `/run` of its own, with what the test keeps for it in
/// `/run/site`, and a name of the host.
const PLACE: &str = "mount -t tmpfs lab /run && mkdir /run/site /run/vrrp && \
    mount --bind \"$0\" /run/site && mount --bind \"$0/run\" /run/vrrp && \
    hostname \"$1\" && shift && exec \"$@\"";

pub(super) struct Site {
    members: [Member; 2],
    /// Of the two networks.
    pub(super) captures: [Capture; 2],
    pub(super) lan: Switch,
    _wan: Switch,
    _folder: TempDir,
}

impl Site {
    /// With a program of each of these makes. The hosts have 10.0.0.1 and fd00::1, 10.0.0.2 and
    /// fd00::2 on eth0, 10.0.1.1 and 10.0.1.2 on eth1.
    pub(super) fn new(file: File, makes: [Make; 2]) -> Result<Self, Failed> {
        Self::with(file, makes, Capture::start)
    }

    /// The same, captured in another way.
    pub(super) fn with(
        file: File,
        [a, b]: [Make; 2],
        capture: fn(&Switch) -> Result<Capture, Error>,
    ) -> Result<Self, Failed> {
        let folder = TempDir::with_prefix("vrrp-test-")?;
        let (lan, wan) = (Switch::new()?, Switch::new()?);
        let captures = [capture(&lan)?, capture(&wan)?];
        let member = |who, make| Member::new(who, make, file, [&lan, &wan], folder.path());
        let members = [member(Who::A, a)?, member(Who::B, b)?];
        Ok(Self { members, captures, lan, _wan: wan, _folder: folder })
    }

    pub(super) fn member(&self, who: Who) -> &Member {
        let [a, b] = &self.members;
        match who {
            Who::A => a,
            Who::B => b,
        }
    }

    pub(super) fn member_mut(&mut self, who: Who) -> &mut Member {
        let [a, b] = &mut self.members;
        match who {
            Who::A => a,
            Who::B => b,
        }
    }

    /// What everybody said: for the message of a failure.
    pub(super) fn evidence(&self) -> String {
        let logs = self.members.iter().map(|member| {
            format!("\n--- {} ({:?}):\n{}", member.who.name(), member.make, member.log())
        });
        logs.collect()
    }
}

/// A host with its program.
pub(super) struct Member {
    pub(super) who: Who,
    pub(super) make: Make,
    pub(super) node: Node,
    pub(super) eth1: Cable,
    pub(super) record: Record,
    /// What its scripts and files are in.
    pub(super) home: PathBuf,
    /// What its host had before anything was started.
    pub(super) before: Table,
    file: File,
    served: String,
    service: Option<Process>,
    keepalived: Option<Keepalived>,
}

impl Member {
    fn new(
        who: Who,
        make: Make,
        file: File,
        [lan, wan]: [&Switch; 2],
        folder: &Path,
    ) -> Result<Self, Failed> {
        let [own, own_v6, behind] = match who {
            Who::A => ["10.0.0.1/24", "fd00::1/64", "10.0.1.1/24"],
            Who::B => ["10.0.0.2/24", "fd00::2/64", "10.0.1.2/24"],
        };
        let node = Node::new(who.name(), lan, &[own, own_v6], folder)?;
        let eth1 = Cable::new(&node.host, "eth1", wan, &[behind])?;
        let home = folder.join(format!("{}.d", who.name()));
        fs::create_dir_all(home.join("run"))?;
        symlink(home.join("run/control.sock"), node.control())?;
        let record = Record::new(&home)?;
        let before = Table::of(&node.host, &[])?;
        let mut member = Self {
            who,
            make,
            node,
            eth1,
            record,
            home,
            before,
            file,
            served: served(),
            service: None,
            keepalived: None,
        };
        member.fall_ill(false)?;
        Ok(member)
    }

    /// Starts the program.
    pub(super) fn start(&mut self) -> Outcome {
        let Self { who, make, home, .. } = self;
        let path = self.file.write(home, (*who, *make), &self.served)?;
        let command = |program| in_place(home, *who, program);
        match make {
            Make::Ours => {
                let mut command = command(env!("CARGO_BIN_EXE_vrrp"));
                command.arg("run").arg("-c").arg(path);
                self.node.spawn(command)
            }
            Make::Keepalived => {
                let config = fs::read_to_string(path)?;
                let host = &self.node.host;
                let command = command("keepalived");
                self.keepalived = Some(Keepalived::start_command(host, home, &config, command)?);
                Ok(())
            }
        }
    }

    /// Has the other program read the file from the next start on.
    pub(super) fn become_of(&mut self, make: Make) {
        self.make = make;
    }

    /// Asks it to leave, and waits until it has left.
    pub(super) fn stop(&mut self) -> Outcome {
        let name = self.node.name;
        match (self.make, &mut self.keepalived) {
            (Make::Ours, _) => {
                self.node.signal(Signal::SIGTERM)?;
                check(self.node.wait()?, format!("{name} did not end with status 0"))
            }
            (Make::Keepalived, Some(keepalived)) => {
                keepalived.terminate()?;
                check(keepalived.wait(SOON)?, format!("keepalived of {name} does not end"))
            }
            (Make::Keepalived, None) => Err(format!("keepalived of {name} does not run").into()),
        }
    }

    /// Kills it: nothing of it runs on.
    pub(super) fn kill(&mut self) -> Outcome {
        match (self.make, &mut self.keepalived) {
            (Make::Ours, _) => {
                self.node.process()?.kill()?;
                Ok(())
            }
            (Make::Keepalived, Some(keepalived)) => Ok(keepalived.kill()?),
            (Make::Keepalived, None) => {
                Err(format!("keepalived of {} does not run", self.node.name).into())
            }
        }
    }

    /// What it tracks fails, or is well: a file has another number, and a process ends or begins.
    pub(super) fn fall_ill(&mut self, ill: bool) -> Outcome {
        fs::write(self.home.join("ill"), if ill { "1\n" } else { "0\n" })?;
        self.service = if ill { None } else { Some(self.serve()?) };
        Ok(())
    }

    /// A process of a name that no other has.
    fn serve(&self) -> Result<Process, Failed> {
        let program = self.home.join(&self.served);
        // The kernel calls a process by the name that it was started with. A copy would be busy
        // for as long as others that are started just now have it open.
        if !program.is_symlink() {
            symlink("/bin/sleep", &program)?;
        }
        let mut command = Command::new(program);
        command.arg("3600");
        Ok(self.node.host.spawn(command)?)
    }

    /// Whether it is a backup, and says so since its log was this long.
    fn is_backup(&self, address: &str, since: usize) -> bool {
        let has_it = self.node.has_address(address).unwrap_or(true);
        !has_it
            && match self.make {
                Make::Ours => {
                    let status = self.node.status().unwrap_or_default();
                    let routers = status["virtual_routers"].as_array().cloned().unwrap_or_default();
                    routers.iter().any(|router| router["phase"] == "backup")
                }
                Make::Keepalived => {
                    let log = self.log();
                    log.get(since..).is_some_and(|log| log.contains("BACKUP STATE"))
                }
            }
    }

    /// Waits until it is.
    pub(super) fn wait_for_backup(&self, address: &str, since: usize) -> Outcome {
        let is_backup = wait_until(SOON, || self.is_backup(address, since));
        check(is_backup, format!("{} is no backup", self.node.name))
    }

    /// Waits until its kernel has this address, or has it no more.
    pub(super) fn wait_for_address(&self, address: &str, is_there: bool) -> Outcome {
        self.node.wait_for_address(address.parse()?, is_there)
    }

    pub(super) fn host(&self) -> &Host {
        &self.node.host
    }

    pub(super) fn log(&self) -> String {
        match self.make {
            Make::Ours => self.node.log(),
            Make::Keepalived => self.keepalived.as_ref().map(Keepalived::log).unwrap_or_default(),
        }
    }
}

/// A program on a host, with what the test keeps for it in its place.
fn in_place(home: &Path, who: Who, program: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--uts", "/bin/sh", "-c", PLACE]);
    command.arg(home).arg(who.name()).arg(program);
    command
}

/// The name of a process, which has 15 octets at most.
fn served() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("s{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// Whether the programs that make a place are there.
pub(super) fn missing() -> Option<String> {
    let lacks = |program: &&str| -> bool {
        let found = Command::new(program).arg("--version").output();
        found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    };
    let missing = ["unshare", "mount", "hostname"].iter().find(|program| lacks(program));
    missing.map(|program| format!("the program {program} is missing"))
}
