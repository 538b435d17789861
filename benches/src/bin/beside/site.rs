//! [`Site`]: a switch for each interface, and hosts with an interface at each of them.

use std::{collections::HashSet, fs, net::Ipv4Addr, path::Path, time::Duration};

use nix::ifaddrs::getifaddrs;
use tempfile::TempDir;
use vrrp_net::lab::{Cable, Capture, Frame, Host, Switch};

use crate::{
    Failed,
    config::{self, Plan},
};

/// Where a measurement takes place.
#[derive(Debug)]
pub(crate) struct Site {
    switches: Vec<Switch>,
    folder: TempDir,
}

/// A host of the site: `eth0` is at the first switch, and so on.
#[derive(Debug)]
pub(crate) struct Station {
    pub(crate) host: Host,
    pub(crate) cables: Vec<Cable>,
}

/// How many packets a host has received and sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packets {
    pub(crate) received: u64,
    pub(crate) sent: u64,
}

impl Site {
    pub(crate) fn new(plan: Plan) -> Result<Self, Failed> {
        let switches = (0..plan.interfaces()).map(|_| Switch::new()).collect::<Result<_, _>>()?;
        Ok(Self { switches, folder: TempDir::with_prefix("vrrp-beside-")? })
    }

    /// For configurations and logs.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A host whose addresses end in `number`.
    pub(crate) fn station(&self, name: &str, number: u8) -> Result<Station, Failed> {
        let host = Host::new(name)?;
        let cable = |(index, switch): (usize, &Switch)| {
            let address = format!("{}/16", config::host_address(index, number));
            Cable::new(&host, &format!("eth{index}"), switch, &[&address])
        };
        let cables = self.switches.iter().enumerate().map(cable).collect::<Result<_, _>>()?;
        Ok(Station { host, cables })
    }
}

impl Station {
    /// Captures what it sends, on each interface.
    pub(crate) fn captures(&self) -> Result<Vec<Capture>, Failed> {
        Ok(self.cables.iter().map(Capture::sent).collect::<Result<_, _>>()?)
    }

    /// How many of the plan's virtual addresses it holds.
    pub(crate) fn held(&self, plan: Plan) -> Result<usize, Failed> {
        let held: HashSet<Ipv4Addr> = self.host.run(addresses)??;
        let wanted = (0..plan.interfaces())
            .flat_map(|i| plan.vrids(i).map(move |vrid| config::address(i, vrid)));
        Ok(wanted.filter(|address| held.contains(address)).count())
    }

    /// What passed its interfaces so far.
    pub(crate) fn packets(&self) -> Result<Packets, Failed> {
        let text = self.host.run(|| fs::read_to_string("/proc/thread-self/net/dev"))??;
        let mut packets = Packets { received: 0, sent: 0 };
        for line in text.lines().filter_map(|line| line.trim_start().strip_prefix("eth")) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let number =
                |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
            // After the name: received bytes, packets and six more; then the same of what was sent.
            packets.received += number(2);
            packets.sent += number(10);
        }
        Ok(packets)
    }
}

/// Waits until each of the plan's virtual routers has advertised.
pub(crate) fn all_advertise(
    captures: &[Capture],
    plan: Plan,
    within: Duration,
) -> Result<(), Failed> {
    for (interface, capture) in captures.iter().enumerate() {
        let mut silent: HashSet<u8> = plan.vrids(interface).collect();
        let heard = capture.wait_for(within, |frame| {
            if let Some((vrid, _)) = advert(frame) {
                silent.remove(&vrid);
            }
            silent.is_empty()
        });
        if heard.is_none() {
            return Err(format!(
                "{} virtual routers of eth{interface} do not advertise within {within:?}",
                silent.len()
            )
            .into());
        }
    }
    Ok(())
}

/// The VRID and the priority of an advertisement, resignations excluded.
pub(crate) fn advert(frame: &Frame) -> Option<(u8, u8)> {
    let vrrp = frame.vrrp()?;
    let (vrid, priority) = (*vrrp.payload.get(1)?, *vrrp.payload.get(2)?);
    (priority > 0).then_some((vrid, priority))
}

fn addresses() -> nix::Result<HashSet<Ipv4Addr>> {
    let all = getifaddrs()?;
    Ok(all.filter_map(|entry| Some(entry.address?.as_sockaddr_in()?.ip())).collect())
}
