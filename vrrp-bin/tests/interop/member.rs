//! One node of a lab, whoever made it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use libtest_mimic::Failed;
use serde_json::Value;
use vrrp_net::lab::{Frame, Frr, Keepalived, Signal, Switch};

use crate::{
    mode::{INTERVAL, Make, Mode, Place},
    support::{Node, Outcome, check},
};

pub(crate) struct Member {
    pub(crate) make: Make,
    pub(crate) node: Node,
    pub(crate) place: Place,
    pub(crate) mode: Mode,
    folder: PathBuf,
    peer: Peer,
}

/// The process of a node that is not ours.
enum Peer {
    None,
    Keepalived(Keepalived),
    Frr(Frr),
}

impl Member {
    pub(crate) fn new(
        name: &'static str,
        (make, place): (Make, Place),
        mode: Mode,
        switch: &Switch,
        folder: &Path,
    ) -> Result<Self, Failed> {
        let ipv4 = format!("{}/16", place.ipv4);
        let ipv6 = [format!("{}/64", place.ipv6), format!("{}/64", place.link_local)];
        let mut addresses = vec![ipv4.as_str()];
        addresses.extend(ipv6.iter().map(String::as_str));
        let node = Node::new(name, switch, &addresses, folder)?;
        if make == Make::Frr {
            Frr::macvlan(&node.host, "eth0", 51, mode.macvlan())?;
        }
        Ok(Self { make, node, place, mode, folder: folder.to_owned(), peer: Peer::None })
    }

    pub(crate) fn start(&mut self, priority: u8, places: &[Place]) -> Outcome {
        let config = self.mode.config(self.make, priority, self.place, places);
        match self.make {
            Make::Ours => self.node.start(&config)?,
            Make::Keepalived => {
                self.peer =
                    Peer::Keepalived(Keepalived::start(&self.node.host, &self.folder, &config)?);
            }
            Make::Frr => self.peer = Peer::Frr(Frr::start(&self.node.host, &self.folder, &config)?),
        }
        Ok(())
    }

    /// Asks it to leave.
    pub(crate) fn terminate(&mut self) -> Outcome {
        match &self.peer {
            Peer::None => self.node.signal(Signal::SIGTERM)?,
            Peer::Keepalived(peer) => peer.terminate()?,
            Peer::Frr(peer) => peer.terminate()?,
        }
        Ok(())
    }

    pub(crate) fn kill(&mut self) -> Outcome {
        match &mut self.peer {
            Peer::None => {
                self.node.process()?.kill()?;
            }
            Peer::Keepalived(peer) => peer.kill()?,
            Peer::Frr(peer) => peer.kill()?,
        }
        Ok(())
    }

    /// Whether it believes that it is the active node. keepalived does not say so: its kernel has
    /// the address.
    pub(crate) fn is_active(&self) -> Result<bool, Failed> {
        Ok(match &self.peer {
            Peer::None => self.node.phase() == "held",
            Peer::Keepalived(_) => self.has_address()?,
            Peer::Frr(peer) => frr_state(peer, self.mode).as_deref() == Some("Master"),
        })
    }

    /// Whether it serves the address. That FRR's kernel has it says nothing: it stays on a dead
    /// macvlan.
    pub(crate) fn serves(&self) -> Result<bool, Failed> {
        if self.make == Make::Frr { self.is_active() } else { self.has_address() }
    }

    fn has_address(&self) -> Result<bool, Failed> {
        self.node.has_address(&self.mode.address().to_string())
    }

    /// Whether it has seen that it is a backup.
    pub(crate) fn is_backup(&self) -> Result<bool, Failed> {
        Ok(match &self.peer {
            Peer::None => self.node.phase() == "backup",
            Peer::Keepalived(peer) => peer.log().contains("BACKUP STATE") && !self.has_address()?,
            Peer::Frr(peer) => frr_state(peer, self.mode).as_deref() == Some("Backup"),
        })
    }

    /// For how long one of ours that yields to it may repeat its last word: six times, half an
    /// interval apart, and a little late each time. FRR does not answer it.
    pub(crate) fn last_words(&self) -> Duration {
        if self.make == Make::Frr { 7 * INTERVAL / 2 } else { Duration::ZERO }
    }

    /// A node of ours has refused nothing so far.
    pub(crate) fn refused_nothing(&self) -> Outcome {
        if self.make != Make::Ours {
            return Ok(());
        }
        let Some(status) = self.node.status() else {
            return Err(format!("{} says no status", self.node.name).into());
        };
        let owners = ["virtual_routers", "ports"]
            .map(|key| status[key].as_array().cloned().unwrap_or_default());
        for owner in owners.iter().flatten() {
            // A virtual router has it among its counters, a port by itself.
            let rejected = [&owner["counters"]["rejected"], &owner["rejected"]];
            let rejected = rejected
                .into_iter()
                .find_map(Value::as_object)
                .ok_or("no counters in the status")?;
            let counted = rejected.iter().find(|(_, count)| count.as_u64() != Some(0));
            check(counted.is_none(), format!("{} refused messages: {counted:?}", self.node.name))?;
        }
        Ok(())
    }

    /// The priority in a VRRP frame that this node sent.
    pub(crate) fn said(&self, frame: &Frame) -> Option<u8> {
        // By the port: FRR sends from the virtual MAC address.
        let vrrp = frame.vrrp().filter(|_| &*frame.port == self.node.cable.port())?;
        vrrp.payload.get(2).copied()
    }

    /// Whether the frame tells neighbours that the virtual address is at this node.
    pub(crate) fn announced(&self, frame: &Frame) -> bool {
        let address = self.mode.address();
        let garp = frame.garp().is_some_and(|(_, claimed)| address == claimed);
        let na = frame.unsolicited_na().is_some_and(|na| address == na.target);
        (garp || na) && &*frame.port == self.node.cable.port()
    }

    pub(crate) fn log(&self) -> String {
        match &self.peer {
            Peer::None => self.node.log(),
            Peer::Keepalived(peer) => peer.log(),
            Peer::Frr(peer) => format!("{}\n{}", peer.log(), peer.status()),
        }
    }
}

fn frr_state(peer: &Frr, mode: Mode) -> Option<String> {
    let status: Value = serde_json::from_str(&peer.status()).ok()?;
    let family = if mode.is_ipv6 { "v6" } else { "v4" };
    status[0][family]["status"].as_str().map(str::to_owned)
}
