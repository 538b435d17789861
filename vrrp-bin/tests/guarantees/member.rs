//! One node of a lab: of ours, or keepalived's.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use libtest_mimic::Failed;
use vrrp_net::lab::{Frame, Host, Keepalived, Process, Signal, Switch, Watch, wait_until};

use crate::{
    network::{Network, VIRTUAL_LINK_LOCAL},
    site::Plan,
    support::{Node, Outcome, SOON, check},
};

pub(crate) const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 100);

/// Runs `ip` with these arguments on a host.
pub(crate) fn ip(host: &Host, arguments: &str) -> Outcome {
    let output = host.run(|| Command::new("ip").args(arguments.split_whitespace()).output())??;
    let said = String::from_utf8_lossy(&output.stderr);
    check(output.status.success(), format!("ip {arguments}: {said}"))
}

/// Who made a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Make {
    Ours,
    Keepalived,
}

pub(crate) struct Member {
    pub(crate) make: Make,
    pub(crate) node: Node,
    /// When its kernel had the address.
    pub(crate) watch: Watch,
    network: Network,
    config: String,
    folder: PathBuf,
    keepalived: Option<Keepalived>,
}

impl Member {
    pub(crate) fn new(
        (who, name): (usize, &'static str),
        make: Make,
        plan: &Plan,
        (switch, folder): (&Switch, &Path),
    ) -> Result<Self, Failed> {
        let network = plan.network;
        let node = Node::new(name, switch, &[&network.own(who + 1)], folder)?;
        for change in network.lay(who) {
            ip(&node.host, &change)?;
        }
        let watch = Watch::start(&node.host, network.address())?;
        let config = match make {
            Make::Ours => network.ours(plan, who),
            Make::Keepalived => network.keepalived(plan, who),
        };
        Ok(Self { make, node, watch, network, config, folder: folder.to_owned(), keepalived: None })
    }

    pub(crate) fn start(&mut self) -> Outcome {
        let program = match self.make {
            Make::Ours => env!("CARGO_BIN_EXE_vrrp"),
            Make::Keepalived => "keepalived",
        };
        self.start_command(Command::new(program))
    }

    /// Starts it without the right to change addresses.
    pub(crate) fn start_denied(&mut self) -> Outcome {
        let mut command = Command::new("setpriv");
        command.args(["--bounding-set", "-net_admin", "--inh-caps", "-net_admin"]);
        command.arg(match self.make {
            Make::Ours => env!("CARGO_BIN_EXE_vrrp"),
            Make::Keepalived => "keepalived",
        });
        self.start_command(command)
    }

    fn start_command(&mut self, command: Command) -> Outcome {
        match self.make {
            Make::Ours => self.node.start_command(&self.config, command),
            Make::Keepalived => {
                let Self { node, folder, config, .. } = self;
                self.keepalived =
                    Some(Keepalived::start_command(&node.host, folder, config, command)?);
                Ok(())
            }
        }
    }

    fn peer(&self) -> Result<&Keepalived, Failed> {
        self.keepalived.as_ref().ok_or_else(|| "keepalived does not run".into())
    }

    /// Asks it to leave.
    pub(crate) fn terminate(&mut self) -> Outcome {
        match self.make {
            Make::Ours => self.node.signal(Signal::SIGTERM),
            Make::Keepalived => Ok(self.peer()?.terminate()?),
        }
    }

    /// Waits until it has left.
    pub(crate) fn wait(&mut self) -> Outcome {
        let Self { make, node, keepalived, .. } = self;
        match (make, keepalived) {
            (Make::Ours, _) => {
                check(node.wait()?, format!("{} did not end with status 0", node.name))
            }
            (_, Some(peer)) => check(peer.wait(SOON)?, format!("{} does not end", node.name)),
            (_, None) => Err("keepalived does not run".into()),
        }
    }

    /// Kills it: nothing of it runs on.
    pub(crate) fn kill(&mut self) -> Outcome {
        match (self.make, &mut self.keepalived) {
            (Make::Ours, _) => {
                self.node.process()?.kill()?;
                Ok(())
            }
            (_, Some(peer)) => Ok(peer.kill()?),
            (_, None) => Err("keepalived does not run".into()),
        }
    }

    /// Kills what speaks VRRP; keepalived's own supervisor starts it again, ours is the test.
    pub(crate) fn crash(&mut self) -> Outcome {
        match self.make {
            Make::Ours => self.kill(),
            Make::Keepalived => {
                self.peer()?.crash();
                Ok(())
            }
        }
    }

    pub(crate) fn suspend(&mut self) -> Outcome {
        match self.make {
            Make::Ours => self.node.signal(Signal::SIGSTOP),
            Make::Keepalived => Ok(self.peer()?.suspend()?),
        }
    }

    pub(crate) fn resume(&mut self) -> Outcome {
        match self.make {
            Make::Ours => self.node.signal(Signal::SIGCONT),
            Make::Keepalived => Ok(self.peer()?.resume()?),
        }
    }

    /// Its interface's own link-local address.
    pub(crate) fn link_local(&self) -> Result<Ipv6Addr, Failed> {
        let list = || {
            Command::new("ip")
                .args(["-6", "-o", "address", "show", "dev", "eth0", "scope", "link"])
                .output()
        };
        let said = String::from_utf8(self.node.host.run(list)??.stdout)?;
        let mut found =
            said.split_whitespace().filter_map(|word| word.split_once('/')?.0.parse().ok());
        found
            .find(|found| *found != VIRTUAL_LINK_LOCAL)
            .ok_or_else(|| format!("no link-local address: {said}").into())
    }

    /// Whether its kernel has the address.
    pub(crate) fn holds(&self) -> bool {
        self.watch.held().last().is_some_and(|last| last.until.is_none())
    }

    /// Whether it says that it is active, and has the address. keepalived does not say so.
    pub(crate) fn is_active(&self) -> bool {
        self.holds()
            && match self.make {
                Make::Ours => matches!(self.node.phase().as_str(), "held" | "adopted"),
                Make::Keepalived => true,
            }
    }

    fn is_backup(&self) -> bool {
        !self.holds()
            && match self.make {
                Make::Ours => self.node.phase() == "backup",
                Make::Keepalived => self.log().contains("BACKUP STATE"),
            }
    }

    pub(crate) fn wait_for_active(&self) -> Outcome {
        let is_active = wait_until(SOON, || self.is_active());
        check(is_active, format!("{} did not become active", self.node.name))
    }

    pub(crate) fn wait_for_backup(&self) -> Outcome {
        let is_backup = wait_until(SOON, || self.is_backup());
        check(is_backup, format!("{} did not become a backup", self.node.name))
    }

    /// Waits until its kernel has the address no more, and says since when.
    pub(crate) fn wait_for_loss(&self, since: Duration) -> Result<Duration, Failed> {
        let mut gone = None;
        wait_until(SOON, || {
            gone = self
                .watch
                .held()
                .iter()
                .filter_map(|held| held.until)
                .find(|until| *until >= since);
            gone.is_some()
        });
        gone.ok_or_else(|| format!("{} kept the address", self.node.name).into())
    }

    /// Waits until its kernel got the address, and says when.
    pub(crate) fn wait_for_address(&self, since: Duration) -> Result<Duration, Failed> {
        let mut got = None;
        wait_until(SOON, || {
            got = self.watch.held().iter().map(|held| held.from).find(|from| *from >= since);
            got.is_some()
        });
        got.ok_or_else(|| format!("{} did not get the address", self.node.name).into())
    }

    /// The priority in a VRRP frame that this node sent.
    pub(crate) fn said(&self, frame: &Frame) -> Option<u8> {
        let vrrp = frame.vrrp().filter(|_| self.sent(frame))?;
        vrrp.payload.get(2).copied()
    }

    /// Whether the frame tells neighbours that the address is at this node.
    pub(crate) fn announced(&self, frame: &Frame) -> bool {
        let arp = || frame.garp().map(|(_, claimed)| IpAddr::from(claimed));
        let claimed = arp().or_else(|| frame.unsolicited_na().map(|told| told.target.into()));
        self.sent(frame) && claimed == Some(self.network.address())
    }

    /// By the port: an interface that is made anew has another MAC address.
    fn sent(&self, frame: &Frame) -> bool {
        &*frame.port == self.node.cable.port()
    }

    /// Kills it. What is left is the host.
    pub(crate) fn end(mut self) -> Node {
        // It may have ended already.
        let _ = self.node.process().map(Process::kill);
        self.node
    }

    pub(crate) fn log(&self) -> String {
        match self.make {
            Make::Ours => self.node.log(),
            Make::Keepalived => self.keepalived.as_ref().map(Keepalived::log).unwrap_or_default(),
        }
    }
}
